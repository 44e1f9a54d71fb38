"""What is told beside values: which place, time and level they are of, what they stand for, and that there are none."""

from __future__ import annotations

import re

import pytest
import requests

from .conftest import Explorer
from .test_tools import values

MANY = "?collection=era5ens&draw=points:-30+1,20+40&chart=series&every=number&also=z"


def about(explorer: Explorer) -> str:
    """Above the values, once they are there."""
    explorer.page.locator("#chart-about").wait_for()
    return explorer.page.locator("#chart-about").inner_text()


def summary(explorer: Explorer) -> str:
    explorer.page.locator("#chart-summary").wait_for()
    return explorer.page.locator("#chart-summary").inner_text()


@pytest.mark.parametrize(
    ("search", "words"),
    [
        ("woa&draw=point:-53.533+31.277", "31.28°N 53.53°W, the cell of 30.5°N 53.5°W; December"),
        ("woa&draw=point:-53.533+31.277&chart=series&z=50", "31.28°N 53.53°W, the cell of 30.5°N 53.5°W; depth 50 m"),
        ("era5ens&draw=point:-30+0&dim-number=3&z=850", "0°N 30°W; pressure 850 hPa; number 3"),
        ("woa&draw=line:-30+-10,-20+10", "From 10°S 30°W to 10°N 20°W; December; depth 0 m"),
        ("a1b&draw=circle:-90+40,300", "Within 300 km of 40°N 90°W; 2099-06-01"),
    ],
    ids=["profile", "series", "member", "line", "circle"],
)
def test_values_say_of_which_place_time_and_level_they_are(explorer: Explorer, search: str, words: str) -> None:
    assert about(explorer.open(f"?collection={search}")) == words


def test_the_page_of_an_answer_says_which_cell_it_is_of(explorer: Explorer) -> None:
    explorer.page.goto(f"{explorer.service}/collections/woa/position?coords=POINT(-53.5 31.2)&z=50&f=html")
    told = explorer.page.locator("#result-drawing .whereabouts")
    told.wait_for()
    assert told.inner_text() == "The cell of 30.5°N 53.5°W; depth 50 m"


# --- samples and gaps ------------------------------------------------------------------------------------------------


def test_a_sample_says_so_under_the_pointer_and_a_closer_look_does_not(explorer: Explorer) -> None:
    explorer.open("?collection=ostia")
    explorer.page.mouse.move(*explorer.at(0.4, 0.5))
    assert re.search(r" about [\d.]{3,5} K, sampled$", explorer.page.locator("#under").inner_text())
    explorer.open("?collection=ostia&at=-30,0,5")
    explorer.page.mouse.move(*explorer.at(0.5, 0.5))
    assert re.search(r"W +[\d.]{4,6} K$", explorer.page.locator("#under").inner_text())


def test_a_gap_in_a_sample_is_not_told_as_a_gap_of_the_data(explorer: Explorer) -> None:
    explorer.open("?collection=ostia")
    seen = set()
    for share in range(50, 62):
        explorer.page.mouse.move(*explorer.at(share / 100, 0.5))
        seen.add(explorer.page.locator("#under strong").inner_text())
    assert "no value in the sample" in seen
    assert "no value" not in seen


def test_cells_beside_a_shape_are_not_told_as_missing(explorer: Explorer) -> None:
    explorer.open("?collection=a1b&draw=circle:-90+40,300")
    found = [value for value in values(explorer.answer(), "air_temperature") if value is not None]
    low, high = (f"{value:.5g}" for value in (min(found), max(found)))
    expected = f"{len(found)} values; from {low} to {high} K. Cells without a value are left out."
    assert summary(explorer) == expected
    assert len(explorer.table()[1]) == len(found)


@pytest.mark.parametrize("chart", ["profile", "series", "both"])
def test_land_is_told_in_a_sentence_without_an_empty_chart(explorer: Explorer, chart: str) -> None:
    explorer.open(f"?collection=woa&draw=point:20+40&chart={chart}")
    assert "values are missing here. Perhaps this is land" in summary(explorer)
    assert not explorer.page.locator("#chart :is(canvas, button, details)").count()
    assert explorer.page.locator("#quick").get_by_role("link", name="CSV").is_visible()


# --- times -----------------------------------------------------------------------------------------------------------


def test_months_of_a_climatology_have_their_names_and_keep_their_times(explorer: Explorer) -> None:
    explorer.open("?collection=woa&draw=point:-30+1&chart=series")
    header, rows = explorer.table()
    times = explorer.answer()["domain"]["axes"]["t"]["values"]
    assert [header[0], rows[0][0], rows[11][0]] == ["Month", "January", "December"]
    titles = explorer.page.locator("#chart tbody th").evaluate_all("cells => cells.map(cell => cell.title)")
    assert titles == times
    assert explorer.page.locator("#time-text").inner_text() == "December"
    assert explorer.page.locator("#time-text").get_attribute("title") == times[-1]


