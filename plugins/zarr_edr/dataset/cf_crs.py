"""The horizontal CRS of a store: today always longitude and latitude in degrees, served as CRS84."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import pyproj
import xarray as xr
from pyproj.enums import WktVersion
from pyproj.exceptions import CRSError

from zarr_edr.dataset.cf_attributes import Notes, text
from zarr_edr.dataset.model import HorizontalCrs
from zarr_edr.errors import UnsupportedDataset

CRS84_URI = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"

_CRS84_NAMES = frozenset(
    {
        "crs84",
        "ogc:crs84",
        "ogc/1.3/crs84",
        "ogc/0/crs84",
        "urn:ogc:def:crs:ogc:1.3:crs84",
        "urn:ogc:def:crs:ogc::crs84",
    }
    | {"wgs84", "epsg:4326", "epsg/0/4326", "urn:ogc:def:crs:epsg::4326"}
)


@cache
def crs84() -> HorizontalCrs:
    """Longitude and latitude in degrees on WGS 84, in this order."""
    wkt = pyproj.CRS.from_authority("OGC", "CRS84").to_wkt(WktVersion.WKT2_2019)
    return HorizontalCrs(CRS84_URI, wkt, geographic=True)


def storage_crs(setting: str) -> HorizontalCrs:
    """The CRS that the settings name. Raises `UnsupportedDataset` for any but CRS84 and EPSG:4326.

    Both mean that x holds longitudes and y latitudes: the axis order of EPSG:4326 is one of queries, not of storage.
    """
    name = setting.strip().lower()
    for prefix in ("http://www.opengis.net/def/crs/", "https://www.opengis.net/def/crs/"):
        name = name.removeprefix(prefix)
    if name not in _CRS84_NAMES:
        raise UnsupportedDataset(
            f"`storage_crs` is {setting[:60]!r}; grids in CRS84 or EPSG:4326 (longitude, latitude) are served."
        )
    return crs84()


def check_grid_mapping(dataset: xr.Dataset, parameter: str, notes: Notes) -> None:
    """Note where a grid mapping is not WGS 84; raise `UnsupportedDataset` if its meridian is not Greenwich."""
    name = _mapping_name(dataset.variables[parameter].attrs)
    if name is None:
        return
    if name not in dataset.variables:
        notes.add(f"Grid mapping {name!r} is named but not in the store; longitude and latitude are taken for WGS 84.")
        return
    crs = _crs(dataset.variables[name].attrs)
    if crs is None or not crs.is_geographic:
        notes.add(f"Grid mapping {name!r} is not one of longitude and latitude; they are taken for WGS 84.")
        return
    if crs.prime_meridian is not None and crs.prime_meridian.longitude != 0:
        raise UnsupportedDataset(f"Longitudes count from {crs.prime_meridian.longitude}, not from Greenwich.")
    _note_ellipsoid(name, crs, notes)


def _note_ellipsoid(name: str, crs: pyproj.CRS, notes: Notes) -> None:
    ellipsoid = crs.ellipsoid
    if ellipsoid is None:
        return
    if ellipsoid.inverse_flattening == 0:
        radius = ellipsoid.semi_major_metre
        notes.add(f"Grid mapping {name!r} is a sphere ({radius:.0f} m), taken for WGS 84 as is usual.")
    elif abs(ellipsoid.semi_major_metre - 6378137) > 1 or abs(ellipsoid.inverse_flattening - 298.257223563) > 0.01:
        notes.add(f"Grid mapping {name!r} has ellipsoid {ellipsoid.name!r}; its coordinates are taken for WGS 84.")


def _mapping_name(attributes: Mapping[Any, Any]) -> str | None:
    """`crs` of `crs` or of `crs: latitude longitude` (CF 5.6)."""
    written = text(attributes, "grid_mapping")
    return None if written is None else written.split()[0].rstrip(":")


def _crs(attributes: Mapping[Any, Any]) -> pyproj.CRS | None:
    try:
        return pyproj.CRS.from_cf({str(key): value for key, value in attributes.items()})
    except (CRSError, KeyError, TypeError, ValueError, AttributeError):  # of hostile attributes
        return None
