"""Locations and items as EDR GeoJSON, and the queries they stand for. Pure functions of a collection and parameters.

Locations are the named places of a collection. Items are its ready-made queries: one for each place; without places, one for
each forecast run; without runs, one for all of its extent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
import shapely
from numpy.typing import NDArray

from zarr_edr.crs import CRS84, QueryCrs, crs_named
from zarr_edr.dataset.catalog import bbox, extents
from zarr_edr.dataset.model import Collection, Place
from zarr_edr.encode.geojson import ALWAYS, crs_member
from zarr_edr.errors import InvalidQuery, NotFound, QueryTooLarge
from zarr_edr.query.checks import quoted
from zarr_edr.query.geometry import Box, Float64Array, Places, Points, Polygon, geometry_of_points
from zarr_edr.query.model import AreaQuery, Query, Selection
from zarr_edr.query.request import build_query
from zarr_edr.web.listing import Listing, has_time

Document = dict[str, Any]

GEOJSON = "application/geo+json"
EXTENT = "extent"
"""Id of the item of a collection that has neither places nor runs."""
_TURN = 360.0


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A feature that stands for a query."""

    id: str
    label: str
    geometry: Points | tuple[Polygon, ...]
    endpoint: str
    """URL of the query, below that of the collection."""
    of: Collection
    """Where its data are: the collection itself, or one of its runs."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    """Beside those of the standard."""


# --- what there is -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def locations_of(collection: Collection) -> Mapping[str, Item]:
    """Id -> item, for each named place. Raises `NotFound` where there are none."""
    if not collection.places:
        raise NotFound(f"The collection {collection.id[:60]!r} has no locations; ask it by coordinates instead.")
    return {place.id: _of_place(place, collection) for place in collection.places.values()}


@lru_cache(maxsize=256)
def items_of(collection: Collection) -> Mapping[str, Item]:
    """Id -> item; never empty."""
    if collection.places:
        return locations_of(collection)
    if not collection.instances:
        return {
            EXTENT: Item(
                EXTENT,
                f"{collection.title}: all of it",
                _extent(collection),
                f"/cube?{_whole_box(collection)}",
                collection,
            )
        }
    return {
        id_: Item(
            id_, f"{collection.title}: run of {id_}", _extent(run), f"/instances/{id_}/cube?{_whole_box(run)}", run
        )
        for id_, run in collection.instances.items()
    }


def _of_place(place: Place, collection: Collection) -> Item:
    return Item(place.id, place.label, place.geometry, f"/locations/{place.id}", collection, place.properties)


def _extent(collection: Collection) -> tuple[Polygon, ...]:
    """The box around the data, cut at the antimeridian (RFC 7946, 3.1.9)."""
    west, south, east, north = bbox(collection)
    spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    return tuple(_rectangle(Box(w, south, e, north)) for w, e in spans if w < e)


def _rectangle(box: Box) -> Polygon:
    ring = [(box.west, box.south), (box.east, box.south), (box.east, box.north), (box.west, box.north)]
    return Polygon((np.array([*ring, ring[0]]),))


# --- documents -----------------------------------------------------------------------------------------------------


def locations_document(collection: Collection, url: str, listing: Listing, parameters: Mapping[str, str]) -> Document:
    """The list of named places. `url` is that of the collection or instance, `parameters` those of the request.

    Raises `NotFound` where there are none.
    """
    items = locations_of(collection)
    return _list(f"{url}/locations", url, collection, items, listing, parameters)


def items_document(collection: Collection, url: str, listing: Listing, parameters: Mapping[str, str]) -> Document:
    """The list of items; arguments as those of `locations_document`."""
    return _list(f"{url}/items", url, collection, items_of(collection), listing, parameters)


def item_document(collection: Collection, url: str, item_id: str, crs: QueryCrs = CRS84) -> Document:
    """One item as a Feature. Raises `NotFound`."""
    item = _item(collection, item_id)
    here = f"{url}/items/{item.id}"
    feature = _feature(item, url, crs, tuple(item.of.parameters))
    links = [*_forms(here, {}), _link(url, "collection", "application/json", collection.title)]
    return {**feature, **crs_member(crs.uri, geographic=crs.geographic), "links": links}


def _item(collection: Collection, item_id: str) -> Item:
    try:
        return items_of(collection)[item_id]
    except KeyError:
        raise NotFound(f"The collection {collection.id[:60]!r} has no item {quoted(item_id)}.") from None


def _list(
    here: str,
    url: str,
    collection: Collection,
    items: Mapping[str, Item],
    listing: Listing,
    parameters: Mapping[str, str],
) -> Document:
    matched = _matching(items, listing)
    shown = matched[listing.offset : listing.offset + listing.limit]
    links = _forms(here, parameters)
    if listing.offset + listing.limit < len(matched):
        following = {**parameters, "limit": f"{listing.limit}", "offset": f"{listing.offset + listing.limit}"}
        links.append(_link(_url(here, following), "next", GEOJSON, "The next page"))
    links.append(_link(url, "collection", "application/json", collection.title))
    return {
        "type": "FeatureCollection",
        **crs_member(listing.crs.uri, geographic=listing.crs.geographic),
        "numberMatched": len(matched),
        "numberReturned": len(shown),
        "features": [_feature(i, url, listing.crs, listing.parameters or tuple(i.of.parameters)) for i in shown],
        "links": links,
    }


def _matching(items: Mapping[str, Item], listing: Listing) -> list[Item]:
    found = list(items.values())
    if listing.box is not None:
        touched = _touched([item.geometry for item in found], listing.box)
        found = [item for item, touches in zip(found, touched.tolist(), strict=True) if touches]
    in_time = {of for of in {item.of for item in found} if has_time(listing.datetime, of.time_axes)}
    return [item for item in found if item.of in in_time]


def _feature(item: Item, url: str, crs: QueryCrs, parameters: tuple[str, ...]) -> Document:
    properties = {
        **item.properties,
        "label": item.label,
        "datetime": _interval(item.of),
        "parameter-name": list(parameters),
        "edrqueryendpoint": url + item.endpoint,
    }
    return {"type": "Feature", "id": item.id, "geometry": _geometry(item.geometry, crs), "properties": properties}


@lru_cache(maxsize=1024)
def _interval(collection: Collection) -> str:
    """First and last time, `..` at both ends where there is no time."""
    time = extents(collection).get("temporal")
    if time is None:
        return ALWAYS
    return str(time["begin"]) if time["begin"] == time["end"] else f"{time['begin']}/{time['end']}"


def _whole_box(collection: Collection) -> str:
    """The parameter of a cube query for all of a collection: an item's address must be ready to be asked."""
    return "bbox=" + ",".join(f"{edge:.10g}" for edge in bbox(collection))


