"""The parameters of a request, by name and as text, become a query. Knows the names of EDR, not how they travelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from zarr_edr.crs import CRS84, QueryCrs, crs_named
from zarr_edr.dataset.model import Collection
from zarr_edr.errors import (
    InvalidBody,
    InvalidCoords,
    InvalidCrs,
    InvalidParameterName,
    InvalidQuery,
    InvalidZ,
    NotFound,
)
from zarr_edr.limits import Limits
from zarr_edr.query.bbox import parse_bbox
from zarr_edr.query.checks import check_geographic, quoted
from zarr_edr.query.geometry import LINES, POINTS, POLYGONS, GeometryKind, Path, Places, Points
from zarr_edr.query.model import (
    AreaQuery,
    CorridorQuery,
    CubeQuery,
    LevelInterval,
    PositionQuery,
    Query,
    RadiusQuery,
    Resolution,
    TrajectoryQuery,
)
from zarr_edr.query.shapes import (
    METRES,
    parse_length_m,
    parse_path,
    parse_polygons,
    parse_positive,
    path_of,
    points_of,
    polygons_of,
)
from zarr_edr.query.temporal import parse_datetime
from zarr_edr.query.vertical import parse_z
from zarr_edr.query.wkt import parse_points

ALIASES = {"parameter_names": "parameter-name", "parametername": "parameter-name", "parameter_name": "parameter-name"}
"""Spellings of clients in use: OWSLib sends `parameter_names`."""

_ELSEWHERE = frozenset({"f", "lang", "limit", "offset"})
"""Parameters that say how to give the answer, not what it holds. CoverageJSON cannot be paged: `limit` has no effect on it."""

_SHARED = frozenset({"datetime", "z", "parameter-name", "crs"})
_RESOLUTION = frozenset({"resolution-x", "resolution-y", "resolution-z"})
_MAX_RESOLUTION = 10_000

PARAMETERS: Mapping[str, frozenset[str]] = {
    "position": _SHARED | {"coords"},
    "radius": _SHARED | {"coords", "within", "within-units"},
    "area": _SHARED | {"coords"},
    "cube": _SHARED | _RESOLUTION | {"bbox"},
    "trajectory": _SHARED | {"coords"},
    "corridor": _SHARED | _RESOLUTION | {"coords", "corridor-width", "width-units", "corridor-height", "height-units"},
}
"""Query type -> the parameters it takes, besides `f` and the collection's further dimensions."""

_EXAMPLES = {
    "coords": {
        "position": "POINT(10 50) or MULTIPOINT((10 50),(11 51))",
        "radius": "POINT(10 50)",
        "area": "POLYGON((9 49,11 49,11 51,9 51,9 49))",
        "trajectory": "LINESTRING(10 50,11 51)",
        "corridor": "LINESTRING(10 50,11 51)",
    },
    "bbox": {"cube": "9,49,11,51"},
    "within": {"radius": "20"},
    "within-units": {"radius": "km"},
    "corridor-width": {"corridor": "20"},
    "width-units": {"corridor": "km"},
}
"""Parameter -> query type that requires it -> an example."""


_TAKEN: Mapping[str, tuple[tuple[GeometryKind, ...], str]] = {
    "position": (POINTS, "points"),
    "radius": (POINTS, "points"),
    "area": (POLYGONS, "polygons"),
    "cube": ((), ""),
    "trajectory": (LINES, "lines"),
    "corridor": (LINES, "lines"),
}
"""Query type -> the geometries it takes, and what they are called."""


def build_query(
    query_type: str, parameters: Mapping[str, str], collection: Collection, places: Places | None = None
) -> Query:
    """The query of a type that `parameters` describe; `places` where they came by another way than `coords`.

    Raises `NotFound` for a query type that there is not; `InvalidQuery` and its kinds for what is missing, unknown, malformed
    or over a limit.
    """
    if query_type not in PARAMETERS:
        raise NotFound(f"There is no query {query_type[:60]!r}; there are {', '.join(PARAMETERS)}.")
    given = _canonical(query_type, parameters, collection)
    crs = crs_named(given["crs"]) if "crs" in given else CRS84
    if places is not None:
        _check_places(query_type, given, crs, places)
    for name, example in _EXAMPLES.items():
        if query_type in example and name not in given and not (name == "coords" and places is not None):
            raise _missing(name, example[query_type])
    selection = _selection(given, collection, crs) | ({} if places is None else {"tags": places.tags})
    return _BUILDERS[query_type](given, collection, crs, places, selection)


