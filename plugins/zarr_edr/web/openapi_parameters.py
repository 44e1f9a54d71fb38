"""Parameters of the OpenAPI document.

Testers want `style: form` and `explode: false` written out, and `coords` in the operation itself, as a string.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from zarr_edr.crs import OFFERED
from zarr_edr.dataset.catalog import bbox
from zarr_edr.dataset.model import Collection
from zarr_edr.query.request import height_unit
from zarr_edr.web import offer
from zarr_edr.web.offer import QueryType
from zarr_edr.web.openapi_bodies import BOX, PLACES_OF, body_of, parameters_of
from zarr_edr.web.service import JsonObject

_TEXT: JsonObject = {"type": "string"}


def query_parameter(
    name: str, description: str, schema: JsonObject, *, required: bool = False, **more: Any
) -> JsonObject:
    """A parameter in the query string."""
    found = {"name": name, "in": "query", "description": description, "required": required}
    return {**found, "style": "form", "explode": False, "schema": schema, **more}


def path_parameter(name: str, description: str, values: list[str] | None, example: str) -> JsonObject:
    """A parameter in the path; `values` are all that it can be."""
    schema = _TEXT if values is None else {"type": "string", "enum": values}
    found: JsonObject = {"name": name, "in": "path", "description": description, "required": True}
    return {**found, "schema": schema, "example": example}


def _choice(name: str, description: str, values: list[str]) -> JsonObject:
    return query_parameter(name, description, {"type": "string", "enum": values})


def _shared() -> dict[str, JsonObject]:
    distances = list(offer.DISTANCE_UNITS)
    positions = {"type": "integer", "minimum": 0, "maximum": 10_000}
    count = {"type": "integer", "minimum": 1}
    number = {"type": "number", "minimum": 0}
    crs = [*offer.crs_uris(), *(each.name for each in OFFERED), "CRS84"]
    found = {
        "f.metadata": _choice("f", "The form of the answer; wins over the Accept header.", ["json", "html"]),
        "f.openapi": _choice("f", "The form of the answer; wins over the Accept header.", ["json", "json31", "html"]),
        "f.features": _choice("f", "The form of the answer; wins over the Accept header.", ["GeoJSON", "json", "html"]),
        "f.item": _choice(
            "f",
            "The form of the item, or a format of data for its values; wins over the Accept header.",
            [*dict.fromkeys(["GeoJSON", "json", "html", *offer.format_names("items")])],
        ),
        "crs": _choice(
            "crs",
            "The coordinate reference system of the query's coordinates and of the answer; CRS84 where it is absent.",
            crs,
        ),
        "datetime": query_parameter(
            "datetime",
            "An instant (UTC unless it has an offset), a date (that whole day), an interval a/b, ../b or a/.., a list"
            " a,b,c or Rn/start/step; all times where it is absent.",
            _TEXT,
        ),
        "limit": query_parameter(
            "limit", "The most features in one answer; formats without features ignore it.", count
        ),
        "offset": query_parameter(
            "offset", "How many features to pass over.", {"type": "integer", "minimum": 0, "default": 0}
        ),
        "bbox.filter": query_parameter("bbox", "Only features in this box: west,south,east,north in degrees.", BOX),
        "within": query_parameter("within", "The distance, in `within-units`.", number, required=True, example=50),
        "within-units": _choice("within-units", "The unit of `within`.", distances)
        | {"required": True, "example": "km"},
        "corridor-width": query_parameter(
            "corridor-width",
            "Width of the corridor, the path in its middle, in `width-units`.",
            number,
            required=True,
            example=50,
        ),
        "width-units": _choice("width-units", "The unit of `corridor-width`.", distances)
        | {"required": True, "example": "km"},
        "corridor-height": query_parameter(
            "corridor-height",
            "Height of the corridor across its path; with `height-units` or not at all.",
            number,
        ),
    }
    for axis in ("x", "y", "z"):
        description = f"How many positions along {axis}, both ends included; 0: as many as there are."
        found[f"resolution-{axis}"] = query_parameter(f"resolution-{axis}", description, positions)
    return found


class Parameters:
    """The parameters that operations refer to."""

    def __init__(self) -> None:
        self.components: dict[str, JsonObject] = {}
        self.bodies: dict[str, JsonObject] = {}
        self.schemas: dict[str, JsonObject] = {}
        self._shared = _shared()

    def ref(self, name: str) -> JsonObject:
        """A reference to a parameter that all collections share."""
        return self._put(name, self._shared[name])

    def _put(self, key: str, parameter: JsonObject) -> JsonObject:
        self.components[key] = parameter
        return {"$ref": f"#/components/parameters/{key}"}

    def own(self, name: str, query: QueryType, collection: Collection) -> list[JsonObject]:
        """The parameters that say where; `name` is that of the path, which may be `multipoint`."""
        return [self._own(each, name, collection) for each in (*query.required, *query.optional)]

    def _own(self, parameter: str, name: str, collection: Collection) -> JsonObject:
        match parameter:
            case "coords":
                return _coords(name, collection)
            case "bbox":
                about = (
                    "West, south, east, north; of six numbers, the third and last are levels. West > east crosses 180."
                )
                return query_parameter("bbox", about, BOX, required=True, example=_box(collection))
            case "height-units":
                unit = height_unit(collection)
                described = _choice("height-units", "The unit of `corridor-height`.", [unit])
                return self._put(f"height-units.{key_of(unit)}", described)
            case _:
                return self.ref(parameter)

    def of_listing(self, collection: Collection) -> list[JsonObject]:
        """The parameters of a list of features."""
        before, after = ("bbox.filter", "datetime"), ("limit", "offset", "crs", "f.features")
        return [*map(self.ref, before), self._names(collection), *map(self.ref, after)]

    def _names(self, collection: Collection) -> JsonObject:
        names = {"type": "array", "items": {"type": "string", "enum": list(collection.parameters)}}
        about = "Names of parameters, separated by commas; all where it is absent."
        return self._put(f"parameter-name.{key_of(collection.id)}", query_parameter("parameter-name", about, names))

    def of_item(self, collection: Collection) -> list[JsonObject]:
        """The parameters of one item; all but `f` and `crs` go with a format of values only."""
        return [*self._selection(collection), self.ref("f.item")]

    def shared(self, query: QueryType, collection: Collection) -> list[JsonObject]:
        """The parameters that say what, when and how."""
        limit = [self.ref("limit")] if query.name in {"position", "radius", "area"} else []
        formats = _choice("f", "The output format; wins over the Accept header.", offer.format_names(query.name))
        return [*self._selection(collection), *limit, self._put(f"f.{query.name}", formats)]

    def _selection(self, collection: Collection) -> list[JsonObject]:
        key = key_of(collection.id)
        found = [self.ref("datetime"), self._names(collection)]
        for axis in collection.vertical_axes[:1]:
            unit = f" in {axis.unit.text}" if axis.unit.text else ""
            about = f"Levels ({axis.title}{unit}): a value, a list, an interval a/b, ../b or a/.., or Rn/min/step; absent: all."
            found.append(self._put(f"z.{key}", query_parameter("z", about, _TEXT)))
        for dim, custom in collection.custom_axes.items():
            about = f"{custom.title}: a value, a list or an interval a/b; all where it is absent."
            found.append(self._put(f"dimension.{key}.{key_of(dim)}", query_parameter(dim, about, _TEXT)))
        return [*found, self.ref("crs")]

    def body(self, query: QueryType, collection: Collection) -> JsonObject:
        """The body of a POST of a query."""
        levels = ["z"] if collection.vertical_axes else []
        names = [
            *query.required,
            *query.optional,
            "datetime",
            "parameter-name",
            *levels,
            *collection.custom_axes,
            "crs",
            "f",
        ]
        key = f"{query.name}.{key_of(collection.id)}"
        return self._put_body(key, names, query.required, PLACES_OF.get(query.name))

    def listing_body(self) -> JsonObject:
        """The body of a POST of a list of features."""
        names = ("bbox", "datetime", "parameter-name", "limit", "offset", "crs", "f")
        return self._put_body("listing", names, (), None)

    def _put_body(self, key: str, names: Sequence[str], required: Sequence[str], places: str | None) -> JsonObject:
        self.schemas[f"parameters.{key}"] = parameters_of(names, required)
        self.bodies[key] = body_of(f"parameters.{key}", places, required=bool(required))
        return {"$ref": f"#/components/requestBodies/{key}"}


def key_of(name: str) -> str:
    """A name as part of a component's name: other characters than those allowed there become their code."""
    return re.sub(r"[^A-Za-z0-9_-]", lambda match: f".{ord(match[0]):x}.", name)


