"""Coverages as EDR GeoJSON, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, seed

from zarr_edr.coverage import Coverage, DomainType, Range
from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.model import HorizontalCrs, VerticalAxis
from zarr_edr.encode import encoder_for
from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.encode.geojson import ALWAYS, UNITS, GeoJsonEncoder, value_key
from zarr_edr.engine import answer
from zarr_edr.errors import ResponseTooLarge
from zarr_edr.query.model import Query
from zarr_edr.settings import CollectionSettings
from zarr_edr.testing.agreement import profile
from zarr_edr.testing.covjson import decode as decode_covjson
from zarr_edr.testing.edr_schema import edr_problems, edr_validator
from zarr_edr.testing.sample_coverages import (
    COVERAGES,
    ONE,
    THREE,
    TIME_AXIS,
    X,
    Y,
    Z,
    collection,
    coverages,
    of,
    times,
    vertical,
)
from zarr_edr.testing.stores import StoreSpec, in_memory
from zarr_edr.testing.strategies_shapes import questions

SCHEMAS = Path(__file__).parents[2] / "../shared/schemas"
TIMES = TIME_AXIS.iso

Document = dict[str, Any]
Fact = tuple[str, float, float, str | None, float | None, tuple[tuple[str, Any], ...], float | None]
"""Parameter, x, y, time, level, further dimensions, value."""


def encode(*members: Coverage, **more: Any) -> Document:
    document: Document = orjson.loads(b"".join(GeoJsonEncoder().encode(coverages(*members, **more))))
    return document


def facts(document: Document) -> Iterator[Fact]:
    """Every value of a document."""
    own = {"datetime", "parameter-name", "label", "edrqueryendpoint", "times", "level"}
    for feature in document["features"]:
        properties = feature["properties"]
        names = properties["parameter-name"]
        dimensions = properties.keys() - own - {value_key(name) for name in names}
        members = tuple(sorted((name, properties[name]) for name in dimensions))
        x, y = feature["geometry"]["coordinates"][:2]
        for name in names:
            values = properties[value_key(name)]
            moments = properties.get("times")
            if moments is None:
                moments, values = [None if properties["datetime"] == ALWAYS else properties["datetime"]], [values]
            for moment, value in zip(moments, values, strict=True):
                yield name, x, y, moment, properties.get("level"), members, value


def values_of(document: Document) -> list[Any]:
    return [feature["properties"]["v"] for feature in document["features"]]


def expected_facts(coverage: Coverage) -> Iterator[Fact]:
    """Every value of a coverage, one by one."""
    axes: dict[str, Any] = dict(coverage.axes)
    sizes = {"t": len(axes["t"].index) if "t" in axes else 1, "z": len(axes.get("z", [None]))}
    sizes |= {name: len(axes.get(name, [None])) for name in ("x", "y")}
    tuples = axes.get("composite")
    sizes["composite"] = 1 if tuples is None else len(tuples.x)
    members = tuple(sorted(coverage.dimensions.items()))
    for at in (dict(zip(sizes, index, strict=True)) for index in product(*map(range, sizes.values()))):
        moments = axes.get("t", getattr(tuples, "t", None))
        when = None if moments is None else TIMES[moments.index[at["t" if "t" in axes else "composite"]]]
        level = float(axes["z"][at["z"]]) if "z" in axes else None
        if tuples is None:
            x, y = float(axes["x"][at["x"]]), float(axes["y"][at["y"]])
        else:
            x, y = float(tuples.x[at["composite"]]), float(tuples.y[at["composite"]])
            level = float(tuples.z[at["composite"]]) if tuples.z is not None else level
        for name, values in coverage.ranges.items():
            value = float(values.values[tuple(at[axis] for axis in values.axis_names)])
            yield name, x, y, when, level, members, None if np.isnan(value) else value


@pytest.mark.parametrize("coverage", COVERAGES.values(), ids=COVERAGES)
def test_decoding_gives_the_coverage_that_was_encoded(coverage: Coverage) -> None:
    assert Counter(facts(encode(coverage))) == Counter(expected_facts(coverage))


class TestFeatures:
    def test_each_position_is_a_point_with_the_properties_of_the_standard(self) -> None:
        (feature,) = encode(COVERAGES["PointSeries"])["features"]
        assert feature == {
            "type": "Feature",
            "id": "0",
            "geometry": {"type": "Point", "coordinates": [10.0, 50.0]},
            "properties": {
                "label": "random v",
                "parameter-name": ["v"],
                "edrqueryendpoint": "http://localhost/collections/c/position",
                "datetime": f"{TIMES[0]}/{TIMES[2]}",
                "times": list(TIMES),
                "v": [1.0, None, 3.0],
            },
        }

    def test_one_time_is_an_instant_and_its_value_a_number(self) -> None:
        (feature,) = encode(COVERAGES["Point at a time and level"])["features"]
        assert (feature["properties"]["datetime"], feature["properties"]["v"]) == (TIMES[1], 5.0)

    def test_without_time_it_holds_always(self) -> None:
        assert encode(COVERAGES["Point"])["features"][0]["properties"]["datetime"] == "../.."

    def test_the_order_of_points_is_kept(self) -> None:
        features = encode(COVERAGES["MultiPoint"])["features"]
        assert [f["geometry"]["coordinates"] for f in features] == [[10, 1], [11, 2], [12.5, 3]]

    def test_a_point_without_data_stays(self) -> None:
        assert values_of(encode(COVERAGES["MultiPointSeries"]))[2] == [None, None]

    def test_cells_without_any_value_are_left_out(self) -> None:
        axes = {"x": X, "y": Y[:1], "t": times(0, 1)}
        values = [[[np.nan, 1, np.nan]], [[np.nan, np.nan, 2]]]
        document = encode(of(DomainType.GRID, axes, ("t", "y", "x"), values))
        assert values_of(document) == [[1, None], [None, 2]]
        assert [f["geometry"]["coordinates"] for f in document["features"]] == [[11, 50], [12.5, 50]]

    def test_a_grid_of_nothing_has_no_features(self) -> None:
        document = encode(of(DomainType.GRID, {"x": X, "y": Y}, ("y", "x"), np.full((2, 3), np.nan)))
        assert (document["features"], document["numberReturned"]) == ([], 0)

    def test_a_cell_that_one_parameter_has_keeps_the_others_as_null(self) -> None:
        ranges = {"a": Range(("y", "x"), np.array([[1.0, np.nan]])), "b": Range(("y", "x"), np.array([[np.nan] * 2]))}
        document = encode(Coverage(DomainType.GRID, {"x": X[:2], "y": Y[:1]}, ranges))
        assert [(f["properties"]["a"], f["properties"]["b"]) for f in document["features"]] == [(1, None)]

    def test_ids_are_strings_that_differ_between_coverages(self) -> None:
        document = encode(COVERAGES["MultiPoint"], COVERAGES["MultiPoint with levels"])
        assert [f["id"] for f in document["features"]] == ["0-0", "0-1", "0-2", "1-0", "1-1", "1-2"]

    def test_float32_is_written_in_its_shortest_form(self) -> None:
        body = b"".join(GeoJsonEncoder().encode(coverages(of(DomainType.POINT, ONE, (), np.float32(0.1)))))
        assert b'"v":0.1}' in body

    def test_integers_stay_integers(self) -> None:
        ranges = {"v": Range((), np.array(7, np.int16))}
        assert b'"v":7}' in b"".join(GeoJsonEncoder().encode(coverages(Coverage(DomainType.POINT, ONE, ranges))))

    @pytest.mark.parametrize("name", ["100% wet", '"', "level", "datetime", "é"])
    def test_any_name_of_a_parameter_finds_its_values(self, name: str) -> None:
        coverage = Coverage(DomainType.POINT, {**ONE, "z": Z[:1]}, {name: Range((), np.array(5.0))})
        assert list(facts(encode(coverage))) == [(name, 10, 50, None, 1, (), 5)]

    def test_the_unit_of_each_parameter_is_told(self) -> None:
        document = orjson.loads(b"".join(GeoJsonEncoder().encode(coverages(COVERAGES["Point"]))))
        units = {p.name: p.unit.text for p in collection().parameters.values() if p.unit is not None}
        assert document.get(UNITS, {}) == units

    def test_no_nan_and_no_infinity(self) -> None:
        document = encode(of(DomainType.MULTI_POINT, {"composite": THREE}, ("composite",), [np.inf, -np.inf, np.nan]))
        assert values_of(document) == [None, None, None]


class TestSize:
    def test_too_many_positions_are_refused_with_a_way_out(self) -> None:
        edge = np.arange(1000.0)
        grid = of(DomainType.GRID, {"x": edge, "y": edge}, ("y", "x"), np.zeros((1000, 1000)))
        with pytest.raises(ResponseTooLarge, match="CoverageJSON"):
            encode(grid)

    def test_positions_of_all_coverages_count(self) -> None:
        edge = np.arange(600.0)
        grid = of(DomainType.GRID, {"x": edge, "y": edge}, ("y", "x"), np.zeros((600, 600)))
        with pytest.raises(ResponseTooLarge):
            encode(grid, grid)

    def test_masked_cells_do_not_count(self) -> None:
        edge = np.arange(1000.0)
        values = np.full((1000, 1000), np.nan)
        values[0, :2] = 1
        assert len(encode(of(DomainType.GRID, {"x": edge, "y": edge}, ("y", "x"), values))["features"]) == 2


class TestThirdCoordinate:
    def test_heights_in_metres_are_one(self) -> None:
        coverage = of(DomainType.POINT, {**ONE, "z": Z[:1]}, (), 5, vertical=vertical("m", "up"))
        assert encode(coverage)["features"][0]["geometry"]["coordinates"] == [10, 50, 1]

    def test_each_level_is_a_position(self) -> None:
        coverage = of(DomainType.VERTICAL_PROFILE, {**ONE, "z": Z}, ("z",), [3, 4], vertical=vertical("m", "up"))
        features = encode(coverage)["features"]
        assert [f["geometry"]["coordinates"] for f in features] == [[10, 50, 1], [10, 50, 2]]

    @pytest.mark.parametrize("axis", [vertical("hPa", "down"), vertical("m", "down"), vertical("hPa", "up"), None])
    def test_pressures_and_depths_are_not(self, axis: VerticalAxis | None) -> None:
        feature = encode(of(DomainType.POINT, {**ONE, "z": Z[:1]}, (), 5, vertical=axis))["features"][0]
        assert (feature["geometry"]["coordinates"], feature["properties"]["level"]) == ([10, 50], 1)


def test_a_projected_crs_is_named() -> None:
    mercator = HorizontalCrs("http://www.opengis.net/def/crs/EPSG/0/3857", "", geographic=False)
    assert encode(COVERAGES["Point"], crs=mercator)["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::3857"


def test_longitude_and_latitude_need_no_name() -> None:
    assert "crs" not in encode(COVERAGES["Point"])


@pytest.mark.parametrize("f", ["GeoJSON", "geojson", "application/geo+json"])
def test_f_names_it(f: str) -> None:
    assert encoder_for(f).name == "GeoJSON"


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="the official EDR schemas are not beside this checkout")
@pytest.mark.parametrize("version", ["edr-1.1", "edr-1.2-oas30", "edr-1.2-oas31"])
@pytest.mark.parametrize("coverage", COVERAGES.values(), ids=COVERAGES)
def test_documents_are_valid_by_the_official_schema(coverage: Coverage, version: str) -> None:
    validator = edr_validator(SCHEMAS / version, "edr-geojson/edrFeatureCollectionGeoJSON.yaml")
    assert edr_problems(encode(coverage), validator) == []


def of_covjson(body: bytes) -> Counter[Fact]:
    return Counter((r.parameter, r.x or 0.0, r.y or 0.0, r.time, r.z, r.members, r.value) for r in decode_covjson(body))


@seed(0)
@profile(60)
@given(questions())
def test_it_says_what_coveragejson_says(question: tuple[StoreSpec, list[Query]]) -> None:
    spec, queries = question
    of_store = describe(in_memory(spec), "c", "C", "", CollectionSettings(data="memory"))
    for query in queries:
        ours, theirs = (answer(query, of_store, encoder).whole() for encoder in (GeoJsonEncoder(), CovJsonEncoder()))
        assert (ours is None) == (theirs is None)
        if ours is None or theirs is None:
            continue
        found, expected = Counter(facts(orjson.loads(ours))), of_covjson(theirs)
        left_out = expected - found
        assert found <= expected
        assert all(fact[-1] is None for fact in left_out)
