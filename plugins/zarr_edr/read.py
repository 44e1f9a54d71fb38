"""A `ReadPlan` becomes arrays: each chunk fetched and decoded once, as the tasks of a dask graph.

A task takes some chunks of one array and returns only the values that were picked from them, so that what travels back from a
cluster is the size of the answer, not of the chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from zarr_edr.spill import Spill

NumberedReads = list[tuple[int, ChunkRead]]
"""Chunk reads, each with the number of the `ArrayRead` of the plan that it belongs to."""

_ROUND_BYTES = 64 * 1024**2
"""Picked values that may wait, beside the arrays they go to, until all tasks of a round are done."""


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


class Reading:
    """The arrays of an answer, while they fill."""

    def __init__(
        self,
        plan: ReadPlan,
        scheduler: Scheduler,
        spill: Spill | None = None,
        after_round: Callable[[], None] = lambda: None,
    ) -> None:
        """`spill` is where the values are kept, if not in memory. `after_round` is called when some tasks are done."""
        self.reads = list(plan.array_reads)
        self.stats = ReadStats()
        self._scheduler = scheduler
        self._spill, self._after_round = spill, after_round
        self._arrays: list[NDArray[Any]] | None = None

    @property
    def _stored(self) -> list[NDArray[Any]]:
        """Stored values of each of `reads`. Raises `Overloaded` where there is no room for them."""
        if self._arrays is None:
            spill = self._spill
            self._arrays = [_zeros(r) if spill is None else _filed(r, spill) for r in self.reads]
        return self._arrays

    def close(self) -> None:
        """Let go of the values, and of the file that they are in."""
        self._arrays = None
        if self._spill is not None:
            self._spill.close()

    def fill(self, numbered: NumberedReads, deadline: Deadline) -> None:
        """Read some chunks of the plan. Raises `StoreError` where one cannot be had: never a null in its place.

        Raises `Overloaded` where there is no room for the values.
        """
        for tasks, targets in self._rounds(numbered, deadline):
            results, self.stats.scheduler = self._scheduler.run(pick, tasks, deadline)
            for numbers, task, picked in zip(targets, tasks, results, strict=True):
                for number, chunk_read, values in zip(numbers, task.reads, picked.values, strict=True):
                    _scatter(self._stored[number], chunk_read.out, values)
                self.stats.chunks += picked.chunks
                self.stats.chunks_fetched += picked.chunks_fetched
                self.stats.bytes_read += picked.bytes_read
            if self._spill is not None:
                self._spill.release()
            self._after_round()

    def values(self, number: int, part: tuple[slice, ...] = ()) -> NDArray[Any]:
        """Decoded values of an `ArrayRead`, or of a part of it; those of points outside mean nothing."""
        stored = self._stored[number][part]
        if self._spill is not None:
            stored = np.array(stored)  # in memory: the file can then be given back whoever still has them
            self._spill.release()
        return self.reads[number].parameter.packing.decode(stored)

    def _rounds(
        self, numbered: NumberedReads, deadline: Deadline
    ) -> Iterator[tuple[list[ReadTask], list[tuple[int, ...]]]]:
        """Tasks, some at a time, and the numbers of the `ArrayRead`s that their values go to."""
        tasks: list[ReadTask] = []
        targets: list[tuple[int, ...]] = []
        waiting = 0
        for same_array in self._by_array(numbered):
            deadline.check()
            array, axes = self.reads[same_array[0][0]].parameter.array, self.reads[same_array[0][0]].axes
            for numbers, batch in _batches(
                same_array, self._scheduler.chunks_per_task(len(numbered), array.chunk_bytes)
            ):
                tasks.append(ReadTask(array, axes, batch))
                targets.append(numbers)
                waiting += sum(chunk_read.cells for chunk_read in batch) * array.dtype.itemsize
                if waiting >= _ROUND_BYTES:
                    yield tasks, targets
                    tasks, targets, waiting = [], [], 0
        if tasks:
            yield tasks, targets

    def _by_array(self, numbered: NumberedReads) -> list[NumberedReads]:
        """Those that take from one array in one order of axes: places of a query share chunks."""
        same: dict[tuple[object, ...], NumberedReads] = {}
        for of_one, group in groupby(numbered, key=lambda item: item[0]):
            read = self.reads[of_one]
            same.setdefault((read.parameter.array.token, read.axes), []).extend(group)
        return list(same.values())


def read(plan: ReadPlan, scheduler: Scheduler, deadline: Deadline) -> tuple[tuple[NDArray[Any], ...], ReadStats]:
    """Run a plan: decoded values, one array for each `ArrayRead`, of its shape. Raises as `Reading.fill`."""
    reading = Reading(plan, scheduler)
    numbered: NumberedReads = []
    for number, array_read in enumerate(reading.reads):
        deadline.check()
        numbered.extend((number, chunk_read) for chunk_read in array_read.reads())
    reading.fill(numbered, deadline)
    return tuple(map(reading.values, range(len(reading.reads)))), reading.stats


def _zeros(array_read: ArrayRead) -> NDArray[Any]:
    return np.zeros(array_read.shape, array_read.parameter.array.dtype)


def _filed(array_read: ArrayRead, spill: Spill) -> NDArray[Any]:
    """With the values of one point side by side, since they are written, and read again, together."""
    *orthogonal, points = array_read.shape
    made = spill.allocate((points, *orthogonal), array_read.parameter.array.dtype)
    return np.moveaxis(made, 0, -1)


def _batches(numbered: NumberedReads, chunks_per_task: int) -> Iterator[tuple[tuple[int, ...], tuple[ChunkRead, ...]]]:
    """Chunk reads of one array, with the number of the `ArrayRead` of each, in groups that make a task each.

    Reads of one chunk stay together, one after another, so that the task needs it once whatever the cache holds.
    """
    if numbered[0][0] != numbered[-1][0]:
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
