"""What holds for every query that has a shape: it agrees with brute force, reads no more than it must, is answered validly."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import assume, given, seed
from hypothesis import strategies as st

from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.engine import answer
from zarr_edr.query.model import CorridorQuery, PositionQuery, Query, TrajectoryQuery
from zarr_edr.testing.agreement import (
    NIGHTLY,
    Case,
    cases,
    chunks_of,
    collection_on,
    disagreements_in,
    invalidities_in,
    profile,
    twice_there,
)
from zarr_edr.testing.covjson import schema_validator
from zarr_edr.testing.faults import CountingStore
from zarr_edr.testing.oracle import Oracle
from zarr_edr.testing.stores import StoreSpec, in_memory, truth
from zarr_edr.testing.strategies import position_queries
from zarr_edr.testing.strategies_shapes import (
    area_queries,
    corridor_queries,
    cube_queries,
    radius_queries,
    trajectory_queries,
)

Strategy = Callable[[StoreSpec], st.SearchStrategy[Any]]

KINDS: dict[str, Strategy] = {
    "cube": cube_queries,
    "area": area_queries,
    "radius": radius_queries,
    "trajectory": trajectory_queries,
    "corridor": corridor_queries,
}


@pytest.mark.parametrize("part", range(2))
@pytest.mark.parametrize("kind", KINDS)
def test_the_engine_answers_as_brute_force_does(kind: str, part: int) -> None:
    @seed(part if not NIGHTLY else secrets.randbits(32))
    @profile(20)
    @given(cases(KINDS[kind], count=8))
    def agree(case: Case[Query]) -> None:
        assert disagreements_in(case) == []

    agree()


@pytest.mark.parametrize("queries", [*KINDS.values(), position_queries])
def test_each_chunk_that_holds_a_cell_is_fetched_once_and_no_other(queries: Strategy) -> None:
    @seed(0)
    @profile(30)
    @given(cases(queries, count=1))
    def law(case: Case[Query]) -> None:
        assume(not case.spec.sharded)  # a shard is read once for its index, and once for each of its chunks
        query = case.queries[0]
        assume(not twice_there(case.spec))
        if isinstance(query, TrajectoryQuery | CorridorQuery):
            assume((np.abs(query.path.y) < 90).all())  # a pole is any of its cells
        if isinstance(query, PositionQuery):
            query = replace(query, points=replace(query.points, y=np.clip(query.points.y, -89.9, 89.9)))
        counting = CountingStore(in_memory(case.spec).store)
        collection = collection_on(zarr.open_group(counting, mode="r"))
        expected = Oracle(truth(counting)).answer(query) or []
        counting.counts.reset()
        answer(query, collection, CovJsonEncoder())
        fetched = counting.counts.chunk_gets
        assert chunks_of([e for e in expected if not e.optional], case.spec) <= fetched.keys()
        assert fetched.keys() <= chunks_of(expected, case.spec)
        assert set(fetched.values()) <= {1}

    law()


SCHEMAS = Path(__file__).parents[1] / "../shared/schemas/covjson"


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="the official CoverageJSON schemas are not beside this checkout")
@pytest.mark.parametrize("kind", KINDS)
def test_each_answer_is_valid_coveragejson(kind: str) -> None:
    validator = schema_validator(SCHEMAS)

    @seed(0)
    @profile(8)
    @given(cases(KINDS[kind], count=4))
    def law(case: Case[Query]) -> None:
        assert invalidities_in(case, validator) == []

    law()
