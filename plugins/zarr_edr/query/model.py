"""Queries as values: what a request asks, freed from how it was written.

`temporal` and `vertical` make the selectors, `wkt` and `body` the geometries, `select` turns selectors into indices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from zarr_edr.crs import CRS84, QueryCrs
from zarr_edr.query.geometry import Box, Path, Points, Polygon, Tags


class Precision(IntEnum):
    """How much of a date-time was written.

    A year, month or day stands for all of it; `T12` and `T12:30` are instants, as clients mean them.
    """

    YEAR = 0
    MONTH = 1
    DAY = 2
    HOUR = 3
    MINUTE = 4
    SECOND = 5


@dataclass(frozen=True, slots=True)
class Moment:
    """A date-time as written, in a calendar that is known only where the data are. UTC; offsets are still to be applied."""

    year: int
    month: int = 1
    day: int = 1
    hour: int = 0
    minute: int = 0
    second: int = 0
    microsecond: int = 0
    offset_minutes: int = 0
    """Local time minus UTC, e.g. +60 for `+01:00`."""
    precision: Precision = Precision.SECOND


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment, or the whole of a day, month or year where no more was written."""

    at: Moment


@dataclass(frozen=True, slots=True)
class TimeInterval:
    """Closed interval; None is unbounded (`..`). An end of coarse precision includes that whole period."""

    start: Moment | None
    end: Moment | None


@dataclass(frozen=True, slots=True)
class Duration:
    """ISO 8601 duration: calendar months and exact microseconds, kept apart since a month has no fixed length."""

    months: int
    microseconds: int


@dataclass(frozen=True, slots=True)
class RepeatingInterval:
    """`Rn/start/step`: `count` instants, the first at `start` (EDR 1.2, datetime parameter); a date starts at midnight."""

    count: int
    start: Moment
    step: Duration


TimeSelector = tuple[Instant | TimeInterval | RepeatingInterval, ...]
"""A union of its members; never empty."""


@dataclass(frozen=True, slots=True)
class Level:
    """The level nearest to a value."""

    value: float


@dataclass(frozen=True, slots=True)
class LevelInterval:
    """All levels in a closed interval, `low <= high`; None is unbounded."""

    low: float | None
    high: float | None


VerticalSelector = tuple[Level | LevelInterval, ...]
"""A union of its members; never empty. `Rn/min/step` is written out as n levels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What every query may choose besides where."""

    datetime: TimeSelector | None = None
    """None: all times."""
    z: VerticalSelector | None = None
    """None: the Z of the coordinates, or all levels where they have none."""
    parameters: tuple[str, ...] | None = None
    """Names as asked for, in that order; None: all."""
    custom: Mapping[str, str] = field(default_factory=dict)
    """Selections on further dimensions (e.g. `number=1/3`), as written: the dimension decides how to read them."""
    crs: QueryCrs = CRS84
    """In which the answer gives coordinates; those of the query are longitude and latitude by now."""
    tags: Tags | None = None
    """Of the places, in their order."""


@dataclass(frozen=True, slots=True)
class PositionQuery(Selection):
    """`/position` (OGC 19-086r6): the values at, or nearest to, one or more points."""

    points: Points


@dataclass(frozen=True, slots=True)
class RadiusQuery(Selection):
    """`/radius`: the cells within a distance of one or more points, on the ground."""

    points: Points
    within_m: float
    """Metres, positive."""


@dataclass(frozen=True, slots=True)
class AreaQuery(Selection):
    """`/area`: the cells that one or more polygons touch."""

    polygons: tuple[Polygon, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """How many positions to return along each axis, both ends included; None or 0: as many as there are."""

    x: int | None = None
    y: int | None = None
    z: int | None = None


@dataclass(frozen=True, slots=True)
class CubeQuery(Selection):
    """`/cube`: the cells that a box touches; the levels of a box of six numbers are in `z`."""

    box: Box
    resolution: Resolution = Resolution()


@dataclass(frozen=True, slots=True)
class TrajectoryQuery(Selection):
    """`/trajectory`: the values at the vertices of one or more lines, each at its own level and time if it has them."""

    path: Path


@dataclass(frozen=True, slots=True)
class CorridorQuery(Selection):
    """`/corridor`: the cells within half the width of a line, on the ground, and the levels within half the height."""

    path: Path
    width_m: float
    """Metres across, the path in the middle; positive."""
    height: float | None = None
    """Levels across, in units of the vertical axis; None: no bound."""
    resolution: Resolution = Resolution()


Query = PositionQuery | RadiusQuery | AreaQuery | CubeQuery | TrajectoryQuery | CorridorQuery
"""Every query the engine answers."""
