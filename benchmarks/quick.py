"""`make bench-quick`: what must not get worse, in two minutes, on small stores: counts exactly, times with a wide margin.

Chunks, bytes and values of each question are counted by the service and compared with what the question takes; what is
allocated, with what it was before; times are compared with those of the limit, in the same minute.
"""

from __future__ import annotations

import gc
import math
import shutil
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from benchmarks import oracle, size, stores
from benchmarks.client import Connection, answers
from benchmarks.measure import look
from benchmarks.processes import Server
from benchmarks.questions import Grid, Question
from benchmarks.stores import SMALL, Layout, Store
from benchmarks.systems.base import System
from benchmarks.systems.limit import Limit
from benchmarks.systems.ours import Ours, serving

REPEATS = 60
"""Of a timed question; the median of each round of ten, and of these the best, is compared."""


@dataclass(frozen=True, slots=True)
class Count:
    """What one answer took, as the service tells."""

    fetched: int
    bytes_read: int
    cells: int


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was looked at."""

    name: str
    found: str
    wanted: str
    good: bool

    def __str__(self) -> str:
        """A line."""
        return f"{'ok  ' if self.good else 'FAIL'} {self.name}: {self.found} ({self.wanted})"


def main() -> int:
    """Look at everything; 1 where something got worse."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="zarr-edr-quick-") as temporary:
        folder = Path(temporary)
        grids = {name: Grid.of(store) for name, store in stores.generated(SMALL, folder).items()}
        checks = [*counted(grids, folder), *allocated(grids), *timed(grids, folder), *sized(folder)]
    for check in checks:
        print(check)
    failed = sum(not check.good for check in checks)
    print(f"{len(checks) - failed} of {len(checks)} as they should be, in {time.monotonic() - begin:.0f} s")
    return 1 if failed else 0


def questions(grids: dict[str, Grid]) -> dict[str, Question]:
    """A name for each of what is counted."""
    points, maps = grids["points"], grids["maps"]
    return {
        "1 point, whole series": points.questions(1, None, 1)[0],
        "1 point, 1 time": points.questions(1, 1, 1)[0],
        "blocks, 1 point, 1 time": grids["blocks"].questions(1, 1, 1)[0],
        "blocks, 100 points, 1 time": grids["blocks"].questions(100, 1, 1)[0],
        "100 points, whole series": points.questions(100, None, 1)[0],
        "2,000 points, 1 time": points.questions(2000, 1, 1)[0],
        "cube of 10 x 10 cells, 50 times": points.boxes("cube", 10, 50, 1)[0],
        "sharded, 1 point, whole series": grids["sharded"].questions(1, None, 1)[0],
        "sharded, 100 points, whole series": grids["sharded"].questions(100, None, 1)[0],
        "maps, 2,000 points, 1 time": maps.questions(2000, 1, 1)[0],
        "maps, 1 point, 50 times": maps.questions(1, 50, 1)[0],
    }


