"""What is taken from one chunk: of a chunk that is held, or of as much of it as must be decoded."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.cache import process_cache
from zarr_edr.dataset.chunks import ChunkedArray, ChunkIndex
from zarr_edr.limits import Deadline
from zarr_edr.plan import ChunkRead, Selection, size

_WORTH_A_PART = 64 * 1024
"""Decoded bytes of a chunk from which a part of it may be read alone: it takes 40 µs of arithmetic, decoding 64 KiB as long."""
_PART_CELLS = 65_536
"""Values that may be taken of such a part: finding more of them one by one takes longer than decoding the chunk."""
_FEW = 32
"""Numbers of which Python finds the least sooner than numpy does."""


def taken(
    array: ChunkedArray, axes: tuple[int, ...], index: ChunkIndex, reads: Sequence[ChunkRead], deadline: Deadline | None
) -> tuple[list[NDArray[Any]], bool, int]:
    """What some reads take from one chunk, whether it came from the store, and the bytes that were read for it."""
    cache, key = process_cache(), (array.token, index)
    if array.decodes_parts and array.chunk_bytes >= _WORTH_A_PART and not cache.holds(key):
        if deadline is not None:
            deadline.before_waiting()
        part = _of_part(array, axes, index, reads, deadline)
        if part is not None:
            return part
    fetched = cache.get(key, partial(array.fetch, index, deadline, cache.get), deadline)
    chunk = fetched.values.transpose(axes)
    return [_gather(chunk, r.local, len(r.out) - 1) for r in reads], fetched.fresh, fetched.bytes_read


def _of_part(
    array: ChunkedArray, axes: tuple[int, ...], index: ChunkIndex, reads: Sequence[ChunkRead], deadline: Deadline | None
) -> tuple[list[NDArray[Any]], bool, int] | None:
    """The same from a part of the chunk, which is all that is decoded and is not kept; None where the whole is better."""
    if sum([chunk_read.cells for chunk_read in reads]) > _PART_CELLS:
        return None
    strides = [array.strides[axis] for axis in axes]
    wanted = [_numbers(r.local, len(r.out) - 1, strides) for r in reads]
    first, stop = min([low for _, low, _ in wanted]), max([high for _, _, high in wanted]) + 1
    cache, chunk_bytes = process_cache(), array.chunk_bytes
    if 2 * (stop - first) * array.dtype.itemsize > chunk_bytes:
        return None
    if not cache.part_will_do((array.token, index)):
        return None
    part = array.fetch_part(index, first, stop, deadline, cache.get)
    if part is None:
        return None
    cache.part_was_read((array.token, index), chunk_bytes)
    return [part.values[numbers - part.start] for numbers, _, _ in wanted], True, part.bytes_read


def _numbers(local: tuple[Selection, ...], orthogonal: int, strides: list[int]) -> tuple[NDArray[np.int64], int, int]:
    """The numbers of elements in a chunk, in C order, as `_gather` takes them: shape (orthogonal sizes..., points).

    With the least and the greatest of them.
    """
    if all(size(selection) == 1 for selection in local):
        number = sum([_first(selection) * stride for selection, stride in zip(local, strides, strict=True)])
        return np.full((1,) * (orthogonal + 1), number), number, number
    numbers = np.zeros(1, dtype=np.int64)
    for selection, stride in zip(local[orthogonal:], strides[orthogonal:], strict=True):
        numbers = numbers + _indices(selection) * stride
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
