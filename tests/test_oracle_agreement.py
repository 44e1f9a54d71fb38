"""The engine and brute force give the same answers, on random stores, to random queries.

`HYPOTHESIS_PROFILE=nightly` asks many more, and different ones each time; by default they are the same each time.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.engine import answer
from zarr_edr.query.geometry import Points
from zarr_edr.query.model import PositionQuery
from zarr_edr.testing.agreement import NIGHTLY, Case, cases, collection_on, disagreements_in, profile, rows_of
from zarr_edr.testing.covjson import Row, load
from zarr_edr.testing.stores import in_memory
from zarr_edr.testing.strategies import position_queries

ENCODER = CovJsonEncoder()


@pytest.mark.parametrize("part", range(4))
def test_the_engine_answers_as_brute_force_does(part: int) -> None:
    @seed(part if not NIGHTLY else secrets.randbits(32))
    @profile(40)
    @given(cases(position_queries, count=16))
    def agree(case: Case[PositionQuery]) -> None:
        assert disagreements_in(case) == []

    agree()


def moved(query: PositionQuery, degrees: float) -> PositionQuery:
    """The same question asked further east."""
    return replace(query, points=replace(query.points, x=query.points.x + degrees))


def told(rows: list[Row] | None) -> list[tuple[object, ...]] | None:
    """Rows without the place of null values, which for points outside is the one asked for."""
    if rows is None:
        return None
    return [(r.parameter, r.point, r.time, r.members, r.value) if r.value is None else (r,) for r in rows]


@seed(0)
@profile(15)
@given(cases(position_queries, count=4))
def test_a_longitude_is_a_direction(case: Case[PositionQuery]) -> None:
    collection = collection_on(in_memory(case.spec))
    for query in case.queries:
        here = told(rows_of(query, collection))
        assert [told(rows_of(moved(query, turn), collection)) for turn in (-360, 360, 720)] == [here] * 3


@seed(0)
@profile(30)
@given(cases(position_queries, count=1), st.floats(-720, 720), st.sampled_from((-90.0, 90.0)))
def test_any_longitude_at_a_pole_is_the_pole(case: Case[PositionQuery], lon: float, pole: float) -> None:
    collection = collection_on(in_memory(case.spec))
    grid = next(iter(collection.parameters.values())).grid
    points = Points(np.array([lon]), np.array([pole]), None, multi=False)
    body = answer(PositionQuery(points), collection, ENCODER).whole()
    assert (body is not None) == (pole in grid.bbox[1::2])


@seed(0)
@profile(30)
@given(cases(position_queries, count=2))
def test_points_asked_together_are_answered_as_each_alone(case: Case[PositionQuery]) -> None:
    collection = collection_on(in_memory(case.spec))
    for query in case.queries:
        together = rows_of(replace(query, points=replace(query.points, multi=True)), collection) or []
        for k in range(len(query.points)):
            z = None if query.points.z is None else query.points.z[k : k + 1]
            point = Points(query.points.x[k : k + 1], query.points.y[k : k + 1], z, multi=False)
            alone = rows_of(replace(query, points=point), collection) or []
            found = {replace(row, point=0) for row in together if row.point == k and row.value is not None}
            assert found == {row for row in alone if row.value is not None}


@seed(0)
@profile(30)
@given(cases(position_queries, count=2))
def test_parameters_on_the_same_axes_come_in_the_order_asked_for(case: Case[PositionQuery]) -> None:
    twin = replace(case.spec.variables[0], name="twin")
    spec = replace(case.spec, variables=(*case.spec.variables, twin))
    collection = collection_on(in_memory(spec))
    for names in ((twin.name, spec.variables[0].name), (spec.variables[0].name, twin.name)):
        body = answer(replace(case.queries[0], parameters=names), collection, ENCODER).whole()
        document = {"parameters": names} if body is None else load(body)
        assert tuple(document["parameters"]) == names
