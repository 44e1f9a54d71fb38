"""A slow, obvious answer to a position query, to compare fast ones with.

Works on whole arrays decoded by xarray, with Python loops, and shares no code with the engine but the query's types.

Rules. The cell is the one with the nearest centre, ties to the greater coordinate (for longitudes: to the east); a
longitude is a direction. Half a cell beyond the outermost centre is inside, the edge included; latitudes end at the
poles; an axis whose cells fill the circle has no outside. At a pole any cell of the row is right, whatever the
longitude. A time matches exactly, or lies in the year, month or day that was written; a level is the nearest within
the range of the levels, ties to the greater.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import cftime
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from zarr_edr.query.model import (
    Instant,
    Level,
    LevelInterval,
    Moment,
    PositionQuery,
    Precision,
    RepeatingInterval,
    TimeInterval,
    TimeSelector,
    VerticalSelector,
)
from zarr_edr.testing.covjson import Row

_GAP_DEG = 1e-2
"""Cells whose edges miss a full circle by less than this (float32 coordinates) fill it."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Names of the dimensions; every other one is custom."""

    x: str = "lon"
    y: str = "lat"
    t: str = "time"
    z: str = "level"


@dataclass(frozen=True, slots=True)
class Cell:
    """A grid cell and what it holds."""

    x: float
    y: float
    value: float | None


@dataclass(frozen=True, slots=True)
class Expected:
    """One value that the answer must hold."""

    parameter: str
    point: int
    """Index of the point in the query."""
    time: str | None
    """`YYYY-MM-DDTHH:MM:SSZ`; None without a time axis."""
    z: float | None
    """None without a vertical axis, and where the point is outside."""
    members: tuple[tuple[str, float | str], ...]
    """Custom dimension and value, sorted by dimension."""
    cells: tuple[Cell, ...]
    """Any of these is right: several at a pole, and on a meridian that is there twice.

    None where the point is outside and the value is null.
    """


Numbers = list[float]


def answer(query: PositionQuery, dataset: xr.Dataset, roles: Roles | None = None) -> list[Expected] | None:
    """All values of the answer, or None where there is no data: all points outside, or no matching time or level.

    `dataset` is loaded, with values decoded and times not (`stores.truth`).
    """
    return Oracle(dataset, roles).answer(query)


class Oracle:
    """Answers many queries on one dataset."""

    def __init__(self, dataset: xr.Dataset, roles: Roles | None = None) -> None:
        known = Roles() if roles is None else roles
        self._variables = {str(name): _Variable(array, known) for name, array in dataset.data_vars.items()}

    def answer(self, query: PositionQuery) -> list[Expected] | None:
        """See the function of that name."""
        names = self._variables if query.parameters is None else query.parameters
        return [row for name in names for row in self._variables[name].rows(query)] or None


def disagreements(
    expected: Sequence[Expected] | None, rows: Sequence[Row] | None, tolerance: Mapping[str, float] | None = None
) -> list[str]:
    """How an answer, decoded, differs from the expected one; empty when it does not.

    `tolerance` gives the absolute difference allowed per parameter (packed values may be unpacked in another order of
    operations); others must be equal. The place of a point that is outside is free, its value must be null.
    """
    if expected is None or rows is None:
        return [] if expected is None and rows is None else [f"expected {_some(expected)}, got {_some(rows)}"]
    outside = {(e.parameter, e.point, e.time, e.members) for e in expected if not e.cells}
    wanted = {(e.parameter, e.point, e.time, e.members, e.z): e for e in expected if e.cells}
    problems = []
    for row in rows:
        place = (row.parameter, row.point, row.time, row.members)
        if place in outside:
            problems += [] if row.value is None else [f"a value outside: {row}"]
            continue
        match = wanted.pop((*place, row.z), None)
        if match is None:
            problems.append(f"not expected, or twice: {row}")
        elif not any(_same(cell, row, (tolerance or {}).get(row.parameter, 0.0)) for cell in match.cells):
            problems.append(f"expected {match}, got {row}")
    problems += [f"lacking: {e}" for e in wanted.values()]
    present = {(row.parameter, row.point, row.time, row.members) for row in rows}
    return problems + [f"lacking a null: {place}" for place in sorted(outside - present, key=str)]


def _some(rows: Sequence[object] | None) -> str:
    return "no data" if rows is None else f"{len(rows)} values, first {rows[:1]}"


def _same(cell: Cell, row: Row, tolerance: float) -> bool:
    if (cell.x, cell.y) != (row.x, row.y):
        return False
    if cell.value is None or row.value is None:
        return cell.value is row.value
    return abs(cell.value - row.value) <= tolerance


