"""Answers that are tables, as facts that can be compared with those of CoverageJSON."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zarr_edr.dataset.model import Collection
from zarr_edr.testing.covjson import decode

Fact = tuple[str, float, float, str | None, float | None, tuple[tuple[str, str], ...], float | None]
"""Parameter, x, y, time, level, further dimensions (as text), value."""
Row = Mapping[str, Any]
"""Column -> value."""


def csv_rows(body: bytes) -> list[Row]:
    """Rows of CSV by the standard library's reader, units cut off the names; empty fields are None."""
    header, *lines = csv.reader(io.StringIO(body.decode(), newline=""), strict=True)
    names = [name.partition(" [")[0] for name in header]
    return [{name: field or None for name, field in zip(names, line, strict=True)} for line in lines]


def facts_of_rows(rows: Iterable[Row], collection: Collection, x: str = "x", y: str = "y") -> Counter[Fact]:
    """What rows of a table say, for parameters whose names are those of their columns."""
    return Counter(
        (name, float(row[x]), float(row[y]), row.get("time"), _number(row.get("z")), _members(row, collection), value)
        for row in rows
        for name in collection.parameters
        if name in row
        for value in [_number(row[name])]
    )


def facts_of_covjson(body: bytes) -> Counter[Fact]:
    """What a CoverageJSON document says."""
    return Counter((r.parameter, r.x or 0.0, r.y or 0.0, r.time, r.z, _texts(r.members), r.value) for r in decode(body))


def differences(rows: Sequence[Row], covjson: bytes, collection: Collection, **names: str) -> list[Fact]:
    """What one says and the other does not, but for cells without a value: a table leaves out those outside of the query."""
    found, expected = facts_of_rows(rows, collection, **names), facts_of_covjson(covjson)
    present = {fact for fact in (*found, *expected) if fact[-1] is not None}
    return [fact for fact in present if found[fact] != expected[fact]]


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _members(row: Row, collection: Collection) -> tuple[tuple[str, str], ...]:
    return _texts(sorted((name, row[name]) for name in collection.custom_axes if row.get(name) is not None))


def _texts(members: Iterable[tuple[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, _text(value)) for name, value in members)


def _text(value: Any) -> str:
    try:
        return repr(float(value))
    except ValueError:
        return str(value)
