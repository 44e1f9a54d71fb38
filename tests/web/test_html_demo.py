"""The pages of the demo, from its real documents."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient

from zarr_edr.web.html_filters import scalar

COLLECTIONS = ("ostia", "woa", "era5ens", "seasonal", "a1b")
PATHS = (
    "/",
    "/conformance",
    "/collections",
    *(f"/collections/{name}" for name in COLLECTIONS),
    "/collections/seasonal/instances",
    "/openapi",
)


def scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping | list):
        for member in value.values() if isinstance(value, Mapping) else value:
            yield from scalars(member)
    elif not isinstance(value, bool | None):
        yield value


def said(page: str) -> str:
    """Text and links of a page."""
    text = html.unescape(re.sub("<[^>]*>", "", page))
    return text + " ".join(map(html.unescape, re.findall('href="([^"]*)"', page)))


@pytest.mark.parametrize("path", PATHS)
def test_a_page_says_all_its_document_says(client: FlaskClient, path: str) -> None:
    document = client.get(f"{path}?f=json").get_json(force=True)
    page = client.get(f"{path}?f=html")
    text = said(page.text)
    left_to_say = {value for value in map(scalar, scalars(document)) if value not in text}
    # In a schema, text is shown as JSON.
    assert {value for value in left_to_say if json.dumps(value, ensure_ascii=False)[1:-1] not in text} - {
        "Parameter"
    } == set()


@pytest.mark.parametrize("name", COLLECTIONS)
def test_every_example_is_answered(client: FlaskClient, name: str) -> None:
    page = client.get(f"/collections/{name}?f=html").text
    examples = [html.unescape(url) for url in re.findall(r'class="example">Try <a href="([^"]+)"', page)]
    assert len(examples) >= 7
    statuses = {url: client.get(re.sub("^https?://[^/]+", "", url)).status_code for url in examples}
    assert {url: status for url, status in statuses.items() if status != 200} == {}


@pytest.mark.parametrize(
    "path", ["/collections/nowhere", "/nowhere", "/collections/ostia/position?coords=POINT(0 100)"]
)
def test_who_asks_for_a_page_gets_a_failure_as_a_page(client: FlaskClient, path: str) -> None:
    plain = client.get(path)
    page = client.get(f"{path}{'&' if '?' in path else '?'}f=html")
    assert page.status_code == plain.status_code
    assert page.content_type == "text/html; charset=utf-8"
    assert plain.get_json()["description"] in said(page.text)


@pytest.mark.parametrize("f", ["json", "CoverageJSON", "nonsense"])
def test_who_asks_for_another_format_gets_a_failure_as_json(client: FlaskClient, f: str) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml"}
    failure = client.get(f"/collections/ostia/position?coords=POINT(0 100)&f={f}", headers=browser)
    assert failure.content_type == "application/json"


@pytest.mark.parametrize("path", [*PATHS, "/explorer", "/nowhere", "/collections/ostia/position?coords=POINT(-30 1)"])
def test_the_policy_of_every_page_allows_this_service_alone(client: FlaskClient, path: str) -> None:
    page = client.get(path, headers={"Accept": "text/html,application/xhtml+xml"})
    policy = page.headers["Content-Security-Policy"]
    sources = {word for part in policy.split(";") for word in part.split()[1:]}
    assert sources <= {"'self'", "'none'", "data:"}


def test_the_first_page_leads_to_each_collection_and_to_its_map(client: FlaskClient) -> None:
    page, titles = client.get("/?f=html").text, client.get("/collections?f=json").get_json()["collections"]
    for collection in titles:
        assert collection["title"] in said(page)
        assert f'href="/explorer?collection={collection["id"]}"' in page
        assert f'href="/collections/{collection["id"]}"' in page
