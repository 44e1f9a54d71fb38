"""Drawing by hand and by key: what a click, a double click, a drag and Enter do to what is there already."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from .conftest import Explorer

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect

WOA = "?collection=woa"
POLYGON = f"{WOA}&draw=polygon:-40+-10,0+-10,-20+30&at=-20,10,1"
PLACES = ((0.3, 0.35), (0.45, 0.6), (0.6, 0.35))
OUTLINES = ".leaflet-overlay-pane path"
WIDTHS = pytest.mark.parametrize("width", [360, 740, 1280])


def drawn(explorer: Explorer) -> str:
    """What is drawn, as the page's address holds it."""
    return parse_qs(urlsplit(explorer.page.url).query).get("draw", [""])[0]


def top(explorer: Explorer) -> float:
    box = explorer.page.locator("#map").bounding_box()
    assert box is not None
    return box["y"]


def at_width(explorer: Explorer, width: int, search: str = WOA) -> Explorer:
    explorer.page.set_viewport_size({"width": width, "height": 900})
    return explorer.open(search)


def double_click(explorer: Explorer, place: tuple[float, float], tremble: float = 0) -> None:
    """Two clicks as a browser counts them, the second so many pixels beside the first."""
    x, y = explorer.at(*place)
    for count in (1, 2):
        explorer.page.mouse.move(x + tremble * (count - 1), y)
        explorer.page.mouse.down(click_count=count)
        explorer.page.mouse.up(click_count=count)


def drag(explorer: Explorer, corner: FloatRect | None) -> None:
    """Drag from the middle of a corner's box towards the lower left."""
    assert corner is not None
    x, y = corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2
    explorer.page.mouse.move(x, y)
    explorer.page.mouse.down()
    explorer.page.mouse.move(x - 60, y + 30, steps=5)
    explorer.page.mouse.up()


# --- by mouse ------------------------------------------------------------------------------------------------------


@WIDTHS
def test_the_map_stays_where_it_is_whatever_the_hint_says(explorer: Explorer, width: int) -> None:
    at_width(explorer, width)
    tops = [top(explorer)]
    for tool in ("Points", "Line", "Box", "Circle", "Polygon"):
        explorer.press(tool)
        tops.append(top(explorer))
    for place in PLACES:
        explorer.click(place)
        tops.append(top(explorer))
    explorer.page.locator("#finish").wait_for()
    assert set(tops) == {tops[0]}


@WIDTHS
@pytest.mark.parametrize("tool", ["Line", "Polygon"])
def test_a_double_click_is_one_corner(explorer: Explorer, tool: str, width: int) -> None:
    at_width(explorer, width).press(tool)
    explorer.click(*PLACES[:2])
    x, y = explorer.at(*PLACES[2])
    explorer.page.mouse.dblclick(x, y)
    explorer.table()
    explorer.until(lambda: drawn(explorer).startswith(tool.lower()))
    assert len(drawn(explorer).split(",")) == 3


def test_a_double_click_of_a_trembling_hand_is_its_first_click(explorer: Explorer) -> None:
    found = []
    for tremble in (0, 3):
        explorer.open(f"{WOA}&at=-20,10,1").press("Line")
        explorer.click(PLACES[0])
        double_click(explorer, PLACES[1], tremble)
        explorer.until(lambda: bool(drawn(explorer)))
        found.append(drawn(explorer))
    assert found[0] == found[1]


def test_a_double_click_adds_one_of_several_points(explorer: Explorer) -> None:
    explorer.open(WOA).press("Points")
    double_click(explorer, PLACES[0], 3)
    explorer.table()
    assert drawn(explorer).startswith("points:")
    assert "," not in drawn(explorer)


