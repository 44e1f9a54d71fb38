"""A `ReadPlan` becomes arrays: each chunk fetched and decoded once, as the tasks of a dask graph.

A task takes some chunks of one array and returns only the values that were picked from them, so that what travels back from a
cluster is the size of the answer, not of the chunks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.cache import process_cache
from zarr_edr.dataset.ahead import ReadAhead
from zarr_edr.dataset.chunks import ChunkedArray, ChunkIndex
from zarr_edr.limits import Deadline
from zarr_edr.plan import ArrayRead, ChunkRead, ReadPlan, Selection, size
from zarr_edr.schedule import InlineScheduler, Scheduler
from zarr_edr.spill import Spill
from zarr_edr.take import Picked, Taking

NumberedReads = list[tuple[int, ChunkRead]]
"""Chunk reads, each with the number of the `ArrayRead` of the plan that it belongs to."""

Batch = tuple[tuple[int, ...], tuple[ChunkRead, ...]]
"""The chunk reads of a task, and the numbers of the `ArrayRead`s that their values go to."""

_ROUND_BYTES = 64 * 1024**2
"""Picked values that may wait, beside the arrays they go to, until all tasks of a round are done."""
_SPILLED_ROUND_BYTES = 16 * 1024**2
"""The same, and what a task may pick, where the arrays are in a file: their size is then not that of memory."""
_MAPPED_BYTES = 32 * 1024**2
"""Of such a file that are in memory at a time."""


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

    def add(self, picked: Picked) -> None:
        """Count what was taken, too."""
        self.chunks += picked.chunks
        self.chunks_fetched += picked.chunks_fetched
        self.bytes_read += picked.bytes_read


@dataclass(frozen=True, slots=True, eq=False)
class ReadTask:
    """Some chunks of one array, and what to take from them."""

    array: ChunkedArray
    axes: tuple[int, ...]
    """Storage axes in the order of the answer, see `ArrayRead`."""
    reads: tuple[ChunkRead, ...]


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
            self._run(tasks, targets, deadline)
            self._after_round()

    def _run(self, tasks: list[ReadTask], targets: list[tuple[int, ...]], deadline: Deadline) -> None:
        """A round; of it, only what is written to the arrays is kept."""
        results, self.stats.scheduler = self._scheduler.run(pick, tasks, deadline)
        picked_of: dict[int, list[tuple[ChunkRead, NDArray[Any]]]] = {}
        for numbers, task, picked in zip(targets, tasks, results, strict=True):
            for number, chunk_read, values in zip(numbers, task.reads, picked.values, strict=True):
                picked_of.setdefault(number, []).append((chunk_read, values))
            self.stats.add(picked)
        for number, reads in picked_of.items():
            self._keep(number, reads)

    def _keep(self, number: int, reads: list[tuple[ChunkRead, NDArray[Any]]]) -> None:
        """Put picked values where they go: in a file some points at a time, of all chunks, so that not all of it is mapped."""
        if self._spill is None:
            for chunk_read, values in reads:
                _scatter(self._stored[number], chunk_read.out, values)
            return
        *orthogonal, count = self.reads[number].shape
        row_bytes = max(1, math.prod(orthogonal)) * self.reads[number].array.dtype.itemsize
        step = max(1, _MAPPED_BYTES // row_bytes)
        for start in range(0, count, step):
            for chunk_read, values in reads:
                part = within(chunk_read.out[-1], start, start + step)
                if part.start < part.stop:
                    out = (*chunk_read.out[:-1], part_of(chunk_read.out[-1], part))
                    _scatter(self._stored[number], out, values[..., part])
            self._spill.release()

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
        waiting, most = 0, _ROUND_BYTES if self._spill is None else _SPILLED_ROUND_BYTES
        for same_array in self._by_array(numbered):
            deadline.check()
            array, axes = self.reads[same_array[0][0]].array, self.reads[same_array[0][0]].axes
            batches = _batches(same_array, self._scheduler.chunks_per_task(len(numbered), array.chunk_bytes))
            if self._spill is not None:
                batches = smaller(batches, most // array.dtype.itemsize)
            for numbers, batch in batches:
                tasks.append(ReadTask(array, axes, batch))
                targets.append(numbers)
                waiting += sum([chunk_read.cells for chunk_read in batch]) * array.dtype.itemsize
                if waiting >= most:
                    yield tasks, targets
                    tasks, targets, waiting = [], [], 0
        if tasks:
            yield tasks, targets

    def _by_array(self, numbered: NumberedReads) -> list[NumberedReads]:
        """Those that take from one array in one order of axes: places of a query share chunks."""
        same: dict[tuple[object, ...], NumberedReads] = {}
        for of_one, group in groupby(numbered, key=lambda item: item[0]):
            read = self.reads[of_one]
            same.setdefault((read.array.token, read.axes), []).extend(group)
        return list(same.values())


def read(plan: ReadPlan, scheduler: Scheduler, deadline: Deadline) -> tuple[tuple[NDArray[Any], ...], ReadStats]:
    """Run a plan: decoded values, one array for each `ArrayRead`, of its shape. Raises as `Reading.fill`."""
    if isinstance(scheduler, InlineScheduler) and plan.places == 1 and all(r.chunks == 1 for r in plan.array_reads):
        return _read_single(plan, deadline)
    reading = Reading(plan, scheduler)
    numbered: NumberedReads = []
    for number, array_read in enumerate(reading.reads):
        deadline.check()
        numbered.extend((number, chunk_read) for chunk_read in array_read.reads())
    reading.fill(numbered, deadline)
    return tuple(map(reading.values, range(len(reading.reads)))), reading.stats


def _read_single(plan: ReadPlan, deadline: Deadline) -> tuple[tuple[NDArray[Any], ...], ReadStats]:
    """The same for one chunk of each array: what most queries for a point are, and where fixed costs are most of all."""
    stats = ReadStats(scheduler="inline")
    arrays = []
    for array_read in plan.array_reads:
        chunk_read = array_read.only_read()
        taking = Taking(array_read.array, array_read.axes, deadline)
        taking.take(chunk_read.chunk, (chunk_read,))
        stats.add(picked := taking.picked())
        (values,) = picked.values
        if values.shape != array_read.shape or not all(isinstance(s, slice) for s in chunk_read.out):
            stored = _zeros(array_read)
            _scatter(stored, chunk_read.out, values)
            values = stored
        arrays.append(array_read.parameter.packing.decode(values))
    return tuple(arrays), stats


def _zeros(array_read: ArrayRead) -> NDArray[Any]:
    return np.zeros(array_read.shape, array_read.array.dtype)


def _filed(array_read: ArrayRead, spill: Spill) -> NDArray[Any]:
    """With the values of one point side by side, since they are written, and read again, together."""
    *orthogonal, points = array_read.shape
    made = spill.allocate((points, *orthogonal), array_read.array.dtype)
    return np.moveaxis(made, 0, -1)


def _batches(numbered: NumberedReads, chunks_per_task: int) -> Iterator[Batch]:
    """Chunk reads of one array, with the number of the `ArrayRead` of each, in groups that make a task each.

    Reads of one chunk stay together, one after another, so that the task needs it once whatever the cache holds.
    """
    if numbered[0][0] != numbered[-1][0]:
        numbered = sorted(numbered, key=lambda item: item[1].chunk)
    chunks = (list(same) for _, same in groupby(numbered, key=lambda item: item[1].chunk))
    while batch := list(chain.from_iterable(islice(chunks, chunks_per_task))):
        yield tuple(number for number, _ in batch), tuple(chunk_read for _, chunk_read in batch)


def smaller(batches: Iterable[Batch], cells: int) -> Iterator[Batch]:
    """The same reads in batches that pick `cells` values at most, or of one point. Only what is large is cut.

    A chunk of which more is picked comes in several batches, and the cache is where it stays between them.
    """
    for numbers, reads in batches:
        if sum(chunk_read.cells for chunk_read in reads) <= cells:
            yield numbers, reads
            continue
        for number, chunk_read in zip(numbers, reads, strict=True):
            yield from (((number,), (part,)) for part in _cut(chunk_read, cells))


def _cut(chunk_read: ChunkRead, cells: int) -> Iterator[ChunkRead]:
    orthogonal = len(chunk_read.out) - 1
    if chunk_read.cells <= cells or len(chunk_read.local) == orthogonal:  # that has no points to cut it by
        yield chunk_read
        return
    count = chunk_read.cells // max(1, math.prod(size(selection) for selection in chunk_read.out[:-1]))
    step = max(1, cells * count // chunk_read.cells)
    for start in range(0, count, step):
        part = slice(start, min(count, start + step))
        local = (part_of(selection, part) for selection in chunk_read.local[orthogonal:])
        out = (*chunk_read.out[:-1], part_of(chunk_read.out[-1], part))
        yield ChunkRead(chunk_read.chunk, (*chunk_read.local[:orthogonal], *local), out)


def part_of(selection: Selection, part: slice) -> Selection:
    """Some of the indices, in their order."""
    if isinstance(selection, slice):
        return slice(selection.start + part.start, selection.start + part.stop)
    return selection[part]


def within(selection: Selection, start: int, stop: int) -> slice:
    """Which of the indices, which rise, are from `start` to below `stop`."""
    if isinstance(selection, slice):
        first, last = (min(max(edge, selection.start), selection.stop) for edge in (start, stop))
        return slice(first - selection.start, last - selection.start)
    first, last = (int(edge) for edge in np.searchsorted(selection, (start, stop)))
    return slice(first, last)


def pick(task: ReadTask, deadline: Deadline | None) -> Picked:
    """Run one task: fetch chunks, or find them in this process's cache, and take the wanted values out of each."""
    if not task.array.remote:
        return _pick(task, deadline)
    cache, chunks = process_cache(), [chunk_read.chunk for chunk_read in task.reads]
    with ReadAhead(task.array, chunks, cache.knows, cache.get, deadline) as ahead:
        return _pick(task, deadline, ahead.reach)


def _pick(
    task: ReadTask, deadline: Deadline | None, reach: Callable[[ChunkIndex], None] = lambda chunk: None
) -> Picked:
    """`reach` is told of each chunk before it is fetched."""
    taking = Taking(task.array, task.axes, deadline, len(task.reads))
    for index, same_chunk in groupby(task.reads, key=lambda chunk_read: chunk_read.chunk):
        reach(index)
        taking.take(index, list(same_chunk))
    return taking.picked()


def _scatter(answer: NDArray[Any], out: tuple[Selection, ...], values: NDArray[Any]) -> None:
    """Put a chunk's values where they go."""
    if sum(not isinstance(selection, slice) for selection in out) <= 1:
        answer[out] = values
        return
    indices = (np.arange(s.start, s.stop) if isinstance(s, slice) else s for s in out)
    answer[np.ix_(*indices)] = values
