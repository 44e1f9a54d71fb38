"""Words, links and numbers in pages."""

from __future__ import annotations

from typing import Any

import pytest

from zarr_edr.web import html_filters as filters


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        (None, ""),
        ({"en": "kelvin"}, "kelvin"),
        ({"fr": "un", "en": "one", "de": "eins"}, "one (fr: un; de: eins)"),
        ({"fr": "un"}, "un"),
        ({}, ""),
    ],
)
def test_a_label_is_text_in_english_first(value: object, text: str) -> None:
    assert filters.text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (296.29, "296.29"),
        (7, "7"),
        (None, "\N{EN DASH}"),
        (True, "yes"),
        (1e-7, "1e-07"),
        (0.1 + 0.2, "0.30000000000000004"),
    ],
)
def test_a_number_is_told_in_full(value: object, text: str) -> None:
    assert filters.scalar(value) == text


@pytest.mark.parametrize(
    ("values", "n"), [([], 0), (["a", "b"], 2), (["R50/0/1"], 50), (["0", "R3/1/1"], 4), (["Rx/"], 1)]
)
def test_repeating_values_count_as_many(values: list[str], n: int) -> None:
    assert filters.members(values) == n


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "OGC:CRS84"),
        ("https://www.opengis.net/def/crs/EPSG/0/4326", "EPSG:4326"),
        ("http://www.opengis.net/def/crs/EPSG/0/4326/more", "http://www.opengis.net/def/crs/EPSG/0/4326/more"),
        ("CRS84", "CRS84"),
    ],
)
def test_a_reference_system_has_a_short_name(uri: str, name: str) -> None:
    assert filters.crs_name(uri) == name


@pytest.mark.parametrize(
    ("geometry", "words"),
    [
        ({"type": "Point", "coordinates": [1.5, 2]}, "Point 1.5, 2"),
        ({"type": "LineString", "coordinates": [[1, 2], [3, 4]]}, "LineString, 2 positions"),
        ({"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 0], [1, 1], [0, 0]]]]}, "MultiPolygon, 4 positions"),
        ({"type": "GeometryCollection", "geometries": []}, "GeometryCollection"),
        (None, "none"),
    ],
)
def test_a_geometry_is_told_in_words(geometry: Any, words: str) -> None:
    assert filters.geometry(geometry) == words


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "f=CoverageJSON"),
        ("f=html&coords=POINT(1+2)", "coords=POINT(1%202)&f=CoverageJSON"),
        ("z=&f=html&f=json", "z=&f=CoverageJSON"),
        ("a=%26%3Cb%3E", "a=%26%3Cb%3E&f=CoverageJSON"),
    ],
)
def test_a_query_keeps_its_parameters_in_another_format(query: str, expected: str) -> None:
    assert filters.with_format(query) == expected


def test_different_parts_have_different_ids() -> None:
    pointers = ["#/a/b", "#/a-b", "#/a.b", "#/a_b", "#/a b", "#/A/b", "#/a~0b", "#/a_2f_b"]
    assert len({filters.anchor(pointer) for pointer in pointers}) == len(pointers)
    assert filters.anchor("#/paths/~1a~1b") == filters.anchor("paths//a/b")


@pytest.mark.parametrize(
    ("node", "found"),
    [
        ({"$ref": "#/a/b"}, {"name": "b"}),
        ({"$ref": "#/a/x~1y"}, {"name": "slash"}),
        ({"$ref": "#/again"}, {"name": "b"}),
        ({"$ref": "#/nowhere"}, {"$ref": "#/nowhere"}),
        ({"$ref": "#/loop"}, {"$ref": "#/loop"}),
        ({"name": "as it is"}, {"name": "as it is"}),
    ],
)
def test_a_reference_is_followed_within_the_document(node: Any, found: Any) -> None:
    document: Any = {
        "a": {"b": {"name": "b"}, "x/y": {"name": "slash"}},
        "again": {"$ref": "#/a/b"},
        "loop": {"$ref": "#/loop"},
    }
    context: Any = {"doc": document}
    assert filters.resolved(context, node) == found
