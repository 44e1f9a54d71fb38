"""A query and a collection become a `ReadPlan`. Pure arithmetic, no I/O.

Each query type only says where: positions, a line, or windows of cells with what lies outside of them. Times, levels, members
and parameters are chosen alike for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from zarr_edr.dataset.model import Collection, Int64Array, Parameter, TimeAxis, VerticalAxis, group_by_axes
from zarr_edr.errors import InvalidCoords, InvalidParameterName, InvalidQuery, QueryTooLarge, ResponseTooLarge
from zarr_edr.grid import masks
from zarr_edr.grid.protocol import Float64Array, GridIndex, Window
from zarr_edr.plan import (
    AxisSelection,
    GroupPlan,
    LocatedPoints,
    MaskedWindow,
    PointShape,
    ReadPlan,
    plan_points,
    plan_window,
)
from zarr_edr.query.geometry import Path, Points, Polygon
from zarr_edr.query.model import (
    AreaQuery,
    CorridorQuery,
    CubeQuery,
    Level,
    LevelInterval,
    PositionQuery,
    Query,
    RadiusQuery,
    Selection,
    TrajectoryQuery,
    VerticalSelector,
)
from zarr_edr.select import nearest_levels, nearest_times, select_custom, select_levels, select_times


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """Where to look: positions, or a shape to cut out of the grid."""

    points: Points | Path | None = None
    shape: PointShape = PointShape.ONE
    window: Callable[[GridIndex], Window | None] | None = None
    mask: Callable[[Window, GridIndex], NDArray[np.bool_]] | None = None
    z: VerticalSelector | None = None
    """Levels of the geometry, where they count; None: those of the query's `z`."""
    levels: int | None = None
    """How many evenly spaced levels to take of those chosen."""


def plan(query: Query, collection: Collection) -> ReadPlan:
    """Plan a query. Raises `InvalidQuery` and its kinds, and `ResponseTooLarge`; an empty plan means that there are no data."""
    unknown = next((name for name in query.custom if name not in collection.custom_axes), None)
    if unknown is not None:
        known = sorted(collection.custom_axes)
        raise InvalidQuery(f"The collection has no dimension {unknown[:60]!r}; it has {known}.")
    groups = _chosen(query.parameters, collection)
    places = _places(query, collection)
    plans = (_plan_group(query, asked, collection, members) for members in groups for asked in places)
    return ReadPlan(tuple(found for found in plans if found is not None))


def _places(query: Query, collection: Collection) -> list[_Asked]:
    """Where a query looks: one place for each of its points, polygons or lines where one domain cannot hold them all."""
    match query:
        case PositionQuery():
            _check_count(len(query.points), collection)
            return [_Asked(points=query.points, shape=PointShape.MANY if query.points.multi else PointShape.ONE)]
        case TrajectoryQuery():
            _check_count(len(query.path), collection)
            return [_Asked(points=line, shape=PointShape.PATH) for line in _lines(query.path)]
        case RadiusQuery():
            _check_count(len(query.points), collection)
            return [_circle(query, index) for index in range(len(query.points))]
        case AreaQuery():
            return [_polygon(query, polygon) for polygon in query.polygons]
        case CubeQuery():
            return [_box(query)]
        case CorridorQuery():
            _check_count(len(query.path), collection)
            return [_corridor(query, line) for line in _lines(query.path)]
        case _:
            assert_never(query)


def _check_count(points: int, collection: Collection) -> None:
    allowed = collection.settings.limits.points
    if points > allowed:
        raise QueryTooLarge(f"The query has {points:,} points; {allowed:,} are allowed (limits.points).")


def _lines(path: Path) -> list[Path]:
    """Each line of a path as a path of its own."""
    ends = [*path.starts[1:].tolist(), len(path)]
    pieces = [slice(start, end) for start, end in zip(path.starts.tolist(), ends, strict=True)]
    first = np.zeros(1, dtype=np.int64)
    return [
        Path(
            path.x[piece],
            path.y[piece],
            None if path.z is None else path.z[piece],
            None if path.time_us is None else path.time_us[piece],
            first,
        )
        for piece in pieces
    ]


