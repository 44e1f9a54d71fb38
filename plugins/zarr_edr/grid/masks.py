"""Which cells of a window a polygon touches, or lie near a point or a path. Distances are on the WGS 84 ellipsoid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from zarr_edr.errors import InvalidCoords, ResponseTooLarge
from zarr_edr.grid.protocol import Float64Array, GridIndex, Int64Array, Window
from zarr_edr.grid.rectilinear import SAME_MERIDIAN
from zarr_edr.limits import Deadline
from zarr_edr.query.geometry import Box, Path, Polygon

Mask = NDArray[np.bool_]
"""Shape (ny, nx), or (nz, ny, nx) where levels differ from place to place."""

_GEOD = pyproj.Geod(ellps="WGS84")
_MEAN_RADIUS_M = 6_371_008.8
_SPHERE_ERROR = 0.01
"""Spherical distances differ from geodesic ones by less than this part."""
_POLE = 90.0
_BLOCK = 50_000
"""Cells looked at between looks at the clock."""
_MENDED_VERTICES = 100
"""Of a polygon whose rings cross themselves: mending took 0.3 s at 100 vertices that all cross, and grows without bound."""
_MOST_COMPARED = 50_000_000
"""Pairs of a cell and a piece of a path that are compared for one corridor: some 10 s of work."""
_LEAST_M = 1.0
"""Half the width of the boxes around points and paths, at least: a point on an edge must not fall between two cells."""
_METRES_PER_DEGREE = 110_500.0
"""Least length of a degree of latitude, rounded down, so that boxes around distances are never too small."""


def polygon_box(polygon: Polygon) -> Box:
    """The box around a polygon, not brought into any range: a polygon may go on beyond 180."""
    shell = polygon.rings[0]
    return Box(float(shell[:, 0].min()), float(shell[:, 1].min()), float(shell[:, 0].max()), float(shell[:, 1].max()))


def touched_by(polygon: Polygon, window: Window, deadline: Deadline) -> Mask:
    """Cells that share more than an edge with a polygon. Raises `InvalidCoords` where its rings make no polygon."""
    shape = _shape(polygon)
    shapely.prepare(shape)
    west, east = polygon.rings[0][:, 0].min(), polygon.rings[0][:, 0].max()
    found = np.zeros(window.shape, dtype=np.bool_)
    first, last = (
        int(np.floor((west - window.x_edges.max()) / 360.0)),
        int(np.ceil((east - window.x_edges.min()) / 360.0)),
    )
    for turn in range(first, last + 1):
        x = window.x_edges + 360.0 * turn
        columns = np.flatnonzero((x[:, 1] > west) & (x[:, 0] < east))
        for row in range(0, window.shape[0] if columns.size else 0, max(1, _BLOCK // max(1, columns.size))):
            deadline.check()
            rows = slice(row, row + max(1, _BLOCK // columns.size))
            found[rows, columns] |= _touched(shape, x[columns], window.y_edges[rows])
    return found


def _shape(polygon: Polygon) -> shapely.Geometry:
    """The polygon for GEOS. Rings that cross themselves are mended while they are few: that takes time beyond any measure."""
    shape = shapely.Polygon(polygon.rings[0], polygon.rings[1:])
    if shapely.is_valid(shape):
        return shape
    vertices = sum(len(ring) for ring in polygon.rings)
    if vertices > _MENDED_VERTICES:
        raise InvalidCoords(
            f"coords has a polygon of {vertices} vertices that is none: {shapely.is_valid_reason(shape)[:80]}."
        )
    return shapely.make_valid(shape, method="structure", keep_collapsed=False)


def _touched(shape: shapely.Geometry, x_edges: Float64Array, y_edges: Float64Array) -> Mask:
    boxes = shapely.box(x_edges[None, :, 0], y_edges[:, None, 0], x_edges[None, :, 1], y_edges[:, None, 1])
    found: Mask = shapely.intersects(shape, boxes)
    doubtful = found & ~shapely.contains_properly(shape, boxes)
    found[doubtful] = ~shapely.touches(shape, boxes[doubtful])
    return found


def around(x: float, y: float, metres: float) -> Box:
    """A box that holds all that is within a distance of a point."""
    degrees = max(metres, _LEAST_M) / _METRES_PER_DEGREE
    south, north = y - degrees, y + degrees
    if south <= -_POLE or north >= _POLE:
        return Box(x - 180.0, max(south, -_POLE), x + 180.0, min(north, _POLE))
    # The circle is widest in longitude beyond the parallel of its centre: sin(width) = sin(radius) / cos(latitude).
    ratio = np.sin(np.radians(min(degrees, 90.0))) / np.cos(np.radians(abs(y)))
    width = 180.0 if ratio >= 1 else float(np.degrees(np.arcsin(ratio)))
    return Box(x - width, south, x + width, north)


def within(x: float, y: float, metres: float, window: Window) -> Mask:
    """Cells whose centre is within a geodesic distance of a point."""
    centre_x, centre_y = np.meshgrid(window.x, window.y)
    _, _, distance = _GEOD.inv(np.full(centre_x.shape, x), np.full(centre_x.shape, y), centre_x, centre_y)
    return np.asarray(distance) <= metres


def with_cells(
    mask: Mask, window: Window, grid: GridIndex, x: Float64Array, y: Float64Array, levels: Mask | None = None
) -> Mask:
    """The mask and the cells that hold some positions, shapes (n,); of a mask of levels those in `levels`, shape (nz, n)."""
    cells = grid.nearest(x, y)
    used_x, used_y = grid.centre(cells.index)
    for number in np.flatnonzero(cells.inside):
        # By meridian, not by index: a store may hold one twice.
        columns = np.abs((window.x - used_x[number] + 180.0) % 360.0 - 180.0) < SAME_MERIDIAN
        chosen = np.ix_(window.y == used_y[number], columns)
        layers = [mask] if levels is None else [mask[level] for level in np.flatnonzero(levels[:, number])]
        for layer in layers:
            layer[chosen] = True
    return mask


def path_box(path: Path, metres: float) -> Box:
    """A box that holds all that is within a distance of the great circles between a line's vertices."""
    x = np.unwrap(path.x, period=360.0)
    degrees = max(metres, _LEAST_M) / _METRES_PER_DEGREE
    bulge = _bulge(x, path.y)
    south, north = float(path.y.min()) - degrees - bulge, float(path.y.max()) + degrees + bulge
    if south <= -_POLE or north >= _POLE:
        return Box(float(x.min()) - 180.0, max(south, -_POLE), float(x.min()) + 180.0, min(north, _POLE))
    ratio = np.sin(np.radians(min(degrees, 90.0))) / np.cos(np.radians(max(abs(south), abs(north))))
    width = 180.0 if ratio >= 1 else float(np.degrees(np.arcsin(ratio)))
    west, east = float(x.min()) - width, float(x.max()) + width
    return Box(west, south, min(east, west + 360.0), north)


