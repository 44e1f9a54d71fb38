"""The axes of a store, each read once and shared by the parameters that have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from zarr_edr.dataset.calendars import decode, iso_strings
from zarr_edr.dataset.cf_attributes import Notes, standard_name, text, title, unit_of
from zarr_edr.dataset.cf_packing import read, unpacked
from zarr_edr.dataset.cf_roles import DimCoordinate, Role, dim_coordinate, find_roles, is_longitude
from zarr_edr.dataset.cf_runs import Runs
from zarr_edr.dataset.model import Axis, CustomAxis, Int64Array, TimeAxis, Unit, VerticalAxis
from zarr_edr.dataset.units import is_pressure, tidied
from zarr_edr.errors import ConfigurationError, UnsupportedDataset
from zarr_edr.grid.protocol import GridIndex
from zarr_edr.grid.rectilinear import RectilinearGrid
from zarr_edr.settings import CollectionSettings

NUMERIC = "iuf"
"""Kinds of dtype that are numbers."""

_MAX_LONGITUDE = 1080.0
"""Degrees; what is beyond three turns is more likely metres."""
_MAX_LATITUDE = 90.001
"""Degrees, with room for rounding."""


class Axes:
    """Axes and grids of one store, by dimension. Raises `ConfigurationError` for coordinates that cannot be used."""

    def __init__(self, dataset: xr.Dataset, settings: CollectionSettings, notes: Notes) -> None:
        self.dataset, self.notes = dataset, notes
        self.roles = find_roles(dataset, settings, notes)
        fields = (settings.x_field, settings.y_field, settings.z_field, settings.time_field)
        named = [field for field in fields if field is not None]
        self.coordinates: Mapping[str, DimCoordinate] = {
            str(dim): dim_coordinate(str(dim), dataset, self.roles, named) for dim in dataset.sizes
        }
        self._trusted = settings.storage_crs is not None
        self.runs: dict[str, Runs] = {}
        """Dimension of forecast runs -> its runs, for the dimensions that `others` has met."""
        self._axes: dict[tuple[str | int, ...], Axis] = {}
        self._in_memory: dict[str, xr.Variable] = {}
        self._grids: dict[tuple[str, str], GridIndex] = {}

    def horizontal(self, dims: tuple[str, ...]) -> tuple[str, str] | None:
        """The x and y dimension among `dims`, when there is one of each and they are longitude and latitude."""
        x, y = ([d for d in dims if self.coordinates[d].role is role] for role in (Role.X, Role.Y))
        if len(x) != 1 or len(y) != 1:
            return None
        if not self._trusted and not all(is_longitude(self._variable(self.coordinates[d])) for d in (x[0], y[0])):
            return None
        return x[0], y[0]

    def grid(self, x_dim: str, y_dim: str) -> GridIndex:
        """The grid of two dimensions that `horizontal` found."""
        if (x_dim, y_dim) not in self._grids:
            x, y = self.coordinates[x_dim], self.coordinates[y_dim]
            try:
                self._grids[x_dim, y_dim] = RectilinearGrid(
                    self._degrees(x, _MAX_LONGITUDE),
                    self._degrees(y, _MAX_LATITUDE),
                    x_dim=x_dim,
                    y_dim=y_dim,
                    geographic=True,
                    x_bounds=self._bounds(x),
                    y_bounds=self._bounds(y),
                )
            except ConfigurationError as error:
                raise UnsupportedDataset(error.message) from error
        return self._grids[x_dim, y_dim]

    def others(self, dims: tuple[str, ...], run: str | None = None) -> tuple[dict[str, Axis], dict[str, int]]:
        """Axes and fixed indices of the dimensions that are not horizontal, storage order.

        Of forecast runs, those of the run with the id `run`, or of the latest for None. A parameter has one time and one
        vertical axis; a second one of a kind is offered as a custom axis.
        """
        fixed = self._fixed_run(dims, run)
        axes: dict[str, Axis] = {}
        for dim in (d for d in dims if d not in fixed):
            axis = self._axis(dim, next(iter(fixed.items()), None))
            if not isinstance(axis, CustomAxis) and any(isinstance(other, type(axis)) for other in axes.values()):
                self.notes.add(f"{dim!r} is a second axis of its kind and offered as a custom dimension.")
                axis = self._custom(self.coordinates[dim])
            axes[dim] = axis
        return axes, fixed

    def _fixed_run(self, dims: tuple[str, ...], run: str | None) -> dict[str, int]:
        """The dimension of forecast runs and the index of one, where a further dimension counts the times of a run."""
        dim = next((dim for dim in dims if self.coordinates[dim].role is Role.REFERENCE), None)
        if dim is None or not any(self.coordinates[d].role in {Role.PERIOD, Role.TIME} for d in dims):
            return {}
        if dim not in self.runs:
            us, calendar = self._instants(self._variable(self.coordinates[dim]), dim)
            self.runs[dim] = Runs.of(dim, us, calendar, self.notes)
        runs = self.runs[dim]
        return {dim: runs.latest if run is None else runs.by_id[run].index}

    def _axis(self, dim: str, run: tuple[str, int] | None) -> Axis:
        coordinate = self.coordinates[dim]
        in_run = run is not None and coordinate.role is Role.PERIOD
        key = (dim, *run) if run is not None and in_run else (dim,)
        if key not in self._axes:
            self._axes[key] = self._step_axis(coordinate, run) if in_run else self._made(coordinate)
        return self._axes[key]

    def _made(self, coordinate: DimCoordinate) -> Axis:
        match coordinate.role:
            case Role.TIME | Role.REFERENCE:
                return self._time(coordinate)
            case Role.PERIOD:
                return self._step_axis(coordinate, None)
            case Role.Z:
                return self._vertical(coordinate)
            case _:
                return self._custom(coordinate)

    def _time(self, coordinate: DimCoordinate) -> Axis:
        variable = self._variable(coordinate)
        if variable.dtype.kind != "M" and "since" not in (text(variable.attrs, "units") or ""):
            self.notes.add(
                f"{coordinate.name!r} is a time without a unit `... since ...`; its numbers are offered as they are."
            )
            return self._custom(coordinate)
        if coordinate.role is Role.REFERENCE:
            self.notes.add(f"{coordinate.name!r} holds reference times; they are offered as the times of the data.")
        us, calendar = self._instants(variable, str(coordinate.name))
        return self._time_axis(coordinate.dim, us, calendar)

    def _step_axis(self, coordinate: DimCoordinate, run: tuple[str, int] | None) -> Axis:
        """Times of one run: from the variable that has them, else reference time + step, else the steps as they are."""
        dim = coordinate.dim
        valid = None if run is None else self._named_by_role(Role.TIME, {dim, run[0]})
        if run is not None and valid is not None:
            row = self._read_once(valid).isel({run[0]: run[1]})
            return self._time_axis(dim, *self._instants(row, valid))
        reference = self._named_by_role(Role.REFERENCE, {run[0]} if run is not None else set())
        if reference is None:
            return self._custom(coordinate)
        moments = self._read_once(reference)
        start, calendar = self._instants(moments if run is None else moments.isel({run[0]: run[1]}), reference)
        steps = self._variable(coordinate)
        units = text(steps.attrs, "units") or ""
        try:
            offsets, _ = decode(unpacked(dim, steps, self.notes), f"{units} since 1970-01-01", "proleptic_gregorian")
        except ConfigurationError:
            self.notes.add(
                f"{coordinate.name!r} counts steps of unknown length ({units!r}); they are offered as numbers."
            )
            return self._custom(coordinate)
        return self._time_axis(dim, start.reshape(-1)[0] + offsets, calendar)

    def _read_once(self, name: str) -> xr.Variable:
        """A variable with its values in memory: each run takes its part of them."""
        if name not in self._in_memory:
            variable = self.dataset.variables[name]
            self._in_memory[name] = variable.copy(data=read(name, variable))
        return self._in_memory[name]

    def _named_by_role(self, role: Role, dims: set[str]) -> str | None:
        variables = self.dataset.variables
        return next((n for n in sorted(self.roles) if self.roles[n] is role and set(variables[n].dims) == dims), None)

    def _instants(self, variable: xr.Variable, name: str) -> tuple[Int64Array, str]:
        if variable.dtype.kind == "M":
            stored = read(name, variable)
            if np.isnat(stored).any():
                raise UnsupportedDataset(f"{name!r} has missing times.")
            return stored.astype("datetime64[us]").astype(np.int64), "proleptic_gregorian"
        units = text(variable.attrs, "units") or ""
        values = unpacked(name, variable, self.notes)
        try:
            return decode(values, units, text(variable.attrs, "calendar"))
        except ConfigurationError as error:
            raise UnsupportedDataset(f"{name!r}: {error.message}") from error

    def _time_axis(self, dim: str, us: Int64Array, calendar: str) -> TimeAxis:
        in_order = np.sort(us)
        twice = np.flatnonzero(np.diff(in_order) == 0)
        if twice.size:
            first = iso_strings(in_order[twice[:1]], calendar)[0]
            raise UnsupportedDataset(f"{dim!r} has the time {first} more than once.")
        return TimeAxis(dim, us, calendar, iso_strings(us, calendar))

    def _vertical(self, coordinate: DimCoordinate) -> Axis:
        variable = self._variable(coordinate)
        values = self._numbers(coordinate)
        steps = np.diff(values.astype(np.float64))
        if not np.isfinite(values).all() or not ((steps > 0).all() or (steps < 0).all()):
            raise UnsupportedDataset(f"The levels of {coordinate.name!r} are not strictly monotonic.")
        unit = unit_of(variable.attrs)
        return VerticalAxis(
            dim=coordinate.dim,
            values=values,
            unit=Unit("", None) if unit is None else tidied(unit),
            positive=_positive(variable.attrs),
            title=title(str(coordinate.name), variable.attrs),
            standard_name=standard_name(variable.attrs),
        )

    def _custom(self, coordinate: DimCoordinate) -> CustomAxis:
        if coordinate.name is None:
            self.notes.add(f"Dimension {coordinate.dim!r} has no coordinate variable; it is offered as indices from 0.")
            return CustomAxis(coordinate.dim, np.arange(self.dataset.sizes[coordinate.dim]), coordinate.dim, None)
        variable = self._variable(coordinate)
        values = unpacked(coordinate.name, variable, self.notes)
        if values.dtype.kind not in "iufb":
            values = np.array([_as_text(value) for value in values.tolist()])
        if len(set(values.tolist())) != values.size:
            self.notes.add(f"{coordinate.name!r} has values more than once; the first of them is found.")
        name, attributes = coordinate.name, variable.attrs
        return CustomAxis(
            coordinate.dim, values, title(name, attributes), unit_of(attributes), standard_name(attributes)
        )

    def _variable(self, coordinate: DimCoordinate) -> xr.Variable:
        return self.dataset.variables[coordinate.name]

    def _numbers(self, coordinate: DimCoordinate) -> NDArray[Any]:
        values = unpacked(str(coordinate.name), self._variable(coordinate), self.notes)
        if values.dtype.kind not in NUMERIC:
            raise UnsupportedDataset(f"{coordinate.name!r} does not hold numbers.")
        return values

    def _degrees(self, coordinate: DimCoordinate, most: float) -> NDArray[Any]:
        values = self._numbers(coordinate)
        largest = float(np.abs(values).max())
        if largest > most:
            raise UnsupportedDataset(f"{coordinate.name!r} reaches {largest:g}, which no longitude or latitude does.")
        return values

    def _bounds(self, coordinate: DimCoordinate) -> NDArray[Any] | None:
        """Bounds of the cells, shape (n, 2), packed as they say or, lacking that, as the coordinate is (CF 7.1)."""
        variable = self._variable(coordinate)
        name = text(variable.attrs, "bounds")
        if name is None or name not in self.dataset.variables:
            return None
        bounds = self.dataset.variables[name]
        if bounds.shape != (variable.size, 2) or bounds.dims[0] != coordinate.dim or bounds.dtype.kind not in NUMERIC:
            self.notes.add(f"Bounds {name!r} of {coordinate.name!r} do not have its shape and are ignored.")
            return None
        packed = {k: v for k, v in variable.attrs.items() if k in {"scale_factor", "add_offset", "_Unsigned"}}
        inherited = bounds.copy(deep=False)
        inherited.attrs = packed | bounds.attrs
        try:
            return unpacked(name, inherited, self.notes)
        except UnsupportedDataset as error:
            self.notes.add(f"Bounds are ignored: {error.message}")
            return None


def _positive(attributes: Mapping[Any, Any]) -> str | None:
    """`up` or `down`: as written, or as the standard name or a unit of pressure has it (CF 4.3)."""
    written = (text(attributes, "positive") or "").lower()
    if written in {"up", "down"}:
        return written
    name = standard_name(attributes) or ""
    if name.startswith("depth") or name.endswith("_pressure") or is_pressure(text(attributes, "units") or ""):
        return "down"
    return "up" if name.startswith("height") or name in {"altitude", "geopotential_height"} else None


def _as_text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
