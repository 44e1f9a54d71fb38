"""Which layout of a parameter's data to read: the same values may be stored in several kinds of chunks. Pure, no I/O.

A layout is judged by the chunks a read touches in it, which are counted, not planned: O(points + chunks touched).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from zarr_edr.dataset.chunks import ChunkedArray
from zarr_edr.dataset.model import Int64Array, Parameter


def cheapest(
    parameter: Parameter,
    orthogonal: Mapping[str, Int64Array],
    pointwise: Mapping[str, Int64Array],
    mask: NDArray[np.bool_] | None = None,
) -> ChunkedArray:
    """The array of which a read costs least; of equals the first, the parameter's own before its further layouts.

    Dimensions are selected as by `plan`: `orthogonal` has indices of shape (n,), `pointwise` one for each point, shape (p,).
    `mask`, shape (ny, nx), says which cells of the last two of `orthogonal` are wanted.
    """
    if not parameter.layouts:
        return parameter.array
    counts: dict[tuple[int, ...], int] = {}
    costs = []
    arrays = (parameter.array, *parameter.layouts)
    for array in arrays:
        chunks = array.chunks
        if chunks not in counts:
            counts[chunks] = touched(dict(zip(parameter.dims, chunks, strict=True)), orthogonal, pointwise, mask)
        costs.append(cost_s(array, counts[chunks]))
    return arrays[costs.index(min(costs))]


_LOCAL_CHUNK_S = 150e-6
"""For a chunk of a local file, whatever its size: 120 µs to open, read and decode 4 KiB, the rest to plan it and to pick from it
(measured on two cores, files in memory; 140 µs in a shard)."""
_REMOTE_CHUNK_S = 3e-3
"""The same for a store that is asked over a network: measured over HTTP on one machine; further away it is more."""
_DECODED_BYTES_PER_S = 800e6
"""Of chunks of 64 KiB to 4 MiB of float32, Blosc with zstd and shuffle; 580 to 950 MB/s were measured."""


def cost_s(array: ChunkedArray, chunks: int) -> float:
    """Seconds that reading so many chunks of an array takes on one thread, about: chunks * (cost of each + bytes / rate)."""
    chunk_s = _REMOTE_CHUNK_S if array.remote else _LOCAL_CHUNK_S
    return chunks * (chunk_s + array.chunk_bytes / _DECODED_BYTES_PER_S)


def touched(
    chunk_of: Mapping[str, int],
    orthogonal: Mapping[str, Int64Array],
    pointwise: Mapping[str, Int64Array],
    mask: NDArray[np.bool_] | None = None,
) -> int:
    """How many chunks a read takes from, where the chunks of a dimension are `chunk_of` long; see `cheapest`.

    Exact, but that with a mask a chunk at the seam of the grid may count twice.
    """
    along = [index // chunk_of[dim] for dim, index in orthogonal.items()]
    columns = _distinct_tuples([index // chunk_of[dim] for dim, index in pointwise.items()])
    if mask is None:
        return math.prod(map(_distinct, along)) * columns
    return math.prod(map(_distinct, along[:-2])) * _wanted(mask, along[-2], along[-1]) * columns


def _distinct(chunks: Int64Array) -> int:
    """Number of different values; they rarely fall."""
    if chunks.size == 1:
        return 1
    steps = np.diff(chunks)
    if (steps >= 0).all():
        return 1 + int(np.count_nonzero(steps))
    return int(np.unique(chunks).size)


def _distinct_tuples(chunks: list[Int64Array]) -> int:
    """Number of different tuples that the arrays, each of shape (p,), make."""
    if not chunks or chunks[0].size == 1:
        return 1
    return _distinct(tuple_keys(chunks))


def tuple_keys(arrays: Sequence[Int64Array]) -> Int64Array:
    """A number for each tuple that arrays of numbers from 0, each of shape (p,), make: equal ones have the same."""
    key = arrays[0]
    for more in arrays[1:]:
        key = key * (int(more.max(initial=0)) + 1) + more
    return key


_SORTED_BY_DIGIT = 2**16
"""Below it, numbers are sorted as such of 16 bits: 100,000 in 1 ms instead of 8."""


def in_runs(key: Int64Array) -> tuple[Int64Array, list[int]]:
    """An order, shape (p,), that puts equal keys together, which are 0 or more, and where in it each run begins, then its end.

    The positions of a run rise.
    """
    steps = np.diff(key)
    if (steps >= 0).all():
        order = np.arange(key.size, dtype=np.int64)
    else:
        short = key.astype(np.uint16) if int(key.max()) < _SORTED_BY_DIGIT else key
        order = np.argsort(short, kind="stable")
        steps = np.diff(key[order])
    return order, [0, *(np.flatnonzero(steps) + 1).tolist(), int(key.size)]


def _wanted(mask: NDArray[np.bool_], rows: Int64Array, columns: Int64Array) -> int:
    """Number of chunks with a wanted cell: those of each row and each column of the mask are given."""
    by_row = np.logical_or.reduceat(mask, _starts(rows), axis=0)
    return int(np.count_nonzero(np.logical_or.reduceat(by_row, _starts(columns), axis=1)))


def _starts(chunks: Int64Array) -> Int64Array:
    return np.concatenate([[0], np.flatnonzero(np.diff(chunks)) + 1])
