"""`z` is read as EDR 1.2 writes it, and nothing else is."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarr_edr.errors import InvalidQuery, InvalidZ, QueryTooLarge
from zarr_edr.query.model import Level, LevelInterval
from zarr_edr.query.vertical import MAX_CHARS, MAX_LEVELS, parse_z

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
BLANKS = st.text(" \t\r\n", max_size=2)


class TestForms:
    @pytest.mark.parametrize(
        ("text", "selector"),
        [
            ("850", (Level(850.0),)),
            ("-0.5", (Level(-0.5),)),
            ("+1e3", (Level(1000.0),)),
            (" 850 ", (Level(850.0),)),
            ("850,700,500", (Level(850.0), Level(700.0), Level(500.0))),
            ("850 , 700\r\n", (Level(850.0), Level(700.0))),
            ("850,850", (Level(850.0), Level(850.0))),
            ("100/550", (LevelInterval(100.0, 550.0),)),
            ("550/100", (LevelInterval(100.0, 550.0),)),
            ("-10/-20", (LevelInterval(-20.0, -10.0),)),
            ("5/5", (LevelInterval(5.0, 5.0),)),
            (" 100 / 550 ", (LevelInterval(100.0, 550.0),)),
            ("../550", (LevelInterval(None, 550.0),)),
            ("/550", (LevelInterval(None, 550.0),)),
            ("100/..", (LevelInterval(100.0, None),)),
            ("100/", (LevelInterval(100.0, None),)),
            ("../..", (LevelInterval(None, None),)),
            ("1/2,500/..", (LevelInterval(1.0, 2.0), LevelInterval(500.0, None))),
            ("10,20/30", (Level(10.0), LevelInterval(20.0, 30.0))),
            ("R3/100/50", (Level(100.0), Level(150.0), Level(200.0))),
            ("R2/100/-50", (Level(100.0), Level(50.0))),
            ("R1/100/50", (Level(100.0),)),
            (" R2 / 0 / 5 ,7", (Level(0.0), Level(5.0), Level(7.0))),
        ],
    )
    def test_each_form_is_read(self, text: str, selector: object) -> None:
        assert parse_z(text) == selector

    @given(st.lists(st.tuples(NUMBERS, BLANKS), min_size=1, max_size=30))
    def test_a_list_reads_back_to_the_same_floats(self, members: list[tuple[float, str]]) -> None:
        text = ",".join(f"{blank}{value!r}{blank}" for value, blank in members)
        assert parse_z(text) == tuple(Level(value) for value, _ in members)

    @given(NUMBERS, NUMBERS, BLANKS)
    def test_an_interval_is_the_same_either_way_round(self, one: float, other: float, blank: str) -> None:
        low, high = sorted([one, other])
        assert parse_z(f"{one!r}{blank}/{other!r}") == parse_z(f"{other!r}/{blank}{one!r}")
        assert parse_z(f"{one!r}/{other!r}") == (LevelInterval(low, high),)

    @given(st.integers(1, 200), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6).filter(bool))
    def test_a_repetition_is_as_many_levels_of_even_distance(self, count: int, start: float, step: float) -> None:
        assert parse_z(f"R{count}/{start!r}/{step!r}") == tuple(Level(start + i * step) for i in range(count))

    def test_the_most_levels_that_are_allowed_are_read(self) -> None:
        assert len(parse_z(f"R{MAX_LEVELS}/0/1")) == MAX_LEVELS


HOSTILE: dict[str, str] = {
    "nothing": "",
    "blanks": " \t ",
    "a word": "surface",
    "a unit": "850hPa",
    "a unit, apart": "850 hPa",
    "two numbers": "850 700",
    "semicolon": "850;700",
    "comma at the end": "850,",
    "comma at the start": ",850",
    "two commas": "850,,700",
    "comma alone": ",",
    "slash alone": "/",
    "slash alone in a list": "850,/",
    "dots alone": "..",
    "three dots": ".../5",
    "one dot": "./5",
    "three ends": "1/2/3",
    "two slashes": "1//2",
    "R without count": "R/100/50",
    "R of none": "R0/100/50",
    "R of less than none": "R-1/100/50",
    "R of a fraction": "R1.5/100/50",
    "R without step": "R5/100",
    "R alone": "R5",
    "R with an open start": "R5/../50",
    "R with an open step": "R5/100/..",
    "R with four parts": "R5/100/50/5",
    "R of no step": "R5/100/0",
    "R of no step, in disguise": "R5/100/-0.0e9",
    "R in lower case": "r5/100/50",
    "R of too many": "R10001/0/1",
    "R of far too many": f"R{'9' * 9_000}/0/1",
    "R of too many in all": "R6000/0/1,R6000/0/1",
    "many R": ",".join(["R9999/0/1"] * 900),
    "R beyond float64": "R3/1e308/1e308",
    "R with Arabic-Indic digits": "R\u0665/100/50",
    "nan": "nan",
    "inf": "inf",
    "nan as an end": "1/nan",
    "-inf as a start": "-inf/5",
    "beyond float64": "1e400",
    "beyond float64 as an end": "0/-1e400",
    "hexadecimal": "0x10",
    "underscore": "1_0",
    "Arabic-Indic digits": "\u0661",
    "full-width digits": "\uff11",
    "minus sign": "\u22121",
    "no-break space": "\u00a01",
    "NUL": "1\x00",
    "lone surrogate": "\ud800",
    "two signs": "--1",
    "exponent alone": "e5",
    "exponent without digits": "1e",
    "list in brackets": "[1,2]",
    "many slashes": "/" * 10_000,
    "many commas": "," * 10_000,
    "many digits": "1" * 10_000,
    "many exponents": "1e" * 5_000,
}


class TestHostileText:
    @pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
    def test_is_refused_with_examples_of_what_is_right(self, text: str) -> None:
        with pytest.raises(InvalidZ, match=r"Right are e.g. z=850") as caught:
            parse_z(text)
        assert len(caught.value.message) < 400
        assert caught.value.message.encode().decode().isprintable()

    @given(st.text("0123456789.,/R eE+-n", max_size=40))
    def test_is_refused_or_read_but_never_breaks_the_reader(self, text: str) -> None:
        with suppress(InvalidQuery):
            assert 1 <= len(parse_z(text)) <= MAX_LEVELS + len(text)

    @pytest.mark.parametrize("char", ["1", ",", "/", " ", "R"])
    def test_text_over_the_limit_is_too_large_whatever_it_holds(self, char: str) -> None:
        with pytest.raises(QueryTooLarge, match="10001 characters; at most 10000"):
            parse_z(char * (MAX_CHARS + 1))
