"""The EDR queries over HTTP: `/collections/{id}/position`, and `/multipoint`, its alias for many points."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from flask import Response, current_app, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from zarr_edr.coverage import Page
from zarr_edr.dataset.catalog import Catalog
from zarr_edr.dataset.model import Collection
from zarr_edr.encode import encoder_for, encoders_of
from zarr_edr.encode.protocol import Encoder
from zarr_edr.engine import Answer, answer
from zarr_edr.errors import (
    EdrError,
    InvalidCoords,
    InvalidQuery,
    NotAcceptable,
    NotFound,
    Overloaded,
)
from zarr_edr.limits import Deadline
from zarr_edr.query.body import parse_body
from zarr_edr.query.geometry import Places
from zarr_edr.query.model import PositionQuery, Query
from zarr_edr.query.request import PARAMETERS, build_query, page_of
from zarr_edr.web import assets, caching
from zarr_edr.web.bodies import complete, read_body
from zarr_edr.web.html import headers_of
from zarr_edr.web.html_data import PageEncoder
from zarr_edr.web.negotiate import is_browser

if TYPE_CHECKING:
    from flask import Blueprint, Flask
    from flask.typing import ResponseReturnValue

LOGGER = logging.getLogger(__name__)

_AT_ONCE = 4
"""Queries a process works on at the same time. The server has many more threads, which wait for slow clients; more than a few
queries computing together only take the interpreter's lock from each other, and add up their memory."""

_PATIENCE_S = 5.0
"""Longest wait for a place: a queue that is longer only makes answers that nobody waits for any more."""

_PATIENCE_WHEN_BEGUN_S = 30.0
"""The same for an answer of which the client has a part already: there is no other way left to say no than to break off."""

_admission = BoundedSemaphore(_AT_ONCE)


QUERIES = tuple(PARAMETERS)
"""Query types that answer with data, as the last part of a path."""


_HTML = "text/html; charset=utf-8"
SERVICE_URL = "ZARR_EDR_SERVICE_URL"
"""Key of the application's configuration."""
FAILED, MADE = "zarr_edr.failed", "zarr_edr.made"
"""Keys of the WSGI environment: what became of a request on the straight way, an exception or `Made`."""


@dataclass(frozen=True, slots=True)
class Made:
    """An answer that is made, and how it is to be sent."""

    answer: Answer
    media_type: str
    tag: str
    max_age_s: int


def register(app: Flask, blueprint: Blueprint, config: Mapping[str, Any], catalog: Catalog) -> None:
    """Answer the EDR queries of the catalog's collections; all others stay with pygeoapi."""
    app.config[SERVICE_URL] = str(config["server"]["url"]).rstrip("/")
    views = _Views(catalog, app.view_functions[f"{blueprint.name}.get_collection_edr_query"])
    app.view_functions[f"{blueprint.name}.get_collection_edr_query"] = views.query
    for instance in ("", "/instances/<instance_id>"):
        path = f"{blueprint.url_prefix or ''}/collections/<path:collection_id>{instance}"
        kind = "instance" if instance else "collection"
        app.add_url_rule(f"{path}/multipoint", f"zarr_edr.{kind}.multipoint", views.multipoint, methods=["GET", "POST"])
        for query_type in QUERIES:
            endpoint = f"zarr_edr.{kind}.{query_type}.post"
            defaults = {"query_type": query_type}
            app.add_url_rule(f"{path}/{query_type}", endpoint, views.post, methods=["POST"], defaults=defaults)


class _Views:
    """View functions over one catalog."""

    def __init__(self, catalog: Catalog, stock: Callable[..., Any]) -> None:
        self._catalog = catalog
        self._stock = stock

    def query(
        self, collection_id: str, instance_id: str | None = None, location_id: str | None = None
    ) -> ResponseReturnValue:
        """GET of any EDR query path that pygeoapi routes."""
        failed = request.environ.get(FAILED)
        if isinstance(failed, Exception):
            raise failed
        if collection_id not in self._catalog.collections:
            answered: ResponseReturnValue = self._stock(collection_id, instance_id, location_id)
            return answered
        query_type = request.path.rstrip("/").rsplit("/", 1)[-1]
        if location_id is not None or query_type not in QUERIES:
            offered = ", ".join((*QUERIES, "multipoint"))
            raise NotFound(f"This collection does not offer the query {query_type[:60]!r}; it offers {offered}.")
        return _respond(self._catalog.get(collection_id, instance_id), query_type, query_string(), None)

    def post(self, collection_id: str, query_type: str, instance_id: str | None = None) -> Response:
        """POST of a query: the same parameters in the body."""
        return self._post(self._catalog.get(collection_id, instance_id), query_type, multi=False)

    def multipoint(self, collection_id: str, instance_id: str | None = None) -> Response:
        """A position query for MULTIPOINT: by `coords`, or with the points in the body."""
        collection = self._catalog.get(collection_id, instance_id)
        if request.method == "POST":
            return self._post(collection, "position", multi=True)
        return _respond(collection, "position", query_string(), None, multi=True)

    def _post(self, collection: Collection, query_type: str, *, multi: bool) -> Response:
        parameters, places, deadline = posted(collection, collection.settings.limits.body_bytes)
        return _respond(collection, query_type, parameters, places, deadline, multi=multi)


