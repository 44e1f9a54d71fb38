"""Parts of the chunks of an array: read one by one, decoded many at a time.

Decoding releases the interpreter's lock, and a thread that gives the lock away for the 0.1 ms of one block waits about as long
until it has it again. So the blocks of many chunks are decoded as one frame.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate, groupby
from typing import Any

import numcodecs.blosc
import numpy as np
from numpy.typing import NDArray

from zarr_edr.dataset import blosc
from zarr_edr.dataset.chunk_layout import ChunkIndex
from zarr_edr.dataset.objects import LocalFile

PART_ERRORS = (ValueError, RuntimeError, struct.error)
"""What is raised on damaged bytes; an OSError is the store's."""
MakeFrame = Callable[[], bytes | memoryview]


@dataclass(frozen=True, slots=True)
class ChunkPart:
    """Some elements of a chunk, one after another in C order, as they are stored."""

    chunk: ChunkIndex
    start: int
    """Number of the first of them among the elements of the chunk."""
    blocks: blosc.Blocks
    bytes_read: int
    """What was read for it, the index of a shard included."""

    @property
    def held_bytes(self) -> int:
        """What it takes until it is decoded, or then, whichever is more: the blocks may lie far apart in their frame."""
        return max(self.blocks.decoded_bytes, len(self.blocks.encoded))


@dataclass(slots=True, eq=False)
class ChunkParts:
    """How parts of the chunks of an array are read and decoded."""

    stored: np.dtype[Any]
    """Of the elements as they are stored."""
    dtype: np.dtype[Any]
    """What they become."""
    chunk_bytes: int
    too_large: bool = field(default=False, init=False)
    """Whether a block was seen that is more than half of a chunk: all are cut alike, so no part is worth opening the file for."""

    def read(
        self, chunk: ChunkIndex, file: LocalFile, start: int, stop: int, index_bytes: int, room: memoryview
    ) -> ChunkPart | None:
        """Elements `start` to below `stop` of the chunk in `file`, with what is about them; in `room` where they fit in.

        None where that is half of the chunk or more, or where the frame is of another kind. `index_bytes` were read before.
        Raises `PART_ERRORS` for a damaged frame, `OSError` for what cannot be read.
        """
        frame, item = blosc.Frame.read(file), self.dtype.itemsize
        if frame is None or frame.block_bytes % item:
            return None
        if frame.decoded_bytes != self.chunk_bytes:
            raise ValueError(f"a Blosc frame of {frame.decoded_bytes} bytes for a chunk of {self.chunk_bytes}")
        if not frame.stored:
            self.too_large = 2 * frame.block_bytes > self.chunk_bytes
        low, high = start * item, stop * item
        if 2 * frame.about(low, high) > self.chunk_bytes:
            return None
        blocks = frame.part(file, low, high, room)
        return ChunkPart(chunk, blocks.at // item, blocks, index_bytes + frame.bytes_read + len(blocks.encoded))

    def decoded(self, blocks: Sequence[blosc.Blocks], frame: MakeFrame | None = None) -> list[NDArray[Any]]:
        """The elements of each, shape (n,): of one alone, or of those that `frame` makes one. Raises `PART_ERRORS`."""
        if blocks[0].stored:
            data = bytes(blocks[0].encoded)  # a copy, since what it is read into is not its own
        else:
            data = numcodecs.blosc.decompress(blosc.frame_of(blocks) if frame is None else frame())
        values = np.frombuffer(data, self.stored).astype(self.dtype, copy=False)
        ends = list(accumulate([of_one.decoded_bytes // self.dtype.itemsize for of_one in blocks]))
        return [values[start:end] for start, end in zip([0, *ends], ends, strict=False)]


_HEAD_BYTES = blosc.HEADER_BYTES + 4 * 1024
"""Left free for the head of a frame; one of more blocks is copied together."""


class Joined:
    """Parts of chunks that wait to be decoded together. For one thread.

    From the second on they are read into memory of their own one after another, as the blocks of a frame lie: nothing is copied,
    only the head is written before them.
    """

    __slots__ = ("_begins", "_chunks", "_free", "_memory", "_most_bytes", "_parts", "held_bytes")

    def __init__(self, most_bytes: int, chunks: int) -> None:
        """`most_bytes`: of what is held, see `ChunkPart.held_bytes`, unless it is one part; `chunks`: how many may come."""
        self.held_bytes = 0
        self._most_bytes, self._chunks = most_bytes, chunks
        self._parts: list[ChunkPart] = []
        self._begins: list[int | None] = []
        """Of each part in the memory; None for one that is not there."""
        self._memory, self._free = blosc.NO_ROOM, _HEAD_BYTES

    @property
    def full(self) -> bool:
        """Whether another part like the last is too much."""
        return bool(self._parts) and not self.takes(self._parts[-1])

    def takes(self, part: ChunkPart) -> bool:
        """Whether there is room for one more."""
        return not self._parts or self.held_bytes + part.held_bytes <= self._most_bytes

    def room(self) -> memoryview:
        """Where the next part is to be read to; none for the first, which often is the only one, nor where there is no memory."""
        if not self._parts:
            self._free = _HEAD_BYTES
        elif not self._memory:
            self._make_room()
        return self._memory[self._free :]

    def _make_room(self) -> None:
        """Of the size of as many parts as may come; the first is moved there."""
        first = self._parts[0]
        size = min(self._most_bytes, self._chunks * first.held_bytes)
        if len(self._parts) > 1 or len(first.blocks.encoded) > size:
            return
        with suppress(MemoryError):
            self._memory = memoryview(np.empty(_HEAD_BYTES + size, np.uint8))  # not written to before it is needed
        if not self._memory:
            return
        place = self._memory[self._free : self._free + len(first.blocks.encoded)]
        place[:] = first.blocks.encoded
        self._parts, self._begins, self.held_bytes = [], [], 0
        self.add(replace(first, blocks=replace(first.blocks, encoded=place)))

    def add(self, part: ChunkPart) -> None:
        """One more, read to the last `room` if it fitted in. Whether it is too much is for who adds it to see: `takes`."""
        encoded = part.blocks.encoded
        placed = isinstance(encoded, memoryview) and encoded.obj is self._memory.obj
        self._begins.append(self._free if placed else None)
        self._free += len(part.blocks.encoded) if placed else 0
        self._parts.append(part)
        self.held_bytes += part.held_bytes

    def taken(self) -> Iterator[tuple[list[ChunkPart], MakeFrame | None]]:
        """All parts, those together that can be one frame, with what makes it, if they can. Then none is held.

        A frame is to be made, and used, before the next parts are asked for: the head of theirs may be written over it.
        """
        parts, begins = self._parts, self._begins
        self._parts, self._begins, self.held_bytes = [], [], 0
        stop = 0
        for kind, together in groupby(parts, key=lambda part: part.blocks.kind):
            same = list(together)
            start, stop = stop, stop + len(same)
            if kind is None:
                yield from (([part], None) for part in same)
            else:
                yield same, partial(self._frame, same, begins[start:stop])

    def _frame(self, parts: list[ChunkPart], begins: list[int | None]) -> bytes | memoryview:
        blocks = [part.blocks for part in parts]
        head, first = blosc.head_of(blocks), begins[0]
        if first is None or None in begins or len(head) > first:
            return blosc.frame_of(blocks)
        self._memory[first - len(head) : first] = head
        return self._memory[first - len(head) : first + sum([len(part.encoded) for part in blocks])]
