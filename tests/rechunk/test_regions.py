"""The plan of regions covers each cell once, keeps to its memory and knows what it reads."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarr_edr.rechunk.regions import Pass, grow, plan_passes
from zarr_edr.rechunk.shapes import Axes, Kind, Shape, chunks_for

GIB = 1024**3
MONTHS = (24_000, 721, 1440)
"""100 GB of float32."""

Case = tuple[Shape, Shape, Shape, int]


@st.composite
def small_cases(draw: st.DrawFn) -> Case:
    """Shape, chunks of the source and of the target, and memory, for items of 4 bytes."""
    rank = draw(st.integers(1, 4))
    shape = tuple(draw(st.integers(1, 12)) for _ in range(rank))
    source, target = (tuple(draw(st.integers(1, n)) for n in shape) for _ in range(2))
    least = 4 * max(8 * math.prod(target), 4 * math.prod(source))
    return shape, source, target, draw(st.integers(least, 8 * least))


def passes_of(case: Case) -> tuple[Pass, ...]:
    shape, source, target, memory = case
    return plan_passes(shape, source, target, 4, memory)


@given(small_cases())
def test_regions_cover_each_cell_once(case: Case) -> None:
    for one in passes_of(case):
        counts = np.zeros(one.shape, int)
        for region in one.regions():
            counts[region] += 1
        assert (counts == 1).all()


@given(small_cases())
def test_regions_and_shards_keep_to_the_memory(case: Case) -> None:
    for one in passes_of(case):
        assert math.prod(one.region) * 4 <= case[-1] * 3 // 8
        assert math.prod(one.shards) * 4 <= case[-1] // 8 or one.shards == one.chunks


@given(small_cases())
def test_no_shard_is_written_by_two_regions(case: Case) -> None:
    for one in passes_of(case):
        for n, region, shard, chunk in zip(one.shape, one.region, one.shards, one.chunks, strict=True):
            assert region == n or region % shard == 0
            assert shard % chunk == 0


@given(small_cases())
def test_the_number_of_reads_is_counted_as_the_regions_make_it(case: Case) -> None:
    for one in passes_of(case):
        reads = 0
        for region in one.regions():
            along = zip(region, one.source_chunks, strict=True)
            reads += math.prod((part.stop - 1) // size - part.start // size + 1 for part, size in along)
        assert one.chunk_reads == reads


@given(small_cases())
def test_a_second_pass_reads_what_the_first_writes_which_reads_each_chunk_once(case: Case) -> None:
    first, *more = passes_of(case)
    assert first.source_chunks == case[1]
    assert [*more, first][0].chunks == case[2]
    if more:
        assert len(more) == 1
        assert more[0].source_chunks == first.chunks
        assert first.times == 1.0


@pytest.mark.parametrize("memory", [GIB // 4, GIB, 8 * GIB])
@pytest.mark.parametrize(
    ("kind", "source"),
    [
        (Kind.POINTS, (1, 721, 1440)),
        (Kind.POINTS, (24, 100, 100)),
        (Kind.MAPS, (24_000, 3, 3)),
        (Kind.MAPS, (97, 91, 97)),
    ],
)
def test_100_gigabytes_are_turned_with_few_reads(kind: Kind, source: Shape, memory: int) -> None:
    chunks = chunks_for(kind, Axes(MONTHS, (1, 2), 0), 4)
    passes = plan_passes(MONTHS, source, chunks, 4, memory)
    assert sum(one.times for one in passes) < 4
    files = math.prod(-(-n // shard) for n, shard in zip(MONTHS, passes[-1].shards, strict=True))
    assert files < 20_000 * GIB // memory


def test_what_fits_in_memory_is_read_once_in_one_pass() -> None:
    (one,) = plan_passes((2000, 161, 161), (1, 161, 161), (2000, 11, 11), 4, GIB)
    assert (one.times, one.region) == (1.0, (2000, 161, 161))


def test_a_remote_source_is_read_less_than_a_local_one() -> None:
    shape, chunks = MONTHS, (1, 361, 720)
    local = plan_passes(shape, (100, 100, 100), chunks, 4, GIB)
    remote = plan_passes(shape, (100, 100, 100), chunks, 4, GIB, source_cost=100.0)
    assert (len(local), len(remote)) == (1, 2)
    assert remote[0].times < local[0].times


def test_growing_never_goes_beyond_the_bound() -> None:
    assert grow((2, 3), (100, 100), 60, lambda size: -math.prod(size)) == (10, 6)
