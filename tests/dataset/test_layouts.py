"""Layouts of a collection are compared with it at the start, and any of them may serve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from zarr_edr.dataset.catalog import PROVIDER, Catalog, forget_shared, shared_collection
from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.layouts import with_layouts
from zarr_edr.dataset.model import Collection
from zarr_edr.dataset.source import open_group
from zarr_edr.errors import ConfigurationError
from zarr_edr.settings import CollectionSettings, ParameterSettings
from zarr_edr.testing.cf import collection_at

Change = Callable[[xr.Dataset], xr.Dataset]


def dataset() -> xr.Dataset:
    coordinates = {
        "time": ("time", np.arange(4), {"units": "days since 2000-01-01"}),
        "level": ("level", [10.0, 20.0], {"positive": "up", "units": "m"}),
        "lat": ("lat", [2.0, 1.0, 0.0], {"units": "degrees_north"}),
        "lon": ("lon", [0.0, 1.0], {"units": "degrees_east"}),
    }
    values = np.arange(48, dtype="i2").reshape(4, 2, 3, 2)
    packing = {"scale_factor": 0.5, "_FillValue": -1, "units": "K"}
    dims = ("time", "level", "lat", "lon")
    return xr.Dataset({"a": (dims, values, packing), "b": (dims, values + 100, packing)}, coordinates)


def write(path: Path, change: Change = lambda same: same, **chunks: tuple[int, ...]) -> str:
    changed = change(dataset())
    encoding: dict[str, Any] = {name: {"chunks": chunk} for name, chunk in chunks.items()}
    for name, variable in changed.data_vars.items():  # written as they are: nothing is packed twice
        encoding.setdefault(str(name), {})["dtype"] = variable.dtype
    changed.to_zarr(path, encoding=encoding, consolidated=False, zarr_format=3)
    return str(path)


def together(tmp_path: Path, change: Change = lambda same: same, **settings: Any) -> Collection:
    """The dataset with one layout, in which it was changed."""
    data, layout = write(tmp_path / "data.zarr"), write(tmp_path / "layout.zarr", change)
    return with_layouts(collection_at(data, layouts=(layout,), **settings))


def test_a_layout_of_the_same_data_is_taken(tmp_path: Path) -> None:
    assert [len(parameter.layouts) for parameter in together(tmp_path).parameters.values()] == [1, 1]


def test_a_parameter_that_a_layout_lacks_is_read_from_the_others(tmp_path: Path) -> None:
    of = together(tmp_path, lambda ds: ds.drop_vars("b"))
    assert (len(of.parameters["a"].layouts), len(of.parameters["b"].layouts)) == (1, 0)


def test_settings_of_a_parameter_that_a_layout_lacks_are_no_fault_of_it(tmp_path: Path) -> None:
    own = {"b": ParameterSettings(units="degC")}
    assert together(tmp_path, lambda ds: ds.drop_vars("b"), parameters=own).parameters["a"].layouts


def renamed(ds: xr.Dataset) -> xr.Dataset:
    return ds.rename(a="c", b="d")


def with_attribute(name: str, value: object) -> Change:
    def change(ds: xr.Dataset) -> xr.Dataset:
        ds["a"].attrs[name] = value
        return ds

    return change


def moved(dim: str, by: float) -> Change:
    return lambda ds: ds.assign_coords({dim: (dim, ds[dim].values + by, ds[dim].attrs)})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (renamed, "none of the parameters"),
        (lambda ds: ds.transpose("level", "time", "lat", "lon"), "dimensions"),
        (lambda ds: ds.isel(time=slice(3)), "shape"),
        (lambda ds: ds.assign(a=ds["a"].astype("i4").assign_attrs(ds["a"].attrs)), "dtype"),
        (with_attribute("scale_factor", 0.25), "scale_factor"),
        (with_attribute("add_offset", 1.0), "add_offset"),
        (with_attribute("_FillValue", -2), "missing"),
        (with_attribute("missing_value", 7), "missing"),
        (with_attribute("_Unsigned", "true"), "_Unsigned"),
        (with_attribute("units", "degC"), "unit"),
        (moved("time", 1), "'time'"),
        (moved("level", 1), "'level'"),
        (moved("lat", 0.01), "grid"),
        (moved("lon", 0.01), "grid"),
        (lambda ds: ds.isel(lat=slice(None, None, -1)), "grid"),
    ],
)
def test_a_difference_is_refused_with_its_name_and_that_of_the_store(tmp_path: Path, change: Change, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        together(tmp_path, change)
    assert "options.layouts" in caught.value.message
    assert "layout.zarr" in caught.value.message
    assert said.startswith("none") or "'a'" in caught.value.message


def test_a_layout_that_does_not_exist_stops_the_start_with_both_names(tmp_path: Path) -> None:
    data, layout = write(tmp_path / "data.zarr"), str(tmp_path / "none.zarr")
    forget_shared()
    provider = {"type": "edr", "name": PROVIDER, "data": data, "options": {"layouts": [layout]}}
    with pytest.raises(ConfigurationError, match=r"Collection 'c': .*none\.zarr does not exist"):
        Catalog.open({"c": {"type": "collection", "providers": [provider]}})


def test_the_catalog_opens_the_layouts_of_a_provider_block(tmp_path: Path) -> None:
    data, layout = write(tmp_path / "data.zarr"), write(tmp_path / "layout.zarr", a=(4, 1, 1, 1), b=(4, 1, 1, 1))
    provider = {"type": "edr", "name": PROVIDER, "data": data, "options": {"layouts": [layout]}}
    parameter = shared_collection(provider).parameters["a"]
    assert [array.chunks for array in parameter.layouts] == [(4, 1, 1, 1)]


def runs(first: int) -> xr.Dataset:
    """Two forecast runs of three steps each, the first `first` hours after the epoch."""
    reference = ("ref", [first, 6], {"units": "hours since 2000-01-01", "standard_name": "forecast_reference_time"})
    period = ("step", [0, 1, 2], {"units": "hours", "standard_name": "forecast_period"})
    plain = dataset()
    coordinates = {"ref": reference, "step": period, "lat": plain["lat"], "lon": plain["lon"]}
    return xr.Dataset({"a": (("ref", "step", "lat", "lon"), np.ones((2, 3, 3, 2)))}, coordinates)


def collection_of_runs(tmp_path: Path, first: int) -> Collection:
    runs(0).to_zarr(tmp_path / "data.zarr", consolidated=False)
    runs(first).to_zarr(tmp_path / "layout.zarr", consolidated=False)
    settings = CollectionSettings(str(tmp_path / "data.zarr"), layouts=(str(tmp_path / "layout.zarr"),))
    return with_layouts(describe(open_group(settings.data), "s", None, None, settings))


def test_every_forecast_run_has_the_layouts(tmp_path: Path) -> None:
    of = collection_of_runs(tmp_path, 0)
    assert of.instances
    assert all(len(run.parameters["a"].layouts) == 1 for run in of.instances.values())


def test_a_layout_with_other_forecast_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="lacks the forecast run"):
        collection_of_runs(tmp_path, 1)


def test_without_layouts_a_collection_stays_as_it_is(tmp_path: Path) -> None:
    of = collection_at(write(tmp_path / "data.zarr"))
    assert with_layouts(of) is of
    assert replace(of.settings, layouts=()) == of.settings
