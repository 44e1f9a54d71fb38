"""xpublish with xpublish-edr, its datasets opened by `xr.open_zarr`, behind uvicorn: its documented way."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.client import get, post
from benchmarks.processes import Server, free_port, running
from benchmarks.questions import Question
from benchmarks.stores import Store
from benchmarks.systems import peers
from benchmarks.systems.base import WORKERS, Decode, coverage_values, pairs, where

GET_POINTS = 1000
"""It takes URLs up to 64 kB, and CSV beyond."""


@dataclass(frozen=True, slots=True)
class Xpublish:
    """One request for each question."""

    name: str = "xpublish-edr"
    max_points: int = 100_000

    @contextmanager
    def serve(self, stores: Sequence[Store], folder: Path) -> Iterator[Server]:
        """uvicorn, without its log of requests, in an environment of its own."""
        port = free_port()
        paths = json.dumps({store.name: str(store.path) for store in stores})
        command = [str(peers.environment("xpublish") / "uvicorn"), "xpublish_app:app", "--app-dir", str(peers.APPS)]
        command += ["--host", "127.0.0.1", "--port", str(port), "--workers", str(WORKERS)]
        command += ["--no-access-log", "--log-level", "warning"]
        with running(command, folder / "xpublish.log", port, peers.variables(STORES=paths)) as process:
            yield Server(port, (process,))

    def can(self, question: Question) -> bool:
        """All of them."""
        return len(question.points) <= self.max_points

    def requests(self, question: Question, port: int) -> tuple[bytes, ...]:
        """Times without `Z`, which it does not take."""
        when = question.first if question.one_time else f"{question.first}/{question.last}"
        when = "" if question.whole_series else f"datetime={when}"
        base = f"/datasets/{question.store}/edr"
        if question.kind == "position" and len(question.points) > GET_POINTS:
            body = "\n".join(["x,y", *pairs(question.points, ",")]).encode()
            return (post(f"{base}/position?{when}".rstrip("?"), body, port, "text/csv"),)
        return (get(f"{base}/{where(question)}&{when}".rstrip("&"), port),)

    @property
    def decode(self) -> Decode:
        """CoverageJSON."""
        return coverage_values
