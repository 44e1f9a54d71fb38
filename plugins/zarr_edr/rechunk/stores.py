"""The store of a layout: its group, attributes and coordinates as in the source, and its arrays, which are filled later."""

from __future__ import annotations

import base64
import struct
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec
from zarr.errors import ZarrUserWarning

from zarr_edr.dataset.cf_store import open_raw
from zarr_edr.dataset.chunks import ChunkedArray
from zarr_edr.dataset.source import failures_named
from zarr_edr.rechunk.regions import Pass

_FINAL = BloscCodec(cname="zstd", clevel=3, shuffle="shuffle")
"""Level 5 took twice as long for files that were a tenth smaller."""
_INTERMEDIATE = BloscCodec(cname="lz4", clevel=1, shuffle="shuffle")
_WHOLE_BYTES = 4 * 1024**2
"""A coordinate up to this size becomes one chunk."""


def make_store(
    path: Path, source: zarr.Group, arrays: Mapping[str, tuple[ChunkedArray, Pass]], most_bytes: int, name: str
) -> list[str]:
    """Make a store at `path` with the `arrays`, still empty, and all other arrays of `source`, called `name` in messages.

    Returns the names of those that are not copied, as they are larger than `most_bytes` and nothing that is served needs them.
    """
    dataset = open_raw(source, name)
    dims = {str(of): tuple(map(str, variable.dims)) for of, variable in dataset.variables.items()}
    made = zarr.create_group(path, attributes=dict(source.attrs), overwrite=True)
    left_out = []
    for of, array in source.arrays():
        if of in arrays:
            chunked, last = arrays[of]
            _create(made, of, chunked, last, _FINAL, dims[of], attributes(array))
        elif array.size * array.dtype.itemsize > most_bytes:
            left_out.append(of)
        else:
            with failures_named(name, remote=True):
                _copy(made, of, array, dims.get(of, ()))
    return left_out


def make_intermediate(path: Path, source: ChunkedArray, first: Pass) -> zarr.Array[Any]:
    """An array for what the first of two passes writes, at `path`."""
    return _create(zarr.create_group(path, overwrite=True), "v", source, first, _INTERMEDIATE, None, {})


def finish(path: Path) -> None:
    """Remove what an interruption may have left half written, and write consolidated metadata."""
    for file in path.rglob("*.partial"):
        file.unlink()
    with warnings.catch_warnings():
        # They are no part of the specification of Zarr 3 yet; zarr-python and xarray read them.
        warnings.simplefilter("ignore", ZarrUserWarning)
        zarr.consolidate_metadata(path)


def _create(
    group: zarr.Group,
    name: str,
    source: ChunkedArray,
    layout: Pass,
    codec: BloscCodec,
    dims: tuple[str, ...] | None,
    attrs: dict[str, Any],
) -> zarr.Array[Any]:
    return group.create_array(
        name,
        shape=source.shape,
        dtype=source.dtype.newbyteorder("="),
        chunks=layout.chunks,
        shards=layout.shards,
        compressors=codec,
        fill_value=source.fill_value,
        dimension_names=dims,
        attributes=attrs,
    )


def _copy(group: zarr.Group, name: str, array: zarr.Array[Any], dims: tuple[str, ...]) -> None:
    whole = array.size * array.dtype.itemsize <= _WHOLE_BYTES
    made = group.create_array(
        name,
        shape=array.shape,
        dtype=array.metadata.dtype,
        chunks=tuple(max(1, n) for n in array.shape) if whole else array.chunks,
        fill_value=array.metadata.dtype.default_scalar() if array.fill_value is None else array.fill_value,
        dimension_names=dims,
        attributes=attributes(array),
    )
    if array.size:
        made[...] = array[...]


def attributes(array: zarr.Array[Any]) -> dict[str, Any]:
    """Attributes as Zarr 3 has them: the fill value of format 2 means "missing" by CF, and is an attribute of its own here."""
    found = dict(array.attrs)
    if array.metadata.zarr_format == 2:
        found.pop("_ARRAY_DIMENSIONS", None)
        fill = array.fill_value
        if fill is not None and array.dtype.kind in "biuf":
            found["_FillValue"] = _fill_attribute(fill, array.dtype)
    return found


def _fill_attribute(fill: Any, dtype: np.dtype[Any]) -> str | int:
    """As xarray writes it: floats as base64 of a little-endian double."""
    if dtype.kind == "f":
        return base64.standard_b64encode(struct.pack("<d", float(fill))).decode()
    return int(fill)
