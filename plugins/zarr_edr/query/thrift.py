"""Thrift's compact protocol, as far as Parquet's metadata need it (Apache Thrift, thrift-compact-protocol.md)."""

from __future__ import annotations

_STOP, _TRUE, _FALSE = 0, 1, 2
_MAX_DEPTH = 12
"""Structs and lists within one another; a Parquet footer has ten."""
_MAX_SHIFT = 63

Struct = dict[int, object]
"""Field id -> a number, boolean, text, list or struct; None for what has no use here."""


class ThriftError(Exception):
    """What stands at a byte is not Thrift."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at
        """Index of the byte."""


class ThriftTooLong(ThriftError):
    """There are more fields and items than are read."""


class ThriftReader:
    """Reads structs from bytes, of no more than `values` fields and items in all: each of them takes some 100 bytes in memory."""

    def __init__(self, data: bytes, values: int) -> None:
        self._data = data
        self._left = values
        self.at = 0
        """Index of what is read next."""

    def struct(self, at: int) -> Struct:
        """The struct at an index. Raises `ThriftError`, `ThriftTooLong`."""
        self.at = at
        return self._struct(0)

    def _struct(self, depth: int) -> Struct:
        found: Struct = {}
        field = 0
        while True:
            head = self._byte()
            kind, delta = head & 0x0F, head >> 4
            if kind == _STOP:
                return found
            field = field + delta if delta else self._zigzag()
            found[field] = self._value(kind, depth)

    def _value(self, kind: int, depth: int) -> object:
        self._left -= 1
        if self._left < 0:
            raise ThriftTooLong(self.at)
        if depth > _MAX_DEPTH:
            raise ThriftError(self.at)
        match kind:
            case 1 | 2:
                found: object = kind == _TRUE
            case 3:  # byte
                found = self._byte()
            case 4 | 5 | 6:  # i16, i32, i64
                found = self._zigzag()
            case 7:  # double
                self._bytes(8)
                found = None
            case 8:  # binary
                found = self._bytes(self._varint()).decode("utf-8", "replace")
            case 9 | 10:  # list, set
                found = self._list(depth + 1)
            case 12:
                found = self._struct(depth + 1)
            case _:
                raise ThriftError(self.at)
        return found

    def _list(self, depth: int) -> list[object]:
        head = self._byte()
        count, kind = head >> 4, head & 0x0F
        if count == 0x0F:
            count = self._varint()
        if count > self._left:
            raise ThriftError(self.at)
        # A boolean in a list has a byte of its own.
        is_boolean = kind in (_TRUE, _FALSE)
        return [self._byte() == _TRUE if is_boolean else self._value(kind, depth) for _ in range(count)]

    def _byte(self) -> int:
        return self._bytes(1)[0]

    def _bytes(self, length: int) -> bytes:
        start = self.at
        if length > len(self._data) - start:
            raise ThriftError(start)
        self.at += length
        return self._data[start : self.at]

    def _varint(self) -> int:
        value = shift = 0
        while shift <= _MAX_SHIFT:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise ThriftError(self.at)

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
