"""The extent of a collection or parameter, as EDR describes it: taken from the axes, nothing from the configuration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from zarr_edr.dataset.calendars import CUTOVER_US, GREGORIAN
from zarr_edr.dataset.catalog import bbox
from zarr_edr.dataset.cf_crs import CRS84_URI
from zarr_edr.dataset.model import Collection, CustomAxis, Float64Array, Int64Array, Parameter, TimeAxis, VerticalAxis
from zarr_edr.dataset.units import is_pressure
from zarr_edr.encode.covjson import STANDARD_NAMES
from zarr_edr.grid.rectilinear import RectilinearGrid

JsonObject = dict[str, Any]

MAX_LISTED = 1000
"""Values that are listed one by one. Longer axes are written as `Rn/start/step` where they are regular."""

_LENGTHS_M = {"m": 1.0, "km": 1000.0, "cm": 0.01, "mm": 0.001, "[ft_i]": 0.3048}
_PRESSURES_PA = {"Pa": 1.0, "hPa": 100.0, "kPa": 1000.0, "mbar": 100.0, "bar": 100000.0, "dbar": 10000.0}


def extent(collection: Collection) -> JsonObject:
    """Spatial, temporal, vertical and custom extent of all parameters together."""
    found: JsonObject = {"spatial": _spatial(collection)}
    return found | _others(collection.time_axes, collection.vertical_axes, collection.custom_axes.values())


def parameter_extent(parameter: Parameter) -> JsonObject:
    """The extent of one parameter, for collections whose parameters differ in theirs."""
    found: JsonObject = {"spatial": {"bbox": [[float(edge) for edge in parameter.grid.bbox]], "crs": CRS84_URI}}
    times = () if parameter.t is None else (parameter.t,)
    levels = () if parameter.z is None else (parameter.z,)
    return found | _others(times, levels, parameter.custom)


def _others(times: Sequence[TimeAxis], levels: Sequence[VerticalAxis], custom: Iterable[CustomAxis]) -> JsonObject:
    found: JsonObject = {}
    if times:
        found["temporal"] = _temporal(times)
    if levels:
        found["vertical"] = _vertical(levels)
    further = [_custom(axis) for axis in custom]
    if further:
        found["custom"] = further
    return found


def _spatial(collection: Collection) -> JsonObject:
    found: JsonObject = {"bbox": [bbox(collection)], "crs": CRS84_URI}
    grids = {id(parameter.grid): parameter.grid for parameter in collection.parameters.values()}
    grid = next(iter(grids.values()))
    if len(grids) == 1 and isinstance(grid, RectilinearGrid):
        x, y = (_listed_or_repeating(axis.written) for axis in (grid.x, grid.y))
        if x is not None and y is not None:
            found["values"] = {"x": x, "y": y}
    return found


def _listed_or_repeating(values: Float64Array) -> list[str] | None:
    repeating = repeating_numbers(values)
    if repeating is not None:
        return [repeating]
    return [number(value) for value in values.tolist()] if values.size <= MAX_LISTED else None


# --- time ----------------------------------------------------------------------------------------------------------


def _temporal(axes: Sequence[TimeAxis]) -> JsonObject:
    us, iso = _merged(axes)
    calendar = axes[0].calendar
    trs = temporal_reference(calendar, named=calendar == "standard" and int(us[0]) < CUTOVER_US)
    return {"interval": [[iso[0], iso[-1]]], "values": _times(us, iso), "trs": trs}


def _merged(axes: Sequence[TimeAxis]) -> tuple[Int64Array, list[str]]:
    """All instants of some axes, chronological, each once, and their text."""
    us = np.concatenate([axis.us for axis in axes])
    iso = [text for axis in axes for text in axis.iso]
    unique, first = np.unique(us, return_index=True)
    return unique, [iso[i] for i in first.tolist()]


def _times(us: Int64Array, iso: list[str]) -> list[str]:
    steps = np.diff(us)
    if us.size <= MAX_LISTED or (steps != steps[0]).any():
        return iso
    return [f"R{us.size}/{iso[0]}/{duration(int(steps[0]))}"]


def duration(us: int) -> str:
    """A positive number of microseconds as an ISO 8601 duration: `P1D`, `PT6H`, `P1DT0.5S`."""
    days, rest = divmod(us, 86_400_000_000)
    minutes, rest = divmod(rest, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest / 1e6:f}".rstrip("0").rstrip(".")
    date = f"{days}D" if days else ""
    clock = "".join(
        f"{value}{unit}" for value, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if value not in {0, "0"}
    )
    return f"P{date}{'T' if clock else ''}{clock}"


def temporal_reference(calendar: str, *, named: bool = False) -> str:
    """WKT 2 of time in one of CF's calendars; `named`: by its name in CF, even if its dates of today are Gregorian."""
    if calendar in GREGORIAN and not named:
        datum = 'TDATUM["Gregorian Calendar"]'
    else:
        datum = f'TDATUM["Time in the calendar {calendar} of the CF conventions",CALENDAR["{calendar}"]]'
    return f'TIMECRS["DateTime",{datum},CS[TemporalDateTime,1],AXIS["Time (T)",future]]'


