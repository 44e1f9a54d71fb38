"""Chunks are read as far as they are needed, and each once."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numcodecs
import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, ShardingCodec

from zarr_edr.cache import ChunkCache, process_cache
from zarr_edr.dataset import blosc
from zarr_edr.dataset.catalog import forget_shared, shared_collection
from zarr_edr.dataset.model import Collection
from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.engine import Answer, answer
from zarr_edr.errors import ChunkCorrupt, Overloaded
from zarr_edr.query.request import build_query

SHAPE = (200, 40, 30)
BLOSC = BloscCodec(cname="zstd", clevel=5, blocksize=32 * 1024)
VALUES = np.random.default_rng(7).normal(size=SHAPE).astype("f4").round(2)
CHUNK_BYTES = 200 * 20 * 15 * 4

LAYOUTS: dict[str, dict[str, Any]] = {
    "v3": {"chunks": (200, 20, 15), "compressors": BLOSC},
    "v2": {
        "zarr_format": 2,
        "chunks": (200, 20, 15),
        "compressors": numcodecs.Blosc(cname="zstd", blocksize=32 * 1024),
    },
    "big-endian": {"chunks": (200, 20, 15), "compressors": BLOSC, "serializer": zarr.codecs.BytesCodec(endian="big")},
    "sharded": {"chunks": (200, 20, 15), "shards": (200, 40, 30), "compressors": BLOSC},
}


def stored(path: Path, values: np.ndarray[Any, Any] = VALUES, **layout: Any) -> Collection:
    """A collection of one variable."""
    group = zarr.create_group(path, zarr_format=layout.pop("zarr_format", 3), overwrite=True)
    v2 = group.metadata.zarr_format == 2
    dims = ("time", "lat", "lon")

    def named(names: tuple[str, ...], **attributes: Any) -> dict[str, Any]:
        return {"attributes": {**attributes, "_ARRAY_DIMENSIONS": list(names)}} if v2 else {
            "attributes": attributes, "dimension_names": names
        }  # fmt: skip

    array = group.create_array("v", shape=SHAPE, dtype="f4", fill_value=-1, **layout, **named(dims))
    array[:] = values
    units = ("hours since 2000-01-01", "degrees_north", "degrees_east")
    for name, size, unit in zip(dims, SHAPE, units, strict=True):
        group.create_array(name, shape=(size,), dtype="f8", **named((name,), units=unit))[:] = np.arange(size)
    forget_shared()
    process_cache().clear()
    return shared_collection({"type": "edr", "name": "zarr_edr.ZarrEDRProvider", "data": str(path)})


def asked(collection: Collection, coords: str, **parameters: str) -> tuple[np.ndarray[Any, Any], Answer]:
    """The values of a position query, and the answer."""
    query = build_query("position", {"coords": coords, **parameters}, collection)
    found = answer(query, collection, CovJsonEncoder())
    values = json.loads(found.whole() or b"")["ranges"]["v"]["values"]
    return np.array(values, "f4"), found


WHEN = {"datetime": "2000-01-05T04:00:00Z"}
HOUR = 100


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
class TestPart:
    def test_one_time_of_a_long_chunk_is_read_from_a_part_of_it(self, tmp_path: Path, layout: dict[str, Any]) -> None:
        collection = stored(tmp_path, **layout)
        values, found = asked(collection, "MULTIPOINT((3 4),(14 19),(3 4),(29 39))", **WHEN)
        np.testing.assert_array_equal(values, VALUES[HOUR, [4, 19, 4, 39], [3, 14, 3, 29]])
        assert found.stats.chunks_fetched == found.stats.chunks == 2
        assert 0 < found.stats.bytes_read < CHUNK_BYTES / 2

    def test_a_window_of_times_is_read_from_a_part_of_it(self, tmp_path: Path, layout: dict[str, Any]) -> None:
        collection = stored(tmp_path, **layout)
        values, found = asked(collection, "POINT(5 6)", datetime="2000-01-01T00:00:00Z/2000-01-01T09:00:00Z")
        np.testing.assert_array_equal(values, VALUES[:10, 6, 5])
        assert 0 < found.stats.bytes_read < CHUNK_BYTES / 2

    def test_a_chunk_that_is_asked_for_again_is_read_whole_and_held(
        self, tmp_path: Path, layout: dict[str, Any]
    ) -> None:
        collection = stored(tmp_path, **layout)
        fetched = [asked(collection, "POINT(5 6)", **WHEN)[1].stats for _ in range(3)]
        assert [stats.chunks_fetched for stats in fetched] == [1, 1, 0]
        assert fetched[0].bytes_read < fetched[1].bytes_read

    def test_a_whole_series_reads_the_whole_chunk_once(self, tmp_path: Path, layout: dict[str, Any]) -> None:
        collection = stored(tmp_path, **layout)
        first, again = (asked(collection, "POINT(5 6)") for _ in range(2))
        np.testing.assert_array_equal(first[0], VALUES[:, 6, 5])
        assert (first[1].stats.chunks_fetched, again[1].stats.chunks_fetched) == (1, 0)


@pytest.fixture(scope="module")
def long_chunks(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    return stored(tmp_path_factory.mktemp("long"), **LAYOUTS["v3"])


@given(st.lists(st.tuples(st.integers(0, 29), st.integers(0, 39)), min_size=1, max_size=40), st.data())
def test_any_points_and_times_are_those_of_the_array(
    long_chunks: Collection, cells: list[tuple[int, int]], data: st.DataObject
) -> None:
    process_cache().clear()
    first = data.draw(st.integers(0, 199))
    last = data.draw(st.integers(first, 199))
    when = "/".join(f"{np.datetime64('2000-01-01T00:00:00') + np.timedelta64(hour, 'h')}Z" for hour in (first, last))
    points = ",".join(f"({x} {y})" for x, y in cells)
    values, _ = asked(long_chunks, f"MULTIPOINT({points})", datetime=when)
    x, y = np.array(cells).T
    np.testing.assert_array_equal(values, VALUES[first : last + 1][:, y, x].ravel())


CORNERS = "MULTIPOINT((0 0),(29 0),(0 39),(29 39))"
"""A point in each of four chunks."""


@pytest.mark.parametrize(("together_bytes", "frames"), [(1, 4), (64 * 1024, 2), (10**9, 1)])
def test_points_of_several_chunks_are_those_of_the_array_however_many_decode_together(
    tmp_path: Path, together_bytes: int, frames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = stored(tmp_path, **LAYOUTS["v3"])
    decompress = Mock(wraps=numcodecs.blosc.decompress)
    monkeypatch.setattr("zarr_edr.take._TOGETHER_BYTES", together_bytes)
    monkeypatch.setattr("zarr_edr.dataset.chunk_parts.numcodecs.blosc.decompress", decompress)
    values, found = asked(collection, CORNERS, **WHEN)
    np.testing.assert_array_equal(values, VALUES[HOUR, [0, 0, 39, 39], [0, 29, 0, 29]])
    assert found.stats.bytes_read < 4 * CHUNK_BYTES / 2
    assert decompress.call_count == frames


def test_chunks_that_were_written_in_different_ways_are_read_together(tmp_path: Path) -> None:
    collection = stored(tmp_path, **LAYOUTS["v3"])
    ways = {(0, 1): ("zstd", 5, 0, 32768), (1, 0): ("zstd", 0, 1, 32768), (1, 1): ("zstd", 5, 2, 16384)}
    for (y, x), (name, *how) in ways.items():
        chunk = np.ascontiguousarray(VALUES[:, 20 * y : 20 * y + 20, 15 * x : 15 * x + 15])
        (tmp_path / f"v/c/0/{y}/{x}").write_bytes(numcodecs.blosc.compress(chunk, name.encode(), *how))
    values, found = asked(collection, CORNERS, **WHEN)
    np.testing.assert_array_equal(values, VALUES[HOUR, [0, 0, 39, 39], [0, 29, 0, 29]])
    assert found.stats.bytes_read < 4 * CHUNK_BYTES / 2


def test_of_chunks_that_decode_together_the_damaged_one_is_named(tmp_path: Path) -> None:
    collection = stored(tmp_path, **LAYOUTS["v3"])
    file = tmp_path / "v/c/0/1/0"
    data = bytearray(file.read_bytes())
    head = 16 + 4 * -(-CHUNK_BYTES // (32 * 1024))
    data[head:] = b"\xff" * (len(data) - head)
    file.write_bytes(data)
    with pytest.raises(ChunkCorrupt, match=r"Chunk 0\.1\.0 of 'v'"):
        asked(collection, CORNERS, **WHEN)


@pytest.mark.parametrize("most", [1, 0])
def test_where_there_is_no_memory_for_a_frame_of_several_each_is_decoded_alone_and_else_it_is_said(
    tmp_path: Path, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection, head_of = stored(tmp_path, **LAYOUTS["v3"]), blosc.head_of

    def head(parts: Sequence[blosc.Blocks]) -> bytes:
        if len(parts) > most:
            raise MemoryError
        return head_of(parts)

    monkeypatch.setattr(blosc, "head_of", head)
    if not most:
        with pytest.raises(Overloaded, match="no memory left"):
            asked(collection, CORNERS, **WHEN)
        return
    values, _ = asked(collection, CORNERS, **WHEN)
    np.testing.assert_array_equal(values, VALUES[HOUR, [0, 0, 39, 39], [0, 29, 0, 29]])


def test_nothing_is_read_ahead_of_a_part_but_of_a_whole_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collection, advised = stored(tmp_path, **LAYOUTS["v3"]), Mock(wraps=os.posix_fadvise)
    monkeypatch.setattr("zarr_edr.dataset.objects.os.posix_fadvise", advised)
    asked(collection, "POINT(5 6)", **WHEN)
    assert [call.args[1:] for call in advised.call_args_list] == [(0, 0, os.POSIX_FADV_RANDOM)]
    asked(collection, "POINT(5 6)")
    assert advised.call_count == 1


def test_an_absent_chunk_is_the_fill_value_for_a_part_too(tmp_path: Path) -> None:
    values = np.full(SHAPE, -1, "f4")
    values[:, :20] = VALUES[:, :20]
    collection = stored(tmp_path, values, **LAYOUTS["v3"])
    found, _ = asked(collection, "MULTIPOINT((5 6),(5 30))", **WHEN)
    np.testing.assert_array_equal(found, [VALUES[HOUR, 6, 5], -1])


def test_a_scan_of_chunks_that_have_one_block_leaves_what_was_asked_for_twice(tmp_path: Path) -> None:
    collection = stored(tmp_path, chunks=(20, 40, 30), compressors=BloscCodec(cname="zstd", clevel=5))
    chunk_bytes = 20 * 40 * 30 * 4
    cache = ChunkCache(3 * chunk_bytes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zarr_edr.take.process_cache", lambda: cache)
        for hour in (0, 0, *range(20, 200, 20)):
            when = str(np.datetime64("2000-01-01T00:00:00") + np.timedelta64(hour, "h"))
            asked(collection, "POINT(5 6)", datetime=f"{when}Z")
        assert asked(collection, "POINT(5 6)", datetime="2000-01-01T00:00:00Z")[1].stats.chunks_fetched == 0


def test_chunks_of_one_block_are_no_longer_looked_at_for_parts(tmp_path: Path) -> None:
    collection = stored(tmp_path, chunks=(20, 40, 30), compressors=BloscCodec(cname="zstd", clevel=5))
    array = collection.parameters["v"].array
    assert array.decodes_parts
    asked(collection, "POINT(5 6)", **WHEN)
    assert not array.decodes_parts


@pytest.mark.parametrize("offset", [10**9, 2**63, 2**64 - 2])
def test_a_shard_whose_index_is_damaged_is_an_error_of_the_data(tmp_path: Path, offset: int) -> None:
    sharding = ShardingCodec(chunk_shape=(200, 20, 15), codecs=[BytesCodec()], index_codecs=[BytesCodec()])
    collection = stored(tmp_path, chunks=(200, 40, 30), serializer=sharding, compressors=None)
    shard = next(p for p in (tmp_path / "v/c").rglob("*") if p.is_file())
    data = bytearray(shard.read_bytes())
    data[-4 * 16 : -4 * 16 + 8] = offset.to_bytes(8, "little")
    shard.write_bytes(data)
    with pytest.raises(ChunkCorrupt):
        asked(collection, "POINT(5 6)", **WHEN)


def test_a_chunk_with_a_checksum_is_read_whole(tmp_path: Path) -> None:
    collection = stored(tmp_path, chunks=(200, 20, 15), compressors=[BLOSC, Crc32cCodec()])
    file = next(p for p in (tmp_path / "v/c").rglob("*") if p.is_file())
    assert asked(collection, "POINT(5 6)", **WHEN)[1].stats.bytes_read >= file.stat().st_size - 4
