"""What is seen belongs to what is chosen, also where answers are slow, fail, or come after something else was chosen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from .conftest import Explorer
from .test_request import refuse
from .test_view import pixels

if TYPE_CHECKING:
    from playwright.sync_api import Route


def hold(explorer: Explorer, pattern: str) -> list[Route]:
    """Requests to be answered once the test says so."""
    held: list[Route] = []
    explorer.page.route(re.compile(pattern), lambda route: held.append(route))  # noqa: PLW0108  # Playwright marks it
    return held


def without_cube(route: Route) -> None:
    """The list of collections, in which one has no cube."""
    response = route.fetch()
    document = response.json()
    for collection in document["collections"]:
        if collection["id"] == "woa":
            del collection["data_queries"]["cube"]
    route.fulfill(response=response, json=document)


def set_slider(explorer: Explorer, **values: int) -> None:
    """Move sliders at once."""
    script = """values => { for (const [id, value] of Object.entries(values)) {
      const slider = document.getElementById(id)
      slider.value = value
      slider.dispatchEvent(new Event('input'))
    } }"""
    explorer.page.evaluate(script, values)


# --- the picture ---------------------------------------------------------------------------------------------------


def test_a_collection_without_a_picture_does_not_get_that_of_another(explorer: Explorer) -> None:
    explorer.page.route(re.compile(r"/collections\?f=json"), without_cube)
    held = hold(explorer, "/era5ens/cube")
    explorer.page.goto(f"{explorer.service}/explorer?collection=era5ens")
    explorer.until(lambda: bool(held))
    explorer.page.locator("#collection").select_option("woa")
    explorer.page.locator("#map-state", has_text="has no cube query").wait_for()
    held[0].continue_()
    explorer.page.wait_for_timeout(500)
    assert pixels(explorer, "field")[0] == 0
    assert explorer.page.locator("#legend").inner_text() == ""
    assert "has no cube query" in explorer.page.locator("#map-state").inner_text()


def test_a_request_of_a_map_that_is_no_more_is_not_offered(explorer: Explorer) -> None:
    explorer.page.route(re.compile(r"/collections\?f=json"), without_cube)
    explorer.open("?collection=ostia")
    explorer.page.locator("#collection").select_option("woa")
    explorer.until(lambda: explorer.url == "")
    assert explorer.page.locator("#downloads a").count() == 0


def test_the_picture_of_another_time_goes_when_the_next_fails(explorer: Explorer) -> None:
    explorer.open("?collection=woa&at=-30,0,3")
    explorer.page.mouse.move(*explorer.at(0.5, 0.5))
    explorer.page.route(re.compile("/woa/cube"), refuse)
    set_slider(explorer, time=3)
    explorer.page.locator("#map-state", has_text="busy").wait_for()
    assert pixels(explorer, "field")[0] == 0
    assert "degC" not in explorer.page.locator("#under").inner_text()


def test_the_picture_of_another_time_goes_when_the_next_is_given_up(explorer: Explorer) -> None:
    explorer.open("?collection=woa")
    hold(explorer, "/woa/cube")
    set_slider(explorer, time=3)
    explorer.press("Cancel")
    explorer.page.locator("#map-state", has_text="Cancelled").wait_for()
    assert pixels(explorer, "field")[0] == 0


def test_the_picture_of_another_parameter_does_not_wait_beneath_the_new_name(explorer: Explorer) -> None:
    explorer.open("?collection=era5ens&parameter=t")
    hold(explorer, "parameter-name=z")
    explorer.page.locator("#parameter").select_option("z")
    explorer.page.locator("#map-state progress").wait_for()
    assert pixels(explorer, "field")[0] == 0


def test_a_window_that_grows_is_filled(explorer: Explorer) -> None:
    explorer.page.set_viewport_size({"width": 700, "height": 700})
    explorer.open("?collection=ostia&at=-30,0,5")
    before = explorer.data_requests()
    explorer.page.set_viewport_size({"width": 1800, "height": 1100})
    explorer.until(lambda: len(explorer.data_requests()) > len(before))
    assert set(explorer.data_requests()[len(before) :]).isdisjoint(before)


def test_a_map_turned_round_and_round_asks_and_links_as_before(explorer: Explorer) -> None:
    explorer.open("?collection=ostia&at=-30,0,2")
    for _ in range(6):
        explorer.drag((0.98, 0.3), (0.02, 0.3))
        explorer.page.wait_for_timeout(300)
    explorer.click((0.5, 0.5))
    explorer.page.locator("#chart-state > *, #told > *").first.wait_for()
    explorer.until(lambda: "at=-30," not in explorer.page.url)
    x, _, _ = re.findall(r"[-\d.]+", explorer.page.url.partition("&at=")[2])[:3]
    assert -180 <= float(x) <= 180
    fields = [url for url in explorer.data_requests() if "/cube?" in url]
    explorer.open("?" + explorer.page.url.partition("?")[2])
    assert [url for url in explorer.data_requests() if "/cube?" in url][len(fields) :] == [fields[-1]]


# --- what was chosen -----------------------------------------------------------------------------------------------


def test_a_collection_that_was_chosen_later_stays(explorer: Explorer) -> None:
    explorer.open("?collection=woa")
    held = hold(explorer, "/seasonal/instances")
    explorer.page.locator("#collection").select_option("seasonal")
    explorer.until(lambda: bool(held))
    explorer.page.locator("#collection").select_option("ostia")
    explorer.until(lambda: "collection=ostia" in explorer.page.url)
    held[0].continue_()
    explorer.page.wait_for_timeout(700)
    assert explorer.page.locator("#collection").input_value() == "ostia"
    assert "collection=ostia" in explorer.page.url


def test_what_is_chosen_while_runs_are_awaited_is_kept(explorer: Explorer) -> None:
    explorer.open("?collection=woa")
    held = hold(explorer, "/seasonal/instances")
    explorer.page.locator("#collection").select_option("seasonal")
    explorer.until(lambda: bool(held))
    explorer.page.get_by_text("Colours", exact=True).click()
    explorer.page.locator("#palette").select_option("magma")
    held[0].continue_()
    explorer.until(lambda: "collection=seasonal" in explorer.page.url and "palette=magma" in explorer.page.url)
    explorer.page.go_back()
    explorer.until(lambda: "collection=woa" in explorer.page.url)


def test_going_back_is_not_undone_by_what_was_to_be_written(explorer: Explorer) -> None:
    explorer.open("?collection=woa")
    held = hold(explorer, "/seasonal/instances")
    back = "history.pushState(null, '', '?collection=ostia'); history.replaceState(null, '', '?collection=seasonal')"
    explorer.page.evaluate(f"{back}; history.pushState(null, '', '?collection=woa')")
    set_slider(explorer, time=3)
    explorer.page.wait_for_timeout(120)  # it rests, and is yet to be written
    explorer.page.evaluate("history.back()")
    explorer.until(lambda: bool(held))
    explorer.page.wait_for_timeout(400)
    assert explorer.page.url.endswith("?collection=seasonal")
    held[0].continue_()
    explorer.until(lambda: explorer.page.locator("#collection").input_value() == "seasonal")


def test_two_sliders_that_are_moved_together_both_count(explorer: Explorer) -> None:
    explorer.open("?collection=woa")
    set_slider(explorer, time=2, level=0)
    explorer.until(lambda: "datetime=0000-03" in explorer.url)
    assert "&z=1000&" in explorer.url


@pytest.mark.parametrize(("search", "slider"), [("?collection=ostia", "time"), ("?collection=woa", "level")])
def test_a_chart_stays_while_a_slider_moves_along_its_axis(explorer: Explorer, search: str, slider: str) -> None:
    explorer.open(search).click((0.45, 0.5))
    explorer.table()
    explorer.page.locator("#chart .uplot").first.evaluate("plot => { plot.id = 'the-same' }")
    before = len(explorer.data_requests())
    set_slider(explorer, **{slider: 1})
    explorer.until(lambda: len(explorer.data_requests()) > before)
    explorer.page.wait_for_timeout(300)
    assert explorer.page.locator("#the-same").count() == 1
    assert explorer.page.locator("#chart table.data").is_visible()


# --- requests ------------------------------------------------------------------------------------------------------


def test_a_download_goes_on_while_the_reader_looks_around(explorer: Explorer) -> None:
    explorer.open("?collection=woa")
    held = hold(explorer, "f=NetCDF")
    explorer.page.locator("#downloads").get_by_role("link", name="NetCDF", exact=True).click()
    explorer.page.locator("#download-state progress").wait_for()
    explorer.drag((0.5, 0.5), (0.55, 0.5))
    set_slider(explorer, time=3)
    explorer.until(lambda: "datetime=0000-04" in explorer.url)
    with explorer.page.expect_download() as expected:
        held[0].continue_()
    assert expected.value.suggested_filename == "woa-cube-0000-12-16T012006-level0.nc"


@pytest.mark.parametrize("chosen", ["#code-language", "#downloads a:text-is('CSV')"])
def test_the_focus_stays_while_the_request_changes(explorer: Explorer, chosen: str) -> None:
    explorer.open("?collection=woa")
    explorer.page.locator(chosen).focus()
    set_slider(explorer, time=3)
    explorer.until(lambda: "datetime=0000-04" in explorer.url)
    assert explorer.page.locator(chosen).evaluate("element => element === document.activeElement")
    assert "0000-04" in explorer.page.locator("#snippets code").inner_text()


def api_of(explorer: Explorer) -> str:
    """The address of the module that asks."""
    assets = explorer.page.locator("#explorer").get_attribute("data-assets") or ""
    return assets.removesuffix("vendor") + "explorer/api.js"


def test_a_file_tells_how_much_of_it_has_come(explorer: Explorer) -> None:
    script = """async ([api, url]) => {
      const told = []
      const file = await (await import(api)).askFile(url, { progress: bytes => told.push(bytes) })
      return [told.at(-1), file.size, file.type]
    }"""
    explorer.open("?collection=woa")
    url = explorer.url.replace("f=CoverageJSON", "f=CSV")
    told, size, kind = explorer.page.evaluate(script, [api_of(explorer), url])
    assert told == size > 1000
    assert kind.startswith("text/csv")


TWO = """async ([api, url]) => {
  const { ask } = await import(api)
  window.both = [new AbortController(), new AbortController()]
  window.ended = both.map(({ signal }) => ask(url, { signal }).then(() => 'answered', error => error.name))
}"""


def test_who_joins_a_request_keeps_it_when_the_other_gives_up(explorer: Explorer) -> None:
    explorer.open("?collection=woa")
    held = hold(explorer, "/woa/position")
    url = f"{explorer.service}/collections/woa/position?coords=POINT(-30 1)&f=CoverageJSON"
    explorer.page.evaluate(TWO, [api_of(explorer), url])
    explorer.until(lambda: bool(held))
    explorer.page.evaluate("both[0].abort()")
    held[0].continue_()
    assert explorer.page.evaluate("Promise.all(ended)") == ["AbortError", "answered"]
    assert len(held) == 1


def test_a_request_that_nobody_waits_for_is_given_up(explorer: Explorer) -> None:
    explorer.open("?collection=woa")
    held = hold(explorer, "/woa/position")
    url = f"{explorer.service}/collections/woa/position?coords=POINT(-30 1)&f=CoverageJSON"
    explorer.page.evaluate(TWO, [api_of(explorer), url])
    explorer.until(lambda: bool(held))
    with explorer.page.expect_event("requestfailed"):
        explorer.page.evaluate("both.forEach(each => each.abort())")
    assert explorer.page.evaluate("Promise.all(ended)") == ["AbortError", "AbortError"]
