"""The seam for kinds of horizontal grids: where -> cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zarr_edr.query.geometry import Box

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]


def all_of(flags: NDArray[np.bool_]) -> bool:
    """Whether all of some flags are set; of one, as a query for a point has, without what numpy takes for a reduction."""
    return bool(flags.item() if flags.size == 1 else flags.all())


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The cell of each of p positions."""

    inside: NDArray[np.bool_]
    """Shape (p,): False where the position is outside of the grid. Its indices are then valid, but mean nothing."""
    index: tuple[Int64Array, ...]
    """One array of shape (p,) for each of the grid's dimensions, in the order of `GridIndex.dims`."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A rectangle of cells: some rows and some columns of a grid, each with each."""

    index: tuple[Int64Array, Int64Array]
    """Storage indices along y, shape (ny,), and x, shape (nx,); neither is empty."""
    x: Float64Array
    """Shape (nx,), strictly monotonic: centres as stored; beyond 180 or below -180 where the window goes across the seam of
    the grid."""
    y: Float64Array
    """Shape (ny,), strictly monotonic: centres as stored."""
    x_edges: Float64Array
    """Shape (nx, 2): the lower and upper edge of each column, as `x` counts."""
    y_edges: Float64Array
    """Shape (ny, 2)."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.y.size), int(self.x.size)


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

    def window(self, box: Box) -> Window | None:
        """The cells that share more than an edge with a box, or the nearest cells to one without extent; None for none."""

    def sample(self, box: Box, columns: int | None, rows: int | None) -> Window | None:
        """The same at evenly spaced positions, `columns` from west to east and `rows` from south to north, ends included.

        The cell nearest to each, each once; None or 0: every cell along that axis.
        """

    def centre(self, index: tuple[Int64Array, ...]) -> tuple[Float64Array, Float64Array]:
        """X and y of the centres of cells, shapes (p,): doubles that print as the stored coordinates do."""
