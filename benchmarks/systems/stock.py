"""pygeoapi with its own xarray-edr provider, behind gunicorn's sync workers: its documented way into production."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from benchmarks.client import get
from benchmarks.processes import Server, free_port, running
from benchmarks.questions import Question
from benchmarks.stores import Store
from benchmarks.systems.base import WORKERS, Decode, coverage_values, where

from zarr_edr.init import config as written_config

BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Stock:
    """A request for each point: it answers a MULTIPOINT with the whole grid. It knows no areas."""

    name: str = "stock pygeoapi"
    max_points: int = 100
    provider: str = "xarray-edr"
    workers: int = WORKERS

    @contextmanager
    def serve(self, stores: Sequence[Store], folder: Path) -> Iterator[Server]:
        """A configuration as `zarr-edr init` writes it, with the stock provider put in."""
        port = free_port()
        environment = os.environ | _files(self.provider, stores, folder, port)
        command = [str(BIN / "gunicorn"), "--workers", str(self.workers), "--preload", "--no-control-socket"]
        command += ["--bind", f"127.0.0.1:{port}", "--timeout", "600", "pygeoapi.flask_app:APP"]
        with running(command, folder / "stock.log", port, environment) as process:
            yield Server(port, (process,))

    def can(self, question: Question) -> bool:
        """Positions, and cubes."""
        return question.kind != "area" and len(question.points) <= self.max_points

    def requests(self, question: Question, port: int) -> tuple[bytes, ...]:
        """An instant is asked for as an interval of no length: there are no data for `datetime=<instant>`."""
        when = "" if question.whole_series else f"&datetime={question.first}Z/{question.last}Z"
        base = f"/collections/{question.store}"
        if question.kind == "cube":
            return (get(f"{base}/{where(question)}{when}&f=json", port),)
        places = (f"POINT({x}%20{y})" for x, y in question.points.tolist())
        return tuple(get(f"{base}/position?coords={place}{when}&f=json", port) for place in places)

    @property
    def decode(self) -> Decode:
        """CoverageJSON."""
        return coverage_values


def _files(provider: str, stores: Sequence[Store], folder: Path, port: int) -> dict[str, str]:
    """Write the configuration and the OpenAPI document; returns the variables that name them."""
    found: dict[str, Any] = yaml.safe_load(written_config([str(store.path) for store in stores]))
    found["server"] |= {"bind": {"host": "127.0.0.1", "port": port}, "url": f"http://127.0.0.1:{port}"}
    found["server"]["pretty_print"] = False
    found["logging"] = {"level": "ERROR"}
    described = [resource for resource in found["resources"].values() if "providers" in resource]
    axes = {"x_field": "lon", "y_field": "lat", "time_field": "time"}
    for store, resource in zip(stores, described, strict=True):
        resource["providers"] = [{"type": "edr", "name": provider, "data": str(store.path), **axes}]
    found["resources"] = {store.name: resource for store, resource in zip(stores, described, strict=True)}
    config, openapi = folder / "stock.yml", folder / "stock-openapi.yml"
    config.write_text(yaml.safe_dump(found))
    variables = {"PYGEOAPI_CONFIG": str(config), "PYGEOAPI_OPENAPI": str(openapi)}
    generate = [str(BIN / "pygeoapi"), "openapi", "generate", str(config), "--output-file", str(openapi)]
    subprocess.run(generate, env=os.environ | variables, check=True, capture_output=True)
    return variables
