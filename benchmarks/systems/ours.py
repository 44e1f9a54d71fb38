"""zarr-edr, as `zarr-edr serve` runs it, with all its defaults."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml
from benchmarks.client import get, post
from benchmarks.processes import START_S, Server, free_port, running
from benchmarks.questions import Question
from benchmarks.stores import Store
from benchmarks.systems.base import WORKERS, Decode, coverage_values, where

GET_POINTS = 1000
"""More go into a POST."""


@dataclass(frozen=True, slots=True)
class Ours:
    """One request for each question."""

    name: str = "zarr-edr"
    max_points: int = 100_000

    @contextmanager
    def serve(self, stores: Sequence[Store], folder: Path) -> Iterator[Server]:
        """`zarr-edr serve` with the shortest configuration there is."""
        with serving({store.name: str(store.path) for store in stores}, folder) as server:
            yield server

    def can(self, question: Question) -> bool:
        """All of them."""
        return len(question.points) <= self.max_points

    def requests(self, question: Question, port: int) -> tuple[bytes, ...]:
        """GET, or POST of two lists for many points."""
        base = f"/collections/{question.store}"
        when = "" if question.whole_series else f"datetime={_interval(question)}"
        if question.kind == "position" and len(question.points) > GET_POINTS:
            body = {"longitude": question.points[:, 0].tolist(), "latitude": question.points[:, 1].tolist()}
            return (post(f"{base}/position?{when}".rstrip("?"), orjson.dumps(body), port),)
        return (get(f"{base}/{where(question)}&{when}".rstrip("&"), port),)

    @property
    def decode(self) -> Decode:
        """CoverageJSON."""
        return coverage_values


def _interval(question: Question) -> str:
    return f"{question.first}Z" if question.one_time else f"{question.first}Z/{question.last}Z"


@contextmanager
def serving(
    stores: dict[str, str],
    folder: Path,
    workers: int = WORKERS,
    options: dict[str, Any] | None = None,
    start_s: float = START_S,
) -> Iterator[Server]:
    """`zarr-edr serve` on paths or URLs."""
    port = free_port()
    provider: dict[str, Any] = {"type": "edr", "name": "zarr_edr.ZarrEDRProvider"}
    if options:
        provider["options"] = options
    resources = {name: {"providers": [{**provider, "data": data}]} for name, data in stores.items()}
    config = folder / f"ours-{port}.yml"
    config.write_text(yaml.safe_dump({"resources": resources}))
    command = [sys.executable, "-m", "zarr_edr", "serve", str(config), "--bind", f"127.0.0.1:{port}"]
    with running([*command, "--workers", str(workers)], folder / f"ours-{port}.log", port, start_s=start_s) as process:
        yield Server(port, (process,))
