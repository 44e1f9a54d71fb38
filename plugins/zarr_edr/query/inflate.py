"""Bodies that were compressed (`Content-Encoding`, RFC 9110, 8.4) -> the bytes that were, within a bound.

Inflated piece by piece. Only the start is kept before it is known how much there is: a body that turns out to be too long costs
`_KEPT` bytes of memory, and where it looks as if it were a bomb no more than the time to inflate those.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import brotli

from zarr_edr.errors import InvalidBody, QueryTooLarge, UnsupportedEncoding
from zarr_edr.limits import Limits
from zarr_edr.query.checks import quoted

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_SLICE = 16 * 1024
"""Bytes given to a decompressor at a time: it copies what it does not yet use."""
_PIECE = 256 * 1024
"""Most bytes taken from it at a time."""
_KEPT = 4 * 1024**2
_USUAL = 16
"""Text of coordinates shrinks to a tenth or so; what shrinks more than to this part is counted before it is kept."""
_BOMB = 4
"""A body that, going on as it began, would be this many times over the limit is not read to its end."""
_MAX_MEMBERS = 4096
"""Of gzip, and frames of zstd, in one body. bgzip makes one for each 64 KiB."""
_WINDOW_LOG = 23
"""Memory of zstd, as a power of 2: 8 MiB is what a sender may count on (RFC 9659)."""


class _Decompressor(Protocol):
    """One member or frame of compressed data."""

    def pull(self, data: bytes) -> bytes:
        """The next `_PIECE` bytes or less. `data` is empty unless it was hungry."""

    @property
    def hungry(self) -> bool:
        """Whether it can take more data."""

    @property
    def left(self) -> bytes | None:
        """What follows its end; None before that."""


class _Zlib:
    def __init__(self, window_bits: int) -> None:
        self._object = zlib.decompressobj(window_bits)

    def pull(self, data: bytes) -> bytes:
        return self._object.decompress(data or self._object.unconsumed_tail, _PIECE)

    @property
    def hungry(self) -> bool:
        return not self._object.unconsumed_tail

    @property
    def left(self) -> bytes | None:
        return self._object.unused_data if self._object.eof else None


class _Deflate:
    """`deflate` is the zlib format (RFC 9110, 8.4.1.2), but some clients send it raw: a zlib header tells them apart."""

    def __init__(self) -> None:
        self._of: _Zlib | None = None

    def pull(self, data: bytes) -> bytes:
        if self._of is None:
            is_zlib = data[0] & 0x0F == 8 and len(data) > 1 and int.from_bytes(data[:2]) % 31 == 0
            self._of = _Zlib(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)
        return self._of.pull(data)

    @property
    def hungry(self) -> bool:
        return self._of is None or self._of.hungry

    @property
    def left(self) -> bytes | None:
        return None if self._of is None else self._of.left


class _Brotli:
    def __init__(self) -> None:
        self._object = brotli.Decompressor()
        self._full = False

    def pull(self, data: bytes) -> bytes:
        piece: bytes = self._object.process(data, output_buffer_limit=_PIECE)
        self._full = len(piece) >= _PIECE  # there may be more of it, though all data are taken
        return piece

    @property
    def hungry(self) -> bool:
        return not self._full and bool(self._object.can_accept_more_data())

    @property
    def left(self) -> bytes | None:
        return b"" if self._object.is_finished() else None


class _Zstd:
    def __init__(self) -> None:
        self._object = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG})

    def pull(self, data: bytes) -> bytes:
        return self._object.decompress(data, _PIECE)

    @property
    def hungry(self) -> bool:
        return self._object.needs_input

    @property
    def left(self) -> bytes | None:
        return self._object.unused_data if self._object.eof else None


_DECOMPRESSORS: Mapping[str, Callable[[], _Decompressor]] = {
    "gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _Zstd,
}
ENCODINGS = tuple(_DECOMPRESSORS)
"""Content codings that are read."""
_ALIASES = {"x-gzip": "gzip"}
_ERRORS = (zlib.error, brotli.error, zstd.ZstdError)


def inflate(body: bytes, encoding: str | None, limits: Limits) -> bytes:
    """The body as it was before it was compressed; `encoding` is the header Content-Encoding.

    Raises:
        UnsupportedEncoding: It is compressed in another way than `ENCODINGS`, or in several ways.
        InvalidBody: It is not of that encoding, ends too early, or something follows its end.
        QueryTooLarge: It is over `limits.inflated_bytes` once inflated.
    """
    name = (encoding or "").strip().lower()
    if name in {"", "identity"}:
        return body
    name = _ALIASES.get(name, name)
    if name not in _DECOMPRESSORS:
        several = "one encoding at a time is undone" if "," in name else "that is not undone"
        raise UnsupportedEncoding(
            f"The Content-Encoding is {quoted(name)}; {several}, and those are {', '.join(ENCODINGS)}."
        )
    kept = bytearray()
    total = 0
    for consumed, piece in _pieces(body, name):
        total += len(piece)
        _check(total, consumed, body, limits)
        if total <= max(_KEPT, _USUAL * consumed):
            kept += piece
        else:
            kept.clear()
    return bytes(kept) if len(kept) == total else b"".join(piece for _, piece in _pieces(body, name))


def _check(total: int, consumed: int, body: bytes, limits: Limits) -> None:
    allowed = limits.inflated_bytes
    expected = total * len(body) // max(consumed, 1)
    is_bomb = total >= _KEPT and total > _USUAL * consumed and expected > _BOMB * allowed
    if total > allowed or is_bomb:
        many = f"some {expected:,}" if is_bomb else f"{total:,} or more"
        raise QueryTooLarge(
            f"The body has {many} bytes once it is inflated; {allowed:,} are allowed (limits.inflated_bytes)."
        )


def _pieces(body: bytes, name: str) -> Iterator[tuple[int, bytes]]:
    """What a body inflates to, and how many of its bytes that took."""
    try:
        yield from _inflated(body, name)
    except _ERRORS as error:
        raise InvalidBody(f"The body is not {name}, as Content-Encoding says: {error}.") from error


def _inflated(body: bytes, name: str) -> Iterator[tuple[int, bytes]]:
    at, members = 0, 0
    while at < len(body):
        members += 1
        if members > 1 and name not in ("gzip", "zstd"):
            raise InvalidBody(f"The body goes on at byte {at + 1}, after the end of its {name} stream.")
        if members > _MAX_MEMBERS:
            raise InvalidBody(f"The body has more than {_MAX_MEMBERS:,} {name} members, the last at byte {at + 1}.")
        decompressor = _DECOMPRESSORS[name]()
        for consumed, piece in _member(body, at, decompressor):
            at = consumed
            yield consumed, piece
        if decompressor.left is None:
            raise InvalidBody(
                f"The body ends at byte {len(body)}, before the end of its {name} stream; it was cut off."
            )


def _member(body: bytes, at: int, decompressor: _Decompressor) -> Iterator[tuple[int, bytes]]:
    """What one member inflates to, and the index in the body of what follows."""
    data = b""
    while decompressor.left is None and (at < len(body) or not decompressor.hungry):
        data = body[at : at + _SLICE] if decompressor.hungry else b""
        at += len(data)
        piece = decompressor.pull(data)
        yield at - len(decompressor.left or b""), piece
