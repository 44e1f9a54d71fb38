"""Routes of the resources that describe the service: landing page, conformance, collections, instances, OpenAPI.

Each document is made and encoded once for a snapshot of the catalog. Collections of other pygeoapi providers are listed
among ours and stay pygeoapi's business otherwise.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
from flask import Response, request

from zarr_edr.dataset.catalog import Catalog
from zarr_edr.errors import NotFound
from zarr_edr.query.checks import quoted
from zarr_edr.web import caching, html, metadata, openapi
from zarr_edr.web.conformance import NOT_OF_JOBS, OF_JOBS
from zarr_edr.web.negotiate import HTML, JSON, Form, chosen, is_browser
from zarr_edr.web.processes import JOBS
from zarr_edr.web.service import JsonObject, Service

if TYPE_CHECKING:
    from flask import Blueprint, Flask
    from flask.typing import ResponseReturnValue

LOGGER = logging.getLogger(__name__)

_OPENAPI_30 = Form("json", (metadata.OPENAPI_30, "application/vnd.oai.openapi+json", "application/json"))
_OPENAPI_31 = Form("json31", (metadata.OPENAPI_31,))
_OWN_RELS = frozenset({"self", "alternate", "about", "service-desc", "service-doc", "conformance", "data"})

_JOB_LIST = "http://www.opengis.net/def/rel/ogc/1.0/job-list"


def register(app: Flask, blueprint: Blueprint, config: Mapping[str, Any], catalog: Catalog) -> None:
    """Put these routes in the place of pygeoapi's. To be called after `routes.register`.

    `config` is pygeoapi's, complete; pygeoapi is imported by then.
    """
    # Importing pygeoapi's application is what reads its configuration: see `app`.
    from pygeoapi.flask_app import OPENAPI  # noqa: PLC0415  # reads the environment
    from pygeoapi.util import get_base_url  # noqa: PLC0415  # reads the environment

    service = Service.of(config, get_base_url(config))
    stock_openapi = orjson.loads(OPENAPI) if isinstance(OPENAPI, str) else OPENAPI
    views = _Views(_Stock(app, blueprint, service), service, catalog, stock_openapi)
    for endpoint, view in (
        ("landing_page", views.landing_page),
        ("conformance", views.conformance),
        ("collections", views.collections),
        ("openapi", views.openapi),
        ("get_collection_edr_query", views.instances_or_query),
    ):
        app.view_functions[f"{blueprint.name}.{endpoint}"] = view
    html.register_static(app, blueprint.url_prefix or "")


_MOST_NAMED = 12
"""Collections that the landing page names; the page of the collections has all."""


class Once[T]:
    """Things by name, each made once, however many threads ask for it at the same time."""

    def __init__(self) -> None:
        self._made: dict[str, T] = {}
        self._making = Lock()

    def get(self, name: str, make: Callable[[], T]) -> T:
        """The thing of this name, made now if it is not there yet. `make` must not ask for another one."""
        if name not in self._made:
            with self._making:
                if name not in self._made:  # who waited for the lock finds what the one before has made
                    self._made[name] = make()
        return self._made[name]


@dataclass(frozen=True, slots=True)
class Page:
    """One document in all its forms, each made once."""

    kind: str
    """As `html.render` knows it."""
    path: str
    """Below the URL of the service, e.g. `/collections/ostia`."""
    document: JsonObject
    base_url: str
    max_age_s: int
    collections: tuple[JsonObject, ...] = ()
    """What its page names of the data: id, title and description of each."""
    _bodies: Once[Body] = field(default_factory=Once, init=False, repr=False, compare=False)

    @property
    def json(self) -> Body:
        """As JSON."""
        return self._bodies.get("json", lambda: Body.of(orjson.dumps(self.document)))

    @property
    def html(self) -> Body:
        """As HTML."""
        return self._bodies.get("html", self._html)

    def _html(self) -> Body:
        path = f"{self.path}?f=html"
        return Body.of(
            html.render(
                self.kind, self.document, base_url=self.base_url, path=path, collections=self.collections
            ).encode()
        )


@dataclass(frozen=True, slots=True)
class Body:
    """An encoded document."""

    data: bytes
    etag: str
    """Changes with the bytes."""

    @classmethod
    def of(cls, data: bytes) -> Body:
        """With its tag."""
        return cls(data, sha256(data).hexdigest()[:16])


class _Stock:
    """pygeoapi's own views, for what is not ours: their answers as JSON, and links and classes to add to ours."""

    def __init__(self, app: Flask, blueprint: Blueprint, service: Service) -> None:
        self._app, self._prefix = app, blueprint.url_prefix or ""
        self.views: dict[str, Callable[..., Any]] = {
            name.removeprefix(f"{blueprint.name}."): view for name, view in app.view_functions.items()
        }
        self.ids = tuple(id_ for id_, resource in service.resources.items() if not resource.ours)
        self.listed = tuple(id_ for id_ in self.ids if not service.resources[id_].hidden)
        self.needed = service.has_others

    def json(self, endpoint: str, path: str, *args: str) -> JsonObject | None:
        """The answer of a view as JSON; None where it fails, which the log then tells."""
        with self._app.test_request_context(f"{self._prefix}{path}?f=json"):
            response = self._app.make_response(self.views[endpoint](*args))
        if response.status_code != HTTPStatus.OK:
            LOGGER.warning("pygeoapi answers %s with %d; it is left out", path, response.status_code)
            return None
        found: JsonObject = orjson.loads(response.get_data())
        return found

    def links(self) -> list[JsonObject]:
        """Links of the landing page to what is not ours."""
        found = self.json("landing_page", "/") if self.needed else None
        manager = self._app.extensions.get(JOBS)
        hidden = _OWN_RELS if manager is None or manager.settings.list_jobs else _OWN_RELS | {_JOB_LIST}
        return [link for link in (found or {}).get("links", ()) if link["rel"] not in hidden]

    def classes(self) -> list[str]:
        """Conformance classes of what is not ours."""
        found = self.json("conformance", "/conformance") if self.needed else None
        declared = list((found or {}).get("conformsTo", ()))
        if JOBS not in self._app.extensions:
            return declared
        return [uri for uri in declared if uri not in NOT_OF_JOBS] + list(OF_JOBS)

    def collections(self) -> list[JsonObject]:
        """Descriptions of the collections that are not ours."""
        found = (self.json("collections", f"/collections/{quote(id_)}", id_) for id_ in self.listed)
        return [document for document in found if document is not None]


