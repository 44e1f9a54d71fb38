"""What the worker makes of an application's answer, or failure, is what gunicorn's makes of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn import util
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import ThreadWorker

from zarr_edr.web.worker import PatientWorker


class NotNow(BaseException):
    """No failure, as `NotAtHand`."""


class Body:
    """An answer that may fail on the way, or when it is closed."""

    def __init__(
        self, pieces: list[Any], error: BaseException | None = None, at_close: Exception | None = None
    ) -> None:
        self._pieces, self._error, self._at_close = pieces, error, at_close
        self.closed = 0

    def __iter__(self) -> Iterator[Any]:
        yield from self._pieces
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """What every server must call once."""
        self.closed += 1
        if self._at_close is not None:
            raise self._at_close


class Socket:
    """Takes what is sent, or the first of it only."""

    def __init__(self, breaks: bool) -> None:
        self.sent, self._breaks = b"", breaks

    def sendall(self, data: Any) -> None:
        """Take all, or break."""
        if self._breaks and self.sent:
            raise BrokenPipeError
        self.sent += bytes(data)


BODIES: dict[str, Callable[[], Body]] = {
    "whole": lambda: Body([b"ab", b"cd"]),
    "fails at once": lambda: Body([], ValueError()),
    "fails midway": lambda: Body([b"ab"], ValueError()),
    "exits midway": lambda: Body([b"ab"], SystemExit(2)),
    "cannot be read on": lambda: Body([b"ab"], OSError()),
    "is given up midway": lambda: Body([b"ab"], NotNow()),
    "fails when closed": lambda: Body([b"abcd"], None, ValueError()),
    "fails twice": lambda: Body([b"ab"], ValueError(), KeyError()),
    "is text": lambda: Body(["ab"]),
}
ERRORS = {"fails": ValueError(), "exits": SystemExit(3), "cannot read": OSError(), "gives up": NotNow()}


def outcome(
    handle: Callable[..., Any], kind: str, length: str | None, monkeypatch: pytest.MonkeyPatch, **how: bool
) -> tuple[Any, ...]:
    """What is returned or raised, sent, logged, closed gracefully, and how often the body was closed."""
    bodies: list[Body] = []
    logged: list[str] = []
    closed: list[Socket] = []
    monkeypatch.setattr(util, "close_graceful", closed.append)

    def application(environ: Any, start_response: Any) -> Body:
        if kind in ERRORS:
            raise ERRORS[kind]
        start_response("200 OK", [] if length is None else [("Content-Length", length)])
        bodies.append(BODIES[kind]())
        return bodies[0]

    worker = SimpleNamespace(
        cfg=Config(),
        nr=0,
        max_requests=10**9,
        alive=how["alive"],
        keepalived_conns=[None] * (10 if how["full"] else 0),
        max_keepalived=5,
        wsgi=application,
        log=SimpleNamespace(
            exception=logged.append, access=lambda *_: None, debug=lambda *_: None, info=lambda *_: None
        ),
    )
    sock = Socket(how["breaks"])
    request = next(RequestParser(Config(), iter([b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"]), ("192.0.2.1", 1)))
    connection = SimpleNamespace(sock=sock, client=("192.0.2.1", 1), server=("127.0.0.1", 80))
    try:
        found = handle(worker, request, connection)
    except BaseException as error:  # noqa: BLE001 - what is raised is what is compared
        found = type(error)
    return found, re.sub(rb"Date: [^\r]*", b"", sock.sent), logged, len(closed), [body.closed for body in bodies]


@pytest.mark.parametrize("breaks", [False, True])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("alive", [True, False])
@pytest.mark.parametrize("length", ["4", None])
@pytest.mark.parametrize("kind", [*BODIES, *ERRORS])
def test_an_answer_goes_out_as_from_gunicorn(
    kind: str, length: str | None, alive: bool, full: bool, breaks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = (
        outcome(worker.handle_request, kind, length, monkeypatch, alive=alive, full=full, breaks=breaks)
        for worker in (PatientWorker, ThreadWorker)
    )
    assert ours == theirs
