"""Geometries of queries as values: points, lines and polygons in longitude and latitude; and distances."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from zarr_edr.errors import InvalidCoords, InvalidQuery
from zarr_edr.limits import Limits
from zarr_edr.query.checks import quoted, read_decimal
from zarr_edr.query.geometry import LINES, POLYGONS, Float64Array, Geometry, GeometryKind, Path, Points, Polygon
from zarr_edr.query.wkt import read_geometry

METRES: dict[str, float] = {"m": 1.0, "km": 1000.0, "mi": 1609.344}
"""Units of length that are offered, and the metres in each."""

_SPELLINGS = {
    "metre": "m",
    "metres": "m",
    "meter": "m",
    "meters": "m",
    "kilometres": "km",
    "kilometers": "km",
    "miles": "mi",
}
_LONGEST_M = 20_037_508.0
"""Half the way round the Earth: nothing is further away."""

ToLonLat = Callable[[Float64Array, Float64Array], tuple[Float64Array, Float64Array]]

_TURN = 360.0
_MAX_EPOCH_S = 2.0**43
"""Some 278,000 years: what int64 microseconds hold."""


def parse_path(text: str, limits: Limits, to_lonlat: ToLonLat) -> Path:
    """Read a LINESTRING or MULTILINESTRING, with Z, M (Unix seconds), both or neither.

    Raises:
        InvalidCoords: It is not such a geometry, or M cannot be a time.
        QueryTooLarge: It is over `limits.coords_chars` or `limits.points`.
    """
    return path_of(_read(text, limits, LINES), to_lonlat)


def parse_polygons(text: str, limits: Limits, to_lonlat: ToLonLat) -> tuple[Polygon, ...]:
    """Read a POLYGON or MULTIPOLYGON, with or without Z. Raises as `parse_path` does."""
    return polygons_of(_read(text, limits, POLYGONS), to_lonlat)


def points_of(geometry: Geometry, to_lonlat: ToLonLat) -> Points:
    """The positions of a point or several."""
    columns = _columns(geometry)
    x, y = to_lonlat(*columns[:2])
    return Points(x, y, columns[2] if geometry.has_z else None, geometry.kind is GeometryKind.MULTIPOINT)


def path_of(geometry: Geometry, to_lonlat: ToLonLat) -> Path:
    """The vertices of a line or several. Raises `InvalidCoords` where M cannot be a time."""
    x, y = to_lonlat(*_columns(geometry)[:2])
    z = _columns(geometry)[2] if geometry.has_z else None
    time_us = None
    if geometry.has_m:
        seconds = geometry.coords[:, -1]
        if (np.abs(seconds) > _MAX_EPOCH_S).any():
            raise InvalidCoords("coords has an M that is no time; M counts seconds since 1970-01-01T00:00:00Z.")
        back = np.flatnonzero(np.diff(seconds) < 0) + 1
        back = back[~np.isin(back, geometry.sequences)]
        if back.size:
            vertex = int(back[0]) + 1
            raise InvalidCoords(
                f"The M of vertex {vertex} is earlier than that of vertex {vertex - 1}; times must not go back."
            )
        time_us = np.round(seconds * 1e6).astype(np.int64)
    return Path(x, y, z, time_us, geometry.sequences[:-1])


def polygons_of(geometry: Geometry, to_lonlat: ToLonLat) -> tuple[Polygon, ...]:
    """The polygons of one or several. Raises `InvalidCoords` for M, and where one is wider than the Earth."""
    if geometry.has_m:
        raise InvalidCoords("coords is a polygon with M, which an area query has no use for.")
    x, y = to_lonlat(*_columns(geometry)[:2])
    positions = np.column_stack([x, y])
    found: list[Polygon] = []
    for first, last in zip(geometry.parts[:-1], geometry.parts[1:], strict=True):
        bounds = geometry.sequences[first : last + 1]
        around = positions[bounds[0] : bounds[-1], 0]
        if around.size and around.max() - around.min() > _TURN:
            raise InvalidCoords(
                f"Polygon {len(found) + 1} of coords is wider than 360 degrees, the whole way round the Earth."
            )
        rings = tuple(positions[a:b] for a, b in pairwise(bounds.tolist()))
        z = None
        if geometry.has_z:
            levels = geometry.coords[bounds[0] : bounds[-1], 2]
            z = (float(levels.min()), float(levels.max()))
        found.append(Polygon(rings, z))
    return tuple(found)


def _read(text: str, limits: Limits, kinds: tuple[GeometryKind, ...]) -> Geometry:
    return read_geometry(text, max_chars=limits.coords_chars, max_points=limits.points, kinds=kinds)


def _columns(geometry: Geometry) -> Float64Array:
    return np.ascontiguousarray(geometry.coords.T)


def parse_length_m(name: str, value: str, unit_name: str, unit: str) -> float:
    """Metres of a length such as `within=10` with `within-units=km`. Raises `InvalidQuery`, naming the parameter at fault."""
    symbol = unit.strip()
    symbol = _SPELLINGS.get(symbol.lower(), symbol)
    if symbol not in METRES:
        raise InvalidQuery(
            f"{unit_name}={quoted(unit)} is not a unit of length offered here; use one of {', '.join(METRES)}."
        )
    metres = parse_positive(name, value) * METRES[symbol]
    if metres > _LONGEST_M:
        raise InvalidQuery(f"{name}={quoted(value)} {symbol} is more than half the way round the Earth.")
    return metres


def parse_positive(name: str, value: str) -> float:
    """A number above 0. Raises `InvalidQuery`."""
    number = read_decimal(value.strip())
    if number is None or number <= 0:
        raise InvalidQuery(f"{name}={quoted(value)} is not a number above 0; right is e.g. {name}=10.")
    return number
