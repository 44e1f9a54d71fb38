"""Slow, obvious answers to trajectory and corridor queries.

Rules. A vertex takes the cell with the nearest centre, the nearest level within the range of the levels, and the nearest
time, up to half a step beyond the first and last. A vertex outside of the grid is null, one at a level or time outside is
refused; a line of which no vertex is on the grid is left out. A corridor takes the cells whose centre is within half the
width of the path, and the cells of the vertices. The path runs along great circles of the sphere, distances from it are
those of the WGS 84 ellipsoid. With a height, it takes of these the levels within half of that of where the path is nearest,
or of z. With times, it takes those from the nearest to the first to the nearest to the last.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.query.geometry import Path
from zarr_edr.query.model import CorridorQuery, Level, LevelInterval, TrajectoryQuery
from zarr_edr.testing.covjson import Row
from zarr_edr.testing.oracle_area import GEOD, Cells, cell_of, grid_rows, thinned, within
from zarr_edr.testing.oracle_axes import iso, nearest_time
from zarr_edr.testing.oracle_variable import Chosen, ChosenTimes, Expected, Variable

_SAMPLES = 65
_SLACK_M = 1.0
_SLACK_SHARE = 1e-4
_SLACK_RISE = 0.01
"""The nearest point of the path is not the same by the sphere and by the ellipsoid: that changes distances, and shares of
the way, a little."""


class Refused(Exception):
    """A vertex has a level or a time outside of the collection's extent."""


def lines(path: Path) -> list[range]:
    """Indices of the vertices of each line."""
    bounds = [*path.starts.tolist(), len(path)]
    return [range(first, end) for first, end in itertools.pairwise(bounds)]


def trajectory_rows(variable: Variable, query: TrajectoryQuery) -> list[Expected]:
    """All values, in the order of the vertices; `point` counts those of the lines that are not left out.

    Raises `Refused`.
    """
    rows: list[Expected] = []
    vertex = 0
    for line in lines(query.path):
        chosen = [(_times_of(variable, query, k), _levels_of(variable, query, k)) for k in line]
        cells = [variable.cells_at(float(query.path.x[k]), float(query.path.y[k])) for k in line]
        if not any(cells) or not all(times and levels for times, levels in chosen):
            continue
        for places, (times, levels) in zip(cells, chosen, strict=True):
            rows += variable.found(query, vertex, places, times, levels if places else [(None, None)])
            vertex += 1
    return rows


def _times_of(variable: Variable, query: TrajectoryQuery, vertex: int) -> ChosenTimes:
    if not variable.has_t or query.path.time_us is None:
        return variable.times(query.datetime)
    k = nearest_time(variable.instants, int(query.path.time_us[vertex]))
    if k is None:
        raise Refused("time")
    return [(k, iso(variable.instants[k]))]


def _levels_of(variable: Variable, query: TrajectoryQuery, vertex: int) -> Chosen:
    if not variable.has_z or query.path.z is None:
        return variable.levels(query.z)
    levels = variable.levels((Level(float(query.path.z[vertex])),))
    if not levels:
        raise Refused("level")
    return levels


def by_vertex(rows: Sequence[Row] | None, query: TrajectoryQuery) -> list[Row] | None:
    """The rows of all lines with `point` counting their vertices.

    Rows come in the order of the vertices, once for each time, level and member of the query.
    """
    if rows is None:
        return None
    own_time, own_level = query.path.time_us is not None, query.path.z is not None
    counts: Counter[tuple[Any, ...]] = Counter()
    numbered = []
    for row in rows:
        key = (row.parameter, row.members, None if own_time else row.time, None if own_level else row.z)
        numbered.append(replace(row, point=counts[key]))
        counts[key] += 1
    return numbered


# --- corridors -------------------------------------------------------------------------------------------------------


def corridor_rows(variable: Variable, query: CorridorQuery) -> list[Expected]:
    """All values of the grids, one for each line that has a cell. Raises `Refused`."""
    rows: list[Expected] = []
    part = 0
    for line in lines(query.path):
        found: list[Expected] = []
        times = _corridor_times(variable, query, line)
        for level in thinned(_corridor_levels(variable, query, line), query.resolution.z):
            found += grid_rows(variable, query, part, line_cells(variable, query, line, level[1]), [level], times)
        part += bool(found)
        rows += found
    return rows


def _corridor_times(variable: Variable, query: CorridorQuery, line: range) -> ChosenTimes:
    if not variable.has_t or query.path.time_us is None:
        return variable.times(query.datetime)
    of_line = query.path.time_us[list(line)]
    first_k, last_k = (nearest_time(variable.instants, int(end)) for end in (of_line.min(), of_line.max()))
    if first_k is None or last_k is None:
        raise Refused("time")
    first, last = variable.instants[first_k], variable.instants[last_k]
    return [(k, iso(instant)) for k, instant in enumerate(variable.instants) if first <= instant <= last]


