"""Responses of the OpenAPI document: every status that an operation can answer with."""

from __future__ import annotations

from zarr_edr.encode import encoders_of
from zarr_edr.limits import Limits
from zarr_edr.web.service import JsonObject

OPENAPI_30 = "application/vnd.oai.openapi+json;version=3.0"
OPENAPI_31 = "application/vnd.oai.openapi+json;version=3.1"

_FAILURES = {
    "BadRequest": "A parameter is missing, unknown or not understood; the description says which and what would be right.",
    "NotFound": "There is no such collection, instance or place.",
    "NotAcceptable": "None of the media types in Accept is offered.",
    "Unsupported": "The body is of a media type, or compressed in a way, that is not read.",
    "Failure": "The service or its data are at fault, e.g. a chunk of the store is damaged or missing.",
    "Unavailable": "The service is busy, or the store did not answer; try again after the time in Retry-After.",
}
_REFUSED = {"400": "BadRequest", "404": "NotFound", "406": "NotAcceptable"}
UNSUPPORTED: JsonObject = {"415": {"$ref": "#/components/responses/Unsupported"}}
"""What a POST can be answered with, beside what a GET can."""
_NO_DATA = "The query is valid, but there are no data for it: outside of the extent, or no such time or level."
_UNCHANGED = "What the client has under a tag in If-None-Match is still right."
HEADERS: JsonObject = {
    "ETag": {
        "description": "Of a GET: the tag of these bytes. With it in If-None-Match they are sent only if they have changed.",
        "schema": {"type": "string"},
    },
    "Cache-Control": {
        "description": "Of a GET: for how many seconds the answer may be used without asking again.",
        "schema": {"type": "string"},
        "example": "public, max-age=60",
    },
}
"""Headers of what clients and caches may keep."""
_KEPT: JsonObject = {"headers": {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS}}


def _schema(name: str) -> JsonObject:
    return {"schema": {"$ref": f"#/components/schemas/{name}"}}


def _failure(description: str) -> JsonObject:
    page = {"schema": {"type": "string"}}  # for browsers, and where f=HTML is asked for
    return {"description": description, "content": {"application/json": _schema("exception"), "text/html": page}}


class Responses:
    """The responses that operations refer to."""

    def __init__(self) -> None:
        self.components: dict[str, JsonObject] = {name: _failure(text) for name, text in _FAILURES.items()}
        data = _content("items")
        features = {
            media_type: _schema("featureCollection") for media_type in ("application/geo+json", "application/json")
        }
        either = {
            "schema": {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("feature", "coverageJSON")]}
        }
        item = {"application/geo+json": _schema("feature"), "application/json": either}
        html = {"text/html": {"schema": {"type": "string"}}}
        self.components |= {
            "Features": {"description": "GeoJSON features.", **_KEPT, "content": {**features, **html}},
            "Item": {
                "description": "The item, or the values that it asks for.",
                **_KEPT,
                "content": {**data, **item, **html},
            },
            "NoData": {"description": _NO_DATA, **_KEPT},
            "Unchanged": {"description": _UNCHANGED, **_KEPT},
        }
        self._by_limits: dict[Limits, int] = {}

    def of_query(self, query_type: str, limits: Limits) -> JsonObject:
        """Of a query that answers with data."""
        name = f"Data.{query_type}"
        content = {**_content(query_type), "text/html": {"schema": {"type": "string"}}}
        self.components[name] = {"description": "The values.", **_KEPT, "content": content}
        return _refs({"200": name, "304": "Unchanged", **self._bounds(limits)})

    def of_item(self, limits: Limits) -> JsonObject:
        """Of one item, which may be asked for its data."""
        return _refs({"200": "Item", "304": "Unchanged", **self._bounds(limits)})

    def _bounds(self, limits: Limits) -> dict[str, str]:
        number = self._by_limits.setdefault(limits, len(self._by_limits) + 1)
        self.components[f"TooMuch.{number}"] = _failure(
            f"Too much is asked for. At most {limits.points:,} points, {limits.cells:,} values in the answer,"
            f" {limits.decoded_bytes:,} bytes of decoded chunks, {limits.body_bytes:,} bytes of body"
            f" ({limits.inflated_bytes:,} once inflated)."
        )
        self.components[f"TooSlow.{number}"] = _failure(f"The answer took longer than {limits.seconds:g} s.")
        return {"204": "NoData", "413": f"TooMuch.{number}", "504": f"TooSlow.{number}", **_REFUSED}

    def of_features(self) -> JsonObject:
        """Of a list of features."""
        return _refs({"200": "Features", "304": "Unchanged", **_REFUSED})

    def of_metadata(self, schema: str, *, found: bool) -> JsonObject:
        """Of a document of a schema; `found`: it is one of several, of which there may be none."""
        name = f"Document.{schema}"
        html = {"text/html": {"schema": {"type": "string"}}}
        self.components[name] = {
            "description": "The document.",
            **_KEPT,
            "content": {"application/json": _schema(schema), **html},
        }
        own = {"200": name, "304": "Unchanged", "400": "BadRequest", "406": "NotAcceptable"}
        return _refs(own | ({"404": "NotFound"} if found else {}))

    def openapi(self) -> JsonObject:
        """Of the document of the API itself."""
        types = (OPENAPI_30, OPENAPI_31, "application/vnd.oai.openapi+json", "application/json")
        content = {media_type: _schema("openapi") for media_type in types}
        html = {"text/html": {"schema": {"type": "string"}}}
        return {"description": "The document.", **_KEPT, "content": {**content, **html}}


def _content(query_type: str) -> JsonObject:
    """Media type -> schema, of the answers to a type of query."""
    return {
        media_type: _data_schema(encoder.name, media_type)
        for encoder in encoders_of(query_type)
        for media_type in encoder.media_types
    }


def _data_schema(format_name: str, media_type: str) -> JsonObject:
    if format_name.startswith("CoverageJSON"):
        return _schema("coverageJSON")
    if media_type == "application/geo+json":
        return _schema("featureCollection")
    if format_name == "Records":
        return {"schema": {"type": "array", "items": {"type": "object"}}}
    text = media_type.startswith("text/") or media_type.endswith("ndjson")
    return {"schema": {"type": "string"} if text else {"type": "string", "format": "binary"}}


def _refs(names: dict[str, str]) -> JsonObject:
    """Status -> reference, sorted, with what any operation can answer."""
    names = {**names, "500": "Failure", "503": "Unavailable"}
    return {status: {"$ref": f"#/components/responses/{names[status]}"} for status in sorted(names)}
