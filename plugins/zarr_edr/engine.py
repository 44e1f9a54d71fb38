"""The one place where the steps meet: query -> plan -> read -> coverage -> bytes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from zarr_edr.coverage import CoverageSet, Page, cover, in_crs, labelled
from zarr_edr.dataset.model import Collection
from zarr_edr.encode.protocol import Encoder, PartsEncoder, writes_parts
from zarr_edr.limits import Deadline, Limits
from zarr_edr.outline import Outline
from zarr_edr.parts import Parts, read_parts
from zarr_edr.plan import ReadPlan
from zarr_edr.planner import plan
from zarr_edr.query.model import Query
from zarr_edr.read import Reading, ReadStats, read
from zarr_edr.schedule import Scheduler, choose
from zarr_edr.spill import Spill

ROWS_PER_PART = 50_000
"""Rows that are read and written before the rest: some MB of text, some tens of milliseconds of work."""
_WHOLE_BYTES = 1024**2
"""An answer up to this size is sent whole, with its length and with what it took."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the client."""

    body: bytes | Iterator[bytes] | None
    """None: the query is valid, and there are no data for it (204). An iterator reads and writes on as it is taken; it raises
    `EdrError` where that fails, and stops reading when it is closed."""
    stats: ReadStats = field(default_factory=ReadStats)
    """Of what has been read by now."""
    cells: int = 0
    """Number of values in the body."""
    chunks: int = 0
    """Chunks that all of it takes."""

    def whole(self) -> bytes | None:
        """The body in one piece. Once: an iterator is spent by it."""
        return self.body if self.body is None or isinstance(self.body, bytes) else b"".join(self.body)


_WORTH_ADDING_S = 1e-3
"""Seconds from which a deadline is made anew: who takes the pieces of a small answer takes them at once."""


class _Clock:
    """A deadline that stands still while nobody waits for the engine."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline

    def now(self) -> Deadline:
        """As it is by now."""
        return self.deadline

    def minding(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces, each made in time; the time between one and the asking for the next does not count."""
        stood_s = 0.0
        for piece in pieces:
            self.deadline.check()
            left = time.monotonic()
            yield piece
            stood_s += time.monotonic() - left
            if stood_s >= _WORTH_ADDING_S:
                self.deadline = self.deadline.later(stood_s)
                stood_s = 0.0
        self.deadline.check()


@dataclass(frozen=True, slots=True)
class _Made:
    """An answer that is planned, and perhaps read: only to be written."""

    pieces: Iterator[bytes]
    stats: ReadStats
    cells: int
    chunks: int


def _read(planned: ReadPlan, scheduler: Scheduler, task: _Task) -> tuple[CoverageSet, ReadStats]:
    query, deadline = task.query, task.clock.now()
    arrays, stats = read(planned, scheduler, deadline)
    coverages = cover(
        planned,
        arrays,
        task.collection.crs,
        deadline,
        tags=query.tags,
        endpoint=task.endpoint,
        page=task.page,
    )
    coverages = in_crs(coverages, query.crs)
    deadline.check()
    return coverages, stats


def answer(
    query: Query,
    collection: Collection,
    encoder: Encoder,
    deadline: Deadline | None = None,
    endpoint: str = "",
    page: Page | None = None,
    look: Callable[[ReadPlan, Scheduler], None] = lambda plan, scheduler: None,
) -> Answer:
    """Answer a query. `endpoint` is its URL without parameters, `page` what is wanted of it.

    `look` is shown the plan, and who is to read it, before that is done, and may raise to leave it at that.
    Raises `EdrError`; the kind says whose fault it is.
    """
    clock = _Clock(deadline or Deadline.after(collection.settings.limits.seconds))
    made = _made(_Task(query, collection, encoder, clock, endpoint=endpoint, page=page, look=look))
    if made is None:
        return Answer(None)
    pieces = clock.minding(made.pieces)
    begun: list[bytes] = []
    for piece in pieces:
        begun.append(piece)
        if sum(map(len, begun)) > _WHOLE_BYTES:
            return Answer(_going_on(begun, pieces), made.stats, made.cells, made.chunks)
    return Answer(b"".join(begun), made.stats, made.cells, made.chunks)