def _corridor_levels(variable: Variable, query: CorridorQuery, line: range) -> Chosen:
    if query.height is None:
        return variable.levels(query.z)
    half = query.height / 2
    if query.z is not None:
        return variable.levels(tuple(_widened(member, half) for member in query.z))
    if query.path.z is not None:
        z = [float(query.path.z[k]) for k in line]
        return variable.levels((LevelInterval(min(z) - half, max(z) + half),))
    return variable.levels(None)


def _widened(member: Level | LevelInterval, by: float) -> LevelInterval:
    if isinstance(member, Level):
        return LevelInterval(member.value - by, member.value + by)
    return LevelInterval(
        None if member.low is None else member.low - by, None if member.high is None else member.high + by
    )


def line_cells(variable: Variable, query: CorridorQuery, line: range, level: float | None = None) -> Cells:
    """The cells of one line, at one level."""
    cells: dict[tuple[int, int], bool] = {}
    half = query.width_m / 2
    for k in line[:-1]:
        near = _near(tuple(variable.y), tuple(variable.x), _vertex(query.path, k), _vertex(query.path, k + 1))
        distances = {place: metres for place, (_, metres) in near.items()}
        for place, sure in within(distances, half, _SLACK_M + _SLACK_SHARE * half).items():
            reached = _reaches(query, level, k, near[place][0])
            if reached is not None:
                cells[place] = cells.get(place, False) or (sure and reached)
    for k in line:
        if _reaches(query, level, k, 0.0):
            for place, sure in cell_of(variable, *_vertex(query.path, k)).items():
                cells[place] = cells.get(place, False) or sure
    return cells


def _vertex(path: Path, k: int) -> tuple[float, float]:
    return float(path.x[k]), float(path.y[k])


def _reaches(query: CorridorQuery, level: float | None, k: int, share: float) -> bool | None:
    """Whether a level is within half the height of the path a share of the way after vertex k: None no, False perhaps."""
    z = query.path.z
    if z is None or query.height is None or query.z is not None or level is None:
        return True
    rise = float(z[k + 1] - z[k]) if share else 0.0
    distance, slack = abs(level - (float(z[k]) + share * rise)), _SLACK_RISE * abs(rise)
    if distance > query.height / 2 + slack:
        return None
    return distance <= query.height / 2 - slack


@lru_cache(maxsize=64)
def _near(
    latitudes: tuple[float, ...], longitudes: tuple[float, ...], start: tuple[float, float], end: tuple[float, float]
) -> dict[tuple[int, int], tuple[float, float]]:
    """`nearest_on_segment` for each centre; the parameters of a store share their cells."""
    lat, lon = (a.ravel() for a in np.meshgrid(np.clip(latitudes, -90.0, 90.0), longitudes, indexing="ij"))
    share, metres = nearest_on_segment(lon, lat, start, end)
    places = itertools.product(range(len(latitudes)), range(len(longitudes)))
    return dict(zip(places, zip(share.tolist(), metres.tolist(), strict=True), strict=True))


Floats = NDArray[np.float64]


def nearest_on_segment(
    lon: Floats, lat: Floats, start: tuple[float, float], end: tuple[float, float]
) -> tuple[Floats, Floats]:
    """Share of the way, 0..1, at which each position is nearest to a great circle, and how near in metres, shapes (n,).

    Looks at many points of it, then at ever closer ones around the best.
    """
    low, high = np.zeros(lon.shape), np.ones(lon.shape)
    share, best = low, np.full(lon.shape, np.inf)
    for _ in range(5):
        shares = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, _SAMPLES)
        x, y = _along_great_circle(shares.ravel(), start, end)
        metres = GEOD.inv(x, y, np.repeat(lon, _SAMPLES), np.repeat(lat, _SAMPLES))[2].reshape(shares.shape)
        at = metres.argmin(axis=1)
        rows = np.arange(lon.size)
        share, best = shares[rows, at], metres[rows, at]
        low, high = shares[rows, np.maximum(at - 1, 0)], shares[rows, np.minimum(at + 1, _SAMPLES - 1)]
    return share, best


def _along_great_circle(share: Floats, start: tuple[float, float], end: tuple[float, float]) -> tuple[Floats, Floats]:
    """Longitude and latitude at shares of the shorter way on a sphere, shapes (n,)."""
    a, b = _unit(*start), _unit(*end)
    angle = math.atan2(float(np.linalg.norm(np.cross(a, b))), float(a @ b))
    if angle == 0.0:
        return np.full(share.shape, start[0]), np.full(share.shape, start[1])
    points = np.sin((1 - share) * angle)[:, None] * a + np.sin(share * angle)[:, None] * b
    return np.degrees(np.arctan2(points[:, 1], points[:, 0])), np.degrees(
        np.arctan2(points[:, 2], np.hypot(points[:, 0], points[:, 1]))
    )


def _unit(x: float, y: float) -> Floats:
    lon, lat = math.radians(x), math.radians(y)
    return np.array([math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)])
