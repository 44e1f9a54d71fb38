"""What clients and the caches between may do with an answer: its tag, its age, and 304 (RFC 9110, 13; RFC 9111).

The tag of an answer is known before it is made: it stands for the snapshot of the data, the query as it was understood, and the
form of the answer. So a client that has the answer already is told so without a plan, a place at work, or a chunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Response, request

from zarr_edr.dataset.snapshot import digest
from zarr_edr.web.compress import best_encoding

if TYPE_CHECKING:
    from zarr_edr.dataset.model import Collection

NO_STORE = "no-store"
"""Of what is not to be kept: failures, jobs, and all that changes by itself."""

_DOCUMENTS_S = 60
"""Longest age of documents about the service and its collections."""


def etag(collection: Collection, *made_of: object) -> str:
    """The strong tag, without quotes, of an answer from a collection that is made of these values, as `canonical` takes them."""
    return digest(collection.snapshot, *made_of).hex()


def cache_control(max_age_s: int, environ: Mapping[str, Any] | None = None) -> str:
    """The Cache-Control of what is good for some seconds; afterwards, and for 0 always, it is asked whether it still is."""
    if max_age_s == 0:
        return "no-cache"
    # `public` would let shared caches keep what one had to log in for, at a proxy before this service.
    environ = request.environ if environ is None else environ
    return f"max-age={max_age_s}" if "HTTP_AUTHORIZATION" in environ else f"public, max-age={max_age_s}"


def of_documents(collections: Iterable[Collection]) -> int:
    """Seconds for which documents about these collections are good: a minute, or as long as their answers, if that is less."""
    return min([_DOCUMENTS_S, *(collection.settings.max_age_s for collection in collections)])


def held(tag: str) -> str | None:
    """The tag in If-None-Match by which a client has the answer `tag` already, as it is or compressed; None: it does not.

    `*` names no answer; `keep` sees to it, when it is known that there is one.
    """
    if "HTTP_IF_NONE_MATCH" not in request.environ:
        return None
    tags = request.if_none_match
    if tags.star_tag:
        return None
    forms = (tag, f"{tag}:{best_encoding(request.accept_encodings)}")  # as Flask-Compress has it
    return next((form for form in forms if tags.contains_weak(form)), None)


def unchanged(tag: str, max_age_s: int) -> Response:
    """304: what the client has under `tag` is still right."""
    response = Response(status=HTTPStatus.NOT_MODIFIED)
    del response.headers["Content-Type"]  # of no body
    response.headers["Vary"] = "Accept"
    _mark(response, tag, max_age_s)
    return response


def keep(response: Response, tag: str, max_age_s: int) -> Response:
    """Let clients and caches keep an answer that they have not got yet."""
    if response.is_streamed and break_looks_like_end():
        response.headers["Cache-Control"] = NO_STORE
        return response
    _mark(response, tag, max_age_s)
    if request.environ.get("HTTP_IF_NONE_MATCH", "").strip() == "*" and response.status_code == HTTPStatus.OK:
        response.make_conditional(request)
    return response


def break_looks_like_end(environ: Mapping[str, Any] | None = None) -> bool:
    """Whether the client takes the end of the connection for that of a body without a length: no chunks in HTTP/1.0."""
    return (request.environ if environ is None else environ).get("SERVER_PROTOCOL") == "HTTP/1.0"


def document(response: Response, max_age_s: int) -> Response:
    """Let clients and caches keep a document that has its tag, unless it answers a POST; 304 where the client has it."""
    if request.method != "POST":
        response.headers["Cache-Control"] = cache_control(max_age_s)
    response.vary.add("Accept")
    response.make_conditional(request)  # in place
    return response


def _mark(response: Response, tag: str, max_age_s: int) -> None:
    response.headers["ETag"] = f'"{tag}"'
    response.headers["Cache-Control"] = cache_control(max_age_s)
