"""Chunks of answers."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from zarr_edr.encode.chunking import CHUNK_BYTES, chunk_shape

shapes = st.lists(st.integers(1, 5000), max_size=4).map(tuple)


@given(shapes, st.sampled_from((1, 2, 4, 8)))
def test_a_chunk_is_no_larger_than_allowed_and_no_smaller_than_a_value(shape: tuple[int, ...], itemsize: int) -> None:
    chunks = chunk_shape(shape, itemsize)
    assert math.prod(chunks) * itemsize <= CHUNK_BYTES
    assert all(1 <= chunk <= size for chunk, size in zip(chunks, shape, strict=True))


@given(shapes, st.sampled_from((1, 2, 4, 8)))
def test_a_chunk_is_a_run_of_values_in_the_order_of_the_array(shape: tuple[int, ...], itemsize: int) -> None:
    chunks = chunk_shape(shape, itemsize)
    cut = [axis for axis, (chunk, size) in enumerate(zip(chunks, shape, strict=True)) if chunk < size]
    assert all(chunk == 1 for chunk in chunks[: cut[-1] if cut else 0])
