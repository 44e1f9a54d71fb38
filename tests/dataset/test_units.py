"""Units become UCUM only where that is certain."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarr_edr.dataset.units import NAMES, SYMBOLS, UPPER_CASE, WHOLE, is_pressure, tidied, unit

# A strict grammar of the part of UCUM that can occur: metric atoms with a prefix, others without, exponents, products.
PREFIX = "(?:da|[YZEPTGMkhdcmunpfazy])"
METRIC = "(?:mol|rad|sr|Pa|Hz|bar|eV|Cel|[msgKWJNVALt])"
PLAIN = r"(?:min|h|d|deg|atm|har|%|1|10\*|\[degF\]|\[kn_i\]|\[ft_i\]|\[ppm\]|\[ppb\])"
COMPONENT = rf"(?:{PREFIX}?{METRIC}|{PLAIN})(?:-?[1-9][0-9]?)?"
UCUM = re.compile(rf"{COMPONENT}(?:\.{COMPONENT})*")

CERTAIN = {
    "K": "K",
    "degK": "K",
    "kelvin": "K",
    "Kelvin": "K",
    "degC": "Cel",
    "celsius": "Cel",
    "Celsius": "Cel",
    "degree_C": "Cel",
    "degree_Celsius": "Cel",
    "°C": "Cel",
    "DEG C": "Cel",
    "DEGC": "Cel",
    "degF": "[degF]",
    "m s-1": "m.s-1",
    "m s**-1": "m.s-1",
    "m s^-1": "m.s-1",
    "m/s": "m.s-1",
    "m.s-1": "m.s-1",
    "m*s-1": "m.s-1",
    "meters per second": None,
    "m**2 s**-2": "m2.s-2",
    "kg m-2 s-1": "kg.m-2.s-1",
    "kg/m^2/s": "kg.m-2.s-1",
    "kg/m3": "kg.m-3",
    "Pa s**-1": "Pa.s-1",
    "1/s": "s-1",
    "s-1": "s-1",
    "1 s-1": "s-1",
    "%": "%",
    "percent": "%",
    "1": "1",
    "(0 - 1)": "1",
    "1e-3": "10*-3",
    "Pa": "Pa",
    "hPa": "hPa",
    "hectopascals": "hPa",
    "mb": "mbar",
    "mbar": "mbar",
    "millibar": "mbar",
    "millibars": "mbar",
    "m": "m",
    "METERS": "m",
    "Meters": "m",
    "metres": "m",
    "mm": "mm",
    "km": "km",
    "mm/day": "mm.d-1",
    "degrees": "deg",
    "degrees_north": "deg",
    "degrees_east": "deg",
    "degree_N": "deg",
    "W m-2": "W.m-2",
    "W/m2": "W.m-2",
    "J m-2": "J.m-2",
    "J m**-2": "J.m-2",
    "kg kg-1": "kg.kg-1",
    "kg kg**-1": "kg.kg-1",
    "kg/kg": "kg.kg-1",
    "g kg-1": "g.kg-1",
    "m3 m-3": "m3.m-3",
    "m**3 m**-3": "m3.m-3",
    "s": "s",
    "hours": "h",
    "days": "d",
    "mol m-3": "mol.m-3",
    "ug m-3": "ug.m-3",
    "µg m-3": "ug.m-3",
    "knots": "[kn_i]",
    "K m2 kg-1 s-1": "K.m2.kg-1.s-1",
    "m m": "m.m",
}

DOUBTFUL = [
    "",
    "psu",
    "PSU",
    "dBZ",
    "gpm",
    "MB",
    "M/S",
    "PPT",
    "C",
    "F",
    "months",
    "years",
    "~",
    "unknown",
    "none",
    "degC m-1",
    "# cm-3",
    "days since 2000-01-01",
    "10 m",
    "m/",
    "/s",
    "m//s",
    "m**",
    "m^",
    "m2.5",
    "m0",
    "m***2",
    "kg m-2 water",
    "Code table 4.201",
    "km" * 200,
    "٣ m",
]


@pytest.mark.parametrize("text", CERTAIN)
def test_a_usual_spelling_gets_its_code(text: str) -> None:
    assert unit(text).ucum == CERTAIN[text]


@pytest.mark.parametrize("text", DOUBTFUL)
def test_a_doubtful_text_gets_no_code_and_keeps_its_text(text: str) -> None:
    found = unit(text)
    assert found.ucum is None
    assert found.text == text


@pytest.mark.parametrize("code", sorted({*WHOLE.values(), *NAMES.values(), *SYMBOLS.values()}))
def test_every_code_of_the_tables_is_ucum(code: str) -> None:
    assert UCUM.fullmatch(code)


@pytest.mark.parametrize("text", [text for text, code in CERTAIN.items() if code])
def test_every_code_of_a_product_is_ucum(text: str) -> None:
    assert UCUM.fullmatch(unit(text).ucum or "")


@pytest.mark.parametrize("text", UPPER_CASE)
def test_every_upper_case_word_of_the_list_has_a_code(text: str) -> None:
    assert unit(text).ucum is not None


@given(st.text(alphabet="mskgKPah123-+*/^. %°C\x00\n", max_size=30) | st.text(max_size=30))
def test_any_text_gets_a_valid_code_or_none(text: str) -> None:
    found = unit(text)
    assert found.ucum is None or UCUM.fullmatch(found.ucum)


@given(st.sampled_from(sorted(SYMBOLS)), st.integers(-9, 9).filter(bool), st.sampled_from(["", "**", "^"]))
def test_an_exponent_is_kept(symbol: str, power: int, mark: str) -> None:
    assert unit(f"{symbol}{mark}{power}").ucum == SYMBOLS[symbol] + ("" if power == 1 else str(power))


@pytest.mark.parametrize(
    ("text", "shown"), [("METERS", "m"), ("millibars", "mbar"), ("K m-1", "K m-1"), ("psu", "psu")]
)
def test_a_plain_unit_can_be_shown_by_its_symbol(text: str, shown: str) -> None:
    assert tidied(unit(text)).text == shown


@pytest.mark.parametrize(
    ("text", "expected"), [("hPa", True), ("mb", True), ("dbar", True), ("m", False), ("MB", False)]
)
def test_units_of_pressure_are_known(text: str, expected: bool) -> None:
    assert is_pressure(text) is expected
