"""Coverages that have their axes in common become blocks: arrays over grids or CF's discrete sampling geometries (chapter 9).

Dimensions are roles here, one letter or word each; `cf` finds names for them. Where one coverage is an instance among others
(a station, a line), a dimension is added; members of further dimensions, e.g. of an ensemble, get one each, leftmost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.coverage import Coverage, CoverageSet, DomainType, Range, Times, Tuples, time_axis, tuples_of
from zarr_edr.dataset.model import TimeAxis, VerticalAxis
from zarr_edr.plan import PointShape
from zarr_edr.query.geometry import Float64Array

STATION, TRAJECTORY, OBS = "station", "trajectory", "obs"
"""Roles of dimensions, beside `t`, `z`, `y` and `x`: points; lines; the vertices of lines."""

_PATHS = frozenset({DomainType.TRAJECTORY, DomainType.SECTION})
_MANY_POINTS = frozenset({DomainType.MULTI_POINT, DomainType.MULTI_POINT_SERIES})


@dataclass(frozen=True, slots=True, eq=False)
class OverDims:
    """An array and its dimensions."""

    dims: tuple[str, ...]
    """Roles; `member_role(name)` for a further dimension."""
    values: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class CfBlock:
    """Parameters over the same dimensions and coordinates."""

    ranges: Mapping[str, OverDims]
    """Parameter -> values."""
    coordinates: Mapping[str, OverDims]
    """`x` and `y`, perhaps `z` and `t`; a time is in microseconds since 1970-01-01, counted in the calendar of `time_axis`."""
    members: Mapping[str, OverDims]
    """Further dimension -> values: over its role, or a scalar where there is one member."""
    places: OverDims
    """Numbers of the places asked for: a scalar, or over `station` or `trajectory`."""
    row_size: OverDims | None
    """Vertices of each line, where lines of different lengths stand one after the other (CF 9.3.3)."""
    feature: str | None
    """CF's `featureType`; None for grids, and where it would need a time that the data do not have."""
    vertical: VerticalAxis | None
    time_axis: TimeAxis | None


def member_role(name: str) -> str:
    """The role of a further dimension."""
    return f"@{name}"


def blocks_of(coverages: CoverageSet) -> list[CfBlock]:
    """The blocks of an answer, in the order in which their first coverages come."""
    as_points = _cells_are_points(coverages)
    numbered = coverages.shape is not PointShape.PATH
    families: dict[tuple[Any, ...], list[Coverage]] = {}
    for coverage in coverages.coverages:
        families.setdefault(_signature(coverage, as_points=as_points), []).append(coverage)
    lone = coverages.shape is PointShape.MANY or _is_lone(coverages, DomainType.VERTICAL_PROFILE)
    return [
        _Stack(members, rows, lone, numbered, as_points).block()
        for family in families.values()
        for members, rows in _by_member(family, as_points=as_points)
    ]


def _cells_are_points(coverages: CoverageSet) -> bool:
    """Whether grids are single cells: points, of which each has many times and levels."""
    return coverages.shape in (PointShape.ONE, PointShape.MANY)


def _is_lone(coverages: CoverageSet, kind: DomainType) -> bool:
    """Whether the answer is one coverage that would have been many, had more points been asked for."""
    return not coverages.single and [c.domain_type for c in coverages.coverages] == [kind]


def _signature(coverage: Coverage, *, as_points: bool) -> tuple[Any, ...]:
    """Equal for coverages that can become one block."""
    of_times = time_axis(coverage)
    shared: list[Any] = [coverage.domain_type, *coverage.ranges, None, *coverage.dimensions]
    shared += [id(coverage.vertical), id(of_times)]
    if isinstance(t := coverage.axes.get("t"), Times):
        shared.append(t.index.tobytes())
    if (tuples := tuples_of(coverage)) is not None:
        shared.append(tuples.z is None)
    names = ["z"] if "z" in coverage.axes else []
    if coverage.domain_type is DomainType.GRID and not as_points:
        names += ["x", "y"]
        shared.append(coverage.place)
    return (*shared, *(_numbers(coverage, name).tobytes() for name in names))


