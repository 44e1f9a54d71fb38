"""The pages beside the explorer in a browser: their programs add to them, ask nobody else, and show the numbers of the store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest
import xarray as xr

from .conftest import ROOT, Explorer, explored
from .test_access import axe  # noqa: F401  # a fixture

if TYPE_CHECKING:
    from playwright.sync_api import Browser

OSTIA, WOA = "/collections/ostia", "/collections/woa"
SERIES = f"{OSTIA}/position?coords=POINT(-30 1)&f=html"
BOX = f"{OSTIA}/cube?bbox=-40,-5,-20,5&datetime=2008-01/2008-03&f=html"
DATA = {
    "series": (SERIES, "Over time"),
    "points": (f"{OSTIA}/position?coords=MULTIPOINT((-30 1),(-20 2))&datetime=2008-07&f=html", "Points on the map"),
    "profile": (f"{WOA}/position?coords=POINT(-30 1)&datetime=../..&f=html", "By level"),
    "box": (BOX, ""),
    "circle": (f"{OSTIA}/radius?coords=POINT(-30 1)&within=300&within-units=km&datetime=2008-07&f=html", ""),
    "line": (f"{WOA}/trajectory?coords=LINESTRING(-40 0,-30 5,-20 10)&f=html", "Section by level"),
    "mercator": (f"{OSTIA}/cube?bbox=-4000000,-500000,-3000000,500000&crs=EPSG:3857&datetime=2008-07&f=html", ""),
}
OTHERS = {
    "landing": "/?f=html",
    "conformance": "/conformance?f=html",
    "collections": "/collections?f=html",
    "collection": f"{WOA}?f=html",
    "instances": "/collections/seasonal/instances?f=html",
    "instance": "/collections/seasonal/instances/20160201T0000Z?f=html",
    "locations": f"{WOA}/locations?f=html",
    "processes": "/processes?f=html",
    "nothing": "/collections/nowhere",
}


def opened(page: Explorer, path: str) -> Explorer:
    """A page of data, once its values are drawn."""
    page.page.goto(page.service + path)
    page.page.locator("#result-drawing :is(.summary, .single)").first.wait_for()
    return page


def summary(page: Explorer) -> str:
    return page.page.locator("#result-drawing :is(.summary, .single):visible").inner_text()


@pytest.fixture(scope="module")
def temperature() -> Iterator[xr.DataArray]:
    with xr.open_zarr(ROOT / "data/ostia.zarr", chunks=None) as dataset:
        yield dataset["surface_temperature"].load()


@pytest.fixture
def phone(browser: Browser, demo: str) -> Iterator[Explorer]:
    yield from explored(browser, demo, viewport={"width": 360, "height": 740}, has_touch=True)


@pytest.fixture
def plain(browser: Browser, demo: str) -> Iterator[Explorer]:
    yield from explored(browser, demo, java_script_enabled=False)


def test_the_other_pages_ask_this_service_alone(explorer: Explorer) -> None:
    for path in OTHERS.values():
        explorer.page.goto(explorer.service + path)
        assert explorer.page.locator("h1").inner_text()


@pytest.mark.parametrize(("path", "way"), DATA.values(), ids=DATA)
def test_an_answer_is_drawn_from_the_address_that_is_shown(explorer: Explorer, path: str, way: str) -> None:
    opened(explorer, path)
    shown = explorer.page.locator("#result-url").inner_text()
    assert [url for url in explorer.data_requests() if "f=CoverageJSON" in url] == [shown]
    assert not [url for url in explorer.requests if "f=PNG" in url]  # a picture that nobody looks at
    if way:
        assert explorer.page.get_by_role("button", name=way, exact=True).get_attribute("aria-pressed") == "true"


def test_a_series_is_that_of_the_store(explorer: Explorer, temperature: xr.DataArray) -> None:
    expected = temperature.sel(latitude=1, longitude=330, method="nearest").to_numpy()
    text = summary(opened(explorer, SERIES))
    count, low, high = re.findall(r"[\d.]+", text)[:3]
    assert int(count) == np.isfinite(expected).sum()
    assert [float(low), float(high)] == pytest.approx([np.nanmin(expected), np.nanmax(expected)], abs=0.01)


@pytest.mark.parametrize("step", [0, 2])
def test_a_map_shows_the_value_of_the_cell_and_time(explorer: Explorer, temperature: xr.DataArray, step: int) -> None:
    opened(explorer, BOX).page.locator("#result-time").fill(str(step))
    explorer.page.mouse.move(*explorer.at(0.4, 0.6))
    text = explorer.page.locator("#under").inner_text()
    latitude, longitude, value = re.findall(r"([\d.]+)", text)[:3]
    x, y = -float(longitude), float(latitude) * (-1 if "S" in text else 1)
    times = temperature.sel(time=slice("2008-01", "2008-03"))
    expected = times.isel(time=step).sel(latitude=y, longitude=x % 360, method="nearest")
    assert float(value) == pytest.approx(float(expected), abs=0.01)


@pytest.mark.parametrize(
    ("path", "asked"),
    [(SERIES, "/position?coords=POINT(-30%201)"), (BOX, "/cube?bbox=-40,-5,-20,5"), (DATA["circle"][0], "/radius?")],
    ids=["point", "box", "circle"],
)
def test_the_explorer_opens_with_the_same_question(explorer: Explorer, path: str, asked: str) -> None:
    opened(explorer, path).page.locator("#result-explorer").click()
    explorer.page.locator("#explorer[data-ready]").wait_for()
    assert explorer.page.locator("#faults").inner_text() == ""
    assert f"/collections/ostia{asked}" in explorer.url


def test_without_a_program_the_picture_and_the_table_are_there(plain: Explorer) -> None:
    plain.page.goto(plain.service + SERIES)
    assert plain.page.locator("figure.chart img").is_visible()
    assert plain.page.locator("table.data").is_visible()
    assert not plain.page.locator("#result").is_visible()


def test_what_the_api_refuses_is_told_and_the_picture_comes_back(explorer: Explorer) -> None:
    explorer.page.route(
        "**/position?*f=CoverageJSON", lambda r: r.fulfill(status=400, json={"description": "Not now."})
    )
    explorer.page.goto(explorer.service + SERIES)
    explorer.page.locator("#result-state", has_text="Not now.").wait_for()
    assert explorer.page.locator("figure.chart img").is_visible()


def test_many_values_are_drawn_when_that_is_asked_for(explorer: Explorer) -> None:
    explorer.page.goto(f"{explorer.service}{OSTIA}/cube?bbox=-180,-90,180,90&f=html")
    button = explorer.page.get_by_role("button", name="Draw them here all the same")
    button.wait_for()
    assert explorer.page.locator("figure.chart").is_visible()
    assert not [url for url in explorer.requests if "f=CoverageJSON" in url]


def test_an_operation_of_the_api_can_be_tried(explorer: Explorer) -> None:
    explorer.page.goto(f"{explorer.service}/openapi?f=html")
    explorer.page.locator("#operations-Capabilities-getConformance, [id$=onformance] .opblock-summary").first.wait_for()


@pytest.mark.parametrize(
    "path", [SERIES, BOX, "/openapi?f=html", f"{WOA}?f=html"], ids=["series", "box", "api", "collection"]
)
def test_a_phone_needs_no_scrolling_sideways(phone: Explorer, path: str) -> None:
    phone.page.goto(phone.service + path)
    phone.page.locator("#result-drawing .summary:visible, #operations .opblock-tag, section.queries").first.wait_for()
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("path", [SERIES, BOX], ids=["series", "box"])
def test_axe_finds_nothing_serious_in_an_answer(explorer: Explorer, axe: str, path: str) -> None:  # noqa: F811
    opened(explorer, path).page.evaluate(f"{axe}; 0")
    found = explorer.page.evaluate("axe.run()")["violations"]
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    assert [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in serious] == []
