"""What the benchmark asks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks import oracle
from benchmarks.questions import OFF_CENTRE, Grid, Question
from benchmarks.stores import Store

TIMES = tuple(f"2000-01-{day:02}T00:00:00" for day in range(1, 31))


@pytest.fixture
def grid() -> Grid:
    store = Store("points", Path("none.zarr"), "t2m", "")
    return Grid(store, store.path, np.arange(0, 360, 2.5), np.linspace(90, -90, 73), TIMES)


def asked(grid: Grid) -> list[Question]:
    return grid.questions(50, 3, 20)


def test_the_same_seed_asks_the_same(grid: Grid) -> None:
    for one, other in zip(asked(grid), asked(grid), strict=True):
        assert (one.first, one.last) == (other.first, other.last)
        np.testing.assert_array_equal(one.points, other.points)


def test_points_are_clearly_within_one_cell(grid: Grid) -> None:
    for question in asked(grid):
        for number, axis in enumerate((grid.lon, grid.lat)):
            off = np.abs(axis[oracle.cells(axis, question.points[:, number])] - question.points[:, number])
            assert off.max() <= OFF_CENTRE * 2.5 + 0.001


def test_no_point_is_at_a_pole(grid: Grid) -> None:
    nearest = [oracle.cells(grid.lat, question.points[:, 1]) for question in asked(grid)]
    assert np.min(nearest) >= 1
    assert np.max(nearest) <= 71


def test_times_follow_one_another_as_many_as_asked_for(grid: Grid) -> None:
    for question in asked(grid):
        start, stop = question.times
        assert (grid.time[start], grid.time[stop - 1], stop - start) == (question.first, question.last, 3)


def test_cold_questions_are_each_in_a_square_of_its_own(grid: Grid) -> None:
    cells = np.array(
        [[oracle.cells(grid.lon, q.points[:, 0])[0], oracle.cells(grid.lat, q.points[:, 1])[0]] for q in grid.apart(40)]
    )
    assert len(np.unique(cells // 12, axis=0)) == len(cells) == 40


def test_a_box_holds_as_many_centres_as_asked_for(grid: Grid) -> None:
    for box in grid.boxes("cube", 10, 3, 20):
        (west, south), (east, north) = box.points
        across, down = (grid.lon >= west) & (grid.lon <= east), (grid.lat >= south) & (grid.lat <= north)
        assert (across.sum(), down.sum()) == (10, 10)


def test_an_area_is_a_closed_ring(grid: Grid) -> None:
    for area in grid.boxes("area", 10, 3, 5):
        np.testing.assert_array_equal(area.points[0], area.points[-1])
