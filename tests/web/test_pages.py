"""The resources that describe the service, over HTTP: forms, errors, and what pygeoapi keeps answering."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient

from zarr_edr.web import html, openapi, pages

ROOT = Path(__file__).parents[2]
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
JAVA = "text/html, image/gif, image/jpeg, */*; q=0.2"
PAGES = (
    "/",
    "/conformance",
    "/collections",
    "/collections/ostia",
    "/collections/seasonal/instances",
    "/collections/seasonal/instances/20160201T0000Z",
)


@pytest.mark.parametrize("path", PAGES)
class TestEveryPage:
    @pytest.mark.parametrize(
        ("accept", "type_"),
        [
            ("*/*", "application/json"),
            ("application/json", "application/json"),
            ("application/json;q=0.5, text/html;q=0.1", "application/json"),
            ("text/html", "text/html"),
            (BROWSER, "text/html"),
        ],
        ids=["any", "json", "rather json", "html", "browser"],
    )
    def test_accept_chooses_the_form(self, client: FlaskClient, path: str, accept: str, type_: str) -> None:
        response = client.get(path, headers={"Accept": accept})
        assert (response.status_code, response.mimetype) == (200, type_)

    def test_without_accept_it_is_json(self, client: FlaskClient, path: str) -> None:
        assert client.get(path).content_type == "application/json"

    @pytest.mark.parametrize(
        ("f", "type_"),
        [("json", "application/json"), ("application/json", "application/json"), ("HTML", "text/html")],
    )
    def test_f_wins_over_accept(self, client: FlaskClient, path: str, f: str, type_: str) -> None:
        response = client.get(path, query_string={"f": f}, headers={"Accept": "image/png"})
        assert (response.status_code, response.mimetype) == (200, type_)

    def test_an_unknown_f_is_400_and_names_those_there_are(self, client: FlaskClient, path: str) -> None:
        response = client.get(path, query_string={"f": "png"})
        assert response.status_code == 400
        assert "json, html" in response.get_json()["description"]

    def test_nothing_acceptable_is_406(self, client: FlaskClient, path: str) -> None:
        assert client.get(path, headers={"Accept": "image/png"}).status_code == 406

    def test_the_self_link_leads_to_the_same_document(self, client: FlaskClient, path: str) -> None:
        found = client.get(path).get_json()
        (href,) = (link["href"] for link in found["links"] if link["rel"] == "self")
        assert client.get(href.removeprefix("http://localhost:5000")).get_json() == found

    def test_the_alternate_link_leads_to_html(self, client: FlaskClient, path: str) -> None:
        links = client.get(path).get_json()["links"]
        (href,) = (link["href"] for link in links if link["rel"] == "alternate")
        assert client.get(href.removeprefix("http://localhost:5000")).mimetype == "text/html"

    def test_a_language_changes_nothing(self, client: FlaskClient, path: str) -> None:
        assert client.get(path, query_string={"lang": "en-US"}).data == client.get(path).data

    def test_what_has_not_changed_is_304(self, client: FlaskClient, path: str) -> None:
        tag = client.get(path).headers["ETag"]
        response = client.get(path, headers={"If-None-Match": tag})
        assert (response.status_code, response.data) == (304, b"")

    def test_the_forms_have_different_tags(self, client: FlaskClient, path: str) -> None:
        tags = {client.get(path, query_string={"f": f}).headers["ETag"] for f in ("json", "html")}
        assert len(tags) == 2

    def test_head_has_the_headers_of_get(self, client: FlaskClient, path: str) -> None:
        assert client.head(path).headers["Content-Length"] == client.get(path).headers["Content-Length"]


@pytest.mark.parametrize(
    "path",
    [
        "/collections/nope",
        "/collections/ostia/nope",
        "/collections/ostia/instances",
        "/collections/ostia/instances/20160201T0000Z",
        "/collections/seasonal/instances/nope",
        "/collections/nope/instances",
        "/collections/seasonal/instances/nope/position?coords=POINT(15 42)",
    ],
)
def test_what_is_not_there_is_404_with_a_sentence(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.get_json()["description"]


class TestOpenApi:
    @pytest.mark.parametrize(
        ("accept", "type_"),
        [
            ("*/*", "application/vnd.oai.openapi+json;version=3.0"),
            ("application/vnd.oai.openapi+json;version=3.0", "application/vnd.oai.openapi+json;version=3.0"),
            ("application/vnd.oai.openapi+json;version=3.1", "application/vnd.oai.openapi+json;version=3.1"),
            ("application/json", "application/json"),
            ("text/html", "text/html; charset=utf-8"),
            (BROWSER, "text/html; charset=utf-8"),
            (JAVA, "application/vnd.oai.openapi+json;version=3.0"),
        ],
        ids=["any", "3.0", "3.1", "json", "html", "browser", "Java"],
    )
    def test_accept_chooses_version_and_form(self, client: FlaskClient, accept: str, type_: str) -> None:
        response = client.get("/openapi", headers={"Accept": accept})
        assert (response.status_code, response.content_type) == (200, type_)

    @pytest.mark.parametrize(("f", "version"), [("json", "3.0.3"), ("application/json", "3.0.3"), ("json31", "3.1.0")])
    def test_f_chooses_the_version(self, client: FlaskClient, f: str, version: str) -> None:
        assert client.get("/openapi", query_string={"f": f}).get_json()["openapi"] == version

    def test_each_link_to_it_leads_to_what_it_says(self, client: FlaskClient) -> None:
        links = [link for link in client.get("/").get_json()["links"] if link["rel"].startswith("service-")]
        for link in links:
            response = client.get(link["href"].removeprefix("http://localhost:5000"), headers={"Accept": link["type"]})
            assert response.content_type.startswith(link["type"])


PROBE = """
import json, sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
from zarr_edr.web.config import prepare
prepare(Path(sys.argv[1]), Path(sys.argv[2]), "127.0.0.1:5000")
from zarr_edr.web.app import create_app
client = create_app().test_client()
answers = {path: client.get(path) for path in sys.argv[3:]}
print(json.dumps({path: [r.status_code, r.mimetype, r.get_data(as_text=True)] for path, r in answers.items()}))
"""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Answers of a service with a prefix, a collection of another provider, a hidden one of ours, and a process."""
    folder = tmp_path_factory.mktemp("mixed")
    config = yaml.safe_load((ROOT / "config/demo.yml").read_text())
    config["server"]["api_rules"] = {"api_version": "1.0.0", "url_prefix": "v{api_major}"}
    config["server"]["languages"] = ["en-US", "fr-CA"]
    config["metadata"]["license"] = {"name": "CC-BY 4.0", "url": "https://creativecommons.org/licenses/by/4.0/"}
    config["resources"] = {
        "places": csv_collection(folder),
        "ostia": config["resources"]["ostia"] | {"title": {"en": "Sea", "fr": "Mer"}},
        "secret": config["resources"]["woa"] | {"visibility": "hidden"},
        "hello-world": {"type": "process", "processor": {"name": "HelloWorld"}},
    }
    (folder / "config.yml").write_text(yaml.safe_dump(config, sort_keys=False))
    paths = ["/", "/conformance", "/collections", "/collections?f=html", "/collections/places", "/openapi?f=json31"]
    paths += [
        "/collections/places?f=html",
        "/collections/secret",
        "/processes?f=json",
        "/openapi",
        "/collections/ostia",
    ]
    paths += ["/collections/places/items?f=json"]
    command = [sys.executable, "-c", PROBE, str(folder / "config.yml"), str(folder), *(f"/v1{path}" for path in paths)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYGEOAPI")}
    environment |= {"PYGEOAPI_CONFIG": "", "PYGEOAPI_OPENAPI": ""}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {path.removeprefix("/v1"): answer for path, answer in found.items()}


def csv_collection(folder: Path) -> dict[str, Any]:
    (folder / "places.csv").write_text("id,lon,lat,name\n1,10,50,here\n")
    provider = {
        "type": "feature",
        "name": "CSV",
        "data": str(folder / "places.csv"),
        "id_field": "id",
        "geometry": {"x_field": "lon", "y_field": "lat"},
    }
    extents = {"spatial": {"bbox": [-180, -90, 180, 90]}}
    named = {"title": "Places", "description": "Places", "keywords": [], "links": []}
    return {"type": "collection", **named, "extents": extents, "providers": [provider]}


def json_of(answer: list[Any]) -> Any:
    status, mimetype, body = answer
    assert (status, "json" in mimetype) == (200, True)
    return json.loads(body)


class TestBesideOtherProviders:
    def test_collections_are_listed_in_the_order_of_the_configuration(self, mixed: dict[str, Any]) -> None:
        assert [c["id"] for c in json_of(mixed["/collections"])["collections"]] == ["places", "ostia"]

    def test_a_hidden_collection_is_served_but_not_listed(self, mixed: dict[str, Any]) -> None:
        assert json_of(mixed["/collections/secret"])["id"] == "secret"

    def test_a_collection_of_another_provider_is_pygeoapis(self, mixed: dict[str, Any]) -> None:
        assert json_of(mixed["/collections/places"])["itemType"] == "feature"
        assert mixed["/collections/places?f=html"][:2] == [200, "text/html"]
        assert len(json_of(mixed["/collections/places/items?f=json"])["features"]) == 1

    def test_the_page_of_collections_shows_both(self, mixed: dict[str, Any]) -> None:
        status, mimetype, body = mixed["/collections?f=html"]
        assert (status, mimetype) == (200, "text/html")
        assert "/collections/places" in body
        assert "/collections/ostia" in body

    def test_links_have_the_prefix(self, mixed: dict[str, Any]) -> None:
        hrefs = [link["href"] for link in json_of(mixed["/"])["links"] if "localhost" in link["href"]]
        assert all(href.startswith("http://localhost:5000/v1") for href in hrefs)

    def test_the_landing_page_leads_to_processes(self, mixed: dict[str, Any]) -> None:
        assert any(link["rel"].endswith("/processes") for link in json_of(mixed["/"])["links"])
        assert json_of(mixed["/processes?f=json"])["processes"]

    def test_the_licence_is_linked(self, mixed: dict[str, Any]) -> None:
        for path in ("/", "/collections/ostia"):
            links = {link["rel"]: link["href"] for link in json_of(mixed[path])["links"]}
            assert links["license"] == "https://creativecommons.org/licenses/by/4.0/"

    def test_conformance_has_the_classes_of_both(self, mixed: dict[str, Any]) -> None:
        classes = json_of(mixed["/conformance"])["conformsTo"]
        assert "http://www.opengis.net/spec/ogcapi-edr-1/1.1/conf/core" in classes
        assert any("ogcapi-features-1" in uri for uri in classes)

    def test_a_title_in_languages_is_in_the_first(self, mixed: dict[str, Any]) -> None:
        assert json_of(mixed["/collections/ostia"])["title"] == "Sea"

    @pytest.mark.parametrize("path", ["/openapi", "/openapi?f=json31"])
    def test_the_api_describes_both_without_a_reference_elsewhere(self, mixed: dict[str, Any], path: str) -> None:
        document = json_of(mixed[path])
        assert {"/collections/places/items", "/collections/ostia/cube", "/processes"} <= document["paths"].keys()
        assert '"$ref": "http' not in json.dumps(document)

    @pytest.mark.parametrize("path", ["/openapi", "/openapi?f=json31"])
    def test_the_api_of_both_is_valid(self, mixed: dict[str, Any], path: str) -> None:
        from openapi_spec_validator import validate  # noqa: PLC0415 - slow to import

        validate(json_of(mixed[path]))


class TestOnce:
    def test_a_page_that_many_ask_for_at_once_is_rendered_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rendered: list[str] = []

        def render(kind: str, *_: Any, **__: Any) -> str:
            rendered.append(kind)
            time.sleep(0.05)  # long enough for all the others to ask
            return "<p>"

        monkeypatch.setattr(html, "render", render)
        page = pages.Page("landing", "/", {}, "http://example.org", 60)
        with ThreadPoolExecutor(8) as threads:
            bodies = set(threads.map(lambda _: page.html, range(8)))
        assert (rendered, len(bodies)) == (["landing"], 1)

    def test_a_document_that_many_ask_for_at_once_is_made_once(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made: list[object] = []

        def document(*_: Any) -> dict[str, Any]:
            made.append(None)
            time.sleep(0.05)
            return {}

        monkeypatch.setattr(openapi, "document", document)
        view: Any = client.application.view_functions["pygeoapi.openapi"]
        monkeypatch.setattr(view.__self__, "_pages", pages.Once())
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: client.application.test_client().get("/openapi?f=json"), range(8)))
        assert (len(made), {answer.status_code for answer in answers}) == (1, {200})
