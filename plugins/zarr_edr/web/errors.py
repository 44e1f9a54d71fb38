"""Failures as responses: the exception body of OGC API (`code`, `description`), never a stack trace."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import uuid4

import orjson
from flask import Response, current_app, has_request_context, request
from werkzeug.exceptions import HTTPException

from zarr_edr.errors import EdrError, ErrorKind, UnsupportedMediaType
from zarr_edr.query.body import MEDIA_TYPES
from zarr_edr.query.inflate import ENCODINGS
from zarr_edr.web import html
from zarr_edr.web.caching import NO_STORE
from zarr_edr.web.negotiate import HTML, is_browser

if TYPE_CHECKING:
    from flask import Flask

LOGGER = logging.getLogger(__name__)

_TRY_AGAIN = frozenset({ErrorKind.STORE_UNAVAILABLE, ErrorKind.OVERLOADED})
_RETRY_AFTER_S = "2"
_NOT_KEPT = {"Cache-Control": NO_STORE}
"""A cache that keeps a failure would go on failing: even what is not found may be there after the next start."""


def register(app: Flask) -> None:
    """Answer every failure of `app` with an exception body."""
    app.register_error_handler(EdrError, edr_error)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, unexpected_error)
    app.after_request(_not_kept)


def _not_kept(response: Response) -> Response:
    """Have no cache keep a failure, whoever answered it: pygeoapi answers some."""
    if response.status_code >= HTTPStatus.BAD_REQUEST and "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = NO_STORE
    return response


def exception(status: int, code: str, description: str, type_: str | None = None) -> Response:
    """An exception body (OGC 19-086r6, schema exception); `type` is a URI where a standard gives one, else the code."""
    document = {"code": code, "type": type_ or code, "description": description}
    if has_request_context() and _page_wanted():
        path = request.full_path.removesuffix("?")
        page = html.render(
            "exception", document, base_url=current_app.config.get("ZARR_EDR_SERVICE_URL", ""), path=path
        )
        headers = {**html.SECURITY_HEADERS, **_NOT_KEPT}
        return Response(page, status, headers=headers, content_type="text/html; charset=utf-8")
    return Response(orjson.dumps(document), status, headers=_NOT_KEPT, content_type="application/json")


def _page_wanted() -> bool:
    f = request.args.get("f")
    return is_browser() if f is None else f.strip().lower() in {HTML.name, *HTML.media_types}


def edr_error(error: EdrError) -> Response:
    """A failure with a known cause."""
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        cause = "" if error.__cause__ is None else f" ({error.__cause__!r})"
        LOGGER.error("%s: %s%s", error.kind, error.message, cause)
    response = exception(error.status, error.kind, error.message)
    if error.kind in _TRY_AGAIN:
        response.headers["Retry-After"] = _RETRY_AFTER_S
    if error.kind is ErrorKind.UNSUPPORTED_ENCODING:
        response.headers["Accept-Encoding"] = ", ".join(ENCODINGS)  # RFC 9110, 12.5.3
    if isinstance(error, UnsupportedMediaType):
        response.headers["Accept-Post"] = ", ".join(error.accepted or MEDIA_TYPES)  # Linked Data Platform, 7.1
    return response


def http_error(error: HTTPException) -> Response:
    """A failure that Flask or pygeoapi found: no such path, method not allowed, body too long."""
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    response = exception(status, (error.name or "Error").title().replace(" ", ""), error.description or error.name)
    for name, value in error.get_headers():
        if name.lower() in {"allow", "retry-after", "location"}:
            response.headers[name] = value
    return response


def unexpected_error(error: Exception) -> Response:
    """Anything else is a defect of ours: the client gets a number under which the log has the rest."""
    reference = uuid4().hex[:12]
    LOGGER.error("unexpected failure %s", reference, exc_info=error)
    text = f"The service failed. It was not the request's fault; the operator finds the cause under {reference}."
    return exception(HTTPStatus.INTERNAL_SERVER_ERROR, "NoApplicableCode", text)
