"""Arrays become coverages: a neutral noun between reading and writing, one for each domain of the answer.

The domain types are those of the CoverageJSON specification (OGC 21-069r2), whatever the format they end in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.dataset.model import CustomAxis, HorizontalCrs, Parameter, TimeAxis, VerticalAxis
from zarr_edr.plan import AxisSelection, GroupPlan, ReadPlan
from zarr_edr.query.geometry import Float64Array


class DomainType(StrEnum):
    """Common domain types of CoverageJSON."""

    POINT = "Point"
    POINT_SERIES = "PointSeries"
    VERTICAL_PROFILE = "VerticalProfile"
    GRID = "Grid"
    MULTI_POINT = "MultiPoint"
    MULTI_POINT_SERIES = "MultiPointSeries"


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """A time axis of a domain: some instants of an axis of the collection."""

    axis: TimeAxis
    index: NDArray[np.int64]
    """Storage indices, chronological."""


@dataclass(frozen=True, slots=True, eq=False)
class Tuples:
    """A composite axis: one (x, y) or (x, y, z) for each point."""

    x: Float64Array
    """Shape (p,)."""
    y: Float64Array
    z: Float64Array | None


@dataclass(frozen=True, slots=True, eq=False)
class Range:
    """The values of one parameter over a domain."""

    axis_names: tuple[str, ...]
    """From t, z, y, x and composite, in this order."""
    values: NDArray[Any]
    """One axis for each of `axis_names`; NaN is missing."""


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

    def __post_init__(self) -> None:
        sizes = {name: axis_size(axis) for name, axis in self.axes.items()}
        for name, values in self.ranges.items():
            if values.values.shape != tuple(sizes[axis] for axis in values.axis_names):
                raise ValueError(f"{name}: {values.values.shape} values for {values.axis_names} of {sizes}")


@dataclass(frozen=True, slots=True, eq=False)
class CoverageSet:
    """An answer."""

    coverages: tuple[Coverage, ...]
    """At least one."""
    parameters: tuple[Parameter, ...]
    """Those that occur in the coverages' ranges."""
    crs: HorizontalCrs
    single: bool
    """True where the query can have one coverage only, and that is then the document."""


def axis_size(axis: Float64Array | Times | Tuples) -> int:
    """Number of positions on an axis."""
    match axis:
        case Times():
            return int(axis.index.size)
        case Tuples():
            return int(axis.x.size)
        case _:
            return int(axis.size)


def cover(plan: ReadPlan, arrays: tuple[NDArray[Any], ...], crs: HorizontalCrs) -> CoverageSet:
    """Turn the values read for a plan, in the order of `plan.array_reads`, into coverages."""
    remaining = iter(arrays)
    coverages: list[Coverage] = []
    for group in plan.groups:
        values = {r.parameter.name: _masked(next(remaining), group.points.inside) for r in group.reads}
        coverages.extend(_cover_group(group, values))
    parameters = tuple(read.parameter for read in plan.array_reads)
    return CoverageSet(tuple(coverages), parameters, crs, single=len(coverages) == 1)


def _masked(values: NDArray[Any], inside: NDArray[np.bool_]) -> NDArray[Any]:
    """Values, shape (..., p), with those of points outside of the grid missing."""
    if inside.all():
        return values
    if values.dtype.kind == "f":
        return np.where(inside, values, values.dtype.type(np.nan))
    return np.where(inside, values.astype(np.float64), np.nan)  # integers have no NaN


def _cover_group(group: GroupPlan, values: Mapping[str, NDArray[Any]]) -> Iterator[Coverage]:
    """One coverage for each member of the further dimensions, and each point where one domain cannot hold all."""
    for members in product(*(range(s.index.size) for s in group.custom)):
        dimensions = {s.axis.dim: _plain(s.axis, s.index[m]) for s, m in zip(group.custom, members, strict=True)}
        of_members = {name: array[members] for name, array in values.items()}
        if not group.points.requested.multi:
            yield _at_point(group, of_members, 0, dimensions)
        elif group.z is not None and group.z.index.size > 1:
            for point in range(len(group.points.requested)):
                yield _at_point(group, of_members, point, dimensions)
        else:
            yield _at_points(group, of_members, dimensions)


def _plain(axis: CustomAxis, index: np.int64) -> int | float | str:
    value: int | float | str = axis.values[index : index + 1].tolist()[0]
    return value


def _times(selection: AxisSelection[TimeAxis] | None) -> dict[str, Float64Array | Times | Tuples]:
    return {} if selection is None else {"t": Times(selection.axis, selection.index)}


def _at_point(
    group: GroupPlan, values: Mapping[str, NDArray[Any]], point: int, dimensions: Mapping[str, int | float | str]
) -> Coverage:
    """A coverage of one point. `values`: shape ([t,] [z,] p)."""
    points = group.points
    axes: dict[str, Float64Array | Times | Tuples] = {
        "x": points.x[point : point + 1],
        "y": points.y[point : point + 1],
    }
    z = None if group.z is None else group.z.axis.written[group.z.index]
    if points.z is not None:
        z = points.z[point : point + 1]
    if z is not None:
        axes["z"] = z
    axes |= _times(group.t)
    names: tuple[str, ...]
    times, levels = (0 if group.t is None else group.t.index.size), (0 if z is None else z.size)
    shape = {"t": max(times, 1), "z": max(levels, 1), "y": 1, "x": 1}
    if times > 1 and levels > 1:
        domain_type, names = DomainType.GRID, ("t", "z", "y", "x")
    elif levels > 1:
        domain_type, names = DomainType.VERTICAL_PROFILE, ("z",)
    elif times > 1:
        domain_type, names = DomainType.POINT_SERIES, ("t",)
    else:
        domain_type, names = DomainType.POINT, ()
    ranges = {
        name: Range(names, array[..., point].reshape([shape[axis] for axis in names])) for name, array in values.items()
    }
    return Coverage(domain_type, axes, ranges, _vertical(group), dimensions)


def _at_points(
    group: GroupPlan, values: Mapping[str, NDArray[Any]], dimensions: Mapping[str, int | float | str]
) -> Coverage:
    """A coverage of many points, at one level or a level each. `values`: shape ([t,] [z=1,] p)."""
    points = group.points
    z = points.z
    if group.z is not None:
        z = np.full(points.x.shape, group.z.axis.written[group.z.index[0]])
    axes: dict[str, Float64Array | Times | Tuples] = {"composite": Tuples(points.x, points.y, z), **_times(group.t)}
    count = int(points.x.size)
    names: tuple[str, ...]
    shape: tuple[int, ...]
    if group.t is not None and group.t.index.size > 1:
        domain_type, names, shape = DomainType.MULTI_POINT_SERIES, ("t", "composite"), (int(group.t.index.size), count)
    else:
        domain_type, names, shape = DomainType.MULTI_POINT, ("composite",), (count,)
    ranges = {name: Range(names, array.reshape(shape)) for name, array in values.items()}
    return Coverage(domain_type, axes, ranges, _vertical(group), dimensions)


def _vertical(group: GroupPlan) -> VerticalAxis | None:
    return group.reads[0].parameter.z
