"""The OpenAPI document tells of processes, jobs and tables what they do."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from .test_processes import EXECUTION, INPUTS, execute, run_job

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document(client: FlaskClient) -> Json:
    found: Json = client.get("/openapi").get_json()
    return found


def operations(document: Json) -> dict[tuple[str, str], Json]:
    ours = ("/processes", "/jobs", "/tables")
    return {
        (method, path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if path.startswith(ours)
    }


def schema_of(operation: Json, status: int, document: Json) -> Json:
    schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
    return {**schema, "components": document["components"]}


def test_the_document_is_valid(client: FlaskClient) -> None:
    for f in ("json", "json31"):
        validate(client.get("/openapi", query_string={"f": f}).get_json())


def test_all_paths_are_there(document: Json) -> None:
    assert {f"{method} {path}" for method, path in operations(document)} == {
        "get /processes",
        "get /processes/extract-points",
        "post /processes/extract-points/execution",
        "get /jobs",
        "get /jobs/{jobId}",
        "delete /jobs/{jobId}",
        "get /jobs/{jobId}/results",
        "post /tables",
        "get /tables/{tableId}",
        "delete /tables/{tableId}",
    }


def test_answers_are_as_documented(client: FlaskClient, document: Json) -> None:
    path = run_job(client, {"inputs": INPUTS})
    asked = {"/processes": "/processes", "/processes/extract-points": "/processes/extract-points", "/jobs": "/jobs"}
    for documented, actual in {**asked, "/jobs/{jobId}": path}.items():
        schema = schema_of(operations(document)["get", documented], 200, document)
        Draft202012Validator(schema).validate(client.get(actual).get_json())


def test_what_is_not_there_is_answered_as_documented(client: FlaskClient, document: Json) -> None:
    for (method, path), operation in operations(document).items():
        if method == "get" and "{" in path:
            example = operation["parameters"][0]["example"]
            missing = client.get(path.replace("{jobId}", example).replace("{tableId}", example))
            schema = schema_of(operation, missing.status_code, document)
            Draft202012Validator(schema).validate(missing.get_json())


def test_the_documented_example_keeps_to_the_schema_and_is_answered(client: FlaskClient, document: Json) -> None:
    body = document["paths"][EXECUTION]["post"]["requestBody"]["content"]["application/json"]
    Draft202012Validator(body["schema"]).validate(body["example"])
    assert execute(client, body["example"]).status_code == 200


def test_the_documented_table_is_taken(client: FlaskClient, document: Json) -> None:
    body = document["paths"]["/tables"]["post"]["requestBody"]["content"]["text/csv"]
    assert client.post("/tables", data=body["example"], content_type="text/csv").get_json()["points"] == 2
