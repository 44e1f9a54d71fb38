"""What the readers of query text share keeps its word."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarr_edr.errors import InvalidCoords
from zarr_edr.query.checks import check_geographic, quoted, read_decimal
from zarr_edr.query.geometry import Points


def points(x: list[float], y: list[float]) -> Points:
    return Points(np.array(x, dtype=float), np.array(y, dtype=float), None, multi=len(x) > 1)


class TestGeographicRange:
    def test_poles_and_many_turns_are_in_range(self) -> None:
        check_geographic(points([0, 36_000, -36_000, 540], [90, -90, 0, 45]))

    @pytest.mark.parametrize("latitude", [90.0000001, -91, 1e300])
    def test_a_latitude_beyond_a_pole_is_refused(self, latitude: float) -> None:
        with pytest.raises(InvalidCoords, match=r"latitude is .* between -90 and 90"):
            check_geographic(points([0], [latitude]))

    @pytest.mark.parametrize("longitude", [36_000.1, -1e6])
    def test_a_longitude_beyond_a_hundred_turns_is_refused(self, longitude: float) -> None:
        with pytest.raises(InvalidCoords, match=r"longitude is .* between -36000 and 36000"):
            check_geographic(points([longitude], [0]))

    def test_the_first_offender_is_named_with_its_value(self) -> None:
        with pytest.raises(InvalidCoords, match=r"latitude of point 3 of 4 is 95.5;"):
            check_geographic(points([1, 2, 3, 4], [1, 2, 95.5, 99]))


class TestDecimals:
    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_the_shortest_spelling_reads_back_to_the_same_float(self, value: float) -> None:
        assert read_decimal(repr(value)) == value

    @pytest.mark.parametrize(
        "text", ["", " 1", "1 ", "nan", "inf", "1e999", "1_0", "0x1", "\u0661", "\uff11", "1e", "."]
    )
    def test_nothing_else_is_a_decimal(self, text: str) -> None:
        assert read_decimal(text) is None

    @given(st.text("0123456789.eE+-", max_size=10))
    def test_a_text_of_these_characters_is_one_exactly_where_float_takes_it(self, text: str) -> None:
        try:
            expected = float(text) if math.isfinite(float(text)) else None
        except ValueError:
            expected = None
        assert read_decimal(text) == expected


class TestQuotation:
    def test_a_long_text_is_cut(self) -> None:
        assert quoted("x" * 1_000) == "'" + "x" * 60 + "'..."

    @given(st.text(st.characters(codec=None), max_size=80))
    def test_it_can_be_printed_and_encoded(self, text: str) -> None:
        assert quoted(text).isprintable()
        quoted(text).encode()
