"""`datetime` is read as EDR 1.2 writes it, and nothing else is."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zarr_edr.errors import InvalidDatetime, QueryTooLarge
from zarr_edr.query.model import Duration, Instant, Moment, Precision, RepeatingInterval, TimeInterval
from zarr_edr.query.temporal import parse_datetime

NOON = Moment(2009, 1, 16, 12)
DAY = Moment(2009, 1, 16, precision=Precision.DAY)
MONTH = Moment(2009, 1, precision=Precision.MONTH)
YEAR = Moment(2009, precision=Precision.YEAR)


class TestInstants:
    @pytest.mark.parametrize(
        ("text", "moment"),
        [
            ("2009-01-16T12:00:00Z", NOON),
            ("2009-01-16t12:00:00z", NOON),
            ("2009-01-16T12:00:00", NOON),
            ("2009-01-16 12:00:00Z", NOON),
            ("  2009-01-16T12:00:00Z ", NOON),
            ("2009-01-16T12:00:00+00:00", NOON),
            ("2009-01-16T12:00:00+01:00", Moment(2009, 1, 16, 12, offset_minutes=60)),
            ("2009-01-16T12:00:00 01:00", Moment(2009, 1, 16, 12, offset_minutes=60)),
            ("2009-01-16T12:00:00-0330", Moment(2009, 1, 16, 12, offset_minutes=-210)),
            ("2009-01-16T12:00:00+01", Moment(2009, 1, 16, 12, offset_minutes=60)),
            ("2009-01-16T12:30Z", Moment(2009, 1, 16, 12, 30, precision=Precision.MINUTE)),
            ("2009-01-16T12", Moment(2009, 1, 16, 12, precision=Precision.HOUR)),
            ("2009-01-16T12:00:00.5Z", Moment(2009, 1, 16, 12, microsecond=500_000)),
            ("2009-01-16T12:00:00,5Z", Moment(2009, 1, 16, 12, microsecond=500_000)),
            ("2009-01-16T12:00:00.000001Z", Moment(2009, 1, 16, 12, microsecond=1)),
            ("2009-01-16T12:00:00.000000000Z", NOON),
            ("2009-01-16", DAY),
            ("2009-01", MONTH),
            ("2009", YEAR),
            ("0000-01-16", Moment(0, 1, 16, precision=Precision.DAY)),
            ("-0001-01", Moment(-1, 1, precision=Precision.MONTH)),
            ("+12345-01-16", Moment(12_345, 1, 16, precision=Precision.DAY)),
            (" 12345-01-16", Moment(12_345, 1, 16, precision=Precision.DAY)),
            ("-290000", Moment(-290_000, precision=Precision.YEAR)),
            ("2000-02-30", Moment(2000, 2, 30, precision=Precision.DAY)),
        ],
    )
    def test_an_instant_is_read_as_written(self, text: str, moment: Moment) -> None:
        assert parse_datetime(text) == (Instant(moment),)

    @given(
        st.datetimes(),
        st.integers(-1_439, 1_439),
        st.sampled_from(["T", "t", " "]),
    )
    def test_every_rfc_3339_time_is_read(self, when: datetime, offset: int, separator: str) -> None:
        hours, minutes = divmod(abs(offset), 60)
        zone = f"{'-' if offset < 0 else '+'}{hours:02d}:{minutes:02d}"
        (instant,) = parse_datetime(when.isoformat(separator, "microseconds") + zone)
        assert isinstance(instant, Instant)
        assert instant.at.offset_minutes == offset
        fields = ("year", "month", "day", "hour", "minute", "second", "microsecond")
        assert [getattr(instant.at, f) for f in fields] == [getattr(when, f) for f in fields]


class TestIntervals:
    @pytest.mark.parametrize(
        ("text", "start", "end"),
        [
            ("2009/2009-01-16", YEAR, DAY),
            ("../2009-01", None, MONTH),
            ("/2009-01", None, MONTH),
            ("2009-01-16/..", DAY, None),
            ("2009-01-16/", DAY, None),
            ("../..", None, None),
            ("2009-01-16T12:00:00Z/2009-01-16T12:00:00Z", NOON, NOON),
            (" .. / 2009 ", None, YEAR),
        ],
    )
    def test_an_interval_may_be_open(self, text: str, start: Moment | None, end: Moment | None) -> None:
        assert parse_datetime(text) == (TimeInterval(start, end),)

    @pytest.mark.parametrize(
        "text",
        [
            "2010/2009", "2009-02/2009-01", "2009-01-02/2009-01-01", "2009-01-01T01:00Z/2009-01-01T00:59:59Z",
            "2009-02-03/2009-01", "2009-01-01T12:00:00.5Z/2009-01-01T12:00:00.4Z", "0001/-0001",
            "2009-01-01T12:00:00+01:00/2009-01-01T10:59:59Z", "2009-01-02T00:31:00-01:00/2009-01-02T00:30:00Z",
        ],
    )  # fmt: skip
    def test_a_reversed_interval_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidDatetime, match="ends before it starts"):
            parse_datetime(text)

    @pytest.mark.parametrize(
        "text",
        [
            "2009-02-03/2009-02", "2009-02-03T12:00:00Z/2009-02-03", "2009-12-31/2009", "2000-02-30/2000-03-01",
            "2009-01-01T12:00:00+01:00/2009-01-01T11:00:00Z", "2009-02-03T00:30:00+01:00/2009-02-02",
            "2009-03-01T00:30:00+01:00/2009-02", "2010-01-01T00:30:00+01:00/2009",
        ],
    )  # fmt: skip
    def test_an_interval_is_not_reversed_where_its_last_period_holds_the_start(self, text: str) -> None:
        assert isinstance(parse_datetime(text)[0], TimeInterval)

    @given(st.datetimes(), st.datetimes(), st.integers(-720, 840), st.integers(-720, 840))
    def test_reversed_is_decided_in_utc(self, a: datetime, b: datetime, offset_a: int, offset_b: int) -> None:
        zones = [f"{'-' if o < 0 else '+'}{abs(o) // 60:02d}:{abs(o) % 60:02d}" for o in (offset_a, offset_b)]
        text = "/".join(t.isoformat() + z for t, z in zip((a, b), zones, strict=True))
        later = (a - b).total_seconds() > (offset_a - offset_b) * 60
        written_later = a > b
        if later and written_later:
            with pytest.raises(InvalidDatetime):
                parse_datetime(text)
        else:
            assert len(parse_datetime(text)) == 1


class TestListsAndRepeats:
    def test_a_list_may_mix_all_forms(self) -> None:
        text = "2009,2009-01/..,R2/2009-01-16T12:00:00Z/PT6H, 2009-01-16"
        repeat = RepeatingInterval(2, NOON, Duration(0, 6 * 3_600_000_000))
        assert parse_datetime(text) == (Instant(YEAR), TimeInterval(MONTH, None), repeat, Instant(DAY))

    def test_a_comma_before_a_fraction_and_a_comma_of_a_list_are_told_apart(self) -> None:
        half = Instant(Moment(2009, 1, 16, 12, microsecond=500_000))
        text = "2009-01-16T12:00:00,5Z,2009-01-16T12:00:00,2009"
        assert parse_datetime(text) == (half, Instant(NOON), Instant(YEAR))

    @pytest.mark.parametrize(
        ("step", "months", "seconds"),
        [
            ("PT6H", 0, 21_600), ("P1M", 1, 0), ("P1DT12H", 0, 129_600), ("P2W", 0, 1_209_600), ("P1Y6M", 18, 0),
            ("PT1M", 0, 60), ("PT0.5S", 0, 0.5), ("P1Y1M1W1DT1H1M1S", 13, 694_861), ("pt3h", 0, 10_800),
        ],
    )  # fmt: skip
    def test_a_step_is_months_and_microseconds(self, step: str, months: int, seconds: float) -> None:
        expected = RepeatingInterval(5, NOON, Duration(months, round(seconds * 1e6)))
        assert parse_datetime(f"R5/2009-01-16T12:00:00Z/{step}") == (expected,)

    @pytest.mark.parametrize("count", [1, 10_000])
    def test_n_is_the_number_of_instants(self, count: int) -> None:
        (member,) = parse_datetime(f"R{count}/2009-01-16T12:00:00Z/P1D")
        assert isinstance(member, RepeatingInterval)
        assert member.count == count


HOSTILE = {
    "empty": "", "blank": " ", "many-blanks": " " * 9_000, "dots": "..", "one-dot": ".", "three-dots": "...",
    "slash": "/", "two-slashes": "//", "three-ends": "2009/2010/2011", "dots-three": "../../..", "letters": "a/b/c",
    "digits-20": "99999999999999999999", "month-13": "2009-13-01", "month-0": "2009-00", "day-32": "2009-02-32",
    "day-0": "2009-01-00", "april-31": "2009-04-31", "february-31": "2000-02-31", "hour-24": "2009-01-01T24:00:00Z",
    "time-alone": "24:00:00", "minute-60": "2009-01-01T00:60Z", "leap-second": "2016-12-31T23:59:60Z",
    "second-61": "2009-01-01T00:00:61Z", "offset-99": "2009-01-01T00:00:00+99:99", "offset-24": "2009-01-01T00Z+24:00",
    "offset-60-minutes": "2009-01-01T00:00:00+01:60", "date-with-zone": "2009-01-01Z", "nul": "2009-01-01\x00",
    "nul-first": "\x002009", "newline": "2009-01-01\n", "tab": "\t2009", "arabic-digits": "٢٠٠٩-٠١-٠١",  # noqa: RUF001  # the lookalikes are the test
    "full-width-digits": "２００９", "fraction-7": "2009-01-01T00:00:00.1234567Z",  # noqa: RUF001  # the lookalikes are the test
    "fraction-empty": "2009-01-01T00:00:00.Z", "fraction-9000": "2009-01-01T00:00:00." + "0" * 9_000 + "1Z",
    "one-digit-month": "2009-1-1", "basic-format": "20090101T000000Z", "year-month-basic": "200901", "year-2": "09",
    "year-5-unsigned": "12345-01-01", "year-7": "+1234567", "minus-minus": "--2009", "week-date": "2009-W01-1",
    "ordinal-date": "2009-001x", "r-minus-1": "R-1/2009-01-01T00:00:00Z/PT6H", "r-0": "R0/2009-01-01T00:00:00Z/PT6H",
    "r-alone": "R", "r-no-count": "R/2009-01-01T00:00:00Z/PT6H", "r-1e9": "R1e9/2009-01-01T00:00:00Z/PT6H",
    "r-10001": "R10001/2009-01-01T00:00:00Z/PT6H", "r-10-digits": "R9999999999/2009-01-01T00:00:00Z/PT6H",
    "r-two-parts": "R5/2009-01-01T00:00:00Z", "r-four-parts": "R5/2009/P1D/P1D", "r-open": "R5/../P1D",
    "step-empty": "R5/2009/", "step-p": "R5/2009/P", "step-pt": "R5/2009/PT", "step-t-last": "R5/2009/P1DT",
    "step-zero": "R5/2009/P0D", "step-minus": "R5/2009/-P1D", "step-minus-inside": "R5/2009/P-1D",
    "step-10-digits": "R5/2009/P9999999999D", "step-order": "R5/2009/P1D1M", "duration-end": "2009-01-01/P1D",
    "duration-start": "P1D/2009-01-01", "comma": ",", "comma-last": "2009,", "comma-first": ",2009",
    "1000-commas": "2009" + "," * 999, "null": "null", "now": "now", "infinity": "Infinity", "nan": "nan",
    "script": "<script>alert(1)</script>", "sql": "2009' OR 1=1", "minus": "-", "plus": "+", "zone-only": "Z",
    "t-only": "T", "quoted": '"2009-01-01"', "lone-surrogate": "2009\ud800", "twice": "2009-01-01T00:00:00Z" * 2,
}  # fmt: skip


class TestHostileText:
    @pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
    def test_what_is_no_time_is_refused_with_an_example_or_a_reason(self, text: str) -> None:
        with pytest.raises(InvalidDatetime) as error:
            parse_datetime(text)
        assert error.value.status == 400
        assert error.value.message.endswith(".")
        assert len(error.value.message) < 400

    @pytest.mark.parametrize(
        "text",
        ["," * 100_000, "2009," * 1_500, "9" * 10_001, "R6000/2009/P1D,R6000/2010/P1D", " " * 10_001],
        ids=["commas", "members", "digits", "repeats", "blanks"],
    )
    def test_too_much_is_refused_as_such(self, text: str) -> None:
        with pytest.raises(QueryTooLarge):
            parse_datetime(text)

    @given(st.text("0123456789-+:.,/TZRPtz WDHMSY\x00", max_size=40))
    @example("2009-01-01T00:00:00 01:00")
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        with suppress(InvalidDatetime):
            assert parse_datetime(text)
