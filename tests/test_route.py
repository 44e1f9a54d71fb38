"""A query reads from the layout in which it costs least; the values are the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from zarr_edr.cache import ChunkCache
from zarr_edr.dataset.catalog import PROVIDER
from zarr_edr.dataset.layouts import with_layouts
from zarr_edr.dataset.model import Collection
from zarr_edr.encode import encoder_for
from zarr_edr.engine import Answer, answer
from zarr_edr.errors import ResponseTooLarge
from zarr_edr.limits import Limits
from zarr_edr.plan import split_index, split_points
from zarr_edr.provider import ZarrEDRProvider
from zarr_edr.query.model import Query
from zarr_edr.query.request import build_query
from zarr_edr.route import cheapest, cost_s, touched
from zarr_edr.testing.agreement import Case, cases, collection_on, profile, rows_of, tolerances
from zarr_edr.testing.cf import collection_at, write_steps
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

SERIES = ("position", {"coords": "POINT(3 2)"})
FIELD = ("cube", {"bbox": "0,0,7,3", "datetime": "2000-01-01T03:00:00Z"})
LINE = ("trajectory", {"coords": "LINESTRING(0 0,7 3)", "datetime": "2000-01-01T03:00:00Z"})
CIRCLE = ("radius", {"coords": "POINT(3 2)", "within": "1", "within-units": "m"})
TIMES = 600


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The same 600 fields, in chunks of whole series and in chunks of whole fields."""
    path = tmp_path_factory.mktemp("layouts")
    points = write_steps(path / "points.zarr", TIMES, (TIMES, 1, 1))
    return str(points), str(write_steps(path / "maps.zarr", TIMES, (1, 4, 8)))


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zarr_edr.read.process_cache", lambda: ChunkCache(1))


def both(stores: tuple[str, str], limits: Limits | None = None) -> Collection:
    return with_layouts(collection_at(stores[0], layouts=stores[1:], limits=limits or Limits()))


def ask(of: Collection, question: tuple[str, dict[str, str]]) -> Answer:
    return answer(build_query(*question, of), of, encoder_for(None))


@pytest.mark.parametrize("question", [SERIES, FIELD, CIRCLE, LINE], ids=["series", "field", "circle", "line"])
@pytest.mark.parametrize("first", ["points", "maps"])
def test_a_query_reads_one_chunk_whichever_store_is_named_first(
    stores: tuple[str, str], first: str, question: tuple[str, dict[str, str]]
) -> None:
    of = both(stores if first == "points" else stores[::-1])
    answered = ask(of, question)
    assert (answered.stats.chunks, answered.chunks) == (1, 1)


@pytest.mark.parametrize("question", [SERIES, FIELD, CIRCLE, LINE], ids=["series", "field", "circle", "line"])
def test_the_answer_is_that_of_either_store_alone(
    stores: tuple[str, str], question: tuple[str, dict[str, str]]
) -> None:
    alone = [ask(collection_at(store), question).whole() for store in stores]
    assert [ask(both(stores), question).whole()] * 2 == alone


@pytest.mark.parametrize("question", [SERIES, FIELD], ids=["series", "field"])
def test_what_one_layout_may_not_read_is_admitted_by_the_other(
    stores: tuple[str, str], question: tuple[str, dict[str, str]]
) -> None:
    limits = Limits(chunks=10)
    refused = [store for store in stores if _is_refused(collection_at(store, limits=limits), question)]
    assert len(refused) == 1
    assert ask(both(stores, limits), question).whole() is not None


def test_the_plugin_in_pygeoapi_reads_from_layouts_too(stores: tuple[str, str]) -> None:
    options = {"layouts": [stores[1]], "limits": {"chunks": 1}}
    provider = ZarrEDRProvider({"type": "edr", "name": PROVIDER, "data": stores[0], "options": options})
    found = provider.cube(bbox=[0, 0, 7, 3], datetime_="2000-01-01T03:00:00Z")
    assert found["ranges"]["v"]["values"][:3] == [3000.0, 3001.0, 3002.0]


def _is_refused(of: Collection, question: tuple[str, dict[str, str]]) -> bool:
    try:
        ask(of, question)
    except ResponseTooLarge as error:
        return "limits.chunks" in error.message
    return False


