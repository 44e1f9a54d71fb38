"""Attributes of CF variables (conventions 1.11): what axes, coordinate reference systems and parameters say of themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pyproj
from numpy.typing import NDArray

from zarr_edr.dataset.calendars import DAY_US, SECOND_US
from zarr_edr.dataset.model import CustomAxis, HorizontalCrs, Int64Array, Parameter, TimeAxis, VerticalAxis

Attributes = dict[str, Any]
"""Name -> text, number or array of numbers."""

_TIME_UNITS = {
    "days": DAY_US,
    "hours": 3600 * SECOND_US,
    "minutes": 60 * SECOND_US,
    "seconds": SECOND_US,
    "milliseconds": 1000,
    "microseconds": 1,
}
"""Unit -> microseconds, coarsest first."""

_MERCATOR = {
    "grid_mapping_name": "mercator",
    "earth_radius": 6_378_137.0,
    "standard_parallel": 0.0,
    "longitude_of_projection_origin": 0.0,
    "false_easting": 0.0,
    "false_northing": 0.0,
}
"""EPSG:3857 as CF can say it, whose mercator of a sphere has the same equations."""

_KEPT_TEXT = ("comment", "references", "source", "institution")
_FLAGS = ("flag_values", "flag_masks")
_METHOD = re.compile(r"([^\s:()]+)(?=:(?:\s|$))")
"""What stands before a colon in cell_methods: a name of an axis, or `interval` and `comment`."""


def encoded_times(us: Int64Array) -> tuple[Int64Array, str]:
    """Instants, any shape, as whole numbers of the coarsest unit that is exact, and CF's text for that unit (4.4)."""
    unit = next(unit for unit, size in _TIME_UNITS.items() if not (us % size).any())
    return us // _TIME_UNITS[unit], f"{unit} since 1970-01-01 00:00:00"


def time_attributes(axis: TimeAxis | None, units: str) -> Attributes:
    """Of a variable of times (4.4)."""
    calendar = "standard" if axis is None else axis.calendar
    return {"standard_name": "time", "long_name": "time", "units": units, "calendar": calendar, "axis": "T"}


def vertical_attributes(axis: VerticalAxis | None) -> Attributes:
    """Of a variable of levels (4.3)."""
    if axis is None:
        return {"axis": "Z"}
    found: Attributes = {"standard_name": axis.standard_name, "long_name": axis.title, "units": axis.unit.text or None}
    return _present({**found, "positive": axis.positive, "axis": "Z"})


def horizontal_attributes(crs: HorizontalCrs, name: str) -> Attributes:
    """Of a variable of `x` or `y` (4.1, 4.2, 5.6)."""
    axis = name.upper()
    if not crs.geographic:
        text = f"{name} coordinate of projection"
        return {"standard_name": f"projection_{name}_coordinate", "long_name": text, "units": "m", "axis": axis}
    text, units = ("longitude", "degrees_east") if name == "x" else ("latitude", "degrees_north")
    return {"standard_name": text, "long_name": text, "units": units, "axis": axis}


def member_attributes(axis: CustomAxis | None) -> Attributes:
    """Of a variable of members of a further dimension."""
    if axis is None:
        return {}
    units = None if axis.unit is None else axis.unit.text
    return _present({"standard_name": axis.standard_name, "long_name": axis.title, "units": units})


@lru_cache(maxsize=16)
def grid_mapping(crs: HorizontalCrs) -> Attributes:
    """Of the variable that describes the CRS (5.6 and appendix F)."""
    found: Attributes = pyproj.CRS.from_wkt(crs.wkt).to_cf(wkt_version="WKT2_2019")
    return found if "grid_mapping_name" in found else {**_MERCATOR, **found}


def parameter_attributes(parameter: Parameter, values: NDArray[Any], axes: Mapping[str, str]) -> Attributes:
    """Of the variable that holds a parameter. `axes`: the store's names of dimensions -> those of the file."""
    stored = parameter.attributes
    description = parameter.description if parameter.description not in (parameter.title, parameter.name) else None
    found: Attributes = {name: text for name in _KEPT_TEXT if isinstance(text := stored.get(name), str)}
    found = {"comment": description, **found}
    units = None if parameter.unit is None else parameter.unit.text
    found |= {"standard_name": parameter.standard_name, "long_name": parameter.title, "units": units}
    if isinstance(methods := stored.get("cell_methods"), str):
        found["cell_methods"] = _METHOD.sub(lambda match: axes.get(match[1], match[1]), methods)
    return _present(found | _flags(stored, values))


def _flags(stored: Mapping[str, Any], values: NDArray[Any]) -> Attributes:
    """Flags (3.5) where they are whole: as many values, of the type of the data, as meanings."""
    meanings = stored.get("flag_meanings")
    if not isinstance(meanings, str):
        return {}
    found: Attributes = {}
    for name in _FLAGS:
        flags = np.atleast_1d(np.asarray(stored.get(name, ())))
        if flags.dtype.kind in "iuf" and flags.size == len(meanings.split()):
            as_data = flags.astype(values.dtype)
            if (as_data == flags).all():
                found[name] = as_data
    return {**found, "flag_meanings": meanings} if found else {}


def _present(attributes: Attributes) -> Attributes:
    return {name: value for name, value in attributes.items() if value is not None}
