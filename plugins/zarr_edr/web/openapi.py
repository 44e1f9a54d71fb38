"""The OpenAPI document: pygeoapi's own, with the paths of our queries in the place of its guesses at them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zarr_edr.dataset.model import Collection
from zarr_edr.encode import ENCODERS
from zarr_edr.limits import Limits

JsonObject = dict[str, Any]

_POINT = "POINT(10 50)"
_MULTIPOINT = "MULTIPOINT((10 50),(11 51))"


def extend(document: JsonObject, collections: Mapping[str, Collection]) -> JsonObject:
    """The document with `/position` and `/multipoint` of each collection described as they are; changed in place."""
    paths = document["paths"]
    for name, collection in collections.items():
        for path in [p for p in paths if p.startswith(f"/collections/{name}/")]:
            del paths[path]
        paths[f"/collections/{name}/position"] = _position(name, collection)
        paths[f"/collections/{name}/multipoint"] = _multipoint(name, collection)
    return document


def _position(name: str, collection: Collection) -> JsonObject:
    coords = "A WKT POINT or MULTIPOINT, also with Z, longitude first."
    return {
        "get": {
            "summary": f"Values of {collection.title} at positions",
            "description": "Values of the cells nearest to one or more positions, as CoverageJSON.",
            "operationId": f"position.{name}",
            "tags": [name],
            "parameters": [_coords(coords, _POINT, required=True), *_parameters(collection)],
            "responses": _responses(collection.settings.limits),
        },
        "post": _post(name, "position", collection),
    }


def _multipoint(name: str, collection: Collection) -> JsonObject:
    return {
        "get": {
            "summary": f"Values of {collection.title} at many positions",
            "description": "The same as position, for a MULTIPOINT. Points keep their order and number.",
            "operationId": f"multipoint.{name}",
            "tags": [name],
            "parameters": [
                _coords("A WKT MULTIPOINT, also with Z, longitude first.", _MULTIPOINT, required=True),
                *_parameters(collection),
            ],
            "responses": _responses(collection.settings.limits),
        },
        "post": _post(name, "multipoint", collection),
    }


def _post(name: str, query: str, collection: Collection) -> JsonObject:
    return {
        "summary": f"Values of {collection.title} at the positions in the body",
        "description": "The positions, and if wanted the other parameters, are in the body; parameters may also be in the URL.",
        "operationId": f"{query}.{name}.post",
        "tags": [name],
        "parameters": _parameters(collection),
        "requestBody": {"required": True, "content": _bodies()},
        "responses": _responses(collection.settings.limits),
    }


def _coords(description: str, example: str, *, required: bool) -> JsonObject:
    return _query("coords", description, {"type": "string"}, example, required=required)


def _query(
    name: str, description: str, schema: JsonObject, example: str | None = None, *, required: bool = False
) -> JsonObject:
    parameter: JsonObject = {
        "name": name,
        "in": "query",
        "description": description,
        "required": required,
        "style": "form",
        "explode": False,
        "schema": schema,
    }
    return parameter if example is None else {**parameter, "example": example}


def _parameters(collection: Collection) -> list[JsonObject]:
    """The parameters all queries share."""
    text = {"type": "string"}
    names = {"type": "array", "items": {"type": "string", "enum": list(collection.parameters)}}
    described = [
        _query(
            "datetime",
            "An instant (UTC unless it has an offset), a date (that whole day), an interval a/b, ../b or a/..,"
            " a list a,b,c or Rn/start/step.",
            text,
        ),
        _query("parameter-name", "Names of parameters, separated by commas; all where it is absent.", names),
        _query(
            "crs",
            "The coordinate reference system of coords and of the answer.",
            {"type": "string", "enum": [collection.crs.uri, "CRS84"]},
        ),
        _query(
            "f",
            "The output format; wins over the Accept header.",
            {"type": "string", "enum": [e.name for e in ENCODERS]},
        ),
    ]
    for axis in collection.vertical_axes[:1]:
        unit = f" in {axis.unit.text}" if axis.unit.text else ""
        described.append(
            _query(
                "z",
                f"Levels ({axis.title}{unit}): a value, a list, an interval a/b, ../b or a/.., or Rn/min/step;"
                " all where it is absent.",
                text,
            )
        )
    for dim, custom in collection.custom_axes.items():
        described.append(
            _query(dim, f"{custom.title}: a value, a list or an interval a/b; all where it is absent.", text)
        )
    return described


def _bodies() -> JsonObject:
    numbers = {"type": "array", "minItems": 1, "items": {"type": "number"}}
    position = {"type": "array", "minItems": 2, "maxItems": 3, "items": {"type": "number"}}
    others = {
        "datetime": {"type": "string"},
        "z": {"type": "string"},
        "parameter-name": {"type": "array", "items": {"type": "string"}},
    }
    columns = {
        "type": "object",
        "title": "lists of latitudes and longitudes, of equal length",
        "required": ["latitude", "longitude"],
        "properties": {
            "latitude": numbers,
            "longitude": numbers,
            "datetime": {"type": "string"},
            "parameter-name": others["parameter-name"],
        },
    }
    multipoint = {
        "type": "object",
        "title": "GeoJSON MultiPoint",
        "required": ["type", "coordinates"],
        "properties": {
            "type": {"type": "string", "enum": ["MultiPoint"]},
            "coordinates": {"type": "array", "minItems": 1, "items": position},
        },
    }
    object_form = {
        "type": "object",
        "title": "the parameters of the query",
        "required": ["coords"],
        "properties": {"coords": {"type": "string", "description": "WKT"}, **others},
    }
    examples = {
        "lists": {"value": {"latitude": [50, 51], "longitude": [10, 11]}},
        "GeoJSON": {"value": {"type": "MultiPoint", "coordinates": [[10, 50], [11, 51]]}},
        "parameters": {"value": {"coords": _MULTIPOINT}},
    }
    return {
        "application/json": {"schema": {"anyOf": [columns, multipoint, object_form]}, "examples": examples},
        "application/geo+json": {"schema": multipoint},
        "application/x-www-form-urlencoded": {"schema": object_form},
    }


def _responses(limits: Limits) -> JsonObject:
    """Every status of a query."""
    data = {media_type: {"schema": {"type": "object"}} for encoder in ENCODERS for media_type in encoder.media_types}
    too_much = (
        f"Too much is asked for. At most {limits.points:,} points, {limits.cells:,} values in the answer,"
        f" {limits.decoded_bytes:,} bytes of decoded chunks, {limits.body_bytes:,} bytes of body."
    )
    return {
        "200": {"description": "The values.", "content": data},
        "204": {
            "description": "The query is valid, but there are no data for it: outside of the extent, or no such time or level."
        },
        "400": _failure(
            "A parameter is missing, unknown or not understood; the description says which and what would be right."
        ),
        "404": _failure("No such collection."),
        "406": _failure("None of the media types in Accept is offered."),
        "413": _failure(too_much),
        "500": _failure("The service or its data are at fault: a chunk of the store is damaged or missing."),
        "503": _failure("The service is busy, or the store did not answer; try again."),
        "504": _failure(f"The answer took longer than {limits.seconds:g} s."),
    }


def _failure(description: str) -> JsonObject:
    schema = {
        "type": "object",
        "required": ["code"],
        "properties": {"code": {"type": "string"}, "type": {"type": "string"}, "description": {"type": "string"}},
    }
    return {"description": description, "content": {"application/json": {"schema": schema}}}
