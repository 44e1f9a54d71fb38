"""Small real stores for tests, written with zarr alone, so that no reader under test has a hand in them.

What such a store means is read by xarray from the store itself (`truth`), never derived from the specification.
"""

from __future__ import annotations

import base64
import itertools
import math
import struct
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
import zarr
from numcodecs import GZip, Zstd
from numcodecs.blosc import Blosc
from numpy.typing import NDArray
from zarr.abc.codec import BytesBytesCodec
from zarr.abc.store import Store
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec
from zarr.storage import MemoryStore

Codec = Literal["none", "gzip", "zstd", "blosc"]
TIME, LEVEL, NUMBER, LAT, LON = "time", "level", "number", "lat", "lon"
"""The dimensions of these stores."""


@dataclass(frozen=True, slots=True)
class AxisSpec:
    """One coordinate variable."""

    values: tuple[float, ...]
    """In storage order, in the units of `attributes`."""
    dtype: str
    attributes: Mapping[str, str]

    def stored(self) -> NDArray[Any]:
        """The values in the dtype in which they are stored."""
        return np.asarray(self.values, dtype=self.dtype)


@dataclass(frozen=True, slots=True)
class VariableSpec:
    """One data variable; its values are random, from `seed`."""

    name: str
    dims: tuple[str, ...]
    """Storage order, a permutation of a subset of the store's; `lat` and `lon` among them."""
    chunks: tuple[int, ...]
    """Of inner chunks where the store is sharded; they need not divide the shape."""
    dtype: str
    seed: int
    scale_factor: float | None = None
    add_offset: float | None = None
    fill: float | None = None
    """`_FillValue`: stored numbers that mean "missing"."""
    missing_value: float | None = None
    unwritten: float | None = None
    """What the array reads as where a chunk was never written; a Zarr 2 array has `fill` there."""
    missing_share: float = 0.0
    """Of the cells, 0..1, that hold a mark of "missing"."""
    absent_share: float = 0.0
    """Of the chunks, 0..1, that are never written."""


@dataclass(frozen=True, slots=True)
class StoreSpec:
    """One random dataset."""

    zarr_format: Literal[2, 3]
    sharded: bool
    codec: Codec
    axes: Mapping[str, AxisSpec]
    """Dimension -> coordinates; `lat` and `lon` always, `time`, `level` and `number` perhaps."""
    variables: tuple[VariableSpec, ...]
    exact: bool
    """Horizontal coordinates, their midpoints and edges are exact in binary: a tie is a tie in any arithmetic."""

    def shape(self, dims: tuple[str, ...]) -> tuple[int, ...]:
        """Lengths of dimensions."""
        return tuple(len(self.axes[dim].values) for dim in dims)


def write(spec: StoreSpec, where: Path | Store) -> zarr.Group:
    """Write the store at a path or into a zarr store object, and return its group, opened for reading."""
    target: str | Store = str(where) if isinstance(where, Path) else where
    group = zarr.open_group(target, mode="w", zarr_format=spec.zarr_format)
    group.attrs["Conventions"] = "CF-1.11"
    for dim, axis in spec.axes.items():
        _write_axis(group, spec, dim, axis)
    for variable in spec.variables:
        _write_variable(group, spec, variable)
    return zarr.open_group(target, mode="r", zarr_format=spec.zarr_format)


def in_memory(spec: StoreSpec) -> zarr.Group:
    """The store in memory: fast to make, nothing to clean up."""
    return write(spec, MemoryStore())


def truth(where: Path | Store) -> xr.Dataset:
    """The whole store, decoded by xarray and loaded; times stay numbers with their units, for `cftime`."""
    target: str | Store = str(where) if isinstance(where, Path) else where
    with warnings.catch_warnings():
        # 1e20 as float32 and 1e20 as float64 are two fill values to xarray; both mean "missing".
        warnings.simplefilter("ignore", xr.SerializationWarning)
        dataset: xr.Dataset = xr.open_zarr(
            target, chunks=None, consolidated=False, decode_times=False, mask_and_scale=True
        )
        return dataset.load()


