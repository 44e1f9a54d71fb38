"""The request behind what is seen: its address, the code that asks it, its answer as a file; and what failures look like."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import Explorer

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

WOA = "?collection=woa&draw=point:-30+1&chart=profile"
FORMATS = (
    "CSV",
    "NetCDF",
    "GeoJSON",
    "CoverageJSON",
    "Parquet",
    "PNG",
    "Zarr",
    "NDJSON",
    "Records",
    "Arrow",
    "GeoParquet",
)


def test_the_address_that_is_shown_is_the_one_that_was_asked(explorer: Explorer) -> None:
    explorer.open(WOA).table()
    assert explorer.url in explorer.data_requests()


def test_the_request_of_the_map_is_shown_too(explorer: Explorer) -> None:
    explorer.open(WOA).table()
    explorer.page.get_by_label("of the map").check()
    assert "/woa/cube?bbox=-180,-90,180,89.5" in explorer.url
    assert explorer.url in explorer.data_requests()


def test_the_address_is_copied(explorer: Explorer) -> None:
    explorer.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    explorer.open(WOA).table()
    explorer.press("Copy the address")
    explorer.page.get_by_role("button", name="Copied").wait_for()
    assert explorer.page.evaluate("navigator.clipboard.readText()") == explorer.url


def downloaded(page: Page, name: str) -> bytes:
    with page.expect_download() as expected:
        page.locator("#downloads").get_by_role("link", name=name, exact=True).click()
    return Path(expected.value.path()).read_bytes()


def test_every_format_is_a_file(explorer: Explorer) -> None:
    explorer.open(WOA).table()
    assert [name for name in FORMATS if len(downloaded(explorer.page, name)) < 100] == []


def test_the_csv_has_the_numbers_of_the_chart(explorer: Explorer) -> None:
    _, rows = explorer.open(WOA).table()
    lines = downloaded(explorer.page, "CSV").decode().split("\r\n")[1:-1]
    assert [float(line.split(",")[-1]) for line in lines] == [float(row[1]) for row in rows]


def test_all_formats_of_the_query_are_offered(explorer: Explorer) -> None:
    explorer.open(WOA).table()
    names = explorer.page.locator("#downloads a").all_inner_texts()
    assert sorted(names) == sorted([*FORMATS, "CoverageJSON-points", "HTML"])


@pytest.mark.parametrize("language", ["Python, pandas", "Python, xarray"])
def test_the_python_code_runs(explorer: Explorer, language: str) -> None:
    explorer.open(WOA).table()
    explorer.page.locator("#code-language").select_option(language)
    code = explorer.page.locator("#snippets code").inner_text()
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "TEMP" in ended.stdout


def test_the_curl_code_runs(explorer: Explorer, tmp_path: Path) -> None:
    explorer.open(WOA).table()
    explorer.page.locator("#code-language").select_option("curl")
    code = explorer.page.locator("#snippets code").inner_text()
    subprocess.run(["bash", "-c", code], check=True, cwd=tmp_path, timeout=60, capture_output=True)
    assert (tmp_path / "values.csv").read_text().startswith("point,time,z [m],x,y,TEMP [degC]")


def test_code_for_javascript_and_qgis_is_offered(explorer: Explorer) -> None:
    explorer.open(WOA).table()
    names = explorer.page.locator("#code-language option").all_inner_texts()
    assert names == ["curl", "Python, pandas", "Python, xarray", "JavaScript", "QGIS"]


# --- failures ------------------------------------------------------------------------------------------------------


def refuse(route: Route) -> None:
    route.fulfill(status=503, json={"code": "Overloaded", "description": "The service is busy; try again in 2 s."})


def test_a_failure_is_told_in_the_words_of_the_api(explorer: Explorer) -> None:
    explorer.page.route(re.compile("/woa/position"), refuse)
    explorer.open(WOA)
    explorer.page.locator("#chart-state", has_text="The service is busy; try again in 2 s.").wait_for()
    assert explorer.page.locator("#map-state").inner_text() == ""


def test_a_failure_of_the_map_is_told_on_the_map(explorer: Explorer) -> None:
    explorer.page.route(re.compile("/woa/cube"), refuse)
    explorer.open("?collection=woa")
    explorer.page.locator("#map-state", has_text="The service is busy").wait_for()


def test_a_refused_file_is_told_beside_the_button(explorer: Explorer) -> None:
    explorer.open(WOA).table()
    explorer.page.route(re.compile("f=CSV"), refuse)
    explorer.page.locator("#downloads").get_by_role("link", name="CSV", exact=True).click()
    explorer.page.locator("#download-state", has_text="The service is busy").wait_for()


def test_a_service_that_is_gone_is_told(explorer: Explorer) -> None:
    explorer.page.route(re.compile(r"/collections\?"), lambda route: route.abort())
    explorer.page.goto(f"{explorer.service}/explorer")
    explorer.page.get_by_text("The service does not answer.").wait_for()


def test_a_place_without_data_is_told(explorer: Explorer) -> None:
    explorer.open("?collection=ostia&draw=point:-30+50")
    explorer.page.get_by_text("There are no data for this place and time.").wait_for()


def test_a_long_request_shows_that_it_runs_and_can_be_given_up(explorer: Explorer) -> None:
    explorer.page.route(re.compile("/woa/position"), lambda _: None)  # never answered
    explorer.open(WOA)
    explorer.page.locator("#chart-state progress").wait_for()
    explorer.press("Cancel")
    explorer.page.locator("#chart-state", has_text="Cancelled.").wait_for()
    assert not explorer.page.locator("#chart-state progress").count()


def test_what_was_cancelled_or_refused_can_be_tried_again(explorer: Explorer) -> None:
    explorer.page.route(re.compile("/woa/position"), refuse)
    explorer.open(WOA)
    explorer.page.locator("#chart-state", has_text="busy").wait_for()
    explorer.page.unroute(re.compile("/woa/position"))
    explorer.press("Try again")
    assert len(explorer.table()[1]) == 19


def test_an_answer_that_was_overtaken_is_not_drawn(explorer: Explorer) -> None:
    held: list[str] = []
    explorer.page.route(re.compile(r"POINT\(-30"), lambda route: held.append(route.request.url))  # never answered
    explorer.open(WOA)
    explorer.page.locator("#chart-state progress").wait_for()
    explorer.type("-20 1")
    _, rows = explorer.table()
    assert "POINT(-20%201)" in explorer.url
    assert len(held) == 1
    assert float(rows[0][1]) == explorer.answer()["ranges"]["TEMP"]["values"][0]
