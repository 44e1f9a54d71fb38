"""From stored numbers to the numbers they mean (CF conventions 8.1 and 2.5.1), for picked values only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Packing:
    """How a variable's stored values are decoded. The rules are xarray's; see `tests/dataset/test_packing.py`."""

    dtype: np.dtype[Any]
    """Of the decoded values."""
    fill_values: tuple[Any, ...] = ()
    """Stored values that mean "missing" (`_FillValue`, `missing_value`); NaN always does."""
    scale_factor: float | None = None
    add_offset: float | None = None
    unsigned: np.dtype[Any] | None = None
    """The unsigned (or signed) type as which to read the stored integers (`_Unsigned`), or None."""

    def decode(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Decode `stored`, any shape, to the same shape of `dtype`; missing values become NaN."""
        values = stored
        if self.unsigned is not None:  # another layout of the data may have its bytes in another order
            values = stored.view(self.unsigned.newbyteorder(stored.dtype.byteorder))
        missing = self._missing(values)
        if self.scale_factor is not None or self.add_offset is not None:
            values = self._unpack(values)
        values = values.astype(self.dtype, copy=False)
        if missing is not None and missing.any():
            values = np.where(missing, self.dtype.type(np.nan), values)
        return values

    def _missing(self, values: NDArray[Any]) -> NDArray[np.bool_] | None:
        missing = None
        for fill in self.fill_values:
            if math.isnan(fill):  # its own mark already
                continue
            found = values == fill
            missing = found if missing is None else missing | found
        return missing

    def _unpack(self, values: NDArray[Any]) -> NDArray[Any]:
        scale = 1.0 if self.scale_factor is None else self.scale_factor
        offset = 0.0 if self.add_offset is None else self.add_offset
        divisor = _decimal_divisor(scale)
        wide = values.astype(np.float64)
        if divisor is not None and float(offset * divisor).is_integer():
            # 29640 / 100 is the double nearest to 296.4, 29640 * 0.01 is not: it would print as 296.40000000000003.
            return (wide + offset * divisor) / divisor
        return wide * scale + offset


def widen(values: NDArray[Any]) -> NDArray[np.float64]:
    """Coordinates as doubles that print as the stored ones do, same shape: float32 0.1 becomes 0.1, not 0.10000000149."""
    if values.dtype.kind == "f" and values.dtype.itemsize < np.dtype(np.float64).itemsize:
        return np.array([float(str(value)) for value in values.ravel()], dtype=np.float64).reshape(values.shape)
    return values.astype(np.float64)


@lru_cache(maxsize=64)
def _decimal_divisor(scale: float) -> float | None:
    """10**n when `scale` is the double nearest to 10**-n, n in 0..12; else None."""
    for n in range(13):
        if scale == float(f"1e-{n}"):
            return 10.0**n
    return None