def _by_member(
    family: Sequence[Coverage], *, as_points: bool
) -> list[tuple[dict[str, list[Any]], list[list[Coverage]]]]:
    """Values of each further dimension, and for each combination of them its coverages, which differ in place only.

    Where combinations are lacking, have other places or come twice, each coverage is on its own.
    """
    members = {name: list(dict.fromkeys(c.dimensions[name] for c in family)) for name in family[0].dimensions}
    rows: dict[tuple[Any, ...], list[Coverage]] = {key: [] for key in product(*members.values())}
    for coverage in family:
        rows[tuple(coverage.dimensions.values())].append(coverage)
    where = [[_where(coverage) for coverage in row] for row in rows.values()] if len(rows) > 1 else []
    once = as_points or family[0].domain_type is not DomainType.GRID or all(len(row) == 1 for row in rows.values())
    if once and all(row == where[0] for row in where[1:]):
        return [(members, list(rows.values()))]
    return [({name: [value] for name, value in c.dimensions.items()}, [[c]]) for c in family]


def _where(coverage: Coverage) -> tuple[Any, ...]:
    tuples = tuples_of(coverage)
    if tuples is None:
        return (coverage.place, _numbers(coverage, "x").tobytes(), _numbers(coverage, "y").tobytes())
    level = b"" if tuples.z is None else tuples.z.tobytes()
    return (coverage.place, tuples.x.tobytes(), tuples.y.tobytes(), level, tuples.t and tuples.t.index.tobytes())


def _numbers(coverage: Coverage, name: str) -> Float64Array:
    axis = coverage.axes[name]
    assert isinstance(axis, np.ndarray)  # noqa: S101 - only t and composite are not
    return axis


