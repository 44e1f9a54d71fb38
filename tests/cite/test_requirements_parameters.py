"""Requirements of the class query_parameters; docs/conformance.md names each test by its requirement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cite.conftest import Json, Site

HERE = "POINT(-150 0)"
WEB_MERCATOR = "http://www.opengis.net/def/crs/EPSG/0/3857"
MERCATOR_HERE = "POINT(-16697923.6 0)"
WORLD_M = 40_075_016.7
"""Once around, in Web Mercator."""


def coverages(document: Json) -> list[Json]:
    found: list[Json] = document["coverages"] if document["type"] == "CoverageCollection" else [document]
    return found


def axis(document: Json, name: str) -> list[float]:
    """Values of an axis, over all coverages."""
    axes = [coverage["domain"]["axes"].get(name, {"values": []}) for coverage in coverages(document)]
    return sorted({value for each in axes for value in each["values"]})


def times(document: Json) -> list[str]:
    return [str(value) for value in axis(document, "t")]


def number_on(document: Json, name: str) -> int:
    """Positions on an axis of the first coverage, however it is written."""
    found = coverages(document)[0]["domain"]["axes"][name]
    return int(found["num"]) if "num" in found else len(found["values"])


class TestDatetime:
    def test_instant_takes_that_time(self, site: Site, flat: Json) -> None:
        first = flat["extent"]["temporal"]["interval"][0][0]
        assert times(site.ask(flat, "position", coords=HERE, datetime=first).json()) == [first]

    @pytest.mark.parametrize("half", ["{0}/..", "../{0}", "{0}/{0}"])
    def test_interval_takes_the_times_within(self, site: Site, flat: Json, half: str) -> None:
        start, end = flat["extent"]["temporal"]["interval"][0]
        every = times(site.ask(flat, "position", coords=HERE).json())
        middle = every[len(every) // 2]
        taken = times(site.ask(flat, "position", coords=HERE, datetime=half.format(middle)).json())
        low, high = (start if half.startswith("..") else middle), (end if half.endswith("..") else middle)
        assert taken == [time for time in every if low <= time <= high]

    def test_list_takes_each_time(self, site: Site, flat: Json) -> None:
        start, end = flat["extent"]["temporal"]["interval"][0]
        assert times(site.ask(flat, "position", coords=HERE, datetime=f"{start},{end}").json()) == [start, end]

    def test_repeated_interval_takes_its_times(self, site: Site, flat: Json) -> None:
        start = flat["extent"]["temporal"]["interval"][0][0]
        assert times(site.ask(flat, "position", coords=HERE, datetime=f"R2/{start}/P1Y").json())[0] == start

    def test_without_it_all_times_come_back(self, site: Site, flat: Json) -> None:
        every = times(site.ask(flat, "position", coords=HERE).json())
        assert [every[0], every[-1]] == flat["extent"]["temporal"]["interval"][0]

    def test_time_outside_is_204(self, site: Site, flat: Json) -> None:
        assert site.ask(flat, "position", coords=HERE, datetime="1700-01-01T00:00:00Z").status == 204

    @pytest.mark.parametrize("text", ["yesterday", "2007-13-01", "2008-01-01/2007-01-01", "a/b/c"])
    def test_what_is_no_time_is_400(self, site: Site, flat: Json, text: str) -> None:
        assert site.ask(flat, "position", coords=HERE, datetime=text).status == 400


class TestParameterName:
    def test_only_what_is_listed_comes_back(self, site: Site, deep: Json) -> None:
        first = next(iter(deep["parameter_names"]))
        answer = site.ask(deep, "position", coords=HERE, number="0", parameter_name=first)
        assert {name for coverage in coverages(answer.json()) for name in coverage["ranges"]} == {first}

    def test_without_it_all_come_back(self, site: Site, deep: Json) -> None:
        answer = site.ask(deep, "position", coords=HERE, number="0")
        assert {name for coverage in coverages(answer.json()) for name in coverage["ranges"]} == deep[
            "parameter_names"
        ].keys()

    def test_unknown_name_is_400(self, site: Site, deep: Json) -> None:
        assert site.ask(deep, "position", coords=HERE, parameter_name="nothing").status == 400


class TestCrs:
    def test_each_listed_name_is_taken(self, site: Site, flat: Json) -> None:
        coords = {"3857": MERCATOR_HERE, "4326": "POINT(0 -150)"}
        for crs in flat["crs"]:
            assert site.ask(flat, "position", coords=coords.get(crs[-4:], HERE), crs=crs).status == 200

    def test_coordinates_come_back_in_it(self, site: Site, flat: Json) -> None:
        start = flat["extent"]["temporal"]["interval"][0][0]
        plain = site.ask(flat, "position", coords=HERE, datetime=start).json()
        asked = site.ask(flat, "position", coords=MERCATOR_HERE, datetime=start, crs=WEB_MERCATOR).json()
        assert asked["ranges"] == plain["ranges"]
        assert abs((axis(asked, "x")[0] + 16697923.6 + WORLD_M / 2) % WORLD_M - WORLD_M / 2) < 100_000
        assert "3857" in asked["domain"]["referencing"][0]["system"]["id"]

    def test_unlisted_name_is_400(self, site: Site, flat: Json) -> None:
        assert site.ask(flat, "position", coords=HERE, crs="EPSG:27700").status == 400


class TestF:
    def test_each_listed_format_is_answered(self, site: Site, flat: Json) -> None:
        for name in flat["data_queries"]["position"]["link"]["variables"]["output_formats"]:
            assert site.ask(flat, "position", coords=HERE, f=name).status == 200

    def test_without_it_the_default_comes_back(self, site: Site, flat: Json) -> None:
        variables = flat["data_queries"]["position"]["link"]["variables"]
        plain, named = (
            site.ask(flat, "position", coords=HERE, accept="*/*", **given)
            for given in ({}, {"f": variables["default_output_format"]})
        )
        assert plain.headers["content-type"] == named.headers["content-type"]

    def test_it_wins_over_accept(self, site: Site, flat: Json) -> None:
        answer = site.ask(flat, "position", accept="text/html", coords=HERE, f="CoverageJSON")
        assert answer.json()["type"] == "Coverage"

    def test_unlisted_format_is_400(self, site: Site, flat: Json) -> None:
        assert site.ask(flat, "position", coords=HERE, f="papyrus").status == 400

    def test_accept_that_cannot_be_met_is_406(self, site: Site, flat: Json) -> None:
        assert site.ask(flat, "position", accept="video/mp4", coords=HERE).status == 406


class TestZ:
    @pytest.mark.parametrize(
        ("z", "levels"),
        [("850", [850]), ("850,500", [500, 850]), ("400/600", [500]), ("600/400", [500]), ("R2/500/350", [500, 850])],
    )
    def test_it_takes_levels(self, site: Site, deep: Json, z: str, levels: list[float]) -> None:
        assert axis(site.ask(deep, "position", coords=HERE, number="0", z=z).json(), "z") == levels

    @pytest.mark.parametrize(("z", "levels"), [("../600", [500]), ("600/..", [850])])
    def test_half_open_interval_takes_levels(self, site: Site, deep: Json, z: str, levels: list[float]) -> None:
        assert axis(site.ask(deep, "position", coords=HERE, number="0", z=z).json(), "z") == levels

    def test_without_it_all_levels_come_back(self, site: Site, deep: Json) -> None:
        levels = axis(site.ask(deep, "position", coords=HERE, number="0").json(), "z")
        assert levels == sorted(float(level) for level in deep["extent"]["vertical"]["values"])

    def test_it_is_ignored_where_there_are_no_levels(self, site: Site, flat: Json) -> None:
        plain, asked = (site.ask(flat, "position", coords=HERE, **given) for given in ({}, {"z": "10"}))
        assert asked.json() == plain.json()

    def test_it_wins_over_the_height_of_the_point(self, site: Site, deep: Json) -> None:
        answer = site.ask(deep, "position", coords="POINT Z(-150 0 850)", number="0", z="500")
        assert axis(answer.json(), "z") == [500]

    def test_height_of_the_point_is_its_level(self, site: Site, deep: Json) -> None:
        assert axis(site.ask(deep, "position", coords="POINT Z(-150 0 850)", number="0").json(), "z") == [850]

    def test_what_is_no_level_is_400(self, site: Site, deep: Json) -> None:
        assert site.ask(deep, "position", coords=HERE, z="high").status == 400


class TestWithin:
    def test_each_listed_unit_is_taken(self, site: Site, flat: Json) -> None:
        for unit in flat["data_queries"]["radius"]["link"]["variables"]["within_units"]:
            assert site.ask(flat, "radius", coords=HERE, within="1", within_units=unit).status == 200

    def test_units_mean_what_they_say(self, site: Site, flat: Json) -> None:
        start = flat["extent"]["temporal"]["interval"][0][0]
        metres, kilometres = (
            site.ask(flat, "radius", coords=HERE, within=within, within_units=unit, datetime=start).json()
            for within, unit in (("300000", "m"), ("300", "km"))
        )
        assert metres == kilometres

    def test_a_larger_radius_takes_more(self, site: Site, flat: Json) -> None:
        start = flat["extent"]["temporal"]["interval"][0][0]
        small, large = (
            number_on(
                site.ask(flat, "radius", coords=HERE, within=within, within_units="km", datetime=start).json(), "x"
            )
            for within in ("10", "500")
        )
        assert small < large

    @pytest.mark.parametrize(
        "given", [{"within_units": "furlong"}, {"within": "-1"}, {"within": "far"}, {"within": "inf"}]
    )
    def test_what_is_no_distance_is_400(self, site: Site, flat: Json, given: dict[str, str]) -> None:
        assert site.ask(flat, "radius", **{"coords": HERE, "within": "1", "within_units": "km", **given}).status == 400


class TestResolution:
    @pytest.mark.parametrize("name", ["x", "y"])
    def test_it_is_the_number_of_positions(self, site: Site, flat: Json, name: str) -> None:
        start = flat["extent"]["temporal"]["interval"][0][0]
        given = {"bbox": "-160,-4,-140,4", "datetime": start, f"resolution_{name}": "3"}
        assert number_on(site.ask(flat, "cube", **given).json(), name) == 3

    def test_of_levels_it_is_their_number(self, site: Site, deep: Json) -> None:
        given = {"bbox": "-160,0,-140,10", "number": "0", "datetime": deep["extent"]["temporal"]["interval"][0][0]}
        assert number_on(site.ask(deep, "cube", **given, resolution_z="1").json(), "z") == 1

    @pytest.mark.parametrize("name", ["resolution_x", "resolution_y", "resolution_z"])
    def test_zero_is_the_stored_resolution(self, site: Site, deep: Json, name: str) -> None:
        given = {"bbox": "-160,0,-140,10", "number": "0", "datetime": deep["extent"]["temporal"]["interval"][0][0]}
        plain, zero = (site.ask(deep, "cube", **given, **extra).json() for extra in ({}, {name: "0"}))
        assert zero == plain

    @pytest.mark.parametrize("name", ["resolution_x", "resolution_y", "resolution_z"])
    @pytest.mark.parametrize("value", ["-1", "many", "1.5"])
    def test_what_is_no_number_is_400_and_says_what_would_be(
        self, site: Site, deep: Json, name: str, value: str
    ) -> None:
        answer = site.ask(deep, "cube", bbox="-160,0,-140,10", **{name: value})
        assert answer.status == 400
        assert name.replace("_", "-").encode() in answer.body


class TestCustomDimension:
    @pytest.mark.parametrize(("members", "count"), [("0", 1), ("0,4", 2), ("2/5", 4)])
    def test_it_takes_members(self, site: Site, deep: Json, members: str, count: int) -> None:
        given = {"coords": HERE, "z": "850", "parameter_name": next(iter(deep["parameter_names"]))}
        assert len(coverages(site.ask(deep, "position", **given, number=members).json())) == count

    def test_without_it_all_members_come_back(self, site: Site, deep: Json) -> None:
        given = {"coords": HERE, "z": "850", "parameter_name": next(iter(deep["parameter_names"]))}
        (custom,) = [each for each in deep["extent"]["custom"] if each["id"] == "number"]
        assert len(coverages(site.ask(deep, "position", **given).json())) == len(custom["values"])

    def test_unknown_dimension_is_400(self, site: Site, deep: Json) -> None:
        assert site.ask(deep, "position", coords=HERE, colour="red").status == 400


class TestLimit:
    def test_it_is_ignored_where_the_format_cannot_page(self, site: Site, flat: Json) -> None:
        plain, limited = (site.ask(flat, "position", coords=HERE, **given).json() for given in ({}, {"limit": "1"}))
        assert limited == plain
