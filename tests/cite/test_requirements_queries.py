"""Requirements of the class queries; docs/conformance.md names each test by its requirement."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cite.conftest import Json, Site

POLYGON = "POLYGON((0 0,0 4,4 4,4 0,0 0))"
LINE = "LINESTRING(-150 0,-140 2)"
WIDE = {"corridor_width": "200", "width_units": "km"}
HIGH = {"corridor_height": "500", "height_units": "hPa"}

COMPLETE: dict[str, dict[str, str]] = {
    "position": {"coords": "POINT(-150 0)"},
    "radius": {"coords": "POINT(-150 0)", "within": "100", "within_units": "km"},
    "area": {"coords": POLYGON},
    "cube": {"bbox": "-150,0,-140,4"},
    "trajectory": {"coords": LINE},
    "corridor": {"coords": LINE, **WIDE},
}
"""A query of each type with what it must have."""
OTHER_TYPES = {
    "position": [LINE, POLYGON],
    "radius": [LINE, POLYGON],
    "area": ["POINT(-150 0)", LINE],
    "trajectory": ["POINT(-150 0)", POLYGON],
    "corridor": ["POINT(-150 0)", POLYGON],
}
MULTI = {
    "position": "MULTIPOINT((-150 0),(-140 0))",
    "radius": "MULTIPOINT((-150 0),(-140 0))",
    "area": "MULTIPOLYGON(((0 0,0 4,4 4,4 0,0 0)),((20 0,20 4,24 4,24 0,20 0)))",
    "trajectory": "MULTILINESTRING((-150 0,-140 2),(-130 0,-120 2))",
    "corridor": "MULTILINESTRING((-150 0,-140 2),(-130 0,-120 2))",
}


def at_start(collection: Json) -> str:
    """The first time of a collection."""
    return str(collection["extent"]["temporal"]["interval"][0][0])


def seconds(time: str) -> int:
    """Unix time of an RFC 3339 time."""
    return int(datetime.datetime.fromisoformat(time).timestamp())


def coverages(document: Json) -> list[Json]:
    """The coverages of a document."""
    found: list[Json] = document["coverages"] if document["type"] == "CoverageCollection" else [document]
    return found


def levels(document: Json) -> set[float]:
    """Every level in a document."""
    found: set[float] = set()
    for axes in (coverage["domain"]["axes"] for coverage in coverages(document)):
        if "z" in axes:
            found |= set(axes["z"]["values"])
        for composite in (axis for axis in axes.values() if "z" in axis.get("coordinates", ())):
            found |= {point[composite["coordinates"].index("z")] for point in composite["values"]}
    return found


class TestEveryQuery:
    @pytest.mark.parametrize("query", COMPLETE)
    def test_get_is_answered(self, site: Site, flat: Json, query: str) -> None:
        document = site.ask(flat, query, **COMPLETE[query], datetime=at_start(flat)).json()
        assert document["type"] in ("Coverage", "CoverageCollection")

    @pytest.mark.parametrize(("query", "name"), [(q, name) for q, given in COMPLETE.items() for name in given])
    def test_missing_parameter_is_400(self, site: Site, flat: Json, query: str, name: str) -> None:
        given = {key: value for key, value in COMPLETE[query].items() if key != name}
        assert site.ask(flat, query, **given).status == 400

    @pytest.mark.parametrize(
        ("query", "coords"), [(query, coords) for query, other in OTHER_TYPES.items() for coords in other]
    )
    def test_other_geometry_is_400(self, site: Site, flat: Json, query: str, coords: str) -> None:
        assert site.ask(flat, query, **{**COMPLETE[query], "coords": coords}).status == 400

    @pytest.mark.parametrize("query", MULTI)
    def test_multi_geometry_is_answered(self, site: Site, flat: Json, query: str) -> None:
        given = {**COMPLETE[query], "coords": MULTI[query], "datetime": at_start(flat)}
        assert site.ask(flat, query, **given).status == 200

    @pytest.mark.parametrize("query", ["position", "area", "cube", "radius", "trajectory", "corridor"])
    def test_outside_of_the_extent_is_204(self, site: Site, query: str) -> None:
        collection = next(c for c in site.collections if c["extent"]["spatial"]["bbox"][0][3] < 50)
        far = {
            "position": {"coords": "POINT(100 80)"},
            "radius": {"coords": "POINT(100 80)", "within": "10", "within_units": "km"},
            "area": {"coords": "POLYGON((100 80,101 80,101 81,100 80))"},
            "cube": {"bbox": "100,80,101,81"},
            "trajectory": {"coords": "LINESTRING(100 80,101 81)"},
            "corridor": {"coords": "LINESTRING(100 80,101 81)", "corridor_width": "1", "width_units": "km"},
        }
        answer = site.ask(collection, query, **far[query])
        assert (answer.status, answer.body) == (204, b"")

    def test_too_much_is_413_and_the_limits_are_told(self, site: Site, flat: Json) -> None:
        many = ",".join(["0 0"] * 100_001)
        answer = site.post(f"/collections/{flat['id']}/position", {"coords": f"MULTIPOINT({many})"})
        assert answer.status == 413
        assert b"limits.points" in answer.body

    def test_query_that_is_not_offered_is_404(self, site: Site) -> None:
        collection = next(c for c in site.collections if "instances" not in c["data_queries"])
        assert site.ask(collection, "instances").status == 404


class TestPaths:
    @pytest.mark.parametrize("query", ["trajectory", "corridor"])
    @pytest.mark.parametrize("line", ["LINESTRINGZ", "LINESTRING Z"])
    def test_heights_of_a_path_are_its_levels(self, site: Site, deep: Json, query: str, line: str) -> None:
        coords = f"{line}(0 0 850,10 10 850)"
        extra = WIDE | HIGH if query == "corridor" else {}
        answer = site.ask(deep, query, coords=coords, datetime=at_start(deep), number="0", **extra)
        assert 850 in levels(answer.json())

    def test_times_of_a_path_are_its_times(self, site: Site, deep: Json) -> None:
        t = seconds(at_start(deep))
        answer = site.ask(
            deep, "trajectory", coords=f"LINESTRINGM(0 0 {t},10 10 {t})", number="0", z="850", parameter_name="t"
        )
        (coverage,) = coverages(answer.json())
        (composite,) = [axis for axis in coverage["domain"]["axes"].values() if "t" in axis.get("coordinates", ())]
        assert [point[0] for point in composite["values"]] == [at_start(deep)] * 2

    def test_times_and_heights_of_a_path_go_together(self, site: Site, deep: Json) -> None:
        t = seconds(at_start(deep))
        coords = f"LINESTRINGZM(0 0 850 {t},10 10 500 {t})"
        assert levels(site.ask(deep, "trajectory", coords=coords, number="0").json()) == {850, 500}

    @pytest.mark.parametrize("query", ["trajectory", "corridor"])
    @pytest.mark.parametrize(("line", "name"), [("Z(0 0 850,10 10 850)", "z"), ("ZM(0 0 850 {t},10 10 850 {t})", "z")])
    def test_heights_in_both_places_are_400(self, site: Site, deep: Json, query: str, line: str, name: str) -> None:
        coords = f"LINESTRING{line.format(t=seconds(at_start(deep)))}"
        assert site.ask(deep, query, **{**COMPLETE[query], "coords": coords, name: "850"}).status == 400

    @pytest.mark.parametrize("query", ["trajectory", "corridor"])
    @pytest.mark.parametrize("line", ["M(0 0 {t},10 10 {t})", "ZM(0 0 850 {t},10 10 850 {t})"])
    def test_times_in_both_places_are_400(self, site: Site, deep: Json, query: str, line: str) -> None:
        coords = f"LINESTRING{line.format(t=seconds(at_start(deep)))}"
        given = {**COMPLETE[query], "coords": coords, "datetime": at_start(deep)}
        assert site.ask(deep, query, **given).status == 400

    @pytest.mark.parametrize("alone", HIGH)
    def test_height_of_a_corridor_needs_its_unit(self, site: Site, deep: Json, alone: str) -> None:
        given = {**COMPLETE["corridor"], alone: HIGH[alone]}
        assert site.ask(deep, "corridor", **given).status == 400

    @pytest.mark.parametrize("units", [{"width_units": "furlong"}, {**HIGH, "height_units": "furlong"}])
    def test_unlisted_unit_of_a_corridor_is_400(self, site: Site, deep: Json, units: dict[str, str]) -> None:
        assert site.ask(deep, "corridor", **{**COMPLETE["corridor"], **units}).status == 400

    def test_width_is_the_whole_width(self, site: Site, flat: Json) -> None:
        narrow, wide = (corridor_rows(site, flat, width) for width in ("10", "400"))
        assert narrow == 1
        assert wide in (6, 7)  # rows of 62 km: those with a centre up to 200 km away, on both sides


def corridor_rows(site: Site, collection: Json, width_km: str) -> int:
    """Rows of cells that hold values in a corridor along a meridian's cell row: counted over y."""
    answer = site.ask(
        collection,
        "corridor",
        coords="LINESTRING(-150 0,-140 0)",
        corridor_width=width_km,
        width_units="km",
        datetime=at_start(collection),
    )
    (coverage,) = coverages(answer.json())
    y = coverage["domain"]["axes"]["y"]
    return int(y.get("num", len(y.get("values", ()))))


