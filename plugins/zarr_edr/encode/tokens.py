"""Numbers as text, many at a time: arrays are written whole and cut, so that no value is handled on its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from zarr_edr.coverage import Times

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY
_MANY = 4
"""Times are many from this part of their axis on."""


def tokens(values: NDArray[Any], null: bytes = b"null") -> list[bytes]:
    """Each entry of an array, shape (n,), or each row, shape (n, m), as JSON; NaN, infinities and what is masked are `null`."""
    if isinstance(values, np.ma.MaskedArray):
        return _of_masked(values, null)
    if values.dtype.kind in "OUT":
        return [orjson.dumps(text) for text in values.tolist()]
    if values.dtype.kind == "b":
        values = values.astype(np.uint8)
    text = orjson.dumps(np.ascontiguousarray(values), option=_OPTIONS)
    if null != b"null":
        text = text.replace(b"null", null)
    if values.ndim == 1:
        return text[1:-1].split(b",")
    return [b"[%b]" % row for row in text[2:-2].split(b"],[")]


def time_tokens(times: Times) -> list[bytes]:
    """Each time as a JSON string. The text of a whole axis is made once where many of its times are asked for."""
    numbers = times.index.tolist()
    if len(numbers) * _MANY < len(times.axis):
        return [orjson.dumps(times.axis.iso[number]) for number in numbers]
    return [times.axis.json[number] for number in numbers]


def _of_masked(values: NDArray[Any], null: bytes) -> list[bytes]:
    if values.ndim > 1:
        flat, length = _of_masked(values.reshape(-1), null), values.shape[1]
        return [b"[%b]" % b",".join(flat[k : k + length]) for k in range(0, len(flat), length)]
    found = tokens(np.ma.getdata(values), null)
    for number in np.flatnonzero(np.ma.getmaskarray(values)).tolist():
        found[number] = null
    return found
