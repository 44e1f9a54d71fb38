"""NetCDF and Zarr read back by xarray, and their values as rows that can be compared with those of CoverageJSON."""

from __future__ import annotations

import math
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import netCDF4
import numpy as np
import xarray as xr
from zarr.storage import ZipStore

from zarr_edr.testing.covjson import Row
from zarr_edr.testing.oracle_axes import iso

Fact = tuple[str, float, float, str | None, float | None, tuple[tuple[str, Any], ...], float | None]
"""Parameter, x, y, time, level, further dimensions, value."""

_NUMBERED = re.compile(r"_\d+$")
"""What tells apart variables that would have the same name."""
_TIMES = xr.coders.CFDatetimeCoder(use_cftime=True)


def netcdf_by_c_library(body: bytes) -> xr.Dataset:
    """A NetCDF file as netCDF4-python and xarray read it, in memory; times are those of `cftime`."""
    with netCDF4.Dataset("in-memory", memory=body) as file:
        store = xr.backends.NetCDF4DataStore(file)  # type: ignore[no-untyped-call]  # of xarray
        return xr.open_dataset(store, decode_times=_TIMES, decode_timedelta=False).load()


def netcdf_by_h5netcdf(body: bytes) -> xr.Dataset:
    """The same as h5netcdf reads it."""
    with xr.open_dataset(BytesIO(body), engine="h5netcdf", decode_times=_TIMES, decode_timedelta=False) as dataset:
        return dataset.load()


def zarr_by_zarr_python(body: bytes) -> xr.Dataset:
    """A zipped store as zarr-python and xarray read it, with all warnings as errors."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        path = Path(folder) / "answer.zarr.zip"
        path.write_bytes(body)
        with ZipStore(path, mode="r") as store:
            dataset: xr.Dataset = xr.open_zarr(
                store, chunks=None, consolidated=True, decode_times=_TIMES, decode_timedelta=False
            )
            return dataset.load()


def facts_of_rows(rows: list[Row]) -> Counter[Fact]:
    """Rows of CoverageJSON."""
    return Counter((r.parameter, r.x or 0.0, r.y or 0.0, r.time, r.z, r.members, r.value) for r in rows)


def facts_in(dataset: xr.Dataset) -> Counter[Fact]:
    """Every value of all data variables, which are those that have a grid mapping."""
    arrays = (array for array in dataset.data_vars.values() if _is_data(array))
    return Counter(fact for array in arrays for fact in _facts(array))


def _is_data(array: xr.DataArray) -> bool:
    return "grid_mapping" in array.attrs or "grid_mapping" in array.encoding


def _facts(array: xr.DataArray) -> Iterator[Fact]:
    parameter = array.attrs.get("parameter_name", array.name)
    axis_of = {_axis(coordinate): coordinate for coordinate in _own_coordinates(array)}
    others = {_NUMBERED.sub("", str(c.name)): c for c in _own_coordinates(array) if _axis(c) is None}
    members = {name: coordinate for name, coordinate in others.items() if not name.endswith("_id")}
    columns = {key: _along(axis_of[key], array) for key in "XYTZ" if key in axis_of}
    further = {name: _along(coordinate, array) for name, coordinate in sorted(members.items())}
    for k, value in enumerate(array.values.reshape(-1)):
        yield (
            str(parameter),
            float(columns["X"][k]) or 0.0,
            float(columns["Y"][k]) or 0.0,
            iso(columns["T"][k]) if "T" in columns else None,
            float(columns["Z"][k]) if "Z" in columns else None,
            tuple((name, column[k]) for name, column in further.items()),
            _plain(value),
        )


def _own_coordinates(array: xr.DataArray) -> list[xr.DataArray]:
    """Those that the variable names itself: xarray gives every scalar of the file to each variable."""
    named = str(array.encoding.get("coordinates", "")).split()
    return [c for name, c in array.coords.items() if name in array.dims or name in named]


def _axis(coordinate: xr.DataArray) -> str | None:
    axis = coordinate.attrs.get("axis")
    return None if axis is None else str(axis)


def _along(coordinate: xr.DataArray, array: xr.DataArray) -> list[Any]:
    """The coordinate of each value, in the order of the values."""
    shape = [coordinate.sizes.get(dim, 1) for dim in array.dims]
    values = coordinate.transpose(*(dim for dim in array.dims if dim in coordinate.dims)).values.reshape(shape)
    column: list[Any] = np.broadcast_to(values, array.shape).reshape(-1).tolist()
    return column


def _plain(value: Any) -> float | None:
    """As JSON has it: float32 by its shortest decimal, None for what is no number."""
    number = float(str(value))
    return number if math.isfinite(number) else None
