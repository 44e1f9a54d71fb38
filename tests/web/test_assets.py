"""The programs of pages as they are served: with everything they need, under a name of their own for each version."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from zarr_edr.web import assets, html

STATIC = Path(html.__file__).parent / "static"
DATA = "/collections/ostia/position?coords=POINT(-30 1)&f=html"
PAGES = {"data": DATA, "api": "/openapi?f=html", "explorer": "/explorer"}


def loaded(page: str) -> list[str]:
    """What a page loads."""
    return re.findall(r'<(?:script|link)\b[^>]* (?:src|href)="([^"]*)"', page)


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_everything_a_page_loads_is_served(client: FlaskClient, path: str) -> None:
    urls = loaded(client.get(path).text)
    assert len(urls) > 3
    assert {url: client.get(url).status_code for url in urls if client.get(url).status_code != 200} == {}


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_a_page_names_every_module_that_its_program_imports(client: FlaskClient, path: str) -> None:
    urls = [url for url in loaded(client.get(path).text) if url.endswith(".js")]
    for url in urls:
        for name in re.findall(r"^import .* from '\./([^']*)'$", client.get(url).text, re.MULTILINE):
            assert url.rsplit("/", 1)[0] + "/" + name in urls


def test_an_import_of_another_folder_is_found() -> None:
    found = assets.modules_of("pages/result.js")
    assert found[0] == "pages/result.js"
    assert {"pages/parts.js", "explorer/covjson.js", "explorer/times.js"} <= set(found)
    assert len(set(found)) == len(found)


def test_every_file_of_the_pages_is_used() -> None:
    used = " ".join(path.read_text() for path in (Path(html.__file__).parent / "templates").iterdir())
    modules = {*assets.modules_of("pages/result.js"), *assets.modules_of("pages/operations.js")}
    own = {f"pages/{path.name}" for path in (STATIC / "pages").iterdir()}
    assert {name for name in own if name not in modules and name not in used} == set()


def test_the_answer_to_a_post_which_has_no_address_has_no_program(client: FlaskClient) -> None:
    answer = client.post("/collections/ostia/position", data={"coords": "POINT(-30 1)", "f": "html"})
    assert answer.status_code == 200
    assert "<script" not in answer.text


def test_a_page_that_is_kept_is_asked_for_again_once_its_program_is_another(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = client.get(DATA).headers["ETag"]
    assert client.get(DATA, headers={"If-None-Match": tag}).status_code == 304
    monkeypatch.setattr(assets, "version", lambda: "another")
    assert client.get(DATA, headers={"If-None-Match": tag}).status_code == 200


def test_a_page_shows_the_address_of_its_data_as_clients_ask_for_it(client: FlaskClient) -> None:
    page = client.get(DATA).text
    assert ">http://localhost:5000/collections/ostia/position?coords=POINT(-30%201)&amp;f=CoverageJSON</a>" in page


@pytest.fixture(scope="module")
def static() -> FlaskClient:
    app = Flask(__name__, static_folder=None)
    html.register_static(app, "/v1")
    return app.test_client()


@pytest.mark.parametrize(("name", "media_type"), [("style.css", "text/css"), ("world.svg", "image/svg+xml")])
def test_static_files_are_served_and_remembered(static: FlaskClient, name: str, media_type: str) -> None:
    first = static.get(f"/v1/static/zarr-edr/{name}")
    again = static.get(f"/v1/static/zarr-edr/{name}", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, first.mimetype, first.headers["X-Content-Type-Options"]) == (200, media_type, "nosniff")
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("name", ["", "nope.css", "../html.py", "..%2fhtml.py", "style.css/", "%2e%2e/html.py"])
def test_no_other_file_is_served(static: FlaskClient, name: str) -> None:
    assert static.get(f"/v1/static/zarr-edr/{name}").status_code == 404
