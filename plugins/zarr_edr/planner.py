"""A query and a collection become a `ReadPlan`. Pure arithmetic, no I/O.

Each query type only says where: positions, a line, or windows of cells with what lies outside of them. Times, levels, members
and parameters are chosen alike for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from zarr_edr.dataset.model import Collection, CustomAxis, Int64Array, Parameter, TimeAxis, VerticalAxis, group_by_axes
from zarr_edr.errors import InvalidCoords, InvalidParameterName, InvalidQuery, QueryTooLarge, ResponseTooLarge
from zarr_edr.grid import masks
from zarr_edr.grid.protocol import Float64Array, GridIndex, Window, all_of
from zarr_edr.limits import Deadline, Limits
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
from zarr_edr.settings import DatetimeMatch


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """Where to look: positions, or a shape to cut out of the grid."""

    points: Points | Path | None = None
    shape: PointShape = PointShape.ONE
    path: Path | None = None
    """A line whose Z must be within the vertical extent, though it is no list of positions."""
    window: Callable[[GridIndex], Window | None] | None = None
    mask: Callable[[Window, GridIndex, Float64Array, Deadline], NDArray[np.bool_]] | None = None
    """Of a window and the levels chosen, shape (nz,) or none: shape (ny, nx) or (nz, ny, nx)."""
    z: VerticalSelector | None = None
    """Levels of the geometry, where they count; None: those of the query's `z`."""
    nearest_z: bool = False
    """Whether the level nearest to the middle of `z` will do, where none is within."""
    span_us: tuple[int, int] | None = None
    """Times of the geometry, first and last."""
    levels: int | None = None
    """How many evenly spaced levels to take of those chosen."""


def plan(query: Query, collection: Collection, deadline: Deadline) -> ReadPlan:
    """Plan a query. Raises `InvalidQuery` and its kinds, and `ResponseTooLarge`; an empty plan means that there are no data."""
    unknown = next((name for name in query.custom if name not in collection.custom_axes), None)
    if unknown is not None:
        known = sorted(collection.custom_axes)
        raise InvalidQuery(f"The collection has no dimension {unknown[:60]!r}; it has {known}.")
    groups = _chosen(query.parameters, collection)
    places = _places(query, collection)
    budget = _Budget(collection.settings.limits, deadline)
    # All windows, which cost next to nothing, before the first mask, which may cost a lot.
    asked = [(members, place) for members in groups for place in enumerate(places)]
    drafts = [(place, _draft(query, where, collection, members, budget)) for members, (place, where) in asked]
    plans = [(place, draft()) for place, draft in drafts if draft is not None]
    groups_planned = (replace(found, place=place) if place else found for place, found in plans if found is not None)
    return ReadPlan(tuple(groups_planned), len(places))


@dataclass(slots=True, eq=False)
class _Budget:
    """What may still be planned."""

    limits: Limits
    deadline: Deadline
    cells: int = 0
    places: int = 0

    def spend(self, cells: int) -> None:
        """Take note of one place. Raises `ResponseTooLarge` where all are too many, `DeadlineExceeded` where it is late."""
        self.cells += cells
        self.places += 1
        for count, allowed, what, key in (
            (self.cells, self.limits.cells, "values", "cells"),
            (self.places, self.limits.coverages, "coverages", "coverages"),
        ):
            if count > allowed:
                raise ResponseTooLarge(
                    f"This query would return {count:,} {what} or more; {allowed:,} are allowed (limits.{key})."
                    " Ask for a smaller area, or for fewer places, times, levels or parameters at a time."
                )
        if self.places % 100 == 0:
            self.deadline.check()


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
        mask=lambda window, grid, *_: masks.with_cells(masks.within(*at, metres, window), window, grid, x, y),
        z=z,
    )


def _polygon(query: AreaQuery, polygon: Polygon) -> _Asked:
    return _Asked(
        window=lambda grid: grid.window(masks.polygon_box(polygon)),
        mask=lambda window, _, __, deadline: masks.touched_by(polygon, window, deadline),
        nearest_z=True,
        z=None if polygon.z is None or query.z is not None else (LevelInterval(*polygon.z),),
    )


