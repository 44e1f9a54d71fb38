"""For everybody: keyboard, screen readers, light and dark, a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from .conftest import Explorer, explored

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PROFILE = "?collection=woa&draw=point:-30+1&chart=profile"
SECTION = "?collection=woa&draw=line:-40+0,-20+10&chart=section"
VIEWS = {
    "first": "",
    "profile": PROFILE,
    "section": SECTION,
    "members": "?collection=seasonal&draw=point:12+42&every=number",
}


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, browser: Browser, demo: str) -> Iterator[Explorer]:
    yield from explored(browser, demo, color_scheme=request.param)


@pytest.mark.parametrize("search", VIEWS.values(), ids=VIEWS)
def test_axe_finds_nothing_serious(themed: Explorer, axe: str, search: str) -> None:
    themed.open(search)
    if search:
        themed.table()
    assert themed.serious(axe) == []


@pytest.mark.parametrize("search", VIEWS.values(), ids=VIEWS)
def test_a_phone_needs_no_scrolling_sideways(phone: Explorer, search: str) -> None:
    phone.open(search)
    phone.page.wait_for_timeout(400)
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_tap_asks_for_a_place(phone: Explorer) -> None:
    phone.open("?collection=woa")
    phone.page.touchscreen.tap(*phone.at(0.4, 0.5))
    assert phone.table()[0][0] == "Depth (m)"


def in_sight(explorer: Explorer, element: str) -> bool:
    """Whether an element is on the screen with all of its height."""
    box, size = explorer.page.locator(element).bounding_box(), explorer.page.viewport_size
    return box is not None and size is not None and box["y"] >= 0 and box["y"] + box["height"] <= size["height"]


def test_after_a_tap_the_map_leads_to_the_values(phone: Explorer) -> None:
    phone.open("?collection=woa")
    assert not phone.page.locator("#below").is_visible()
    phone.page.touchscreen.tap(*phone.at(0.4, 0.5))
    phone.page.locator("#chart-summary").wait_for()
    assert not in_sight(phone, "#chart-summary")
    phone.page.locator("#below").tap()
    phone.until(lambda: in_sight(phone, "#chart-summary"))
    phone.page.locator("#below").wait_for(state="hidden")


def test_who_wants_no_motion_is_at_the_values_at_once(phone: Explorer) -> None:
    phone.page.emulate_media(reduced_motion="reduce")
    phone.open(PROFILE).page.locator("#chart-summary").wait_for()
    phone.page.locator("#below").tap()
    assert in_sight(phone, "#chart-summary")


def test_values_beside_the_map_need_no_way_to_them(explorer: Explorer) -> None:
    explorer.open(PROFILE).table()
    assert not explorer.page.locator("#below").is_visible()


def test_the_value_under_a_finger_is_not_behind_the_buttons_of_the_map(phone: Explorer) -> None:
    phone.open("?collection=woa")
    phone.page.touchscreen.tap(*phone.at(0.4, 0.5))
    phone.page.locator("#under strong", has_text="degC").wait_for()
    under, zoom = (phone.page.locator(name).bounding_box() for name in ("#under", ".leaflet-control-zoom"))
    assert under is not None
    assert zoom is not None
    assert under["x"] + under["width"] <= zoom["x"]


def test_all_that_is_said_of_a_collection_can_be_read_on_a_phone(phone: Explorer) -> None:
    phone.open("?collection=woa")
    cut = "about => about.scrollHeight > about.clientHeight + 1"
    assert phone.page.locator("#about").evaluate(cut)
    phone.press("More")
    assert not phone.page.locator("#about").evaluate(cut)
    title = "Ocean temperature by depth and month (World Ocean Atlas)."
    assert phone.page.locator("#about").inner_text().startswith(title)
    phone.press("Less")
    assert phone.page.locator("#about").evaluate(cut)


def test_on_a_phone_held_across_the_map_is_whole(phone: Explorer) -> None:
    phone.page.set_viewport_size({"width": 740, "height": 360})
    phone.open("?collection=woa")
    assert in_sight(phone, "#map")


def swipe(phone: Explorer, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A finger goes from one place of the map to another."""
    touch = phone.page.context.new_cdp_session(phone.page)
    (x1, y1), (x2, y2) = phone.at(*start), phone.at(*end)
    for i in range(9):
        points = [{"x": x1 + (x2 - x1) * i / 8, "y": y1 + (y2 - y1) * i / 8}]
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove" if i else "touchStart", "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@pytest.mark.parametrize(("tool", "query"), [("Box", "/cube?bbox="), ("Circle", "/radius?coords=")])
def test_a_box_and_a_circle_are_drawn_by_finger(phone: Explorer, tool: str, query: str) -> None:
    phone.open("?collection=woa")
    phone.press(tool)
    before = phone.page.evaluate("scrollY")
    swipe(phone, (0.4, 0.45), (0.7, 0.75))
    assert phone.page.evaluate("scrollY") == before
    phone.table()
    assert query in phone.url


