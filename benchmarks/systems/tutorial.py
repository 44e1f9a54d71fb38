"""The service that most tutorials on Zarr and dask build: FastAPI in front of a dask scheduler and a worker of two threads."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
from benchmarks.client import post
from benchmarks.processes import Server, free_port, running
from benchmarks.questions import Array, Question
from benchmarks.stores import Store
from benchmarks.systems.base import Decode
from benchmarks.systems.peers import APPS

BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Tutorial:
    """Whole series of points, by POST; nothing else. Where a store has a chunk for each time it takes minutes."""

    name: str = "tutorial"
    max_points: int = 100

    @contextmanager
    def serve(self, stores: Sequence[Store], folder: Path) -> Iterator[Server]:
        """Three programs, all of which count."""
        port, scheduler = free_port(), free_port()
        address = f"tcp://127.0.0.1:{scheduler}"
        lonely = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
        paths = json.dumps({store.name: str(store.path) for store in stores})
        environment = os.environ | {"DASK": address, "STORES": paths}
        threads = ["--nthreads", "2", "--local-directory", str(folder)]
        app = ["tutorial_app:app", "--app-dir", str(APPS), "--host", "127.0.0.1", "--port", str(port)]
        commands = (
            ([str(BIN / "dask"), "scheduler", "--port", str(scheduler), *lonely], scheduler),
            ([str(BIN / "dask"), "worker", address, *threads, *lonely], None),
            ([str(BIN / "uvicorn"), *app, "--no-access-log", "--log-level", "warning"], port),
        )
        with ExitStack() as all_of_them:
            found = [
                all_of_them.enter_context(running(command, folder / f"tutorial-{number}.log", listens, environment))
                for number, (command, listens) in enumerate(commands)
            ]
            yield Server(port, tuple(found))

    def can(self, question: Question) -> bool:
        """Whole series."""
        return question.whole_series and len(question.points) <= self.max_points and question.store != "maps"

    def requests(self, question: Question, port: int) -> tuple[bytes, ...]:
        """Two lists of coordinates."""
        body = {"latitude": question.points[:, 1].tolist(), "longitude": question.points[:, 0].tolist()}
        return (post(f"/{question.store}/points", orjson.dumps(body), port),)

    @property
    def decode(self) -> Decode:
        """Records."""
        return record_values


def record_values(body: bytes) -> Array:
    """The values of records, which come point by point, then in the order of time."""
    rows = orjson.loads(body)
    name = "air" if "air" in rows[0] else "t2m"
    keys = np.array([row["points"] for row in rows])
    values = np.array([row[name] for row in rows], "f8")
    return values[np.argsort(keys, kind="stable")]