class TestCube:
    def test_six_numbers_hold_the_levels(self, site: Site, deep: Json) -> None:
        given = {"bbox": "0,0,800,6,6,900", "datetime": at_start(deep), "number": "0"}
        assert levels(site.ask(deep, "cube", **given).json()) == {850}

    def test_z_wins_over_the_levels_of_the_box(self, site: Site, deep: Json) -> None:
        given = {"bbox": "0,0,800,6,6,900", "datetime": at_start(deep), "number": "0", "z": "500"}
        assert levels(site.ask(deep, "cube", **given).json()) == {500}

    def test_without_z_all_levels_come_back(self, site: Site, deep: Json) -> None:
        given = {"bbox": "0,0,6,6", "datetime": at_start(deep), "number": "0"}
        assert sorted(levels(site.ask(deep, "cube", **given).json())) == sorted(
            map(float, deep["extent"]["vertical"]["values"])
        )

    @pytest.mark.parametrize("bbox", ["1,2,3", "a,b,c,d", "0,10,10,0", "0,0,nan,1", "0,-100,10,100"])
    def test_box_that_is_none_is_400(self, site: Site, deep: Json, bbox: str) -> None:
        assert site.ask(deep, "cube", bbox=bbox).status == 400

    def test_box_across_the_antimeridian(self, site: Site, deep: Json) -> None:
        given = {"bbox": "175,0,-175,6", "datetime": at_start(deep), "number": "0", "z": "850"}
        x = coverages(site.ask(deep, "cube", **given).json())[0]["domain"]["axes"]["x"]
        assert x.get("num", len(x.get("values", ()))) in (4, 5)  # cells of 3 degrees