def test_what_was_drawn_stays_until_the_next_is_there(explorer: Explorer) -> None:
    explorer.open(POLYGON).table()
    before = explorer.url, explorer.page.locator(OUTLINES).get_attribute("d")
    explorer.press("Line")
    explorer.click((0.2, 0.2))
    assert (explorer.url, explorer.page.locator(OUTLINES).first.get_attribute("d")) == before
    explorer.click((0.3, 0.2))
    explorer.press("Finish")
    explorer.until(lambda: "/trajectory?" in explorer.url)
    assert before[1] not in [path.get_attribute("d") for path in explorer.page.locator(OUTLINES).all()]


def test_what_was_begun_and_given_up_leaves_what_was_drawn(explorer: Explorer) -> None:
    explorer.open(POLYGON).table()
    explorer.click(PLACES[0])
    assert explorer.page.locator(".handle").count() == 0
    explorer.page.keyboard.press("Escape")
    assert explorer.page.locator(".handle").count() == 3
    assert explorer.page.locator(OUTLINES).count() == 1


@pytest.mark.parametrize(("tool", "query"), [("Circle", "/radius?"), ("Box", "/cube?")])
def test_a_drag_from_a_corner_of_another_shape_draws(explorer: Explorer, tool: str, query: str) -> None:
    explorer.open(POLYGON).table()
    corner = explorer.page.locator(".handle").first.bounding_box()
    explorer.press(tool)
    drag(explorer, corner)
    explorer.until(lambda: query in explorer.url)


def test_a_corner_is_moved_by_the_tool_it_was_drawn_with(explorer: Explorer) -> None:
    explorer.open(POLYGON).table()
    explorer.press("Circle")
    explorer.press("Polygon")
    drag(explorer, explorer.page.locator(".handle").first.bounding_box())
    explorer.until(lambda: not drawn(explorer).startswith("polygon:-40 -10"))
    assert drawn(explorer).endswith(",0 -10,-20 30")


# --- by key --------------------------------------------------------------------------------------------------------


def test_a_cross_shows_where_enter_asks(explorer: Explorer) -> None:
    explorer.open(f"{WOA}&at=-30,1,3")
    assert not explorer.page.locator(".cross").is_visible()
    explorer.page.locator("#map").focus()
    explorer.page.keyboard.press("ArrowRight")
    cross, area = (explorer.page.locator(name).bounding_box() for name in (".cross", "#map"))
    assert cross is not None
    assert area is not None
    assert cross["x"] + cross["width"] / 2 == pytest.approx(area["x"] + area["width"] / 2, abs=2)
    assert cross["y"] + cross["height"] / 2 == pytest.approx(area["y"] + area["height"] / 2, abs=2)


@pytest.mark.parametrize(
    ("tool", "words"),
    [("Point", "Enter takes the place"), ("Line", "once more there ends it"), ("Box", "Enter begins")],
)
def test_who_uses_keys_is_told_what_they_do(explorer: Explorer, tool: str, words: str) -> None:
    explorer.open(WOA).press(tool)
    explorer.page.locator("#map").focus()
    explorer.page.keyboard.press("ArrowRight")
    explorer.page.locator("#keys", has_text=words).wait_for()
    explorer.page.mouse.click(*explorer.at(0.5, 0.5))
    explorer.page.locator("#keys").wait_for(state="hidden")


@pytest.mark.parametrize(("tool", "corners"), [("Line", 2), ("Polygon", 3)])
def test_lines_and_polygons_are_drawn_by_keyboard(explorer: Explorer, tool: str, corners: int) -> None:
    explorer.open(f"{WOA}&at=-30,1,3").press(tool)
    explorer.page.locator("#map").focus()
    for key in ("ArrowRight", "ArrowUp", "ArrowLeft")[:corners]:
        explorer.page.keyboard.press(key)
        explorer.page.wait_for_timeout(400)
        explorer.page.keyboard.press("Enter")
    explorer.page.keyboard.press("Enter")
    explorer.table()
    explorer.until(lambda: drawn(explorer).startswith(tool.lower()))
    assert len(drawn(explorer).split(",")) == corners