def _bulge(x: Float64Array, y: Float64Array) -> float:
    """How far a great circle between neighbours may leave their range of latitudes, degrees."""
    steps = np.abs(np.diff(x))
    if not steps.size:
        return 0.0
    half = np.radians(np.minimum(steps.max(), 180.0) / 2)
    top = np.radians(min(float(np.abs(y).max()), 89.999))
    return float(np.degrees(np.arctan(np.tan(top) / max(np.cos(half), 1e-9))) - np.degrees(top))


@dataclass(frozen=True, slots=True, eq=False)
class Tube:
    """The levels of a corridor that goes up and down."""

    levels: Float64Array
    """Shape (nz,)."""
    half_height: float
    """In the unit of the levels."""

    def around(self, z: Float64Array) -> Mask:
        """Which levels are within half the height of `z`, shape (...): shape (nz, ...)."""
        return np.abs(self.levels.reshape(-1, *(1,) * z.ndim) - z) <= self.half_height


def near(path: Path, metres: float, window: Window, deadline: Deadline, tube: Tube | None = None) -> Mask:
    """Cells whose centre is within a geodesic distance of the great circles between a line's vertices.

    With a `tube`, the levels that are within half its height of the path there, too: shape (nz, ny, nx). Raises
    `ResponseTooLarge` where the line is so long and winding that finding out would take too much.
    """
    found = np.zeros(window.shape if tube is None else (tube.levels.size, *window.shape), dtype=np.bool_)
    compared = 0
    for start in range(len(path) - 1):
        deadline.check()
        piece = slice(start, start + 2)
        x, y = path.x[piece], path.y[piece]
        rows, columns = _reach(x, y, metres, window)
        compared += rows.size * columns.size
        if compared > _MOST_COMPARED:
            raise ResponseTooLarge(
                "The corridor is too long and too wide to find its cells; ask for a shorter or simpler line."
            )
        if not rows.size or not columns.size:
            continue
        centre_x, centre_y = np.meshgrid(window.x[columns], window.y[rows])
        close, part = _near_arc(x, y, metres, centre_x, centre_y)
        if tube is not None and path.z is not None:
            close = close & tube.around(path.z[start] + part * (path.z[start + 1] - path.z[start]))
        found[..., rows[:, None], columns] |= close
    return found


