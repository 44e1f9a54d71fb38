"""Ranges of one object are read together where that pays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zarr_edr.dataset.coalesce import Group, coalesce

spans = st.tuples(st.integers(0, 5000), st.integers(1, 400)).map(lambda pair: (pair[0], pair[0] + pair[1]))
ranges = st.lists(spans, max_size=40)
bounds = st.integers(0, 1000)


@given(ranges, bounds, bounds)
def test_every_range_lies_within_exactly_one_group(wanted: list[tuple[int, int]], gap: int, most: int) -> None:
    groups = coalesce(wanted, max_gap=gap, max_bytes=most)
    assert sorted(number for group in groups for number in group.members) == list(range(len(wanted)))
    for group in groups:
        assert all(group.start <= wanted[n][0] and wanted[n][1] <= group.stop for n in group.members)


@given(ranges, bounds, bounds)
def test_no_group_is_over_the_bound_unless_it_is_one_range(wanted: list[tuple[int, int]], gap: int, most: int) -> None:
    for group in coalesce(wanted, max_gap=gap, max_bytes=most):
        assert group.stop - group.start <= most or len(group.members) == 1


@given(ranges, bounds, bounds)
def test_no_gap_within_a_group_is_over_the_bound(wanted: list[tuple[int, int]], gap: int, most: int) -> None:
    for group in coalesce(wanted, max_gap=gap, max_bytes=most):
        reached = group.start
        for start, stop in sorted(wanted[n] for n in group.members):
            assert start - reached <= gap
            reached = max(reached, stop)


@given(ranges, bounds)
def test_a_group_reads_no_byte_before_or_after_its_ranges(wanted: list[tuple[int, int]], gap: int) -> None:
    for group in coalesce(wanted, max_gap=gap, max_bytes=10_000):
        assert group.start == min(wanted[n][0] for n in group.members)
        assert group.stop == max(wanted[n][1] for n in group.members)


def test_neighbours_are_one_group_and_strangers_are_not() -> None:
    wanted = [(100, 110), (0, 10), (12, 20), (10, 12)]
    assert coalesce(wanted, max_gap=5, max_bytes=50) == [Group(0, 20, (1, 3, 2)), Group(100, 110, (0,))]


def test_nothing_wanted_is_nothing_read() -> None:
    assert coalesce([], max_gap=5, max_bytes=50) == []
