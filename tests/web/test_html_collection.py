"""Examples, form and map of a collection's page."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import shapely

from zarr_edr.web.html_collection import MapBox, view

BASE = "https://data.example/edr"
QUERIES = ("position", "radius", "area", "cube", "trajectory", "corridor", "items", "locations", "instances")


def collection(**extent: Any) -> dict[str, Any]:
    spatial = {"bbox": [[10, 40, 20, 50]], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}
    return {
        "id": "air",
        "extent": {"spatial": spatial, **extent},
        "data_queries": {name: {"link": {"href": f"{BASE}/collections/air/{name}"}} for name in QUERIES},
        "parameter_names": {"t2m": {}, "u10": {}},
        "output_formats": ["GeoJSON", "CoverageJSON"],
    }


def parameters(described: dict[str, Any], query_type: str) -> dict[str, str]:
    query = urlsplit(view(described, BASE).examples[query_type].url).query
    return {name: values[0] for name, values in parse_qs(query, strict_parsing=True).items()} if query else {}


@pytest.mark.parametrize("query_type", QUERIES)
def test_every_query_type_has_an_example(query_type: str) -> None:
    assert view(collection(), BASE).examples[query_type].url.startswith(f"{BASE}/collections/air/{query_type}")


def test_a_query_type_that_is_not_known_has_none() -> None:
    described = {**collection(), "data_queries": {"swath": {"link": {"href": f"{BASE}/swath"}}}}
    assert view(described, BASE).examples == {}


@pytest.mark.parametrize(
    ("query_type", "kind"),
    [
        ("position", "Point"),
        ("radius", "Point"),
        ("area", "Polygon"),
        ("trajectory", "LineString"),
        ("corridor", "LineString"),
    ],
)
@pytest.mark.parametrize(
    "bbox", [[10, 40, 20, 50], [-180, -90, 180, 90], [0.1, 0.1, 0.2, 0.2], [1, 2, 0, 3, 4, 9]], ids=str
)
def test_the_geometry_of_an_example_is_within_the_data(query_type: str, kind: str, bbox: list[float]) -> None:
    described = collection(spatial={"bbox": [bbox]})
    shape = shapely.from_wkt(parameters(described, query_type)["coords"])
    half = len(bbox) // 2
    assert shape.geom_type == kind
    assert shapely.box(bbox[0], bbox[1], bbox[half], bbox[half + 1]).contains(shape)


def test_data_across_the_antimeridian_have_their_middle_there() -> None:
    assert parameters(collection(spatial={"bbox": [[170, 0, -150, 10]]}), "position")["coords"] == "POINT(190 5)"


def test_an_example_asks_for_the_last_time_one_level_one_member_and_one_parameter() -> None:
    described = collection(
        temporal={"interval": [["2013-01-01", "2014-01-01"]], "values": ["2013-01-01", "2013-06-01"]},
        vertical={"interval": [["500", "850"]], "values": ["850", "500"]},
        custom=[{"id": "member", "interval": [["0", "9"]], "values": ["R10/0/1"]}],
    )
    assert parameters(described, "cube") == {
        "bbox": "14,44,16,46",
        "datetime": "2013-06-01",
        "z": "850",
        "member": "0",
        "parameter-name": "t2m",
    }


@pytest.mark.parametrize(
    ("vertical", "level"),
    [
        ({"interval": [["500", "850"]], "values": ["850", "500"]}, "../.."),
        ({"interval": [["0", "90"]], "values": ["R10/0/10"]}, "../.."),
        ({"interval": [["2", "2"]], "values": ["2"]}, "2"),
    ],
    ids=["listed", "evenly spaced", "one"],
)
def test_the_form_for_a_place_asks_for_its_whole_profile(vertical: dict[str, Any], level: str) -> None:
    form = view(collection(vertical=vertical), BASE).form
    assert form is not None
    assert {field.name: field.value for field in form.fields}["z"] == level


def test_where_times_are_not_listed_the_end_of_the_interval_is_asked_for() -> None:
    described = collection(temporal={"interval": [["2013-01-01", "2014-01-01"]], "values": ["R9000/2013-01-01/PT1H"]})
    assert parameters(described, "position")["datetime"] == "2014-01-01"


def test_listings_are_asked_for_without_a_selection() -> None:
    assert [parameters(collection(), name) for name in ("locations", "instances", "items")] == [{}, {}, {"limit": "10"}]


@pytest.mark.parametrize(("units", "unit"), [(["m", "km"], "km"), (["mi"], "mi"), (["furlong"], "furlong"), ([], "km")])
def test_a_distance_is_in_a_unit_that_is_offered(units: list[str], unit: str) -> None:
    described = collection()
    described["data_queries"]["radius"]["link"]["variables"] = {"within_units": units}
    assert parameters(described, "radius")["within-units"] == unit


def test_an_example_covers_some_cells_where_these_are_told() -> None:
    described = collection(
        spatial={"bbox": [[-180, -90, 180, 90]], "values": {"x": ["R120/-180/3"], "y": ["R61/-90/3"]}}
    )
    assert parameters(described, "cube")["bbox"] == "-6,-6,6,6"
    assert parameters(described, "radius")["within"] == "700"


def test_the_part_of_a_template_is_left_out() -> None:
    described = collection()
    described["data_queries"]["position"]["link"]["href"] += "{?coords,datetime}"
    assert view(described, BASE).examples["position"].url.startswith(f"{BASE}/collections/air/position?coords=POINT")


# --- the form ------------------------------------------------------------------------------------------------------


def test_no_input_of_the_form_is_empty() -> None:
    described = collection(
        temporal={"values": ["2013-01-01"]}, vertical={"values": ["850"]}, custom=[{"id": "m", "values": ["1"]}]
    )
    form = view(described, BASE).form
    assert form is not None
    assert [field.name for field in form.fields] == ["coords", "datetime", "z", "m", "parameter-name", "f"]
    assert all(field.value for field in form.fields)


def test_the_form_asks_the_host_from_which_the_page_came() -> None:
    form = view(collection(), BASE).form
    assert form is not None
    assert form.action == "/edr/collections/air/position"


def test_the_form_offers_each_parameter_all_of_them_and_each_format() -> None:
    form = view(collection(), BASE).form
    assert form is not None
    offered = {field.name: [value for value, _ in field.options] for field in form.fields if field.options}
    assert offered == {"parameter-name": ["t2m", "u10", "t2m,u10"], "f": ["html", "GeoJSON", "CoverageJSON"]}


@pytest.mark.parametrize("href", ["javascript:alert(1)", "//evil.example/position", "", "https://data.example/edr//x"])
def test_the_form_never_runs_anything_nor_leaves_the_host_by_two_slashes(href: str) -> None:
    described = collection()
    described["data_queries"]["position"]["link"]["href"] = href
    form = view(described, "https://data.example").form
    assert form is None or form.action.startswith("/edr/")


@pytest.mark.parametrize("without", ["extent", "data_queries"])
def test_without_a_place_or_a_position_query_there_is_no_form(without: str) -> None:
    assert view({**collection(), without: {}}, BASE).form is None


# --- the map -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bbox", "boxes"),
    [
        ([10, 40, 20, 50], [(190, 40, 10, 10)]),
        ([-180, -90, 180, 90], [(0, 0, 360, 180)]),
        ([0, -90, 360, 90], [(0, 0, 360, 180)]),
        ([170, 0, -170, 10], [(350, 80, 10, 10), (0, 80, 10, 10)]),
        ([350, 0, 370, 10], [(170, 80, 20, 10)]),
    ],
    ids=["inside", "the globe", "the globe from Greenwich", "across the antimeridian", "across Greenwich"],
)
def test_the_map_shows_where_the_data_are(bbox: list[float], boxes: list[tuple[float, ...]]) -> None:
    assert view(collection(spatial={"bbox": [bbox]}), BASE).boxes == tuple(MapBox(*box) for box in boxes)


def test_a_projected_extent_is_not_drawn_on_the_map_of_longitudes() -> None:
    assert view(collection(spatial={"bbox": [[0, 0, 1e6, 1e6]], "crs": "EPSG:3035"}), BASE).boxes == ()


def test_each_reference_system_is_described_once() -> None:
    described = collection()
    for query in described["data_queries"].values():
        query["link"]["variables"] = {"crs_details": [{"crs": "a", "wkt": "A"}, {"crs": "b", "wkt": "B"}]}
    assert [crs["crs"] for crs in view(described, BASE).crs_details] == ["a", "b"]
