"""Parquet bodies -> places; see `body_table` for their columns.

How much a body would take is read from its footer and from the header of each page (Apache Parquet format, `parquet.thrift`)
before any page is decompressed: what is allocated is what a page's own header says, and the footer may say less. They are read
here and not by pyarrow, whose properties of metadata end the process where a footer is damaged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from zarr_edr.errors import InvalidBody, QueryTooLarge
from zarr_edr.limits import Deadline, Limits
from zarr_edr.query.body_model import MAX_FIELDS, Body, check_count
from zarr_edr.query.body_pyarrow import (
    FAULTS,
    arrow_library,
    body_of_table,
    check_inflated,
    columns_of_schema,
    first_line,
)
from zarr_edr.query.checks import quoted
from zarr_edr.query.thrift import Struct, ThriftError, ThriftReader, ThriftTooLong

_MAGIC = b"PAR1"
_TAIL_BYTES = 8
"""The length of the footer, and the magic bytes."""
_MAX_VALUES = 100_000
"""Of footer and page headers together: some 20 for each column of each group, 10 for each page."""
_DELTA_BYTE_ARRAY = 7
"""An encoding in which each text may repeat all of the one before: a megabyte may become a terabyte."""
_BYTE_ARRAY = 6
_DATA_PAGE, _DATA_PAGE_V2 = 5, 8
_ENCODING_OF = {_DATA_PAGE: 2, _DATA_PAGE_V2: 4}
"""Field of a page header that describes a kind of page -> the field in it that holds the encoding."""
_NUM_VALUES = 1


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The pages of a column in a row group."""

    name: str
    start: int
    end: int
    rows: int


def read_parquet(body: bytes, limits: Limits, deadline: Deadline) -> Body:
    """Read a table in Parquet.

    Raises:
        UnsupportedMediaType: pyarrow is not installed.
        InvalidBody: It is not Parquet, lacks columns, or has one of a type or encoding that is not read.
        QueryTooLarge: It is over `limits.points`, or over `limits.inflated_bytes` once decompressed.
        DeadlineExceeded: It takes too long.
    """
    pa = arrow_library("Parquet")
    import pyarrow.parquet as pq  # noqa: PLC0415 - heavy, and optional

    texts = _admitted(body, limits)
    try:
        file = pq.ParquetFile(pa.BufferReader(body), read_dictionary=texts)
        columns = columns_of_schema(pa, file.schema_arrow)
        table = file.read(use_threads=False)
        table.validate(full=True)
        deadline.check()
        return body_of_table(pa, table, columns, limits, deadline)
    except (pa.ArrowException, *FAULTS) as error:
        raise InvalidBody(f"The body is not Parquet: {first_line(error)}.") from error


def _admitted(body: bytes, limits: Limits) -> list[str]:
    """Names of the columns of text, of a body that is within the limits. Raises `InvalidBody`, `QueryTooLarge`."""
    try:
        reader = ThriftReader(body, _MAX_VALUES)
        footer = reader.struct(_footer_at(body))
        check_count(_number(footer, 3), limits)
        texts = _texts(footer)
        if not _number(footer, 3):
            raise InvalidBody("The table has no rows; it needs a point.")
        check_inflated(sum(size for chunk in _chunks(footer, body) for size in _pages(reader, chunk)), limits)
    except ThriftTooLong as error:
        raise QueryTooLarge(
            "The table has too many row groups, columns or pages; write it with larger ones."
        ) from error
    except ThriftError as error:
        raise InvalidBody(f"The body is not Parquet: its metadata are damaged at byte {error.at + 1}.") from error
    return texts


def _footer_at(body: bytes) -> int:
    length = int.from_bytes(body[-_TAIL_BYTES:-4], "little")
    at = len(body) - _TAIL_BYTES - length
    if not body.startswith(_MAGIC) or not body.endswith(_MAGIC) or at < len(_MAGIC):
        raise InvalidBody("The body is not Parquet: it must start and end with the bytes PAR1, and have a footer.")
    return at


def _texts(footer: Struct) -> list[str]:
    """Names of the columns of bytes, which are text or refused later. Raises `InvalidBody` for nested columns."""
    elements = _structs(footer, 2)[1:]  # the first is the table itself
    if len(elements) > MAX_FIELDS:
        raise InvalidBody(f"The table has {len(elements)} columns; at most {MAX_FIELDS} are read.")
    for number, element in enumerate(elements):
        name = element.get(4)
        if not isinstance(name, str) or "\ufffd" in name:
            raise InvalidBody(f"The name of column {number + 1} is not text in UTF-8.")
        if element.get(5):
            raise InvalidBody(f"The column {quoted(name)} is nested, which is not read; leave it out.")
    return [str(element[4]) for element in elements if element.get(1) == _BYTE_ARRAY]


def _chunks(footer: Struct, body: bytes) -> Iterator[_Chunk]:
    rows = 0
    for group in _structs(footer, 4):
        rows += _number(group, 3)
        for column in _structs(group, 1):
            metadata = column.get(3)
            if not isinstance(metadata, dict) or column.get(1) is not None:
                raise InvalidBody("The body is not Parquet: a column has no metadata, or is in another file.")
            first, path = _number(metadata, 9), metadata.get(3)
            name = ".".join(map(str, path)) if isinstance(path, list) else ""
            start = min(first, _number(metadata, 11)) if metadata.get(11) else first
            chunk = _Chunk(name, start, start + _number(metadata, 7), _number(group, 3))
            if not len(_MAGIC) <= chunk.start <= chunk.end <= len(body):
                raise InvalidBody(f"The body is not Parquet: the column {quoted(chunk.name)} lies outside of it.")
            yield chunk
    if rows != _number(footer, 3):
        raise InvalidBody(f"The body is not Parquet: it has {_number(footer, 3)} rows, its groups {rows}.")


def _pages(reader: ThriftReader, chunk: _Chunk) -> Iterator[int]:
    """Bytes of each page once decompressed."""
    at = chunk.start
    while at < chunk.end:
        header = reader.struct(at)
        for kind, encoding in _ENCODING_OF.items():
            page = header.get(kind)
            if isinstance(page, dict):
                _check_page(page, encoding, chunk)
        yield _number(header, 2)
        at = reader.at + _number(header, 3)


def _check_page(page: Struct, encoding: int, chunk: _Chunk) -> None:
    name = quoted(chunk.name)
    if page.get(encoding) == _DELTA_BYTE_ARRAY:
        raise InvalidBody(f"The column {name} is in the encoding DELTA_BYTE_ARRAY, which is not read; write another.")
    values = _number(page, _NUM_VALUES)
    if values > chunk.rows:
        raise InvalidBody(f"The column {name} has a page of {values} values in a group of {chunk.rows} rows.")


def _number(found: Mapping[int, object], field: int) -> int:
    """A field that must be there, and not negative."""
    value = found.get(field)
    if not isinstance(value, int) or value < 0:
        raise InvalidBody(f"The body is not Parquet: field {field} of its metadata is no number from 0.")
    return value


def _structs(found: Mapping[int, object], field: int) -> list[Struct]:
    value = found.get(field)
    members = value if isinstance(value, list) else []
    return [member for member in members if isinstance(member, dict)]
