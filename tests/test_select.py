"""What a selector takes of an axis, against loops over all values in plain Python."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarr_edr.dataset.calendars import decode, iso_strings, normalise
from zarr_edr.dataset.model import CustomAxis, TimeAxis, Unit, VerticalAxis
from zarr_edr.errors import InvalidDatetime, InvalidQuery, QueryTooLarge
from zarr_edr.query.model import (
    Instant,
    Level,
    LevelInterval,
    Moment,
    Precision,
    TimeInterval,
    TimeSelector,
    VerticalSelector,
)
from zarr_edr.query.temporal import parse_datetime
from zarr_edr.select import nearest_levels, select_custom, select_levels, select_times
from zarr_edr.settings import DatetimeMatch

EXACT, NEAREST = DatetimeMatch.EXACT, DatetimeMatch.NEAREST
HOUR_US = 3_600_000_000
BASE = "2000-02-20"


def time_axis(hours: list[int] | range, calendar: str = "standard") -> TimeAxis:
    us, _ = decode(np.array(hours, np.int64), f"hours since {BASE}", calendar)
    return TimeAxis("time", us, normalise(calendar), iso_strings(us, calendar))


def taken(text: str | None, axis: TimeAxis, match: DatetimeMatch = EXACT) -> list[str]:
    index = select_times(None if text is None else parse_datetime(text), axis, match)
    return [axis.iso[i] for i in index]


def moment(hour: int, precision: Precision = Precision.SECOND) -> Moment:
    """`hour` hours after `BASE`, up to 28 February."""
    return Moment(2000, 2, 20 + hour // 24, hour % 24, precision=precision)


hours = st.lists(st.integers(0, 200), min_size=1, max_size=12, unique=True)
hour_of_query = st.integers(0, 24 * 9 - 1)


class TestTimes:
    @given(st.lists(st.integers(0, 200), min_size=1, max_size=12))
    def test_none_takes_all_in_chronological_order(self, stored: list[int]) -> None:
        assert taken(None, time_axis(stored)) == sorted(time_axis(stored).iso)

    @given(hours, hour_of_query)
    def test_an_instant_takes_the_time_equal_to_it(self, stored: list[int], hour: int) -> None:
        index = select_times((Instant(moment(hour)),), time_axis(stored), EXACT)
        assert index.tolist() == [i for i, h in enumerate(stored) if h == hour]

    @given(hours, hour_of_query)
    def test_a_date_takes_its_whole_day(self, stored: list[int], hour: int) -> None:
        index = select_times((Instant(moment(hour // 24 * 24, Precision.DAY)),), time_axis(stored), NEAREST)
        assert index.tolist() == sorted(
            (i for i, h in enumerate(stored) if h // 24 == hour // 24), key=lambda i: stored[i]
        )

    @given(hours, hour_of_query)
    def test_nearest_takes_the_nearest_within_half_a_step_of_the_ends(self, stored: list[int], hour: int) -> None:
        index = select_times((Instant(moment(hour)),), time_axis(stored), NEAREST)
        assert index.tolist() == nearest_hour(stored, hour)

    @given(
        hours,
        st.one_of(st.none(), hour_of_query),
        st.one_of(st.none(), hour_of_query),
        st.sampled_from([EXACT, NEAREST]),
    )
    def test_an_interval_takes_all_times_within_and_both_ends(
        self, stored: list[int], low: int | None, high: int | None, match: DatetimeMatch
    ) -> None:
        if low is not None and high is not None and low > high:
            low, high = high, low
        interval = TimeInterval(None if low is None else moment(low), None if high is None else moment(high))
        inside = [i for i, h in enumerate(stored) if (low is None or low <= h) and (high is None or h <= high)]
        index = select_times((interval,), time_axis(stored), match)
        assert index.tolist() == sorted(inside, key=lambda i: stored[i])

    @given(hours, hour_of_query, st.integers(1, 30), st.integers(1, 20), st.sampled_from([EXACT, NEAREST]))
    def test_a_repeating_interval_takes_what_its_instants_take(
        self, stored: list[int], start: int, step: int, count: int, match: DatetimeMatch
    ) -> None:
        at = moment(start)
        text = f"R{count}/2000-02-{at.day}T{at.hour:02d}:00:00Z/PT{step}H"
        index = select_times(parse_datetime(text), time_axis(stored), match)
        expected = {i for n in range(count) for i in alone(stored, start + n * step, match)}
        assert index.tolist() == sorted(expected, key=lambda i: stored[i])

    @given(hours, st.lists(hour_of_query, min_size=2, max_size=6), st.sampled_from([EXACT, NEAREST]))
    def test_a_list_takes_the_union_of_its_members_each_once(
        self, stored: list[int], wanted: list[int], match: DatetimeMatch
    ) -> None:
        axis = time_axis(stored)
        days = TimeInterval(moment(min(wanted)), moment(max(wanted)))
        members: TimeSelector = (*(Instant(moment(h)) for h in wanted), days)
        expected = {int(i) for m in members for i in select_times((m,), axis, match)}
        assert select_times(members, axis, match).tolist() == sorted(expected, key=lambda i: stored[i])

    @pytest.mark.parametrize("match", [EXACT, NEAREST])
    def test_a_time_that_is_stored_twice_is_taken_twice(self, match: DatetimeMatch) -> None:
        axis = time_axis([6, 0, 6, 12])
        assert select_times(parse_datetime("2000-02-20T06:00:00Z"), axis, match).tolist() == [0, 2]
        assert select_times(parse_datetime("R1/2000-02-20T06:00:00Z/P1D"), axis, match).tolist() == [0, 2]

    @pytest.mark.parametrize(
        ("text", "first", "last"),
        [
            ("2000", BASE, "2000-04-29"), ("2000-03", "2000-03-01", "2000-03-31"),
            ("2000-02/2000-03-02", BASE, "2000-03-02"), ("2000-04/..", "2000-04-01", "2000-04-29"),
            ("../2000-02", BASE, "2000-02-29"), ("../..", BASE, "2000-04-29"),
            ("1999/2000-02-21", BASE, "2000-02-21"), ("-290000/+299999", BASE, "2000-04-29"),
            ("-999999/+999999", BASE, "2000-04-29"),
        ],
    )  # fmt: skip
    def test_periods_end_with_their_last_day(self, text: str, first: str, last: str) -> None:
        found = taken(text, time_axis(range(0, 24 * 70, 24)))
        assert (found[0][:10], found[-1][:10]) == (first, last)

    @pytest.mark.parametrize(
        "text",
        ["1999", "2001/..", "../1999", "2000-02-20T00:30Z", "+999999", "2000-02-20T00:00:00.5Z", "-999999-01-01"],
    )
    def test_nothing_may_be_taken(self, text: str) -> None:
        assert taken(text, time_axis(range(48))) == []

    def test_month_steps_end_with_the_month(self) -> None:
        found = taken("R3/2000-01-31/P1M", TimeAxis("t", us := decode(np.arange(100), "days since 2000-01-01", None)[0],
                                                     "standard", iso_strings(us, "standard")))  # fmt: skip
        assert [t[:10] for t in found] == ["2000-01-31", "2000-02-29", "2000-03-31"]

    def test_30_february_is_a_day_of_360_day_only(self) -> None:
        assert taken("2000-02-30", time_axis(range(0, 24 * 20, 24), "360_day")) == ["2000-02-30T00:00:00Z"]
        with pytest.raises(InvalidDatetime, match="2000-02-30"):
            taken("2000-02-30", time_axis(range(0, 24 * 20, 24)))

    def test_an_interval_that_only_the_calendar_shows_to_be_reversed_is_refused(self) -> None:
        reversed_by_a_missing_day = "2000-02-29T23:30:00-01:00/2000-03-01T00:00:00Z"
        with pytest.raises(InvalidDatetime):
            taken(reversed_by_a_missing_day, time_axis(range(48), "all_leap"))

    def test_a_lone_time_is_matched_exactly(self) -> None:
        axis = time_axis([6])
        assert taken("2000-02-20T06:00:00Z", axis, NEAREST) == ["2000-02-20T06:00:00Z"]
        assert taken("2000-02-20T06:00:01Z", axis, NEAREST) == []

    @pytest.mark.parametrize("text", ["2000-02-20T03:00:00Z", "R1/2000-02-20T03:00:00Z/P1D"])
    def test_of_two_times_equally_near_the_later_is_taken(self, text: str) -> None:
        assert taken(text, time_axis([6, 0]), NEAREST) == ["2000-02-20T06:00:00Z"]

    @pytest.mark.parametrize(("text", "count"), [("23:59:59.999999Z", 1), ("23:59:59.999998Z", 0)])
    def test_half_of_an_odd_step_is_not_rounded_up(self, text: str, count: int) -> None:
        us = np.array([0, 3])
        axis = TimeAxis("time", us, "standard", iso_strings(us, "standard"))
        assert len(taken(f"1969-12-31T{text}", axis, NEAREST)) == count
        assert len(taken(f"R1/1969-12-31T{text}/P1D", axis, NEAREST)) == count

    def test_an_offset_is_applied(self) -> None:
        assert taken("2000-02-20T07:30:00+01:30", time_axis(range(10))) == ["2000-02-20T06:00:00Z"]

    def test_steps_beyond_64_bits_are_refused(self) -> None:
        with pytest.raises(InvalidDatetime):
            taken("R10000/2000-01-01T00:00:00Z/P100Y", time_axis(range(48)))

    def test_an_axis_without_times_gives_none(self) -> None:
        assert taken("2000", time_axis([])) == taken(None, time_axis([])) == []


def alone(stored: list[int], hour: int, match: DatetimeMatch) -> list[int]:
    return nearest_hour(stored, hour) if match is NEAREST else [i for i, h in enumerate(stored) if h == hour]


def nearest_hour(stored: list[int], hour: int) -> list[int]:
    """Index of the nearest of distinct hours, ties to the later, within half a step of the ends; a lone one exactly."""
    times = sorted(stored)
    if len(times) == 1:
        return [0] if stored == [hour] else []
    low, high = times[0] - Fraction(times[1] - times[0], 2), times[-1] + Fraction(times[-1] - times[-2], 2)
    nearest = min(times, key=lambda t: (abs(t - hour), -t))
    return [stored.index(nearest)] if low <= hour <= high else []


def vertical(values: list[float], dtype: str = "float64") -> VerticalAxis:
    return VerticalAxis("z", np.array(values, dtype), Unit("m", "m"), "up", "height")


level_values = st.lists(st.integers(-50, 50).map(lambda n: n / 2), min_size=1, max_size=10, unique=True).map(sorted)
level_axes = st.builds(
    lambda values, descending, dtype: vertical(values[::-1] if descending else values, dtype),
    level_values, st.booleans(), st.sampled_from(["float32", "float64"]),
)  # fmt: skip
heights = st.integers(-120, 120).map(lambda n: n / 4)


def nearest_level(axis: VerticalAxis, z: float) -> int:
    values = axis.values.tolist()
    return min(range(len(values)), key=lambda i: (abs(values[i] - z), -values[i]))


class TestLevels:
    @given(level_axes)
    def test_none_takes_all_in_storage_order(self, axis: VerticalAxis) -> None:
        assert select_levels(None, axis).tolist() == list(range(len(axis)))

    @given(level_axes, heights)
    def test_a_level_takes_the_nearest_within_the_axis(self, axis: VerticalAxis, z: float) -> None:
        inside = axis.values.min() <= z <= axis.values.max()
        assert select_levels((Level(z),), axis).tolist() == ([nearest_level(axis, z)] if inside else [])

    @given(level_axes, st.none() | heights, st.none() | heights)
    def test_an_interval_takes_the_levels_within(
        self, axis: VerticalAxis, low: float | None, high: float | None
    ) -> None:
        inside = [
            i for i, v in enumerate(axis.values.tolist()) if (low is None or low <= v) and (high is None or v <= high)
        ]
        assert select_levels((LevelInterval(low, high),), axis).tolist() == inside

    @given(level_axes, st.lists(heights, min_size=1, max_size=5), heights)
    def test_a_list_takes_the_union_in_storage_order(self, axis: VerticalAxis, wanted: list[float], low: float) -> None:
        members: VerticalSelector = (*map(Level, wanted), LevelInterval(low, None))
        expected = {int(i) for member in members for i in select_levels((member,), axis)}
        assert select_levels(members, axis).tolist() == sorted(expected)

    @given(level_axes, st.lists(heights, min_size=0, max_size=8))
    def test_each_point_has_the_level_that_it_would_have_alone(self, axis: VerticalAxis, z: list[float]) -> None:
        inside, index = nearest_levels(np.array(z, np.float64), axis)
        alone = [select_levels((Level(v),), axis).tolist() for v in z]
        assert [[int(i)] if ok else [] for ok, i in zip(inside, index, strict=True)] == alone
        assert ((index >= 0) & (index < len(axis))).all()

    @pytest.mark.parametrize("values", [[0.1, 0.5, 0.7], [0.7, 0.5, 0.1], [-0.1, 0.1], [0.1]])
    def test_the_ends_of_float32_levels_are_reached_by_their_decimals(self, values: list[float]) -> None:
        axis = vertical(values, "float32")
        for i, value in enumerate(values):
            assert select_levels((Level(value),), axis).tolist() == [i]
            assert select_levels((LevelInterval(value, value),), axis).tolist() == [i]

    @pytest.mark.parametrize("z", [1e300, -1e300, 3.5e38])
    def test_a_height_beyond_float32_is_outside(self, z: float) -> None:
        assert select_levels((Level(z),), vertical([1, 2], "float32")).tolist() == []

    @pytest.mark.parametrize("levels", [[10.0, 20.0], [20.0, 10.0]])
    def test_of_two_levels_equally_near_the_greater_is_taken(self, levels: list[float]) -> None:
        axis = vertical(levels)
        assert axis.values[select_levels((Level(15.0),), axis)].tolist() == [20.0]

    def test_integer_levels_are_not_rounded(self) -> None:
        assert select_levels((Level(840), Level(999.9)), vertical([1000, 850, 500], "int32")).tolist() == [0, 1]
        assert select_levels((Level(1000.1),), vertical([1000, 850, 500], "int32")).tolist() == []


def custom(values: list[object] | list[int] | list[float] | list[str], dtype: str | None = None) -> CustomAxis:
    return CustomAxis("number", np.array(values, dtype), "number", None)


members = st.lists(st.integers(-20, 20), min_size=1, max_size=10, unique=True)


class TestCustomDimensions:
    @given(members, st.data(), st.sampled_from(["int8", "int64", "float32", "float64"]))
    def test_a_list_takes_its_values_in_storage_order(self, values: list[int], data: st.DataObject, dtype: str) -> None:
        wanted = data.draw(st.lists(st.sampled_from(values), min_size=1, max_size=5))
        expected = [i for i, v in enumerate(values) if v in wanted]
        assert select_custom(",".join(map(str, wanted)), custom(values, dtype)).tolist() == expected

    @given(members, st.none() | st.integers(-25, 25), st.none() | st.integers(-25, 25))
    def test_an_interval_takes_the_values_within_either_way_round(
        self, values: list[int], a: int | None, b: int | None
    ) -> None:
        text = f"{'..' if a is None else a}/{'..' if b is None else b}"
        low, high = (b, a) if a is not None and b is not None and a > b else (a, b)
        expected = [i for i, v in enumerate(values) if (low is None or v >= low) and (high is None or v <= high)]
        assert select_custom(text, custom(values)).tolist() == expected

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_decimals_are_found_in_the_precision_of_the_axis(self, dtype: str) -> None:
        axis = custom([0.1, 0.2, 0.3, 0.4], dtype)
        assert select_custom("0.3,1e-1", axis).tolist() == [0, 2]
        assert select_custom("R3/0.1/0.1", axis).tolist() == [0, 1, 2]
        assert select_custom("0.1/0.3", axis).tolist() == [0, 1, 2]

    def test_a_step_too_small_for_a_float_is_none(self) -> None:
        assert select_custom("R2/1/1e-99999999999999999999", custom([0, 1, 2])).tolist() == [1]

    def test_a_list_may_mix_values_intervals_and_repeats(self) -> None:
        assert select_custom("0, 8/..,R2/3/2", custom(list(range(10)))).tolist() == [0, 3, 5, 8, 9]

    @pytest.mark.parametrize(("text", "expected"), [(None, [0, 1, 2]), ("b", [1]), ("c,a", [0, 2]), ("c, a", [0, 2])])
    def test_strings_are_equal_letter_by_letter(self, text: str | None, expected: list[int]) -> None:
        for dtype in ("U1", "S1", "O"):
            assert select_custom(text, custom(["a", "b", "c"], dtype)).tolist() == expected

    def test_a_string_may_hold_a_comma_or_a_slash(self) -> None:
        assert select_custom("a,b", custom(["a,b", "a", "c/d"])).tolist() == [0]
        assert select_custom("c/d,a", custom(["a,b", "a", "c/d"])).tolist() == [1, 2]

    @pytest.mark.parametrize("text", ["10", "2.5", "1,10", "R3/8/1", "-1", "1e300"])
    def test_a_value_that_is_not_there_is_named_with_some_that_are(self, text: str) -> None:
        with pytest.raises(
            InvalidQuery, match=r"^number has no value '.*'; its values are 0, 1, 2, 3, 4 and 5 more\.$"
        ):
            select_custom(text, custom(list(range(10))))

    @pytest.mark.parametrize("text", ["A", "", "a,", "a/c", "../a"])
    def test_a_string_that_is_not_there_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidQuery, match=r"number has no value .* a, b\."):
            select_custom(text, custom(["a", "b"]))

    @pytest.mark.parametrize(
        "text",
        [
            "", " ", ",", "1,", "/", "//", "..", "1/2/3", "a", "nan", "inf", "1_0", "0x1", "١", "1\x00", "R0/1/1",  # noqa: RUF001  # the lookalikes are the test
            "R-1/1/1", "R1e9/1/1", "R10001/1/1", "R9999999/1/1", "R٣/1/1", "R2/1", "R2/../1", "R2/1/nan", "1e999",
            "R/1/1", "R2/1/1e400", "R2/1e-9999999999999999999/x", "1/a", "nan/1",
        ],
    )  # fmt: skip
    def test_what_is_no_number_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidQuery, match=r"^number has "):
            select_custom(text, custom(list(range(10))))

    @pytest.mark.parametrize("text", ["1," * 6_000, "9" * 10_001])
    def test_too_long_a_text_is_refused_as_such(self, text: str) -> None:
        with pytest.raises(QueryTooLarge):
            select_custom(text, custom([1, 2, 3]))

    @given(st.text("0123456789-+.,/eR ", max_size=30))
    def test_any_text_is_answered_or_refused(self, text: str) -> None:
        with suppress(InvalidQuery):
            assert set(select_custom(text, custom([0, 1, 2])).tolist()) <= {0, 1, 2}
