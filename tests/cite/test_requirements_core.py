"""Requirements of the classes core, collections and instances; docs/conformance.md names each test by its requirement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyproj
import pytest

if TYPE_CHECKING:
    from tests.cite.conftest import Json, Site

QUERIES = ("position", "radius", "area", "cube", "trajectory", "corridor", "items")
SHARED = ("id", "title", "description", "extent")


def links(document: Json, rel: str) -> list[Json]:
    return [link for link in document["links"] if link["rel"] == rel]


def check_links(document: Json) -> None:
    """Links are complete, and lead to the document itself and to its HTML."""
    assert all(link["href"].startswith("http") and link["rel"] and link["type"] for link in document["links"])
    assert links(document, "self")
    assert "text/html" in {link["type"] for link in links(document, "alternate")}


def check_collection(collection: Json) -> None:
    """A description has what every collection and instance must have."""
    check_links(collection)
    required = {"id", "title", "description", "keywords", "links", "extent", "data_queries", "crs", "output_formats"}
    assert required | {"parameter_names"} <= collection.keys()
    assert collection["output_formats"]
    assert all(isinstance(crs, str) for crs in collection["crs"])


class TestCore:
    def test_landing_page_links_to_everything(self, site: Site) -> None:
        check_links(site.landing)
        wanted = ("service-desc", "service-doc", "conformance", "data")
        assert all(links(site.landing, rel) for rel in wanted)

    def test_every_link_of_the_landing_page_is_answered_in_its_type(self, site: Site) -> None:
        for link in site.landing["links"]:
            if link["href"].startswith(site.url) and link["rel"] not in ("license", "terms-of-service"):
                answer = site.get(link["href"], link["type"])
                assert (answer.status, answer.headers["content-type"].split(";")[0]) == (
                    200,
                    link["type"].split(";")[0],
                )

    def test_api_definitions_are_what_their_links_say(self, site: Site) -> None:
        versions = {}
        for link in links(site.landing, "service-desc"):
            answer = site.get(link["href"], link["type"])
            assert answer.headers["content-type"].replace(" ", "") == link["type"]
            versions[link["type"].partition("version=")[2]] = answer.json()["openapi"][:3]
        assert versions == {"3.0": "3.0", "3.1": "3.1"}

    @pytest.mark.parametrize(
        "edr", ["http://www.opengis.net/spec/ogcapi-edr-1/1.1", "https://www.opengis.net/spec/ogcapi-edr-1/1.2"]
    )
    def test_core_classes_are_declared(self, site: Site, edr: str) -> None:
        common = "http://www.opengis.net/spec/ogcapi-common"
        wanted = {f"{common}-1/1.0/conf/core", f"{common}-2/1.0/conf/collections", f"{edr}/conf/core"}
        assert wanted <= set(site.conforms_to)

    def test_coordinates_are_crs84_unless_asked_otherwise(self, site: Site, flat: Json) -> None:
        assert flat["extent"]["spatial"]["crs"].endswith("CRS84")
        answer = site.ask(
            flat, "position", coords="POINT(-150 2)", datetime=flat["extent"]["temporal"]["interval"][0][0]
        )
        axes = answer.json()["domain"]["axes"]
        assert abs((axes["x"]["values"][0] + 150 + 180) % 360 - 180) < 2
        assert abs(axes["y"]["values"][0] - 2) < 2


class TestCollections:
    def test_list_of_collections_is_linked(self, site: Site) -> None:
        check_links(site.get("/collections").json())

    def test_each_collection_is_as_it_is_listed(self, site: Site) -> None:
        pairs = zip(site.listed, site.collections, strict=True)
        assert all(listed[key] == single[key] for listed, single in pairs for key in SHARED)

    @pytest.mark.parametrize("path", ["/collections/nothing", "/collections/nothing/position?coords=POINT(0+0)"])
    def test_unknown_collection_is_404(self, site: Site, path: str) -> None:
        assert site.get(path).status == 404

    def test_each_collection_has_what_it_must_have(self, site: Site) -> None:
        for collection in site.collections:
            check_collection(collection)
        assert len({collection["id"] for collection in site.collections}) == len(site.collections)

    def test_each_collection_links_to_its_data(self, site: Site) -> None:
        assert all(links(collection, "data") for collection in site.collections)

    def test_every_query_type_is_offered(self, site: Site) -> None:
        for collection in site.collections:
            assert set(QUERIES) <= collection["data_queries"].keys(), collection["id"]
        for query in ("locations", "instances"):
            site.offering(query)

    def test_crs_details_can_be_read(self, site: Site) -> None:
        for collection in site.collections:
            details = collection["data_queries"]["position"]["link"]["variables"]["crs_details"]
            assert [each["crs"] for each in details] == collection["crs"]
            assert all(pyproj.CRS.from_wkt(each["wkt"]) for each in details)

    def test_parameters_are_described(self, site: Site) -> None:
        for parameter in (p for c in site.collections for p in c["parameter_names"].values()):
            assert parameter["type"] == "Parameter"
            assert parameter["observedProperty"]["label"]
            assert {"label", "symbol"} & parameter["unit"].keys()

    def test_every_query_link_is_complete(self, site: Site) -> None:
        for collection in site.collections:
            for query, entry in collection["data_queries"].items():
                link = entry["link"]
                assert link["href"].endswith(f"/collections/{collection['id']}/{query}")
                assert link["rel"]
                assert link["variables"]["query_type"] == query

    def test_formats_of_queries_hold_the_default(self, site: Site) -> None:
        for variables in (site.collections[0]["data_queries"][query]["link"]["variables"] for query in QUERIES):
            assert variables["default_output_format"] in variables["output_formats"]

    @pytest.mark.parametrize(
        ("query", "units"),
        [
            ("radius", "within_units"),
            ("cube", "height_units"),
            ("corridor", "width_units"),
            ("corridor", "height_units"),
        ],
    )
    def test_units_of_queries_are_listed(self, site: Site, query: str, units: str) -> None:
        for collection in site.collections:
            listed = collection["data_queries"][query]["link"]["variables"][units]
            assert listed
            assert all(isinstance(unit, str) for unit in listed)

    def test_several_locations_may_be_asked_for(self, placed: Json) -> None:
        assert placed["data_queries"]["locations"]["link"]["variables"]["multiple_locations"] is True


class TestExtent:
    def test_box_is_of_four_numbers(self, site: Site) -> None:
        for collection in site.collections:
            (box,) = collection["extent"]["spatial"]["bbox"]
            assert -180 <= box[0] < box[2] <= 180
            assert -90 <= box[1] < box[3] <= 90

    def test_times_are_in_utc_and_within_the_interval(self, site: Site) -> None:
        for temporal in (collection["extent"]["temporal"] for collection in site.collections):
            (interval,) = temporal["interval"]
            assert all(time.endswith("Z") for time in interval)
            assert temporal["trs"]
            assert temporal["values"]

    def test_levels_are_text_and_have_a_reference(self, deep: Json) -> None:
        vertical = deep["extent"]["vertical"]
        assert all(isinstance(level, str) for interval in vertical["interval"] for level in interval)
        assert all(isinstance(level, str) for level in vertical["values"])
        assert vertical["vrs"]

    def test_further_dimensions_are_described(self, deep: Json) -> None:
        for custom in deep["extent"]["custom"]:
            assert {"id", "interval", "values", "reference"} <= custom.keys()


class TestInstances:
    def test_list_of_instances_is_linked(self, site: Site, runs: Json) -> None:
        listed = site.ask(runs, "instances").json()
        check_links(listed)
        assert len({run["id"] for run in listed["instances"]}) == len(listed["instances"]) > 1

    def test_each_instance_is_described_as_a_collection(self, site: Site, runs: Json) -> None:
        for listed in site.ask(runs, "instances").json()["instances"]:
            check_collection(listed)
            single = site.ask(runs, f"instances/{listed['id']}").json()
            assert all(single[key] == listed[key] for key in SHARED)

    def test_instances_have_times_of_their_own(self, site: Site, runs: Json) -> None:
        listed = site.ask(runs, "instances").json()["instances"]
        assert len({run["extent"]["temporal"]["interval"][0][0] for run in listed}) == len(listed)

    def test_an_instance_answers_queries(self, site: Site, runs: Json) -> None:
        run = site.ask(runs, "instances").json()["instances"][0]
        answer = site.ask(runs, f"instances/{run['id']}/position", coords="POINT(15 42)", number="0")
        assert answer.json()["domain"]["axes"]["t"]["values"][0] >= run["extent"]["temporal"]["interval"][0][0]

    @pytest.mark.parametrize("path", ["instances/nothing", "instances/nothing/position"])
    def test_unknown_instance_is_404(self, site: Site, runs: Json, path: str) -> None:
        assert site.ask(runs, path, coords="POINT(15 42)").status == 404
