"""Schemas of the OpenAPI document, for the members that readers need; documents may have more."""

from __future__ import annotations

from typing import Any

from zarr_edr.web.openapi_bodies import BODY_SCHEMAS
from zarr_edr.web.service import JsonObject

_TEXT: JsonObject = {"type": "string"}
_URI: JsonObject = {"type": "string", "format": "uri"}


def _object(required: str = "", /, **properties: Any) -> JsonObject:
    found: JsonObject = {"type": "object", "properties": properties}
    return {**found, "required": required.split()} if required else found


def _list(items: JsonObject) -> JsonObject:
    return {"type": "array", "items": items}


def _map(values: JsonObject) -> JsonObject:
    return {"type": "object", "additionalProperties": values}


def _ref(name: str) -> JsonObject:
    return {"$ref": f"#/components/schemas/{name}"}


def _one_of(*values: str) -> JsonObject:
    return {"type": "string", "enum": list(values)}


_LINKS = _list(_ref("link"))
_LABEL: JsonObject = {"oneOf": [_TEXT, _map(_TEXT)]}
_INTERVAL = _list(_list(_TEXT))

SCHEMAS: JsonObject = {
    **BODY_SCHEMAS,
    "exception": _object("code", code=_TEXT, type=_TEXT, description=_TEXT),
    "link": _object(
        "href rel", href=_URI, rel=_TEXT, type=_TEXT, title=_TEXT, hreflang=_TEXT, templated={"type": "boolean"}
    ),
    "landingPage": _object(
        "links",
        title=_TEXT,
        description=_TEXT,
        keywords=_list(_TEXT),
        provider=_map(_TEXT),
        contact=_map(_TEXT),
        links=_LINKS,
    ),
    "confClasses": _object("conformsTo", conformsTo=_list(_URI), links=_LINKS),
    "openapi": _object("openapi info paths", openapi=_TEXT, info={"type": "object"}, paths={"type": "object"}),
    "collections": _object("links collections", links=_LINKS, collections=_list(_ref("collection"))),
    "instances": _object("links instances", links=_LINKS, instances=_list(_ref("collection"))),
    "collection": _object(
        "id links extent",
        id=_TEXT,
        title=_TEXT,
        description=_TEXT,
        keywords=_list(_TEXT),
        links=_LINKS,
        extent=_ref("extent"),
        data_queries=_map(_object("link", link=_ref("queryLink"))),
        crs=_list(_TEXT),
        output_formats=_list(_TEXT),
        parameter_names=_map(_ref("parameter")),
    ),
    "extent": _object(
        "",
        spatial=_object(
            "bbox",
            bbox=_list({"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6}),
            crs=_TEXT,
            values=_object("x y", x=_list(_TEXT), y=_list(_TEXT)),
        ),
        temporal=_object("interval trs", interval=_INTERVAL, values=_list(_TEXT), trs=_TEXT),
        vertical=_object("interval vrs", interval=_INTERVAL, values=_list(_TEXT), vrs=_TEXT, name=_TEXT),
        custom=_list(
            _object("id interval reference", id=_TEXT, interval=_INTERVAL, values=_list(_TEXT), reference=_TEXT)
        ),
    ),
    "queryLink": _object(
        "href rel",
        href=_URI,
        rel=_TEXT,
        type=_TEXT,
        title=_TEXT,
        variables=_object(
            "",
            title=_TEXT,
            description=_TEXT,
            query_type=_TEXT,
            output_formats=_list(_TEXT),
            default_output_format=_TEXT,
            crs_details=_list(_object("crs wkt", crs=_TEXT, wkt=_TEXT)),
            within_units=_list(_TEXT),
            width_units=_list(_TEXT),
            height_units=_list(_TEXT),
        ),
    ),
    "parameter": _object(
        "type observedProperty",
        type=_one_of("Parameter"),
        id=_TEXT,
        label=_LABEL,
        description=_LABEL,
        dataType=_one_of("float", "integer", "string"),
        observedProperty=_object("label", id=_URI, label=_LABEL),
        unit=_object("", label=_LABEL, symbol={"oneOf": [_TEXT, _object("value type", value=_TEXT, type=_TEXT)]}),
        measurementType=_object("method", method=_TEXT, duration=_TEXT),
        extent=_ref("extent"),
    ),
    "coverageJSON": {
        "description": "CoverageJSON, OGC 21-069r2",
        "oneOf": [_ref("coverage"), _ref("coverageCollection")],
    },
    "coverage": _object(
        "type domain ranges",
        type=_one_of("Coverage"),
        domain=_ref("domain"),
        parameters=_map(_ref("parameter")),
        ranges=_map(_ref("range")),
    ),
    "coverageCollection": _object(
        "type coverages",
        type=_one_of("CoverageCollection"),
        domainType=_TEXT,
        parameters=_map(_ref("parameter")),
        referencing=_list({"type": "object"}),
        coverages=_list(_ref("coverage")),
    ),
    "domain": _object(
        "type axes",
        type=_one_of("Domain"),
        domainType=_TEXT,
        axes=_map(_object("", values=_list({}), dataType=_TEXT, coordinates=_list(_TEXT))),
        referencing=_list(_object("coordinates system", coordinates=_list(_TEXT), system={"type": "object"})),
    ),
    "range": _object(
        "type dataType values",
        type=_one_of("NdArray"),
        dataType=_one_of("float", "integer", "string"),
        axisNames=_list(_TEXT),
        shape=_list({"type": "integer"}),
        values=_list({}),
    ),
    "featureCollection": _object(
        "type features",
        type=_one_of("FeatureCollection"),
        features=_list(_ref("feature")),
        links=_LINKS,
        numberMatched={"type": "integer"},
        numberReturned={"type": "integer"},
    ),
    "feature": _object(
        "type geometry properties",
        type=_one_of("Feature"),
        id=_TEXT,
        geometry=_object("type coordinates", type=_TEXT, coordinates=_list({})),
        properties={"type": "object"},
    ),
}
"""Name -> schema."""
