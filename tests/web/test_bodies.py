"""Places in the body of a POST get the answer that the same places get in a URL, and come back with what they are called."""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from zarr_edr.testing.covjson import pydantic_problems
from zarr_edr.testing.packing import PACK

OSTIA = "/collections/ostia"
WHEN = "2008-07-16T12:00:00Z"

TRIANGLE = [[-31, -1], [-29, -1], [-29, 1], [-31, -1]]
SQUARE = [[-21, 0], [-19, 0], [-19, 2], [-21, 2], [-21, 0]]
QUERIES: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "position": ("POINT(-30 1)", {"type": "Point", "coordinates": [-30, 1]}, {}),
    "position of several": (
        "MULTIPOINT((-30 1),(-20 2))",
        {"type": "MultiPoint", "coordinates": [[-30, 1], [-20, 2]]},
        {},
    ),
    "radius": ("POINT(-30 1)", {"type": "Point", "coordinates": [-30, 1]}, {"within": "200", "within-units": "km"}),
    "radius of several": (
        "MULTIPOINT((-30 1),(-20 2))",
        {"type": "MultiPoint", "coordinates": [[-30, 1], [-20, 2]]},
        {"within": "200", "within-units": "km"},
    ),
    "area": ("POLYGON((-31 -1,-29 -1,-29 1,-31 -1))", {"type": "Polygon", "coordinates": [TRIANGLE]}, {}),
    "area of several": (
        "MULTIPOLYGON(((-31 -1,-29 -1,-29 1,-31 -1)),((-21 0,-19 0,-19 2,-21 2,-21 0)))",
        {"type": "MultiPolygon", "coordinates": [[TRIANGLE], [SQUARE]]},
        {},
    ),
    "trajectory": ("LINESTRING(-30 0,-28 3)", {"type": "LineString", "coordinates": [[-30, 0], [-28, 3]]}, {}),
    "trajectory of several": (
        "MULTILINESTRING((-30 0,-28 3),(-20 0,-18 3))",
        {"type": "MultiLineString", "coordinates": [[[-30, 0], [-28, 3]], [[-20, 0], [-18, 3]]]},
        {},
    ),
    "corridor": (
        "LINESTRING(-30 0,-28 3)",
        {"type": "LineString", "coordinates": [[-30, 0], [-28, 3]]},
        {"corridor-width": "200", "width-units": "km"},
    ),
    "corridor of several": (
        "MULTILINESTRING((-30 0,-28 3),(-20 0,-18 3))",
        {"type": "MultiLineString", "coordinates": [[[-30, 0], [-28, 3]], [[-20, 0], [-18, 3]]]},
        {"corridor-width": "200", "width-units": "km"},
    ),
}
EACH = pytest.mark.parametrize(
    ("name", "wkt", "geometry", "options"), [(k, *v) for k, v in QUERIES.items()], ids=QUERIES
)


def asked(client: FlaskClient, name: str, **parameters: str) -> TestResponse:
    """The answer to a query in a URL."""
    response = client.get(f"{OSTIA}/{name.partition(' ')[0]}", query_string={"datetime": WHEN, **parameters})
    assert response.status_code == 200
    return response


def posted(client: FlaskClient, query: str, body: Any, content_type: str = "application/geo+json", **more: Any) -> Any:
    """The answer to a query in a body, parsed."""
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    options = urlencode({"datetime": WHEN, **more.pop("options", {})})
    response = client.post(f"{OSTIA}/{query}?{options}", data=data, content_type=content_type, **more)
    assert response.status_code == 200, response.text[:500]
    return orjson.loads(response.data)


def feature(geometry: Any, id_: Any = None, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "id": id_, "geometry": geometry, "properties": properties}


def collection(*features: Any, **more: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features), **more}


def point(x: float, y: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [x, y]}


