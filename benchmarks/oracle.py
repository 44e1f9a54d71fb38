"""What must come back: the array, read by xarray and picked by numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from benchmarks.questions import Array, Grid, Question

RELATIVE = 1e-6
"""float32 has seven digits; some print eight, some sixteen."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of an answer: where they are, shape (cells,), and their values, shape (time, cells)."""

    x: Array
    y: Array
    values: Array


class WrongAnswer(Exception):
    """An answer that is not what is in the array."""


def expected(grid: Grid, question: Question) -> Array:
    """The values of a position query, point by point, shape (points * times,)."""
    key = (question.points.tobytes(), question.times)
    if key not in grid.known:
        grid.known[key] = _picked(grid, question)
    return grid.known[key]


def _picked(grid: Grid, question: Question) -> Array:
    at = [cells(axis, asked) for axis, asked in ((grid.lon, question.points[:, 0]), (grid.lat, question.points[:, 1]))]
    picked = grid.array.isel(time=slice(*question.times), lon=("points", at[0]), lat=("points", at[1]))
    return np.asarray(picked.transpose("points", "time").values, "f8").ravel()


def cells(axis: Array, asked: Array) -> Array:
    """Index of the nearest value of an axis for each asked one, by trying all."""
    return np.concatenate(
        [np.abs(axis - part[:, None]).argmin(1) for part in np.array_split(asked, len(asked) // 4096 + 1)]
    )


def check(found: Array, wanted: Array, what: str) -> None:
    """Compare values. Raises `WrongAnswer`."""
    if found.shape != wanted.shape:
        raise WrongAnswer(f"{what}: {found.size} values where {wanted.size} were expected")
    if not np.allclose(found, wanted, rtol=RELATIVE, atol=0, equal_nan=True):
        worst = int(np.nanargmax(np.abs(found - wanted)))
        raise WrongAnswer(f"{what}: {found[worst]} where the array has {wanted[worst]} (value {worst})")


def check_cells(grid: Grid, question: Question, found: Cells, what: str) -> None:
    """Compare an area or cube with the array where the answer says that it stands. Raises `WrongAnswer`.

    Cells may be null where they are not inside of what was asked for; systems differ in whether an edge is inside.
    """
    i, j = cells(grid.lon, found.x), cells(grid.lat, found.y)
    picked = grid.array.isel(time=slice(*question.times), lon=("points", i), lat=("points", j))
    wanted = np.asarray(picked.transpose("time", "points").values, "f8")
    if found.values.shape != wanted.shape:
        raise WrongAnswer(f"{what}: shape {found.values.shape} where {wanted.shape} was expected")
    inside = _inside(question, grid.lon[i], grid.lat[j])
    count = int(_inside(question, grid.lon[None, :], grid.lat[:, None]).sum())
    if inside.sum() != count or np.isnan(found.values[:, inside]).any():
        raise WrongAnswer(f"{what}: of {count} cells that are inside some are missing")
    given = ~np.isnan(found.values)
    check(found.values[given], wanted[given], what)


def _inside(question: Question, x: Array, y: Array) -> Array:
    """Which centres are in the box, or in its half towards south and west."""
    (west, south), (east, north) = question.points.min(0), question.points.max(0)
    box: Array = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    if question.kind == "cube":
        return box
    triangle: Array = box & ((x - west) / (east - west) + (y - south) / (north - south) < 1)
    return triangle
