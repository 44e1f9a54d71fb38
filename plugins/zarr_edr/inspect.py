"""What the service understood of a store, as text for people: `zarr-edr inspect STORE`."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray

from zarr_edr.dataset.catalog import bbox
from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.cf_store import open_raw
from zarr_edr.dataset.model import Axis, Collection, CustomAxis, Parameter, TimeAxis, Unit, VerticalAxis
from zarr_edr.dataset.source import display_name, open_group
from zarr_edr.errors import UnsupportedDataset
from zarr_edr.grid.rectilinear import RectilinearGrid
from zarr_edr.settings import CollectionSettings

WIDTH = 100
"""Columns of the text at most."""

_LABEL = 12
_TOLERANCE = 1e-3
"""Deviation from even spacing, as a part of the step, that still counts as regular."""
_MICROSECONDS = (("d", 86_400_000_000), ("h", 3_600_000_000), ("min", 60_000_000), ("s", 1_000_000))


def inspect(store: str) -> str:
    """Describe the store at a path or URL: whether it can be served, its axes, parameters and doubts.

    A store that cannot be served is described as far as it can be, with the reason. Raises `ConfigurationError` when
    there is no readable Zarr group.
    """
    group = open_group(store)
    name = display_name(store)
    try:
        collection = describe(group, name, None, None, CollectionSettings(data=store))
    except UnsupportedDataset as error:
        lines = [*_head(group, name, f"no, {error.message.removeprefix(f'{name}: ')}"), *_raw(group, name)]
    else:
        lines = [*_head(group, name, "yes"), *_served(collection, open_raw(group, name))]
    return "\n".join(_printable(line) for line in lines) + "\n"


def _printable(line: str) -> str:
    """`line` without control characters (names come from the store) and not wider than `WIDTH`."""
    clean = "".join(c if c.isprintable() else "?" for c in line).rstrip()
    return clean if len(clean) <= WIDTH else f"{clean[: WIDTH - 3]}..."


def _row(label: str, text: str, indent: int = 0) -> list[str]:
    """A label and its text, wrapped under itself."""
    first = f"{' ' * indent}{label:<{_LABEL - indent}}"
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=" " * _LABEL) or [first]


def _head(group: zarr.Group, name: str, served: str) -> Iterator[str]:
    consolidated = "consolidated" if group.metadata.consolidated_metadata else "not consolidated"
    yield from _row("Store", name)
    yield from _row("Format", f"Zarr v{group.metadata.zarr_format}, {consolidated} metadata")
    yield from _row("Served", served)


def _raw(group: zarr.Group, name: str) -> Iterator[str]:
    try:
        dataset = open_raw(group, name)
    except UnsupportedDataset:
        return
    yield ""
    yield "Variables"
    rows = [(str(n), str(v.dtype), _sizes(v.dims, v.shape)) for n, v in dataset.variables.items()]
    yield from _table(rows)


def _served(collection: Collection, dataset: xr.Dataset) -> Iterator[str]:
    title = collection.attributes.get("title")
    yield from _row("Title", title if isinstance(title, str) else "none given")
    west, south, east, north = bbox(collection)
    yield from _row("Extent", f"longitude {west:g} to {east:g}, latitude {south:g} to {north:g}")
    yield from _row("CRS", f"{collection.crs.uri} (longitude, latitude)")
    yield ""
    yield "Axes"
    yield from _axis_lines(_axes(collection))
    yield ""
    yield "Parameters"
    for parameter in collection.parameters.values():
        yield from _parameter(parameter)
    scalars = [str(n) for n, v in dataset.variables.items() if v.ndim == 0]
    if scalars:
        yield ""
        yield from _row("Ignored", f"single values: {', '.join(scalars)}")
    if collection.warnings:
        yield ""
        yield "Warnings"
        for warning in collection.warnings:
            yield from textwrap.wrap(warning, WIDTH, initial_indent="  - ", subsequent_indent="    ")


def _axis_lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Two lines for each axis: where it runs, and below that how."""
    indent = 2 + sum(max((len(row[i]) for row in rows), default=0) + 2 for i in range(3))
    for row, line in zip(rows, _table([row[:4] for row in rows]), strict=True):
        yield line
        yield " " * indent + row[4]


def _axes(collection: Collection) -> list[Sequence[str]]:
    grids = {id(p.grid): p.grid for p in collection.parameters.values()}.values()
    axes = {id(a): a for p in collection.parameters.values() for a in p.axes.values()}.values()
    rows: list[Sequence[str]] = []
    for grid in grids:
        if isinstance(grid, RectilinearGrid):
            rows.append((grid.x_dim, "longitude", *_numbers(grid.x.values, "deg")))
            rows.append((grid.y_dim, "latitude", *_numbers(grid.y.values, "deg")))
    return rows + [_axis(axis) for axis in axes]


