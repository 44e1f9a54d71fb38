"""Servers under test, each on a free port of loopback, ended with the run."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import yaml

from zarr_edr.init import config as written_config

BIN = Path(sys.executable).parent
START_S = 120
IDLE = 0.05
"""Cores: below this a server counts as idle."""


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def ours(stores: dict[str, Path], folder: Path, workers: int) -> Iterator[tuple[int, psutil.Process]]:
    """`zarr-edr serve` on some stores."""
    port = free_port()
    provider = {"type": "edr", "name": "zarr_edr.ZarrEDRProvider"}
    resources = {name: {"providers": [{**provider, "data": str(path)}]} for name, path in stores.items()}
    config = folder / "ours.yml"
    config.write_text(yaml.safe_dump({"resources": resources}))
    command = [str(BIN / "zarr-edr"), "serve", str(config), "--bind", f"127.0.0.1:{port}", "--workers", str(workers)]
    with _running(command, os.environ.copy(), folder / "ours.log", port) as process:
        yield port, process


@contextmanager
def stock(stores: dict[str, Path], folder: Path, workers: int) -> Iterator[tuple[int, psutil.Process]]:
    """pygeoapi with its own xarray-edr provider, behind gunicorn's sync workers: its documented way into production."""
    port = free_port()
    text = written_config([str(path) for path in stores.values()])
    found: dict[str, Any] = yaml.safe_load(text)
    found["server"] |= {"bind": {"host": "127.0.0.1", "port": port}, "url": f"http://127.0.0.1:{port}"}
    found["logging"] = {"level": "ERROR"}
    found["resources"] = {id_: r for id_, r in found["resources"].items() if "providers" in r}
    for name, resource in zip(stores, list(found["resources"].values()), strict=True):
        resource["providers"] = [
            {"type": "edr", "name": "xarray-edr", "data": str(stores[name]), **_fields(stores[name])}
        ]
    found["resources"] = dict(zip(stores, found["resources"].values(), strict=True))
    config, openapi = folder / "stock.yml", folder / "stock-openapi.yml"
    config.write_text(yaml.safe_dump(found))
    environment = os.environ | {"PYGEOAPI_CONFIG": str(config), "PYGEOAPI_OPENAPI": str(openapi)}
    generate = [str(BIN / "pygeoapi"), "openapi", "generate", str(config), "--output-file", str(openapi)]
    subprocess.run(generate, env=environment, check=True, capture_output=True)
    command = [str(BIN / "gunicorn"), "--workers", str(workers), "--preload", "--no-control-socket"]
    command += ["--bind", f"127.0.0.1:{port}", "--timeout", "600", "pygeoapi.flask_app:APP"]
    with _running(command, environment, folder / "stock.log", port) as process:
        yield port, process


@contextmanager
def tutorial(store: Path, folder: Path) -> Iterator[tuple[int, psutil.Process]]:
    """FastAPI behind uvicorn, with a dask scheduler and one worker of two threads; all of it counts as one process tree."""
    port, scheduler = free_port(), free_port()
    address = f"tcp://127.0.0.1:{scheduler}"
    lonely = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
    environment = os.environ | {"DASK": address, "ZARR": str(store)}
    commands = (
        ([str(BIN / "dask"), "scheduler", "--port", str(scheduler), *lonely], "scheduler.log", scheduler),
        ([str(BIN / "dask"), "worker", address, "--nthreads", "2", *lonely], "worker.log", None),
        (
            [str(BIN / "uvicorn"), "benchmarks.tutorial:app", "--host", "127.0.0.1", "--port", str(port)],
            "app.log",
            port,
        ),
    )
    with ExitStack() as running:
        for command, log, listens in commands:
            process = running.enter_context(_running(command, environment, folder / log, listens))
        yield port, process


def _fields(store: Path) -> dict[str, str]:
    """Axis names that the stock provider must be told where it would guess others."""
    from zarr_edr.dataset.cf import describe  # noqa: PLC0415  # one server of several needs it
    from zarr_edr.dataset.source import open_group  # noqa: PLC0415  # one server of several needs it
    from zarr_edr.settings import CollectionSettings  # noqa: PLC0415  # one server of several needs it

    parameter = next(
        iter(describe(open_group(str(store)), "s", None, None, CollectionSettings(str(store))).parameters.values())
    )
    y, x = parameter.grid.dims
    found = {"x_field": x, "y_field": y}
    if parameter.t is not None:
        found["time_field"] = parameter.t.dim
    return found


@contextmanager
def _running(command: list[str], environment: dict[str, str], log: Path, port: int | None) -> Iterator[psutil.Process]:
    with log.open("wb") as output:
        started = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, cwd=Path(__file__).parents[1]
        )
    try:
        if port is not None:
            _await_port(started, port, log)
        yield psutil.Process(started.pid)
    finally:
        started.terminate()
        try:
            started.wait(60)
        except subprocess.TimeoutExpired:
            started.kill()


def _await_port(started: subprocess.Popen[bytes], port: int, log: Path) -> None:
    give_up = time.monotonic() + START_S
    while time.monotonic() < give_up:
        if started.poll() is not None:
            raise RuntimeError(f"{started.args!r} ended: {log.read_text()[-2000:]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{started.args!r} does not listen after {START_S} s")


def await_idle(process: psutil.Process, at_most_s: float = 60) -> None:
    """Wait until a server has done the work of earlier requests, so that none of it is taken from the next measurement."""
    give_up = time.monotonic() + at_most_s
    while time.monotonic() < give_up:
        before = _cpu_s(process)
        time.sleep(0.5)
        if _cpu_s(process) - before < IDLE * 0.5:
            return


def _cpu_s(process: psutil.Process) -> float:
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
