"""Small checks that the readers of query text share: decimals, quotations, geographic ranges."""

from __future__ import annotations

import math
import re

import numpy as np

from zarr_edr.errors import InvalidCoords
from zarr_edr.query.geometry import Points

MAX_LATITUDE = 90.0
"""Degrees."""
MAX_LONGITUDE = 36_000.0
"""Degrees. A longitude is a direction and may count turns; a hundred of them are a mistake in the units."""
DECIMAL = r"[+-]?+(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?+[0-9]++)?+"
"""A decimal number, as a regular expression. Possessive, so that no text makes it backtrack; ASCII digits alone, unlike
`float`, which reads digits of any script."""

_QUOTED_CHARS = 60
_DECIMAL = re.compile(DECIMAL)


def quoted(text: str) -> str:
    """The start of `text` in quotes, at most 60 characters, with anything unprintable escaped."""
    return repr(text) if len(text) <= _QUOTED_CHARS else f"{text[:_QUOTED_CHARS]!r}..."


def read_decimal(text: str) -> float | None:
    """The number that `text` is; None where it is not a plain, finite decimal such as `-1.5` or `2e3`."""
    if _DECIMAL.fullmatch(text) is None:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def check_geographic(points: Points) -> None:
    """Raise `InvalidCoords`, naming the first such point, where x or y cannot be a longitude or latitude in degrees."""
    if len(points) == 1 and abs(points.y[0]) <= MAX_LATITUDE and abs(points.x[0]) <= MAX_LONGITUDE:
        return
    wrong = (np.abs(points.y) > MAX_LATITUDE) | (np.abs(points.x) > MAX_LONGITUDE)
    if not wrong.any():
        return
    index = int(wrong.argmax())
    x, y = float(points.x[index]), float(points.y[index])
    of = f" of point {index + 1} of {len(points)}" if len(points) > 1 else ""
    if abs(y) > MAX_LATITUDE:
        raise InvalidCoords(
            f"The latitude{of} is {y!r}; it must lie between -90 and 90 degrees. Longitude comes first, then latitude."
        )
    raise InvalidCoords(f"The longitude{of} is {x!r}; it must lie between -36000 and 36000 degrees.")