class TestGeoJson:
    @EACH
    def test_a_geometry_is_answered_as_wkt_is(
        self, client: FlaskClient, name: str, wkt: str, geometry: dict[str, Any], options: dict[str, str]
    ) -> None:
        expected = asked(client, name, coords=wkt, **options).data
        response = client.post(f"{OSTIA}/{name.partition(' ')[0]}", json={**geometry, **options, "datetime": WHEN})
        assert response.data == expected

    @EACH
    def test_z_is_read_as_in_wkt(
        self, client: FlaskClient, name: str, wkt: str, geometry: dict[str, Any], options: dict[str, str]
    ) -> None:
        path, when = f"/collections/woa/{name.partition(' ')[0]}", {"datetime": "0000-01"}
        with_z = re.sub(r"(\d)(?=[,)])", r"\1 100", wkt)
        expected = client.get(path, query_string={"coords": with_z, **options, **when})
        body = {**geometry, "coordinates": high(geometry["coordinates"])}
        assert expected.status_code == 200
        assert client.post(path, json={**body, **options, **when}).data == expected.data

    def test_a_feature_collection_of_polygons_is_a_multipolygon(self, client: FlaskClient) -> None:
        wkt, geometry, _ = QUERIES["area of several"]
        polygons = ({"type": "Polygon", "coordinates": part} for part in geometry["coordinates"])
        found = posted(client, "area", collection(*map(feature, polygons)))
        assert found == asked(client, "area", coords=wkt).get_json(force=True)

    def test_x_comes_first_in_every_crs(self, client: FlaskClient) -> None:
        wkt = "MULTIPOINT((1 -30),(2 -20))"
        expected = asked(client, "position", coords=wkt, crs="EPSG:4326").get_json(force=True)
        body = {"type": "MultiPoint", "coordinates": [[-30, 1], [-20, 2]]}
        assert posted(client, "position", body, options={"crs": "EPSG:4326"}) == expected

    def test_lists_of_longitudes_are_longitudes_in_every_crs(self, client: FlaskClient) -> None:
        wkt = "MULTIPOINT((1 -30),(2 -20))"
        expected = asked(client, "position", coords=wkt, crs="EPSG:4326").get_json(force=True)
        body = {"longitude": [-30, -20], "latitude": [1, 2], "crs": "EPSG:4326"}
        assert posted(client, "position", body, "application/json") == expected


def high(value: Any) -> Any:
    """Coordinates with a level of 100."""
    return [*value, 100] if isinstance(value[0], int) else [high(inner) for inner in value]


class TestForms:
    @EACH
    def test_a_form_is_answered_as_the_url_is(
        self, client: FlaskClient, name: str, wkt: str, geometry: dict[str, Any], options: dict[str, str]
    ) -> None:
        del geometry
        form = {"coords": wkt, "datetime": WHEN, **options}
        response = client.post(f"{OSTIA}/{name.partition(' ')[0]}", data=form)
        assert response.data == asked(client, name, coords=wkt, **options).data

    def test_a_form_of_a_cube_is_answered_as_the_url_is(self, client: FlaskClient) -> None:
        form = {"bbox": "-31,-1,-29,1", "datetime": WHEN}
        assert client.post(f"{OSTIA}/cube", data=form).data == asked(client, "cube", bbox="-31,-1,-29,1").data


