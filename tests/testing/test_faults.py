"""Stores that count and stores that fail do so for whole and for partial reads."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import zarr
from numpy.typing import NDArray
from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import MemoryStore

from zarr_edr.testing.faults import CountingStore, Fault, FaultyStore, Flip, Hold, Missing, Raise, Truncate

VALUES = np.arange(16, dtype="int32").reshape(4, 4)
RANGES = [None, RangeByteRequest(2, 6), OffsetByteRequest(3), SuffixByteRequest(4)]


@pytest.fixture
def memory() -> MemoryStore:
    store = MemoryStore()
    zarr.create_array(store, name="plain", data=VALUES, chunks=(2, 2), compressors=None)
    zarr.create_array(store, name="sharded", data=VALUES, chunks=(2, 2), shards=(4, 4), compressors=None)
    return store


def read(store: FaultyStore | CountingStore, name: str = "plain") -> NDArray[Any]:
    return np.asarray(zarr.open_array(store=store, path=name, mode="r")[...])


def read_bytes(store: FaultyStore, byte_range: ByteRequest | None) -> tuple[bytes, bytes]:
    """The same bytes by both ways to read."""
    prototype = default_buffer_prototype()
    awaited = sync(store.get("plain/c/0/0", prototype, byte_range))
    direct = store.get_sync("plain/c/0/0", prototype=prototype, byte_range=byte_range)
    assert awaited is not None
    assert direct is not None
    return awaited.to_bytes(), direct.to_bytes()


@pytest.mark.parametrize("name", ["plain", "sharded"])
def test_without_faults_a_store_is_what_it_wraps(memory: MemoryStore, name: str) -> None:
    np.testing.assert_array_equal(read(FaultyStore(memory), name), VALUES)


def test_each_chunk_read_is_counted_by_key(memory: MemoryStore) -> None:
    store = CountingStore(memory)
    read(store)
    assert store.counts.chunk_gets == {f"plain/c/{j}/{i}": 1 for j in (0, 1) for i in (0, 1)}


def test_bytes_of_partial_reads_are_those_delivered(memory: MemoryStore) -> None:
    store = CountingStore(memory)
    array = zarr.open_array(store=store, path="sharded", mode="r")
    store.counts.reset()
    assert np.asarray(array[0, 0]) == 0
    assert 0 < store.counts.total_bytes < len(VALUES.tobytes()) + 100


def test_counts_are_shared_with_read_only_copies(memory: MemoryStore) -> None:
    store = CountingStore(memory)
    assert store.with_read_only(read_only=True).counts is store.counts


def test_counting_from_many_threads_loses_nothing(memory: MemoryStore) -> None:
    store = CountingStore(memory)
    threads = [threading.Thread(target=lambda: [store.get_sync("plain/c/0/0") for _ in range(200)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.counts.gets["plain/c/0/0"] == 1600


@pytest.mark.parametrize("error", [ConnectionResetError, PermissionError, TimeoutError])
def test_a_read_raises_the_error_it_is_told(memory: MemoryStore, error: type[Exception]) -> None:
    with pytest.raises(error):
        read(FaultyStore(memory, Fault(r"plain/c/1/0$", Raise(error()))))


def test_other_keys_are_left_alone(memory: MemoryStore) -> None:
    store = FaultyStore(memory, Fault(r"plain/c/1/0$", Raise(TimeoutError())))
    np.testing.assert_array_equal(read(store, "sharded"), VALUES)


def test_a_fault_heals_after_its_times(memory: MemoryStore) -> None:
    store = FaultyStore(memory, Fault(r"plain/c/1/0$", Raise(TimeoutError()), times=1))
    with pytest.raises(TimeoutError):
        read(store)
    np.testing.assert_array_equal(read(store), VALUES)


@pytest.mark.parametrize("byte_range", RANGES, ids=["whole", "range", "offset", "suffix"])
def test_a_flipped_byte_is_flipped_in_any_range(memory: MemoryStore, byte_range: ByteRequest | None) -> None:
    whole = bytearray(VALUES[:2, :2].tobytes())
    whole[5] ^= 0xFF
    parts = {RANGES[1]: whole[2:6], RANGES[2]: whole[3:], RANGES[3]: whole[-4:]}
    expected = bytes(parts.get(byte_range, whole))
    assert read_bytes(FaultyStore(memory, Fault("plain/c", Flip(5))), byte_range) == (expected, expected)


@pytest.mark.parametrize("byte_range", RANGES, ids=["whole", "range", "offset", "suffix"])
def test_a_truncated_object_ends_early_in_any_range(memory: MemoryStore, byte_range: ByteRequest | None) -> None:
    whole = VALUES[:2, :2].tobytes()[:4]
    parts = {RANGES[1]: whole[2:6], RANGES[2]: whole[3:], RANGES[3]: whole[-4:]}
    expected = parts.get(byte_range, whole)
    assert read_bytes(FaultyStore(memory, Fault("plain/c", Truncate(4))), byte_range) == (expected, expected)


def test_a_missing_chunk_is_the_fill_value(memory: MemoryStore) -> None:
    store = FaultyStore(memory, Fault(r"plain/c/1/1$", Missing()))
    np.testing.assert_array_equal(read(store), np.where(np.indices((4, 4)).min(0) < 2, VALUES, 0))


def test_a_missing_key_does_not_exist(memory: MemoryStore) -> None:
    assert not sync(FaultyStore(memory, Fault(r"plain/c/1/1$", Missing())).exists("plain/c/1/1"))


def test_a_held_read_goes_on_when_released(memory: MemoryStore) -> None:
    hold = Hold()
    found: list[NDArray[Any]] = []
    thread = threading.Thread(target=lambda: found.append(read(FaultyStore(memory, Fault(r"plain/c/0/0$", hold)))))
    thread.start()
    assert hold.reached.wait(10)
    assert not found
    hold.release.set()
    thread.join(10)
    np.testing.assert_array_equal(found[0], VALUES)
