"""Metadata become axes, parameters and a CRS, or a sentence that says why not."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.cf_crs import CRS84_URI
from zarr_edr.dataset.model import Collection, CustomAxis, Parameter, TimeAxis, VerticalAxis
from zarr_edr.dataset.source import open_group
from zarr_edr.errors import ConfigurationError, UnsupportedDataset
from zarr_edr.grid.rectilinear import RectilinearGrid
from zarr_edr.settings import CollectionSettings, ParameterSettings

SHARED = Path(__file__).parents[2] / "../shared/data"


def real(name: str) -> str:
    """Path of a real store; skips the test where it is absent."""
    path = (SHARED / name).resolve()
    if not path.exists():
        pytest.skip(f"the real dataset {name} is not here")
    return str(path)


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
    (parameter,) = collection.parameters.values()
    return parameter


def refusal(dataset: xr.Dataset, tmp_path: Path, **options: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        described(dataset, tmp_path, **options)
    return caught.value.message


def with_time(values: Any, units: str = "days since 2000-01-01", **attributes: Any) -> xr.Dataset:
    dataset = grid({"time": len(values)})
    return dataset.assign_coords(time=("time", np.asarray(values), {"units": units, **attributes}))


def with_z(values: Any, **attributes: Any) -> xr.Dataset:
    return grid({"lev": len(values)}).assign_coords(lev=("lev", np.asarray(values), attributes))


SERVED = {
    "air.zarr": {"time": 2920, "lat": 25, "lon": 53},
    "ostia.zarr": {"time": 54, "latitude": 18, "longitude": 432},
    "woa.zarr": {"month": 12, "depth": 19, "lat": 90, "lon": 180},
    "era5ens.zarr": {"number": 10, "time": 4, "isobaricInhPa": 2, "latitude": 61, "longitude": 120},
    "ukmo_seas.zarr": {"number": 28, "step": 20, "latitude": 6, "longitude": 11},
    "a1b360.zarr": {"time": 240, "latitude": 37, "longitude": 49},
}
REFUSED = {
    "nam.zarr": "latitude and longitude are two-dimensional (y, x)",
    "nemo.zarr": "nav_lat and nav_lon are two-dimensional (y, x)",
    "uk_hires.zarr": "grid_latitude and grid_longitude are coordinates on a rotated pole",
}


class TestRealStores:
    @pytest.mark.parametrize("name", SERVED)
    def test_every_axis_has_its_size(self, name: str) -> None:
        parameter = next(iter(described_store(real(name)).parameters.values()))
        sizes = dict(zip(parameter.grid.dims, parameter.grid.shape, strict=True))
        sizes |= {dim: len(axis) for dim, axis in parameter.axes.items()}
        assert sizes == SERVED[name]

    @pytest.mark.parametrize("name", SERVED)
    def test_stored_coordinates_are_kept_bit_for_bit(self, name: str) -> None:
        store = real(name)
        parameter = next(iter(described_store(store).parameters.values()))
        raw = xr.open_zarr(store, mask_and_scale=False, decode_times=False, decode_timedelta=False, chunks=None)
        assert isinstance(parameter.grid, RectilinearGrid)
        np.testing.assert_array_equal(parameter.grid.x.values, raw[parameter.grid.x_dim].values, strict=True)
        np.testing.assert_array_equal(parameter.grid.y.values, raw[parameter.grid.y_dim].values, strict=True)
        for axis in parameter.axes.values():
            if not isinstance(axis, TimeAxis):
                np.testing.assert_array_equal(axis.values, raw[axis.dim].values, strict=True)

    @pytest.mark.parametrize(
        ("name", "time"), [("air.zarr", "time"), ("ostia.zarr", "time"), ("era5ens.zarr", "valid_time")]
    )
    def test_times_are_those_of_xarray(self, name: str, time: str) -> None:
        store = real(name)
        axis = next(iter(described_store(store).parameters.values())).t
        expected = xr.open_zarr(store, chunks=None, decode_timedelta=False)[time].values
        assert axis is not None
        np.testing.assert_array_equal(axis.us.astype("datetime64[us]"), expected)

    def test_a_360_day_calendar_is_that_of_cftime(self) -> None:
        store = real("a1b360.zarr")
        axis = only(described_store(store)).t
        coder = xr.coders.CFDatetimeCoder(use_cftime=True)
        expected = xr.open_zarr(store, chunks=None, decode_times=coder, decode_timedelta=False)["time"].values
        assert axis is not None
        assert axis.calendar == "360_day"
        assert axis.iso == tuple(f"{t.strftime('%Y-%m-%dT%H:%M:%S')}Z" for t in expected)

    def test_the_latest_run_of_a_seasonal_forecast_is_served(self) -> None:
        store = real("ukmo_seas.zarr")
        collection = described_store(store)
        parameter = only(collection)
        valid = xr.open_zarr(store, chunks=None, decode_timedelta=False)["valid_time"]
        assert parameter.fixed == {"time": 7}
        assert parameter.t is not None
        np.testing.assert_array_equal(
            parameter.t.us.astype("datetime64[us]"), valid.transpose("time", "step").values[7]
        )
        assert any("8 forecast runs; the latest, of 2016-02-01T00:00:00Z" in line for line in collection.warnings)

    def test_months_of_the_year_0_are_dates(self) -> None:
        parameter = only(described_store(real("woa.zarr")))
        assert parameter.t is not None
        assert [iso[:7] for iso in parameter.t.iso] == [f"0000-{month:02}" for month in range(1, 13)]

    def test_levels_have_unit_and_direction(self) -> None:
        depth, pressure = only(described_store(real("woa.zarr"))).z, None
        pressure = described_store(real("era5ens.zarr")).parameters["t"].z
        assert depth is not None
        assert pressure is not None
        assert (depth.unit.text, depth.unit.ucum, depth.positive) == ("m", "m", "down")
        assert (pressure.unit.text, pressure.positive, pressure.title) == ("hPa", "down", "pressure")

    def test_a_sphere_is_taken_for_crs84_with_a_warning(self) -> None:
        collection = described_store(real("a1b360.zarr"))
        assert collection.crs.uri == CRS84_URI
        assert any("sphere (6371229 m)" in line for line in collection.warnings)

    @pytest.mark.parametrize("name", REFUSED)
    def test_other_grids_are_refused_with_what_they_are(self, name: str) -> None:
        with pytest.raises(UnsupportedDataset) as caught:
            described_store(real(name))
        assert REFUSED[name] in caught.value.message
        assert name in caught.value.message
        assert "regular grids of longitude and latitude are served" in caught.value.message


class TestFormats:
    @pytest.mark.parametrize("zarr_format", [2, 3])
    @pytest.mark.parametrize("consolidated", [False, True])
    @pytest.mark.filterwarnings("ignore:Consolidated metadata")
    def test_both_formats_say_the_same(self, tmp_path: Path, zarr_format: Literal[2, 3], consolidated: bool) -> None:
        store = str(tmp_path / "s.zarr")
        with_time([0, 1], axis="T").to_zarr(store, zarr_format=zarr_format, consolidated=consolidated)
        parameter = only(described_store(store))
        assert parameter.dims == ("time", "lat", "lon")
        assert parameter.t is not None
        assert parameter.t.iso == ("2000-01-01T00:00:00Z", "2000-01-02T00:00:00Z")
        assert parameter.grid.bbox == (-5.0, 25.0, 35.0, 55.0)

    def test_a_coordinate_equal_to_the_fill_value_of_format_2_is_kept(self, tmp_path: Path) -> None:
        group = zarr.open_group(tmp_path, mode="w", zarr_format=2)
        for name, units in (("lat", "degrees_north"), ("lon", "degrees_east")):
            array = group.create_array(name, data=np.array([0.0, 1.0]), fill_value=0.0)
            array.attrs.update({"_ARRAY_DIMENSIONS": [name], "units": units})
        group.create_array("v", data=np.zeros((2, 2))).attrs["_ARRAY_DIMENSIONS"] = ["lat", "lon"]
        assert only(described_store(str(tmp_path))).grid.bbox == (-0.5, -0.5, 1.5, 1.5)


class TestParameters:
    def test_variables_that_describe_others_are_none(self, tmp_path: Path) -> None:
        dataset = grid({}, grid_mapping="crs").assign(
            crs=((), 0, {"grid_mapping_name": "latitude_longitude"}),
            lat_bnds=(("lat", "bnds"), np.zeros((3, 2))),
            series=("lat", np.zeros(3)),
            name=(("lat", "lon"), np.full((3, 4), "x")),
        )
        dataset["lat"].attrs["bounds"] = "lat_bnds"
        assert list(described(dataset, tmp_path).parameters) == ["v"]

    def test_axes_and_grids_are_shared(self, tmp_path: Path) -> None:
        dataset = with_time([0, 1]).assign(w=lambda ds: ds.v * 2)
        first, second = described(dataset, tmp_path).parameters.values()
        assert first.t is second.t
        assert first.grid is second.grid

    def test_titles_come_from_the_settings_first(self, tmp_path: Path) -> None:
        own = {"v": ParameterSettings(title="T", description="D", units="K")}
        parameter = only(described(grid({}, long_name="L", units="degC"), tmp_path, parameters=own))
        assert (parameter.title, parameter.description, parameter.unit and parameter.unit.ucum) == ("T", "D", "K")

    @pytest.mark.parametrize(
        ("attributes", "title"),
        [
            ({"long_name": "L", "standard_name": "s", "GRIB_name": "G"}, "L"),
            ({"standard_name": "s", "GRIB_name": "G"}, "s"),
            ({"standard_name": "unknown", "GRIB_name": "G"}, "G"),
            ({"long_name": 5}, "v"),
            ({}, "v"),
        ],
    )
    def test_titles_fall_back_to_the_name(self, tmp_path: Path, attributes: Any, title: str) -> None:
        assert only(described(grid({}, **attributes), tmp_path)).title == title

    def test_settings_of_an_unknown_parameter_are_refused(self, tmp_path: Path) -> None:
        message = refusal(grid().rename(v="temp"), tmp_path, parameters={"tmp": ParameterSettings()})
        assert "`options.parameters.tmp`" in message
        assert "Did you mean 'temp'?" in message

    def test_a_variable_with_a_senseless_scale_is_left_out(self, tmp_path: Path) -> None:
        dataset = grid().assign(w=(("lat", "lon"), np.zeros((3, 4)), {"scale_factor": "abc"}))
        collection = described(dataset, tmp_path)
        assert list(collection.parameters) == ["v"]
        assert any("'w' is left out: w: scale_factor" in line for line in collection.warnings)

    def test_an_empty_dimension_is_left_out(self, tmp_path: Path) -> None:
        dataset = grid().assign(w=(("time", "lat", "lon"), np.zeros((0, 3, 4))))
        assert any("'time' is empty" in line for line in described(dataset, tmp_path).warnings)

    def test_further_attributes_are_kept(self, tmp_path: Path) -> None:
        dataset = grid({}, cell_methods="time: mean", flag_values=[1, 2])
        assert only(described(dataset, tmp_path)).attributes == {"cell_methods": "time: mean", "flag_values": [1, 2]}


class TestTime:
    def test_a_repeated_time_is_refused_by_name(self, tmp_path: Path) -> None:
        assert "2000-01-02T00:00:00Z more than once" in refusal(with_time([0, 1, 2, 1]), tmp_path)

    def test_unsorted_times_stay_in_storage_order(self, tmp_path: Path) -> None:
        axis = only(described(with_time([2, 0, 1]), tmp_path)).t
        assert axis is not None
        assert [iso[8:10] for iso in axis.iso] == ["03", "01", "02"]
        assert axis.order.tolist() == [1, 2, 0]

    def test_packed_times_are_unpacked(self, tmp_path: Path) -> None:
        axis = only(described(with_time(np.array([0, 2, 4]), scale_factor=0.5), tmp_path)).t
        assert axis is not None
        assert axis.iso[-1] == "2000-01-03T00:00:00Z"

    def test_units_that_are_no_time_are_refused_by_name(self, tmp_path: Path) -> None:
        assert "'time'" in refusal(with_time([0, 1], "fortnights since 2000-01-01"), tmp_path)

    def test_an_axis_t_without_reference_is_a_custom_axis(self, tmp_path: Path) -> None:
        parameter = only(described(with_time([1, 2], "1", axis="T"), tmp_path))
        assert parameter.t is None
        assert [axis.dim for axis in parameter.custom] == ["time"]

    def test_datetime_arrays_of_zarr_are_times(self, tmp_path: Path) -> None:
        store = str(tmp_path / "s.zarr")
        grid({"time": 2}).to_zarr(store, consolidated=False)
        times = np.array(["2000-01-01", "2000-01-03"], "M8[s]")
        zarr.open_group(store).create_array("time", data=times, dimension_names=["time"])
        axis = only(described_store(store)).t
        assert axis is not None
        assert axis.iso == ("2000-01-01T00:00:00Z", "2000-01-03T00:00:00Z")

    def test_steps_of_a_single_run_are_times(self, tmp_path: Path) -> None:
        dataset = grid({"step": 3}).assign_coords(
            step=("step", [0, 6, 12], {"standard_name": "forecast_period", "units": "hours"}),
            time=((), 1, {"standard_name": "forecast_reference_time", "units": "days since 2000-01-01"}),
        )
        axis = only(described(dataset, tmp_path)).t
        assert axis is not None
        assert axis.iso == ("2000-01-02T00:00:00Z", "2000-01-02T06:00:00Z", "2000-01-02T12:00:00Z")

    def test_runs_without_valid_times_are_reference_plus_step(self, tmp_path: Path) -> None:
        dataset = grid({"run": 2, "step": 2}).assign_coords(
            run=("run", [5, 1], {"standard_name": "forecast_reference_time", "units": "days since 2000-01-01"}),
            step=("step", [0, 24], {"standard_name": "forecast_period", "units": "hours"}),
        )
        parameter = only(described(dataset, tmp_path))
        assert parameter.fixed == {"run": 0}
        assert parameter.t is not None
        assert parameter.t.iso == ("2000-01-06T00:00:00Z", "2000-01-07T00:00:00Z")

    def test_steps_of_unknown_length_are_a_custom_axis(self, tmp_path: Path) -> None:
        dataset = grid({"step": 2}).assign_coords(
            step=("step", [0, 6], {"standard_name": "forecast_period", "units": "K"}),
            time=((), 1, {"standard_name": "forecast_reference_time", "units": "days since 2000-01-01"}),
        )
        assert [axis.dim for axis in only(described(dataset, tmp_path)).custom] == ["step"]

    def test_a_second_time_is_a_custom_axis(self, tmp_path: Path) -> None:
        attributes = {"units": "days since 2000-01-01", "axis": "T"}
        dataset = grid({"a": 2, "b": 2}).assign_coords(a=("a", [0, 1], attributes), b=("b", [0, 1], attributes))
        parameter = only(described(dataset, tmp_path))
        assert (parameter.t and parameter.t.dim, [axis.dim for axis in parameter.custom]) == ("a", ["b"])

    def test_reference_times_alone_are_the_times(self, tmp_path: Path) -> None:
        dataset = with_time([0, 1], standard_name="forecast_reference_time")
        collection = described(dataset, tmp_path)
        assert only(collection).t is not None
        assert any("reference times" in line for line in collection.warnings)

    def test_a_time_beside_the_dimension_is_used(self, tmp_path: Path) -> None:
        dataset = grid({"n": 2}).assign_coords(when=("n", [0, 1], {"units": "days since 2000-01-01"}))
        axis = only(described(dataset, tmp_path)).t
        assert axis is not None
        assert (axis.dim, axis.iso[1]) == ("n", "2000-01-02T00:00:00Z")


class TestVertical:
    @pytest.mark.parametrize(
        ("attributes", "positive"),
        [
            ({"units": "hPa"}, "down"),
            ({"axis": "Z"}, None),
            ({"positive": "Up"}, "up"),
            ({"standard_name": "depth", "units": "m"}, "down"),
            ({"standard_name": "altitude"}, "up"),
            ({"standard_name": "model_level_number"}, None),
            ({"positive": 5, "axis": "Z"}, None),
        ],
    )
    def test_levels_are_known_by_their_attributes(self, tmp_path: Path, attributes: Any, positive: str | None) -> None:
        axis = only(described(with_z([1, 2, 4], **attributes), tmp_path)).z
        assert axis is not None
        assert (axis.dim, axis.values.tolist(), axis.positive) == ("lev", [1, 2, 4], positive)

    def test_levels_keep_their_dtype(self, tmp_path: Path) -> None:
        axis = only(described(with_z(np.array([0.1, 0.2], np.float32), axis="Z"), tmp_path)).z
        assert axis is not None
        assert axis.values.dtype == np.float32

    @pytest.mark.parametrize("values", [[1, 1], [1, 3, 2], [1, np.nan]])
    def test_levels_that_are_not_monotonic_are_refused(self, tmp_path: Path, values: Any) -> None:
        assert "The levels of 'lev' are not strictly monotonic" in refusal(with_z(values, axis="Z"), tmp_path)

    def test_a_level_known_by_name_only_is_doubtful(self, tmp_path: Path) -> None:
        collection = described(with_z([1, 2]), tmp_path)
        assert isinstance(only(collection).axes["lev"], VerticalAxis)
        assert any("'lev' is taken for the level by its name" in line for line in collection.warnings)


class TestCustom:
    def test_numbers_and_names_are_custom_axes(self, tmp_path: Path) -> None:
        dataset = grid({"number": 2, "model": 2}).assign_coords(
            number=("number", [3, 5], {"long_name": "member", "units": "1"}), model=["a", "b"]
        )
        number, model = only(described(dataset, tmp_path)).custom
        assert (number.values.tolist(), number.title) == ([3, 5], "member")
        assert (model.values.tolist(), model.unit) == (["a", "b"], None)

    def test_a_dimension_without_coordinate_counts_from_0(self, tmp_path: Path) -> None:
        collection = described(grid({"band": 3}), tmp_path)
        axis = only(collection).axes["band"]
        assert isinstance(axis, CustomAxis)
        assert axis.values.tolist() == [0, 1, 2]
        assert any("'band' has no coordinate" in line for line in collection.warnings)

    def test_single_values_are_no_axes(self, tmp_path: Path) -> None:
        dataset = grid().assign_coords(height=((), 2.0, {"units": "m", "positive": "up"}))
        assert only(described(dataset, tmp_path)).axes == {}


class TestHorizontal:
    def test_names_are_a_last_resort(self, tmp_path: Path) -> None:
        dataset = grid()
        dataset.lat.attrs, dataset.lon.attrs = {}, {}
        collection = described(dataset, tmp_path)
        assert only(collection).grid.dims == ("lat", "lon")
        assert any("'lat' is taken for the latitude by its name" in line for line in collection.warnings)

    def test_the_settings_name_the_coordinates(self, tmp_path: Path) -> None:
        dataset = grid().rename(lat="a", lon="b")
        dataset.a.attrs, dataset.b.attrs = {}, {}
        assert only(described(dataset, tmp_path, x_field="b", y_field="a")).grid.dims == ("a", "b")

    @pytest.mark.parametrize("name", ["nothing", "v"])
    def test_a_wrong_name_in_the_settings_is_refused(self, tmp_path: Path, name: str) -> None:
        assert f"`x_field` is '{name}'" in refusal(grid(), tmp_path, x_field=name)

    def test_coordinates_beside_the_dimensions_are_used(self, tmp_path: Path) -> None:
        dataset = grid().rename(lat="latitude", lon="longitude").swap_dims(latitude="j", longitude="i")
        assert only(described(dataset, tmp_path)).grid.dims == ("j", "i")

    def test_bounds_are_the_edges(self, tmp_path: Path) -> None:
        dataset = grid().assign(lat_bnds=(("lat", "b"), np.array([[58.0, 45], [45, 35], [35, 22]])))
        dataset.lat.attrs["bounds"] = "lat_bnds"
        assert only(described(dataset, tmp_path)).grid.bbox[1::2] == (22.0, 58.0)

    def test_bounds_that_do_not_fit_are_ignored(self, tmp_path: Path) -> None:
        dataset = grid().assign(lat_bnds=(("lat", "b"), np.zeros((3, 4))))
        dataset.lat.attrs["bounds"] = "lat_bnds"
        collection = described(dataset, tmp_path)
        assert only(collection).grid.bbox[1::2] == (25.0, 55.0)
        assert any("'lat_bnds'" in line for line in collection.warnings)

    def test_packed_coordinates_are_unpacked(self, tmp_path: Path) -> None:
        dataset = grid().assign_coords(
            lon=("lon", np.array([0, 25, 50, 75], np.int16), {"units": "degrees_east", "scale_factor": 0.1})
        )
        index = only(described(dataset, tmp_path)).grid
        assert index.centre((np.array([0]), np.array([1])))[0] == 2.5

    @pytest.mark.parametrize(
        "name", ["OGC:CRS84", CRS84_URI, "EPSG:4326", "http://www.opengis.net/def/crs/EPSG/0/4326"]
    )
    def test_names_of_crs84_are_taken(self, tmp_path: Path, name: str) -> None:
        assert described(grid(), tmp_path, storage_crs=name).crs.uri == CRS84_URI

    def test_another_crs_is_refused(self, tmp_path: Path) -> None:
        assert "`storage_crs` is 'EPSG:27700'" in refusal(grid(), tmp_path, storage_crs="EPSG:27700")

    @pytest.mark.parametrize(
        ("dataset", "reason"),
        [
            (grid().rename(lat="a", lon="b").drop_vars(["a", "b"]), "no longitude and no latitude coordinate"),
            (grid().drop_vars("v"), "no variable of numbers has both dimensions, lat and lon"),
            (
                xr.Dataset(
                    {"v": ("p", np.zeros(2))},
                    {n: ("p", np.arange(2.0), {"standard_name": n}) for n in ("longitude", "latitude")},
                ),
                "places along one dimension",
            ),
            (
                xr.Dataset(
                    {"v": (("y", "x"), np.zeros((2, 2)))},
                    {
                        d: (d, np.arange(2.0), {"standard_name": f"projection_{d}_coordinate", "units": "m"})
                        for d in ("x", "y")
                    },
                ),
                "y and x are projected coordinates",
            ),
        ],
        ids=["none", "no data", "stations", "projected"],
    )
    def test_what_is_no_grid_is_refused_with_the_reason(self, tmp_path: Path, dataset: xr.Dataset, reason: str) -> None:
        assert reason in refusal(dataset, tmp_path)

    def test_coordinates_in_metres_without_a_unit_are_refused(self, tmp_path: Path) -> None:
        dataset = grid().assign_coords(lat=("lat", [1e6, 2e6, 3e6], {"axis": "Y"}))
        assert "'lat' reaches 3e+06" in refusal(dataset, tmp_path)

    def test_other_units_than_degrees_are_refused(self, tmp_path: Path) -> None:
        dataset = grid().assign_coords(lon=("lon", [0.0, 1.0, 2.0, 3.0], {"axis": "X", "units": "radian"}))
        assert "lat and lon are in 'radian', not in degrees" in refusal(dataset, tmp_path)

    def test_an_unordered_axis_is_refused(self, tmp_path: Path) -> None:
        dataset = grid().isel(lon=[0, 2, 1, 3])
        assert "s.zarr" in refusal(dataset, tmp_path)


class TestOddStores:
    @pytest.mark.parametrize("key", ["coordinates", "grid_mapping", "bounds"])
    @pytest.mark.parametrize("value", [5, ["lat"], {"a": 1}])
    def test_references_that_are_no_text_are_passed_over(self, tmp_path: Path, key: str, value: Any) -> None:
        store = str(tmp_path / "s.zarr")
        grid().to_zarr(store, consolidated=False)
        for node in (zarr.open_group(store), zarr.open_group(store)["v"]):
            node.attrs[key] = value
        assert list(described_store(store).parameters) == ["v"]

    def test_a_damaged_coordinate_is_named(self, tmp_path: Path) -> None:
        store = tmp_path / "s.zarr"
        grid().to_zarr(store, consolidated=False)
        (store / "lat/c/0").write_bytes(b"damaged")
        with pytest.raises(ConfigurationError, match="lat: its values cannot be decoded"):
            described_store(str(store))

    def test_without_consolidated_metadata_parameters_are_sorted(self, tmp_path: Path) -> None:
        dataset = grid().assign({name: (("lat", "lon"), np.zeros((3, 4))) for name in "zyxab"})
        assert list(described(dataset, tmp_path).parameters) == ["a", "b", "v", "x", "y", "z"]

    def test_a_group_without_arrays_names_its_groups(self, tmp_path: Path) -> None:
        zarr.open_group(tmp_path, mode="w").create_group("inner")
        with pytest.raises(UnsupportedDataset, match="its groups are inner"):
            described_store(str(tmp_path))

    def test_an_array_without_dimension_names_is_refused(self, tmp_path: Path) -> None:
        zarr.open_group(tmp_path, mode="w").create_array("a", data=np.zeros(3))
        with pytest.raises(UnsupportedDataset, match="do not form a dataset"):
            described_store(str(tmp_path))

    @given(
        key=st.sampled_from(
            [
                "units",
                "long_name",
                "standard_name",
                "axis",
                "positive",
                "bounds",
                "grid_mapping",
                "calendar",
                "coordinates",
                "_FillValue",
                "missing_value",
                "scale_factor",
                "add_offset",
                "_Unsigned",
                "dtype",
            ]
        ),
        value=st.none()
        | st.integers(-5, 5)
        | st.booleans()
        | st.text(max_size=12)
        | st.lists(st.text(max_size=3), max_size=2),
        on=st.sampled_from(["v", "lat", "lon", "time"]),
    )
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_no_attribute_makes_it_fail_in_any_other_way(
        self, tmp_path_factory: pytest.TempPathFactory, key: str, value: Any, on: str
    ) -> None:
        store = tmp_path_factory.mktemp("odd") / "s.zarr"
        with_time([0, 1]).to_zarr(store, consolidated=False)
        zarr.open_group(store)[on].attrs[key] = value
        with contextlib.suppress(ConfigurationError):  # any other error fails
            assert described_store(str(store)).parameters
