"""The size of a dataset costs nothing: a store of 100 chunks and one of 100,000, opened and queried."""

from __future__ import annotations

import statistics
import time
import warnings
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from benchmarks.client import Connection, answers, get
from benchmarks.questions import SEED
from benchmarks.systems.ours import serving

ROUNDS, REPEATS = 5, 50


@dataclass(frozen=True, slots=True)
class Size:
    """Of one store: the time from the start of the server to its first answer, and that of one point at one time."""

    chunks: int
    start_s: float
    point_ms: float


def measure(folder: Path, counts: tuple[int, int] = (100, 100_000)) -> tuple[Size, Size]:
    """Both stores in turn, in rounds."""
    with ExitStack() as running:
        ports, starts = {}, {}
        for count in counts:
            path = many_chunks(folder / f"size-{count}.zarr", count)
            begin = time.perf_counter()
            ports[count] = running.enter_context(serving({"s": str(path)}, folder, workers=1)).port
            _median_ms(ports[count], 1)
            starts[count] = time.perf_counter() - begin
            _median_ms(ports[count], REPEATS)
        taken = {count: [_median_ms(ports[count], REPEATS)] for count in counts}
        for _ in range(ROUNDS - 1):
            for count in counts:
                taken[count].append(_median_ms(ports[count], REPEATS))
    small, large = (Size(count, starts[count], min(taken[count])) for count in counts)
    return small, large


def _median_ms(port: int, count: int) -> float:
    """Milliseconds of one of `count` questions, at different cells and times."""
    found = []
    with Connection(port) as connection:
        for n in range(count):
            where = f"POINT({n % 40 / 2}%201)&datetime=2000-01-01T0{n % 10}:00:00Z"
            begin = time.perf_counter()
            answers(connection, [get(f"/collections/s/position?coords={where}", port)])
            found.append((time.perf_counter() - begin) * 1e3)
    return statistics.median(found)


def many_chunks(path: Path, chunks: int) -> Path:
    """A store whose chunks are 10 times by 10 by 10 cells each; those that are asked for are written."""
    times = 10 * (chunks // 25)
    group = zarr.create_group(path)
    v = group.create_array(
        "v", shape=(times, 50, 50), chunks=(10, 10, 10), dtype="f4", dimension_names=("time", "lat", "lon")
    )
    v[:10] = np.random.default_rng(SEED).random((10, 50, 50), dtype="f4")
    axes: dict[str, tuple[np.ndarray[Any, Any], str]] = {
        "time": (np.arange(times), "hours since 2000-01-01"),
        "lat": (np.arange(50) / 2, "degrees_north"),
        "lon": (np.arange(50) / 2, "degrees_east"),
    }
    for name, (values, units) in axes.items():
        attributes: dict[str, Any] = {"units": units}
        axis = group.create_array(name, shape=values.shape, dtype="f8", dimension_names=(name,), attributes=attributes)
        axis[:] = values
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", zarr.errors.ZarrUserWarning)  # consolidated metadata extend Zarr v3
        zarr.consolidate_metadata(path)
    return path
