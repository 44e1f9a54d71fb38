"""Grids whose longitudes (or eastings) and latitudes (or northings) are each one-dimensional."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.dataset.packing import widen
from zarr_edr.errors import ConfigurationError
from zarr_edr.grid.protocol import Cells, Float64Array, Int64Array, Window
from zarr_edr.query.geometry import Box

_TURN = 360.0
_POLE = 90.0
LONE_CELL = 1.0
"""Width, in units of the axis, of the only cell of a grid, of which nothing tells how wide it is."""
SAME_MERIDIAN = 1e-4
"""Degrees by which a meridian may differ from itself a turn away: float32 knows 360 to 3e-5."""
_DIGITS = 9
"""Decimals of degrees, to which 350.8333 - 360 is -9.1667: a tenth of a millimetre."""
_OVERLAP = 1e-9
"""Part of a cell that a box must cover to touch it."""
_REGULAR_TOLERANCE = 1e-3
"""Largest deviation from even spacing, as a part of the step, at which a cell is still guessed by division."""


class AxisIndex:
    """Nearest-cell look-up on one strictly monotonic axis.

    A position belongs to the cell with the nearest centre, a tie to the greater coordinate; the first and last cell reach as
    far outwards as inwards, or to their bounds where the metadata give some.
    """

    def __init__(self, values: NDArray[Any], name: str, bounds: NDArray[Any] | None = None) -> None:
        self.values = values
        self.written = widen(values)
        self._descending = values.size > 1 and bool(values[0] > values[-1])
        ascending = values[::-1] if self._descending else values
        self._centres: Float64Array = ascending.astype(np.float64)
        steps = np.diff(self._centres)
        if not np.isfinite(self._centres).all() or (steps <= 0).any():
            raise ConfigurationError(
                f"Axis {name!r} is not strictly monotonic and finite; it cannot be used to find positions."
            )
        self.low, self.high = _edges(self._centres, bounds)
        self._inner_edges: Float64Array = (self._centres[1:] + self._centres[:-1]) / 2
        mean = steps.mean() if steps.size else 1.0
        self._regular = steps.size > 0 and bool(np.abs(steps - mean).max() <= _REGULAR_TOLERANCE * mean)
        self._list: list[float] = self._centres.tolist()
        self._first, self._per_step = float(self._centres[0]), float(1.0 / mean)

    @property
    def size(self) -> int:
        """Number of cells."""
        return int(self._centres.size)

    @property
    def regular(self) -> bool:
        """True for even spacing, where a cell is found by one division."""
        return self._regular

    def nearest(self, x: Float64Array) -> Int64Array:
        """Storage index of the nearest cell, shape (p,); positions beyond the ends get the end cell."""
        last = self.size - 1
        if last == 0:
            return np.zeros(x.shape, dtype=np.int64)
        if self._regular:
            left = np.floor((x - self._first) * self._per_step).clip(0, last - 1).astype(np.int64)
        else:
            left = (np.searchsorted(self._centres, x, side="right") - 1).clip(0, last - 1)
        # The division can be one cell off for a value within rounding of a centre: look at both neighbours of the guess.
        left = np.where(x < self._centres[left], np.maximum(left - 1, 0), left)
        left = np.where(x >= self._centres[left + 1], np.minimum(left + 1, last - 1), left)
        to_left, to_right = np.abs(x - self._centres[left]), np.abs(self._centres[left + 1] - x)
        index = np.where(to_right <= to_left, left + 1, left)
        return last - index if self._descending else index

    def edges(self) -> Float64Array:
        """Lower and upper edge of each cell, shape (n, 2), storage order."""
        ascending = np.concatenate([[self.low], self._inner_edges, [self.high]])
        pairs = np.column_stack([ascending[:-1], ascending[1:]])
        return pairs[::-1] if self._descending else pairs

    def touched(self, low: float, high: float) -> NDArray[np.bool_]:
        """Which cells share more than an edge with an interval, shape (n,), storage order; for a point, the nearest cell."""
        if low == high:
            found = np.zeros(self.size, dtype=np.bool_)
            found[self.nearest_one(low)] = self.low <= low <= self.high
            return found
        edges = self.edges()
        # A box that was computed from edges misses them by rounding; that is no overlap.
        slack = _OVERLAP * (edges[:, 1] - edges[:, 0])
        return (edges[:, 1] - slack > low) & (edges[:, 0] + slack < high)

    def nearest_one(self, x: float) -> int:
        """The same for one position, without numpy: its fixed cost would be most of a small request."""
        last = self.size - 1
        left = min(max(bisect_right(self._list, x) - 1, 0), max(last - 1, 0))
        right = min(left + 1, last)
        index = right if abs(self._list[right] - x) <= abs(x - self._list[left]) else left
        return last - index if self._descending else index


def _unrolled(longitudes: NDArray[Any]) -> NDArray[Any]:
    """Longitudes that run on where the stored ones start again, as 350, 0, 10 do; others as they are."""
    if longitudes.size < 3 or longitudes.dtype.kind not in "fiu":
        return longitudes
    steps = np.diff(longitudes.astype(np.float64))
    jumps = np.flatnonzero(np.sign(steps) != np.sign(np.median(steps)))
    if jumps.size != 1 or abs(steps[jumps[0]]) < _TURN / 2:
        return longitudes
    written = widen(longitudes)
    written[int(jumps[0]) + 1 :] += _TURN * np.sign(np.median(steps))
    return written


def _positions(
    low: float, high: float, count: int | None, edges: Float64Array, centres: Float64Array, turn: float | None
) -> Int64Array:
    """Which of a window's columns (or rows) evenly spaced positions fall on, in order, each once; all without a count."""
    if not count:
        return np.arange(centres.size)
    wanted = np.linspace(low, high, count) if count > 1 else np.array([(low + high) / 2])
    if turn is not None:
        start = edges.min()
        wanted = start + np.mod(wanted - start, turn)
    inside = np.sort(wanted[(wanted >= edges.min()) & (wanted <= edges.max())])
    rising = centres.size < 2 or centres[0] < centres[-1]
    ascending = centres if rising else centres[::-1]
    right = np.minimum(np.searchsorted(ascending, inside), centres.size - 1)
    left = np.maximum(right - 1, 0)
    nearest = np.unique(np.where(np.abs(ascending[right] - inside) <= np.abs(inside - ascending[left]), right, left))
    return nearest if rising else np.sort(centres.size - 1 - nearest)


