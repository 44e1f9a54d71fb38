"""The seam for kinds of horizontal grids: where -> cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The cell of each of p positions."""

    inside: NDArray[np.bool_]
    """Shape (p,): False where the position is outside of the grid. Its indices are then valid, but mean nothing."""
    index: tuple[Int64Array, ...]
    """One array of shape (p,) for each of the grid's dimensions, in the order of `GridIndex.dims`."""


class GridIndex(Protocol):
    """A horizontal grid. Immutable; no method reads the store."""

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the horizontal dimensions, e.g. `("lat", "lon")`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of cells along each of `dims`."""

    @property
    def bbox(self) -> tuple[float, float, float, float]:
        """Outer edges of the cells: x min, y min, x max, y max.

        Longitudes are within -180..180 where the CRS is geographic; x min > x max then means that the grid crosses the
        antimeridian (RFC 7946, 5.2).
        """

    def nearest(self, x: Float64Array, y: Float64Array) -> Cells:
        """The cell whose centre is nearest to each position, shapes (p,).

        The grid ends half a cell beyond its outermost centres. Ties go to the greater coordinate.
        """

    def centre(self, index: tuple[Int64Array, ...]) -> tuple[Float64Array, Float64Array]:
        """X and y of the centres of cells, shapes (p,): doubles that print as the stored coordinates do."""
