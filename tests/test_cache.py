"""The cache of decoded chunks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event

import numpy as np
import pytest

from zarr_edr.cache import ChunkCache, allow_bytes, process_cache
from zarr_edr.dataset.chunks import Fetched
from zarr_edr.errors import DeadlineExceeded, StoreUnavailable
from zarr_edr.limits import Deadline


def fetched(megabytes: int = 1) -> Fetched:
    return Fetched(np.zeros(megabytes * 1024**2, np.uint8), 100)


def unavailable() -> Fetched:
    raise StoreUnavailable("gone")


def unavailable_or_held() -> Fetched:
    return Fetched(np.zeros(1), 0)


def test_a_chunk_held_is_not_fetched_again() -> None:
    cache = ChunkCache(10 * 1024**2)
    first = cache.get("a", fetched)
    again = cache.get("a", unavailable)
    assert again.values is first.values
    assert (first.fresh, again.fresh, again.bytes_read) == (True, False, 0)


def test_the_least_recently_used_chunk_leaves_first() -> None:
    cache = ChunkCache(2 * 1024**2 + 4096)
    for key in ("a", "b", "a", "c"):
        cache.get(key, fetched)
    assert not cache.get("a", fetched).fresh
    assert cache.get("b", fetched).fresh


def test_bytes_held_never_exceed_the_bound() -> None:
    cache = ChunkCache(5 * 1024**2)
    for number in range(20):
        cache.get(number, partial(fetched, number % 4 + 1))
        assert cache.bytes <= cache.max_bytes


def test_a_chunk_over_the_bound_is_answered_but_not_kept() -> None:
    cache = ChunkCache(1024)
    assert cache.get("a", fetched).values.size == 1024**2
    assert cache.bytes == 0


def test_absent_chunks_take_little_room_but_not_none() -> None:
    cache = ChunkCache(1024**2)
    for number in range(10_000):
        cache.get(number, lambda: Fetched(np.broadcast_to(np.float32(0), (1000, 1000)), 0))
    held = sum(not cache.get(number, unavailable_or_held).fresh for number in range(9_000, 10_000))
    assert held == 1_000
    assert cache.bytes > 1024**2 / 2


def test_threads_that_want_the_same_chunk_wait_for_one_fetch() -> None:
    cache, started, go = ChunkCache(10 * 1024**2), Event(), Event()
    calls: list[int] = []

    def slow() -> Fetched:
        calls.append(1)
        started.set()
        go.wait()
        return fetched()

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(cache.get, "a", slow)
        started.wait()
        others = [pool.submit(cache.get, "a", slow) for _ in range(3)]
        go.set()
        assert all(f.result().values is first.result().values for f in others)
    assert len(calls) == 1


def test_a_failed_fetch_fails_for_its_own_caller_only() -> None:
    cache = ChunkCache(10 * 1024**2)
    with pytest.raises(StoreUnavailable):
        cache.get("a", unavailable)
    assert cache.get("a", fetched).fresh


def test_who_waits_for_anothers_fetch_gives_up_at_the_deadline() -> None:
    cache, started, go = ChunkCache(10 * 1024**2), Event(), Event()

    def slow() -> Fetched:
        started.set()
        go.wait()
        return fetched()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(cache.get, "a", slow)
        started.wait()
        with pytest.raises(DeadlineExceeded):
            cache.get("a", slow, Deadline.after(0.0))
        go.set()


def test_the_process_holds_what_the_most_generous_collection_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zarr_edr.cache._wanted_bytes", set())
    before = process_cache().max_bytes
    allow_bytes(1000)
    allow_bytes(500)
    assert process_cache().max_bytes == 1000
    process_cache().max_bytes = before


MIB = 1024**2


def test_a_scan_leaves_what_was_asked_for_twice() -> None:
    cache = ChunkCache(10 * MIB)
    for key in ("a", "b", "a", "b"):
        cache.get(key, fetched)
    for number in range(100):
        cache.get(number, fetched)
    assert not cache.get("a", unavailable).fresh
    assert not cache.get("b", unavailable).fresh


def test_what_nobody_asks_for_any_more_makes_room_in_the_end() -> None:
    cache = ChunkCache(10 * MIB)
    for number in [*range(8), *range(8)]:
        cache.get(number, fetched)
    for number in [*range(100, 108), *range(100, 108)] * 3:
        cache.get(number, fetched)
    assert all(not cache.get(number, unavailable).fresh for number in range(100, 107))
    assert cache.bytes <= cache.max_bytes


def test_a_part_will_do_once() -> None:
    cache = ChunkCache(10 * MIB)
    assert cache.part_will_do("a")
    cache.part_was_read("a", MIB)
    assert not cache.part_will_do("a")


def test_a_part_will_do_again_after_as_many_others_as_fit() -> None:
    cache = ChunkCache(10 * MIB)
    for key in ("a", *range(10)):
        cache.part_was_read(key, MIB)
    assert cache.part_will_do("a")


def test_a_part_will_not_do_where_the_whole_is_held() -> None:
    cache = ChunkCache(10 * MIB)
    cache.get("a", fetched)
    assert not cache.part_will_do("a")
