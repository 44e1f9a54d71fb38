"""What is seen without a click, what the page's address holds, and how often the API is asked."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from .conftest import Explorer

if TYPE_CHECKING:
    from playwright.sync_api import Route

WHOLE = (
    "?collection=era5ens&parameter=z&also=t&datetime=2017-01-01T12:00:00Z&z=850&dim-number=3"
    "&draw=points:-30+1,20+40&chart=series&at=10,20,1.5&palette=cividis&range=10000,16000"
)


def pixels(explorer: Explorer, pane: str) -> list[int]:
    """How many pixels of a layer of the map are painted, and how many colours they have."""
    script = """pane => {
      const canvas = document.querySelector(`.leaflet-${pane}-pane canvas`)
      const data = new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)
      return [data.reduce((sum, value) => sum + (value ? 1 : 0), 0), new Set(data).size]
    }"""
    found: list[int] = explorer.page.evaluate(script, pane)
    return found


def test_the_first_view_is_a_picture_of_the_first_collection(explorer: Explorer) -> None:
    explorer.open()
    painted, colours = pixels(explorer, "field")
    assert explorer.page.locator("#collection").input_value() == "ostia"
    assert painted > 10_000
    assert colours > 100


def test_land_and_coasts_are_drawn_without_tiles(explorer: Explorer) -> None:
    explorer.open()
    explorer.until(lambda: pixels(explorer, "land")[0] > 10_000 and pixels(explorer, "coast")[0] > 5_000)
    assert not explorer.page.locator(".leaflet-tile-pane img").count()


def test_speed_is_told(explorer: Explorer, capsys: pytest.CaptureFixture[str]) -> None:
    start = time.perf_counter()
    explorer.open("?collection=woa")
    ready = time.perf_counter()
    explorer.click((0.4, 0.45))
    explorer.page.locator("#chart .uplot").wait_for()
    drawn = time.perf_counter()
    with capsys.disabled():
        print(f"\nexplorer: ready after {ready - start:.2f} s, click to chart {drawn - ready:.2f} s")
    assert len(explorer.data_requests()) == 2


def test_an_address_opens_the_whole_view(explorer: Explorer) -> None:
    explorer.open(WHOLE)
    explorer.page.wait_for_timeout(500)
    state = {
        name: explorer.page.locator(f"#{name}").input_value()
        for name in ("collection", "parameter", "palette", "low", "high")
    }
    assert state == {"collection": "era5ens", "parameter": "z", "palette": "cividis", "low": "10000", "high": "16000"}
    explorer.until(lambda: explorer.page.url.partition("?")[2] == WHOLE[1:])
    assert "coords=MULTIPOINT((-30%201),(20%2040))&z=850&number=3&parameter-name=z,t" in explorer.url


def test_a_copied_address_shows_the_same_numbers(explorer: Explorer) -> None:
    explorer.open("?collection=woa").click((0.4, 0.45))
    explorer.press("Over time")
    explorer.page.get_by_text("12 values").wait_for()
    before = explorer.url, explorer.table()
    explorer.until(lambda: "chart=series" in explorer.page.url)
    explorer.open("?" + explorer.page.url.partition("?")[2])
    assert (explorer.url, explorer.table()) == before


def test_the_browser_goes_back_to_the_drawing_before(explorer: Explorer) -> None:
    explorer.open("?collection=woa").click((0.4, 0.45))
    explorer.table()
    first = explorer.url
    explorer.click((0.45, 0.5))
    explorer.until(lambda: explorer.url != first)
    explorer.page.go_back()
    explorer.until(lambda: explorer.url == first)


@pytest.mark.parametrize(
    ("search", "words"),
    [
        ("?collection=nope", 'There is no collection "nope".'),
        ("?collection=woa&parameter=nope", 'There is no parameter "nope" here.'),
        ("?collection=woa&datetime=1999", 'There is no time "1999" here.'),
        ("?collection=seasonal&run=nope", 'There is no run "nope"; this is the latest.'),
        ("?collection=woa&draw=point:1", "What the address wants drawn was not understood"),
        ("?collection=woa&draw=point:1+95", "95 is not a latitude"),
    ],
)
def test_an_address_that_asks_for_what_is_not_there_is_told_so(explorer: Explorer, search: str, words: str) -> None:
    explorer.open(search)
    assert words in explorer.page.locator("#faults").inner_text()


def test_the_level_has_the_surface_of_the_sea_on_top(explorer: Explorer) -> None:
    explorer.open("?collection=woa")
    box = explorer.page.locator("#level").bounding_box()
    assert box is not None
    explorer.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] - 3)
    explorer.page.locator("#level-text", has_text="1000 m").wait_for()
    explorer.page.keyboard.press("ArrowUp")
    assert explorer.page.locator("#level-text").inner_text() == "900 m"


def test_a_forecast_run_is_asked_as_an_instance(explorer: Explorer) -> None:
    explorer.open("?collection=seasonal").click((0.5, 0.5))
    explorer.page.locator("#run").select_option("20151209T0000Z")
    explorer.until(lambda: "/instances/20151209T0000Z/position?" in explorer.url)


def test_a_slider_that_is_moved_fast_asks_once(explorer: Explorer) -> None:
    explorer.open()
    move = "slider => { for (let i = 0; i < 20; i++) { slider.value = i; slider.dispatchEvent(new Event('input')) } }"
    explorer.page.locator("#time").evaluate(move)
    explorer.page.wait_for_timeout(500)
    assert len(explorer.data_requests()) == 2


def test_nothing_is_asked_twice(explorer: Explorer) -> None:
    explorer.open("?collection=woa").click((0.4, 0.45))
    explorer.table()
    explorer.page.locator("#time").press("ArrowLeft")
    explorer.until(lambda: len(explorer.data_requests()) == 4)
    explorer.page.locator("#time").press("ArrowRight")
    explorer.until(lambda: "0000-12" in explorer.url)
    explorer.press("Over time")
    explorer.press("By level")
    explorer.page.locator("#palette").evaluate(
        "select => { select.value = 'magma'; select.dispatchEvent(new Event('change')) }"
    )
    explorer.page.wait_for_timeout(500)
    asked = explorer.data_requests()
    assert len(asked) == len(set(asked)) == 5


def test_play_steps_through_the_times(explorer: Explorer) -> None:
    explorer.open("?collection=woa")
    explorer.press("Play")
    explorer.until(lambda: len(explorer.data_requests()) > 3)
    explorer.press("Stop")
    months = [url.partition("datetime=0000-")[2][:2] for url in explorer.data_requests()]
    assert months[:4] == ["12", "01", "02", "03"]


def test_play_ends_where_the_service_does(explorer: Explorer) -> None:
    explorer.open("?collection=woa")
    asked: list[str] = []

    def gone(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    explorer.page.route(re.compile("/woa/cube"), gone)
    explorer.press("Play")
    explorer.page.get_by_text("The service does not answer.").wait_for()
    explorer.page.get_by_role("button", name="Play", exact=True).wait_for()
    explorer.page.wait_for_timeout(1200)  # for more than two further times
    assert len(asked) == 1


def test_a_closer_look_asks_for_finer_cells(explorer: Explorer) -> None:
    explorer.open()
    explorer.page.mouse.move(*explorer.at(0.5, 0.5))
    for _ in range(4):
        explorer.page.mouse.wheel(0, -300)
        explorer.page.wait_for_timeout(200)
    explorer.until(lambda: "bbox=-180," not in explorer.data_requests()[-1])
