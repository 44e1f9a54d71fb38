"""The heads of requests, read by gunicorn, but what is the same each time only once.

A client sends the same headers with each request of a connection; settings do not change while a worker lives.
"""

from __future__ import annotations

from typing import Any

from gunicorn.http.body import LengthReader
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser

Headers = list[tuple[str, str]]

_WORTH_KEEPING = 4096
"""Bytes of header fields; more are no browser's, and each open connection would keep them."""


class KeptSettings:
    """gunicorn's settings, each looked up once: a request asks for twenty, and gunicorn takes three calls for each."""

    def __init__(self, cfg: Any) -> None:
        self._cfg = cfg

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # of Python's own, of which none is a setting
            raise AttributeError(name)
        found = getattr(self._cfg, name)
        setattr(self, name, found)
        return found


class ConnectionRequest(Request):  # type: ignore[misc]  # gunicorn is not typed
    """A request of a connection, whose line may be longer than the 8,190 bytes at which gunicorn stops counting."""

    scheme: Any

    def __init__(self, before: Before, *args: Any) -> None:
        self._before = before
        super().__init__(*args)

    def parse(self, unreader: Any) -> Any:
        """Parse the head, with the configured limit on its first line."""
        self.limit_request_line = self._fast_limit_request_line = self.cfg.limit_request_line
        return super().parse(unreader)

    def parse_headers(self, data: bytes, from_trailer: bool = False) -> Headers:
        """Parse header fields; those of the request before, which were found to be in order, only if they are others now."""
        if from_trailer:
            trailers: Headers = super().parse_headers(data, from_trailer=True)
            return trailers
        before, read = self._before, (self.version, data)
        if before.read != read:
            headers: Headers = super().parse_headers(data)
            if self._expected_100_continue or len(data) > _WORTH_KEEPING:  # the first asks for more than to be read
                return headers
            before.read, before.headers, before.scheme = read, headers, self.scheme
        self.scheme = before.scheme
        return before.headers.copy()


class Before:
    """The header fields of the request before on a connection: version and bytes, what they are, and the scheme they name."""

    def __init__(self) -> None:
        self.read: tuple[Any, bytes] | None = None
        self.headers: Headers = []
        self.scheme: Any = None


class ConnectionParser(RequestParser):  # type: ignore[misc]  # gunicorn is not typed
    """The requests of one connection."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._before = Before()

    def mesg_class(self, *args: Any) -> ConnectionRequest:
        """The next request."""
        return ConnectionRequest(self._before, *args)

    def finish_body(self, *args: Any, **kwargs: Any) -> bool:
        """Discard the rest of a body. Where there is none, gunicorn would still set the socket's time-out, and set it back."""
        body = None if self.mesg is None else self.mesg.body
        if body is not None and isinstance(body.reader, LengthReader) and not body.reader.length and not body.failed:
            return True
        return bool(super().finish_body(*args, **kwargs))
