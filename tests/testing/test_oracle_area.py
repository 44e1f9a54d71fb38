"""The oracle's boxes, polygons and circles, on grids small enough to know by heart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from zarr_edr.query.geometry import Box, Points, Polygon
from zarr_edr.query.model import (
    AreaQuery,
    CubeQuery,
    Level,
    LevelInterval,
    Query,
    RadiusQuery,
    Resolution,
    VerticalSelector,
)
from zarr_edr.testing.covjson import Row
from zarr_edr.testing.oracle import answer
from zarr_edr.testing.oracle_area import grid_disagreements
from zarr_edr.testing.oracle_variable import Cell, Expected


def globe(lon: list[float], lat: list[float]) -> xr.Dataset:
    """Cell (j, i) holds 10 j + i."""
    cells = 10.0 * np.arange(len(lat))[:, None] + np.arange(len(lon))
    return xr.Dataset({"a": (("lat", "lon"), cells)}, coords={"lat": lat, "lon": lon})


PATCH = globe([0.0, 10.0, 20.0, 30.0], [0.0, 10.0, 20.0])
"""Cells of 10 by 10 degrees, from -5 to 35 and -5 to 25."""
WORLD = globe([0.0, 90.0, 180.0, 270.0], [-60.0, 0.0, 60.0])
CYCLIC = globe([0.0, 90.0, 180.0, 270.0, 360.0], [-60.0, 0.0, 60.0])


def held(query: Query, dataset: xr.Dataset) -> list[set[float | None]]:
    """What the cells hold, for each grid of the answer; where two cells are one meridian, the first."""
    rows = answer(query, dataset) or []
    grids: list[set[float | None]] = [set() for _ in range(1 + max((row.point for row in rows), default=-1))]
    for row in rows:
        grids[row.point].add(row.cells[0].value)
    return grids


def box(*edges: float, resolution: Resolution | None = None) -> CubeQuery:
    return CubeQuery(Box(*edges), resolution or Resolution())


@pytest.mark.parametrize(
    ("edges", "cells"),
    [
        ((4, 4, 6, 6), {0, 1, 10, 11}),
        ((5, 5, 15, 15), {11}),
        ((-99, -9, -5, 9), None),
        ((-99, -9, -4.9, 4), {0}),
        ((5, 0, 5, 0), {1}),
        ((0, 15, 12, 15), {20, 21}),
        ((35, 0, 35, 0), {3}),
        ((36, 0, 36, 0), None),
        ((-360, -90, 0, 90), {0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23}),
    ],
)
def test_a_box_takes_the_cells_it_overlaps(edges: tuple[float, ...], cells: set[float] | None) -> None:
    assert held(box(*edges), PATCH) == ([] if cells is None else [cells])


@pytest.mark.parametrize(
    ("west", "east", "cells"),
    [
        (170, -170, {12}),
        (100, -100, {11, 12, 13}),
        (-10, 10, {10}),
        (350, 370, {10}),
        (-46, 44, {13, 10}),
        (-45, 45, {10}),
        (-180, 180, {10, 11, 12, 13}),
        (0, 360, {10, 11, 12, 13}),
        (40, 390, {10, 11, 12, 13}),
        (-45, -45, {10}),
    ],
)
@pytest.mark.parametrize("dataset", [WORLD, CYCLIC], ids=["world", "cyclic"])
def test_longitudes_of_a_box_are_directions(west: float, east: float, cells: set[float], dataset: xr.Dataset) -> None:
    assert held(box(west, -1, east, 1), dataset) == [cells]


@pytest.mark.parametrize(
    ("resolution", "cells"),
    [
        (Resolution(x=2), {10, 13}),
        (Resolution(x=3), {10, 12, 13}),
        (Resolution(x=1), {12}),
        (Resolution(x=99), {10, 11, 12, 13}),
        (Resolution(x=2, y=1), {10, 13}),
    ],
)
def test_a_resolution_takes_the_cells_at_so_many_positions(resolution: Resolution, cells: set[float]) -> None:
    assert held(box(0, 5, 30, 15, resolution=resolution), PATCH) == [cells]


def ring(*points: tuple[float, float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array([*points, points[0]], dtype=np.float64)


def rectangle(
    west: float, south: float, east: float, north: float
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return ring((west, south), (east, south), (east, north), (west, north))


def area(*polygons: Polygon) -> AreaQuery:
    return AreaQuery(polygons)


@pytest.mark.parametrize(
    ("polygon", "cells"),
    [
        (Polygon((rectangle(5, 5, 15, 15),)), {11}),
        (Polygon((rectangle(4, 5, 15, 15),)), {10, 11}),
        (Polygon((rectangle(5, 5, 15, 15)[::-1],)), {11}),
        (Polygon((ring((0, 0), (19, 0), (0, 19)),)), {0, 1, 2, 10, 11, 20}),
        (Polygon((rectangle(-5, -5, 35, 25), rectangle(5, 5, 15, 15))), {0, 1, 2, 3, 10, 12, 13, 20, 21, 22, 23}),
        (Polygon((rectangle(-5, -5, 35, 25), rectangle(6, 6, 14, 14))), {0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23}),
        (Polygon((rectangle(365, 5, 375, 15),)), {11}),
        (Polygon((rectangle(40, 0, 50, 10),)), None),
        (Polygon((ring((11, 11), (12, 11), (11, 12)),)), {11}),
    ],
    ids=["exact", "overlap", "clockwise", "triangle", "hole", "hole inside a cell", "a turn away", "outside", "tiny"],
)
def test_a_polygon_takes_the_cells_it_overlaps(polygon: Polygon, cells: set[float] | None) -> None:
    assert held(area(polygon), PATCH) == ([] if cells is None else [cells])


def test_a_polygon_across_the_antimeridian_goes_on_beyond_180() -> None:
    assert held(area(Polygon((rectangle(100, -10, 230, 10),))), WORLD) == [{11, 12, 13}]


def test_a_corner_that_rounding_decides_is_optional() -> None:
    rows = answer(area(Polygon((ring((0, 0), (9.9, 0.1), (10, 10)),))), PATCH) or []
    assert {row.cells[0].value: row.optional for row in rows} == {0: False, 1: False, 11: False, 10: True}


def test_polygons_that_touch_nothing_are_not_counted() -> None:
    inside, outside = Polygon((rectangle(6, 6, 7, 7),)), Polygon((rectangle(60, 60, 70, 70),))
    assert held(area(outside, inside, outside, inside), PATCH) == [{11}, {11}]


def circle(x: float, y: float, km: float) -> RadiusQuery:
    return RadiusQuery(Points(np.array([x]), np.array([y]), None, multi=False), km * 1000)


@pytest.mark.parametrize(
    ("query", "cells"),
    [
        (circle(4, 4, 1), {0}),
        (circle(0, 0, 1106), {0, 10}),
        (circle(0, 0, 1114), {0, 1, 10}),
        (circle(0, 0, 1105), {0}),
        (circle(40, 10, 1100), {13}),
        (circle(40, 10, 1000), None),
        (circle(364, 4, 1), {0}),
    ],
    ids=["its own cell", "1106 km north", "1113 km east", "short", "from outside", "too far outside", "a turn away"],
)
def test_a_circle_takes_centres_by_geodesic_distance(query: RadiusQuery, cells: set[float] | None) -> None:
    assert held(query, PATCH) == ([] if cells is None else [cells])


def test_any_cell_of_the_row_may_be_that_of_a_pole() -> None:
    rows = answer(circle(77, 90, 1), globe([0.0, 1.0], [88.0, 89.5])) or []
    assert [(row.cells[0].value, row.optional) for row in rows] == [(10, True), (11, True)]


LEVELS = xr.Dataset(
    {"a": (("level", "lat", "lon"), np.arange(4.0)[:, None, None] * np.ones((4, 2, 2)))},
    coords={"level": [0.0, 10.0, 20.0, 40.0], "lat": [0.0, 1.0], "lon": [0.0, 1.0]},
)


@pytest.mark.parametrize(
    ("z", "n", "levels"),
    [
        (None, None, {0, 1, 2, 3}),
        (None, 2, {0, 3}),
        (None, 3, {0, 2, 3}),
        (None, 1, {2}),
        ((LevelInterval(5, 25),), None, {1, 2}),
        ((Level(0), Level(40)), 3, {0, 3}),
        ((LevelInterval(41, None),), 2, None),
    ],
)
def test_levels_of_a_cube(z: VerticalSelector | None, n: int | None, levels: set[float] | None) -> None:
    query = replace(box(0, 0, 0, 0, resolution=Resolution(z=n)), z=z)
    assert held(query, LEVELS) == ([] if levels is None else [levels])


@pytest.mark.parametrize(("z", "levels"), [((5, 25), {1, 2}), ((11, 12), {1}), ((50, 60), None), ((10, 10), {1})])
def test_a_polygon_with_z_takes_the_levels_between(z: tuple[float, float], levels: set[float] | None) -> None:
    query = area(Polygon((rectangle(0, 0, 1, 1),), z))
    assert held(query, LEVELS) == ([] if levels is None else [levels])


WANTED = [
    Expected("a", 0, None, None, (), (Cell(350.0, 1.0, 5.0),)),
    Expected("a", 0, None, None, (), (Cell(0.0, 1.0, None),)),
    Expected("a", 0, None, None, (), (Cell(20.0, 1.0, 6.0),), optional=True),
]


def row(x: float, value: float | None, part: int = 0) -> Row:
    return Row("a", 0, x, 1.0, None, None, (), value, part)


@pytest.mark.parametrize(
    "rows",
    [
        [row(350, 5), row(360, None)],
        [row(-10, 5), row(0, None), row(10, None), row(20, 6)],
        [row(-10, 5), row(0, None), row(10, None), row(20, None)],
    ],
    ids=["a turn further", "with an optional cell", "with the null of an optional cell"],
)
def test_an_equal_grid_agrees(rows: list[Row]) -> None:
    assert [p for p in grid_disagreements(WANTED, rows) if "beyond" not in p] == []


@pytest.mark.parametrize(
    "rows",
    [
        None,
        [row(350, 5)],
        [row(350, None), row(360, None)],
        [row(350, 5.5), row(360, None)],
        [row(350, 5), row(360, 1)],
        [row(350, 5), row(360, None), row(370, 1)],
        [row(350, 5), row(360, None), row(710, 5)],
        [row(350, 5, part=1), row(360, None, part=1)],
        [row(340, None), row(350, 5), row(360, None)],
        [row(350, 5), row(360, None), row(380, 6.5)],
    ],
    ids=[
        "no data",
        "cell lacking",
        "value lost",
        "other value",
        "invented value",
        "beyond the geometry",
        "twice",
        "other grid",
        "empty column",
        "other value of an optional cell",
    ],
)
def test_a_different_grid_is_told(rows: list[Row] | None) -> None:
    assert grid_disagreements(WANTED, rows)
