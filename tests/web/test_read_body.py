"""A body is read whole or refused, with and without a Content-Length; never is a part of it taken for all."""

from __future__ import annotations

import io
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

MOST = 16 * 1024**2
"""Bytes of a body of a query."""
MOST_OF_JOBS = 32 * 1024**2
AT = "/collections/ostia"
POINTS: dict[str, Any] = {"longitude": [-30, 10], "latitude": [1, 2]}
JSON, CSV, FORM = "application/json", "text/csv", "application/x-www-form-urlencoded"
# Each is complete before its filling: cut off at the limit it would be answered as if it were all.
BODIES: dict[str, tuple[str, str, bytes, bytes, int]] = {
    "position": (f"{AT}/position?datetime=2008-07", JSON, orjson.dumps(POINTS), b" ", MOST),
    "multipoint": (f"{AT}/multipoint?datetime=2008-07", CSV, b"lon,lat\n-30,1\n", b"\n", MOST),
    "items": (f"{AT}/items", FORM, b"limit=1", b" ", 64 * 1024),
    "execution": (
        "/processes/extract-points/execution",
        JSON,
        orjson.dumps({"inputs": {"collection": "ostia", "datetime": "2008-07", **POINTS}}),
        b" ",
        MOST_OF_JOBS,
    ),
    "tables": ("/tables", CSV, b"lon,lat\n-30,1\n", b"\n", MOST_OF_JOBS),
}
EACH = pytest.mark.parametrize(("path", "type_", "start", "filling", "most"), BODIES.values(), ids=BODIES)


def post(client: FlaskClient, path: str, type_: str, body: bytes, length: int | None = None) -> TestResponse:
    """Without a length it is chunked, as servers hand it on."""
    environ: dict[str, Any] = {"wsgi.input_terminated": True}
    environ |= {"HTTP_TRANSFER_ENCODING": "chunked"} if length is None else {"CONTENT_LENGTH": str(length)}
    return client.post(path, input_stream=io.BytesIO(body), content_type=type_, environ_overrides=environ)


@EACH
def test_a_chunked_body_over_the_limit_is_413(
    client: FlaskClient, path: str, type_: str, start: bytes, filling: bytes, most: int
) -> None:
    refused = post(client, path, type_, start + filling * (most + 1 - len(start)))
    assert refused.status_code == 413
    assert "limits.body_bytes" in refused.get_json()["description"]


@EACH
def test_a_chunked_body_of_just_the_limit_is_read(
    client: FlaskClient, path: str, type_: str, start: bytes, filling: bytes, most: int
) -> None:
    assert post(client, path, type_, start + filling * (most - len(start))).status_code in (200, 201)


@EACH
def test_a_body_that_ends_before_its_length_is_400(
    client: FlaskClient, path: str, type_: str, start: bytes, filling: bytes, most: int
) -> None:
    del filling, most
    refused = post(client, path, type_, start, len(start) + 1)
    assert refused.status_code == 400
    assert f"ends after {len(start)} of the {len(start) + 1} bytes" in refused.get_json()["description"]
