"""What the EDR plugin of QGIS needs of documents and answers, where other clients are content with less."""

from __future__ import annotations

import re

import pytest

from .conftest import Demo, Json

HERE = "POINT(-30 1)"
PATH = "LINESTRING(-30 1,-20 2)"
JULY = "2008-07-01T00:00:00Z/2008-07-31T00:00:00Z"
ALL = ["ostia", "woa", "era5ens", "seasonal", "a1b"]
QUERIES = {
    "position": {"coords": HERE},
    "radius": {"coords": HERE, "within": "100", "within-units": "km"},
    "area": {"coords": "POLYGON((-32 -2,-28 -2,-30 3,-32 -2))"},
    "cube": {"bbox": "-32,-2,-28,3"},
    "trajectory": {"coords": PATH},
    "corridor": {
        "coords": PATH,
        "corridor-width": "100",
        "width-units": "km",
        "corridor-height": "1",
        "height-units": "m",
    },
    "locations/nino3": {},
    "items": {"bbox": "-160,-5,-80,5"},
}
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


@pytest.fixture(params=ALL)
def listed(request: pytest.FixtureRequest, demo: Demo) -> Json:
    """A collection as the list shows it: the plugin asks for nothing more."""
    return next(each for each in demo.listed if each["id"] == request.param)


def variables(collection: Json) -> dict[str, Json]:
    """Query type -> the variables of its link."""
    return {name: query["link"]["variables"] for name, query in collection["data_queries"].items()}


class TestMetadata:
    """The list of collections."""

    def test_descriptions_of_parameters_are_text(self, listed: Json) -> None:
        for parameter in listed["parameter_names"].values():
            assert isinstance(parameter["description"], str)
            assert isinstance(parameter["label"], str)
            assert isinstance(parameter["observedProperty"]["label"]["en"], str)

    def test_labels_of_units_are_objects(self, listed: Json) -> None:
        for parameter in listed["parameter_names"].values():
            assert isinstance(parameter["unit"]["label"], dict)

    def test_levels_and_members_are_text(self, listed: Json) -> None:
        dimensions = [listed["extent"].get("vertical", {}), *listed["extent"].get("custom", [])]
        assert all(isinstance(value, str) for each in dimensions for value in each.get("values", []))

    def test_the_first_interval_has_a_start_and_an_end(self, listed: Json) -> None:
        assert [time[-1] for time in listed["extent"]["temporal"]["interval"][0]] == ["Z", "Z"]

    def test_every_query_names_its_formats(self, listed: Json) -> None:
        for name, each in variables(listed).items():
            if name != "instances":
                assert each["default_output_format"] in each["output_formats"]

    def test_every_crs_comes_with_its_definition(self, listed: Json) -> None:
        for name, each in variables(listed).items():
            if name not in ("instances", "items"):
                assert [detail["crs"] for detail in each["crs_details"]] == listed["crs"]
                assert all("CRS[" in detail["wkt"] for detail in each["crs_details"])

    def test_units_of_a_radius_are_listed(self, listed: Json) -> None:
        assert "km" in variables(listed)["radius"]["within_units"]

    def test_units_of_a_corridor_are_spelt_both_ways(self, listed: Json) -> None:
        corridor = variables(listed)["corridor"]
        assert "km" in corridor["width-units"] == corridor["width_units"]
        assert corridor["height-units"] == corridor["height_units"]

    def test_links_speak_of_instances_only_where_there_are_some(self, listed: Json) -> None:
        links = any("/instances" in link["href"] for link in listed["links"])
        assert links is (listed["id"] == "seasonal") is ("instances" in listed["data_queries"])

    def test_the_default_crs_says_crs84_in_a_url_of_http(self, listed: Json) -> None:
        assert listed["crs"][-1] == CRS84


class TestIds:
    """What becomes a part of a path."""

    PLAIN = re.compile(r"[A-Za-z0-9][\w.-]*")

    @pytest.mark.parametrize("path", ["ostia/locations", "woa/locations", "ostia/items", "woa/items"])
    def test_features_have_plain_ids(self, demo: Demo, path: str) -> None:
        features = demo.json(f"/collections/{path}")["features"]
        assert features
        assert all(self.PLAIN.fullmatch(str(feature["id"])) for feature in features)

    def test_instances_have_plain_ids(self, demo: Demo) -> None:
        instances = demo.json("/collections/seasonal/instances")["instances"]
        assert all(self.PLAIN.fullmatch(each["id"]) for each in instances)

    def test_an_instance_is_described_like_a_collection(self, demo: Demo) -> None:
        parent = next(each for each in demo.listed if each["id"] == "seasonal")
        for each in demo.json("/collections/seasonal/instances")["instances"]:
            assert each.keys() >= {"id", "extent", "data_queries", "crs", "output_formats", "parameter_names"}
            assert each["parameter_names"].keys() == parent["parameter_names"].keys()


