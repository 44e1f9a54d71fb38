"""The page of the explorer as it is served: its files, its guard against foreign scripts, the operator's map."""

from __future__ import annotations

import hashlib
import io
import json
import re
import runpy
import tarfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from zarr_edr.errors import ConfigurationError
from zarr_edr.web import explorer
from zarr_edr.web.explorer import Tiles, security_headers

STATIC = Path(explorer.__file__).parent / "static"
VENDOR = runpy.run_path(str(Path(__file__).parents[2] / "scripts/vendor.py"))
"""Functions of the script that fetches the libraries."""
MANIFEST = json.loads((STATIC / "vendor/VENDOR.json").read_text())
OWN = sorted((STATIC / "explorer").iterdir())
MAP = {"url": "https://{s}.tiles.example/{z}/{x}/{y}.png", "attribution": "somebody", "explorer": True}


class Links(HTMLParser):
    """What a page loads, and what its policy would refuse."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("link", "script"):
            self.loaded.append(given.get("src") or given.get("href") or "")
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        self.inline += ["script"] if tag == "script" and "src" not in given else []


@pytest.fixture(scope="module")
def page(client: FlaskClient) -> str:
    answer = client.get("/explorer")
    assert answer.status_code == 200
    return answer.text


def test_everything_the_page_loads_is_served_to_be_kept(client: FlaskClient, page: str) -> None:
    loaded = [url for url in Links(page).loaded if "/explorer/" in url or "/vendor/" in url]
    answers = {url: client.get(url) for url in loaded}
    assert len(answers) > 20
    assert {url: answer.status_code for url, answer in answers.items() if answer.status_code != 200} == {}
    assert all("immutable" in answer.headers["Cache-Control"] for answer in answers.values())


def test_the_page_loads_every_module_ahead(page: str) -> None:
    names = {url.rsplit("/", 1)[1] for url in Links(page).loaded}
    assert {path.name for path in OWN if path.suffix == ".js"} <= names


def test_the_policy_has_nothing_to_refuse_in_the_page(page: str) -> None:
    assert Links(page).inline == []


def test_the_policy_allows_this_service_alone(client: FlaskClient) -> None:
    policy = client.get("/explorer").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'; img-src 'self'; object-src 'none'")
    assert "unsafe" not in policy


def test_the_page_is_not_sent_again_where_it_is_known(client: FlaskClient) -> None:
    first = client.get("/explorer")
    assert client.get("/explorer", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    "name", ["explorer/nope.js", "explorer/../../html.py", "style.css", "vendor/", "vendor/VENDOR.json/x"]
)
def test_no_other_file_is_served(client: FlaskClient, page: str, name: str) -> None:
    folder = next(url for url in Links(page).loaded if url.endswith("/explorer/main.js")).removesuffix(
        "explorer/main.js"
    )
    assert client.get(folder + name).status_code == 404


def test_pages_lead_to_it(client: FlaskClient) -> None:
    assert 'href="/explorer?collection=ostia"' in client.get("/collections/ostia?f=html").text
    run = client.get("/collections/seasonal/instances/20160201T0000Z?f=html").text
    assert 'href="/explorer?collection=seasonal&amp;run=20160201T0000Z"' in run
    assert 'href="/explorer"' in client.get("/?f=html").text


# --- what it is made of --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*OWN, *(STATIC / "pages").iterdir()], ids=lambda path: path.name)
def test_its_own_files_are_small_and_name_nobody_else(path: Path) -> None:
    text = path.read_text().replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|@import|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)
    assert path.suffix == ".css" or text.count("\n") <= 300


def test_the_libraries_are_those_of_the_manifest() -> None:
    assert VENDOR["faults"](MANIFEST) == []


def test_a_library_that_has_changed_is_a_fault() -> None:
    changed = [{**package, "files": [{**file, "sha256": "0"} for file in package["files"]]} for package in MANIFEST]
    assert "leaflet.js has changed" in VENDOR["faults"](changed)


def packed(folder: Path, name: str, text: bytes) -> Path:
    """A package with one file, as npm packs it."""
    with tarfile.open(folder / "a.tgz", "w:gz") as archive:
        entry = tarfile.TarInfo(f"package/{name}")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    return folder / "a.tgz"


def package(**file: str) -> dict[str, Any]:
    return {"package": "a", "version": "1.0", "files": [{"from": "a.js", "name": "b.js", **file}]}


@pytest.mark.parametrize("known", [{}, {"sha256": hashlib.sha256(b"run()").hexdigest()}], ids=["new", "known"])
def test_a_library_is_taken_from_its_package(tmp_path: Path, known: dict[str, str]) -> None:
    assert VENDOR["unpacked"](packed(tmp_path, "a.js", b"run()"), package(**known)) == {"b.js": b"run()"}


def test_a_library_that_its_package_does_not_have_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"a 1\.0 has no a\.js"):
        VENDOR["unpacked"](packed(tmp_path, "other.js", b"run()"), package())


def test_another_library_under_the_same_version_is_refused(tmp_path: Path) -> None:
    known = hashlib.sha256(b"run()").hexdigest()
    with pytest.raises(SystemExit, match=r"a\.js of a 1\.0 is not the file it was"):
        VENDOR["unpacked"](packed(tmp_path, "a.js", b"steal()"), package(sha256=known))


def test_each_library_comes_with_its_licence() -> None:
    for package in MANIFEST:
        assert package["licence"]
        assert any("LICENSE" in file["name"] for file in package["files"])


def test_every_picture_of_the_documentation_is_shown_in_it() -> None:
    root = Path(__file__).parents[2]
    texts = "".join(path.read_text() for path in (root / "README.md", *(root / "docs").glob("*.md")))
    shown = set(re.findall(r"images/([\w.-]+)", texts))
    assert shown == {path.name for path in (root / "docs/images").iterdir()}


# --- the operator's map --------------------------------------------------------------------------------------------


def config(**changes: Any) -> dict[str, Any]:
    return {"server": {"map": MAP | changes}}


def test_a_map_is_only_loaded_where_that_is_asked_for() -> None:
    assert Tiles.of({}) is None
    assert Tiles.of(config(explorer=False)) is None


def test_the_policy_allows_the_pictures_of_the_operators_map() -> None:
    policy = security_headers(Tiles.of(config()))["Content-Security-Policy"]
    assert "img-src 'self' https://*.tiles.example;" in policy


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"explorer": "yes"}, "server.map.explorer"),
        ({"url": "tiles"}, "server.map.url"),
        ({"url": "https://x/y.png"}, "server.map.url"),
    ],
)
def test_a_map_that_cannot_be_is_named_at_the_start(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(key)):
        Tiles.of(config(**changes))
