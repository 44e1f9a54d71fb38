"""Documents written by hand are read as what they say, and each flaw is found."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from zarr_edr.testing.covjson import Row, check, decode, load, pydantic_problems

Document = dict[str, Any]

REFERENCING = [
    {
        "coordinates": ["x", "y"],
        "system": {"type": "GeographicCRS", "id": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"},
    },
    {"coordinates": ["z"], "system": {"type": "VerticalCRS", "cs": {"csAxes": [{"name": {"en": "depth"}}]}}},
    {"coordinates": ["t"], "system": {"type": "TemporalRS", "calendar": "Gregorian"}},
]
PARAMETERS = {"a": {"type": "Parameter", "observedProperty": {"label": {"en": "a"}}}}
JAN1, JAN2 = "2000-01-01T00:00:00Z", "2000-01-02T00:00:00Z"


def ndarray(values: list[float | None], **shape: int) -> Document:
    document: Document = {"type": "NdArray", "dataType": "float", "values": values}
    return document | ({"axisNames": list(shape), "shape": list(shape.values())} if shape else {})


def coverage(kind: str, axes: Document, values: Document, **more: object) -> Document:
    domain = {"type": "Domain", "domainType": kind, "axes": axes, "referencing": REFERENCING}
    return {"type": "Coverage", "domain": domain, "parameters": PARAMETERS, "ranges": {"a": values}, **more}


def axes(**values: list[Any]) -> Document:
    return {name: {"values": v} for name, v in values.items()}


def composite(*points: list[float]) -> Document:
    return {"dataType": "tuple", "coordinates": ["x", "y", "z"][: len(points[0])], "values": list(points)}


def rows(document: Document) -> list[Row]:
    return decode(json.dumps(document).encode())


FOUR = axes(x=[1.0], y=[2.0], z=[5.0, 6.0], t=[JAN1, JAN2])
GRID = coverage("Grid", FOUR, ndarray([1, 2, None, 4], t=2, z=2, y=1, x=1))
SERIES = coverage(
    "MultiPointSeries",
    {"composite": composite([1.0, 2.0], [1.0, 2.0]), **axes(t=[JAN1, JAN2])},
    ndarray([1, 2, 3, 4], t=2, composite=2),
)


def test_a_point_is_one_row() -> None:
    document = coverage("Point", axes(x=[1.0], y=[2.0], t=[JAN1]), ndarray([7.5]))
    assert rows(document) == [Row("a", 0, 1.0, 2.0, JAN1, None, (), 7.5)]


def test_a_grid_is_read_row_major() -> None:
    assert [(r.time, r.z, r.value) for r in rows(GRID)] == [
        (JAN1, 5.0, 1),
        (JAN1, 6.0, 2),
        (JAN2, 5.0, None),
        (JAN2, 6.0, 4),
    ]


def test_points_of_a_series_keep_their_index_though_they_are_equal() -> None:
    found = [(r.time, r.point, r.value) for r in rows(SERIES)]
    assert found == [(JAN1, 0, 1), (JAN1, 1, 2), (JAN2, 0, 3), (JAN2, 1, 4)]


def test_tuples_with_z_give_each_point_its_level() -> None:
    document = coverage("MultiPoint", {"composite": composite([1, 2, 8], [3, 4, 9])}, ndarray([1, 2], composite=2))
    assert [(r.point, r.x, r.y, r.z) for r in rows(document)] == [(0, 1, 2, 8), (1, 3, 4, 9)]


def collection(*parts: Document) -> Document:
    stripped = [{k: v for k, v in part.items() if k != "parameters"} for part in parts]
    return {"type": "CoverageCollection", "parameters": PARAMETERS, "referencing": REFERENCING, "coverages": stripped}


def trajectory(*vertices: list[Any], kind: str = "Trajectory", **more: list[Any]) -> Document:
    names = ["t", "x", "y", "z"][: len(vertices[0])]
    composite = {"dataType": "tuple", "coordinates": names, "values": list(vertices)}
    sizes = {name: len(values) for name, values in more.items()} | {"composite": len(vertices)}
    return coverage(
        kind, {"composite": composite, **axes(**more)}, ndarray(list(range(math.prod(sizes.values()))), **sizes)
    )


PATH = trajectory([JAN1, 1.0, 2.0, 5.0], [JAN1, 1.0, 2.0, 5.0], [JAN2, 3.0, 4.0, 6.0])
SECTION = trajectory([JAN1, 1.0, 2.0], [JAN2, 3.0, 4.0], kind="Section", z=[5.0, 6.0])


def test_each_vertex_of_a_trajectory_has_its_time_and_level() -> None:
    found = [(r.point, r.time, r.x, r.y, r.z, r.value) for r in rows(PATH)]
    assert found == [(0, JAN1, 1, 2, 5, 0), (1, JAN1, 1, 2, 5, 1), (2, JAN2, 3, 4, 6, 2)]


def test_a_section_has_all_levels_at_each_vertex() -> None:
    found = [(r.point, r.time, r.x, r.z, r.value) for r in rows(SECTION)]
    assert found == [(0, JAN1, 1, 5, 0), (1, JAN2, 3, 5, 1), (0, JAN1, 1, 6, 2), (1, JAN2, 3, 6, 3)]


def test_a_grid_of_many_columns_is_read_row_by_row() -> None:
    document = coverage("Grid", axes(x=[1.0, 2.0], y=[5.0, 4.0]), ndarray([1, 2, None, 4], y=2, x=2))
    assert [(r.y, r.x, r.value) for r in rows(document)] == [(5, 1, 1), (5, 2, 2), (4, 1, None), (4, 2, 4)]


def test_the_coverages_of_a_collection_are_counted() -> None:
    assert [r.part for r in rows(collection(GRID, GRID))] == [0] * 4 + [1] * 4


def test_one_profile_per_point_counts_the_points() -> None:
    profile = coverage("VerticalProfile", axes(x=[1.0], y=[2.0], z=[5.0, 6.0]), ndarray([1, 2], z=2))
    assert [(r.point, r.z) for r in rows(collection(profile, profile))] == [(0, 5.0), (0, 6.0), (1, 5.0), (1, 6.0)]


def test_members_are_those_of_the_foreign_member() -> None:
    point = coverage("Point", axes(x=[1.0], y=[2.0]), ndarray([1]))
    members = [point | {"zarr-edr:dimensions": {"number": n}} for n in (3, 4)]
    assert [(r.point, r.members) for r in rows(collection(*members))] == [(0, (("number", 3),)), (0, (("number", 4),))]


def test_a_regular_axis_is_written_out() -> None:
    document = coverage("Grid", {"x": {"start": 0, "stop": 1, "num": 3}, **axes(y=[2.0])}, ndarray([1, 2, 3], y=1, x=3))
    assert [r.x for r in rows(document)] == [0, 0.5, 1]


@pytest.mark.parametrize(
    "document",
    [GRID, SERIES, PATH, SECTION, collection(SERIES, GRID)],
    ids=["grid", "series", "path", "section", "collection"],
)
def test_a_good_document_has_no_problem(document: Document) -> None:
    assert check(document) == []


@pytest.mark.parametrize("document", [GRID, SERIES, PATH], ids=["grid", "repeated cells", "repeated vertices"])
def test_a_good_document_passes_pydantic(document: Document) -> None:
    assert pydantic_problems(document) == []


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_is_not_json_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        load(f'{{"values": [{word}]}}'.encode())


def _range(document: Document) -> Document:
    found: Document = document["ranges"]["a"]
    return found


def _axes(document: Document) -> Document:
    found: Document = document["domain"]["axes"]
    return found


FLAWS: dict[str, Callable[[Document], object]] = {
    "shape [2, 1, 1, 1]": lambda d: _range(d).update(shape=[2, 1, 1, 1]),
    "3 values for shape": lambda d: _range(d)["values"].pop(),
    "not in the order": lambda d: _range(d).update(axisNames=["z", "t", "y", "x"]),
    "axis z is left out": lambda d: _range(d).update(axisNames=["t", "y", "x"], shape=[2, 1, 1]),
    "not of dataType 'integer'": lambda d: _range(d).update(dataType="integer", values=[1, 2, 3, 4.5]),
    "not of dataType 'string'": lambda d: _range(d).update(dataType="string"),
    "axis z is not strictly monotonic": lambda d: _axes(d).update(axes(z=[5.0, 5.0])),
    "axis t is not strictly monotonic": lambda d: _axes(d).update(axes(t=[JAN1, JAN1])),
    "is not YYYY-MM-DDTHH:MM:SSZ": lambda d: _axes(d).update(axes(t=[JAN1, "2000-01-02T00:00:00"])),
    "invalid day number": lambda d: _axes(d).update(axes(t=[JAN1, "2000-02-30T00:00:00Z"])),
    "axis z is empty": lambda d: _axes(d).update(axes(z=[])),
    "coordinate 'z' is not referenced": lambda d: d["domain"]["referencing"].pop(1),
    "range 'a' has no parameter": lambda d: d["parameters"].clear(),
    "no range": lambda d: d["ranges"].clear(),
    "unknown domain type": lambda d: d["domain"].update(domainType="Cube"),
    "Point with several values on z": lambda d: d["domain"].update(domainType="Point"),
    "MultiPoint with axes": lambda d: d["domain"].update(domainType="MultiPoint"),
}


@pytest.mark.parametrize(("problem", "spoil"), FLAWS.items(), ids=FLAWS)
def test_a_flaw_is_found(problem: str, spoil: Callable[[Document], object]) -> None:
    document = copy.deepcopy(GRID)
    spoil(document)
    assert problem in "; ".join(check(document))


PATH_FLAWS: dict[str, Callable[[Document], object]] = {
    "not in the order of time": lambda d: _axes(d)["composite"]["values"].reverse(),
    "composite coordinates ['x', 'y', 't', 'z']": lambda d: _axes(d)["composite"].update(
        coordinates=["x", "y", "t", "z"]
    ),
    "tuples of another length": lambda d: _axes(d)["composite"]["values"][0].pop(),
    "not a finite number": lambda d: _axes(d)["composite"]["values"][0].__setitem__(1, None),
    "is not YYYY-MM-DDTHH:MM:SSZ": lambda d: _axes(d)["composite"]["values"][0].__setitem__(0, "2000-01-01"),
    "Section with axes": lambda d: d["domain"].update(domainType="Section"),
    "of a MultiPoint": lambda d: d["domain"].update(domainType="MultiPoint"),
    "not of tuples": lambda d: _axes(d)["composite"].pop("dataType"),
    "axis composite is empty": lambda d: _axes(d)["composite"].update(values=[]),
}


@pytest.mark.parametrize(("problem", "spoil"), PATH_FLAWS.items(), ids=PATH_FLAWS)
def test_a_flaw_of_a_path_is_found(problem: str, spoil: Callable[[Document], object]) -> None:
    document = copy.deepcopy(PATH)
    spoil(document)
    assert problem in "; ".join(check(document))


def test_times_are_checked_in_their_calendar() -> None:
    document = copy.deepcopy(GRID)
    _axes(document).update(axes(t=[JAN1, "2000-02-30T00:00:00Z"]))
    document["domain"]["referencing"][2]["system"]["calendar"] = "360_day"
    assert check(document) == []
