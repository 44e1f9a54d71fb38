"""Axes are told by what CF metadata say of them, by name only after that; a doubt is a sentence, not a guess."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr

from zarr_edr.dataset.cf_crs import CRS84_URI
from zarr_edr.dataset.model import CustomAxis, VerticalAxis
from zarr_edr.testing.cf import collection_at, described, grid, only, refusal, with_time, with_z


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
        axis = only(collection_at(store)).t
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
