"""Selectors to indices: which steps of an axis a query takes. Pure; reads nothing but the axis."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.dataset.calendars import add, in_calendar, period, to_microseconds
from zarr_edr.dataset.model import CustomAxis, TimeAxis, VerticalAxis
from zarr_edr.errors import InvalidDatetime, InvalidQuery, QueryTooLarge
from zarr_edr.query.checks import quoted, read_decimal
from zarr_edr.query.model import (
    Instant,
    Level,
    LevelInterval,
    Precision,
    RepeatingInterval,
    TimeInterval,
    TimeSelector,
    VerticalSelector,
)
from zarr_edr.settings import DatetimeMatch

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]

MAX_CHARS = 10_000
MAX_VALUES = 10_000
"""Of a custom dimension, written out of all members of a list."""


# --- times ---------------------------------------------------------------------------------------------------------


def select_times(selector: TimeSelector | None, axis: TimeAxis, match: DatetimeMatch) -> Int64Array:
    """Storage indices of the times selected, shape (k,), in chronological order, each once; k may be 0.

    An instant takes the time equal to it, or, with `DatetimeMatch.NEAREST`, the nearest one (the later of two), if it
    is at most half a step before the first or after the last; a lone time has no step and is matched exactly. A date,
    month or year takes all times within, and intervals take all times within, whatever `match` is. None takes all.

    Raises `InvalidDatetime` for a date that the calendar of the axis does not have and for an interval that ends before
    it starts.
    """
    if selector is None or not len(axis):
        return axis.order
    if len(selector) == 1 and not isinstance(selector[0], RepeatingInterval):
        return axis.order[_times_of(selector[0], axis, match)]
    # Where each selected run of times starts, +1, and ends, -1: the running sum is positive inside of any.
    change = np.zeros(len(axis) + 1, np.int64)
    for member in selector:
        if isinstance(member, RepeatingInterval):
            first, last = _repeated(member, axis, match)
            np.add.at(change, first, 1)
            np.add.at(change, last, -1)
        else:
            run = _times_of(member, axis, match)
            change[run.start] += 1
            change[run.stop] -= 1
    return axis.order[np.cumsum(change[:-1]) > 0]


def _times_of(member: Instant | TimeInterval, axis: TimeAxis, match: DatetimeMatch) -> slice:
    """The run of `axis.sorted_us` that a member takes."""
    if isinstance(member, TimeInterval):
        return _within(member, axis)
    low, high = period(member.at, axis.calendar)
    if match is DatetimeMatch.NEAREST and member.at.precision > Precision.DAY:
        return _nearest_time(low, axis)
    return _between(low, high, axis)


def _within(interval: TimeInterval, axis: TimeAxis) -> slice:
    low = None if interval.start is None else to_microseconds(interval.start, axis.calendar)
    high = None if interval.end is None else period(interval.end, axis.calendar)[1]
    if low is not None and high is not None and low > high:
        raise InvalidDatetime("datetime has an interval that ends before it starts; write the earlier time first.")
    return _between(low, high, axis)


def _between(low: int | None, high: int | None, axis: TimeAxis) -> slice:
    """The run from `low` to `high`, both included; either may be beyond 64 bits."""
    times = axis.sorted_us
    first, last = int(times[0]), int(times[-1])
    if (low is not None and low > last) or (high is not None and high < first):
        return slice(0, 0)
    # numpy's searchsorted gives up the interpreter's lock for each look: other threads make it ten times as long.
    start = 0 if low is None or low <= first else bisect_left(times, low)
    stop = len(axis) if high is None or high >= last else bisect_right(times, high)
    return slice(start, max(start, stop))


def _reach(axis: TimeAxis) -> tuple[int, int]:
    """Twice the earliest and latest instants to which a time of the axis is near: twice, to stay with integers."""
    times = axis.sorted_us
    first, last = int(times[0]), int(times[-1])
    if len(axis) == 1:
        return 2 * first, 2 * last
    return 2 * first - (int(times[1]) - first), 2 * last + (last - int(times[-2]))


def _nearest_time(us: int, axis: TimeAxis) -> slice:
    low, high = _reach(axis)
    if not low <= 2 * us <= high:
        return slice(0, 0)
    times = axis.sorted_us
    after = int(times.searchsorted(us))
    found = int(times[min(after, len(axis) - 1)])
    if after and us - (before := int(times[after - 1])) < abs(found - us):
        found = before
    return _between(found, found, axis)


def nearest_times(us: Int64Array, axis: TimeAxis) -> tuple[NDArray[np.bool_], Int64Array]:
    """The time nearest to each instant, shape (p,), microseconds since 1970 UTC, the later of two.

    Returns which instants are within half a step of the axis's ends, and the storage index of the time, shapes (p,).
    """
    wanted = in_calendar(us, axis.calendar)
    times = axis.sorted_us
    low, high = _reach(axis)
    inside: NDArray[np.bool_] = (2 * wanted >= low) & (2 * wanted <= high)
    after = np.minimum(times.searchsorted(wanted), len(axis) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(wanted - times[before] < np.abs(times[after] - wanted), before, after)
    return inside, axis.order[nearest]


def _repeated(member: RepeatingInterval, axis: TimeAxis, match: DatetimeMatch) -> tuple[Int64Array, Int64Array]:
    """Starts and ends of the runs that the instants of a repeating interval take, shapes (k,)."""
    start = to_microseconds(member.start, axis.calendar)
    wanted = add(start, member.step, axis.calendar, np.arange(member.count))
    times = axis.sorted_us
    if match is DatetimeMatch.NEAREST:
        low, high = _reach(axis)
        wanted = wanted[(wanted >= -(-low // 2)) & (wanted <= high // 2)]
        after = np.minimum(times.searchsorted(wanted), len(axis) - 1)
        before = np.maximum(after - 1, 0)
        wanted = np.where(wanted - times[before] < np.abs(times[after] - wanted), times[before], times[after])
    return times.searchsorted(wanted), times.searchsorted(wanted, "right")


# --- levels --------------------------------------------------------------------------------------------------------


def select_levels(selector: VerticalSelector | None, axis: VerticalAxis) -> Int64Array:
    """Storage indices of the levels selected, shape (k,), in storage order, each once; k may be 0.

    A level takes the nearest one (the greater of two), unless it is outside of the axis. An interval takes the levels
    within, its ends included. None takes all. The ends are compared in the precision in which the levels are stored:
    0.1 is not below a first level of 0.1 that is stored as float32.
    """
    if selector is None:
        return np.arange(len(axis))
    chosen = np.zeros(len(axis), np.bool_)
    for member in selector:
        if isinstance(member, LevelInterval):
            chosen |= _levels_within(member, axis)
    wanted = np.array([member.value for member in selector if isinstance(member, Level)], np.float64)
    inside, index = nearest_levels(wanted, axis)
    chosen[index[inside]] = True
    return np.flatnonzero(chosen)


def _levels_within(interval: LevelInterval, axis: VerticalAxis) -> NDArray[np.bool_]:
    low = -np.inf if interval.low is None else interval.low
    high = np.inf if interval.high is None else interval.high
    ends = _as_stored(np.array([low, high]), axis.values.dtype)
    within: NDArray[np.bool_] = (axis.float64 >= ends[0]) & (axis.float64 <= ends[1])
    return within


def nearest_levels(z: Float64Array, axis: VerticalAxis) -> tuple[NDArray[np.bool_], Int64Array]:
    """The level nearest to each of `z`, shape (p,), finite, by the rules of `select_levels`.

    Returns which are inside of the axis, shape (p,), and the storage index of the nearest level, shape (p,), valid also
    where outside, but then without meaning.
    """
    if not len(axis):
        return np.zeros(z.shape, np.bool_), np.zeros(z.shape, np.int64)
    levels = axis.float64
    descending = bool(levels[0] > levels[-1])
    if descending:
        levels = levels[::-1]
    stored = _as_stored(z, axis.values.dtype)
    inside: NDArray[np.bool_] = (stored >= levels[0]) & (stored <= levels[-1])
    above = np.minimum(levels.searchsorted(z), len(axis) - 1)
    below = np.maximum(above - 1, 0)
    index = np.where(z - levels[below] < np.abs(levels[above] - z), below, above)
    return inside, len(axis) - 1 - index if descending else index


def _as_stored(values: Float64Array, dtype: np.dtype[Any]) -> Float64Array:
    """Values rounded to a float `dtype`, as float64; other dtypes hold what float64 holds."""
    if dtype.kind != "f" or dtype.itemsize >= 8:
        return values
    with np.errstate(over="ignore"):  # beyond float32 is infinite, and so outside
        return values.astype(dtype).astype(np.float64)


# --- further dimensions --------------------------------------------------------------------------------------------


def select_custom(text: str | None, axis: CustomAxis) -> Int64Array:
    """Storage indices of the values selected on a further dimension, shape (k,), in storage order, each once.

    `text` is a value, a list `1,3,5`, and on numeric axes also an interval `1/5`, `../5`, `1/..` (either end first) or
    a repeating interval `Rn/min/step`. A value must be on the axis: numbers equal in the precision in which the axis is
    stored, strings equal letter by letter. Only intervals may be empty. None takes all.

    Raises `InvalidQuery` for a value that is not on the axis or not a number where one is due, `QueryTooLarge` for too
    long a text.
    """
    if text is None:
        return np.arange(len(axis))
    if len(text) > MAX_CHARS:
        raise QueryTooLarge(f"{axis.dim} has {len(text)} characters; at most {MAX_CHARS} are allowed.")
    if axis.values.dtype.kind not in "iuf":
        return _select_names(text, axis)
    chosen = np.zeros(len(axis), np.bool_)
    wanted: list[float] = []
    for member in text.split(","):
        match [part.strip(" ") for part in member.split("/")]:
            case [value]:
                wanted.append(_number(value, axis))
            case [start, end] if start.strip(".") or end.strip("."):
                chosen |= _custom_within(start, end, axis)
            case ["..", ".."]:
                chosen[:] = True
            case [repeat, start, step] if repeat[:1] in ("R", "r"):
                wanted += _written_out(repeat[1:], start, step, axis, MAX_VALUES - len(wanted))
            case _:
                raise _unreadable(member, axis)
    chosen[_on_axis(wanted, axis)] = True
    return np.flatnonzero(chosen)


def _select_names(text: str, axis: CustomAxis) -> Int64Array:
    names = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in axis.values.tolist()]
    # A name may itself hold a comma.
    wanted = [text] if text in names else [part.strip(" ") for part in text.split(",")]
    for name in wanted:
        if name not in names:
            raise _unknown(name, axis)
    chosen = set(wanted)
    return np.array([i for i, name in enumerate(names) if name in chosen], np.int64)


def _on_axis(wanted: list[float], axis: CustomAxis) -> Int64Array:
    """Storage indices of values that must be on the axis."""
    targets = _as_stored(np.array(wanted, np.float64), axis.values.dtype).tolist()
    values: list[float] = axis.values.astype(np.float64).tolist()
    known, asked = set(values), set(targets)
    for number, target in zip(wanted, targets, strict=True):
        if target not in known:
            raise _unknown(f"{number:.15g}", axis)
    return np.array([i for i, value in enumerate(values) if value in asked], np.int64)


def _custom_within(start: str, end: str, axis: CustomAxis) -> NDArray[np.bool_]:
    low = -np.inf if start in ("", "..") else _number(start, axis)
    high = np.inf if end in ("", "..") else _number(end, axis)
    if low > high and np.isfinite(low) and np.isfinite(high):
        low, high = high, low
    ends = _as_stored(np.array([low, high]), axis.values.dtype)
    values = axis.values.astype(np.float64)
    within: NDArray[np.bool_] = (values >= ends[0]) & (values <= ends[1])
    return within


def _written_out(repeat: str, start: str, step: str, axis: CustomAxis, left: int) -> list[float]:
    """The values of `Rn/min/step`, in decimal arithmetic: the third of R3/0.1/0.1 is 0.3."""
    count = int(repeat) if repeat.isascii() and repeat.isdecimal() and len(repeat) < 7 else 0
    if not 1 <= count <= left:
        raise InvalidQuery(
            f"{axis.dim} has {quoted('R' + repeat)}; in Rn/min/step, n is a whole number from 1, and all n of a list "
            f"come to at most {MAX_VALUES}."
        )
    first, each = _decimal(start, axis), _decimal(step, axis)
    return [float(first + i * each) for i in range(count)]


def _number(text: str, axis: CustomAxis) -> float:
    value = read_decimal(text)
    if value is None:
        raise _unreadable(text, axis)
    return value


def _decimal(text: str, axis: CustomAxis) -> Decimal:
    # An exponent of any length is a number to `float`, which rounds it to 0, but not to `Decimal`.
    return Decimal(text) if _number(text, axis) else Decimal(0)


def _unreadable(text: str, axis: CustomAxis) -> InvalidQuery:
    first = axis.values[0] if len(axis) else 1
    return InvalidQuery(
        f"{axis.dim} has {quoted(text)}, which is not a number, an interval such as {first}/.. or Rn/min/step; "
        f"its values are {_some_values(axis)}."
    )


def _unknown(text: str, axis: CustomAxis) -> InvalidQuery:
    return InvalidQuery(f"{axis.dim} has no value {quoted(text)}; its values are {_some_values(axis)}.")


def _some_values(axis: CustomAxis) -> str:
    names = ", ".join(str(v) for v in axis.values[:5])
    return names + (f" and {len(axis) - 5} more" if len(axis) > 5 else "")
