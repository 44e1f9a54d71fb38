"""Locations and items over HTTP: `/locations`, `/locations/{id}`, `/items` and `/items/{id}` of collections and instances."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson
from flask import Response, request
from werkzeug.exceptions import MethodNotAllowed

from zarr_edr.crs import CRS84, crs_named
from zarr_edr.dataset.catalog import Catalog
from zarr_edr.dataset.model import Collection
from zarr_edr.encode import ENCODERS
from zarr_edr.errors import InvalidBody
from zarr_edr.web import caching, html, routes
from zarr_edr.web.features import (
    Document,
    item_document,
    item_query,
    items_document,
    location_query,
    locations_document,
)
from zarr_edr.web.listing import Listing
from zarr_edr.web.negotiate import HTML, Form, chosen

if TYPE_CHECKING:
    from flask import Blueprint, Flask
    from flask.typing import ResponseReturnValue

_GEOJSON = ("application/geo+json", "application/json")
_FORMS = (Form("json", _GEOJSON), Form("geojson", _GEOJSON), HTML)
_OF_ITEM = frozenset({"f", "crs", "lang"})
"""Parameters that an item itself has; the others are those of its query."""

_MAX_BODY_BYTES = 64 * 1024
"""Of a POST: there are no coordinates in it."""

Make = Callable[[Collection, str, Listing, Mapping[str, str]], Document]


def register(app: Flask, blueprint: Blueprint, config: Mapping[str, Any], catalog: Catalog) -> None:
    """Put these routes in the place of pygeoapi's. To be called after `routes.register`.

    `config` is pygeoapi's, complete; pygeoapi is imported by then.
    """
    # Importing pygeoapi's application is what reads its configuration: see `app`.
    from pygeoapi.util import get_base_url  # noqa: PLC0415  # reads the environment

    endpoints = {name: f"{blueprint.name}.{name}" for name in ("collection_items", "get_collection_edr_query")}
    stock = {name: app.view_functions[endpoint] for name, endpoint in endpoints.items()}
    views = _Views(catalog, get_base_url(config).rstrip("/"), stock)
    app.view_functions[endpoints["collection_items"]] = views.items_or_stock
    app.view_functions[endpoints["get_collection_edr_query"]] = views.locations_or_query
    path = f"{blueprint.url_prefix or ''}/collections/<path:collection_id>"
    run = f"{path}/instances/<instance_id>"
    both = ["GET", "POST"]
    app.add_url_rule(f"{run}/items", "zarr_edr.instance.items", views.items, methods=both)
    app.add_url_rule(f"{run}/items/<item_id>", "zarr_edr.instance.item", views.items, methods=both)
    app.add_url_rule(f"{path}/items/<item_id>", "zarr_edr.item.post", views.items, methods=["POST"])
    for kind, where in (("collection", path), ("instance", run)):
        app.add_url_rule(f"{where}/locations", f"zarr_edr.{kind}.locations.post", views.locations, methods=["POST"])
        rule = f"{where}/locations/<location_id>"
        app.add_url_rule(rule, f"zarr_edr.{kind}.location.post", views.locations, methods=["POST"])


class _Views:
    """View functions over one catalog."""

    def __init__(self, catalog: Catalog, base_url: str, stock: Mapping[str, Callable[..., Any]]) -> None:
        self._catalog, self._base_url, self._stock = catalog, base_url, stock

    def items_or_stock(self, collection_id: str, item_id: str | None = None) -> ResponseReturnValue:
        """Any method on /items and /items/{id}: pygeoapi's, where the collection is not ours."""
        if collection_id not in self._catalog.collections:
            answered: ResponseReturnValue = self._stock["collection_items"](collection_id, item_id)
            return answered
        allowed = ["GET", "HEAD", "POST"]
        if request.method == "OPTIONS":  # a browser that asks before it posts; pygeoapi's rule leaves the answer to us
            return Response(headers={"Allow": ", ".join([*allowed, "OPTIONS"])})
        if request.method not in allowed:
            raise MethodNotAllowed([*allowed, "OPTIONS"])
        return self.items(collection_id, item_id)

    def items(self, collection_id: str, item_id: str | None = None, instance_id: str | None = None) -> Response:
        """GET or POST of /items and /items/{id}.

        An item in a format of data, or with parameters of its query, is the answer to its query.
        """
        collection, url = self._find(collection_id, instance_id)
        parameters = _parameters(collection)
        if item_id is None:
            return self._list("items", items_document, collection, url, parameters)
        if _asks_for_data(parameters):
            return routes.answer_query(
                "items", lambda: item_query(item_id, collection, parameters), collection, parameters
            )
        crs = crs_named(parameters["crs"]) if "crs" in parameters else CRS84
        return self._sent("items", item_document(collection, url, item_id, crs), item_id, collection, parameters)

    def locations_or_query(
        self, collection_id: str, instance_id: str | None = None, location_id: str | None = None
    ) -> ResponseReturnValue:
        """GET of /locations and /locations/{id}; the other queries share its endpoint and go on."""
        rule = "" if request.url_rule is None else request.url_rule.rule
        ours = collection_id in self._catalog.collections
        if ours and (location_id is not None or rule.endswith("/locations")):
            return self.locations(collection_id, location_id, instance_id)
        answered: ResponseReturnValue = self._stock["get_collection_edr_query"](collection_id, instance_id, location_id)
        return answered

    def locations(self, collection_id: str, location_id: str | None = None, instance_id: str | None = None) -> Response:
        """GET or POST of /locations, which lists them, and /locations/{id}, which gives their data."""
        collection, url = self._find(collection_id, instance_id)
        parameters = _parameters(collection)
        if location_id is None:
            return self._list("locations", locations_document, collection, url, parameters)
        return routes.answer_query(
            "locations",
            lambda: (location_query(location_id, collection, parameters), collection),
            collection,
            parameters,
        )

    def _find(self, collection_id: str, instance_id: str | None) -> tuple[Collection, str]:
        """The collection or its run, and its URL."""
        url = f"{self._base_url}/collections/{collection_id}"
        run = "" if instance_id is None else f"/instances/{instance_id}"
        return self._catalog.get(collection_id, instance_id), url + run

    def _list(self, kind: str, make: Make, collection: Collection, url: str, parameters: Mapping[str, str]) -> Response:
        document = make(collection, url, Listing.of(parameters, collection), parameters)
        return self._sent(kind, document, f"{collection.title}: {kind}", collection, parameters)

    def _sent(
        self, kind: str, document: Document, title: str, collection: Collection, parameters: Mapping[str, str]
    ) -> Response:
        form, media_type = chosen(_FORMS, parameters.get("f"))
        if form is HTML:
            path = request.full_path.removesuffix("?")
            shown = document if "features" in document else {**document, "features": [document]}
            body = html.render(kind, shown, base_url=self._base_url, path=path, title=title).encode()
            response = Response(body, headers={**html.SECURITY_HEADERS, "Content-Type": "text/html; charset=utf-8"})
        else:
            response = Response(orjson.dumps(document), content_type=media_type)
        response.set_etag(sha256(response.get_data()).hexdigest()[:16])
        return caching.document(response, caching.of_documents([collection]))


def _asks_for_data(parameters: Mapping[str, str]) -> bool:
    """Whether a request for an item asks for its values rather than for the item itself."""
    if not parameters.keys() <= _OF_ITEM:
        return True
    wanted = parameters.get("f", "").strip().lower()
    of_item = {form.name for form in _FORMS} | {media_type for form in _FORMS for media_type in form.media_types}
    return wanted not in of_item and any(wanted in encoder.aliases for encoder in ENCODERS)


def _parameters(collection: Collection) -> dict[str, str]:
    """Parameters of the URL, and of the body of a POST."""
    has_body = request.content_length or "Transfer-Encoding" in request.headers
    if request.method != "POST" or not has_body:
        return routes.query_string()
    parameters, places, _ = routes.posted(collection, _MAX_BODY_BYTES)
    if places is not None:
        raise InvalidBody("This query takes no places in its body: its place is the location or item itself.")
    return parameters
