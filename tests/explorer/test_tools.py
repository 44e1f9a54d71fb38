"""Each tool, used by mouse on the demo: the numbers that are drawn are those of the API, and those of the store."""

from __future__ import annotations

import re
from itertools import product
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pytest
import xarray as xr

from .conftest import ROOT, Explorer

WOA, OSTIA, ENSEMBLE = "?collection=woa", "?collection=ostia", "?collection=era5ens"


def numbers(rows: list[list[str]], column: int = 1) -> list[float | None]:
    return [float(row[column]) if row[column] else None for row in rows]


def values(document: dict[str, Any], name: str) -> list[float | None]:
    """The values of the only coverage of an answer."""
    found: list[float | None] = document["ranges"][name]["values"]
    return found


def cells(document: dict[str, Any], name: str) -> list[list[float]]:
    """Longitude, latitude and value of each cell of an answer that has one."""
    axes = document["domain"]["axes"]
    places = product(axes["y"]["values"], axes["x"]["values"])
    return [[x, y, value] for (y, x), value in zip(places, values(document, name), strict=True) if value is not None]


def query_of(explorer: Explorer) -> str:
    return urlsplit(explorer.url).path.rsplit("/", 1)[1]


def coordinates(explorer: Explorer) -> list[tuple[float, float]]:
    """Longitudes and latitudes in `coords` of the request."""
    (coords,) = parse_qs(urlsplit(explorer.url).query)["coords"]
    return [(float(x), float(y)) for x, y in re.findall(r"([-\d.]+) ([-\d.]+)", unquote(coords))]


@pytest.fixture(scope="module")
def woa() -> xr.DataArray:
    with xr.open_zarr(ROOT / "data/woa.zarr", decode_times=False, chunks=None) as dataset:
        loaded: xr.DataArray = dataset.TEMP.load()
    return loaded


def test_a_click_shows_the_profile_of_the_store(explorer: Explorer, woa: xr.DataArray) -> None:
    explorer.open(WOA).click((0.4, 0.45))
    header, rows = explorer.table()
    ((x, y),) = coordinates(explorer)
    here = woa.isel({woa.dims[0]: -1}).sel({woa.dims[2]: y, woa.dims[3]: x % 360}, method="nearest")
    assert header == ["Depth (m)", "Sea water temperature (degC)"]
    np.testing.assert_array_equal([float(row[0]) for row in rows], here[woa.dims[1]])
    np.testing.assert_allclose(np.array(numbers(rows), "f4"), here, rtol=1e-6)


def test_a_click_shows_the_series_of_the_api(explorer: Explorer) -> None:
    explorer.open(OSTIA).click((0.45, 0.5))
    _, rows = explorer.table()
    document = explorer.answer()
    assert [row[0] for row in rows] == document["domain"]["axes"]["t"]["values"]
    assert numbers(rows) == values(document, "surface_temperature")


def test_time_and_level_are_drawn_together(explorer: Explorer) -> None:
    explorer.open(WOA).click((0.4, 0.45))
    explorer.press("Time and level")
    explorer.page.get_by_text("228 values").wait_for()
    _, rows = explorer.table()
    assert numbers(rows, 2) == list(np.array(values(explorer.answer(), "TEMP")).reshape(12, 19).T.ravel())


def test_several_points_are_several_lines(explorer: Explorer) -> None:
    explorer.open(ENSEMBLE)
    explorer.press("Points")
    explorer.click((0.3, 0.3))
    explorer.page.get_by_text("4 values").wait_for()
    explorer.click((0.6, 0.5))
    explorer.page.get_by_text("8 values").wait_for()
    header, rows = explorer.table()
    assert [name[:2] for name in header] == ["Ti", "1:", "2:"]
    drawn = [[float(row[1]), float(row[2])] for row in rows]
    assert np.array(drawn).ravel().tolist() == values(explorer.answer(), "t")


def test_several_parameters_are_several_charts(explorer: Explorer) -> None:
    explorer.open(ENSEMBLE).click((0.3, 0.3))
    explorer.page.get_by_label("Also Geopotential").check()
    explorer.page.locator("#chart .uplot").nth(1).wait_for()
    _, rows = explorer.table()
    document = explorer.answer()
    assert (numbers(rows, 1), numbers(rows, 2)) == (values(document, "t"), values(document, "z"))


def test_each_member_is_a_line_and_missing_values_are_gaps(explorer: Explorer) -> None:
    explorer.open("?collection=seasonal").click((0.5, 0.5))
    explorer.page.get_by_label("Each number (28 lines)").check()
    explorer.page.locator("#chart-summary", has_text="missing").wait_for()
    _, rows = explorer.table()
    members = [coverage["ranges"]["t2m"]["values"] for coverage in explorer.answer()["coverages"]]
    assert [numbers(rows, column) for column in range(1, 29)] == members
    assert any(value is None for member in members for value in member)


