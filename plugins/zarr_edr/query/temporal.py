"""`datetime` of EDR 1.2 (OGC 19-086r6, 8.2.5): text to selectors, in linear time, without knowing the calendar.

    instant     2009-01-16T12:00:00Z  2009-01-16T13:00:00+01:00  2009-01-16T12:00:00.5Z  2009-01-16  2009-01  2009
    interval    2009-01/2010-01  ../2010  2009/..  ../..         (an end may also be left empty)
    repeating   R5/2009-01-01T00:00:00Z/PT6H                     (five instants)
    list        any of these, separated by commas

Years outside of 0..9999 have a sign: `-0001`, `+12345`. No offset means UTC. A blank where a plus may stand is read as
one, since `+` in a URL arrives as a blank.
"""

from __future__ import annotations

import re
from functools import lru_cache

from zarr_edr.errors import InvalidDatetime, QueryTooLarge
from zarr_edr.query.checks import quoted
from zarr_edr.query.model import Duration, Instant, Moment, Precision, RepeatingInterval, TimeInterval, TimeSelector

MAX_CHARS = 10_000
MAX_MEMBERS = 1_000
MAX_REPEATS = 10_000

_MOMENT = re.compile(
    r" *(-?[0-9]{4}|[+ -][0-9]{5,6})"
    r"(?:-([0-9]{2})(?:-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?)?"
    r"(?:[Zz]|([+ -])([0-9]{2})(?::?([0-9]{2}))?)?)?)?)? *"
)
_DURATION = re.compile(
    r"P(?:([0-9]{1,9})Y)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})W)?(?:([0-9]{1,9})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})(?:\.([0-9]{1,6}))?S)?)?",
    re.IGNORECASE,
)
_REPEATS = re.compile(r" *R([0-9]{1,9})", re.IGNORECASE)
_COMMA_FRACTION = re.compile(r"(?<=:[0-9]{2}),(?=[0-9]+[Zz])")
"""`12:00:00,5Z` is one time, since no member of a list looks like `5Z`."""

