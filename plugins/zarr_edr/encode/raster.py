"""A window of a grid as a raster: north up, evenly spaced, placed by the outer edges of its cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.dataset.model import HorizontalCrs
from zarr_edr.errors import InvalidFormat
from zarr_edr.grid.protocol import GridIndex
from zarr_edr.query.geometry import Box, Float64Array

_TOLERANCE = 0.01
"""Of a cell. Coordinates that are kept as float32 are less than that off, in grids of a hundredth of a degree."""
_TURN = 360.0

Edges = tuple[float, float]
"""Lower and upper edge of the first cell."""


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """Where the pixels are."""

    west: float
    """Outer edge of the first column, in units of the CRS, as all of these."""
    north: float
    """Outer edge of the first row."""
    width: float
    """Of a column, positive."""
    height: float
    """Of a row, positive."""
    columns: NDArray[np.int64]
    """Shape (nx,): indices into the axis as it was answered, from west to east."""
    rows: NDArray[np.int64]
    """Shape (ny,): the same from north to south."""

    def arranged(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values, shape (..., ny, nx) as answered, north up."""
        return values[..., self.rows[:, None], self.columns]


def raster_of(x: Float64Array, y: Float64Array, crs: HorizontalCrs, grid: GridIndex) -> Raster:
    """The raster of a window with these centres, shapes (nx,) and (ny,). `grid`, in degrees, tells how wide a lone cell is.

    Longitudes go on to -180..180 where the window allows. Raises `InvalidFormat` where rows or columns are not evenly spaced.
    """
    lone = _edges_of_lone(x, y, crs, grid) if 1 in (x.size, y.size) else (None, None)
    moved = _on_half_turns(x) if crs.geographic else x
    columns, rows = np.argsort(moved, kind="stable"), np.argsort(-y, kind="stable")
    west, width = _spacing(moved[columns], lone[0], "columns", crs)
    south, height = _spacing(y[rows[::-1]], lone[1], "rows", crs)
    return Raster(west, south + height * y.size, width, height, columns, rows)


def _edges_of_lone(x: Float64Array, y: Float64Array, crs: HorizontalCrs, grid: GridIndex) -> tuple[Edges, Edges]:
    """Edges of the first column and row, relative to their centres: of use where there is one only."""
    window = grid.window(Box(x[0], y[0], x[0], y[0])) if crs.geographic else None
    if window is None:
        raise InvalidFormat(
            "A GeoTIFF in this CRS needs two columns and two rows of cells, and this answer has one; ask for a larger area, or"
            " without crs."
        )
    (left, right), (low, high) = window.x_edges[0] - window.x[0], window.y_edges[0] - window.y[0]
    return (float(left), float(right)), (float(low), float(high))


def _on_half_turns(x: Float64Array) -> Float64Array:
    """Longitudes within -180..180 where these are all around the globe, or within it at some turn; else as they are."""
    step = abs(float(x[-1] - x[0])) / max(x.size - 1, 1)
    if abs(step * x.size - _TURN) < _TOLERANCE * step:
        wrapped: Float64Array = np.mod(x + _TURN / 2, _TURN) - _TURN / 2
        return wrapped
    turns = np.array([0.0, -_TURN, _TURN, -2 * _TURN, 2 * _TURN])
    fits = (x.min() + turns >= -_TURN / 2) & (x.max() + turns <= _TURN / 2)
    return x + float(turns[int(np.argmax(fits))])


def _spacing(centres: Float64Array, lone: Edges | None, what: str, crs: HorizontalCrs) -> tuple[float, float]:
    """Outer edge and width of the cells of an ascending axis."""
    first, count = float(centres[0]), centres.size
    if count == 1 and lone is not None:
        return first + lone[0], lone[1] - lone[0]
    step = float(centres[-1] - first) / (count - 1)
    if (np.abs(first + step * np.arange(count) - centres) > _TOLERANCE * step).any():
        way = "NetCDF" if crs.geographic else "NetCDF, or without crs"
        raise InvalidFormat(
            f"A GeoTIFF needs evenly spaced cells, and the {what} of this answer are not; ask for {way}, which can hold them."
        )
    return first - step / 2, step
