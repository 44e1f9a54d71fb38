"""`ReadPlan`: which cells of which chunks go where in the answer. Pure arithmetic, no I/O; `planner` makes plans of queries.

The cost of planning is O(points + chunks touched), whatever the size of the dataset. A read selects on each dimension of an
array in one of two ways: *orthogonally* (times, levels, members: every chosen index with every other) or *pointwise* (the
horizontal dimensions: one index per point). Values come out as (orthogonal dimensions..., points).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from zarr_edr.dataset.chunks import ChunkedArray, ChunkIndex
from zarr_edr.dataset.model import CustomAxis, Int64Array, Parameter, TimeAxis, VerticalAxis
from zarr_edr.errors import ResponseTooLarge
from zarr_edr.grid.protocol import Float64Array, Window
from zarr_edr.limits import Limits
from zarr_edr.route import cheapest, in_runs, tuple_keys

Selection = slice | Int64Array
"""Indices on one dimension; a slice where they are consecutive."""


def size(selection: Selection) -> int:
    """Number of indices."""
    return selection.stop - selection.start if isinstance(selection, slice) else int(selection.size)


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """The part of an orthogonal selection that lies in one chunk."""

    chunk: int
    local: Selection
    """Indices within the chunk."""
    out: Selection
    """Where they go in the answer."""


@dataclass(frozen=True, slots=True, eq=False)
class PointGroup:
    """The points that lie in one column of chunks."""

    chunk: ChunkIndex
    """One number per pointwise dimension."""
    local: tuple[Int64Array, ...]
    """Indices within the chunk, one array of shape (k,) per pointwise dimension."""
    out: Selection
    """Where they go along the last axis of the answer."""


@dataclass(frozen=True, slots=True, eq=False)
class ChunkRead:
    """One chunk and all that is taken from it."""

    chunk: ChunkIndex
    local: tuple[Selection, ...]
    """One selection per dimension, in the order of `ArrayRead.axes`."""
    out: tuple[Selection, ...]
    """One selection per axis of the answer."""

    @property
    def cells(self) -> int:
        """Number of values taken."""
        return math.prod([size(selection) for selection in self.out])


@dataclass(frozen=True, slots=True, eq=False)
class ArrayRead:
    """All that is taken from one parameter's array, factored: chunks are the product of segments and point groups."""

    parameter: Parameter
    array: ChunkedArray
    """That of the parameter, or one of its further layouts."""
    axes: tuple[int, ...]
    """Storage axes in the order of the answer: orthogonal ones first, then the pointwise ones (which become one)."""
    segments: tuple[tuple[Segment, ...], ...]
    """One tuple for each orthogonal dimension."""
    groups: tuple[PointGroup, ...]
    shape: tuple[int, ...]
    """Of the answer: orthogonal sizes, then the number of points."""
    wanted: frozenset[tuple[int, int]] | None = None
    """Of the chunks along the last two orthogonal dimensions, those to read; None: all."""

    @property
    def chunks(self) -> int:
        """Number of chunks to read."""
        if self.wanted is not None:
            return math.prod(map(len, self.segments[:-2])) * len(self.wanted) * len(self.groups)
        return math.prod(map(len, self.segments)) * len(self.groups)

    @property
    def cells(self) -> int:
        """Number of values in the answer."""
        return math.prod(self.shape)

    def only_read(self) -> ChunkRead:
        """The chunk of a read that takes from one only."""
        if self.wanted is not None:
            return next(self.reads())
        return _chunk_read(self.groups[0], [of[0] for of in self.segments], _order(self.axes))

    def reads(self) -> Iterator[ChunkRead]:
        """Each chunk once."""
        return (chunk_read for _, chunk_read in self.numbered())

    def numbered(self) -> Iterator[tuple[int, ChunkRead]]:
        """The same, each with a number by which `read_of` makes it again: a plan of many chunks keeps these instead."""
        order = _order(self.axes)
        products = ((group, parts) for group in self.groups for parts in product(*self.segments))
        for number, (group, parts) in enumerate(products):
            if self.wanted is None or (parts[-2].chunk, parts[-1].chunk) in self.wanted:
                yield number, _chunk_read(group, parts, order)

    def read_of(self, number: int) -> ChunkRead:
        """See `numbered`."""
        sizes = (len(self.groups), *map(len, self.segments))
        group, *parts = (int(index) for index in np.unravel_index(number, sizes))
        segments = tuple(of[part] for of, part in zip(self.segments, parts, strict=True))
        return _chunk_read(self.groups[group], segments, _order(self.axes))


