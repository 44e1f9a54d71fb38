"""What each coordinate variable is: longitude, latitude, level, time, reference time or forecast period.

cf-xarray reads the attributes; the settings overrule them; names are guessed from only where neither says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

import cf_xarray  # noqa: F401 - registers `Dataset.cf`
import xarray as xr

from zarr_edr.dataset.cf_attributes import Notes, standard_name, text
from zarr_edr.dataset.units import is_pressure
from zarr_edr.errors import ConfigurationError
from zarr_edr.settings import CollectionSettings


class Role(Enum):
    """What the values of a coordinate variable are."""

    X = "longitude"
    Y = "latitude"
    Z = "level"
    TIME = "time"
    REFERENCE = "reference time"
    PERIOD = "forecast period"


Roles = Mapping[str, Role]
"""Name of a variable -> its role, for variables of at most two dimensions."""

_READ_BY_CF = ("standard_name", "axis", "units", "positive", "long_name", "cartesian_axis", "_CoordinateAxisType")
_LEVEL_NAMES = frozenset(
    {"air_pressure", "sea_water_pressure", "depth", "height", "altitude", "geopotential_height", "model_level_number"}
    | {"height_above_mean_sea_level", "height_above_reference_ellipsoid", "height_above_geopotential_datum"}
    | {"depth_below_geoid", "atmosphere_hybrid_sigma_pressure_coordinate", "atmosphere_hybrid_height_coordinate"}
)
_BY_STANDARD_NAME = {
    "longitude": Role.X,
    "latitude": Role.Y,
    "forecast_reference_time": Role.REFERENCE,
    "forecast_period": Role.PERIOD,
    "time": Role.TIME,
}
_MAX_DIMS = 2


@dataclass(frozen=True, slots=True)
class DimCoordinate:
    """What is known of one dimension."""

    dim: str
    name: str | None
    """The coordinate variable that tells where its steps are, one-dimensional; None if there is none."""
    role: Role | None


def find_roles(dataset: xr.Dataset, settings: CollectionSettings, notes: Notes) -> dict[str, Role]:
    """The roles of all variables that have one. Raises `ConfigurationError` for a wrong name in the settings."""
    bare = _bare(dataset)
    roles: dict[str, Role] = {}
    for role, names in _by_attributes(bare):
        roles |= dict.fromkeys(names, role)
    _guess(bare, roles, notes)
    for key, role in (("x_field", Role.X), ("y_field", Role.Y), ("z_field", Role.Z), ("time_field", Role.TIME)):
        name = getattr(settings, key)
        if name is not None:
            checked = _checked_field(dataset, key, name)
            roles = {other: found for other, found in roles.items() if found is not role} | {checked: role}
    return roles


def dim_coordinate(dim: str, dataset: xr.Dataset, roles: Roles, preferred: Iterable[str] = ()) -> DimCoordinate:
    """The coordinate variable of a dimension: one that is set, else its own, else one that has a role.

    Where it counts forecast runs and another variable along it has the times they are valid at, it is that one.
    """
    along = sorted(str(name) for name, variable in dataset.variables.items() if variable.dims == (dim,))
    named = next((name for name in preferred if name in along), None)
    if named is not None:
        return DimCoordinate(dim, named, roles.get(named))
    own = roles.get(dim) if dim in along else None
    if own in {Role.X, Role.Y, Role.Z, Role.TIME}:
        return DimCoordinate(dim, dim, own)
    others = [name for name in along if name != dim and name in dataset.coords] or [n for n in along if n != dim]
    wanted = (Role.TIME,) if own is not None else (Role.TIME, Role.X, Role.Y) + (() if dim in along else (Role.Z,))
    for role in wanted:
        found = next((name for name in others if roles.get(name) is role), None)
        if found is not None:
            return DimCoordinate(dim, found, role)
    return DimCoordinate(dim, dim if dim in along else None, own)


def is_longitude(variable: xr.Variable) -> bool:
    """Whether an x or y coordinate can be a longitude or latitude, rather than projected or on a rotated pole."""
    name, units = standard_name(variable.attrs), text(variable.attrs, "units") or ""
    if name is not None and name.startswith(("grid_", "projection_")):
        return False
    return not units or units.lower().startswith("deg") or units == "\N{DEGREE SIGN}"


def _bare(dataset: xr.Dataset) -> xr.Dataset:
    """The coordinate candidates, with nothing but text in the attributes that matter."""
    coordinates = {}
    bounds = {text(variable.attrs, "bounds") for variable in dataset.variables.values()}
    for name, variable in dataset.variables.items():
        if name not in bounds and variable.ndim <= _MAX_DIMS and variable.dtype.kind in "iufMm":
            bare = variable.copy(deep=False)
            bare.attrs = {key: found for key in _READ_BY_CF if (found := text(variable.attrs, key)) is not None}
            coordinates[name] = bare
    return xr.Dataset(coords=xr.Coordinates(coordinates, indexes={}))


def _by_attributes(bare: xr.Dataset) -> Iterable[tuple[Role, list[str]]]:
    """Roles and names, weakest evidence first: later ones overrule."""
    axes, coordinates = bare.cf.axes, bare.cf.coordinates
    attributes = {str(name): variable.attrs for name, variable in bare.variables.items()}
    yield Role.Z, [n for n, attrs in attributes.items() if is_pressure(attrs.get("units", "")) and n in bare.dims]
    yield Role.Z, [n for n, attrs in attributes.items() if "positive" in attrs or standard_name(attrs) in _LEVEL_NAMES]
    yield Role.Z, [*axes.get("Z", ()), *coordinates.get("vertical", ())]
    yield Role.X, [*axes.get("X", ()), *coordinates.get("longitude", ())]
    yield Role.Y, [*axes.get("Y", ()), *coordinates.get("latitude", ())]
    yield Role.TIME, [*axes.get("T", ()), *coordinates.get("time", ())]
    # "days since" alone makes a time; without it, an axis T is just numbers (e.g. months 1 to 12).
    is_time = {n: _is_time(bare.variables[n]) for n in attributes}
    yield Role.TIME, [n for n, found in is_time.items() if found]
    for name, role in _BY_STANDARD_NAME.items():
        named = [n for n, attrs in attributes.items() if standard_name(attrs) == name]
        yield role, [n for n in named if role is not Role.PERIOD or not is_time[n]]


def _is_time(variable: xr.Variable) -> bool:
    return variable.dtype.kind == "M" or " since " in variable.attrs.get("units", "")


def _guess(bare: xr.Dataset, roles: dict[str, Role], notes: Notes) -> None:
    """Add roles by name, for those that no variable has by its attributes."""
    missing = {Role.X, Role.Y, Role.Z} - set(roles.values())
    if not missing:
        return
    guessed = bare.drop_vars(list(roles)).cf.guess_coord_axis()
    found = guessed.cf.coordinates | {"vertical": [n for n in guessed.cf.axes.get("Z", ()) if n in bare.dims]}
    for key, role in (("longitude", Role.X), ("latitude", Role.Y), ("vertical", Role.Z)):
        for name in found.get(key, ()) if role in missing else ():
            if str(name).lower().startswith("zon"):  # zones and zonal means are no heights
                continue
            roles[name] = role
            notes.add(f"{name!r} is taken for the {role.value} by its name; its attributes do not say.")


def _checked_field(dataset: xr.Dataset, key: str, name: str) -> str:
    variable = dataset.variables.get(name)
    if variable is None:
        names = ", ".join(sorted(str(n) for n, v in dataset.variables.items() if v.ndim == 1))[:200]
        raise ConfigurationError(f"`{key}` is {name[:60]!r}, which the store does not have; it has {names or 'none'}.")
    if variable.ndim != 1 or variable.dtype.kind not in "iufMm":
        raise ConfigurationError(f"`{key}` is {name[:60]!r}, which is not a one-dimensional variable of numbers.")
    return name
