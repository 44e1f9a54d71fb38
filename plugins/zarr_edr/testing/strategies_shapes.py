"""Random boxes, circles, polygons and lines on a store, and queries of them, for property tests."""

from __future__ import annotations

import itertools
import math
from datetime import timedelta
from typing import Any

import cftime
import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from zarr_edr.query.geometry import Box, Path, Points, Polygon
from zarr_edr.query.model import (
    AreaQuery,
    CorridorQuery,
    CubeQuery,
    Query,
    RadiusQuery,
    Resolution,
    TrajectoryQuery,
)
from zarr_edr.testing.stores import LAT, LEVEL, LON, StoreSpec
from zarr_edr.testing.strategies import Draw, heights, instants, places, position_queries, selections, store_specs

Floats = NDArray[np.float64]
_TURNS = (0.0, 0.0, 0.0, -360.0, 360.0)
_SIZES_DEG = (0.04, 0.3, 1.7, 9.0, 40.0, 85.0)
_DISTANCES_M = (1.0, 7e3, 60e3, 450e3, 2.5e6, 9e6, 2e7)
_STEP_DEG = 15


def _ascending(spec: StoreSpec, dim: str) -> list[float]:
    return sorted(float(v) for v in spec.axes[dim].stored())


@st.composite
def _x(draw: Draw, spec: StoreSpec) -> float:
    return float(draw(places(_ascending(spec, LON), spec.exact)))


@st.composite
def _y(draw: Draw, spec: StoreSpec) -> float:
    return float(min(max(draw(places(_ascending(spec, LAT), spec.exact)), -90.0), 90.0))


@st.composite
def boxes(draw: Draw, spec: StoreSpec) -> Box:
    """Edges on, between and beside cells; some without extent, some across the antimeridian, some of the whole globe."""
    if draw(st.integers(0, 11)) == 0:
        west = draw(st.sampled_from((-180.0, 0.0)))
        return Box(west, -90.0, west + 360.0, 90.0)
    west, east = sorted((draw(_x(spec)), draw(_x(spec))))
    south, north = sorted((draw(_y(spec)), draw(_y(spec))))
    turn = draw(st.sampled_from(_TURNS))
    if draw(st.booleans()) and east - west < 360.0:  # as most clients write longitudes
        return Box(_within_180(west), south, _within_180(east), north)
    return Box(west + turn, south, east + turn, north)


def _within_180(x: float) -> float:
    return (x + 180.0) % 360.0 - 180.0


@st.composite
def cube_queries(draw: Draw, spec: StoreSpec) -> CubeQuery:
    """Half of them at another resolution on some axis; of x and y only where a position on an edge is exactly there."""
    counts = st.sampled_from((None, None, None, 1, 2, 3, 5, 12))
    horizontal = counts if spec.exact else st.none()
    resolution = Resolution(x=draw(horizontal), y=draw(horizontal), z=draw(counts))
    return CubeQuery(draw(boxes(spec)), draw(st.sampled_from((Resolution(), resolution))), **draw(selections(spec)))


@st.composite
def polygons(draw: Draw, spec: StoreSpec) -> Polygon:
    """Rectangles, and stars around a point of any size, with or without a hole, in either direction, perhaps with Z."""
    rings = [_rectangle(draw(boxes(spec)))] if draw(st.integers(0, 3)) == 0 else draw(_star(spec))
    turn = draw(st.sampled_from(_TURNS))
    moved = [ring + np.array([turn, 0.0]) for ring in rings]
    z = None
    if draw(st.integers(0, 4)) == 0:
        low, high = sorted((draw(heights(spec)), draw(heights(spec))))
        z = (low, high)
    return Polygon(tuple(ring[::-1] if draw(st.booleans()) else ring for ring in moved), z)


def _rectangle(box: Box) -> Floats:
    """A ring; with some extent, since a polygon without is none."""
    west, east = box.west, box.east if box.west <= box.east else box.east + 360.0
    east = east if east > west else west + 0.125
    south, north = (box.south, box.north) if box.north > box.south else (max(box.south - 0.125, -90.0), box.north)
    north = north if north > south else south + 0.125
    return np.array([[west, south], [east, south], [east, north], [west, north], [west, south]])


@st.composite
def _star(draw: Draw, spec: StoreSpec) -> list[Floats]:
    """One direction in each quarter, and more: so that the rings around the point never cross themselves."""
    x, y = draw(_x(spec)), min(max(draw(_y(spec)), -89.0), 89.0)
    quarter = 90 // _STEP_DEG
    steps = {draw(st.integers(q * quarter, (q + 1) * quarter - 1)) for q in range(4)}
    steps |= set(draw(st.lists(st.integers(0, 4 * quarter - 1), max_size=6)))
    size = draw(st.sampled_from(_SIZES_DEG))
    convex = draw(st.booleans())
    offsets = []
    for step in sorted(steps):
        angle = math.radians(step * _STEP_DEG)
        radius = size * (1.0 if convex else draw(st.sampled_from((0.2, 0.5, 0.8, 1.0))))
        rise = math.sin(angle)
        room = (90.0 - y if rise > 0 else y + 90.0) / max(abs(rise), 1e-9)
        offsets.append([min(radius, room) * math.cos(angle), min(radius, room) * rise])
    offsets.append(offsets[0])
    scales = [1.0, *([draw(st.sampled_from((0.3, 0.7)))] if draw(st.booleans()) else [])]
    centre = np.array([x, y])
    return [_on_globe(centre + scale * np.array(offsets)) for scale in scales]


