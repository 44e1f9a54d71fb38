"""What a store holds, as values: axes, parameters and the collection they make.

Built once by `cf`, never changed, shared by all threads. Nothing here reads a store; `chunks` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from zarr_edr.dataset.packing import widen

if TYPE_CHECKING:
    from zarr_edr.dataset.chunks import ChunkedArray
    from zarr_edr.dataset.packing import Packing
    from zarr_edr.grid.protocol import GridIndex
    from zarr_edr.query.geometry import Points, Polygon
    from zarr_edr.settings import CollectionSettings

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]


RESERVED = frozenset(
    {
        "coords",
        "bbox",
        "datetime",
        "z",
        "parameter-name",
        "parameter_name",
        "parameter_names",
        "parametername",
        "crs",
        "f",
    }
    | {"lang", "limit", "offset", "within", "within-units", "corridor-width", "width-units", "corridor-height"}
    | {"height-units", "resolution-x", "resolution-y", "resolution-z"}
)
"""Names of query parameters, lower case."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measure, as text and, where that is certain, as UCUM."""

    text: str
    """For people: as the metadata has it, or as the settings override it."""
    ucum: str | None
    """The same as a valid UCUM code, or None: never a guess."""


@dataclass(frozen=True, eq=False)
class TimeAxis:
    """Instants of one dimension, in one calendar."""

    dim: str
    us: Int64Array
    """Shape (n,), in storage order: microseconds since 1970-01-01T00:00Z, counted in `calendar`."""
    calendar: str
    """CF's name, e.g. `proleptic_gregorian`, `360_day`."""
    iso: tuple[str, ...]
    """The same instants as text, `YYYY-MM-DDTHH:MM:SSZ` (with a fraction only where there is one), storage order."""

    @cached_property
    def order(self) -> Int64Array:
        """Shape (n,): storage indices in chronological order."""
        return np.argsort(self.us, kind="stable").astype(np.int64)

    @cached_property
    def sorted_us(self) -> Int64Array:
        """Shape (n,): instants in chronological order."""
        return self.us[self.order]

    @cached_property
    def json(self) -> tuple[bytes, ...]:
        """`iso` as JSON strings, storage order: kept here, since it is of use as long as the axis, and no longer."""
        return tuple(b'"%b"' % text.encode() for text in self.iso)

    @cached_property
    def json_array(self) -> bytes:
        """The whole axis as a JSON array, chronological."""
        return b"[%b]" % b",".join([self.json[i] for i in self.order.tolist()])

    def __len__(self) -> int:
        return int(self.us.size)


@dataclass(frozen=True, eq=False)
class VerticalAxis:
    """Levels of one dimension. Strictly monotonic, in storage order (top-down or bottom-up)."""

    dim: str
    values: NDArray[Any]
    """Shape (n,), dtype as stored (float32 stays float32, so that it prints short), in `unit`."""
    unit: Unit
    positive: str | None
    """`up`, `down` or None where metadata do not say."""
    title: str
    """E.g. `pressure`, `depth`."""
    standard_name: str | None = None

    @cached_property
    def float64(self) -> Float64Array:
        """Shape (n,): the levels for arithmetic."""
        return self.values.astype(np.float64)

    @cached_property
    def written(self) -> Float64Array:
        """Shape (n,): the levels as answers show them."""
        return widen(self.values)

    def __len__(self) -> int:
        return int(self.values.size)


@dataclass(frozen=True, eq=False)
class CustomAxis:
    """A further dimension, e.g. ensemble members (EDR 1.2, extent.custom)."""

    dim: str
    """In the store; see `name`."""
    values: NDArray[Any]
    """Shape (n,): numbers or strings, as stored."""
    title: str
    unit: Unit | None
    standard_name: str | None = None

    @property
    def name(self) -> str:
        """Of the query parameter that selects on it: that of the dimension, unless a parameter has the name already."""
        return f"dim_{self.dim}" if self.dim.lower() in RESERVED else self.dim

    def __len__(self) -> int:
        return int(self.values.size)


Axis = TimeAxis | VerticalAxis | CustomAxis
"""The axes besides the horizontal ones."""


