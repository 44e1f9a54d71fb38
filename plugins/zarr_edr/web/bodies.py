"""Bodies in whole: that of a request as it was sent, or an error; that of a response before any of it is sent."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from typing import IO

from flask import Response, request
from gunicorn.http.errors import ParseException

from zarr_edr.errors import InvalidBody, QueryTooLarge

_COPY_BYTES = 256 * 1024
_MEMORY_BYTES = 1024**2
"""Of a body that is kept in memory; a longer one goes through a file."""


def complete(pieces: Iterator[bytes]) -> Response:
    """A response of all pieces of a generator, which are made before any of it is sent. Raises what they raise."""
    with ExitStack() as until_complete:
        file: IO[bytes] = until_complete.enter_context(tempfile.SpooledTemporaryFile(_MEMORY_BYTES))
        with closing(pieces):  # type: ignore[type-var]  # they are those of a generator
            file.writelines(pieces)
        size = file.tell()
        file.seek(0)
        if size <= _MEMORY_BYTES:
            return Response(file.read())
        until_complete.pop_all()
    response = Response(iter(partial(file.read, _COPY_BYTES), b""), headers={"Content-Length": str(size)})
    response.call_on_close(file.close)
    return response


def read_body(most_bytes: int) -> bytes:
    """The body of the request at hand.

    Raises `QueryTooLarge` where it has more than `most_bytes`, `InvalidBody` where it ends before its Content-Length, or is not
    chunked as it says (RFC 9112, 7.1).
    """
    declared = request.content_length
    if declared is not None and declared > most_bytes:
        raise _too_large(f"{declared:,}", most_bytes)
    # Werkzeug ends a body without Content-Length at its limit, in silence: the byte beyond tells that there was more.
    request.max_content_length = most_bytes + 1
    try:
        body = request.get_data(cache=False)
    except ParseException as error:
        raise InvalidBody(
            "The body is not chunked as its Transfer-Encoding says: each chunk begins with its size."
        ) from error
    if len(body) > most_bytes:
        raise _too_large(f"more than {most_bytes:,}", most_bytes)
    if declared is not None and len(body) < declared:
        raise InvalidBody(f"The body ends after {len(body):,} of the {declared:,} bytes of its Content-Length.")
    return body


def _too_large(size: str, most_bytes: int) -> QueryTooLarge:
    return QueryTooLarge(f"The body has {size} bytes; {most_bytes:,} are allowed (limits.body_bytes).")
