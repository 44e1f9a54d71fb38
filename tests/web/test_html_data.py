"""Answers to queries as pages."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
import xarray as xr

from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.model import Collection
from zarr_edr.dataset.source import open_group
from zarr_edr.engine import answer
from zarr_edr.query.request import build_query
from zarr_edr.settings import CollectionSettings
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