class _Variable:
    """One data variable with its coordinates as plain Python numbers."""

    def __init__(self, array: xr.DataArray, roles: Roles) -> None:
        self.name = str(array.name)
        self.dims = [str(dim) for dim in array.dims]
        self.roles = roles
        self.values: NDArray[Any] = array.values
        self.stored = {str(dim): array[dim].values for dim in array.dims}
        self.x = [float(v) for v in self.stored[roles.x]]
        self.y = [float(v) for v in self.stored[roles.y]]
        self.instants = instants_of(array[roles.t]) if roles.t in array.dims else []
        self.custom = sorted(str(d) for d in array.dims if d not in {roles.x, roles.y, roles.t, roles.z})

    def rows(self, query: PositionQuery) -> list[Expected]:
        """What this parameter contributes; nothing where no point is inside or no time, level or member matches."""
        points = query.points
        rows: list[Expected] = []
        anything = False
        for i in range(len(points)):
            cells = self._cells(float(points.x[i]), float(points.y[i]))
            levels = self._levels(query, i)
            if not cells or (not levels and self._level_of_point(query)):
                rows += self._missing(query, i)
                continue
            found = list(self._found(query, i, cells, levels))
            anything = anything or bool(found)
            rows += found
        return rows if anything else []

    def _missing(self, query: PositionQuery, point: int) -> Iterator[Expected]:
        for (_, time), members in itertools.product(self._times(query), self._members(query)):
            labels = tuple((dim, label) for dim, _, label in members)
            yield Expected(self.name, point, time, None, labels, ())

    def _found(
        self,
        query: PositionQuery,
        point: int,
        cells: list[tuple[int, int]],
        levels: list[tuple[int | None, float | None]],
    ) -> Iterator[Expected]:
        for (t, time), (z, level), members in itertools.product(self._times(query), levels, self._members(query)):
            index = {self.roles.t: t, self.roles.z: z, **{dim: k for dim, k, _ in members}}
            labels = tuple((dim, label) for dim, _, label in members)
            found = tuple(self._cell(index, j, i) for j, i in cells)
            yield Expected(self.name, point, time, level, labels, found)

    def _cell(self, index: dict[str, int | None], j: int, i: int) -> Cell:
        everything = {**index, self.roles.y: j, self.roles.x: i}
        value = self.values[tuple(everything[dim] for dim in self.dims)]
        x, y = self.stored[self.roles.x][i], self.stored[self.roles.y][j]
        return Cell(plain(x), plain(y), plain(value) if np.isfinite(value) else None)

    def _cells(self, x: float, y: float) -> list[tuple[int, int]]:
        j = _nearest_inside(self.y, y, low=-90.0, high=90.0)
        if j is None:
            return []
        if abs(y) >= 90.0:
            return [(j, i) for i in range(len(self.x))]
        return [(j, i) for i in _nearest_longitudes(self.x, x)]

    def _times(self, query: PositionQuery) -> list[tuple[int | None, str | None]]:
        if self.roles.t not in self.dims:
            return [(None, None)]
        chosen = [k for k, instant in enumerate(self.instants) if _time_matches(query.datetime, instant)]
        return [(k, iso(self.instants[k])) for k in chosen]

    def _level_of_point(self, query: PositionQuery) -> bool:
        return self.roles.z in self.dims and query.z is None and query.points.z is not None

    def _levels(self, query: PositionQuery, point: int) -> list[tuple[int | None, float | None]]:
        if self.roles.z not in self.dims:
            return [(None, None)]
        stored = self.stored[self.roles.z]
        levels = [float(v) for v in stored]
        selector = query.z
        if selector is None and query.points.z is not None:
            selector = (Level(float(query.points.z[point])),)
        return [(k, plain(stored[k])) for k in _chosen_levels(selector, levels)]

    def _members(self, query: PositionQuery) -> list[tuple[tuple[str, int, float | str], ...]]:
        choices = []
        for dim in self.custom:
            labels = [v if isinstance(v, str) else plain(v) for v in self.stored[dim]]
            choices.append(
                [(dim, k, label) for k, label in enumerate(labels) if _member_matches(query.custom.get(dim), label)]
            )
        return list(itertools.product(*choices))


def _spacing_edges(centres: Numbers) -> tuple[float, float]:
    """Outer edges of cells in ascending order: half of the adjacent spacing beyond the outermost centres."""
    first, second, before_last, last = centres[0], centres[1], centres[-2], centres[-1]
    return first - (second - first) / 2, last + (last - before_last) / 2


def _nearest_inside(centres: Numbers, wanted: float, low: float, high: float) -> int | None:
    south, north = _spacing_edges(sorted(centres))
    if not max(south, low) <= wanted <= min(north, high):
        return None
    return min(range(len(centres)), key=lambda k: (abs(centres[k] - wanted), -centres[k]))


def _unwrapped(longitudes: Numbers) -> Numbers:
    """The same directions from west to east without a jump, e.g. 350, 355, 0 -> 350, 355, 360."""
    eastward = longitudes if _steps_east(longitudes) else longitudes[::-1]
    unwrapped = [eastward[0]]
    for longitude in eastward[1:]:
        unwrapped.append(unwrapped[-1] + (longitude - unwrapped[-1]) % 360.0)
    return unwrapped


def _steps_east(longitudes: Numbers) -> bool:
    return (longitudes[1] - longitudes[0]) % 360.0 <= 180.0


