"""Axes as plain Python lists, for the oracle: which index does a longitude, a level, a time or a member select?"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import cftime
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from zarr_edr.query.model import (
    Instant,
    LevelInterval,
    Moment,
    Precision,
    RepeatingInterval,
    TimeInterval,
    TimeSelector,
    VerticalSelector,
)

_GAP_DEG = 1e-2
"""Cells whose edges miss a full circle by less than this (float32 coordinates) fill it."""

Numbers = list[float]


def spacing_edges(centres: Numbers) -> tuple[float, float]:
    """Outer edges of cells in ascending order: half of the adjacent spacing beyond the outermost centres."""
    first, second, before_last, last = centres[0], centres[1], centres[-2], centres[-1]
    return first - (second - first) / 2, last + (last - before_last) / 2


def spread(low: float, high: float, n: int) -> Numbers:
    """As many evenly spaced positions, both ends included; one is in the middle."""
    return [float(v) for v in np.linspace(low, high, n)] if n > 1 else [(low + high) / 2]


def nearest_inside(centres: Numbers, wanted: float, low: float = -math.inf, high: float = math.inf) -> int | None:
    """Index of the nearest centre, the greater of two; None beyond the cells, or beyond `low` and `high`."""
    south, north = spacing_edges(sorted(centres))
    if not max(south, low) <= wanted <= min(north, high):
        return None
    return min(range(len(centres)), key=lambda k: (abs(centres[k] - wanted), -centres[k]))


def unwrapped(longitudes: Numbers) -> Numbers:
    """The same directions from west to east without a jump, e.g. 350, 355, 0 -> 350, 355, 360."""
    eastward = longitudes if _steps_east(longitudes) else longitudes[::-1]
    found = [eastward[0]]
    for longitude in eastward[1:]:
        found.append(found[-1] + (longitude - found[-1]) % 360.0)
    return found


def _steps_east(longitudes: Numbers) -> bool:
    return (longitudes[1] - longitudes[0]) % 360.0 <= 180.0


def nearest_longitudes(longitudes: Numbers, wanted: float) -> list[int]:
    """The nearest cell, or cells: 0 and 360 may both be there, one meridian. None where outside."""
    west, east = spacing_edges(unwrapped(longitudes))
    if east - west < 360.0 - _GAP_DEG and not any(west <= wanted + 360.0 * turn <= east for turn in range(-6, 7)):
        return []

    def rank(k: int) -> tuple[float, bool]:
        eastward = (longitudes[k] - wanted) % 360.0
        return min(eastward, 360.0 - eastward), eastward > 180.0

    best = min(range(len(longitudes)), key=rank)
    return [k for k, longitude in enumerate(longitudes) if same_meridian(longitude, longitudes[best])]


def same_meridian(one: float, other: float) -> bool:
    """Whether two longitudes are one direction."""
    apart = (one - other) % 360.0
    return min(apart, 360.0 - apart) < 1e-4  # float32 knows 360 degrees to 3e-5


def meridians(longitudes: Numbers) -> list[list[int]]:
    """Indices of the longitudes, those that are one direction together."""
    groups: list[list[int]] = []
    for k, longitude in enumerate(longitudes):
        same = [group for group in groups if same_meridian(longitudes[group[0]], longitude)]
        if same:
            same[0].append(k)
        else:
            groups.append([k])
    return groups


def row_edges(latitudes: Numbers) -> list[tuple[float, float]]:
    """South and north edge of each cell, in the order given: half-way to the neighbours, and not beyond the poles."""
    return [(max(low, -90.0), min(high, 90.0)) for low, high in _edges_in_order(latitudes, sorted(latitudes))]


def column_edges(longitudes: Numbers) -> list[tuple[float, float]]:
    """West and east edge of each cell, in the order given; where the axis wraps, some are a turn off its longitude."""
    eastward = unwrapped(longitudes)
    edges = _edges(eastward)
    return edges if _steps_east(longitudes) else edges[::-1]


def _edges(ascending: Numbers) -> list[tuple[float, float]]:
    first, last = spacing_edges(ascending)
    between = [(one + other) / 2 for one, other in itertools.pairwise(ascending)]
    return list(itertools.pairwise([first, *between, last]))


def _edges_in_order(centres: Numbers, ascending: Numbers) -> list[tuple[float, float]]:
    edges = _edges(ascending)
    return edges if centres == ascending else edges[::-1]


def chosen_levels(selector: VerticalSelector | None, levels: Numbers) -> list[int]:
    """Indices of the levels selected: the nearest to a value within their range, all in an interval."""
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


def nearest_time(instants: Sequence[cftime.datetime], utc_us: int) -> int | None:
    """Index of the nearest instant, the later of two, up to half a step beyond the outermost; a lone one must be equal.

    `utc_us` are microseconds since 1970 in the real calendar; the same date is meant in the calendar of the instants.
    """
    # Twice the count, so that halves are whole numbers.
    counts = [2 * _since_1970_us(instant) for instant in instants]
    wanted, ascending = 2 * _since_1970_us(same_date(utc_us, instants[0].calendar)), sorted(counts)
    low, high = ascending[0], ascending[-1]
    if len(counts) > 1:
        low, high = low - (ascending[1] - low) // 2, high + (high - ascending[-2]) // 2
    if not low <= wanted <= high:
        return None
    return min(range(len(counts)), key=lambda k: (abs(counts[k] - wanted), -counts[k]))


def same_date(utc_us: int, calendar: str) -> cftime.datetime:
    """The date of an instant, in a calendar; where that lacks the day, the day after its last of that month."""
    real = cftime.datetime(1970, 1, 1, calendar="proleptic_gregorian") + timedelta(microseconds=utc_us)
    time = (real.hour, real.minute, real.second, real.microsecond)
    try:
        return cftime.datetime(real.year, real.month, real.day, *time, calendar=calendar)
    except ValueError:
        return _plus_months(cftime.datetime(real.year, real.month, 1, *time, calendar=calendar), 1)


def _since_1970_us(instant: cftime.datetime) -> int:
    since = instant - cftime.datetime(1970, 1, 1, calendar=instant.calendar)
    return int(since // timedelta(microseconds=1))


def member_matches(wanted: str | None, label: float | str) -> bool:
    """Whether a member is selected by a list of values and closed intervals; all are without one."""
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


def time_matches(selector: TimeSelector | None, instant: cftime.datetime) -> bool:
    """Whether an instant is selected."""
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
