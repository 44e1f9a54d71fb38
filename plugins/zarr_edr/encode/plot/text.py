"""Words of a picture. Metadata may hold anything, of any length; what leaves here is printable, short and on one line."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from zarr_edr.dataset.model import HorizontalCrs, Parameter, Unit, VerticalAxis

TITLE_CHARS = 110
LABEL_CHARS = 70
_UNIT_CHARS = 24
_MARKS = re.compile(r"([\u0300-\u036f]{3})[\u0300-\u036f]+")
"""Marks on one letter: no language has more than some, and a tower of them leaves no room for anything else."""
_PLACE_DIGITS = 4


def plain(text: object, most: int = LABEL_CHARS) -> str:
    """Text on one line without control characters, cut to `most` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)[: 4 * most]).split())
    line = _MARKS.sub(r"\1", unicodedata.normalize("NFC", line))
    return line if len(line) <= most else line[: most - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def wrapped(line: str, most: int) -> list[str]:
    """A line as up to three of `most` characters; what does not fit is cut. Nothing is no line."""
    most = max(most, 8)
    lines: list[str] = []
    for word in line.split():
        if lines and len(lines[-1]) + len(word) < most:
            lines[-1] += f" {word}"
        else:
            lines.append(plain(word, most))
    return [*lines[:2], plain(" ".join(lines[2:]), most)] if len(lines) > 3 else lines


def number(value: float) -> str:
    """A coordinate, as short as it is right: `850`, `0.25`."""
    return f"{value:.10g}"


def unit_text(unit: Unit | None) -> str:
    """A unit, empty where it says nothing."""
    words = "" if unit is None else plain(unit.text, _UNIT_CHARS)
    return "" if words == "1" else words


def with_unit(title: str, unit: Unit | None) -> str:
    """`Temperature (K)`."""
    words = unit_text(unit)
    return f"{plain(title)} ({words})" if words else plain(title)


def parameter_text(parameter: Parameter) -> str:
    """Title and unit of a parameter."""
    return with_unit(parameter.title, parameter.unit)


def value_text(value: Any, parameter: Parameter) -> str:
    """A value, a numpy scalar, with its unit: seven digits of a real number, all of a whole one."""
    digits = f"{value:.7g}" if value.dtype.kind == "f" else f"{value}"
    return f"{digits} {unit_text(parameter.unit)}".rstrip()


def level_text(value: float, axis: VerticalAxis | None) -> str:
    """`850 hPa`; `level 3` where there is no unit."""
    words = unit_text(None if axis is None else axis.unit)
    return f"{number(value)} {words}" if words else f"level {number(value)}"


def degrees(value: float, positive: str, negative: str) -> str:
    """`30\N{DEGREE SIGN}W`."""
    size = f"{abs(value):.{_PLACE_DIGITS}f}".rstrip("0").rstrip(".")
    side = "" if size == "0" else positive if value > 0 else negative
    return f"{size}\N{DEGREE SIGN}{side}"


def longitude_text(value: float) -> str:
    """A direction, within 180 degrees: 330 is 30 W."""
    turned = (value + 180.0) % 360.0 - 180.0
    return "180\N{DEGREE SIGN}" if abs(turned) == 180.0 else degrees(turned, "E", "W")


def latitude_text(value: float) -> str:
    """`45\N{DEGREE SIGN}N`."""
    return degrees(value, "N", "S")


def place_text(x: float, y: float, crs: HorizontalCrs) -> str:
    """Where a point is, for people."""
    if crs.geographic:
        return f"{latitude_text(y)} {longitude_text(x)}"
    return f"x {number(x)}, y {number(y)}"


def time_text(iso: str) -> str:
    """`2008-07-16 12:00`, seconds only where they are not zero. In UTC, which the axis or the title says."""
    day, _, clock = iso.removesuffix("Z").partition("T")
    return f"{day} {clock.removesuffix(':00')}"


def crs_text(crs: HorizontalCrs) -> str:
    """`EPSG:3857`."""
    authority, _, code = crs.uri.partition("/def/crs/")[2].split("/") if crs.uri.count("/") >= 6 else ("", "", crs.uri)
    return plain(f"{authority}:{code}" if authority else code)


def counted(shown: int, total: int, what: str) -> str:
    """`12 of 124 times`."""
    return f"{shown:,} of {total:,} {what}"
