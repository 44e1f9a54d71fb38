"""The EDR queries over HTTP."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

OSTIA = "/collections/ostia"
HERE = "MULTIPOINT((-30 1),(-20 2))"
WHEN = "2008-07-16T12:00:00Z"


def ask(client: FlaskClient, path: str, **parameters: str) -> TestResponse:
    return client.get(path, query_string={name.replace("_", "-"): value for name, value in parameters.items()})


def test_a_position_is_coveragejson(client: FlaskClient) -> None:
    response = ask(client, f"{OSTIA}/position", coords="POINT(-30 1)", datetime=WHEN)
    assert (response.status_code, response.content_type) == (200, "application/vnd.cov+json")
    assert orjson.loads(response.data)["domain"]["domainType"] == "Point"


def test_multipoint_is_an_alias_of_position(client: FlaskClient) -> None:
    answers = [ask(client, f"{OSTIA}/{query}", coords=HERE, datetime=WHEN) for query in ("position", "multipoint")]
    assert answers[0].data == answers[1].data
    assert answers[0].status_code == 200


def test_multipoint_refuses_one_point_and_says_where_to_go(client: FlaskClient) -> None:
    response = ask(client, f"{OSTIA}/multipoint", coords="POINT(-30 1)")
    assert response.status_code == 400
    assert "use position" in response.get_json()["description"]


BODIES: dict[str, dict[str, Any]] = {
    "lists": {"json": {"latitude": [1, 2], "longitude": [-30, -20]}},
    "GeoJSON": {"json": {"type": "MultiPoint", "coordinates": [[-30, 1], [-20, 2]]}},
    "GeoJSON by its media type": {
        "data": b'{"type":"MultiPoint","coordinates":[[-30,1],[-20,2]]}',
        "content_type": "application/geo+json",
    },
    "parameters": {"json": {"coords": HERE}},
    "form": {"data": {"coords": HERE}},
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("query", ["position", "multipoint"])
def test_a_post_says_the_same_in_its_body(client: FlaskClient, query: str, body: dict[str, Any]) -> None:
    posted = client.post(f"{OSTIA}/{query}?datetime={WHEN}", **body)
    assert posted.status_code == 200
    assert posted.data == ask(client, f"{OSTIA}/position", coords=HERE, datetime=WHEN).data


def test_parameters_may_be_in_the_body_too(client: FlaskClient) -> None:
    posted = client.post(f"{OSTIA}/multipoint", json={"latitude": [1, 2], "longitude": [-30, -20], "datetime": WHEN})
    assert posted.data == ask(client, f"{OSTIA}/position", coords=HERE, datetime=WHEN).data


BAD_LISTS: dict[str, tuple[dict[str, Any], str]] = {
    "unequal": ({"latitude": [1, 2], "longitude": [3]}, "1"),
    "empty": ({"latitude": [], "longitude": []}, "empty"),
    "not numbers": ({"latitude": ["a"], "longitude": [3]}, "latitude"),
    "one missing": ({"latitude": [1]}, "longitude"),
}


@pytest.mark.parametrize(("body", "says"), BAD_LISTS.values(), ids=BAD_LISTS)
def test_bad_lists_are_refused_with_which_is_wrong(client: FlaskClient, body: dict[str, Any], says: str) -> None:
    response = client.post(f"{OSTIA}/multipoint", json=body)
    assert response.status_code == 400
    assert says in response.get_json()["description"]


def test_a_parameter_in_url_and_body_is_refused(client: FlaskClient) -> None:
    response = client.post(f"{OSTIA}/multipoint?datetime=2008", json={"coords": HERE, "datetime": "2009"})
    assert response.status_code == 400


def test_a_body_over_the_limit_is_413(client: FlaskClient) -> None:
    response = client.post(f"{OSTIA}/multipoint", data=b" " * (16 * 1024**2 + 1), content_type="application/json")
    assert response.status_code == 413
    assert "limits.body_bytes" in response.get_json()["description"]


def test_a_body_that_is_not_compressed_as_it_says_is_400(client: FlaskClient) -> None:
    response = client.post(f"{OSTIA}/multipoint", data=b"x", headers={"Content-Encoding": "gzip"})
    assert response.status_code == 400


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/vnd.cov+json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("application/prs.coverage+json", "application/prs.coverage+json"),
        ("application/json", "application/json"),
        ("text/html", "text/html; charset=utf-8"),
        ("application/geo+json, */*;q=0.1", "application/geo+json"),
        ("text/html, image/gif, *; q=.2, */*; q=.2", "text/html; charset=utf-8"),
        (
            "application/prs.coverage+json,application/ld+json;q=0.1,application/json;q=0.1",
            "application/prs.coverage+json",
        ),
    ],
    ids=["any", "browser", "prs", "json", "page", "geojson first", "java", "covjson-reader"],
)
def test_accept_chooses_the_media_type(client: FlaskClient, accept: str, content_type: str) -> None:
    response = client.get(f"{OSTIA}/position?coords=POINT(-30 1)&datetime={WHEN}", headers={"Accept": accept})
    assert (response.status_code, response.content_type) == (200, content_type)


def test_f_wins_over_accept(client: FlaskClient) -> None:
    response = client.get(f"{OSTIA}/position?coords=POINT(-30 1)&f=CoverageJSON", headers={"Accept": "video/mp4"})
    assert response.content_type == "application/vnd.cov+json"


def test_nothing_acceptable_is_406(client: FlaskClient) -> None:
    response = client.get(f"{OSTIA}/position?coords=POINT(-30 1)", headers={"Accept": "video/mp4"})
    assert response.status_code == 406


def test_no_data_is_204_without_body_or_type(client: FlaskClient) -> None:
    response = ask(client, f"{OSTIA}/position", coords="POINT(0 60)")
    assert (response.status_code, response.data) == (204, b"")
    assert "Content-Type" not in response.headers


@pytest.mark.parametrize("name", ["parameter_names", "parametername", "parameter-name"])
def test_spellings_of_clients_in_use_are_understood(client: FlaskClient, name: str) -> None:
    query = {"coords": "POINT(10 50)", name: "z", "number": "0", "z": "500"}
    response = client.get("/collections/era5ens/position", query_string=query)
    assert list(orjson.loads(response.data)["ranges"]) == ["z"]


@pytest.mark.parametrize(
    "path",
    [
        "/collections/nope/position",
        "/collections/nope/multipoint",
        "/collections/a1b/locations/x",
        f"{OSTIA}/instances/1/position",
        "/nowhere",
    ],
)
def test_what_is_not_there_is_404_with_a_sentence(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.get_json()["description"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_405_in_the_exception_body(client: FlaskClient, method: str) -> None:
    response = client.open(f"{OSTIA}/position", method=method)
    assert response.status_code == 405
    assert response.get_json()["code"] == "MethodNotAllowed"


def test_the_answer_tells_what_it_read(client: FlaskClient) -> None:
    timing = ask(client, f"{OSTIA}/position", coords="POINT(-30 1)").headers["Server-Timing"]
    assert 'chunks;desc="1"' in timing


def test_head_has_the_headers_of_get(client: FlaskClient) -> None:
    path = f"{OSTIA}/position?coords=POINT(-30 1)&datetime={WHEN}"
    assert client.head(path).headers["Content-Length"] == client.get(path).headers["Content-Length"]


def test_the_openapi_document_has_both_queries_of_each_collection(client: FlaskClient) -> None:
    paths = client.get("/openapi?f=json").get_json()["paths"]
    for name in ("ostia", "woa", "era5ens"):
        for query in ("position", "multipoint"):
            assert paths[f"/collections/{name}/{query}"].keys() == {"get", "post"}


def test_collections_have_the_extent_of_their_data(client: FlaskClient) -> None:
    extent = client.get("/collections/ostia?f=json").get_json()["extent"]
    assert extent["spatial"]["bbox"][0][0] == -180
    assert extent["temporal"]["interval"][0][0].startswith("2006-04-16")


class TestAdmission:
    @pytest.fixture
    def full(self, monkeypatch: pytest.MonkeyPatch) -> BoundedSemaphore:
        """Every place at work is taken, and nobody waits for one."""
        places = BoundedSemaphore(1)
        places.acquire()
        monkeypatch.setattr("zarr_edr.web.routes._admission", places)
        monkeypatch.setattr("zarr_edr.web.routes._PATIENCE_S", 0.0)
        return places

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_a_query_too_many_is_told_to_come_again(
        self, client: FlaskClient, full: BoundedSemaphore, method: str
    ) -> None:
        parameters = {"coords": HERE, "datetime": WHEN}
        given = {"query_string": parameters} if method == "get" else {"json": parameters}
        response = getattr(client, method)(f"{OSTIA}/position", **given)
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
        assert "busy" in response.get_json()["description"]

    def test_metadata_need_no_place(self, client: FlaskClient, full: BoundedSemaphore) -> None:
        assert [client.get(f"{path}?f=json").status_code for path in ("/", "/collections", OSTIA)] == [200] * 3

    @pytest.mark.parametrize("coords", ["POINT(-30 1)", "POINT(-30 1"], ids=["answered", "refused"])
    def test_a_query_gives_its_place_back(self, client: FlaskClient, full: BoundedSemaphore, coords: str) -> None:
        full.release()
        ask(client, f"{OSTIA}/position", coords=coords, datetime=WHEN)
        assert full.acquire(blocking=False)