def posted(collection: Collection, most_bytes: int) -> tuple[dict[str, str], Places | None, Deadline]:
    """Parameters of the URL and of the body of a POST, the places of the body, and when the answer must be there.

    Raises `InvalidQuery` and its kinds, and `DeadlineExceeded`.
    """
    limits = collection.settings.limits
    parameters = query_string()
    body = read_body(min(most_bytes, limits.body_bytes))
    deadline = Deadline.after(limits.seconds)
    if not body and parameters:
        return parameters, None, deadline
    with turn(deadline):
        parsed = parse_body(body, request.content_type, limits, request.content_encoding, deadline)
    twice = next((name for name in parsed.options if name in parameters), None)
    if twice is not None:
        raise InvalidQuery(f"{twice[:60]!r} is given in the body and in the URL; leave one out.")
    return {**parameters, **parsed.options}, parsed.places, deadline


def query_string() -> dict[str, str]:
    """Parameters of the URL, each given once."""
    parameters = request.args
    repeated = next((name for name, values in parameters.lists() if len(values) > 1), None)
    if repeated is not None:
        raise InvalidQuery(f"{repeated[:60]!r} is given more than once; write several values as one list, a,b,c.")
    return parameters.to_dict()


def _respond(
    collection: Collection,
    query_type: str,
    parameters: Mapping[str, str],
    places: Places | None,
    deadline: Deadline | None = None,
    *,
    multi: bool = False,
) -> Response:
    def build() -> tuple[Query, Collection]:
        query = build_query(query_type, parameters, collection, places)
        if multi and isinstance(query, PositionQuery) and not query.points.multi:
            raise InvalidCoords(
                "multipoint takes a MULTIPOINT, e.g. coords=MULTIPOINT((10 50),(11 51)); for one POINT use position."
            )
        return query, collection

    return answer_query(query_type, build, collection, parameters, deadline)


def answer_query(
    query_type: str,
    build: Callable[[], tuple[Query, Collection]],
    asked: Collection,
    parameters: Mapping[str, str],
    deadline: Deadline | None = None,
) -> Response:
    """The answer to the query that `build` makes, of the collection that is `asked`; 304 where the client has it already."""
    made = request.environ.get(MADE)
    if isinstance(made, Made):
        return caching.keep(response(made.answer, made.media_type), made.tag, made.max_age_s)
    deadline = deadline or Deadline.after(asked.settings.limits.seconds)
    encoder, media_type = negotiate(parameters.get("f"), query_type, asked.title)
    wanted = page(parameters)
    file_name = saved_as(asked, query_type, encoder)
    if request.method == "POST":  # which caches do not keep
        with turn(deadline):
            found = run(*build(), encoder, deadline, wanted)
        return response(found, media_type, file_name)
    query, collection = build()  # not in a turn: a line of a request is short
    max_age_s = asked.settings.max_age_s
    tag = caching.etag(collection, query, media_type, encoder.name, wanted, _address(encoder))
    held = caching.held(tag)
    if held is not None:
        return caching.unchanged(held, max_age_s)
    with turn(deadline):
        found = run(query, collection, encoder, deadline, wanted)
    return caching.keep(response(found, media_type, file_name), tag, max_age_s)


def _address(encoder: Encoder) -> str:
    """What an answer may have in it of its own address: a page says how it was asked for, and where its program is."""
    if isinstance(encoder, PageEncoder):
        return f"{service_url()}{request.full_path}#{assets.version()}"
    return f"{service_url()}{request.path}"


def page(parameters: Mapping[str, str]) -> Page | None:
    """The page that `limit` and `offset` ask for, with the URL of the next one. Raises `InvalidQuery`."""
    wanted = page_of(parameters)
    if wanted is None:
        return None
    offset, limit = wanted
    following = {**request.args.to_dict(), "limit": str(limit), "offset": str(offset + limit)}
    url = f"{service_url()}{request.path}?{urlencode(following, quote_via=quote, safe=',/:()')}"
    return Page(offset, limit, url if request.method == "GET" else None)


def run(query: Query, collection: Collection, encoder: Encoder, deadline: Deadline, page: Page | None = None) -> Answer:
    """Answer a query, in its `turn`. Raises `EdrError`."""
    return answer(query, collection, encoder, deadline, endpoint=f"{service_url()}{request.path}", page=page)


def service_url() -> str:
    """`server.url` of the configuration: what clients call this server, which the Host header of a request need not say."""
    url: str = current_app.config[SERVICE_URL]
    return url


@contextmanager
def turn(deadline: Deadline, patience_s: float | None = None) -> Iterator[None]:
    """Wait for one of the places at work, `_PATIENCE_S` by default. Raises `Overloaded` where none comes free in time."""
    patience_s = _PATIENCE_S if patience_s is None else patience_s
    if not _admission.acquire(timeout=max(0.0, min(deadline.remaining_s, patience_s))):
        raise Overloaded("The service is busy; please try again in a moment.")
    try:
        yield
    finally:
        _admission.release()


