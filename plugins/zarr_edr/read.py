"""A `ReadPlan` becomes arrays: each chunk fetched and decoded once, as the tasks of a dask graph.

A task takes some chunks of one array and returns only the values that were picked from them, so that what travels back from a
cluster is the size of the answer, not of the chunks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby, islice
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
    chunks: int
    chunks_fetched: int
    bytes_read: int


def read(plan: ReadPlan, scheduler: Scheduler, deadline: Deadline) -> ReadResult:
    """Run the plan. Raises `StoreError` where a chunk cannot be had: never a null in its place."""
    reads = list(plan.array_reads)
    tasks: list[ReadTask] = []
    targets: list[tuple[int, ...]] = []
    for same_array in _by_array(reads):
        array, axes = reads[same_array[0]].parameter.array, reads[same_array[0]].axes
        size = scheduler.chunks_per_task(plan.chunks, array.chunk_bytes)
        numbered: list[tuple[int, ChunkRead]] = []
        for number in same_array:
            deadline.check()
            numbered.extend((number, chunk_read) for chunk_read in reads[number].reads())
        for numbers, batch in _batches(numbered, size):
            tasks.append(ReadTask(array, axes, batch))
            targets.append(numbers)
    stored = [np.zeros(r.shape, dtype=r.parameter.array.dtype) for r in reads]
    results, ran_on = scheduler.run(pick, tasks, deadline)
    stats = ReadStats(scheduler=ran_on)
    for numbers, task, picked in zip(targets, tasks, results, strict=True):
        for number, chunk_read, values in zip(numbers, task.reads, picked.values, strict=True):
            _scatter(stored[number], chunk_read.out, values)
        stats.chunks += picked.chunks
        stats.chunks_fetched += picked.chunks_fetched
        stats.bytes_read += picked.bytes_read
    return ReadResult(tuple(r.parameter.packing.decode(s) for r, s in zip(reads, stored, strict=True)), stats)


def _by_array(reads: Sequence[ArrayRead]) -> list[list[int]]:
    """Numbers of the reads that take from one array in one order of axes: places of a query share chunks."""
    same: dict[tuple[object, ...], list[int]] = {}
    for number, array_read in enumerate(reads):
        same.setdefault((array_read.parameter.array.token, array_read.axes), []).append(number)
    return list(same.values())


def _batches(
    numbered: list[tuple[int, ChunkRead]], chunks_per_task: int
) -> Iterator[tuple[tuple[int, ...], tuple[ChunkRead, ...]]]:
    """Chunk reads of one array, with the number of the `ArrayRead` of each, in groups that make a task each.

    Reads of one chunk stay together, one after another, so that the task needs it once whatever the cache holds.
    """
    if numbered and numbered[0][0] != numbered[-1][0]:
        numbered = sorted(numbered, key=lambda item: item[1].chunk)
    chunks = (list(same) for _, same in groupby(numbered, key=lambda item: item[1].chunk))
    while batch := list(chain.from_iterable(islice(chunks, chunks_per_task))):
        yield tuple(number for number, _ in batch), tuple(chunk_read for _, chunk_read in batch)


def pick(task: ReadTask, deadline: Deadline | None) -> Picked:
    """Run one task: fetch chunks, or find them in this process's cache, and take the wanted values out of each."""
    cache, array = process_cache(), task.array
    values: list[NDArray[Any]] = []
    chunks = chunks_fetched = bytes_read = 0
    for index, same_chunk in groupby(task.reads, key=lambda chunk_read: chunk_read.chunk):
        fetched = cache.get((array.token, index), partial(array.fetch, index, deadline, cache.get), deadline)
        chunks += 1
        chunks_fetched += fetched.fresh
        bytes_read += fetched.bytes_read
        chunk = fetched.values.transpose(task.axes)
        values.extend(_gather(chunk, r.local, len(r.out) - 1) for r in same_chunk)
    return Picked(tuple(values), chunks, chunks_fetched, bytes_read)


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
