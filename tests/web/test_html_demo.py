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
