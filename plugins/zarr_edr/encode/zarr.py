"""Zarr: the CF dataset of `cf` as a Zarr 3 store in a ZIP file, to be opened where it is.

Written by the specification (Zarr core 3.0; `zstd`, `vlen-utf8` and `string` of zarr-extensions), which for arrays that are
already there takes less than a store does. Metadata are consolidated as zarr-python and xarray read them. The same answer is the
same bytes, so that an ETag holds.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from itertools import product
from typing import Any

import numpy as np
import orjson
from numcodecs import Zstd
from numpy.typing import NDArray

from zarr_edr.coverage import CoverageSet
from zarr_edr.encode.cf import CfDataset, CfVariable, cf_dataset
from zarr_edr.encode.chunking import chunk_shape

_LEVEL = 1
_ZSTD = Zstd(level=_LEVEL)
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that ZIP knows: of all members, for want of a better one that is the same each time."""


class ZarrEncoder:
    """One store, whatever the query."""

    name = "Zarr"
    media_types = ("application/vnd.zarr+zip", "application/zip")
    aliases = frozenset({"zarr", *media_types})
    extension = "zarr.zip"
    queries = None

    def encode(self, coverages: CoverageSet) -> Iterable[bytes]:
        """The ZIP file. Raises `ResponseTooLarge` where it would have too many arrays."""
        dataset = cf_dataset(coverages)
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
            for key, value in _entries(dataset):
                file.writestr(zipfile.ZipInfo(key, _EPOCH), value)
        return (buffer.getvalue(),)


def _entries(dataset: CfDataset) -> Iterator[tuple[str, bytes]]:
    """Keys and values of the store, metadata first."""
    arrays = {name: _metadata(variable) for name, variable in dataset.variables.items()}
    group = {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": dataset.attributes,
        "consolidated_metadata": {"kind": "inline", "must_understand": False, "metadata": arrays},
    }
    yield "zarr.json", orjson.dumps(group, option=_OPTIONS)
    for name, metadata in arrays.items():
        yield f"{name}/zarr.json", orjson.dumps(metadata, option=_OPTIONS)
    for name, variable in dataset.variables.items():
        for key, chunk in _chunks(variable):
            yield f"{name}/{key}", _ZSTD.encode(chunk)


def _metadata(variable: CfVariable) -> dict[str, Any]:
    values = variable.values
    text = values.dtype.kind == "O"
    little_endian = {"name": "bytes", **({"configuration": {"endian": "little"}} if values.itemsize > 1 else {})}
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": values.shape,
        "data_type": "string" if text else values.dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": _chunk_shape(values)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": "" if text else _fill(variable),
        "codecs": [
            {"name": "vlen-utf8", "configuration": {}} if text else little_endian,
            {"name": "zstd", "configuration": {"level": _LEVEL, "checksum": False}},
        ],
        "attributes": _attributes(variable.attributes) | _missing(variable),
        "dimension_names": variable.dims,
    }


def _fill(variable: CfVariable) -> str | int:
    """What an absent chunk would hold; there is none."""
    return "NaN" if variable.has_gaps else variable.fill or 0


def _missing(variable: CfVariable) -> dict[str, int]:
    """What means missing by CF: of version 3 of the format, xarray does not take the fill value for it."""
    return {} if variable.fill is None else {"_FillValue": variable.fill}


def _attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in attributes.items()}


def _chunk_shape(values: NDArray[Any]) -> tuple[int, ...]:
    return values.shape if values.dtype.kind == "O" else chunk_shape(values.shape, values.itemsize)


def _chunks(variable: CfVariable) -> Iterator[tuple[str, bytes]]:
    """Keys and bytes, before compression, of all chunks; those beyond the edge are whole, too, as the format has it."""
    values, chunk = variable.values, _chunk_shape(variable.values)
    for index in product(*(range(-(-size // step)) for size, step in zip(values.shape, chunk, strict=True))):
        here: tuple[Any, ...] = tuple(slice(i * step, (i + 1) * step) for i, step in zip(index, chunk, strict=True))
        part = values[(..., *here)]  # an array, though it be of no axis
        if part.shape != chunk:
            part = np.pad(part, [(0, step - size) for size, step in zip(part.shape, chunk, strict=True)])
        key = "/".join(["c", *map(str, index)])
        yield key, _texts(part) if part.dtype.kind == "O" else part.astype(part.dtype.newbyteorder("<")).tobytes()


def _texts(values: NDArray[Any]) -> bytes:
    """By `vlen-utf8`: the number of texts, then each with its length in bytes before it."""
    encoded = [text.encode() for text in values.reshape(-1).tolist()]
    return struct.pack("<I", len(encoded)) + b"".join(struct.pack("<I", len(text)) + text for text in encoded)
