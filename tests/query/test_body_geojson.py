"""GeoJSON of lines and polygons reads back to the same numbers, with the ids and properties of its features."""

from __future__ import annotations

from itertools import chain
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarr_edr.errors import InvalidBody, QueryTooLarge
from zarr_edr.limits import Limits
from zarr_edr.query.body import parse_body
from zarr_edr.query.geometry import GeometryKind, Places
from zarr_edr.query.wkt import read_geometry

LIMITS = Limits()
NUMBERS = st.floats(-180, 180)
RING = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]


def positions(dim: int, least: int) -> st.SearchStrategy[Any]:
    return st.lists(st.lists(NUMBERS, min_size=dim, max_size=dim), min_size=least, max_size=6)


def rings(dim: int) -> st.SearchStrategy[Any]:
    return positions(dim, 3).map(lambda ring: [*ring, ring[0]])


def few(members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(members, min_size=1, max_size=4)


def geometries(dim: int) -> st.SearchStrategy[dict[str, Any]]:
    """Every kind of geometry, of positions of two or three numbers."""
    kinds = {
        "Point": st.lists(NUMBERS, min_size=dim, max_size=dim),
        "MultiPoint": positions(dim, 1),
        "LineString": positions(dim, 2),
        "MultiLineString": few(positions(dim, 2)),
        "Polygon": few(rings(dim)),
        "MultiPolygon": few(few(rings(dim))),
    }
    return st.one_of(*(st.builds(dict, type=st.just(kind), coordinates=each) for kind, each in kinds.items()))


def read(value: Any, limits: Limits = LIMITS) -> Places:
    found = parse_body(orjson.dumps(value), "application/geo+json", limits).places
    assert found is not None
    return found


def wkt(geometry: dict[str, Any]) -> str:
    """The same geometry as well-known text."""

    def written(value: Any) -> str:
        if isinstance(value[0], float):
            return " ".join(map(repr, value))
        inner = (written(each) for each in value)
        return ",".join(
            text if isinstance(each[0], float) else f"({text})" for text, each in zip(inner, value, strict=True)
        )

    kind, coordinates = geometry["type"].upper(), geometry["coordinates"]
    if kind == "MULTIPOINT":
        return f"{kind}({','.join(f'({written(each)})' for each in coordinates)})"
    return f"{kind}({written(coordinates)})"


def feature(geometry: Any, id_: Any = None, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "id": id_, "geometry": geometry, "properties": properties}


def collection(*features: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def polygon(*ring_list: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(ring_list)}


@given(st.sampled_from([2, 3]).flatmap(geometries))
def test_a_geometry_is_read_as_the_same_well_known_text_is(geometry: dict[str, Any]) -> None:
    found = read(geometry).geometry
    expected = read_geometry(wkt(geometry), max_chars=10**6, max_points=10**6)
    assert (found.kind, found.has_z) == (expected.kind, expected.has_z)
    for name in ("coords", "sequences", "parts"):
        assert getattr(found, name).tolist() == getattr(expected, name).tolist()


@given(st.lists(few(rings(2)), min_size=1, max_size=4))
def test_features_of_polygons_are_read_as_a_multipolygon_is(polygons: Any) -> None:
    found = read(collection(*(feature(polygon(*each)) for each in polygons))).geometry
    expected = read({"type": "MultiPolygon", "coordinates": polygons}).geometry
    assert found.kind is expected.kind is GeometryKind.MULTIPOLYGON
    assert found.parts.tolist() == expected.parts.tolist()
    assert found.coords.tolist() == expected.coords.tolist()


@given(st.lists(st.integers(1, 3), min_size=1, max_size=5))
def test_a_feature_of_several_places_lends_its_tags_to_each(sizes: list[int]) -> None:
    features = [
        feature({"type": "MultiPolygon", "coordinates": [[RING]] * size}, f"id {n}", n=n)
        for n, size in enumerate(sizes)
    ]
    tags = read(collection(*features)).tags
    repeated = list(chain.from_iterable([n] * size for n, size in enumerate(sizes)))
    assert tags is not None
    assert tags.ids == tuple(f"id {n}" for n in repeated)
    assert tags.properties == {"n": repeated}


def test_properties_of_any_json_come_back() -> None:
    properties = {"a": [1, {"b": None}], "t": "text", "n": 1.5, "true": True}
    tags = read(feature(polygon(RING), 7, **properties)).tags
    assert tags is not None
    assert (tags.ids, tags.properties) == ((7,), {name: [value] for name, value in properties.items()})


@pytest.mark.parametrize(
    "value", [polygon(RING), feature(polygon(RING)), {**feature(polygon(RING)), "properties": None}]
)
def test_without_ids_and_properties_there_are_no_tags(value: dict[str, Any]) -> None:
    assert read(value).tags is None


def test_parameters_of_other_queries_are_taken_from_the_outermost_object() -> None:
    body = {"type": "Point", "coordinates": [1, 2], "within": 5.5, "within-units": "km", "name": "left alone"}
    assert parse_body(orjson.dumps(body), None, LIMITS).options == {"within": "5.5", "within-units": "km"}


class TestLimits:
    def test_positions_of_all_features_count(self) -> None:
        body = collection(feature(polygon(RING, RING)), feature(polygon(RING)))
        assert len(read(body, Limits(points=12)).geometry.coords) == 12
        with pytest.raises(QueryTooLarge, match=r"12 points; at most 11 .*limits\.points"):
            read(body, Limits(points=11))

    def test_nesting_is_allowed_up_to_its_limit(self) -> None:
        nested: Any = 1
        for _ in range(30):
            nested = [nested]
        body = feature(polygon(RING), deep=nested)  # two objects around it
        assert read(body, Limits(nesting=32)).tags is not None
        with pytest.raises(QueryTooLarge, match=r"More than 31 .*limits\.nesting"):
            read(body, Limits(nesting=31))

    @pytest.mark.parametrize("text", ["[" * 50, '"[' * 50, "\\" * 51 + "[", '\\"[' * 50, "]" * 50])
    def test_brackets_in_text_are_no_nesting(self, text: str) -> None:
        tags = read(feature(polygon(RING), text=text)).tags
        assert tags is not None
        assert tags.properties == {"text": [text]}

    def test_brackets_in_text_do_not_hide_nesting(self) -> None:
        body = b'{"a": "]]]]]]]]\\"]]]]]", "b": ' + b"[" * 32 + b"]" * 32 + b"}"
        with pytest.raises(QueryTooLarge, match=r"at byte 62 of the body"):
            parse_body(body, None, LIMITS)

    def test_tags_written_out_for_each_place_have_the_limit_of_an_inflated_body(self) -> None:
        body = collection(feature({"type": "MultiPoint", "coordinates": [[0, 0]] * 100}, "A", text="x" * 1000))
        assert read(body, Limits(inflated_bytes=110_000)).tags is not None
        with pytest.raises(QueryTooLarge, match=r"limits\.inflated_bytes"):
            read(body, Limits(inflated_bytes=100_000))

    def test_a_long_name_counts_for_each_place(self) -> None:
        body = collection(feature(polygon(RING), **{"x" * 1000: 1}), *[feature(polygon(RING))] * 99)
        assert read(body, Limits(inflated_bytes=101_000)).tags is not None
        with pytest.raises(QueryTooLarge, match=r"limits\.inflated_bytes"):
            read(body, Limits(inflated_bytes=99_000))

    def test_a_feature_for_each_property_name_is_refused(self) -> None:
        body = collection(*(feature(polygon(RING), **{f"p{n}": n}) for n in range(5000)))
        with pytest.raises(QueryTooLarge, match=r"limits\.inflated_bytes"):
            read(body)


def test_a_fault_is_found_in_the_feature_that_has_it() -> None:
    body = collection(feature(polygon(RING)), feature(polygon(RING, [*RING[:3], [9, 9]])))
    with pytest.raises(
        InvalidBody, match=r"features\[1\].geometry.coordinates\[1\]: the ring does not end where it starts"
    ):
        read(body)