def _geometry(geometry: Points | tuple[Polygon, ...], crs: QueryCrs) -> Document:
    if isinstance(geometry, Points):
        return {"type": "Point", "coordinates": _positions(np.column_stack([geometry.x, geometry.y]), crs)[0]}
    polygons = [[_positions(_on_map(ring, crs), crs) for ring in polygon.rings] for polygon in geometry]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


_MAP_EDGE = 85.0511287798066
"""Latitude at which the square map of EPSG:3857 ends: an extent that reaches the poles is drawn up to there."""


def _on_map(ring: Float64Array, crs: QueryCrs) -> Float64Array:
    return np.column_stack([ring[:, 0], np.clip(ring[:, 1], -_MAP_EDGE, _MAP_EDGE)]) if crs.mercator else ring


def _positions(positions: Float64Array, crs: QueryCrs) -> list[list[float]]:
    found: list[list[float]] = np.column_stack([crs.x_of(positions[:, 0]), crs.y_of(positions[:, 1])]).tolist()
    return found


def _forms(here: str, parameters: Mapping[str, str]) -> list[Document]:
    return [
        _link(_url(here, {**parameters, "f": "json"}), "self", GEOJSON, "This document as GeoJSON"),
        _link(_url(here, {**parameters, "f": "html"}), "alternate", "text/html", "This document as HTML"),
    ]


def _url(here: str, parameters: Mapping[str, str]) -> str:
    return f"{here}?{urlencode(parameters, quote_via=quote, safe=',/:')}" if parameters else here


def _link(href: str, rel: str, type_: str, title: str) -> Document:
    return {"href": href, "rel": rel, "type": type_, "title": title}


# --- where they are ------------------------------------------------------------------------------------------------