def _going_on(begun: list[bytes], pieces: Iterator[bytes]) -> Iterator[bytes]:
    """What has been written, then the rest; closing it closes the rest."""
    while begun:
        yield begun.pop(0)
    yield from pieces


def pieces(
    query: Query,
    collection: Collection,
    encoder: Encoder,
    *,
    deadline: Deadline,
    limits: Limits | None = None,
    spill: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> Iterator[bytes] | None:
    """The answer to a query of any size in pieces, which are made as they are taken; None where there are no data.

    `limits` are those of this query in place of the collection's. Values are kept in a file in the folder `spill`, where it is
    given, and not in memory. `progress` is told, from 0 to 1, how much of the answer is written, and may raise to end it.
    Raises `EdrError`, now or with any piece.
    """
    if limits is not None:
        collection = replace(collection, settings=replace(collection.settings, limits=limits))
    made = _made(_Task(query, collection, encoder, _Clock(deadline), spill=spill, progress=progress))
    return None if made is None else made.pieces


@dataclass(frozen=True, slots=True)
class _Task:
    """A query and how it is to be answered."""

    query: Query
    collection: Collection
    encoder: Encoder
    clock: _Clock
    endpoint: str = ""
    page: Page | None = None
    spill: Path | None = None
    progress: Callable[[float], None] | None = None
    look: Callable[[ReadPlan, Scheduler], None] = lambda plan, scheduler: None


def _made(task: _Task) -> _Made | None:
    planned = plan(task.query, task.collection, task.clock.now())
    if not planned.groups:
        return None
    planned.admit(task.collection.settings.limits)
    scheduler = choose(task.collection.settings, planned)
    task.look(planned, scheduler)
    task.clock.now().check()
    if writes_parts(task.encoder):
        return _in_parts(task, task.encoder, Parts(planned, ROWS_PER_PART), scheduler)
    coverages, stats = _read(planned, scheduler, task)
    return _Made(iter(task.encoder.encode(coverages)), stats, planned.cells, planned.chunks)


def _in_parts(task: _Task, encoder: PartsEncoder, parts: Parts, scheduler: Scheduler) -> _Made:
    """An answer that is read while it is written."""
    planned, query, collection = parts.plan, task.query, task.collection
    gauge = _Gauge(planned.chunks, len(parts), task.progress)
    file = None if task.spill is None else Spill(task.spill)
    reading = Reading(planned, scheduler, file, lambda: gauge.read(reading.stats.chunks))
    outline = Outline.of_plan(planned, labelled(collection.crs, query.crs), query.tags)

    def written() -> Iterator[bytes]:
        with closing(reading):
            coverages = read_parts(parts, reading, collection.crs, query, task.clock.now)
            yield from encoder.encode_parts(outline, gauge.counting(coverages))

    return _Made(written(), reading.stats, planned.cells, planned.chunks)


@dataclass(slots=True)
class _Gauge:
    """How far an answer is: reading and writing count as half of the work each."""

    chunks: int
    parts: int
    tell: Callable[[float], None] | None
    chunks_read: int = 0
    parts_written: int = 0

    def read(self, chunks: int) -> None:
        """Take note of the number of chunks read by now."""
        self.chunks_read = chunks
        self._tell()

    def counting(self, parts: Iterable[CoverageSet]) -> Iterator[CoverageSet]:
        """The parts, each taken for written when the next is asked for."""
        for part in parts:
            yield part
            self.parts_written += 1
            self._tell()

    def _tell(self) -> None:
        if self.tell is not None:
            self.tell((min(1.0, self.chunks_read / max(1, self.chunks)) + self.parts_written / self.parts) / 2)
