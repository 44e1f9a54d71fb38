"""The machine and the software of a run."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil


def describe(peers: dict[str, str]) -> dict[str, str]:
    """What results depend on; `peers` are versions in other environments."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "CPU": f"{_cpu()}, {psutil.cpu_count()} cores, shared by servers and clients",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "zarr-edr, stock pygeoapi, tutorial": ", ".join(
            f"{name} {version(name)}"
            for name in (
                "zarr-edr",
                "pygeoapi",
                "gunicorn",
                "zarr",
                "xarray",
                "dask",
                "numpy",
                "numcodecs",
                "orjson",
                "fastapi",
            )
        ),
        **peers,
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, os.uname().machine)