# --- levels and further dimensions ---------------------------------------------------------------------------------


def _vertical(axes: Sequence[VerticalAxis]) -> JsonObject:
    """The levels of the first axis and of those that are the same kind of axis; others are told by their parameters."""
    first = axes[0]
    alike = [axis for axis in axes if (axis.unit, axis.positive) == (first.unit, first.positive)]
    levels = np.concatenate([axis.written for axis in alike])
    _, order = np.unique(levels, return_index=True)
    levels = levels[np.sort(order)]
    return {
        "interval": [[number(float(levels.min())), number(float(levels.max()))]],
        "values": [number(level) for level in levels.tolist()],
        "vrs": vertical_reference(first),
        "name": first.title,
    }


def vertical_reference(axis: VerticalAxis) -> str:
    """WKT 2 of a vertical axis: heights and depths as vertical CRS, anything else as parametric CRS."""
    title = axis.title.replace('"', "'")
    ucum, text = axis.unit.ucum or "", axis.unit.text.replace('"', "'")
    if ucum in _LENGTHS_M:
        direction = axis.positive or "up"
        unit = f'LENGTHUNIT["{text}",{_LENGTHS_M[ucum]:g}]'
        return f'VERTCRS["{title}",VDATUM["not stated"],CS[vertical,1],AXIS["{title}",{direction}],{unit}]'
    factor = _PRESSURES_PA.get(ucum, 1.0) if is_pressure(text) else 1.0
    unit = f'PARAMETRICUNIT["{text or "1"}",{factor:g}]'
    direction = axis.positive or "unspecified"
    return f'PARAMETRICCRS["{title}",PDATUM["not stated"],CS[parametric,1],AXIS["{title}",{direction}],{unit}]'


def _custom(axis: CustomAxis) -> JsonObject:
    values = axis.values.tolist()
    texts = [value if isinstance(value, str) else number(value) for value in values]
    ends = (texts[0], texts[-1]) if axis.values.dtype.kind not in "iuf" else (number(min(values)), number(max(values)))
    repeating = repeating_numbers(axis.values) if len(texts) > MAX_LISTED and axis.values.dtype.kind in "iuf" else None
    reference = axis.title if axis.standard_name is None else f"{STANDARD_NAMES}{axis.standard_name}"
    return {
        "id": axis.name,
        "interval": [list(ends)],
        "values": texts if repeating is None else [repeating],
        "reference": reference,
    }


def number(value: float) -> str:
    """A number as short text that reads back to it: `850`, `0.5`."""
    text = repr(value)
    return text.removesuffix(".0")


def repeating_numbers(values: Float64Array | Int64Array) -> str | None:
    """`Rn/start/step` where n > 2 values are evenly spaced but for the rounding of their decimals; else None."""
    wide = np.asarray(values, np.float64)
    if wide.size <= 2:
        return None
    step = float(f"{(wide[-1] - wide[0]) / (wide.size - 1):.9g}")
    even = wide[0] + step * np.arange(wide.size)
    if step == 0 or np.abs(even - wide).max() > 1e-6 * abs(step):
        return None
    return f"R{wide.size}/{number(float(wide[0]))}/{number(step)}"
