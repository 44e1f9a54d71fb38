"""Further stores of a collection, which hold the same data in other chunks: compared with it when the service starts.

What is compared is what the stored numbers mean: dimensions, shape, dtype, packing, marks of missing values, units, and the
values of every axis, in every forecast run. The numbers themselves are not: `zarr-edr rechunk` compares them while it writes.
An absent chunk stands for the fill value of its own array, which may differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.chunks import ChunkedArray
from zarr_edr.dataset.model import Axis, Collection, CustomAxis, Parameter, TimeAxis, VerticalAxis
from zarr_edr.dataset.source import display_name, open_group
from zarr_edr.errors import ConfigurationError
from zarr_edr.grid.protocol import GridIndex


def with_layouts(collection: Collection) -> Collection:
    """The collection and its instances with the arrays of `options.layouts`.

    Raises `ConfigurationError`, which names the store, the variable and the difference, and `StoreUnavailable`.
    """
    found: dict[str, list[ChunkedArray]] = {}
    for store in collection.settings.layouts:
        for name, array in _arrays(collection, store).items():
            found.setdefault(name, []).append(array)
    return _extended(collection, found) if found else collection


def _extended(collection: Collection, found: dict[str, list[ChunkedArray]]) -> Collection:
    parameters = {
        name: replace(parameter, layouts=tuple(found.get(name, ())))
        for name, parameter in collection.parameters.items()
    }
    instances = {id_: _extended(instance, found) for id_, instance in collection.instances.items()}
    return replace(collection, parameters=parameters, instances=instances)


def _arrays(collection: Collection, store: str) -> dict[str, ChunkedArray]:
    """Parameter -> its array in a layout."""
    settings = collection.settings
    # Without the settings of parameters: the layout need not hold them, and units are compared as they are written.
    own = replace(settings, data=store, parameters={}, layouts=())
    layout = describe(open_group(store, settings.storage_options), "layout", None, None, own)
    names = [name for name in collection.parameters if name in layout.parameters]
    if not names:
        raise ConfigurationError(
            f"`options.layouts`: {display_name(store)} holds none of the parameters of {display_name(settings.data)}:"
            f" {', '.join(collection.parameters)[:200]}."
        )
    for of, other in _pairs(collection, layout):
        for name in names:
            _compare(of, other, name, store)
    return {name: layout.parameters[name].array for name in names}


def _pairs(collection: Collection, layout: Collection) -> Iterator[tuple[Collection, Collection]]:
    """The collections, and those of each forecast run."""
    yield collection, layout
    empty = replace(layout, parameters={})
    for id_, instance in collection.instances.items():
        yield instance, layout.instances.get(id_, empty)


def _compare(collection: Collection, layout: Collection, name: str, store: str) -> None:
    if name not in collection.parameters:
        return
    reference, other = collection.parameters[name], layout.parameters.get(name)
    difference = f"lacks the forecast run {collection.id}" if other is None else _difference(reference, other)
    if difference is not None:
        raise ConfigurationError(
            f"`options.layouts`: {name!r} of {display_name(store)} {difference}; a layout holds the same data as"
            f" {display_name(collection.settings.data)} in other chunks."
        )


def _difference(reference: Parameter, other: Parameter) -> str | None:
    """The first difference in what the stored values are and mean, as what `other` does; None where there is none."""
    facts = (
        ("has the dimensions", reference.dims, other.dims),
        ("has the shape", reference.array.shape, other.array.shape),
        ("has the dtype", _native(reference.array.dtype), _native(other.array.dtype)),
        ("has the unit", reference.attributes.get("units"), other.attributes.get("units")),
        ("has the scale_factor", reference.packing.scale_factor, other.packing.scale_factor),
        ("has the add_offset", reference.packing.add_offset, other.packing.add_offset),
        ("has as _Unsigned", _native(reference.packing.unsigned), _native(other.packing.unsigned)),
        ("has the values for missing", _marks(reference), _marks(other)),
        ("decodes to", _native(reference.packing.dtype), _native(other.packing.dtype)),
        ("has of its forecast runs", reference.fixed, other.fixed),
    )
    for what, expected, given in facts:
        if expected != given:
            return f"{what} {given}, not {expected}"
    if not _same_grid(reference.grid, other.grid):
        return "lies on another horizontal grid"
    unlike = [dim for dim, axis in reference.axes.items() if not _same(axis, other.axes.get(dim))]
    return f"has other coordinates along {unlike[0]!r}" if unlike else None


def _native(dtype: np.dtype[Any] | None) -> np.dtype[Any] | None:
    """Whatever the order of bytes."""
    return None if dtype is None else dtype.newbyteorder("=")


def _marks(parameter: Parameter) -> list[float]:
    return sorted(float(mark) for mark in parameter.packing.fill_values)


def _same(axis: Axis, other: Axis | None) -> bool:
    match axis, other:
        case TimeAxis(), TimeAxis():
            return axis.calendar == other.calendar and np.array_equal(axis.us, other.us)
        case VerticalAxis(), VerticalAxis():
            alike = (axis.unit.text, axis.positive) == (other.unit.text, other.positive)
            return alike and np.array_equal(axis.values, other.values)
        case CustomAxis(), CustomAxis():
            return np.array_equal(axis.values, other.values)
        case _:
            return False


def _same_grid(grid: GridIndex, other: GridIndex) -> bool:
    """Whether all cells of two grids have the same centres, and the grids the same edge; of any kind of grid."""
    if (grid.dims, grid.shape, grid.bbox) != (other.dims, other.shape, other.bbox):
        return False
    for first in range(grid.shape[0]):
        rest = np.indices(grid.shape[1:]).reshape(len(grid.shape) - 1, -1)
        index = (np.full(rest.shape[-1], first), *rest)
        if not all(map(np.array_equal, grid.centre(index), other.centre(index))):
            return False
    return True
