"""`z` as text -> `VerticalSelector` (OGC 19-086r6, parameter z).

    850            the level nearest to 850
    850,700,500    each of these
    100/550        all levels from 100 to 550, either end first
    ../500, 500/.. all levels up to, or from, 500
    R5/100/50      5 levels, the first at 100, each 50 further

A list may mix them.
"""

from __future__ import annotations

import math
import re

from zarr_edr.errors import InvalidZ, QueryTooLarge
from zarr_edr.query.checks import quoted, read_decimal
from zarr_edr.query.model import Level, LevelInterval, VerticalSelector

MAX_CHARS = 10_000
MAX_LEVELS = 10_000
"""Written out of `Rn/min/step`, over all members of a list: a short text must not ask for endless levels."""

_BLANKS = " \t\r\n"
_OPEN = ("", "..")
_REPEAT = re.compile(r"R([0-9]{1,6})")
_FORMS = "Right are e.g. z=850, z=850,700,500, z=100/550, z=../500 or z=R5/100/50."


def parse_z(text: str) -> VerticalSelector:
    """Read the value of `z`.

    Raises:
        InvalidZ: It is none of the forms above, or a number is not finite.
        QueryTooLarge: It is longer than 10,000 characters.
    """
    if len(text) > MAX_CHARS:
        raise QueryTooLarge(f"z has {len(text)} characters; at most {MAX_CHARS} are allowed.")
    if not text.strip(_BLANKS):
        raise InvalidZ(f"z is empty. {_FORMS}")
    members: list[Level | LevelInterval] = []
    for part in text.split(","):
        members += _member(part.strip(_BLANKS), MAX_LEVELS - len(members))
    return tuple(members)


def _member(part: str, left: int) -> tuple[Level | LevelInterval, ...]:
    """One member of the list; `left` is how many levels it may be written out as."""
    match [half.strip(_BLANKS) for half in part.split("/")]:
        case [""]:
            raise InvalidZ(f"A member of the list z is empty. {_FORMS}")
        case [value]:
            return (Level(_number(value)),)
        case [start, end]:
            return (_interval(start, end),)
        case [repeat, start, step] if repeat.startswith("R"):
            return _levels(_count(repeat, left), _number(start), _number(step))
        case _:
            raise InvalidZ(f"z has {quoted(part)}, which is not a level, an interval or Rn/min/step. {_FORMS}")


def _interval(start: str, end: str) -> LevelInterval:
    if not start and not end:
        raise InvalidZ(f"z has an interval without ends; write ../.. for all levels. {_FORMS}")
    low = None if start in _OPEN else _number(start)
    high = None if end in _OPEN else _number(end)
    if low is not None and high is not None and low > high:
        low, high = high, low
    return LevelInterval(low, high)


def _count(repeat: str, left: int) -> int:
    match = _REPEAT.fullmatch(repeat)
    count = int(match[1]) if match else 0
    if not 1 <= count <= left:
        raise InvalidZ(
            f"z has {quoted(repeat)}; in Rn/min/step, n is a whole number from 1, and all n of a list come to "
            f"at most {MAX_LEVELS}. {_FORMS}"
        )
    return count


def _levels(count: int, start: float, step: float) -> tuple[Level, ...]:
    if step == 0:
        raise InvalidZ(f"z has a step of 0; in Rn/min/step it must lead from one level to the next. {_FORMS}")
    # Multiplied, not added up, so that errors of rounding do not grow along the list.
    values = [start + index * step for index in range(count)]
    if not math.isfinite(values[-1]):
        raise InvalidZ(f"z has levels beyond the range of numbers. {_FORMS}")
    return tuple(Level(value) for value in values)


def _number(text: str) -> float:
    value = read_decimal(text)
    if value is None:
        raise InvalidZ(f"z has {quoted(text)} where a decimal number is due. {_FORMS}")
    return value
