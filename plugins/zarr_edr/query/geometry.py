"""Geometries of queries, as arrays. A value that exists here is finite and in range of its kind.

x is longitude or easting and y latitude or northing, always in this order, in the CRS of the query that holds them
(OGC 06-103r4, clause 6.1.2; axis order is settled at the edges, in `crs`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]


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
