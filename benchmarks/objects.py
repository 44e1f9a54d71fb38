"""Cold points from an object store with latency: how many requests each takes, and how much longer than one of them."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.client import Connection, Response, answers, get
from benchmarks.measure import look
from benchmarks.processes import Foreign, Server, free_port, running
from benchmarks.questions import Grid, Question
from benchmarks.results import ObjectStore
from benchmarks.stores import Store
from benchmarks.systems.ours import Ours, serving
from benchmarks.systems.peers import APPS

DELAY_MS = 30.0
WARM_UP = 2
POINTS = 30
MANY = 5
"""Queries for 100 points."""
BUCKET = "bench"


@contextmanager
def objects(folder: Path, logs: Path, delay_ms: float = DELAY_MS) -> Iterator[int]:
    """The object store on the stores of a folder; gives its port."""
    port = free_port()
    command = [sys.executable, str(APPS / "objects_app.py"), str(folder), str(port), str(delay_ms)]
    with running(command, logs / "objects.log", port):
        yield port


@contextmanager
def served(port: int, store: Store, folder: Path) -> Iterator[tuple[str, Server]]:
    """Ours on the object store, with one worker, so that chance does not decide what is cold; gives the scheme, too.

    By S3, or by HTTP where this installation reads no S3.
    """
    s3 = {"key": "bench", "secret": "bench", "endpoint_url": f"http://127.0.0.1:{port}"}
    by_http = f"http://127.0.0.1:{port}/{BUCKET}/{store.path.name}"
    with ExitStack() as running:
        try:
            scheme, data, options = "s3", f"s3://{BUCKET}/{store.path.name}", {"storage": s3}
            server = running.enter_context(serving({store.name: data}, folder, 1, options))
        except RuntimeError as error:
            print(f"Not by S3: {str(error).strip().splitlines()[-1][-200:]}", flush=True)
            scheme = "http"
            server = running.enter_context(serving({store.name: by_http}, folder, 1))
        yield scheme, server


def taken(port: int) -> list[tuple[str, str, str]]:
    """Requests since this was last asked: method, key, range."""
    with Connection(port) as connection:
        return [tuple(one) for one in json.loads(connection.send(get("/.log", port)).body)]


def measure(grid: Grid, folder: Path) -> ObjectStore:
    """Cold points, each followed by a thin client's request for the same chunk; then 100 points at a time."""
    store, ours, foreign = grid.store, Ours(), Foreign()
    cold = grid.apart(WARM_UP + POINTS)
    many = grid.questions(100, None, MANY, seed=7)
    with objects(store.path.parent, folder) as port, served(port, store, folder) as (scheme, server):
        for question in cold[:WARM_UP]:  # connections are made with the first
            _ask(ours, server.port, grid, question)
        point_ms, trips, chunk_reads, others = [], [], [], 0
        with Connection(port) as thin:
            for question in cold[WARM_UP:]:
                taken(port)
                point_ms.append(_ask(ours, server.port, grid, question))
                keys = [key for _, key, _ in taken(port)]
                chunks = [key for key in keys if is_chunk(key, store.variable)]
                trips += [_timed(thin, get(f"/{BUCKET}/{key}", port))[0] for key in chunks]
                chunk_reads.append(len(chunks))
                others += len(keys) - len(chunks)
        taken(port)
        many_ms = [_ask(ours, server.port, grid, question) for question in many]
        many_chunks = sum(is_chunk(key, store.variable) for _, key, _ in taken(port)) // MANY
    return ObjectStore(
        latency_ms=DELAY_MS,
        round_trip_ms=statistics.median(trips),
        point_ms=tuple(point_ms),
        many_ms=tuple(many_ms),
        many_chunks=many_chunks,
        chunk_reads=tuple(chunk_reads),
        other_reads=others,
        scheme=scheme,
        foreign=foreign.cores(),
    )


def is_chunk(key: str, variable: str) -> bool:
    """Whether a key is that of a chunk of the variable."""
    return f"/{variable}/" in key and not key.endswith((".json", ".zarray", ".zattrs"))


def _ask(ours: Ours, port: int, grid: Grid, question: Question) -> float:
    """Milliseconds of one answer, which is right."""
    (request,) = ours.requests(question, port)
    with Connection(port) as connection:
        ms, found = _timed(connection, request)
    look(ours, grid, question, found)
    return ms


def _timed(connection: Connection, request: bytes) -> tuple[float, list[Response]]:
    start = time.perf_counter()
    found = answers(connection, [request])
    return (time.perf_counter() - start) * 1e3, found
