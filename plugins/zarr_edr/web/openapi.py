"""The OpenAPI document of the whole service, as it is served, in version 3.0 and 3.1.

Every reference is to `#/components/...`: readers without a network, and testers, follow no other. Both versions have the
same content, since nothing is used that only one of them knows: no `nullable`, no lists of types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version as installed_version

from zarr_edr.dataset.model import Collection
from zarr_edr.web import offer, openapi_processes, openapi_schemas, openapi_stock
from zarr_edr.web.features import EXTENT
from zarr_edr.web.offer import QueryType
from zarr_edr.web.openapi_parameters import Parameters, key_of, path_parameter
from zarr_edr.web.openapi_responses import HEADERS, UNSUPPORTED, Responses
from zarr_edr.web.service import JsonObject, Service

V30, V31 = "3.0.3", "3.1.0"


def document(service: Service, collections: Mapping[str, Collection], stock: JsonObject, version: str) -> JsonObject:
    """The document in `version`, `V30` or `V31`. Of `stock`, pygeoapi's own, what is not ours is taken over."""
    writer = _Writer(service)
    paths = dict(writer.service_paths())
    for collection in collections.values():
        paths |= writer.collection_paths(collection)
    components = {
        "schemas": {**openapi_schemas.SCHEMAS, **writer.parameters.schemas},
        "parameters": writer.parameters.components,
        "requestBodies": writer.parameters.bodies,
        "responses": writer.responses.components,
        "headers": HEADERS,
    }
    others = openapi_stock.other_paths(stock, collections) if service.has_others else openapi_stock.Others({}, {})
    for kind, members in others.components.items():
        components[kind] = {**components.get(kind, {}), **members}
    processes: JsonObject = {}
    if service.extractions:
        processes = openapi_processes.paths(service, collections)
        components["schemas"] = {**components["schemas"], **openapi_processes.SCHEMAS}
    return {
        "openapi": version,
        "info": _info(service),
        "servers": [{"url": service.url, "description": service.title}],
        "tags": [{"name": "service", "description": service.description}, *_tags(collections)],
        "paths": {**paths, **others.paths, **processes},
        "components": components,
    }


def _info(service: Service) -> JsonObject:
    info: JsonObject = {
        "title": service.title,
        "description": service.description,
        "version": installed_version("zarr-edr"),
    }
    if service.terms is not None:
        info["termsOfService"] = service.terms
    contact = {**service.provider, **({"email": service.contact["email"]} if "email" in service.contact else {})}
    if contact:
        info["contact"] = contact
    if "name" in service.license:
        info["license"] = service.license
    return info


def _tags(collections: Mapping[str, Collection]) -> Iterator[JsonObject]:
    for collection in collections.values():
        yield {"name": collection.id, "description": collection.title}


