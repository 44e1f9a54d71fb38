"""Pictures of the explorer and other pages for the documentation, of a running demo: python scripts/explorer_pictures.py URL.

Needs playwright and Debian's chromium. Writes to docs/images/.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

FOLDER = Path(__file__).parents[1] / "docs/images"
PHONE = {"width": 360, "height": 780}
SCREEN = {"width": 1280, "height": 860}
DRAWN = "#explorer[data-ready], #result-drawing :is(.summary, .single)"
VIEWS = {
    "explorer-first": ("/explorer", "light", SCREEN),
    "explorer-profile": ("/explorer?collection=woa&draw=points:-30+1,-30+40&chart=profile", "light", SCREEN),
    "explorer-series": ("/explorer?collection=ostia&draw=points:-90+0,-30+1,80+0&at=0,0,0.6", "light", SCREEN),
    "explorer-section": (
        "/explorer?collection=woa&draw=line:-30+-50,-25+0,-30+60&chart=section&at=-30,5,1.25",
        "light",
        SCREEN,
    ),
    "explorer-box": ("/explorer?collection=a1b&draw=box:-110+30,-90+45", "light", SCREEN),
    "explorer-members": ("/explorer?collection=seasonal&draw=point:12+42&every=number", "dark", SCREEN),
    "explorer-dark": ("/explorer?collection=era5ens&draw=polygon:-20+20,40+20,30+60,-10+55", "dark", SCREEN),
    "page-series": ("/collections/ostia/position?coords=POINT(-30 1)&f=html", "light", SCREEN),
    "page-area": (
        "/collections/woa/area?coords=POLYGON((-60 0,0 0,-10 60,-70 60,-60 0))&datetime=0000-01-01/0000-03-01&f=html",
        "dark",
        SCREEN,
    ),
    "explorer-phone": ("/explorer?collection=woa&draw=point:-30+1&chart=profile", "light", PHONE),
}


def main(url: str) -> None:
    """Take all pictures of the demo at a URL."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for name in VIEWS:
            take(browser, url, name)
        browser.close()


def take(browser: Browser, url: str, name: str) -> None:
    """Take one picture: of the whole page on a phone, else of a screenful."""
    path, scheme, size = VIEWS[name]
    page = browser.new_page(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]  # light or dark, width and height
    page.goto(f"{url}{path}")
    page.locator(DRAWN).first.wait_for()
    page.wait_for_timeout(1500)
    page.screenshot(path=FOLDER / f"{name}.png", full_page=size is PHONE)
    page.close()


if __name__ == "__main__":
    main(sys.argv[1])
