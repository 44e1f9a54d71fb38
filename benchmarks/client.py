"""The thinnest HTTP client that still checks what it gets: raw sockets, kept alive, requests built beforehand."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass

_RECEIVE_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Response:
    """Status, head and body of one answer."""

    status: int
    head: bytes
    body: bytes

    @property
    def closes(self) -> bool:
        """Whether the server closes the connection after it."""
        return b"connection: close" in self.head.lower()

    def header(self, name: str) -> str | None:
        """The value of a header."""
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.strip().lower() == name.lower().encode():
                return value.strip().decode()
        return None


class Reader:
    """One answer, put together from what arrives (RFC 9112, 6 and 7.1)."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._head: bytes | None = None
        self._length: int | None = None
        self._chunked = False

    def feed(self, data: bytes) -> Response | None:
        """Take what has arrived; the answer once it is whole."""
        self._parts.append(data)
        self._size += len(data)
        if self._head is None and not self._begin():
            return None
        assert self._head is not None
        if self._chunked:
            # The end of the last chunk; that the sizes add up is seen when the body is put together.
            if not self._tail().endswith(b"0\r\n\r\n"):
                return None
            body = dechunked(b"".join(self._parts))
            return None if body is None else self._response(body)
        if self._length is None or self._size < self._length:
            return None
        return self._response(b"".join(self._parts))

    def _response(self, body: bytes) -> Response:
        assert self._head is not None
        return Response(int(self._head[9:12]), self._head, body)

    def _tail(self) -> bytes:
        return b"".join(self._parts[-5:])[-5:]

    def _begin(self) -> bool:
        data = b"".join(self._parts)
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return False
        self._head, rest = data[:end], data[end + 4 :]
        self._parts, self._size = [rest], len(rest)
        lower = self._head.lower()
        self._chunked = b"transfer-encoding: chunked" in lower
        mark = lower.find(b"content-length:")
        self._length = int(lower[mark + 15 :].split(b"\r\n", 1)[0]) if mark >= 0 else 0
        return True


def dechunked(data: bytes) -> bytes | None:
    """The body in chunks; None where the last has not come."""
    found: list[bytes] = []
    at = 0
    while (end := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:end].split(b";")[0], 16)
        if not size:
            return b"".join(found)
        if len(data) < end + 2 + size + 2:
            return None
        found.append(data[end + 2 : end + 2 + size])
        at = end + 2 + size + 2
    return None


def connect(port: int, timeout_s: float | None = 600) -> socket.socket:
    """A connection to a server on loopback."""
    connected = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


class Connection:
    """One kept-alive connection that waits for each answer."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = connect(port)

    def send(self, request: bytes) -> Response:
        """Send a request and read the whole answer; once more on a new connection where the server has closed this one."""
        try:
            return self._ask(request)
        except (ConnectionError, EOFError):
            self._socket.close()
            self._socket = connect(self._port)
            return self._ask(request)

    def _ask(self, request: bytes) -> Response:
        self._socket.sendall(request)
        reader = Reader()
        while True:
            data = self._socket.recv(_RECEIVE_BYTES)
            if not data:
                raise EOFError
            if (response := reader.feed(data)) is not None:
                return response

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def get(path: str, port: int) -> bytes:
    """The bytes of a GET; `path` is already percent-encoded."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n\r\n".encode()


def post(path: str, body: bytes, port: int, media_type: str = "application/json") -> bytes:
    """The bytes of a POST."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\nContent-Type: {media_type}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def answers(connection: Connection, requests: Iterable[bytes]) -> list[Response]:
    """The answers to requests that make one question together. Raises `RuntimeError` for any status but 200."""
    found = []
    for request in requests:
        response = connection.send(request)
        if response.status != 200:
            raise RuntimeError(f"status {response.status}: {response.body[:300]!r} for {request[:300]!r}")
        found.append(response)
    return found
