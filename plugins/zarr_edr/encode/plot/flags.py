"""Values that are names of classes: CF's `flag_values` and `flag_meanings` (conventions 3.5), and booleans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.encode.plot.text import plain

MAX_CLASSES = 40
"""More are told apart neither by colour nor by name."""
_OTHER = "other"
_NAME_CHARS = 24


@dataclass(frozen=True, slots=True)
class Flags:
    """Classes in ascending order of their values."""

    values: tuple[float, ...]
    names: tuple[str, ...]
    """One more than `values`: the last is of what is no class."""

    def classes(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The number of the class of each value, same shape; NaN stays missing, what is no class is the last."""
        known = np.array(self.values)
        nearest = np.clip(np.searchsorted(known, values), 0, known.size - 1)
        found = np.where(known[nearest] == values, nearest, known.size).astype(np.float64)
        return np.where(np.isnan(values), np.nan, found)


BOOLEANS = Flags((0.0, 1.0), ("no", "yes", _OTHER))


def flags_of(attributes: Mapping[str, Any], dtype: np.dtype[Any]) -> Flags | None:
    """The classes of a parameter, None where its values are numbers.

    Bits (`flag_masks`) are numbers here: several may be set at once.
    """
    if dtype.kind == "b":
        return BOOLEANS
    values, meanings = _numbers(attributes.get("flag_values")), attributes.get("flag_meanings")
    if "flag_masks" in attributes or not isinstance(meanings, str):
        return None
    names = [plain(name.replace("_", " "), _NAME_CHARS) for name in meanings.split()]
    if not 0 < len(values) == len(names) == len(set(values)) <= MAX_CLASSES:
        return None
    ordered = sorted(zip(values, names, strict=True))
    return Flags(tuple(value for value, _ in ordered), (*(name for _, name in ordered), _OTHER))


def _numbers(given: object) -> list[float]:
    """A list of finite numbers, as attributes may write it; empty for anything else."""
    if isinstance(given, str):
        given = given.replace(",", " ").split()
    elif isinstance(given, int | float):
        given = [given]
    if not isinstance(given, list | tuple):
        return []
    try:
        numbers = [float(value) for value in given]
    except (TypeError, ValueError, OverflowError):
        return []
    return numbers if np.isfinite(numbers).all() else []
