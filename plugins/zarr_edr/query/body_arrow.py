"""Arrow bodies (the IPC format, stream or file) -> places; see `body_table` for their columns.

How much a body would take is read from the messages' metadata (Arrow columnar format, "Serialization and Interprocess
Communication") before any of it is decompressed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from zarr_edr.errors import InvalidBody, QueryTooLarge
from zarr_edr.limits import Deadline, Limits
from zarr_edr.query.body_model import Body, check_count
from zarr_edr.query.body_pyarrow import (
    FAULTS,
    arrow_library,
    body_of_table,
    check_inflated,
    columns_of_schema,
    first_line,
)
from zarr_edr.query.flatbuffer import FlatTable

_MAGIC = b"ARROW1"
_STREAM_AT = 8
"""Where the stream starts in a file, which is one with a frame around it."""
_MAX_MESSAGES = 10_000
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
_BUFFER = struct.Struct("<qq")
_NOT_COMPRESSED = -1
_V5 = 4
"""The version of the metadata since Arrow 1.0."""


def read_arrow(body: bytes, limits: Limits, deadline: Deadline) -> Body:
    """Read a table in Arrow's IPC format.

    Raises:
        UnsupportedMediaType: pyarrow is not installed.
        InvalidBody: It is not Arrow, lacks columns, or has one of a type that is not read.
        QueryTooLarge: It is over `limits.points`, or over `limits.inflated_bytes` once decompressed.
        DeadlineExceeded: It takes too long.
    """
    pa = arrow_library("Arrow")
    import pyarrow.ipc  # noqa: PLC0415 - heavy, and optional

    stream = body[_STREAM_AT:] if body.startswith(_MAGIC) else body
    try:
        _check_size(pa, stream, limits, deadline)
        reader = pyarrow.ipc.open_stream(pa.BufferReader(stream))
        columns = columns_of_schema(pa, reader.schema)
        batches = _validated(pa, reader, deadline)
        return body_of_table(pa, pa.Table.from_batches(batches, reader.schema), columns, limits, deadline)
    except (pa.ArrowException, *FAULTS) as error:
        raise InvalidBody(f"The body is not a table in Arrow's IPC format: {first_line(error)}.") from error


def _validated(pa: Any, reader: Any, deadline: Deadline) -> list[Any]:
    """All batches, sound to the last value. A dictionary is looked at once: thousands of small batches may share a large one."""
    batches, seen = [], set()
    for batch in reader:
        deadline.check()
        batch.validate()  # in no time: whether all parts are there, a dictionary among them
        for column in batch.columns:
            if not pa.types.is_dictionary(column.type):
                column.validate(full=True)
                continue
            words = column.dictionary
            key = (len(words), words.offset, *(None if each is None else each.address for each in words.buffers()))
            if key not in seen:
                words.validate(full=True)
                seen.add(key)
            _check_indices(pa, column.indices, len(words))
        batches.append(batch)
    return batches


def _check_indices(pa: Any, indices: Any, words: int) -> None:
    import pyarrow.compute as pc  # noqa: PLC0415 - heavy, and optional

    indices.validate(full=True)
    found = pc.min_max(indices).as_py()
    if found["min"] is not None and not 0 <= found["min"] <= found["max"] < words:
        raise pa.ArrowInvalid(f"an index into a dictionary of {words} is {found['min']} or {found['max']}")


def _check_size(pa: Any, stream: bytes, limits: Limits, deadline: Deadline) -> None:
    """Add up the rows and bytes of all batches. Raises `QueryTooLarge`."""
    rows = size = 0
    for number, message in enumerate(_messages(pa, stream)):
        deadline.check()
        if number >= _MAX_MESSAGES:
            raise QueryTooLarge(f"The body has more than {_MAX_MESSAGES:,} batches; send fewer and larger ones.")
        table = FlatTable.root(message.metadata.to_pybytes())
        kind, header = table.byte(1), table.table(2)
        if header is None or kind not in (_DICTIONARY_BATCH, _RECORD_BATCH):
            continue
        batch = header.table(1) if kind == _DICTIONARY_BATCH else header
        if batch is None:
            continue
        if table.byte(0) < _V5 and table.has(4):
            raise InvalidBody(
                "The body is in the format of Arrow 0.17 with its experimental compression; write a newer one."
            )
        rows += _natural(batch.long(0)) if kind == _RECORD_BATCH else 0
        size += sum(_sizes(batch, message.body))
        check_count(rows, limits)
        check_inflated(size, limits)


def _messages(pa: Any, stream: bytes) -> Iterator[Any]:
    from pyarrow.ipc import MessageReader  # noqa: PLC0415 - heavy, and optional

    reader = MessageReader.open_stream(pa.BufferReader(stream))
    while True:
        try:
            yield reader.read_next_message()
        except StopIteration:
            return


def _sizes(batch: FlatTable, body: Any) -> Iterator[int]:
    """Bytes of each buffer of a batch: a compressed one starts with how many it has without."""
    compressed = batch.table(3) is not None
    for offset, length in batch.structs(2, _BUFFER):
        if not compressed or length == 0:
            yield _natural(length)
            continue
        (size,) = struct.unpack_from("<q", body, _natural(offset))
        yield _natural(length if size == _NOT_COMPRESSED else size)


def _natural(declared: int) -> int:
    """A number of rows or bytes as it is declared: a negative one would make up for others that are too large."""
    if declared < 0:
        raise InvalidBody(
            f"The body is not a table in Arrow's IPC format: it declares {declared} rows or bytes; right are numbers from 0."
        )
    return declared