def _circle(query: RadiusQuery, index: int) -> _Asked:
    piece = slice(index, index + 1)
    x, y = query.points.x[piece], query.points.y[piece]
    at, metres = (float(x[0]), float(y[0])), query.within_m
    z = None
    if query.z is None and query.points.z is not None:
        z = (Level(float(query.points.z[index])),)
    return _Asked(
        window=lambda grid: grid.window(masks.around(*at, metres)),
        mask=lambda window, grid: masks.with_cells(masks.within(*at, metres, window), window, grid, x, y),
        z=z,
    )


def _polygon(query: AreaQuery, polygon: Polygon) -> _Asked:
    return _Asked(
        window=lambda grid: grid.window(masks.polygon_box(polygon)),
        mask=lambda window, _: masks.touched_by(polygon, window),
        z=None if polygon.z is None or query.z is not None else (LevelInterval(*polygon.z),),
    )


def _box(query: CubeQuery) -> _Asked:
    columns, rows = query.resolution.x, query.resolution.y
    return _Asked(window=lambda grid: grid.sample(query.box, columns, rows), levels=query.resolution.z)


def _corridor(query: CorridorQuery, line: Path) -> _Asked:
    half = query.width_m / 2
    box = masks.path_box(line, half)
    columns, rows = query.resolution.x, query.resolution.y
    z = None
    if query.height is not None and query.z is not None:
        z = tuple(_widened(member, query.height / 2) for member in query.z)
    elif query.height is not None and line.z is not None:
        z = (_widened(LevelInterval(float(line.z.min()), float(line.z.max())), query.height / 2),)
    return _Asked(
        window=lambda grid: grid.sample(box, columns, rows),
        mask=lambda window, grid: masks.with_cells(masks.near(line, half, window), window, grid, line.x, line.y),
        z=z,
        levels=query.resolution.z,
    )


def _widened(member: Level | LevelInterval, by: float) -> LevelInterval:
    low, high = (member.value, member.value) if isinstance(member, Level) else (member.low, member.high)
    return LevelInterval(None if low is None else low - by, None if high is None else high + by)


def _chosen(names: tuple[str, ...] | None, collection: Collection) -> tuple[tuple[Parameter, ...], ...]:
    """The parameters asked for, each once, or all, by the axes they share."""
    if names is None:
        return collection.groups
    for name in names:
        if name not in collection.parameters:
            known = ", ".join(list(collection.parameters)[:20])
            raise InvalidParameterName(
                f"parameter-name {name[:60]!r} is not one of this collection's parameters: {known}."
            )
    return group_by_axes(collection.parameters[name] for name in dict.fromkeys(names))


def _plan_group(
    query: Selection, asked: _Asked, collection: Collection, parameters: tuple[Parameter, ...]
) -> GroupPlan | None:
    """The plan for parameters on the same axes in one place, or None where nothing matches."""
    first, points = parameters[0], asked.points
    own_times = first.t is not None and isinstance(points, Path) and points.time_us is not None
    own_levels = first.z is not None and query.z is None and points is not None and points.z is not None
    t = z = None
    if first.t is not None and not own_times:
        t = AxisSelection(first.t, select_times(query.datetime, first.t, collection.settings.datetime))
    if first.z is not None and not own_levels:
        z = AxisSelection(first.z, _levels(query, asked, first.z))
    custom = tuple(AxisSelection(axis, select_custom(query.custom.get(axis.name), axis)) for axis in first.custom)
    chosen = {s.axis.dim: s.index for s in (*custom, t, z) if s is not None}
    if any(index.size == 0 for index in chosen.values()):
        return None
    if points is None:
        return _plan_window(asked, collection, parameters, chosen, (t, z, custom))
    located, pointwise = _locate(points, first, asked.shape, own_levels=own_levels, own_times=own_times)
    if not located.inside.any():
        return None
    reads = tuple(plan_points(parameter, chosen, pointwise, located.inside) for parameter in parameters)
    return GroupPlan(located, t, z, custom, reads)


