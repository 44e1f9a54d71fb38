"""The OpenAPI documents: valid, self-contained, and true."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import validate
from werkzeug.test import TestResponse

from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.source import open_group
from zarr_edr.settings import CollectionSettings
from zarr_edr.web.openapi import V30, V31, document
from zarr_edr.web.openapi_stock import other_paths
from zarr_edr.web.service import Service

ROOT = Path(__file__).parents[2]
DOCUMENTS = {version: ROOT / "openapi" / f"demo-{version}.json" for version in ("3.0", "3.1")}
QUERIES = ("position", "multipoint", "radius", "area", "cube", "trajectory", "corridor")
LAST = {"ostia": "2010-09-16T00:00:00Z", "woa": "../..", "era5ens": "2017-01-01", "seasonal": "../..", "a1b": "2099"}


def loaded(version: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DOCUMENTS[version].read_text())
    return found


DOC = loaded("3.0")


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """What a reference refers to, or the thing itself."""
    while "$ref" in node:
        kind, name = node["$ref"].removeprefix("#/components/").split("/", 1)
        node = DOC["components"][kind][name]
    return node


def members(node: Any) -> Iterator[tuple[str, Any]]:
    """Every key and value at any depth."""
    if isinstance(node, dict):
        yield from node.items()
        for value in node.values():
            yield from members(value)
    elif isinstance(node, list):
        for value in node:
            yield from members(value)


def operations(method: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in DOC["paths"].items():
        if method in item:
            yield path, item[method]


def parameters(path: str, method: str = "get") -> dict[str, dict[str, Any]]:
    return {p["name"]: p for p in map(resolved, DOC["paths"][path][method]["parameters"])}


class TestDocuments:
    @pytest.mark.parametrize("version", DOCUMENTS)
    def test_it_is_valid(self, version: str) -> None:
        validate(loaded(version))

    @pytest.mark.parametrize("version", DOCUMENTS)
    def test_every_reference_is_local_and_leads_somewhere(self, version: str) -> None:
        found = loaded(version)
        for target in {value for key, value in members(found) if key == "$ref"}:
            kind, name = target.removeprefix("#/components/").split("/", 1)
            assert name in found["components"][kind]

    @pytest.mark.parametrize("version", DOCUMENTS)
    def test_it_uses_nothing_that_one_version_alone_knows(self, version: str) -> None:
        found = dict(members(loaded(version)["paths"])) | dict(members(loaded(version)["components"]))
        assert not {"nullable", "const", "examples", "exclusiveMinimum", "$schema"} & found.keys()
        types = [value for key, value in members(loaded(version)["components"]["schemas"]) if key == "type"]
        assert not any(isinstance(each, list) for each in types)

    def test_both_versions_say_the_same(self) -> None:
        assert loaded("3.0") | {"openapi": ""} == loaded("3.1") | {"openapi": ""}

    def test_operations_have_names_of_their_own(self) -> None:
        names = [operation["operationId"] for method in ("get", "post") for _, operation in operations(method)]
        assert len(names) == len(set(names))

    def test_the_service_serves_the_documents_in_the_repository(self, client: FlaskClient) -> None:
        for f, version in (("json", "3.0"), ("json31", "3.1")):
            assert client.get("/openapi", query_string={"f": f}).get_json() == loaded(version)

    def test_the_script_finds_them_up_to_date(self) -> None:
        done = subprocess.run([sys.executable, "scripts/openapi.py", "--check"], cwd=ROOT, check=False)
        assert done.returncode == 0

    @pytest.mark.parametrize("version", [V30, V31])
    def test_fifty_collections_stay_below_three_mebibytes(self, version: str) -> None:
        store = str(ROOT / "data/ukmo_seas.zarr")
        one = describe(open_group(store), "s", None, None, CollectionSettings(data=store))
        many = {f"c{i}": replace(one, id=f"c{i}", title="Seasonal forecast of something " * 3) for i in range(50)}
        found = document(Service("http://example.org", "Data", "Data"), many, {"paths": {}}, version)
        assert len(orjson.dumps(found)) < 3 * 1024**2

    def test_an_id_that_no_component_could_have_is_written_otherwise(self) -> None:
        store = str(ROOT / "data/ostia.zarr")
        one = describe(open_group(store), "s", None, None, CollectionSettings(data=store))
        collections = {id_: replace(one, id=id_) for id_ in ("a/b", "a b", "ü")}
        validate(document(Service("http://example.org", "Data", "Data"), collections, {"paths": {}}, V30))


class TestTesters:
    """What the official suite looks for in the parameters of a path."""

    @pytest.mark.parametrize("query", [q for q in QUERIES if q != "cube"])
    def test_coords_are_text_in_the_operation_itself(self, query: str) -> None:
        operation = DOC["paths"][f"/collections/ostia/{query}"]["get"]
        (coords,) = [p for p in operation["parameters"] if p.get("name") == "coords"]
        assert (coords["in"], coords["required"], coords["schema"]) == ("query", True, {"type": "string"})
        assert (coords["style"], coords["explode"]) == ("form", False)

    def test_a_box_is_one_of_two_arrays(self) -> None:
        box = parameters("/collections/ostia/cube")["bbox"]
        assert (box["required"], box["style"], box["explode"]) == (True, "form", False)
        assert [(a["type"], a["minItems"], a["maxItems"]) for a in box["schema"]["oneOf"]] == [
            ("array", 4, 4),
            ("array", 6, 6),
        ]

    @pytest.mark.parametrize("query", [*QUERIES, "items"])
    def test_the_style_of_datetime_is_written_out(self, query: str) -> None:
        datetime = parameters(f"/collections/ostia/{query}")["datetime"]
        assert (datetime["required"], datetime["style"], datetime["explode"]) == (False, "form", False)

    def test_the_server_is_that_of_the_links(self) -> None:
        assert [server["url"] for server in DOC["servers"]] == ["http://localhost:5000"]

    @pytest.mark.parametrize("query", QUERIES)
    def test_every_query_documents_its_failures(self, query: str) -> None:
        responses = DOC["paths"][f"/collections/ostia/{query}"]["get"]["responses"]
        assert {"200", "204", "304", "400", "404", "406", "413", "500", "503", "504"} <= responses.keys()

    @pytest.mark.parametrize("query", QUERIES)
    def test_only_a_get_is_answered_with_304(self, query: str) -> None:
        operations = DOC["paths"][f"/collections/ostia/{query}"]
        assert ["304" in operations[method]["responses"] for method in ("get", "post")] == [True, False]


def url_of(path: str, method: str = "get") -> tuple[str, dict[str, Any]]:
    """A documented path with its examples in it, and the query string that it needs."""
    described = parameters(path, method)
    query = {}
    for name, parameter in described.items():
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", quote(parameter["example"]))
        elif parameter["required"]:
            example = parameter["example"]
            query[name] = ",".join(map(str, example)) if isinstance(example, list) else str(example)
    collection = path.split("/")[2] if path.count("/") > 1 else ""
    if described.keys() & {"coords", "bbox"} and collection in LAST:
        query["datetime"] = LAST[collection]
    return path, query


def assert_documented(response: TestResponse, path: str, method: str) -> None:
    answers = DOC["paths"][path][method]["responses"]
    assert str(response.status_code) in answers, response.get_data(as_text=True)[:300]
    content = resolved(answers[str(response.status_code)]).get("content")
    if content is not None:
        types = {media_type.partition(";")[0] for media_type in content}
        assert response.mimetype in types


PROCESSES = ("/processes", "/jobs", "/tables")
"""Beginnings of paths that are not of EDR: see test_openapi_processes."""
GETS, POSTS = ([p for p, _ in operations(method) if not p.startswith(PROCESSES)] for method in ("get", "post"))


class TestAnsweredAsDocumented:
    @pytest.mark.parametrize("path", GETS)
    def test_the_example_is_answered(self, client: FlaskClient, path: str) -> None:
        url, query = url_of(path)
        response = client.get(url, query_string=query)
        assert response.status_code in {200, 204}, response.get_data(as_text=True)[:300]
        assert_documented(response, path, "get")

    @pytest.mark.parametrize("path", GETS)
    def test_every_documented_format_is_answered(self, client: FlaskClient, path: str) -> None:
        url, query = url_of(path)
        for f in parameters(path)["f"]["schema"]["enum"]:
            response = client.get(url, query_string=query | {"f": f})
            # A GeoTIFF holds one time and one member; which one to ask for is in the refusal.
            held = f != "GeoTIFF" or response.status_code in {200, 204}
            assert response.status_code in {200, 204} if held else "; ask for one" in response.get_json()["description"]
            assert_documented(response, path, "get")

    @pytest.mark.parametrize("path", GETS)
    def test_an_unknown_format_is_refused_as_documented(self, client: FlaskClient, path: str) -> None:
        url, query = url_of(path)
        response = client.get(url, query_string=query | {"f": "nope"})
        assert response.status_code == 400
        assert_documented(response, path, "get")

    @pytest.mark.parametrize("path", GETS)
    def test_nothing_acceptable_is_refused_as_documented(self, client: FlaskClient, path: str) -> None:
        url, query = url_of(path)
        response = client.get(url, query_string=query, headers={"Accept": "video/mp4"})
        assert response.status_code == 406
        assert_documented(response, path, "get")

    @pytest.mark.parametrize("path", [path for path in GETS if "{" in path])
    def test_what_is_not_there_is_answered_as_documented(self, client: FlaskClient, path: str) -> None:
        _, query = url_of(path)
        url = path.replace("{instanceId}", "nope").replace("{locationId}", "nope").replace("{itemId}", "nope")
        response = client.get(url, query_string=query)
        assert response.status_code == 404
        assert_documented(response, path, "get")

    @pytest.mark.parametrize(
        "path", [p for p in GETS if any(v["required"] and v["in"] == "query" for v in parameters(p).values())]
    )
    def test_required_parameters_are_required(self, client: FlaskClient, path: str) -> None:
        url, query = url_of(path)
        for name in (n for n, p in parameters(path).items() if p["required"] and p["in"] == "query"):
            response = client.get(url, query_string={key: value for key, value in query.items() if key != name})
            assert response.status_code == 400
            assert name in response.get_json()["description"]

    @pytest.mark.parametrize("path", POSTS)
    def test_a_post_is_answered_like_the_get(self, client: FlaskClient, path: str) -> None:
        url, query = url_of(path)
        got = client.get(url, query_string=query)
        bodies = resolved(DOC["paths"][path]["post"]["requestBody"])["content"]
        sent = {"application/json": {"json": query}, "application/x-www-form-urlencoded": {"data": query}}
        for body in (sent[media_type] for media_type in bodies if media_type in sent):
            posted = client.post(url, **body if query else {})
            assert (posted.status_code, posted.data) == (got.status_code, got.data)
            assert_documented(posted, path, "post")

    def test_every_documented_parameter_is_understood(self, client: FlaskClient) -> None:
        values = {"limit": "1", "offset": "0", "z": "10", "resolution-x": "2", "resolution-y": "2", "resolution-z": "1"}
        values |= {"crs": "CRS84", "number": "0", "corridor-height": "10", "bbox": "-10,-10,10,10"}
        for path in (p for p in GETS if p.startswith(("/collections/woa/", "/collections/seasonal/"))):
            url, query = url_of(path)
            for name in parameters(path).keys() & values.keys():
                added = {name: values[name]} | ({"height-units": "m"} if name == "corridor-height" else {})
                added |= {"f": "CoverageJSON"} if "{itemId}" in path else {}
                response = client.get(url, query_string=added | query)
                assert response.status_code in {200, 204}, (path, name, response.get_data(as_text=True)[:200])

    @pytest.mark.parametrize("path", [path for path in GETS if path.endswith(("/position", "/cube", "/area"))])
    def test_every_documented_crs_and_parameter_is_answered(self, client: FlaskClient, path: str) -> None:
        described = parameters(path)
        url, query = url_of(path)
        for crs in (c for c in described["crs"]["schema"]["enum"] if c.endswith("84")):
            assert client.get(url, query_string=query | {"crs": crs}).status_code in {200, 204}
        for name in described["parameter-name"]["schema"]["items"]["enum"]:
            assert client.get(url, query_string=query | {"parameter-name": name}).status_code in {200, 204}


REMOTE = "https://example.org/openapi.yaml#/components/"


class TestOthers:
    def stock(self) -> dict[str, Any]:
        local = {"$ref": "#/components/parameters/f"}
        responses = {"200": {"$ref": f"{REMOTE}responses/R"}, "400": {"$ref": "#/components/responses/400"}}
        get = {"parameters": [local, {"$ref": f"{REMOTE}parameters/jobId"}], "responses": responses}
        deep = {"description": "no", "content": {"a/b": {"schema": {"$ref": "#/components/schemas/s"}}}}
        schemas = {"s": {"type": "array", "items": {"$ref": f"{REMOTE}schemas/x"}}, "unused": {}}
        components = {"parameters": {"f": {"name": "f", "in": "query"}}, "responses": {"400": deep}, "schemas": schemas}
        paths: dict[str, Any] = {
            path: {"get": get} for path in ("/", "/collections", "/collections/a/b", "/collections/ab")
        }
        return {"paths": {**paths, "/jobs/{jobId}": {"get": get}}, "components": components}

    def test_our_paths_are_left_out(self) -> None:
        assert other_paths(self.stock(), {"a"}).paths.keys() == {"/collections/ab", "/jobs/{jobId}"}

    def test_no_reference_elsewhere_is_left(self) -> None:
        found = other_paths(self.stock(), {"a"})
        assert all(v.startswith("#/") for k, v in members([found.paths, found.components]) if k == "$ref")

    def test_components_come_along_if_they_are_used(self) -> None:
        components = other_paths(self.stock(), {"a"}).components
        assert {kind: list(names) for kind, names in components.items()} == {
            "parameters": ["pygeoapi.f"],
            "responses": ["pygeoapi.400"],
            "schemas": ["pygeoapi.s"],
        }

    def test_a_parameter_of_the_path_stays_described(self) -> None:
        (jobid,) = other_paths(self.stock(), {"a"}).paths["/jobs/{jobId}"]["parameters"]
        assert (jobid["name"], jobid["in"], jobid["required"]) == ("jobId", "path", True)
