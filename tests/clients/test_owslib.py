"""OWSLib reads the catalogue and gets the numbers of the arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from owslib.ogcapi.edr import EnvironmentalDataRetrieval

from .conftest import Demo, Json

ALL = ["ostia", "woa", "era5ens", "seasonal", "a1b"]


@pytest.fixture(scope="module")
def edr(demo: Demo) -> EnvironmentalDataRetrieval:
    """OWSLib on the demo, as its manual has it."""
    return EnvironmentalDataRetrieval(demo.url)


def values(coverage: Json, name: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Values of a coverage, in its shape; null is NaN."""
    found = coverage["ranges"][name]
    return np.array(found["values"], dtype="f4").reshape(found.get("shape", ()))


def axis(coverage: Json, name: str) -> list[Any]:
    """Values of an axis."""
    found: list[Any] = coverage["domain"]["axes"][name]["values"]
    return found


class TestCatalogue:
    """What it lists."""

    def test_every_collection_is_found_to_hold_data(self, edr: EnvironmentalDataRetrieval) -> None:
        assert edr.data() == ALL

    def test_the_service_conforms_to_edr(self, edr: EnvironmentalDataRetrieval) -> None:
        assert any("ogcapi-edr-1" in each for each in edr.conformance()["conformsTo"])

    @pytest.mark.parametrize("name", ALL)
    def test_a_collection_is_described(self, edr: EnvironmentalDataRetrieval, name: str) -> None:
        assert edr.collection(name)["id"] == name

    def test_the_api_definition_is_found(self, edr: EnvironmentalDataRetrieval) -> None:
        assert edr.api()["openapi"].startswith("3.0")

    def test_items_are_features(self, edr: EnvironmentalDataRetrieval) -> None:
        assert edr.collection_items("ostia", limit=2)["type"] == "FeatureCollection"


class TestQueries:
    """What it gets."""

    def test_a_point_is_the_nearest_cell(self, edr: EnvironmentalDataRetrieval, ostia: xr.Dataset) -> None:
        got = edr.query_data("ostia", "position", coords="POINT(-30 1)", datetime_="2008")
        expected = ostia.surface_temperature.sel(time="2008").sel(longitude=330, latitude=1, method="nearest")
        np.testing.assert_array_equal(values(got, "surface_temperature"), expected.to_numpy())

    def test_a_cube_is_its_part_of_the_array(self, edr: EnvironmentalDataRetrieval, woa: xr.Dataset) -> None:
        got = edr.query_data("woa", "cube", bbox=[200, -4, 210, 4], z="0/50", datetime_="0000-01")
        levels, y, x = (axis(got, name) for name in "zyx")
        expected = woa.TEMP[0].sel(depth=levels, lat=y, lon=x)
        assert min(expected.shape) > 3
        np.testing.assert_array_equal(values(got, "TEMP")[0], expected.to_numpy())

    def test_an_instant_is_taken_alone(self, edr: EnvironmentalDataRetrieval, ostia: xr.Dataset) -> None:
        got = edr.query_data("ostia", "position", coords="POINT(160 0)", datetime_="2008-07-16T12:00:00Z")
        expected = ostia.surface_temperature.sel(time="2008-07-16T12:00").sel(
            longitude=160, latitude=0, method="nearest"
        )
        assert axis(got, "t") == ["2008-07-16T12:00:00Z"]
        assert values(got, "surface_temperature").item() == expected.item()

    def test_a_parameter_is_chosen(self, edr: EnvironmentalDataRetrieval) -> None:
        got = edr.query_data("era5ens", "position", coords="POINT(0 0)", parameter_names=["z"])
        assert list(got["parameters"]) == ["z"]

    def test_an_area_is_a_grid(self, edr: EnvironmentalDataRetrieval) -> None:
        polygon = "POLYGON((-30 -2,-20 -2,-25 3,-30 -2))"
        got = edr.query_data("ostia", "area", coords=polygon, datetime_="2008-07")
        assert got["domain"]["domainType"] == "Grid"

    def test_a_corridor_takes_its_width_and_height(self, edr: EnvironmentalDataRetrieval) -> None:
        sizes = {"corridor_width": 200, "width_units": "km", "corridor_height": 100, "height_units": "m"}
        line = "LINESTRING(-30 -2,-20 2)"
        got = edr.query_data("woa", "corridor", coords=line, datetime_="0000-01", z="100", **sizes)
        assert got["type"] in ("Coverage", "CoverageCollection")

    def test_an_instance_is_asked_by_its_path(self, edr: EnvironmentalDataRetrieval, seasonal: xr.Dataset) -> None:
        got = edr.query_data("seasonal/instances/20160125T0000Z", "position", coords="POINT(12 42)")
        coverage = next(each for each in got["coverages"] if each["zarr-edr:dimensions"] == {"number": 3})
        expected = seasonal.t2m.sel(number=3, time="2016-01-25", longitude=12, latitude=42)
        np.testing.assert_array_equal(values(coverage, "t2m"), expected.to_numpy())

    def test_no_data_is_nothing(self, edr: EnvironmentalDataRetrieval) -> None:
        assert edr.query_data("ostia", "position", coords="POINT(-30 60)") == {}

    def test_a_refusal_carries_the_reason(self, edr: EnvironmentalDataRetrieval) -> None:
        with pytest.raises(RuntimeError, match="coords"):
            edr.query_data("ostia", "position", coords="POINT(north south)")
