"""Ids and properties of places come back with their values, in CoverageJSON and GeoJSON, however many values a place has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarr_edr.coverage import Coverage, CoverageSet, DomainType, Page, Range, Tuples
from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.model import HorizontalCrs, Parameter
from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.encode.geojson import GeoJsonEncoder
from zarr_edr.encode.protocol import Encoder
from zarr_edr.errors import ResponseTooLarge
from zarr_edr.plan import PointShape
from zarr_edr.query.geometry import Tags
from zarr_edr.settings import CollectionSettings
from zarr_edr.testing.covjson import pydantic_problems, schema_problems, schema_validator
from zarr_edr.testing.edr_schema import edr_problems, edr_validator
from zarr_edr.testing.stores import LAT, LON, AxisSpec, StoreSpec, VariableSpec, in_memory

SCHEMAS = Path(__file__).parents[2] / "../shared/schemas"
CRS84 = HorizontalCrs("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "", geographic=True)
IDS = st.none() | st.text(max_size=3) | st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
NAMES = st.text(max_size=4) | st.sampled_from(["v", "datetime", "label", "level", "100%b", '"', "v_value", "number"])


def parameters() -> tuple[Parameter, ...]:
    """One, named v."""
    axes = {
        LAT: AxisSpec((0.0, 1.0), "float64", {"units": "degrees_north"}),
        LON: AxisSpec((0.0, 1.0), "float64", {"units": "degrees_east"}),
    }
    spec = StoreSpec(3, False, "none", axes, (VariableSpec("v", (LAT, LON), (2, 2), "float32", 0),), True)
    return tuple(describe(in_memory(spec), "c", "C", "", CollectionSettings(data="memory")).parameters.values())


PARAMETERS = parameters()


@st.composite
def tags(draw: st.DrawFn, places: int) -> Tags:
    ids = draw(st.none() | st.tuples(*[IDS] * places))
    names = draw(st.lists(NAMES, unique=True, min_size=1 if ids is None else 0, max_size=4))
    return Tags(ids, {name: draw(st.lists(VALUES, min_size=places, max_size=places)) for name in names})


def points(count: int, place: int = 0, levels: int = 0) -> Coverage:
    """Values at points, which are places or the vertices of one."""
    axes: dict[str, Any] = {"composite": Tuples(np.arange(count, dtype=float), np.zeros(count), None)}
    if levels:
        axes["z"] = np.arange(levels, dtype=float)
    names = ("z", "composite") if levels else ("composite",)
    values = Range(names, np.ones((levels, count) if levels else count, np.float32))
    kind = DomainType.SECTION if levels else DomainType.MULTI_POINT
    return Coverage(kind, axes, {"v": values}, place=place)


def cells(count: int, place: int = 0) -> Coverage:
    """A grid of one row."""
    axes = {"x": np.arange(count, dtype=float), "y": np.zeros(1)}
    return Coverage(DomainType.GRID, axes, {"v": Range(("y", "x"), np.ones((1, count), np.float32))}, place=place)


def answer(
    tags: Tags, *coverages: Coverage, page: Page | None = None, shape: PointShape | None = PointShape.MANY
) -> CoverageSet:
    alone = len(coverages) == 1
    return CoverageSet(coverages, PARAMETERS, CRS84, alone, "http://localhost/x", page, shape=shape, tags=tags)


def encoded(encoder: Encoder, coverages: CoverageSet) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(b"".join(encoder.encode(coverages)))
    return document


def expected_place(tags: Tags, place: int) -> dict[str, Any]:
    found = {} if tags.ids is None or tags.ids[place] is None else {"id": tags.ids[place]}
    return found | {"properties": {name: values[place] for name, values in tags.properties.items()}}


def ids(tags: Tags, *coverages: Coverage, shape: PointShape = PointShape.MANY) -> list[Any]:
    return [feature["id"] for feature in encoded(GeoJsonEncoder(), answer(tags, *coverages, shape=shape))["features"]]


class TestCoverageJson:
    @given(tags(3))
    def test_a_place_of_its_own_has_its_tags(self, tags: Tags) -> None:
        found = encoded(CovJsonEncoder(), answer(tags, cells(2, place=2), cells(1, place=0)))["coverages"]
        assert [coverage["zarr-edr:place"] for coverage in found] == [expected_place(tags, 2), expected_place(tags, 0)]

    @given(tags(3))
    def test_points_have_their_tags_in_the_order_of_their_axis(self, tags: Tags) -> None:
        found = encoded(CovJsonEncoder(), answer(tags, points(2, place=1)))
        assert found["zarr-edr:places"] == [expected_place(tags, place) for place in (1, 2)]

    def test_the_vertices_of_a_line_are_one_place(self) -> None:
        found = encoded(CovJsonEncoder(), answer(Tags(("A",), {}), points(3), shape=PointShape.PATH))
        assert found["zarr-edr:place"] == {"id": "A", "properties": {}}

    @given(tags(3))
    def test_covjson_pydantic_and_the_schema_take_them(self, tags: Tags) -> None:
        found = encoded(CovJsonEncoder(), answer(tags, cells(2, place=2), cells(1, place=0)))
        assert pydantic_problems(found) == []
        if SCHEMAS.is_dir():
            assert schema_problems(found, schema_validator(SCHEMAS / "covjson")) == []


class TestIdsOfFeatures:
    def test_are_those_of_places_with_one_feature_each(self) -> None:
        assert ids(Tags(("A", 7, 1.5), {}), points(3)) == ["A", 7, 1.5]
        assert ids(Tags(("A", "B"), {}), cells(1, place=1), cells(1, place=0)) == ["B", "A"]

    @pytest.mark.parametrize(
        "coverages",
        [(cells(3),), (points(2, levels=2),), (cells(1), cells(1))],
        ids=["cells", "levels", "members"],
    )
    def test_are_made_unique_where_a_place_has_several(self, coverages: tuple[Coverage, ...]) -> None:
        found = ids(Tags(("A", "B"), {}), *coverages)
        assert len(set(found)) == len(found) > 1
        assert {id_.rpartition(".")[0] for id_ in found} <= {"A", "B"}

    def test_are_made_unique_for_the_vertices_of_a_line(self) -> None:
        assert ids(Tags(("A",), {}), points(3), shape=PointShape.PATH) == ["A.0", "A.1", "A.2"]

    @given(st.lists(st.sampled_from(["A", "B", "A.0", "0", 0, "0.1", None]), min_size=4, max_size=4))
    def test_are_unique_whatever_the_ids_are(self, given_ids: list[Any]) -> None:
        tags = Tags(tuple(given_ids), {})
        for found in (ids(tags, points(4)), ids(tags, points(2), points(2, place=2)), ids(tags, points(4, levels=2))):
            assert len({str(id_) for id_ in found}) == len(found)

    def test_are_the_same_on_every_page(self) -> None:
        tags, whole = Tags(("A", "B"), {}), cells(4)
        pages = [answer(tags, whole, page=Page(offset, 1, None)) for offset in range(4)]
        found = [encoded(GeoJsonEncoder(), page)["features"][0]["id"] for page in pages]
        assert found == ids(tags, whole)


class TestPropertiesOfFeatures:
    @given(tags(3))
    def test_are_those_of_the_place_beside_what_was_there(self, tags: Tags) -> None:
        plain = encoded(GeoJsonEncoder(), CoverageSet((points(3),), PARAMETERS, CRS84, True, "http://localhost/x"))
        found = encoded(GeoJsonEncoder(), answer(tags, points(3)))["features"]
        for place, (feature, before) in enumerate(zip(found, plain["features"], strict=True)):
            properties, own = feature["properties"], before["properties"]
            assert {name: properties.pop(name) for name in own} == own
            assert list(properties.values()) == [values[place] for values in tags.properties.values()]

    def test_of_a_name_that_is_taken_get_value_behind_them_until_it_is_free(self) -> None:
        given_tags = Tags(None, {"datetime": [1], "datetime_value": [2], "v": [3], "free": [4]})
        (feature,) = encoded(GeoJsonEncoder(), answer(given_tags, points(1)))["features"]
        found = {name: feature["properties"][name] for name in list(feature["properties"])[-4:]}
        assert set(found.values()) == {1, 2, 3, 4}
        assert (found["datetime_value"], found["free"]) == (1, 4)

    @pytest.mark.skipif(not SCHEMAS.is_dir(), reason="the official EDR schemas are not beside this checkout")
    def test_are_valid_by_the_official_schema(self) -> None:
        validator = edr_validator(SCHEMAS / "edr-1.2-oas31", "edr-geojson/edrFeatureCollectionGeoJSON.yaml")
        found = encoded(GeoJsonEncoder(), answer(Tags(("A", "B"), {"datetime": [1, 2]}), points(2)))
        assert edr_problems(found, validator) == []


LONG = Tags(("A",), {"text": ["x" * 1_000_000]})


@pytest.mark.parametrize(
    ("encoder", "coverages"),
    [(GeoJsonEncoder(), (cells(200),)), (CovJsonEncoder(), (cells(1),) * 200)],
    ids=["features", "coverages"],
)
def test_tags_repeated_without_end_are_refused_before_they_are_written(
    encoder: Encoder, coverages: tuple[Coverage, ...]
) -> None:
    with pytest.raises(ResponseTooLarge, match="ids and properties of the places would take"):
        encoder.encode(answer(LONG, *coverages))


def test_members_share_the_list_of_their_points() -> None:
    given_tags = Tags(("A", "B"), {})
    found = encoded(CovJsonEncoder(), answer(given_tags, points(2), points(2)))["coverages"]
    expected = [expected_place(given_tags, place) for place in (0, 1)]
    assert [coverage["zarr-edr:places"] for coverage in found] == [expected, expected]
