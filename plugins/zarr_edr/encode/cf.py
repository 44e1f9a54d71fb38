"""Coverages as a dataset by the CF conventions (CF-1.11): a neutral noun that NetCDF and Zarr are written from.

Windows of a grid are variables over `time`, vertical, `latitude` and `longitude`; points and lines are discrete sampling
geometries (chapter 9): `(station)`, `(station, time)`, `(station, z)`, `(obs)`, `(trajectory, obs)`. A single point has no
dimension of its own, its place being scalar coordinates. Further dimensions, e.g. ensemble members, stand leftmost.

All is in one group, since that is what tools open. Axes that are the same are there once; another of the same name has `_1`,
and so has the variable over it. A parameter with the name of a coordinate is found under the name and `_value`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.coverage import CoverageSet
from zarr_edr.dataset.model import CustomAxis
from zarr_edr.encode.cf_blocks import OBS, STATION, TRAJECTORY, CfBlock, OverDims, blocks_of, member_role
from zarr_edr.encode.cf_metadata import (
    Attributes,
    encoded_times,
    grid_mapping,
    horizontal_attributes,
    member_attributes,
    parameter_attributes,
    time_attributes,
    vertical_attributes,
)
from zarr_edr.encode.cf_places import columns
from zarr_edr.encode.values import has_missing, spare_value, with_nan
from zarr_edr.errors import ResponseTooLarge

CONVENTIONS = "CF-1.11"
MAX_ARRAYS = 500
"""Parameters times windows on axes of their own. Each, with its axes, takes NetCDF's writer 30 ms, and readers some."""

_NOT_IN_COORDINATES = re.compile(r"(?:[^A-Za-z0-9_\xa0-\U0010ffff]|\s)+")
"""Beyond what CF recommends (2.3), letters that are not of ASCII stay. Blanks end a name in the attribute `coordinates`."""
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f/]")
"""What a name of the NetCDF data model cannot hold; for Zarr it is the slash."""
_GOOD_START = re.compile(r"[A-Za-z0-9]|_(?!_)|[^\x00-\x7f]")
_MAX_NAME_BYTES = 240
"""NetCDF allows 256; there is to be room for a number."""
_ROLES = {"timeSeries": "timeseries_id", "timeSeriesProfile": "timeseries_id", "profile": "profile_id"}
"""CF's `featureType` -> `cf_role` of what names its instances; a point has none, lines are `trajectory_id`."""


@dataclass(frozen=True, slots=True, eq=False)
class CfVariable:
    """A variable."""

    dims: tuple[str, ...]
    values: NDArray[Any]
    """One axis for each of `dims`; text is of dtype object. NaN is missing."""
    attributes: Mapping[str, Any]
    """Text, numbers or arrays of numbers."""
    fill: int | None = None
    """What stands for a missing integer."""

    @property
    def has_gaps(self) -> bool:
        """Whether it is of data, of which some may be missing; coordinates are whole (2.5.1)."""
        return self.values.dtype.kind == "f" and "grid_mapping" in self.attributes


@dataclass(frozen=True, slots=True, eq=False)
class CfDataset:
    """Variables over shared dimensions."""

    dims: Mapping[str, int]
    variables: Mapping[str, CfVariable]
    """In the order in which they are to be written: a coordinate comes before what lies over it."""
    attributes: Mapping[str, str]


def cf_dataset(coverages: CoverageSet) -> CfDataset:
    """The dataset of an answer. Raises `ResponseTooLarge` where it would have more than `MAX_ARRAYS` arrays."""
    blocks = blocks_of(coverages)
    expected = sum(len(block.ranges) for block in blocks)
    if expected > MAX_ARRAYS:
        raise ResponseTooLarge(
            f"This answer has {expected:,} arrays on axes of their own, of {MAX_ARRAYS:,} that one dataset may hold; ask for "
            "fewer places, or for CoverageJSON."
        )
    builder = _Builder(coverages)
    placed = [builder.place(block) for block in blocks]
    # Coordinates have the plain names, whatever parameters are called.
    reserved = frozenset(builder.names)
    named = [{name: builder.claim(_data_name(name, reserved)) for name in block.ranges} for block in blocks]
    mapping = builder.claim("crs")
    for block, names, where in zip(blocks, named, placed, strict=True):
        further = builder.tag(block, where)
        for parameter, laid in block.ranges.items():
            builder.put(parameter, names[parameter], laid, where, further, mapping)
    # Last, so that who takes the first variable gets data.
    builder.variables[mapping] = CfVariable((), np.array(0, np.int32), grid_mapping(coverages.crs))
    return CfDataset(builder.dims, builder.variables, _global(coverages, blocks))


