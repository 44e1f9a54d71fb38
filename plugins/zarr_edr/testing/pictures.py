"""Coverages of every domain, made by hand, for tests of what draws or writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.coverage import Coverage, CoverageSet, DomainType, Range, Times, Tuples
from zarr_edr.dataset.calendars import DAY_US, iso_strings
from zarr_edr.dataset.model import CustomAxis, HorizontalCrs, Parameter, TimeAxis, Unit, VerticalAxis
from zarr_edr.testing.agreement import collection_on
from zarr_edr.testing.stores import LAT, LON, NUMBER, AxisSpec, StoreSpec, VariableSpec, in_memory

CRS84 = HorizontalCrs("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "", geographic=True)


@cache
def parameter(name: str) -> Parameter:
    """A parameter in kelvin with an ensemble axis `number`, named `name`."""
    axes = {
        LAT: AxisSpec((0.0, 1.0), "float64", {"units": "degrees_north"}),
        LON: AxisSpec((0.0, 1.0), "float64", {"units": "degrees_east"}),
    }
    variables = (VariableSpec("v", (LAT, LON), (2, 2), "float32", 0),)
    collection = collection_on(in_memory(StoreSpec(3, False, "none", axes, variables, True)))
    number = CustomAxis(NUMBER, np.arange(10), "ensemble member", None, "realization")
    known = collection.parameters["v"]
    shape: dict[str, Any] = {"dims": (*known.dims, NUMBER), "axes": {**known.axes, NUMBER: number}}
    return replace(known, name=name, title=f"title of {name}", unit=Unit("K", "K"), **shape)


def answer_of(
    *coverages: Coverage, endpoint: str = "http://localhost/collections/c/position", **changes: Any
) -> CoverageSet:
    """An answer of these coverages. `changes` are of all its parameters, e.g. their title."""
    names = dict.fromkeys(name for coverage in coverages for name in coverage.ranges)
    parameters = tuple(replace(parameter(name), **changes) for name in names)
    return CoverageSet(coverages, parameters, CRS84, len(coverages) == 1, endpoint)


def times(us: Sequence[int] | NDArray[np.int64], calendar: str = "standard") -> Times:
    """A time axis of these instants, microseconds since 1970."""
    instants = np.asarray(us, np.int64)
    return Times(TimeAxis("time", instants, calendar, iso_strings(instants, calendar)), np.arange(instants.size))


def days(count: int, calendar: str = "standard") -> Times:
    """So many days from 1970-01-01."""
    return times(np.arange(count, dtype=np.int64) * DAY_US, calendar)


def levels(
    values: Sequence[float], unit: str = "m", positive: str | None = "down", title: str = "depth"
) -> VerticalAxis:
    """A vertical axis."""
    return VerticalAxis("level", np.array(values), Unit(unit, unit), positive, title)


def of(domain_type: DomainType, axes: Mapping[str, Any], names: tuple[str, ...], values: Any, **more: Any) -> Coverage:
    """A coverage of the parameter `v`."""
    return Coverage(domain_type, axes, {"v": Range(names, np.asarray(values))}, **more)


def series(values: Sequence[float], calendar: str = "standard", **more: Any) -> Coverage:
    """Values of one point, a day apart."""
    axes = {"x": np.array([10.0]), "y": np.array([50.0]), "t": days(len(values), calendar)}
    return of(DomainType.POINT_SERIES, axes, ("t",), values, **more)


def grid(values: NDArray[Any], x: NDArray[np.float64], y: NDArray[np.float64], **more: Any) -> Coverage:
    """Values, shape (y, x), of one time."""
    return of(DomainType.GRID, {"x": x, "y": y}, ("y", "x"), values, **more)


_X, _Y, _Z = np.array([10.0, 11.0, 12.5]), np.array([50.0, 49.0]), np.array([5.0, 10.0, 20.0, 50.0, 100.0])
_ONE = {"x": _X[:1], "y": _Y[:1]}
_POINTS = Tuples(_X, np.array([1.0, 2.0, 3.0]), None)
_HIGH = Tuples(_X, np.array([1.0, 2.0, 3.0]), np.array([5.0, 6.0, 7.0]))
_FLOWN = Tuples(_X, np.array([1.0, 2.0, 3.0]), None, times([0, DAY_US, 2 * DAY_US]))
_DEPTH = levels(_Z.tolist())


def _numbers(*shape: int) -> NDArray[np.float32]:
    """Different numbers, one of them missing."""
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape) + np.float32(1.5)
    values.flat[-1] = np.nan
    return values


EVERY_DOMAIN: dict[str, Coverage] = {
    "Point": of(DomainType.POINT, _ONE, (), np.float32(5.25)),
    "PointSeries": of(DomainType.POINT_SERIES, {**_ONE, "t": days(3)}, ("t",), _numbers(3)),
    "VerticalProfile": of(DomainType.VERTICAL_PROFILE, {**_ONE, "z": _Z}, ("z",), _numbers(5), vertical=_DEPTH),
    "Grid of a point": of(
        DomainType.GRID,
        {**_ONE, "z": _Z, "t": days(3)},
        ("t", "z", "y", "x"),
        _numbers(3, 5, 1, 1),
        vertical=_DEPTH,
    ),
    "Grid of a point and few levels": of(
        DomainType.GRID,
        {**_ONE, "z": _Z[:2], "t": days(3)},
        ("t", "z", "y", "x"),
        _numbers(3, 2, 1, 1),
        vertical=_DEPTH,
    ),
    "Grid": of(DomainType.GRID, {"x": _X, "y": _Y}, ("y", "x"), _numbers(2, 3)),
    "Grid of one row": of(DomainType.GRID, {"x": _X, "y": _Y[:1]}, ("y", "x"), _numbers(1, 3)),
    "Grid of one row and times": of(
        DomainType.GRID, {"x": _X, "y": _Y[:1], "t": days(4)}, ("t", "y", "x"), _numbers(4, 1, 3)
    ),
    "Grid of one column and times": of(
        DomainType.GRID, {"x": _X[:1], "y": _Y, "t": days(4)}, ("t", "y", "x"), _numbers(4, 2, 1)
    ),
    "Grid of one column and levels": of(
        DomainType.GRID, {"x": _X[:1], "y": _Y, "z": _Z}, ("z", "y", "x"), _numbers(5, 2, 1), vertical=_DEPTH
    ),
    "Grid of all axes": of(
        DomainType.GRID,
        {"x": _X, "y": _Y, "z": _Z, "t": days(4)},
        ("t", "z", "y", "x"),
        _numbers(4, 5, 2, 3),
        vertical=_DEPTH,
    ),
    "MultiPoint": of(DomainType.MULTI_POINT, {"composite": _POINTS}, ("composite",), _numbers(3)),
    "MultiPoint with levels": of(
        DomainType.MULTI_POINT, {"composite": _HIGH, "t": days(1)}, ("composite",), _numbers(3), vertical=_DEPTH
    ),
    "MultiPointSeries": of(
        DomainType.MULTI_POINT_SERIES, {"composite": _POINTS, "t": days(4)}, ("t", "composite"), _numbers(4, 3)
    ),
    "Trajectory": of(DomainType.TRAJECTORY, {"composite": _FLOWN}, ("composite",), _numbers(3)),
    "Section": of(
        DomainType.SECTION, {"composite": _FLOWN, "z": _Z}, ("z", "composite"), _numbers(5, 3), vertical=_DEPTH
    ),
    "with members": series([1.0, 2.0, 4.0], dimensions={NUMBER: 3}),
}
"""A coverage of each kind that answers have, of the parameter `v`, most with a missing value."""
