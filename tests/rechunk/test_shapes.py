"""Chunks for points hold whole series, chunks for maps whole fields, and both about a mebibyte."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarr_edr.rechunk.shapes import CHUNK_BYTES, Axes, Kind, chunks_for, even

SIZES = st.integers(1, 5000)


def cube(*shape: int) -> Axes:
    """Time, further axes, latitude and longitude."""
    return Axes(shape, (len(shape) - 2, len(shape) - 1), 0 if len(shape) > 2 else None)


@pytest.mark.parametrize(
    ("shape", "points", "maps"),
    [
        ((2000, 161, 161), (2000, 11, 11), (1, 161, 161)),
        ((24000, 721, 1440), (24000, 3, 3), (1, 361, 720)),
        ((100, 37, 721, 1440), (100, 1, 49, 52), (1, 1, 361, 720)),
        ((5, 10, 10), (5, 10, 10), (1, 10, 10)),
        ((721, 1440), (361, 720), (361, 720)),
        ((3_000_000, 4, 4), (1_000_000, 1, 1), (1, 4, 4)),
    ],
)
def test_shapes_of_usual_datasets(shape: tuple[int, ...], points: tuple[int, ...], maps: tuple[int, ...]) -> None:
    assert chunks_for(Kind.POINTS, cube(*shape), 4) == points
    assert chunks_for(Kind.MAPS, cube(*shape), 4) == maps


@given(st.sampled_from(Kind), SIZES, st.integers(1, 50), SIZES, SIZES, st.sampled_from([1, 2, 4, 8]))
def test_a_chunk_is_within_the_array_and_not_large(kind: Kind, t: int, z: int, y: int, x: int, itemsize: int) -> None:
    axes = cube(t, z, y, x)
    chunks = chunks_for(kind, axes, itemsize)
    assert all(1 <= chunk <= n for chunk, n in zip(chunks, axes.shape, strict=True))
    assert math.prod(chunks) * itemsize <= 4 * CHUNK_BYTES
    assert chunks[1] == 1


@given(SIZES, SIZES, SIZES)
def test_a_series_of_points_is_whole(t: int, y: int, x: int) -> None:
    assert chunks_for(Kind.POINTS, cube(t, y, x), 4)[0] == t


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_even_pieces_are_no_longer_than_asked_and_no_more_than_needed(length: int, most: int) -> None:
    piece = even(length, most)
    assert piece <= most
    assert -(-length // piece) == -(-length // most)
