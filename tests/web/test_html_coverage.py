"""CoverageJSON as tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarr_edr.web.html_coverage import MAX_LISTED, MAX_ROWS, view

T = ["2013-01-01T00:00:00Z", "2013-01-02T00:00:00Z"]


def nd(values: list[Any], *axis_names: str, shape: list[int] | None = None) -> dict[str, Any]:
    return {"type": "NdArray", "axisNames": list(axis_names), "shape": shape or [len(values)], "values": values}


def coverage(axes: dict[str, Any], ranges: dict[str, Any], domain_type: str = "Grid", **more: Any) -> dict[str, Any]:
    named = {name: axis if isinstance(axis, dict) else {"values": axis} for name, axis in axes.items()}
    domain = {"type": "Domain", "domainType": domain_type, "axes": named}
    return {"type": "Coverage", "domain": domain, "ranges": ranges, **more}


def collection(*coverages: dict[str, Any]) -> dict[str, Any]:
    return {"type": "CoverageCollection", "domainType": "PointSeries", "coverages": list(coverages)}


@given(shape=st.tuples(*[st.integers(1, 4)] * 4))
def test_each_row_has_the_value_of_its_place(shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape)).reshape(shape)
    axes = {name: [100 * i + j for j in range(n)] for i, (name, n) in enumerate(zip("tzyx", shape, strict=True))}
    (table,) = view(coverage(axes, {"v": nd(values.ravel().tolist(), *"tzyx", shape=list(shape))})).tables
    assert len(table.rows) == table.total == values.size
    for *where, value in table.rows:
        place = {**table.constants, **dict(zip(table.coordinates, where, strict=True))}
        assert values[tuple(axes[name].index(place[name]) for name in "tzyx")] == value


def test_a_coordinate_that_never_changes_is_told_once() -> None:
    (table,) = view(coverage({"x": [10.5], "y": [50.0], "t": T}, {"v": nd([1, 2], "t")})).tables
    assert (table.constants, table.coordinates) == ({"x": 10.5, "y": 50.0}, ("t",))
    assert table.rows == [(T[0], 1), (T[1], 2)]


def test_a_single_value_is_a_row() -> None:
    (table,) = view(coverage({"x": [1], "y": [2]}, {"v": {"type": "NdArray", "values": [7]}}, "Point")).tables
    assert (table.rows, table.total) == ([(7,)], 1)


def test_points_keep_their_order_and_number() -> None:
    points = {"dataType": "tuple", "coordinates": ["x", "y"], "values": [[3, 4], [1, 2], [3, 4]]}
    (table,) = view(coverage({"composite": points}, {"v": nd([7, None, 7], "composite")}, "MultiPoint")).tables
    assert (table.coordinates, table.rows) == (("x", "y"), [(3, 4, 7), (1, 2, None), (3, 4, 7)])


def test_a_regular_axis_is_written_out() -> None:
    (table,) = view(coverage({"x": {"start": 0, "stop": 1, "num": 5}}, {"v": nd([1, 2, 3, 4, 5], "x")})).tables
    assert [row[0] for row in table.rows] == [0, 0.25, 0.5, 0.75, 1]


def test_polygons_are_told_by_their_size() -> None:
    ring = [[0, 0], [1, 0], [1, 1], [0, 0]]
    axis = {"dataType": "polygon", "coordinates": ["x", "y"], "values": [[ring], [ring, ring]]}
    (table,) = view(coverage({"composite": axis}, {"v": nd([1, 2], "composite")}, "Polygon")).tables
    assert table.rows == [("polygon of 4 positions", 1), ("polygon of 8 positions", 2)]


def test_coverages_alike_share_one_table() -> None:
    series = [coverage({"x": [x], "y": [0], "t": T}, {"v": nd([x, x + 1], "t")}) for x in (1, 5)]
    (table,) = view(collection(*series)).tables
    assert table.rows == [(T[0], 1, 1), (T[1], 1, 2), (T[0], 5, 5), (T[1], 5, 6)]


def test_coverages_unlike_have_tables_of_their_own() -> None:
    found = view(collection(coverage({"t": T}, {"v": nd([1, 2], "t")}), coverage({"z": [850]}, {"w": nd([3], "z")})))
    assert [table.parameters for table in found.tables] == [("v",), ("w",)]


def test_parameters_on_different_axes_have_tables_of_their_own() -> None:
    ranges = {"v": nd([1, 2], "t"), "w": nd([1, 2, 3, 4], "t", "z", shape=[2, 2])}
    assert [len(table.rows) for table in view(coverage({"t": T, "z": [1, 2]}, ranges)).tables] == [2, 4]


def test_a_further_dimension_is_a_column() -> None:
    members = [coverage({"t": T}, {"v": nd([m, m], "t")}, dimensions={"number": m}) for m in (0, 1)]
    (table,) = view(collection(*members)).tables
    assert table.coordinates == ("number", "t")
    assert table.rows[2] == (1, T[0], 1)


def test_a_parameter_may_have_the_name_of_an_axis() -> None:
    (table,) = view(coverage({"t": T}, {"t": nd([1, 2], "t")})).tables
    assert table.rows == [(T[0], 1), (T[1], 2)]


def test_rows_end_at_the_limit_over_all_tables() -> None:
    n = MAX_ROWS - 10
    many = [coverage({a: list(range(n))}, {"v": nd(list(range(n)), a)}) for a in ("x", "y", "z")]
    found = view(collection(*many))
    assert [len(table.rows) for table in found.tables] == [n, 10, 0]
    assert (found.shown, found.total) == (MAX_ROWS, 3 * n)


def test_long_axes_are_listed_to_a_limit() -> None:
    (axis,) = view(coverage({"x": list(range(MAX_LISTED + 5))}, {})).axes
    assert (axis.size, len(axis.listed), axis.hidden) == ("1,005", MAX_LISTED, 5)


def test_axes_that_differ_are_told_to() -> None:
    found = view(collection(coverage({"t": T}, {}), coverage({"t": T[:1]}, {})))
    assert [(axis.size, axis.differs) for axis in found.axes] == [("1 to 2", True)]


@pytest.mark.parametrize(
    ("system", "names"),
    [
        ({"type": "GeographicCRS"}, {"x": "Longitude", "y": "Latitude"}),
        ({"type": "ProjectedCRS"}, {"x": "x", "y": "y"}),
        ({"cs": {"csAxes": [{"name": {"en": "pressure"}, "unit": {"symbol": "hPa"}}]}}, {"x": "Pressure (hPa)"}),
        ({"cs": {"csAxes": [{"name": "depth", "unit": {"symbol": {"value": "m"}}}]}}, {"x": "Depth (m)"}),
    ],
    ids=["geographic", "projected", "vertical", "vertical with a typed symbol"],
)
def test_coordinates_are_named_by_their_reference_system(system: dict[str, Any], names: dict[str, str]) -> None:
    document = {**coverage({"x": [1]}, {}), "referencing": [{"coordinates": ["x", "y"], "system": system}]}
    assert view(document).names.items() >= names.items()


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (coverage({"t": T}, {}, "PointSeries"), "A time series at one point."),
        (coverage({"t": T}, {}, "Section"), "A vertical section along a path."),
        (coverage({"t": T}, {}, "Novelty"), "Novelty."),
        (
            collection(coverage({"t": T}, {}, "Point"), coverage({"t": T}, {}, "Point")),
            "A collection of 2 coverages, each with values at one point.",
        ),
        (collection(), "A collection of 0 coverages."),
    ],
)
def test_the_domain_is_told_in_words(document: dict[str, Any], words: str) -> None:
    assert view(document).words == words
