"""Fields and points on a map become panels with colours."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from zarr_edr.coverage import CoverageSet, Tuples
from zarr_edr.dataset.model import HorizontalCrs, Parameter
from zarr_edr.encode.plot import text
from zarr_edr.encode.plot.axes import horizontal, ruler
from zarr_edr.encode.plot.choose import Chosen, evenly
from zarr_edr.encode.plot.flags import Flags, flags_of
from zarr_edr.encode.plot.lines import Facets, without
from zarr_edr.encode.plot.model import Colours, DotsPanel, FieldPanel, Float64Array
from zarr_edr.encode.plot.slots import DOTS, LEVEL, Slot

MOST_ROWS = 1_500
"""Rows, and columns, of cells drawn in one picture: more than it has pixels."""
MOST_DOTS = 20_000
_RATIOS = (0.2, 1.6)
"""Height by width of a map, at least and at most."""
_WHOLE_EARTH = 60.0
"""Degrees of latitude from which a map keeps longitudes and latitudes of one length."""
_DIVERGING = re.compile(r"anomal|tendency|difference|(^|_)(eastward|northward|upward|x|y)_", re.IGNORECASE)
"""Names of quantities of which zero is the middle."""
NO_VALUE = "Grey: no value."


def field_panels(chosen: Chosen, of: CoverageSet, told: Facets, *, named: bool) -> tuple[list[FieldPanel], list[str]]:
    """A panel for each field, and what is to be said of them. `named`: titles begin with the parameter's."""
    flags, room = _flags(chosen), int(MOST_ROWS / np.sqrt(len(chosen.slots)))
    panels = [_field(slot, of.crs, flags, room) for slot in chosen.slots]
    scales = _scales(chosen, [panel.values for panel in panels], flags)
    titles = [_title(chosen.parameter, facets, told, named=named) for facets in chosen.facets]
    panels = [replace(p, colours=s, title=t) for p, s, t in zip(panels, scales, titles, strict=True)]
    notes = []
    if any(panel.rigid and panel.ratio in _RATIOS for panel in panels):
        notes.append("Map not to scale: latitudes and longitudes are stretched unequally.")
    stride = max(max(_strides(slot, room)) for slot in chosen.slots)
    if stride > 1:
        notes.append(f"Drawn: one in {stride} rows or columns of cells.")
    if any(np.isnan(panel.values).any() for panel in panels):
        notes.append(NO_VALUE)
    return panels, notes


