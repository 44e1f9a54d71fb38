"""Metadata become axes, parameters and a CRS, or a sentence that says why not."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zarr_edr.dataset.cf_crs import CRS84_URI
from zarr_edr.dataset.model import TimeAxis
from zarr_edr.errors import ConfigurationError, UnsupportedDataset
from zarr_edr.grid.rectilinear import RectilinearGrid
from zarr_edr.settings import ParameterSettings
from zarr_edr.testing.cf import collection_at, described, grid, only, refusal, with_time

SHARED = Path(__file__).parents[2] / "../shared/data"


def real(name: str) -> str:
    """Path of a real store; skips the test where it is absent."""
    path = (SHARED / name).resolve()
    if not path.exists():
        pytest.skip(f"the real dataset {name} is not here")
    return str(path)


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
        parameter = next(iter(collection_at(real(name)).parameters.values()))
        sizes = dict(zip(parameter.grid.dims, parameter.grid.shape, strict=True))
        sizes |= {dim: len(axis) for dim, axis in parameter.axes.items()}
        assert sizes == SERVED[name]

    @pytest.mark.parametrize("name", SERVED)
    def test_stored_coordinates_are_kept_bit_for_bit(self, name: str) -> None:
        store = real(name)
        parameter = next(iter(collection_at(store).parameters.values()))
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
        axis = next(iter(collection_at(store).parameters.values())).t
        expected = xr.open_zarr(store, chunks=None, decode_timedelta=False)[time].values
        assert axis is not None
        np.testing.assert_array_equal(axis.us.astype("datetime64[us]"), expected)

    def test_a_360_day_calendar_is_that_of_cftime(self) -> None:
        store = real("a1b360.zarr")
        axis = only(collection_at(store)).t
        coder = xr.coders.CFDatetimeCoder(use_cftime=True)
        expected = xr.open_zarr(store, chunks=None, decode_times=coder, decode_timedelta=False)["time"].values
        assert axis is not None
        assert axis.calendar == "360_day"
        assert axis.iso == tuple(f"{t.strftime('%Y-%m-%dT%H:%M:%S')}Z" for t in expected)

    def test_the_latest_run_of_a_seasonal_forecast_is_served(self) -> None:
        store = real("ukmo_seas.zarr")
        collection = collection_at(store)
        parameter = only(collection)
        valid = xr.open_zarr(store, chunks=None, decode_timedelta=False)["valid_time"]
        assert parameter.fixed == {"time": 7}
        assert parameter.t is not None
        np.testing.assert_array_equal(
            parameter.t.us.astype("datetime64[us]"), valid.transpose("time", "step").values[7]
        )
        assert any("8 forecast runs; the latest, of 2016-02-01T00:00:00Z" in line for line in collection.warnings)

    def test_months_of_the_year_0_are_dates(self) -> None:
        parameter = only(collection_at(real("woa.zarr")))
        assert parameter.t is not None
        assert [iso[:7] for iso in parameter.t.iso] == [f"0000-{month:02}" for month in range(1, 13)]

    def test_levels_have_unit_and_direction(self) -> None:
        depth, pressure = only(collection_at(real("woa.zarr"))).z, None
        pressure = collection_at(real("era5ens.zarr")).parameters["t"].z
        assert depth is not None
        assert pressure is not None
        assert (depth.unit.text, depth.unit.ucum, depth.positive) == ("m", "m", "down")
        assert (pressure.unit.text, pressure.positive, pressure.title) == ("hPa", "down", "pressure")

    def test_a_sphere_is_taken_for_crs84_with_a_warning(self) -> None:
        collection = collection_at(real("a1b360.zarr"))
        assert collection.crs.uri == CRS84_URI
        assert any("sphere (6371229 m)" in line for line in collection.warnings)

    @pytest.mark.parametrize("name", REFUSED)
    def test_other_grids_are_refused_with_what_they_are(self, name: str) -> None:
        with pytest.raises(UnsupportedDataset) as caught:
            collection_at(real(name))
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
        parameter = only(collection_at(store))
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
        assert only(collection_at(str(tmp_path))).grid.bbox == (-0.5, -0.5, 1.5, 1.5)


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


class TestOddStores:
    @pytest.mark.parametrize("key", ["coordinates", "grid_mapping", "bounds"])
    @pytest.mark.parametrize("value", [5, ["lat"], {"a": 1}])
    def test_references_that_are_no_text_are_passed_over(self, tmp_path: Path, key: str, value: Any) -> None:
        store = str(tmp_path / "s.zarr")
        grid().to_zarr(store, consolidated=False)
        for node in (zarr.open_group(store), zarr.open_group(store)["v"]):
            node.attrs[key] = value
        assert list(collection_at(store).parameters) == ["v"]

    def test_a_damaged_coordinate_is_named(self, tmp_path: Path) -> None:
        store = tmp_path / "s.zarr"
        grid().to_zarr(store, consolidated=False)
        (store / "lat/c/0").write_bytes(b"damaged")
        with pytest.raises(ConfigurationError, match="lat: its values cannot be decoded"):
            collection_at(str(store))

    def test_without_consolidated_metadata_parameters_are_sorted(self, tmp_path: Path) -> None:
        dataset = grid().assign({name: (("lat", "lon"), np.zeros((3, 4))) for name in "zyxab"})
        assert list(described(dataset, tmp_path).parameters) == ["a", "b", "v", "x", "y", "z"]

    def test_a_group_without_arrays_names_its_groups(self, tmp_path: Path) -> None:
        zarr.open_group(tmp_path, mode="w").create_group("inner")
        with pytest.raises(UnsupportedDataset, match="its groups are inner"):
            collection_at(str(tmp_path))

    def test_an_array_without_dimension_names_is_refused(self, tmp_path: Path) -> None:
        zarr.open_group(tmp_path, mode="w").create_array("a", data=np.zeros(3))
        with pytest.raises(UnsupportedDataset, match="do not form a dataset"):
            collection_at(str(tmp_path))

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
            assert collection_at(str(store)).parameters
