"""Attributes as they come: of any type, often missing, never trusted to be what the conventions say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zarr_edr.dataset.model import Unit
from zarr_edr.dataset.units import unit
from zarr_edr.settings import ParameterSettings

_MAX_CHARS = 2000
_CODING = frozenset({"_FillValue", "missing_value", "scale_factor", "add_offset", "_Unsigned", "dtype", "coordinates"})


class Notes:
    """Doubts about one store, in the order in which they came up, each once."""

    def __init__(self) -> None:
        self._lines: dict[str, None] = {}

    def add(self, line: str) -> None:
        """Keep one sentence."""
        self._lines[line] = None

    @property
    def lines(self) -> tuple[str, ...]:
        """All sentences."""
        return tuple(self._lines)


def text(attributes: Mapping[Any, Any], key: str) -> str | None:
    """An attribute as text without outer blanks or control characters; None if it is absent, empty or no text."""
    value = attributes.get(key)
    if not isinstance(value, str):
        return None
    printable = "".join(c if c.isprintable() else " " for c in value[:_MAX_CHARS])
    return printable.strip() or None


def standard_name(attributes: Mapping[Any, Any]) -> str | None:
    """The CF standard name, without a modifier; None for GRIB's `unknown`."""
    name = text(attributes, "standard_name")
    return None if name is None or name == "unknown" else name.split()[0]


def title(name: str, attributes: Mapping[Any, Any]) -> str:
    """What to call a variable: long name, else standard name, else GRIB name, else its name."""
    return text(attributes, "long_name") or standard_name(attributes) or text(attributes, "GRIB_name") or str(name)


def description(name: str, attributes: Mapping[Any, Any]) -> str:
    """A sentence on a variable, or its title where there is none."""
    return text(attributes, "description") or text(attributes, "comment") or title(name, attributes)


def unit_of(attributes: Mapping[Any, Any], settings: ParameterSettings | None = None) -> Unit | None:
    """The unit: the settings' if they give one, else the attribute's, else None."""
    if settings is not None and settings.units is not None:
        return unit(settings.units)
    written = attributes.get("units")
    if isinstance(written, int | np.integer) and not isinstance(written, bool) and written == 1:
        return unit("1")
    found = text(attributes, "units")
    return None if found is None else unit(found)


def kept(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    """Attributes worth passing on: all but those that only say how the numbers are stored."""
    return {str(key): _plain(value) for key, value in attributes.items() if key not in _CODING}


def _plain(value: object) -> object:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return value
