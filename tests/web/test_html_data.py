"""Answers to queries as pages."""

from __future__ import annotations

import io
import math
import re
from html import unescape
from pathlib import Path
from typing import Any

import orjson
import pytest
import xarray as xr
from flask.testing import FlaskClient
from hypothesis import given, seed
from PIL import Image
from werkzeug.test import TestResponse

from zarr_edr import encode
from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.model import Collection
from zarr_edr.dataset.source import open_group
from zarr_edr.encode import encoders_of
from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.engine import answer
from zarr_edr.query.model import Query
from zarr_edr.query.request import build_query
from zarr_edr.settings import CollectionSettings
from zarr_edr.testing.agreement import collection_on, profile
from zarr_edr.testing.stores import StoreSpec, in_memory
from zarr_edr.testing.strategies_shapes import questions
from zarr_edr.web.html_coverage import MAX_ROWS, view
from zarr_edr.web.html_data import PageEncoder

OSTIA = Path(__file__).parents[2] / "data/ostia.zarr"
QUERIES = {
    "position": {"coords": "MULTIPOINT((-30 1),(-20 2))"},
    "radius": {"coords": "POINT(-30 1)", "within": "200", "within-units": "km"},
    "area": {"coords": "POLYGON((-31 0,-29 0,-29 2,-31 2,-31 0))"},
    "cube": {"bbox": "-31,0,-29,2"},
    "trajectory": {"coords": "LINESTRING(-30 0,-28 3)"},
    "corridor": {"coords": "LINESTRING(-30 0,-28 3)", "corridor-width": "200", "width-units": "km"},
}


@pytest.fixture(scope="module")
def ostia() -> Collection:
    settings = CollectionSettings(str(OSTIA))
    return describe(open_group(str(OSTIA), {}), "ostia", None, None, settings)


def page(of: Collection, query_type: str, **parameters: str) -> str:
    query = build_query(query_type, parameters, of)
    encoder = PageEncoder("https://data.example", f"/collections/ostia/{query_type}?a=b", "Sea surface temperature")
    body = answer(query, of, encoder).whole()
    assert body is not None
    return body.decode()


def cells(source: str) -> list[str]:
    """The text of all cells with values."""
    data = source[source.index('<table class="data">') :]
    return [unescape(cell) for cell in re.findall("<td[^>]*>([^<]*)</td>", data)]


@pytest.mark.parametrize("query_type", QUERIES)
def test_every_query_has_a_page_with_its_values(ostia: Collection, query_type: str) -> None:
    source = page(ostia, query_type, datetime="2008-07", **QUERIES[query_type])
    assert "<h1>Sea surface temperature</h1>" in source
    assert cells(source)


def test_the_values_are_those_of_the_array(ostia: Collection) -> None:
    with xr.open_zarr(OSTIA) as dataset:
        expected = dataset["surface_temperature"].sel(latitude=1, longitude=330, method="nearest")
        values = [float(value) for value in expected.values]
    shown = cells(page(ostia, "position", coords="POINT(-30 1)"))
    assert [float(value) for value in shown[1 : 2 * len(values) : 2]] == pytest.approx(values, rel=1e-6)


def test_the_page_links_the_whole(ostia: Collection) -> None:
    source = page(ostia, "position", coords="POINT(-30 1)")
    assert 'href="/collections/ostia/position?a=b&amp;f=CoverageJSON"' in source


def tags(source: str, name: str) -> list[dict[str, str]]:
    """The attributes of all elements of a name."""
    found = re.findall(rf"<{name}\b([^>]*)>", source)
    return [
        {key: unescape(value) for key, value in re.findall(r'([\w-]+)="([^"]*)"', attributes)} for attributes in found
    ]


def asked(client: FlaskClient, query_type: str, parameters: dict[str, str], f: str) -> TestResponse:
    return client.get(f"/collections/ostia/{query_type}", query_string={**parameters, "datetime": "2008-07", "f": f})


@pytest.mark.parametrize("query_type", QUERIES)
def test_a_page_shows_the_picture_of_its_answer(client: FlaskClient, query_type: str) -> None:
    shown_on = asked(client, query_type, QUERIES[query_type], "html")
    (shown,) = tags(shown_on.text, "img")
    got = client.get(shown["src"])
    assert (got.status_code, got.mimetype) == (200, "image/png")
    assert got.data == asked(client, query_type, QUERIES[query_type], "PNG").data
    size = Image.open(io.BytesIO(got.data)).size
    assert size == (int(shown["width"]), int(shown["height"]))