def touched(grid: Grid, question: Question) -> set[tuple[int, int, int]]:
    """The chunks that a position or cube takes, by their numbers: (time, y, x)."""
    t, y, x = _layout(grid.store).chunks
    first, last = question.times[0] // t, (question.times[1] - 1) // t
    i, j = (oracle.cells(axis, question.points[:, n]) for n, axis in enumerate((grid.lon, grid.lat)))
    if question.kind == "cube":
        # West and north of the box lie before their centres, east and south beyond; all within the cell.
        i, j = (part.ravel() for part in np.meshgrid(np.arange(i.min(), i.max() + 1), np.arange(j.min(), j.max() + 1)))
    tiles = set(zip((j // y).tolist(), (i // x).tolist(), strict=True))
    return {(number, *tile) for number in range(first, last + 1) for tile in tiles}


def counted(grids: dict[str, Grid], folder: Path) -> list[Check]:
    """Each question three times, each on a copy of its store, of which the server has read no chunk."""
    asked = {f"q{n}": (name, question) for n, (name, question) in enumerate(questions(grids).items())}
    copies = {id_: shutil.copytree(grids[q.store].store.path, folder / f"{id_}.zarr") for id_, (_, q) in asked.items()}
    found = []
    with serving({id_: str(path) for id_, path in copies.items()}, folder, workers=1) as server:
        for id_, (name, question) in asked.items():
            grid, copied = grids[question.store], replace(question, store=id_)
            first, _, third = (_count(server, grid, copied) for _ in range(3))
            found += _counts(name, grid, question, first, third)
    return found


def _counts(name: str, grid: Grid, question: Question, first: Count, third: Count) -> list[Check]:
    """A chunk of which a part was enough is read whole when it is asked for again, and held from then on."""
    chunks = touched(grid, question)
    cells = (100 if question.kind == "cube" else len(question.points)) * (question.times[1] - question.times[0])
    taken = _bytes_taken(grid.store, question, chunks)
    return [
        Check(f"{name}: chunks", str(first.fetched), f"{len(chunks)}", first.fetched == len(chunks)),
        Check(f"{name}: bytes", str(first.bytes_read), f"{taken}", first.bytes_read == taken),
        Check(f"{name}: values", str(first.cells), f"{cells}", first.cells == cells),
        Check(f"{name}: chunks when asked a third time", str(third.fetched), "0", third.fetched == 0),
    ]


def _count(server: Server, grid: Grid, question: Question) -> Count:
    ours = Ours()
    with Connection(server.port) as connection:
        (response,) = found = answers(connection, ours.requests(question, server.port))
    look(ours, grid, question, found)
    told = timing(response.header("Server-Timing") or "")
    return Count(int(told["fetched"]), int(told["bytes"]), int(told["cells"]))


def timing(header: str) -> dict[str, str]:
    """The metrics of a `Server-Timing` header that have a description: name -> description."""
    parts = (part.strip().partition(';desc="') for part in header.split(","))
    return {name: text.rstrip('"') for name, mark, text in parts if mark}


def _bytes_taken(store: Store, question: Question, chunks: set[tuple[int, int, int]]) -> int:
    """Bytes that have to be read for some chunks: what is needed of each, and the index of each shard once."""
    folder, layout = store.path / store.variable / "c", _layout(store)
    if layout.shards is None:
        files = [folder / "/".join(map(str, chunk)) for chunk in chunks]
        if layout.block_bytes and question.one_time:
            return sum(
                _bytes_of_block(file.read_bytes(), question.times[0] * math.prod(layout.chunks[1:]) * 4)
                for file in files
            )
        return sum(file.stat().st_size for file in files)
    inner = [-(-whole // part) for whole, part in zip(layout.shards, layout.chunks, strict=True)]
    index_bytes = 16 * math.prod(inner) + _CRC_BYTES
    of_shards: dict[tuple[int, ...], list[tuple[int, int, int]]] = {}
    for chunk in chunks:
        of_shards.setdefault(tuple(n // per for n, per in zip(chunk, inner, strict=True)), []).append(chunk)
    taken = index_bytes * len(of_shards)
    for shard, inside in of_shards.items():
        stored = (folder / "/".join(map(str, shard))).read_bytes()
        index = np.frombuffer(stored[-index_bytes:-_CRC_BYTES], "<u8").reshape(*inner, 2)
        taken += sum(int(index[tuple(n % per for n, per in zip(chunk, inner, strict=True))][1]) for chunk in inside)
    return taken


_CRC_BYTES = 4
"""After the index of a shard."""
_HEAD_BYTES = 512
"""Of a Blosc frame, that are read to know where its blocks are."""


def _bytes_of_block(frame: bytes, at: int) -> int:
    """Bytes to be read of a Blosc frame for the decoded byte `at`: its beginning, and one block."""
    decoded, block = (int(part) for part in np.frombuffer(frame, "<u4", 2, 4))
    starts = np.frombuffer(frame, "<u4", -(-decoded // block), 16)
    start = starts[at // block]
    end = min([other for other in starts if other > start], default=len(frame))
    return int(end - start) + min(len(frame), _HEAD_BYTES)


def _layout(store: Store) -> Layout:
    return next(layout for layout in stores.layouts(SMALL) if layout.name == store.name)


ALLOCATED = {100: 635_653, 2000: 9_045_612}
"""Points -> bytes at the peak of an answer of whole series of so many, its chunks held: the same in each run to the byte.

With the versions of the lock: after a change that is meant to take more, or a new version that does, what was found goes here.
"""
ALLOCATED_MARGIN = 0.01
"""One copy of the values more is some 13 %."""


def allocated(grids: dict[str, Grid]) -> list[Check]:
    """Peak of memory while a question is answered in this process, its chunks read before, by one thread."""
    found = []
    for points, wanted in ALLOCATED.items():
        run = _in_process(grids["points"].store, grids["points"].questions(points, None, 1)[0])
        length = len(run() or b"")
        for _ in range(2):  # what is made once and kept; and a chunk is held from the second time on
            run()
        peak = _peak_bytes(run)
        found.append(
            Check(
                f"{points:,} points, whole series: peak of memory for {length:,} bytes",
                f"{peak:,}",
                f"{wanted:,}",
                abs(peak - wanted) <= ALLOCATED_MARGIN * wanted,
            )
        )
    return found


def _peak_bytes(run: Callable[[], object]) -> int:
    """Allocated at a time, of what `run` allocates."""
    gc.collect()
    gc.disable()  # when it would run is chance
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.enable()


def _in_process(store: Store, question: Question) -> Callable[[], bytes | None]:
    """Answer a question without a server."""
    from zarr_edr.encode import encoder_for  # noqa: PLC0415  # this process measures others, too
    from zarr_edr.engine import answer  # noqa: PLC0415  # not in the clients' processes
    from zarr_edr.query.request import build_query  # noqa: PLC0415  # not in the clients' processes
    from zarr_edr.testing.cf import collection_at  # noqa: PLC0415  # not in the clients' processes

    collection = collection_at(store.path)
    coords = ",".join(f"({x} {y})" for x, y in question.points.tolist())
    query = build_query("position", {"coords": f"MULTIPOINT({coords})"}, collection)
    return lambda: answer(query, collection, encoder_for(None)).whole()


LIMITS = (
    ("1 point, 1 time", 1, 1, 8.0),
    ("1 point, whole series", 1, None, 8.0),
    ("100 points, whole series", 100, None, 4.0),
    ("2,000 points, whole series", 2000, None, 3.0),
)
"""What is timed: name, points, times, and how many times longer than the limit it may take. Twice of what is usual, and more."""


def timed(grids: dict[str, Grid], folder: Path) -> list[Check]:
    """The time of an answer, beside that of the limit."""
    grid, found = grids["points"], []
    systems: tuple[System, ...] = (Ours(), Limit())
    with ExitStack() as running:
        ports = {s.name: running.enter_context(s.serve([grid.store], folder)).port for s in systems}
        for name, points, times, most in LIMITS:
            asked = grid.questions(points, times, 20)
            best = {system.name: _best_ms(system, ports[system.name], grid, asked) for system in systems}
            ratio = best[Ours().name] / best[Limit().name]
            what = ", ".join(f"{system} {ms:.2f} ms" for system, ms in best.items())
            found.append(Check(f"{name}: {what}", f"{ratio:.1f} times the limit", f"at most {most:g}", ratio <= most))
    return found


SIZE_FACTOR = 2.0
"""A store of a thousand times more chunks may take so much longer, to be safe; it takes the same."""


def sized(folder: Path) -> list[Check]:
    """The time to open and to ask a store does not depend on its number of chunks."""
    small, large = size.measure(folder)
    pairs = (
        ("start to first answer, s", small.start_s, large.start_s),
        ("1 point, ms", small.point_ms, large.point_ms),
    )
    counts = f"{small.chunks:,} and {large.chunks:,} chunks"
    return [
        Check(
            f"{counts}: {name}",
            f"{few:.2f} and {many:.2f}",
            f"at most {SIZE_FACTOR:g} times",
            many <= SIZE_FACTOR * few,
        )
        for name, few, many in pairs
    ]


def _best_ms(system: System, port: int, grid: Grid, asked: Sequence[Question]) -> float:
    """The best of the medians of some rounds: what others take of the machine only makes them worse."""
    requests = [system.requests(question, port) for question in asked]
    medians = []
    with Connection(port) as connection:
        look(system, grid, asked[0], answers(connection, requests[0]))
        for start in range(0, REPEATS, 10):
            ms = []
            for number in range(start, start + 10):
                begin = time.perf_counter()
                answers(connection, requests[number % len(requests)])
                ms.append((time.perf_counter() - begin) * 1e3)
            medians.append(statistics.median(ms))
    return min(medians)


if __name__ == "__main__":
    sys.exit(main())
