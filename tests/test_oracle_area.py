"""What boxes, polygons and circles are to each other and to positions, on random stores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, seed
from hypothesis import strategies as st

from zarr_edr.query.geometry import Box, Polygon
from zarr_edr.query.model import AreaQuery, CubeQuery, PositionQuery, Query, RadiusQuery, Resolution
from zarr_edr.testing.agreement import (
    Case,
    cases,
    collection_on,
    profile,
    rows_of,
    twice_there,
)
from zarr_edr.testing.covjson import Row
from zarr_edr.testing.stores import StoreSpec, in_memory
from zarr_edr.testing.strategies_shapes import cube_queries, radius_queries

Strategy = Callable[[StoreSpec], st.SearchStrategy[Any]]


def held(rows: list[Row] | None) -> dict[tuple[object, ...], float]:
    """Values by place, x as a direction; nulls left out, since a grid has them outside of its geometry."""
    return {
        (r.parameter, r.part, r.time, r.z, r.members, r.y, round((r.x or 0.0) % 360.0, 6) % 360.0): r.value
        for r in rows or []
        if r.value is not None
    }


@seed(0)
@profile(15)
@given(cases(cube_queries, count=4))
def test_a_box_across_the_antimeridian_is_its_two_halves(case: Case[CubeQuery]) -> None:
    assume(not twice_there(case.spec))
    collection = collection_on(in_memory(case.spec))
    for query in case.queries:
        south, north = query.box.south, query.box.north
        one, *halves = [
            held(rows_of(replace(query, box=Box(west, south, east, north), resolution=Resolution()), collection))
            for west, east in ((177.0, -179.5), (177.0, 180.0), (-180.0, -179.5))
        ]
        assert one == {**halves[0], **halves[1]}


@seed(0)
@profile(15)
@given(cases(cube_queries, count=4))
def test_a_rectangle_is_a_box(case: Case[CubeQuery]) -> None:
    collection = collection_on(in_memory(case.spec))
    for query in case.queries:
        box = query.box
        east = box.east if box.east >= box.west else box.east + 360.0
        if box.west == east or box.south == box.north:
            continue
        corners = [(box.west, box.south), (east, box.south), (east, box.north), (box.west, box.north)]
        ring = np.array([*corners, corners[0]])
        area = AreaQuery((Polygon((ring,)),), z=query.z, datetime=query.datetime, custom=query.custom)
        native = replace(query, resolution=Resolution(), parameters=None)
        assert held(rows_of(area, collection)) == held(rows_of(native, collection))


def turned(query: Query, degrees: float) -> Query:
    """The same question, asked further east."""
    match query:
        case CubeQuery():
            return replace(query, box=replace(query.box, west=query.box.west + degrees, east=query.box.east + degrees))
        case AreaQuery():
            move = np.array([degrees, 0.0])
            return replace(
                query, polygons=tuple(replace(p, rings=tuple(r + move for r in p.rings)) for p in query.polygons)
            )
        case RadiusQuery():
            return replace(query, points=replace(query.points, x=query.points.x + degrees))
        case _:
            raise TypeError(type(query))


@pytest.mark.parametrize("queries", [cube_queries, radius_queries])
def test_a_longitude_is_a_direction(queries: Strategy) -> None:
    @seed(1)
    @profile(15)
    @given(cases(queries, count=3))
    def law(case: Case[Query]) -> None:
        # A position a turn away is rounded: only exact coordinates stay where they are.
        assume(case.spec.exact and not twice_there(case.spec))
        collection = collection_on(in_memory(case.spec))
        for query in case.queries:
            here = held(rows_of(query, collection))
            assert [held(rows_of(turned(query, turn), collection)) for turn in (-360, 360, 720)] == [here] * 3

    law()


@seed(0)
@profile(15)
@given(cases(radius_queries, count=4))
def test_a_tiny_circle_is_the_cell_of_its_point(case: Case[RadiusQuery]) -> None:
    collection = collection_on(in_memory(case.spec))
    for query in case.queries:
        at = replace(query.points, x=query.points.x[:1], y=query.points.y[:1], z=None, multi=False)
        assume(abs(at.y[0]) < 90.0)
        tiny = replace(query, points=at, within_m=1e-3)
        point = PositionQuery(at, z=query.z, datetime=query.datetime, parameters=query.parameters, custom=query.custom)
        assert held(rows_of(tiny, collection)) == {
            (key[0], 0, *key[2:]): value for key, value in held(rows_of(point, collection)).items()
        }