@dataclass(frozen=True, slots=True, eq=False)
class _Stack:
    """Coverages on their way to becoming one block."""

    members: Mapping[str, list[Any]]
    rows: Sequence[Sequence[Coverage]]
    """For each combination of members, its instances; the places and axes are those of the first row in all."""
    lone: bool
    """Whether a point that is alone has a dimension of stations all the same."""
    numbered: bool
    """Whether the points of a MultiPoint are places of their own; else they are vertices of one, a line without times."""
    as_points: bool
    """Whether grids are single cells."""

    @property
    def first(self) -> Coverage:
        return self.rows[0][0]

    @property
    def kind(self) -> DomainType:
        return self.first.domain_type

    @property
    def instance(self) -> str | None:
        """The dimension on which coverages lie beside each other, one for each index."""
        count, path = len(self.rows[0]), self.kind in _PATHS
        if self.kind in _MANY_POINTS or (path and (count == 1 or self.chained)):
            return None
        if path:
            return TRAJECTORY
        return STATION if count > 1 or (self.lone and self.kind is not DomainType.POINT) else None

    @property
    def _flat(self) -> bool:
        """Whether cells have no dimensions of x and y."""
        return self.as_points or self.instance is STATION

    @property
    def chained(self) -> bool:
        """Whether coverages follow each other on the dimension of their points: points always, lines of different lengths."""
        sizes = {t.x.size for c in self.rows[0] if (t := tuples_of(c))}
        return self.kind in _MANY_POINTS or len(sizes) > 1

    @property
    def point(self) -> str:
        """The role of the composite axis."""
        return OBS if self.kind in _PATHS else STATION

    def block(self) -> CfBlock:
        """All coverages as arrays."""
        coordinates = {name: laid for name in "tzyx" if (laid := self._coordinate(name)) is not None}
        ranges = {name: self._range(name) for name in self.first.ranges}
        members = {
            name: OverDims((member_role(name),), np.array(values))
            if len(values) > 1
            else OverDims((), np.array(values[0]))
            for name, values in self.members.items()
        }
        return CfBlock(
            ranges,
            coordinates,
            members,
            self._places(),
            self._row_size(),
            self._feature(ranges, coordinates),
            self.first.vertical,
            time_axis(self.first),
        )

    def _range(self, name: str) -> OverDims:
        joined = [self._joined([self._own(coverage.ranges[name]) for coverage in row]) for row in self.rows]
        inner = joined[0]
        many = {member_role(member): len(values) for member, values in self.members.items() if len(values) > 1}
        if not many:
            return inner
        shape = (*many.values(), *inner.values.shape)
        return OverDims((*many, *inner.dims), _stacked([laid.values for laid in joined]).reshape(shape))

    def _own(self, values: Range) -> OverDims:
        """The values of one coverage, points before times and levels."""
        dims, array = values.axis_names, values.values
        if self._flat and dims[-2:] == ("y", "x"):
            return OverDims(dims[:-2], array[..., 0, 0])
        if dims[-1:] == ("composite",):
            return OverDims((self.point, *dims[:-1]), np.moveaxis(array, -1, 0))
        return OverDims(dims, array)

    def _joined(self, parts: Sequence[OverDims]) -> OverDims:
        first = parts[0]
        if self.instance is not None:
            return OverDims((self.instance, *first.dims), _stacked([part.values for part in parts]))
        if len(parts) == 1:
            return first
        return OverDims(first.dims, _concatenated([part.values for part in parts]))

    def _coordinate(self, name: str) -> OverDims | None:
        """The values of one coordinate; those of `t` and `z` axes are the same in all instances."""
        if name in self.first.axes:
            parts = [self._along_axis(coverage, name) for coverage in self.rows[0]]
            return self._joined(parts) if self.instance is STATION and name in "xy" else parts[0]
        parts = [laid for c in self.rows[0] if (t := tuples_of(c)) and (laid := self._of_points(t, name)) is not None]
        return self._joined(parts) if parts else None

    def _along_axis(self, coverage: Coverage, name: str) -> OverDims:
        axis = coverage.axes[name]
        values = axis.axis.us[axis.index] if isinstance(axis, Times) else _numbers(coverage, name)
        in_ranges = any(name in r.axis_names for r in coverage.ranges.values())
        at_points = self._flat and name in "xy"
        if values.size > 1 or (in_ranges and not at_points):
            return OverDims((name,), values)
        return OverDims((), values.reshape(()))

    def _of_points(self, tuples: Tuples, name: str) -> OverDims | None:
        if name == "t":
            return None if tuples.t is None else OverDims((self.point,), tuples.t.axis.us[tuples.t.index])
        values = {"x": tuples.x, "y": tuples.y, "z": tuples.z}[name]
        return None if values is None else OverDims((self.point,), values)

    def _places(self) -> OverDims:
        row = self.rows[0]
        places = np.array([coverage.place for coverage in row], np.int64)
        if self.kind in _MANY_POINTS:
            sizes = [t.x.size for c in row if (t := tuples_of(c))]
            each = [np.arange(n) if self.numbered else np.zeros(n, np.int64) for n in sizes]
            return OverDims((STATION,), np.concatenate([place + e for place, e in zip(places, each, strict=True)]))
        if self.instance is not None:
            return OverDims((self.instance,), places)
        return OverDims((TRAJECTORY,), places) if self.chained else OverDims((), places[0].reshape(()))

    def _row_size(self) -> OverDims | None:
        if self.kind not in _PATHS or not self.chained:
            return None
        return OverDims((TRAJECTORY,), np.array([t.x.size for c in self.rows[0] if (t := tuples_of(c))], np.int32))

    def _feature(self, ranges: Mapping[str, OverDims], coordinates: Mapping[str, OverDims]) -> str | None:
        dims = next(iter(ranges.values())).dims
        if "x" in dims or "t" not in coordinates:
            return None
        if self.kind in _PATHS:
            return "trajectoryProfile" if "z" in dims else "trajectory"
        if "t" in dims:
            return "timeSeriesProfile" if "z" in dims else "timeSeries"
        return "profile" if "z" in dims else "point"


def _stacked(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return _concatenated([array[np.newaxis] for array in arrays])


def _concatenated(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Arrays one after another, masked where one of them is: numpy's own function drops the masks."""
    masked = any(isinstance(array, np.ma.MaskedArray) for array in arrays)
    return np.ma.concatenate(arrays) if masked else np.concatenate(arrays)
