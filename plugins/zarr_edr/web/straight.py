"""The straight way: a plain GET of a query, answered without what only other requests need.

Flask's contexts, its search for the route and its response objects take longer than the query for a point does. So the WSGI
application answers by itself where a request is plain: the answer is made by the same functions as in `routes`, and has the same
body and headers (`tests/web/test_straight.py`). For all else it only looks at the path, and Flask goes on; also with an answer
that is made already but turns out to be none for this way, and with a failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from flask import Response

from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.encode.protocol import Encoder
from zarr_edr.engine import Answer, answer
from zarr_edr.errors import EdrError
from zarr_edr.limits import Deadline
from zarr_edr.query.request import PARAMETERS, build_query
from zarr_edr.web import caching, routes
from zarr_edr.web.at_once import Impatient, NotAtHand, is_asked_at_once, look, may_take_its_time
from zarr_edr.web.compress import MIN_BYTES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication
    from flask import Flask

    from zarr_edr.dataset.catalog import Catalog
    from zarr_edr.dataset.model import Collection
    from zarr_edr.plan import ReadPlan
    from zarr_edr.schedule import Scheduler

Environ = dict[str, Any]

_LONGEST = 8_000
"""Characters of a query that is plain: what is longer takes so long that the rest does not count."""
_NOT_PLAIN = frozenset({"HTTP_IF_NONE_MATCH", "HTTP_AUTHORIZATION", "HTTP_ORIGIN", "HTTP_RANGE"})
"""Headers that change the answer or its headers."""
_PAGED = frozenset({"limit", "offset"})


def register(app: Flask, prefix: str, catalog: Catalog) -> None:
    """Let plain queries to the catalog's collections, whose paths begin with `prefix`, go the straight way."""
    targets = {
        f"{prefix}/collections/{id_}/{query_type}": (id_, query_type)
        for id_ in catalog.collections
        for query_type in PARAMETERS
    }
    app.wsgi_app = StraightWay(app, catalog, targets)  # type: ignore[method-assign]  # as Flask's documentation has it


@dataclass(frozen=True, slots=True)
class _Asked:
    """A plain query, as far as it is read."""

    collection: Collection
    query_type: str
    path: str
    parameters: Mapping[str, str]
    encoder: Encoder
    media_type: str


class StraightWay:
    """A WSGI application in front of Flask's."""

    def __init__(self, app: Flask, catalog: Catalog, targets: Mapping[str, tuple[str, str]]) -> None:
        """`targets`: path -> id of a collection, and query type."""
        self._catalog = catalog
        self.behind: WSGIApplication = app.wsgi_app
        """Flask's application."""
        self._targets = targets
        self._url: str = app.config[routes.SERVICE_URL]
        self._headers = _headers_of_all(app)
        self._known: set[str] = set()
        """Collections that have answered once: what is made with a first query and kept is there."""

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """See PEP 3333."""
        asked = self._asked(environ)
        if asked is None:
            may_take_its_time()
            return self.behind(environ, start_response)
        try:
            found, tag = self._answer(asked, environ)
        except Exception as error:  # noqa: BLE001 - Flask, behind, raises it again where all failures are answered
            may_take_its_time()
            environ[routes.FAILED] = error
            return self.behind(environ, start_response)
        max_age_s = asked.collection.settings.max_age_s
        body = found.body
        if not isinstance(body, bytes) or ("HTTP_ACCEPT_ENCODING" in environ and len(body) >= MIN_BYTES):
            may_take_its_time()
            environ[routes.MADE] = routes.Made(found, asked.media_type, tag, max_age_s)
            return self.behind(environ, start_response)
        headers = [
            ("Content-Type", asked.media_type),
            ("Content-Length", str(len(body))),
            ("Server-Timing", routes.timing(found)),
            ("ETag", f'"{tag}"'),
            ("Cache-Control", caching.cache_control(max_age_s, environ)),
            *self._headers,
        ]
        start_response("200 OK", headers)
        return (body,)

    def _asked(self, environ: Environ) -> _Asked | None:
        """The query of a request that is plain; else None."""
        path = environ["PATH_INFO"]
        target = self._targets.get(path)
        if target is None or not is_plain(environ):
            return None
        parameters = _parameters(environ.get("QUERY_STRING", ""))
        id_, query_type = target
        form = None if parameters is None else _form(parameters.get("f"), environ.get("HTTP_ACCEPT", ""), query_type)
        if parameters is None or form is None:
            return None
        return _Asked(self._catalog.get(id_), query_type, path, parameters, *form)

    def _answer(self, asked: _Asked, environ: Environ) -> tuple[Answer, str]:
        """The answer and its tag. Raises `EdrError`."""
        collection = asked.collection
        now = is_asked_at_once()
        if now and not self._is_quick(asked):
            raise NotAtHand
        deadline = (Impatient if now else Deadline).after(collection.settings.limits.seconds)
        query = build_query(asked.query_type, asked.parameters, collection)
        address = f"{self._url}{asked.path}"
        tag = caching.etag(collection, query, asked.media_type, asked.encoder.name, None, address)
        if not now:
            with routes.turn(deadline):
                found = answer(query, collection, asked.encoder, deadline, endpoint=address)
            self._known.add(collection.id)
            return found, tag
        looked = _look_at_few if "HTTP_ACCEPT_ENCODING" in environ else look
        with routes.turn(deadline, patience_s=0.0):
            return answer(query, collection, asked.encoder, deadline, endpoint=address, look=looked), tag

    def _is_quick(self, asked: _Asked) -> bool:
        """Whether to make a query and a plan of it, and to write the answer, takes no time to speak of."""
        plain = asked.query_type == "position" and isinstance(asked.encoder, CovJsonEncoder)
        return plain and asked.collection.id in self._known


