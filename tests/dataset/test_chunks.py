"""Chunks are fetched whole and right, or not at all."""

from __future__ import annotations

import pickle
from itertools import product
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec, GzipCodec, TransposeCodec, ZstdCodec
from zarr.codecs.numcodecs import FixedScaleOffset

from zarr_edr.cache import ChunkCache
from zarr_edr.dataset.chunks import ChunkedArray
from zarr_edr.errors import ChunkCorrupt, ChunkMissing, DeadlineExceeded, StoreUnavailable
from zarr_edr.limits import Deadline
from zarr_edr.settings import MissingChunks
from zarr_edr.testing.faults import CountingStore

SHAPE = (23, 10, 7)

LAYOUTS: dict[str, dict[str, Any]] = {
    "v2": {"zarr_format": 2, "chunks": (5, 4, 7)},
    "v2 fortran order": {"zarr_format": 2, "chunks": (5, 4, 7), "order": "F"},
    "v2 raw": {"zarr_format": 2, "chunks": (5, 4, 7), "compressors": None},
    "v3": {"chunks": (5, 4, 7)},
    "v3 raw": {"chunks": (5, 4, 7), "compressors": None},
    "v3 gzip crc": {"chunks": (5, 4, 7), "compressors": [GzipCodec(), Crc32cCodec()]},
    "v3 blosc": {"chunks": (5, 4, 7), "compressors": BloscCodec()},
    "v3 transposed": {"chunks": (5, 4, 7), "filters": [TransposeCodec(order=(2, 0, 1))]},
    "v3 sharded": {"chunks": (5, 2, 7), "shards": (10, 4, 7)},
    "v3 sharded zstd": {"chunks": (5, 2, 7), "shards": (10, 4, 7), "compressors": ZstdCodec()},
}


def written(path: Path, dtype: str = "f4", **layout: Any) -> tuple[ChunkedArray, np.ndarray[Any, Any]]:
    """An array on disk, its last rows left out, and its values."""
    group = zarr.create_group(path, zarr_format=layout.pop("zarr_format", 3), overwrite=True)
    array = group.create_array("v", shape=SHAPE, dtype=dtype, fill_value=-1, **layout)
    values = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(dtype)
    array[:20] = values[:20]
    values[20:] = -1
    return ChunkedArray.open(zarr.open_group(path, mode="r"), "v", missing=MissingChunks.FILL), values


