"""One data variable of an oracle: what it holds, and what of it a query selects besides where."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from zarr_edr.query.model import Selection, TimeSelector, VerticalSelector
from zarr_edr.testing.oracle_axes import (
    chosen_levels,
    instants_of,
    iso,
    member_matches,
    nearest_inside,
    nearest_longitudes,
    plain,
    time_matches,
)


@dataclass(frozen=True, slots=True)
class Roles:
    """Names of the dimensions; every other one is custom."""

    x: str = "lon"
    y: str = "lat"
    t: str = "time"
    z: str = "level"


@dataclass(frozen=True, slots=True)
class Cell:
    """A grid cell and what it holds."""

    x: float
    y: float
    value: float | None


Labels = tuple[tuple[str, float | str], ...]
"""Custom dimension and value, sorted by dimension."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One value that the answer must hold."""

    parameter: str
    point: int
    """Index of the point or vertex in the query; of grids, index of the grid in the answer."""
    time: str | None
    """`YYYY-MM-DDTHH:MM:SSZ`; None without a time axis."""
    z: float | None
    """None without a vertical axis, and where the point is outside."""
    members: Labels
    cells: tuple[Cell, ...]
    """Any of these is right: several at a pole, and on a meridian that is there twice.

    None where the point is outside and the value is null.
    """
    optional: bool = False
    """The value may also be absent: too close to the edge of the geometry to say."""


Chosen = list[tuple[int | None, float | None]]
"""Index and value of levels; one pair of None where there is no such axis."""
ChosenTimes = list[tuple[int | None, str | None]]
Places = Sequence[tuple[int, int]]
"""Indices j and i of cells."""


class Variable:
    """One data variable with its coordinates as plain Python numbers."""

    def __init__(self, array: xr.DataArray, roles: Roles) -> None:
        self.name = str(array.name)
        self.dims = [str(dim) for dim in array.dims]
        self.roles = roles
        self.values: NDArray[Any] = array.values
        self.stored = {str(dim): array[dim].values for dim in array.dims}
        self.x = [float(v) for v in self.stored[roles.x]]
        self.y = [float(v) for v in self.stored[roles.y]]
        self.instants = instants_of(array[roles.t]) if roles.t in array.dims else []
        self.custom = sorted(str(d) for d in array.dims if d not in {roles.x, roles.y, roles.t, roles.z})

    @property
    def has_t(self) -> bool:
        """Whether there is a time axis."""
        return self.roles.t in self.dims

    @property
    def has_z(self) -> bool:
        """Whether there is a vertical axis."""
        return self.roles.z in self.dims

    @property
    def level_values(self) -> list[float]:
        """The levels in storage order, for arithmetic."""
        return [float(v) for v in self.stored[self.roles.z]]

    def cells_at(self, x: float, y: float) -> list[tuple[int, int]]:
        """Indices j, i of the cell of a point, or of each that is right; empty where outside."""
        j = nearest_inside(self.y, y, low=-90.0, high=90.0)
        if j is None:
            return []
        if abs(y) >= 90.0:
            return [(j, i) for i in range(len(self.x))]
        return [(j, i) for i in nearest_longitudes(self.x, x)]

    def times(self, selector: TimeSelector | None) -> ChosenTimes:
        """The times selected."""
        if not self.has_t:
            return [(None, None)]
        chosen = [k for k, instant in enumerate(self.instants) if time_matches(selector, instant)]
        return [(k, iso(self.instants[k])) for k in chosen]

    def levels(self, selector: VerticalSelector | None) -> Chosen:
        """The levels selected."""
        if not self.has_z:
            return [(None, None)]
        stored = self.stored[self.roles.z]
        return [(k, plain(stored[k])) for k in chosen_levels(selector, self.level_values)]

    def members(self, wanted: Mapping[str, str]) -> list[tuple[tuple[str, int, float | str], ...]]:
        """The members selected on all custom dimensions: dimension, index and label of each."""
        choices = []
        for dim in self.custom:
            labels = [v if isinstance(v, str) else plain(v) for v in self.stored[dim]]
            choices.append(
                [(dim, k, label) for k, label in enumerate(labels) if member_matches(wanted.get(dim), label)]
            )
        return list(itertools.product(*choices))

    def found(
        self,
        query: Selection,
        point: int,
        places: Places,
        times: ChosenTimes,
        levels: Chosen,
        *,
        optional: bool = False,
    ) -> Iterator[Expected]:
        """What the cells hold at all of these times and levels, for the members of the query; nulls without cells."""
        for (t, time), (z, level), members in itertools.product(times, levels, self.members(query.custom)):
            index = {self.roles.t: t, self.roles.z: z, **{dim: k for dim, k, _ in members}}
            labels = tuple((dim, label) for dim, _, label in members)
            cells = tuple(self._cell(index, j, i) for j, i in places)
            yield Expected(self.name, point, time, level, labels, cells, optional)

    def _cell(self, index: dict[str, int | None], j: int, i: int) -> Cell:
        everything = {**index, self.roles.y: j, self.roles.x: i}
        value = self.values[tuple(everything[dim] for dim in self.dims)]
        x, y = self.stored[self.roles.x][i], self.stored[self.roles.y][j]
        return Cell(plain(x), plain(y), plain(value) if np.isfinite(value) else None)
