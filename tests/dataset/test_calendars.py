"""Calendars agree with cftime, with numpy, and with what the stored numbers exactly say."""

from __future__ import annotations

import warnings
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cftime
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from zarr_edr.dataset.calendars import DAY_US, add, decode, iso_strings, normalise, period, to_microseconds
from zarr_edr.errors import ConfigurationError, InvalidDatetime
from zarr_edr.query.model import Duration, Moment, Precision
from zarr_edr.query.temporal import parse_datetime

DATA = Path(__file__).parents[3] / "shared/data"
CALENDARS = ("standard", "proleptic_gregorian", "julian", "noleap", "all_leap", "360_day")
EPOCH = "microseconds since 1970-01-01"
SPAN_US = 3_000 * 366 * DAY_US

calendars = st.sampled_from(CALENDARS)
instants = st.integers(-1_900 * 360 * DAY_US, SPAN_US)
"""Years 70 to 4970 or so: later than year 0, on which cftime and ISO 8601 differ."""


def oracle_date(us: int, calendar: str) -> cftime.datetime:
    return cftime.num2date(us, EPOCH, calendar, only_use_cftime_datetimes=True)


def oracle_text(date: cftime.datetime) -> str:
    fraction = f".{date.microsecond:06d}".rstrip("0") if date.microsecond else ""
    year, month, day, hour, minute, second = date.timetuple()[:6]
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}{fraction}Z"


def moment_of(date: cftime.datetime) -> Moment:
    return Moment(date.year, date.month, date.day, date.hour, date.minute, date.second, date.microsecond)


def us_of(text: str, calendar: str = "standard") -> int:
    return int(decode(np.array([0]), f"days since {text}", calendar)[0][0])


