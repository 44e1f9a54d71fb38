"""FlatBuffers, as far as the metadata of Arrow's messages need it (FlatBuffers internals, "Tables")."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any


class FlatTable:
    """A table, whose fields have numbers. pyarrow has verified the buffer by the time it gives it away."""

    def __init__(self, buffer: bytes, at: int) -> None:
        self._buffer, self._at = buffer, at
        (offset,) = struct.unpack_from("<i", buffer, at)
        self._vtable = at - offset

    @classmethod
    def root(cls, buffer: bytes) -> FlatTable:
        """That of a whole buffer."""
        return cls(buffer, struct.unpack_from("<I", buffer, 0)[0])

    def _field(self, number: int) -> int | None:
        """Where a field stands; None where it has its default."""
        slot = 4 + 2 * number
        (size,) = struct.unpack_from("<H", self._buffer, self._vtable)
        offset = struct.unpack_from("<H", self._buffer, self._vtable + slot)[0] if slot < size else 0
        return self._at + offset if offset else None

    def has(self, number: int) -> bool:
        """Whether a field is there."""
        return self._field(number) is not None

    def byte(self, number: int) -> int:
        """A field of one byte, 0 where it is not there."""
        at = self._field(number)
        return 0 if at is None else self._buffer[at]

    def long(self, number: int) -> int:
        """A field of 8 bytes with a sign, 0 where it is not there."""
        at = self._field(number)
        return 0 if at is None else int(struct.unpack_from("<q", self._buffer, at)[0])

    def table(self, number: int) -> FlatTable | None:
        """A field that is a table itself; None where it is not there."""
        at = self._field(number)
        return None if at is None else FlatTable(self._buffer, at + struct.unpack_from("<I", self._buffer, at)[0])

    def structs(self, number: int, layout: struct.Struct) -> Iterator[tuple[Any, ...]]:
        """The members of a field that is a list of structs; none where it is not there."""
        at = self._field(number)
        if at is None:
            return
        start = at + struct.unpack_from("<I", self._buffer, at)[0]
        (count,) = struct.unpack_from("<I", self._buffer, start)
        for index in range(count):
            yield layout.unpack_from(self._buffer, start + 4 + index * layout.size)
