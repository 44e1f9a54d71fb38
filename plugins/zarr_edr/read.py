"""A `ReadPlan` becomes arrays: each chunk fetched and decoded once, as the tasks of a dask graph.

A task takes some chunks of one array and returns only the values that were picked from them, so that what travels back from a
cluster is the size of the answer, not of the chunks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.cache import process_cache
from zarr_edr.dataset.chunks import ChunkedArray
from zarr_edr.limits import Deadline
from zarr_edr.plan import ArrayRead, ChunkRead, ReadPlan, Selection
from zarr_edr.schedule import Scheduler


@dataclass(slots=True)
class ReadStats:
    """What reading took."""

    chunks: int = 0
    """Chunks looked at."""
    chunks_fetched: int = 0
    """Chunks that came from the store; the others were held in memory."""
    bytes_read: int = 0
    """Encoded bytes that came from the store."""
    scheduler: str = ""
    """What ran the graph: `inline`, `threads` or `distributed`."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadResult:
    """Decoded values, one array for each `ArrayRead` of the plan, of its shape; cells of points outside mean nothing."""

    arrays: tuple[NDArray[Any], ...]
    stats: ReadStats


@dataclass(frozen=True, slots=True, eq=False)
class ReadTask:
    """Some chunks of one array, and what to take from them."""

    array: ChunkedArray
    axes: tuple[int, ...]
    """Storage axes in the order of the answer, see `ArrayRead`."""
    reads: tuple[ChunkRead, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Picked:
    """What a task returns."""

    values: tuple[NDArray[Any], ...]
    """Stored values, one array for each chunk read of the task."""
    chunks_fetched: int
    bytes_read: int


def read(plan: ReadPlan, scheduler: Scheduler, deadline: Deadline) -> ReadResult:
    """Run the plan. Raises `StoreError` where a chunk cannot be had: never a null in its place."""
    reads = list(plan.array_reads)
    tasks: list[ReadTask] = []
    targets: list[int] = []
    for number, array_read in enumerate(reads):
        deadline.check()
        for batch in _batches(
            array_read, scheduler.chunks_per_task(plan.chunks, array_read.parameter.array.chunk_bytes)
        ):
            tasks.append(ReadTask(array_read.parameter.array, array_read.axes, batch))
            targets.append(number)
    stored = [np.zeros(r.shape, dtype=r.parameter.array.dtype) for r in reads]
    results, ran_on = scheduler.run(pick, tasks, deadline)
    stats = ReadStats(scheduler=ran_on)
    for number, task, picked in zip(targets, tasks, results, strict=True):
        for chunk_read, values in zip(task.reads, picked.values, strict=True):
            _scatter(stored[number], chunk_read.out, values)
        stats.chunks += len(task.reads)
        stats.chunks_fetched += picked.chunks_fetched
        stats.bytes_read += picked.bytes_read
    return ReadResult(tuple(r.parameter.packing.decode(s) for r, s in zip(reads, stored, strict=True)), stats)


def _batches(array_read: ArrayRead, chunks_per_task: int) -> Iterator[tuple[ChunkRead, ...]]:
    """Chunk reads of one array in groups that make a task each."""
    reads = array_read.reads()
    while batch := tuple(islice(reads, chunks_per_task)):
        yield batch


def pick(task: ReadTask, deadline: Deadline | None) -> Picked:
    """Run one task: fetch chunks, or find them in this process's cache, and take the wanted values out of each."""
    cache, array = process_cache(), task.array
    values: list[NDArray[Any]] = []
    chunks_fetched = bytes_read = 0
    for chunk_read in task.reads:
        index = chunk_read.chunk
        fetched = cache.get((array.token, index), partial(array.fetch, index, deadline, cache.get), deadline)
        chunks_fetched += fetched.fresh
        bytes_read += fetched.bytes_read
        values.append(_gather(fetched.values.transpose(task.axes), chunk_read.local, len(chunk_read.out) - 1))
    return Picked(tuple(values), chunks_fetched, bytes_read)


def _gather(chunk: NDArray[Any], local: tuple[Selection, ...], orthogonal: int) -> NDArray[Any]:
    """Values of a chunk whose first `orthogonal` axes are chosen independently and whose others point by point.

    Shape (orthogonal sizes..., points).
    """
    if len(local) == orthogonal:
        chunk, local = chunk[..., None], (*local, np.zeros(1, dtype=np.int64))
    if all(isinstance(selection, slice) for selection in local[:orthogonal]):
        return chunk[local]
    # With an index array among them, numpy would move the orthogonal axes about: spell all of them out as an open mesh.
    indices = [
        np.arange(selection.start, selection.stop) if isinstance(selection, slice) else selection
        for selection in local[:orthogonal]
    ]
    mesh = [index.reshape((-1,) + (1,) * (orthogonal - axis)) for axis, index in enumerate(indices)]
    return chunk[(*mesh, *local[orthogonal:])]


def _scatter(answer: NDArray[Any], out: tuple[Selection, ...], values: NDArray[Any]) -> None:
    """Put a chunk's values where they go."""
    if sum(not isinstance(selection, slice) for selection in out) <= 1:
        answer[out] = values
        return
    indices = (np.arange(s.start, s.stop) if isinstance(s, slice) else s for s in out)
    answer[np.ix_(*indices)] = values