class TestAgainstCftime:
    @given(us=instants, calendar=calendars)
    def test_an_instant_has_the_date_that_cftime_gives_it(self, us: int, calendar: str) -> None:
        assert iso_strings(np.array([us]), calendar) == (oracle_text(oracle_date(us, calendar)),)

    @given(us=instants, calendar=calendars)
    def test_a_moment_is_the_number_that_cftime_gives_it(self, us: int, calendar: str) -> None:
        date = oracle_date(us, calendar)
        assert to_microseconds(moment_of(date), calendar) == cftime.date2num(date, EPOCH, calendar) == us

    @given(
        values=st.lists(st.integers(-40_000, 40_000), min_size=1, max_size=5),
        unit=st.sampled_from(["days", "hours", "minutes", "seconds", "milliseconds", "microseconds"]),
        reference=st.sampled_from(["1800-1-1", "1582-10-15 12:30:00", "1850-02-28T06:00:00.5", "2000-01-30 18:0:0"]),
        calendar=calendars,
    )
    def test_whole_numbers_decode_as_in_cftime(
        self, values: list[int], unit: str, reference: str, calendar: str
    ) -> None:
        units = f"{unit} since {reference}"
        dates = cftime.num2date(values, units.replace("T", " "), calendar, only_use_cftime_datetimes=True)
        expected = [int(cftime.date2num(date, EPOCH, calendar)) for date in dates]
        assert decode(np.array(values), units, calendar)[0].tolist() == expected

    @given(us=st.lists(instants, min_size=1, max_size=5), calendar=calendars)
    def test_many_instants_have_the_text_of_each(self, us: list[int], calendar: str) -> None:
        one_by_one = tuple(iso_strings(np.array([u]), calendar)[0] for u in us)
        assert iso_strings(np.array(us), calendar) == one_by_one

    @pytest.mark.parametrize("calendar", CALENDARS)
    def test_every_day_around_the_reform_and_two_turns_of_a_century_is_the_one_of_cftime(self, calendar: str) -> None:
        first, last = us_of("1582-01-01", calendar), us_of("1702-01-01", calendar)
        days = np.arange(first, last, DAY_US)
        dates = cftime.num2date(days // DAY_US, "days since 1970-01-01", calendar, only_use_cftime_datetimes=True)
        assert iso_strings(days, calendar) == tuple(map(oracle_text, dates))

    @pytest.mark.parametrize("unit", ["months", "years"])
    def test_months_of_360_day_are_lengths_of_time(self, unit: str) -> None:
        values = np.array([0, 0.5, 7, 13.25])
        us, _ = decode(values, f"{unit} since 1859-12-01", "360_day")
        days = {"months": 30, "years": 360}[unit] * values
        assert us.tolist() == decode(days, "days since 1859-12-01", "360_day")[0].tolist()


class TestAgainstNumpy:
    @given(us=st.lists(st.integers(-SPAN_US, SPAN_US), min_size=1, max_size=4))
    def test_proleptic_gregorian_is_the_calendar_of_datetime64(self, us: list[int]) -> None:
        wide = np.array(us)
        expected = np.datetime_as_string(wide.astype("M8[us]"), unit="us").tolist()
        expected = [t.rstrip("0").removesuffix(".") + "Z" if "." in t else t for t in expected]
        assert list(iso_strings(wide, "proleptic_gregorian")) == expected

    @settings(deadline=None)  # xarray's first call imports
    @given(
        values=st.lists(st.integers(0, 60_000), min_size=1, max_size=5),
        unit=st.sampled_from(["days", "hours", "seconds"]),
        dtype=st.sampled_from(["int16", "uint16", "int32", "float32", "float64"]),
    )
    def test_whole_numbers_of_any_type_decode_as_in_xarray(self, values: list[int], unit: str, dtype: str) -> None:
        stored = np.array([v % 30_000 for v in values], dtype)
        units = f"{unit} since 1950-01-01 12:00:00"
        decoded = xr.decode_cf(xr.Dataset({"t": ("t", stored, {"units": units})}))["t"].values
        assert decode(stored, units, None)[0].tolist() == decoded.astype("M8[us]").astype(int).tolist()


class TestFractions:
    @given(
        value=st.floats(-1e6, 1e6, allow_subnormal=False),
        unit=st.sampled_from([("days", 86_400), ("hours", 3_600), ("seconds", 1)]),
    )
    def test_a_fraction_is_off_by_half_a_microsecond_or_its_own_spacing(
        self, value: float, unit: tuple[str, int]
    ) -> None:
        us = int(decode(np.array([value]), f"{unit[0]} since 1970-01-01", "standard")[0][0])
        exact = Fraction(value) * unit[1] * 1_000_000
        allowed = max(Fraction(501, 1000), Fraction(float(np.spacing(abs(value)))) * unit[1] * 1_000_000)
        assert abs(us - exact) <= allowed

    @given(hour=st.integers(0, 24 * 800_000))
    def test_hours_written_as_fractions_of_days_come_back_whole(self, hour: int) -> None:
        us, _ = decode(np.array([hour / 24]), "days since 0001-01-01", "proleptic_gregorian")
        assert us[0] % (3_600 * 1_000_000) == 0

    def test_minutes_added_up_in_days_since_year_1_come_back_whole(self) -> None:
        days = 730_000 + np.arange(1_440) / 1_440
        us, _ = decode(days, "days since 0001-01-01", "standard")
        assert np.diff(us).tolist() == [60_000_000] * 1_439

    def test_milliseconds_that_the_number_can_tell_apart_are_kept(self) -> None:
        us, _ = decode(np.array([0.25, 1e9 + 0.001]), "seconds since 1970-01-01", "standard")
        assert us.tolist() == [250_000, 10**15 + 1_000]

    @pytest.mark.parametrize(("ns", "us"), [(1_499, 1), (1_500, 2), (-1_600, -2)])
    def test_nanoseconds_are_rounded_to_microseconds(self, ns: int, us: int) -> None:
        whole, _ = decode(np.array([ns]), "nanoseconds since 1970-01-01", "standard")
        assert whole.tolist() == decode(np.array([float(ns)]), "ns since 1970-01-01", None)[0].tolist() == [us]


class TestUnits:
    @pytest.mark.parametrize(
        "text",
        [
            "1800-1-1", "1800-01-01 00:00:0.0", "1800-01-01T00:00:00Z", "1800-01-01 00:00", "1800-01-01T00",
            "1800-01-01 01:00:00 +01:00", "1799-12-31 18:30:00 -5:30", "1800-01-01 00:00:00 UTC", "1800-01-01Z",
            "1800", "1800-01", "1800-01-01 00:00:00.000000000", "1800-01-01 03:00:00 +0300", "1800-01-01 03:00 +3",
        ],
    )  # fmt: skip
    def test_a_reference_may_be_written_in_many_ways(self, text: str) -> None:
        assert us_of(text) == np.datetime64("1800-01-01", "us").astype(int)

    @pytest.mark.parametrize(
        ("unit", "seconds"),
        [
            ("weeks", 604_800), ("week", 604_800), ("DAYS", 86_400), ("day", 86_400), ("Hours", 3_600), ("hr", 3_600),
            ("hrs", 3_600), ("h", 3_600), ("minute", 60), ("min", 60), ("sec", 1), ("s", 1), ("ms", 0.001),
            ("msec", 0.001), ("us", 1e-6), ("milliseconds", 0.001), ("microsecond", 1e-6),
        ],
    )  # fmt: skip
    def test_a_unit_may_be_written_in_many_ways(self, unit: str, seconds: float) -> None:
        assert decode(np.array([3]), f"{unit} Since 1970-01-01", None)[0].tolist() == [round(3e6 * seconds)]

    @pytest.mark.parametrize(
        "units",
        [
            "", "days", "days since", "fortnights since 1970-01-01", "days since yesterday", "day as %Y%m%d.%f",
            "days since 1970-13-01", "days since 1970-02-30", "days since 1970-01-01 24:00:00", "since 1970-01-01",
            "days since 1582-10-10", "days since 19700101", "days after 1970-01-01", "days since 1970-01-01 00:60",
        ],
    )  # fmt: skip
    def test_units_that_cannot_be_read_are_named(self, units: str) -> None:
        with pytest.raises(ConfigurationError) as error:
            decode(np.array([1]), units, "standard")
        assert repr(units) in error.value.message

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, 2e8, -2e8])
    def test_a_value_without_an_instant_is_refused(self, value: float) -> None:
        with pytest.raises(ConfigurationError):
            decode(np.array([0.0, value]), "days since 1970-01-01", "standard")

    @pytest.mark.parametrize("values", [np.array([2**64 - 1]), np.array(["a"]), np.array([True]), np.array([2**62])])
    def test_values_that_do_not_fit_are_refused(self, values: np.ndarray) -> None:
        with pytest.raises(ConfigurationError):
            decode(values, "seconds since 1970-01-01", "standard")

    def test_the_shape_of_the_values_is_kept(self) -> None:
        assert decode(np.zeros((2, 3)), "days since 1970-01-01", None)[0].shape == (2, 3)
        assert decode(np.zeros(0), "days since 1970-01-01", None)[0].shape == (0,)


