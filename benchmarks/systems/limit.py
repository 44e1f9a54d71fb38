"""The limit: the same chunks read and decoded by the thinnest code, behind the thinnest HTTP. A yardstick, no product."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
from benchmarks.client import get, post
from benchmarks.processes import Server, free_port, running
from benchmarks.questions import Question
from benchmarks.stores import Store
from benchmarks.systems import peers
from benchmarks.systems.base import WORKERS, Decode, coverage_values


@dataclass(frozen=True, slots=True)
class Limit:
    """One request for each question; one point by GET, more by POST of two lists."""

    name: str = "limit"
    max_points: int = 100_000

    @contextmanager
    def serve(self, stores: Sequence[Store], folder: Path) -> Iterator[Server]:
        """granian, in an environment of its own."""
        port = free_port()
        paths = json.dumps({store.name: [str(store.path), store.variable] for store in stores})
        command = [str(peers.environment("limit") / "granian"), "--interface", "rsgi", "--host", "127.0.0.1"]
        command += ["--port", str(port), "--workers", str(WORKERS), "--no-access-log", "--log-level", "warning"]
        variables = peers.variables(STORES=paths, PYTHONPATH=str(peers.APPS))
        with running([*command, "limit_app:app"], folder / "limit.log", port, variables) as process:
            yield Server(port, (process,))

    def can(self, question: Question) -> bool:
        """Positions."""
        return question.kind == "position" and len(question.points) <= self.max_points

    def requests(self, question: Question, port: int) -> tuple[bytes, ...]:
        """Times as texts that it looks up."""
        when = "" if question.whole_series else f"&t={question.first}&u={question.last}"
        if len(question.points) == 1:
            x, y = question.points[0].tolist()
            return (get(f"/{question.store}?x={x}&y={y}{when}", port),)
        body = {"x": question.points[:, 0].tolist(), "y": question.points[:, 1].tolist()}
        return (post(f"/{question.store}?{when.lstrip('&')}", orjson.dumps(body), port),)

    @property
    def decode(self) -> Decode:
        """CoverageJSON."""
        return coverage_values