def _check_places(query_type: str, given: Mapping[str, str], crs: QueryCrs, places: Places) -> None:
    """Check that a query takes places of this kind, in this CRS, and that they are not given twice."""
    taken, plural = _TAKEN[query_type]
    kind = places.geometry.kind
    if not taken:
        raise InvalidBody(
            f"The body has a {kind}, but the query {query_type} takes no geometry; give its bbox instead."
        )
    if kind not in taken:
        raise InvalidBody(
            f"The body has a {kind}; the query {query_type} takes {plural}, that is {' or '.join(taken)},"
            " however they are written."
        )
    if "coords" in given:
        raise InvalidCoords(f"The {plural} are given twice, in coords and in the body; leave one out.")
    if places.in_degrees and not crs.geographic:
        raise InvalidCrs(
            f"The body has longitudes and latitudes, in degrees, but crs={crs.name} is in metres;"
            " name the columns x and y, or leave crs out."
        )


def _missing(name: str, example: str) -> InvalidQuery:
    text = f"The parameter {name} is missing; right is e.g. {name}={example}."
    return InvalidCoords(text) if name == "coords" else InvalidQuery(text)


def _canonical(query_type: str, parameters: Mapping[str, str], collection: Collection) -> dict[str, str]:
    """Parameters by their standard names. An unknown one is refused: misspelt, it would be left out of account silently."""
    of_query, custom = PARAMETERS[query_type], collection.custom_axes
    given: dict[str, str] = {}
    for name, value in parameters.items():
        standard = ALIASES.get(name, name)
        if standard in _ELSEWHERE:
            continue
        if standard not in of_query and standard not in custom:
            known = of_query | custom.keys()
            close = get_close_matches(name[:60].lower(), known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise InvalidQuery(
                f"{quoted(name)} is not a parameter of this query.{hint} It takes: {', '.join(sorted(known))}, f."
            )
        if standard in given:
            raise InvalidQuery(f"{standard!r} is given more than once.")
        given[standard] = value
    return given


def _selection(given: Mapping[str, str], collection: Collection, crs: QueryCrs) -> dict[str, Any]:
    """What every query may choose besides where, as the arguments of a `Selection`."""
    return {
        "datetime": parse_datetime(given["datetime"]) if "datetime" in given else None,
        "z": parse_z(given["z"]) if "z" in given else None,
        "parameters": _names(given["parameter-name"]) if "parameter-name" in given else None,
        "custom": {name: given[name] for name in collection.custom_axes if name in given},
        "crs": crs,
    }


def _names(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    if not all(names):
        raise InvalidParameterName(
            "parameter-name has an empty name in it; right are e.g. parameter-name=a or parameter-name=a,b."
        )
    return names


def _points(given: Mapping[str, str], limits: Limits, crs: QueryCrs, places: Places | None) -> Points:
    if places is not None:
        points = points_of(places.geometry, crs.of_xy)
    else:
        points = parse_points(given["coords"], limits)
        if crs is not CRS84:
            x, y = crs.to_lonlat(points.x, points.y)
            points = Points(x, y, points.z, points.multi)
    check_geographic(points)
    return points


def _position(
    given: Mapping[str, str], collection: Collection, crs: QueryCrs, places: Places | None, selection: dict[str, Any]
) -> Query:
    return PositionQuery(_points(given, collection.settings.limits, crs, places), **selection)


def _radius(
    given: Mapping[str, str], collection: Collection, crs: QueryCrs, places: Places | None, selection: dict[str, Any]
) -> Query:
    metres = parse_length_m("within", given["within"], "within-units", given["within-units"])
    return RadiusQuery(_points(given, collection.settings.limits, crs, places), metres, **selection)


def _area(
    given: Mapping[str, str], collection: Collection, crs: QueryCrs, places: Places | None, selection: dict[str, Any]
) -> Query:
    if places is not None:
        polygons = polygons_of(places.geometry, crs.of_xy)
    else:
        polygons = parse_polygons(given["coords"], collection.settings.limits, crs.to_lonlat)
    for ring in (ring for polygon in polygons for ring in polygon.rings):
        check_geographic(Points(ring[:, 0], ring[:, 1], None, multi=True))
    return AreaQuery(polygons, **selection)


def _cube(
    given: Mapping[str, str], collection: Collection, crs: QueryCrs, places: Places | None, selection: dict[str, Any]
) -> Query:
    del places, collection
    box, levels = parse_bbox(given["bbox"], crs)
    if levels is not None and selection["z"] is None:
        selection["z"] = (LevelInterval(*levels),)
    return CubeQuery(box, _resolution(given), **selection)


def _trajectory(
    given: Mapping[str, str], collection: Collection, crs: QueryCrs, places: Places | None, selection: dict[str, Any]
) -> Query:
    return TrajectoryQuery(_path(given, collection, crs, places), **selection)


def _path(given: Mapping[str, str], collection: Collection, crs: QueryCrs, places: Places | None) -> Path:
    """The line of a request. One that brings its own levels or times must not be given others beside it."""
    if places is not None:
        path = path_of(places.geometry, crs.of_xy)
    else:
        path = parse_path(given["coords"], collection.settings.limits, crs.to_lonlat)
    check_geographic(Points(path.x, path.y, None, multi=True))
    if path.z is not None and "z" in given:
        raise InvalidZ("z is given twice, as the Z of coords and as a parameter; leave one out.")
    if path.time_us is not None and "datetime" in given:
        raise InvalidQuery("The times are given twice, as the M of coords and as datetime; leave one out.")
    return path


def _corridor(
    given: Mapping[str, str], collection: Collection, crs: QueryCrs, places: Places | None, selection: dict[str, Any]
) -> Query:
    width = parse_length_m("corridor-width", given["corridor-width"], "width-units", given["width-units"])
    return CorridorQuery(
        _path(given, collection, crs, places), width, _height(given, collection), _resolution(given), **selection
    )


def page_of(parameters: Mapping[str, str]) -> tuple[int, int] | None:
    """`offset` and `limit`, None where neither is given; a limit over `MAX_LIMIT` is lowered to it. Raises `InvalidQuery`."""
    if "limit" not in parameters and "offset" not in parameters:
        return None
    limit = _whole("limit", parameters.get("limit", str(MAX_LIMIT)), 1)
    return _whole("offset", parameters.get("offset", "0"), 0), min(limit, MAX_LIMIT)


MAX_LIMIT = 500_000
"""Of `limit`."""


def _whole(name: str, text: str, least: int) -> int:
    digits = text.strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 18 and int(digits) >= least):
        raise InvalidQuery(f"{name}={quoted(text)} is not a whole number from {least}; right is e.g. {name}=100.")
    return int(digits)


def height_unit(collection: Collection) -> str:
    """The unit of `corridor-height`: that of the vertical axis, `m` where there is none."""
    return next((axis.unit.text for axis in collection.vertical_axes if axis.unit.text), "m")


def _height(given: Mapping[str, str], collection: Collection) -> float | None:
    """Height of a corridor in units of the vertical axis; without both parameters it has no bound."""
    if "corridor-height" not in given and "height-units" not in given:
        return None
    unit = height_unit(collection)
    for name, example in (("corridor-height", "100"), ("height-units", unit)):
        if name not in given:
            raise _missing(name, example)
    height = parse_positive("corridor-height", given["corridor-height"])
    asked = given["height-units"].strip()
    if asked == unit:
        return height
    if unit in METRES and asked in METRES:
        return height * METRES[asked] / METRES[unit]
    raise InvalidQuery(f"height-units={quoted(asked)} is not the unit of this collection's levels; use {unit}.")


def _resolution(given: Mapping[str, str]) -> Resolution:
    return Resolution(
        **{axis: _count(f"resolution-{axis}", given.get(f"resolution-{axis}")) for axis in ("x", "y", "z")}
    )


def _count(name: str, text: str | None) -> int | None:
    """A number of positions; 0 and nothing are the native resolution."""
    if text is None:
        return None
    digits = text.strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 6 and int(digits) <= _MAX_RESOLUTION):
        raise InvalidQuery(f"{name}={quoted(text)} is not a whole number from 0 (as in the data) to {_MAX_RESOLUTION}.")
    return int(digits)


_BUILDERS: Mapping[str, Callable[..., Query]] = {
    "position": _position,
    "radius": _radius,
    "area": _area,
    "cube": _cube,
    "trajectory": _trajectory,
    "corridor": _corridor,
}
