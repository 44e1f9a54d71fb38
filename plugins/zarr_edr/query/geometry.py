"""Geometries of queries, as arrays. A value that exists here is finite and in range of its kind.

x is longitude or easting and y latitude or northing, always in this order, in the CRS of the query that holds them
(OGC 06-103r4, clause 6.1.2; axis order is settled at the edges, in `crs`).
"""

from __future__ import annotations

from dataclasses import dataclass

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
