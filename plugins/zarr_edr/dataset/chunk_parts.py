"""Parts of the chunks of an array: read one by one, decoded many at a time.

Decoding releases the interpreter's lock, and a thread that gives the lock away for the 0.1 ms of one block waits about as long
until it has it again. So the blocks of many chunks are decoded as one frame.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numcodecs.blosc
import numpy as np
from numpy.typing import NDArray

from zarr_edr.dataset import blosc
from zarr_edr.dataset.chunk_layout import ChunkIndex
from zarr_edr.dataset.objects import LocalFile

PART_ERRORS = (ValueError, RuntimeError, struct.error, MemoryError)
"""What is raised on damaged bytes; an OSError is the store's."""


@dataclass(frozen=True, slots=True)
class ChunkPart:
    """Some elements of a chunk, one after another in C order, as they are stored."""

    chunk: ChunkIndex
    start: int
    """Number of the first of them in the chunk."""
    blocks: blosc.Blocks
    bytes_read: int
    """What was read for it, the index of a shard included."""

    @property
    def decoded_bytes(self) -> int:
        """Size of these elements."""
        return self.blocks.decoded_bytes


@dataclass(slots=True, eq=False)
class ChunkParts:
    """How parts of the chunks of an array are read and decoded."""

    stored: np.dtype[Any] | None
    """Dtype of the elements as they are stored; None where parts do not go."""
    dtype: np.dtype[Any]
    """What they become."""
    chunk_bytes: int
    _too_large: bool = False
    """Whether a block was seen that is more than half of a chunk: all are cut alike, so no part is worth opening the file for."""

    @property
    def possible(self) -> bool:
        """Whether `read` may have something to give."""
        return self.stored is not None and not self._too_large

    def read(self, chunk: ChunkIndex, file: LocalFile, start: int, stop: int, index_bytes: int) -> ChunkPart | None:
        """Elements `start` to below `stop` of the chunk in `file`, with what is about them.

        None where that is half of the chunk or more, or where the frame is of another kind. `index_bytes` were read before.
        """
        counted = _Counted(file)
        frame = blosc.Frame.read(counted)
        if frame is None or frame.block_bytes % self.dtype.itemsize:
            return None
        if frame.decoded_bytes != self.chunk_bytes:
            raise ValueError(f"a Blosc frame of {frame.decoded_bytes} bytes for a chunk of {self.chunk_bytes}")
        self._too_large = not frame.stored and 2 * frame.block_bytes > self.chunk_bytes
        low, high = start * self.dtype.itemsize, stop * self.dtype.itemsize
        if 2 * frame.about(low, high) > self.chunk_bytes:
            return None
        blocks = frame.part(counted, low, high)
        return ChunkPart(chunk, blocks.at // self.dtype.itemsize, blocks, index_bytes + counted.bytes_read)

    def decoded(self, parts: Sequence[ChunkPart]) -> list[NDArray[Any]]:
        """The elements of each, shape (n,). Raises `PART_ERRORS`."""
        found: list[NDArray[Any]] = []
        for together in _that_decode_together(parts):
            blocks = [part.blocks for part in together]
            data = blocks[0].encoded if blocks[0].stored else numcodecs.blosc.decompress(blosc.frame_of(blocks))
            values = np.frombuffer(data, self.stored).astype(self.dtype, copy=False)
            end = 0
            for part in together:
                begin, end = end, end + part.decoded_bytes // self.dtype.itemsize
                found.append(values[begin:end])
        return found

    def first_damaged(self, parts: Sequence[ChunkPart]) -> ChunkIndex:
        """The chunk of the first of `parts` that does not decode alone, where they did not together."""
        for part in parts:
            try:
                self.decoded([part])
            except PART_ERRORS:
                return part.chunk
        return parts[0].chunk


def _that_decode_together(parts: Sequence[ChunkPart]) -> Iterator[list[ChunkPart]]:
    """Neighbours whose blocks can be one frame."""
    for joins, together in groupby(
        parts, key=lambda part: (part.blocks.whole, part.blocks.header, part.blocks.block_bytes)
    ):
        if joins[0]:
            yield list(together)
        else:
            yield from ([part] for part in together)


class _Counted:
    """A file that counts what is read of it."""

    __slots__ = ("_file", "bytes_read", "size")

    def __init__(self, file: LocalFile) -> None:
        self._file, self.size, self.bytes_read = file, file.size, 0

    def read(self, start: int, stop: int) -> bytes | bytearray:
        """See `LocalFile.read`."""
        data = self._file.read(start, stop)
        self.bytes_read += len(data)
        return data
