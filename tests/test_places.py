"""Few threads compute, and none that waits keeps another from computing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError, Event, Semaphore

import pytest

from zarr_edr.places import WAITING, place, placed


def test_no_more_threads_compute_than_there_are_places() -> None:
    places, together = Semaphore(2), Barrier(3)

    def compute(number: int) -> bool:
        with place(places):
            try:
                together.wait(0.2)
            except BrokenBarrierError:
                return False
            return True

    with ThreadPoolExecutor(3) as pool:
        assert not any(pool.map(compute, range(3)))


def test_threads_that_wait_leave_their_places_to_others() -> None:
    places, together = Semaphore(1), Barrier(4)

    def wait(number: int) -> None:
        with place(places), WAITING:
            together.wait(10)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(wait, range(4)))
    assert not together.broken


def test_a_thread_may_wait_for_one_that_needs_its_place() -> None:
    places, done, waits = Semaphore(1), Event(), Event()

    def first() -> bool:
        with place(places):
            waits.set()
            with WAITING:
                return done.wait(10)

    def second() -> None:
        waits.wait(10)
        with place(places):
            done.set()

    with ThreadPoolExecutor(2) as pool:
        found = pool.submit(first)
        pool.submit(second)
        assert found.result()


def test_a_place_is_given_back_when_computing_fails() -> None:
    places = Semaphore(1)
    with pytest.raises(ValueError, match="wrong"), place(places):
        raise ValueError("wrong")
    assert places.acquire(blocking=False)
    assert not placed()


def test_who_has_no_place_waits_without_one() -> None:
    with WAITING:
        assert not placed()