class TestQueries:
    """What it asks."""

    @pytest.mark.parametrize("query", QUERIES)
    def test_a_form_by_post_is_the_query_by_get(self, demo: Demo, query: str) -> None:
        parameters = QUERIES[query] | ({} if query == "items" else {"crs": CRS84, "datetime": JULY})
        got = demo.get(f"/collections/ostia/{query}", **parameters)
        posted = demo.post(f"ostia/{query}", parameters)
        assert got.status_code == posted.status_code == 200
        assert posted.content == got.content

    @pytest.mark.parametrize("query", ["position", "cube", "area"])
    def test_levels_from_the_last_to_the_first_are_those_between(self, demo: Demo, query: str) -> None:
        forth, back = (
            demo.query(f"woa/{query}", z=z, datetime="0000-01-16T06:00:00Z", **QUERIES[query])
            for z in ("100/500", "500/100")
        )
        assert forth == back

    def test_one_level_may_be_an_interval(self, demo: Demo) -> None:
        once = demo.query("era5ens/cube", z="850/850", number="0", parameter_name="z", **QUERIES["cube"])
        assert once["domain"]["axes"]["z"]["values"] == [850.0]

    @pytest.mark.parametrize(("number", "count"), [("0/4", 5), ("0,2", 2)])
    def test_members_are_asked_by_the_id_of_their_dimension(self, demo: Demo, number: str, count: int) -> None:
        (dimension,) = next(each for each in demo.listed if each["id"] == "era5ens")["extent"]["custom"]
        got = demo.query("era5ens/position", coords=HERE, z="850", **{dimension["id"]: number})
        assert len(got["coverages"]) == count


def systems(document: Json) -> list[Json]:
    """The horizontal reference systems of a document."""
    domains = [document, *document.get("coverages", []), document.get("domain", {})]
    references = [each for domain in domains for each in domain.get("referencing", [])]
    return [each["system"] for each in references if "x" in each["coordinates"]]


class TestAnswers:
    """What it reads."""

    @pytest.mark.parametrize("query", [each for each in QUERIES if each != "items"])
    def test_labels_of_units_are_objects(self, demo: Demo, query: str) -> None:
        document = demo.query(f"ostia/{query}", datetime=JULY, **QUERIES[query])
        assert [each["unit"]["label"] for each in document["parameters"].values()] == [{"en": "K"}]

    def test_the_reference_system_is_known_by_its_url(self, demo: Demo) -> None:
        (system,) = systems(demo.query("ostia/cube", datetime=JULY, **QUERIES["cube"]))
        assert system["id"] == CRS84

    def test_a_projected_answer_defines_its_system(self, demo: Demo) -> None:
        mercator = "http://www.opengis.net/def/crs/EPSG/0/3857"
        box = "-3339584,111325,-3116945,334111"
        (system,) = systems(demo.query("ostia/cube", bbox=box, crs=mercator, datetime=JULY))
        assert system["id"] == mercator
        assert system["wkt"].startswith("PROJCRS[")

    def test_a_collection_has_its_references_and_parameters_on_top(self, demo: Demo) -> None:
        document = demo.query("era5ens/cube", datetime="2017-01-01T00:00:00Z", z="850", **QUERIES["cube"])
        assert document["type"] == "CoverageCollection"
        assert {"referencing", "parameters"} <= document.keys()

    def test_a_point_is_a_range_without_shape(self, demo: Demo) -> None:
        document = demo.query("ostia/position", coords=HERE, datetime=JULY)
        assert document["domain"]["domainType"] == "Point"
        assert document["ranges"]["surface_temperature"].keys().isdisjoint({"shape", "axisNames"})

    def test_tuples_of_points_without_levels_are_x_and_y(self, demo: Demo) -> None:
        document = demo.query("ostia/position", coords="MULTIPOINT((-30 1),(-20 2))", datetime=JULY)
        assert document["domain"]["domainType"] == "MultiPoint"
        assert document["domain"]["axes"]["composite"]["coordinates"] == ["x", "y"]

    def test_a_grid_has_two_columns_and_rows_where_the_box_has(self, demo: Demo) -> None:
        axes = demo.query("ostia/cube", datetime=JULY, **QUERIES["cube"])["domain"]["axes"]
        assert len(axes["x"]["values"]) >= 2
        assert len(axes["y"]["values"]) >= 2

    @pytest.mark.parametrize("path", ["ostia", "woa", "a1b"])
    def test_ranges_of_a_grid_run_t_z_y_x(self, demo: Demo, path: str) -> None:
        box = "-100,30,-90,40" if path == "a1b" else QUERIES["cube"]["bbox"]
        document = demo.query(f"{path}/cube", bbox=box)
        expected = [name for name in "tzyx" if name in document["domain"]["axes"]]
        assert [each["axisNames"] for each in document["ranges"].values()] == [expected]
