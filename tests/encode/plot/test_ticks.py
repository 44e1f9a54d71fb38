"""Ticks of time axes."""

from __future__ import annotations

import cftime
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarr_edr.dataset.calendars import DAY_US, iso_strings
from zarr_edr.encode.plot.ticks import time_ticks

CALENDARS = ("standard", "proleptic_gregorian", "julian", "noleap", "all_leap", "360_day")
SPANS_US = [10**3, 10**6, 90 * 10**6, 3 * 3600 * 10**6, *(n * DAY_US for n in (1, 9, 40, 300, 2_000, 90_000, 10**7))]


def dates(us: list[int], calendar: str) -> list[cftime.datetime]:
    """The same instants by cftime."""
    return list(cftime.num2date(us, "microseconds since 1970-01-01", calendar, only_use_cftime_datetimes=True))


@given(st.integers(-(10**17), 10**17), st.integers(0, 10**17), st.sampled_from(CALENDARS), st.integers(2, 12))
def test_ticks_are_few_ascending_and_within_the_axis(first: int, span: int, calendar: str, most: int) -> None:
    at, labels = time_ticks(first, first + span, calendar, most)
    assert 1 <= len(at) == len(labels) <= max(most, 2) + 1
    assert at == sorted(set(at))
    assert first <= at[0] <= at[-1] <= first + span


@pytest.mark.parametrize("span", SPANS_US)
@pytest.mark.parametrize("calendar", CALENDARS)
def test_labels_name_the_dates_that_cftime_finds(calendar: str, span: int) -> None:
    first = 40 * 365 * DAY_US + 12_345_678
    at, labels = time_ticks(first, first + span, calendar, 8)
    context = ""
    for date, label in zip(dates(at, calendar), labels, strict=True):
        text, _, changed = label.partition("\n")
        context = changed or context
        said = {
            f"{date.year:04d}",
            f"{date.strftime('%b')} {date.year:04d}",
            f"{date.day} {date.strftime('%b')} {date.year:04d}",
        }
        clock = f"{date.hour:02d}:{date.minute:02d}"
        assert context in said or (not context and text in said)
        assert text.startswith(clock) or text in {str(date.day), date.strftime("%b"), f"{date.year:04d}"}


@pytest.mark.parametrize(("span", "unit"), [(3 * DAY_US, "hour"), (300 * DAY_US, "day"), (4000 * DAY_US, "month")])
def test_ticks_of_a_360_day_calendar_stand_at_the_start_of_a_unit(span: int, unit: str) -> None:
    at, _ = time_ticks(10**15 + 77, 10**15 + 77 + span, "360_day", 8)
    smaller = {"hour": ("minute",), "day": ("minute", "hour"), "month": ("minute", "hour")}[unit]
    assert all(getattr(date, name) == 0 for date in dates(at, "360_day") for name in smaller)
    assert unit != "month" or all(date.day == 1 for date in dates(at, "360_day"))


def test_one_instant_is_told_whole() -> None:
    assert time_ticks(0, 0, "standard", 8) == ([0], ["00:00\n1 Jan 1970"])


def test_a_second_line_stands_where_the_day_changes_alone() -> None:
    _, labels = time_ticks(0, DAY_US, "standard", 6)
    assert labels == ["00:00\n1 Jan 1970", "06:00", "12:00", "18:00", "00:00\n2 Jan 1970"]


def test_the_year_zero_of_climatologies_has_four_digits() -> None:
    first = dates_us("0000-01-16")
    _, labels = time_ticks(first, first + 330 * DAY_US, "proleptic_gregorian", 8)
    assert labels[0].endswith("\n0000")


def dates_us(day: str) -> int:
    """Microseconds since 1970 of a day."""
    us = int(np.datetime64(day, "us").astype(np.int64))
    assert iso_strings(np.array([us]), "proleptic_gregorian")[0].startswith(day)
    return us
