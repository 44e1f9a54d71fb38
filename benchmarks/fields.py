"""A field as a reanalysis has: smooth waves that travel, noise, values of three decimals. Any block of it, always the same."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

type Floats = np.ndarray[Any, np.dtype[np.float32]]
type Doubles = np.ndarray[Any, np.dtype[np.float64]]

WAVES = 8
_NOISE_VALUES = 1 << 24
"""Noise is taken from a table of this many values, row by row, each row from a place of its own."""


@dataclass(frozen=True)
class Field:
    """Temperature in kelvins on a global grid, x from 0 eastward, y from north to south."""

    times: int
    ys: int
    xs: int
    seed: int = 20261125
    noise: float = 4.0
    """Standard deviation, kelvins: with it the field compresses by a half, as reanalyses do."""

    @property
    def longitudes(self) -> Floats:
        """Degrees east, shape (xs,)."""
        return (np.arange(self.xs) * 360 / self.xs).astype("f4")

    @property
    def latitudes(self) -> Floats:
        """Degrees north, shape (ys,), falling."""
        return np.linspace(90, -90, self.ys).astype("f4")

    @property
    def hours(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Hours since the first time, shape (times,)."""
        return np.arange(self.times, dtype="i8") * 6

    def block(self, t: slice, y: slice, x: slice) -> Floats:
        """The values of some times, rows and columns, shape (t, y, x)."""
        in_time, in_space = self._waves
        space = in_space.reshape(-1, self.ys, self.xs)[:, y, x]
        smooth = in_time[t] @ space.reshape(len(space), -1)
        values = smooth.reshape(-1, *space.shape[1:])
        width = space.shape[2]
        rows = np.lib.stride_tricks.sliding_window_view(self._table, width)
        values += rows[self._offsets[t, y] + x.start]
        return np.round(values, 3).astype("f4")

    @cached_property
    def _waves(self) -> tuple[Doubles, Doubles]:
        """Amplitudes in time (times, waves) and patterns in space (waves, ys * xs), whose product is the smooth part.

        Both are multiples of powers of two, so that sums of their products are exact, in whatever order a library adds them:
        all layouts hold the same values.
        """
        random = np.random.default_rng(self.seed)
        days = self.hours / 24
        lat, lon = np.deg2rad(self.latitudes.astype("f8")), np.deg2rad(self.longitudes.astype("f8"))
        ones = np.ones((self.ys, self.xs))
        in_time = [np.ones(self.times), np.cos(2 * np.pi * days / 365.25)]
        in_space = [(250 + 48 * np.cos(lat))[:, None] * ones, (-14 * np.sin(lat))[:, None] * ones]
        for number in range(1, WAVES + 1):
            phase, days_around = random.random(2) * [2 * np.pi, 40] + [0, 8]
            height = 6 / number * np.cos(lat)[:, None]
            for wave in (np.cos, np.sin):
                in_time.append(wave(2 * np.pi * days / days_around))
                in_space.append(height * wave(number * lon + phase))
        return _exact(np.stack(in_time, 1)), _exact(np.stack(in_space)).reshape(len(in_space), -1)

    @cached_property
    def _table(self) -> Floats:
        return np.random.default_rng(self.seed + 1).standard_normal(_NOISE_VALUES, "f4") * np.float32(self.noise)

    @cached_property
    def _offsets(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Where the noise of each time and row begins in the table, shape (times, ys)."""
        return np.random.default_rng(self.seed + 2).integers(0, _NOISE_VALUES - self.xs, (self.times, self.ys))


def _exact(values: Doubles) -> Doubles:
    """The nearest multiples of 1/4096."""
    rounded: Doubles = np.round(values * 4096) / 4096
    return rounded
