"""Connections go to the worker that has fewest."""

from __future__ import annotations

import math
import multiprocessing
import time

import pytest

from zarr_edr.web.shares import Shares


def test_a_worker_sees_the_least_of_the_others() -> None:
    told = Shares()
    for worker, connections in ((1, 5), (2, 3), (3, 9)):
        told.tell(worker, connections)
    assert [told.least(worker) for worker in (1, 2, 3)] == [3, 5, 3]


def test_a_worker_alone_sees_nobody() -> None:
    told = Shares()
    told.tell(1, 5)
    assert told.least(1) == math.inf


def test_a_worker_that_is_not_heard_of_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Shares()
    told.tell(1, 0)
    later = time.monotonic() + 10
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert told.least(2) == math.inf


def test_a_fork_sees_what_others_tell() -> None:
    told = Shares()
    context = multiprocessing.get_context("fork")
    child = context.Process(target=told.tell, args=(2, 4))
    child.start()
    child.join(20)
    assert told.least(1) == 4
