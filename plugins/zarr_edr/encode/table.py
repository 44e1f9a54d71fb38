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
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.coverage import Coverage, CoverageSet, Range, Times, Tuples, axis_size
from zarr_edr.dataset.calendars import GREGORIAN
from zarr_edr.dataset.model import HorizontalCrs, Parameter, TimeAxis, VerticalAxis
from zarr_edr.plan import LocatedPoints, PointShape, ReadPlan
from zarr_edr.query.geometry import Tags


class Role(StrEnum):
    """What a column holds."""

    POINT = "point"
    PLACE = "place"
    ID = "id"
    PROPERTY = "property"
    TIME = "time"
    Z = "z"
    X = "x"
    Y = "y"
    DIMENSION = "dimension"
    PARAMETER = "parameter"


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    role: Role
    key: str
    """Name of the property, dimension or parameter; else that of the role."""
    name: str
    """Unique in the table."""
    unit: str | None = None
    parameter: Parameter | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """What is known of an answer before it is read, and is the same in all its parts."""

    parameters: tuple[Parameter, ...]
    crs: HorizontalCrs
    time_axes: tuple[TimeAxis, ...]
    vertical_axes: tuple[VerticalAxis, ...]
    dimensions: tuple[str, ...]
    """Names of the further dimensions."""
    shape: PointShape | None
    """What the positions are to each other; None: windows of cells."""
    places: int
    tags: Tags | None

    @classmethod
    def of_plan(cls, plan: ReadPlan, crs: HorizontalCrs, tags: Tags | None) -> Outline:
        """Of an answer that is planned."""
        parameters = tuple({read.parameter.name: read.parameter for read in plan.array_reads}.values())
        where = plan.groups[0].where
        return cls(
            parameters,
            crs,
            _distinct(p.t for p in parameters),
            _distinct(p.z for p in parameters),
            tuple(dict.fromkeys(axis.name for p in parameters for axis in p.custom)),
            where.shape if isinstance(where, LocatedPoints) else None,
            plan.places,
            tags,
        )

    @classmethod
    def of_coverages(cls, coverages: CoverageSet) -> Outline:
        """Of an answer that is there."""
        times = (time_axis(c) for c in coverages.coverages)
        return cls(
            coverages.parameters,
            coverages.crs,
            _distinct(times),
            _distinct(c.vertical for c in coverages.coverages if "z" in c.axes or _has_z(c)),
            tuple(dict.fromkeys(name for c in coverages.coverages for name in c.dimensions)),
            coverages.shape,
            coverages.places,
            coverages.tags,
        )

    @property
    def gregorian(self) -> bool:
        """Whether all times are instants of the calendar in use, in which computers count."""
        return all(axis.calendar in GREGORIAN for axis in self.time_axes)

    def columns(self) -> tuple[Column, ...]:
        """The columns of the table. A name that stands already is followed by what the column is, e.g. `time_parameter`."""
        found: list[Column] = []
        taken: set[str] = set()

        def add(role: Role, key: str = "", unit: str | None = None, parameter: Parameter | None = None) -> None:
            name = key or role
            while name in taken:
                name = f"{name}_{role}"
            taken.add(name)
            found.append(Column(role, key or role, name, unit, parameter))

        tags = Tags(None, {}) if self.tags is None else self.tags
        for role, there in (
            (Role.POINT, self.shape is not None),
            (Role.PLACE, self.places > 1 and self.shape in (None, PointShape.PATH)),
            (Role.ID, tags.ids is not None),
        ):
            if there:
                add(role)
        coordinates = (Role.TIME,) * bool(self.time_axes) + (Role.Z,) * bool(self.vertical_axes) + (Role.X, Role.Y)
        taken |= set(coordinates)
        for name in tags.properties:
            add(Role.PROPERTY, name)
        taken -= set(coordinates)
        units = {axis.unit.text for axis in self.vertical_axes}
        for role in coordinates:
            add(role, unit=units.pop() or None if role is Role.Z and len(units) == 1 else None)
        for name in self.dimensions:
            add(Role.DIMENSION, name)
        for p in self.parameters:
            add(Role.PARAMETER, p.name, None if p.unit is None else p.unit.text, p)
        return tuple(found)


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


def time_axis(coverage: Coverage) -> TimeAxis | None:
    """The axis that a coverage's times are of."""
    t, composite = coverage.axes.get("t"), coverage.axes.get("composite")
    times = t if isinstance(t, Times) else composite.t if isinstance(composite, Tuples) else None
    return None if times is None else times.axis


def _has_z(coverage: Coverage) -> bool:
    composite = coverage.axes.get("composite")
    return isinstance(composite, Tuples) and composite.z is not None


def _distinct[T](axes: Iterable[T | None]) -> tuple[T, ...]:
    return tuple({id(axis): axis for axis in axes if axis is not None}.values())


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
        if of.tags.ids is not None:
            found[Role.ID, Role.ID] = Laid(laid, _taken(of.tags.ids, places))
        for name, values in of.tags.properties.items():
            found[Role.PROPERTY, name] = Laid(laid, _taken(values, places))
    return found


def _taken(values: Sequence[Any], places: NDArray[np.int64]) -> NDArray[Any]:
    return _objects([values[place] for place in places.reshape(-1).tolist()]).reshape(places.shape)


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
