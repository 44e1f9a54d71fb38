"""The coordinate reference systems of queries and answers. Inside, positions are longitude and latitude; here is the edge.

Each system offered maps a meridian to one x and a parallel to one y, so that a grid of longitudes and latitudes stays a grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyproj
from numpy.typing import NDArray

from zarr_edr.errors import InvalidCrs
from zarr_edr.query.checks import quoted

Float64Array = NDArray[np.float64]

_EARTH_M = 6_378_137.0
"""Radius of the sphere of EPSG:3857, which is the WGS 84 semi-major axis."""


@dataclass(frozen=True, slots=True)
class QueryCrs:
    """A CRS that can be asked for."""

    uri: str
    """http, since clients look for it."""
    name: str
    """E.g. `EPSG:4326`."""
    latitude_first: bool
    """Order of its axes, and so of coordinates in WKT and bbox."""
    mercator: bool

    @property
    def geographic(self) -> bool:
        """True where coordinates are degrees."""
        return not self.mercator

    @property
    def wkt(self) -> str:
        """WKT 2."""
        return _wkt(self.name)

    def to_lonlat(self, first: Float64Array, second: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Longitude and latitude of positions as written, shapes (n,): metres or degrees in, degrees out."""
        if self.latitude_first:
            return second, first
        if not self.mercator:
            return first, second
        with np.errstate(over="ignore"):  # beyond the poles is infinite, and so refused by the range check
            latitude = np.degrees(np.arctan(np.sinh(second / _EARTH_M)))
        return np.degrees(first / _EARTH_M), latitude

    def of_xy(self, x: Float64Array, y: Float64Array) -> tuple[Float64Array, Float64Array]:
        """As `to_lonlat`, of positions that have x, the longitude or easting, first in every CRS, as GeoJSON and tables do."""
        return (x, y) if self.latitude_first else self.to_lonlat(x, y)

    def x_of(self, longitude: Float64Array) -> Float64Array:
        """X (easting, or longitude) of meridians, shape (n,)."""
        return np.radians(longitude) * _EARTH_M if self.mercator else longitude

    def y_of(self, latitude: Float64Array) -> Float64Array:
        """Y (northing, or latitude) of parallels, shape (n,). Raises `InvalidCrs` for a pole, which has none in Mercator."""
        if not self.mercator:
            return latitude
        if (np.abs(latitude) >= 90).any():
            raise InvalidCrs(
                f"The answer includes a pole, which {self.name} cannot show; ask in CRS84, or away from it."
            )
        return np.arcsinh(np.tan(np.radians(latitude))) * _EARTH_M


@lru_cache(maxsize=16)
def _wkt(name: str) -> str:
    return pyproj.CRS.from_user_input(name).to_wkt("WKT2_2019")


WEB_MERCATOR = QueryCrs("http://www.opengis.net/def/crs/EPSG/0/3857", "EPSG:3857", latitude_first=False, mercator=True)
WGS84 = QueryCrs("http://www.opengis.net/def/crs/EPSG/0/4326", "EPSG:4326", latitude_first=True, mercator=False)
CRS84 = QueryCrs("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "OGC:CRS84", latitude_first=False, mercator=False)

OFFERED: tuple[QueryCrs, ...] = (WEB_MERCATOR, WGS84, CRS84)
"""The default is last: testers and clients take the last one that they know."""


def _spellings(crs: QueryCrs) -> set[str]:
    """Lower-case ways to write a CRS: URI with http or https, with version or without, URN, CURIE, name."""
    path = crs.uri.partition("://")[2].lower()
    authority, code = crs.name.lower().split(":")
    paths = {path, path.replace("/1.3/", "/0/")}
    found = {f"{scheme}://{p}" for scheme in ("http", "https") for p in paths}
    found |= {f"urn:ogc:def:crs:{authority}:{version}:{code}" for version in ("", "0", "1.3")}
    found |= {f"{authority}:{code}", f"[{authority}:{code}]"}
    return found | ({"crs84", "crs:84"} if crs is CRS84 else {code})


_NAMED = {spelling: crs for crs in OFFERED for spelling in _spellings(crs)}


def crs_named(text: str) -> QueryCrs:
    """The CRS that `crs=` names, in any usual spelling. Raises `InvalidCrs`."""
    found = _NAMED.get(text.strip().lower())
    if found is None:
        offered = ", ".join(crs.uri for crs in reversed(OFFERED))
        raise InvalidCrs(f"crs={quoted(text)} is not offered; use one of {offered}.")
    return found
