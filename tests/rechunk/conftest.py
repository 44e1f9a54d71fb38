"""Stores to rechunk, and a world in which a few cells are many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from zarr_edr.rechunk.run import Options, Task, prepare
from zarr_edr.rechunk.shapes import Kind
from zarr_edr.testing.cf import write_steps


@pytest.fixture
def small_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk of 48 bytes is large, and 800 bytes of memory are some."""
    monkeypatch.setattr("zarr_edr.rechunk.shapes.CHUNK_BYTES", 48)
    monkeypatch.setattr("zarr_edr.rechunk.shapes._FIELD_BYTES", 64)
    monkeypatch.setattr("zarr_edr.rechunk.run.LEAST_MEMORY", 1)
    monkeypatch.setattr("zarr_edr.rechunk.regions._CHUNK_COST", 0)


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    """12 fields of 4 x 8 cells, a chunk for each."""
    return write_steps(tmp_path / "steps.zarr", 12, (1, 4, 8))


def task(source: Path | str, target: Path, *kinds: Kind, memory: int = 800, **options: Any) -> Task:
    return prepare(Options(str(source), target, kinds or (Kind.POINTS,), memory, **options))


class Stop:
    """Progress that is interrupted after some calls."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, done: int) -> None:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1


def nothing(done: int) -> None:
    """Progress that nobody looks at."""


def values(store: Path, name: str = "v") -> np.ndarray:
    with xr.open_zarr(store, chunks=None, decode_cf=False, consolidated=False) as dataset:
        found: np.ndarray = dataset[name].values
        return found
