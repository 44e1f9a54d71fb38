"""Calendars of CF (conventions 4.4): stored numbers to instants, instants to text, written moments to instants.

An instant is an integer: microseconds since 1970-01-01T00:00Z, counted linearly in the calendar of the data, as
`cftime.date2num(..., "microseconds since 1970-01-01", calendar)` counts. Years are those of ISO 8601: year 0 is 1 BC.
Everything is integer arithmetic on years that begin on 1 March, so that a leap day is the last day of its year; the
same code takes ints and arrays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.errors import ConfigurationError, InvalidDatetime
from zarr_edr.query.checks import quoted
from zarr_edr.query.model import Duration, Moment, Precision

Int64Array = NDArray[np.int64]

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
_LAST = 2**63 - DAY_US
"""Instants lie between -_LAST and _LAST: int64, and a day to spare for arithmetic."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule for leap years, for all of time."""

    year_days: int
    """Of a common year."""
    leap: tuple[int, int, int] = (0, 0, 0)
    """Days added in every 4th, 100th and 400th year."""
    months: tuple[int, int, int] = (153, 2, 5)
    """(a, b, c): month m, counted from March = 0, begins on day (a m + b) // c of the year: 31, 30, 31, 30, 31, ..."""
    epoch: int = 0
    """Day number of 1970-01-01, days being counted from 1 March of year 0."""

    def _start[N: (int, Int64Array)](self, year: N) -> N:
        fourth, hundredth, four_hundredth = self.leap
        leaps = fourth * (year // 4) + hundredth * (year // 100) + four_hundredth * (year // 400)
        return self.year_days * year + leaps

    def day[N: (int, Int64Array)](self, year: N, month: N, day: N) -> N:
        """Days since 1970-01-01 of a date."""
        a, b, c = self.months
        march = (month + 9) % 12
        return self._start(year - (march >= 10)) + (a * march + b) // c + day - 1 - self.epoch

    def date[N: (int, Int64Array)](self, days: N) -> tuple[N, N, N]:
        """Year, month and day of days since 1970-01-01."""
        a, b, c = self.months
        day = days + self.epoch
        year = day * 400 // self._start(400)
        # By the mean length of a year the estimate can be one off, to either side.
        year = year - (self._start(year) > day)
        year = year + (self._start(year + 1) <= day)
        rest = day - self._start(year)
        march = (c * rest + b) // a
        return year + (march >= 10), (march + 2) % 12 + 1, rest - (a * march + b) // c + 1


def _rule(year_days: int, leap: tuple[int, int, int] = (0, 0, 0), months: tuple[int, int, int] = (153, 2, 5)) -> _Rule:
    rule = _Rule(year_days, leap, months)
    return replace(rule, epoch=rule.day(1970, 1, 1))


_GREGORIAN = _rule(365, (1, -1, 1))
_JULIAN = _rule(365, (1, 0, 0))
_CUTOVER = _GREGORIAN.day(1582, 10, 15)
"""The first Gregorian day; the day before it is 1582-10-04 of the Julian calendar."""
CUTOVER_US = _CUTOVER * DAY_US
"""The instant from which on the dates of `standard` are those of ISO 8601; before it they are Julian."""
_BEFORE = replace(_JULIAN, epoch=_JULIAN.epoch + _JULIAN.day(1582, 10, 5) - _CUTOVER)


class _Mixed:
    """CF's `standard`: Julian before 1582-10-15, Gregorian from then on."""

    def day[N: (int, Int64Array)](self, year: N, month: N, day: N) -> N:
        """Days since 1970-01-01; the ten days that never were are read as Julian."""
        after = (year * 10_000 + month * 100 + day) >= 1582_10_15
        old = _BEFORE.day(year, month, day)
        return old + after * (_GREGORIAN.day(year, month, day) - old)

    def date[N: (int, Int64Array)](self, days: N) -> tuple[N, N, N]:
        """Year, month and day of days since 1970-01-01."""
        after = days >= _CUTOVER
        old, new = _BEFORE.date(days), _GREGORIAN.date(days)
        return (
            old[0] + after * (new[0] - old[0]),
            old[1] + after * (new[1] - old[1]),
            old[2] + after * (new[2] - old[2]),
        )


_RULES: dict[str, _Rule | _Mixed] = {
    "standard": _Mixed(),
    "proleptic_gregorian": _GREGORIAN,
    "julian": _JULIAN,
    "noleap": _rule(365),
    "all_leap": _rule(366),
    "360_day": _rule(360, months=(30, 0, 1)),
}
GREGORIAN = frozenset({"standard", "gregorian", "proleptic_gregorian"})
"""CF's names of calendars whose dates of today are those of ISO 8601."""
_ALIASES = {"gregorian": "standard", "365_day": "noleap", "366_day": "all_leap"}


def normalise(calendar: str | None) -> str:
    """The one name used here for each of CF's calendars: those of `_RULES`. None is CF's default, `standard`.

    Raises `ConfigurationError` for a calendar that CF does not have.
    """
    name = "standard" if calendar is None else calendar.strip().lower()
    name = _ALIASES.get(name, name)
    if name not in _RULES:
        raise ConfigurationError(f"The calendar {quoted(name)} is none of CF's, which are {', '.join(_RULES)}.")
    return name


# --- numbers as stored ---------------------------------------------------------------------------------------------


def _names(*entries: tuple[str, int, int]) -> dict[str, tuple[int, int]]:
    return {name: (factor, divisor) for names, factor, divisor in entries for name in names.split()}


_LINEAR = _names(
    ("week weeks", 7 * DAY_US, 1),
    ("day days d", DAY_US, 1),
    ("hour hours hr hrs h", 3600 * SECOND_US, 1),
    ("minute minutes min mins", 60 * SECOND_US, 1),
    ("second seconds sec secs s", SECOND_US, 1),
    ("millisecond milliseconds msec msecs millis ms", 1000, 1),
    ("microsecond microseconds us", 1, 1),
    ("nanosecond nanoseconds ns", 1, 1000),
)
"""Unit -> microseconds, as a ratio."""
_MONTHS = {"month": 1, "months": 1, "year": 12, "years": 12}

_SINCE = re.compile(r"\s*(\S+)\s+since\s+(\S.*)", re.IGNORECASE | re.ASCII)
_REFERENCE = re.compile(
    r"([+-]?\d{1,4}|[+-]\d{5,6})(?:-(\d{1,2})(?:-(\d{1,2}))?)?"
    r"(?:(?:[Tt]|\s+)(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.(\d*))?)?)?)?"
    r"\s*(?:[Zz]|UTC|GMT|([+-])(\d{1,2}):?(\d{2})?)?\s*",
    re.ASCII,
)


def decode(values: NDArray[Any], units: str, calendar: str | None) -> tuple[Int64Array, str]:
    """Instants of CF times: numbers, any shape, in `units` (`<unit> since <reference>`).

    Returns microseconds since 1970-01-01T00:00Z, of the shape of `values`, and the calendar in which they count. That
    is the calendar asked for, but for one case: `standard` has no year 0, and a reference in year 0 (climatologies) is
    read in `proleptic_gregorian`, which has. Negative years of `standard` and `julian` are BC: -1 comes before 1.

    Raises `ConfigurationError` for units that cannot be read, for missing values and for instants beyond int64.
    """
    name = normalise(calendar)
    since = _SINCE.fullmatch(units)
    unit = since[1].lower() if since else ""
    if since is None or unit not in _LINEAR.keys() | _MONTHS.keys():
        raise _bad_units(units, 'expected e.g. "hours since 1970-01-01 00:00:00"')
    reference, name = _reference(since[2], name, units)
    if values.dtype.kind not in "iuf":
        raise _bad_units(units, f"its values are not numbers but {values.dtype}")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise _bad_units(units, "some of its values are missing or infinite, and every step needs a time")
    if unit in _LINEAR:
        return _linear(values, *_LINEAR[unit], reference, units), name
    if name == "360_day":  # the one calendar in which a month is a length of time
        return _linear(values, _MONTHS[unit] * 30 * DAY_US, 1, reference, units), name
    return _calendar_months(values, _MONTHS[unit], reference, name, units), name


def _bad_units(units: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"Times in {quoted(units)} cannot be read: {why}.")


def _reference(text: str, calendar: str, units: str) -> tuple[int, str]:
    """The instant after `since`, as CF and UDUNITS write it, and the calendar to count it in."""
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise _bad_units(units, 'expected a reference such as "1970-01-01 00:00:00"')
    year, month, day = int(found[1]), int(found[2] or 1), int(found[3] or 1)
    hour, minute, second = (int(found[i] or 0) for i in (4, 5, 6))
    micro = int((found[7] or "")[:6].ljust(6, "0"))
    offset = (int(found[9] or 0) * 60 + int(found[10] or 0)) * (-1 if found[8] == "-" else 1)
    if year == 0 and calendar == "standard":
        calendar = "proleptic_gregorian"
    if year < 0 and calendar in ("standard", "julian"):
        year += 1
    if hour > 23 or minute > 59 or second > 59:
        raise _bad_units(units, "the time of day of its reference does not exist")
    try:
        return to_microseconds(Moment(year, month, day, hour, minute, second, micro, offset), calendar), calendar
    except InvalidDatetime as error:
        raise _bad_units(units, f"its reference does not exist in the calendar {calendar}") from error


def _linear(values: NDArray[Any], factor: int, divisor: int, reference: int, units: str) -> Int64Array:
    if not values.size:
        return np.zeros(values.shape, np.int64)
    # Python's integers do not overflow: the extremes tell whether int64 will.
    for extreme in (values.min(), values.max()):
        if abs(int(extreme)) >= 2**63 or abs(int(extreme) * factor // divisor + reference) > _LAST:
            raise _bad_units(units, f"{extreme!s} is beyond what 64 bits can count in microseconds")
    if values.dtype.kind == "f":
        return _from_floats(values, factor, divisor, reference)
    whole = values.astype(np.int64)
    if divisor > 1:
        whole = whole // divisor + (whole % divisor * 2 >= divisor)
    return whole * factor + reference


def _from_floats(values: NDArray[Any], factor: int, divisor: int, reference: int) -> Int64Array:
    """Round to the microsecond, then to the whole second where the stored number cannot tell the two apart.

    The nearest double to 730000 + 1/24 days is some microseconds off 01:00:00. Whoever wrote it meant 01:00:00, and a
    client must be able to ask for that. One spacing of the stored number is allowed: one half for its own rounding and
    one half for the arithmetic that made it.
    """
    wide = values.astype(np.float64) / divisor
    whole = np.floor(wide)
    # The fraction is exact, so only it is multiplied as a float: large counts keep their microseconds.
    us = whole.astype(np.int64) * factor + np.floor((wide - whole) * factor + 0.5).astype(np.int64) + reference
    second = (us + SECOND_US // 2) // SECOND_US * SECOND_US
    spacing_us = np.spacing(np.abs(values)).astype(np.float64) * (factor / divisor)
    return np.where(np.abs(second - us) <= spacing_us, second, us)


def _calendar_months(values: NDArray[Any], months: int, reference: int, calendar: str, units: str) -> Int64Array:
    """Whole months or years after the reference; a day that a month lacks becomes its last day."""
    whole = np.trunc(values)
    if (whole != values).any():
        raise _bad_units(units, f"a fraction of a month or year has no fixed length in the calendar {calendar}")
    if values.size and max(abs(int(values.min())), abs(int(values.max()))) > 12 * 1_000_000:
        raise _bad_units(units, "its values are beyond what 64 bits can count in microseconds")
    try:
        return add(reference, Duration(months, 0), calendar, whole.astype(np.int64))
    except InvalidDatetime as error:
        raise _bad_units(units, "its values are beyond what 64 bits can count in microseconds") from error


# --- text ----------------------------------------------------------------------------------------------------------


def iso_strings(us: Int64Array, calendar: str) -> tuple[str, ...]:
    """ISO 8601 text of instants, shape (n,): `2000-01-31T12:00:00Z`, a fraction of the second only where there is one.

    Years outside of 0..9999 are written with a sign: `+12345-01-01T00:00:00Z`, `-0001-01-01T00:00:00Z`.
    """
    day, rest = np.divmod(us, DAY_US)
    # Days and times of day recur: each is written once.
    days, nth_day = np.unique(day, return_inverse=True)
    clocks, nth_clock = np.unique(rest, return_inverse=True)
    dates = list(map(_date_text, *(part.tolist() for part in _RULES[calendar].date(days))))
    times = list(map(_clock_text, clocks.tolist()))
    return tuple(dates[i] + times[j] for i, j in zip(nth_day.tolist(), nth_clock.tolist(), strict=True))


def _date_text(year: int, month: int, day: int) -> str:
    signed = f"{year:04d}" if 0 <= year <= 9999 else f"{year:+05d}"
    return f"{signed}-{month:02d}-{day:02d}"


def _clock_text(us: int) -> str:
    second, micro = divmod(us, SECOND_US)
    fraction = f".{micro:06d}".rstrip("0") if micro else ""
    return f"T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}{fraction}Z"


# --- moments -------------------------------------------------------------------------------------------------------


def to_microseconds(moment: Moment, calendar: str) -> int:
    """The first instant of a written moment, its offset from UTC applied. Not bounded to 64 bits.

    Raises `InvalidDatetime` for a date that `calendar` does not have: 31 February, 1582-10-10 in `standard`.
    """
    rule = _RULES[calendar]
    written = (moment.year, moment.month, moment.day)
    day = rule.day(*written)
    if not 1 <= moment.month <= 12 or rule.date(day) != written:
        raise InvalidDatetime(
            f"The date {moment.year:04d}-{moment.month:02d}-{moment.day:02d} does not exist in the calendar of the "
            f"data, {calendar}."
        )
    minutes = (day * 24 + moment.hour) * 60 + moment.minute - moment.offset_minutes
    return (minutes * 60 + moment.second) * SECOND_US + moment.microsecond


@lru_cache(maxsize=4096)
def period(moment: Moment, calendar: str) -> tuple[int, int]:
    """First and last microsecond of what a written moment spans: a year, a month or a day; else one instant.

    `T12` and `T12:30` are the instants 12:00:00 and 12:30:00, not an hour and a minute: that is how clients mean them.
    Raises as `to_microseconds`. Kept, as `parse_datetime` keeps what it reads: many ask for the same.
    """
    first = to_microseconds(moment, calendar)
    if moment.precision > Precision.DAY:
        return first, first
    if moment.precision is Precision.DAY:
        return first, first + DAY_US - 1
    if moment.precision is Precision.YEAR or moment.month == 12:
        following = replace(moment, year=moment.year + 1, month=1)
    else:
        following = replace(moment, month=moment.month + 1)
    return first, to_microseconds(following, calendar) - 1


def in_calendar(us: Int64Array, calendar: str) -> Int64Array:
    """Instants of UTC, counted in the proleptic Gregorian calendar, by the same dates in `calendar`; shape (n,).

    A date that `calendar` lacks is the day after its last of that month: 31 January is 1 February of `360_day`.
    """
    if calendar == "proleptic_gregorian":
        return us
    day, rest = np.divmod(us, DAY_US)
    return _RULES[calendar].day(*_GREGORIAN.date(day)) * DAY_US + rest


def add(us: int, duration: Duration, calendar: str, n: Int64Array) -> Int64Array:
    """The instants `us + n * duration`, of the shape of `n`.

    Months are counted from `us` for each: where the month has no such day, its last day is taken, and the next is not
    affected by that (31 January, 29 February, 31 March). Raises `InvalidDatetime` beyond int64.
    """
    counts = (int(n.min()), int(n.max())) if n.size else (0, 0)
    steps = [duration.microseconds * count for count in counts]
    day, rest = divmod(us, DAY_US)
    days = _add_months(day, duration.months * n, calendar) if duration.months else np.full(n.shape, day, np.int64)
    ends = (int(days.min()), int(days.max())) if n.size else (0, 0)
    if max(-min(steps), *steps, -ends[0] * DAY_US - min(steps), ends[1] * DAY_US + max(steps)) > _LAST:
        raise InvalidDatetime("The times reach beyond the years -290000 to 290000, which is all that can be counted.")
    return days * DAY_US + rest + n * duration.microseconds


def _add_months(day: int, months: Int64Array, calendar: str) -> Int64Array:
    rule = _RULES[calendar]
    year, month, of_month = rule.date(day)
    total = year * 12 + month - 1 + months
    one = np.ones_like(total)
    last = rule.date(rule.day((total + 1) // 12, (total + 1) % 12 + 1, one) - 1)[2]
    return rule.day(total // 12, total % 12 + 1, np.minimum(of_month, last))
