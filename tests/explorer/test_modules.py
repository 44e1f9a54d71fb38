"""Parts of the explorer's program on their own: calendars, cells, colours, geometry, against libraries of Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import cftime
import matplotlib as mpl
import numpy as np
import pytest
from pyproj import Geod

from .conftest import Explorer, explored

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Call = Callable[..., Any]


@pytest.fixture(scope="module")
def opened(browser: Browser, demo: str) -> Iterator[Explorer]:
    for explorer in explored(browser, demo):
        yield explorer.open()


@pytest.fixture(scope="module")
def call(opened: Explorer) -> Call:
    """Runs a function of a module, e.g. `numbers` or `../pages/parts`: (module, function, arguments) -> result."""
    assets = opened.page.locator("#explorer").get_attribute("data-assets") or ""
    script = "async ([url, name, values]) => (await import(url))[name](...values)"
    folder = assets.removesuffix("vendor") + "explorer"

    def run(module: str, name: str, *values: Any) -> Any:
        return opened.page.evaluate(script, [f"{folder}/{module}.js", name, values])

    return run


TIMES = (
    "0000-03-01T00:00:00Z",
    "0999-12-30T23:59:00Z",
    "1900-02-28T06:00:00Z",
    "2000-02-29T12:30:00Z",
    "2100-01-01T00:00:00Z",
)


@pytest.mark.parametrize("calendar", ["gregorian", "360_day", "noleap", "all_leap"])
def test_times_are_as_far_apart_as_in_cftime(call: Call, calendar: str) -> None:
    texts = [text for text in TIMES if calendar != "noleap" or "02-29" not in text]
    proleptic = "proleptic_gregorian" if calendar == "gregorian" else calendar
    units = "seconds since 2000-01-01"
    parts = [
        [int(part) for part in text.replace("T", "-").replace(":", "-").removesuffix("Z").split("-")] for text in texts
    ]
    times = [cftime.datetime(*part, calendar=proleptic, has_year_zero=True) for part in parts]
    expected = cftime.date2num(times, units, proleptic, has_year_zero=True)
    found = np.array([call("times", "seconds", text, calendar) for text in texts])
    np.testing.assert_array_equal(np.diff(found), np.diff(expected))


@pytest.mark.parametrize("calendar", ["gregorian", "360_day", "noleap", "all_leap"])
def test_a_time_reads_back_as_its_fields(call: Call, calendar: str) -> None:
    found = call("times", "fields", call("times", "seconds", "1999-12-30T23:45:00Z", calendar), calendar)
    assert found == {"year": 1999, "month": 12, "day": 30, "hour": 23, "minute": 45}


def test_a_thirtieth_of_february_is_a_time(call: Call) -> None:
    day = call("times", "seconds", "1999-02-30T00:00:00Z", "360_day")
    assert call("times", "seconds", "1999-03-01T00:00:00Z", "360_day") - day == 86400


def test_repeated_times_are_written_out(call: Call) -> None:
    found = call("times", "expanded", ["R4/1999-12-31T18:00:00Z/PT6H"], "gregorian")
    assert found == ["1999-12-31T18:00:00Z", "2000-01-01T00:00:00Z", "2000-01-01T06:00:00Z", "2000-01-01T12:00:00Z"]


@pytest.mark.parametrize(("first", "last"), [("1860", "2099"), ("2008-01", "2008-12"), ("2008-01-01", "2008-01-09")])
def test_ticks_of_time_lie_within_and_are_few(call: Call, first: str, last: str) -> None:
    first, last = (text + "-01-01"[: 10 - len(text)] + "T00:00:00Z" for text in (first, last))
    low, high = (call("times", "seconds", text, "gregorian") for text in (first, last))
    found = call("times", "timeTicks", low, high, 6, "gregorian")
    assert 2 <= len(found) <= 9
    assert low <= found[0] < found[-1] <= high


@pytest.mark.parametrize(
    ("ours", "theirs"), [("viridis", "viridis"), ("cividis", "cividis"), ("magma", "magma"), ("blue-red", "RdBu_r")]
)
def test_palettes_are_those_of_matplotlib(call: Call, ours: str, theirs: str) -> None:
    expected = mpl.colormaps[theirs](np.arange(256))[:, :3] * 255
    assert np.abs(np.array(call("palettes", "palette", ours)) - expected).max() < 12


def test_distances_are_near_those_on_the_ellipsoid(call: Call) -> None:
    places = [[-30.0, 1.0], [10.0, 50.0], [170.0, -40.0], [-170.0, -45.0]]
    expected = Geod(ellps="WGS84").line_lengths([x for x, _ in places], [y for _, y in places])
    found = np.diff(call("shapes", "distances", places))
    np.testing.assert_allclose(found, np.array(expected) / 1000, rtol=0.006)


def test_the_outline_of_a_circle_is_as_far_from_its_middle_everywhere(call: Call) -> None:
    outline = call("shapes", "circleOutline", [170, 60], 1500)
    found = [call("shapes", "kilometres", [170, 60], place) for place in outline[::8]]
    np.testing.assert_allclose(found, 1500, rtol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "point:-30 1",
        "points:-30 1,-20 2",
        "line:170 1,190 2",
        "box:-30 1,-20 2",
        "circle:-30 1,100",
        "polygon:0 0,1 0,1 1",
    ],
)
def test_the_text_of_a_shape_reads_back(call: Call, text: str) -> None:
    assert call("shapes", "shapeText", call("shapes", "shapeOf", text)) == text


def test_a_box_over_the_antimeridian_has_its_west_east_of_its_east(call: Call) -> None:
    assert call("shapes", "boxText", [[170, 1], [190, 5]]) == "170,1,-170,5"


@pytest.mark.parametrize("turn", [-1080, -720, -360, 360, 720, 1080])
def test_however_often_a_map_was_turned_round_it_asks_the_same(call: Call, turn: int) -> None:
    view = {"collection": "a", "run": "", "parameter": "t"}
    box, turned = [-200, -10, -180, 10], [-200 + turn, -10, -180 + turn, 10]
    expected = call("queries", "fieldAddress", "", view, {"dimensions": []}, box)
    assert "bbox=160,-10,180,10" in expected
    assert call("queries", "fieldAddress", "", view, {"dimensions": []}, turned) == expected
    assert call("shapes", "shape", "point", [[10 + turn, 1]])["corners"] == [[10, 1]]
    assert call("shapes", "shape", "line", [[170 + turn, 1], [190 + turn, 1]])["corners"] == [[170, 1], [190, 1]]
    assert call("state", "viewOf", f"?at={10 + turn},1,2")["at"] == {"centre": [10, 1], "zoom": 2}


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (282.123456, "282.12"), (1e-7, "1e-7"), (101325, "101330"), (None, "no value")]
)
def test_numbers_are_short(call: Call, value: float | None, text: str) -> None:
    assert call("numbers", "short", value) == text


@pytest.mark.parametrize(
    ("longitudes", "expected"),
    [([330, 340, 10], [-30, 10]), ([170, -170], [170, 190]), ([5], [5, 5]), ([-90, 0, 80], [-90, 80])],
    ids=["over-greenwich", "over-the-date-line", "one", "plain"],
)
def test_a_map_of_points_leaves_out_the_widest_gap(call: Call, longitudes: list[float], expected: list[float]) -> None:
    assert call("../pages/dots", "shortestArc", longitudes) == expected


def path_at(time: str, *values: float) -> dict[str, Any]:
    """A coverage along a path, all of whose vertices have one time."""
    places = [[time, 1, 2], [time, 3, 4]]
    axes = {"composite": {"dataType": "tuple", "coordinates": ["t", "x", "y"], "values": places}}
    return {"domain": {"axes": axes}, "ranges": {"T": {"axisNames": ["composite"], "shape": [2], "values": values}}}


def test_of_paths_one_time_can_be_chosen(call: Call) -> None:
    document = {"coverages": [path_at("2020-01-01", 1, 2), path_at("2020-01-02", 3, 4)]}
    assert call("../pages/parts", "choicesOf", document, "t") == ["2020-01-01", "2020-01-02"]
    part = call("../pages/parts", "partOf", document, {"at": {"t": "2020-01-02"}})
    assert [each["ranges"]["T"]["values"] for each in part["coverages"]] == [[3, 4]]
