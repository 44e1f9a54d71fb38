"""What is taken from chunks: of a chunk that is held, or of as much of it as must be decoded."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.cache import process_cache
from zarr_edr.dataset.chunk_parts import Joined
from zarr_edr.dataset.chunks import ChunkedArray, ChunkIndex
from zarr_edr.limits import Deadline
from zarr_edr.plan import ChunkRead, Selection, size

_WORTH_A_PART = 64 * 1024
"""Decoded bytes of a chunk from which a part of it may be read alone: it takes 40 µs of arithmetic, decoding 64 KiB as long."""
_PART_CELLS = 65_536
"""Values that may be taken of such a part: finding more of them one by one takes longer than decoding the chunk."""
_FEW = 32
"""Numbers of which Python finds the least sooner than numpy does."""
_TOGETHER_BYTES = 1024**2
"""Decoded bytes of parts that are decoded at once: 1,800 blocks of 256 KiB took 526 ms so, one by one 606, 16 by 16 (which a
processor's own cache does not hold) 604."""


@dataclass(frozen=True, slots=True, eq=False)
class Picked:
    """What was taken from some chunks of one array."""

    values: tuple[NDArray[Any], ...]
    """Stored values of each read, in order, each of shape (orthogonal sizes..., points)."""
    chunks: int
    chunks_fetched: int
    """Of these, those that came from the store."""
    bytes_read: int


@dataclass(frozen=True, slots=True, eq=False)
class _Undecoded:
    """What is to be taken from a part of a chunk that was read."""

    start: int
    """Number of the first element of the part."""
    numbers: list[NDArray[np.int64]]
    """Of elements in the chunk, for each read: shape (orthogonal sizes..., points)."""
    first: int
    """Where the values of the first read go in `Taking._values`."""


class Taking:
    """What is taken from some chunks of one array, one chunk after the other. For one thread."""

    __slots__ = (
        "_array",
        "_axes",
        "_bytes_read",
        "_cache",
        "_chunks",
        "_deadline",
        "_fetched",
        "_joined",
        "_strides",
        "_undecoded",
        "_values",
    )

    def __init__(self, array: ChunkedArray, axes: tuple[int, ...], deadline: Deadline | None, chunks: int = 1) -> None:
        """`axes`: storage axes in the order of the answer, see `ArrayRead`; `chunks`: how many it will be, or some more."""
        self._array, self._axes, self._deadline = array, axes, deadline
        self._cache = process_cache()
        self._strides = [array.strides[axis] for axis in axes]
        self._undecoded: list[_Undecoded] = []
        self._joined = Joined(_TOGETHER_BYTES, chunks)
        """What these are taken from, in their order."""
        self._values: list[NDArray[Any] | None] = []
        self._chunks = self._fetched = self._bytes_read = 0

    def take(self, index: ChunkIndex, reads: Sequence[ChunkRead]) -> None:
        """Take from a chunk what these reads want. Raises as `ChunkedArray.fetch`."""
        array, cache, deadline = self._array, self._cache, self._deadline
        key = array.chunk_token(index)
        self._chunks += 1
        if array.chunk_bytes >= _WORTH_A_PART and not cache.holds(key) and array.decodes_parts:
            if deadline is not None:
                deadline.before_waiting()
            if self._took_part(key, index, reads):
                return
        fetched = cache.get(key, partial(array.fetch, index, deadline, cache.get), deadline)
        chunk = fetched.values.transpose(self._axes)
        self._values += [_gather(chunk, r.local, len(r.out) - 1) for r in reads]
        self._fetched += fetched.fresh
        self._bytes_read += fetched.bytes_read

    def picked(self) -> Picked:
        """All that was taken. Raises `ChunkCorrupt`."""
        self._decode()
        values = tuple([values for values in self._values if values is not None])  # which none is any more
        return Picked(values, self._chunks, self._fetched, self._bytes_read)

    def _decode(self) -> None:
        """What is read and not decoded."""
        if not self._undecoded:
            return
        decoded = self._array.decode_parts(self._joined)
        for undecoded, elements in zip(self._undecoded, decoded, strict=True):
            for place, numbers in enumerate(undecoded.numbers, undecoded.first):
                self._values[place] = elements[numbers - undecoded.start]
        self._undecoded = []

    def _took_part(self, key: Hashable, index: ChunkIndex, reads: Sequence[ChunkRead]) -> bool:
        """Read a part of the chunk, which is all that is decoded, and is not kept; False where the whole is better."""
        if sum([chunk_read.cells for chunk_read in reads]) > _PART_CELLS:
            return False
        array, cache, joined = self._array, self._cache, self._joined
        most = array.chunk_bytes // (2 * array.dtype.itemsize)
        if _along(reads[0], self._strides) > most:
            return False
        wanted = [_numbers(r.local, len(r.out) - 1, self._strides) for r in reads]
        first, stop = min([low for _, low, _ in wanted]), max([high for _, _, high in wanted]) + 1
        if stop - first > most or not cache.part_will_do(key):
            return False
        if joined.full:
            self._decode()
        part = array.fetch_part(index, first, stop, self._deadline, cache.get, joined.room())
        if part is None:
            return False
        cache.part_was_read(key, array.chunk_bytes)
        self._fetched += 1
        self._bytes_read += part.bytes_read
        if not joined.takes(part):
            self._decode()
        joined.add(part)
        self._undecoded.append(_Undecoded(part.start, [numbers for numbers, _, _ in wanted], len(self._values)))
        self._values += [None] * len(wanted)
        return True


def _along(read: ChunkRead, strides: list[int]) -> int:
    """Elements from the first to the last that is taken, at least: as many as the runs of indices span, counted without them."""
    runs = zip(read.local[: len(read.out) - 1], strides, strict=False)
    return 1 + sum([(size(run) - 1) * stride for run, stride in runs if isinstance(run, slice)])


def _numbers(local: tuple[Selection, ...], orthogonal: int, strides: list[int]) -> tuple[NDArray[np.int64], int, int]:
    """The numbers of elements in a chunk, in C order, as `_gather` takes them: shape (orthogonal sizes..., points).

    With the least and the greatest of them.
    """
    if all(size(selection) == 1 for selection in local):
        number = sum([_first(selection) * stride for selection, stride in zip(local, strides, strict=True)])
        return np.array([number]).reshape((1,) * (orthogonal + 1)), number, number
    along_points = [_indices(s) * n for s, n in zip(local[orthogonal:], strides[orthogonal:], strict=True)]
    numbers = sum(along_points[1:], start=along_points[0]) if along_points else np.zeros(1, dtype=np.int64)
    # Small lists: Python is faster than numpy.
    low, high = (min(found), max(found)) if len(found := numbers.tolist()) < _FEW else (numbers.min(), numbers.max())
    for selection, stride in zip(reversed(local[:orthogonal]), reversed(strides[:orthogonal]), strict=True):
        if isinstance(selection, slice) and selection.stop - selection.start == 1:
            start = selection.start * stride
            numbers, low, high = (numbers + start)[None], low + start, high + start
            continue
        along = _indices(selection) * stride
        numbers = along.reshape(-1, *(1,) * numbers.ndim) + numbers
        low, high = low + along.min(), high + along.max()
    return numbers, int(low), int(high)


def _first(selection: Selection) -> int:
    return selection.start if isinstance(selection, slice) else int(selection[0])


def _indices(selection: Selection) -> NDArray[np.int64]:
    return np.arange(selection.start, selection.stop) if isinstance(selection, slice) else selection


def _gather(chunk: NDArray[Any], local: tuple[Selection, ...], orthogonal: int) -> NDArray[Any]:
    """Values of a chunk whose first `orthogonal` axes are chosen independently and whose others point by point.

    Shape (orthogonal sizes..., points).
    """
    if len(local) == orthogonal:
        chunk, local = chunk[..., None], (*local, np.zeros(1, dtype=np.int64))
    if all(isinstance(selection, slice) for selection in local[:orthogonal]):
        return chunk[local]
    # With an index array among them, numpy would move the orthogonal axes about: spell all of them out as an open mesh.
    indices = map(_indices, local[:orthogonal])
    mesh = [index.reshape((-1,) + (1,) * (orthogonal - axis)) for axis, index in enumerate(indices)]
    return chunk[(*mesh, *local[orthogonal:])]
