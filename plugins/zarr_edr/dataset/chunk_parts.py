"""Parts of the chunks of an array: read one by one, decoded many at a time.

Decoding releases the interpreter's lock, and a thread that gives the lock away for the 0.1 ms of one block waits about as long
until it has it again. So the blocks of many chunks are decoded as one frame.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numcodecs.blosc
import numpy as np
from numpy.typing import NDArray

from zarr_edr.dataset import blosc
from zarr_edr.dataset.chunk_layout import ChunkIndex
from zarr_edr.dataset.objects import LocalFile

PART_ERRORS = (ValueError, RuntimeError, struct.error)
"""What is raised on damaged bytes; an OSError is the store's."""


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

    def read(self, chunk: ChunkIndex, file: LocalFile, start: int, stop: int, index_bytes: int) -> ChunkPart | None:
        """Elements `start` to below `stop` of the chunk in `file`, with what is about them.

        None where that is half of the chunk or more, or where the frame is of another kind. `index_bytes` were read before.
        Raises `PART_ERRORS` for a damaged frame, `OSError` for what cannot be read.
        """
        counted = _Counted(file)
        frame = blosc.Frame.read(counted)
        if frame is None or frame.block_bytes % self.dtype.itemsize:
            return None
        if frame.decoded_bytes != self.chunk_bytes:
            raise ValueError(f"a Blosc frame of {frame.decoded_bytes} bytes for a chunk of {self.chunk_bytes}")
        if not frame.stored:
            self.too_large = 2 * frame.block_bytes > self.chunk_bytes
        low, high = start * self.dtype.itemsize, stop * self.dtype.itemsize
        if 2 * frame.about(low, high) > self.chunk_bytes:
            return None
        blocks = frame.part(counted, low, high)
        return ChunkPart(chunk, blocks.at // self.dtype.itemsize, blocks, index_bytes + counted.bytes_read)

    def decoded(self, parts: Sequence[ChunkPart]) -> list[NDArray[Any]]:
        """The elements of each, shape (n,). Raises `PART_ERRORS`, not telling of which part."""
        found: list[NDArray[Any]] = []
        for together in _that_decode_together(parts):
            blocks = [part.blocks for part in together]
            data = blocks[0].encoded if blocks[0].stored else numcodecs.blosc.decompress(blosc.frame_of(blocks))
            values = np.frombuffer(data, self.stored).astype(self.dtype, copy=False)
            end = 0
            for of_one in blocks:
                begin, end = end, end + of_one.decoded_bytes // self.dtype.itemsize
                found.append(values[begin:end])
        return found


def _that_decode_together(parts: Sequence[ChunkPart]) -> Iterator[Sequence[ChunkPart]]:
    """Neighbours whose blocks can be one frame."""
    if len(parts) == 1:
        yield parts
        return
    for kind, together in groupby(parts, key=lambda part: part.blocks.kind):
        if kind is not None:
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