@pytest.mark.parametrize("dtype", ["f4", "<i2", ">i2", "f8"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_chunk_holds_what_zarr_reads(tmp_path: Path, layout: dict[str, Any], dtype: str) -> None:
    array, values = written(tmp_path, dtype, **layout)
    counts = (-(-n // c) for n, c in zip(SHAPE, array.chunks, strict=True))
    for index in product(*map(range, counts)):
        where = tuple(slice(i * c, min((i + 1) * c, n)) for i, c, n in zip(index, array.chunks, SHAPE, strict=True))
        inside = tuple(slice(0, s.stop - s.start) for s in where)
        np.testing.assert_array_equal(array.fetch(index).values[inside], values[where])


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_an_absent_chunk_is_the_fill_value_and_costs_no_chunk_bytes(tmp_path: Path, layout: dict[str, Any]) -> None:
    array, _ = written(tmp_path, **layout)
    last = array.fetch((4, 0, 0))
    assert (last.values == -1).all()
    assert last.values.shape == array.chunks


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_an_absent_chunk_is_a_fault_where_every_chunk_must_be_there(tmp_path: Path, layout: dict[str, Any]) -> None:
    array, _ = written(tmp_path, **layout)
    strict = ChunkedArray(array.array, MissingChunks.ERROR)
    with pytest.raises(ChunkMissing, match=r"4\.0\.0 of 'v'"):
        strict.fetch((4, 0, 0))


def chunk_file(path: Path) -> Path:
    """The file of the first chunk."""
    return next(p for p in (path / "v/c/0/0/0", path / "v/0.0.0") if p.is_file())


@pytest.mark.parametrize(
    "layout", [x for n, x in LAYOUTS.items() if "raw" not in n], ids=[n for n in LAYOUTS if "raw" not in n]
)
def test_a_truncated_chunk_is_an_error_never_nulls(tmp_path: Path, layout: dict[str, Any]) -> None:
    array, _ = written(tmp_path, **layout)
    file = chunk_file(tmp_path)
    whole = file.read_bytes()
    for cut in (1, 4, 9, len(whole) - 3):
        file.write_bytes(whole[:-cut])
        with pytest.raises(ChunkCorrupt):
            array.fetch((0, 0, 0))


@pytest.mark.parametrize("name", ["v2 raw", "v3 raw"])
def test_a_short_uncompressed_chunk_is_an_error(tmp_path: Path, name: str) -> None:
    array, _ = written(tmp_path, **LAYOUTS[name])
    chunk_file(tmp_path).write_bytes(b"\x00" * 12)
    with pytest.raises(ChunkCorrupt):
        array.fetch((0, 0, 0))


@pytest.mark.parametrize("name", ["v3 gzip crc", "v3 sharded"])
def test_a_wrong_checksum_is_an_error(tmp_path: Path, name: str) -> None:
    array, _ = written(tmp_path, **LAYOUTS[name])
    file = chunk_file(tmp_path)
    data = bytearray(file.read_bytes())
    data[-20] ^= 1
    file.write_bytes(data)
    with pytest.raises(ChunkCorrupt):
        array.fetch((0, 0, 0))


@pytest.mark.parametrize("missing", list(MissingChunks))
def test_a_directory_in_place_of_a_chunk_is_a_fault_not_an_absence(tmp_path: Path, missing: MissingChunks) -> None:
    array, _ = written(tmp_path, **LAYOUTS["v3"])
    file = chunk_file(tmp_path)
    file.unlink()
    file.mkdir()
    with pytest.raises(StoreUnavailable):
        ChunkedArray(array.array, missing).fetch((0, 0, 0))


def test_messages_do_not_name_paths_of_the_machine(tmp_path: Path) -> None:
    array, _ = written(tmp_path, **LAYOUTS["v3"])
    chunk_file(tmp_path).write_bytes(b"x")
    with pytest.raises(ChunkCorrupt) as caught:
        array.fetch((0, 0, 0))
    assert str(tmp_path) not in caught.value.message


FILTERED: dict[str, dict[str, Any]] = {
    "v2 blosc after a filter": {
        "zarr_format": 2,
        "chunks": (5, 4, 7),
        "filters": [numcodecs.FixedScaleOffset(offset=0, scale=1, dtype="f4", astype="i2")],
        "compressors": numcodecs.Blosc(),
    },
    "v3 blosc after a filter": {
        "chunks": (5, 4, 7),
        "filters": [FixedScaleOffset(offset=0, scale=1, dtype="<f4", astype="<i2")],
        "compressors": BloscCodec(),
    },
}


@pytest.mark.parametrize("layout", FILTERED.values(), ids=FILTERED)
@pytest.mark.filterwarnings("ignore:Numcodecs codecs are not in the Zarr version 3")
def test_blosc_after_a_filter_is_read_and_its_truncation_found(tmp_path: Path, layout: dict[str, Any]) -> None:
    array, values = written(tmp_path, **layout)
    np.testing.assert_array_equal(array.fetch((0, 0, 0)).values, values[:5, :4])
    whole = chunk_file(tmp_path).read_bytes()
    chunk_file(tmp_path).write_bytes(whole[:-3])
    with pytest.raises(ChunkCorrupt):
        array.fetch((0, 0, 0))


def test_the_index_of_a_shard_is_read_once(tmp_path: Path) -> None:
    written(tmp_path, **LAYOUTS["v3 sharded"])
    store = CountingStore(zarr.storage.LocalStore(tmp_path, read_only=True))
    array = ChunkedArray.open(zarr.open_group(store, mode="r"), "v", missing=MissingChunks.FILL)
    store.counts.reset()
    cache = ChunkCache(10**6)
    for index in ((0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 0)):
        array.fetch(index, None, cache.get)
    assert store.counts.gets["v/c/0/0/0"] == 1 + 4


@pytest.mark.parametrize("missing", list(MissingChunks))
@pytest.mark.parametrize("name", ["v2", "v3", "v3 sharded"])
def test_a_store_that_is_gone_is_no_absent_chunk(tmp_path: Path, name: str, missing: MissingChunks) -> None:
    array, _ = written(tmp_path / "s", **LAYOUTS[name])
    (tmp_path / "s").rename(tmp_path / "moved")
    with pytest.raises(StoreUnavailable):
        ChunkedArray(array.array, missing).fetch((0, 0, 0))


@pytest.mark.parametrize("name", ["v2", "v3 sharded"])
def test_it_reads_the_same_after_pickling(tmp_path: Path, name: str) -> None:
    array, _ = written(tmp_path, **LAYOUTS[name])
    again = pickle.loads(pickle.dumps(array))
    assert again.token == array.token
    np.testing.assert_array_equal(again.fetch((1, 1, 0)).values, array.fetch((1, 1, 0)).values)


def test_nothing_is_read_after_the_deadline(tmp_path: Path) -> None:
    array, _ = written(tmp_path, **LAYOUTS["v3"])
    with pytest.raises(DeadlineExceeded):
        array.fetch((0, 0, 0), Deadline.after(-1.0))


def test_chunks_are_read_only_since_threads_share_them(tmp_path: Path) -> None:
    array, _ = written(tmp_path, **LAYOUTS["v3"])
    with pytest.raises(ValueError, match="read-only"):
        array.fetch((0, 0, 0)).values[0] = 1
