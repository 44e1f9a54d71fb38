"""Geometries of queries, as arrays. A value that exists here is finite and in range of its kind.

x is longitude or easting and y latitude or northing, always in this order, in the CRS of the query that holds them
(OGC 06-103r4, clause 6.1.2; axis order is settled at the edges, in `crs`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]


class GeometryKind(StrEnum):
    """The geometries of EDR queries, by their tag in WKT."""

    POINT = "POINT"
    MULTIPOINT = "MULTIPOINT"
    LINESTRING = "LINESTRING"
    MULTILINESTRING = "MULTILINESTRING"
    POLYGON = "POLYGON"
    MULTIPOLYGON = "MULTIPOLYGON"


POINTS = (GeometryKind.POINT, GeometryKind.MULTIPOINT)
LINES = (GeometryKind.LINESTRING, GeometryKind.MULTILINESTRING)
POLYGONS = (GeometryKind.POLYGON, GeometryKind.MULTIPOLYGON)


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """A geometry as flat arrays, as it was written. Finite; lines have two positions or more, rings four or more and are closed.

    Positions form sequences (a point, a line, a ring) and sequences form parts (a point, a line, a polygon).
    """

    kind: GeometryKind
    has_z: bool
    has_m: bool
    coords: Float64Array
    """Shape (n, 2 + has_z + has_m): x, y, then z, then m."""
    sequences: Int64Array
    """Shape (s + 1,): sequence i is `coords[sequences[i]:sequences[i + 1]]`."""
    parts: Int64Array
    """Shape (p + 1,): part i has the sequences `parts[i]` to `parts[i + 1]`, the first of a polygon being its shell."""


def geometry_of_points(x: Float64Array, y: Float64Array, z: Float64Array | None = None, *, multi: bool) -> Geometry:
    """Positions, shape (n,) each, n >= 1 and finite, as a MULTIPOINT, or as a POINT where not `multi`."""
    coords = np.column_stack([x, y] if z is None else [x, y, z])
    offsets = np.arange(len(coords) + 1, dtype=np.int64)
    kind = GeometryKind.MULTIPOINT if multi else GeometryKind.POINT
    return Geometry(kind, z is not None, False, coords, offsets, offsets)


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """One or more positions, in the order in which they were asked for, duplicates included."""

    x: Float64Array
    """Shape (p,), p >= 1, finite."""
    y: Float64Array
    """Shape (p,), finite."""
    z: Float64Array | None
    """Shape (p,), finite, in units of the collection's vertical axis; None without Z."""
    multi: bool
    """True for MULTIPOINT (even of one point), False for POINT: it decides the shape of the answer."""

    def __len__(self) -> int:
        return int(self.x.size)


@dataclass(frozen=True, slots=True, eq=False)
class Tags:
    """What a client calls its places (points, lines, polygons): it comes back with their values."""

    ids: tuple[str | int | float | None, ...] | None
    """One for each place, as GeoJSON allows them; None: no place has one."""
    properties: Mapping[str, Sequence[Any]]
    """Name -> one JSON value for each place, None where it has none."""


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where a query looks, given otherwise than by `coords`: x before y, whatever the order of axes in the CRS."""

    geometry: Geometry
    """Each of its parts is a place."""
    tags: Tags | None = None
    """Of the parts."""
    in_degrees: bool = False
    """Whether they are longitudes and latitudes by name, in whatever CRS the query is."""


@dataclass(frozen=True, slots=True, eq=False)
class Polygon:
    """A polygon, with or without holes. Edges are straight in the plane of the coordinates (OGC 06-103r4)."""

    rings: tuple[Float64Array, ...]
    """The outer ring, then the holes: each of shape (n, 2), n >= 4, closed, finite; x then y. Edges are straight in the
    plane of longitude and latitude; a polygon across the antimeridian goes on beyond 180, as in 170 to 190."""
    z: tuple[float, float] | None = None
    """Lowest and highest Z of the coordinates, where they have one."""


@dataclass(frozen=True, slots=True)
class Box:
    """A bounding box. `west > east` crosses the antimeridian where the CRS is geographic (RFC 7946, 5.2)."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """The vertices of one or more lines, in the order in which they were written."""

    x: Float64Array
    """Shape (n,), n >= 2, finite."""
    y: Float64Array
    z: Float64Array | None
    """Shape (n,), in units of the vertical axis; None without Z."""
    time_us: NDArray[np.int64] | None
    """Shape (n,), microseconds since 1970-01-01T00:00Z; None without M, which counts seconds since then."""
    starts: NDArray[np.int64]
    """Shape (lines,): index of the first vertex of each line; a LINESTRING has one."""

    def __len__(self) -> int:
        return int(self.x.size)