class TestLocations:
    def test_list_is_geojson_with_text_identifiers(self, site: Site, placed: Json) -> None:
        listed = site.ask(placed, "locations").json()
        assert listed["type"] == "FeatureCollection"
        assert all(isinstance(feature["id"], str) for feature in listed["features"])

    def test_a_location_answers_with_data(self, site: Site, placed: Json) -> None:
        first = site.ask(placed, "locations").json()["features"][0]["id"]
        assert site.ask(placed, f"locations/{first}").json()["type"] in ("Coverage", "CoverageCollection")

    def test_several_locations_answer_with_data_of_each(self, site: Site, placed: Json) -> None:
        ids = [feature["id"] for feature in site.ask(placed, "locations").json()["features"]][:2]
        assert len(coverages(site.ask(placed, f"locations/{','.join(ids)}", f="CoverageJSON").json())) == len(ids)

    def test_unknown_location_is_404(self, site: Site, placed: Json) -> None:
        assert site.ask(placed, "locations/nothing").status == 404


class TestItems:
    def test_items_are_edr_geojson(self, site: Site) -> None:
        for collection in site.collections:
            for feature in site.ask(collection, "items").json()["features"]:
                assert {"datetime", "parameter-name", "label", "edrqueryendpoint"} <= feature["properties"].keys()

    def test_limit_bounds_the_items_and_next_goes_on(self, site: Site, placed: Json) -> None:
        page = site.ask(placed, "items", limit="1").json()
        assert len(page["features"]) == page["numberReturned"] == 1
        assert page["numberMatched"] > 1
        (following,) = [link["href"] for link in page["links"] if link["rel"] == "next"]
        assert site.get(following).json()["features"][0]["id"] != page["features"][0]["id"]

    def test_limit_over_the_maximum_is_no_error(self, site: Site, placed: Json) -> None:
        assert site.ask(placed, "items", limit="1000000000").status == 200

    @pytest.mark.parametrize("limit", ["0", "-1", "x"])
    def test_limit_that_is_none_is_400(self, site: Site, placed: Json, limit: str) -> None:
        assert site.ask(placed, "items", limit=limit).status == 400

    def test_box_chooses_items(self, site: Site, placed: Json) -> None:
        every: dict[str, Any] = site.ask(placed, "items").json()
        assert site.ask(placed, "items", bbox="100,80,101,81").json()["features"] == []
        assert site.ask(placed, "items", bbox="-180,-90,180,90").json()["numberMatched"] == every["numberMatched"]

    def test_time_chooses_items(self, site: Site, placed: Json) -> None:
        assert site.ask(placed, "items", datetime="1700-01-01/1700-12-31").json()["features"] == []
        assert site.ask(placed, "items", datetime=at_start(placed)).json()["features"]

    def test_an_item_has_its_own_address(self, site: Site, placed: Json) -> None:
        first = site.ask(placed, "items", limit="1").json()["features"][0]
        assert site.ask(placed, f"items/{first['id']}").json()["id"] == first["id"]
        assert site.ask(placed, "items/nothing").status == 404
