"""Slow, obvious answers, to compare fast ones with: `Oracle` for all queries, position queries here.

Works on whole arrays decoded by xarray, with Python loops, and shares no code with the engine but the query's types.

Rules. The cell is the one with the nearest centre, ties to the greater coordinate (for longitudes: to the east); a
longitude is a direction. Half a cell beyond the outermost centre is inside, the edge included; latitudes end at the
poles; an axis whose cells fill the circle has no outside. At a pole any cell of the row is right, whatever the
longitude. A time matches exactly, or lies in the year, month or day that was written; a level is the nearest within
the range of the levels, ties to the greater.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

import xarray as xr

from zarr_edr.query.model import (
    AreaQuery,
    CorridorQuery,
    CubeQuery,
    Level,
    PositionQuery,
    Query,
    RadiusQuery,
    TrajectoryQuery,
)
from zarr_edr.testing.covjson import Row
from zarr_edr.testing.oracle_area import area_rows, cube_rows, grid_disagreements, radius_rows
from zarr_edr.testing.oracle_path import by_vertex, corridor_rows, trajectory_rows
from zarr_edr.testing.oracle_variable import Cell, Expected, Roles, Variable


def answer(query: Query, dataset: xr.Dataset, roles: Roles | None = None) -> list[Expected] | None:
    """All values of the answer, or None where there is no data: nothing inside, or no matching time or level.

    `dataset` is loaded, with values decoded and times not (`stores.truth`).
    """
    return Oracle(dataset, roles).answer(query)


class Oracle:
    """Answers many queries on one dataset."""

    def __init__(self, dataset: xr.Dataset, roles: Roles | None = None) -> None:
        known = Roles() if roles is None else roles
        self._variables = {str(name): Variable(array, known) for name, array in dataset.data_vars.items()}

    def answer(self, query: Query) -> list[Expected] | None:
        """See the function of that name."""
        names = self._variables if query.parameters is None else query.parameters
        return [row for name in names for row in _rows(self._variables[name], query)] or None

    def problems(
        self, query: Query, rows: Sequence[Row] | None, tolerance: Mapping[str, float] | None = None
    ) -> list[str]:
        """How an answer, decoded, differs from the right one; empty when it does not. See `disagreements`."""
        expected = self.answer(query)
        match query:
            case PositionQuery():
                return disagreements(expected, rows, tolerance)
            case TrajectoryQuery():
                return disagreements(expected, by_vertex(rows, query), tolerance)
            case _:
                return grid_disagreements(expected, rows, tolerance)


def _rows(variable: Variable, query: Query) -> list[Expected]:
    """What one parameter contributes."""
    match query:
        case PositionQuery():
            return _position_rows(variable, query)
        case CubeQuery():
            return cube_rows(variable, query)
        case AreaQuery():
            return area_rows(variable, query)
        case RadiusQuery():
            return radius_rows(variable, query)
        case TrajectoryQuery():
            return trajectory_rows(variable, query)
        case CorridorQuery():
            return corridor_rows(variable, query)
        case _:
            assert_never(query)


def _position_rows(variable: Variable, query: PositionQuery) -> list[Expected]:
    """Nothing where no point is inside or no time, level or member matches."""
    points = query.points
    rows: list[Expected] = []
    anything = False
    times = variable.times(query.datetime)
    own_levels = variable.has_z and query.z is None and points.z is not None
    for k in range(len(points)):
        selector = query.z
        if selector is None and points.z is not None:
            selector = (Level(float(points.z[k])),)
        cells, levels = variable.cells_at(float(points.x[k]), float(points.y[k])), variable.levels(selector)
        if not cells or (not levels and own_levels):
            rows += variable.found(query, k, [], times, [(None, None)])
            continue
        found = list(variable.found(query, k, cells, times, levels))
        anything = anything or bool(found)
        rows += found
    return rows if anything else []


def disagreements(
    expected: Sequence[Expected] | None, rows: Sequence[Row] | None, tolerance: Mapping[str, float] | None = None
) -> list[str]:
    """How an answer, decoded, differs from the expected one; empty when it does not.

    `tolerance` gives the absolute difference allowed per parameter (packed values may be unpacked in another order of
    operations); others must be equal. The place of a point that is outside is free, its value must be null.
    """
    if expected is None or rows is None:
        return [] if expected is None and rows is None else [f"expected {_some(expected)}, got {_some(rows)}"]
    outside = {(e.parameter, e.point, e.time, e.members) for e in expected if not e.cells}
    wanted = {(e.parameter, e.point, e.time, e.members, e.z): e for e in expected if e.cells}
    problems = []
    for row in rows:
        place = (row.parameter, row.point, row.time, row.members)
        if place in outside:
            problems += [] if row.value is None else [f"a value outside: {row}"]
            continue
        match = wanted.pop((*place, row.z), None)
        if match is None:
            problems.append(f"not expected, or twice: {row}")
        elif not any(_same(cell, row, (tolerance or {}).get(row.parameter, 0.0)) for cell in match.cells):
            problems.append(f"expected {match}, got {row}")
    problems += [f"lacking: {e}" for e in wanted.values()]
    present = {(row.parameter, row.point, row.time, row.members) for row in rows}
    return problems + [f"lacking a null: {place}" for place in sorted(outside - present, key=str)]


def _some(rows: Sequence[object] | None) -> str:
    return "no data" if rows is None else f"{len(rows)} values, first {rows[:1]}"


def _same(cell: Cell, row: Row, tolerance: float) -> bool:
    if (cell.x, cell.y) != (row.x, row.y):
        return False
    if cell.value is None or row.value is None:
        return cell.value is row.value
    return abs(cell.value - row.value) <= tolerance
