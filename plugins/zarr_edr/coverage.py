"""Arrays become coverages: a neutral noun between reading and writing, one for each domain of the answer.

The domain types are those of the CoverageJSON specification (OGC 21-069r2), whatever the format they end in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.crs import CRS84, QueryCrs
from zarr_edr.dataset.model import CustomAxis, HorizontalCrs, Parameter, TimeAxis, VerticalAxis
from zarr_edr.grid.protocol import all_of
from zarr_edr.limits import Deadline
from zarr_edr.plan import AxisSelection, GroupPlan, LocatedPoints, MaskedWindow, PointShape, ReadPlan
from zarr_edr.query.geometry import Float64Array, Tags


class DomainType(StrEnum):
    """Common domain types of CoverageJSON."""

    POINT = "Point"
    POINT_SERIES = "PointSeries"
    VERTICAL_PROFILE = "VerticalProfile"
    GRID = "Grid"
    MULTI_POINT = "MultiPoint"
    MULTI_POINT_SERIES = "MultiPointSeries"
    TRAJECTORY = "Trajectory"
    SECTION = "Section"


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """A time axis of a domain: some instants of an axis of the collection."""

    axis: TimeAxis
    index: NDArray[np.int64]
    """Storage indices, chronological."""


@dataclass(frozen=True, slots=True, eq=False)
class Tuples:
    """A composite axis: one (x, y), (x, y, z), (t, x, y) or (t, x, y, z) for each point."""

    x: Float64Array
    """Shape (p,)."""
    y: Float64Array
    z: Float64Array | None
    t: Times | None = None
    """One instant for each point, in any order."""


@dataclass(frozen=True, slots=True, eq=False)
class Range:
    """The values of one parameter over a domain."""

    axis_names: tuple[str, ...]
    """From t, z, y, x and composite, in this order."""
    values: NDArray[Any]
    """One axis for each of `axis_names`. NaN is missing; of integers and booleans, which have none, what is masked: then this is
    a `numpy.ma.MaskedArray`, and only then."""


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """A domain and the values over it."""

    domain_type: DomainType
    axes: Mapping[str, Float64Array | Times | Tuples]
    """`x`, `y`, `z`: shape (n,); `t`; `composite`."""
    ranges: Mapping[str, Range]
    """Parameter name -> values."""
    vertical: VerticalAxis | None = None
    """What `z` is measured in."""
    dimensions: Mapping[str, int | float | str] = field(default_factory=dict)
    """Where on further dimensions, e.g. the ensemble member, this coverage is."""
    place: int = 0
    """Which of the places asked for (points, lines, polygons) this is, or the first of those that `composite` lists."""
    inside: NDArray[np.bool_] | None = None
    """Shape (ny, nx), or (nz, ny, nx): which cells of a window were asked for; None: all."""

    def __post_init__(self) -> None:
        sizes = {name: axis_size(axis) for name, axis in self.axes.items()}
        for name, values in self.ranges.items():
            if values.values.shape != tuple(sizes[axis] for axis in values.axis_names):
                raise ValueError(f"{name}: {values.values.shape} values for {values.axis_names} of {sizes}")


@dataclass(frozen=True, slots=True)
class Page:
    """A part of an answer, counted in what the format lists, e.g. features."""

    offset: int
    limit: int
    next_url: str | None
    """Where the next one is; None where a URL cannot say it."""


@dataclass(frozen=True, slots=True, eq=False)
class CoverageSet:
    """An answer."""

    coverages: tuple[Coverage, ...]
    """At least one."""
    parameters: tuple[Parameter, ...]
    """Those that occur in the coverages' ranges."""
    crs: HorizontalCrs
    single: bool
    """True where the one coverage is the document; else it is a collection, though of one."""
    endpoint: str = ""
    """URL of the query, without its parameters, for formats that want it in every feature."""
    page: Page | None = None
    """What formats that can page are to give of it; None: all."""
    shape: PointShape | None = None
    """What the positions are to each other; None: the coverages are windows of cells."""
    places: int = 1
    """How many places were asked for: windows or lines, see `Coverage.place`."""
    tags: Tags | None = None
    """What the client calls the places: entry n is of the coverage, or of the point in `composite`, that is place n."""


