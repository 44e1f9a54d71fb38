"""Text formats write long answers in pieces, so that memory holds little beside the values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zarr_edr.coverage import Coverage, CoverageSet, DomainType, Range, Times, Tuples
from zarr_edr.dataset.model import TimeAxis
from zarr_edr.encode import ENCODERS
from zarr_edr.encode.protocol import Encoder
from zarr_edr.plan import PointShape
from zarr_edr.testing.sample_coverages import coverages

TEXTS = [encoder for encoder in ENCODERS if any("json" in t or "csv" in t for t in encoder.media_types)]
POINTS, TIMES = 300, 2_000
MOST_BYTES = 16 * 1024**2
"""Of a piece; the whole is 5 to 60 MB."""


@pytest.fixture(scope="module")
def series() -> CoverageSet:
    """600,000 values."""
    us = np.arange(TIMES, dtype=np.int64) * 3_600_000_000
    axis = TimeAxis("time", us, "standard", tuple(f"{t}Z" for t in np.datetime_as_string(us.astype("M8[us]"), "s")))
    places = np.linspace(0, 90, POINTS)
    axes: dict[str, Any] = {"composite": Tuples(places, places, None), "t": Times(axis, np.arange(TIMES))}
    values = np.random.default_rng(1).random((TIMES, POINTS), np.float32)
    coverage = Coverage(DomainType.MULTI_POINT_SERIES, axes, {"v": Range(("t", "composite"), values)})
    return coverages(coverage, shape=PointShape.MANY)


@pytest.mark.parametrize("encoder", TEXTS, ids=lambda e: e.name)
def test_no_piece_of_a_long_answer_is_long(encoder: Encoder, series: CoverageSet) -> None:
    sizes = [len(piece) for piece in encoder.encode(series)]
    assert sum(sizes) > 5_000_000
    assert max(sizes) < MOST_BYTES
