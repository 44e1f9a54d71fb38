"""docs/formats.md has the table of what was read back, of every query in every format.

`ZARR_EDR_WRITE=1` writes it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from zarr_edr.encode import ENCODERS
from zarr_edr.testing.format_table import READERS, agrees, facts_of_covjson, table
from zarr_edr.web.html_coverage import MAX_ROWS
from zarr_edr.web.offer import format_names

DOCUMENT = Path(__file__).parents[2] / "docs/formats.md"
BEGIN, END = "<!-- written by tests/web/test_format_table.py -->\n", "<!-- end -->\n"
ASKED = {
    "position": ("/position", {"coords": "MULTIPOINT((-30 1),(10.4 2),(100 80))"}),
    "radius": ("/radius", {"coords": "POINT(-30 1)", "within": "200", "within-units": "km"}),
    "area": ("/area", {"coords": "POLYGON((-31 -2,-27 -2,-29 2,-31 -2))"}),
    "cube": ("/cube", {"bbox": "-31,-1,-28,1"}),
    "trajectory": ("/trajectory", {"coords": "LINESTRING(-30 1,-28 2,-27 2)"}),
    "corridor": ("/corridor", {"coords": "LINESTRING(-30 1,-28 2)", "corridor-width": "200", "width-units": "km"}),
    "locations": ("/locations/{place}", {}),
    "items": ("/items/{place}", {}),
}
PAIRS = [(name, query) for query in ASKED for name in format_names(query)]
verified: dict[tuple[str, str], bool] = {}


def asked(client: FlaskClient, query: str, f: str) -> bytes:
    path, parameters = ASKED[query]
    place = client.get("/collections/ostia/locations?f=json").get_json()["features"][0]["id"]
    given = {**parameters, "datetime": "2008-07", "f": f}
    answer = client.get(f"/collections/ostia{path.format(place=place)}", query_string=given)
    assert answer.status_code == 200
    return bytes(answer.data)


@pytest.mark.parametrize(("name", "query"), PAIRS, ids=lambda value: value)
def test_what_is_read_back_is_what_coveragejson_says(client: FlaskClient, name: str, query: str) -> None:
    shown = MAX_ROWS if name == "HTML" else None
    expected = facts_of_covjson(asked(client, query, "CoverageJSON"), shown)
    assert expected
    verified[name, query] = agrees(name, asked(client, query, name), expected)
    assert verified[name, query]


def test_every_format_has_a_reader() -> None:
    assert {encoder.name for encoder in ENCODERS} | {"HTML"} == READERS.keys()


def test_the_table_in_the_documentation_is_what_was_found() -> None:
    if verified.keys() != {*PAIRS}:
        pytest.skip("the whole file must run for this")
    head, _, rest = DOCUMENT.read_text().partition(BEGIN)
    old, _, tail = rest.partition(END)
    found = table(ASKED, verified)
    if os.environ.get("ZARR_EDR_WRITE"):
        DOCUMENT.write_text(head + BEGIN + found + END + tail)
        return
    assert old == found
