"""An object store that takes its time: GET and HEAD of objects with ranges, as S3 has them, each after a delay.

    python objects_app.py FOLDER PORT DELAY_MS

An object `/bucket/a/b` is the file `a/b` in the folder. `/.log` tells the requests since it was last asked, as a JSON list of
[method, key, range].
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

_MISSING = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>NoSuchKey</Code><Message>There is none.</Message></Error>'
)
_EMPTY = b'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>'


class Objects:
    """Files as objects, and the requests for them."""

    def __init__(self, folder: Path, delay_s: float) -> None:
        self._folder = folder.resolve()
        self._delay_s = delay_s
        self._log: list[tuple[str, str, str]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, one after the other."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = head[0].split(" ")
                headers = {name.lower(): value.strip() for name, _, value in (h.partition(":") for h in head[1:] if h)}
                await reader.readexactly(int(headers.get("content-length", 0)))
                writer.write(await self._answer(method, target, headers))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, method: str, target: str, headers: Mapping[str, str]) -> bytes:
        url = urlsplit(target)
        if url.path == "/.log":
            told, self._log = json.dumps(self._log).encode(), []
            return _response(HTTPStatus.OK, told, {"Content-Type": "application/json"})
        _, _, key = unquote(url.path).lstrip("/").partition("/")
        self._log.append((method, key, headers.get("range", "")))
        await asyncio.sleep(self._delay_s)
        if not key:
            return _response(HTTPStatus.OK, _EMPTY, {"Content-Type": "application/xml"})
        path = (self._folder / key).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            return _response(HTTPStatus.NOT_FOUND, _MISSING, {"Content-Type": "application/xml"}, head=method == "HEAD")
        return _object(path, headers.get("range", ""), head=method == "HEAD")


def _object(path: Path, range_: str, *, head: bool) -> bytes:
    data = path.read_bytes()
    described = {
        "Content-Type": "application/octet-stream",
        "ETag": f'"{path.stat().st_mtime_ns:x}"',
        "Last-Modified": formatdate(path.stat().st_mtime, usegmt=True),
        "Accept-Ranges": "bytes",
    }
    if not range_:
        return _response(HTTPStatus.OK, data, described, head=head)
    first, end = span(range_, len(data))
    described["Content-Range"] = f"bytes {first}-{end - 1}/{len(data)}"
    return _response(HTTPStatus.PARTIAL_CONTENT, data[first:end], described, head=head)


def span(range_: str, size: int) -> tuple[int, int]:
    """First byte of a `Range: bytes=...`, and the one after the last."""
    first, _, last = range_.removeprefix("bytes=").partition("-")
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def _response(status: HTTPStatus, body: bytes, headers: Mapping[str, str], *, head: bool = False) -> bytes:
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + (b"" if head else body)


async def main(folder: str, port: str, delay_ms: str) -> None:
    """Serve until ended."""
    objects = Objects(Path(folder), float(delay_ms) / 1e3)
    server = await asyncio.start_server(objects.serve, "127.0.0.1", int(port), limit=1 << 20)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
