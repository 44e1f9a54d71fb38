"""The body of a request as it was sent: all of it, or an error."""

from __future__ import annotations

from flask import request

from zarr_edr.errors import InvalidBody, QueryTooLarge


def read_body(most_bytes: int) -> bytes:
    """The body of the request at hand.

    Raises `QueryTooLarge` where it has more than `most_bytes`, `InvalidBody` where it ends before its Content-Length.
    """
    declared = request.content_length
    if declared is not None and declared > most_bytes:
        raise _too_large(f"{declared:,}", most_bytes)
    # Werkzeug ends a body without Content-Length at its limit, in silence: the byte beyond tells that there was more.
    request.max_content_length = most_bytes + 1
    body = request.get_data(cache=False)
    if len(body) > most_bytes:
        raise _too_large(f"more than {most_bytes:,}", most_bytes)
    if declared is not None and len(body) < declared:
        raise InvalidBody(f"The body ends after {len(body):,} of the {declared:,} bytes of its Content-Length.")
    return body


def _too_large(size: str, most_bytes: int) -> QueryTooLarge:
    return QueryTooLarge(f"The body has {size} bytes; {most_bytes:,} are allowed (limits.body_bytes).")