def _prefix() -> str:
    """What stands before `/collections` in this server's paths."""
    return request.path.partition("/collections/")[0]


def negotiate(f: str | None, query_type: str, title: str = "Data") -> tuple[Encoder, str]:
    """The encoder, and the media type to label its output with: `f` wins over Accept (OGC 19-086r6, 8.2)."""
    accept = request.headers.get("Accept", "")
    choose = chosen if len(accept) + len(f or "") <= USUAL_CHARS else chosen.__wrapped__
    encoder, media_type = choose(f, accept, query_type)
    return (_page_encoder(title, query_type), _HTML) if encoder is None else (encoder, media_type)


USUAL_CHARS = 300
"""Clients of one kind all send the same; what is longer than any of them sends is not kept."""


@lru_cache(maxsize=1024)
def chosen(f: str | None, accept: str, query_type: str) -> tuple[Encoder | None, str]:
    """See `negotiate`; None is the encoder of pages."""
    accepted = parse_accept_header(accept, MIMEAccept)
    if (f or "").strip().lower() in PageEncoder.aliases or (f is None and is_browser(accepted)):
        return None, _HTML
    encoder = encoder_for(f, query_type)
    if f is not None and f.strip().lower() in encoder.media_types:
        return encoder, f.strip().lower()
    if f is not None or not accepted:
        return encoder, encoder.media_types[0]
    encoder_of = _encoder_of(query_type)
    best = accepted.best_match(encoder_of)
    if best is None:
        raise NotAcceptable(f"None of the media types in Accept is offered; use one of: {', '.join(encoder_of)}.")
    return encoder_of[best], best


@lru_cache
def _encoder_of(query_type: str) -> Mapping[str, Encoder | None]:
    """Media type -> its encoder; None for pages, whose encoder is made for each request."""
    return {
        **{media_type: encoder for encoder in encoders_of(query_type) for media_type in encoder.media_types},
        **dict.fromkeys(PageEncoder.media_types),
    }


def saved_as(collection: Collection, query_type: str, encoder: Encoder) -> str | None:
    """The name under which a browser is to save an answer; None where it can show it."""
    return None if encoder.extension is None else f"{collection.id}-{query_type}.{encoder.extension}"


def _page_encoder(title: str, query_type: str) -> PageEncoder:
    path = request.full_path.removesuffix("?")
    return PageEncoder(f"{service_url()}{_prefix()}", path, title, query_type, has_url=request.method != "POST")


def response(answered: Answer, media_type: str, file_name: str | None = None) -> Response:
    """An answer as a response, with what it took; 204 where there are no data. `file_name` is for browsers that save it."""
    if answered.body is None:
        empty = Response(status=HTTPStatus.NO_CONTENT, headers={"Vary": "Accept"})
        del empty.headers["Content-Type"]  # of no body
        return empty
    if isinstance(answered.body, bytes):
        response = Response(answered.body, content_type=media_type)
    else:
        response = _streamed(answered.body, media_type)
    response.vary.add("Accept")
    if file_name is not None:
        response.headers.set("Content-Disposition", "attachment", filename=file_name)
    if media_type == _HTML:
        response.headers.update(headers_of("coverage"))
    response.headers["Server-Timing"] = timing(answered)
    return response


def timing(answered: Answer) -> str:
    """What an answer took; of one that is still being read, what it will."""
    stats = answered.stats
    if not isinstance(answered.body, bytes):
        return f'chunks;desc="{answered.chunks}", cells;desc="{answered.cells}", scheduler;desc="{stats.scheduler}"'
    return (
        f'chunks;desc="{stats.chunks}", fetched;desc="{stats.chunks_fetched}", bytes;desc="{stats.bytes_read}",'
        f' cells;desc="{answered.cells}", scheduler;desc="{stats.scheduler}"'
    )


def _streamed(pieces: Iterator[bytes], media_type: str) -> Response:
    """An answer that is sent while it is made; where the client could not tell a break from the end, when it is complete."""
    made = _in_turns(pieces)
    response = complete(made) if caching.break_looks_like_end() else Response(_or_broken_off(made))
    response.headers["Content-Type"] = media_type
    return response


def _in_turns(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The rest of an answer that has begun: each piece is made in a turn of its own, so that a slow client keeps none."""
    with closing(pieces):  # type: ignore[type-var]  # they are those of a generator
        while (piece := _next(pieces)) is not None:
            yield piece


def _next(pieces: Iterator[bytes]) -> bytes | None:
    with turn(Deadline.after(_PATIENCE_WHEN_BEGUN_S), _PATIENCE_WHEN_BEGUN_S):
        return next(pieces, None)


def _or_broken_off(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """A failure ends the connection without the end of the body, by which clients know that there is something missing."""
    try:
        yield from pieces
    except EdrError as error:
        LOGGER.error("broken off: %s: %s", error.kind, error.message)  # noqa: TRY400 - its cause is known
        # What a client that is gone looks like: gunicorn closes the connection, and writes no end of the body.
        raise ConnectionResetError(errno.ECONNRESET, "the answer could not be finished") from error
