"""Where values stand, and where their cells end."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest

from zarr_edr.coverage import Tuples
from zarr_edr.dataset.model import HorizontalCrs
from zarr_edr.encode.plot.axes import Ruler, distances, ruler
from zarr_edr.encode.plot.model import PlotAxis, Scale
from zarr_edr.testing.pictures import CRS84, EVERY_DOMAIN, levels, of, series

PROFILE = EVERY_DOMAIN["VerticalProfile"]


def vertical(unit: str, positive: str | None, values: list[float], title: str = "level") -> PlotAxis:
    axes = {**PROFILE.axes, "z": np.array(values)}
    coverage = of(PROFILE.domain_type, axes, ("z",), values, vertical=levels(values, unit, positive, title))
    return ruler("z", coverage, CRS84).axis


@pytest.mark.parametrize(
    ("unit", "positive", "downward"),
    [("hPa", None, True), ("m", "down", True), ("m", "up", False), ("hPa", "up", False), ("m", None, False)],
)
def test_depths_and_pressures_grow_downward(unit: str, positive: str | None, downward: bool) -> None:
    assert vertical(unit, positive, [100.0, 200.0]).downward is downward


@pytest.mark.parametrize(
    ("unit", "values", "scale"),
    [
        ("hPa", [1000.0, 10.0], Scale.LOG),
        ("hPa", [1000.0, 500.0], Scale.NUMBER),
        ("hPa", [1000.0, 0.0], Scale.NUMBER),
        ("m", [1000.0, 10.0], Scale.NUMBER),
    ],
)
def test_pressures_far_apart_are_logarithmic(unit: str, values: list[float], scale: Scale) -> None:
    assert vertical(unit, "down", values).scale is scale


def test_an_axis_is_called_by_its_title_and_unit() -> None:
    assert vertical("hPa", None, [1.0, 2.0], "pressure").label == "Pressure (hPa)"


@pytest.mark.parametrize(
    ("at", "edges"), [([1.0, 2.0, 4.0], [0.5, 1.5, 3, 5]), ([4.0, 2.0], [1, 3, 5]), ([7.0], [6.5, 7.5])]
)
def test_cells_end_halfway_to_their_neighbours(at: list[float], edges: list[float]) -> None:
    assert Ruler(PlotAxis(""), np.array(at)).edges().tolist() == edges


def test_cells_do_not_reach_beyond_the_poles() -> None:
    edges = Ruler(PlotAxis("", Scale.LATITUDE), np.array([-90.0, 0.0, 90.0])).edges()
    assert edges.tolist() == [-90, -45, 45, 90]


def test_cells_do_not_reach_above_the_surface() -> None:
    assert Ruler(PlotAxis("", downward=True), np.array([0.0, 10.0])).edges().tolist() == [0, 5, 15]


def test_logarithmic_cells_end_at_the_geometric_mean() -> None:
    edges = Ruler(PlotAxis("", Scale.LOG), np.array([1000.0, 10.0])).edges()
    assert edges == pytest.approx([1, 100, 10_000])


def test_distances_are_those_on_the_ellipsoid_within_half_a_percent() -> None:
    x, y = np.array([-30.0, 10.0, 179.0, -179.0]), np.array([0.0, 50.0, 60.0, 61.0])
    steps = pyproj.Geod(ellps="WGS84").line_lengths(x, y)
    assert distances(x, y, geographic=True) == pytest.approx([0, *np.cumsum(steps) / 1000], rel=0.005)


def test_distances_on_a_plane_are_straight() -> None:
    assert distances(np.array([0.0, 3.0, 3.0]), np.array([0.0, 4.0, 5.0]), geographic=False).tolist() == [0, 5, 6]


def test_a_path_with_times_is_drawn_over_time() -> None:
    assert ruler("composite", EVERY_DOMAIN["Trajectory"], CRS84).axis.scale is Scale.TIME


@pytest.mark.parametrize(
    ("x", "label"), [([1.0, 2.0, 3.0], "Distance along the path (km)"), ([1.0, 2.0, 2.0], "Vertex of the path")]
)
def test_a_path_without_times_is_drawn_over_distance_unless_it_stands_still(x: list[float], label: str) -> None:
    path = Tuples(np.array(x), np.zeros(3), None)
    coverage = of(EVERY_DOMAIN["Trajectory"].domain_type, {"composite": path}, ("composite",), x)
    assert ruler("composite", coverage, CRS84).axis.label == label


def test_coordinates_of_a_projection_are_named_by_it() -> None:
    mercator = HorizontalCrs("http://www.opengis.net/def/crs/EPSG/0/3857", "", geographic=False)
    assert ruler("x", EVERY_DOMAIN["Grid"], mercator).axis == PlotAxis("x (EPSG:3857, km)", Scale.METRES)


def test_other_calendars_are_named() -> None:
    label = ruler("t", series([1.0, 2.0], "360_day"), CRS84).axis.label
    assert label == "Time (UTC, calendar 360_day)"
