"""The documents that describe the service and its collections (OGC 19-086r6, 19-086r9), as plain dicts.

Everything about the data comes from the data. Labels are written so that both versions of the standard and the clients in
use read them: `label` and `description` of a parameter as text, the label of its observed property and of its unit as
objects of languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from zarr_edr.crs import OFFERED
from zarr_edr.dataset.model import Collection, Parameter
from zarr_edr.encode import ENCODERS
from zarr_edr.encode.covjson import parameter_document
from zarr_edr.query.request import height_unit
from zarr_edr.web import offer
from zarr_edr.web.conformance import CLASSES
from zarr_edr.web.extent import extent, parameter_extent
from zarr_edr.web.offer import QueryType
from zarr_edr.web.service import JsonObject, Resource, Service

JSON, HTML, GEOJSON = "application/json", "text/html", "application/geo+json"
OPENAPI_30 = "application/vnd.oai.openapi+json;version=3.0"
OPENAPI_31 = "application/vnd.oai.openapi+json;version=3.1"

_TIME_NAMES = frozenset({"time", "t", "year", "month", "day", "hour", "minute"})


def link(href: str, rel: str, type_: str, title: str, **more: Any) -> JsonObject:
    """A link, complete."""
    return {"href": href, "rel": rel, "type": type_, "title": title, **more}


def self_links(url: str) -> list[JsonObject]:
    """To a document itself and to its other form."""
    return [
        link(f"{url}?f=json", "self", JSON, "This document as JSON"),
        link(f"{url}?f=html", "alternate", HTML, "This document as HTML"),
    ]


def landing_page(service: Service, more: Iterable[JsonObject] = ()) -> JsonObject:
    """The landing page; `more` are links to what other parts of the server offer."""
    url = service.url
    document: JsonObject = {"title": service.title, "description": service.description}
    if service.keywords:
        document["keywords"] = list(service.keywords)
    document |= {key: part for key in ("provider", "contact") if (part := getattr(service, key))}
    document["links"] = [
        *self_links(f"{url}/"),
        # Testers take the first of the two kinds of description, and read only OpenAPI 3.0.
        link(f"{url}/openapi", "service-desc", OPENAPI_30, "The API, as OpenAPI 3.0"),
        link(f"{url}/openapi?f=html", "service-doc", HTML, "The API, for people"),
        link(f"{url}/openapi?f=json31", "service-desc", OPENAPI_31, "The API, as OpenAPI 3.1"),
        link(f"{url}/conformance", "conformance", JSON, "What this service conforms to"),
        link(f"{url}/collections", "data", JSON, "The collections of data"),
        *_legal(service),
        *more,
    ]
    return document


def _legal(service: Service) -> list[JsonObject]:
    links = []
    if "url" in service.license:
        links.append(link(service.license["url"], "license", HTML, service.license.get("name", "Licence")))
    if service.terms is not None and service.terms.startswith("http"):
        links.append(link(service.terms, "terms-of-service", HTML, "Terms of service"))
    return links


def conformance(service: Service, more: Iterable[str] = ()) -> JsonObject:
    """The conformance classes that hold; `more` are those of other parts of the server."""
    classes = dict.fromkeys((*CLASSES, *more))
    return {"links": self_links(f"{service.url}/conformance"), "conformsTo": list(classes)}


def collections(service: Service, listed: Iterable[JsonObject]) -> JsonObject:
    """The list of collections, from the documents of each."""
    return {"links": self_links(f"{service.url}/collections"), "collections": list(listed)}


def collection(service: Service, described: Collection) -> JsonObject:
    """One collection."""
    url = _url(service, described)
    document = _collection(service, described, described, url)
    document["links"] += _related(service, service.resources.get(described.id))
    return document


def instances(service: Service, parent: Collection) -> JsonObject:
    """The list of the forecast runs of a collection, newest last, each complete."""
    url = f"{_url(service, parent)}/instances"
    links = [*self_links(url), _parent(service, parent)]
    return {"links": links, "instances": [instance(service, parent, run) for run in parent.instances.values()]}


def instance(service: Service, parent: Collection, run: Collection) -> JsonObject:
    """One forecast run, described as a collection."""
    url = f"{_url(service, parent)}/instances/{run.id}"
    document = _collection(service, parent, run, url)
    document["title"] = f"{parent.title}: run of {run.id}"
    document["links"].append(_parent(service, parent))
    document["links"] += _related(service, service.resources.get(parent.id))
    return document


def _parent(service: Service, parent: Collection) -> JsonObject:
    return link(f"{_url(service, parent)}?f=json", "collection", JSON, parent.title)


def _url(service: Service, described: Collection) -> str:
    return f"{service.url}/collections/{quote(described.id)}"


def _collection(service: Service, named: Collection, described: Collection, url: str) -> JsonObject:
    """A document under the id of `described`, with the title and description of `named`."""
    resource = service.resources.get(named.id)
    queries = offer.queries_of(described)
    return {
        "id": described.id,
        "title": named.title,
        "description": named.description,
        "keywords": [] if resource is None else list(resource.keywords),
        "links": [*self_links(url), *(_query_link(query, url) for query in queries)],
        "extent": extent(described),
        "data_queries": {query.name: {"link": data_query(query, described, url)} for query in queries},
        "crs": offer.crs_uris(),
        "output_formats": offer.format_names(),
        "parameter_names": parameter_names(described),
    }


def _related(service: Service, resource: Resource | None) -> list[JsonObject]:
    return [*_legal(service)[:1], *(() if resource is None else resource.links)]


def _query_link(query: QueryType, url: str) -> JsonObject:
    """From the links of a collection to one of its queries."""
    match query.name:
        case "instances":
            return link(f"{url}/instances", "instances", JSON, query.title)
        case "items":
            return link(f"{url}/items", "items", GEOJSON, query.title)
        case "locations":
            return link(f"{url}/locations", "data", GEOJSON, query.title)
        case _:
            return link(f"{url}/{query.name}", "data", ENCODERS[0].media_types[0], query.title)


def data_query(query: QueryType, described: Collection, url: str) -> JsonObject:
    """The link of one entry of `data_queries`."""
    variables: JsonObject = {"title": query.title, "description": query.description, "query_type": query.name}
    if query.name == "items":
        variables |= {"output_formats": ["GeoJSON"], "default_output_format": "GeoJSON"}
    elif query.name != "instances":
        variables |= {
            "output_formats": offer.format_names(query.name),
            "default_output_format": offer.default_format(),
        }
        variables["crs_details"] = [{"crs": crs.uri, "wkt": crs.wkt} for crs in OFFERED]
    variables |= _units(query, described)
    return _query_link(query, url) | {"variables": variables}


def _units(query: QueryType, described: Collection) -> JsonObject:
    """Units of distances; those of a corridor also as a client in use spells them, with a hyphen."""
    distances, heights = list(offer.DISTANCE_UNITS), [height_unit(described)]
    match query.name:
        case "radius":
            return {"within_units": distances}
        case "cube":
            return {"height_units": heights}
        case "corridor":
            units = {"width_units": distances, "height_units": heights}
            return units | {name.replace("_", "-"): values for name, values in units.items()}
        case "locations":
            return {"multiple_locations": True}
        case _:
            return {}


# --- parameters ----------------------------------------------------------------------------------------------------


def parameter_names(described: Collection) -> JsonObject:
    """Name -> parameter, with an extent each where they differ in it."""
    differ = len(described.groups) > 1
    return {name: parameter_name(p, with_extent=differ) for name, p in described.parameters.items()}


def parameter_name(parameter: Parameter, *, with_extent: bool = False) -> JsonObject:
    """One parameter, as EDR describes it."""
    base = parameter_document(parameter)
    kind = "float" if parameter.packing.dtype.kind == "f" else "integer"
    document: JsonObject = {
        "type": "Parameter",
        "id": parameter.name,
        "label": parameter.title,
        "description": parameter.description or parameter.title,
        "data-type": kind,  # its name in EDR 1.1
        "dataType": kind,  # and in 1.2
        "observedProperty": base["observedProperty"],
    }
    document |= {key: base[key] for key in ("unit",) if key in base}
    method = _method(str(parameter.attributes.get("cell_methods", "")))
    if method is not None:
        document["measurementType"] = {"method": method}
    if with_extent:
        document["extent"] = parameter_extent(parameter)
    return document


def _method(cell_methods: str) -> str | None:
    """How values stand for their time, by CF's cell methods: `time: mean (interval: 6 hour)` is `mean`."""
    bare = re.sub(r"\([^()]{0,200}\)", " ", cell_methods[:1000])
    for names, method in re.findall(r"((?:\w{1,60}: )+)(\w{1,60})", bare):
        if _TIME_NAMES & set(names.replace(":", "").split()):
            return "instantaneous" if method == "point" else str(method)
    return None