Axes = dict[str, Float64Array | Times | Tuples]
Values = Mapping[str, NDArray[Any]]
Dimensions = Mapping[str, int | float | str]


def axis_size(axis: Float64Array | Times | Tuples) -> int:
    """Number of positions on an axis."""
    match axis:
        case Times():
            return int(axis.index.size)
        case Tuples():
            return int(axis.x.size)
        case _:
            return int(axis.size)


def tuples_of(coverage: Coverage) -> Tuples | None:
    """The composite axis of a coverage, if it has one."""
    composite = coverage.axes.get("composite")
    return composite if isinstance(composite, Tuples) else None


def times_of(coverage: Coverage) -> Times | None:
    """The times of a coverage, on an axis of their own or in its tuples."""
    t, tuples = coverage.axes.get("t"), tuples_of(coverage)
    return t if isinstance(t, Times) else None if tuples is None else tuples.t


def time_axis(coverage: Coverage) -> TimeAxis | None:
    """The axis that a coverage's times are of."""
    times = times_of(coverage)
    return None if times is None else times.axis


_COVERAGES_PER_LOOK = 1000
"""Coverages made between looks at the clock: some 20 ms."""


def cover(
    plan: ReadPlan,
    arrays: tuple[NDArray[Any], ...],
    crs: HorizontalCrs,
    deadline: Deadline,
    *,
    together: bool = False,
    tags: Tags | None = None,
    endpoint: str = "",
    page: Page | None = None,
) -> CoverageSet:
    """Turn the values read for a plan, in the order of `plan.array_reads`, into coverages.

    With `together`, many points with many levels are one coverage too, which CoverageJSON has no domain type for: tables have.
    """
    remaining = iter(arrays)
    coverages: list[Coverage] = []
    for group in plan.groups:
        values = {r.parameter.name: next(remaining) for r in group.reads}
        for coverage in _cover_group(group, values, together=together):
            coverages.append(coverage)
            if len(coverages) % _COVERAGES_PER_LOOK == 0:
                deadline.check()
    parameters = tuple({read.parameter.name: read.parameter for read in plan.array_reads}.values())
    single = len(coverages) == 1 and not any(_split_by_point(group) for group in plan.groups)
    where = plan.groups[0].where
    shape = where.shape if isinstance(where, LocatedPoints) else None
    return CoverageSet(tuple(coverages), parameters, crs, single, endpoint, page, shape, plan.places, tags)


def _masked(values: NDArray[Any], inside: NDArray[np.bool_]) -> NDArray[Any]:
    """Values, shape (..., p), with those of points outside of the grid missing."""
    if all_of(inside):
        return values
    if values.dtype.kind == "f":
        return np.where(inside, values, values.dtype.type(np.nan))
    # As float64 with NaN, integers beyond 2**53 would be others.
    return np.ma.masked_array(values, np.broadcast_to(~inside, values.shape))


def _cover_group(group: GroupPlan, values: Mapping[str, NDArray[Any]], *, together: bool) -> Iterator[Coverage]:
    """One coverage for each member of the further dimensions, and more where one domain cannot hold all."""
    where = group.where
    if isinstance(where, LocatedPoints):
        values = {name: _masked(array, where.inside) for name, array in values.items()}
    for members in product(*(range(s.index.size) for s in group.custom)):
        dimensions = {s.axis.name: _plain(s.axis, s.index[m]) for s, m in zip(group.custom, members, strict=True)}
        of_members = {name: array[members] for name, array in values.items()}
        if isinstance(where, MaskedWindow):
            yield _over_window(group, where, of_members, dimensions)
        elif where.shape is PointShape.ONE:
            yield _at_point(group, where, of_members, 0, dimensions)
        elif where.shape is PointShape.PATH:
            yield from _along_path(group, where, of_members, dimensions)
        elif _split_by_point(group) and not together:
            for point in range(where.x.size):
                yield _at_point(group, where, of_members, point, dimensions)
        else:
            yield _at_points(group, where, of_members, dimensions)


def _split_by_point(group: GroupPlan) -> bool:
    """Whether each of many points has a coverage of its own: a MultiPoint cannot have a vertical axis."""
    many = isinstance(group.where, LocatedPoints) and group.where.shape is PointShape.MANY
    return many and group.z is not None and group.z.index.size > 1


