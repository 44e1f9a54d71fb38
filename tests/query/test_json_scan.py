"""A member that stands twice is refused wherever it stands, and no other body is."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarr_edr.errors import InvalidBody, QueryTooLarge
from zarr_edr.limits import Limits
from zarr_edr.query.body_json import load_object

LIMITS = Limits()
NAMES = st.text(st.sampled_from('ab:"\\\\{}[],') | st.characters(codec="utf-8"), max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
)
TWICE = {
    "outermost": b'{"coords": "POINT(1 2)", "coords": "POINT(3 4)"}',
    "once null": b'{"coords": "POINT(1 2)", "coords": null}',
    "escaped": b'{"coords": "POINT(1 2)", "c\\u006fords": "POINT(3 4)"}',
    "inputs": b'{"inputs": {"coords": [1], "coords": [2]}}',
    "in a list": b'{"features": [{"id": 1}, {"geometry": {"coords": [1], "coords": [2]}}]}',
    "an object twice": b'{"coords": {"a": 1}, "coords": {"b": {"c": 1}}}',
    "behind a mark": b'\xef\xbb\xbf{"coords": 1, "coords": 2}',
    "long numbers": b'{"coords": 1, "coords": 1%b}' % (b"0" * 200),
}


def text_of(value: Any, indent: bool) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else None)


@given(st.dictionaries(NAMES, VALUES, max_size=4), st.booleans())
def test_an_object_without_repeated_members_is_read(value: dict[str, Any], indent: bool) -> None:
    assert load_object(text_of(value, indent), LIMITS) == value


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4), VALUES, st.integers(0, 6), st.booleans(), st.data())
def test_a_member_that_stands_twice_is_refused_at_every_depth(
    value: dict[str, Any], again: Any, depth: int, indent: bool, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(value)))
    inner = b"{%b:%b,%b" % (orjson.dumps(name), orjson.dumps(again), text_of(value, indent)[1:])
    for _ in range(depth):
        inner = b'{"a": [1, %b, {"b": 2}]}' % inner
    with pytest.raises(InvalidBody, match="stands twice"):
        load_object(inner, LIMITS)


@pytest.mark.parametrize("body", TWICE.values(), ids=TWICE)
def test_the_name_is_told(body: bytes) -> None:
    with pytest.raises(InvalidBody, match="The member 'coords' stands twice in one object"):
        load_object(body, LIMITS)


def test_members_are_counted_across_the_pieces_that_a_body_is_looked_at_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zarr_edr.query.json_scan._STRIDE", 7)
    value = {"a": [{"b:": "c:{", "d": {"e": '\\"'}}] * 3, "f": {"g": 1}}
    assert load_object(orjson.dumps(value), LIMITS) == value
    with pytest.raises(InvalidBody, match="'coords' stands twice"):
        load_object(TWICE["in a list"], LIMITS)


def test_nesting_is_counted_to_the_bracket() -> None:
    assert load_object(b'{"a":' + b"[" * 31 + b"]" * 31 + b"}", LIMITS)
    with pytest.raises(QueryTooLarge, match=r"limits\.nesting"):
        load_object(b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", LIMITS)
