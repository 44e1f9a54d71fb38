"""What of values a format can hold that has no null, no wide integers, or neither."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

EXACT = 2**53
"""Whole numbers up to here are float64 without loss."""
_LISTED_BITS = 16
"""Of types whose every value can be looked at for one that is free."""


def fits_float64(value: float | None) -> bool:
    """Whether a number is the same as float64; what is missing, or no whole number, is."""
    return not isinstance(value, int) or abs(value) <= EXACT


class Kind(StrEnum):
    """What all JSON values of a list are that are not null."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    """Of 64 bits."""
    NUMBER = "number"
    """Each of them float64 without loss."""
    TEXT = "text"
    """Or of several kinds, or lists, objects, or numbers of which no type holds all."""


def kind_of(values: Iterable[Any]) -> Kind:
    """The narrowest kind of which all JSON values are that are not null; of none at all, text."""
    there = [value for value in values if value is not None]
    kinds = {type(value) for value in there}
    if kinds == {bool}:
        return Kind.BOOLEAN
    if kinds == {int} and min(there) >= -(2**63) and max(there) < 2**63:
        return Kind.INTEGER
    if kinds and kinds <= {int, float} and all(map(fits_float64, there)):
        return Kind.NUMBER
    return Kind.TEXT


def json_text(value: object) -> str:
    """A JSON value as text: text as it is."""
    if isinstance(value, str):
        return value
    # Python's integers have no bound, orjson's have 64 bits.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else orjson.dumps(value).decode()


def has_missing(values: NDArray[Any]) -> bool:
    """Whether any value is masked. NaN is not looked for."""
    return isinstance(values, np.ma.MaskedArray) and bool(np.ma.getmaskarray(values).any())


def present(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which values there are, same shape: not masked, and finite."""
    there: NDArray[np.bool_] = np.isfinite(np.ma.getdata(values))
    return there & ~np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else there


def with_nan(values: NDArray[Any]) -> NDArray[Any]:
    """Values, same shape, as an array without a mask: as they are where none is masked, else float64 with NaN."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    return np.ma.filled(values.astype(np.float64), np.nan) if has_missing(values) else np.ma.getdata(values)


def exact_as_float64(values: NDArray[Any]) -> bool:
    """Whether integers that are not masked are float64 without loss."""
    there = np.ma.getdata(values)[~np.ma.getmaskarray(values)]
    return there.dtype.kind == "b" or there.size == 0 or max(abs(int(there.min())), abs(int(there.max()))) <= EXACT


def spare_value(values: NDArray[Any]) -> int | None:
    """A number of the type of masked integers that none of them is, to stand for what is missing; None: all are taken.

    The greatest of the type where it is free, then the least; of 64 bits, those that are float64 without loss.
    """
    limits = np.iinfo(values.dtype)
    low, high = max(limits.min, -EXACT), min(limits.max, EXACT)
    there = np.ma.getdata(values)[~np.ma.getmaskarray(values)]
    for candidate in (high, low):
        if not (there == candidate).any():
            return candidate
    if limits.bits > _LISTED_BITS:
        known = set(there.tolist())
        return next(value for value in range(high, low, -1) if value not in known)
    free = np.setdiff1d(np.arange(low, high + 1), there)
    return int(free[-1]) if free.size else None
