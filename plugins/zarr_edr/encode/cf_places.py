"""What a client calls its places, as columns of one type each: NetCDF and Zarr hold no JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from zarr_edr.query.geometry import Tags

_INT64 = range(-(2**63), 2**63)


def columns(tags: Tags, places: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Name and values, of the shape of `places`, of each property; of the ids, under an empty name, if there are some."""
    if tags.ids is not None:
        yield "", _taken(tags.ids, places)
    for name, values in tags.properties.items():
        yield name, _taken(values, places)


def _taken(values: Sequence[Any], places: NDArray[np.int64]) -> NDArray[Any]:
    return _column([values[place] for place in places.reshape(-1).tolist()]).reshape(places.shape)


def _column(values: list[Any]) -> NDArray[Any]:
    """Shape (n,): whole numbers or numbers where all are, NaN where one is missing; else text, JSON of what is none."""
    kinds = {type(value) for value in values}
    if kinds == {int} and all(value in _INT64 for value in values):
        return np.array(values, np.int64)
    if kinds <= {int, float, type(None)} and kinds != {type(None)} and all(map(_fits_float64, values)):
        return np.array([np.nan if value is None else value for value in values], np.float64)
    texts = ["" if value is None else value if isinstance(value, str) else _json(value) for value in values]
    return np.array(texts, object)


def _fits_float64(value: float | None) -> bool:
    return not isinstance(value, int) or abs(value) <= 2**53


def _json(value: object) -> str:
    # Python's integers have no bound, orjson's have 64 bits.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else orjson.dumps(value).decode()
