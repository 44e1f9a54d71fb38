"""JSON bodies: GeoJSON, lists of coordinates, or the parameters of a query.

{"type": "FeatureCollection", "features": [...]}                    GeoJSON, see `body_geojson`
{"longitude": [10.5, 11], "latitude": [50.25, 51]}                  optionally "z", one for each point
{"coords": "MULTIPOINT((10.5 50.25),(11 51))"}                      OGC API - EDR 1.2, POST
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson

from zarr_edr.errors import InvalidBody
from zarr_edr.limits import Deadline, Limits
from zarr_edr.query.body_geojson import read_geojson
from zarr_edr.query.body_model import (
    MAX_COMMAS_PER_POINT,
    Body,
    check_count,
    check_marks,
    numbers,
    options_of,
    type_name,
)
from zarr_edr.query.geometry import Places, geometry_of_points
from zarr_edr.query.json_scan import check_members, scan

_FORMS = (
    'Right are e.g. {"type": "MultiPoint", "coordinates": [[10.5, 50.25], [11, 51]]}, '
    '{"longitude": [10.5, 11], "latitude": [50.25, 51]} or {"coords": "MULTIPOINT((10.5 50.25),(11 51))"}.'
)
# Lists and objects in the JSON of a point; a Feature has three or four. An empty list of 3 bytes takes 60 in memory.
_MAX_CONTAINERS_PER_POINT = 8


def read_json(body: bytes, limits: Limits, deadline: Deadline) -> Body:
    """Read a JSON object of one of the shapes above.

    Raises:
        InvalidBody: It is not JSON, has a member twice, or is of another shape.
        QueryTooLarge: It is over `limits.points` or `limits.nesting`.
        DeadlineExceeded: It takes too long.
    """
    value = load_object(body, limits)
    deadline.check()
    return read_object(value, limits)


def load_object(body: bytes, limits: Limits) -> dict[str, object]:
    """The JSON object that a body is. Raises `InvalidBody`, and `QueryTooLarge` where its parts would not fit in memory."""
    check_marks(body, b",", MAX_COMMAS_PER_POINT, "commas", limits)
    check_marks(body, b"[{", _MAX_CONTAINERS_PER_POINT, "lists and objects", limits)
    body = body.removeprefix(b"\xef\xbb\xbf")
    members = scan(body, limits.nesting)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidBody(f"The body is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise InvalidBody(f"The body is {type_name(value)}; it must be a JSON object. {_FORMS}")
    check_members(value, members, body)
    return value


def read_object(value: dict[str, object], limits: Limits) -> Body:
    """What a JSON object of one of the shapes above, already parsed, asks for. Raises `InvalidBody`, `QueryTooLarge`."""
    shapes = [read for keys, read in _SHAPES.items() if not value.keys().isdisjoint(keys)]
    if not shapes:
        return Body(None, options_of(value, list(value)))
    if len(shapes) > 1:
        raise InvalidBody(f"The body gives its places in more than one way. {_FORMS}")
    return shapes[0](value, limits)


def _read_coords(value: dict[str, object], limits: Limits) -> Body:
    del limits
    coords = value["coords"]
    if not isinstance(coords, str):
        raise InvalidBody(f"coords is {type_name(coords)}; it must be WKT, as text. {_FORMS}")
    return Body(None, {"coords": coords, **options_of(value, [name for name in value if name != "coords"])})


def _read_columns(value: dict[str, object], limits: Limits) -> Body:
    """Lists of longitudes, latitudes and perhaps levels; a `z` that is no list is the parameter of that name."""
    names = ["longitude", "latitude"] + ["z"] * isinstance(value.get("z"), list)
    columns = {name: _column(value, name) for name in names}
    n_points = len(columns["longitude"])
    for name, column in columns.items():
        if len(column) != n_points:
            raise InvalidBody(f"longitude has {n_points} numbers and {name} has {len(column)}; they must be as many.")
    if n_points == 0:
        raise InvalidBody(f"longitude is an empty list; it needs a number. {_FORMS}")
    check_count(n_points, limits)
    x, y, *z = (numbers(column, f"{name}[{{}}]".format) for name, column in columns.items())
    geometry = geometry_of_points(x, y, z[0] if z else None, multi=True)
    return Body(Places(geometry, in_degrees=True), options_of(value, [name for name in value if name not in names]))


def _column(value: dict[str, object], name: str) -> list[object]:
    column = value.get(name)
    if not isinstance(column, list):
        raise InvalidBody(f"{name} is {type_name(column)}; it must be a list of numbers. {_FORMS}")
    return column


_SHAPES: Mapping[tuple[str, ...], Callable[[dict[str, object], Limits], Body]] = {
    ("coords",): _read_coords,
    ("longitude", "latitude"): _read_columns,
    ("type", "coordinates", "geometry", "geometries", "features"): read_geojson,
}
