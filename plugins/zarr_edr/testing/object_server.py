"""A small object store over HTTP, for tests and benchmarks: reads of S3 (and of plain HTTP) with latency, counts and faults.

Objects are the files of a folder; its sub-folders are the buckets. `python -m zarr_edr.testing.object_server FOLDER` serves one.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

_HOLD_S = 20.0
"""A test that holds answers for requests that never come fails; it does not hang."""
_METADATA = re.compile(r"(^|/)(zarr\.json|\.zarray|\.zgroup|\.zattrs|\.zmetadata)$")
_REASONS = {200: "OK", 206: "Partial Content", 403: "Forbidden", 404: "Not Found", 416: "Range Not Satisfiable"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that came."""

    method: str
    key: str
    """With the bucket before it."""
    range: str | None
    """Of the header, e.g. `bytes=0-99`."""


@dataclass
class Traffic:
    """What was asked for. Safe to use from many threads."""

    seen: list[Seen] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def begin(self, request: Seen) -> None:
        """Note a request."""
        with self._lock:
            self.seen.append(request)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def end(self) -> None:
        """Note that a request was answered."""
        with self._lock:
            self.in_flight -= 1

    def reset(self) -> None:
        """Start again from nothing."""
        with self._lock:
            self.seen.clear()
            self.most_in_flight = self.in_flight

    @property
    def chunk_gets(self) -> Counter[str]:
        """GETs by key, without metadata documents."""
        with self._lock:
            return Counter(s.key for s in self.seen if s.method == "GET" and not _METADATA.search(s.key))

    @property
    def others(self) -> list[Seen]:
        """All other requests: HEADs, listings, and metadata documents."""
        with self._lock:
            return [s for s in self.seen if s.method != "GET" or _METADATA.search(s.key) or "?" in s.key]


class ObjectServer:
    """Serves a folder on a free port of 127.0.0.1, in a thread of its own, while its context is entered."""

    def __init__(self, root: Path, *, latency_s: float = 0.0, port: int = 0) -> None:
        self.root, self.latency_s, self.port = root, latency_s, port
        self.traffic = Traffic()
        self.status_of: Callable[[str], int | None] = lambda key: None
        """Status to answer a key with in place of its bytes; None: as it is."""
        self.hold_until = 0
        """Chunks are answered when this many requests are in flight."""
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="object-server", daemon=True)
        self._all_here: asyncio.Event | None = None
        self._listener: socket.socket | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def release(self) -> None:
        """Answer what is held, and hold nothing more."""
        self.hold_until = 0
        if (event := self._all_here) is not None:
            self._loop.call_soon_threadsafe(event.set)

    async def _start(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=1024)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._loop.add_reader(self._listener, self._let_in)

    async def _stop(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
        connections = list(self._connections)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    def _let_in(self) -> None:
        """Not asyncio's server, which leaves those open that come while it closes (Python 3.12)."""
        if self._listener is None:
            return
        try:
            client, _ = self._listener.accept()
        except OSError:  # who came has gone
            return
        client.setblocking(False)
        connection = self._loop.create_task(self._connect(client))
        self._connections.add(connection)
        connection.add_done_callback(partial(self._end, client))

    def _end(self, client: socket.socket, connection: asyncio.Task[None]) -> None:
        self._connections.discard(connection)
        client.close()

    async def _connect(self, client: socket.socket) -> None:
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await self._loop.connect_accepted_socket(lambda: protocol, client)
        await self._serve(reader, asyncio.StreamWriter(transport, protocol, reader, self._loop))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:])}
                method, target, _ = head[0].split(" ", 2)
                await self._answer(method, target, headers.get("range"), writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client went, or the server stops
        finally:
            writer.transport.abort()  # not `close`, which would wait for a client that does not read

    async def _answer(self, method: str, target: str, wanted: str | None, writer: asyncio.StreamWriter) -> None:
        url = urlsplit(target)
        key = unquote(url.path).strip("/")
        query = parse_qs(url.query)
        self.traffic.begin(Seen(method, f"{key}?list" if "list-type" in query else key, wanted))
        try:
            await self._wait(key)
            status, body, extra = self._content(key, query, wanted)
        finally:
            self.traffic.end()
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}", f"Content-Length: {len(body)}", *extra]
        lines += ["Last-Modified: Wed, 25 Nov 2026 12:00:00 GMT", 'ETag: "one"', "", ""]
        writer.write("\r\n".join(lines).encode() + (b"" if method == "HEAD" else body))
        await writer.drain()

    async def _wait(self, key: str) -> None:
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        if not self.hold_until or _METADATA.search(key):
            return
        if self._all_here is None:
            self._all_here = asyncio.Event()
        if self.traffic.in_flight >= self.hold_until:
            self._all_here.set()
        await asyncio.wait_for(self._all_here.wait(), _HOLD_S)

    def _content(self, key: str, query: dict[str, list[str]], wanted: str | None) -> tuple[int, bytes, list[str]]:
        """Status, body and further header lines."""
        if (status := self.status_of(key)) is not None:
            return status, b"<Error><Code>Told</Code></Error>", []
        if "list-type" in query:
            return 200, self._listing(key, query).encode(), ["Content-Type: application/xml"]
        path = self.root / key
        if ".." in path.parts or not path.is_file():
            return 404, b"<Error><Code>NoSuchKey</Code></Error>", ["Content-Type: application/xml"]
        data = path.read_bytes()
        if wanted is None:
            return 200, data, ["Accept-Ranges: bytes"]
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start = int(first) if first else max(0, len(data) - int(last))
        stop = min(len(data), int(last) + 1) if first and last else len(data)
        if start >= stop:
            return 416, b"", [f"Content-Range: bytes */{len(data)}"]
        return 206, data[start:stop], [f"Content-Range: bytes {start}-{stop - 1}/{len(data)}"]

    def _listing(self, bucket: str, query: dict[str, list[str]]) -> str:
        """ListObjectsV2, in one page."""
        prefix, delimiter = query.get("prefix", [""])[0], query.get("delimiter", [""])[0]
        files = (p for p in (self.root / bucket).rglob("*") if p.is_file())
        keys = sorted(str(p.relative_to(self.root / bucket)) for p in files)
        keys = [key for key in keys if key.startswith(prefix)]
        inner = {key for key in keys if delimiter and delimiter in key[len(prefix) :]}
        folders = sorted({prefix + key[len(prefix) :].split(delimiter)[0] + delimiter for key in inner})
        entries = [
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-11-25T12:00:00.000Z</LastModified>"
            f"<ETag>one</ETag><Size>{(self.root / bucket / key).stat().st_size}</Size></Contents>"
            for key in keys
            if key not in inner
        ]
        entries += [f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>" for folder in folders]
        return (
            f'<?xml version="1.0"?><ListBucketResult><Name>{bucket}</Name><IsTruncated>false</IsTruncated>'
            f"<KeyCount>{len(entries)}</KeyCount>{''.join(entries)}</ListBucketResult>"
        )


def main() -> None:
    """Serve a folder until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    given = parser.parse_args()
    with ObjectServer(given.folder, latency_s=given.latency_ms / 1000, port=given.port) as server:
        print(f"Serving {given.folder} at {server.url}", flush=True)
        Thread.join(server._thread)


if __name__ == "__main__":
    main()
