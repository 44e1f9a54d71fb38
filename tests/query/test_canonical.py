"""Values as bytes: equal for equal values, different for all others."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given

from zarr_edr.crs import CRS84, WGS84
from zarr_edr.query.canonical import canonical
from zarr_edr.query.geometry import Box, Path, Points, Polygon, Tags
from zarr_edr.query.model import (
    AreaQuery,
    CorridorQuery,
    CubeQuery,
    Duration,
    Instant,
    Level,
    LevelInterval,
    Moment,
    PositionQuery,
    Precision,
    Query,
    RadiusQuery,
    RepeatingInterval,
    TimeInterval,
    TrajectoryQuery,
)
from zarr_edr.testing.agreement import profile
from zarr_edr.testing.strategies_shapes import questions

ONE = np.array([1.5])
POINTS = Points(ONE, ONE, ONE, multi=True)
MOMENT = Moment(2020)
PATH = Path(np.array([0.0, 1.0]), np.array([0.0, 1.0]), None, np.array([0, 1]), np.array([0]))
RING = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
CHOSEN: dict[str, Any] = {
    "datetime": (Instant(MOMENT), TimeInterval(MOMENT, None), RepeatingInterval(2, MOMENT, Duration(1, 2))),
    "z": (Level(1.0), LevelInterval(1.0, None)),
    "parameters": ("a", "b"),
    "custom": {"number": "1"},
    "tags": Tags((1, "a", None), {"p": [1, None, {"q": 1.5}]}),
}
SAMPLES: tuple[Query, ...] = (
    PositionQuery(POINTS, **CHOSEN),
    RadiusQuery(POINTS, 5.0, **CHOSEN),
    AreaQuery((Polygon((RING,), (0.0, 1.0)),), **CHOSEN),
    CubeQuery(Box(0, 1, 2, 3), **CHOSEN),
    TrajectoryQuery(PATH, **CHOSEN),
    CorridorQuery(PATH, 5.0, 6.0, **CHOSEN),
)


def altered(value: Any) -> Iterator[tuple[str, Any]]:
    """The value with one thing in it, at any depth, made another: where, and the value."""
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            for where, other in altered(getattr(value, field.name)):
                yield f"{field.name}.{where}", replace(value, **{field.name: other})
    elif isinstance(value, tuple) and value:
        yield "shorter", value[:-1]
        for number, item in enumerate(value):
            yield from ((f"{number}.{w}", (*value[:number], o, *value[number + 1 :])) for w, o in altered(item))
    elif isinstance(value, np.ndarray):
        yield "array", value + 1
    else:
        yield "", "another"


@profile(30)
@given(questions())
def test_equal_queries_have_equal_bytes(asked: tuple[Any, list[Query]]) -> None:
    assert [canonical(query) for query in asked[1]] == [canonical(copy.deepcopy(query)) for query in asked[1]]


@pytest.mark.parametrize("query", SAMPLES, ids=lambda query: type(query).__name__)
def test_every_field_at_any_depth_counts(query: Query) -> None:
    found = {canonical(other): where for where, other in altered(query)}
    assert canonical(query) not in found
    assert len(found) == len(list(altered(query)))


def test_there_is_a_sample_of_every_query() -> None:
    assert {type(query) for query in SAMPLES} == set(get_args(Query))


DIFFERENT: list[Any] = [
    *(None, False, True, 0, 1, 0.0, -0.0, 1.0, "1", b"1", "None", "", (), [1], (1,), ((1,),), {}, {"a": 1}, {"a": "1"}),
    *(("ab", "c"), ("a", "bc"), ("a", "b", "c"), np.array([1.0]), np.array([1]), np.array([[1.0]]), np.float32(1)),
    *(np.array(["1"]), np.array(["1"], object), Precision.DAY, Precision.HOUR, 2, Level(1.0), LevelInterval(1.0, None)),
    *(CRS84, WGS84, Instant(MOMENT), MOMENT),
]


def test_different_values_have_different_bytes() -> None:
    alike = {canonical(value) for value in DIFFERENT}
    assert len(alike) == len(DIFFERENT) - 1  # a list is what a tuple is


def test_an_array_counts_by_its_values_however_they_lie() -> None:
    wide = np.arange(8.0)
    assert canonical(wide[::2]) == canonical(wide[::2].copy())


@pytest.mark.parametrize("value", [{1, 2}, object(), 1j, range(3)], ids=lambda value: type(value).__name__)
def test_a_value_of_another_kind_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="no canonical form"):
        canonical((value,))
