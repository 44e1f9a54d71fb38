"""Compressed bodies come back as they were, within the limit, and a bomb costs next to nothing."""

from __future__ import annotations

import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarr_edr.errors import InvalidBody, QueryTooLarge
from zarr_edr.limits import Limits
from zarr_edr.query.inflate import ENCODINGS, inflate
from zarr_edr.testing.packing import PACK

MIB = 1024**2
LIMITS = Limits()


def raw_deflate(data: bytes) -> bytes:
    """Without the zlib header, as some clients send it."""
    compress = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compress.compress(data) + compress.flush()


EACH = pytest.mark.parametrize("encoding", ENCODINGS)
TEXTS = st.builds(lambda part, times: part * times, st.binary(max_size=40), st.sampled_from([1, 50, 20_000]))


@EACH
@given(TEXTS)
def test_a_body_comes_back_to_the_byte(encoding: str, body: bytes) -> None:
    assert inflate(PACK[encoding](body), encoding, LIMITS) == body


@given(TEXTS)
def test_deflate_may_come_without_a_header(body: bytes) -> None:
    assert inflate(raw_deflate(body), "deflate", LIMITS) == body


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@given(first=TEXTS, second=TEXTS)
def test_members_follow_one_another(encoding: str, first: bytes, second: bytes) -> None:
    pack = PACK[encoding]
    assert inflate(pack(first) + pack(second), encoding, LIMITS) == first + second


@EACH
@given(TEXTS.filter(bool), st.data())
def test_a_part_of_a_body_is_refused(encoding: str, body: bytes, data: st.DataObject) -> None:
    packed = PACK[encoding](body)
    length = data.draw(st.integers(1, len(packed) - 1))
    with pytest.raises(InvalidBody, match=rf"ends at byte {length}, before|not {encoding}"):
        inflate(packed[:length], encoding, LIMITS)


@EACH
@pytest.mark.parametrize("length", [1, 1000, 5 * MIB], ids=["a byte", "little", "more than is kept at first"])
def test_the_limit_is_met_to_the_byte(encoding: str, length: int) -> None:
    packed = PACK[encoding](b"x" * length)
    assert len(inflate(packed, encoding, Limits(inflated_bytes=length))) == length
    with pytest.raises(QueryTooLarge, match=r"limits\.inflated_bytes"):
        inflate(packed, encoding, Limits(inflated_bytes=length - 1))


def bomb(inflated_bytes: int) -> bytes:
    """Zeros, gzipped."""
    compress = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    piece = bytes(16 * MIB)
    return b"".join(compress.compress(piece) for _ in range(inflated_bytes // len(piece))) + compress.flush()


@pytest.mark.parametrize("inflated_bytes", [1024 * MIB, 96 * MIB], ids=["a gibibyte", "a little over the limit"])
def test_a_bomb_takes_little_memory(inflated_bytes: int) -> None:
    packed = bomb(inflated_bytes)
    tracemalloc.start()
    with pytest.raises(QueryTooLarge):
        inflate(packed, "gzip", LIMITS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * MIB


def test_a_bomb_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = bomb(1024 * MIB)
    inflated: list[int] = []
    real = zlib.decompressobj

    class Counting:
        def __init__(self, bits: int) -> None:
            self._of = real(bits)

        def decompress(self, data: bytes, most: int) -> bytes:
            piece = self._of.decompress(data, most)
            inflated.append(len(piece))
            return piece

        def __getattr__(self, name: str) -> object:
            return getattr(self._of, name)

    monkeypatch.setattr("zarr_edr.query.inflate.zlib.decompressobj", Counting)
    with pytest.raises(QueryTooLarge):
        inflate(packed, "gzip", LIMITS)
    assert sum(inflated) < 5 * MIB
