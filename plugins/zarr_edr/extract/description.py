"""The description of the process, as clients read it (OGC 18-062r2, 9 and 10: process.yaml, inputDescription.yaml)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zarr_edr.dataset.catalog import bbox
from zarr_edr.dataset.model import Collection
from zarr_edr.encode import encoders_of
from zarr_edr.extract.inputs import OUTPUT, default_encoder
from zarr_edr.limits import Limits

JsonObject = dict[str, Any]

ID = "extract-points"
"""The usual id of the process; the configuration's is what counts."""

_POINTS = "one number for each point, all lists of one length"
_TEXT: JsonObject = {"type": "string"}
_CHOICE: JsonObject = {
    "oneOf": [_TEXT, {"type": "number"}, {"type": "array", "items": {"oneOf": [_TEXT, {"type": "number"}]}}]
}
_MULTI_POINT: JsonObject = {
    "type": "object",
    "required": ["type", "coordinates"],
    "properties": {
        "type": {"type": "string", "enum": ["MultiPoint"]},
        "coordinates": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "array", "minItems": 2, "maxItems": 3, "items": {"type": "number"}},
        },
    },
}
_FEATURES: JsonObject = {
    "type": "object",
    "required": ["type", "features"],
    "properties": {
        "type": {"type": "string", "enum": ["FeatureCollection"]},
        "features": {"type": "array", "minItems": 1, "items": {"type": "object"}},
    },
}
_REFERENCE: JsonObject = {
    "type": "object",
    "required": ["href"],
    "properties": {"href": {"type": "string", "format": "uri-reference"}, "type": _TEXT},
}


def describe(
    collections: Mapping[str, Collection], listed: Sequence[str], limits: Limits, *, tables: bool
) -> JsonObject:
    """The description, anew each time: pygeoapi changes what it is given. `limits` are those of jobs."""
    return {
        "id": ID,
        "version": "1.0.0",
        "title": "Values at many points",
        "description": (
            "The values of a collection in the cells nearest to each of many points, for all times or some, as one table"
            " or in another format. Small answers come at once; with the header Prefer: respond-async the work"
            f" becomes a job, which may ask for {limits.points:,} points and {limits.cells:,} values and take"
            f" {limits.seconds:g} s."
        ),
        "keywords": ["extraction", "points", "time series", "Zarr"],
        "jobControlOptions": ["sync-execute", "async-execute", "dismiss"],
        "outputTransmission": ["value"],
        "links": [],
        "inputs": {**_where(listed, tables=tables), **_what(collections, listed), "f": _format()},
        "outputs": {OUTPUT: _output()},
        "example": _example(collections, listed),
    }


def _input(title: str, description: str, schema: JsonObject, least: int = 0) -> JsonObject:
    return {
        "title": title,
        "description": description,
        "schema": schema,
        "minOccurs": least,
        "maxOccurs": 1,
        "keywords": [],
    }


def _numbers(least: float | None = None, most: float | None = None) -> JsonObject:
    bounds = {name: value for name, value in (("minimum", least), ("maximum", most)) if value is not None}
    return {"type": "array", "minItems": 1, "items": {"type": "number", **bounds}}


def _where(listed: Sequence[str], *, tables: bool) -> JsonObject:
    references = [_REFERENCE] * tables
    told = ", or the reference that the post of a table to /tables was answered with" * tables
    return {
        "collection": _input("Collection", "Id of the collection.", {**_TEXT, "enum": list(listed)}, 1),
        "instance": _input("Instance", "Id of a forecast run, where the collection has some; else the latest.", _TEXT),
        "longitude": _input("Longitudes", f"Degrees east: {_POINTS}.", _numbers()),
        "latitude": _input("Latitudes", f"Degrees north: {_POINTS}.", _numbers(-90, 90)),
        "z": _input(
            "Levels",
            f"A list beside longitude and latitude: {_POINTS}. Else the levels for all points, as in the z of EDR: a"
            " level, low/high, or a list.",
            _CHOICE,
        ),
        "points": _input(
            "Points",
            f"In the place of longitude and latitude: a GeoJSON MultiPoint, a FeatureCollection of Points{told}.",
            {"oneOf": [_MULTI_POINT, _FEATURES, *references]},
        ),
    }


def _what(collections: Mapping[str, Collection], listed: Sequence[str]) -> JsonObject:
    of_dimension: dict[str, list[str]] = {}
    for id_ in listed:
        for name in collections[id_].custom_axes:
            of_dimension.setdefault(name, []).append(id_)
    return {
        "parameter-name": _input("Parameters", "Names of parameters, a list or a,b; else all.", _CHOICE),
        "datetime": _input(
            "Times", "An instant, start/end, or a list, as in the datetime of EDR; else all times.", _CHOICE
        ),
        "crs": _input("CRS", "Of longitude and latitude, and of the answer; else CRS84.", _TEXT),
        **{
            name: _input(name, f"A dimension of {', '.join(ids)}: a value, low/high, or a list; else all.", _CHOICE)
            for name, ids in of_dimension.items()
        },
    }


def _format() -> JsonObject:
    names = [encoder.name for encoder in encoders_of("position")]
    default = default_encoder().name
    return _input("Format", f"Of the answer; else {default}.", {**_TEXT, "enum": names, "default": default})


def _output() -> JsonObject:
    offered = sorted(encoders_of("position"), key=lambda encoder: encoder != default_encoder())
    types = dict.fromkeys(media_type for encoder in offered for media_type in encoder.media_types)
    return {
        "title": "Values",
        "description": "The values, in the format that f or the format of this output asks for.",
        "schema": {"oneOf": [{"type": "string", "contentMediaType": media_type} for media_type in types]},
    }


def _example(collections: Mapping[str, Collection], listed: Sequence[str]) -> JsonObject:
    """Two points in the middle of the first collection that is listed."""
    if not listed:
        return {"inputs": {}}
    west, south, east, north = bbox(collections[listed[0]])
    x, y = (west + (east - west) % 360 / 2, (south + north) / 2)
    points = {"longitude": [round(x, 2), round(x + 1, 2)], "latitude": [round(y, 2), round(y, 2)]}
    return {"inputs": {"collection": listed[0], **points}}
