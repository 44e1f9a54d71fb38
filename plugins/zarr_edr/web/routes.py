"""The EDR queries over HTTP: `/collections/{id}/position`, and `/multipoint`, its alias for many points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any

from flask import Response, request

from zarr_edr.dataset.catalog import Catalog
from zarr_edr.dataset.model import Collection
from zarr_edr.encode import ENCODERS, encoder_for
from zarr_edr.encode.protocol import Encoder
from zarr_edr.engine import Answer, answer
from zarr_edr.errors import InvalidBody, InvalidCoords, InvalidQuery, NotAcceptable, NotFound, Overloaded, QueryTooLarge
from zarr_edr.limits import Deadline
from zarr_edr.query.body import parse_points_body
from zarr_edr.query.geometry import Points
from zarr_edr.query.request import position_query

if TYPE_CHECKING:
    from flask import Blueprint, Flask
    from flask.typing import ResponseReturnValue

_AT_ONCE = 4
"""Queries a process works on at the same time. The server has many more threads, which wait for slow clients; more than a few
queries computing together only take the interpreter's lock from each other, and add up their memory."""

_admission = BoundedSemaphore(_AT_ONCE)


def register(app: Flask, blueprint: Blueprint, catalog: Catalog) -> None:
    """Answer the EDR queries of the catalog's collections; all others stay with pygeoapi."""
    views = _Views(catalog, app.view_functions[f"{blueprint.name}.get_collection_edr_query"])
    app.view_functions[f"{blueprint.name}.get_collection_edr_query"] = views.query
    prefix = blueprint.url_prefix or ""
    path = f"{prefix}/collections/<path:collection_id>"
    app.add_url_rule(f"{path}/multipoint", "zarr_edr.multipoint", views.multipoint, methods=["GET", "POST"])
    app.add_url_rule(f"{path}/position", "zarr_edr.position_post", views.position_post, methods=["POST"])


class _Views:
    """View functions over one catalog."""

    def __init__(self, catalog: Catalog, stock: Callable[..., Any]) -> None:
        self._catalog = catalog
        self._stock = stock

    def query(
        self, collection_id: str, instance_id: str | None = None, location_id: str | None = None
    ) -> ResponseReturnValue:
        """GET of any EDR query path that pygeoapi routes."""
        if collection_id not in self._catalog.collections:
            answered: ResponseReturnValue = self._stock(collection_id, instance_id, location_id)
            return answered
        query_type = request.path.rstrip("/").rsplit("/", 1)[-1]
        if instance_id is not None or location_id is not None or query_type != "position":
            raise NotFound(
                "This collection offers the queries position and multipoint, without instances or locations."
            )
        return _respond(self._catalog.get(collection_id), _query_string(), None)

    def position_post(self, collection_id: str) -> Response:
        """POST of a position query: the same parameters in the body."""
        return self._post(collection_id, multi=False)

    def multipoint(self, collection_id: str) -> Response:
        """A position query for MULTIPOINT: by `coords`, or with the points in the body."""
        if request.method == "POST":
            return self._post(collection_id, multi=True)
        return _respond(self._catalog.get(collection_id), _query_string(), None, multi=True)

    def _post(self, collection_id: str, *, multi: bool) -> Response:
        collection = self._catalog.get(collection_id)
        limits = collection.settings.limits
        if request.content_encoding not in (None, "identity"):
            raise InvalidBody(
                f"Content-Encoding {request.content_encoding[:60]!r} is not understood; send the body as it is."
            )
        if (request.content_length or 0) > limits.body_bytes:
            raise QueryTooLarge(
                f"The body has {request.content_length:,} bytes; {limits.body_bytes:,} are allowed (limits.body_bytes)."
            )
        request.max_content_length = limits.body_bytes
        body = parse_points_body(request.get_data(cache=False), request.content_type, limits)
        parameters = _query_string()
        twice = next((name for name in body.options if name in parameters), None)
        if twice is not None:
            raise InvalidQuery(f"{twice[:60]!r} is given in the body and in the URL; leave one out.")
        return _respond(collection, {**parameters, **body.options}, body.points, multi=multi)


def _query_string() -> Mapping[str, str]:
    """Parameters of the URL, each given once."""
    parameters = request.args
    repeated = next((name for name, values in parameters.lists() if len(values) > 1), None)
    if repeated is not None:
        raise InvalidQuery(f"{repeated[:60]!r} is given more than once; write several values as one list, a,b,c.")
    return parameters.to_dict()


def _respond(
    collection: Collection, parameters: Mapping[str, str], points: Points | None, *, multi: bool = False
) -> Response:
    deadline = Deadline.after(collection.settings.limits.seconds)
    encoder, media_type = _negotiate(parameters.get("f"))
    query = position_query(parameters, collection, points)
    if multi and not query.points.multi:
        raise InvalidCoords(
            "multipoint takes a MULTIPOINT, e.g. coords=MULTIPOINT((10 50),(11 51)); for one POINT use position."
        )
    if not _admission.acquire(timeout=max(0.0, deadline.remaining_s)):
        raise Overloaded("The service is busy; please try again in a moment.")
    try:
        answered = answer(query, collection, encoder, deadline)
    finally:
        _admission.release()
    return _response(answered, media_type)


def _negotiate(f: str | None) -> tuple[Encoder, str]:
    """The encoder, and the media type to label its output with: `f` wins over Accept (OGC 19-086r6, 8.2)."""
    encoder = encoder_for(f)
    if f is not None and f.lower() in encoder.media_types:
        return encoder, f.lower()
    accept = request.accept_mimetypes
    if f is not None or not accept:
        return encoder, encoder.media_types[0]
    for offered in ENCODERS:
        best = accept.best_match(offered.media_types)
        if best is not None:
            return offered, best
    types = ", ".join(media_type for offered in ENCODERS for media_type in offered.media_types)
    raise NotAcceptable(f"None of the media types in Accept is offered; use one of: {types}.")


def _response(answered: Answer, media_type: str) -> Response:
    if answered.body is None:
        empty = Response(status=HTTPStatus.NO_CONTENT)
        del empty.headers["Content-Type"]  # of no body
        return empty
    response = Response(answered.body, content_type=media_type)
    stats = answered.stats
    response.headers["Server-Timing"] = (
        f'chunks;desc="{stats.chunks}", fetched;desc="{stats.chunks_fetched}", bytes;desc="{stats.bytes_read}",'
        f' cells;desc="{answered.cells}", scheduler;desc="{stats.scheduler}"'
    )
    return response