def _nearest_longitudes(longitudes: Numbers, wanted: float) -> list[int]:
    """The nearest cell, or cells: 0 and 360 may both be there, one meridian. None where outside."""
    west, east = _spacing_edges(_unwrapped(longitudes))
    if east - west < 360.0 - _GAP_DEG and not any(west <= wanted + 360.0 * turn <= east for turn in range(-6, 7)):
        return []

    def rank(k: int) -> tuple[float, bool]:
        eastward = (longitudes[k] - wanted) % 360.0
        return min(eastward, 360.0 - eastward), eastward > 180.0

    best = min(range(len(longitudes)), key=rank)
    return [k for k, longitude in enumerate(longitudes) if _same_meridian(longitude, longitudes[best])]


def _same_meridian(one: float, other: float) -> bool:
    apart = (one - other) % 360.0
    return min(apart, 360.0 - apart) < 1e-4  # float32 knows 360 degrees to 3e-5


def _chosen_levels(selector: VerticalSelector | None, levels: Numbers) -> list[int]:
    if selector is None:
        return list(range(len(levels)))
    chosen: set[int] = set()
    for wanted in selector:
        if isinstance(wanted, LevelInterval):
            low = -math.inf if wanted.low is None else wanted.low
            high = math.inf if wanted.high is None else wanted.high
            chosen |= {k for k, level in enumerate(levels) if low <= level <= high}
        elif min(levels) <= wanted.value <= max(levels):
            value = wanted.value
            chosen.add(min(range(len(levels)), key=lambda k: (abs(levels[k] - value), -levels[k])))
    return sorted(chosen)


def _member_matches(wanted: str | None, label: float | str) -> bool:
    if wanted is None:
        return True
    for part in wanted.split(","):
        low, _, high = part.partition("/")
        if isinstance(label, str):
            if label == part:
                return True
        elif float(low) <= label <= float(high or low):
            return True
    return False


def instants_of(times: xr.DataArray) -> Sequence[cftime.datetime]:
    """The instants of an undecoded CF time coordinate."""
    calendar = times.attrs.get("calendar", "standard")
    found = cftime.num2date(times.values, times.attrs["units"], calendar, only_use_cftime_datetimes=True)
    return list(np.atleast_1d(found))


def iso(instant: cftime.datetime) -> str:
    """The instant as text, in its own calendar."""
    date = f"{instant.year:04d}-{instant.month:02d}-{instant.day:02d}"
    fraction = f".{instant.microsecond:06d}".rstrip("0") if instant.microsecond else ""
    return f"{date}T{instant.hour:02d}:{instant.minute:02d}:{instant.second:02d}{fraction}Z"


def _time_matches(selector: TimeSelector | None, instant: cftime.datetime) -> bool:
    return selector is None or any(_in_member(member, instant) for member in selector)


def _in_member(member: Instant | TimeInterval | RepeatingInterval, instant: cftime.datetime) -> bool:
    if isinstance(member, Instant):
        return _begins(member.at, instant) and _ends(member.at, instant)
    if isinstance(member, TimeInterval):
        after = member.start is None or _begins(member.start, instant)
        return after and (member.end is None or _ends(member.end, instant))
    return any(_repetition(member, n, instant.calendar) == instant for n in range(member.count))


def _begins(moment: Moment, instant: cftime.datetime) -> bool:
    return bool(instant >= start_of(moment, instant.calendar))


def _ends(moment: Moment, instant: cftime.datetime) -> bool:
    """Whether `instant` is not after what was written: a year, month or day, or a moment (`T12` is 12:00)."""
    if moment.precision > Precision.DAY:
        return bool(instant <= start_of(moment, instant.calendar))
    return bool(instant < _end_of_period(moment, instant.calendar))


def start_of(moment: Moment, calendar: str) -> cftime.datetime:
    """The first instant of a moment, UTC, in a calendar."""
    local = cftime.datetime(
        moment.year,
        moment.month,
        moment.day,
        moment.hour,
        moment.minute,
        moment.second,
        moment.microsecond,
        calendar=calendar,
    )
    return local - timedelta(minutes=moment.offset_minutes)


def _end_of_period(moment: Moment, calendar: str) -> cftime.datetime:
    """The first instant after a year, month or day."""
    start = start_of(moment, calendar)
    match moment.precision:
        case Precision.YEAR:
            return start.replace(year=start.year + 1)
        case Precision.MONTH:
            return _plus_months(start, 1)
        case _:
            return start + timedelta(days=1)


def _plus_months(instant: cftime.datetime, months: int) -> cftime.datetime:
    """Calendar months later, same day; the tests ask for days that every month has."""
    count = instant.year * 12 + instant.month - 1 + months
    return instant.replace(year=count // 12, month=count % 12 + 1)


def _repetition(member: RepeatingInterval, n: int, calendar: str) -> cftime.datetime:
    shifted = _plus_months(start_of(member.start, calendar), member.step.months * n)
    return shifted + timedelta(microseconds=member.step.microseconds * n)


def plain(value: NDArray[Any] | np.generic) -> float:
    """A stored number as the double nearest to its shortest decimal: float32 0.1 -> 0.1."""
    return int(value) if value.dtype.kind in "iu" else float(str(value))