def test_with_one_layout_nothing_is_counted(stores: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("zarr_edr.route.touched")
    assert ask(collection_at(stores[0]), SERIES).whole() is not None


def test_of_layouts_that_cost_the_same_the_first_is_read(stores: tuple[str, str]) -> None:
    of = with_layouts(collection_at(stores[0], layouts=stores[:1])).parameters["v"]
    index = {"time": np.arange(3), "lat": np.arange(4), "lon": np.arange(8)}
    assert cheapest(of, index, {}) is of.array


def test_many_chunks_and_large_chunks_both_cost(stores: tuple[str, str]) -> None:
    points, maps = (collection_at(store).parameters["v"].array for store in stores)
    assert cost_s(points, 2) > cost_s(points, 1)
    assert cost_s(points, 1) > cost_s(maps, 1)


INDEX = st.lists(st.integers(0, 40), min_size=1, max_size=12).map(np.array)
CHUNK = st.integers(1, 9)


@given(st.data(), CHUNK, CHUNK, CHUNK)
def test_the_count_of_a_read_of_points_is_that_of_its_plan(data: st.DataObject, t: int, y: int, x: int) -> None:
    time, rows = data.draw(INDEX), data.draw(INDEX)
    columns = data.draw(st.lists(st.integers(0, 40), min_size=rows.size, max_size=rows.size).map(np.array))
    planned = len(split_index(time, t)) * len(split_points((rows, columns), (y, x), np.arange(rows.size)))
    assert touched({"t": t, "y": y, "x": x}, {"t": time}, {"y": rows, "x": columns}) == planned


@given(st.data(), CHUNK, CHUNK, st.integers(1, 12), st.integers(1, 12))
def test_the_count_of_a_masked_window_is_that_of_its_plan(
    data: st.DataObject, y: int, x: int, height: int, width: int
) -> None:
    cells = data.draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width))
    mask = np.array(cells).reshape(height, width)
    rows, columns = np.arange(height) + 3, np.arange(width)[::-1] + 5
    wanted = {
        (int(row) // y, int(column) // x)
        for (r, row) in enumerate(rows)
        for (c, column) in enumerate(columns)
        if mask[r, c]
    }
    assert touched({"y": y, "x": x}, {"y": rows, "x": columns}, {}, mask) == len(wanted)


def other_chunks(spec: StoreSpec) -> StoreSpec:
    """The same values, one cell in each chunk along every second dimension and all of them along the others."""
    variables = []
    for variable in spec.variables:
        shape = spec.shape(variable.dims)
        chunks = tuple(1 if axis % 2 else n for axis, n in enumerate(shape))
        variables.append(replace(variable, chunks=chunks, absent_share=0.0))
    return replace(spec, variables=tuple(variables), sharded=not spec.sharded and spec.zarr_format == 3)


def disagreements[Q: Query](case: Case[Q]) -> list[str]:
    """Where the engine, with a second layout of random data, and brute force differ."""
    whole = replace(case.spec, variables=tuple(replace(v, absent_share=0.0) for v in case.spec.variables))
    group, other = in_memory(whole), collection_on(in_memory(other_chunks(whole)))
    plain = collection_on(group)
    parameters = {
        name: replace(parameter, layouts=(other.parameters[name].array,))
        for name, parameter in plain.parameters.items()
    }
    dataset = truth(group.store)
    oracle, allowed = Oracle(dataset), tolerances(whole, dataset)
    of = replace(plain, parameters=parameters)
    return [p for query in case.queries for p in oracle.problems(query, rows_of(query, of), allowed)[:3]]


@pytest.mark.parametrize(
    "queries",
    [position_queries, cube_queries, area_queries, radius_queries, trajectory_queries, corridor_queries],
)
def test_with_layouts_answers_are_what_brute_force_finds(
    queries: Callable[[StoreSpec], st.SearchStrategy[Any]],
) -> None:
    @seed(0)
    @profile(10)
    @given(cases(queries, count=6))
    def agree(case: Case[Any]) -> None:
        assert disagreements(case) == []

    agree()