TABLE = pa.table({"ID": ["B1", "B2"], "Lon": [-30.0, -20.0], "Lat": [1.0, 2.0], "name": ["west", "east"]})


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def arrow(table: pa.Table, make: Callable[..., Any]) -> bytes:
    sink = io.BytesIO()
    with make(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


TABLES: dict[str, bytes] = {
    "text/csv": b"ID,Lon,Lat,name\r\nB1,-30,1,west\r\nB2,-20,2,east\r\n",
    "application/vnd.apache.parquet": parquet(TABLE),
    "application/vnd.apache.arrow.stream": arrow(TABLE, pa.ipc.new_stream),
    "application/vnd.apache.arrow.file": arrow(TABLE, pa.ipc.new_file),
}


@pytest.mark.parametrize(("content_type", "body"), TABLES.items(), ids=TABLES)
@pytest.mark.parametrize("query", ["position", "radius"])
def test_a_table_is_answered_as_geojson_is(client: FlaskClient, query: str, content_type: str, body: bytes) -> None:
    options = {"within": "200", "within-units": "km"} if query == "radius" else {}
    buoys = collection(feature(point(-30, 1), "B1", name="west"), feature(point(-20, 2), "B2", name="east"))
    expected = posted(client, query, buoys, options=options)
    assert posted(client, query, body, content_type, options=options) == expected


PACKED: dict[str, Callable[[bytes], bytes]] = {
    **PACK,
    "x-gzip": gzip.compress,
    "GZIP": gzip.compress,
    "identity": bytes,
}


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("content_type", TABLES)
def test_a_compressed_body_is_answered_as_it_would_be_without(
    client: FlaskClient, encoding: str, content_type: str
) -> None:
    body, headers = TABLES[content_type], {"Content-Encoding": encoding}
    found = posted(client, "position", PACKED[encoding](body), content_type, headers=headers)
    assert found == posted(client, "position", body, content_type)


class TestWhatPlacesAreCalled:
    def test_a_point_has_its_id_and_properties(self, client: FlaskClient) -> None:
        found = posted(client, "position", feature(point(-30, 1), "B1", name="west", depth=7.5))
        assert found["zarr-edr:place"] == {"id": "B1", "properties": {"name": "west", "depth": 7.5}}

    def test_many_points_are_told_apart_along_their_axis(self, client: FlaskClient) -> None:
        buoys = collection(feature(point(-30, 1), 1, name="west"), feature(point(-20, 2), "B2", deep=True))
        assert posted(client, "position", buoys)["zarr-edr:places"] == [
            {"id": 1, "properties": {"name": "west", "deep": None}},
            {"id": "B2", "properties": {"name": None, "deep": True}},
        ]

    def test_a_multipoint_lends_its_own_to_each_point(self, client: FlaskClient) -> None:
        several = feature({"type": "MultiPoint", "coordinates": [[-30, 1], [-20, 2]]}, "A", n=1)
        found = posted(client, "position", collection(several, feature(point(0, 0), "B", n=2)))
        assert [(p["id"], p["properties"]["n"]) for p in found["zarr-edr:places"]] == [("A", 1), ("A", 1), ("B", 2)]

    @pytest.mark.parametrize("query", ["radius", "area", "trajectory", "corridor"])
    def test_each_shape_is_a_coverage_with_its_own(self, client: FlaskClient, query: str) -> None:
        _, geometry, options = QUERIES[f"{query} of several"]
        kind = geometry["type"].removeprefix("Multi")
        parts = ({"type": kind, "coordinates": part} for part in geometry["coordinates"])
        features = [feature(part, id_, name=id_.lower()) for part, id_ in zip(parts, "AB", strict=True)]
        found = posted(client, query, collection(*features), options=options)["coverages"]
        expected = [{"id": id_, "properties": {"name": id_.lower()}} for id_ in "AB"]
        assert [coverage["zarr-edr:place"] for coverage in found] == expected

    def test_a_place_without_data_takes_nothing_from_its_neighbours(self, client: FlaskClient) -> None:
        nowhere = {"type": "Polygon", "coordinates": [[[0, 80], [1, 80], [1, 81], [0, 80]]]}
        features = [feature(nowhere, "A"), feature({"type": "Polygon", "coordinates": [SQUARE]}, "B")]
        assert posted(client, "area", collection(*features))["zarr-edr:place"] == {"id": "B", "properties": {}}

    def test_geojson_has_the_ids_and_properties_of_points(self, client: FlaskClient) -> None:
        buoys = collection(feature(point(-30, 1), "B1", name="west"), feature(point(-20, 2), 7, name="east"))
        found = posted(client, "position", buoys, options={"f": "GeoJSON"})["features"]
        assert [(f["id"], f["properties"]["name"]) for f in found] == [("B1", "west"), (7, "east")]

    def test_geojson_keeps_ids_unique_where_a_place_gives_several_features(self, client: FlaskClient) -> None:
        area = feature({"type": "Polygon", "coordinates": [SQUARE]}, "A", name="sea")
        found = posted(client, "area", area, options={"f": "GeoJSON"})["features"]
        assert len({f["id"] for f in found}) == len(found) > 1
        assert {f["id"].rpartition(".")[0] for f in found} == {"A"}
        assert {f["properties"]["name"] for f in found} == {"sea"}

    def test_names_that_are_taken_get_value_behind_them(self, client: FlaskClient) -> None:
        buoy = feature(point(-30, 1), "B1", datetime="mine", surface_temperature="mine too")
        (found,) = posted(client, "position", buoy, options={"f": "GeoJSON"})["features"]
        properties = found["properties"]
        assert (properties["datetime_value"], properties["surface_temperature_value"]) == ("mine", "mine too")
        assert properties["datetime"] == WHEN
        assert isinstance(properties["surface_temperature"], float)

    def test_covjson_pydantic_takes_them(self, client: FlaskClient) -> None:
        buoys = collection(feature(point(-30, 1), "B1", name="west"), feature(point(-20, 2), "B2"))
        assert pydantic_problems(posted(client, "position", buoys)) == []
        circles = posted(client, "radius", buoys, options={"within": "200", "within-units": "km"})
        assert pydantic_problems(circles) == []

    def test_a_bare_geometry_has_none(self, client: FlaskClient) -> None:
        assert not {"zarr-edr:place", "zarr-edr:places"} & posted(client, "position", point(-30, 1)).keys()

    def test_pages_for_browsers_show_them(self, client: FlaskClient) -> None:
        buoy = feature(point(-30, 1), "B1", name="west buoy")
        response = client.post(f"{OSTIA}/position?datetime={WHEN}&f=html", json=buoy)
        assert response.status_code == 200
        assert "west buoy" in response.text


class TestUnsupported:
    @pytest.mark.parametrize("encoding", ["compress", "gzip, gzip", "br,gzip", "x" * 500])
    def test_another_encoding_is_415_with_those_that_are_undone(self, client: FlaskClient, encoding: str) -> None:
        headers = {"Content-Encoding": encoding}
        response = client.post(f"{OSTIA}/position", data=b"x", content_type="text/csv", headers=headers)
        assert response.status_code == 415
        assert response.headers["Accept-Encoding"] == "gzip, deflate, br, zstd"

    def test_another_type_is_415_with_those_that_are_read(self, client: FlaskClient) -> None:
        response = client.post(f"{OSTIA}/position", data=b"POINT(1 2)", content_type="text/plain")
        assert response.status_code == 415
        assert set(TABLES) <= set(response.headers["Accept-Post"].split(", "))
