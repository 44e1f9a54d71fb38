"""Where positions fall on grids of one-dimensional longitudes and latitudes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from zarr_edr.errors import ConfigurationError
from zarr_edr.grid.rectilinear import AxisIndex, RectilinearGrid
from zarr_edr.query.geometry import Box

LATITUDES = np.arange(-90.0, 91.0, 10.0)


def grid(x: NDArray[np.float64], y: NDArray[np.float64] = LATITUDES) -> RectilinearGrid:
    return RectilinearGrid(x, y, x_dim="lon", y_dim="lat", geographic=True)


def cell(on: RectilinearGrid, x: float, y: float) -> tuple[float, float] | None:
    """Centre of the cell at a position, by the way for one and the way for many, which must agree."""
    one = on.nearest(np.array([x]), np.array([y]))
    many = on.nearest(np.array([x, x]), np.array([y, y]))
    assert bool(one.inside[0]) == bool(many.inside[1])
    if not one.inside[0]:
        return None
    centres = [on.centre(cells.index) for cells in (one, many)]
    (first_x, first_y), (second_x, second_y) = centres
    assert (first_x[0], first_y[0]) == (second_x[1], second_y[1])
    return float(first_x[0]), float(first_y[0])


def strictly_rising() -> st.SearchStrategy[NDArray[np.float64]]:
    steps = st.lists(st.floats(0.01, 50), min_size=2, max_size=12)
    return st.builds(lambda start, s: start + np.cumsum(s), st.floats(-100, 100), steps)


@given(strictly_rising(), st.booleans(), st.lists(st.floats(-300, 900), min_size=2, max_size=8))
def test_nearest_is_the_nearest_centre_and_a_tie_is_the_greater(
    rising: NDArray[np.float64], descending: bool, wanted: list[float]
) -> None:
    values = rising[::-1] if descending else rising
    axis = AxisIndex(values, "x")
    x = np.array([*wanted, *rising, *(rising[1:] + rising[:-1]) / 2])
    expected = [max(range(values.size), key=lambda i: (-abs(values[i] - v), values[i])) for v in x]
    assert axis.nearest(x).tolist() == expected
    assert [axis.nearest_one(float(v)) for v in x] == expected


@given(st.integers(2, 400), st.floats(-180, 0), st.floats(0.01, 1), st.lists(st.floats(-200, 600), min_size=2))
def test_division_on_a_regular_axis_finds_what_search_finds(
    n: int, start: float, step: float, wanted: list[float]
) -> None:
    axis = AxisIndex(start + step * np.arange(n), "x")
    assert axis.regular
    x = np.array(wanted)
    assert axis.nearest(x).tolist() == [axis.nearest_one(v) for v in wanted]


@pytest.mark.parametrize("turn", [-720, -360, 0, 360, 720])
def test_equal_meridians_are_the_same_cell(turn: int) -> None:
    assert cell(grid(np.arange(0.0, 360.0, 10.0)), -5.1 + turn, 0.0) == (350.0, 0.0)


def test_a_global_grid_has_no_seam() -> None:
    globe = grid(np.arange(0.0, 360.0, 10.0))
    assert [cell(globe, x, 0.0) for x in (354.9, 355.0, 356.0, 359.9)] == [
        (350.0, 0.0),
        (0.0, 0.0),
        (0.0, 0.0),
        (0.0, 0.0),
    ]


def test_float32_longitudes_of_a_global_grid_have_no_seam_either() -> None:
    globe = grid(np.linspace(0, 360, 432, endpoint=False, dtype=np.float32).astype(np.float64))
    assert cell(globe, 359.7, 0.0) == (0.0, 0.0)


def test_half_a_cell_beyond_the_outermost_centre_is_the_end() -> None:
    regional = grid(np.array([10.0, 20.0, 30.0]))
    assert [cell(regional, x, 0.0) for x in (4.99, 5.0, 35.0, 35.01)] == [None, (10.0, 0.0), (30.0, 0.0), None]


@pytest.mark.parametrize("x", [5.0, 12.0, 125.0, -170.0])
@pytest.mark.parametrize("pole", [90.0, -90.0])
def test_any_longitude_at_a_pole_is_the_pole(x: float, pole: float) -> None:
    found = cell(grid(np.array([10.0, 20.0])), x, pole)
    assert found is not None
    assert found[1] == pole


def test_latitudes_reach_no_further_than_the_poles() -> None:
    assert grid(np.array([10.0, 20.0])).bbox == (5.0, -90.0, 25.0, 90.0)


@pytest.mark.parametrize(
    ("longitudes", "west_east"),
    [
        ([200.0, 210.0], (-165.0, -145.0)),
        ([170.0, 180.0, 190.0], (165.0, -165.0)),
        ([-170.0, -175.0], (-177.5, -167.5)),
        ([20.0 + 2 * i for i in range(180)], (-180.0, 180.0)),
        ([165.0, 175.0], (160.0, 180.0)),
    ],
    ids=["0-360", "across the antimeridian", "descending", "global", "up to the antimeridian"],
)
def test_bbox_is_within_180_degrees(longitudes: list[float], west_east: tuple[float, float]) -> None:
    box = grid(np.array(longitudes)).bbox
    assert (box[0], box[2]) == west_east


def test_bounds_widen_a_cell_where_the_metadata_give_them() -> None:
    on = RectilinearGrid(
        np.array([10.0]),
        np.array([50.0]),
        x_dim="x",
        y_dim="y",
        geographic=True,
        x_bounds=np.array([[8.0, 12.0]]),
        y_bounds=np.array([[49.0, 51.0]]),
    )
    assert [cell(on, 12.0, 51.0), cell(on, 12.1, 50.0)] == [(10.0, 50.0), None]


def test_a_lone_cell_is_as_wide_as_those_of_the_other_axis() -> None:
    on = grid(np.array([10.0]), np.array([0.0, 2.0, 4.0]))
    assert [cell(on, 11.0, 0.0), cell(on, 11.01, 0.0)] == [(10.0, 0.0), None]


@pytest.mark.parametrize("values", [[1.0, 1.0], [1.0, 3.0, 2.0], [1.0, np.nan]], ids=["equal", "back", "nan"])
def test_an_axis_that_is_not_strictly_monotonic_stops_the_start(values: list[float]) -> None:
    with pytest.raises(ConfigurationError, match="'lon'"):
        AxisIndex(np.array(values), "lon")


def test_a_pole_is_one_place_with_one_value() -> None:
    globe = grid(np.arange(0.0, 360.0, 10.0))
    assert {cell(globe, x, 90.0) for x in (0.0, 77.0, -120.0, 359.0)} == {(0.0, 90.0)}


def test_longitudes_that_start_again_at_the_meridian_run_on() -> None:
    rolled = grid(np.array([*np.arange(180.0, 360.0, 10.0), *np.arange(0.0, 180.0, 10.0)]))
    assert [cell(rolled, x, 0.0) for x in (-175.1, 355.0, 4.0, 177.0)] == [(180, 0), (0, 0), (0, 0), (180, 0)]


def test_a_lone_cell_of_which_nothing_is_known_is_one_unit_wide() -> None:
    lone = grid(np.array([5.0]), np.array([50.0]))
    assert [cell(lone, x, 50.4) for x in (4.5, 5.2, 5.6)] == [(5.0, 50.0), (5.0, 50.0), None]


def test_one_and_many_positions_agree_within_rounding_of_an_edge() -> None:
    globe = grid(np.array([0.5, 1.5, 2.5]))
    assert cell(globe, -1e-17, 0.0) == (0.5, 0.0)


@pytest.mark.parametrize(
    ("box", "x"),
    [
        (Box(-15, 0, 15, 1), [-10, 0, 10]),
        (Box(350, 0, 10, 1), [350, 360, 370]),
        (Box(170, 0, -170, 1), [170, 180, 190]),
        (Box(3, 0, 3, 1), [0]),
        (Box(20, 0, 40, 1), [20, 30, 40]),
        (Box(25, 0, 35, 1), [30]),
    ],
    ids=["across the seam", "as stored", "antimeridian", "no width", "centres", "edges"],
)
def test_a_window_has_the_columns_that_a_box_touches(box: Box, x: list[float]) -> None:
    window = grid(np.arange(0.0, 360.0, 10.0)).window(box)
    assert window is not None
    assert window.x.tolist() == x


def test_float32_coordinates_are_shown_as_their_shortest_decimal() -> None:
    on = RectilinearGrid(
        np.array([0.1, 0.2], np.float32), np.array([0.3, 0.4], np.float32), x_dim="x", y_dim="y", geographic=True
    )
    assert cell(on, 0.1, 0.4) == (0.1, 0.4)
