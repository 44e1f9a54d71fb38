"""`bbox` as text."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zarr_edr.crs import WEB_MERCATOR, WGS84
from zarr_edr.errors import InvalidBbox
from zarr_edr.query.bbox import parse_bbox
from zarr_edr.query.geometry import Box

LONGITUDE = st.floats(-360, 360)
LATITUDE = st.floats(-90, 90)
LEVEL = st.floats(allow_nan=False, allow_infinity=False)

GOOD = {
    "four": ("-10,40,5.5,60", (Box(-10, 40, 5.5, 60), None)),
    "six": ("-10,40,100,5.5,60,850", (Box(-10, 40, 5.5, 60), (100, 850))),
    "levels downward": ("-10,40,850,5.5,60,100", (Box(-10, 40, 5.5, 60), (100, 850))),
    "blanks": (" -10 , 40, 5.5 ,60 ", (Box(-10, 40, 5.5, 60), None)),
    "exponents": ("-1e1,4E1,.55e1,6.e1", (Box(-10, 40, 5.5, 60), None)),
    "plus signs that a URL made blanks": (" 1, 2, 3, 4", (Box(1, 2, 3, 4), None)),
    "across the antimeridian": ("170,-10,-170,10", (Box(170, -10, -170, 10), None)),
    "past a turn": ("350,-10,370,10", (Box(350, -10, 370, 10), None)),
    "one point": ("5,5,5,5", (Box(5, 5, 5, 5), None)),
    "the whole world": ("-180,-90,180,90", (Box(-180, -90, 180, 90), None)),
}

BAD = {
    "empty": "",
    "blank": "   ",
    "one number": "1",
    "three numbers": "1,2,3",
    "five numbers": "1,2,3,4,5",
    "seven numbers": "1,2,3,4,5,6,7",
    "commas alone": ",,,",
    "an empty member": "1,2,,4",
    "a trailing comma": "1,2,3,4,",
    "semicolons": "1;2;3;4",
    "blanks between": "1 2 3 4",
    "words": "west,south,east,north",
    "not a number": "nan,0,1,1",
    "infinity": "0,0,inf,1",
    "minus infinity": "0,-Infinity,1,1",
    "an overflow": "0,0,1e400,1",
    "hexadecimal": "0x1,0,1,1",
    "underscores": "1_0,0,20,1",
    "other digits": "\u0661,0,20,1",
    "full-width digits": "\uff11,0,20,1",
    "two signs": "--1,0,20,1",
    "brackets": "[0,0,1,1]",
    "quotes": "'0','0','1','1'",
    "south of south": "0,10,1,5",
    "latitude too low": "0,-90.001,1,5",
    "latitude too high": "0,0,1,91",
    "latitude first": "40,-100,60,5",
    "a longitude of metres": "500000,0,600000,10",
    "a null byte": "0,0,1,1\x00",
    "a newline": "0,0,1\n,1",
    "SQL": "0,0,1,1;DROP TABLE",
    "an unfinished exponent": "1e,0,20,1",
    "a level that is none": "0,0,low,1,1,high",
    "an infinite level": "0,0,0,1,1,inf",
    "many commas": "," * 100_000,
    "many digits": "9" * 100_000 + ",0,1,1",
}


@pytest.mark.parametrize(("text", "expected"), GOOD.values(), ids=GOOD)
def test_a_box_is_read_as_written(text: str, expected: tuple[Box, tuple[float, float] | None]) -> None:
    assert parse_bbox(text) == expected


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_is_no_box_is_refused_in_a_short_sentence(text: str) -> None:
    with pytest.raises(InvalidBbox) as raised:
        parse_bbox(text)
    assert "bbox" in raised.value.message
    assert raised.value.message.endswith(".")
    assert len(raised.value.message) < 400


SAYS = {"1,2,3": "3 members", "a,0,1,1": "'a'", "0,10,1,5": "south", "0,0,1,95": "95"}


@pytest.mark.parametrize(("text", "says"), SAYS.items(), ids=SAYS)
def test_the_message_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(InvalidBbox, match=says):
        parse_bbox(text)


def test_metres_become_degrees() -> None:
    box, levels = parse_bbox("-1113194.9079,0,5,1113194.9079,5621521.4862,6", WEB_MERCATOR)
    assert (box.west, box.south, box.east, box.north) == pytest.approx((-10, 0, 10, 45), abs=1e-6)
    assert levels == (5, 6)


@pytest.mark.parametrize(
    "text", ["0,500,1,100", "0,0,1e12,1", "0,0,0,inf"], ids=["south of south", "far east", "infinity"]
)
def test_metres_are_checked_too(text: str) -> None:
    with pytest.raises(InvalidBbox):
        parse_bbox(text, WEB_MERCATOR)


def test_latitude_comes_first_where_the_crs_says_so() -> None:
    assert parse_bbox("40,-100,60,5", WGS84)[0] == Box(-100, 40, 5, 60)


@settings(max_examples=200)
@given(LONGITUDE, LATITUDE, LONGITUDE, LATITUDE)
def test_numbers_written_by_python_come_back(west: float, a: float, east: float, b: float) -> None:
    south, north = min(a, b), max(a, b)
    assert parse_bbox(f"{west!r},{south!r},{east!r},{north!r}") == (Box(west, south, east, north), None)


@settings(max_examples=100)
@given(LEVEL, LEVEL)
def test_levels_come_back_in_order(low: float, high: float) -> None:
    _, levels = parse_bbox(f"0,0,{low!r},1,1,{high!r}")
    assert levels == (min(low, high), max(low, high))


@settings(max_examples=300)
@given(st.text(max_size=60) | st.from_regex(r"[-+0-9eE., infa]{0,40}", fullmatch=True))
def test_any_text_is_a_finite_box_or_invalid_bbox(text: str) -> None:
    try:
        box, levels = parse_bbox(text)
    except InvalidBbox:
        return
    assert all(map(math.isfinite, (box.west, box.south, box.east, box.north, *(levels or ()))))
    assert -90 <= box.south <= box.north <= 90