class TestMonthsSince:
    def test_whole_months_are_months_of_the_calendar(self) -> None:
        us, calendar = decode(np.array([0, 1, 2, 13.0]), "months since 2000-01-31", "standard")
        assert [t[:10] for t in iso_strings(us, calendar)] == ["2000-01-31", "2000-02-29", "2000-03-31", "2001-02-28"]

    def test_whole_years_are_years_of_the_calendar(self) -> None:
        us, calendar = decode(np.array([-1, 0, 4]), "years since 2000-02-29 12:00:00", "standard")
        assert iso_strings(us, calendar) == ("1999-02-28T12:00:00Z", "2000-02-29T12:00:00Z", "2004-02-29T12:00:00Z")

    @pytest.mark.parametrize("value", [0.5, 1e12])
    def test_fractions_and_endless_months_are_refused(self, value: float) -> None:
        with pytest.raises(ConfigurationError):
            decode(np.array([value]), "months since 2000-01-01", "noleap")


class TestYearZero:
    def test_a_climatology_of_year_0_is_read_in_the_proleptic_calendar(self) -> None:
        us, calendar = decode(np.array([366.0]), "hour since 0000-01-01 00:00:00", None)
        assert (iso_strings(us, calendar), calendar) == (("0000-01-16T06:00:00Z",), "proleptic_gregorian")

    @pytest.mark.parametrize("calendar", ["proleptic_gregorian", "noleap", "all_leap", "360_day", "julian"])
    def test_other_calendars_have_a_year_0_of_their_own(self, calendar: str) -> None:
        us, name = decode(np.array([0]), "days since 0000-01-01", calendar)
        assert (iso_strings(us, name), name) == (("0000-01-01T00:00:00Z",), calendar)

    def test_the_year_before_1_is_minus_1_in_units_of_the_standard_calendar_as_in_cftime(self) -> None:
        with warnings.catch_warnings(action="ignore"):  # "not supported by CF"
            expected = cftime.date2num(cftime.datetime(-1, 12, 31, calendar="standard"), EPOCH, "standard")
        assert us_of("-0001-12-31") == expected == us_of("0001-01-01") - DAY_US

    @pytest.mark.parametrize(("year", "text"), [(-1, "-0001"), (12_345, "+12345"), (0, "0000"), (9_999, "9999")])
    def test_a_year_of_other_than_four_digits_has_a_sign(self, year: int, text: str) -> None:
        us = np.array([to_microseconds(Moment(year), "proleptic_gregorian")])
        assert iso_strings(us, "proleptic_gregorian") == (f"{text}-01-01T00:00:00Z",)


