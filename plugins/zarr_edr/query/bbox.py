"""`bbox` of cube queries and of listings: four or six numbers (OGC 19-086r6, 8.2.8; OGC 17-069r4, 7.15.3)."""

from __future__ import annotations

import numpy as np

from zarr_edr.crs import CRS84, QueryCrs
from zarr_edr.errors import InvalidBbox
from zarr_edr.query.checks import MAX_LATITUDE, MAX_LONGITUDE, quoted, read_decimal
from zarr_edr.query.geometry import Box

_MAX_CHARS = 500
_RIGHT = "right are west,south,east,north, e.g. bbox=-10,40,5.5,60, or six numbers with levels third and last"


def parse_bbox(text: str, crs: QueryCrs = CRS84) -> tuple[Box, tuple[float, float] | None]:
    """The box in longitude and latitude, and of six numbers also the lowest and highest level.

    The numbers are in the units and the axis order of `crs`. West > east means that the box crosses the antimeridian. The
    levels may come in either order, since some count downward.

    Raises `InvalidBbox`: another count than four or six, what is not a finite decimal, south > north, latitudes beyond the
    poles, longitudes of more than a hundred turns.
    """
    if len(text) > _MAX_CHARS:
        raise InvalidBbox(f"bbox has {len(text)} characters; at most {_MAX_CHARS} are allowed, and {_RIGHT}.")
    parts = [part.strip(" ") for part in text.split(",")]
    if len(parts) not in (4, 6):
        raise InvalidBbox(f"bbox={quoted(text)} has {len(parts)} members; {_RIGHT}.")
    numbers = [_number(part, text) for part in parts]
    half = len(numbers) // 2
    first, second = np.array(numbers[0::half]), np.array(numbers[1::half])
    (west, east), (south, north) = (values.tolist() for values in crs.to_lonlat(first, second))
    _check_degrees((west, east), (south, north), text)
    if south > north:
        raise InvalidBbox(f"bbox={quoted(text)} ends south of where it starts; {_RIGHT}.")
    levels = (min(numbers[2], numbers[5]), max(numbers[2], numbers[5])) if half == 3 else None
    return Box(west, south, east, north), levels


def _number(part: str, text: str) -> float:
    value = read_decimal(part)
    if value is None:
        raise InvalidBbox(f"bbox={quoted(text)}: {quoted(part)} is not a finite number; {_RIGHT}.")
    return value


def _check_degrees(longitudes: tuple[float, float], latitudes: tuple[float, float], text: str) -> None:
    for latitude in latitudes:
        if abs(latitude) > MAX_LATITUDE:
            raise InvalidBbox(
                f"bbox={quoted(text)}: {latitude!r} is not a latitude, which lies between -90 and 90 degrees; {_RIGHT}."
            )
    for longitude in longitudes:
        if abs(longitude) > MAX_LONGITUDE:
            raise InvalidBbox(f"bbox={quoted(text)}: {longitude!r} is not a longitude in degrees; {_RIGHT}.")
