"""The engine and brute force give the same answers, on random stores, to random queries.

`HYPOTHESIS_PROFILE=nightly` asks many more, and different ones each time; by default they are the same each time.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.model import Collection
from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.engine import answer
from zarr_edr.query.geometry import Points
from zarr_edr.query.model import PositionQuery
from zarr_edr.settings import CollectionSettings
from zarr_edr.testing import oracle
from zarr_edr.testing.covjson import Row, check, decode, load
from zarr_edr.testing.faults import CountingStore
from zarr_edr.testing.stores import StoreSpec, in_memory, truth
from zarr_edr.testing.strategies import position_queries, store_specs

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
ENCODER = CovJsonEncoder()


def profile(examples: int) -> settings:
    """Few and fixed examples by default, forty times as many at night."""
    return settings(
        max_examples=examples * 40 if NIGHTLY else examples,
        deadline=None,
        phases=tuple(Phase) if NIGHTLY else (Phase.generate,),  # to shrink a failure takes minutes
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )


@dataclass(frozen=True, eq=False)
class Case:
    """A store and queries to ask it."""

    spec: StoreSpec
    queries: list[PositionQuery]


@st.composite
def cases(draw: Callable[[st.SearchStrategy[StoreSpec | list[PositionQuery]]], object], queries: int) -> Case:
    spec = draw(store_specs())
    assert isinstance(spec, StoreSpec)
    asked = draw(st.lists(position_queries(spec), min_size=queries, max_size=queries))
    assert isinstance(asked, list)
    return Case(spec, asked)


def collection_on(group: zarr.Group) -> Collection:
    return describe(group, id="c", title="C", description="", settings=CollectionSettings(data="memory"))


def rows_of(query: PositionQuery, collection: Collection) -> list[Row] | None:
    """The engine's answer, checked and decoded."""
    body = answer(query, collection, ENCODER).body
    if body is None:
        return None
    assert check(load(body)) == []
    return decode(body)


def tolerances(spec: StoreSpec, dataset: xr.Dataset) -> dict[str, float]:
    """Packed values may differ by the rounding of another order of operations, others by nothing."""
    allowed = {}
    for variable in spec.variables:
        if variable.scale_factor is not None or variable.add_offset is not None:
            values = dataset[variable.name].values
            largest = np.nanmax(np.abs(values), initial=abs(variable.add_offset or 0.0), where=np.isfinite(values))
            allowed[variable.name] = 4 * float(np.finfo(values.dtype).eps) * float(largest)
    return allowed


@pytest.mark.parametrize("part", range(4))
def test_the_engine_answers_as_brute_force_does(part: int) -> None:
    @seed(part if not NIGHTLY else secrets.randbits(32))
    @profile(40)
    @given(cases(queries=16))
    def agree(case: Case) -> None:
        group = in_memory(case.spec)
        dataset, collection = truth(group.store), collection_on(group)
        brute_force, allowed = oracle.Oracle(dataset), tolerances(case.spec, dataset)
        for query in case.queries:
            problems = oracle.disagreements(brute_force.answer(query), rows_of(query, collection), allowed)
            assert not problems, (query, problems[:3])

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
@given(cases(queries=4))
def test_a_longitude_is_a_direction(case: Case) -> None:
    collection = collection_on(in_memory(case.spec))
    for query in case.queries:
        here = told(rows_of(query, collection))
        assert [told(rows_of(moved(query, turn), collection)) for turn in (-360, 360, 720)] == [here] * 3


@seed(0)
@profile(30)
@given(cases(queries=1), st.floats(-720, 720), st.sampled_from((-90.0, 90.0)))
def test_any_longitude_at_a_pole_is_the_pole(case: Case, lon: float, pole: float) -> None:
    collection = collection_on(in_memory(case.spec))
    grid = next(iter(collection.parameters.values())).grid
    points = Points(np.array([lon]), np.array([pole]), None, multi=False)
    body = answer(PositionQuery(points), collection, ENCODER).body
    assert (body is not None) == (pole in grid.bbox[1::2])


@seed(0)
@profile(30)
@given(cases(queries=1))
def test_no_chunk_is_fetched_twice_for_one_query(case: Case) -> None:
    if case.spec.sharded:
        return  # a shard is read once for its index, and once for each of its chunks
    counting = CountingStore(in_memory(case.spec).store)
    collection = collection_on(zarr.open_group(counting, mode="r"))
    counting.counts.reset()
    answer(case.queries[0], collection, ENCODER)
    assert set(counting.counts.chunk_gets.values()) <= {1}


@seed(0)
@profile(30)
@given(cases(queries=2))
def test_points_asked_together_are_answered_as_each_alone(case: Case) -> None:
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
@given(cases(queries=2))
def test_parameters_on_the_same_axes_come_in_the_order_asked_for(case: Case) -> None:
    twin = replace(case.spec.variables[0], name="twin")
    spec = replace(case.spec, variables=(*case.spec.variables, twin))
    collection = collection_on(in_memory(spec))
    for names in ((twin.name, spec.variables[0].name), (spec.variables[0].name, twin.name)):
        body = answer(replace(case.queries[0], parameters=names), collection, ENCODER).body
        document = {"parameters": names} if body is None else load(body)
        assert tuple(document["parameters"]) == names