def _edges(centres: Float64Array, bounds: NDArray[Any] | None) -> tuple[float, float]:
    """Outer edges of the first and last cell of ascending centres."""
    if bounds is not None and np.isfinite(bounds).all():
        low, high = float(bounds.min()), float(bounds.max())
        if low <= centres[0] and high >= centres[-1]:
            return low, high
    if centres.size == 1:
        return float(centres[0]), float(centres[0])
    return float(1.5 * centres[0] - 0.5 * centres[1]), float(1.5 * centres[-1] - 0.5 * centres[-2])


class RectilinearGrid:
    """A `GridIndex` over two one-dimensional axes; longitudes wrap, and any longitude at a pole is the pole."""

    def __init__(
        self,
        x: NDArray[Any],
        y: NDArray[Any],
        *,
        x_dim: str,
        y_dim: str,
        geographic: bool,
        x_bounds: NDArray[Any] | None = None,
        y_bounds: NDArray[Any] | None = None,
    ) -> None:
        self.x_dim, self.y_dim, self.geographic = x_dim, y_dim, geographic
        self._x_stored = widen(x)
        self.x, self.y = AxisIndex(_unrolled(x) if geographic else x, x_dim, x_bounds), AxisIndex(y, y_dim, y_bounds)
        self._widen_single(self.x, self.y)
        self._widen_single(self.y, self.x)
        if geographic:
            self.y.low, self.y.high = max(self.y.low, -_POLE), min(self.y.high, _POLE)
        # Spacing stored as float32 makes 360 cells cover 359.99998 degrees: that is the whole circle, too.
        gap = _TURN - (self.x.high - self.x.low)
        self._first_column = int(np.argmin(self.x.values))
        self.wraps = geographic and gap < 0.01 * (self.x.high - self.x.low) / self.x.size

    @staticmethod
    def _widen_single(axis: AxisIndex, other: AxisIndex) -> None:
        """Give the only cell of an axis the other axis's cell size, since nothing else is known of its width."""
        if axis.size == 1 and axis.low == axis.high and other.size > 1:
            half = (other.high - other.low) / other.size / 2
            axis.low, axis.high = axis.low - half, axis.high + half
        elif axis.size == 1 and axis.low == axis.high:
            axis.low, axis.high = axis.low - LONE_CELL / 2, axis.high + LONE_CELL / 2

    @property
    def dims(self) -> tuple[str, ...]:
        """Y before x, as most stores have them; a parameter's own order is in its `dims`."""
        return (self.y_dim, self.x_dim)

    @property
    def shape(self) -> tuple[int, ...]:
        """Cells along y and x."""
        return (self.y.size, self.x.size)

    @property
    def bbox(self) -> tuple[float, float, float, float]:
        """Outer edges of the cells, see `GridIndex.bbox`."""
        if not self.geographic:
            return (self.x.low, self.y.low, self.x.high, self.y.high)
        west, east = (-180.0, 180.0) if self.wraps else (_wrap(self.x.low), _wrap(self.x.high))
        if east == -180.0:
            east = 180.0
        return (west, self.y.low, east, self.y.high)

    def nearest(self, x: Float64Array, y: Float64Array) -> Cells:
        """See `GridIndex.nearest`."""
        if x.size == 1:
            return self._nearest_one(float(x[0]), float(y[0]))
        inside_y = (y >= self.y.low) & (y <= self.y.high)
        if self.geographic:
            x = np.where(np.abs(y) == _POLE, 0.0, x)  # one place, one value
        if not self.geographic:
            inside = inside_y & (x >= self.x.low) & (x <= self.x.high)
            return Cells(inside, (self.y.nearest(y), self.x.nearest(x)))
        x = self._into_range(x)
        index_x = self.x.nearest(x)
        inside_x = x <= self.x.high
        if self.wraps:
            index_x = self._across_the_seam(x, index_x)
            inside_x = np.ones_like(inside_y)
        return Cells(inside_y & (inside_x | (np.abs(y) == _POLE)), (self.y.nearest(y), index_x))

    def _nearest_one(self, x: float, y: float) -> Cells:
        inside = self.y.low <= y <= self.y.high
        if self.geographic and abs(y) == _POLE:
            x = 0.0
        if self.geographic and not self.x.low <= x < self.x.low + _TURN:
            x = self.x.low + (x - self.x.low) % _TURN
            if x >= self.x.low + _TURN:  # rounding
                x = self.x.low
        index_x = self.x.nearest_one(x)
        if self.wraps:
            first = self._first_column
            if abs(float(self.x.values[first]) + _TURN - x) <= abs(float(self.x.values[index_x]) - x):
                index_x = first
        elif not (self.geographic and abs(y) == _POLE):
            inside = inside and self.x.low <= x <= self.x.high
        index = (np.array([self.y.nearest_one(y)]), np.array([index_x]))
        return Cells(np.array([inside]), index)

    def _into_range(self, x: Float64Array) -> Float64Array:
        """The same meridians, within one turn of the west edge; values that are there already keep every bit."""
        low = self.x.low
        there = (x >= low) & (x < low + _TURN)
        if there.all():
            return x
        moved = low + np.mod(x - low, _TURN)
        return np.where(there, x, np.where(moved >= low + _TURN, low, moved))

    def _across_the_seam(self, x: Float64Array, index: Int64Array) -> Int64Array:
        """Compare the nearest cell with the first one seen a turn further east; a tie goes east."""
        first = self._first_column
        to_first = np.abs(float(self.x.values[first]) + _TURN - x)
        to_cell = np.abs(self.x.values.astype(np.float64)[index] - x)
        return np.where(to_first <= to_cell, first, index)

    def window(self, box: Box) -> Window | None:
        """See `GridIndex.window`."""
        return self._window(self._columns(box.west, box.east), self._rows(box.south, box.north))

    def sample(self, box: Box, columns: int | None, rows: int | None) -> Window | None:
        """See `GridIndex.sample`."""
        window = self.window(box)
        if window is None or not (columns or rows):
            return window
        east = box.east + _TURN if self.geographic and box.west > box.east else box.east
        keep_x = _positions(box.west, east, columns, window.x_edges, window.x, _TURN if self.geographic else None)
        keep_y = _positions(box.south, box.north, rows, window.y_edges, window.y, None)
        if not keep_x.size or not keep_y.size:
            return None
        index_y, index_x = window.index
        return Window(
            (index_y[keep_y], index_x[keep_x]),
            window.x[keep_x],
            window.y[keep_y],
            window.x_edges[keep_x],
            window.y_edges[keep_y],
        )

    def _rows(self, south: float, north: float) -> tuple[Int64Array, Float64Array]:
        index = np.flatnonzero(self.y.touched(south, north))
        return index, np.zeros(index.size)

    def _columns(self, west: float, east: float) -> tuple[Int64Array, Float64Array]:
        """Storage indices of columns in a box, from west to east in the direction of storage, and what to add to each x."""
        if not self.geographic:
            index = np.flatnonzero(self.x.touched(west, east))
            return index, np.zeros(index.size)
        if west > east:
            east += _TURN
        turns = np.full(self.x.size, np.nan)
        first = int(np.floor((west - self.x.high) / _TURN))
        for turn in range(first, first + 3):
            there = self.x.touched(west - turn * _TURN, min(east, west + _TURN) - turn * _TURN)
            turns[there & np.isnan(turns)] = turn
        index = np.flatnonzero(~np.isnan(turns))
        chosen = turns[index]
        if not index.size or not self.wraps or index.size == self.x.size or (chosen == chosen[0]).all():
            return index, np.zeros(index.size)
        shift = chosen * _TURN
        # A store may hold one meridian twice, as 0 and as 360.
        shifted = self.x.written[index] + shift
        order = np.argsort(shifted, kind="stable")
        order = order[np.append(True, np.diff(shifted[order]) > SAME_MERIDIAN)]
        if self.x.written[0] > self.x.written[-1]:
            order = order[::-1]
        return index[order], shift[order]

    def _window(self, columns: tuple[Int64Array, Float64Array], rows: tuple[Int64Array, Float64Array]) -> Window | None:
        (index_x, shift), (index_y, _) = columns, rows
        if not index_x.size or not index_y.size:
            return None
        return Window(
            (index_y, index_x),
            np.where(shift == 0, self.x.written[index_x], np.round(self.x.written[index_x] + shift, _DIGITS)),
            self.y.written[index_y],
            self.x.edges()[index_x] + shift[:, None],
            self.y.edges()[index_y],
        )

    def centre(self, index: tuple[Int64Array, ...]) -> tuple[Float64Array, Float64Array]:
        """See `GridIndex.centre`."""
        return self._x_stored[index[1]], self.y.written[index[0]]


def _wrap(longitude: float) -> float:
    """The same meridian within -180..180, eastern end excluded; a longitude already there is kept."""
    return longitude if -180.0 <= longitude < 180.0 else (longitude + 180.0) % _TURN - 180.0
