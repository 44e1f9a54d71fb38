"""One coverage of each domain type, for tests of encoders."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from zarr_edr.coverage import Coverage, CoverageSet, DomainType, Range, Times, Tuples
from zarr_edr.dataset.calendars import DAY_US, iso_strings
from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.cf_crs import crs84
from zarr_edr.dataset.model import Collection, HorizontalCrs, TimeAxis, Unit, VerticalAxis
from zarr_edr.plan import PointShape
from zarr_edr.query.geometry import Tags
from zarr_edr.settings import CollectionSettings
from zarr_edr.testing.stores import LAT, LON, AxisSpec, StoreSpec, VariableSpec, in_memory

_DAYS = np.arange(3, dtype=np.int64) * DAY_US
TIME_AXIS = TimeAxis("time", _DAYS, "standard", iso_strings(_DAYS, "standard"))


@cache
def collection() -> Collection:
    """A parameter `v` on two by two cells of longitude and latitude, without further axes."""
    axes = {
        LAT: AxisSpec((0.0, 1.0), "float64", {"units": "degrees_north"}),
        LON: AxisSpec((0.0, 1.0), "float64", {"units": "degrees_east"}),
    }
    variable = VariableSpec("v", (LAT, LON), (2, 2), "float32", 0)
    group = in_memory(StoreSpec(3, False, "none", axes, (variable,), True))
    return describe(group, "c", "C", "", CollectionSettings(data="memory"))


def times(*index: int) -> Times:
    """Some days of January 1970."""
    return Times(TIME_AXIS, np.array(index))


def vertical(unit: str = "hPa", positive: str = "down") -> VerticalAxis:
    """Two levels."""
    return VerticalAxis("level", np.array([1.0, 2.0]), Unit(unit, unit), positive, "level")


def coverages(
    *members: Coverage,
    crs: HorizontalCrs | None = None,
    tags: Tags | None = None,
    single: bool | None = None,
    shape: PointShape | None = None,
) -> CoverageSet:
    """An answer of these."""
    names = tuple(sorted({name for coverage in members for name in coverage.ranges}))
    parameters = tuple(replace(collection().parameters["v"], name=name) for name in names)
    alone = len(members) == 1 if single is None else single
    url = "http://localhost/collections/c/position"
    return CoverageSet(members, parameters, crs or crs84(), alone, url, shape=shape, tags=tags)


def of(kind: DomainType, axes: Any, names: tuple[str, ...], values: Any, **more: Any) -> Coverage:
    """A coverage of the parameter `v`, of float32."""
    return Coverage(kind, axes, {"v": Range(names, np.asarray(values, np.float32))}, **more)


X, Y, Z = np.array([10.0, 11.0, 12.5]), np.array([50.0, 49.0]), np.array([1.0, 2.0])
ONE = {"x": X[:1], "y": Y[:1]}
THREE = Tuples(X, np.array([1.0, 2.0, 3.0]), None)
HIGH = Tuples(X, np.array([1.0, 2.0, 3.0]), np.array([5.0, 6.0, 7.0]))
FLOWN = Tuples(X, np.array([1.0, 2.0, 3.0]), None, times(0, 0, 2))
COVERAGES: dict[str, Coverage] = {
    "Point": of(DomainType.POINT, ONE, (), 5),
    "Point at a time and level": of(DomainType.POINT, {**ONE, "z": Z[:1], "t": times(1)}, (), 5),
    "PointSeries": of(DomainType.POINT_SERIES, {**ONE, "t": times(0, 1, 2)}, ("t",), [1, np.nan, 3]),
    "VerticalProfile": of(DomainType.VERTICAL_PROFILE, {**ONE, "z": Z}, ("z",), [np.nan, 3]),
    "MultiPoint": of(DomainType.MULTI_POINT, {"composite": THREE}, ("composite",), [1, np.nan, 3]),
    "MultiPoint with levels": of(DomainType.MULTI_POINT, {"composite": HIGH, "t": times(1)}, ("composite",), [1, 2, 3]),
    "MultiPointSeries": of(
        DomainType.MULTI_POINT_SERIES,
        {"composite": THREE, "t": times(0, 2)},
        ("t", "composite"),
        [[1, 2, np.nan], [4, 5, np.nan]],
    ),
    "Grid": of(DomainType.GRID, {"x": X, "y": Y}, ("y", "x"), np.arange(6).reshape(2, 3)),
    "Grid of all axes": of(
        DomainType.GRID,
        {"x": X, "y": Y, "z": Z, "t": times(0, 1)},
        ("t", "z", "y", "x"),
        np.arange(24).reshape(2, 2, 2, 3),
    ),
    "Trajectory": of(DomainType.TRAJECTORY, {"composite": FLOWN}, ("composite",), [1, 2, 3]),
    "Section": of(DomainType.SECTION, {"composite": FLOWN, "z": Z}, ("z", "composite"), [[1, 2, 3], [4, np.nan, 6]]),
    "with a member": of(DomainType.POINT, ONE, (), 5, dimensions={"number": 3}),
}
"""By name, all of the parameter `v`."""
