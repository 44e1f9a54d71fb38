"""JSON, GeoJSON and EDR GeoJSON, as the official suite tests them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from jsonschema import Draft4Validator

if TYPE_CHECKING:
    from tests.cite.conftest import Json, Site

OPENAPI_TYPE = "application/vnd.oai.openapi+json;version=3.0"
EDR_1_0 = "http://www.opengis.net/spec/ogcapi-edr-1/1.0"

TEXT = {"type": "string"}
LANDING_PAGE = {
    "type": "object",
    "required": ["links"],
    "properties": {
        "title": TEXT,
        "description": TEXT,
        "keywords": {"type": "array", "items": TEXT},
        "provider": {"type": "object", "properties": {"name": TEXT, "url": TEXT}},
        "contact": {"type": "object", "additionalProperties": TEXT},
    },
}
CONFORMANCE = {
    "type": "object",
    "required": ["conformsTo"],
    "properties": {"conformsTo": {"type": "array", "items": TEXT}},
}


def nested(depth: int, least: tuple[int, ...]) -> dict[str, Any]:
    """A schema of positions in arrays of arrays, each of at least so many items."""
    if depth == 0:
        return {"type": "array", "minItems": 2, "items": {"type": "number"}}
    return {"type": "array", "minItems": least[0], "items": nested(depth - 1, least[1:])}


def geometry(name: str, coordinates: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", "coordinates"],
        "properties": {"type": {"enum": [name]}, "coordinates": coordinates},
        "additionalProperties": False,
    }


FEATURE = {
    "type": "object",
    "required": ["type", "geometry", "properties"],
    "properties": {
        "type": {"enum": ["Feature"]},
        "id": {"type": "string", "pattern": r"^[^\s<>{}|^`\\\"]+$"},  # the suite takes it for a URI reference
        "geometry": {
            "oneOf": [
                {"type": "null"},
                geometry("Point", nested(0, ())),
                geometry("MultiPoint", {**nested(1, (1,)), "maxItems": 1}),  # so the suite's schema has it
                geometry("LineString", nested(1, (2,))),
                geometry("MultiLineString", nested(2, (1, 2))),
                geometry("Polygon", nested(2, (1, 4))),
                geometry("MultiPolygon", nested(3, (1, 1, 0))),
            ]
        },
        "properties": {"type": "object"},
        "bbox": {"type": "array", "minItems": 4, "maxItems": 4, "items": {"type": "number"}},
    },
}
GEOJSON = {
    "type": "object",
    "required": ["type", "features"],
    "properties": {
        "type": {"enum": ["FeatureCollection"]},
        "bbox": {"type": "array"},
        "features": {"type": "array", "items": FEATURE},
    },
}
PARAMETER = {
    "type": "object",
    "required": ["type", "observedProperty"],
    "properties": {
        "type": {"enum": ["Parameter"]},
        "label": TEXT,
        "description": TEXT,
        "unit": {"type": "object"},
        "observedProperty": {"type": "object", "properties": {"id": TEXT, "label": TEXT, "description": TEXT}},
    },
}
LINK = {
    "type": "object",
    "required": ["href", "rel"],
    "properties": {
        "href": TEXT,
        "rel": TEXT,
        "type": TEXT,
        "hreflang": TEXT,
        "title": TEXT,
        "length": {"type": "integer"},
        "templated": {"type": "boolean"},
        "variables": {"type": "object"},
    },
}
EDR_GEOJSON = {
    **GEOJSON,
    "properties": {
        **GEOJSON["properties"],  # type: ignore[dict-item]  # a literal of mixed values
        "parameters": {"type": "array", "items": PARAMETER},
        "links": {"type": "array", "items": LINK},
        "timeStamp": TEXT,
    },
}


def check(document: Any, schema: dict[str, Any]) -> None:
    errors = sorted(error.message[:300] for error in Draft4Validator(schema).iter_errors(document))
    assert not errors


def offering_geojson(site: Site, query: str) -> Json:
    """The first collection, as `/collections` shows it, with a query that has GeoJSON among its formats."""
    for collection in site.listed:
        variables = collection["data_queries"].get(query, {"link": {"variables": {}}})["link"]["variables"]
        if "geojson" in [name.lower() for name in variables.get("output_formats", ())]:
            return collection
    raise AssertionError(f"no collection offers GeoJSON for {query}")


def test_json_encoding__validate_response_for_json(site: Site) -> None:
    check(site.get("/").json(), LANDING_PAGE)
    check(site.get("/conformance").json(), CONFORMANCE)
    assert site.get(site.service_desc["href"], OPENAPI_TYPE).json()
    assert site.get("/collections").json()


def test_geo_json_encoding__validate_response_for_geo_json(site: Site) -> None:
    assert f"{EDR_1_0}/conf/geojson" in site.conforms_to
    link = offering_geojson(site, "locations")["data_queries"]["locations"]["link"]
    check(site.get(f"{link['href']}?f=GeoJSON", "application/json").json(), GEOJSON)


def test_edr_geo_json_encoding__validate_response_for_edr_geo_json(site: Site) -> None:
    assert f"{EDR_1_0}/req/edr-geojson" in site.conforms_to
    collection = offering_geojson(site, "position")
    x0, y0, x1, y1 = collection["extent"]["spatial"]["bbox"][0][:4]
    start, end = collection["extent"]["temporal"]["interval"][0]
    asked = (
        f"f=GeoJSON&crs=CRS84&coords=POINT({x0 + (x1 - x0) / 2}+{y0 + (y1 - y0) / 2})"
        f"&parameter-name={quote_plus(next(iter(collection['parameter_names'])))}&datetime={start}/{end}"
    )
    href = collection["data_queries"]["position"]["link"]["href"]
    check(site.get(f"{href}?{asked}", "application/json").json(), EDR_GEOJSON)