@pytest.mark.parametrize(
    ("tool", "text", "query"),
    [
        ("Point", "-30 1", "/position?coords=POINT(-30%201)"),
        ("Points", "-30 1\n-20, 2", "/position?coords=MULTIPOINT((-30%201),(-20%202))"),
        ("Line", "-30 1\n-28 1", "/trajectory?coords=LINESTRING(-30%201,-28%201)"),
        ("Box", "-30 1\n-20 5", "/cube?bbox=-30,1,-20,5"),
        ("Polygon", "-30 1\n-20 1\n-25 9", "/area?coords=POLYGON((-30%201,-20%201,-25%209,-30%201))"),
        ("Circle", "-30 1", "/radius?coords=POINT(-30%201)&within=300&within-units=km"),
    ],
)
def test_everything_can_be_drawn_by_typing(explorer: Explorer, tool: str, text: str, query: str) -> None:
    explorer.open("?collection=woa")
    explorer.press(tool)
    explorer.type(text)
    explorer.table()
    assert f"/collections/woa{query}&" in explorer.url


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("here", 'Line 1, "here", is not a longitude and a latitude'),
        ("-30 95", "95 is not a latitude"),
        ("-30 1\n-20 1", "At most 1 position; there are 2."),
        ("", "A point needs 1"),
    ],
)
def test_what_cannot_be_understood_is_told_beside_the_field(explorer: Explorer, text: str, words: str) -> None:
    explorer.open("?collection=woa").type(text)
    assert words in explorer.page.locator("#typed-fault").inner_text()


def test_the_map_is_used_by_keyboard(explorer: Explorer) -> None:
    explorer.open("?collection=woa&at=-30,1,3")
    explorer.page.locator("#map").focus()
    explorer.page.keyboard.press("ArrowRight")
    explorer.until(lambda: bool(explorer.page.locator("#under").inner_text()))
    explorer.page.keyboard.press("Enter")
    explorer.table()
    assert "coords=POINT(-" in explorer.url


@pytest.mark.parametrize(
    ("tool", "query"), [("Box", r"/cube\?bbox=-30(\.0\d*)?,"), ("Circle", r"/radius\?coords=POINT\(-30")]
)
def test_a_box_and_a_circle_are_drawn_by_keyboard(explorer: Explorer, tool: str, query: str) -> None:
    explorer.open("?collection=woa&at=-30,1,3")
    explorer.press(tool)
    explorer.page.locator("#map").focus()
    explorer.page.keyboard.press("Enter")
    explorer.page.keyboard.press("ArrowRight")
    explorer.page.wait_for_timeout(400)
    explorer.page.keyboard.press("ArrowUp")
    explorer.page.wait_for_timeout(400)
    explorer.page.keyboard.press("Enter")
    explorer.table()
    assert re.search(query, explorer.url)


def test_what_is_in_the_middle_is_told_to_who_moves_the_map_by_keys(explorer: Explorer) -> None:
    explorer.open("?collection=woa&at=-30,1,3")
    explorer.page.mouse.move(*explorer.at(0.4, 0.4))
    assert explorer.page.locator("#under").get_attribute("aria-live") == "off"
    explorer.page.locator("#map").focus()
    explorer.page.keyboard.press("ArrowRight")
    explorer.page.locator("#under[aria-live=polite]", has_text="degC").wait_for()


def test_who_listens_is_told_which_values_have_come(explorer: Explorer) -> None:
    explorer.open(PROFILE).table()
    told = explorer.page.locator("#told[role=status]")
    assert re.search(r"1°N 30°W.*19 values; from [\d.]+ to [\d.]+ degC$", told.text_content() or "")
    explorer.press("Clear")
    explorer.until(lambda: told.inner_text() == "")


def luminance(colour: str) -> float:
    """Of #rrggbb, as WCAG has it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_coasts_stand_out_from_whatever_is_beneath(themed: Explorer) -> None:
    themed.open()
    style = "name => getComputedStyle(document.documentElement).getPropertyValue(`--coast${name}`).trim()"
    line, halo = (themed.page.evaluate(style, name) for name in ("", "-halo"))
    share = int(halo[7:9], 16) / 255
    for grey in range(256):
        mixed = [round(int(halo[i : i + 2], 16) * share + grey * (1 - share)) for i in (1, 3, 5)]
        beneath = luminance(f"#{grey:02x}{grey:02x}{grey:02x}") + 0.05
        both = [luminance(line) + 0.05, luminance("#{:02x}{:02x}{:02x}".format(*mixed)) + 0.05]
        assert max(max(each, beneath) / min(each, beneath) for each in both) >= 3


def test_tools_and_sliders_say_what_they_are(explorer: Explorer) -> None:
    explorer.open(PROFILE)
    for role, name in (
        ("slider", "Time"),
        ("slider", "depth"),
        ("combobox", "Collection"),
        ("group", "Chart: By level"),
    ):
        explorer.page.get_by_role(role, name=name, exact=True).wait_for()  # type: ignore[arg-type]  # any of these
    assert explorer.page.get_by_role("button", name="Point", exact=True).get_attribute("aria-pressed") == "true"
