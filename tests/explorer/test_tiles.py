"""A map of the operator's beneath the data: in Mercator's projection, and from nowhere else."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from zarr_edr.testing.server import served

from .conftest import ROOT, explored

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

TILE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    demo = yaml.safe_load((ROOT / "config/demo.yml").read_text())
    tiles = {"url": "https://tiles.example/{z}/{x}/{y}.png", "attribution": "somebody's map", "explorer": True}
    config = tmp_path_factory.mktemp("tiles") / "config.yml"
    config.write_text(yaml.safe_dump({**demo, "server": {"map": tiles}}))
    with served(Path(config), folder=ROOT) as server:
        yield server.url


def test_tiles_of_the_operator_lie_beneath_the_data(browser: Browser, service: str) -> None:
    asked: list[str] = []

    def tile(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(body=TILE, content_type="image/png")

    for explorer in explored(browser, service):
        explorer.page.route("https://tiles.example/**", tile)
        explorer.open("?collection=woa&at=-30,0,2")
        explorer.page.locator(".leaflet-tile-loaded").first.wait_for()
        explorer.page.get_by_text("somebody's map").wait_for()
        explorer.click((0.5, 0.5))
        explorer.table()
        assert "coords=POINT(-3" in explorer.url
    assert asked


def test_values_are_where_the_map_says_in_mercator_too(browser: Browser, service: str) -> None:
    for explorer in explored(browser, service):
        explorer.page.route(
            "https://tiles.example/**", lambda route: route.fulfill(body=TILE, content_type="image/png")
        )
        explorer.open("?collection=woa&at=-30,60,3")
        x, y = explorer.at(0.5, 0.5)
        explorer.page.mouse.move(x, y)
        there = explorer.page.locator("#under").inner_text()
        explorer.page.mouse.move(x, y - 60)
        assert there.startswith(("60", "59.9"))
        assert explorer.page.locator("#under").inner_text() > there
