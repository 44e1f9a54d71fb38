"""Coverages as rows of a table: the noun between coverages and the formats that are tables.

One row for each place, time, level and member; one column for each parameter. The columns, in this order, as far as the answer
has them:

    point        which of the positions asked for, or which vertex of a line; from 0
    place        which of several lines, polygons or circles; from 0
    id           what the client calls the place, and its other properties
    time, z      of the cell used, as all coordinates are
    x, y         longitude and latitude, or easting and northing
    ...          further dimensions, e.g. the ensemble member
    ...          parameters

Rows of points come point by point, each with its times and the levels of each time; rows of windows as their arrays are stored in
CoverageJSON: t, z, y, x. Cells outside of what was asked for have no row.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.coverage import Coverage, CoverageSet, Range, Times, Tuples, axis_size
from zarr_edr.encode.tags import values_of_tags
from zarr_edr.outline import Outline, Role
from zarr_edr.plan import PointShape


class TableEncoder:
    """What formats that are tables share: an answer that is there is an answer of one part."""

    queries: frozenset[str] | None = None

    def encode(self, coverages: CoverageSet) -> Iterable[bytes]:
        """All rows of an answer."""
        return self.encode_parts(Outline.of_coverages(coverages), (coverages,))

    def encode_parts(self, outline: Outline, parts: Iterable[CoverageSet]) -> Iterator[bytes]:
        """All rows of an answer that comes in parts, each part's as soon as it is there."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """Values of a column along some of the axes of a block."""

    axes: tuple[int, ...]
    """Rising."""
    values: NDArray[Any] | Times
    """Shape: the sizes of these axes. Object arrays hold JSON values; NaN and what is masked is missing."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The rows of one coverage."""

    shape: tuple[int, ...]
    """Rows come in the order of an array of this shape."""
    columns: Mapping[tuple[Role, str], Laid]
    """By role and key. Columns that are not there have no value in these rows."""
    kept: NDArray[np.int64] | None
    """Numbers of the rows that there are; None: all."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return math.prod(self.shape) if self.kept is None else int(self.kept.size)


def blocks_of(coverages: CoverageSet) -> Iterator[Block]:
    """The rows of an answer, or of a part of it."""
    for coverage in coverages.coverages:
        for ranges in _by_axes(coverage):
            yield _block(coverage, ranges, coverages)


def _by_axes(coverage: Coverage) -> Iterator[dict[str, Range]]:
    """The ranges of a coverage, those over the same axes together."""
    alike: dict[tuple[str, ...], dict[str, Range]] = {}
    for name, values in coverage.ranges.items():
        alike.setdefault(values.axis_names, {})[name] = values
    yield from alike.values()


_OF_POINTS = ("composite", "t", "z", "y", "x")
_OF_WINDOWS = ("t", "z", "y", "x", "composite")


def _block(coverage: Coverage, ranges: Mapping[str, Range], of: CoverageSet) -> Block:
    """`ranges` are over the same axes; an axis of one value may be missing among them."""
    order = _OF_POINTS if "composite" in coverage.axes else _OF_WINDOWS
    axes = [name for name in order if name in coverage.axes]
    shape = tuple(axis_size(coverage.axes[name]) for name in axes)
    at = {name: (axes.index(name),) for name in axes}
    columns: dict[tuple[Role, str], Laid] = dict(_coordinates(coverage, at))
    for name, member in coverage.dimensions.items():
        columns[Role.DIMENSION, name] = Laid((), _objects([member]).reshape(()))
    columns |= _numbers(coverage, of, at)
    every = tuple(range(len(axes)))
    for name, values in ranges.items():
        columns[Role.PARAMETER, name] = Laid(every, _in_order(values, axes, shape))
    return Block(shape, columns, _kept(coverage, axes, shape))


def _in_order(values: Range, axes: Sequence[str], shape: tuple[int, ...]) -> NDArray[Any]:
    """The values of a range with the axes of the block, those it lacks having one value."""
    there = [name for name in axes if name in values.axis_names]
    array = values.values.transpose([values.axis_names.index(name) for name in there])
    return array.reshape(shape)


def _coordinates(coverage: Coverage, at: Mapping[str, tuple[int]]) -> Iterator[tuple[tuple[Role, str], Laid]]:
    for name, role in (("t", Role.TIME), ("z", Role.Z), ("x", Role.X), ("y", Role.Y)):
        axis = coverage.axes.get(name)
        if isinstance(axis, np.ndarray | Times):
            yield (role, role), Laid(at[name], axis)
    composite = coverage.axes.get("composite")
    if isinstance(composite, Tuples):
        along = at["composite"]
        for role, values in (
            (Role.X, composite.x),
            (Role.Y, composite.y),
            (Role.Z, composite.z),
            (Role.TIME, composite.t),
        ):
            if values is not None:
                yield (role, role), Laid(along, values)


def _numbers(coverage: Coverage, of: CoverageSet, at: Mapping[str, tuple[int]]) -> dict[tuple[Role, str], Laid]:
    """Which point and place the rows are of, and what the client calls it."""
    found: dict[tuple[Role, str], Laid] = {}
    composite = coverage.axes.get("composite")
    count = axis_size(composite) if isinstance(composite, Tuples) else 1
    along = at.get("composite", ())
    places, laid = np.array(coverage.place), tuple[int, ...]()
    if of.shape is PointShape.PATH:
        found[Role.POINT, Role.POINT] = Laid(along, np.arange(count))
    elif of.shape is not None:
        places, laid = (coverage.place + np.arange(count), along) if along else (places, ())
        found[Role.POINT, Role.POINT] = Laid(laid, places)
    if of.shape in (None, PointShape.PATH):
        found[Role.PLACE, Role.PLACE] = Laid((), places)
    if of.tags is not None:
        for name, values in values_of_tags(of.tags, places):
            key = (Role.ID, Role.ID) if name is None else (Role.PROPERTY, name)
            found[key] = Laid(laid, _objects(values).reshape(places.shape))
    return found


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    array = np.empty(len(values), dtype=object)
    for number, value in enumerate(values):  # at once, numpy would take lists for further axes
        array[number] = value
    return array


def _kept(coverage: Coverage, axes: Sequence[str], shape: tuple[int, ...]) -> NDArray[np.int64] | None:
    if coverage.inside is None or coverage.inside.all():
        return None
    inside = coverage.inside
    names = ("z", "y", "x") if inside.ndim == 3 else ("y", "x")
    sizes = [inside.shape[names.index(name)] if name in names else 1 for name in axes]
    return np.flatnonzero(np.broadcast_to(inside.reshape(sizes), shape).reshape(-1))
