"""How arrays of an answer are cut into chunks."""

from __future__ import annotations

import math

CHUNK_BYTES = 1 << 20
"""Fits into caches of readers: HDF5's is 1 MiB for an array by default, 4 MiB in the NetCDF library."""


def chunk_shape(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Chunks of up to `CHUNK_BYTES` over the last axes, which are read together; for `()` it is `()`."""
    chunks = list(shape)
    for axis in range(len(shape)):
        others = math.prod(chunks[:axis] + chunks[axis + 1 :]) * itemsize
        if others * chunks[axis] <= CHUNK_BYTES:
            break
        chunks[axis] = max(1, CHUNK_BYTES // others)
    return tuple(chunks)
