"""The parameters of a request, by name and as text, become a query. Knows the names of EDR, not how they travelled."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from zarr_edr.dataset.model import Collection
from zarr_edr.errors import InvalidCoords, InvalidCrs, InvalidParameterName, InvalidQuery
from zarr_edr.query.checks import check_geographic, quoted
from zarr_edr.query.geometry import Points
from zarr_edr.query.model import PositionQuery
from zarr_edr.query.temporal import parse_datetime
from zarr_edr.query.vertical import parse_z
from zarr_edr.query.wkt import parse_points

_ALIASES = {"parameter_names": "parameter-name", "parametername": "parameter-name", "parameter_name": "parameter-name"}
"""Spellings of clients in use: OWSLib sends `parameter_names`."""

_ELSEWHERE = frozenset({"f", "lang"})
"""Parameters that say how to write the answer, not what it holds."""

_POSITION = frozenset({"coords", "datetime", "z", "parameter-name", "crs"})

_CRS84 = frozenset(
    {
        "crs84",
        "ogc:crs84",
        "crs:84",
        "urn:ogc:def:crs:ogc:1.3:crs84",
        "urn:ogc:def:crs:ogc::crs84",
        "http://www.opengis.net/def/crs/ogc/1.3/crs84",
        "https://www.opengis.net/def/crs/ogc/1.3/crs84",
        "http://www.opengis.net/def/crs/ogc/0/crs84",
        "https://www.opengis.net/def/crs/ogc/0/crs84",
        "[ogc:crs84]",
    }
)


def position_query(
    parameters: Mapping[str, str], collection: Collection, points: Points | None = None
) -> PositionQuery:
    """The position query that `parameters` describe; `points` where they came by another way than `coords`.

    Raises `InvalidQuery` and its kinds: what is missing, unknown, malformed or over a limit.
    """
    given = _canonical(parameters, collection)
    _check_crs(given.get("crs"), collection)
    return PositionQuery(
        points=_points(given.get("coords"), points, collection),
        datetime=parse_datetime(given["datetime"]) if "datetime" in given else None,
        z=parse_z(given["z"]) if "z" in given else None,
        parameters=_names(given["parameter-name"]) if "parameter-name" in given else None,
        custom={name: given[name] for name in collection.custom_axes if name in given},
    )


def _canonical(parameters: Mapping[str, str], collection: Collection) -> dict[str, str]:
    """Parameters by their standard names. An unknown one is refused: misspelt, it would be left out of account silently."""
    known = _POSITION | collection.custom_axes.keys()
    given: dict[str, str] = {}
    for name, value in parameters.items():
        standard = _ALIASES.get(name, name)
        if standard in _ELSEWHERE:
            continue
        if standard not in known:
            close = get_close_matches(name[:60].lower(), known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise InvalidQuery(
                f"{quoted(name)} is not a parameter of this query.{hint} It takes: {', '.join(sorted(known))}, f."
            )
        if standard in given:
            raise InvalidQuery(f"{standard!r} is given more than once.")
        given[standard] = value
    return given


def _points(coords: str | None, points: Points | None, collection: Collection) -> Points:
    if points is None:
        if coords is None:
            raise InvalidCoords(
                "The parameter coords is missing; right are e.g. coords=POINT(10 50) or MULTIPOINT((10 50),(11 51))."
            )
        points = parse_points(coords, collection.settings.limits)
    elif coords is not None:
        raise InvalidCoords("The positions are given twice, in coords and in the body; leave one out.")
    if collection.crs.geographic:
        check_geographic(points)
    return points


def _names(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    if not all(names):
        raise InvalidParameterName(
            "parameter-name has an empty name in it; right are e.g. parameter-name=a or parameter-name=a,b."
        )
    return names


def _check_crs(crs: str | None, collection: Collection) -> None:
    if crs is None or crs.strip() == collection.crs.uri or crs.strip().lower() in _CRS84:
        return
    raise InvalidCrs(
        f"crs={quoted(crs)} is not offered by this collection; coordinates are longitude, latitude in {collection.crs.uri}."
    )