def _on_globe(ring: Floats) -> Floats:
    return np.column_stack([ring[:, 0], ring[:, 1].clip(-90.0, 90.0)])


@st.composite
def area_queries(draw: Draw, spec: StoreSpec) -> AreaQuery:
    """One to three polygons."""
    return AreaQuery(tuple(draw(st.lists(polygons(spec), min_size=1, max_size=3))), **draw(selections(spec)))


@st.composite
def radius_queries(draw: Draw, spec: StoreSpec) -> RadiusQuery:
    """One to three circles, of a metre to half the Earth."""
    n = draw(st.integers(1, 3))
    x = np.array([draw(_x(spec)) + draw(st.sampled_from(_TURNS)) for _ in range(n)])
    y = np.array([draw(_y(spec)) for _ in range(n)])
    z = np.array([draw(heights(spec)) for _ in range(n)], dtype=np.float64) if draw(st.integers(0, 3)) == 0 else None
    return RadiusQuery(Points(x, y, z, multi=n > 1), draw(st.sampled_from(_DISTANCES_M)), **draw(selections(spec)))


@st.composite
def paths(draw: Draw, spec: StoreSpec) -> Path:
    """One to three lines of two to five vertices, some equal; perhaps with Z and M inside of the store's extent."""
    sizes = draw(st.lists(st.integers(2, 5), min_size=1, max_size=3))
    n = sum(sizes)
    vertices = [(draw(_x(spec)) + draw(st.sampled_from(_TURNS)), draw(_y(spec))) for _ in range(n)]
    for k in range(1, n):
        if draw(st.integers(0, 5)) == 0:
            vertices[k] = vertices[k - 1]
    x, y = np.array(vertices).T
    z = np.array([draw(_inside(spec)) for _ in range(n)]) if draw(st.integers(0, 2)) == 0 else None
    time_us = draw(_ascending_times(spec, n)) if draw(st.integers(0, 2)) == 0 else None
    return Path(x.copy(), y.copy(), z, time_us, np.cumsum([0, *sizes[:-1]], dtype=np.int64))


@st.composite
def _inside(draw: Draw, spec: StoreSpec) -> float:
    if LEVEL not in spec.axes:
        return float(draw(st.sampled_from((0.0, 100.0))))
    levels = _ascending(spec, LEVEL)
    return float(min(max(draw(heights(spec)), levels[0]), levels[-1]))


@st.composite
def _ascending_times(draw: Draw, spec: StoreSpec, n: int) -> NDArray[np.int64]:
    """Microseconds since 1970 of times on, near and between those of the store, on days that its calendar has."""
    known = sorted(instants(spec))
    found = []
    for _ in range(n):
        at = draw(st.sampled_from(known))
        following = known[min(known.index(at) + 1, len(known) - 1)]
        share = draw(st.sampled_from((0.0, 0.0, 0.25, 0.5, 0.75)))
        found.append(_utc_us(at + timedelta(microseconds=round((following - at) / timedelta(microseconds=1) * share))))
    return np.array(sorted(found), dtype=np.int64)


def _utc_us(instant: cftime.datetime) -> int:
    """The same date in the real calendar; where that lacks it, as 30 February, a day before."""
    time = (instant.hour, instant.minute, instant.second, instant.microsecond)
    for day in range(instant.day, instant.day - 4, -1):
        try:
            real = cftime.datetime(instant.year, instant.month, day, *time, calendar="proleptic_gregorian")
        except ValueError:
            continue
        since = real - cftime.datetime(1970, 1, 1, calendar="proleptic_gregorian")
        return int(since // timedelta(microseconds=1))
    raise ValueError(f"no such date: {instant}")


@st.composite
def trajectory_queries(draw: Draw, spec: StoreSpec) -> TrajectoryQuery:
    """Lines that bring their levels and times, or are given others beside them."""
    path = draw(paths(spec))
    return TrajectoryQuery(path, **_beside(path, draw(selections(spec))))


@st.composite
def corridor_queries(draw: Draw, spec: StoreSpec) -> CorridorQuery:
    """Lines with a width of two metres to half the Earth, perhaps with a height."""
    path = draw(paths(spec).filter(directions_apart))
    height = draw(st.sampled_from((None, 0.5, 3.0, 500.0)))
    width = 2 * draw(st.sampled_from(_DISTANCES_M[:-1]))
    return CorridorQuery(path, width, height, **_beside(path, draw(selections(spec))))


def _beside(path: Path, chosen: dict[str, Any]) -> dict[str, Any]:
    """A path with levels or times of its own takes no others."""
    own = {"z": path.z is not None, "datetime": path.time_us is not None}
    return chosen | {name: None for name, there in own.items() if there}


def directions_apart(path: Path) -> bool:
    """Whether no two neighbours are almost opposite each other: there is no one shortest way between such."""
    radians = np.radians([path.x, path.y])
    cosines = np.cos(radians[1])
    units = np.stack([cosines * np.cos(radians[0]), cosines * np.sin(radians[0]), np.sin(radians[1])], axis=-1)
    return all(float(a @ b) > -0.999 for a, b in itertools.pairwise(units))


QUERIES = (position_queries, area_queries, cube_queries, radius_queries, trajectory_queries, corridor_queries)


@st.composite
def questions(draw: Draw) -> tuple[StoreSpec, list[Query]]:
    """A query of each type on one store."""
    spec: StoreSpec = draw(store_specs())
    return spec, [draw(queries(spec)) for queries in QUERIES]
