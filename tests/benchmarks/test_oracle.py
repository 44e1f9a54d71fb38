"""A wrong answer is found: values that differ, lack, or stand elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from benchmarks import oracle
from benchmarks.oracle import Cells, WrongAnswer
from benchmarks.questions import Grid
from benchmarks.stores import Store

LON, LAT = np.arange(0, 20.0), np.arange(10, -10.0, -1)
TIMES = tuple(f"2000-01-0{day}T00:00:00" for day in range(1, 5))


@pytest.fixture
def grid() -> Grid:
    store = Store("points", Path("none.zarr"), "t2m", "")
    found = Grid(store, store.path, LON, LAT, TIMES)
    values = np.random.default_rng(3).random((4, 20, 20))
    found.__dict__["array"] = xr.DataArray(values, dims=("time", "lat", "lon"))  # what would be read from the store
    return found


def cells(grid: Grid, ring: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Cells:
    """All cells of the grid, null outside of a box around the ring."""
    x, y = (part.ravel() for part in np.meshgrid(LON, LAT))
    (west, south), (east, north) = ring.min(0), ring.max(0)
    inside = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    values = np.where(inside, grid.array.values[:2].reshape(2, -1), np.nan)
    return Cells(x, y, values)


def test_positions_are_picked_from_the_array(grid: Grid) -> None:
    question = grid.questions(5, 2, 1)[0]
    i, j = np.abs(LON - question.points[:, :1]).argmin(1), np.abs(LAT - question.points[:, 1:]).argmin(1)
    start, stop = question.times
    np.testing.assert_array_equal(oracle.expected(grid, question), grid.array.values[start:stop, j, i].T.ravel())


@pytest.mark.parametrize("found", [[1.0, 2.0], [1.0, 2.0, 3.001], [1.0, np.nan, 3.0]], ids=["few", "other", "null"])
def test_values_that_differ_are_refused(found: list[float]) -> None:
    with pytest.raises(WrongAnswer):
        oracle.check(np.array(found), np.array([1.0, 2.0, 3.0]), "x")


@pytest.mark.parametrize("kind", ["area", "cube"])
def test_a_grid_is_accepted_where_it_is_that_of_the_array(grid: Grid, kind: str) -> None:
    box = next(b for b in grid.boxes(kind, 5, 2, 50) if b.times[0] == 0)  # type: ignore[arg-type]  # one of the two kinds
    oracle.check_cells(grid, box, cells(grid, box.points), "x")


@pytest.mark.parametrize("kind", ["area", "cube"])
def test_a_grid_that_lacks_a_cell_is_refused(grid: Grid, kind: str) -> None:
    box = next(b for b in grid.boxes(kind, 5, 2, 50) if b.times[0] == 0)  # type: ignore[arg-type]  # one of the two kinds
    found = cells(grid, box.points)
    (west, south), _ = box.points.min(0), box.points.max(0)
    corner = (found.x > west) & (found.y > south) & ~np.isnan(found.values[0])
    found.values[
        1, np.flatnonzero(corner & (found.x == found.x[corner].min()) & (found.y == found.y[corner].min()))
    ] = np.nan
    with pytest.raises(WrongAnswer, match="missing"):
        oracle.check_cells(grid, box, found, "x")


def test_a_grid_that_stands_elsewhere_is_refused(grid: Grid) -> None:
    box = next(b for b in grid.boxes("cube", 5, 2, 50) if b.times[0] == 0)
    found = cells(grid, box.points)
    with pytest.raises(WrongAnswer):
        oracle.check_cells(grid, box, Cells(found.x[::-1], found.y, found.values), "x")
