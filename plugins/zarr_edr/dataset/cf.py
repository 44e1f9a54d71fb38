"""From a Zarr group with CF metadata to the `Collection` that is served.

Reads metadata and the coordinates, no data. A variable is a parameter when it holds numbers on a longitude and a
latitude dimension; its further dimensions become its time, vertical and custom axes.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import replace

import xarray as xr
import zarr

from zarr_edr.dataset.cf_attributes import Notes, description, kept, standard_name, text, title, unit_of
from zarr_edr.dataset.cf_axes import Axes
from zarr_edr.dataset.cf_crs import check_grid_mapping, crs84, storage_crs
from zarr_edr.dataset.cf_packing import packing_of
from zarr_edr.dataset.cf_roles import Role, is_longitude
from zarr_edr.dataset.cf_runs import ids
from zarr_edr.dataset.cf_store import open_raw
from zarr_edr.dataset.chunks import ChunkedArray
from zarr_edr.dataset.model import Collection, Parameter
from zarr_edr.dataset.source import display_name, failures_named
from zarr_edr.errors import ConfigurationError, EdrError, UnsupportedDataset
from zarr_edr.settings import CollectionSettings, ParameterSettings

_SERVED = "regular grids of longitude and latitude are served"


def describe(
    group: zarr.Group,
    id: str,  # noqa: A002 - the standard's name for it
    title: str | None,
    description: str | None,
    settings: CollectionSettings,
) -> Collection:
    """Read the metadata and coordinates of `group`. A title or description of None is taken from the store.

    Raises `UnsupportedDataset`, which names the store and what it has instead, or `ConfigurationError` for settings
    that do not fit the store.
    """
    store = display_name(settings.data)
    try:
        with failures_named(store, remote="://" in settings.data and not settings.data.startswith("file://")):
            return _described(group, id, title, description, settings, store)
    except EdrError as error:
        if error.message.startswith(f"{store}: "):
            raise
        raise type(error)(f"{store}: {error.message}") from error


def _described(
    group: zarr.Group,
    id_: str,
    title: str | None,
    description: str | None,
    settings: CollectionSettings,
    store: str,
) -> Collection:
    notes = Notes()
    crs = crs84() if settings.storage_crs is None else storage_crs(settings.storage_crs)
    dataset = open_raw(group, store)
    reader = _Reader(group, Axes(dataset, settings, notes), settings)
    parameters = reader.parameters()
    if not parameters:
        raise UnsupportedDataset(f"{reader.reason()}; {_SERVED}.")
    _check_parameter_settings(settings, parameters)
    name = title or text(dataset.attrs, "title") or id_
    collection = Collection(
        id=id_,
        title=name,
        description=description or text(dataset.attrs, "summary") or text(dataset.attrs, "comment") or name,
        parameters=parameters,
        crs=crs,
        settings=settings,
        attributes=kept(dataset.attrs),
    )
    instances = reader.instances(collection)
    return replace(collection, warnings=notes.lines, instances=instances)


class _Reader:
    """Makes the parameters of one store and remembers why variables were left out."""

    def __init__(self, group: zarr.Group, axes: Axes, settings: CollectionSettings) -> None:
        self.group, self.axes, self.settings = group, axes, settings
        self.dataset, self.notes = axes.dataset, axes.notes
        self._left_out: list[str] = []

    def parameters(self) -> dict[str, Parameter]:
        """Name -> parameter, in the order of the store."""
        found = ((name, self._parameter(name)) for name in self._candidates())
        return {name: parameter for name, parameter in found if parameter is not None}

    def instances(self, latest: Collection) -> dict[str, Collection]:
        """Id -> the collection as of one forecast run, oldest first. Arrays and grids are shared with `latest`."""
        instances: dict[str, Collection] = {}
        for id_ in ids(self.axes.runs.values()):
            as_of = ((name, self._as_of(id_, parameter)) for name, parameter in latest.parameters.items())
            parameters = {name: parameter for name, parameter in as_of if parameter is not None}
            if any(parameter.fixed for parameter in parameters.values()):
                instances[id_] = replace(latest, id=id_, parameters=parameters)
        return instances

    def _as_of(self, run: str, parameter: Parameter) -> Parameter | None:
        """A parameter in one run, as it is if it has no runs; None if the run has none."""
        if not parameter.fixed:
            return parameter
        if not all(run in self.axes.runs[dim].by_id for dim in parameter.fixed):
            return None
        dims = tuple(dim for dim in parameter.dims if dim not in parameter.grid.dims)
        try:
            axes, fixed = self.axes.others(dims, run)
        except UnsupportedDataset as error:
            self.notes.add(f"The run {run} of {parameter.name!r} is left out: {error.message}")
            return None
        return replace(parameter, axes=axes, fixed=fixed)

    def _candidates(self) -> list[str]:
        """Variables that are not there to describe others."""
        named = {text(v.attrs, key) for v in self.dataset.variables.values() for key in ("bounds", "climatology")}
        mappings = (text(v.attrs, "grid_mapping") for v in self.dataset.variables.values())
        named |= {mapping.split()[0].rstrip(":") for mapping in mappings if mapping is not None}
        horizontal = {name for name, role in self.axes.roles.items() if role in {Role.X, Role.Y}}
        names = [str(n) for n in self.dataset.data_vars if n not in named and n not in horizontal]
        # Without consolidated metadata the order is that of a directory listing, which differs between machines.
        return names if self.group.metadata.consolidated_metadata else sorted(names)

    def _parameter(self, name: str) -> Parameter | None:
        variable = self.dataset.variables[name]
        dims = tuple(str(dim) for dim in variable.dims)
        where = self.axes.horizontal(dims)
        if where is None:
            return None
        try:
            return self._on_grid(name, variable, dims, where)
        except (_LeftOutError, UnsupportedDataset) as reason:
            self._left_out.append(str(reason))
            self.notes.add(f"{name!r} is left out: {reason}.")
            return None

    def _on_grid(self, name: str, variable: xr.Variable, dims: tuple[str, ...], where: tuple[str, str]) -> Parameter:
        if variable.dtype.kind not in "biuf":
            raise _LeftOutError(f"it holds {variable.dtype}, not numbers")
        if 0 in variable.shape:
            raise _LeftOutError(f"its dimension {dims[variable.shape.index(0)]!r} is empty")
        axes, fixed = self.axes.others(tuple(dim for dim in dims if dim not in where))
        check_grid_mapping(self.dataset, name, self.notes)
        array = ChunkedArray.open(self.group, name, missing=self.settings.missing_chunks)
        try:
            packing = packing_of(name, array.dtype, variable.attrs, self.notes)
        except UnsupportedDataset as error:
            raise _LeftOutError(error.message.rstrip(".")) from error
        own = self.settings.parameters.get(name, ParameterSettings())
        return Parameter(
            name=name,
            title=own.title or title(name, variable.attrs),
            description=own.description or description(name, variable.attrs),
            unit=unit_of(variable.attrs, own),
            standard_name=standard_name(variable.attrs),
            array=array,
            packing=packing,
            dims=dims,
            grid=self.axes.grid(*where),
            axes=axes,
            fixed=fixed,
            attributes=kept(variable.attrs),
        )

    def reason(self) -> str:
        """Why nothing can be served, as the middle of a sentence."""
        x, y = self._of_role(Role.X), self._of_role(Role.Y)
        for first, second in ((y, x), (x, y)):
            for name in first:
                variable = self.dataset.variables[name]
                if variable.ndim > 1 and second:
                    return f"{name} and {second[0]} are two-dimensional ({', '.join(map(str, variable.dims))})"
        unusual = next((n for n in x if not is_longitude(self.dataset.variables[n])), None)
        if unusual is not None:
            return self._unusual(unusual, y)
        if not x or not y:
            return f"no {' and no '.join(r.value for r, n in ((Role.X, x), (Role.Y, y)) if not n)} coordinate is found"
        if self.dataset.variables[x[0]].dims == self.dataset.variables[y[0]].dims:
            return f"{y[0]} and {x[0]} are places along one dimension, {self.dataset.variables[x[0]].dims}"
        if self._left_out:
            return f"no variable can be used ({self._left_out[0]})"
        return f"no variable of numbers has both dimensions, {y[0]} and {x[0]}"

    def _unusual(self, x: str, y: Iterable[str]) -> str:
        pair = f"{next(iter(y), 'y')} and {x}"
        name = standard_name(self.dataset.variables[x].attrs) or ""
        if name == "grid_longitude":
            return f"{pair} are coordinates on a rotated pole"
        if name.startswith("projection"):
            return f"{pair} are projected coordinates"
        return f"{pair} are in {text(self.dataset.variables[x].attrs, 'units')!r}, not in degrees"

    def _of_role(self, role: Role) -> list[str]:
        """Names of a role, of variables with most dimensions last."""
        names = [n for n, found in self.axes.roles.items() if found is role and self.dataset.variables[n].ndim]
        return sorted(names, key=lambda n: self.dataset.variables[n].ndim)


class _LeftOutError(Exception):
    """A variable on a served grid that cannot be a parameter, with the reason."""


def _check_parameter_settings(settings: CollectionSettings, parameters: Iterable[str]) -> None:
    names = list(parameters)
    for name in settings.parameters:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(
                f"`options.parameters.{name[:60]}` is no parameter of the store; it has {', '.join(names)[:200]}.{hint}"
            )