def _write_axis(group: zarr.Group, spec: StoreSpec, dim: str, axis: AxisSpec) -> None:
    values = axis.stored()
    attributes: dict[str, Any] = {**axis.attributes, **_dimension_attribute(spec, (dim,))}
    # No fill value: the masking of Zarr 2 would turn a coordinate of 0 into a gap.
    array = group.create_array(
        dim,
        shape=values.shape,
        dtype=values.dtype,
        chunks=values.shape,
        fill_value=None if spec.zarr_format == 2 else 0,
        attributes=attributes,
        dimension_names=(dim,) if spec.zarr_format == 3 else None,
    )
    array[...] = values


def _write_variable(group: zarr.Group, spec: StoreSpec, variable: VariableSpec) -> None:
    shape = spec.shape(variable.dims)
    shards = None
    if spec.sharded:
        halves = zip(variable.chunks, shape, strict=True)
        shards = tuple(chunk * max(1, math.ceil(n / chunk / 2)) for chunk, n in halves)
    array = group.create_array(
        variable.name,
        shape=shape,
        dtype=np.dtype(variable.dtype),
        chunks=variable.chunks,
        shards=shards,
        compressors=_compressor(spec),
        fill_value=_zarr_fill(spec, variable),
        attributes={**_attributes(spec, variable), **_dimension_attribute(spec, variable.dims)},
        dimension_names=variable.dims if spec.zarr_format == 3 else None,
    )
    rng = np.random.default_rng(variable.seed)
    values = _random_values(variable, shape, rng)
    for block in blocks(shape, variable.chunks):
        if rng.random() >= variable.absent_share:
            array[block] = values[block]


def blocks(shape: tuple[int, ...], chunks: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """The slices of each chunk of an array."""
    starts = [range(0, n, size) for n, size in zip(shape, chunks, strict=True)]
    for corner in itertools.product(*starts):
        yield tuple(slice(start, min(start + size, n)) for start, size, n in zip(corner, chunks, shape, strict=True))


def _random_values(variable: VariableSpec, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[Any]:
    dtype = np.dtype(variable.dtype)
    if dtype.kind == "f":
        values = (rng.normal(size=shape) * 100).astype(dtype)
    else:
        info = np.iinfo(dtype)
        values = rng.integers(info.min, info.max, size=shape, dtype=dtype, endpoint=True)
    for mark in (variable.fill, variable.missing_value):
        if mark is not None:
            values[rng.random(shape) < variable.missing_share] = mark
    return values


def _zarr_fill(spec: StoreSpec, variable: VariableSpec) -> float | None:
    if spec.zarr_format == 2:
        return variable.fill
    return 0 if variable.unwritten is None else variable.unwritten


def _attributes(spec: StoreSpec, variable: VariableSpec) -> dict[str, Any]:
    attributes: dict[str, Any] = {"long_name": f"random {variable.name}", "units": "K"}
    for name in ("scale_factor", "add_offset", "missing_value"):
        value = getattr(variable, name)
        if value is not None:
            attributes[name] = value
    if variable.fill is not None and spec.zarr_format == 3:
        attributes["_FillValue"] = _encoded_fill(variable.fill, np.dtype(variable.dtype))
    return attributes


def _encoded_fill(fill: float, dtype: np.dtype[Any]) -> str | int:
    """`_FillValue` as xarray writes it into Zarr 3 attributes: floats as base64 of a little-endian double."""
    if dtype.kind in "iu":
        return int(fill)
    return base64.standard_b64encode(struct.pack("<d", float(dtype.type(fill)))).decode()


def _dimension_attribute(spec: StoreSpec, dims: tuple[str, ...]) -> dict[str, list[str]]:
    return {"_ARRAY_DIMENSIONS": list(dims)} if spec.zarr_format == 2 else {}


def _compressor(spec: StoreSpec) -> GZip | Zstd | Blosc | BytesBytesCodec | None:
    if spec.codec == "none":
        return None
    if spec.zarr_format == 2:
        return {"gzip": GZip(1), "zstd": Zstd(1), "blosc": Blosc(cname="lz4", clevel=1)}[spec.codec]
    blosc = BloscCodec(cname="lz4", clevel=1)
    return {"gzip": GzipCodec(level=1), "zstd": ZstdCodec(level=1), "blosc": blosc}[spec.codec]
