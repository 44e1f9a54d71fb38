"""Whatever stands in the metadata of a store, in a configuration or in an address is text, and stays text.

The browser's own guard against foreign scripts is switched off here: nothing but the page itself may stop them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pytest
import xarray as xr
import yaml

from zarr_edr.testing.server import served

from .conftest import Explorer, explored

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAYLOADS = (
    "<script>fired(1)</script>",
    "<img src=x onerror=fired(2)>",
    "<svg onload=fired(3)>",
    "<svg><script>fired(4)</script></svg>",
    '"><script>fired(5)</script>',
    "'><img src=x onerror=fired(6)>",
    '" onfocus=fired(7) autofocus="',
    "' onmouseover=fired(8) '",
    "<iframe srcdoc='<script>parent.fired(9)</script>'>",
    "<a href=javascript:fired(10)>x</a>",
    "javascript:fired(11)",
    "</select><img src=x onerror=fired(12)>",
    "</option><script>fired(13)</script>",
    "</code></pre><img src=x onerror=fired(14)>",
    "<details open ontoggle=fired(15)>",
    "<video><source onerror=fired(16)></video>",
    "<style>@import 'javascript:fired(17)'</style>",
    "<body onload=fired(18)>",
    "{{constructor.constructor('fired(19)')()}}",
    "${fired(20)}",
    "&lt;img src=x onerror=fired(21)&gt;",
    "</script><script>fired(22)</script>",
)
GO = """async search => {
  history.pushState(null, '', search)
  dispatchEvent(new PopStateEvent('popstate'))
  await new Promise(resolve => setTimeout(resolve, 40))
}"""
"""Goes to another address of the same page, as the button of the browser does, and leaves it time to show that."""


def store(folder: Path) -> Path:
    """A store with a payload in every name, unit and attribute, in times, levels and a further dimension."""
    coordinates = {
        "member <img src=x onerror=fired(30)>": (
            ["member <img src=x onerror=fired(30)>"],
            np.array(["a", PAYLOADS[1]]),
        ),
        "time": (["time"], np.array(["2020-01-01", "2020-01-02"], "datetime64[ns]")),
        "z": (["z"], [1.0, 2.0], {"positive": "down", "units": PAYLOADS[0], "long_name": PAYLOADS[4], "axis": "Z"}),
        "lat": (["lat"], [0.0, 1.0, 2.0], {"units": "degrees_north"}),
        "lon": (["lon"], [0.0, 1.0, 2.0], {"units": "degrees_east"}),
    }
    attributes = ("long_name", "units", "standard_name", "description")
    values = np.arange(72, dtype="f4").reshape(2, 2, 2, 3, 3)
    names = [payload.replace("/", "\u2215") for payload in PAYLOADS]
    variables = {
        name: (list(coordinates), values, dict.fromkeys(attributes, payload))
        for name, payload in zip(names, PAYLOADS, strict=True)
    }
    dataset = xr.Dataset(variables, coordinates, dict.fromkeys(("title", "summary", "comment"), PAYLOADS[0]))
    dataset.to_zarr(folder / "hostile.zarr", consolidated=False)
    return folder / "hostile.zarr"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("hostile")
    provider = {"type": "edr", "name": "zarr_edr.ZarrEDRProvider", "data": str(store(folder))}
    texts = {"title": PAYLOADS[11], "description": PAYLOADS[1], "keywords": list(PAYLOADS)}
    hidden = {"title": "hidden", "visibility": "hidden", "providers": [provider]}
    resources = {"hostile": {**texts, "providers": [provider]}, "hidden": hidden}
    config = folder / "config.yml"
    config.write_text(yaml.safe_dump({"resources": resources}))
    with served(config) as server:
        yield server.url


@pytest.fixture
def fires() -> list[int]:
    """Payloads that have fired, on whichever page."""
    return []


@pytest.fixture
def unguarded(browser: Browser, service: str, fires: list[int]) -> Iterator[Explorer]:
    def fired(number: int) -> None:
        fires.append(number)

    for explorer in explored(browser, service, bypass_csp=True):
        explorer.page.expose_function("fired", fired)
        yield explorer
        explorer.page.evaluate("0")  # what the page has sent until now arrives before its answer
        assert fires == []
        assert not explorer.page.locator("#explorer :is(img, iframe, script, video, style, object, embed)").count()


def test_what_fires_is_seen_of_a_page_that_was_left(unguarded: Explorer, fires: list[int]) -> None:
    markup = f'<body>{PAYLOADS[1]}<iframe srcdoc="<script>parent.fired(9)</script>"></iframe>'
    unguarded.page.route("**/hostile-page", lambda route: route.fulfill(content_type="text/html", body=markup))
    unguarded.page.goto(f"{unguarded.service}/hostile-page")
    unguarded.page.goto(f"{unguarded.service}/collections?f=html")
    unguarded.until(lambda: sorted(fires) == [2, 9])
    fires.clear()


def test_metadata_fire_nothing(unguarded: Explorer) -> None:
    unguarded.open("?draw=point:1+1&chart=series")
    unguarded.table()
    shown = unguarded.page.locator("#parameter option").all_inner_texts()
    assert [payload for payload in PAYLOADS if not any(text.startswith(payload) for text in shown)] == []


@pytest.mark.parametrize("way", ["series", "profile", "both", "values"])
def test_charts_of_them_fire_nothing(unguarded: Explorer, way: str) -> None:
    names = (
        unguarded.open()
        .page.locator("#parameter option")
        .evaluate_all("options => options.map(option => option.value)")
    )
    also = "&".join(f"also={quote(name)}" for name in names[1:6])
    unguarded.open(f"?draw=points:1+1,2+2&chart={way}&{also}&every={quote('member <img src=x onerror=fired(30)>')}")
    unguarded.table()
    unguarded.page.mouse.move(*unguarded.at(0.5, 0.5))


def test_code_for_them_fires_nothing(unguarded: Explorer) -> None:
    unguarded.open("?draw=box:0+0,2+2")
    unguarded.table()
    for name in unguarded.page.locator("#code-language option").all_inner_texts():
        unguarded.page.locator("#code-language").select_option(name)
        assert "hostile" in unguarded.page.locator("#snippets code").inner_text()


@pytest.mark.parametrize(
    "name", ["collection", "parameter", "also", "run", "datetime", "z", "draw", "chart", "at", "palette", "range"]
)
def test_an_address_fires_nothing(unguarded: Explorer, name: str) -> None:
    unguarded.open(f"?{name}={quote(PAYLOADS[1])}")
    for payload in PAYLOADS:
        unguarded.page.evaluate(GO, f"?{name}={quote(payload)}")
    unguarded.page.wait_for_timeout(300)


def test_an_unknown_dimension_in_an_address_fires_nothing(unguarded: Explorer) -> None:
    known = quote("member <img src=x onerror=fired(30)>")
    unguarded.open(f"?dim-{quote(PAYLOADS[1])}={quote(PAYLOADS[1])}")
    for payload in PAYLOADS:
        unguarded.page.evaluate(GO, f"?dim-{quote(payload)}={quote(payload)}&dim-{known}={quote(payload)}")
    unguarded.page.wait_for_timeout(300)


def test_the_words_of_a_failure_fire_nothing(unguarded: Explorer) -> None:
    unguarded.open()
    bodies = iter([json.dumps({"code": p, "description": f"{i}: {p}"}) for i, p in enumerate(PAYLOADS)])
    unguarded.page.route("**/position?*", lambda route: route.fulfill(status=400, body=next(bodies)))
    for number, payload in enumerate(PAYLOADS):
        unguarded.type(f"1 {number / 100}")
        unguarded.page.locator("#chart-state", has_text=f"{number}: {payload}").wait_for()


def test_a_collection_that_is_not_listed_can_be_explored(unguarded: Explorer) -> None:
    unguarded.open("?collection=hidden&draw=point:1+1")
    assert "/collections/hidden/position" in unguarded.url
    assert unguarded.page.locator("#faults").inner_text() == ""


@pytest.mark.parametrize(
    "query", ["position?coords=POINT(1 1)", "cube?bbox=0,0,2,2", "position?coords=MULTIPOINT((1 1),(2 2))"]
)
def test_pages_of_them_fire_nothing(unguarded: Explorer, query: str) -> None:
    names = ",".join(quote(payload.replace("/", "\u2215")) for payload in PAYLOADS)
    unguarded.page.goto(f"{unguarded.service}/collections/hostile/{query}&parameter-name={names}&f=html")
    unguarded.page.locator("#result-drawing :is(.summary, .single)").first.wait_for()
    shown = unguarded.page.locator("#result-parameter option").all_inner_texts()
    assert set(PAYLOADS) <= set(shown)
    for index in range(len(shown)):
        unguarded.page.locator("#result-parameter").select_option(index=index)
    assert not unguarded.page.locator(".result :is(img, iframe, script, video, style, object, embed)").count()


@pytest.mark.parametrize("path", ["", "collections", "collections/hostile", "collections/hostile/locations"])
def test_pages_about_them_fire_nothing(unguarded: Explorer, path: str) -> None:
    unguarded.page.goto(f"{unguarded.service}/{path}?f=html")
    unguarded.page.mouse.move(400, 400)
    assert not unguarded.page.locator(":is(iframe, script, video, style, object, embed)").count()


@pytest.mark.parametrize(
    "path", ["{}", "collections/{}", "collections/hostile/position?coords={}&f=html", "collections/hostile?f={}"]
)
def test_pages_of_failures_fire_nothing(unguarded: Explorer, path: str) -> None:
    for payload in PAYLOADS:
        unguarded.page.goto(f"{unguarded.service}/{path.format(quote(payload, safe=''))}")
        assert not unguarded.page.locator("main :is(img, iframe, script, video, style, object, embed)").count()


def test_the_page_of_the_api_fires_nothing(unguarded: Explorer) -> None:
    unguarded.page.goto(f"{unguarded.service}/openapi?f=html")
    unguarded.page.locator("#operations .opblock-tag").first.wait_for()
    for tag in unguarded.page.locator("#operations .opblock-tag").all():
        tag.click()
    operation = unguarded.page.locator("#operations .opblock-get", has_text="/collections/hostile/position").first
    operation.locator(".opblock-summary-control").click()
    assert operation.locator("tr[data-param-name=parameter-name]").inner_text().count("fired") >= len(PAYLOADS)
    assert not unguarded.page.locator("#operations :is(img, iframe, script, video, object, embed)").count()
