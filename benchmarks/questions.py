"""What is asked, as values: the same questions go to every system, each in its own words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from benchmarks.stores import Store

type Array = np.ndarray[Any, np.dtype[Any]]

SEED = 20261125
OFF_CENTRE = 0.4
"""Points lie within this part of a cell around its centre: systems differ in which cell has its edge, and all may be right."""


@dataclass(frozen=True, slots=True)
class Question:
    """A query to one store."""

    store: str
    kind: Literal["position", "area", "cube"]
    points: Array
    """Longitudes and latitudes, shape (n, 2); of an area its closed ring; of a cube west-south and east-north."""
    times: tuple[int, int]
    """Index of the first time and of the one after the last."""
    first: str
    """The first time, `2000-01-01T00:00:00`."""
    last: str
    whole_series: bool

    @property
    def one_time(self) -> bool:
        """Whether it asks for a single time."""
        return self.times[1] - self.times[0] == 1


@dataclass(frozen=True)
class Grid:
    """The axes of a store, and its array, read by xarray."""

    store: Store
    truth: Path
    """Where the values are read for comparison: the same field in another layout, where that is faster."""
    lon: Array
    lat: Array
    time: tuple[str, ...]

    @classmethod
    def of(cls, store: Store, truth: Path | None = None) -> Grid:
        """Read the axes; `truth` is another store of the same values."""
        with xr.open_zarr(store.path, chunks=None) as found:
            times = np.datetime_as_string(found["time"].values, unit="s")
            return cls(
                store,
                truth or store.path,
                found["lon"].values.astype("f8"),
                found["lat"].values.astype("f8"),
                tuple(times),
            )

    @cached_property
    def array(self) -> xr.DataArray:
        """All values, of which nothing is read before it is taken."""
        dataset: xr.Dataset = xr.open_zarr(self.truth, chunks=None)
        return dataset[self.store.variable]

    @cached_property
    def known(self) -> dict[tuple[bytes, tuple[int, int]], Array]:
        """Values that were looked up before, by points and times."""
        return {}

    def questions(self, points: int, times: int | None, count: int, seed: int = SEED) -> list[Question]:
        """`count` position queries for `points` cells each, at as many times that follow one another; None is all of them."""
        random = np.random.default_rng([seed, points, times or 0])
        x = self.lon[random.integers(0, self.lon.size, (count, points))]
        y = self.lat[
            random.integers(1, self.lat.size - 1, (count, points))
        ]  # a pole is one place, whatever its longitude
        where = np.stack([x, y], -1) + self._within(random.uniform(-OFF_CENTRE, OFF_CENTRE, (count, points, 2)))
        low, high = [self.lon.min(), self.lat.min()], [self.lon.max(), self.lat.max()]
        where = np.clip(where.round(3), low, high)
        long = times or len(self.time)
        starts = random.integers(0, len(self.time) - long + 1, count)
        return [self._question("position", p, int(start), long) for p, start in zip(where, starts, strict=True)]

    def apart(self, count: int, tile: int = 12, seed: int = SEED) -> list[Question]:
        """`count` queries for the whole series of one cell, each in a square of `tile` by `tile` cells of its own."""
        random = np.random.default_rng([seed, count])
        across, down = self.lon.size // tile, self.lat.size // tile
        chosen = random.permutation(across * down)[:count]
        inside = random.integers(1, tile, (len(chosen), 2))
        x, y = chosen % across * tile + inside[:, 0], chosen // across * tile + inside[:, 1]
        return [
            self._question("position", np.array([[self.lon[i], self.lat[j]]]), 0, len(self.time))
            for i, j in zip(x, y, strict=True)
        ]

    def boxes(
        self, kind: Literal["area", "cube"], cells: int, times: int, count: int, seed: int = SEED
    ) -> list[Question]:
        """`count` boxes of `cells` by `cells` cells, their edges between the centres; an area is the triangle in each."""
        random = np.random.default_rng([seed, cells, times])
        found = []
        for _ in range(count):
            i, j = random.integers(1, self.lon.size - cells - 1), random.integers(1, self.lat.size - cells - 1)
            before, after = (
                0.3 * np.array(self._step),
                0.1 * np.array(self._step),
            )  # no centre on the long side of the triangle
            south, north = sorted([self.lat[j], self.lat[j + cells - 1]])
            west, south = (np.array([self.lon[i], south]) - before).round(3).tolist()
            east, north = (np.array([self.lon[i + cells - 1], north]) + after).round(3).tolist()
            ring = [[west, south], [east, south], [west, north], [west, south]]
            where = np.array(ring if kind == "area" else [[west, south], [east, north]])
            start = int(random.integers(0, len(self.time) - times + 1))
            found.append(self._question(kind, where, start, times))
        return found

    def _question(self, kind: Literal["position", "area", "cube"], where: Array, start: int, long: int) -> Question:
        first, last = self.time[start], self.time[start + long - 1]
        return Question(self.store.name, kind, where, (start, start + long), first, last, long == len(self.time))

    @property
    def _step(self) -> tuple[float, float]:
        return abs(self.lon[1] - self.lon[0]), abs(self.lat[1] - self.lat[0])

    def _within(self, parts: Array) -> Array:
        """Parts of a cell as degrees."""
        degrees: Array = parts * np.array(self._step)
        return degrees
