"""Inputs are refused in words that name them, whatever is wrong; what is meant the same gives the same query."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zarr_edr.encode import ENCODERS
from zarr_edr.errors import EdrError, InvalidQuery, QueryTooLarge
from zarr_edr.extract.inputs import NAMES, Asked, Known, read_inputs
from zarr_edr.extract.tables import Tables
from zarr_edr.limits import Deadline, Limits
from zarr_edr.plan import ReadPlan
from zarr_edr.planner import plan
from zarr_edr.query.geometry import Points
from zarr_edr.query.model import PositionQuery
from zarr_edr.testing.cf import collection_at

DATA = Path(__file__).parents[2] / "data"
KNOWN = Known({name: collection_at(DATA / f"{name}.zarr") for name in ("ostia", "era5ens")}, ("ostia", "era5ens"), None)
WHERE: dict[str, Any] = {"longitude": [-30.0, 10.0], "latitude": [1.0, 2.0]}
GOOD = {"collection": "ostia", **WHERE}


def asked(inputs: object, outputs: object = None, limits: Limits | None = None, known: Known = KNOWN) -> Asked:
    return read_inputs(inputs, outputs, known, limits)


def planned(inputs: object) -> ReadPlan:
    """Some names are looked up by the planner."""
    found = asked(inputs)
    return plan(found.query, found.collection, Deadline.after(30))


def points_of(found: Asked) -> Points:
    assert isinstance(found.query, PositionQuery)
    return found.query.points


def feature(x: float, y: float) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [x, y]}}


RING = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
MALFORMED: dict[str, tuple[object, str]] = {
    "inputs-list": ([], "inputs"),
    "inputs-text": ("POINT(1 2)", "inputs"),
    "inputs-missing": (None, "inputs"),
    "collection-missing": (WHERE, "'collection'"),
    "collection-unknown": ({**GOOD, "collection": "nope"}, "collection"),
    "collection-number": ({**GOOD, "collection": 1}, "collection"),
    "collection-list": ({**GOOD, "collection": ["ostia"]}, "collection"),
    "collection-path": ({**GOOD, "collection": "../ostia"}, "collection"),
    "instance-unknown": ({**GOOD, "instance": "2020"}, "instance"),
    "instance-number": ({**GOOD, "instance": 2020}, "instance"),
    "no-points": ({"collection": "ostia"}, "points"),
    "longitude-only": ({"collection": "ostia", "longitude": [1]}, "latitude"),
    "latitude-only": ({"collection": "ostia", "latitude": [1]}, "longitude"),
    "lengths": ({**GOOD, "latitude": [1]}, "latitude"),
    "z-length": ({**GOOD, "z": [1]}, "z"),
    "empty": ({**GOOD, "longitude": [], "latitude": []}, "longitude"),
    "nan": ({**GOOD, "longitude": [float("nan"), 1]}, "longitude[0]"),
    "infinity": ({**GOOD, "latitude": [1, float("inf")]}, "latitude[1]"),
    "text-in-list": ({**GOOD, "latitude": [1, "2"]}, "latitude[1]"),
    "boolean-in-list": ({**GOOD, "latitude": [True, 2]}, "latitude[0]"),
    "null-in-list": ({**GOOD, "longitude": [None, 2]}, "longitude[0]"),
    "nested-list": ({**GOOD, "longitude": [[1], 2]}, "longitude[0]"),
    "longitude-number": ({**GOOD, "longitude": 1}, "longitude"),
    "off-the-globe": ({**GOOD, "latitude": [1, 91]}, "latitude"),
    "unknown-input": ({**GOOD, "datetimes": "2008"}, "'datetimes'"),
    "parameter-unknown": ({**GOOD, "parameter-name": "salt"}, "salt"),
    "parameter-object": ({**GOOD, "parameter-name": {"a": 1}}, "parameter-name"),
    "datetime-malformed": ({**GOOD, "datetime": "yesterday"}, "yesterday"),
    "datetime-empty-list": ({**GOOD, "datetime": []}, "datetime"),
    "z-malformed": ({**GOOD, "z": "deep"}, "z"),
    "crs-unknown": ({**GOOD, "crs": "EPSG:9"}, "EPSG:9"),
    "dimension-elsewhere": ({**GOOD, "number": 3}, "'number'"),
    "points-twice": ({**GOOD, "points": {"type": "MultiPoint", "coordinates": [[1, 2]]}}, "points"),
    "points-text": ({"collection": "ostia", "points": "POINT(1 2)"}, "points"),
    "points-polygon": (
        {"collection": "ostia", "points": RING},
        "POLYGON",
    ),
    "points-url": ({"collection": "ostia", "points": {"href": "http://169.254.169.254/"}}, "tables"),
    "f-unknown": ({**GOOD, "f": "xlsx"}, "xlsx"),
    "f-number": ({**GOOD, "f": 7}, "f"),
    "given-twice": ({**GOOD, "parameter-name": "a", "parameter_names": "b"}, "parameter-name"),
}


@pytest.mark.parametrize(("inputs", "named"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_input_is_refused_by_name(inputs: object, named: str) -> None:
    with pytest.raises(EdrError, match=re.escape(named)) as refused:
        planned(inputs)
    assert refused.value.status in (400, 413)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda m: st.lists(m) | st.dictionaries(st.sampled_from([*NAMES, "value", "href", "type"]), m),
    max_leaves=8,
)


@given(JSON, st.sampled_from(NAMES))
@settings(max_examples=200)
def test_no_value_of_an_input_breaks_the_reading(value: object, name: str) -> None:
    with contextlib.suppress(InvalidQuery):
        asked({**GOOD, name: value})


@given(JSON)
def test_no_outputs_break_the_reading(value: object) -> None:
    with contextlib.suppress(InvalidQuery):
        asked(GOOD, value)


def test_an_unknown_input_is_told_what_is_known() -> None:
    with pytest.raises(InvalidQuery, match=r"Did you mean 'datetime'\? It takes: collection, .*datetime"):
        asked({**GOOD, "datetme": "2008"})


@pytest.mark.parametrize(
    "points",
    [
        {"type": "MultiPoint", "coordinates": [[-30, 1], [10, 2]]},
        {"value": {"type": "MultiPoint", "coordinates": [[-30, 1], [10, 2]]}, "mediaType": "application/geo+json"},
        {
            "type": "FeatureCollection",
            "features": [feature(-30, 1), feature(10, 2)],
        },
    ],
    ids=["multipoint", "qualified", "features"],
)
def test_points_of_any_form_are_the_same(points: dict[str, Any]) -> None:
    found, expected = (points_of(asked(inputs)) for inputs in ({"collection": "ostia", "points": points}, GOOD))
    np.testing.assert_array_equal([found.x, found.y], [expected.x, expected.y])


def test_a_list_of_z_is_one_for_each_point_and_a_number_is_a_level_for_all() -> None:
    where = {"collection": "era5ens", **WHERE}
    assert np.array_equal(points_of(asked({**where, "z": [500, 850]})).z, [500, 850])  # type: ignore[arg-type]  # None fails the test as it should
    assert points_of(asked({**where, "z": 500})).z is None


def test_points_of_a_table_are_those_posted(tmp_path: Path) -> None:
    tables = Tables(tmp_path, "http://x")
    table = tables.add(b"lon,lat\n-30,1\n10,2\n", "text/csv", Limits())
    known = Known(KNOWN.collections, KNOWN.listed, tables)
    found = points_of(asked({"collection": "ostia", "points": {"href": f"http://x/tables/{table.id}"}}, known=known))
    np.testing.assert_array_equal([found.x, found.y], [[-30, 10], [1, 2]])


def test_a_table_of_too_many_points_is_refused(tmp_path: Path) -> None:
    tables = Tables(tmp_path)
    table = tables.add(b"lon,lat\n" + 6 * b"0,0\n", "text/csv", Limits())
    known = Known(KNOWN.collections, (), tables)
    with pytest.raises(QueryTooLarge, match="points"):
        asked({"collection": "ostia", "points": {"href": f"/tables/{table.id}"}}, None, Limits(points=5), known)


# --- outputs -------------------------------------------------------------------------------------------------------

REFUSED_OUTPUTS: dict[str, object] = {
    "list": ["result"],
    "unknown": {"values": {}},
    "two": {"result": {}, "more": {}},
    "text": {"result": "csv"},
    "reference": {"result": {"transmissionMode": "reference"}},
    "member": {"result": {"form": {}}},
    "format-text": {"result": {"format": "text/csv"}},
    "format-unknown": {"result": {"format": {"mediaType": "image/gif"}}},
    "format-number": {"result": {"format": {"mediaType": 7}}},
    "encoding": {"result": {"format": {"mediaType": "application/json", "encoding": "base64"}}},
}


@pytest.mark.parametrize("outputs", REFUSED_OUTPUTS.values(), ids=REFUSED_OUTPUTS)
def test_malformed_outputs_are_refused(outputs: object) -> None:
    with pytest.raises(EdrError) as refused:
        asked(GOOD, outputs)
    assert refused.value.status == 400


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda e: e.name)
def test_every_offered_format_can_be_asked_for_by_name_and_by_media_type(encoder: Any) -> None:
    if encoder.queries is not None and "position" not in encoder.queries:
        return
    by_name = asked({**GOOD, "f": encoder.name})
    by_type = asked(GOOD, {"result": {"format": {"mediaType": encoder.media_types[-1]}}})
    assert by_name.encoder is by_type.encoder is encoder
    assert by_type.media_type == encoder.media_types[-1]


def test_formats_that_differ_are_refused() -> None:
    with pytest.raises(InvalidQuery, match="leave one out"):
        asked({**GOOD, "f": "GeoJSON"}, {"result": {"format": {"mediaType": "application/vnd.cov+json"}}})