def _axis(axis: Axis) -> Sequence[str]:
    match axis:
        case TimeAxis():
            return (axis.dim, "time", *_times(axis))
        case VerticalAxis():
            size, span, detail = _numbers(axis.values, axis.unit.text)
            return (axis.dim, "vertical", size, span, f"{detail}, positive {axis.positive or 'unknown'}")
        case CustomAxis():
            if axis.values.dtype.kind in "iuf":
                return (axis.dim, "custom", *_numbers(axis.values, ""))
            return (axis.dim, "custom", str(len(axis)), f"{axis.values[0]} .. {axis.values[-1]}", "names")


def _times(axis: TimeAxis) -> Sequence[str]:
    steps = np.diff(axis.us)
    span = f"{axis.iso[0]} .. {axis.iso[-1]}"
    if not steps.size:
        return ("1", axis.iso[0], f"calendar {axis.calendar}")
    low, high = int(steps.min()), int(steps.max())
    spacing = f"every {_duration(low)}" if low == high else f"{_duration(low)} to {_duration(high)} apart"
    return (str(len(axis)), span, f"{_direction(steps)}, {spacing}, calendar {axis.calendar}")


def _numbers(values: NDArray[Any], unit: str) -> Sequence[str]:
    """Size, range and spacing of an axis of numbers."""
    span = f"{values[0]!s} .. {values[-1]!s}{f' {unit}' if unit else ''}"
    steps = np.diff(values.astype(np.float64))
    if not steps.size:
        return ("1", f"{values[0]!s}{f' {unit}' if unit else ''}", "one value")
    mean = float(steps.mean())
    regular = float(np.abs(steps - mean).max()) <= _TOLERANCE * abs(mean)
    return (
        str(values.size),
        span,
        f"{_direction(steps)}, {f'regular, step {abs(mean):.6g}' if regular else 'irregular'}",
    )


def _direction(steps: NDArray[Any]) -> str:
    return "ascending" if (steps > 0).all() else "descending" if (steps < 0).all() else "unordered"


def _duration(us: int) -> str:
    for name, size in _MICROSECONDS:
        if abs(us) >= size:
            return f"{us / size:.4g} {name}"
    return f"{us} us"


def _parameter(parameter: Parameter) -> Iterator[str]:
    array = parameter.array.array
    yield f"  {parameter.name}"
    yield from _row("title", parameter.title, 4)
    yield from _row("dims", _sizes(parameter.dims, array.shape), 4)
    for dim, index in parameter.fixed.items():
        yield from _row("", f"of {dim}, only index {index} is served", 4)
    yield from _row("unit", _unit(parameter.unit), 4)
    yield from _row("dtype", _packing(parameter), 4)
    yield from _row("chunks", _chunks(array), 4)
    yield from _row("codecs", " | ".join(_codecs(array)) or "none", 4)
    yield from _row("size", f"{_bytes(array.size * array.dtype.itemsize)} uncompressed", 4)


def _unit(unit: Unit | None) -> str:
    if unit is None:
        return "none given"
    return f"{unit.text} (UCUM {unit.ucum})" if unit.ucum else f"{unit.text} (no certain UCUM code)"


def _packing(parameter: Parameter) -> str:
    packing, stored = parameter.packing, parameter.array.dtype
    facts = [f"{stored.name} stored, {packing.dtype.name} decoded"]
    facts += [f"read as {packing.unsigned.name}"] if packing.unsigned is not None else []
    facts += [f"scale {packing.scale_factor:g}"] if packing.scale_factor is not None else []
    facts += [f"offset {packing.add_offset:g}"] if packing.add_offset is not None else []
    facts += [f"missing {', '.join(str(fill) for fill in packing.fill_values)}"] if packing.fill_values else []
    return ", ".join(facts)


def _chunks(array: zarr.Array[Any]) -> str:
    count = math.prod(math.ceil(n / c) for n, c in zip(array.shape, array.chunks, strict=True))
    chunk = math.prod(array.chunks) * array.dtype.itemsize
    text = f"{count} of {' x '.join(map(str, array.chunks))} ({_bytes(chunk)} each)"
    return text if array.shards is None else f"{text}, in shards of {' x '.join(map(str, array.shards))}"


def _codecs(array: zarr.Array[Any]) -> Iterable[str]:
    for codec in (*array.filters, *array.compressors):
        name = type(codec).__name__.removesuffix("Codec").lower()
        inner = getattr(codec, "cname", None)
        yield f"{name} ({getattr(inner, 'value', inner)})" if inner else name


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:.4g} TiB"


def _sizes(dims: Iterable[object], shape: Iterable[int]) -> str:
    return ", ".join(f"{dim} {size}" for dim, size in zip(dims, shape, strict=True)) or "single value"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    for row in rows:
        yield "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
