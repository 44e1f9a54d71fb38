"""What a client calls its places, as columns of one type each: NetCDF and Zarr hold no JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.encode.tags import values_of_tags
from zarr_edr.encode.values import Kind, fits_float64, json_text, kind_of
from zarr_edr.query.geometry import Tags


def columns(tags: Tags, places: NDArray[np.int64]) -> Iterator[tuple[str | None, NDArray[Any]]]:
    """Name and values, of the shape of `places`, of each property; of the ids, without a name, if there are some."""
    for name, values in values_of_tags(tags, places):
        yield name, _column(values).reshape(places.shape)


def _column(values: list[Any]) -> NDArray[Any]:
    """Shape (n,): whole numbers or numbers where all are, NaN where one is missing; else text, JSON of what is none."""
    match kind_of(values):
        case Kind.INTEGER if None not in values:
            return np.array(values, np.int64)
        case Kind.INTEGER | Kind.NUMBER if all(map(fits_float64, values)):
            return np.array([np.nan if value is None else value for value in values], np.float64)
        case _:
            return np.array(["" if value is None else json_text(value) for value in values], object)