def _plan_window(
    asked: _Asked,
    collection: Collection,
    parameters: tuple[Parameter, ...],
    chosen: Mapping[str, Int64Array],
    selections: tuple[AxisSelection[TimeAxis] | None, AxisSelection[VerticalAxis] | None, tuple],  # type: ignore[type-arg]
) -> GroupPlan | None:
    grid = parameters[0].grid
    window = None if asked.window is None else asked.window(grid)
    if window is None:
        return None
    planned = prod(window.shape) * prod(index.size for index in chosen.values()) * len(parameters)
    allowed = collection.settings.limits.cells
    if planned > allowed:  # before time is spent on finding out which of them are inside
        raise ResponseTooLarge(
            f"This query would return {planned:,} values; {allowed:,} are allowed (limits.cells)."
            " Ask for a smaller area, or for fewer times, levels or parameters at a time."
        )
    mask = None if asked.mask is None else asked.mask(window, grid)
    if mask is not None:
        if not mask.any():
            return None
        window, mask = _trimmed(window, mask)
    orthogonal = {**chosen, **dict(zip(grid.dims, window.index, strict=True))}
    reads = tuple(plan_window(parameter, orthogonal, mask) for parameter in parameters)
    return GroupPlan(MaskedWindow(window, mask), *selections, reads)


def _trimmed(window: Window, mask: NDArray[np.bool_]) -> tuple[Window, NDArray[np.bool_]]:
    """Without the rows and columns at the ends of which nothing was asked for."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    y, x = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    index_y, index_x = window.index
    trimmed = Window((index_y[y], index_x[x]), window.x[x], window.y[y], window.x_edges[x], window.y_edges[y])
    return trimmed, mask[y, x]


def _levels(query: Selection, asked: _Asked, axis: VerticalAxis) -> Int64Array:
    """Storage indices of the levels chosen: by `z`, else by the geometry, else all; then `resolution-z` of them."""
    index = select_levels(query.z if asked.z is None else asked.z, axis)
    if asked.z is not None and not index.size:
        index = _level_between(asked.z, axis)
    if not asked.levels or not index.size:
        return index
    levels = axis.float64[index]
    low, high = levels.min(), levels.max()
    wanted = np.linspace(low, high, asked.levels) if asked.levels > 1 else np.array([(low + high) / 2])
    # The nearest of those selected; of two, the greater.
    order = np.argsort(-levels, kind="stable")
    nearest = order[np.argmin(np.abs(wanted[:, None] - levels[order][None, :]), axis=1)]
    return index[np.unique(nearest)]


def _level_between(z: VerticalSelector, axis: VerticalAxis) -> Int64Array:
    """The level nearest to the middle of a range of Z that holds none, where it is within the axis."""
    interval = z[0]
    if len(z) > 1 or not isinstance(interval, LevelInterval) or interval.low is None or interval.high is None:
        return np.zeros(0, dtype=np.int64)
    inside, index = nearest_levels(np.array([(interval.low + interval.high) / 2]), axis)
    return index[inside]


def _locate(
    points: Points | Path, parameter: Parameter, shape: PointShape, *, own_levels: bool, own_times: bool
) -> tuple[LocatedPoints, Mapping[str, Int64Array]]:
    """Cells of the points, and the index of each on the pointwise dimensions, shape (p,)."""
    cells = parameter.grid.nearest(points.x, points.y)
    pointwise = dict(zip(parameter.grid.dims, cells.index, strict=True))
    inside, z, t = cells.inside, None, None
    if own_levels and parameter.z is not None and points.z is not None:
        within, level = nearest_levels(points.z, parameter.z)
        if isinstance(points, Path) and not within.all():
            raise InvalidCoords(_outside("Z", points.z, within, parameter.z.written))
        inside = inside & within
        pointwise[parameter.z.dim] = level
        z = _or_requested(parameter.z.written[level], points.z, inside)
    if own_times and parameter.t is not None and isinstance(points, Path) and points.time_us is not None:
        within, t = nearest_times(points.time_us, parameter.t)
        if not within.all():
            raise InvalidCoords(_outside("M", points.time_us / 1e6, within, parameter.t.sorted_us / 1e6))
        pointwise[parameter.t.dim] = t
    x, y = parameter.grid.centre(cells.index)
    x, y = _or_requested(x, points.x, inside), _or_requested(y, points.y, inside)
    return LocatedPoints(shape, inside, x, y, z, t), pointwise


def _outside(name: str, values: Float64Array, within: NDArray[np.bool_], axis: Float64Array) -> str:
    first = int(np.argmin(within))
    return (
        f"{name} of vertex {first + 1} is {values[first]:.15g}, outside of the collection's extent from {axis.min():.15g}"
        f" to {axis.max():.15g}."
    )


def _or_requested(used: Float64Array, requested: Float64Array, inside: NDArray[np.bool_]) -> Float64Array:
    """Coordinates of cells, with those asked for where there is no cell."""
    return used if inside.all() else np.where(inside, used, requested)
