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


def described(dataset: xr.Dataset, tmp_path: Path, **settings: Any) -> Collection:
    """`dataset`, written and described."""
    store = str(tmp_path / "s.zarr")
    dataset.to_zarr(store, consolidated=False)
    return described_store(store, **settings)


def described_store(store: str, **settings: Any) -> Collection:
    """The store at a path, described."""
    return describe(open_group(store), "s", None, None, CollectionSettings(data=store, **settings))


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
