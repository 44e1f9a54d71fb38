"""Values as bytes, equal for equal values and for no others: what the identity of an answer is a hash of.

Every field of every dataclass is written, so that a new one cannot be forgotten.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

import numpy as np

Parts = list[bytes]
Writer = Callable[[Any, Parts], None]
"""Writes a value so that its end is known from its beginning: no two lists of values run together."""


def canonical(value: object) -> bytes:
    """A query, or any value made of dataclasses, mappings, sequences, arrays, enumerations, text, numbers and None.

    Numbers are told apart by their bits, so -0.0 is not 0.0: an answer may repeat them. Raises `TypeError` for values of any
    other type.
    """
    parts: Parts = []
    _WRITER[type(value)](value, parts)
    return b"".join(parts)


class _Writers(dict[type, Writer]):
    """Type -> what writes its values, found when the first is written."""

    def __missing__(self, kind: type) -> Writer:
        writer = _fields_writer(kind) if is_dataclass(kind) else _first(kind)
        self[kind] = writer
        return writer


_WRITER = _Writers()


def _first(kind: type) -> Writer:
    for base, writer in _BASES.items():
        if issubclass(kind, base):
            return writer
    raise TypeError(f"{kind.__name__} has no canonical form")


def _fields_writer(kind: type[Any]) -> Writer:
    """A dataclass is its name and its fields."""
    names = [field.name for field in fields(kind)]
    head = f"<{kind.__name__}>".encode()

    def write(value: Any, parts: Parts) -> None:
        parts.append(head)
        for name in names:
            item = getattr(value, name)
            _WRITER[type(item)](item, parts)

    how = kind.__dataclass_params__
    if not (how.eq and how.frozen) or any(field.type not in _TOLD_APART or not field.compare for field in fields(kind)):
        return write

    @lru_cache(maxsize=256)
    def written(value: Any) -> bytes:
        parts: Parts = []
        write(value, parts)
        return b"".join(parts)

    return lambda value, parts: parts.append(written(value))


_TOLD_APART = frozenset({"str", "int", "bool", "Precision"})
"""Annotations of fields of which equal values are written alike: what has no others is written once. Of floats, 0.0 and -0.0
are not. The annotations are taken at their word: no boolean may stand for an `int`."""


def _none(value: None, parts: Parts) -> None:
    del value
    parts.append(b"-")


def _enum(value: Enum, parts: Parts) -> None:
    parts.append(_member(value))


@lru_cache(maxsize=256, typed=True)  # members of two enumerations of text may be equal
def _member(value: Enum) -> bytes:
    return f"e{type(value).__name__}.{value.name};".encode()


def _bool(value: bool, parts: Parts) -> None:
    parts.append(b"T" if value else b"F")


def _int(value: int, parts: Parts) -> None:
    parts.append(b"i%d;" % value)


def _float(value: float, parts: Parts) -> None:
    parts.append(b"f" + struct.pack("<d", value))


def _text(value: str, parts: Parts) -> None:
    text = value.encode("utf-8", "surrogatepass")
    parts.append(b"s%d:%b" % (len(text), text))


def _bytes(value: bytes, parts: Parts) -> None:
    parts.append(b"b%d:%b" % (len(value), value))


def _array(value: np.ndarray[Any, Any] | np.generic, parts: Parts) -> None:
    if value.dtype.kind in "OT":  # of text: the bytes are addresses
        parts.append(b"o%b:" % repr(value.shape).encode())
        _sequence(value.ravel().tolist(), parts)
        return
    parts.append(_head(value.dtype, value.shape))
    parts.append(value.tobytes())


@lru_cache(maxsize=256)
def _head(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """What stands before the bytes of an array, and tells how many they are."""
    return f"a{dtype.str}{shape}:".encode()


def _sequence(value: list[Any] | tuple[Any, ...], parts: Parts) -> None:
    parts.append(b"(%d:" % len(value))
    for item in value:
        _WRITER[type(item)](item, parts)


def _mapping(value: Mapping[Any, Any], parts: Parts) -> None:
    parts.append(b"{%d:" % len(value))
    for key, item in value.items():
        _WRITER[type(key)](key, parts)
        _WRITER[type(item)](item, parts)


_BASES: Mapping[type, Writer] = {
    type(None): _none,
    Enum: _enum,  # before int and str, which some are
    np.ndarray: _array,
    np.generic: _array,  # before float, which one is
    bool: _bool,  # before int, which it is
    int: _int,
    float: _float,
    str: _text,
    bytes: _bytes,
    tuple: _sequence,
    list: _sequence,
    Mapping: _mapping,
}