def _order(axes: tuple[int, ...]) -> list[int]:
    """Where the answer has each storage axis."""
    return sorted(range(len(axes)), key=axes.__getitem__)


def _chunk_read(group: PointGroup, parts: Sequence[Segment], order: Sequence[int]) -> ChunkRead:
    """`order`: where the answer has each storage axis."""
    in_answer = [*[part.chunk for part in parts], *group.chunk]
    return ChunkRead(
        chunk=tuple([in_answer[axis] for axis in order]),
        local=(*[part.local for part in parts], *group.local),
        out=(*[part.out for part in parts], group.out),
    )


class PointShape(Enum):
    """What positions are to each other."""

    ONE = "one"
    MANY = "many"
    PATH = "path"


@dataclass(frozen=True, slots=True, eq=False)
class LocatedPoints:
    """Positions of a query, and the cells they fell into."""

    shape: PointShape
    inside: NDArray[np.bool_]
    """Shape (p,)."""
    x: Float64Array
    """Shape (p,): centre of the cell used, the requested value outside of the grid."""
    y: Float64Array
    z: Float64Array | None
    """Level used for each point, where each has its own."""
    t: Int64Array | None = None
    """Storage index of the time used for each point, where each has its own."""
    first: int = 0
    """Number of the first of these points among those asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class MaskedWindow:
    """A rectangle of cells, of which some are outside of what was asked for."""

    window: Window
    mask: NDArray[np.bool_] | None
    """Shape (ny, nx), or (nz, ny, nx) where levels differ from cell to cell: what was asked for; None: all."""


@dataclass(frozen=True, slots=True, eq=False)
class AxisSelection[A: (TimeAxis, VerticalAxis, CustomAxis)]:
    """What was chosen on one axis."""

    axis: A
    index: Int64Array
    """Storage indices, in the order of the answer."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupPlan:
    """One place, and parameters that share all their axes: they become coverages with one domain."""

    where: LocatedPoints | MaskedWindow
    t: AxisSelection[TimeAxis] | None
    z: AxisSelection[VerticalAxis] | None
    """None also where each point has a level of its own; and `t`, where each has a time of its own."""
    custom: tuple[AxisSelection[CustomAxis], ...]
    reads: tuple[ArrayRead, ...]
    place: int = 0
    """Which of the places asked for (polygons, circles, lines; the points of a position query are one place)."""

    @property
    def coverages(self) -> int:
        """Number of coverages this becomes: one, or one for each member, point with many levels, or time of a line."""
        members = math.prod(int(s.index.size) for s in self.custom)
        times, levels = (1 if s is None else int(s.index.size) for s in (self.t, self.z))
        if isinstance(self.where, MaskedWindow) or self.where.shape is PointShape.ONE:
            return members
        if self.where.shape is PointShape.PATH:
            return members * times
        return members * (int(self.where.x.size) if levels > 1 else 1)


