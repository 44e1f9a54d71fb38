"""Arrow bodies (the IPC format, stream or file) and Arrow tables -> places; see `body_table` for their columns.

How much a body would take is read from the messages' metadata (Arrow columnar format, "Serialization and Interprocess
Communication") before any of it is decompressed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from zarr_edr.errors import InvalidBody, QueryTooLarge, UnsupportedMediaType
from zarr_edr.limits import Limits
from zarr_edr.query.body_model import Body, check_count, check_repeated
from zarr_edr.query.body_table import Columns, body_of, columns_of, not_finite
from zarr_edr.query.checks import quoted
from zarr_edr.query.geometry import Float64Array

_MAGIC = b"ARROW1"
_STREAM_AT = 8
"""Where the stream starts in a file, which is one with a frame around it."""
_MAX_MESSAGES = 10_000
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
_BUFFER = struct.Struct("<qq")
_NOT_COMPRESSED = -1
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


def read_arrow(body: bytes, limits: Limits) -> Body:
    """Read a table in Arrow's IPC format.

    Raises:
        UnsupportedMediaType: pyarrow is not installed.
        InvalidBody: It is not Arrow, lacks columns, or has one of a type that is not read.
        QueryTooLarge: It is over `limits.points`, or over `limits.inflated_bytes` once decompressed.
    """
    pa = arrow_library("Arrow")
    import pyarrow.ipc  # noqa: PLC0415 - heavy, and optional

    stream = body[_STREAM_AT:] if body.startswith(_MAGIC) else body
    try:
        _check_size(pa, stream, limits)
        reader = pyarrow.ipc.open_stream(pa.BufferReader(stream))
        columns = columns_of_schema(pa, reader.schema)
        batches = list(reader)
        for batch in batches:
            batch.validate(full=True)
        return body_of_table(pa, pa.Table.from_batches(batches, reader.schema), columns, limits)
    except (pa.ArrowException, *FAULTS) as error:
        raise InvalidBody(f"The body is not a table in Arrow's IPC format: {first_line(error)}.") from error


def first_line(error: BaseException) -> str:
    """What a library says is wrong, short enough for a client."""
    lines = str(error).splitlines() or [type(error).__name__]
    return quoted(lines[0])


# --- how much there is ---------------------------------------------------------------------------------------------


def _check_size(pa: Any, stream: bytes, limits: Limits) -> None:
    """Add up the rows and bytes of all batches. Raises `QueryTooLarge`."""
    rows = size = 0
    for number, message in enumerate(_messages(pa, stream)):
        if number >= _MAX_MESSAGES:
            raise QueryTooLarge(f"The body has more than {_MAX_MESSAGES:,} batches; send fewer and larger ones.")
        table = _Table.root(message.metadata.to_pybytes())
        kind, header = table.byte(1), table.table(2)
        if header is None or kind not in (_DICTIONARY_BATCH, _RECORD_BATCH):
            continue
        batch = header.table(1) if kind == _DICTIONARY_BATCH else header
        if batch is None:
            continue
        rows += batch.long(0) if kind == _RECORD_BATCH else 0
        size += sum(_sizes(batch, message.body))
        check_count(rows, limits)
        check_inflated(size, limits)


def check_inflated(size: int, limits: Limits) -> None:
    """Raise `QueryTooLarge` for a table of more than `limits.inflated_bytes`."""
    if size > limits.inflated_bytes:
        raise QueryTooLarge(
            f"The table has {size:,} bytes once decompressed; {limits.inflated_bytes:,} are allowed (limits.inflated_bytes)."
        )


def _messages(pa: Any, stream: bytes) -> Iterator[Any]:
    from pyarrow.ipc import MessageReader  # noqa: PLC0415 - heavy, and optional

    reader = MessageReader.open_stream(pa.BufferReader(stream))
    while True:
        try:
            yield reader.read_next_message()
        except StopIteration:
            return


def _sizes(batch: _Table, body: Any) -> Iterator[int]:
    """Bytes of each buffer of a batch: a compressed one starts with how many it has without."""
    compressed = batch.table(3) is not None
    for offset, length in batch.structs(2, _BUFFER):
        if not compressed or length == 0:
            yield length
            continue
        (size,) = struct.unpack_from("<q", body, offset)
        yield length if size == _NOT_COMPRESSED else size


class _Table:
    """A table of a flatbuffer. pyarrow has verified the buffer by the time it gives it away."""

    def __init__(self, buffer: bytes, at: int) -> None:
        self._buffer, self._at = buffer, at
        (offset,) = struct.unpack_from("<i", buffer, at)
        self._vtable = at - offset

    @classmethod
    def root(cls, buffer: bytes) -> _Table:
        """That of a whole buffer."""
        return cls(buffer, struct.unpack_from("<I", buffer, 0)[0])

    def _field(self, number: int) -> int | None:
        """Where a field stands; None where it has its default."""
        slot = 4 + 2 * number
        (size,) = struct.unpack_from("<H", self._buffer, self._vtable)
        offset = struct.unpack_from("<H", self._buffer, self._vtable + slot)[0] if slot < size else 0
        return self._at + offset if offset else None

    def byte(self, number: int) -> int:
        at = self._field(number)
        return 0 if at is None else self._buffer[at]

    def long(self, number: int) -> int:
        at = self._field(number)
        return 0 if at is None else int(struct.unpack_from("<q", self._buffer, at)[0])

    def table(self, number: int) -> _Table | None:
        at = self._field(number)
        return None if at is None else _Table(self._buffer, at + struct.unpack_from("<I", self._buffer, at)[0])

    def structs(self, number: int, layout: struct.Struct) -> Iterator[tuple[Any, ...]]:
        at = self._field(number)
        if at is None:
            return
        start = at + struct.unpack_from("<I", self._buffer, at)[0]
        (count,) = struct.unpack_from("<I", self._buffer, start)
        for index in range(count):
            yield layout.unpack_from(self._buffer, start + 4 + index * layout.size)


# --- tables --------------------------------------------------------------------------------------------------------


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


def body_of_table(pa: Any, table: Any, columns: Columns, limits: Limits) -> Body:
    """The places of a table. Raises `InvalidBody` for a coordinate that is missing or not finite, and `QueryTooLarge`."""
    check_count(table.num_rows, limits)
    if not table.num_rows:
        raise InvalidBody("The table has no rows; it needs a point.")
    coordinates = [_coordinate(pa, table.column(index), columns.names[index]) for index in columns.coordinates]
    ids = None if columns.id is None else _values(pa, table.column(columns.id), limits)
    properties = {columns.names[index]: _values(pa, table.column(index), limits) for index in columns.properties}
    return body_of(columns, coordinates, ids, properties, limits)


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


def _values(pa: Any, column: Any, limits: Limits) -> list[Any]:
    """JSON values, None where they are missing or not finite."""
    return [value for chunk in column.chunks for value in _plain(pa, chunk, limits)]


def _plain(pa: Any, chunk: Any, limits: Limits) -> list[Any]:
    types, type_ = pa.types, chunk.type
    if types.is_dictionary(type_):
        return _looked_up(_plain(pa, chunk.dictionary, limits), chunk.indices.to_pylist(), limits)
    if types.is_floating(type_) or types.is_decimal(type_):
        return [value if value is not None and np.isfinite(value) else None for value in _floats(pa, chunk)]
    if types.is_date(type_) or types.is_timestamp(type_):
        return [None if text is None else text.replace(" ", "T") for text in chunk.cast(pa.string()).to_pylist()]
    found: list[Any] = chunk.to_pylist()
    return found


def _floats(pa: Any, chunk: Any) -> list[float | None]:
    found: list[float | None] = chunk.cast(pa.float64(), safe=False).to_pylist()
    return found


def _looked_up(values: list[Any], indices: list[int | None], limits: Limits) -> list[Any]:
    """The entries of a dictionary, which a few bytes may repeat many times over."""
    sizes = [len(value) if isinstance(value, str) else 0 for value in values]
    check_repeated(sum(sizes[index] for index in indices if index is not None), limits)
    return [None if index is None else values[index] for index in indices]
