"""Paths of our processes, their jobs and their tables, for the OpenAPI document (OGC 18-062r2, 8 and annex B)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zarr_edr.dataset.model import Collection
from zarr_edr.encode import encoders_of
from zarr_edr.extract.description import describe
from zarr_edr.extract.inputs import OUTPUT
from zarr_edr.extract.tables import MEDIA_TYPES
from zarr_edr.web.openapi_parameters import path_parameter, query_parameter
from zarr_edr.web.service import JsonObject, Service

_TAG = "processes"
_STATES = ["accepted", "running", "successful", "failed", "dismissed"]
_TEXT: JsonObject = {"type": "string"}
_TIME: JsonObject = {"type": "string", "format": "date-time"}
_LINKS: JsonObject = {"type": "array", "items": {"$ref": "#/components/schemas/link"}}
_UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"
_REASONS = {
    "400": "The request is not understood; the description says what is wrong and what would be right.",
    "404": "There is no such process, job or table, or not any more.",
    "406": "None of the media types in Accept is offered.",
    "410": "The job was dismissed, or its result is not kept any more.",
    "415": "The body is of a type, or compressed in a way, that is not read.",
    "413": "Too much is asked for; the description says how much is allowed, and whether a job may ask for more.",
    "500": "The service or its data are at fault.",
    "503": "The service is busy, or the store did not answer; try again later.",
    "504": "The work took longer than is allowed.",
}

SCHEMAS: Mapping[str, JsonObject] = {
    "statusInfo": {
        "type": "object",
        "required": ["jobID", "status", "type"],
        "properties": {
            "processID": _TEXT,
            "type": {"type": "string", "enum": ["process"]},
            "jobID": _TEXT,
            "status": {"type": "string", "enum": _STATES},
            "message": _TEXT,
            **dict.fromkeys(("created", "started", "finished", "updated"), _TIME),
            "progress": {"type": "integer", "minimum": 0, "maximum": 100},
            "links": _LINKS,
        },
    },
    "jobList": {
        "type": "object",
        "required": ["jobs", "links"],
        "properties": {
            "jobs": {"type": "array", "items": {"$ref": "#/components/schemas/statusInfo"}},
            "numberMatched": {"type": "integer"},
            "links": _LINKS,
        },
    },
    "process": {
        "type": "object",
        "required": ["id", "version"],
        "properties": {"id": _TEXT, "version": _TEXT, "inputs": {"type": "object"}, "outputs": {"type": "object"}},
    },
    "processList": {
        "type": "object",
        "required": ["processes", "links"],
        "properties": {
            "processes": {"type": "array", "items": {"$ref": "#/components/schemas/process"}},
            "links": _LINKS,
        },
    },
    "table": {
        "type": "object",
        "required": ["href", "points", "expires"],
        "properties": {"href": _TEXT, "points": {"type": "integer"}, "expires": _TIME},
    },
}
"""Schemas that the paths refer to."""


def paths(service: Service, collections: Mapping[str, Collection]) -> JsonObject:
    """The paths, for all processes of the service that are ours."""
    form = query_parameter("f", "The form of the answer.", {"type": "string", "enum": ["json", "html"]})
    found: JsonObject = {
        "/processes": {"get": _get("processes", "The processes", "processList", [form], "400", "406")},
        "/jobs": {
            "get": _get("jobs", "The jobs, the newest first", "jobList", [form, *_filters()], "400", "404", "406")
        },
        **_job_paths(form),
        **_table_paths(),
    }
    hidden = {id_ for id_, resource in service.resources.items() if resource.hidden}
    listed = [id_ for id_ in collections if id_ not in hidden]
    for id_, limits in service.extractions.items():
        described = describe(collections, listed, limits, tables=True)
        one = _get(f"process.{id_}", f"Description of {id_}", "process", [form], "400", "406")
        found |= {f"/processes/{id_}": {"get": one}, f"/processes/{id_}/execution": {"post": _execute(id_, described)}}
    return found


def _filters() -> list[JsonObject]:
    return [
        query_parameter("status", "States of the jobs, separated by commas.", {"type": "string", "enum": _STATES}),
        query_parameter("processID", "Ids of their processes, separated by commas.", _TEXT),
        query_parameter("limit", "The most jobs in one answer.", {"type": "integer", "minimum": 1}),
        query_parameter("offset", "How many jobs to pass over.", {"type": "integer", "minimum": 0}),
    ]


def _job_paths(form: JsonObject) -> JsonObject:
    job = path_parameter("jobId", "The id of a job.", None, _UNKNOWN_ID)
    status = _get("job", "The status of a job", "statusInfo", [job, form], "400", "404", "406")
    dismiss = _operation("job.dismiss", "Dismiss a job: its work stops, its result goes", [job], "404")
    dismiss["responses"]["200"] = _json("The status of the job.", "statusInfo")
    results = _operation("job.results", "The result of a job", [job], "400", "404", "410", "413", "500", "503", "504")
    return {
        "/jobs/{jobId}": {"get": status, "delete": dismiss},
        "/jobs/{jobId}/results": {"get": _with_result(results)},
    }


def _table_paths() -> JsonObject:
    table = path_parameter("tableId", "The id of a table.", None, _UNKNOWN_ID)
    post = _operation(
        "tables.post", "Post a table of points, for executions to refer to", [], "400", "413", "415", "503"
    )
    schema: JsonObject = {"type": "string", "format": "binary"}
    content: JsonObject = {media_type: {"schema": schema} for media_type in MEDIA_TYPES}
    content["text/csv"]["example"] = "longitude,latitude\n10.5,50.25\n11,51\n"
    post["requestBody"] = {"required": True, "content": content}
    post["responses"]["201"] = _json("The table is kept; executions refer to it by its href.", "table")
    remove = _operation("table.delete", "Forget a posted table", [table], "404")
    remove["responses"]["204"] = {"description": "It is forgotten."}
    look = _operation("table", "A posted table", [table], "404")
    look["responses"]["200"] = _json("The table.", "table")
    return {"/tables": {"post": post}, "/tables/{tableId}": {"get": look, "delete": remove}}


def _execute(process_id: str, described: JsonObject) -> JsonObject:
    prefer: JsonObject = {
        "name": "Prefer",
        "in": "header",
        "description": "`respond-async` makes it a job.",
        "required": False,
        "schema": {"type": "string", "enum": ["respond-async", "respond-sync"]},
    }
    post = _operation(f"process.{process_id}.execute", described["title"], [prefer], *_REASONS.keys() - {"406", "410"})
    post["description"] = described["description"]
    content = {"schema": _execution(described), "example": described["example"]}
    post["requestBody"] = {"required": True, "content": {"application/json": content}}
    post["responses"]["201"] = _json("The work is a job; its status.", "statusInfo")
    return _with_result(post)


def _execution(described: JsonObject) -> JsonObject:
    inputs = {name: of["schema"] for name, of in described["inputs"].items()}
    required = [name for name, of in described["inputs"].items() if of["minOccurs"]]
    types = [media_type for encoder in encoders_of("position") for media_type in encoder.media_types]
    form = {"type": "object", "properties": {"mediaType": {"type": "string", "enum": types}}}
    output = {
        "type": "object",
        "properties": {"format": form, "transmissionMode": {"type": "string", "enum": ["value"]}},
    }
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "inputs": {"type": "object", "required": required, "properties": inputs, "additionalProperties": False},
            "outputs": {"type": "object", "properties": {OUTPUT: output}, "additionalProperties": False},
            "response": {"type": "string", "enum": ["raw"]},
        },
        "additionalProperties": False,
    }


def _with_result(operation: JsonObject) -> JsonObject:
    types = [media_type for encoder in encoders_of("position") for media_type in encoder.media_types]
    anything: JsonObject = {"schema": {}}
    operation["responses"]["200"] = {"description": "The result.", "content": dict.fromkeys(types, anything)}
    operation["responses"]["204"] = {"description": "There are no data at the points."}
    return operation


def _get(operation: str, summary: str, schema: str, parameters: list[JsonObject], *failures: str) -> JsonObject:
    found = _operation(operation, summary, parameters, *failures)
    found["responses"]["200"] = _json(f"{summary}.", schema)
    found["responses"]["200"]["content"]["text/html"] = {"schema": _TEXT}
    return found


def _operation(operation: str, summary: str, parameters: list[JsonObject], *failures: str) -> JsonObject:
    responses: dict[str, Any] = {status: _json(_REASONS[status], "exception") for status in (*failures, "500")}
    return {
        "summary": summary,
        "description": f"{summary}.",
        "operationId": operation,
        "tags": [_TAG],
        "parameters": parameters,
        "responses": responses,
    }


def _json(description: str, schema: str) -> JsonObject:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}
