"""How coverages are laid out as a CF dataset; what formats make of it is tried in `test_cf_formats`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from zarr_edr.coverage import Coverage, CoverageSet, DomainType, Range, Times, Tuples
from zarr_edr.crs import WEB_MERCATOR
from zarr_edr.dataset.model import CustomAxis, HorizontalCrs, TimeAxis, Unit
from zarr_edr.encode.cf import MAX_ARRAYS, CfDataset, cf_dataset
from zarr_edr.encode.netcdf import NetCdfEncoder
from zarr_edr.encode.zarr import ZarrEncoder
from zarr_edr.errors import ResponseTooLarge
from zarr_edr.plan import PointShape
from zarr_edr.query.geometry import Tags
from zarr_edr.testing.cf_rows import netcdf_by_c_library, zarr_by_zarr_python
from zarr_edr.testing.sample_coverages import COVERAGES, ONE, THREE, X, Y, Z, coverages, of, times, vertical

MERCATOR = HorizontalCrs(WEB_MERCATOR.uri, WEB_MERCATOR.wkt, geographic=False)


def laid(*members: Coverage, **more: Any) -> CfDataset:
    return cf_dataset(coverages(*members, **more))


def opened(answer: CoverageSet) -> xr.Dataset:
    return zarr_by_zarr_python(b"".join(ZarrEncoder().encode(answer)))


def with_attributes(answer: CoverageSet, **attributes: Any) -> CoverageSet:
    (parameter,) = answer.parameters
    return replace(answer, parameters=(replace(parameter, attributes=attributes),))


def window(x: Any, y: Any, place: int = 0, name: str = "v", **dimensions: Any) -> Coverage:
    values = np.full((len(y), len(x)), float(place), np.float32)
    return Coverage(
        DomainType.GRID,
        {"x": np.asarray(x), "y": np.asarray(y)},
        {name: Range(("y", "x"), values)},
        None,
        dimensions,
        place,
    )


def path(n: int, place: int, *index: int) -> Coverage:
    composite = Tuples(10.0 * place + np.arange(float(n)), np.zeros(n), None, times(*index))
    return of(DomainType.TRAJECTORY, {"composite": composite}, ("composite",), np.arange(n), place=place)


class TestDimensions:
    @pytest.mark.parametrize(
        ("name", "dims", "feature"),
        [
            ("Point", (), None),
            ("Point at a time and level", (), "point"),
            ("PointSeries", ("time",), "timeSeries"),
            ("VerticalProfile", ("z",), None),
            ("MultiPoint", ("station",), None),
            ("MultiPoint with levels", ("station",), "point"),
            ("MultiPointSeries", ("station", "time"), "timeSeries"),
            ("Grid", ("latitude", "longitude"), None),
            ("Grid of all axes", ("time", "z", "latitude", "longitude"), None),
            ("Trajectory", ("obs",), "trajectory"),
            ("Section", ("obs", "z"), "trajectoryProfile"),
        ],
    )
    def test_each_domain_type_has_its_own(self, name: str, dims: tuple[str, ...], feature: str | None) -> None:
        dataset = laid(COVERAGES[name])
        assert (dataset.variables["v"].dims, dataset.attributes.get("featureType")) == (dims, feature)

    def test_members_are_the_leftmost(self) -> None:
        dataset = laid(*(window(X, Y, number=number) for number in (0, 3, 7)))
        assert dataset.variables["v"].dims == ("number", "latitude", "longitude")
        assert dataset.variables["number"].values.tolist() == [0, 3, 7]

    def test_members_of_two_dimensions_are_each_with_each(self) -> None:
        dataset = laid(*(window(X, Y, number=n, model=m) for n in (0, 1) for m in ("a", "b", "c")))
        assert dataset.variables["v"].dims == ("number", "model", "latitude", "longitude")
        assert dataset.dims == {"number": 2, "model": 3, "latitude": 2, "longitude": 3}

    def test_a_lone_member_is_a_scalar(self) -> None:
        dataset = laid(window(X, Y, number=3))
        assert dataset.variables["v"].dims == ("latitude", "longitude")
        assert dataset.variables["number"].values.tolist() == 3

    def test_members_that_are_there_twice_are_all_told(self) -> None:
        dataset = laid(window(X, Y, number=3), window(X, Y, number=3), window(X, Y, number=4))
        assert {"v", "v_1", "v_2"} <= dataset.variables.keys()

    def test_profiles_of_several_points_are_stations(self) -> None:
        profiles = [
            of(
                DomainType.VERTICAL_PROFILE,
                {"x": X[k : k + 1], "y": Y[:1], "z": Z, "t": times(0)},
                ("z",),
                [k, k],
                place=k,
            )
            for k in range(3)
        ]
        dataset = laid(*profiles)
        assert (dataset.variables["v"].dims, dataset.attributes["featureType"]) == (("station", "z"), "profile")
        assert dataset.variables["longitude"].values.tolist() == X.tolist()

    def test_one_point_is_scalar_coordinates_whatever_axes_its_parameters_have(self) -> None:
        cell = {"x": X[:1], "y": Y[:1], "t": times(0, 1)}
        deep = of(DomainType.GRID, {**cell, "z": Z}, ("t", "z", "y", "x"), np.arange(4).reshape(2, 2, 1, 1))
        shallow = replace(of(DomainType.POINT_SERIES, cell, ("t",), [1, 2]), ranges={"w": Range(("t",), np.arange(2))})
        dataset = laid(deep, shallow, single=False, shape=PointShape.ONE)
        assert (dataset.variables["v"].dims, dataset.variables["w"].dims) == (("time", "z"), ("time",))
        assert (dataset.variables["longitude"].dims, dataset.dims) == ((), {"time": 2, "z": 2})
        assert dataset.variables["v"].values.tolist() == [[0, 1], [2, 3]]

    @pytest.mark.parametrize("count", [1, 2])
    def test_series_of_levels_of_several_points_are_stations(self, count: int) -> None:
        axes = {"y": Y[:1], "z": Z, "t": times(0, 1)}
        cells = [
            of(DomainType.GRID, {"x": X[k : k + 1], **axes}, ("t", "z", "y", "x"), np.full((2, 2, 1, 1), k), place=k)
            for k in range(count)
        ]
        dataset = laid(*cells, single=False, shape=PointShape.MANY)
        assert dataset.variables["v"].dims == ("station", "time", "z")
        assert dataset.attributes["featureType"] == "timeSeriesProfile"

    def test_lines_of_as_many_vertices_are_stacked(self) -> None:
        dataset = laid(path(2, 0, 0, 1), path(2, 1, 1, 2))
        assert dataset.variables["v"].dims == dataset.variables["time"].dims == ("trajectory", "obs")

    def test_lines_of_different_lengths_follow_each_other(self) -> None:
        dataset = laid(path(2, 0, 0, 1), path(3, 1, 0, 1, 2))
        row_size = dataset.variables["row_size"]
        assert (row_size.values.tolist(), row_size.attributes["sample_dimension"]) == ([2, 3], "obs")
        assert dataset.variables["v"].values.tolist() == [0, 1, 0, 1, 2]


class TestNames:
    def test_windows_of_several_places_have_axes_of_their_own(self) -> None:
        dataset = laid(window(X, Y), window(X + 50, Y, 1))
        assert dataset.variables["v"].dims == ("latitude", "longitude")
        assert dataset.variables["v_1"].dims == ("latitude", "longitude_1")

    def test_axes_that_are_the_same_are_shared(self) -> None:
        series = of(DomainType.GRID, {"x": X, "y": Y, "t": times(0)}, ("t", "y", "x"), np.zeros((1, 2, 3)))
        dataset = laid(series, window(X, Y, name="w"))
        assert dataset.dims == {"time": 1, "latitude": 2, "longitude": 3}

    @pytest.mark.parametrize("name", ["time", "latitude", "longitude", "z", "obs"])
    def test_a_parameter_called_as_a_coordinate_is_found_under_value(self, name: str) -> None:
        composite = Tuples(X, np.zeros(3), np.zeros(3), times(0, 1, 2))
        ranges = {name: Range(("composite",), np.arange(3.0))}
        dataset = laid(Coverage(DomainType.TRAJECTORY, {"composite": composite}, ranges))
        variable = dataset.variables[f"{name}_value"]
        assert (variable.values.tolist(), variable.attributes["parameter_name"]) == ([0, 1, 2], name)

    @pytest.mark.parametrize(
        "name", ["a/b", ".", "..", "__a", " ", "zarr.json", "\t", "%", "é.1", "crs", "x" * 300, "c", "0"]
    )
    def test_any_other_name_is_one_that_both_formats_can_hold(self, name: str) -> None:
        answer = coverages(window(X, Y, name=name))
        for dataset in (opened(answer), netcdf_by_c_library(b"".join(NetCdfEncoder().encode(answer)))):
            (array,) = (a for a in dataset.data_vars.values() if a.dims)
            assert array.attrs.get("parameter_name", array.name) == name

    def test_a_name_that_is_fine_stays(self) -> None:
        assert "wind speed" in laid(window(X, Y, name="wind speed")).variables


class TestCoordinates:
    @pytest.mark.parametrize(
        ("us", "unit"),
        [
            (86_400_000_000, "days"),
            (-3_600_000_000, "hours"),
            (60_000_000, "minutes"),
            (1_000_000, "seconds"),
            (5_000, "milliseconds"),
            (7, "microseconds"),
        ],
    )
    def test_times_are_whole_numbers_of_the_coarsest_unit_that_is_exact(self, us: int, unit: str) -> None:
        axis = TimeAxis("time", np.array([us]), "360_day", ("",))
        at = of(DomainType.POINT, {**ONE, "t": Times(axis, np.array([0]))}, (), 1)
        time = laid(at).variables["time"]
        assert time.attributes["units"] == f"{unit} since 1970-01-01 00:00:00"
        assert (time.attributes["calendar"], time.values.dtype.kind) == ("360_day", "i")

    def test_levels_tell_unit_and_direction(self) -> None:
        coverage = of(DomainType.VERTICAL_PROFILE, {**ONE, "z": Z}, ("z",), [1, 2], vertical=vertical("hPa", "down"))
        attributes = laid(coverage).variables["level"].attributes
        assert (attributes["units"], attributes["positive"], attributes["axis"]) == ("hPa", "down", "Z")

    def test_metres_of_a_map_are_projection_coordinates(self) -> None:
        dataset = laid(window(X, Y), crs=MERCATOR)
        attributes = dataset.variables["x"].attributes
        assert (attributes["standard_name"], attributes["units"]) == ("projection_x_coordinate", "m")
        assert dataset.variables["crs"].attributes["grid_mapping_name"] == "mercator"

    def test_members_tell_what_they_are(self) -> None:
        answer = coverages(*(window(X, Y, number=n) for n in (0, 1)))
        axis = CustomAxis("number", np.arange(2), "ensemble member", Unit("1", "1"), "realization")
        parameter = replace(answer.parameters[0], dims=("number", "lat", "lon"), axes={"number": axis})
        attributes = cf_dataset(replace(answer, parameters=(parameter,))).variables["number"].attributes
        assert attributes == {"standard_name": "realization", "long_name": "ensemble member", "units": "1"}

    def test_no_coordinate_has_a_fill_value(self) -> None:
        answer = coverages(COVERAGES["MultiPoint with levels"])
        assert [n for n, v in cf_dataset(answer).variables.items() if v.has_gaps] == ["v"]


class TestAttributes:
    def test_cell_methods_name_the_axes_of_the_file(self) -> None:
        answer = with_attributes(coverages(window(X, Y)), cell_methods="lat: lon: mean area: sum (comment: of lon)")
        methods = cf_dataset(answer).variables["v"].attributes["cell_methods"]
        assert methods == "latitude: longitude: mean area: sum (comment: of lon)"

    def test_flags_have_the_type_of_the_data(self) -> None:
        answer = with_attributes(coverages(window(X, Y)), flag_values=[0, 1], flag_meanings="sea land")
        attributes = cf_dataset(answer).variables["v"].attributes
        assert (attributes["flag_values"].dtype, attributes["flag_values"].tolist()) == (np.float32, [0, 1])

    @pytest.mark.parametrize("values", [[0], [0, 1, 2], "0 1", None, ["a", "b"]])
    def test_flags_that_do_not_fit_their_meanings_are_left_out(self, values: Any) -> None:
        answer = with_attributes(coverages(window(X, Y)), flag_values=values, flag_meanings="sea land")
        assert "flag_meanings" not in cf_dataset(answer).variables["v"].attributes

    @pytest.mark.parametrize("name", ["valid_min", "valid_range", "scale_factor", "_FillValue", "bounds"])
    def test_what_would_be_wrong_of_the_answer_is_left_out(self, name: str) -> None:
        answer = with_attributes(coverages(window(X, Y)), **{name: 0})
        assert name not in cf_dataset(answer).variables["v"].attributes

    def test_the_feature_type_is_told_where_all_are_of_it_only(self) -> None:
        ranges = {"w": Range((), np.array(1.0))}
        assert "featureType" not in laid(COVERAGES["PointSeries"], Coverage(DomainType.POINT, ONE, ranges)).attributes

    @pytest.mark.parametrize(
        ("values", "dtype"),
        [(np.array(True), "int8"), (np.array(1, np.float16), "float32"), (np.array(1, ">i4"), "int32")],
    )
    def test_types_that_files_lack_become_ones_that_hold_them(self, values: Any, dtype: str) -> None:
        stored = laid(Coverage(DomainType.POINT, ONE, {"v": Range((), values)})).variables["v"].values
        assert (stored.dtype, stored.dtype.isnative, stored.tolist()) == (np.dtype(dtype), True, 1)


class TestTags:
    tags = Tags(
        ("a", 2, None), {"name": ["x", "é", None], "n": [1, 2, 3], "height": [1, None, 2.5], "z": [{"a": 1}, [], True]}
    )

    def test_each_point_keeps_what_the_client_called_it(self) -> None:
        dataset = opened(coverages(COVERAGES["MultiPointSeries"], tags=self.tags))
        assert dataset.v.coords["station_id"].values.tolist() == ["a", "2", ""]
        assert dataset.v.coords["name"].values.tolist() == ["x", "é", ""]
        assert dataset.v.coords["n"].values.tolist() == [1, 2, 3]
        assert dataset.v.coords["height"].fillna(-1).values.tolist() == [1, -1, 2.5]
        assert dataset.v.coords["z"].values.tolist() == ['{"a":1}', "[]", "true"]

    def test_ids_have_the_role_of_ids(self) -> None:
        dataset = laid(COVERAGES["MultiPointSeries"], tags=self.tags)
        assert dataset.variables["station_id"].attributes["cf_role"] == "timeseries_id"

    def test_each_window_has_the_properties_of_its_place(self) -> None:
        tags = Tags(None, {"name": ["a", "b"]})
        dataset = opened(coverages(window(X, Y), window(X + 50, Y, 1), tags=tags))
        named = [dataset[name].encoding["coordinates"].split() for name in ("v", "v_1")]
        assert [dataset[name[-1]].item() for name in named] == ["a", "b"]

    def test_a_line_has_those_of_its_place(self) -> None:
        dataset = laid(path(3, 1, 0, 1, 2), tags=Tags(("a", "b"), {}))
        identity = dataset.variables["trajectory_id"]
        assert (identity.values.tolist(), identity.attributes["cf_role"]) == ("b", "trajectory_id")

    def test_vertices_of_lines_without_times_are_of_their_line(self) -> None:
        lines = [
            of(DomainType.MULTI_POINT, {"composite": THREE}, ("composite",), [1, 2, 3], place=place) for place in (0, 1)
        ]
        dataset = laid(*lines, tags=Tags(("a", "b"), {}), shape=PointShape.PATH)
        assert dataset.variables["station_id"].values.tolist() == ["a"] * 3 + ["b"] * 3

    def test_properties_do_not_take_the_names_of_parameters(self) -> None:
        dataset = laid(COVERAGES["Point"], tags=Tags(None, {"v": [7], "time": [8], "a b": [9]}))
        assert dataset.variables["v"].values.tolist() == 5
        assert [dataset.variables[name].values.tolist() for name in ("v_1", "time", "a_b")] == [7, 8, 9]

    def test_numbers_too_great_for_64_bits_are_text(self) -> None:
        dataset = laid(COVERAGES["Point"], tags=Tags(None, {"n": [2**70], "mixed": [2**60 + 1, 0.5][:1]}))
        assert dataset.variables["n"].values.tolist() == str(2**70)
        assert dataset.variables["mixed"].values.tolist() == 2**60 + 1


def test_too_many_windows_are_refused_with_a_way_out() -> None:
    windows = [window(X + place, Y, place) for place in range(MAX_ARRAYS + 1)]
    with pytest.raises(ResponseTooLarge, match="CoverageJSON"):
        laid(*windows)
