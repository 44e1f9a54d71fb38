"""Slow, obvious answers to cube, area and radius queries: each cell is looked at, one after the other.

Rules. A cell is a rectangle that ends half-way to its neighbours, as far beyond the outermost centres, and at the poles. A
box and a polygon take the cells with which they share more than an edge; on an axis on which a box has no extent it takes
the nearest cell. Longitudes are directions, polygons are plane figures of longitude and latitude. A circle takes the cells
whose centre is within the distance on the WGS 84 ellipsoid, and the cell that holds its centre. A resolution of n takes, of
these, the cells that hold n positions from edge to edge of the box, and the levels nearest to n values from the lowest to
the highest selected. Where the coordinates have Z, the levels from their lowest to their highest are taken, or the one
nearest to the middle if there is none between.

Where the edge of a geometry passes a cell's corner, or a centre, so closely that rounding decides, the cell is optional.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np
import pyproj
import shapely

from zarr_edr.query.geometry import Box, Polygon
from zarr_edr.query.model import AreaQuery, CubeQuery, Level, LevelInterval, RadiusQuery, Selection
from zarr_edr.testing.covjson import Row
from zarr_edr.testing.oracle_axes import (
    column_edges,
    meridians,
    nearest_inside,
    nearest_longitudes,
    row_edges,
    same_meridian,
    spread,
)
from zarr_edr.testing.oracle_variable import Chosen, ChosenTimes, Expected, Variable

Cells = Mapping[tuple[int, int], bool]
"""Indices j, i of the cells of a geometry -> whether they must be in the answer, or only may."""

GEOD = pyproj.Geod(ellps="WGS84")
_TURNS = range(-4, 5)
_SLACK_DEG = 1e-6
"""A slanted edge that misses a corner by less than this may or may not touch the cell."""
_SLACK_M = 1e-2
_SLACK_SHARE = 1e-6
"""Distances that differ from the limit by less than this, and this share of it, may be on either side of it."""


def cube_rows(variable: Variable, query: CubeQuery) -> list[Expected]:
    """All values of the grid."""
    levels = thinned(variable.levels(query.z), query.resolution.z)
    return list(grid_rows(variable, query, 0, cube_cells(variable, query), levels))


def area_rows(variable: Variable, query: AreaQuery) -> list[Expected]:
    """All values of the grids, one for each polygon that touches a cell."""
    rows: list[Expected] = []
    part = 0
    for polygon in query.polygons:
        cells = polygon_cells(variable, polygon)
        levels = variable.levels(query.z)
        if query.z is None and polygon.z is not None:
            levels = levels_between(variable, *polygon.z)
        found = list(grid_rows(variable, query, part, cells, levels))
        part += bool(found)
        rows += found
    return rows


def radius_rows(variable: Variable, query: RadiusQuery) -> list[Expected]:
    """All values of the grids, one for each point with a cell near enough."""
    rows: list[Expected] = []
    part = 0
    for k in range(len(query.points)):
        cells = circle_cells(variable, float(query.points.x[k]), float(query.points.y[k]), query.within_m)
        levels = variable.levels(query.z)
        if query.z is None and query.points.z is not None:
            levels = levels_between(variable, float(query.points.z[k]), float(query.points.z[k]))
        found = list(grid_rows(variable, query, part, cells, levels))
        part += bool(found)
        rows += found
    return rows


def levels_between(variable: Variable, low: float, high: float) -> Chosen:
    """The levels in a range of Z, or the one nearest to its middle; none where that is beyond the levels."""
    return variable.levels((LevelInterval(low, high),)) or variable.levels((Level((low + high) / 2),))


def thinned(levels: Chosen, n: int | None) -> Chosen:
    """Of some levels, those nearest to n values from the lowest to the highest; all without n."""
    values = [value for _, value in levels if value is not None]
    if not n or not values:
        return levels
    keep = {nearest_value(values, wanted) for wanted in spread(min(values), max(values), n)}
    return [level for level in levels if level[1] in keep]


def nearest_value(values: list[float], wanted: float) -> float:
    """The nearest value, the greater of two."""
    return min(values, key=lambda value: (abs(value - wanted), -value))


def grid_rows(
    variable: Variable,
    query: Selection,
    part: int,
    cells: Cells,
    levels: Chosen,
    times: ChosenTimes | None = None,
) -> Iterator[Expected]:
    """What the cells hold; columns that are one meridian count as one, and either of them is right."""
    times = variable.times(query.datetime) if times is None else times
    for j in range(len(variable.y)):
        for columns in meridians(variable.x):
            marks = [cells[j, i] for i in columns if (j, i) in cells]
            if marks:
                places = [(j, i) for i in columns]
                yield from variable.found(query, part, places, times, levels, optional=not any(marks))


# --- which cells -----------------------------------------------------------------------------------------------------


def cube_cells(variable: Variable, query: CubeQuery) -> Cells:
    """The cells that a box touches, or those of them that hold positions spread over it."""
    west, east = extent(query.box)
    columns = _touched_columns(variable.x, west, east)
    rows = _touched_rows(variable.y, query.box.south, query.box.north)
    if query.resolution.x:
        edges = column_edges(variable.x)
        turned = {i: [(edges[i][0] + 360.0 * k, edges[i][1] + 360.0 * k) for k in _TURNS] for i in columns}
        columns = {i for x in spread(west, east, query.resolution.x) for i in _holding(turned, x)}
    if query.resolution.y:
        once = {j: [row_edges(variable.y)[j]] for j in rows}
        rows = {j for y in spread(query.box.south, query.box.north, query.resolution.y) for j in _holding(once, y)}
    return {(j, i): True for j in rows for i in columns}


def _holding(edges: Mapping[int, Sequence[tuple[float, float]]], position: float) -> set[int]:
    """Of cells with these edges, the one that holds a position, or all that are the same; the greater of neighbours."""
    holding = {k: low for k, pieces in edges.items() for low, high in pieces if low <= position <= high}
    return {k for k, low in holding.items() if abs(low - max(holding.values())) < 1e-4}


def extent(box: Box) -> tuple[float, float]:
    """West and east of a box, the east further east: 170, -170 -> 170, 190."""
    return box.west, box.east if box.west <= box.east else box.east + 360.0


def _touched_columns(longitudes: list[float], west: float, east: float) -> set[int]:
    if west == east:
        return set(nearest_longitudes(longitudes, west))
    edges = enumerate(column_edges(longitudes))
    return {i for i, (w, e) in edges if any(w + 360.0 * k < east and west < e + 360.0 * k for k in _TURNS)}


def _touched_rows(latitudes: list[float], south: float, north: float) -> set[int]:
    if south == north:
        j = nearest_inside(latitudes, south, -90.0, 90.0)
        return set() if j is None else {j}
    return {j for j, (s, n) in enumerate(row_edges(latitudes)) if s < north and south < n}


def polygon_cells(variable: Variable, polygon: Polygon) -> Cells:
    """The cells that share more than an edge with a polygon, holes left out."""
    outer, *holes = polygon.rings
    figure = shapely.Polygon(outer, holes)
    slack = 0.0 if all(_upright(ring) for ring in polygon.rings) else _SLACK_DEG
    shapely.prepare(figure)
    cells: dict[tuple[int, int], bool] = {}
    for j, (south, north) in enumerate(row_edges(variable.y)):
        for i, (west, east) in enumerate(column_edges(variable.x)):
            turned = [(west + 360.0 * k, south, east + 360.0 * k, north) for k in _TURNS]
            if any(_shares_interior(figure, edges, slack) for edges in turned):
                cells[j, i] = any(_shares_interior(figure, edges, -slack) for edges in turned)
    return cells


def _upright(ring: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> bool:
    """Whether all edges run along an axis: then comparing numbers is exact."""
    return bool((np.diff(ring, axis=0) == 0).any(axis=1).all())


def _shares_interior(figure: shapely.Polygon, edges: tuple[float, float, float, float], slack: float) -> bool:
    west, south, east, north = edges
    rectangle = shapely.box(west - slack, south - slack, east + slack, north + slack)
    return bool(shapely.intersects(figure, rectangle)) and bool(shapely.relate_pattern(figure, rectangle, "T********"))


def circle_cells(variable: Variable, x: float, y: float, within_m: float) -> Cells:
    """The cells with a centre within a distance of a point, and the cell of the point."""
    cells = within(
        distances_m(tuple(variable.y), tuple(variable.x), x, y), within_m, _SLACK_M + _SLACK_SHARE * within_m
    )
    for place, sure in cell_of(variable, x, y).items():
        cells[place] = cells.get(place, False) or sure
    return cells


def cell_of(variable: Variable, x: float, y: float) -> Cells:
    """The cell that holds a position; at a pole any of the row may be it."""
    places = variable.cells_at(x, y)
    sure = all(same_meridian(variable.x[i], variable.x[places[0][1]]) for _, i in places)
    return dict.fromkeys(places, sure)


@lru_cache(maxsize=64)
def distances_m(
    latitudes: tuple[float, ...], longitudes: tuple[float, ...], x: float, y: float
) -> dict[tuple[int, int], float]:
    """Metres along the ellipsoid from a point to each centre; the parameters of a store share their cells."""
    lat, lon = (a.ravel() for a in np.meshgrid(np.clip(latitudes, -90.0, 90.0), longitudes, indexing="ij"))
    metres = GEOD.inv(np.full(lat.shape, x), np.full(lat.shape, y), lon, lat)[2]
    return dict(zip(itertools.product(range(len(latitudes)), range(len(longitudes))), metres.tolist(), strict=True))


def within(distances: Mapping[tuple[int, int], float], limit_m: float, slack_m: float) -> dict[tuple[int, int], bool]:
    """Cells at a distance of up to a limit, those about which rounding decides as optional."""
    return {place: d <= limit_m - slack_m for place, d in distances.items() if d <= limit_m + slack_m}


# --- comparison ------------------------------------------------------------------------------------------------------

_Key = tuple[str, int, str | None, float | None, tuple[tuple[str, float | str], ...], float, int]


def grid_disagreements(
    expected: Sequence[Expected] | None, rows: Sequence[Row] | None, tolerance: Mapping[str, float] | None = None
) -> list[str]:
    """How grids, decoded, differ from the expected ones; empty when they do not.

    A null counts as absent, since a grid has nulls outside of the geometry; but the grid must hold every cell of the
    geometry, and its first and last rows and columns must hold one each. x may be any number of turns off.
    """
    must = [e for e in expected or () if not e.optional]
    if rows is None:
        return [f"expected {len(must)} values, first {must[:1]}, got no data"] if must else []
    if expected is None:
        return [f"expected no data, got {len(rows)} values, first {rows[:1]}"]
    wanted = {_key(e.parameter, e.point, e.time, e.z, e.members, e.cells[0].y, e.cells[0].x): e for e in expected}
    seen: dict[_Key, list[Row]] = {}
    problems = []
    for row in rows:
        key = _key(row.parameter, row.part, row.time, row.z, row.members, row.y, row.x)
        match = wanted.get(key)
        if match is None:
            problems += [] if row.value is None else [f"a value outside of the geometry: {row}"]
            continue
        seen.setdefault(key, []).append(row)
        if row.value is not None or not match.optional:
            problems += _cell_problems(match, row, (tolerance or {}).get(row.parameter, 0.0))
    problems += [f"lacking: {e}" for key, e in wanted.items() if key not in seen and not e.optional]
    problems += [f"twice: {found}" for key, found in seen.items() if len(found) > len(wanted[key].cells)]
    return problems + list(_not_tight(rows, seen))


def _key(
    parameter: str,
    part: int,
    time: str | None,
    z: float | None,
    members: tuple[tuple[str, float | str], ...],
    y: float | None,
    x: float | None,
) -> _Key:
    """Identity of a value; x to a thousandth of a degree, as a direction."""
    return parameter, part, time, z, members, math.nan if y is None else y, round((x or 0.0) % 360.0 * 1000) % 360_000


def _cell_problems(match: Expected, row: Row, tolerance: float) -> Iterator[str]:
    turns = [abs(((row.x or 0.0) - cell.x) / 360.0) for cell in match.cells]
    if min(abs(turn - round(turn)) for turn in turns) > 1e-9 / 360.0:
        yield f"x of {row} is not that of {match}"
    values = [cell.value for cell in match.cells]
    if row.value is None:
        if None not in values:
            yield f"null for {match}: {row}"
    elif not any(value is not None and abs(value - row.value) <= tolerance for value in values):
        yield f"expected {match}, got {row}"


def _not_tight(rows: Sequence[Row], seen: Mapping[_Key, Sequence[Row]]) -> Iterator[str]:
    """Grids whose outermost rows or columns have nothing to do with the geometry."""
    hits = {
        (row.parameter, row.part, axis, getattr(row, axis)) for found in seen.values() for row in found for axis in "xy"
    }
    extents: dict[tuple[str, int, str], set[float]] = {}
    for row in rows:
        for axis in "xy":
            extents.setdefault((row.parameter, row.part, axis), set()).add(getattr(row, axis))
    for (parameter, part, axis), values in extents.items():
        for end in {min(values), max(values)}:
            if (parameter, part, axis, end) not in hits:
                yield f"{parameter}, grid {part}: {axis}={end} is beyond the geometry"
