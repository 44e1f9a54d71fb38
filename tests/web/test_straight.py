"""A plain query is answered without Flask, and just as Flask would answer it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import Client, EnvironBuilder, TestResponse

from zarr_edr.errors import StoreUnavailable
from zarr_edr.web import routes, straight
from zarr_edr.web.straight import StraightWay

OSTIA, WOA = "/collections/ostia", "/collections/woa"
POINT = f"{OSTIA}/position?coords=POINT(-30 1)"
WHEN = "&datetime=2008-07-16T12:00:00Z"

PLAIN = {
    "one value": POINT + WHEN,
    "a series": POINT,
    "escaped": f"{OSTIA}/position?coords=POINT%28-30+1%29",
    "a name of the format": f"{POINT}&f=CoverageJSON",
    "GeoJSON": f"{POINT}{WHEN}&f=GeoJSON",
    "many points": f"{OSTIA}/position?coords=MULTIPOINT((-30 1),(-20 2))",
    "an area": f"{OSTIA}/area?coords=POLYGON((-30 0,-20 0,-20 5,-30 5,-30 0)){WHEN}",
    "a cube": f"{WOA}/cube?bbox=-31,-1,-29,1&z=100&datetime=0000-01",
    "a circle": f"{OSTIA}/radius?coords=POINT(-30 1)&within=200&within-units=km{WHEN}",
    "a line": f"{OSTIA}/trajectory?coords=LINESTRING(-30 1,-20 2){WHEN}",
}
OTHER = {
    "no data": f"{OSTIA}/position?coords=POINT(0 60)",
    "a wrong point": f"{OSTIA}/position?coords=POINT(0 95)",
    "no point": f"{OSTIA}/position",
    "a parameter twice": f"{POINT}&datetime=2008&datetime=2009",
    "an unknown parameter": f"{POINT}&dattime=2008",
    "an unknown format": f"{POINT}&f=none",
    "a table": f"{POINT}&f=CSV",
    "a page": f"{POINT}&f=HTML",
    "some features": f"{POINT}&f=GeoJSON&limit=1",
    "another collection": "/collections/none/position?coords=POINT(0 0)",
    "another query": f"{OSTIA}/none?coords=POINT(0 0)",
    "no query": OSTIA,
    "letters that are not ASCII": f"{POINT}&parameter-name=é",
    "too many values": f"{WOA}/cube?bbox=-180,-90,180,90&resolution-x=0",
}
HEADERS = {
    "none": {},
    "any type": {"Accept": "*/*"},
    "JSON": {"Accept": "application/json"},
    "a browser": {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"},
    "gzip": {"Accept-Encoding": "gzip"},
    "a type that is not offered": {"Accept": "video/mp4"},
    "a tag": {"If-None-Match": '"x"'},
    "any tag": {"If-None-Match": "*"},
    "a login": {"Authorization": "Basic eDp5"},
    "another origin": {"Origin": "http://example.org"},
}


def way(client: FlaskClient) -> StraightWay:
    found = client.application.wsgi_app
    assert isinstance(found, StraightWay)
    return found


def by_flask(client: FlaskClient, path: str, headers: dict[str, str]) -> TestResponse:
    return Client(way(client).behind).get(path, headers=headers)


def told(response: TestResponse) -> tuple[Any, ...]:
    """Status, headers and body, without what depends on when it was asked."""
    varying = {"Server-Timing", "Date"}
    headers = sorted((k, v) for k, v in response.headers.items() if k not in varying)
    return response.status, headers, response.get_data(), "Server-Timing" in response.headers


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("path", (PLAIN | OTHER).values(), ids=PLAIN | OTHER)
def test_the_answer_is_that_of_flask(client: FlaskClient, path: str, headers: dict[str, str]) -> None:
    assert told(client.get(path, headers=headers)) == told(by_flask(client, path, headers))


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS", "DELETE"])
def test_other_methods_are_flasks(client: FlaskClient, method: str) -> None:
    ours = client.open(POINT + WHEN, method=method)
    assert told(ours) == told(Client(way(client).behind).open(POINT + WHEN, method=method))


@pytest.fixture
def alone(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A client of an application behind which there is no Flask."""

    def none(environ: object, start_response: object) -> Iterable[bytes]:
        raise AssertionError("Flask was asked")

    monkeypatch.setattr(way(client), "behind", none)
    return client


@pytest.mark.parametrize("path", PLAIN.values(), ids=PLAIN)
def test_a_plain_query_does_without_flask(alone: FlaskClient, path: str) -> None:
    assert alone.get(path).status_code == 200


def test_what_failed_is_not_tried_again(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def failing(*args: object, **kwargs: object) -> None:
        asked.append(args)
        raise StoreUnavailable("gone")

    monkeypatch.setattr(straight, "answer", failing)
    monkeypatch.setattr(routes, "answer", failing)
    response = client.get(POINT)
    assert (response.status_code, len(asked)) == (503, 1)


def test_a_defect_is_answered_as_flask_answers_it(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*args: object, **kwargs: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(straight, "answer", failing)
    response = client.get(POINT)
    assert (response.status_code, response.get_json()["code"]) == (500, "NoApplicableCode")
    assert response.headers["Cache-Control"] == "no-store"


def test_an_answer_that_is_too_long_to_send_plain_is_not_made_again(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "answer", None)
    response = client.get(POINT, headers={"Accept-Encoding": "gzip"})
    assert (response.status_code, response.headers["Content-Encoding"]) == (200, "gzip")


def test_a_client_of_http_1_0_is_flasks(client: FlaskClient) -> None:
    environ = EnvironBuilder(path=f"{OSTIA}/position", query_string="coords=POINT(-30 1)").get_environ()
    environ["SERVER_PROTOCOL"] = "HTTP/1.0"
    assert not straight.is_plain(environ)
