"""Schemathesis asks what the OpenAPI document allows, and finds the answers that it promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from .conftest import Demo, Json

EXAMPLES = 3
"""For each operation, beside those that the document names."""
PLACES = {"coords", "bbox", "within", "within-units", "locationId", "itemId", "instanceId"}
PLACES |= {"corridor-width", "corridor-height", "width-units", "height-units"}
"""Random text is no WKT: with these as in the document's examples, more of the questions have an answer."""
SETTINGS: dict[str, Any] = {
    "database": None,
    "deadline": None,
    "derandomize": True,
    "phases": [Phase.generate],
    "suppress_health_check": list(HealthCheck),
}


@schemathesis.check
def no_failure(_: Any, response: Any, __: Any) -> None:
    """The service is up, so its answers are not 500 and more."""
    assert response.status_code < 500, f"{response.status_code}: {response.text[:300]}"


CHECKS = [no_failure, status_code_conformance, content_type_conformance, response_schema_conformance]


def placed(node: Any) -> Any:
    """A document whose parameters of place take no values but their examples."""
    if isinstance(node, list):
        return [placed(each) for each in node]
    if not isinstance(node, dict):
        return node
    if "in" in node and "example" in node and node["name"] in PLACES:
        return {**node, "schema": {**node["schema"], "enum": [node["example"]]}}
    return {name: placed(each) for name, each in node.items()}


def ask(operation: Any) -> list[int]:
    """Statuses of the answers of one operation. Raises what schemathesis holds against them."""
    statuses: list[int] = []

    def one(case: Case[Any]) -> None:
        answer = case.call(timeout=60)
        statuses.append(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    for strategy in operation.get_strategies_from_examples():
        settings(max_examples=1, **SETTINGS)(given(case=strategy)(one))()
    settings(max_examples=EXAMPLES, **SETTINGS)(given(case=operation.as_strategy())(one))()
    return statuses


def as_it_is(document: Json) -> Json:
    return document


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        (as_it_is, r"^/(conformance|collections|openapi)?$|^/collections/ostia(/|$)"),
        (placed, r"^/collections/(woa|seasonal)(/|$)"),
    ],
    ids=["pages and places", "levels, members and instances"],
)
def test_answers_are_as_the_api_says(demo: Demo, change: Callable[[Json], Json], paths: str) -> None:
    schema = schemathesis.openapi.from_dict(change(demo.json("/openapi"))).include(path_regex=paths)
    schema.config.update(base_url=demo.url)
    operations = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    statuses = [status for operation in operations for status in ask(operation)]
    assert len(statuses) > 3 * len(operations) > 75
    assert 4 * statuses.count(200) > len(statuses)


def test_processes_and_jobs_answer_as_the_api_says(demo: Demo) -> None:
    schema = schemathesis.openapi.from_dict(demo.json("/openapi")).include(path_regex="^/(processes|jobs|tables)")
    schema.config.update(base_url=demo.url)
    operations = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    statuses = [status for operation in operations for status in ask(operation)]
    assert len(statuses) > 3 * len(operations) >= 30
    assert {200, 400, 404} <= set(statuses)
