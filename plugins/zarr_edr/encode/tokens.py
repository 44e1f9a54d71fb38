"""Numbers as text, many at a time: arrays are written whole and cut, so that no value is handled on its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY


def tokens(values: NDArray[Any], null: bytes = b"null") -> list[bytes]:
    """Each entry of an array, shape (n,), or each row, shape (n, m), as JSON; NaN and infinities are `null`."""
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