def test_a_line_is_drawn_along_its_length(explorer: Explorer) -> None:
    explorer.open(WOA)
    explorer.press("Line")
    explorer.click((0.35, 0.4), (0.45, 0.5), (0.45, 0.7))
    explorer.page.keyboard.press("Enter")
    _, rows = explorer.table()
    assert query_of(explorer) == "trajectory"
    assert numbers(rows) == values(explorer.answer(), "TEMP")
    distances = [float(row[0]) for row in rows]
    assert distances[0] == 0
    assert distances == sorted(distances)


def test_a_line_by_level_is_a_section(explorer: Explorer) -> None:
    explorer.open(WOA)
    explorer.press("Line")
    explorer.click((0.35, 0.4), (0.4, 0.45))
    explorer.press("Finish")
    explorer.press("Section by level")
    explorer.page.locator("#chart .bar").wait_for()
    _, rows = explorer.table()
    assert numbers(rows, 2) == values(explorer.answer(), "TEMP")[:500]


@pytest.mark.parametrize(("tool", "query"), [("Box", "cube"), ("Circle", "radius")])
def test_what_is_dragged_shows_its_cells(explorer: Explorer, tool: str, query: str) -> None:
    explorer.open("?collection=a1b")
    explorer.press(tool)
    explorer.drag((0.5, 0.4), (0.58, 0.55))
    _, rows = explorer.table()
    document = explorer.answer()
    assert query_of(explorer) == query
    assert [[float(row[0]) % 360, *map(float, row[1:])] for row in rows] == cells(document, "air_temperature")[:500]


def test_a_click_where_a_drag_is_wanted_leaves_what_was_drawn(explorer: Explorer) -> None:
    explorer.open("?collection=a1b")
    explorer.press("Box")
    explorer.drag((0.5, 0.4), (0.58, 0.55))
    explorer.table()
    drawn = explorer.page.locator(".leaflet-overlay-pane path").get_attribute("d")
    explorer.click((0.3, 0.3))
    assert explorer.page.locator(".leaflet-overlay-pane path").get_attribute("d") == drawn


def test_a_polygon_shows_its_cells(explorer: Explorer) -> None:
    explorer.open(WOA)
    explorer.press("Polygon")
    explorer.click((0.36, 0.4), (0.44, 0.42), (0.4, 0.5))
    explorer.press("Finish")
    _, rows = explorer.table()
    assert query_of(explorer) == "area"
    drawn = [[float(row[0]) % 360, *map(float, row[1:])] for row in rows]
    assert drawn == [[x % 360, y, value] for x, y, value in cells(explorer.answer(), "TEMP")][:500]


def test_a_point_can_be_moved(explorer: Explorer) -> None:
    explorer.open(WOA).click((0.4, 0.45))
    explorer.table()
    before, (place,) = explorer.url, coordinates(explorer)
    explorer.drag((0.4, 0.45), (0.45, 0.5))
    explorer.until(lambda: explorer.url != before)
    ((x, y),) = coordinates(explorer)
    assert x > place[0]
    assert y < place[1]


def test_the_value_under_the_pointer_is_that_of_the_cell(explorer: Explorer, woa: xr.DataArray) -> None:
    there = woa.isel({woa.dims[0]: -1, woa.dims[1]: 0}).sel({woa.dims[2]: 5, woa.dims[3]: 330}, method="nearest")
    latitude, longitude = float(there[woa.dims[2]]), float(there[woa.dims[3]])  # of the centre of the cell
    explorer.open(f"?collection=woa&at={longitude - 360},{latitude},3")
    explorer.page.mouse.move(*explorer.at(0.5, 0.5))
    shown = explorer.page.locator("#under strong").inner_text()
    assert float(shown.removesuffix(" degC")) == pytest.approx(float(there), abs=0.0006)  # five digits


def test_a_chart_zooms_in_and_out_again(explorer: Explorer) -> None:
    explorer.open(OSTIA).click((0.45, 0.5))
    explorer.table()
    plot = explorer.page.locator("#chart .uplot canvas")
    whole = plot.screenshot()
    explorer.press("Zoom into the chart")
    closer = plot.screenshot()
    explorer.press("All of the chart")
    assert whole != closer
    assert plot.screenshot() == whole


WATCHED = """
window.watched = 0
for (const [name, step] of [['addEventListener', 1], ['removeEventListener', -1]]) {
  const given = MediaQueryList.prototype[name]
  MediaQueryList.prototype[name] = function (...values) { window.watched += step; return given.apply(this, values) }
}
"""
"""Counts who waits for light or dark to be chosen."""


def test_a_chart_that_is_gone_is_held_by_nothing(explorer: Explorer) -> None:
    explorer.page.add_init_script(WATCHED)
    explorer.open(WOA).click((0.4, 0.45))
    explorer.table()
    before = explorer.page.evaluate("watched")
    for way, text in (("Over time", "12 values"), ("Time and level", "228 values"), ("By level", "19 values")) * 2:
        explorer.press(way)
        explorer.page.get_by_text(text).first.wait_for()
        explorer.table()
    assert explorer.page.evaluate("watched") == before > 0
