"""Queries, as the official suite asks them of every collection that offers them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote_plus

import pytest

if TYPE_CHECKING:
    from tests.cite.conftest import Json, Site

ASKS_LIKE_JAVA = "text/html, image/gif, image/jpeg, */*; q=0.2"
DATA_TYPES = ("Coverage", "CoverageCollection", "Feature", "FeatureCollection")
EMPTY = {
    "position": ["POINT()"],
    "area": ["POLYGON()"],
    "trajectory": ["LINESTRING()", "LINESTRINGM()", "LINESTRINGZM()", "LINESTRINGZ()"],
    "corridor": ["LINESTRING()"],
}


def asked(site: Site, query: str, parameters: str) -> dict[str, int]:
    """Status of a query of each collection that offers it, by the collection's id."""
    return {
        collection["id"]: site.get(f"/collections/{collection['id']}/{query}{parameters}").status
        for collection in site.offering(query)
    }


def centre(collection: Json) -> tuple[float, float]:
    """The middle of the first box of the spatial extent."""
    x0, y0, x1, y1 = collection["extent"]["spatial"]["bbox"][0][:4]
    return x0 + (x1 - x0) / 2, y0 + (y1 - y0) / 2


def crs84(collection: Json) -> str:
    """The last of the collection's names of CRS84, or the code that the suite takes for it."""
    names = [crs for crs in collection["crs"] if crs in ("CRS:84", "CRS84", "EPSG:4326") or "/OGC/1.3/CRS84" in crs]
    return str(names[-1])


def output_format(collection: Json, query: str) -> str:
    """The last format of the query that is CoverageJSON or GeoJSON."""
    formats = collection["data_queries"][query]["link"]["variables"]["output_formats"]
    return str([f for f in formats if "coveragejson" in f.lower() or f.lower() == "geojson"][-1])


def chosen(collection: Json, query: str) -> str:
    """The parameters every such query has: the first parameter at all times."""
    name = quote_plus(next(iter(collection["parameter_names"])))
    start, end = collection["extent"]["temporal"]["interval"][0]
    return f"parameter-name={name}&f={output_format(collection, query)}&datetime={start}/{end}"


def check_data(site: Site, collection: Json, query: str, parameters: str) -> None:
    """The query is answered with data, although Java asks for HTML."""
    target = f"/collections/{collection['id']}/{query}?{chosen(collection, query)}&{parameters}"
    assert site.get(target, ASKS_LIKE_JAVA).json()["type"] in DATA_TYPES


def diagonal(collection: Json) -> str:
    """A path over the centre, a degree to either side."""
    x, y = centre(collection)
    return f"LINESTRING({x - 1}+{y - 1},{x}+{y},{x + 1}+{y + 1})"


@pytest.mark.parametrize(
    ("query", "status"), [("position", 400), ("area", 400), ("trajectory", 400), ("locations", 200)]
)
def test_query_collections__validate_no_query_parameters(site: Site, query: str, status: int) -> None:
    assert set(asked(site, query, "").values()) == {status}


@pytest.mark.parametrize(
    ("query", "coords"), [(query, coords) for query, empty in EMPTY.items() for coords in ["", *empty]]
)
def test_query_collections__validate_coords_query_parameters(site: Site, query: str, coords: str) -> None:
    assert set(asked(site, query, f"?coords={coords}").values()) == {400}


def test_query_collections__validate_position_query_using_parameters(site: Site) -> None:
    for collection in site.offering("position"):
        x, y = centre(collection)
        check_data(site, collection, "position", f"coords=POINT({x}+{y})&crs={crs84(collection)}")


def test_query_collections__validate_area_query_using_parameters(site: Site) -> None:
    for collection in site.offering("area"):
        x, y = centre(collection)
        corners = [(x - 1, y - 1), (x - 1, y + 1), (x + 1, y + 1), (x + 1, y - 1), (x - 1, y - 1)]
        ring = ",".join(f"{east}+{north}" for east, north in corners)
        check_data(site, collection, "area", f"coords=POLYGON(({ring}))&crs={crs84(collection)}")


def test_query_collections__validate_trajectory_query_using_parameters(site: Site) -> None:
    assert site.offering("trajectory") == site.collections
    for collection in site.collections:
        check_data(site, collection, "trajectory", f"coords={diagonal(collection)}")


def test_query_collections__validate_corridor_query_using_parameters(site: Site) -> None:
    assert site.offering("corridor") == site.collections
    for collection in site.collections:
        path = f"coords={diagonal(collection)}&corridor-width=2.0&width-units=m"
        check_data(site, collection, "corridor", path)