class TestNormalise:
    @pytest.mark.parametrize(
        ("given_name", "name"),
        [(None, "standard"), ("gregorian", "standard"), ("Standard", "standard"), ("365_day", "noleap"),
         ("366_day", "all_leap"), *((name, name) for name in CALENDARS)],
    )  # fmt: skip
    def test_each_calendar_has_one_name(self, given_name: str | None, name: str) -> None:
        assert normalise(given_name) == name

    def test_an_unknown_calendar_is_named(self) -> None:
        with pytest.raises(ConfigurationError, match="calendar 'mayan'"):
            normalise("mayan")


class TestMoments:
    @pytest.mark.parametrize(
        ("moment", "calendar"),
        [
            (Moment(2000, 2, 30), "standard"), (Moment(2001, 2, 29), "noleap"), (Moment(2000, 1, 31), "360_day"),
            (Moment(2001, 2, 29), "proleptic_gregorian"), (Moment(1582, 10, 10), "standard"),
            (Moment(2000, 2, 30), "all_leap"), (Moment(2000, 13), "standard"), (Moment(2000, 0), "standard"),
            (Moment(2000, 1, 0), "360_day"),
        ],
    )  # fmt: skip
    def test_a_date_that_the_calendar_lacks_is_refused(self, moment: Moment, calendar: str) -> None:
        with pytest.raises(InvalidDatetime, match=calendar):
            to_microseconds(moment, calendar)

    def test_30_february_exists_where_months_have_30_days(self) -> None:
        us = to_microseconds(Moment(2000, 2, 30), "360_day")
        assert iso_strings(np.array([us]), "360_day") == ("2000-02-30T00:00:00Z",)

    @given(us=instants, calendar=calendars)
    def test_text_read_back_is_the_same_instant(self, us: int, calendar: str) -> None:
        (instant,) = parse_datetime(iso_strings(np.array([us]), calendar)[0])
        assert to_microseconds(instant.at, calendar) == us  # type: ignore[union-attr]  # an instant was written

    @given(us=instants, calendar=calendars, offset=st.integers(-1_439, 1_439))
    def test_an_offset_is_local_time_minus_utc(self, us: int, calendar: str, offset: int) -> None:
        local = moment_of(oracle_date(us + offset * 60_000_000, calendar))
        assert to_microseconds(replace(local, offset_minutes=offset), calendar) == us


