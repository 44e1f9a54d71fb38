"""The conformance classes that hold here."""

from __future__ import annotations

_COMMON_1 = "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf"
_COMMON_2 = "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf"
_EDR_10 = "http://www.opengis.net/spec/ogcapi-edr-1/1.0"
_EDR_11 = "http://www.opengis.net/spec/ogcapi-edr-1/1.1/conf"
_EDR_12 = "https://www.opengis.net/spec/ogcapi-edr-1/1.2/conf"

_EDR = ("core", "collections", "json", "geojson", "edr-geojson", "covjson", "html", "oas30", "queries")

CLASSES: tuple[str, ...] = (
    *(f"{_COMMON_1}/{name}" for name in ("core", "landing-page", "json", "html", "oas30")),
    f"{_COMMON_2}/collections",
    *(f"{_EDR_10}/conf/{name}" for name in _EDR),
    f"{_EDR_10}/req/edr-geojson",  # the official suite looks for this URI, and for no other, before it tests EDR GeoJSON
    *(f"{_EDR_11}/{name}" for name in _EDR),
    *(f"{_EDR_12}/{name}" for name in (*_EDR, "oas31")),
)
"""URIs, by standard and version."""

_PROCESSES = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf"

NOT_OF_JOBS = frozenset({f"{_PROCESSES}/callback"})
"""Classes that pygeoapi declares and that do not hold where jobs are managed here: no URL of a client is ever called."""

OF_JOBS: tuple[str, ...] = tuple(f"{_PROCESSES}/{name}" for name in ("html", "dismiss"))
"""Classes that hold beside pygeoapi's where jobs are managed here."""
