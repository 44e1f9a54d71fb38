"""Parts of chunks that are read one after another and decode together are those of the chunks."""

from __future__ import annotations

import os
from pathlib import Path

import numcodecs.blosc
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zarr_edr.dataset.chunk_parts import ChunkPart, ChunkParts, Joined
from zarr_edr.dataset.objects import LocalFile

COUNT = 100_000
WAYS = [("zstd", 5, 1, 16384), ("zstd", 5, 1, 4096), ("lz4", 5, 2, 16384), ("zstd", 0, 1, 16384), ("zstd", 5, 1, 256)]
"""Compressor, level (0: stored as they are), shuffle and bytes of a block."""
PARTS = ChunkParts(np.dtype("<f4"), np.dtype("f4"), 4 * COUNT)
CHUNKS = [(np.random.default_rng(n).normal(size=COUNT) * 50).astype("f4") for n in range(len(WAYS))]


def read(joined: Joined, way: int, start: int, stop: int, file: Path) -> ChunkPart:
    """Some elements of the chunk that was written in one of the ways."""
    name, *how = WAYS[way]
    file.write_bytes(numcodecs.blosc.compress(CHUNKS[way], name.encode(), *how))
    descriptor = os.open(file, os.O_RDONLY)
    part = PARTS.read((way,), LocalFile(descriptor, file.stat().st_size), start, stop, 0, joined.room())
    os.close(descriptor)
    assert part is not None
    return part


def add(joined: Joined, way: int, start: int, stop: int, file: Path) -> np.ndarray:
    """Read some elements as well as their neighbours; what all of the part is."""
    part = read(joined, way, start, stop, file)
    joined.add(part)
    return CHUNKS[way][part.start : part.start + part.blocks.decoded_bytes // 4]


def decoded(joined: Joined) -> list[np.ndarray]:
    """All parts; those of one frame before the next is asked for."""
    return [
        values.copy()
        for parts, frame in joined.taken()
        for values in PARTS.decoded([part.blocks for part in parts], frame)
    ]


A_READ = st.tuples(st.sampled_from(range(len(WAYS))), st.integers(0, COUNT - 1), st.integers(1, 10_000))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.lists(A_READ, min_size=1, max_size=6), min_size=1, max_size=3), st.integers(1, 6))
def test_parts_are_those_of_their_chunks_in_whatever_order(
    tmp_path: Path, rounds: list[list[tuple[int, int, int]]], chunks: int
) -> None:
    """Also where less was thought to come, and where the memory is used again."""
    joined = Joined(1024**2, chunks)
    for reads in rounds:
        wanted = [add(joined, way, at, min(at + count, COUNT), tmp_path / "f") for way, at, count in reads]
        for found, values in zip(decoded(joined), wanted, strict=True):
            np.testing.assert_array_equal(found, values)


def test_parts_of_one_kind_are_a_frame_where_they_were_read_to(tmp_path: Path) -> None:
    joined = Joined(1024**2, 3)
    for start in (0, 9000, 18000):
        add(joined, 0, start, start + 10, tmp_path / "f")
    ((_, frame),) = joined.taken()
    assert frame is not None
    assert isinstance(frame(), memoryview)


def test_the_head_of_very_many_blocks_is_not_written_over_anything(tmp_path: Path) -> None:
    joined = Joined(1024**2, 20)
    wanted = [add(joined, 4, start, start + 24_000, tmp_path / "f") for start in range(0, 16_000, 2000)]
    for found, values in zip(decoded(joined), wanted, strict=True):
        np.testing.assert_array_equal(found, values)


def test_no_more_is_held_than_allowed_unless_it_is_one_part(tmp_path: Path) -> None:
    """Small parts, one that is larger than the last, and one that is larger than allowed."""
    joined, most = Joined(80_000, 9), 0
    for number, count in enumerate((10, 10, 10_000, 10, 40_000, 10, 10)):
        if joined.full:
            decoded(joined)
        part = read(joined, 0, 0, count, tmp_path / "f")
        if not joined.takes(part):
            decoded(joined)
        joined.add(part)
        assert joined.held_bytes <= 80_000 or joined.held_bytes == part.held_bytes, number
        most = max(most, joined.held_bytes)
    assert most > 80_000


def test_where_there_is_no_memory_for_many_each_part_is_decoded_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*args: object) -> None:
        raise MemoryError

    monkeypatch.setattr(np, "empty", none)
    joined = Joined(1024**2, 3)
    wanted = [add(joined, 0, start, start + 10, tmp_path / "f") for start in (0, 9000)]
    for found, values in zip(decoded(joined), wanted, strict=True):
        np.testing.assert_array_equal(found, values)
