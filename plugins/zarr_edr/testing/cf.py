"""Small datasets with CF coordinates, and what becomes of them when described."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.model import Collection, Parameter
from zarr_edr.dataset.source import open_group
from zarr_edr.errors import ConfigurationError
from zarr_edr.settings import CollectionSettings


def grid(dims: Mapping[str, int] | None = None, **attributes: Any) -> xr.Dataset:
    """A dataset with variable `v` on dims + (lat 3, lon 4) and CF coordinates for the latter."""
    sizes = {**(dims or {}), "lat": 3, "lon": 4}
    values = np.arange(np.prod(list(sizes.values())), dtype=np.float32).reshape(tuple(sizes.values()))
    lat = ("lat", np.array([50.0, 40.0, 30.0]), {"units": "degrees_north"})
    lon = ("lon", np.array([0.0, 10.0, 20.0, 30.0]), {"units": "degrees_east"})
    return xr.Dataset({"v": (tuple(sizes), values, attributes)}, coords={"lat": lat, "lon": lon})


def collection_at(path: str | Path, **settings: Any) -> Collection:
    """The collection of a store on disk."""
    return describe(open_group(str(path)), Path(path).stem, None, None, CollectionSettings(str(path), **settings))


def described(dataset: xr.Dataset, tmp_path: Path, **settings: Any) -> Collection:
    """`dataset`, written and described."""
    store = tmp_path / "s.zarr"
    dataset.to_zarr(store, consolidated=False)
    return collection_at(store, **settings)


def only(collection: Collection) -> Parameter:
    """Its one parameter. Raises `ValueError` where there are more."""
    (parameter,) = collection.parameters.values()
    return parameter


def refusal(dataset: xr.Dataset, tmp_path: Path, **options: Any) -> str:
    """The sentence with which `dataset` is refused. Raises `AssertionError` where it is described."""
    try:
        described(dataset, tmp_path, **options)
    except ConfigurationError as error:
        return error.message
    raise AssertionError("the dataset was not refused")


def with_time(values: Any, units: str = "days since 2000-01-01", **attributes: Any) -> xr.Dataset:
    """`grid` with times of these values."""
    dataset = grid({"time": len(values)})
    return dataset.assign_coords(time=("time", np.asarray(values), {"units": units, **attributes}))


def with_z(values: Any, **attributes: Any) -> xr.Dataset:
    """`grid` with levels of these values."""
    return grid({"lev": len(values)}).assign_coords(lev=("lev", np.asarray(values), attributes))


def write_steps(path: Path, times: int = 6, chunks: tuple[int, int, int] = (2, 2, 2)) -> Path:
    """A store whose values say where they are: 1000 t + 100 y + x, hourly; by default 24 chunks."""
    t, y, x = np.meshgrid(np.arange(times), np.arange(4), np.arange(8), indexing="ij")
    dataset = xr.Dataset(
        {"v": (("time", "lat", "lon"), (1000 * t + 100 * y + x).astype("f4"), {"units": "K"})},
        {
            "time": ("time", np.arange(times), {"units": "hours since 2000-01-01", "standard_name": "time"}),
            "lat": ("lat", np.arange(4.0), {"units": "degrees_north"}),
            "lon": ("lon", np.arange(8.0), {"units": "degrees_east"}),
        },
    )
    dataset.to_zarr(path, encoding={"v": {"chunks": chunks}}, zarr_format=3, consolidated=False)
    return path
