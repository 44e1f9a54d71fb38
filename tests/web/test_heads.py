"""Heads: what is the same each time is read once, and nothing else is taken for it."""

from __future__ import annotations

from copy import copy
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import InvalidHeader, InvalidHeaderName
from gunicorn.http.message import Request

from zarr_edr.web.heads import ConnectionParser, KeptSettings

PLAIN = b"Host: a\r\nAccept: text/csv\r\n"


def head(fields: bytes, version: bytes = b"1.1") -> bytes:
    """That of a request."""
    return b"GET /collections HTTP/" + version + b"\r\n" + fields + b"\r\n"


def parser(*requests: bytes, peer: str = "127.0.0.1", cfg: Any = None) -> ConnectionParser:
    """That of a connection on which these requests arrive."""
    return ConnectionParser(KeptSettings(cfg or Config()), iter(requests), (peer, 1))


def read(made: ConnectionParser) -> tuple[Any, ...]:
    """What matters of the next request."""
    request = next(made)
    return request.version, request.headers, request.scheme, request._expected_100_continue, request.should_close()


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The header fields that gunicorn parses."""
    seen: list[bytes] = []
    parse = Request.parse_headers

    def parse_headers(self: Request, data: bytes, from_trailer: bool = False) -> Any:
        seen.append(data)
        return parse(self, data, from_trailer)

    monkeypatch.setattr(Request, "parse_headers", parse_headers)
    return seen


def test_equal_header_fields_of_a_connection_are_parsed_once(parsed: list[bytes]) -> None:
    made = parser(*[head(PLAIN)] * 3)
    assert read(made) == read(made) == read(made)
    assert len(parsed) == 1


@pytest.mark.parametrize(
    ("fields", "version"),
    [
        (PLAIN + b"Connection: close\r\n", b"1.1"),
        (PLAIN + b"X-Forwarded-Proto: https\r\n", b"1.1"),
        (PLAIN + b"Expect: 100-continue\r\n", b"1.1"),
        (PLAIN, b"1.0"),
    ],
)
def test_others_are_what_they_are_alone_before_and_after(fields: bytes, version: bytes) -> None:
    plain, other = read(parser(head(PLAIN))), read(parser(head(fields, version)))
    made = parser(*[head(PLAIN)] * 2, head(fields, version))
    assert [read(made) for _ in range(3)] == [plain, plain, other]
    assert other != plain


@pytest.mark.parametrize("name", [b"X-Forwarded-Proto: https", b"Expect: 100-continue"])
def test_what_a_header_field_changes_it_changes_each_time(name: bytes) -> None:
    request = head(PLAIN + name + b"\r\n")
    made = parser(*[request] * 3)
    assert read(made) == read(made) == read(made) == read(parser(request))


def test_who_uses_a_list_of_fields_has_it_alone() -> None:
    made = parser(*[head(PLAIN)] * 2)
    next(made).headers.append(("X", "y"))
    assert ("X", "y") not in next(made).headers


@pytest.mark.parametrize(
    ("fields", "refused"), [(b"Host: a\r\nHost: b\r\n", InvalidHeader), (b"A B: c\r\n", InvalidHeaderName)]
)
def test_what_is_refused_is_refused_again(fields: bytes, refused: type[Exception]) -> None:
    made = parser(head(PLAIN), *[head(fields)] * 2)
    next(made)
    for _ in range(2):
        with pytest.raises(refused):
            next(made)


def test_the_rest_of_a_body_is_no_request() -> None:
    made = parser(head(PLAIN + b"Content-Length: 5\r\n") + b"12345", head(PLAIN))
    assert next(made).headers[-1] == ("CONTENT-LENGTH", "5")
    assert made.finish_body()
    assert next(made).headers == read(parser(head(PLAIN)))[1]


def test_long_header_fields_are_not_kept(parsed: list[bytes]) -> None:
    made = parser(*[head(PLAIN + b"X: " + b"y" * 5000 + b"\r\n")] * 2)
    assert read(made) == read(made)
    assert len(parsed) == 2


def test_settings_can_be_copied() -> None:
    assert copy(KeptSettings(Config())).keepalive == Config().keepalive
