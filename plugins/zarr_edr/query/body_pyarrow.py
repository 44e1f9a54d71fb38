"""What the readers of Arrow and Parquet share: a table of pyarrow -> places; see `body_table` for its columns."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from zarr_edr.errors import InvalidBody, QueryTooLarge, UnsupportedMediaType
from zarr_edr.limits import Deadline, Limits
from zarr_edr.query.body_model import Body, check_count, check_repeated
from zarr_edr.query.body_table import Columns, body_of, columns_of, not_finite
from zarr_edr.query.checks import quoted
from zarr_edr.query.geometry import Float64Array

FAULTS = (OSError, EOFError, UnicodeDecodeError, struct.error)
"""What pyarrow raises for damaged bytes, beside errors of its own."""


def arrow_library(what: str) -> Any:
    """The module `pyarrow`. Raises `UnsupportedMediaType` where it is not installed."""
    try:
        import pyarrow  # noqa: PLC0415 - heavy, and optional
    except ImportError as error:
        raise UnsupportedMediaType(
            f"This server does not read {what}; its operator may install zarr-edr[tables]. Send CSV or GeoJSON instead."
        ) from error
    return pyarrow


def first_line(error: BaseException) -> str:
    """What a library says is wrong, short enough for a client."""
    lines = str(error).splitlines() or [type(error).__name__]
    return quoted(lines[0])


def check_inflated(size: int, limits: Limits) -> None:
    """Raise `QueryTooLarge` for a table of more than `limits.inflated_bytes`."""
    if size > limits.inflated_bytes:
        raise QueryTooLarge(
            f"The table has {size:,} bytes once decompressed; {limits.inflated_bytes:,} are allowed (limits.inflated_bytes)."
        )


def columns_of_schema(pa: Any, schema: Any) -> Columns:
    """The columns of a table, whose types are known to be read. Raises `InvalidBody`."""
    columns = columns_of(schema.names, "The table")
    for index, field in enumerate(schema):
        if index in columns.coordinates:
            if not _is_number(pa, field.type):
                raise InvalidBody(
                    f"The column {quoted(field.name)} is of type {_named(pa, field.type)}; it must be numbers."
                )
        elif not _is_plain(pa, field.type):
            raise InvalidBody(
                f"The column {quoted(field.name)} is of type {_named(pa, field.type)}, which is not read; "
                "it must be numbers, text, true or false, dates or times. Leave it out."
            )
    return columns


def _named(pa: Any, type_: Any) -> str:
    """A type for messages. Texts of Parquet are read as a dictionary, whatever they are in the file."""
    return quoted(str(type_.value_type if pa.types.is_dictionary(type_) else type_))


def _is_number(pa: Any, type_: Any) -> bool:
    types = pa.types
    return bool(types.is_integer(type_) or types.is_floating(type_) or types.is_decimal(type_))


def _is_text(pa: Any, type_: Any) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))


def _is_plain(pa: Any, type_: Any) -> bool:
    types = pa.types
    if types.is_dictionary(type_):
        return _is_text(pa, type_.value_type) or _is_number(pa, type_.value_type)
    others = (types.is_boolean, types.is_date, types.is_timestamp, types.is_null)
    return _is_number(pa, type_) or _is_text(pa, type_) or any(is_a(type_) for is_a in others)


def body_of_table(pa: Any, table: Any, columns: Columns, limits: Limits, deadline: Deadline) -> Body:
    """The places of a table.

    Raises `InvalidBody` for a coordinate that is missing or not finite, `QueryTooLarge`, and `DeadlineExceeded`.
    """
    check_count(table.num_rows, limits)
    if not table.num_rows:
        raise InvalidBody("The table has no rows; it needs a point.")
    coordinates = [_coordinate(pa, table.column(index), columns.names[index]) for index in columns.coordinates]
    tags: dict[int, list[Any]] = {}
    written = 0
    for index in columns.tags:
        deadline.check()
        column = table.column(index)
        tags[index] = [value for chunk in column.chunks for value in _plain(pa, chunk)]
        if pa.types.is_dictionary(column.type):  # a few bytes may repeat a text many times over
            written += sum(len(value) for value in tags[index] if isinstance(value, str))
            check_repeated(written, limits)
    return body_of(columns, coordinates, tags, limits, lambda row: f"Row {row + 1}")


def _coordinate(pa: Any, column: Any, name: str) -> Float64Array:
    """Finite numbers, shape (n,)."""
    if column.null_count:
        row = column.is_null().to_pylist().index(True)
        raise InvalidBody(f"Row {row + 1}, {name}: the value is null; it must be a number.")
    values: Float64Array = column.cast(pa.float64(), safe=False).to_numpy().astype(np.float64)
    row = not_finite(values)
    if row is not None:
        raise InvalidBody(f"Row {row + 1}, {name}: {values[row]} is not a finite number.")
    return values


def _plain(pa: Any, chunk: Any) -> list[Any]:
    """JSON values, None where they are missing or not finite."""
    types, type_ = pa.types, chunk.type
    if types.is_dictionary(type_):
        return _looked_up(pa, chunk)
    if types.is_floating(type_) or types.is_decimal(type_):
        return [value if value is not None and np.isfinite(value) else None for value in _floats(pa, chunk)]
    if types.is_date(type_) or types.is_timestamp(type_):
        return [None if text is None else text.replace(" ", "T") for text in chunk.cast(pa.string()).to_pylist()]
    found: list[Any] = chunk.to_pylist()
    return found


def _floats(pa: Any, chunk: Any) -> list[float | None]:
    found: list[float | None] = chunk.cast(pa.float64(), safe=False).to_pylist()
    return found


def _looked_up(pa: Any, chunk: Any) -> list[Any]:
    """The entries that are used of a dictionary, which may be far longer than the chunk."""
    used = chunk.indices.unique().drop_null()
    of_index = dict(zip(used.to_pylist(), _plain(pa, chunk.dictionary.take(used)), strict=True))
    return [None if index is None else of_index[index] for index in chunk.indices.to_pylist()]
