"""How a variable's numbers are packed, by its attributes (CF conventions 2.5.1, 8.1; `_Unsigned` of the NetCDF guide).

The rules are xarray's, dtypes included. It is not asked itself: its first look at an array imports all of `dask.array`.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from zarr_edr.dataset.cf_attributes import Notes
from zarr_edr.dataset.chunks import DECODE_ERRORS
from zarr_edr.dataset.packing import Packing
from zarr_edr.errors import StoreUnavailable, UnsupportedDataset


def packing_of(name: str, stored: np.dtype[Any], attributes: Mapping[Any, Any], notes: Notes) -> Packing:
    """The packing of variable `name`. Raises `UnsupportedDataset` if its scale or offset is not a finite number."""
    scale = _number(name, attributes, "scale_factor")
    offset = _number(name, attributes, "add_offset")
    unsigned = _reinterpreted(stored, attributes)
    fills = _fills(name, stored, attributes, notes)
    dtype = _decoded_dtype(unsigned or stored, scale, offset, fills)
    marks = _as_stored(stored, unsigned, fills) if stored.kind != "b" else ()
    return Packing(dtype, marks, _as_float(scale), _as_float(offset), unsigned)


def read(name: str, variable: xr.Variable) -> NDArray[Any]:
    """All values of a variable as stored. Raises `StoreUnavailable`, or `UnsupportedDataset` if they do not decode."""
    try:
        return np.asarray(variable.values)
    except gzip.BadGzipFile as error:
        raise UnsupportedDataset(f"{name}: its values cannot be decoded ({type(error).__name__}).") from error
    except OSError as error:
        raise StoreUnavailable(f"{name}: its values could not be read ({type(error).__name__}).") from error
    except DECODE_ERRORS as error:
        raise UnsupportedDataset(f"{name}: its values cannot be decoded ({type(error).__name__}).") from error


def unpacked(name: str, variable: xr.Variable, notes: Notes) -> NDArray[Any]:
    """All values of a coordinate, decoded but for fill values, which a coordinate must not have (CF 2.5.1)."""
    values = read(name, variable)
    if values.dtype.kind not in "iuf":
        return values
    coding = {k: v for k, v in variable.attrs.items() if k in {"scale_factor", "add_offset", "_Unsigned"}}
    return packing_of(name, values.dtype, coding, notes).decode(values) if coding else values


def _number(name: str, attributes: Mapping[Any, Any], key: str) -> float | int | None:
    value = attributes.get(key)
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UnsupportedDataset(f"{name}: {key} is {repr(value)[:60]}, not a number.")
    return value


def _as_float(value: float | None) -> float | None:
    return None if value is None else float(value)


def _reinterpreted(stored: np.dtype[Any], attributes: Mapping[Any, Any]) -> np.dtype[Any] | None:
    """The dtype as which to read the integers, if `_Unsigned` says other than they are."""
    flag = str(attributes.get("_Unsigned", "")).lower()
    if (stored.kind == "i" and flag == "true") or (stored.kind == "u" and flag == "false"):
        kind = "u" if stored.kind == "i" else "i"
        return np.dtype(f"{kind}{stored.itemsize}").newbyteorder(stored.byteorder)
    return None


def _fills(name: str, stored: np.dtype[Any], attributes: Mapping[Any, Any], notes: Notes) -> tuple[Any, ...]:
    """All numbers that mean "missing", as written; NaN only for floats."""
    fills: list[Any] = []
    for key in ("_FillValue", "missing_value"):
        for value in _flat(attributes.get(key)):
            if isinstance(value, bool) or not isinstance(value, int | float):
                notes.add(f"{name}: {key} {repr(value)[:40]} is not a number and is ignored.")
            elif not math.isnan(value) or stored.kind == "f":
                fills.append(value)
    return tuple(dict.fromkeys(fills))


def _flat(value: object) -> Iterable[object]:
    if value is None:
        return ()
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    return value if isinstance(value, list | tuple) else (value,)


def _decoded_dtype(
    read: np.dtype[Any], scale: float | None, offset: float | None, fills: tuple[Any, ...]
) -> np.dtype[Any]:
    """The dtype that xarray decodes to; attributes of Zarr are Python's int and float, hence no float32 scales."""
    if read.kind == "b":
        return np.dtype(np.int8)
    gaps = any(not math.isnan(fill) for fill in fills)
    if scale is not None or offset is not None:
        if fills and not gaps:  # NaN marks the gaps already: the float stays as it is
            return read.newbyteorder("=")
        whole = offset is None and isinstance(scale, int) and not gaps
        return np.dtype(np.int64 if whole else np.float64)
    if gaps and read.kind in "iu":
        return np.dtype(np.float32 if read.itemsize <= 2 else np.float64)
    return read.newbyteorder("=")


def _as_stored(stored: np.dtype[Any], unsigned: np.dtype[Any] | None, fills: tuple[Any, ...]) -> tuple[Any, ...]:
    """`fills` in the dtype in which values are compared; those that cannot occur in it are dropped."""
    marks = []
    for fill in fills:
        mark = _float_mark(stored, fill) if stored.kind == "f" else _integer_mark(stored, unsigned, fill)
        if mark is not None:
            marks.append(mark)
    return tuple(dict.fromkeys(marks))


def _float_mark(stored: np.dtype[Any], fill: float) -> Any:
    if math.isnan(fill):
        return None
    with np.errstate(over="ignore"):
        mark = stored.newbyteorder("=").type(fill)
    return mark if np.isfinite(mark) or math.isinf(fill) else None


def _integer_mark(stored: np.dtype[Any], unsigned: np.dtype[Any] | None, fill: float) -> Any:
    if not math.isfinite(fill) or int(fill) != fill:
        return None
    whole = int(fill)
    # Where bits are read as another type, the fill may be written as either.
    for dtype in (stored, unsigned):
        if dtype is not None and np.iinfo(dtype).min <= whole <= np.iinfo(dtype).max:
            bits = np.array(whole, dtype=dtype)
            return (bits if unsigned is None else bits.view(unsigned))[()]
    return None