@dataclass(frozen=True, slots=True, eq=False)
class ReadPlan:
    """Everything one answer takes. Without groups there is nothing to answer."""

    groups: tuple[GroupPlan, ...]
    places: int = 1
    """How many places were asked for, see `GroupPlan.place`; not all need have data."""

    array_reads: tuple[ArrayRead, ...] = field(init=False)
    """All reads of all groups."""
    chunks: int = field(init=False)
    """Number of chunks to read."""
    decoded_bytes: int = field(init=False)
    """Size of these chunks when decoded."""
    cells: int = field(init=False)
    """Number of values in the answer."""

    def __post_init__(self) -> None:
        reads = tuple([read for group in self.groups for read in group.reads])
        chunks = [read.chunks for read in reads]
        counted = sum([of_one * read.array.chunk_bytes for read, of_one in zip(reads, chunks, strict=True)])
        object.__setattr__(self, "array_reads", reads)
        object.__setattr__(self, "chunks", sum(chunks))
        object.__setattr__(self, "decoded_bytes", counted)
        object.__setattr__(self, "cells", sum([read.cells for read in reads]))

    @property
    def remote(self) -> bool:
        """Whether any of it comes over a network."""
        return any(read.array.remote for read in self.array_reads)

    @property
    def coverages(self) -> int:
        """Number of coverages in the answer."""
        return sum(group.coverages for group in self.groups)

    def admit(self, limits: Limits) -> None:
        """Raise `ResponseTooLarge` where the plan is over a limit; nothing has been read by then."""
        for what, planned, allowed, key in (
            ("return {} values", self.cells, limits.cells, "cells"),
            ("return {} coverages", self.coverages, limits.coverages, "coverages"),
            ("read {} chunks", self.chunks, limits.chunks, "chunks"),
            ("decode {} bytes of chunks", self.decoded_bytes, limits.decoded_bytes, "decoded_bytes"),
        ):
            if planned > allowed:
                raise ResponseTooLarge(
                    f"This query would {what.format(f'{planned:,}')}; {allowed:,} are allowed (limits.{key})."
                    " Ask for fewer points, times, levels or parameters at a time."
                )


def plan_points(
    parameter: Parameter,
    orthogonal: Mapping[str, Int64Array],
    pointwise: Mapping[str, Int64Array],
    inside: NDArray[np.bool_],
) -> ArrayRead:
    """Split the selections of one array by chunk: on each dimension indices of its own, or one for each point, shape (p,).

    Where the parameter has several layouts, the array is that of which the read costs least.
    """
    lone = inside.size == 1  # and inside: else there is nothing to read
    positions = np.zeros(1, dtype=np.int64) if lone else np.flatnonzero(inside)
    point_index = {dim: index if lone else index[positions] for dim, index in pointwise.items()}
    for dim, fixed in parameter.fixed.items():
        point_index[dim] = np.full(positions.shape, fixed, dtype=np.int64)
    array, axis_of = cheapest(parameter, orthogonal, point_index), parameter.axis_of
    chunks = array.chunks
    own, of_points = [axis_of[dim] for dim in orthogonal], [axis_of[dim] for dim in point_index]
    return ArrayRead(
        parameter=parameter,
        array=array,
        axes=(*own, *of_points),
        segments=tuple([split_index(i, chunks[axis]) for i, axis in zip(orthogonal.values(), own, strict=True)]),
        groups=split_points(tuple(point_index.values()), [chunks[axis] for axis in of_points], positions),
        shape=(*[int(index.size) for index in orthogonal.values()], int(inside.size)),
    )