_LONGEST_MONTHS = (31, 30, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""Days of each month, in the calendar where it is longest: February has 30 in `360_day`."""
_SPAN_US = {Precision.YEAR: 366 * 86_400_000_000, Precision.MONTH: 31 * 86_400_000_000, Precision.DAY: 86_399_999_999}


def parse_datetime(text: str) -> TimeSelector:
    """Read a `datetime` parameter.

    Raises `InvalidDatetime` where the text is none of the forms above, names a date or time of day that no calendar
    has, or holds an interval that ends before it starts; `QueryTooLarge` where it is too long. Seconds have at most six
    decimals (further zeros are let pass). A leap second is refused: times of models and grids do not count them.
    """
    if len(text) > MAX_CHARS:
        raise QueryTooLarge(f"datetime has {len(text)} characters; at most {MAX_CHARS} are allowed.")
    if "," not in text:
        return (_usual_member(text) if len(text) <= _USUAL_CHARS else _member(text),)
    members = _COMMA_FRACTION.sub(".", text).split(",")
    if len(members) > MAX_MEMBERS:
        raise QueryTooLarge(f"datetime lists {len(members)} times; at most {MAX_MEMBERS} are allowed.")
    selector = tuple(map(_member, members))
    if sum(m.count for m in selector if isinstance(m, RepeatingInterval)) > MAX_REPEATS:
        raise QueryTooLarge(f"The repeating intervals of datetime come to more than the {MAX_REPEATS} times allowed.")
    return selector


def _invalid(text: str, why: str) -> InvalidDatetime:
    return InvalidDatetime(f"datetime {quoted(text)}: {why}.")


_USUAL_CHARS = 64


@lru_cache(maxsize=1024)
def _usual_member(text: str) -> Instant | TimeInterval | RepeatingInterval:
    """Kept, since all who look at the newest map ask for the same."""
    return _member(text)


def _member(text: str) -> Instant | TimeInterval | RepeatingInterval:
    parts = text.split("/")
    if len(parts) == 1:
        return Instant(_moment(text))
    repeats = _REPEATS.fullmatch(parts[0])
    if repeats is not None or parts[0].lstrip(" ")[:1] in ("R", "r"):
        return _repeating(text, repeats, parts)
    if len(parts) > 2:
        raise _invalid(text, "an interval has two ends, e.g. 2009-01-16T00:00:00Z/2009-01-17T00:00:00Z")
    if not "".join(parts).strip():
        raise _invalid(text, "the interval has no end at all; for all times leave datetime out or write ../..")
    return _interval(text, _end(parts[0]), _end(parts[1]))


def _end(text: str) -> Moment | None:
    return None if text.strip(" ") in ("", "..") else _moment(text)


def _interval(text: str, start: Moment | None, end: Moment | None) -> TimeInterval:
    if start is not None and end is not None and _reversed(start, end):
        raise _invalid(text, "the interval ends before it starts; write the earlier time first")
    return TimeInterval(start, end)


def _reversed(start: Moment, end: Moment) -> bool:
    """True where the interval is reversed as written, and still is with the offsets applied.

    The written order holds in every calendar. Offsets can only undo it: an end of some hours before the start.
    """
    written = end.precision + 1 if end.precision <= Precision.DAY else None  # a date lasts until it is over
    if _fields(start)[:written] <= _fields(end)[:written]:
        return False
    same_zone = start.offset_minutes == end.offset_minutes
    return same_zone or _proleptic(start) > _proleptic(end) + _SPAN_US.get(end.precision, 0)


def _fields(moment: Moment) -> tuple[int, ...]:
    return (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond)


def _proleptic(moment: Moment) -> int:
    """Microseconds in the proleptic Gregorian calendar, from some origin; 30 February is read as 1 or 2 March."""
    year, march = (moment.year, moment.month - 3) if moment.month > 2 else (moment.year - 1, moment.month + 9)
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * march + 2) // 5 + moment.day
    minutes = (days * 24 + moment.hour) * 60 + moment.minute - moment.offset_minutes
    return (minutes * 60 + moment.second) * 1_000_000 + moment.microsecond


def _moment(text: str) -> Moment:
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise _not_a_moment(text)
    year, month, day, hour, minute, second, fraction, sign, off_hour, off_minute = found.groups()
    moment = Moment(
        int(year),
        int(month or 1),
        int(day or 1),
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        _micro(text, fraction) if fraction else 0,
        _offset(text, sign, off_hour, off_minute) if sign else 0,
        _precision(month, day, hour, minute, second),
    )
    _check(text, moment)
    return moment


def _precision(*parts: str | None) -> Precision:
    return Precision(5 - parts.count(None))


def _not_a_moment(text: str) -> InvalidDatetime:
    bare = text.strip()
    if bare[:1] in ("P", "p"):
        return _invalid(text, "a duration cannot be the end of an interval; write both ends as times")
    if bare in ("", ".."):
        return _invalid(text, "a time is missing; write e.g. 2009-01-16T12:00:00Z")
    return _invalid(text, "not a time; write e.g. 2009-01-16T12:00:00Z, 2009-01-16 or 2009-01/2009-03")


def _check(text: str, moment: Moment) -> None:
    if not 1 <= moment.month <= 12:
        raise _invalid(text, f"there is no month {moment.month:02d}; write e.g. 2009-01-16")
    if not 1 <= moment.day <= _LONGEST_MONTHS[moment.month - 1]:
        raise _invalid(text, f"month {moment.month:02d} has no day {moment.day:02d}; write e.g. 2009-01-16")
    if moment.second == 60:
        raise _invalid(text, "leap seconds are not counted in these data; write second 59 or the next minute")
    if moment.hour > 23 or moment.minute > 59 or moment.second > 59:
        raise _invalid(text, "the time of day goes from 00:00:00 to 23:59:59; write e.g. 2009-01-16T12:00:00Z")


def _micro(text: str, fraction: str) -> int:
    if fraction[6:].strip("0"):
        raise _invalid(text, "seconds have at most six decimals, e.g. 2009-01-16T12:00:00.123456Z")
    return int(fraction[:6].ljust(6, "0"))


def _offset(text: str, sign: str, hours: str, minutes: str | None) -> int:
    hour, minute = int(hours), int(minutes or 0)
    if hour > 23 or minute > 59:
        raise _invalid(text, "an offset from UTC goes from -23:59 to +23:59; write e.g. 2009-01-16T13:00:00+01:00")
    return (hour * 60 + minute) * (-1 if sign == "-" else 1)


def _repeating(text: str, repeats: re.Match[str] | None, parts: list[str]) -> RepeatingInterval:
    example = "e.g. R5/2009-01-01T00:00:00Z/PT6H"
    if repeats is None or len(parts) != 3:
        raise _invalid(text, f"a repeating interval is Rn/start/step, {example}")
    count = int(repeats[1])
    if not 1 <= count <= MAX_REPEATS:
        raise _invalid(text, f"the number of times goes from 1 to {MAX_REPEATS}, {example}")
    return RepeatingInterval(count, _moment(parts[1]), _duration(text, parts[2].strip(" "), example))


def _duration(text: str, step: str, example: str) -> Duration:
    found = _DURATION.fullmatch(step)
    if found is None:
        raise _invalid(text, f"the step is not a duration such as PT6H, P1D, P1M or P1DT12H, {example}")
    year, month, week, day, hour, minute, second = (int(found[i] or 0) for i in range(1, 8))
    seconds = (((week * 7 + day) * 24 + hour) * 60 + minute) * 60 + second
    duration = Duration(year * 12 + month, seconds * 1_000_000 + int((found[8] or "").ljust(6, "0")))
    if duration == Duration(0, 0):
        raise _invalid(text, f"the step is zero, {example}")
    return duration
