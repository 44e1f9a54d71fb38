"""What lines and corridors are to positions and to their resolution, on random stores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.engine import answer
from zarr_edr.errors import InvalidCoords
from zarr_edr.query.geometry import Path, Points
from zarr_edr.query.model import CorridorQuery, PositionQuery, Resolution, TrajectoryQuery
from zarr_edr.testing.agreement import (
    Case,
    cases,
    collection_on,
    profile,
    rows_of,
)
from zarr_edr.testing.oracle import Oracle
from zarr_edr.testing.oracle_path import Refused
from zarr_edr.testing.stores import in_memory, truth
from zarr_edr.testing.strategies_shapes import corridor_queries, trajectory_queries


@seed(0)
@profile(15)
@given(cases(trajectory_queries, count=4))
def test_a_line_without_times_has_the_values_of_its_vertices(case: Case[TrajectoryQuery]) -> None:
    collection = collection_on(in_memory(case.spec))
    for query in case.queries:
        line = Path(query.path.x, query.path.y, None, None, query.path.starts[:1])
        points = Points(line.x, line.y, None, multi=True)
        chosen: dict[str, Any] = {
            "datetime": query.datetime,
            "z": query.z,
            "parameters": query.parameters,
            "custom": query.custom,
        }
        along = rows_of(TrajectoryQuery(line, **chosen), collection) or []
        apart = rows_of(PositionQuery(points, **chosen), collection) or []
        assert sorted(
            (r.parameter, r.time, r.z, r.members, r.x, r.y, r.value) for r in along if r.value is not None
        ) == (sorted((r.parameter, r.time, r.z, r.members, r.x, r.y, r.value) for r in apart if r.value is not None))


def refused(query: TrajectoryQuery, dataset: Any) -> bool:
    try:
        Oracle(dataset).answer(query)
    except Refused:
        return True
    return False


@seed(0)
@profile(20)
@given(cases(trajectory_queries, count=4), st.sampled_from((-1e4, -2.0, 2.0, 1e4)), st.sampled_from((-1, 1)))
def test_a_level_or_time_outside_is_refused(case: Case[TrajectoryQuery], up: float, years: int) -> None:
    group = in_memory(case.spec)
    collection, dataset = collection_on(group), truth(group.store)
    for query in case.queries:
        z, time_us = query.path.z, query.path.time_us
        if z is not None:
            z = z + np.where(np.arange(z.size) == 0, up, 0.0)
        elif time_us is not None:
            time_us = time_us + np.where(np.arange(time_us.size) == 0, years * 366 * 86_400_000_000, 0)
        outside = replace(query, path=replace(query.path, z=z, time_us=time_us), datetime=None, z=None, custom={})
        if refused(outside, dataset):
            with pytest.raises(InvalidCoords, match="outside"):
                answer(outside, collection, CovJsonEncoder())
        else:
            answer(outside, collection, CovJsonEncoder())


@seed(0)
@profile(15)
@given(cases(corridor_queries, count=4), st.integers(1, 4), st.integers(1, 4))
def test_a_resolution_of_a_corridor_takes_some_of_its_rows_and_columns(
    case: Case[CorridorQuery], columns: int, rows: int
) -> None:
    collection = collection_on(in_memory(case.spec))
    for query in case.queries:
        one = replace(query.path, starts=query.path.starts[:1])
        native = {replace(r, point=0) for r in rows_of(replace(query, path=one), collection) or []}
        coarse = replace(query, path=one, resolution=Resolution(x=columns, y=rows))
        found = rows_of(coarse, collection) or []
        assert len({r.x for r in found}) <= columns
        assert len({r.y for r in found}) <= rows
        assert {replace(r, point=0) for r in found if r.value is not None} <= native
