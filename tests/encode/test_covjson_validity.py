"""Every answer in CoverageJSON is valid by the official schema, by covjson-pydantic, and by what neither checks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import zarr
from hypothesis import given, seed
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from zarr_edr.dataset.cf import describe
from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.engine import answer
from zarr_edr.query.model import PositionQuery
from zarr_edr.settings import CollectionSettings
from zarr_edr.testing.agreement import profile
from zarr_edr.testing.covjson import Document, check, load, pydantic_problems, schema_problems, schema_validator
from zarr_edr.testing.stores import StoreSpec, in_memory
from zarr_edr.testing.strategies import position_queries, store_specs

SCHEMAS = Path(__file__).parents[2] / "../shared/schemas/covjson"


@st.composite
def questions(draw: Callable[[st.SearchStrategy[Any]], Any]) -> tuple[StoreSpec, list[PositionQuery]]:
    spec = draw(store_specs())
    return spec, draw(st.lists(position_queries(spec), min_size=4, max_size=4))


def documents(group: zarr.Group, queries: list[PositionQuery]) -> list[Document]:
    """The answers that have a body."""
    collection = describe(group, id="c", title="C", description="", settings=CollectionSettings(data="memory"))
    bodies = [answer(query, collection, CovJsonEncoder()).whole() for query in queries]
    return [load(body) for body in bodies if body is not None]


needs_schemas = pytest.mark.skipif(
    not SCHEMAS.is_dir(), reason="the official CoverageJSON schemas are not beside this checkout"
)


@cache
def official() -> Draft202012Validator:
    return schema_validator(SCHEMAS)


@needs_schemas
@seed(0)
@profile(60)
@given(questions())
def test_answers_are_valid_by_the_official_schema(question: tuple[StoreSpec, list[PositionQuery]]) -> None:
    spec, queries = question
    for document in documents(in_memory(spec), queries):
        assert schema_problems(document, official()) == []


@seed(0)
@profile(60)
@given(questions())
def test_answers_are_valid_by_covjson_pydantic(question: tuple[StoreSpec, list[PositionQuery]]) -> None:
    spec, queries = question
    for document in documents(in_memory(spec), queries):
        assert pydantic_problems(document) == []


@seed(0)
@profile(60)
@given(questions())
def test_answers_hold_what_no_schema_can_say(question: tuple[StoreSpec, list[PositionQuery]]) -> None:
    spec, queries = question
    for document in documents(in_memory(spec), queries):
        assert check(document) == []


@needs_schemas
def test_the_official_schema_does_reject() -> None:
    assert schema_problems({"type": "Coverage", "domain": {"type": "Domain", "axes": {}}, "ranges": {}}, official())