class TestPeriods:
    @settings(max_examples=200)
    @given(us=instants, calendar=calendars, precision=st.sampled_from(list(Precision)[:3]))
    def test_a_period_holds_exactly_the_instants_that_share_its_date(
        self, us: int, calendar: str, precision: Precision
    ) -> None:
        parts = precision + 1
        date: tuple[int, ...] = oracle_date(us, calendar).timetuple()[:parts]
        year, month, day = (*date, 1, 1)[:3]
        first, last = period(Moment(year, month, day, precision=precision), calendar)
        inside = [oracle_date(t, calendar).timetuple()[:parts] == date for t in (first - 1, first, us, last, last + 1)]
        assert inside == [False, True, True, True, False]

    @pytest.mark.parametrize("precision", [Precision.HOUR, Precision.MINUTE, Precision.SECOND])
    def test_a_time_of_day_is_an_instant(self, precision: Precision) -> None:
        first, last = period(Moment(2000, 1, 1, 12, precision=precision), "standard")
        assert first == last

    def test_the_month_of_the_reform_has_21_days(self) -> None:
        first, last = period(Moment(1582, 10, precision=Precision.MONTH), "standard")
        assert last - first + 1 == 21 * DAY_US


class TestSteps:
    def test_months_are_counted_from_the_start_not_from_the_step_before(self) -> None:
        us = add(us_of("2000-01-31"), Duration(1, 0), "standard", np.arange(3))
        assert [t[:10] for t in iso_strings(us, "standard")] == ["2000-01-31", "2000-02-29", "2000-03-31"]

    @given(us=instants, calendar=calendars, step=st.integers(1, 10**12), n=st.integers(0, 50))
    def test_time_steps_are_plain_sums(self, us: int, calendar: str, step: int, n: int) -> None:
        assert add(us, Duration(0, step), calendar, np.array([n])).tolist() == [us + n * step]

    @given(us=instants, calendar=calendars, months=st.integers(1, 30), n=st.integers(0, 40))
    def test_a_month_step_keeps_the_day_or_takes_the_last_of_the_month(
        self, us: int, calendar: str, months: int, n: int
    ) -> None:
        start = oracle_date(us, calendar)
        end = oracle_date(int(add(us, Duration(months, 0), calendar, np.array([n]))[0]), calendar)
        assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == months * n or _in_the_gap(start, end)
        assert end.day == start.day or oracle_date(
            cftime.date2num(end, EPOCH, calendar) + DAY_US, calendar
        ).month != end.month or _in_the_gap(start, end)  # fmt: skip

    @pytest.mark.parametrize("step", [Duration(10**9, 0), Duration(0, 10**17), Duration(12 * 300_000, 0)])
    def test_steps_beyond_64_bits_are_refused(self, step: Duration) -> None:
        with pytest.raises(InvalidDatetime):
            add(0, step, "standard", np.arange(1_000))


def _in_the_gap(start: cftime.datetime, end: cftime.datetime) -> bool:
    """Ten days of October 1582 are named in the Julian calendar."""
    return end.calendar == "standard" and (end.year, end.month) == (1582, 10) and 5 <= start.day <= 14


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the real datasets in ../shared/data")
class TestRealStores:
    @pytest.mark.parametrize(
        "path", ["air/time", "ostia/time", "era5ens/valid_time", "uk_hires/time", "nemo/time_centered", "a1b360/time"]
    )
    def test_times_of_a_store_decode_as_in_xarray(self, path: str) -> None:
        store, name = path.split("/")
        array = xr.open_zarr(DATA / f"{store}.zarr", consolidated=False, decode_times=False)[name]
        us, calendar = decode(array.values, str(array.attrs["units"]), str(array.attrs["calendar"]))
        with warnings.catch_warnings(action="ignore"):
            expected = xr.open_zarr(DATA / f"{store}.zarr", consolidated=False)[name].values
        texts = [str(t)[:19].replace(" ", "T") + "Z" for t in expected]
        assert list(iso_strings(us, calendar)) == texts

    def test_the_months_of_the_world_ocean_atlas_are_the_middles_of_months(self) -> None:
        array = xr.open_zarr(DATA / "woa.zarr", consolidated=False, decode_times=False)["month"]
        us, calendar = decode(array.values, str(array.attrs["units"]), None)
        texts = iso_strings(us, calendar)
        assert [t[:8] for t in texts] == [f"0000-{m:02d}-" for m in range(1, 13)]
        assert texts[:2] == ("0000-01-16T06:00:00Z", "0000-02-15T16:29:06Z")
