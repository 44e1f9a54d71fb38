"""Bodies of POST requests that ask for many points -> `Points` and the other parameters of the query.

Read are, as application/json or application/geo+json,

    {"type": "MultiPoint", "coordinates": [[10.5, 50.25], [11, 51]]}    also Point, a Feature of these,
                                                                        a FeatureCollection of Point features
    {"longitude": [10.5, 11], "latitude": [50.25, 51]}                  optionally "z", one for each point
    {"coords": "MULTIPOINT((10.5 50.25),(11 51))"}                      OGC API - EDR 1.2, POST

and, as application/x-www-form-urlencoded, what could stand in the query string.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import NoneType
from urllib.parse import parse_qsl

import numpy as np
import orjson

from zarr_edr.errors import InvalidBody, QueryTooLarge
from zarr_edr.limits import Limits
from zarr_edr.query.checks import quoted
from zarr_edr.query.geometry import Float64Array, Points

JSON_TYPES = ("application/json", "application/geo+json")
FORM_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 100
"""Fields of a form, or parameters in a JSON object: more than all that a query can have."""

_DIM_XY = 2
_DIM_XYZ = 3
_OPTIONS = ("datetime", "z", "parameter-name", "crs", "f")
_UTF8 = ("utf-8", "utf8", "us-ascii", "ascii")
_FORMS = (
    'Right are e.g. {"type": "MultiPoint", "coordinates": [[10.5, 50.25], [11, 51]]}, '
    '{"longitude": [10.5, 11], "latitude": [50.25, 51]} or {"coords": "MULTIPOINT((10.5 50.25),(11 51))"}.'
)
# A form writes each point with up to five of these escapes. Undone here they cost little; `parse_qsl` takes a second
# for a million. None of the characters is part of another escape or of the syntax of forms.
_ESCAPES = {b"%28": b"(", b"%29": b")", b"%2C": b",", b"%2c": b",", b"%20": b"+"}
_MAX_ESCAPES = 10_000
# Lists and objects in the JSON of a point; a Feature has three or four. An empty list of 3 bytes takes 60 in memory.
_MAX_CONTAINERS_PER_POINT = 8
# Values of a point, its properties included; a bare number takes eight times its text in memory.
_MAX_COMMAS_PER_POINT = 16


@dataclass(frozen=True, slots=True)
class PointsBody:
    """What a body asks for."""

    points: Points | None
    """None where the body has none, or gives them as text in `coords`."""
    options: Mapping[str, str]
    """The other parameters of the query, by name and as a query string would have them. Null ones are left out."""


def parse_body(body: bytes, content_type: str | None, limits: Limits) -> PointsBody:
    """Read a body of one of the shapes above, or one that is nothing but parameters of a query.

    Without a content type it is taken for JSON.

    Raises:
        InvalidBody: It is of another type or shape, or a value is not a finite number.
        QueryTooLarge: It is over `limits.body_bytes`, `limits.points` or `limits.coords_chars`.
    """
    if len(body) > limits.body_bytes:
        raise QueryTooLarge(
            f"The body has {len(body)} bytes; at most {limits.body_bytes} are allowed (limits.body_bytes)."
        )
    read = _reader(content_type)
    if not body.strip():
        raise InvalidBody(f"The body is empty. {_FORMS}")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidBody(f"The body is not UTF-8: byte {error.start + 1} does not belong to any character.") from error
    return read(body, limits)


def _reader(content_type: str | None) -> Callable[[bytes, Limits], PointsBody]:
    media_type, *parameters = (content_type or JSON_TYPES[0]).lower().split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in _UTF8:
            raise InvalidBody(f"The body is said to be in {quoted(value.strip())}; it must be in UTF-8.")
    if media_type.strip() in JSON_TYPES:
        return _read_json
    if media_type.strip() == FORM_TYPE:
        return _read_form
    raise InvalidBody(
        f"The body is of type {quoted(media_type.strip())}; accepted are {', '.join(JSON_TYPES)} and {FORM_TYPE}."
    )


def _read_form(body: bytes, limits: Limits) -> PointsBody:
    for escape, char in _ESCAPES.items():
        body = body.replace(escape, char)
    if body.count(b"&") >= MAX_FIELDS or body.count(b"%") > _MAX_ESCAPES:
        raise InvalidBody(
            f"The form has too much in it; at most {MAX_FIELDS} fields and {_MAX_ESCAPES} escaped characters are read."
        )
    try:
        fields = parse_qsl(body.strip().decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except UnicodeDecodeError as error:
        raise InvalidBody("The form has escaped bytes that are not UTF-8.") from error
    options: dict[str, str] = {}
    for name, value in fields:
        if name in options:
            raise InvalidBody(f"The form has {quoted(name)} twice.")
        options[name] = value
    return PointsBody(None, options)


def _read_json(body: bytes, limits: Limits) -> PointsBody:
    commas = body.count(b",")
    if commas > _MAX_COMMAS_PER_POINT * (limits.points + 100):
        raise QueryTooLarge(f"The body has {commas} commas, more than {limits.points} points need (limits.points).")
    containers = body.count(b"[") + body.count(b"{")
    if containers > _MAX_CONTAINERS_PER_POINT * (limits.points + 100):
        raise QueryTooLarge(
            f"The body has {containers} lists and objects, more than {limits.points} points need (limits.points)."
        )
    try:
        value = orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise InvalidBody(f"The body is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise InvalidBody(f"The body is {_type_name(value)}; it must be a JSON object. {_FORMS}")
    shapes = [read for keys, read in _SHAPES.items() if not value.keys().isdisjoint(keys)]
    if not shapes:
        return _read_parameters(value)
    if len(shapes) > 1:
        raise InvalidBody(f"The body gives its points in more than one way. {_FORMS}")
    return shapes[0](value, limits)


def _read_coords(value: dict[str, object], limits: Limits) -> PointsBody:
    coords = value["coords"]
    if not isinstance(coords, str):
        raise InvalidBody(f"coords is {_type_name(coords)}; it must be WKT, as text. {_FORMS}")
    return PointsBody(None, {"coords": coords, **_options(value, [name for name in value if name != "coords"])})


def _read_parameters(value: dict[str, object]) -> PointsBody:
    return PointsBody(None, _options(value, list(value)))


def _read_columns(value: dict[str, object], limits: Limits) -> PointsBody:
    """Lists of longitudes, latitudes and perhaps levels; a `z` that is no list is the parameter of that name."""
    names = ["longitude", "latitude"] + ["z"] * isinstance(value.get("z"), list)
    columns = {name: _column(value, name) for name in names}
    n_points = len(columns["longitude"])
    for name, column in columns.items():
        if len(column) != n_points:
            raise InvalidBody(f"longitude has {n_points} numbers and {name} has {len(column)}; they must be as many.")
    _check_count(n_points, "longitude", limits)
    arrays = {name: _numbers(column, f"{name}[{{}}]".format) for name, column in columns.items()}
    points = Points(arrays["longitude"], arrays["latitude"], arrays.get("z"), multi=True)
    return PointsBody(points, _options(value, [name for name in value if name not in names]))


def _column(value: dict[str, object], name: str) -> list[object]:
    column = value.get(name)
    if not isinstance(column, list):
        raise InvalidBody(f"{name} is {_type_name(column)}; it must be a list of numbers. {_FORMS}")
    return column


def _read_geojson(value: dict[str, object], limits: Limits) -> PointsBody:
    """GeoJSON (RFC 7946). Its objects may have members of any name, so only known ones are taken for parameters."""
    positions, where, multi = _geojson_positions(value, limits)
    columns = np.ascontiguousarray(_positions(positions, where).T)
    points = Points(columns[0], columns[1], columns[2] if len(columns) > _DIM_XY else None, multi)
    return PointsBody(points, _options(_named_crs(value), [name for name in _OPTIONS if name in value]))


def _geojson_positions(value: dict[str, object], limits: Limits) -> tuple[list[object], str, bool]:
    """The positions as read, where they stand (for messages), and whether they may be many."""
    if value.get("type") == "FeatureCollection":
        return _feature_positions(value, limits), "features[{}].geometry.coordinates", True
    geometry = value.get("geometry") if value.get("type") == "Feature" else value
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or kind not in ("Point", "MultiPoint"):
        found = quoted(kind) if isinstance(kind, str) else "of no known type"
        raise InvalidBody(f"The geometry is {found}; it must be a Point or a MultiPoint. {_FORMS}")
    coordinates = geometry.get("coordinates")
    if kind == "Point":
        return [coordinates], "coordinates", False
    if not isinstance(coordinates, list):
        raise InvalidBody(f"coordinates is {_type_name(coordinates)}; it must be a list of positions. {_FORMS}")
    _check_count(len(coordinates), "coordinates", limits)
    return coordinates, "coordinates[{}]", True


def _feature_positions(collection: dict[str, object], limits: Limits) -> list[object]:
    features = collection.get("features")
    if not isinstance(features, list):
        raise InvalidBody(f"features is {_type_name(features)}; it must be a list of Point features.")
    _check_count(len(features), "features", limits)
    try:
        positions = [f["geometry"]["coordinates"] for f in features if f["geometry"]["type"] == "Point"]
    except (TypeError, KeyError):
        positions = []
    if len(positions) < len(features):
        index = next(index for index, feature in enumerate(features) if not _is_point_feature(feature))
        raise InvalidBody(f"features[{index}] is not a feature with a Point; all must be.")
    return positions


def _is_point_feature(feature: object) -> bool:
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    return isinstance(geometry, dict) and geometry.get("type") == "Point" and "coordinates" in geometry


def _named_crs(value: dict[str, object]) -> dict[str, object]:
    """Replace the `crs` object of GeoJSON 2008, which many programs still write, by the name in it."""
    crs = value.get("crs")
    properties = crs.get("properties") if isinstance(crs, dict) else None
    return value | {"crs": properties["name"]} if isinstance(properties, dict) and "name" in properties else value


def _positions(positions: list[object], where: str) -> Float64Array:
    """Convert lists of two or three numbers each, shape (p, 2 or 3)."""
    rows: list[list[object]] = [position for position in positions if isinstance(position, list)]
    if len(rows) < len(positions):
        index = next(index for index, position in enumerate(positions) if not isinstance(position, list))
        raise InvalidBody(f"{where.format(index)} is {_type_name(positions[index])}; it must be a list of numbers.")
    dim = len(rows[0])
    if dim not in (_DIM_XY, _DIM_XYZ):
        raise InvalidBody(f"{where.format(0)} has {dim} numbers; it must have longitude, latitude and perhaps z.")
    if set(map(len, rows)) != {dim}:
        index = next(index for index, row in enumerate(rows) if len(row) != dim)
        raise InvalidBody(f"{where.format(index)} has {len(rows[index])} numbers, but the first position has {dim}.")
    flat = list(chain.from_iterable(rows))
    return _numbers(flat, lambda index: f"{where.format(index // dim)}[{index % dim}]").reshape(-1, dim)


def _numbers(values: list[object], name: Callable[[int], str]) -> Float64Array:
    """Convert numbers, shape (n,). They are finite: JSON has no others, and `orjson` refuses those beyond float64."""
    if not set(map(type, values)) <= {int, float}:  # `isinstance` would take booleans for integers
        index = next(index for index, value in enumerate(values) if type(value) not in (int, float))
        raise InvalidBody(f"{name(index)} is {_type_name(values[index])}; it must be a number.")
    return np.array(values, dtype=np.float64)


def _check_count(n_points: int, name: str, limits: Limits) -> None:
    if n_points == 0:
        raise InvalidBody(f"{name} is an empty list; it needs a point. {_FORMS}")
    if n_points > limits.points:
        raise QueryTooLarge(f"The body has {n_points} points; at most {limits.points} are allowed (limits.points).")


def _options(value: dict[str, object], names: Sequence[str]) -> dict[str, str]:
    """Write parameters as a query string has them; leave out null ones."""
    if len(names) > MAX_FIELDS:
        raise InvalidBody(f"The body has {len(names)} parameters; at most {MAX_FIELDS} are read.")
    return {name: _option(name, option) for name in names if (option := value[name]) is not None}


def _option(name: str, value: object) -> str:
    members = value if isinstance(value, list) else [value]
    if not members or any(isinstance(member, list | dict | NoneType) for member in members):
        raise InvalidBody(f"{quoted(name)} is not text, a number, or a list of these.")
    return ",".join(str(member).lower() if isinstance(member, bool) else str(member) for member in members)


def _type_name(value: object) -> str:
    return _TYPE_NAMES.get(type(value), "a number")


_TYPE_NAMES = {type(None): "null or missing", bool: "a boolean", str: "text", list: "a list", dict: "an object"}
_SHAPES: Mapping[tuple[str, ...], Callable[[dict[str, object], Limits], PointsBody]] = {
    ("coords",): _read_coords,
    ("longitude", "latitude"): _read_columns,
    ("type", "coordinates", "geometry", "geometries", "features"): _read_geojson,
}
