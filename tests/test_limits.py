"""A deadline that can be called off is one, and stays one when it moves."""

from __future__ import annotations

import time

import pytest

from zarr_edr.errors import DeadlineExceeded
from zarr_edr.limits import Deadline, StoppableDeadline


class CalledOff(Exception):
    """What the work is stopped with."""


def stop() -> None:
    raise CalledOff


def test_work_that_is_called_off_stops_where_the_time_is_looked_at() -> None:
    with pytest.raises(CalledOff):
        StoppableDeadline(time.monotonic() + 60, 60, stop).check()


def test_work_that_is_not_called_off_still_ends_in_time() -> None:
    with pytest.raises(DeadlineExceeded):
        StoppableDeadline(time.monotonic() - 1, 60, lambda: None).check()


def test_a_deadline_that_moves_can_still_be_called_off() -> None:
    with pytest.raises(CalledOff):
        StoppableDeadline(time.monotonic() + 60, 60, stop).later(5).check()


def test_a_deadline_moves_by_what_it_is_told() -> None:
    assert Deadline(100.0, 30.0).later(7.0) == Deadline(107.0, 30.0)