def _strides(slot: Slot, room: int) -> tuple[int, int]:
    """Which rows and columns are drawn, so that there are no more than `room` of each."""
    rows, columns = slot.stored().shape
    return -(-rows // room), -(-columns // room)


def _field(slot: Slot, crs: HorizontalCrs, flags: Flags | None, room: int) -> FieldPanel:
    rows, columns = _strides(slot, room)
    up = ruler(slot.along[0], slot.coverage, crs).every(rows)
    across = ruler(slot.along[1], slot.coverage, crs).every(columns)
    values = slot.values(rows, columns)
    values = values if flags is None else flags.classes(values)
    values = values[np.argsort(up.at, kind="stable")][:, np.argsort(across.at, kind="stable")]
    # Hovmoeller's diagram of longitudes is read from top to bottom.
    up_axis = replace(up.axis, downward=True) if slot.along == ("t", "x") else up.axis
    x, y = across.edges(), up.edges()
    panel = FieldPanel(replace(across.axis, downward=False), up_axis, x, y, values, _NOT_YET)
    if slot.along != ("y", "x"):
        return panel
    ratio = map_ratio((x[0], x[-1]), (y[0], y[-1]), geographic=crs.geographic)
    return replace(panel, ratio=float(np.clip(ratio, *_RATIOS)), rigid=True)


_NOT_YET = Colours("", "", 0.0, 0.0)


def _flags(chosen: Chosen) -> Flags | None:
    return flags_of(chosen.parameter.attributes, chosen.slots[0].range.values.dtype)


def _title(parameter: Parameter, facets: Facets, told: Facets, *, named: bool) -> str:
    where = without(facets, told)
    return text.plain(", ".join(filter(None, (parameter.title if named else "", where))), text.TITLE_CHARS)


def map_ratio(x: tuple[float, float], y: tuple[float, float], *, geographic: bool) -> float:
    """Height by width of a map; a degree of longitude is as long as it is in the middle, on maps of no great height."""
    width, height = x[1] - x[0], y[1] - y[0]
    if geographic and height < _WHOLE_EARTH:
        width *= max(float(np.cos(np.radians((y[0] + y[1]) / 2))), 0.1)
    return float(height / width)


def _scales(chosen: Chosen, values: list[Float64Array], flags: Flags | None) -> list[Colours]:
    """The colours of each panel: one scale for all that are at one level."""
    levels = [facets.get(LEVEL, "") for facets in chosen.facets]
    scale = {
        level: colours(chosen.parameter, [v for v, at in zip(values, levels, strict=True) if at == level], flags)
        for level in dict.fromkeys(levels)
    }
    return [scale[level] for level in levels]


def colours(parameter: Parameter, values: list[Float64Array], flags: Flags | None) -> Colours:
    """A scale from the least to the greatest value, or of classes."""
    label, unit = text.parameter_text(parameter), text.unit_text(parameter.unit)
    if flags is not None:
        other = any((v == len(flags.values)).any() for v in values)
        names = flags.names if other else flags.names[:-1]
        return Colours(label, unit, 0.0, float(len(names) - 1), classes=names)
    present = [v[~np.isnan(v)] for v in values]
    low = min((float(v.min()) for v in present if v.size), default=0.0)
    high = max((float(v.max()) for v in present if v.size), default=0.0)
    named = any(_DIVERGING.search(name) for name in (parameter.standard_name or "", parameter.title))
    if named and low < 0 < high:
        most = max(-low, high)
        return Colours(label, unit, -most, most, diverging=True)
    return Colours(label, unit, low, high)


def dots_panels(chosen: Chosen, of: CoverageSet, told: Facets, *, named: bool) -> tuple[list[DotsPanel], list[str]]:
    """A map of coloured points for each slot, and what is to be said of them."""
    flags, notes, panels = _flags(chosen), [], []
    most = MOST_DOTS // len(chosen.slots)
    for slot, facets in zip(chosen.slots, chosen.facets, strict=True):
        composite = slot.coverage.axes["composite"]
        assert isinstance(composite, Tuples)  # noqa: S101 - it never is anything else
        kept = evenly(composite.x.size, most)
        if len(kept) < composite.x.size:
            notes.append(f"Shown: {text.counted(len(kept), composite.x.size, 'points')}, evenly spaced.")
        values = slot.values()[kept]
        values = values if flags is None else flags.classes(values)
        panels.append(_dots(slot, composite.x[kept], composite.y[kept], values, of.crs))
        panels[-1] = replace(panels[-1], title=_title(chosen.parameter, facets, told, named=named))
    scales = _scales(chosen, [panel.values for panel in panels], flags)
    if any(np.isnan(panel.values).any() for panel in panels):
        notes.append("Hollow: no value.")
    return [replace(p, colours=scale) for p, scale in zip(panels, scales, strict=True)], list(dict.fromkeys(notes))


def _dots(slot: Slot, x: Float64Array, y: Float64Array, values: Float64Array, crs: HorizontalCrs) -> DotsPanel:
    assert slot.along == DOTS  # noqa: S101 - fields have panels of their own
    x = _together(x) if crs.geographic else x
    width, height = float(np.ptp(x)), float(np.ptp(y))
    least = 0.1 * max(width, height) or (1.0 if crs.geographic else 1000.0)
    width, height = max(1.15 * width, least), max(1.15 * height, least)
    ratio = map_ratio(
        (0.0, width), (float(y.mean()) - height / 2, float(y.mean()) + height / 2), geographic=crs.geographic
    )
    # A window that is too long for a picture gets broader, not distorted.
    width, height = width * max(ratio, 1.0), height * max(0.3 / ratio, 1.0)
    x_limits, y_limits = _around(x, width), _around(y, height)
    if crs.geographic:
        y_limits = (max(y_limits[0], -90.0), min(y_limits[1], 90.0))
    ratio = map_ratio(x_limits, y_limits, geographic=crs.geographic)
    axes = horizontal("x", crs), horizontal("y", crs)
    return DotsPanel(*axes, x, y, values, _NOT_YET, x_limits, y_limits, ratio=float(np.clip(ratio, *_RATIOS)))


def _around(at: Float64Array, width: float) -> tuple[float, float]:
    middle = (float(at.min()) + float(at.max())) / 2
    return middle - width / 2, middle + width / 2


def _together(longitude: Float64Array) -> Float64Array:
    """Longitudes of points counted on across the seam, where that brings them closer together: 359 and 1 become 359 and 361."""
    turned = longitude % 360.0
    ordered = np.sort(turned)
    gaps = np.diff(ordered, append=ordered[0] + 360.0)
    start = ordered[(int(gaps.argmax()) + 1) % ordered.size]
    moved = np.where(turned < start, turned + 360.0, turned)
    return moved if np.ptp(moved) < np.ptp(longitude) - 1e-9 else longitude