def _plain(axis: CustomAxis, index: np.int64) -> int | float | str:
    value: int | float | str = axis.values[index : index + 1].tolist()[0]
    return value


def _times(selection: AxisSelection[TimeAxis] | None) -> Axes:
    return {} if selection is None else {"t": Times(selection.axis, selection.index)}


def _sizes(group: GroupPlan) -> tuple[int, int]:
    """Number of times and of levels, 0 where there is no such axis."""
    return (0 if group.t is None else int(group.t.index.size)), (0 if group.z is None else int(group.z.index.size))


def _at_point(group: GroupPlan, points: LocatedPoints, values: Values, point: int, dimensions: Dimensions) -> Coverage:
    """A coverage of one point. `values`: shape ([t,] [z,] p)."""
    axes: Axes = {"x": points.x[point : point + 1], "y": points.y[point : point + 1]}
    z = None if group.z is None else group.z.axis.written[group.z.index]
    if points.z is not None:
        z = points.z[point : point + 1]
    if z is not None:
        axes["z"] = z
    axes |= _times(group.t)
    times, levels = _sizes(group)
    domain_type, ranges = over_one_point(
        times, levels, {name: array[..., point : point + 1] for name, array in values.items()}
    )
    return Coverage(domain_type, axes, ranges, _vertical(group), dimensions, points.first + point)


def over_one_point(times: int, levels: int, values: Values) -> tuple[DomainType, dict[str, Range]]:
    """The domain type of one point with so many times and levels, 0 for none, and its ranges.

    `values` have any shape in which times come before levels.
    """
    names: tuple[str, ...]
    if times > 1 and levels > 1:
        domain_type, names = DomainType.GRID, ("t", "z", "y", "x")
    elif levels > 1:
        domain_type, names = DomainType.VERTICAL_PROFILE, ("z",)
    elif times > 1:
        domain_type, names = DomainType.POINT_SERIES, ("t",)
    else:
        domain_type, names = DomainType.POINT, ()
    shape = [{"t": times, "z": levels}.get(name, 1) for name in names]
    return domain_type, {name: Range(names, array.reshape(shape)) for name, array in values.items()}


def _at_points(group: GroupPlan, points: LocatedPoints, values: Values, dimensions: Dimensions) -> Coverage:
    """A coverage of many points, at one level or a level each, or at all of some levels. `values`: shape ([t,] [z,] p)."""
    z = points.z
    times, levels = _sizes(group)
    axes: Axes = _times(group.t)
    if group.z is not None and levels > 1:
        axes["z"] = group.z.axis.written[group.z.index]
    elif group.z is not None:
        z = np.full(points.x.shape, group.z.axis.written[group.z.index[0]])
    axes = {"composite": Tuples(points.x, points.y, z), **axes}
    sizes = {"t": times, "z": levels, "composite": int(points.x.size)}
    names = tuple(name for name, size in sizes.items() if size > 1 or name == "composite")
    shape = tuple(sizes[name] for name in names)
    domain_type = DomainType.MULTI_POINT_SERIES if times > 1 else DomainType.MULTI_POINT
    ranges = {name: Range(names, array.reshape(shape)) for name, array in values.items()}
    return Coverage(domain_type, axes, ranges, _vertical(group), dimensions, points.first)


def _along_path(group: GroupPlan, points: LocatedPoints, values: Values, dimensions: Dimensions) -> Iterator[Coverage]:
    """Coverages of the vertices of a line: one for each time, where they have none of their own."""
    times, levels = _sizes(group)
    count = int(points.x.size)
    shape = (max(times, 1), max(levels, 1), count)
    blocks = {name: array.reshape(shape) for name, array in values.items()}
    for number in range(shape[0]):
        of_time = {name: block[number] for name, block in blocks.items()}
        t = _times_of_vertices(group, points, number)
        if t is not None and levels > 1 and group.z is not None:
            axes: Axes = {"composite": Tuples(points.x, points.y, None, t), "z": group.z.axis.written[group.z.index]}
            ranges = {name: Range(("z", "composite"), block) for name, block in of_time.items()}
            yield Coverage(DomainType.SECTION, axes, ranges, _vertical(group), dimensions, group.place)
            continue
        domain_type = DomainType.MULTI_POINT if t is None else DomainType.TRAJECTORY
        for level in range(shape[1]):
            z = points.z
            if group.z is not None:
                z = np.full(count, group.z.axis.written[group.z.index[level]])
            ranges = {name: Range(("composite",), block[level]) for name, block in of_time.items()}
            axes = {"composite": Tuples(points.x, points.y, z, t)}
            yield Coverage(domain_type, axes, ranges, _vertical(group), dimensions, group.place)


