"""The thinnest HTTP client that still checks what it gets: raw sockets, kept alive, requests built beforehand."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

_RECEIVE_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Response:
    """Status and body of one answer."""

    status: int
    body: bytes


class Connection:
    """One kept-alive connection to a server on loopback."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = self._connect()

    def _connect(self) -> socket.socket:
        connected = socket.create_connection(("127.0.0.1", self._port), timeout=600)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected

    def send(self, request: bytes) -> Response:
        """Send a request and read the whole answer; once more on a new connection where the server has closed this one."""
        try:
            self._socket.sendall(request)
            return self._read()
        except (ConnectionError, EOFError):
            self._socket.close()
            self._socket = self._connect()
            self._socket.sendall(request)
            return self._read()

    def _read(self) -> Response:
        data = bytearray()
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head = bytes(data[:end]).lower()
        body = data[end + 4 :]
        if b"transfer-encoding: chunked" in head:
            return Response(int(head[9:12]), self._chunks(body))
        mark = head.find(b"content-length:")
        if mark >= 0:
            length = int(head[mark + 15 :].split(b"\r\n", 1)[0])
            while len(body) < length:
                body += self._more()
        return Response(int(head[9:12]), bytes(body))

    def _chunks(self, data: bytearray) -> bytes:
        """The body of a chunked answer (RFC 9112, 7.1), of which `data` has come."""
        found = []
        while True:
            while (end := data.find(b"\r\n")) < 0:
                data += self._more()
            size = int(data[:end], 16)
            while len(data) < end + 2 + size + 2:
                data += self._more()
            if not size:
                return b"".join(found)
            found.append(bytes(memoryview(data)[end + 2 : end + 2 + size]))
            data = data[end + 2 + size + 2 :]

    def _more(self) -> bytes:
        data = self._socket.recv(_RECEIVE_BYTES)
        if not data:
            raise EOFError
        return data

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


def get(path: str, port: int) -> bytes:
    """The bytes of a GET; `path` is already percent-encoded."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n\r\n".encode()


def post(path: str, body: bytes, port: int) -> bytes:
    """The bytes of a POST of JSON."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def latencies_ms(port: int, requests: Iterable[Sequence[bytes]]) -> list[float]:
    """Milliseconds of each item on one connection; an item is one request, or several that make one answer together."""
    connection = Connection(port)
    taken = []
    for item in requests:
        start = time.perf_counter()
        for request in item:
            response = connection.send(request)
            if response.status != 200:
                raise RuntimeError(f"status {response.status}: {response.body[:200]!r} for {request[:200]!r}")
        taken.append((time.perf_counter() - start) * 1e3)
    connection.close()
    return taken


def requests_per_second(port: int, requests: Sequence[Sequence[bytes]], clients: int, seconds: float) -> float:
    """Items answered per second by `clients` processes that each keep one connection busy for `seconds`."""
    with ProcessPoolExecutor(clients, mp_context=get_context("spawn")) as pool:
        list(pool.map(_nothing, range(clients)))
        jobs = [pool.submit(_hammer, port, requests[number::clients], seconds) for number in range(clients)]
        return sum(job.result() for job in jobs)


def _nothing(number: int) -> int:
    """Start a process of the pool before the clock runs."""
    time.sleep(0.2)
    return number


def _hammer(port: int, requests: Sequence[Sequence[bytes]], seconds: float) -> float:
    connection = Connection(port)
    done, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        for request in requests[done % len(requests)]:
            response = connection.send(request)
            if response.status != 200:
                raise RuntimeError(f"status {response.status}: {response.body[:200]!r}")
        done += 1
    connection.close()
    return done / elapsed