class _Writer:
    """Writes paths and gathers the components that they refer to."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.parameters, self.responses = Parameters(), Responses()

    def service_paths(self) -> Iterator[tuple[str, JsonObject]]:
        """The paths that are not of one collection."""
        for path, name, summary, schema in (
            ("/", "landing", "Landing page", "landingPage"),
            ("/conformance", "conformance", "Conformance classes", "confClasses"),
            ("/collections", "collections", "The collections of data", "collections"),
        ):
            yield path, {"get": self._metadata(name, summary, "service", schema)}
        yield "/openapi", {"get": self._openapi()}

    def _metadata(
        self, operation: str, summary: str, tag: str, schema: str, path_parameters: Sequence[JsonObject] = ()
    ) -> JsonObject:
        return {
            "summary": summary,
            "description": f"{summary}, as JSON or HTML.",
            "operationId": operation,
            "tags": [tag],
            "parameters": [*path_parameters, self.parameters.ref("f.metadata")],
            "responses": self.responses.of_metadata(schema, found=bool(path_parameters) or tag != "service"),
        }

    def _openapi(self) -> JsonObject:
        operation = self._metadata("openapi", "This document", "service", "openapi")
        operation["description"] = "This document, as OpenAPI 3.0 (`f=json`) or 3.1 (`f=json31`) or HTML."
        operation["parameters"] = [self.parameters.ref("f.openapi")]
        operation["responses"]["200"] = self.responses.openapi()
        return operation

    def collection_paths(self, collection: Collection) -> JsonObject:
        """All paths of one collection."""
        name, key = collection.id, key_of(collection.id)
        base = f"/collections/{name}"
        paths = {
            base: {"get": self._metadata(f"collection.{key}", f"Description of {collection.title}", name, "collection")}
        }
        for query in offer.queries_of(collection):
            if query.name == "instances":
                paths |= self._instance_paths(collection, base, key)
            else:
                paths |= self._query_paths(query, collection, base, key, ())
        return paths

    def _instance_paths(self, collection: Collection, base: str, key: str) -> JsonObject:
        title, tag = collection.title, collection.id
        ids = list(collection.instances)
        instance = path_parameter("instanceId", "The id of a forecast run.", ids, ids[-1])
        listing = self._metadata(f"instances.{key}", f"Forecast runs of {title}", tag, "instances")
        one = self._metadata(f"instance.{key}", f"One forecast run of {title}", tag, "collection", [instance])
        path = f"{base}/instances/{{instanceId}}"
        paths = {f"{base}/instances": {"get": listing}, path: {"get": one}}
        run = collection.instances[ids[-1]]
        for query in offer.queries_of(run):
            paths |= self._query_paths(query, collection, path, f"{key}.instance", [instance])
        return paths

    def _query_paths(
        self, query: QueryType, collection: Collection, base: str, key: str, above: Sequence[JsonObject]
    ) -> JsonObject:
        """The paths of one type of query; `above` are the parameters of the path that leads to it."""
        path = f"{base}/{query.name}"
        match query.name:
            case "items":
                return {
                    path: self._listing(f"items.{key}", "Ready-made queries", collection, above),
                    f"{path}/{{itemId}}": self._item(key, collection, above),
                }
            case "locations":
                return {
                    path: self._listing(f"locations.{key}", "Places", collection, above),
                    f"{path}/{{locationId}}": self._location(query, key, collection, above),
                }
            case "position":
                one, many = (
                    self._data_query(name, query, collection, key, above) for name in (query.name, "multipoint")
                )
                return {path: one, f"{base}/multipoint": many}
            case _:
                return {path: self._data_query(query.name, query, collection, key, above)}

    def _data_query(
        self, name: str, query: QueryType, collection: Collection, key: str, above: Sequence[JsonObject]
    ) -> JsonObject:
        """GET and POST of a query for values. `name` is that of its path."""
        many = name == "multipoint"
        get = {
            "summary": f"{'Multipoint query' if many else query.title}: {collection.title}",
            "description": f"{query.description}{' Points keep their order and number.' if many else ''}",
            "operationId": f"{name}.{key}",
            "tags": [collection.id],
            "parameters": self.parameters.shared(query, collection),
            "responses": self.responses.of_query(query.name, collection.settings.limits),
        }
        own = self.parameters.own(name, query, collection)
        return _get_and_post(get, above, self.parameters.body(query, collection), own)

    def _location(self, query: QueryType, key: str, collection: Collection, above: Sequence[JsonObject]) -> JsonObject:
        about = "The id of a place, or several separated by commas."
        place = path_parameter("locationId", about, None, next(iter(collection.places)))
        get = {
            "summary": f"{query.title}: {collection.title}",
            "description": query.description,
            "operationId": f"location.{key}",
            "tags": [collection.id],
            "parameters": self.parameters.shared(query, collection),
            "responses": self.responses.of_query(query.name, collection.settings.limits),
        }
        return _get_and_post(get, [*above, place], self.parameters.body(query, collection))

    def _listing(self, operation: str, what: str, collection: Collection, above: Sequence[JsonObject]) -> JsonObject:
        """A list of GeoJSON features."""
        get = {
            "summary": f"{what} of {collection.title}",
            "description": f"{what} of {collection.title}, as GeoJSON features.",
            "operationId": operation,
            "tags": [collection.id],
            "parameters": self.parameters.of_listing(collection),
            "responses": self.responses.of_features(),
        }
        return _get_and_post(get, above, self.parameters.listing_body())

    def _item(self, key: str, collection: Collection, above: Sequence[JsonObject]) -> JsonObject:
        about = "The id of an item, from the list of items."
        runs = () if above else collection.instances  # an instance has none below it
        example = next(iter(collection.places or runs or (EXTENT,)))
        item = path_parameter("itemId", about, None, example)
        get = {
            "summary": f"One ready-made query of {collection.title}",
            "description": "The item itself as a GeoJSON feature; with a format of data, the values that it asks for.",
            "operationId": f"item.{key}",
            "tags": [collection.id],
            "parameters": self.parameters.of_item(collection),
            "responses": self.responses.of_item(collection.settings.limits),
        }
        return _get_and_post(get, [*above, item], self.parameters.body(offer.QUERIES["items"], collection))


def _get_and_post(
    get: JsonObject, above: Sequence[JsonObject], body: JsonObject, where: Sequence[JsonObject] = ()
) -> JsonObject:
    """Both methods of a path. A POST has all in its body; parameters other than those that say `where` may be in the URL."""
    answers = {status: answer for status, answer in get["responses"].items() if status != "304"}
    post = {
        **get,
        "summary": f"{get['summary']} (POST)",
        "description": f"{get['description']} The parameters are in the body; those listed here may be in the URL instead.",
        "operationId": f"{get['operationId']}.post",
        "parameters": [*above, *get["parameters"]],
        "requestBody": body,
        "responses": dict(sorted({**answers, **UNSUPPORTED}.items())),
    }
    return {"get": {**get, "parameters": [*above, *where, *get["parameters"]]}, "post": post}
