"""NetCDF-4: the CF dataset of `cf`, written by h5netcdf into memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.coverage import CoverageSet
from zarr_edr.encode.cf import CfVariable, cf_dataset
from zarr_edr.encode.chunking import chunk_shape

_COMPRESSED_BYTES = 16_384
"""From this size on, arrays are compressed: below, a chunk costs more than it saves."""

_NUL_SIGN = "\N{SYMBOL FOR NULL}"


class NetCdfEncoder:
    """One file, whatever the query; needs h5netcdf and h5py, which the extra `zarr-edr[netcdf]` brings."""

    name = "NetCDF"
    media_types = ("application/netcdf", "application/x-netcdf")
    aliases = frozenset({"netcdf", "netcdf4", "nc", *media_types})
    extension = "nc"
    queries = None

    def encode(self, coverages: CoverageSet) -> Iterable[bytes]:
        """The file. Raises `ResponseTooLarge` where it would have too many arrays."""
        import h5netcdf  # noqa: PLC0415 - an optional library, slow to import

        dataset = cf_dataset(coverages)
        buffer = BytesIO()
        with h5netcdf.File(buffer, "w") as file:
            file.dimensions = dataset.dims
            for name, variable in dataset.variables.items():
                _write(file, name, variable)
            file.attrs.update(_attributes(dataset.attributes))
        return (buffer.getvalue(),)


def _write(file: Any, name: str, variable: CfVariable) -> None:
    import h5py  # noqa: PLC0415 - comes with h5netcdf

    values = variable.values
    if values.dtype.kind == "O":
        written = file.create_variable(name, variable.dims, h5py.string_dtype(), data=_texts(values))
    else:
        fill = None if variable.fill is None else values.dtype.type(variable.fill)
        fill = values.dtype.type(np.nan) if variable.has_gaps else fill
        options = _compression(values)
        written = file.create_variable(name, variable.dims, values.dtype, data=values, fillvalue=fill, **options)
    written.attrs.update(_attributes(variable.attributes))


def _texts(values: NDArray[Any]) -> NDArray[Any]:
    flat = [_text(text) for text in values.reshape(-1).tolist()]
    return np.array(flat, object).reshape(values.shape)


def _attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _text(value) if isinstance(value, str) else value for name, value in attributes.items()}


def _text(text: str) -> str:
    """Text of HDF5 ends at the first NUL: what clients send with one in it has a sign in its place."""
    return text.replace("\0", _NUL_SIGN)


def _compression(values: NDArray[Any]) -> dict[str, Any]:
    if values.nbytes < _COMPRESSED_BYTES:
        return {}
    return {
        "chunks": chunk_shape(values.shape, values.itemsize),
        "compression": "gzip",
        "compression_opts": 1,
        "shuffle": True,
    }
