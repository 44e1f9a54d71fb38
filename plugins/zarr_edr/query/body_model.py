"""What the readers of bodies share: what a body becomes, and how its numbers, options and tags are checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zarr_edr.errors import InvalidBody, QueryTooLarge
from zarr_edr.limits import Limits
from zarr_edr.query.checks import quoted
from zarr_edr.query.geometry import Float64Array, Places, Tags

MAX_FIELDS = 100
"""Fields of a form, parameters in a JSON object, columns of a table: more than all that a query can have."""
MAX_COMMAS_PER_POINT = 16
"""Values of a point, its properties included; a bare number in JSON takes eight times its text in memory."""

_STRIDE = 1024**2
"""Bytes that are looked through at a time, since as many are taken for that."""
_MORE_POINTS = 100
"""That a body may have marks for: what stands beside the points needs some, however few they are."""
_TYPE_NAMES = {type(None): "null or missing", bool: "a boolean", str: "text", list: "a list", dict: "an object"}
_NAME_BYTES = 8
"""Of a property of a place beside its name: quotes, a colon, a comma, `null`."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a body asks for."""

    places: Places | None = None
    """None where the body has none, or gives them as text in `coords`."""
    options: Mapping[str, str] = field(default_factory=dict)
    """The other parameters of the query, by name and as a query string would have them. Null ones are left out."""


def type_name(value: object) -> str:
    """What a JSON value is, for messages."""
    return _TYPE_NAMES.get(type(value), "a number")


def numbers(values: Sequence[object], name: Callable[[int], str]) -> Float64Array:
    """JSON numbers as an array, shape (n,); `name` says where one stands. Raises `InvalidBody`.

    They are finite: JSON has no others, and `orjson` refuses those beyond float64.
    """
    if not set(map(type, values)) <= {int, float}:  # `isinstance` would take booleans for integers
        index = next(index for index, value in enumerate(values) if type(value) not in (int, float))
        raise InvalidBody(f"{name(index)} is {type_name(values[index])}; it must be a number.")
    return np.fromiter(values, np.float64, len(values))


def check_count(points: int, limits: Limits, *, or_more: bool = False) -> None:
    """Raise `QueryTooLarge` for more than `limits.points`; `or_more`, where they were not counted to their end."""
    if points > limits.points:
        found = f"{points} points or more" if or_more else f"{points} points"
        raise QueryTooLarge(f"The body has {found}; at most {limits.points} are allowed (limits.points).")


def check_marks(body: bytes, marks: bytes, per_point: int, what: str, limits: Limits) -> None:
    """Raise `QueryTooLarge` where any of some characters stand more often in a body than its points need."""
    # In a fourth of the time that `bytes.count` takes for one character.
    text = np.frombuffer(body, np.uint8)
    strides = [text[start : start + _STRIDE] for start in range(0, len(text), _STRIDE)]
    count = sum([int(np.count_nonzero(stride == mark)) for stride in strides for mark in marks])
    if count > per_point * (limits.points + _MORE_POINTS):
        raise QueryTooLarge(f"The body has {count} {what}, more than {limits.points} points need (limits.points).")


def options_of(value: Mapping[str, object], names: Sequence[str]) -> dict[str, str]:
    """Parameters as a query string has them, null ones left out. Raises `InvalidBody`."""
    if len(names) > MAX_FIELDS:
        raise InvalidBody(f"The body has {len(names)} parameters; at most {MAX_FIELDS} are read.")
    return {name: _option(name, option) for name in names if (option := value[name]) is not None}


def _option(name: str, value: object) -> str:
    members = value if isinstance(value, list) else [value]
    if not members or any(isinstance(member, list | dict | None) for member in members):
        raise InvalidBody(f"{quoted(name)} is not text, a number, or a list of these.")
    return ",".join(str(member).lower() if isinstance(member, bool) else str(member) for member in members)


def tags_of(
    ids: Sequence[Any] | None, properties: Mapping[str, Sequence[Any]], places: int, limits: Limits
) -> Tags | None:
    """What places are called; None where they have neither ids nor properties. Raises `QueryTooLarge`.

    Every property is written for every place. Its values take no more than the body did, but its name may.
    """
    check_repeated(sum(len(name) + _NAME_BYTES for name in properties) * places, limits)
    known = None if ids is None or all(id_ is None for id_ in ids) else tuple(ids)
    return Tags(known, properties) if known is not None or properties else None


def check_repeated(written: int, limits: Limits) -> None:
    """Raise `QueryTooLarge` where ids and properties take more than `limits.inflated_bytes`, written out for each place."""
    if written > limits.inflated_bytes:
        raise QueryTooLarge(
            f"The ids and properties of the places take {written:,} bytes, written out for each place; "
            f"{limits.inflated_bytes:,} are allowed (limits.inflated_bytes). Send fewer properties."
        )
