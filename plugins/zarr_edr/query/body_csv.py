"""CSV bodies (RFC 4180, with LF or CRLF): a header, and a point in each row. Empty fields are missing values."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import orjson

from zarr_edr.errors import InvalidBody
from zarr_edr.limits import Deadline, Limits
from zarr_edr.query.body_model import MAX_COMMAS_PER_POINT, Body, check_count, check_marks
from zarr_edr.query.body_table import body_of, columns_of
from zarr_edr.query.checks import quoted, read_decimal
from zarr_edr.query.geometry import Float64Array

_BLOCK_ROWS = 10_000
"""Between looks at the time."""
_BLANKS = " \t\n\r\f\v"
"""Around a number. Not all that `str.strip` takes for blank."""
# Not `float`: it reads `nan`, `1_0` and digits of any script, too. `float` refuses what is left, such as `1-2`.
_NOT_DECIMAL = re.compile(r"[^0-9+\-.eE\s]", re.ASCII)
# A number as JSON has it, so that codes such as 007 stay as they are; not so long that digits would be lost.
_NUMBERS = re.compile(
    r"(?:(?:-?+(?:0|[1-9][0-9]{0,14}+)(?:\.[0-9]{1,17}+)?+(?:[eE][+-]?+[0-9]{1,2}+)?+)?+\n)*+", re.ASCII
)


def read_csv(body: bytes, limits: Limits, deadline: Deadline) -> Body:
    """Read a CSV table; see `body_table` for its columns. `body` is UTF-8.

    Raises:
        InvalidBody: It is not CSV, lacks columns, or a coordinate is no decimal number; the message gives the line and field.
        QueryTooLarge: It is over `limits.points`, or its properties over `limits.inflated_bytes`.
        DeadlineExceeded: It takes too long.
    """
    check_marks(body, b",", MAX_COMMAS_PER_POINT, "commas", limits)
    text = body.decode("utf-8-sig").rstrip("\r\n")
    header, rows = _rows(text, limits, deadline)
    columns = columns_of(header, "Line 1")
    _check_lengths(rows, len(header), text)
    fields = list(zip(*rows, strict=True))
    coordinates = [_coordinate(fields[index], columns.names[index], text) for index in columns.coordinates]
    tags: dict[int, list[Any]] = {}
    for index in columns.tags:
        deadline.check()
        tags[index] = _values(fields[index])
    return body_of(columns, coordinates, tags, limits, lambda row: f"Line {_line(text, row)}")


def _rows(text: str, limits: Limits, deadline: Deadline) -> tuple[list[str], list[list[str]]]:
    reader = _reader(text)
    rows: list[list[str]] = []
    try:
        header = next(reader)
        while block := list(islice(reader, min(_BLOCK_ROWS, limits.points + 1 - len(rows)))):
            rows += block
            deadline.check()
    except csv.Error as error:
        raise InvalidBody(f"Line {reader.line_num} is not CSV: {error}.") from error
    except StopIteration:
        raise InvalidBody("The body is empty; its first line must be a header.") from None
    if not rows:
        raise InvalidBody("The table has a header and no rows; it needs a point, in line 2.")
    check_count(len(rows), limits, or_more=True)
    return header, rows


def _reader(text: str) -> Any:
    return csv.reader(io.StringIO(text, newline=""), strict=True)


def _line(text: str, row: int) -> int:
    """The line on which a row ends; fields in quotes may hold line ends."""
    reader = _reader(text)
    next(islice(reader, row + 1, None))
    return int(reader.line_num)


def _check_lengths(rows: Sequence[Sequence[str]], width: int, text: str) -> None:
    if set(map(len, rows)) == {width}:
        return
    row = next(row for row, fields in enumerate(rows) if len(fields) != width)
    raise InvalidBody(f"Line {_line(text, row)} has {len(rows[row])} fields, but the header has {width}.")


def _coordinate(fields: Sequence[str], name: str, text: str) -> Float64Array:
    """Decimal numbers, shape (n,)."""
    try:
        plain = _NOT_DECIMAL.search("\n".join(fields)) is None
        values = np.array(list(map(float, fields)) if plain else [np.nan])
    except ValueError:
        values = np.array([np.nan])
    if not np.isfinite(values).all():
        row = next(row for row, field in enumerate(fields) if read_decimal(field.strip(_BLANKS)) is None)
        raise InvalidBody(f"Line {_line(text, row)}, {name}: {quoted(fields[row])} is not a finite decimal number.")
    return values


def _values(fields: Sequence[str]) -> list[Any]:
    """Numbers where all fields of the column are, else text; None for those that are empty."""
    joined = "\n".join([*fields, ""])
    if joined.count("\n") == len(fields) and joined.strip() and _NUMBERS.fullmatch(joined):
        filled = (field or "null" for field in fields)
        found: list[Any] = orjson.loads(f"[{','.join(filled)}]")
        return found
    return [field or None for field in fields]
