"""Bodies of POST requests in the OpenAPI document: what each query takes, in which media types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zarr_edr.query.body import ARROW_TYPES, CSV_TYPE, FORM_TYPE, JSON_TYPES, PARQUET_TYPE
from zarr_edr.web.service import JsonObject

_TEXT: JsonObject = {"type": "string"}
_BINARY: JsonObject = {"schema": {"type": "string", "format": "binary"}}
BOX: JsonObject = {
    "oneOf": [{"type": "array", "items": {"type": "number"}, "minItems": n, "maxItems": n} for n in (4, 6)]
}
"""A `bbox`."""

_POSITION: JsonObject = {"type": "array", "minItems": 2, "maxItems": 3, "items": {"type": "number"}}
_NUMBERS: JsonObject = {"type": "array", "minItems": 1, "items": {"type": "number"}}
_CSV: JsonObject = {
    "schema": _TEXT,
    "example": "id,longitude,latitude,name\nB1,-30.5,1.25,west buoy\nB2,-20,2,east buoy\n",
}


def _listed(items: JsonObject, least: int = 1) -> JsonObject:
    return {"type": "array", "minItems": least, "items": items}


def _geometry(kind: str, coordinates: JsonObject) -> JsonObject:
    properties = {"type": {"type": "string", "enum": [kind]}, "coordinates": coordinates}
    return {"type": "object", "required": ["type", "coordinates"], "properties": properties}


def _geojson(title: str, one: JsonObject, many: JsonObject) -> JsonObject:
    """A geometry, a Feature or a FeatureCollection (RFC 7946)."""
    geometry = {"oneOf": [one, many]}
    feature: JsonObject = {
        "type": "object",
        "required": ["type", "geometry"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": {"oneOf": [_TEXT, {"type": "number"}]},
            "geometry": geometry,
            "properties": {"type": "object"},
        },
    }
    collection: JsonObject = {
        "type": "object",
        "required": ["type", "features"],
        "properties": {"type": {"type": "string", "enum": ["FeatureCollection"]}, "features": _listed(feature)},
    }
    return {"title": title, "oneOf": [one, many, feature, collection]}


_LINE, _RINGS = _listed(_POSITION, 2), _listed(_listed(_POSITION, 4))
BODY_SCHEMAS: Mapping[str, JsonObject] = {
    "geojsonPoints": _geojson(
        "GeoJSON points", _geometry("Point", _POSITION), _geometry("MultiPoint", _listed(_POSITION))
    ),
    "geojsonLines": _geojson(
        "GeoJSON lines", _geometry("LineString", _LINE), _geometry("MultiLineString", _listed(_LINE))
    ),
    "geojsonPolygons": _geojson(
        "GeoJSON polygons", _geometry("Polygon", _RINGS), _geometry("MultiPolygon", _listed(_RINGS))
    ),
    "coordinateLists": {
        "type": "object",
        "title": "lists of latitudes and longitudes, of equal length",
        "required": ["latitude", "longitude"],
        "properties": {"latitude": _NUMBERS, "longitude": _NUMBERS, "z": _NUMBERS, "datetime": _TEXT},
    },
}
"""Components that bodies refer to."""

PLACES_OF: Mapping[str, str] = {
    "position": "geojsonPoints",
    "radius": "geojsonPoints",
    "area": "geojsonPolygons",
    "trajectory": "geojsonLines",
    "corridor": "geojsonLines",
}
"""Query type -> the GeoJSON that it takes."""

_TYPES: Mapping[str, JsonObject] = {
    "bbox": BOX,
    "parameter-name": {"type": "array", "items": _TEXT},
    **{name: {"type": "number"} for name in ("within", "corridor-width", "corridor-height")},
    **{name: {"type": "integer"} for name in ("limit", "offset", "resolution-x", "resolution-y", "resolution-z")},
}


def parameters_of(names: Sequence[str], required: Sequence[str]) -> JsonObject:
    """The schema of parameters by name, as an object or a form."""
    schema: JsonObject = {
        "type": "object",
        "title": "the parameters of the query",
        "properties": {name: _TYPES.get(name, _TEXT) for name in names},
    }
    return schema | {"required": list(required)} if required else schema


def body_of(parameters: str, places: str | None, *, required: bool) -> JsonObject:
    """A body: the schema `parameters`, as a form or as JSON, or places, as the schema `places` or as a table of points.

    JSON must say where; a query that cannot has none.
    """
    form = {"schema": _ref(parameters)}
    if not required:
        return {"required": False, "content": {FORM_TYPE: form}}
    if places is None:
        return {"required": True, "content": {JSON_TYPES[0]: form, FORM_TYPE: form}}
    tables = places == "geojsonPoints"
    shapes = [_ref(parameters), _ref(places), *([_ref("coordinateLists")] if tables else [])]
    content: JsonObject = {
        JSON_TYPES[0]: {"schema": {"anyOf": shapes}},
        FORM_TYPE: form,
        JSON_TYPES[1]: {"schema": _ref(places)},
    }
    if tables:
        content |= {CSV_TYPE: _CSV, **dict.fromkeys((PARQUET_TYPE, *ARROW_TYPES), _BINARY)}
    return {"required": True, "content": content}


def _ref(name: str) -> JsonObject:
    return {"$ref": f"#/components/schemas/{name}"}