class _Views:
    """View functions over one catalog."""

    def __init__(self, stock: _Stock, service: Service, catalog: Catalog, stock_openapi: JsonObject) -> None:
        self._stock, self._service, self._catalog = stock, service, catalog
        self._stock_openapi = stock_openapi
        self._max_age_s = caching.of_documents(catalog.collections.values())
        self._pages: Once[Page] = Once()

    def landing_page(self) -> Response:
        """GET /."""
        return _respond(self._pages.get("/", self._landing_page))

    def _landing_page(self) -> Page:
        document = metadata.landing_page(self._service, self._stock.links())
        named = [self._catalog.get(id_) for id_ in self._listed()[:_MOST_NAMED]]
        texts = tuple({"id": c.id, "title": c.title, "description": c.description} for c in named)
        return Page("landing", "/", document, self._service.url, self._max_age_s, texts)

    def conformance(self) -> Response:
        """GET /conformance."""
        return _respond(self._page("conformance", "/conformance", self._conformance))

    def _conformance(self) -> JsonObject:
        return metadata.conformance(self._service, self._stock.classes())

    def collections(self, collection_id: str | None = None) -> ResponseReturnValue:
        """GET /collections and /collections/{id}."""
        if collection_id is None:
            return _respond(self._collections())
        if collection_id in self._stock.ids:
            others: ResponseReturnValue = self._stock.views["collections"](collection_id)
            return others
        return _respond(self._collection(collection_id))

    def _collection(self, id_: str) -> Page:
        described = self._catalog.get(id_)
        return self._page("collection", f"/collections/{id_}", lambda: metadata.collection(self._service, described))

    def _collections(self) -> Page:
        """Those of other providers are described anew each time: what they say is not in our snapshot."""
        if self._stock.listed:
            document = self._list(self._stock.collections())
            return Page("collections", "/collections", document, self._service.url, self._max_age_s)
        return self._page("collections", "/collections", lambda: self._list([]))

    def _listed(self) -> list[str]:
        """Ids of our collections, without those that are served unlisted."""
        hidden = {id_ for id_, resource in self._service.resources.items() if resource.hidden}
        return [id_ for id_ in self._catalog.collections if id_ not in hidden]

    def _list(self, others: list[JsonObject]) -> JsonObject:
        listed = [metadata.collection(self._service, self._catalog.get(id_)) for id_ in self._listed()]
        in_order = {document["id"]: document for document in (*listed, *others)}
        return metadata.collections(
            self._service, [in_order[id_] for id_ in self._service.resources if id_ in in_order]
        )

    def instances_or_query(
        self, collection_id: str, instance_id: str | None = None, location_id: str | None = None
    ) -> ResponseReturnValue:
        """GET /collections/{id}/instances and .../instances/{iid}; the queries share its endpoint and go on."""
        rule = "" if request.url_rule is None else request.url_rule.rule
        if collection_id in self._catalog.collections:
            if rule.endswith("/instances"):
                return _respond(self._instances(collection_id))
            if rule.endswith("/instances/<instance_id>") and instance_id is not None:
                return _respond(self._instance(collection_id, instance_id))
        answered: ResponseReturnValue = self._stock.views["get_collection_edr_query"](
            collection_id, instance_id, location_id
        )
        return answered

    def _instances(self, id_: str) -> Page:
        parent = self._catalog.get(id_)
        if not parent.instances:
            raise NotFound(f"The collection {quoted(id_)} has no instances.")
        path = f"/collections/{id_}/instances"
        return self._page("instances", path, lambda: metadata.instances(self._service, parent))

    def _instance(self, id_: str, instance_id: str) -> Page:
        parent = self._catalog.get(id_)
        run = parent.instances.get(instance_id)
        if run is None:
            raise NotFound(f"The collection {quoted(id_)} has no instance {quoted(instance_id)}.")
        path = f"/collections/{id_}/instances/{instance_id}"
        return self._page("instance", path, lambda: metadata.instance(self._service, parent, run))

    def openapi(self) -> Response:
        """GET /openapi: version 3.0, with `f=json31` 3.1, and as HTML for browsers."""
        forms = (_OPENAPI_30, _OPENAPI_31, HTML)
        form, media_type = chosen(forms)
        if form is HTML and "f" not in request.args and not is_browser() and "*/*" in request.accept_mimetypes.values():
            form, media_type = _OPENAPI_30, metadata.OPENAPI_30
        version = openapi.V31 if form is _OPENAPI_31 else openapi.V30
        page = self._page("openapi", "/openapi", lambda: self._openapi(version), key=f"/openapi {version}")
        return _sent(page, form, media_type)

    def _openapi(self, version: str) -> JsonObject:
        return openapi.document(self._service, self._catalog.collections, self._stock_openapi, version)

    def _page(self, kind: str, path: str, make: Callable[[], JsonObject], key: str = "") -> Page:
        return self._pages.get(key or path, lambda: Page(kind, path, make(), self._service.url, self._max_age_s))


def _respond(page: Page) -> Response:
    form, media_type = chosen((JSON, HTML))
    return _sent(page, form, media_type)


def _sent(page: Page, form: Form, media_type: str) -> Response:
    if form is HTML:
        body, headers = page.html, {**html.headers_of(page.kind), "Content-Type": "text/html; charset=utf-8"}
    else:
        body, headers = page.json, {"Content-Type": media_type}
    response = Response(body.data, headers=headers)
    response.set_etag(body.etag)
    return caching.document(response, page.max_age_s)
