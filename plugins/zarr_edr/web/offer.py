"""What a collection offers: its query types, formats, CRSs and units. Metadata and OpenAPI both tell it from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zarr_edr.crs import OFFERED
from zarr_edr.dataset.model import Collection
from zarr_edr.encode import ENCODERS, encoders_of
from zarr_edr.query.request import PARAMETERS
from zarr_edr.query.shapes import METRES
from zarr_edr.web.html_data import PageEncoder

DISTANCE_UNITS = tuple(METRES)
"""Units of distances on the ground."""


@dataclass(frozen=True, slots=True)
class QueryType:
    """A type of query, as clients are told of it."""

    name: str
    """Last segment of its path and key in `data_queries`."""
    title: str
    description: str
    required: tuple[str, ...] = ()
    """Parameters it needs."""
    optional: tuple[str, ...] = ()
    """Further parameters of its own."""


_RESOLUTION = ("resolution-x", "resolution-y", "resolution-z")

QUERIES: Mapping[str, QueryType] = {
    query.name: query
    for query in (
        QueryType("position", "Position query", "Values of the cells nearest to one or more points.", ("coords",)),
        QueryType(
            "radius",
            "Radius query",
            "Values of the cells whose centres are within a distance of one or more points, measured on the ground.",
            ("coords", "within", "within-units"),
        ),
        QueryType("area", "Area query", "Values of the cells that one or more polygons touch.", ("coords",)),
        QueryType("cube", "Cube query", "Values of the cells that a box touches.", ("bbox",), _RESOLUTION),
        QueryType(
            "trajectory",
            "Trajectory query",
            "Values along a path: those of the cells nearest to its vertices, each at its own level and time where"
            " the coordinates give them.",
            ("coords",),
        ),
        QueryType(
            "corridor",
            "Corridor query",
            "Values of the cells within half a width of a path, measured on the ground.",
            ("coords", "corridor-width", "width-units"),
            ("corridor-height", "height-units", *_RESOLUTION),
        ),
        QueryType("locations", "Locations query", "Values at named places."),
        QueryType("items", "Items query", "Ready-made queries of the collection, as GeoJSON features."),
        QueryType("instances", "Instances query", "The forecast runs of the collection, each a collection itself."),
    )
}
"""All query types, in the order in which they are listed."""

GRID_QUERIES = tuple(PARAMETERS)
"""Those that every collection, and every instance, answers."""


def queries_of(collection: Collection) -> tuple[QueryType, ...]:
    """The query types that a collection, or one of its instances, offers."""
    names = {*GRID_QUERIES, "items"}
    if collection.places:
        names.add("locations")
    if collection.instances:
        names.add("instances")
    return tuple(query for query in QUERIES.values() if query.name in names)


def format_names(query_type: str | None = None) -> list[str]:
    """Output formats of a type of query, or all; the default last: of several known ones, testers and clients take the last."""
    return [PageEncoder.name, *(encoder.name for encoder in reversed(encoders_of(query_type)))]


def default_format() -> str:
    """The format of answers to requests that name none."""
    return ENCODERS[0].name


def crs_uris() -> list[str]:
    """The CRSs that `crs=` can name, the default last."""
    return [crs.uri for crs in OFFERED]