def test_a_chart_says_what_its_dashed_line_is(explorer: Explorer) -> None:
    explorer.open("?collection=woa&draw=point:-30+1")
    explorer.page.locator("#chart .marked", has_text="Dashed: the depth of the map").wait_for()
    explorer.press("Over time")
    explorer.page.locator("#chart .marked", has_text="Dashed: the time of the map").wait_for()


# --- many lines and wide tables --------------------------------------------------------------------------------------


def test_lines_that_are_not_named_are_named_when_that_is_asked_for(explorer: Explorer) -> None:
    explorer.open(MANY)
    first = explorer.page.locator("#chart .legend-lines").first
    first.get_by_role("button", name="and 8 more").click()
    names = first.locator(".line-name").all_inner_texts()
    assert len(set(names)) == len(names) == 20
    assert not [name for name in names if "Temperature" in name]
    assert not first.get_by_role("button", name="more").count()


def test_a_line_that_was_named_later_can_be_hidden(explorer: Explorer) -> None:
    explorer.open(MANY)
    first = explorer.page.locator("#chart .legend-lines").first
    first.get_by_role("button", name="more").click()
    plot = explorer.page.locator("#chart .uplot canvas").first
    before = plot.screenshot()
    first.locator(".line-name").last.click()
    assert first.locator(".line-name").last.get_attribute("aria-pressed") == "false"
    assert plot.screenshot() != before


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("search", ["woa&chart=profile", "woa&chart=series", "woa&chart=both", "a1b"])
def test_the_column_of_values_is_seen(explorer: Explorer, search: str, width: int) -> None:
    explorer.page.set_viewport_size({"width": width, "height": 800})
    place = "-90+40" if search == "a1b" else "-30+1"
    explorer.open(f"?collection={search}&draw=point:{place}").table()
    wide = explorer.page.locator("#chart .wide")
    assert wide.evaluate("each => each.scrollWidth - each.clientWidth") == 0
    headings = wide.locator("thead th").evaluate_all("all => all.map(each => each.scrollWidth - each.clientWidth)")
    assert max(headings) <= 0


# --- files and their address -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("search", "name"),
    [
        ("woa&draw=point:-53.533+31.277&chart=series", "woa-position-53.53W-31.28N-level0.csv"),
        ("ostia&draw=points:-30+1,20+-2&chart=series", "ostia-position-30W-1N-and-1-more.csv"),
        ("a1b&draw=circle:-90+40,300", "a1b-radius-90W-40N-300km-2099-06-01.csv"),
        (
            "era5ens&draw=box:-10+30,20+40&dim-number=3",
            "era5ens-cube-10W-30N-to-20E-40N-2017-01-02T1200-level500-number3.csv",
        ),
    ],
)
def test_a_file_is_named_after_what_it_holds(explorer: Explorer, search: str, name: str) -> None:
    explorer.open(f"?collection={search}")
    summary(explorer)
    with explorer.page.expect_download() as expected:
        explorer.page.locator("#quick").get_by_role("link", name="CSV").click()
    assert expected.value.suggested_filename == name


def test_the_address_is_that_of_the_format_that_was_chosen(explorer: Explorer) -> None:
    explorer.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    explorer.open("?collection=woa&draw=point:-30+1")
    summary(explorer)
    explorer.page.get_by_label("Answers as").select_option("GeoJSON")
    explorer.press("Copy the address")
    explorer.page.get_by_role("button", name="Copied").wait_for()
    copied = explorer.page.evaluate("navigator.clipboard.readText()")
    assert copied == explorer.url
    assert requests.get(copied, timeout=60).headers["Content-Type"] == "application/geo+json"


def test_the_address_is_that_of_the_file_that_was_taken(explorer: Explorer) -> None:
    explorer.open("?collection=woa&draw=point:-30+1")
    summary(explorer)
    with explorer.page.expect_download() as expected:
        explorer.page.locator("#quick").get_by_role("link", name="CSV").click()
    assert requests.get(explorer.url, timeout=60).text == expected.value.path().read_bytes().decode()


def test_what_a_file_does_not_say_of_itself_is_told_beside_it(explorer: Explorer) -> None:
    explorer.open("?collection=woa&draw=point:-30+1")
    explorer.page.locator("#quick", has_text="the centre of a cell").wait_for()
