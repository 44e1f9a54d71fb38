"""GeoJSON bodies (RFC 7946): a geometry, a Feature or a FeatureCollection -> the places of a query.

Points, lines or polygons, of the Multi kinds too, but one sort at a time. Every point, line and polygon is a place; the ids and
properties of a feature belong to each of its places. The geometries of a collection are joined as if they were one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, islice
from types import NoneType
from typing import Any

import numpy as np
import orjson

from zarr_edr.errors import InvalidBody
from zarr_edr.limits import Limits
from zarr_edr.query.body_model import Body, check_count, check_repeated, numbers, options_of, tags_of, type_name
from zarr_edr.query.checks import quoted
from zarr_edr.query.geometry import Float64Array, Geometry, GeometryKind, Int64Array, Places, Tags, geometry_of_points
from zarr_edr.query.wkt import fault_of_sequences

OPTIONS = (
    *("datetime", "z", "parameter-name", "crs", "f", "limit", "offset"),
    *("within", "within-units", "corridor-width", "width-units", "corridor-height", "height-units"),
    *("resolution-x", "resolution-y", "resolution-z"),
)
"""Members that are taken for parameters of the query. GeoJSON may have members of any name, so the others are left alone."""

_DIM_XY = 2
_DIM_XYZ = 3


@dataclass(frozen=True, slots=True)
class _Kind:
    depth: int
    """Lists between `coordinates` and a position."""
    part_depth: int
    """Lists between `coordinates` and a place."""
    joined: GeometryKind
    """What several of this sort are together."""


_KINDS = {
    "Point": _Kind(0, 0, GeometryKind.MULTIPOINT),
    "MultiPoint": _Kind(1, 1, GeometryKind.MULTIPOINT),
    "LineString": _Kind(1, 0, GeometryKind.MULTILINESTRING),
    "MultiLineString": _Kind(2, 1, GeometryKind.MULTILINESTRING),
    "Polygon": _Kind(2, 0, GeometryKind.MULTIPOLYGON),
    "MultiPolygon": _Kind(3, 1, GeometryKind.MULTIPOLYGON),
}


@dataclass(frozen=True, slots=True)
class _Member:
    """A geometry, and the feature it is of."""

    where: str
    """Path of its coordinates."""
    kind: _Kind
    coordinates: object
    feature: Mapping[str, object]
    """Empty for a bare geometry."""


def read_geojson(value: dict[str, object], limits: Limits) -> Body:
    """Read a GeoJSON object.

    Raises:
        InvalidBody: It is not GeoJSON, of several sorts of geometry, or no geometry of a query; the path says where.
        QueryTooLarge: It is over `limits.points`, or its properties over `limits.inflated_bytes`.
    """
    options = options_of(_named_crs(value), [name for name in OPTIONS if name in value])
    features = value.get("features")
    if value.get("type") == "FeatureCollection" and isinstance(features, list):
        check_count(len(features), limits)
        points = _points(features)
        if points is not None:
            return Body(Places(points, _tags(features, None, limits)), options)
    members = _members(value)
    parts_of = [_parts(member) for member in members]
    geometry = _geometry(members, list(chain.from_iterable(parts_of)), limits)
    if value.get("type") != "FeatureCollection":
        geometry = _alone(geometry, members[0])
    tags = _tags([member.feature for member in members], [len(parts) for parts in parts_of], limits)
    return Body(Places(geometry, tags), options)


def _points(features: list[Any]) -> Geometry | None:
    """The points of features that have a point each; None where they do not, or it is not right: the long way tells why.

    This way takes a fifth of the time, as it makes next to no objects for each feature.
    """
    try:
        geometries = [feature["geometry"] for feature in features if feature["type"] == "Feature"]
        rows = [geometry["coordinates"] for geometry in geometries if geometry["type"] == "Point"]
    except (TypeError, KeyError, IndexError):
        return None
    if not rows or len(rows) != len(features) or set(map(type, rows)) != {list}:
        return None
    dims = set(map(len, rows))
    flat = list(chain.from_iterable(rows))
    if dims not in ({_DIM_XY}, {_DIM_XYZ}) or not set(map(type, flat)) <= {int, float}:
        return None
    x, y, *z = np.ascontiguousarray(np.array(flat, dtype=np.float64).reshape(len(rows), -1).T)
    return geometry_of_points(x, y, z[0] if z else None, multi=True)


def _alone(joined: Geometry, member: _Member) -> Geometry:
    """A geometry that is not one of several: a Point is a POINT, which makes another answer than a MULTIPOINT does."""
    if member.kind.part_depth:
        return joined
    kind = GeometryKind(joined.kind.removeprefix("MULTI"))
    return Geometry(kind, joined.has_z, joined.has_m, joined.coords, joined.sequences, joined.parts)


# --- features ------------------------------------------------------------------------------------------------------


def _members(value: dict[str, object]) -> list[_Member]:
    if value.get("type") != "FeatureCollection":
        return [_member(value, "")]
    features = value.get("features")
    if not isinstance(features, list):
        raise InvalidBody(f"features is {type_name(features)}; it must be a list of features.")
    if not features:
        raise InvalidBody("features is an empty list; it needs a feature.")
    members = [_member(feature, f"features[{index}]") for index, feature in enumerate(features)]
    first = members[0]
    for member in members:
        if member.kind.joined is not first.kind.joined:
            raise InvalidBody(
                f"{member.where} is of a {member.kind.joined} and {first.where} of a {first.kind.joined};"
                " all must be points, or all lines, or all polygons."
            )
    return members


def _member(value: object, where: str) -> _Member:
    """A feature or a bare geometry, which stands alone."""
    feature: dict[str, object] = {}
    geometry, path = value, ""
    if isinstance(value, dict) and (where or value.get("type") == "Feature"):
        feature, geometry, path = value, value.get("geometry"), f"{where}.geometry".strip(".")
    if where and (not feature or feature.get("type") != "Feature"):
        raise InvalidBody(f"{where} is not a feature, that is an object with the type Feature and a geometry.")
    name = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or not isinstance(name, str) or name not in _KINDS:
        found = quoted(name) if isinstance(name, str) else "of no known type"
        raise InvalidBody(f"{path or 'The geometry'} is {found}; it must be one of {', '.join(_KINDS)}.")
    return _Member(f"{path}.coordinates".strip("."), _KINDS[name], geometry.get("coordinates"), feature)


def _tags(features: Sequence[Mapping[str, Any]], counts: Sequence[int] | None, limits: Limits) -> Tags | None:
    """Ids and properties of features, as many times as each has places: once, where `counts` is None."""
    if not features[0]:  # a bare geometry
        return None
    ids = [feature.get("id") for feature in features]
    of_features = [feature.get("properties") or {} for feature in features]
    _check_types(features, "id", ids, {str, int, float, NoneType}, "text or a number")
    _check_types(features, "properties", of_features, {dict}, "an object or null")
    names = dict.fromkeys(chain.from_iterable(of_features))
    check_repeated(sum(map(len, names)) * len(features), limits)  # before they are laid out
    if counts is not None and len(counts) < sum(counts):
        several = (index for index, count in enumerate(counts) if count > 1)
        check_repeated(sum(len(orjson.dumps([ids[i], of_features[i]])) * counts[i] for i in several), limits)
        repeated = np.repeat(np.arange(len(features)), counts).tolist()
        ids, of_features = [ids[i] for i in repeated], [of_features[i] for i in repeated]
    properties = {name: [one.get(name) for one in of_features] for name in names}
    return tags_of(ids, properties, len(ids), limits)


def _check_types(features: Sequence[Any], name: str, values: Sequence[Any], allowed: set[type], words: str) -> None:
    if set(map(type, values)) <= allowed:
        return
    index = next(index for index, value in enumerate(values) if type(value) not in allowed)
    where = f"features[{index}].{name}" if len(features) > 1 else f"{name} of the feature"
    raise InvalidBody(f"{where} is {type_name(values[index])}; it must be {words}.")


def _named_crs(value: dict[str, object]) -> dict[str, object]:
    """Replace the `crs` object of GeoJSON 2008, which many programs still write, by the name in it."""
    crs = value.get("crs")
    properties = crs.get("properties") if isinstance(crs, dict) else None
    return value | {"crs": properties["name"]} if isinstance(properties, dict) and "name" in properties else value


# --- coordinates ---------------------------------------------------------------------------------------------------

_Sequence = list[object]
"""Positions, not yet looked at."""


def _parts(member: _Member) -> list[list[_Sequence]]:
    """The places of a member, each a list of sequences of positions."""
    kind, where, value = member.kind, member.where, member.coordinates
    parts = _listed(value, where, "places") if kind.part_depth else [value]
    if kind.depth == kind.part_depth:  # a place is a position
        return [[[part]] for part in parts]
    name = f"{where}[{{}}]".format if kind.part_depth else lambda _: where
    if kind.depth - kind.part_depth == 1:  # a place is a sequence of positions
        return [[_listed(part, name(index), "positions")] for index, part in enumerate(parts)]
    return [
        [_listed(ring, f"{name(i)}[{j}]", "positions") for j, ring in enumerate(_listed(part, name(i), "rings"))]
        for i, part in enumerate(parts)
    ]


def _listed(value: object, where: str, what: str) -> list[object]:
    if not isinstance(value, list):
        raise InvalidBody(f"{where} is {type_name(value)}; it must be a list of {what}.")
    if not value:
        raise InvalidBody(f"{where} is an empty list; it needs a position.")
    return value


def _geometry(members: Sequence[_Member], parts: list[list[_Sequence]], limits: Limits) -> Geometry:
    sequences = list(chain.from_iterable(parts))
    positions = list(chain.from_iterable(sequences))
    check_count(len(positions), limits)
    coords = _numbers(positions, members)
    kind = members[0].kind.joined
    of_sequences, of_parts = _offsets(sequences), _offsets(parts)
    fault = fault_of_sequences(coords, of_sequences, kind)
    if fault is not None:
        index, noun, what = fault
        path = _path(members, int(of_sequences[index]))
        raise InvalidBody(f"{path.rpartition('[')[0]}: the {noun} {what}.")
    return Geometry(kind, coords.shape[1] == _DIM_XYZ, False, coords, of_sequences, of_parts)


def _offsets(members: Sequence[Sequence[object]]) -> Int64Array:
    """Where each starts among what they hold, and their end."""
    return np.array([0, *accumulate(map(len, members))], dtype=np.int64)


def _numbers(positions: list[object], members: Sequence[_Member]) -> Float64Array:
    """Positions of two or three numbers each, shape (n, 2 or 3)."""
    rows = [position for position in positions if isinstance(position, list)]
    if len(rows) < len(positions):
        index = next(index for index, position in enumerate(positions) if not isinstance(position, list))
        raise InvalidBody(
            f"{_path(members, index)} is {type_name(positions[index])}; it must be a position, a list of numbers."
        )
    dim = len(rows[0])
    if dim not in (_DIM_XY, _DIM_XYZ):
        raise InvalidBody(f"{_path(members, 0)} has {dim} numbers; it must have longitude, latitude and perhaps z.")
    if set(map(len, rows)) != {dim}:
        index = next(index for index, row in enumerate(rows) if len(row) != dim)
        raise InvalidBody(f"{_path(members, index)} has {len(rows[index])} numbers, but the first position has {dim}.")
    flat = list(chain.from_iterable(rows))
    return numbers(flat, lambda at: f"{_path(members, at // dim)}[{at % dim}]").reshape(-1, dim)


def _path(members: Sequence[_Member], index: int) -> str:
    """Where position `index` stands, for messages."""
    paths = chain.from_iterable(_paths(member.coordinates, member.where, member.kind.depth) for member in members)
    return next(islice(paths, index, None))


def _paths(value: object, where: str, depth: int) -> Iterator[str]:
    if depth == 0:
        yield where
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _paths(inner, f"{where}[{index}]", depth - 1)
