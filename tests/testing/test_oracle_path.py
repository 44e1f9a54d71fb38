"""The oracle's lines, on grids small enough to know by heart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
import xarray as xr

from zarr_edr.query.geometry import Path
from zarr_edr.query.model import (
    CorridorQuery,
    Instant,
    Level,
    LevelInterval,
    Moment,
    TrajectoryQuery,
    VerticalSelector,
)
from zarr_edr.testing.covjson import Row
from zarr_edr.testing.oracle import answer
from zarr_edr.testing.oracle_area import GEOD
from zarr_edr.testing.oracle_path import Refused, by_vertex, nearest_on_segment

PATCH = xr.Dataset(
    {"a": (("lat", "lon"), 10.0 * np.arange(3)[:, None] + np.arange(4))},
    coords={"lat": [0.0, 1.0, 2.0], "lon": [0.0, 1.0, 2.0, 3.0]},
)
"""Cell (j, i) holds 10 j + i."""


def path(*lines: Sequence[tuple[float, ...]], z: list[float] | None = None, m: list[str] | None = None) -> Path:
    """Lines of (x, y); Z and M (ISO dates) of all vertices."""
    vertices = np.array([vertex for line in lines for vertex in line], dtype=np.float64)
    time_us = None
    if m is not None:
        instants = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in m]
        time_us = np.array([round(at.timestamp() * 1e6) for at in instants], dtype=np.int64)
    starts = np.cumsum([0, *(len(line) for line in lines[:-1])], dtype=np.int64)
    return Path(vertices[:, 0], vertices[:, 1], None if z is None else np.array(z), time_us, starts)


def along(dataset: xr.Dataset, line: Path) -> list[tuple[int, float | None]]:
    """Vertex and value, in order."""
    rows = answer(TrajectoryQuery(line), dataset) or []
    return [(row.point, row.cells[0].value if row.cells else None) for row in rows]


def test_a_vertex_takes_the_nearest_cell() -> None:
    assert along(PATCH, path([(0.4, 0), (2, 1.6), (2, 1.6)])) == [(0, 0), (1, 22), (2, 22)]


def test_a_vertex_outside_is_null() -> None:
    assert along(PATCH, path([(0, 0), (50, 0), (361, 2)])) == [(0, 0), (1, None), (2, 21)]


def test_a_line_outside_is_left_out() -> None:
    assert along(PATCH, path([(50, 0), (51, 0)], [(1, 0), (50, 0)])) == [(0, 1), (1, None)]


TIMES = xr.Dataset(
    {"a": (("time", "lat", "lon"), np.arange(3.0)[:, None, None] * np.ones((3, 2, 2)))},
    coords={
        "time": ("time", [2.0, 0.0, 6.0], {"units": "hours since 2000-01-01", "calendar": "noleap"}),
        "lat": [0.0, 1.0],
        "lon": [0.0, 1.0],
    },
)
LINE = [(0.0, 0.0), (1.0, 1.0)]


@pytest.mark.parametrize(
    ("m", "held"),
    [
        ("2000-01-01T00:00", 1),
        ("2000-01-01T00:59", 1),
        ("2000-01-01T01:00", 0),
        ("2000-01-01T04:00", 2),
        ("2000-01-01T08:00", 2),
        ("1999-12-31T23:00", 1),
    ],
)
def test_m_takes_the_nearest_time_the_later_of_two(m: str, held: float) -> None:
    assert along(TIMES, path(LINE, m=[m, m])) == [(0, held), (1, held)]


@pytest.mark.parametrize("m", ["1999-12-31T22:59", "2000-01-01T08:01", "2000-02-29T00:00"])
def test_m_more_than_half_a_step_outside_is_refused(m: str) -> None:
    with pytest.raises(Refused, match="time"):
        along(TIMES, path(LINE, m=["2000-01-01T00:00", m]))


def test_all_times_come_where_vertices_have_none() -> None:
    rows = answer(TrajectoryQuery(path(LINE), datetime=(Instant(Moment(2000, 1, 1, 6)),)), TIMES) or []
    assert [(row.time, row.cells[0].value) for row in rows] == [("2000-01-01T06:00:00Z", 2)] * 2
    assert len(answer(TrajectoryQuery(path(LINE)), TIMES) or []) == 6


LEVELS = xr.Dataset(
    {"a": (("level", "lat", "lon"), np.arange(4.0)[:, None, None] * np.ones((4, 2, 2)))},
    coords={"level": [40.0, 20.0, 10.0, 0.0], "lat": [0.0, 1.0], "lon": [0.0, 1.0]},
)


def test_each_vertex_takes_the_level_nearest_to_its_z() -> None:
    rows = answer(TrajectoryQuery(path(LINE, z=[1, 30])), LEVELS) or []
    assert [(row.z, row.cells[0].value) for row in rows] == [(0, 3), (40, 0)]


def test_z_beyond_the_levels_is_refused() -> None:
    with pytest.raises(Refused, match="level"):
        along(LEVELS, path(LINE, z=[0, 40.1]))


def test_z_means_nothing_without_levels() -> None:
    assert along(PATCH, path(LINE, z=[0, 999])) == [(0, 0), (1, 11)]


def row(time: str, z: float, point: int) -> Row:
    return Row("a", point, 0.0, 0.0, time, z, (), 1.0)


def test_vertices_are_counted_over_lines_for_each_time_and_level() -> None:
    rows = [row("t0", 1, 0), row("t0", 1, 1), row("t1", 1, 0), row("t1", 1, 1), row("t0", 1, 0), row("t1", 1, 0)]
    assert [r.point for r in by_vertex(rows, TrajectoryQuery(path(LINE))) or []] == [0, 1, 0, 1, 2, 2]


def test_vertices_with_times_and_levels_of_their_own_are_counted_over_lines() -> None:
    rows = [row("t0", 1, 0), row("t1", 2, 1), row("t1", 1, 0)]
    query = TrajectoryQuery(path(LINE, [(0.0, 0.0)], z=[1, 2, 1], m=["2000-01-01"] * 3))
    assert [r.point for r in by_vertex(rows, query) or []] == [0, 1, 2]


@pytest.mark.parametrize(
    ("position", "start", "end", "share", "km"),
    [
        ((5, 1), (0, 0), (10, 0), 0.5, 110.6),
        ((-1, 0), (0, 0), (10, 0), 0, 111.3),
        ((11, 0), (0, 0), (10, 0), 1, 111.3),
        ((180, 0), (179, 0), (-179, 0), 0.5, 0),
        ((77, 90), (0, 80), (180, 80), 0.5, 0),
        ((0, 60), (3, 60), (3, 60), 0, 167.4),
    ],
    ids=["beside", "before", "beyond", "antimeridian", "pole", "no way"],
)
def test_the_nearest_point_of_a_great_circle(
    position: tuple[float, float], start: tuple[float, float], end: tuple[float, float], share: float, km: float
) -> None:
    shares, metres = nearest_on_segment(np.array([position[0]]), np.array([position[1]]), start, end)
    assert metres[0] / 1000 == pytest.approx(km, abs=0.1)
    assert shares[0] == pytest.approx(share, abs=1e-3)


def test_a_great_circle_leaves_the_parallel() -> None:
    _, metres = nearest_on_segment(np.array([50.0]), np.array([60.0]), (0.0, 60.0), (100.0, 60.0))
    assert metres[0] == pytest.approx(GEOD.inv(50, 60, 50, 69.64)[2], rel=1e-3)


def beside(dataset: xr.Dataset, query: CorridorQuery) -> list[set[float | None]]:
    rows = answer(query, dataset) or []
    return [{r.cells[0].value for r in rows if r.point == part} for part in sorted({r.point for r in rows})]


@pytest.mark.parametrize(
    ("line", "km", "cells"),
    [
        ([(0, 0), (2, 0)], 100, {0, 1, 2}),
        ([(0, 0), (2, 0)], 221, {0, 1, 2}),
        ([(0, 0), (2, 0)], 222, {0, 1, 2, 10, 11, 12}),
        ([(0.6, 0.6), (0.7, 0.7)], 1, {11}),
        ([(9, 0), (9, 2)], 1, None),
    ],
    ids=["narrow", "not quite", "as wide as two cells", "between centres", "outside"],
)
def test_a_corridor_takes_centres_near_the_path(
    line: list[tuple[float, ...]], km: float, cells: set[float] | None
) -> None:
    assert beside(PATCH, CorridorQuery(path(line), km * 1000)) == ([] if cells is None else [cells])


def test_each_line_has_a_corridor() -> None:
    assert beside(PATCH, CorridorQuery(path([(9, 0), (9, 1)], [(0, 0), (1, 0)], [(3, 2), (3, 2)]), 1e3)) == [
        {0, 1},
        {23},
    ]


@pytest.mark.parametrize(
    ("z", "height", "selector", "levels"),
    [
        (None, 1.0, None, {0, 1, 2, 3}),
        ([10, 10], None, None, {0, 1, 2, 3}),
        ([10, 10], 2.0, None, {2}),
        ([10, 10], 20.0, None, {1, 2, 3}),
        ([0, 10], 20.0, None, {1, 2, 3}),
        ([14, 14], 2.0, None, set()),
        (None, 20.0, (Level(30),), {0, 1}),
        (None, 2.0, (Level(29),), set()),
        (None, 2.0, (LevelInterval(21, None),), {0, 1}),
    ],
)
def test_a_corridor_takes_levels_near_the_path(
    z: list[float] | None, height: float | None, selector: VerticalSelector | None, levels: set[float]
) -> None:
    query = replace(CorridorQuery(path(LINE, z=z), 1e3, height), z=selector)
    assert beside(LEVELS, query) == ([levels] if levels else [])


def test_a_corridor_rises_with_its_path() -> None:
    rows = answer(CorridorQuery(path(LINE, z=[0, 20]), 1e3, 2.0), LEVELS) or []
    assert {(row.cells[0].x, row.z) for row in rows} == {(0, 0), (1, 20)}


def test_a_corridor_takes_the_times_between_its_ends() -> None:
    rows = answer(CorridorQuery(path(LINE, m=["2000-01-01T00:10", "2000-01-01T02:00"]), 1e3), TIMES) or []
    assert {row.cells[0].value for row in rows} == {0, 1}
