"""The pages beside the explorer in a browser: their programs add to them, ask nobody else, and show the numbers of the store."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest
import xarray as xr

from .conftest import ROOT, Explorer, explored

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

OSTIA, WOA = "/collections/ostia", "/collections/woa"
SERIES = f"{OSTIA}/position?coords=POINT(-30 1)&f=html"
BOX = f"{OSTIA}/cube?bbox=-40,-5,-20,5&datetime=2008-01/2008-03&f=html"
CIRCLE = f"{OSTIA}/radius?coords=POINT(-30 1)&within=300&within-units=km&datetime=2008-07&f=html"
DATA = {
    "series": (SERIES, "Chart: Over time"),
    "points": (f"{OSTIA}/position?coords=MULTIPOINT((-30 1),(-20 2))&datetime=2008-07&f=html", "Map."),
    "profile": (f"{WOA}/position?coords=POINT(-30 1)&datetime=../..&f=html", "Chart: By level"),
    "box": (BOX, "Map."),
    "circle": (CIRCLE, "Map."),
    "line": (f"{WOA}/trajectory?coords=LINESTRING(-40 0,-30 5,-20 10)&f=html", "Chart: Section by level"),
    "mercator": (
        f"{OSTIA}/cube?bbox=-4000000,-500000,-3000000,500000&crs=EPSG:3857&datetime=2008-07&f=html",
        "Chart: As cells",
    ),
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
def plain(browser: Browser, demo: str) -> Iterator[Explorer]:
    yield from explored(browser, demo, java_script_enabled=False)


def test_the_other_pages_ask_this_service_alone(explorer: Explorer) -> None:
    for path in OTHERS.values():
        explorer.page.goto(explorer.service + path)
        assert explorer.page.locator("h1").inner_text()


def test_what_the_policy_refuses_is_seen_of_a_page_that_was_left(explorer: Explorer) -> None:
    explorer.page.goto(explorer.service + OTHERS["landing"])
    explorer.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), { textContent: '1' }))"
    )
    explorer.page.goto(explorer.service + OTHERS["collections"])
    explorer.until(lambda: bool(explorer.faults))
    assert explorer.faults.pop().startswith("script-src")


@pytest.mark.parametrize(("path", "drawing"), DATA.values(), ids=DATA)
def test_an_answer_is_drawn_from_the_address_that_is_shown(explorer: Explorer, path: str, drawing: str) -> None:
    opened(explorer, path)
    shown = explorer.page.locator("#result-url").inner_text()
    assert [url for url in explorer.data_requests() if "f=CoverageJSON" in url] == [shown]
    assert not [url for url in explorer.requests if "f=PNG" in url]  # a picture that nobody looks at
    assert explorer.page.locator(f"#result-drawing [aria-label^='{drawing}']").is_visible()


def test_a_series_is_that_of_the_store(explorer: Explorer, temperature: xr.DataArray) -> None:
    expected = temperature.sel(latitude=1, longitude=330, method="nearest").to_numpy()
    text = summary(opened(explorer, SERIES))
    count, low, high = re.findall(r"[\d.]+", text)[:3]
    assert int(count) == np.isfinite(expected).sum()
    assert [float(low), float(high)] == pytest.approx([np.nanmin(expected), np.nanmax(expected)], abs=0.01)


def test_a_profile_is_that_of_the_store_with_its_unit(explorer: Explorer) -> None:
    with xr.open_zarr(ROOT / "data/woa.zarr", chunks=None, decode_times=False) as dataset:
        month = dataset["TEMP"].isel(month=0).sel(lat=1, lon=330, method="nearest").to_numpy()
    text = summary(opened(explorer, DATA["profile"][0]))
    count, low, high, unit = re.findall(r"[\d.]+|degC", text)
    assert (int(count), unit) == (np.isfinite(month).sum(), "degC")
    assert [float(low), float(high)] == pytest.approx([np.nanmin(month), np.nanmax(month)], abs=0.001)


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
    [(SERIES, "/position?coords=POINT(-30%201)"), (BOX, "/cube?bbox=-40,-5,-20,5"), (CIRCLE, "/radius?")],
    ids=["point", "box", "circle"],
)
def test_the_explorer_opens_with_the_same_question(explorer: Explorer, path: str, asked: str) -> None:
    opened(explorer, path).page.locator("#result-explorer").click()
    explorer.page.locator("#explorer[data-ready]").wait_for()
    assert explorer.page.locator("#faults").inner_text() == ""
    assert f"/collections/ostia{asked}" in explorer.url


def test_the_explorer_opens_at_a_named_place(explorer: Explorer) -> None:
    opened(explorer, f"{WOA}/locations/bermuda?f=html").page.locator("#result-explorer").click()
    explorer.page.locator("#explorer[data-ready]").wait_for()
    assert re.search(r"/woa/position\?coords=POINT\(-6[45](\.\d+)?%203[123](\.\d+)?\)", explorer.url)


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
    button.click()
    explorer.page.locator("#result-drawing .summary:visible").wait_for()
    assert not explorer.page.locator("figure.chart").is_visible()


def test_after_a_failure_a_drawing_takes_the_place_of_the_picture(explorer: Explorer) -> None:
    fail = "**/position?*f=CoverageJSON"
    explorer.page.route(fail, lambda route: route.fulfill(status=503, json={"description": "Not now."}))
    explorer.page.goto(explorer.service + SERIES)
    explorer.page.locator("#result-state", has_text="Not now.").wait_for()
    explorer.page.unroute(fail)
    explorer.page.get_by_role("button", name="Try again").click()
    explorer.page.locator("#result-drawing .summary:visible").wait_for()
    assert not explorer.page.locator("figure.chart").is_visible()


def test_an_answer_that_cannot_be_drawn_is_told_and_leaves_the_picture(explorer: Explorer) -> None:
    broken = {"type": "Coverage", "domain": {}, "ranges": {"surface_temperature": {}}}
    explorer.page.route("**/position?*f=CoverageJSON", lambda route: route.fulfill(json=broken))
    explorer.page.goto(explorer.service + SERIES)
    explorer.page.locator("#result-state", has_text="could not be drawn").wait_for()
    assert explorer.page.locator("figure.chart img").is_visible()


def operation_of(page: Explorer) -> Locator:
    """The position query of the first collection on the page of the API, opened."""
    page.page.goto(f"{page.service}/openapi?f=html")
    page.page.locator("#operations .opblock-tag", has_text="ostia").click()
    found = page.page.locator("#operations .opblock-get", has_text="/collections/ostia/position").first
    found.locator(".opblock-summary-control").click()
    return found


def test_an_operation_of_the_api_can_be_tried(explorer: Explorer, temperature: xr.DataArray) -> None:
    operation = operation_of(explorer)
    operation.get_by_role("button", name="Try it out").click()
    operation.locator("tr[data-param-name=coords] input").fill("POINT(-30 1)")
    operation.locator("tr[data-param-name=datetime] input").fill("2008-07")
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table .response-col_description pre").first
    answer.wait_for()
    expected = temperature.sel(time="2008-07").sel(latitude=1, longitude=330, method="nearest")
    values = json.loads(answer.inner_text())["ranges"]["surface_temperature"]["values"]
    assert values == pytest.approx(expected.to_numpy(), abs=1e-4)


@pytest.mark.parametrize(
    "path", [SERIES, BOX, "/openapi?f=html", f"{WOA}?f=html"], ids=["series", "box", "api", "collection"]
)
def test_a_phone_needs_no_scrolling_sideways(phone: Explorer, path: str) -> None:
    phone.page.goto(phone.service + path)
    phone.page.locator("#result-drawing .summary:visible, #operations .opblock-tag, body.collection").first.wait_for()
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_phone_shows_an_operation_without_scrolling_sideways(phone: Explorer) -> None:
    operation_of(phone).get_by_role("button", name="Try it out").click()
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_of_a_section_every_time_can_be_chosen(explorer: Explorer) -> None:
    opened(explorer, DATA["line"][0])
    seen = {summary(explorer)}
    for month in range(1, 12):
        explorer.page.locator("#result-time").fill(str(month))
        seen.add(summary(explorer))
    assert len(seen) == 12


@pytest.mark.parametrize("path", [SERIES, CIRCLE], ids=["chart", "map"])
def test_axe_finds_nothing_serious_in_an_answer(explorer: Explorer, axe: str, path: str) -> None:
    assert opened(explorer, path).serious(axe) == []


def test_axe_finds_nothing_serious_in_the_page_of_the_api(explorer: Explorer, axe: str) -> None:
    operation_of(explorer).get_by_role("button", name="Try it out").wait_for()
    assert explorer.serious(axe) == []