def _times_of_vertices(group: GroupPlan, points: LocatedPoints, number: int) -> Times | None:
    """The time of each vertex: its own, or the `number`th of those chosen for all."""
    first = group.reads[0].parameter
    if points.t is not None and first.t is not None:
        return Times(first.t, points.t)
    if group.t is None:
        return None
    return Times(group.t.axis, np.full(points.x.size, group.t.index[number]))


def _over_window(group: GroupPlan, where: MaskedWindow, values: Values, dimensions: Dimensions) -> Coverage:
    """A coverage of a rectangle of cells, missing outside of the mask. `values`: shape ([t,] [z,] y, x, 1)."""
    window = where.window
    axes: Axes = {"x": window.x, "y": window.y}
    if group.z is not None:
        axes["z"] = group.z.axis.written[group.z.index]
    axes |= _times(group.t)
    names = tuple(name for name in ("t", "z", "y", "x") if name in axes)
    shape = tuple(axis_size(axes[name]) for name in names)
    ranges = {}
    for name, array in values.items():
        block = array.reshape(shape)
        ranges[name] = Range(names, block if where.mask is None else _masked(block, where.mask))
    return Coverage(DomainType.GRID, axes, ranges, _vertical(group), dimensions, group.place, where.mask)


def _vertical(group: GroupPlan) -> VerticalAxis | None:
    return group.reads[0].parameter.z


def in_crs(coverages: CoverageSet, crs: QueryCrs) -> CoverageSet:
    """The same coverages with coordinates in a CRS, and labelled so. Raises `InvalidCrs` where it cannot show them."""
    if crs is CRS84:
        return coverages
    moved = tuple(
        replace(c, axes={name: _moved(name, axis, crs) for name, axis in c.axes.items()}) for c in coverages.coverages
    )
    return replace(coverages, coverages=moved, crs=labelled(coverages.crs, crs))


def labelled(stored: HorizontalCrs, crs: QueryCrs) -> HorizontalCrs:
    """The CRS of an answer: that of the store, unless the query names another than the default."""
    return stored if crs is CRS84 else HorizontalCrs(crs.uri, crs.wkt, crs.geographic, crs.latitude_first)


_METRE_DIGITS = 4
"""Decimals of metres in answers."""


def _moved(name: str, axis: Float64Array | Times | Tuples, crs: QueryCrs) -> Float64Array | Times | Tuples:
    match axis:
        case Times():
            return axis
        case Tuples():
            return replace(axis, x=_rounded(crs.x_of(_wrapped(axis.x, crs)), crs), y=_rounded(crs.y_of(axis.y), crs))
        case _ if name == "x":
            return _rounded(crs.x_of(_on_map(axis, crs)), crs)
        case _:
            return _rounded(crs.y_of(axis), crs) if name == "y" else axis


def _rounded(values: Float64Array, crs: QueryCrs) -> Float64Array:
    return values if crs.geographic else np.round(values, _METRE_DIGITS)


def _wrapped(longitude: Float64Array, crs: QueryCrs) -> Float64Array:
    if crs.geographic:
        return longitude
    return np.where(np.abs(longitude) <= 180, longitude, (longitude + 180) % 360 - 180)


def _on_map(longitude: Float64Array, crs: QueryCrs) -> Float64Array:
    """Longitudes within -180..180 where the CRS is a map that ends there, unless the axis would no longer run on."""
    wrapped = _wrapped(longitude, crs)
    steps = np.diff(wrapped)
    return wrapped if longitude.size < 2 or (np.sign(steps) == np.sign(np.diff(longitude))).all() else longitude