def _data_name(name: str, reserved: frozenset[str]) -> str:
    """The name of a parameter's variable: its own, where that can be one and is free."""
    tidy = _NOT_IN_NAMES.sub("_", unicodedata.normalize("NFC", name)).strip(" ")
    tidy = _shortened(tidy)
    if not _GOOD_START.match(tidy) or tidy == "zarr.json":
        tidy = f"v{tidy}"
    return f"{tidy}_value" if tidy in reserved else tidy


def _shortened(name: str) -> str:
    return name.encode()[:_MAX_NAME_BYTES].decode(errors="ignore")


def _global(coverages: CoverageSet, blocks: list[CfBlock]) -> dict[str, str]:
    features = {block.feature for block in blocks}
    found = {"Conventions": CONVENTIONS}
    if len(features) == 1 and (feature := features.pop()) is not None:
        found["featureType"] = feature  # of all of a file (9.4)
    if coverages.endpoint:
        found["history"] = f"Extracted by zarr-edr from {coverages.endpoint}"
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """Where a block lies: the names that its dimensions and coordinates have got."""

    dims: Mapping[str, str]
    """Role -> dimension."""
    auxiliary: tuple[str, ...]
    """Coordinates that are not of a dimension of their own name."""
    axes: Mapping[str, str]
    """Name of a dimension in the store -> variable."""


class _Builder:
    """A dataset while it is made."""

    def __init__(self, coverages: CoverageSet) -> None:
        self.of = coverages
        self.parameters = {parameter.name: parameter for parameter in coverages.parameters}
        self.custom = {axis.name: axis for parameter in coverages.parameters for axis in parameter.custom}
        self.names: set[str] = set()
        self.dims: dict[str, int] = {}
        self.variables: dict[str, CfVariable] = {}
        self._known: dict[tuple[Any, ...], str] = {}
        self._numbers: dict[str, int] = {}
        self._roles: dict[str, tuple[Any, ...]] = {}

    def claim(self, base: str) -> str:
        """`base`, or the first of `base_1`, `base_2`, ... that is free."""
        name = base
        while name in self.names:
            self._numbers[base] = self._numbers.get(base, 0) + 1
            name = f"{base}_{self._numbers[base]}"
        self.names.add(name)
        return name

    def add(self, base: str, dims: tuple[str, ...] | None, values: NDArray[Any], attributes: Attributes) -> str:
        """The name of a variable, which may be there already. `dims`: None for the coordinate of a dimension of its own."""
        values = _storable(values)
        key = (base, dims, _content(values), repr(attributes))
        if key not in self._known:
            name = self._known[key] = self.claim(base)
            if dims is None:
                self.dims[name] = values.size
            self.variables[name] = CfVariable((name,) if dims is None else dims, values, attributes)
        return self._known[key]

    def place(self, block: CfBlock) -> _Placed:
        """Add the coordinates of a block."""
        dims: dict[str, str] = {}
        members = {name: self._member(name, laid, dims) for name, laid in block.members.items()}
        for role in (STATION, OBS, TRAJECTORY):
            self._dimension(role, block, dims)
        found = {name: self._coordinate(name, block, dims) for name in block.coordinates}
        own = set(dims.values())
        auxiliary = tuple(name for name in (*found.values(), *members.values()) if name not in own)
        axes = {self.custom[name].dim: variable for name, variable in members.items() if name in self.custom}
        return _Placed(dims, auxiliary, axes | self._stored_axes(block, found))

    def _stored_axes(self, block: CfBlock, found: Mapping[str, str]) -> dict[str, str]:
        grid = self.parameters[next(iter(block.ranges))].grid
        axes = dict(zip(grid.dims, (found["y"], found["x"]), strict=False))
        if block.time_axis is not None and "t" in found:
            axes[block.time_axis.dim] = found["t"]
        if block.vertical is not None and "z" in found:
            axes[block.vertical.dim] = found["z"]
        return axes

    def _member(self, name: str, laid: OverDims, dims: dict[str, str]) -> str:
        axis: CustomAxis | None = self.custom.get(name)
        variable = self.add(_cf_name(name), None if laid.dims else (), laid.values, member_attributes(axis))
        if laid.dims:
            dims[member_role(name)] = variable
        return variable

    def _dimension(self, role: str, block: CfBlock, dims: dict[str, str]) -> None:
        """The dimension of points or lines, shared by blocks that are at the same places."""
        laid = (block.places, *block.coordinates.values(), *block.ranges.values())
        size = next((part.values.shape[part.dims.index(role)] for part in laid if role in part.dims), None)
        if size is None:
            return
        where = (block.coordinates["x"], block.coordinates["y"], block.places)
        key = ("dimension", role, size, *(part.values.tobytes() for part in where))
        if key not in self._known:
            self._known[key] = self.claim(role)
            self.dims[self._known[key]] = size
        dims[role] = self._known[key]
        if role == TRAJECTORY and block.row_size is not None:
            attributes = {"long_name": "number of vertices of the line", "sample_dimension": dims[OBS]}
            self.add("row_size", (dims[role],), block.row_size.values, attributes)

    def _coordinate(self, name: str, block: CfBlock, dims: dict[str, str]) -> str:
        laid = block.coordinates[name]
        values, attributes = laid.values, horizontal_attributes(self.of.crs, name)
        base = str(attributes["standard_name"]) if self.of.crs.geographic else name
        if name == "t":
            values, units = encoded_times(laid.values)
            base, attributes = "time", time_attributes(block.time_axis, units)
        elif name == "z":
            base = "z" if block.vertical is None else _cf_name(block.vertical.dim)
            attributes = vertical_attributes(block.vertical)
        if laid.dims == (name,):
            dims[name] = self.add(base, None, values, attributes)
            return dims[name]
        return self.add(base, tuple(dims[role] for role in laid.dims), values, attributes)

    def tag(self, block: CfBlock, where: _Placed) -> tuple[str, ...]:
        """Add what the client calls the places of a block, and their numbers where the convention wants an id.

        Returns the names of those that lie over dimensions of the block's parameters.
        """
        dims = tuple(where.dims[role] for role in block.places.dims)
        instance = next(iter(block.places.dims), None)
        trajectory = instance == TRAJECTORY or (block.feature or "").startswith("trajectory")
        role = "trajectory_id" if trajectory else _ROLES.get(block.feature or "")
        gridded = "x" in block.coordinates["x"].dims
        base = "place_id" if gridded else f"{TRAJECTORY if trajectory else STATION}_id"
        found = dict(columns(self.of.tags, block.places.values)) if self.of.tags is not None else {}
        ids = found.pop(None, block.places.values if role is not None else None)
        names = []
        if ids is not None:
            # A role may be had once in a file (9.5).
            unique = role is not None and self._roles.setdefault(role, content := (dims, _content(ids))) == content
            attributes: Attributes = {"long_name": "id of the place asked for"} | ({"cf_role": role} if unique else {})
            names.append(self.add(base, dims, ids, attributes))
        names += [
            self.add(_cf_name(name), dims, values, {"long_name": name})
            for name, values in found.items()
            if name is not None
        ]
        return tuple(names) if block.row_size is None else ()

    def put(
        self, parameter: str, name: str, laid: OverDims, where: _Placed, further: tuple[str, ...], mapping: str
    ) -> None:
        """Add the values of a parameter."""
        values, fill = _filled(laid.values)
        attributes = parameter_attributes(self.parameters[parameter], values, where.axes)
        coordinates = (*where.auxiliary, *further)
        if coordinates:
            attributes["coordinates"] = " ".join(coordinates)
        if name != parameter:
            attributes["parameter_name"] = parameter
        attributes["grid_mapping"] = mapping
        dims = tuple(where.dims[role] for role in laid.dims)
        self.variables[name] = CfVariable(dims, values, attributes, fill)


