"""Ticks of time axes in any calendar of CF: where they stand and what they say, by arithmetic on the calendar's own dates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np

from zarr_edr.dataset.calendars import DAY_US, SECOND_US, iso_strings, to_microseconds
from zarr_edr.query.model import Moment

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MINUTE, _HOUR = 60 * SECOND_US, 3600 * SECOND_US
_CLOCKS = (
    *(count * 10**digits for digits in range(6) for count in (1, 2, 5)),
    *(count * SECOND_US for count in (1, 2, 5, 10, 15, 30)),
    *(count * _MINUTE for count in (1, 2, 5, 10, 15, 30)),
    *(count * _HOUR for count in (1, 2, 3, 6, 12)),
)
"""Steps within a day, microseconds: each divides it."""
_DAYS = {1: range(1, 32), 2: range(1, 30, 2), 5: (1, 6, 11, 16, 21, 26), 10: (1, 11, 21), 15: (1, 16)}
"""Days between ticks -> days of the month that have one."""
_MONTH_STEPS = (1, 2, 3, 6)
_YEAR_STEPS = tuple(count * 10**digits for digits in range(6) for count in (1, 2, 5))
_MONTH_US, _YEAR_US = 30 * DAY_US, 365 * DAY_US
_ISO = re.compile(r"([+-]?\d+)-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?Z")

Tick = tuple[int, str, str]
"""Microseconds, what it says, and the longer unit it is in, e.g. (..., "12:00", "1 Jan 2017")."""


def time_ticks(first_us: int, last_us: int, calendar: str, most: int) -> tuple[list[int], list[str]]:
    """Instants from `first_us` to `last_us` that deserve a tick, at most `most` (at least 2), and their labels.

    A label has a second line, day, month or year, where that is not the one of the tick before.
    """
    ticks = [tick for tick in _candidates(first_us, last_us, calendar, most) if first_us <= tick[0] <= last_us]
    if len(ticks) < 2:
        ends = (first_us, last_us) if last_us > first_us else (first_us,)
        return list(ends), [_whole(us, calendar) for us in ends]
    labels, before = [], ""
    for _, text, context in ticks:
        labels.append(text if context == before else f"{text}\n{context}")
        before = context
    return [us for us, _, _ in ticks], labels


def _whole(us: int, calendar: str) -> str:
    year, month, day, clock = _parts(us, calendar)
    return f"{clock}\n{day} {_MONTHS[month - 1]} {year:04d}"


def _parts(us: int, calendar: str) -> tuple[int, int, int, str]:
    """Year, month, day, and the time of day without what is zero."""
    found = _ISO.fullmatch(iso_strings(np.array([us], np.int64), calendar)[0])
    if found is None:
        raise AssertionError(us)  # iso_strings writes nothing else
    year, month, day, hour, minute, second, fraction = found.groups()
    seconds = f":{second}{fraction or ''}" if second != "00" or fraction else ""
    return int(year), int(month), int(day), f"{hour}:{minute}{seconds}"


def _candidates(first: int, last: int, calendar: str, most: int) -> Iterable[Tick]:
    """The ticks of the finest step of which no more than `most` fit in."""
    wanted = (last - first) / max(most - 1, 1)
    clock = next((step for step in _CLOCKS if step >= wanted), None)
    if clock is not None:
        return _clock_ticks(first, last, calendar, clock)
    days = next((step for step in _DAYS if step * DAY_US >= wanted), None)
    if days is not None:
        return _day_ticks(first, last, calendar, _DAYS[days])
    months = next((step for step in _MONTH_STEPS if step * _MONTH_US >= wanted), None)
    if months is not None:
        return _month_ticks(first, last, calendar, months)
    years = next((step for step in _YEAR_STEPS if step * _YEAR_US >= wanted), _YEAR_STEPS[-1])
    return _year_ticks(first, last, calendar, years)


def _clock_ticks(first: int, last: int, calendar: str, step: int) -> Iterator[Tick]:
    for us in range(-(-first // step) * step, last + 1, step):
        year, month, day, clock = _parts(us, calendar)
        yield us, clock, f"{day} {_MONTHS[month - 1]} {year:04d}"


def _months(first: int, last: int, calendar: str) -> Iterator[tuple[int, int]]:
    """Year and month of every month that is touched."""
    start, end = _parts(first, calendar), _parts(last, calendar)
    for month in range(start[0] * 12 + start[1] - 1, end[0] * 12 + end[1]):
        yield month // 12, month % 12 + 1


def _day_ticks(first: int, last: int, calendar: str, days: Iterable[int]) -> Iterator[Tick]:
    chosen = tuple(days)
    for year, month in _months(first, last, calendar):
        start = to_microseconds(Moment(year, month), calendar)
        for day in chosen:
            us = start + (day - 1) * DAY_US
            if not first <= us <= last:
                continue
            found = _parts(us, calendar)
            if found[1] == month:  # not beyond its last day
                yield us, str(found[2]), f"{_MONTHS[month - 1]} {year:04d}"


def _month_ticks(first: int, last: int, calendar: str, step: int) -> Iterator[Tick]:
    for year, month in _months(first, last, calendar):
        if (month - 1) % step == 0:
            yield to_microseconds(Moment(year, month), calendar), _MONTHS[month - 1], f"{year:04d}"


def _year_ticks(first: int, last: int, calendar: str, step: int) -> Iterator[Tick]:
    start, end = _parts(first, calendar)[0], _parts(last, calendar)[0]
    for year in range(-(-start // step) * step, end + 1, step):
        yield to_microseconds(Moment(year), calendar), f"{year:04d}", ""
