"""Locations and items over HTTP, on the demo."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from zarr_edr.testing.covjson import check, decode

OSTIA, WOA, SEASONAL = "/collections/ostia", "/collections/woa", "/collections/seasonal"
RUN = f"{SEASONAL}/instances/20160201T0000Z"
GEOJSON = "application/geo+json"


def ask(client: FlaskClient, path: str, **parameters: str) -> TestResponse:
    return client.get(path, query_string={name.replace("_", "-"): value for name, value in parameters.items()})


def ids(response: TestResponse) -> list[str]:
    return [feature["id"] for feature in orjson.loads(response.data)["features"]]


class TestListOfLocations:
    def test_it_is_geojson(self, client: FlaskClient) -> None:
        response = client.get(f"{WOA}/locations")
        assert (response.status_code, response.content_type) == (200, GEOJSON)
        assert ids(response)[:2] == ["gulf-of-guinea", "galapagos"]

    def test_each_place_leads_to_its_data(self, client: FlaskClient) -> None:
        feature = client.get(f"{OSTIA}/locations").get_json(force=True)["features"][0]
        path = feature["properties"]["edrqueryendpoint"].removeprefix("http://localhost:5000")
        assert ask(client, path, datetime="2008-07").status_code == 200

    def test_it_can_be_narrowed_and_paged(self, client: FlaskClient) -> None:
        response = ask(client, f"{WOA}/locations", bbox="-100,-10,10,40", limit="2")
        assert ids(response) == ["gulf-of-guinea", "galapagos"]
        (following,) = (k["href"] for k in response.get_json(force=True)["links"] if k["rel"] == "next")
        assert ids(client.get(following)) == ["bermuda"]

    def test_times_without_data_have_no_places(self, client: FlaskClient) -> None:
        assert ids(ask(client, f"{OSTIA}/locations", datetime="1999")) == []

    @pytest.mark.parametrize("path", ["/collections/a1b/locations", "/collections/nope/locations", f"{RUN}/locations"])
    def test_where_there_are_none_it_is_404(self, client: FlaskClient, path: str) -> None:
        response = client.get(path)
        assert response.status_code == 404
        assert response.get_json()["description"]

    def test_a_post_without_a_body_is_a_get(self, client: FlaskClient) -> None:
        posted = client.post(f"{WOA}/locations", content_type="application/x-www-form-urlencoded")
        assert posted.data == client.get(f"{WOA}/locations").data


class TestLocation:
    def test_a_place_gives_its_data(self, client: FlaskClient) -> None:
        response = ask(client, f"{WOA}/locations/bermuda", z="0")
        assert (response.status_code, response.content_type) == (200, "application/vnd.cov+json")
        assert orjson.loads(response.data)["domain"]["domainType"] == "PointSeries"

    def test_it_is_the_position_query_there(self, client: FlaskClient) -> None:
        place = ask(client, f"{WOA}/locations/bermuda,point-nemo", z="0")
        assert (
            place.data
            == ask(client, f"{WOA}/position", coords="MULTIPOINT((-64.75 32.3),(-123.39 -48.88))", z="0").data
        )

    def test_an_area_gives_a_grid(self, client: FlaskClient) -> None:
        document = orjson.loads(ask(client, f"{OSTIA}/locations/nino3.4", datetime="2008-07").data)
        assert (document["domain"]["domainType"], check(document)) == ("Grid", [])

    def test_an_area_across_the_antimeridian_is_whole(self, client: FlaskClient) -> None:
        rows = decode(ask(client, f"{OSTIA}/locations/nino4", datetime="2008-07").data)
        x = sorted({row.x % 360 for row in rows if row.x is not None and row.value is not None})
        assert 159 < x[0] < 163
        assert 207 < x[-1] < 211

    def test_several_areas_give_a_grid_each(self, client: FlaskClient) -> None:
        document = orjson.loads(ask(client, f"{OSTIA}/locations/nino3,nino4", datetime="2008-07").data)
        assert [coverage["type"] for coverage in document["coverages"]] == ["Coverage", "Coverage"]

    def test_it_comes_as_geojson_too(self, client: FlaskClient) -> None:
        response = ask(client, f"{WOA}/locations/bermuda", z="0", f="GeoJSON")
        (feature,) = orjson.loads(response.data)["features"]
        assert response.content_type == GEOJSON
        assert len(feature["properties"]["TEMP"]) == 12

    def test_a_post_says_the_same(self, client: FlaskClient) -> None:
        posted = client.post(f"{WOA}/locations/bermuda", data={"z": "0", "f": "CoverageJSON"})
        assert posted.data == ask(client, f"{WOA}/locations/bermuda", z="0").data

    @pytest.mark.parametrize("name", ["nope", "bermuda,nope", "..", "%00", "Bermuda", "a%2Fb"])
    def test_an_unknown_place_is_404(self, client: FlaskClient, name: str) -> None:
        assert client.get(f"{WOA}/locations/{name}").status_code == 404

    def test_a_place_out_of_the_data_is_204(self, client: FlaskClient) -> None:
        assert ask(client, f"{WOA}/locations/bermuda", datetime="1999").status_code == 204

    @pytest.mark.parametrize("parameter", ["coords=POINT(0 0)", "bbox=0,0,1,1", "zz=1", "datetime=x", "f=bmp"])
    def test_a_wrong_parameter_is_400(self, client: FlaskClient, parameter: str) -> None:
        assert client.get(f"{WOA}/locations/bermuda?{parameter}").status_code == 400


class TestItems:
    @pytest.mark.parametrize(
        ("path", "first"),
        [
            (WOA, "gulf-of-guinea"),
            ("/collections/a1b", "extent"),
            (SEASONAL, "20151209T0000Z"),
            (RUN, "extent"),
        ],
        ids=["places", "extent", "runs", "a run"],
    )
    def test_there_is_one_at_least(self, client: FlaskClient, path: str, first: str) -> None:
        response = client.get(f"{path}/items")
        assert (response.status_code, response.content_type) == (200, GEOJSON)
        assert ids(response)[0] == first

    def test_one_of_them_is_a_feature(self, client: FlaskClient) -> None:
        document = client.get(f"{RUN}/items/extent").get_json(force=True)
        assert (document["type"], document["id"]) == ("Feature", "extent")

    @pytest.mark.parametrize("path", [WOA, "/collections/a1b", SEASONAL, RUN])
    def test_one_that_is_not_there_is_404(self, client: FlaskClient, path: str) -> None:
        assert client.get(f"{path}/items/nope").status_code == 404

    def test_a_run_that_is_not_there_is_404(self, client: FlaskClient) -> None:
        assert client.get(f"{SEASONAL}/instances/1/items").status_code == 404

    def test_an_item_in_a_format_of_data_is_its_data(self, client: FlaskClient) -> None:
        item = ask(client, f"{WOA}/items/bermuda", f="CoverageJSON", z="0")
        assert item.data == ask(client, f"{WOA}/locations/bermuda", z="0").data

    def test_the_extent_in_a_format_of_data_is_all_of_the_data(self, client: FlaskClient) -> None:
        response = ask(client, "/collections/a1b/items/extent", f="CoverageJSON", datetime="1860")
        shape = orjson.loads(response.data)["ranges"]["air_temperature"]["shape"]
        assert shape == [1, 37, 49]

    @pytest.mark.parametrize("parameters", ["limit=0", "bbox=1", "bbox=0,0,inf,1", "offset=x", "nope=1", "f=png"])
    def test_a_wrong_parameter_is_400(self, client: FlaskClient, parameters: str) -> None:
        assert client.get(f"{WOA}/items?{parameters}").status_code == 400

    @pytest.mark.parametrize("f", ["GeoJSON", "CoverageJSON"])
    def test_an_item_with_parameters_of_its_query_is_its_data(self, client: FlaskClient, f: str) -> None:
        item = ask(client, f"{WOA}/items/bermuda", f=f, z="0", parameter_name="TEMP", crs="CRS84")
        assert item.status_code == 200
        assert item.data == ask(client, f"{WOA}/locations/bermuda", f=f, z="0").data.replace(b"/locations/", b"/items/")

    @pytest.mark.parametrize("parameter", ["nope=1", "bbox=0,0,1,1", "coords=POINT(0 0)", "f=bmp"])
    def test_a_parameter_of_neither_is_400(self, client: FlaskClient, parameter: str) -> None:
        assert client.get(f"{WOA}/items/bermuda?{parameter}").status_code == 400

    def test_a_post_may_say_in_its_body_what_it_wants(self, client: FlaskClient) -> None:
        response = client.post(f"{WOA}/items", data={"f": "html", "limit": "1"})
        assert response.content_type == "text/html; charset=utf-8"

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
    def test_it_is_read_only(self, client: FlaskClient, method: str) -> None:
        assert client.open(f"{WOA}/items/bermuda", method=method).status_code == 405


FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "f=json": ({"query_string": "f=json"}, GEOJSON),
    "f=GeoJSON": ({"query_string": "f=GeoJSON"}, GEOJSON),
    "f=application/geo+json": ({"query_string": {"f": GEOJSON}}, GEOJSON),
    "f=html": ({"query_string": "f=html"}, "text/html; charset=utf-8"),
    "f over Accept": ({"query_string": "f=json", "headers": {"Accept": "text/html"}}, GEOJSON),
    "no Accept": ({}, GEOJSON),
    "any": ({"headers": {"Accept": "*/*"}}, GEOJSON),
    "json": ({"headers": {"Accept": "application/json"}}, "application/json"),
    "a browser": ({"headers": {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}}, "text/html; charset=utf-8"),
}


@pytest.mark.parametrize("path", [f"{WOA}/locations", f"{WOA}/items", f"{WOA}/items/bermuda"])
@pytest.mark.parametrize(("request_", "content_type"), FORMS.values(), ids=FORMS)
def test_each_comes_in_the_form_asked_for(
    client: FlaskClient, path: str, request_: dict[str, Any], content_type: str
) -> None:
    response = client.get(path, **request_)
    assert (response.status_code, response.content_type) == (200, content_type)


def test_nothing_acceptable_is_406(client: FlaskClient) -> None:
    assert client.get(f"{WOA}/items", headers={"Accept": "image/png"}).status_code == 406


def test_a_page_names_all_places(client: FlaskClient) -> None:
    page = client.get(f"{WOA}/locations?f=html").get_data(as_text=True)
    assert "Galápagos Islands" in page
    assert f"{WOA}/locations/bermuda" in page


def test_an_unchanged_list_is_not_sent_again(client: FlaskClient) -> None:
    etag = client.get(f"{WOA}/items").headers["ETag"]
    assert client.get(f"{WOA}/items", headers={"If-None-Match": etag}).status_code == 304


HOSTILE = {
    "long id": f"{WOA}/locations/" + "a," * 5000,
    "many commas": f"{WOA}/locations/" + "," * 5000,
    "script": f"{WOA}/locations/<script>alert(1)</script>",
    "script in lang": f"{WOA}/items?f=html&lang=<script>alert(1)</script>",
    "null byte": f"{WOA}/items/%00",
    "not UTF-8": f"{WOA}/items/%ff%fe",
    "dots": f"{WOA}/items/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "long bbox": f"{WOA}/items?bbox=" + "1," * 5000,
    "twice": f"{WOA}/items?limit=1&limit=2",
    "overflow": f"{WOA}/items?limit=99999999999999999999&offset=99999999999999999999",
    "year": f"{WOA}/items?datetime=999999-01-01",
    "format string": f"{WOA}/items/%25s%25n",
}


@pytest.mark.parametrize("path", HOSTILE.values(), ids=HOSTILE)
def test_hostile_requests_are_no_server_errors(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code < 500
    assert b"<script>alert" not in response.data or response.content_type == "application/json"
