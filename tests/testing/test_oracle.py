"""The oracle, on a store small enough to know by heart."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from zarr_edr.query.geometry import Points
from zarr_edr.query.model import (
    Duration,
    Instant,
    Level,
    LevelInterval,
    Moment,
    PositionQuery,
    Precision,
    RepeatingInterval,
    TimeInterval,
    TimeSelector,
    VerticalSelector,
)
from zarr_edr.testing.covjson import Row
from zarr_edr.testing.oracle import answer, disagreements
from zarr_edr.testing.oracle_variable import Cell, Expected

QUADRANTS = xr.Dataset(
    {"a": (("lat", "lon"), np.array([[1.0, 2.0], [3.0, np.nan]], dtype="float32"))},
    coords={"lat": [10.0, 20.0], "lon": [0.0, 10.0]},
)
"""West and east, south (1, 2) and north (3, missing)."""


def points(*places: tuple[float, ...], multi: bool = True) -> Points:
    columns = np.array(places, dtype=np.float64).T
    return Points(columns[0], columns[1], columns[2] if len(columns) == 3 else None, multi)


def values(dataset: xr.Dataset, query: PositionQuery) -> list[list[float | None]] | None:
    rows = answer(query, dataset)
    return None if rows is None else [[cell.value for cell in row.cells] for row in rows]


def at(x: float, y: float, dataset: xr.Dataset = QUADRANTS) -> list[float | None] | None:
    found = values(dataset, PositionQuery(points((x, y), multi=False)))
    return None if found is None else found[0]


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (0, 10, [1.0]),
        (10, 10, [2.0]),
        (4.9, 15.1, [3.0]),
        (10, 20, [None]),
        (5, 10, [2.0]),
        (0, 15, [3.0]),
        (-5, 5, [1.0]),
        (15, 5, [2.0]),
        (365, 10, [2.0]),
        (-355, 10, [2.0]),
        (-5.1, 10, None),
        (0, 4.9, None),
        (0, 90, None),
    ],
)
def test_the_cell_of_a_point(x: float, y: float, expected: list[float | None] | None) -> None:
    assert at(x, y) == expected


def globe(lon: list[float], lat: list[float]) -> xr.Dataset:
    cells = np.arange(len(lat) * len(lon), dtype="float64").reshape(len(lat), len(lon))
    return xr.Dataset({"a": (("lat", "lon"), cells)}, coords={"lat": lat, "lon": lon})


@pytest.mark.parametrize(("x", "cell"), [(315, 0), (314, 3), (-45, 0), (45, 1), (-180, 2), (720, 0)])
def test_a_global_axis_has_no_outside_and_ties_go_east(x: float, cell: int) -> None:
    assert at(x, 0, globe([0.0, 90.0, 180.0, 270.0], [0.0, 1.0])) == [cell]


def test_longitudes_may_jump() -> None:
    assert at(-1, 0, globe([350.0, 355.0, 0.0, 5.0], [0.0, 1.0])) == [2.0]


def test_any_cell_of_the_row_is_right_at_a_pole() -> None:
    assert at(77, 90, globe([0.0, 1.0], [89.0, 90.0])) == [2.0, 3.0]


def test_the_cell_next_to_a_pole_ends_there() -> None:
    assert at(0, 90, globe([0.0, 1.0], [88.0, 89.5])) == [2.0, 3.0]


def test_an_outside_point_among_others_has_no_cell() -> None:
    assert values(QUADRANTS, PositionQuery(points((0, 10), (50, 50), (0, 10)))) == [[1.0], [], [1.0]]


def test_only_outside_points_are_no_data() -> None:
    assert values(QUADRANTS, PositionQuery(points((50, 50), (60, 60)))) is None


TIMES = xr.Dataset(
    {"a": (("time", "lat", "lon"), np.arange(16).reshape(4, 2, 2))},
    coords={
        "time": ("time", [0.0, 24.0, 12.0, 24 * 31.0], {"units": "hours since 2000-01-30", "calendar": "360_day"}),
        **QUADRANTS.coords,
    },
)
"""30 January 0:00, then 1 February 0:00, 30 January 12:00 and 1 March 0:00, of months of 30 days."""


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (None, [0, 4, 8, 12]),
        ((Instant(Moment(2000, 1, 30)),), [0]),
        ((Instant(Moment(2000, 1, 30, 6)),), None),
        ((Instant(Moment(2000, 1, 30, precision=Precision.DAY)),), [0, 8]),
        ((Instant(Moment(2000, precision=Precision.YEAR)),), [0, 4, 8, 12]),
        ((Instant(Moment(2000, 1, 30, 13, offset_minutes=60)),), [8]),
        ((Instant(Moment(2000, 1, 30, 12, precision=Precision.HOUR)),), [8]),
        ((TimeInterval(None, Moment(2000, 1, 30, 12)),), [0, 8]),
        ((TimeInterval(Moment(2000, 2, precision=Precision.MONTH), None),), [4, 12]),
        ((RepeatingInterval(3, Moment(2000, 1, 30), Duration(0, 43_200_000_000)),), [0, 4, 8]),
        ((RepeatingInterval(2, Moment(2000, 2, 1), Duration(1, 0)),), [4, 12]),
    ],
)
def test_times(selector: TimeSelector | None, expected: list[float] | None) -> None:
    found = values(TIMES, PositionQuery(points((0, 10)), datetime=selector))
    assert found == (None if expected is None else [[value] for value in expected])


def test_times_are_written_in_their_calendar() -> None:
    rows = answer(PositionQuery(points((0, 10))), TIMES)
    assert rows is not None
    assert [row.time for row in rows][:3] == ["2000-01-30T00:00:00Z", "2000-02-01T00:00:00Z", "2000-01-30T12:00:00Z"]


LEVELS = xr.Dataset(
    {"a": (("number", "level", "lat", "lon"), np.arange(24).reshape(2, 3, 2, 2))},
    coords={"number": [1, 2], "level": [30.0, 20.0, 0.0], **QUADRANTS.coords},
)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ((Level(11.0),), [4]),
        ((Level(10.0),), [4]),
        ((Level(25.0),), [0]),
        ((Level(30.1),), None),
        ((LevelInterval(0.0, 20.0), Level(1.0)), [4, 8]),
        ((LevelInterval(21.0, 29.0),), None),
    ],
)
def test_levels(selector: VerticalSelector, expected: list[float] | None) -> None:
    query = PositionQuery(points((0, 10)), z=selector, custom={"number": "1"})
    assert values(LEVELS, query) == (None if expected is None else [[value] for value in expected])


def test_each_point_may_have_its_level_and_may_miss_it() -> None:
    query = PositionQuery(points((0, 10, 0), (0, 10, 29), (0, 10, 31)), custom={"number": "2/2"})
    assert values(LEVELS, query) == [[20], [12], []]


def test_z_wins_over_the_level_of_a_point() -> None:
    assert values(LEVELS, PositionQuery(points((0, 10, 0)), z=(Level(30.0),), custom={"number": "1"})) == [[0]]


def test_all_members_come_unless_selected() -> None:
    rows = answer(PositionQuery(points((0, 10)), z=(Level(0.0),)), LEVELS)
    assert rows is not None
    assert [row.members for row in rows] == [(("number", 1),), (("number", 2),)]


WANTED = [Expected("a", 0, None, None, (), (Cell(0.0, 1.0, 5.0),)), Expected("a", 1, None, None, (), ())]
GIVEN = [Row("a", 0, 0.0, 1.0, None, None, (), 5.0), Row("a", 1, 9.0, 9.0, None, None, (), None)]


def test_an_equal_answer_agrees() -> None:
    assert disagreements(WANTED, GIVEN) == []


@pytest.mark.parametrize(
    "rows",
    [
        None,
        GIVEN[:1],
        GIVEN[1:],
        [*GIVEN, GIVEN[0]],
        [Row("a", 0, 0.0, 1.0, None, None, (), None), GIVEN[1]],
        [Row("a", 0, 0.0, 1.5, None, None, (), 5.0), GIVEN[1]],
        [GIVEN[0], Row("a", 1, 9.0, 9.0, None, None, (), 1.0)],
        [Row("a", 0, 0.0, 1.0, None, None, (), 5.1), GIVEN[1]],
    ],
    ids=["no data", "null lacking", "value lacking", "twice", "lost", "other cell", "value outside", "other value"],
)
def test_a_different_answer_is_told(rows: list[Row] | None) -> None:
    assert disagreements(WANTED, rows)


def test_a_tolerance_is_by_parameter() -> None:
    off = [Row("a", 0, 0.0, 1.0, None, None, (), 5.0 + 1e-12), GIVEN[1]]
    assert disagreements(WANTED, off, {"a": 1e-11}) == []