def _content(values: NDArray[Any]) -> tuple[Any, ...]:
    """What makes two arrays the same."""
    content = tuple(values.reshape(-1).tolist()) if values.dtype.kind == "O" else values.tobytes()
    return (values.dtype.str, values.shape, content)


def _cf_name(text: str) -> str:
    """A name of a coordinate: letters, digits and underscores."""
    tidy = _shortened(_NOT_IN_COORDINATES.sub("_", unicodedata.normalize("NFC", text)).strip("_"))
    return tidy if tidy[:1].isalpha() else f"v{tidy}"


def _filled(values: NDArray[Any]) -> tuple[NDArray[Any], int | None]:
    """Values as they are stored, and the integer among them that means missing.

    Readers by the convention, as xarray, make floats of such integers; others have every digit.
    """
    if not has_missing(values):
        return _storable(np.ma.getdata(values)), None
    of_type = values.astype(np.int8) if values.dtype.kind == "b" else values
    fill = spare_value(of_type)
    if fill is None:  # of one or two bytes
        return _storable(with_nan(values)), None
    return _storable(np.ma.filled(of_type, fill)), fill


def _storable(values: NDArray[Any]) -> NDArray[Any]:
    """As a type that NetCDF-4 has, in the byte order of the machine: no bool, no half precision, text as objects."""
    match values.dtype.kind:
        case "b":
            return values.astype(np.int8)
        case "U" | "S":
            return values.astype("U").astype(object)
        case "f" if values.dtype.itemsize < 4:
            return values.astype(np.float32)
        case _:
            return np.ascontiguousarray(values, values.dtype.newbyteorder("=")).reshape(values.shape)
