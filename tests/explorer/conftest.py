"""The explorer of the demo in a real browser: Debian's chromium, driven by Playwright."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
import requests

from zarr_edr.testing.server import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page, Route

ROOT = Path(__file__).parents[2]
MUST_RUN = "ZARR_EDR_ALL"
"""With this in the environment, a test that cannot run for want of a tool fails: so continuous integration sees it."""
AXE = "4.14.1"
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",  # which a superuser's browser cannot have
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WATCH = (
    "addEventListener('securitypolicyviolation', event => refused(`${event.violatedDirective} ${event.blockedURI}`))"
)
Row = list[str]


@pytest.hookimpl(tryfirst=True)  # before xdist looks for groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests in one process: one browser at a time is enough."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("explorer"))


def cannot_run(why: str) -> NoReturn:
    """Skip, or fail where everything has to run."""
    if os.environ.get(MUST_RUN):
        pytest.fail(f"{MUST_RUN} is set, but {why}")
    pytest.skip(why)


@pytest.fixture(scope="session")
def demo() -> Iterator[str]:
    """The URL of the demo, without a slash at the end."""
    with served(ROOT / "config/demo.yml", folder=ROOT) as server:
        yield server.url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415  # it may be absent
    except ImportError:
        cannot_run("playwright is not installed")
    if not CHROMIUM.exists():
        cannot_run("chromium is not installed (Debian: chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@dataclass
class Explorer:
    """The page, and what a reader does with it."""

    page: Page
    service: str
    """URL of the service that is explored."""
    requests: list[str] = field(default_factory=list)
    """Everything the page has asked for."""
    faults: list[str] = field(default_factory=list)
    """Errors of its program, and what its security policy has refused."""

    def open(self, search: str = "") -> Explorer:
        """Open it with these parameters and wait for the picture."""
        self.page.goto(f"{self.service}/explorer{search}")
        self.page.locator("#explorer[data-ready]").wait_for()
        return self

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The pixel of the page at a share of the map's width and height."""
        box = self.page.locator("#map").bounding_box()
        assert box is not None
        return box["x"] + box["width"] * x, box["y"] + box["height"] * y

    def click(self, *places: tuple[float, float]) -> None:
        """Click places of the map, each a share of its width and height."""
        for place in places:
            self.page.mouse.click(*self.at(*place))

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag from one place of the map to another."""
        self.page.mouse.move(*self.at(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.at(*end), steps=6)
        self.page.mouse.up()

    def press(self, name: str) -> None:
        """Press the button of this name."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def type(self, coordinates: str) -> None:
        """Draw by typing coordinates."""
        if not self.page.locator("#coordinates").is_visible():
            self.page.get_by_text("Type coordinates instead").click()
        self.page.locator("#coordinates").fill(coordinates)
        self.press("Get the values")

    def table(self) -> tuple[Row, list[Row]]:
        """Header and rows of the numbers that are drawn, once they are."""
        self.page.locator("#chart details.numbers").wait_for()
        if not self.page.locator("#chart details.numbers[open]").count():
            self.page.locator("#chart details.numbers > summary").click()
        table = self.page.locator("#chart table.data")
        table.wait_for()
        header, *rows = table.evaluate(
            "table => [...table.rows].map(row => [...row.cells].map(cell => cell.textContent))"
        )
        return header, rows

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds. Playwright's own `wait_for_function` needs what the page's policy refuses."""
        end = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < end, "it never came true"
            self.page.wait_for_timeout(50)

    def serious(self, axe: str) -> list[tuple[str, list[str]]]:
        """What axe-core finds that keeps somebody from using the page: the rule, and the elements that break it."""
        self.page.evaluate(f"{axe}; 0")
        found = self.page.evaluate("axe.run()")["violations"]
        serious = [each for each in found if each["impact"] in ("serious", "critical")]
        return [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in serious]

    @property
    def url(self) -> str:
        """The request that the page shows."""
        return self.page.locator("#request-url").inner_text()

    def answer(self) -> dict[str, Any]:
        """What the API answers to that request."""
        found = requests.get(self.url, timeout=60)
        assert found.status_code == 200, found.text
        document: dict[str, Any] = found.json()
        return document

    def data_requests(self) -> list[str]:
        """Queries for values that the page has sent."""
        return [url for url in self.requests if re.search(r"/collections/.+\?", url) and "/instances?" not in url]


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core, which npm installs beside this environment, outside the project's files."""
    folder = Path(sys.prefix) / "node-axe"
    folder.mkdir(exist_ok=True)
    script = folder / f"node_modules/axe-core-{AXE}/axe.min.js"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other processes of these tests may install, too
        if not script.exists():
            quiet = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]
            command = ["npm", "install", "--prefix", str(folder), *quiet, f"axe-core-{AXE}@npm:axe-core@{AXE}"]
            try:
                subprocess.run(command, check=True, capture_output=True, timeout=100)
            except (OSError, subprocess.SubprocessError) as error:
                cannot_run(f"npm could not install axe-core {AXE}: {error}")
    return script.read_text(encoding="utf-8")


@pytest.fixture
def phone(browser: Browser, demo: str) -> Iterator[Explorer]:
    yield from explored(browser, demo, viewport={"width": 360, "height": 740}, has_touch=True)


@pytest.fixture
def explorer(browser: Browser, demo: str) -> Iterator[Explorer]:
    """The explorer of the demo on a wide screen; whatever a test does, nothing may go elsewhere and nothing may break."""
    yield from explored(browser, demo)


def explored(browser: Browser, service: str, **options: Any) -> Iterator[Explorer]:
    """An explorer, to be closed, and what must hold for all of them."""
    context = browser.new_context(**{"viewport": {"width": 1366, "height": 900}, "accept_downloads": True, **options})
    context.add_init_script(WATCH)
    page = context.new_page()
    page.set_default_timeout(30_000)  # of the slowest machine
    found = Explorer(page, service)
    elsewhere: list[str] = []

    def refused(text: str) -> None:
        found.faults.append(text)

    # Kept here rather than in the page, which forgets everything when another is opened.
    context.expose_function("refused", refused)

    def local(route: Route) -> None:
        url = route.request.url
        if url.startswith((service, "blob:", "data:")):
            found.requests.append(url)
            route.continue_()
        else:
            elsewhere.append(url)
            route.abort()

    context.route("**/*", local)
    page.on("pageerror", lambda error: found.faults.append(str(error)))

    def dialog(opened: Dialog) -> None:
        found.faults.append(f"dialog {opened.message}")
        opened.dismiss()

    page.on("dialog", dialog)
    yield found
    page.evaluate("0")  # what the page has sent until now arrives before its answer
    context.close()
    assert elsewhere == []
    assert found.faults == []