def test_a_picture_has_words_for_those_who_cannot_see_it_and_waits_until_it_is_looked_at(client: FlaskClient) -> None:
    (shown,) = tags(asked(client, "position", QUERIES["position"], "html").text, "img")
    assert shown["alt"].startswith("Sea surface temperature (K)")
    assert shown["loading"] == "lazy"


def test_the_picture_is_allowed_by_the_policy_of_the_page(client: FlaskClient) -> None:
    response = asked(client, "position", QUERIES["position"], "html")
    (shown,) = tags(response.text, "img")
    assert "img-src 'self'" in response.headers["Content-Security-Policy"]
    assert shown["src"].startswith("/collections/")


def test_every_format_is_offered_for_download(client: FlaskClient) -> None:
    source = asked(client, "position", QUERIES["position"], "html").text
    links = {link["type"]: link for link in tags(source, "a") if "download" in link}
    assert set(links) == {encoder.media_types[0] for encoder in encoders_of("position")}
    assert {
        client.get(link["href"]).headers["Content-Type"].partition("; charset")[0] for link in links.values()
    } == set(links)


def test_the_answer_to_a_post_has_no_address_and_so_no_links_to_it(client: FlaskClient) -> None:
    form = {**QUERIES["position"], "datetime": "2008-07", "f": "html"}
    source = client.post("/collections/ostia/position", data=form).text
    assert cells(source)
    assert tags(source, "img") == [
        link for link in tags(source, "a") if "f=" in link["href"] and "openapi" not in link["href"]
    ]


def test_a_file_is_named_after_collection_and_query(client: FlaskClient) -> None:
    source = asked(client, "position", QUERIES["position"], "html").text
    names = {link["download"] for link in tags(source, "a") if "download" in link}
    assert "ostia-position.png" in names


@pytest.mark.parametrize("path", ["/a/..%2f..%2fetc", '/a/"><script>', "/a/\u202egnp", "/"])
def test_no_path_makes_a_strange_name_of_a_file(ostia: Collection, path: str) -> None:
    query = build_query("position", {"coords": "POINT(-30 1)"}, ostia)
    body = answer(query, ostia, PageEncoder("https://data.example", path, "T")).whole() or b""
    names = [link["download"] for link in tags(body.decode(), "a") if "download" in link]
    assert names
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) for name in names)


def test_a_page_without_the_picture_format_has_no_picture(ostia: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "ENCODERS", (CovJsonEncoder(),))
    assert tags(page(ostia, "position", coords="POINT(-30 1)"), "img") == []


def given_to_the_page(of: Collection, query: Query, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any] | None:
    """The document that the page is made of."""
    found: list[dict[str, Any]] = []

    def render(_: str, document: dict[str, Any], **__: Any) -> str:
        found.append(document)
        return ""

    monkeypatch.setattr("zarr_edr.web.html.render", render)
    answer(query, of, PageEncoder("https://data.example", "/a", "T"))
    return found[0] if found else None


@pytest.mark.parametrize("rows", [1, 5, 1000])
def test_the_page_says_what_it_would_say_of_the_whole_answer(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zarr_edr.web.html_data.MAX_ROWS", rows)
    monkeypatch.setattr("zarr_edr.web.html_coverage.MAX_ROWS", rows)

    @seed(rows)
    @profile(10)
    @given(questions())
    def agree(question: tuple[StoreSpec, list[Query]]) -> None:
        of = collection_on(in_memory(question[0]))
        for query in question[1]:
            whole, shown = answer(query, of, CovJsonEncoder()).whole(), given_to_the_page(of, query, monkeypatch)
            assert (whole is None) == (shown is None)
            if whole is not None and shown is not None:
                assert view(shown) == view(orjson.loads(whole))

    agree()


def test_the_page_of_many_values_is_made_of_few(ostia: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    query = build_query("cube", {"bbox": "-40,-10,-20,10"}, ostia)
    shown = given_to_the_page(ostia, query, monkeypatch) or {}
    (values,) = shown["ranges"].values()
    assert len(values["values"]) == MAX_ROWS < math.prod(values["shape"])


@pytest.mark.parametrize(("datetime", "offered"), [("2008-07", True), ("../..", False)])
def test_a_geotiff_is_offered_of_what_it_can_hold(client: FlaskClient, datetime: str, offered: bool) -> None:
    source = client.get(
        "/collections/ostia/cube", query_string={**QUERIES["cube"], "datetime": datetime, "f": "html"}
    ).text
    links = [link["href"] for link in tags(source, "a") if link.get("download", "").endswith(".tif")]
    assert bool(links) == offered
    assert all(client.get(link).status_code == 200 for link in links)