def _reach(x: Float64Array, y: Float64Array, metres: float, window: Window) -> tuple[Int64Array, Int64Array]:
    """Rows and columns of a window that may lie within a distance of one arc."""
    box = path_box(Path(x, y, None, None, np.zeros(1, dtype=np.int64)), metres)
    rows = np.flatnonzero((window.y >= box.south) & (window.y <= box.north))
    middle, half = (box.west + box.east) / 2, (box.east - box.west) / 2
    columns = np.flatnonzero(np.abs((window.x - middle + 180.0) % 360.0 - 180.0) <= half + SAME_MERIDIAN)
    return rows, columns


def _near_arc(
    x: Float64Array, y: Float64Array, metres: float, centre_x: Float64Array, centre_y: Float64Array
) -> tuple[Mask, Float64Array]:
    """Positions within a distance of one arc, and which part of it, 0 to 1, lies before what is nearest to each.

    By the sphere where that is certain, by the geodesic where it is close.
    """
    start, end = _unit(x, y)
    centres = _unit(centre_x, centre_y)
    nearest = _nearest_on_arc(start, end, centres)
    distance = _MEAN_RADIUS_M * _angle(centres, nearest)
    found: Mask = distance <= metres
    close = np.abs(distance - metres) <= _SPHERE_ERROR * metres
    if close.any():
        near_x = np.degrees(np.arctan2(nearest[close][:, 1], nearest[close][:, 0]))
        near_y = np.degrees(np.arcsin(np.clip(nearest[close][:, 2], -1, 1)))
        _, _, exact = _GEOD.inv(near_x, near_y, centre_x[close], centre_y[close])
        found[close] = np.asarray(exact) <= metres
    length = float(_angle(start, end))
    return found, _angle(nearest, start) / length if length > 0 else np.zeros(distance.shape)


def _angle(a: Float64Array, b: Float64Array) -> Float64Array:
    """Radians between points of the unit sphere, shapes (..., 3)."""
    return np.asarray(2 * np.arcsin(np.clip(np.linalg.norm(a - b, axis=-1) / 2, 0, 1)))


def _unit(x: Float64Array, y: Float64Array) -> Float64Array:
    """Points of the unit sphere, shape (..., 3), of longitudes and latitudes in degrees."""
    longitude, latitude = np.radians(x), np.radians(y)
    return np.stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], axis=-1
    )


def _nearest_on_arc(start: Float64Array, end: Float64Array, points: Float64Array) -> Float64Array:
    """The point of the shorter great-circle arc from `start` to `end` that is nearest to each of `points`, shape (..., 3)."""
    normal = np.cross(start, end)
    length = float(np.linalg.norm(normal))
    to_start, to_end = points @ start, points @ end
    nearer_end = np.where((to_end > to_start)[..., None], end, start)
    if length < 1e-12:  # one place, or two opposite ones, between which there is no one arc
        return nearer_end
    normal = normal / length
    foot = points - (points @ normal)[..., None] * normal
    size = np.linalg.norm(foot, axis=-1, keepdims=True)
    foot = foot / np.maximum(size, 1e-15)
    between = (foot @ np.cross(normal, start) >= 0) & (foot @ np.cross(end, normal) >= 0) & (size[..., 0] > 1e-12)
    return np.where(between[..., None], foot, nearer_end)
