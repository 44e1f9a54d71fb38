"""Units of measure: from the text of the metadata (CF, UDUNITS, GRIB habits) to UCUM, where there is no doubt.

A product of known units with whole exponents is translated (`m s-1`, `kg/m^3`, `m**2 s**-2`); everything else keeps its
text and gets no code. Case counts, as in UDUNITS: `MB` is not `mb`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from zarr_edr.dataset.model import Unit

_MAX_CHARS = 100


@lru_cache(maxsize=1024)
def unit(text: str) -> Unit:
    """The unit that `text` means; `ucum` is None unless that is certain. Never raises."""
    raw = text.strip()
    return Unit(raw, None if len(raw) > _MAX_CHARS else _ucum(raw))


def tidied(found: Unit) -> Unit:
    """The same unit with the symbol as its text, where it is one plain symbol: `METERS` becomes `m`."""
    if found.ucum is not None and re.fullmatch(r"[A-Za-z]+", found.ucum) and found.ucum not in {"Cel", "deg"}:
        return Unit(found.ucum, found.ucum)
    return found


def is_pressure(text: str) -> bool:
    """Whether `text` is a unit of pressure."""
    ucum = unit(text).ucum
    return ucum is not None and re.fullmatch(r"[a-zA-Z]?Pa|[mdc]?bar|atm", ucum) is not None


WHOLE: Mapping[str, str] = {
    "%": "%",
    "percent": "%",
    "1": "1",
    "dimensionless": "1",
    "unitless": "1",
    "fraction": "1",
    "(0 - 1)": "1",
    "(0-1)": "1",
    "1e-3": "10*-3",
    "0.001": "10*-3",
    "1e-6": "10*-6",
    "1e-9": "10*-9",
    "ppm": "[ppm]",
    "ppb": "[ppb]",
    "mb": "mbar",
    **dict.fromkeys(("deg C", "deg_C", "degC", "degree C", "degree_C", "degreeC", "degrees C", "degrees_C"), "Cel"),
    **dict.fromkeys(("degreesC", "degree_Celsius", "degrees_Celsius", "degree Celsius", "degrees Celsius"), "Cel"),
    **dict.fromkeys(("celsius", "degree_celsius", "degrees_celsius", "degrees celsius", "degree celsius"), "Cel"),
    **dict.fromkeys(("\N{DEGREE SIGN}C", "\N{DEGREE SIGN} C", "\N{DEGREE CELSIUS}"), "Cel"),
    **dict.fromkeys(("degF", "deg_F", "degree_F", "degrees_F", "fahrenheit", "\N{DEGREE SIGN}F"), "[degF]"),
    **dict.fromkeys(("degK", "deg_K", "degree_K", "degrees_K", "deg K", "degrees K"), "K"),
    **{
        f"degree{plural}{gap}{direction}": "deg"
        for plural in ("", "s")
        for gap in ("_", "")
        for direction in ("north", "east", "south", "west", "N", "E", "S", "W", "true")
    },
}
"""Texts that are units as they stand, and only alone."""

UPPER_CASE: Mapping[str, str] = {
    **{
        word.upper(): word for word in ("meter", "meters", "metre", "metres", "degrees", "kelvin", "celsius", "percent")
    },
    **{word.upper(): word for word in ("pascal", "pascals", "second", "seconds", "hour", "hours", "day", "days")},
    **{word.upper(): word for word in ("millibar", "millibars", "degrees_north", "degrees_east", "hectopascals")},
    "DEG C": "degC",
    "DEGC": "degC",
    "DEGREES C": "degC",
    "DEG_C": "degC",
    "DEGK": "degK",
    "DEG K": "degK",
}
"""Upper-case texts that mean the same in lower case. `M/S`, `MB` and `PPT` do not: these are ambiguous."""

_METRIC_SYMBOLS = ("m", "s", "g", "Pa", "W", "J", "N", "V", "A", "K", "mol", "Hz", "L", "bar", "eV")
_PREFIX_SYMBOLS = ("", "G", "M", "k", "h", "d", "c", "m", "u", "n")
_METRIC_NAMES = {
    "meter": "m",
    "metre": "m",
    "second": "s",
    "gram": "g",
    "pascal": "Pa",
    "watt": "W",
    "joule": "J",
    "newton": "N",
    "volt": "V",
    "ampere": "A",
    "mole": "mol",
    "hertz": "Hz",
    "liter": "L",
    "litre": "L",
    "bar": "bar",
}
_PREFIX_NAMES = {"": "", "kilo": "k", "hecto": "h", "deci": "d", "centi": "c", "milli": "m", "micro": "u", "nano": "n"}

NAMES: Mapping[str, str] = {
    f"{prefix}{name}{plural}": f"{p}{code}"
    for prefix, p in _PREFIX_NAMES.items()
    for name, code in _METRIC_NAMES.items()
    for plural in ("", "s")
} | {
    "kelvin": "K",
    "kelvins": "K",
    "minute": "min",
    "minutes": "min",
    "hour": "h",
    "hours": "h",
    "day": "d",
    "days": "d",
    "degree": "deg",
    "degrees": "deg",
    "radian": "rad",
    "radians": "rad",
    "steradian": "sr",
    "micron": "um",
    "microns": "um",
    "knot": "[kn_i]",
    "knots": "[kn_i]",
    "foot": "[ft_i]",
    "feet": "[ft_i]",
    "hectare": "har",
    "tonne": "t",
}
"""Names written out, in lower case; the first letter may be upper."""

SYMBOLS: Mapping[str, str] = {
    f"{prefix}{symbol}": f"{prefix}{symbol}" for prefix in _PREFIX_SYMBOLS for symbol in _METRIC_SYMBOLS
} | {
    "\N{MICRO SIGN}m": "um",
    "\N{MICRO SIGN}g": "ug",
    "\N{MICRO SIGN}mol": "umol",
    "degK": "K",
    "sec": "s",
    "min": "min",
    "h": "h",
    "hr": "h",
    "d": "d",
    "deg": "deg",
    "\N{DEGREE SIGN}": "deg",
    "rad": "rad",
    "sr": "sr",
    "atm": "atm",
    "ft": "[ft_i]",
    "ha": "har",
    "l": "L",
    "ml": "mL",
    "mm": "mm",
}
"""Symbols, exactly as written."""

_TERM = re.compile(r"([A-Za-z\N{DEGREE SIGN}\N{MICRO SIGN}_]{1,24})(?:(?:\*\*|\^)?([+-]?[0-9]{1,2}))?")
_SEPARATOR = re.compile(r"\s*(/)\s*|\s*[.\N{MIDDLE DOT}]\s*|\s*(?<!\*)\*(?!\*)\s*|\s+")


def _ucum(text: str) -> str | None:
    text = UPPER_CASE.get(text, text)
    if text in WHOLE:
        return WHOLE[text]
    lowered = text[:1].lower() + text[1:]
    if len(text) > 3 and lowered in WHOLE:  # a word, not a symbol
        return WHOLE[lowered]
    return _product(text)


def _product(text: str) -> str | None:
    """`text` read as units with exponents, separated by spaces, `.`, `*` or `/`; None if any part is unknown.

    A slash divides by the one unit after it, as in UDUNITS. Units are not cancelled: `kg/kg` says what of what it is.
    """
    terms: list[str] = []
    start = 1 if text.startswith("1") else 0  # `1/s`, `1 s-1`
    for separator, name, exponent, end in _terms(text, start):
        code = _code(name)
        if code is None or exponent == 0 or end < 0:
            return None
        power = -exponent if separator == "/" else exponent
        terms.append(code if power == 1 else f"{code}{power}")
    return ".".join(terms) or None


def _terms(text: str, start: int) -> Iterator[tuple[str, str, int, int]]:
    """Separator, name, exponent and end of each term of `text`; an end of -1 where it is no product."""
    position = start
    while position < len(text):
        separator = _SEPARATOR.match(text, position) if position else None
        term = _TERM.match(text, separator.end() if separator else position)
        if term is None or (position and not separator):
            yield "", "", 0, -1
            return
        yield (separator[1] or "") if separator else "", term[1], int(term[2] or 1), term.end()
        position = term.end()


def _code(name: str) -> str | None:
    found = SYMBOLS.get(name) or NAMES.get(name)
    if found is None and len(name) > 3:  # a word, not a symbol
        found = NAMES.get(name[:1].lower() + name[1:])
    return found