def plan_window(
    parameter: Parameter, orthogonal: Mapping[str, Int64Array], mask: NDArray[np.bool_] | None
) -> ArrayRead:
    """Split the selections of one array by chunk, where every dimension has indices of its own.

    The last two of `orthogonal` are y and x. Chunks in which `mask`, shape ([nz,] ny, nx), wants no cell are not read.
    The array is chosen as by `plan_points`.
    """
    if mask is not None and mask.ndim == 3:
        mask = mask.any(axis=0)
    array = cheapest(parameter, orthogonal, {}, mask)
    chunk_of = dict(zip(parameter.dims, array.chunks, strict=True))
    axis_of = parameter.axis_of
    segments = tuple(split_index(index, chunk_of[dim]) for dim, index in orthogonal.items())
    wanted = None
    if mask is not None:
        wanted = frozenset(
            (row.chunk, column.chunk)
            for row in segments[-2]
            for column in segments[-1]
            if mask[row.out][:, column.out].any()
        )
    fixed = tuple(divmod(index, chunk_of[dim]) for dim, index in parameter.fixed.items())
    group = PointGroup(
        chunk=tuple(chunk for chunk, _ in fixed),
        local=tuple(np.array([local]) for _, local in fixed),
        out=slice(0, 1),
    )
    return ArrayRead(
        parameter=parameter,
        array=array,
        axes=(*(axis_of[dim] for dim in orthogonal), *(axis_of[dim] for dim in parameter.fixed)),
        segments=segments,
        groups=(group,),
        shape=(*(int(index.size) for index in orthogonal.values()), 1),
        wanted=wanted,
    )


def split_index(index: Int64Array, chunk: int) -> tuple[Segment, ...]:
    """Split indices on one dimension, in any order and shape (n,), by the chunk they lie in."""
    if index.size == 1:
        at, local = divmod(int(index[0]), chunk)
        return (Segment(at, slice(local, local + 1), slice(0, 1)),)
    found = as_selection(index)
    if isinstance(found, slice):
        firsts = range(found.start // chunk, (found.stop - 1) // chunk + 1)
        return tuple([_segment(at, at * chunk, found, chunk) for at in firsts])
    chunks = index // chunk
    order, bounds = in_runs(chunks)
    parts = [order[start:stop] for start, stop in pairwise(bounds)]
    return tuple(
        Segment(int(chunks[part[0]]), as_selection(index[part] - int(chunks[part[0]]) * chunk), as_selection(part))
        for part in parts
    )


def _segment(at: int, begin: int, run: slice, chunk: int) -> Segment:
    """The part of a run of indices that lies in chunk `at`, which begins at index `begin`."""
    first, last = max(run.start, begin), min(run.stop, begin + chunk)
    return Segment(at, slice(first - begin, last - begin), slice(first - run.start, last - run.start))


def split_points(index: Sequence[Int64Array], chunk: Sequence[int], positions: Int64Array) -> tuple[PointGroup, ...]:
    """Group points by chunk: `index` has one array of shape (k,) for each dimension, `chunk` the chunk length on it.

    `positions`, shape (k,), says where in the answer each of them goes.
    """
    if positions.size == 1:
        # In Python's own numbers: numpy takes ten times as long for one.
        places = [divmod(int(i[0]), c) for i, c in zip(index, chunk, strict=True)]
        local = tuple([np.array([within]) for _, within in places])
        return (PointGroup(tuple([at for at, _ in places]), local, as_selection(positions)),)
    chunks = [i // c for i, c in zip(index, chunk, strict=True)]
    order, bounds = in_runs(tuple_keys(chunks))
    # Once for all: those of a chunk are then a slice, which takes a fifth of picking them.
    within = [(i - c * n)[order] for i, c, n in zip(index, chunks, chunk, strict=True)]
    positions = positions[order]
    firsts = order[bounds[:-1]]
    columns = zip(*[c[firsts].tolist() for c in chunks], strict=True)
    return tuple(
        PointGroup(at, tuple([local[start:stop] for local in within]), as_selection(positions[start:stop]))
        for at, (start, stop) in zip(columns, pairwise(bounds), strict=True)
    )


def as_selection(index: Int64Array) -> Selection:
    """A slice where indices are consecutive and rising, else the indices."""
    first = int(index[0])
    if index.size == 1:
        return slice(first, first + 1)
    if int(index[-1]) - first == index.size - 1 and (index[1:] - index[:-1] == 1).all():
        return slice(first, first + int(index.size))
    return index