def _box(query: CubeQuery) -> _Asked:
    columns, rows = query.resolution.x, query.resolution.y
    return _Asked(window=lambda grid: grid.sample(query.box, columns, rows), levels=query.resolution.z)


def _corridor(query: CorridorQuery, line: Path) -> _Asked:
    half = query.width_m / 2
    box = masks.path_box(line, half)
    columns, rows = query.resolution.x, query.resolution.y
    z, half_height = None, None
    if query.height is not None and query.z is not None:
        z = tuple(_widened(member, query.height / 2) for member in query.z)
    elif query.height is not None and line.z is not None:
        half_height = query.height / 2
        z = (_widened(LevelInterval(float(line.z.min()), float(line.z.max())), half_height),)

    def mask(window: Window, grid: GridIndex, levels: Float64Array, deadline: Deadline) -> NDArray[np.bool_]:
        if half_height is None or line.z is None or not levels.size:
            return masks.with_cells(masks.near(line, half, window, deadline), window, grid, line.x, line.y)
        tube = masks.Tube(levels, half_height)
        found = masks.near(line, half, window, deadline, tube)
        return masks.with_cells(found, window, grid, line.x, line.y, tube.around(line.z))

    span = None if line.time_us is None else (int(line.time_us.min()), int(line.time_us.max()))
    return _Asked(
        path=line,
        window=lambda grid: grid.sample(box, columns, rows),
        mask=mask,
        z=z,
        levels=query.resolution.z,
        span_us=span,
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


_Draft = Callable[[], GroupPlan | None]
"""The rest of planning one place, to be done when all are known to be within the limits."""


def _draft(
    query: Selection, asked: _Asked, collection: Collection, parameters: tuple[Parameter, ...], budget: _Budget
) -> _Draft | None:
    """The plan for parameters on the same axes in one place, or None where nothing matches."""
    first, points = parameters[0], asked.points
    own_times = first.t is not None and isinstance(points, Path) and points.time_us is not None
    own_levels = first.z is not None and query.z is None and points is not None and points.z is not None
    t = z = None
    if first.t is not None and not own_times:
        t = AxisSelection(first.t, _times(query, asked, first.t, collection.settings.datetime))
    if first.z is not None and asked.path is not None and asked.path.z is not None:
        _check_levels(asked.path.z, first.z)
    if first.z is not None and not own_levels:
        z = AxisSelection(first.z, _levels(query, asked, first.z))
    custom = tuple(AxisSelection(axis, select_custom(query.custom.get(axis.name), axis)) for axis in first.custom)
    indices = {s.axis.dim: s.index for s in (*custom, t, z) if s is not None}
    values = prod([index.size for index in indices.values()]) * len(parameters)
    if not values:
        return None
    chosen = _Chosen(t, z, custom, indices)
    if points is not None:
        budget.spend(values * len(points))
        return partial(_plan_points, points, asked.shape, parameters, chosen, (own_levels, own_times))
    window = None if asked.window is None else asked.window(first.grid)
    if window is None:
        return None
    budget.spend(values * prod(window.shape))
    return partial(_plan_window, window, asked, parameters, chosen, budget.deadline)


@dataclass(frozen=True, slots=True, eq=False)
class _Chosen:
    """What was chosen on the axes that are not horizontal."""

    t: AxisSelection[TimeAxis] | None
    z: AxisSelection[VerticalAxis] | None
    custom: tuple[AxisSelection[CustomAxis], ...]
    indices: Mapping[str, Int64Array]
    """Dimension -> storage indices, in the order of the answer."""


def _plan_points(
    points: Points | Path, shape: PointShape, parameters: tuple[Parameter, ...], chosen: _Chosen, own: tuple[bool, bool]
) -> GroupPlan | None:
    """The plan for positions, which have their `own` levels and times or not."""
    located, pointwise = _locate(points, parameters[0], shape, own_levels=own[0], own_times=own[1])
    inside = located.inside
    if not (inside[0] or inside.any()):
        return None
    reads = tuple([plan_points(parameter, chosen.indices, pointwise, inside) for parameter in parameters])
    return GroupPlan(located, chosen.t, chosen.z, chosen.custom, reads)


def _plan_window(
    window: Window, asked: _Asked, parameters: tuple[Parameter, ...], chosen: _Chosen, deadline: Deadline
) -> GroupPlan | None:
    """The plan for a rectangle of cells and what is wanted of it."""
    grid, mask = parameters[0].grid, None
    deadline.check()
    if asked.mask is not None:
        levels = np.zeros(0) if chosen.z is None else chosen.z.axis.float64[chosen.z.index]
        mask = asked.mask(window, grid, levels, deadline)
        if not mask.any():
            return None
        window, mask = _trimmed(window, mask)
    orthogonal = {**chosen.indices, **dict(zip(grid.dims, window.index, strict=True))}
    reads = tuple(plan_window(parameter, orthogonal, mask) for parameter in parameters)
    return GroupPlan(MaskedWindow(window, mask), chosen.t, chosen.z, chosen.custom, reads)


def _trimmed(window: Window, mask: NDArray[np.bool_]) -> tuple[Window, NDArray[np.bool_]]:
    """The window from the first row and column with a wanted cell to the last."""
    cells = mask.any(axis=0) if mask.ndim == 3 else mask
    rows, columns = (np.flatnonzero(cells.any(axis=axis)) for axis in (1, 0))
    y, x = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    index_y, index_x = window.index
    trimmed = Window((index_y[y], index_x[x]), window.x[x], window.y[y], window.x_edges[x], window.y_edges[y])
    return trimmed, mask[..., y, x]


def _levels(query: Selection, asked: _Asked, axis: VerticalAxis) -> Int64Array:
    """Storage indices of the levels chosen: by `z`, else by the geometry, else all; then `resolution-z` of them."""
    index = select_levels(query.z if asked.z is None else asked.z, axis)
    if asked.nearest_z and asked.z is not None and not index.size:
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
        if isinstance(points, Path):
            _check_levels(points.z, parameter.z)
        within, level = nearest_levels(points.z, parameter.z)
        inside = inside & within
        pointwise[parameter.z.dim] = level
        z = parameter.z.written[level]
        z = z if all_of(inside) else np.where(inside, z, points.z)
    if own_times and parameter.t is not None and isinstance(points, Path) and points.time_us is not None:
        within, t = nearest_times(points.time_us, parameter.t)
        if not within.all():
            raise InvalidCoords(_outside("M", points.time_us / 1e6, within, parameter.t.sorted_us / 1e6))
        pointwise[parameter.t.dim] = t
    x, y = parameter.grid.centre(cells.index)
    if not all_of(inside):  # those asked for where there is no cell
        x, y = np.where(inside, x, points.x), np.where(inside, y, points.y)
    return LocatedPoints(shape, inside, x, y, z, t), pointwise


def _times(query: Selection, asked: _Asked, axis: TimeAxis, match: DatetimeMatch) -> Int64Array:
    """Storage indices of the times chosen: from the first M of a corridor's path to the last, else by `datetime`."""
    if asked.span_us is None:
        return select_times(query.datetime, axis, match)
    ends = np.array(asked.span_us)
    within, index = nearest_times(ends, axis)
    if not within.all():
        raise InvalidCoords(_outside("M", ends / 1e6, within, axis.sorted_us / 1e6))
    first, last = axis.us[index]
    times = axis.sorted_us
    chosen: Int64Array = axis.order[(times >= first) & (times <= last)]
    return chosen


def _check_levels(z: Float64Array, axis: VerticalAxis) -> None:
    within, _ = nearest_levels(z, axis)
    if not within.all():
        raise InvalidCoords(_outside("Z", z, within, axis.written))


def _outside(name: str, values: Float64Array, within: NDArray[np.bool_], axis: Float64Array) -> str:
    first = int(np.argmin(within))
    return (
        f"{name} of vertex {first + 1} is {values[first]:.15g}, outside of the collection's extent from {axis.min():.15g}"
        f" to {axis.max():.15g}."
    )
