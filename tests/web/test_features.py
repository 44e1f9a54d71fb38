"""Locations and items as documents and as queries."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from zarr_edr.crs import WEB_MERCATOR
from zarr_edr.dataset.catalog import with_places
from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.model import Collection, Place
from zarr_edr.errors import InvalidCrs, InvalidQuery, NotFound, QueryTooLarge
from zarr_edr.limits import Limits
from zarr_edr.query.geometry import Points, Polygon
from zarr_edr.query.model import AreaQuery, CubeQuery, PositionQuery
from zarr_edr.settings import CollectionSettings
from zarr_edr.testing.edr_schema import edr_problems, edr_validator
from zarr_edr.testing.stores import LAT, LON, AxisSpec, StoreSpec, VariableSpec, in_memory
from zarr_edr.web.features import (
    EXTENT,
    Document,
    item_document,
    item_query,
    items_document,
    location_query,
    locations_document,
)
from zarr_edr.web.listing import Listing

SCHEMAS = Path(__file__).parents[2] / "../shared/schemas"
URL = "http://localhost/collections/c"


def point(id_: str, x: float, y: float, **properties: Any) -> Place:
    return Place(id_, id_.upper(), Points(np.array([x]), np.array([y]), None, multi=False), properties)


def square(west: float, south: float, east: float, north: float) -> Polygon:
    return Polygon((np.array([[west, south], [east, south], [east, north], [west, north], [west, south]]),))


def area(id_: str, *polygons: Polygon) -> Place:
    return Place(id_, id_.upper(), polygons, {})


PLACES = (
    point("a", -10, 5, ocean="Atlantic"),
    point("b", 179.5, 6),
    area("sea", square(0, 0, 20, 20)),
    area("isles", square(30, 0, 31, 1), square(32, 0, 33, 1)),
)


@cache
def bare(longitudes: tuple[float, ...] = (0.0, 1.0)) -> Collection:
    axes = {
        LAT: AxisSpec((0.0, 1.0), "float64", {"units": "degrees_north"}),
        LON: AxisSpec(longitudes, "float64", {"units": "degrees_east"}),
    }
    variables = tuple(VariableSpec(name, (LAT, LON), (2, 2), "float32", 0) for name in ("v", "w"))
    group = in_memory(StoreSpec(3, False, "none", axes, variables, True))
    return describe(group, "c", "C", "", CollectionSettings(data="memory", limits=Limits(points=5)))


@cache
def collection(*places: Place) -> Collection:
    return with_places(bare(), {place.id: place for place in places or PLACES})


def listed(of: Collection | None = None, **given: str) -> Document:
    of = of or collection()
    parameters = {name.replace("_", "-"): value for name, value in given.items()}
    return locations_document(of, URL, Listing.of(parameters, of), parameters)


def ids(document: Document) -> list[str]:
    return [feature["id"] for feature in document["features"]]


def href(document: Document, rel: str) -> str | None:
    return next((link["href"] for link in document["links"] if link["rel"] == rel), None)


class TestLocations:
    def test_each_place_is_a_feature(self) -> None:
        assert listed()["features"][0] == {
            "type": "Feature",
            "id": "a",
            "geometry": {"type": "Point", "coordinates": [-10.0, 5.0]},
            "properties": {
                "ocean": "Atlantic",
                "label": "A",
                "datetime": "../..",
                "parameter-name": ["v", "w"],
                "edrqueryendpoint": f"{URL}/locations/a",
            },
        }

    def test_areas_are_polygons(self) -> None:
        kinds = [feature["geometry"]["type"] for feature in listed()["features"]]
        assert kinds == ["Point", "Point", "Polygon", "MultiPolygon"]

    def test_a_property_of_the_file_never_hides_one_of_the_standard(self) -> None:
        (feature,) = listed(collection(point("a", 0, 0, label="x", datetime="never")))["features"]
        assert (feature["properties"]["label"], feature["properties"]["datetime"]) == ("A", "../..")

    def test_parameter_name_narrows_the_parameters(self) -> None:
        features = listed(parameter_name="w")["features"]
        assert {tuple(feature["properties"]["parameter-name"]) for feature in features} == {("w",)}

    def test_a_collection_without_places_has_none(self) -> None:
        with pytest.raises(NotFound, match="no locations"):
            listed(bare())

    def test_coordinates_are_in_the_crs_asked_for_and_say_so(self) -> None:
        document = listed(crs="EPSG:3857")
        assert document["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::3857"
        assert document["features"][0]["geometry"]["coordinates"] == pytest.approx([-1113194.9079, 557305.2572])

    def test_a_place_that_a_crs_cannot_show_is_an_error_that_says_so(self) -> None:
        with pytest.raises(InvalidCrs, match="pole"):
            listed(collection(point("pole", 0, 90)), crs="EPSG:3857")


BOXES = {
    "-20,0,-5,10": ["a"],
    "-10,5,-10,5": ["a"],  # on the edge is inside
    "170,0,-175,10": ["b"],  # across the antimeridian
    "-190,0,-175,10": ["b"],
    "530,0,545,10": ["b"],
    "5,5,6,6": ["sea"],  # within a polygon
    "-5,-5,40,40": ["sea", "isles"],
    "31.2,0,31.8,1": [],  # between two islands
    "-180,-90,180,90": ["a", "b", "sea", "isles"],
    "0,-90,720,90": ["a", "b", "sea", "isles"],
    "100,0,110,10": [],
    "0,0,100,20,5,200": ["sea"],  # levels say nothing of places
}


class TestBbox:
    @pytest.mark.parametrize(("bbox", "expected"), BOXES.items(), ids=BOXES)
    def test_places_that_a_box_touches_are_listed(self, bbox: str, expected: list[str]) -> None:
        assert ids(listed(bbox=bbox)) == expected

    @settings(max_examples=100, deadline=None)
    @given(st.floats(-360, 360), st.floats(-90, 90), st.floats(0, 359), st.floats(0, 90), st.integers(-180, 179))
    def test_a_meridian_is_a_direction(self, west: float, south: float, width: float, height: float, x: int) -> None:
        """By brute force: some turn of the point is within the box."""
        east, north = west + width, min(90.0, south + height)
        turns = [x + turn for turn in range(-1080, 1081, 360)]
        assume(all(abs(edge - turn) > 1e-9 for edge in (west, east) for turn in turns))
        document = listed(collection(point("p", x, 5)), bbox=f"{west!r},{south!r},{east!r},{north!r}")
        assert bool(ids(document)) == (south <= 5 <= north and any(west <= turn <= east for turn in turns))


class TestPaging:
    def test_a_page_says_how_many_there_are_and_where_the_next_is(self) -> None:
        document = listed(limit="2")
        assert (ids(document), document["numberMatched"], document["numberReturned"]) == (["a", "b"], 4, 2)
        following = href(document, "next")
        assert following is not None
        assert parse_qs(urlsplit(following).query) == {"limit": ["2"], "offset": ["2"]}

    def test_the_last_page_has_no_next(self) -> None:
        document = listed(limit="2", offset="2")
        assert (ids(document), href(document, "next")) == (["sea", "isles"], None)

    def test_beyond_the_end_is_an_empty_page(self) -> None:
        document = listed(offset="100")
        assert (ids(document), document["numberMatched"]) == ([], 4)

    def test_following_the_links_shows_each_place_once(self) -> None:
        seen: list[str] = []
        parameters = {"limit": "1", "bbox": "-180,-90,180,90"}
        for _ in range(4):
            document = locations_document(collection(), URL, Listing.of(parameters, collection()), parameters)
            seen += ids(document)
            parameters = {k: v[0] for k, v in parse_qs(urlsplit(href(document, "next") or "").query).items()}
        assert (seen, parameters) == (["a", "b", "sea", "isles"], {})

    def test_links_keep_what_was_asked(self) -> None:
        document = listed(bbox="-180,-90,180,90", f="json")
        assert href(document, "self") == f"{URL}/locations?bbox=-180,-90,180,90&f=json"
        assert href(document, "alternate") == f"{URL}/locations?bbox=-180,-90,180,90&f=html"

    def test_text_of_a_request_is_escaped_in_links(self) -> None:
        assert href(listed(lang='"><script>&x='), "self") == f"{URL}/locations?lang=%22%3E%3Cscript%3E%26x%3D&f=json"


class TestItems:
    def test_places_are_items(self) -> None:
        document = items_document(collection(), URL, Listing(), {})
        assert ids(document) == ["a", "b", "sea", "isles"]
        assert document["features"][0]["properties"]["edrqueryendpoint"] == f"{URL}/locations/a"

    def test_without_places_the_extent_is_one(self) -> None:
        (feature,) = items_document(bare(), URL, Listing(), {})["features"]
        assert feature["id"] == EXTENT
        assert shapely.geometry.shape(feature["geometry"]).bounds == (-0.5, -0.5, 1.5, 1.5)
        assert feature["properties"]["edrqueryendpoint"].startswith(f"{URL}/cube?bbox=")

    def test_an_extent_across_the_antimeridian_is_cut_there(self) -> None:
        (feature,) = items_document(bare((179.0, 181.0)), URL, Listing(), {})["features"]
        assert feature["geometry"]["type"] == "MultiPolygon"
        assert shapely.geometry.shape(feature["geometry"]).bounds == (-180, -0.5, 180, 1.5)

    def test_rings_turn_the_way_of_rfc_7946(self) -> None:
        (feature,) = items_document(bare(), URL, Listing(), {})["features"]
        assert shapely.LinearRing(feature["geometry"]["coordinates"][0]).is_ccw

    def test_one_item_is_a_feature_with_links(self) -> None:
        document = item_document(collection(), URL, "sea")
        assert (document["type"], document["id"]) == ("Feature", "sea")
        assert [link["rel"] for link in document["links"]] == ["self", "alternate", "collection"]

    def test_one_item_may_be_in_another_crs(self) -> None:
        document = item_document(collection(), URL, "a", WEB_MERCATOR)
        assert document["geometry"]["coordinates"][0] == pytest.approx(-1113194.9079)

    @pytest.mark.parametrize("id_", ["", "nope", "A", "../a", "a,b"])
    def test_an_item_that_is_not_there_is_not_found(self, id_: str) -> None:
        with pytest.raises(NotFound, match="no item"):
            item_document(collection(), URL, id_)


def position(query: Any) -> tuple[list[float], list[float], bool]:
    assert isinstance(query, PositionQuery)
    return query.points.x.tolist(), query.points.y.tolist(), query.points.multi


class TestLocationQuery:
    def test_a_point_is_a_position(self) -> None:
        assert position(location_query("a", collection(), {})) == ([-10], [5], False)

    def test_several_points_are_positions_in_the_order_of_the_ids(self) -> None:
        assert position(location_query("b,a,b", collection(), {})) == ([179.5, -10, 179.5], [6, 5, 6], True)

    def test_areas_are_an_area(self) -> None:
        query = location_query("isles,sea", collection(), {})
        assert isinstance(query, AreaQuery)
        assert [float(polygon.rings[0][0, 0]) for polygon in query.polygons] == [30, 32, 0]

    @pytest.mark.parametrize("ids", ["a", "sea"])
    def test_what_else_is_asked_goes_with_it(self, ids: str) -> None:
        query = location_query(ids, collection(), {"parameter-name": "w", "crs": "EPSG:3857", "f": "json"})
        assert (query.parameters, query.crs) == (("w",), WEB_MERCATOR)

    def test_the_crs_of_the_answer_does_not_move_the_place(self) -> None:
        assert position(location_query("a", collection(), {"crs": "EPSG:3857"}))[0] == [-10]

    @pytest.mark.parametrize("ids", ["nope", "a,nope", "", "a,", ",a", "a b", "a,,b", "A", "a/b", "a;b", "\x00"])
    def test_an_unknown_id_is_not_found(self, ids: str) -> None:
        with pytest.raises(NotFound, match="no location"):
            location_query(ids, collection(), {})

    def test_points_and_areas_do_not_mix(self) -> None:
        with pytest.raises(InvalidQuery, match="one kind at a time"):
            location_query("a,sea", collection(), {})

    def test_the_number_of_ids_is_bounded(self) -> None:
        with pytest.raises(QueryTooLarge, match=r"limits\.points"):
            location_query("a,a,a,a,a,a", collection(), {})

    @pytest.mark.parametrize("name", ["coords", "bbox"])
    def test_a_place_of_its_own_is_refused(self, name: str) -> None:
        with pytest.raises(InvalidQuery, match=name):
            location_query("a", collection(), {name: "POINT(0 0)"})

    def test_a_wrong_parameter_is_refused(self) -> None:
        with pytest.raises(InvalidQuery, match="nonsense"):
            location_query("sea", collection(), {"nonsense": "1"})

    def test_a_collection_without_places_has_none(self) -> None:
        with pytest.raises(NotFound, match="no locations"):
            location_query("a", bare(), {})


class TestItemQuery:
    def test_a_place_is_its_location(self) -> None:
        query, of = item_query("a", collection(), {})
        assert (position(query)[0], of) == ([-10], collection())

    def test_the_extent_is_a_cube_of_everything(self) -> None:
        query, _ = item_query(EXTENT, bare(), {"parameter-name": "v", "crs": "EPSG:3857"})
        assert isinstance(query, CubeQuery)
        assert (query.box.west, query.box.south, query.box.east, query.box.north) == (-0.5, -0.5, 1.5, 1.5)
        assert (query.parameters, query.crs) == (("v",), WEB_MERCATOR)

    def test_an_item_that_is_not_there_is_not_found(self) -> None:
        with pytest.raises(NotFound, match="no item"):
            item_query("nope", bare(), {})


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="the official EDR schemas are not beside this checkout")
@pytest.mark.parametrize("version", ["edr-1.1", "edr-1.2-oas30", "edr-1.2-oas31"])
class TestOfficialSchemas:
    @pytest.mark.parametrize("kind", ["locations", "items", "extent"])
    def test_lists_are_valid(self, kind: str, version: str) -> None:
        of = bare() if kind == "extent" else collection()
        make = locations_document if kind == "locations" else items_document
        validator = edr_validator(SCHEMAS / version, "edr-geojson/edrFeatureCollectionGeoJSON.yaml")
        assert edr_problems(make(of, URL, Listing(limit=3), {}), validator) == []

    def test_one_item_is_valid(self, version: str) -> None:
        validator = edr_validator(SCHEMAS / version, "geojson/featureGeoJSON.yaml")
        assert edr_problems(item_document(collection(), URL, "sea"), validator) == []