_FEW = 2
"""Values of an answer that is not compressed, as a rule: see `MIN_BYTES`."""


def _look_at_few(plan: ReadPlan, scheduler: Scheduler) -> None:
    """As `look`, where the client takes a compressed answer: to compress it is a thread's work."""
    if plan.cells > _FEW:
        raise NotAtHand
    look(plan, scheduler)


def is_plain(environ: Environ) -> bool:
    """Whether nothing but path, query and Accept decide about the answer."""
    text = environ.get("QUERY_STRING", "")
    return (
        environ["REQUEST_METHOD"] == "GET"
        and not environ.get("SCRIPT_NAME")
        and len(text) <= _LONGEST
        and text.isascii()
        and _NOT_PLAIN.isdisjoint(environ)
        and not caching.break_looks_like_end(environ)
    )


def _parameters(text: str) -> dict[str, str] | None:
    """Parameters of a URL; None where one is given twice, or asks for a page of an answer."""
    pairs = [part.partition("=") for part in text.split("&") if part]
    parameters = {_unquoted(name): _unquoted(value) for name, _, value in pairs}
    if len(parameters) < len(pairs) or not _PAGED.isdisjoint(parameters):
        return None
    return parameters


def _unquoted(text: str) -> str:
    """A name or value of a query string, as `urllib.parse.parse_qsl` and so Flask read it."""
    return unquote_plus(text, errors="werkzeug.url_quote") if "%" in text or "+" in text else text


def _form(f: str | None, accept: str, query_type: str) -> tuple[Encoder, str] | None:
    """The encoder and the media type; None for pages, for files that a browser saves, and for what is not offered."""
    if len(accept) + len(f or "") > routes.USUAL_CHARS:
        return None
    try:
        encoder, media_type = routes.chosen(f, accept, query_type)
    except EdrError:
        return None
    return None if encoder is None or encoder.extension is not None else (encoder, media_type)


def _headers_of_all(app: Flask) -> list[tuple[str, str]]:
    """What Flask's extensions, e.g. for CORS, add to every answer."""
    with app.test_request_context():
        plain = Response(b"", content_type="application/json")
        plain.vary.add("Accept")
        sent = app.process_response(plain)
    return [(name, value) for name, value in sent.headers.items() if name not in {"Content-Type", "Content-Length"}]
