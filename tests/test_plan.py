"""Planning: which chunks, and where their values go."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zarr_edr.plan import as_selection, split_index, split_points

INDICES = st.lists(st.integers(0, 200), min_size=1, max_size=40).map(lambda v: np.array(v, dtype=np.int64))
CHUNK = st.integers(1, 60)


def positions(selection: slice | np.ndarray) -> list[int]:
    return list(range(selection.start, selection.stop)) if isinstance(selection, slice) else selection.tolist()


@given(INDICES, CHUNK)
def test_segments_put_every_index_back_in_its_place(index: np.ndarray, chunk: int) -> None:
    answer = np.full(index.size, -1)
    for segment in split_index(index, chunk):
        answer[positions(segment.out)] = np.array(positions(segment.local)) + segment.chunk * chunk
    assert answer.tolist() == index.tolist()


@given(INDICES, CHUNK)
def test_each_chunk_is_in_one_segment_only(index: np.ndarray, chunk: int) -> None:
    chunks = [segment.chunk for segment in split_index(index, chunk)]
    assert len(chunks) == len(set(chunks)) == len(set((index // chunk).tolist()))


@given(st.data(), CHUNK, CHUNK)
def test_point_groups_put_every_point_back_in_its_place(data: st.DataObject, chunk_y: int, chunk_x: int) -> None:
    y = data.draw(INDICES)
    x = data.draw(st.lists(st.integers(0, 200), min_size=y.size, max_size=y.size).map(np.array))
    places = np.arange(y.size) * 3
    found = {}
    for group in split_points((y, x), (chunk_y, chunk_x), places):
        for place, local_y, local_x in zip(positions(group.out), *group.local, strict=True):
            found[place] = (group.chunk[0] * chunk_y + local_y, group.chunk[1] * chunk_x + local_x)
    assert [found[place] for place in places.tolist()] == list(zip(y.tolist(), x.tolist(), strict=True))


@given(INDICES, CHUNK)
def test_points_of_one_chunk_are_in_one_group(index: np.ndarray, chunk: int) -> None:
    groups = [group.chunk for group in split_points((index,), (chunk,), np.arange(index.size))]
    assert len(groups) == len(set(groups)) == len(set((index // chunk).tolist()))


@given(INDICES)
def test_a_selection_is_a_slice_only_where_indices_are_consecutive(index: np.ndarray) -> None:
    selection = as_selection(index)
    assert positions(selection) == index.tolist()
    assert isinstance(selection, slice) == (np.diff(index) == 1).all()
