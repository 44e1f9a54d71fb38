"""Requirements of the encodings, of the API definition and of POST; docs/conformance.md names each test by its requirement."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from openapi_spec_validator import validate

from zarr_edr.testing.covjson import check

if TYPE_CHECKING:
    from tests.cite.conftest import Json, Site

HERE = "POINT(-150 0)"
COVERAGE_TYPES = ("application/vnd.cov+json", "application/prs.coverage+json")
PAGES = ("/", "/conformance", "/collections", "/collections/{id}", "/collections/{id}/items")
QUERIES: dict[str, dict[str, str]] = {
    "position": {"coords": HERE},
    "radius": {"coords": HERE, "within": "100", "within_units": "km"},
    "area": {"coords": "POLYGON((0 0,0 4,4 4,4 0,0 0))"},
    "cube": {"bbox": "-150,0,-140,4"},
    "trajectory": {"coords": "LINESTRING(-150 0,-140 2)"},
    "corridor": {"coords": "LINESTRING(-150 0,-140 2)", "corridor_width": "100", "width_units": "km"},
}


def media_type(headers: Any) -> str:
    return str(headers["content-type"].partition(";")[0])


def operations(document: Json) -> list[tuple[str, str, Json]]:
    """Path, method and operation."""
    methods = ("get", "post", "put", "delete", "patch")
    return [(path, m, item[m]) for path, item in document["paths"].items() for m in methods if m in item]


class TestJson:
    @pytest.mark.parametrize("page", PAGES)
    def test_every_resource_is_there_as_json(self, site: Site, flat: Json, page: str) -> None:
        answer = site.get(page.format(id=flat["id"]), "application/json")
        assert media_type(answer.headers) == "application/json"
        assert answer.json()

    @pytest.mark.parametrize("query", QUERIES)
    def test_data_are_there_as_json(self, site: Site, flat: Json, query: str) -> None:
        answer = site.ask(flat, query, accept="application/json", **QUERIES[query])
        assert media_type(answer.headers) == "application/json"

    def test_failures_have_a_code_and_a_description(self, site: Site, flat: Json) -> None:
        failure = json.loads(site.ask(flat, "position").body)
        assert {"code", "description"} <= failure.keys()


class TestHtml:
    @pytest.mark.parametrize("page", PAGES)
    def test_every_resource_is_there_as_html(self, site: Site, flat: Json, page: str) -> None:
        answer = site.get(page.format(id=flat["id"]), "text/html")
        assert (answer.status, media_type(answer.headers)) == (200, "text/html")

    @pytest.mark.parametrize("query", QUERIES)
    def test_data_are_there_as_html(self, site: Site, flat: Json, query: str) -> None:
        answer = site.ask(flat, query, accept="text/html", **QUERIES[query])
        assert (answer.status, media_type(answer.headers)) == (200, "text/html")

    @pytest.mark.parametrize("page", ["/", "/collections", "/collections/{id}"])
    def test_every_link_is_in_the_page(self, site: Site, flat: Json, page: str) -> None:
        path = page.format(id=flat["id"])
        shown = site.get(path, "text/html").body.decode().replace("&amp;", "&")
        links = [link["href"] for link in site.get(path).json()["links"] if link["rel"] not in ("self", "alternate")]
        assert [
            href for href in links if f'"{href}"' not in shown and f'"{href.removeprefix(site.url)}"' not in shown
        ] == []

    def test_pages_load_nothing_from_elsewhere(self, site: Site, flat: Json) -> None:
        pages = [site.get(page.format(id=flat["id"]), "text/html").body.decode() for page in (*PAGES, "/openapi")]
        loaded = [
            url
            for page in pages
            for url in re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=[\"'](http[^\"']+)", page)
        ]
        assert [url for url in loaded if not url.startswith(site.url)] == []


class TestCoverageJson:
    @pytest.mark.parametrize("media", COVERAGE_TYPES)
    def test_both_media_types_are_answered(self, site: Site, flat: Json, media: str) -> None:
        answer = site.ask(flat, "position", accept=media, coords=HERE)
        assert media_type(answer.headers) == media
        assert answer.json()["type"] == "Coverage"

    @pytest.mark.parametrize("query", QUERIES)
    def test_answers_are_valid(self, site: Site, flat: Json, deep: Json, query: str) -> None:
        for collection in (flat, deep):
            document = site.ask(collection, query, **QUERIES[query], f="CoverageJSON").json()
            assert check(document) == []


class TestGeoJson:
    @pytest.mark.parametrize("query", QUERIES)
    def test_data_are_there_as_edr_geojson(self, site: Site, flat: Json, query: str) -> None:
        start = flat["extent"]["temporal"]["interval"][0][0]
        answer = site.ask(flat, query, **QUERIES[query], f="GeoJSON", datetime=start)
        assert media_type(answer.headers) == "application/geo+json"
        features = answer.json()["features"]
        assert features
        wanted = {"datetime", "parameter-name", "label", "edrqueryendpoint"}
        assert all(wanted <= feature["properties"].keys() for feature in features)

    @pytest.mark.parametrize("query", ["locations", "items"])
    def test_lists_have_links(self, site: Site, placed: Json, query: str) -> None:
        answer = site.ask(placed, query, accept="application/geo+json")
        assert media_type(answer.headers) == "application/geo+json"
        assert "self" in {link["rel"] for link in answer.json()["links"]}


class TestOpenApi:
    def test_both_versions_are_valid(self, site: Site) -> None:
        for link in (link for link in site.landing["links"] if link["rel"] == "service-desc"):
            document = site.get(link["href"], link["type"]).json()
            assert re.findall(r'"\$ref": "(?!#/)[^"]*"', json.dumps(document)) == []
            validate(document)

    def test_every_status_of_a_query_is_documented(self, site: Site) -> None:
        for query in QUERIES:
            for operation in site.api.operations(query):
                assert {"200", "204", "400", "404", "406", "413", "500", "503"} <= operation["responses"].keys()

    def test_every_query_is_documented(self, site: Site) -> None:
        documented = site.api.document["paths"].keys()
        for collection in site.collections:
            for query in collection["data_queries"]:
                assert f"/collections/{collection['id']}/{query}" in documented

    def test_every_documented_page_is_there(self, site: Site) -> None:
        plain = [path for path, method, _ in operations(site.api.document) if method == "get" and "{" not in path]
        statuses = {path: site.get(path, "application/json").status for path in plain}
        assert {path: status for path, status in statuses.items() if status not in (200, 400)} == {}

    def test_bodies_of_post_are_described(self, site: Site) -> None:
        posts = [
            op for path, method, op in operations(site.api.document) if method == "post" and "/collections/" in path
        ]
        assert posts
        for operation in posts:
            body = site.api.resolved(operation["requestBody"])
            assert all(content["schema"] for content in body["content"].values())


class TestPost:
    @pytest.mark.parametrize("query", QUERIES)
    def test_it_gives_the_same_as_get(self, site: Site, flat: Json, query: str) -> None:
        given = {name.replace("_", "-"): value for name, value in QUERIES[query].items()}
        posted = site.post(f"/collections/{flat['id']}/{query}", given)
        assert posted.json() == site.ask(flat, query, **given).json()

    def test_a_form_gives_the_same_as_get(self, site: Site, flat: Json) -> None:
        posted = site.post(f"/collections/{flat['id']}/position", {"coords": HERE}, form=True)
        assert posted.json() == site.ask(flat, "position", coords=HERE).json()


class TestMethods:
    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
    def test_other_methods_are_405(self, site: Site, flat: Json, method: str) -> None:
        assert site.send(method, f"/collections/{flat['id']}/position").status == 405
