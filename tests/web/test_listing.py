"""Which features a list shows."""

from __future__ import annotations

from functools import cache

import pytest

from zarr_edr.crs import CRS84, WEB_MERCATOR
from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.model import Collection
from zarr_edr.errors import InvalidBbox, InvalidCrs, InvalidDatetime, InvalidParameterName, InvalidQuery
from zarr_edr.query.geometry import Box
from zarr_edr.query.temporal import parse_datetime
from zarr_edr.settings import CollectionSettings
from zarr_edr.testing.stores import LAT, LON, TIME, AxisSpec, StoreSpec, VariableSpec, in_memory
from zarr_edr.web.listing import DEFAULT_LIMIT, MAX_LIMIT, Listing, has_time


@cache
def collection(calendar: str = "standard") -> Collection:
    """Days 2 to 5 of March 2000."""
    axes = {
        TIME: AxisSpec((1.0, 2.0, 4.0), "float64", {"units": "days since 2000-03-01", "calendar": calendar}),
        LAT: AxisSpec((0.0, 1.0), "float64", {"units": "degrees_north"}),
        LON: AxisSpec((0.0, 1.0), "float64", {"units": "degrees_east"}),
    }
    variables = tuple(VariableSpec(name, (TIME, LAT, LON), (3, 2, 2), "float32", 0) for name in ("a", "b"))
    group = in_memory(StoreSpec(3, False, "none", axes, variables, True))
    return describe(group, "c", "C", "", CollectionSettings(data="memory"))


def read(**parameters: str) -> Listing:
    return Listing.of({name.replace("_", "-"): value for name, value in parameters.items()}, collection())


class TestParameters:
    def test_nothing_asks_for_the_first_page_of_everything(self) -> None:
        assert read() == Listing(None, None, None, DEFAULT_LIMIT, 0, CRS84)

    def test_each_parameter_is_read(self) -> None:
        found = read(bbox="1,2,3,4", datetime="2000", parameter_name="b", limit="7", offset="14")
        assert (found.box, found.datetime) == (Box(1, 2, 3, 4), parse_datetime("2000"))
        assert (found.parameters, found.limit, found.offset) == (("b",), 7, 14)

    def test_the_bbox_is_in_the_crs_asked_for(self) -> None:
        found = read(bbox="0,0,111319.49079,1", crs="EPSG:3857")
        assert found.box is not None
        assert found.box.east == pytest.approx(1)
        assert found.crs is WEB_MERCATOR

    def test_spellings_of_clients_in_use_are_understood(self) -> None:
        assert Listing.of({"parameter_names": "a"}, collection()).parameters == ("a",)

    def test_more_than_a_page_may_hold_gets_a_full_page(self) -> None:
        assert read(limit="999999999").limit == MAX_LIMIT

    @pytest.mark.parametrize("name", ["f", "lang"])
    def test_what_says_how_to_write_it_is_let_pass(self, name: str) -> None:
        assert Listing.of({name: "x"}, collection()) == Listing()


BAD = {
    "limit 0": ("limit", "0", InvalidQuery),
    "limit -1": ("limit", "-1", InvalidQuery),
    "limit 1.5": ("limit", "1.5", InvalidQuery),
    "limit empty": ("limit", "", InvalidQuery),
    "limit word": ("limit", "all", InvalidQuery),
    "limit of other digits": ("limit", "\u0661", InvalidQuery),
    "limit too long": ("limit", "9" * 5000, InvalidQuery),
    "offset -1": ("offset", "-1", InvalidQuery),
    "offset word": ("offset", "x", InvalidQuery),
    "bbox": ("bbox", "1,2,3", InvalidBbox),
    "datetime": ("datetime", "yesterday", InvalidDatetime),
    "parameter": ("parameter-name", "a,nope", InvalidParameterName),
    "no parameter": ("parameter-name", "", InvalidParameterName),
    "crs": ("crs", "EPSG:27700", InvalidCrs),
    "unknown": ("coords", "POINT(0 0)", InvalidQuery),
    "misspelt": ("limmit", "5", InvalidQuery),
}


@pytest.mark.parametrize(("name", "value", "error"), BAD.values(), ids=BAD)
def test_a_wrong_parameter_is_refused_by_name(name: str, value: str, error: type[InvalidQuery]) -> None:
    with pytest.raises(error) as raised:
        Listing.of({name: value}, collection())
    assert name.split("-", maxsplit=1)[0] in raised.value.message
    assert len(raised.value.message) < 500


def test_a_misspelt_parameter_gets_a_hint() -> None:
    with pytest.raises(InvalidQuery, match="Did you mean 'limit'"):
        read(limmit="5")


def test_two_spellings_of_one_parameter_are_refused() -> None:
    with pytest.raises(InvalidQuery, match="more than once"):
        Listing.of({"parameter_names": "a", "parameter-name": "a"}, collection())


SPANS = {
    "2000": True,
    "2000-03-02": True,
    "2000-03-04": True,  # between two times, within the span
    "2000-03-04T12:00:00Z": True,
    "2000-03-01": False,
    "2000-03-06": False,
    "1999": False,
    "2000-03-05/..": True,
    "2000-03-06/..": False,
    "../2000-03-01": False,
    "../2000-03-02": True,
    "../..": True,
    "1990/2010": True,
    "1990,2000-03-03": True,
    "1990,2010": False,
    "R3/2000-02-28T00:00:00Z/P1D": False,
    "R4/2000-02-28T00:00:00Z/P1D": True,
}


@pytest.mark.parametrize(("datetime", "expected"), SPANS.items(), ids=SPANS)
def test_what_touches_the_span_of_the_times_is_in_time(datetime: str, expected: bool) -> None:
    assert has_time(parse_datetime(datetime), collection().time_axes) is expected


def test_without_times_everything_is_in_time() -> None:
    assert has_time(parse_datetime("1066"), ())


def test_a_date_of_another_calendar_is_refused() -> None:
    with pytest.raises(InvalidDatetime, match="30"):
        has_time(parse_datetime("2000-02-30"), collection().time_axes)
