"""Parts of the explorer's program on their own: calendars, cells, colours, geometry, against libraries of Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
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


@pytest.fixture(scope="module")
def times_of(opened: Explorer) -> Call:
    """How many times an axis has, and those at some indices: (values, calendar, *indices) -> [length, times, their indices]."""
    assets = opened.page.locator("#explorer").get_attribute("data-assets") or ""
    script = """async ([url, values, calendar, picks]) => {
      const times = (await import(url)).timesOf(values, calendar)
      const found = picks.map(index => times.at(index))
      return [times.length, found, found.map(time => times.indexOf(time))]
    }"""
    url = f"{assets.removesuffix('vendor')}explorer/times.js"
    return lambda values, calendar, *picks: opened.page.evaluate(script, [url, values, calendar, picks])


CALENDARS = ("gregorian", "standard", "julian", "360_day", "noleap", "all_leap")
TIMES = (
    "0001-03-01T00:00:00Z",
    "0999-12-30T23:59:00Z",
    "1582-10-04T00:00:00Z",
    "1582-10-15T00:00:00Z",
    "1900-02-28T06:00:00Z",
    "2000-02-29T12:30:00Z",
    "2100-01-01T00:00:00Z",
)


def in_cf(calendar: str) -> str:
    """What CF calls it."""
    return "proleptic_gregorian" if calendar == "gregorian" else calendar


@pytest.mark.parametrize("calendar", CALENDARS)
def test_times_are_as_far_apart_as_in_cftime(call: Call, calendar: str) -> None:
    texts = [text for text in TIMES if calendar != "noleap" or "02-29" not in text]
    proleptic = in_cf(calendar)
    units = "seconds since 2000-01-01"
    parts = [
        [int(part) for part in text.replace("T", "-").replace(":", "-").removesuffix("Z").split("-")] for text in texts
    ]
    times = [cftime.datetime(*part, calendar=proleptic) for part in parts]
    expected = cftime.date2num(times, units, proleptic)
    found = np.array([call("times", "seconds", text, calendar) for text in texts])
    np.testing.assert_array_equal(np.diff(found), np.diff(expected))


@pytest.mark.parametrize("calendar", CALENDARS)
def test_a_time_reads_back_as_its_fields(call: Call, calendar: str) -> None:
    found = call("times", "fields", call("times", "seconds", "1999-12-30T23:45:00Z", calendar), calendar)
    assert found == {"year": 1999, "month": 12, "day": 30, "hour": 23, "minute": 45}


def test_a_thirtieth_of_february_is_a_time(call: Call) -> None:
    day = call("times", "seconds", "1999-02-30T00:00:00Z", "360_day")
    assert call("times", "seconds", "1999-03-01T00:00:00Z", "360_day") - day == 86400


@pytest.mark.parametrize("start", ["1500-01-01T06:00:00Z", "1582-10-04T00:00:00Z", "1800-01-01T00:00:00Z"])
@pytest.mark.parametrize("calendar", CALENDARS)
def test_days_of_a_long_row_are_those_of_cftime(times_of: Call, calendar: str, start: str) -> None:
    year, month, day, hour = (int(part) for part in (start[:4], start[5:7], start[8:10], start[11:13]))
    first = cftime.datetime(year, month, day, hour, calendar=in_cf(calendar))
    picks = [0, 1, 58, 59, 364, 365, 1460, 30_228, 36_524, 109_937]
    expected = [(first + timedelta(days=pick)).strftime("%Y-%m-%dT%H:%M:%SZ") for pick in picks]
    assert times_of([f"R109938/{start}/P1D"], calendar, *picks) == [109_938, expected, picks]


def test_the_days_that_never_were_are_no_times(times_of: Call) -> None:
    _, found, indices = times_of(["R3/1582-10-03T00:00:00Z/P1D"], "standard", 0, 1, 2)
    assert found == ["1582-10-03T00:00:00Z", "1582-10-04T00:00:00Z", "1582-10-15T00:00:00Z"]
    assert indices == [0, 1, 2]


@pytest.mark.parametrize("step_us", [100_000, 333_333, 1])
def test_parts_of_seconds_are_kept_to_the_last_of_a_long_row(times_of: Call, step_us: int) -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    picks = [0, 1, 5, 596, 599, 600, 9_999_999]
    moments = [start + timedelta(microseconds=pick * step_us) for pick in picks]
    _, found, indices = times_of([f"R10000000/2020-01-01T00:00:00Z/PT{step_us / 1e6:f}S"], "gregorian", *picks)
    assert [datetime.fromisoformat(text) for text in found] == moments
    assert indices == picks


def test_every_minute_of_twenty_years_can_be_chosen(times_of: Call) -> None:
    count, found, _ = times_of(["R10512000/2000-01-01T00:00:00Z/PT1M"], "gregorian", -1)
    last = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=10_511_999)
    assert (count, [datetime.fromisoformat(text) for text in found]) == (10_512_000, [last])


def test_a_long_list_of_times_is_read_once_and_whole(opened: Explorer) -> None:
    assets = opened.page.locator("#explorer").get_attribute("data-assets") or ""
    script = """async url => {
      const { axesOf } = await import(url)
      const values = Array.from({ length: 150000 }, (_, i) => `${String(i).padStart(6, '0')}-01-01T00:00:00Z`)
      const collection = { parameters: new Map(), extent: { temporal: { values } } }
      const first = axesOf(collection, 'T')
      return [first.times.values.at(-1) === values.at(-1), axesOf(collection, 'T') === first]
    }"""
    url = f"{assets.removesuffix('vendor')}explorer/catalogue.js"
    assert opened.page.evaluate(script, url) == [True, True]


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


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (282.123456, "282.12"), (1e-7, "1e-7"), (None, "no value")])
def test_numbers_are_short(call: Call, value: float | None, text: str) -> None:
    assert call("numbers", "short", value) == text


@pytest.mark.parametrize("value", [101325, -101325, 20080716, 999999.6, 123456789012])
def test_a_short_number_has_all_digits_before_its_point(call: Call, value: float) -> None:
    assert float(call("numbers", "short", value)) == pytest.approx(value, abs=0.5)


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


def profile_of(levels: list[float] | None, name: str, *values: float) -> dict[str, Any]:
    """A coverage of a parameter at one place, with an axis of levels or without."""
    axes = {"x": {"values": [1]}, "y": {"values": [2]}} | ({} if levels is None else {"z": {"values": levels}})
    names, shape = ([], []) if levels is None else (["z"], [len(levels)])
    return {
        "domain": {"axes": axes},
        "parameters": {name: {"observedProperty": {"label": {"en": name}}, "unit": {"symbol": "K"}}},
        "ranges": {name: {"axisNames": names, "shape": shape, "values": list(values)}},
    }


def test_a_parameter_without_levels_is_left_out_of_a_profile_and_that_is_told(call: Call) -> None:
    document = {"coverages": [profile_of([1000, 850], "T", 280, 270), profile_of(None, "2 m temperature", 290)]}
    chart = call("charts", "chartOf", document, {"way": "profile"}, {}, None)
    assert [line["x"] for line in chart["lines"]] == [[1000, 850]]
    assert chart["table"]["rows"] == [[1000, 280], [850, 270]]
    assert chart["summary"].endswith(" K. 2 m temperature has no level here, and is left out.")


def test_cells_of_very_many_times_have_their_axis(call: Call) -> None:
    assert call("cells_chart", "spanOf", {"edges": list(range(300_000))}) == [0, 299_999]


MONTHS = [f"0000-{month:02}-16T00:00:00Z" for month in range(1, 13)]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (MONTHS, True),
        ([time.replace("0000", "0001") for time in MONTHS], True),
        (MONTHS[:11], False),
        ([*MONTHS[:11], MONTHS[0]], False),
        ([time.replace("0000", "2000") for time in MONTHS], False),
    ],
    ids=["year-0", "year-1", "eleven", "one-twice", "year-2000"],
)
def test_twelve_months_of_an_average_year_are_a_climatology(call: Call, times: list[str], expected: bool) -> None:
    assert call("time_words", "isClimatology", times) is expected


@pytest.mark.parametrize(
    ("calendar", "label"),
    [("gregorian", "Time (UTC)"), ("360_day", "Time (360-day calendar)"), ("noleap", "Time (365-day calendar)")],
)
def test_only_times_of_our_calendar_are_told_as_utc(call: Call, calendar: str, label: str) -> None:
    axes = {"times": {"calendar": calendar}}
    document = series_at([[1, 2]], [{}], "T", [1, 2])
    assert call("charts", "chartOf", document, {"way": "series"}, axes, None)["axis"]["label"] == label


def series_at(
    places: list[list[float]], members: list[dict[str, int]], names: str, found: list[float]
) -> dict[str, Any]:
    """A document of series: a coverage for each place and member, all of the same values."""
    times = ["2000-01-01T00:00:00Z", "2000-01-02T00:00:00Z"]
    parameter = {"unit": {"symbol": "K"}}
    return {
        "parameters": {name: parameter | {"observedProperty": {"label": {"en": f"Label {name}"}}} for name in names},
        "coverages": [
            {
                "zarr-edr:dimensions": member,
                "domain": {"axes": {"x": {"values": [x]}, "y": {"values": [y]}, "t": {"values": times}}},
                "ranges": {name: {"axisNames": ["t"], "shape": [2], "values": found} for name in names},
            }
            for x, y in places
            for member in members
        ],
    }


@pytest.mark.parametrize(("names", "labelled"), [("T", False), ("TS", True)])
def test_lines_are_told_apart_by_name_and_look(call: Call, names: str, labelled: bool) -> None:
    document = series_at([[1, 2], [3, 4]], [{"number": 0}, {"number": 1}, {"number": 2}], names, [1, 2])
    lines = call("charts", "chartOf", document, {"way": "series"}, {}, None)["lines"]
    looks = {(line["colour"], str(line.get("dash"))) for line in lines}
    assert len(looks) == len({line["name"] for line in lines}) == len(lines) == 6 * len(names)
    assert all(line["name"].startswith("Label") is labelled for line in lines)


def test_members_of_the_same_colour_have_other_dashes(call: Call) -> None:
    document = series_at([[1, 2]], [{"number": number} for number in range(28)], "T", [1, 2])
    lines = call("charts", "chartOf", document, {"way": "series"}, {}, None)["lines"]
    assert len({(line["colour"] % 8, str(line.get("dash"))) for line in lines}) == 28


def test_the_name_of_a_file_has_no_character_that_a_system_forbids(call: Call) -> None:
    given = {"time": "2017-01-01T06:30:00Z", "level": "1e-3", "dimensions": {"a/b:c": "<\u00e4>"}}
    assert call("about", "aboutName", given) == "2017-01-01T0630-level1e-3-a_b_c_"
