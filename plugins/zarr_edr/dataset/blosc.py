"""Blosc frames: whole ones checked, and some blocks of one or of several made into a frame of their own.

A chunk that Blosc has compressed is a frame of blocks that decode one by one. A query for one time of a chunk of thousands needs
one block or two, of each of many chunks maybe: blocks of several frames decode together. The format is that of version 1
(README_CHUNK_FORMAT.rst of c-blosc): a header of 16 bytes, the offset of each block, then the blocks, in any order.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

HEADER_BYTES = 16
_HEADER = struct.Struct("<BBBBIII")
_FORMAT_VERSION = 2
"""Of c-blosc 1; Blosc2 counts on from 3, and lays its frames out in another way."""
_STORED = 0x02
"""Flag of a frame whose bytes are stored as they are, without blocks."""
_DONT_SPLIT = 0x10
"""Flag of blocks that are not split into a stream for each byte of an element."""
_OFFSETS_AT_ONCE = 124
"""Offsets of blocks that are read together with the header, in 512 bytes."""


class Bytes(Protocol):
    """Something of which a part can be read."""

    @property
    def size(self) -> int:
        """Of all of it."""

    def read(self, start: int, stop: int) -> bytes | bytearray:
        """Bytes `start` to below `stop`."""

    def read_into(self, start: int, into: memoryview) -> int:
        """Fill `into` with the bytes from `start` on; how many there are, up to its length."""


NO_ROOM = memoryview(b"")


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as its header describes it."""

    header: tuple[int, int, int, int]
    """Version, version of the compressor, flags, bytes of an element."""
    decoded_bytes: int
    block_bytes: int
    """Of a block when decoded; the last may be shorter."""
    size: int
    """Of the frame."""
    starts: tuple[int, ...]
    """Where each block starts in it; empty where the bytes are stored as they are."""
    bytes_read: int
    """To know all this."""

    @property
    def stored(self) -> bool:
        """Whether the bytes are stored as they are."""
        return not self.starts

    @classmethod
    def read(cls, data: Bytes) -> Frame | None:
        """The frame that all of `data` is; None for a format that is not known here. Raises `ValueError` for a damaged one."""
        head = data.read(0, min(data.size, HEADER_BYTES + 4 * _OFFSETS_AT_ONCE))
        check(head, data.size, 0)
        version, compressor, flags, element, decoded, block, size = _HEADER.unpack_from(head)
        if version != _FORMAT_VERSION:
            return None
        header = (version, compressor, flags, element)
        if flags & _STORED:
            if size != HEADER_BYTES + decoded:
                raise ValueError(f"a stored Blosc frame of {size} bytes says that it holds {decoded}")
            return cls(header, decoded, max(1, decoded), size, (), len(head))
        if not 0 < block <= decoded:
            raise ValueError(f"a Blosc frame of {decoded} bytes has blocks of {block}")
        count = -(-decoded // block)
        offsets = HEADER_BYTES + 4 * count
        if offsets > size:
            raise ValueError(f"a Blosc frame of {size} bytes has no room for {count} blocks")
        bytes_read = len(head)
        if offsets > len(head):
            head = data.read(0, offsets)
            bytes_read += len(head)
        starts = struct.unpack_from(f"<{count}I", head, HEADER_BYTES)
        if min(starts) < offsets or max(starts) >= size:
            raise ValueError("a Blosc frame has a block outside of it")
        return cls(header, decoded, block, size, starts, bytes_read)

    def about(self, start: int, stop: int) -> int:
        """How many bytes must be decoded for those from `start` to below `stop`."""
        if self.stored:
            return stop - start
        first, last = start // self.block_bytes, (stop - 1) // self.block_bytes
        return min(self.decoded_bytes, (last + 1) * self.block_bytes) - first * self.block_bytes

    def part(self, data: Bytes, start: int, stop: int, room: memoryview = NO_ROOM) -> Blocks:
        """What holds the decoded bytes `start` to below `stop`, with what is about them, read from `data`.

        To the beginning of `room` where it is long enough. Raises `ValueError` where they end early.
        """
        if self.stored:
            read = _exactly(data, HEADER_BYTES + start, HEADER_BYTES + stop, room)
            return Blocks(self.header, stop - start, (), read, stop - start, start)
        first, last = start // self.block_bytes, (stop - 1) // self.block_bytes
        starts = self.starts[first : last + 1]
        low, top = min(starts), max(starts)
        # A block ends where the next in the frame starts, which need not be the next in number.
        end = min([other for other in self.starts if other > top], default=self.size)
        return Blocks(
            header=self.header,
            block_bytes=self.block_bytes,
            starts=tuple([at - low for at in starts]),
            encoded=_exactly(data, low, end, room),
            decoded_bytes=self.about(start, stop),
            at=first * self.block_bytes,
        )


@dataclass(frozen=True, slots=True)
class Blocks:
    """Some blocks of a frame, one after another, as they are stored."""

    header: tuple[int, int, int, int]
    """That of the frame."""
    block_bytes: int
    starts: tuple[int, ...]
    """Where each of them starts in `encoded`; empty where the bytes are stored as they are."""
    encoded: bytes | bytearray | memoryview
    decoded_bytes: int
    """What they come to."""
    at: int
    """Number, among the decoded bytes of the frame, of the first of theirs."""

    @property
    def stored(self) -> bool:
        """Whether the bytes are stored as they are."""
        return not self.starts

    @property
    def kind(self) -> tuple[int, ...] | None:
        """What blocks must have in common to be one frame; None where they can be none with others.

        Those are stored bytes, and the last block of a frame where it is shorter than the others.
        """
        if self.stored or self.decoded_bytes != len(self.starts) * self.block_bytes:
            return None
        return (*self.header, self.block_bytes)


def frame_of(parts: Sequence[Blocks]) -> bytes:
    """A frame of all these blocks: of one part that is not stored, or of parts of one kind. Raises `ValueError` for others."""
    return b"".join((head_of(parts), *[part.encoded for part in parts]))


def head_of(parts: Sequence[Blocks]) -> bytes:
    """What stands before the blocks in the frame of `frame_of`. Raises as it does."""
    if parts[0].stored or (len(parts) > 1 and (parts[0].kind is None or len({part.kind for part in parts}) > 1)):
        raise ValueError("these blocks cannot be one Blosc frame")
    (version, compressor, flags, element), block_bytes = parts[0].header, parts[0].block_bytes
    decoded = sum([part.decoded_bytes for part in parts])
    if decoded < block_bytes:  # the short last block alone: as a whole one it would be taken to be split
        block_bytes, flags = decoded, flags | _DONT_SPLIT
    offsets: list[int] = []
    size = HEADER_BYTES + 4 * sum([len(part.starts) for part in parts])
    for part in parts:
        offsets += [size + start for start in part.starts]
        size += len(part.encoded)
    head = _HEADER.pack(version, compressor, flags, element, decoded, block_bytes, size)
    return head + struct.pack(f"<{len(offsets)}I", *offsets)


def _exactly(data: Bytes, start: int, stop: int, room: memoryview) -> bytes | bytearray | memoryview:
    """Bytes `start` to below `stop`; in `room` where they fit in. Raises `ValueError` where they end early."""
    size, into = stop - start, room[: stop - start]
    read = data.read(start, stop) if len(into) < size else into[: data.read_into(start, into)]
    if len(read) != size:
        raise ValueError("a Blosc frame is shorter than it says")
    return read


def check(head: bytes | bytearray, size: int, decoded_bytes: int) -> None:
    """Raise `ValueError` unless a frame of `size` bytes is as long as its header says, and decodes to `decoded_bytes` (0: any).

    Blosc itself reads past the end of a truncated frame: some bytes short, it returns wrong numbers without an error.
    """
    if len(head) < HEADER_BYTES:
        raise ValueError("no room for a Blosc header")
    *_, decoded, _, framed = _HEADER.unpack_from(head)
    if framed != size or decoded_bytes not in (0, decoded):
        raise ValueError(f"Blosc header says {framed} and {decoded} bytes, not {size} and {decoded_bytes}")