@dataclass(frozen=True, eq=False)
class Parameter:
    """A data variable that can be queried."""

    name: str
    title: str
    description: str
    unit: Unit | None
    """None: the metadata give none."""
    standard_name: str | None
    array: ChunkedArray
    packing: Packing
    dims: tuple[str, ...]
    """Dimensions of the array, storage order; horizontal ones (`grid.dims`) included."""
    grid: GridIndex
    """Shared by the parameters on the same grid."""
    axes: Mapping[str, Axis]
    """Dimension -> axis, for every dimension that is neither horizontal nor fixed. Axis objects are shared too."""
    fixed: Mapping[str, int] = field(default_factory=dict)
    """Dimension -> index, for dimensions that are not offered (e.g. the latest forecast run)."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """CF attributes as stored, e.g. cell_methods, flag_values."""
    layouts: tuple[ChunkedArray, ...] = ()
    """Further arrays of the same stored values, in other chunks than `array`."""

    @cached_property
    def axis_of(self) -> Mapping[str, int]:
        """Dimension -> axis of the array."""
        return {dim: axis for axis, dim in enumerate(self.dims)}

    def _axis(self, kind: type[Axis]) -> Axis | None:
        return next((axis for axis in self.axes.values() if isinstance(axis, kind)), None)

    @cached_property
    def t(self) -> TimeAxis | None:
        """The time axis, if any."""
        axis = self._axis(TimeAxis)
        return axis if isinstance(axis, TimeAxis) else None

    @cached_property
    def z(self) -> VerticalAxis | None:
        """The vertical axis, if any."""
        axis = self._axis(VerticalAxis)
        return axis if isinstance(axis, VerticalAxis) else None

    @cached_property
    def custom(self) -> tuple[CustomAxis, ...]:
        """Further dimensions, storage order."""
        return tuple(axis for dim in self.dims if isinstance(axis := self.axes.get(dim), CustomAxis))


@dataclass(frozen=True, slots=True)
class HorizontalCrs:
    """The CRS in which the grid's coordinates, and by default those of queries, are given."""

    uri: str
    """`http://www.opengis.net/def/crs/OGC/1.3/CRS84` or an EPSG URI; http, since clients look for it."""
    wkt: str
    """OGC WKT 2."""
    geographic: bool
    """True: x is a longitude in degrees and wraps."""
    latitude_first: bool = False
    """Order of the axes of the CRS; x is the longitude all the same."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A named place that can be asked for by its id."""

    id: str
    """Letters, digits, `-`, `_` and `.`: clients put it into paths."""
    label: str
    geometry: Points | tuple[Polygon, ...]
    """One point, or one or more polygons; longitude, latitude."""
    properties: Mapping[str, Any]
    """Further properties from the file, as GeoJSON may hold them."""


@dataclass(frozen=True, eq=False)
class Collection:
    """A store as served: an immutable snapshot."""

    id: str
    title: str
    description: str
    parameters: Mapping[str, Parameter]
    """Name -> parameter, in the order of the store; never empty."""
    crs: HorizontalCrs
    settings: CollectionSettings
    attributes: Mapping[str, Any]
    """The store's global attributes."""
    warnings: tuple[str, ...] = ()
    """What was doubtful in the metadata and how it was read."""
    instances: Mapping[str, Collection] = field(default_factory=dict)
    """Id -> the collection as of one forecast run, oldest first; the collection itself answers with the latest."""
    places: Mapping[str, Place] = field(default_factory=dict)
    """Id -> named place, for locations queries; empty where the settings name no file."""
    snapshot: bytes = field(default_factory=lambda: uuid4().bytes)
    """Identity of what is served: answers to equal queries are the same bytes while it is the same. See `dataset.snapshot`."""

    @cached_property
    def groups(self) -> tuple[tuple[Parameter, ...], ...]:
        """All parameters, those that share grid and axes together."""
        return group_by_axes(self.parameters.values())

    @cached_property
    def time_axes(self) -> tuple[TimeAxis, ...]:
        """Distinct time axes of the parameters."""
        return tuple({id(p.t): p.t for p in self.parameters.values() if p.t is not None}.values())

    @cached_property
    def vertical_axes(self) -> tuple[VerticalAxis, ...]:
        """Distinct vertical axes of the parameters."""
        return tuple({id(p.z): p.z for p in self.parameters.values() if p.z is not None}.values())

    @cached_property
    def custom_axes(self) -> Mapping[str, CustomAxis]:
        """Name -> axis, over all parameters."""
        return {axis.name: axis for p in self.parameters.values() for axis in p.custom}


def group_by_axes(parameters: Iterable[Parameter]) -> tuple[tuple[Parameter, ...], ...]:
    """Parameters that share grid and axes together, first come first: each group becomes coverages with one domain."""
    groups: dict[tuple[int, ...], list[Parameter]] = {}
    for parameter in parameters:
        signature = (id(parameter.grid), id(parameter.t), id(parameter.z), *map(id, parameter.custom))
        groups.setdefault(signature, []).append(parameter)
    return tuple(tuple(group) for group in groups.values())
