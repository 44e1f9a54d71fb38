"""Values as text."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import orjson
import pytest

from zarr_edr.coverage import Coverage, DomainType, Range, Times
from zarr_edr.dataset.calendars import DAY_US, iso_strings
from zarr_edr.dataset.model import TimeAxis
from zarr_edr.encode import encoder_for
from zarr_edr.encode.tokens import time_tokens, tokens
from zarr_edr.testing.sample_coverages import ONE, coverages


def axis_of(days: int) -> TimeAxis:
    us = np.arange(days, dtype=np.int64)[::-1] * DAY_US
    return TimeAxis("time", us, "standard", iso_strings(us, "standard"))


@pytest.mark.parametrize("index", [[3], [0, 7, 3], [7, 6, 5, 4, 3, 2, 1, 0], []])
def test_times_are_json_strings_in_the_order_asked_for(index: list[int]) -> None:
    axis = axis_of(8)
    written = time_tokens(Times(axis, np.array(index, np.int64)))
    assert [orjson.loads(text) for text in written] == [axis.iso[i] for i in index]


def test_few_times_do_not_write_the_whole_axis() -> None:
    axis = axis_of(100)
    time_tokens(Times(axis, np.arange(24)))
    assert "json" not in vars(axis)
    time_tokens(Times(axis, np.arange(25)))
    assert "json" in vars(axis)


@pytest.mark.parametrize("name", ["CSV", "Records", "CoverageJSON"])
def test_no_answer_keeps_the_axis_of_a_store_that_is_gone(name: str) -> None:
    axis = axis_of(2)
    series = Coverage(
        DomainType.POINT_SERIES,
        {**ONE, "t": Times(axis, np.array([1, 0]))},
        {"v": Range(("t",), np.ones(2, np.float32))},
    )
    assert b"1970-01-02T00:00:00Z" in b"".join(encoder_for(name).encode(coverages(series)))
    kept = weakref.ref(axis)
    del axis, series
    gc.collect()
    assert kept() is None


@pytest.mark.parametrize("null", [b"null", b""])
def test_what_is_masked_is_null_in_rows_too(null: bytes) -> None:
    values = np.ma.masked_array(np.array([[2**53 + 1, 2], [3, 4]]), [[False, True], [False, False]])
    assert tokens(values, null) == [b"[9007199254740993,%b]" % null, b"[3,4]"]
    assert tokens(values[0], null) == [b"9007199254740993", null]
