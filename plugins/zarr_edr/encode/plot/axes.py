"""The axes of panels: where values stand along an axis of a coverage, where their cells end, and what the axis is called."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zarr_edr.coverage import Coverage, Times, Tuples
from zarr_edr.dataset.model import HorizontalCrs, VerticalAxis
from zarr_edr.encode.plot import text
from zarr_edr.encode.plot.model import Float64Array, PlotAxis, Scale

_EARTH_KM = 6371.0088
"""Mean radius (Moritz 2000, GRS 80): distances along a path are right to half a percent."""
_PRESSURES = frozenset({"Pa", "hPa", "kPa", "bar", "mbar", "dbar"})
_DOWNWARD = frozenset({"depth", "air_pressure", "sea_water_pressure"})
_LOG_FROM = 10.0
"""Ratio of pressures from which they are drawn logarithmically, that is, evenly in height."""


@dataclass(frozen=True, slots=True, eq=False)
class Ruler:
    """Positions along an axis of a panel."""

    axis: PlotAxis
    at: Float64Array
    """Shape (n,), in the order of the values."""

    def every(self, stride: int) -> Ruler:
        """Some of the positions."""
        return Ruler(self.axis, self.at[::stride])

    def edges(self) -> Float64Array:
        """Shape (n + 1,), ascending: halfway between positions, and as far beyond the outermost; the poles are an end."""
        at = np.sort(self.at)
        if self.axis.scale is Scale.LOG:
            return np.asarray(np.exp(_halfway(np.log(at))), np.float64)
        edges = _halfway(at)
        if self.axis.scale is Scale.LATITUDE:
            return np.clip(edges, -90.0, 90.0)
        if self.axis.downward and at[0] >= 0:  # no depth is above the surface
            return np.maximum(edges, 0.0)
        return edges


def _halfway(at: Float64Array) -> Float64Array:
    if at.size == 1:
        return np.array([at[0] - 0.5, at[0] + 0.5])
    between = (at[1:] + at[:-1]) / 2
    return np.concatenate(([at[0] - (between[0] - at[0])], between, [at[-1] + (at[-1] - between[-1])]))


def ruler(name: str, coverage: Coverage, crs: HorizontalCrs) -> Ruler:
    """Where the values of a coverage stand along one of its axes, and how to show that."""
    axis = coverage.axes[name]
    match axis:
        case Times():
            return _times(axis)
        case Tuples():
            return _path(axis, crs)
        case _ if name == "z":
            return Ruler(_vertical(coverage.vertical, axis), axis)
        case _:
            return Ruler(horizontal(name, crs), axis)


def horizontal(name: str, crs: HorizontalCrs) -> PlotAxis:
    """The axis of x or y coordinates."""
    if crs.geographic:
        return PlotAxis("Longitude", Scale.LONGITUDE) if name == "x" else PlotAxis("Latitude", Scale.LATITUDE)
    return PlotAxis(f"{name} ({text.crs_text(crs)}, km)", Scale.METRES)


def _times(times: Times) -> Ruler:
    calendar = times.axis.calendar
    label = "Time (UTC)" if _of_today(calendar) else f"Time (UTC, calendar {calendar})"
    return Ruler(PlotAxis(label, Scale.TIME, calendar=calendar), times.axis.us[times.index].astype(np.float64))


def _of_today(calendar: str) -> bool:
    return calendar in {"standard", "gregorian", "proleptic_gregorian"}


def _vertical(axis: VerticalAxis | None, levels: Float64Array) -> PlotAxis:
    if axis is None:
        return PlotAxis("Level")
    pressure = text.unit_text(axis.unit) in _PRESSURES or axis.standard_name == "air_pressure"
    downward = axis.positive == "down" or (axis.positive is None and (pressure or axis.standard_name in _DOWNWARD))
    log = pressure and levels.min() > 0 and levels.max() / levels.min() >= _LOG_FROM
    title = axis.title[:1].upper() + axis.title[1:]
    return PlotAxis(text.with_unit(title, axis.unit), Scale.LOG if log else Scale.NUMBER, downward)


def _path(path: Tuples, crs: HorizontalCrs) -> Ruler:
    """Time where each vertex is later than the one before, else distance where each is further, else their numbers."""
    if path.t is not None:
        timed = _times(path.t)
        if (np.diff(timed.at) > 0).all():
            return timed
    along = distances(path.x, path.y, geographic=crs.geographic)
    if (np.diff(along) > 0).all():
        label = "Distance along the path (km" + (")" if crs.geographic else f" in {text.crs_text(crs)})")
        return Ruler(PlotAxis(label, Scale.NUMBER if crs.geographic else Scale.METRES), along)
    return Ruler(PlotAxis("Vertex of the path"), np.arange(1.0, path.x.size + 1))


def distances(x: Float64Array, y: Float64Array, *, geographic: bool) -> Float64Array:
    """Shape (n,): how far each vertex is from the first, along the path; km on a sphere, or units of the plane."""
    if not geographic:
        steps = np.hypot(np.diff(x), np.diff(y))
    else:
        phi, half = np.radians(y), np.radians(np.diff(x)) / 2
        chord = np.sin(np.diff(phi) / 2) ** 2 + np.cos(phi[1:]) * np.cos(phi[:-1]) * np.sin(half) ** 2
        steps = 2 * _EARTH_KM * np.arcsin(np.sqrt(np.clip(chord, 0.0, 1.0)))
    return np.concatenate(([0.0], np.cumsum(steps)))