def _touched(geometries: Sequence[Points | tuple[Polygon, ...]], box: Box) -> NDArray[np.bool_]:
    """Which geometries have a position in common with a box, its edges included; shape (n,)."""
    shapes = np.array([_shape(geometry) for geometry in geometries], object)
    touched = np.zeros(len(shapes), np.bool_)
    width = box.east - box.west + (_TURN if box.west > box.east else 0.0)
    west = (box.west + 180.0) % _TURN - 180.0 if width < _TURN else -180.0
    for turn in (-_TURN, 0.0, _TURN):  # geometries are within -360..360
        window = shapely.box(west + turn, box.south, west + turn + min(width, _TURN), box.north)
        touched |= shapely.intersects(shapes, window)
    return touched


@lru_cache(maxsize=100_000)
def _shape(geometry: Points | tuple[Polygon, ...]) -> Any:
    if isinstance(geometry, Points):
        return shapely.points(geometry.x[0], geometry.y[0])
    polygons = [shapely.Polygon(polygon.rings[0], polygon.rings[1:]) for polygon in geometry]
    # A polygon that crosses itself has no inside; its repair has.
    return shapely.make_valid(shapely.multipolygons(polygons))


# --- what they ask -------------------------------------------------------------------------------------------------


def location_query(location_ids: str, collection: Collection, parameters: Mapping[str, str]) -> Query:
    """The query of a location, or of several separated by commas (OGC 19-086r9): positions, in that order, or areas.

    `parameters` are those of the request. Raises `NotFound` for an id that there is not, `InvalidQuery` and its kinds for
    points and areas together, and for wrong parameters.
    """
    locations = locations_of(collection)
    ids = location_ids.split(",")
    allowed = collection.settings.limits.points
    if len(ids) > allowed:
        raise QueryTooLarge(f"{len(ids):,} locations are asked for; {allowed:,} are allowed (limits.points).")
    unknown = next((id_ for id_ in ids if id_ not in locations), None)
    if unknown is not None:
        raise NotFound(f"The collection {collection.id[:60]!r} has no location {quoted(unknown)}.")
    geometries = [locations[id_].geometry for id_ in ids]
    points = [geometry for geometry in geometries if isinstance(geometry, Points)]
    if not points:
        polygons = tuple(polygon for geometry in geometries if not isinstance(geometry, Points) for polygon in geometry)
        return AreaQuery(polygons, **_selection(collection, parameters))
    if len(points) < len(geometries):
        raise InvalidQuery("Some of these locations are points and some are areas; ask for one kind at a time.")
    x, y = (np.concatenate([getattr(p, axis) for p in points]) for axis in ("x", "y"))
    return _position_query(collection, parameters, Points(x, y, None, multi=len(points) > 1))


def item_query(item_id: str, collection: Collection, parameters: Mapping[str, str]) -> tuple[Query, Collection]:
    """The query of an item, and the collection or run to ask. Raises as `location_query` does."""
    item = _item(collection, item_id)
    if item_id in collection.places:
        return location_query(item_id, collection, parameters), collection
    whole = ",".join(map(repr, bbox(item.of)))
    return _in_crs(build_query("cube", {**_without_crs(parameters), "bbox": whole}, item.of), parameters), item.of


def _selection(collection: Collection, parameters: Mapping[str, str]) -> dict[str, Any]:
    """What a request chooses besides where, as the arguments of a query."""
    anywhere = Points(np.zeros(1), np.zeros(1), None, multi=False)
    query = _position_query(collection, parameters, anywhere)
    return {chosen.name: getattr(query, chosen.name) for chosen in fields(Selection)}


def _position_query(collection: Collection, parameters: Mapping[str, str], points: Points) -> Query:
    places = Places(geometry_of_points(points.x, points.y, multi=points.multi))
    return _in_crs(build_query("position", _without_crs(parameters), collection, places), parameters)


def _without_crs(parameters: Mapping[str, str]) -> dict[str, str]:
    """Parameters of a query whose place is known in longitude and latitude; `crs` is then that of the answer alone."""
    for name in ("coords", "bbox"):
        if name in parameters:
            raise InvalidQuery(f"{name!r} is not a parameter of this query: its place is the location or item itself.")
    return {name: value for name, value in parameters.items() if name != "crs"}


def _in_crs(query: Query, parameters: Mapping[str, str]) -> Query:
    return replace(query, crs=crs_named(parameters["crs"])) if "crs" in parameters else query
