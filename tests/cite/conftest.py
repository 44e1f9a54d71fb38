"""The server under test: the one that CITE_URL names, else one that is started here on config/cite.yml.

The requests are those of the official suite: its three HTTP clients ask with three Accept headers.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from zarr_edr.testing.server import served

ROOT = Path(__file__).parents[2]
ASKS_FOR_JSON = "application/json, application/javascript, text/javascript, text/json"
ASKS_LIKE_JAVA = "text/html, image/gif, image/jpeg, */*; q=0.2"
OPENAPI_TYPE = "application/vnd.oai.openapi+json;version=3.0"

Json = dict[str, Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests in one process, where tests run in several: they share a server."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("cite"))


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    url: str
    status: int
    version: int
    """11 for HTTP/1.1."""
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes

    def json(self) -> Any:
        """The body of a 200."""
        assert self.status == 200, f"{self.url}: {self.status} {self.body[:300]!r}"
        return json.loads(self.body)


@dataclass(frozen=True)
class Site:
    """A server, and its documents, each fetched once."""

    url: str
    """Without a slash at the end."""

    def get(self, target: str, accept: str = ASKS_FOR_JSON) -> Answer:
        """GET a path of this server or a URL, with `target` sent as it stands."""
        return self.send("GET", target, {"Accept": accept})

    def post(self, target: str, parameters: Json, *, form: bool = False) -> Answer:
        """POST parameters, as JSON or as a form."""
        body = urlencode(parameters) if form else json.dumps(parameters)
        kind = "application/x-www-form-urlencoded" if form else "application/json"
        return self.send("POST", target, {"Accept": ASKS_FOR_JSON, "Content-Type": kind}, body)

    def send(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> Answer:
        """Any request."""
        url = self.url + target if target.startswith("/") else target
        parts = urlsplit(url)
        connects = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        path = url.split(parts.netloc, 1)[1] or "/"
        with contextlib.closing(connects(parts.netloc, timeout=100)) as connection:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            return Answer(url, response.status, response.version, received, response.read())

    @cached_property
    def landing(self) -> Json:
        """The landing page."""
        with_type, short = (self.get(f"/?f={f}", ASKS_LIKE_JAVA) for f in ("application/json", "json"))
        page: Json = (with_type if with_type.status == 200 else short).json()
        return page

    @cached_property
    def service_desc(self) -> Json:
        """The link to the API definition: the first of its relation types, as the suite chooses."""
        return next(link for link in self.landing["links"] if link["rel"] in ("service-desc", "service-doc"))

    @cached_property
    def api(self) -> Api:
        """The API definition."""
        return Api(self.get(self.service_desc["href"], self.service_desc["type"]).json())

    @cached_property
    def conforms_to(self) -> list[str]:
        """The conformance classes."""
        classes: list[str] = self.get("/conformance/?f=json").json()["conformsTo"]
        return classes

    @cached_property
    def listed(self) -> list[Json]:
        """The collections as `/collections` shows them."""
        collections: list[Json] = self.get("/collections").json()["collections"]
        return collections

    @cached_property
    def collections(self) -> list[Json]:
        """The collections, each by its own address."""
        return [self.get(f"/collections/{listed['id']}").json() for listed in self.listed]

    def ask(self, collection: Json, query: str, accept: str = ASKS_FOR_JSON, **parameters: str) -> Answer:
        """A query; underscores in names of parameters stand for hyphens."""
        encoded = urlencode({name.replace("_", "-"): value for name, value in parameters.items()})
        return self.get(f"/collections/{collection['id']}/{query}?{encoded}", accept)

    def offering(self, query: str) -> list[Json]:
        """Collections that offer a query type; at least one does."""
        found = [collection for collection in self.collections if query in collection["data_queries"]]
        assert found, f"no collection offers {query}"
        return found


@dataclass(frozen=True)
class Api:
    """An OpenAPI document."""

    document: Json

    def references(self) -> set[str]:
        """Every reference of the document."""
        return set(re.findall(r'"\$ref": "([^"]*)"', json.dumps(self.document)))

    def resolved(self, node: Json) -> Json:
        """What a reference leads to. It has to stay in the document: the suite does not see what is elsewhere."""
        while "$ref" in node:
            assert node["$ref"].startswith("#/"), f"a reference leaves the document: {node['$ref']}"
            path, node = node["$ref"][2:].split("/"), self.document
            for key in path:
                node = node[key.replace("~1", "/").replace("~0", "~")]
        return node

    def operations(self, query: str) -> list[Json]:
        """Operations of the paths that end with a query type, or with an identifier below it."""
        ending = re.compile(rf"/{query}(/\{{\w+\}})?$")
        paths = [item for path, item in self.document["paths"].items() if ending.search(path)]
        return [item[method] for item in paths for method in ("get", "post") if method in item]

    def parameters(self, query: str, name: str) -> list[Json]:
        """Every definition of a parameter in those operations."""
        resolved = [self.resolved(each) for op in self.operations(query) for each in op.get("parameters", ())]
        return [parameter for parameter in resolved if parameter["name"] == name]


@contextlib.contextmanager
def _started() -> Iterator[str]:
    with served(ROOT / "config/cite.yml", folder=ROOT) as server:
        yield server.url


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """The server; it answers a browser's request for its two entrances, as the suite wants before it begins."""
    with contextlib.nullcontext(os.environ["CITE_URL"]) if "CITE_URL" in os.environ else _started() as url:
        site = Site(url.rstrip("/"))
        assert site.get("/", ASKS_LIKE_JAVA).status == 200
        assert site.get(site.service_desc["href"], ASKS_LIKE_JAVA).status == 200
        yield site


def _first(site: Site, wanted: Callable[[Json], bool]) -> Json:
    found = [collection for collection in site.collections if wanted(collection)]
    assert found, "no collection of this kind"
    return found[0]


@pytest.fixture(scope="session")
def flat(site: Site) -> Json:
    """A collection without levels."""
    return _first(site, lambda collection: "vertical" not in collection["extent"])


@pytest.fixture(scope="session")
def deep(site: Site) -> Json:
    """A collection with levels and a dimension of its own."""
    return _first(site, lambda collection: {"vertical", "custom"} <= collection["extent"].keys())


@pytest.fixture(scope="session")
def runs(site: Site) -> Json:
    """A collection with instances."""
    return _first(site, lambda collection: "instances" in collection["data_queries"])


@pytest.fixture(scope="session")
def placed(site: Site) -> Json:
    """A collection with locations."""
    return _first(site, lambda collection: "locations" in collection["data_queries"])
