"""An answer in parts: what can be written as soon as its chunks are read.

A part is some rows of the answer, read as a table: members one after another, then the points (of a list of points), the times
(of a window or of one point), or the levels or rows of cells where there is one time. The order of the rows does not depend on
how the store is cut into chunks; when a row can be written does. A chunk is read once, with the first part that needs it.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from zarr_edr.coverage import CoverageSet, cover, in_crs
from zarr_edr.dataset.chunks import ChunkIndex
from zarr_edr.dataset.model import HorizontalCrs
from zarr_edr.grid.protocol import Window
from zarr_edr.limits import Deadline
from zarr_edr.plan import (
    ArrayRead,
    AxisSelection,
    ChunkRead,
    GroupPlan,
    LocatedPoints,
    MaskedWindow,
    PointShape,
    ReadPlan,
    Selection,
)
from zarr_edr.query.model import Query
from zarr_edr.read import NumberedReads, Reading

ChunkKey = tuple[str, tuple[int, ...], ChunkIndex]
"""Token of the array, order of its axes, chunk."""


_READS_AT_ONCE = 20_000
"""Chunk reads made before the first of them is read: some 300 bytes each."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the arrays of a group can be cut."""

    members: tuple[int, ...]
    """Sizes of the axes of members, which come first."""
    axis: int | None
    """The axis that is cut into steps; None: none is."""
    name: str
    """`points`, `t`, `z` or `y`; empty for none."""
    step: int
    steps: int
    """Number of steps for each member."""
    rows: int
    """Rows in a step, about."""

    @property
    def pieces(self) -> int:
        """Members times steps."""
        return math.prod(self.members) * self.steps

    def first_piece(self, out: tuple[Selection, ...]) -> int:
        """The first piece that a chunk's values go to. Both forms of selection rise."""
        first = 0
        for size, selection in zip(self.members, out, strict=False):
            first = first * size + _start(selection)
        return first * self.steps + (0 if self.axis is None else _start(out[self.axis]) // self.step)


@dataclass(frozen=True, slots=True)
class Piece:
    """A step of a member of a group."""

    group: int
    member: tuple[int, ...]
    start: int
    stop: int
    """Along the cut axis; meaningless where there is none."""


def cut_of(group: GroupPlan, rows: int) -> Cut:
    """How to cut a group so that a step has about `rows` rows, or all that it has."""
    members = tuple(int(s.index.size) for s in group.custom)
    sizes = [("t", 0 if group.t is None else int(group.t.index.size))]
    sizes += [("z", 0 if group.z is None else int(group.z.index.size))]
    sizes = [(name, size) for name, size in sizes if size]
    where = group.where
    if isinstance(where, MaskedWindow):
        sizes += [("y", where.window.shape[0]), ("x", where.window.shape[1])]
    else:
        sizes += [("points", int(where.x.size))]
    total = math.prod(size for _, size in sizes)
    name = _cut_name(where, sizes)
    axes = [axis for axis, (of, _) in enumerate(sizes) if of == name]
    if total <= rows or not axes:
        return Cut(members, None, "", 1, 1, total)
    size = sizes[axes[0]][1]
    step = max(1, rows * size // total)
    return Cut(members, len(members) + axes[0], name, step, -(-size // step), step * total // size)


def _cut_name(where: LocatedPoints | MaskedWindow, sizes: Sequence[tuple[str, int]]) -> str:
    if isinstance(where, LocatedPoints) and where.shape is PointShape.MANY:
        return "points"
    if isinstance(where, LocatedPoints) and where.shape is PointShape.PATH:
        return "t"  # each time of a line is a coverage of its own; the vertices of one are few
    return next((name for name, size in sizes if name in ("t", "z", "y") and size > 1), "")


def _start(selection: Selection) -> int:
    return int(selection.start) if isinstance(selection, slice) else int(selection[0])


class Parts:
    """A plan cut into parts, and the order in which to read it."""

    def __init__(self, plan: ReadPlan, rows: int) -> None:
        self.plan = plan
        self._cuts = [cut_of(group, rows) for group in plan.groups]
        self.pieces: list[list[Piece]] = []
        """Of each part."""
        self._part_of: list[list[int]] = []
        """Group -> number of the part of each of its pieces."""
        self._gather(rows)

    def __len__(self) -> int:
        return len(self.pieces)

    def _gather(self, rows: int) -> None:
        """Put pieces together until they have `rows` rows."""
        held = rows  # the first piece opens the first part
        for number, cut in enumerate(self._cuts):
            parts: list[int] = []
            for member in product(*map(range, cut.members)):
                for step in range(cut.steps):
                    if held >= rows:
                        self.pieces.append([])
                        held = 0
                    self.pieces[-1].append(Piece(number, member, step * cut.step, (step + 1) * cut.step))
                    parts.append(len(self.pieces) - 1)
                    held += cut.rows
            self._part_of.append(parts)

    def reads(self, deadline: Deadline) -> Iterator[Iterator[NumberedReads]]:
        """The chunk reads of each part, some at a time: those that no earlier part needs. All reads of one chunk come together.

        They are made as they are taken. Until then two numbers stand for each, since a job may have a million.
        """
        first = self._first_of_shared(deadline)
        made_of: list[array[int]] = [array("q") for _ in self.pieces]
        array_reads = list(self._array_reads())
        for number, (array_read, cut, part_of) in enumerate(array_reads):
            deadline.check()
            for n, chunk_read in array_read.numbered():
                part = first.get(_key(array_read, chunk_read)) if first else None
                made_of[part_of[cut.first_piece(chunk_read.out)] if part is None else part].extend((number, n))
        for numbers in made_of:
            # Reads of one chunk may stand anywhere in a part: where there may be several, the part is read at once.
            step = len(numbers) if first else 2 * _READS_AT_ONCE
            slices = (numbers[start : start + step] for start in range(0, len(numbers), step or 1))
            yield (
                [(number, array_reads[number][0].read_of(n)) for number, n in zip(some[::2], some[1::2], strict=True)]
                for some in slices
            )

    def _first_of_shared(self, deadline: Deadline) -> dict[ChunkKey, int]:
        """The first part that needs each chunk of the arrays that several reads take from; the others have one read each."""
        several = Counter(_array_key(array_read) for array_read, _, _ in self._array_reads())
        first: dict[ChunkKey, int] = {}
        for array_read, cut, part_of in self._array_reads():
            if several[_array_key(array_read)] == 1:
                continue
            deadline.check()
            for chunk_read in array_read.reads():
                key, part = _key(array_read, chunk_read), part_of[cut.first_piece(chunk_read.out)]
                first[key] = min(first.get(key, part), part)
        return first

    def _array_reads(self) -> Iterator[tuple[ArrayRead, Cut, list[int]]]:
        for group, cut, part_of in zip(self.plan.groups, self._cuts, self._part_of, strict=True):
            for array_read in group.reads:
                yield array_read, cut, part_of

    def narrowed(self, piece: Piece) -> tuple[GroupPlan, tuple[slice, ...]]:
        """A piece as a group of its own, and which part of the group's arrays it is."""
        group, cut = self.plan.groups[piece.group], self._cuts[piece.group]
        members = tuple(slice(member, member + 1) for member in piece.member)
        custom = tuple(AxisSelection(s.axis, s.index[member]) for s, member in zip(group.custom, members, strict=True))
        group = replace(group, custom=custom)
        if cut.axis is None:
            return group, members
        part = slice(piece.start, piece.stop)
        ahead = (slice(None),) * (cut.axis - len(members))
        return _NARROWED[cut.name](group, part), (*members, *ahead, part)


def _array_key(array_read: ArrayRead) -> tuple[str, tuple[int, ...]]:
    return array_read.array.token, array_read.axes


def _key(array_read: ArrayRead, chunk_read: ChunkRead) -> ChunkKey:
    return (*_array_key(array_read), chunk_read.chunk)


def _of_points(group: GroupPlan, part: slice) -> GroupPlan:
    where = group.where
    assert isinstance(where, LocatedPoints)  # noqa: S101 - the only one with points, see `_cut_name`
    z, t = where.z, where.t
    first = where.first + part.start
    return replace(
        group,
        where=LocatedPoints(
            where.shape,
            where.inside[part],
            where.x[part],
            where.y[part],
            None if z is None else z[part],
            None if t is None else t[part],
            first,
        ),
    )


def _of_times(group: GroupPlan, part: slice) -> GroupPlan:
    assert group.t is not None  # noqa: S101 - it is what was cut
    return replace(group, t=AxisSelection(group.t.axis, group.t.index[part]))


def _of_levels(group: GroupPlan, part: slice) -> GroupPlan:
    assert group.z is not None  # noqa: S101 - it is what was cut
    group = replace(group, z=AxisSelection(group.z.axis, group.z.index[part]))
    where = group.where
    if isinstance(where, MaskedWindow) and where.mask is not None and where.mask.ndim == 3:
        return replace(group, where=MaskedWindow(where.window, where.mask[part]))
    return group


def _of_rows(group: GroupPlan, part: slice) -> GroupPlan:
    where = group.where
    assert isinstance(where, MaskedWindow)  # noqa: S101 - the only one with rows, see `_cut_name`
    window, mask = where.window, where.mask
    index_y, index_x = window.index
    cut = Window((index_y[part], index_x), window.x, window.y[part], window.x_edges, window.y_edges[part])
    return replace(group, where=MaskedWindow(cut, None if mask is None else mask[..., part, :]))


_NARROWED = {"points": _of_points, "t": _of_times, "z": _of_levels, "y": _of_rows}


def read_parts(
    parts: Parts, reading: Reading, crs: HorizontalCrs, query: Query, deadline: Callable[[], Deadline]
) -> Iterator[CoverageSet]:
    """The answer, part after part, each when its chunks have been read. `deadline` is asked anew for each.

    Raises as `Reading.fill`.
    """
    first_read: list[int] = [0]
    for group in parts.plan.groups:
        first_read.append(first_read[-1] + len(group.reads))
    for pieces, numbered in zip(parts.pieces, parts.reads(deadline()), strict=True):
        for some in numbered:
            reading.fill(some, deadline())
        groups, arrays = [], []
        for piece in pieces:
            group, part = parts.narrowed(piece)
            groups.append(group)
            start = first_read[piece.group]
            arrays += [reading.values(start + n, part) for n in range(len(group.reads))]
        narrowed = ReadPlan(tuple(groups), parts.plan.places)
        yield in_crs(cover(narrowed, tuple(arrays), crs, deadline(), together=True, tags=query.tags), query.crs)
