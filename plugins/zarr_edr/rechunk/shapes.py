"""The shape of chunks for a kind of question. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

Shape = tuple[int, ...]

CHUNK_BYTES = 1024**2
"""Decoded: 1 ms to read, most of it decoding, so that neither many chunks nor unused cells cost much."""
_SERIES_BYTES = 4 * 1024**2
"""A longer series is cut, evenly: a chunk is read whole for each of its values."""
_FIELD_BYTES = 2 * 1024**2
"""A larger field is cut into tiles."""


class Kind(StrEnum):
    """What a layout is for."""

    POINTS = "points"
    MAPS = "maps"


@dataclass(frozen=True, slots=True)
class Axes:
    """What the axes of an array are to the questions that are asked of it."""

    shape: Shape
    horizontal: tuple[int, ...]
    """Numbers of the axes of the grid."""
    series: int | None
    """Number of the axis that series run along: that of time, else of levels; None: there is neither."""


def chunks_for(kind: Kind, axes: Axes, itemsize: int) -> Shape:
    """Chunks of about `CHUNK_BYTES`, one number for each axis.

    For points: the whole series of a small square of cells. For maps: the whole field of one time, level and member, or large
    tiles of it. Along the other axes a chunk has one index.
    """
    chunks = [1] * len(axes.shape)
    cells = max(1, CHUNK_BYTES // itemsize)
    if kind is Kind.POINTS and axes.series is not None:
        chunks[axes.series] = even(axes.shape[axes.series], max(1, _SERIES_BYTES // itemsize))
        cells = max(1, cells // chunks[axes.series])
    sizes = [axes.shape[axis] for axis in axes.horizontal]
    field = itemsize
    for size in sizes:
        field *= size
    tile = tuple(sizes) if kind is Kind.MAPS and field <= _FIELD_BYTES else _tile(sizes, cells)
    for axis, size in zip(axes.horizontal, tile, strict=True):
        chunks[axis] = size
    return tuple(chunks)


def even(length: int, most: int) -> int:
    """The length of pieces, at most `most` each, of which the last is about as long as the others."""
    pieces = -(-length // most)
    return -(-length // pieces)


def _tile(sizes: Sequence[int], cells: int) -> Shape:
    """A square of about so many cells, or as near to one as the grid allows."""
    tile = [1] * len(sizes)
    for left, axis in enumerate(sorted(range(len(sizes)), key=lambda axis: sizes[axis])):
        side = max(1, int(cells ** (1 / (len(sizes) - left))))
        tile[axis] = even(sizes[axis], side)
        cells = max(1, cells // tile[axis])
    return tuple(tile)