# --- examples that are in the data ---------------------------------------------------------------------------------


def _centre(collection: Collection) -> tuple[float, float]:
    west, south, east, north = bbox(collection)
    x = (west + east) / 2 if west <= east else (west + east + 360) / 2
    return round(x, 2), round((south + north) / 2, 2)


def _box(collection: Collection) -> list[float]:
    x, y = _centre(collection)
    return [x - 1, y - 1, x + 1, y + 1]


def _coords(kind: str, collection: Collection) -> JsonObject:
    x, y = _centre(collection)
    line = f"LINESTRING({x:g} {y:g},{x + 1:g} {y + 1:g})"
    described: Mapping[str, tuple[str, str]] = {
        "position": ("A WKT POINT or MULTIPOINT, also with Z", f"POINT({x:g} {y:g})"),
        "multipoint": ("A WKT MULTIPOINT, also with Z", f"MULTIPOINT(({x:g} {y:g}),({x + 1:g} {y:g}))"),
        "radius": ("A WKT POINT or MULTIPOINT", f"POINT({x:g} {y:g})"),
        "area": (
            "A WKT POLYGON or MULTIPOLYGON",
            f"POLYGON(({x - 1:g} {y - 1:g},{x + 1:g} {y - 1:g},{x + 1:g} {y + 1:g},{x - 1:g} {y - 1:g}))",
        ),
        "trajectory": ("A WKT LINESTRING or MULTILINESTRING, also Z, M (seconds since 1970) or ZM", line),
        "corridor": ("A WKT LINESTRING or MULTILINESTRING, also Z, M (seconds since 1970) or ZM", line),
    }
    text, example = described[kind]
    description = f"{text}, in the axis order of `crs`: longitude first by default."
    return query_parameter("coords", description, _TEXT, required=True, example=example)
