"""What each query type requires, takes and refuses, over HTTP (OGC 19-086r6; draft 1.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

WHEN = "0000-01"
QUERIES: dict[str, dict[str, str]] = {
    "position": {"coords": "POINT(-30 0)"},
    "radius": {"coords": "POINT(-30 0)", "within": "300", "within-units": "km"},
    "area": {"coords": "POLYGON((-31 -1,-29 -1,-29 1,-31 1,-31 -1))"},
    "cube": {"bbox": "-31,-1,-29,1"},
    "trajectory": {"coords": "LINESTRING(-30 0,-28 3,-20 10)"},
    "corridor": {"coords": "LINESTRING(-30 0,-28 3)", "corridor-width": "300", "width-units": "km"},
}


def ask(client: FlaskClient, query: str, **changes: str | None) -> TestResponse:
    parameters = {**QUERIES[query], "z": "100", "datetime": WHEN}
    for name, value in changes.items():
        parameters.pop(name.replace("_", "-"), None)
        if value is not None:
            parameters[name.replace("_", "-")] = value
    return client.get(f"/collections/woa/{query}", query_string=parameters)


def document(response: TestResponse) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    found: dict[str, Any] = orjson.loads(response.data)
    return found


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_answers_with_values(client: FlaskClient, query: str) -> None:
    values = document(ask(client, query))["ranges"]["TEMP"]["values"]
    assert any(value is not None for value in values)


@pytest.mark.parametrize(("query", "name"), [(query, name) for query, given in QUERIES.items() for name in given])
def test_a_missing_parameter_is_400_and_named(client: FlaskClient, query: str, name: str) -> None:
    response = ask(client, query, **{name: None})
    assert response.status_code == 400
    assert f"parameter {name} is missing" in response.get_json()["description"]


@pytest.mark.parametrize("query", QUERIES)
def test_a_post_with_a_form_says_the_same(client: FlaskClient, query: str) -> None:
    form = {**QUERIES[query], "z": "100", "datetime": WHEN}
    assert client.post(f"/collections/woa/{query}", data=form).data == ask(client, query).data


@pytest.mark.parametrize("query", QUERIES)
def test_a_post_with_a_json_object_says_the_same(client: FlaskClient, query: str) -> None:
    body = {**QUERIES[query], "z": "100", "datetime": WHEN, "parameter-name": ["TEMP"]}
    assert client.post(f"/collections/woa/{query}", json=body).data == ask(client, query).data


WRONG: dict[str, tuple[str, dict[str, str]]] = {
    "line for a position": ("position", {"coords": "LINESTRING(0 0,1 1)"}),
    "point for an area": ("area", {"coords": "POINT(0 0)"}),
    "open ring": ("area", {"coords": "POLYGON((0 0,1 0,1 1,0 1))"}),
    "polygon with M": ("area", {"coords": "POLYGON M((0 0 1,1 0 1,1 1 1,0 0 1))"}),
    "point for a line": ("trajectory", {"coords": "POINT(0 0)"}),
    "line of one point": ("trajectory", {"coords": "LINESTRING(0 0)"}),
    "negative radius": ("radius", {"within": "-1"}),
    "no radius": ("radius", {"within": "0"}),
    "radius in words": ("radius", {"within": "far"}),
    "unit that is none": ("radius", {"within-units": "parsec"}),
    "radius beyond the Earth": ("radius", {"within": "99999"}),
    "width unit": ("corridor", {"width-units": "K"}),
    "height without unit": ("corridor", {"corridor-height": "10"}),
    "height unit without height": ("corridor", {"height-units": "m"}),
    "height in hectopascal of depths": ("corridor", {"corridor-height": "10", "height-units": "hPa"}),
    "box of three": ("cube", {"bbox": "1,2,3"}),
    "box upside down": ("cube", {"bbox": "0,10,1,0"}),
    "box in words": ("cube", {"bbox": "a,b,c,d"}),
    "resolution below nothing": ("cube", {"resolution-x": "-1"}),
    "resolution in parts": ("cube", {"resolution-y": "1.5"}),
    "resolution beyond bounds": ("cube", {"resolution-z": "99999"}),
    "coords for a cube": ("cube", {"coords": "POINT(0 0)"}),
    "bbox for a position": ("position", {"bbox": "0,0,1,1"}),
    "Z twice": ("trajectory", {"coords": "LINESTRING Z(-30 0 10,-28 3 50)"}),
    "M that goes back": ("trajectory", {"coords": "LINESTRING M(-30 0 200,-28 3 100)"}),
    "M twice": ("trajectory", {"coords": "LINESTRING M(-30 0 1,-28 3 2)"}),
}


@pytest.mark.parametrize(("query", "changes"), WRONG.values(), ids=WRONG)
def test_what_a_query_does_not_take_is_400(client: FlaskClient, query: str, changes: dict[str, str]) -> None:
    assert ask(client, query, **changes).status_code == 400


def test_z_beyond_the_levels_is_400_on_a_trajectory(client: FlaskClient) -> None:
    response = ask(client, "trajectory", coords="LINESTRING Z(-30 0 10,-28 3 5000)", z=None)
    assert response.status_code == 400
    assert "vertex 2" in response.get_json()["description"]


def test_m_beyond_the_times_is_400_on_a_trajectory(client: FlaskClient) -> None:
    response = client.get("/collections/ostia/trajectory?coords=LINESTRING M(-30 0 0,-28 3 1)")
    assert response.status_code == 400


@pytest.mark.parametrize(
    ("query", "changes"),
    [
        ("area", {"coords": "POLYGON((200 89,201 89,201 90,200 89))"}),
        ("cube", {"z": "5000"}),
        ("cube", {"datetime": "1999"}),
        ("trajectory", {"datetime": "1999"}),
    ],
)
def test_nothing_there_is_204(client: FlaskClient, query: str, changes: dict[str, str]) -> None:
    where = "/collections/ostia" if query == "area" else "/collections/woa"
    parameters = {**QUERIES[query], "datetime": WHEN if query != "area" else "2008-07", **changes}
    assert client.get(f"{where}/{query}", query_string=parameters).status_code == 204


def test_a_box_across_the_antimeridian_goes_on_beyond_it(client: FlaskClient) -> None:
    axes = document(ask(client, "cube", bbox="177,-1,-177,1"))["domain"]["axes"]
    assert axes["x"]["values"] == [176.5, 178.5, 180.5, 182.5]


def test_a_box_of_six_numbers_has_its_levels(client: FlaskClient) -> None:
    axes = document(ask(client, "cube", bbox="-31,-1,50,-29,1,100", z=None))["domain"]["axes"]
    assert axes["z"]["values"] == [50.0, 75.0, 100.0]


def test_z_overrides_the_levels_of_a_box(client: FlaskClient) -> None:
    axes = document(ask(client, "cube", bbox="-31,-1,50,-29,1,100", z="10"))["domain"]["axes"]
    assert axes["z"]["values"] == [10.0]


def test_a_cube_of_one_cell_is_a_grid(client: FlaskClient) -> None:
    domain = document(ask(client, "cube", bbox="-30,0.5,-30,0.5"))["domain"]
    assert (domain["domainType"], domain["axes"]["x"]["values"]) == ("Grid", [330.5])


def test_resolution_is_the_number_of_positions(client: FlaskClient) -> None:
    axes = document(ask(client, "cube", bbox="-60,-40,0,40", **{"resolution-x": "3", "resolution-y": "5"}))["domain"][
        "axes"
    ]
    assert (len(axes["x"]["values"]), len(axes["y"]["values"])) == (3, 5)


def test_a_corridor_has_the_levels_within_half_its_height(client: FlaskClient) -> None:
    changes = {"coords": "LINESTRING Z(-30 0 100,-28 3 100)", "corridor-height": "100", "height-units": "m"}
    axes = document(ask(client, "corridor", z=None, **changes))["domain"]["axes"]
    assert axes["z"]["values"] == [50.0, 75.0, 100.0, 125.0, 150.0]


def test_a_line_through_all_levels_is_a_section(client: FlaskClient) -> None:
    assert document(ask(client, "trajectory", z=None))["domain"]["domainType"] == "Section"


def test_several_lines_are_several_coverages(client: FlaskClient) -> None:
    found = document(ask(client, "trajectory", coords="MULTILINESTRING((-30 0,-28 3),(-20 0,-18 3))"))
    assert [c["domain"]["domainType"] for c in found["coverages"]] == ["Trajectory", "Trajectory"]


@pytest.mark.parametrize(
    ("crs", "coords"),
    [
        ("EPSG:4326", "POINT(0.5 -29.5)"),
        ("http://www.opengis.net/def/crs/EPSG/0/3857", "POINT(-3283924.98 55660.45)"),
        ("CRS84", "POINT(-29.5 0.5)"),
        ("https://www.opengis.net/def/crs/OGC/1.3/CRS84", "POINT(-29.5 0.5)"),
    ],
)
def test_coords_in_any_crs_offered_find_the_same_values(client: FlaskClient, crs: str, coords: str) -> None:
    found = document(ask(client, "position", crs=crs, coords=coords))
    assert found["ranges"] == document(ask(client, "position", coords="POINT(-29.5 0.5)"))["ranges"]


def test_an_answer_in_mercator_is_in_metres_and_says_so(client: FlaskClient) -> None:
    domain = document(ask(client, "position", crs="EPSG:3857", coords="POINT(1113194.9 5621521.5)"))["domain"]
    system = domain["referencing"][0]["system"]
    assert (system["type"], system["id"]) == ("ProjectedCRS", "http://www.opengis.net/def/crs/EPSG/0/3857")
    assert domain["axes"]["y"]["values"][0] > 5_000_000


def test_an_instance_answers_with_its_own_run(client: FlaskClient) -> None:
    query = {"coords": "POINT(12 44)", "number": "0"}
    times = [
        document(client.get(f"/collections/seasonal{run}/position", query_string=query))["domain"]["axes"]["t"][
            "values"
        ][0]
        for run in ("", "/instances/20151209T0000Z")
    ]
    assert times == ["2016-03-01T00:00:00Z", "2016-01-07T00:00:00Z"]


def test_a_trajectory_of_a_thousand_vertices_reads_each_chunk_once(client: FlaskClient) -> None:
    vertices = ",".join(f"{-30 + n * 0.01:.2f} {n * 0.02:.2f}" for n in range(1000))
    response = client.post(
        "/collections/woa/trajectory", data={"coords": f"LINESTRING({vertices})", "z": "100", "datetime": WHEN}
    )
    touched = {(round((-30 + n * 0.01) % 360 - 21) // 90, round(n * 0.02 + 89) // 60) for n in range(1000)}
    timing = dict(part.strip().split(";desc=") for part in response.headers["Server-Timing"].split(","))
    assert int(timing["chunks"].strip('"')) == len(touched)


def corridor(client: FlaskClient, coords: str, **changes: str) -> TestResponse:
    given = {
        "coords": coords,
        "corridor-width": "300",
        "width-units": "km",
        **{k.replace("_", "-"): v for k, v in changes.items()},
    }
    return client.get("/collections/woa/corridor", query_string={"datetime": WHEN, **given})


def test_a_corridor_goes_up_and_down_with_its_path(client: FlaskClient) -> None:
    found = document(corridor(client, "LINESTRING Z(-30 0 0,-20 10 1000)", corridor_height="20", height_units="m"))
    x, y, z = (found["domain"]["axes"][name]["values"] for name in "xyz")
    values = np.array(found["ranges"]["TEMP"]["values"], "f8").reshape(len(z), len(y), len(x))
    at = {
        name: [axis.index(v) for v in wanted]
        for name, axis, wanted in (("x", x, (330.5, 340.5)), ("y", y, (0.5, 10.5)))
    }
    start, end = values[:, at["y"][0], at["x"][0]], values[:, at["y"][1], at["x"][1]]
    levels = [{level for level, value in zip(z, column, strict=True) if np.isfinite(value)} for column in (start, end)]
    assert {0.0, 10.0} <= levels[0]
    assert {1000.0} <= levels[1]
    assert max(levels[0]) < 200
    assert min(levels[1]) > 800


def test_a_corridor_takes_the_times_of_its_path(client: FlaskClient) -> None:
    query = {"coords": "LINESTRING M(-30 0 1213617600,-28 3 1218888000)", "corridor-width": "100", "width-units": "km"}
    found = document(client.get("/collections/ostia/corridor", query_string=query))
    assert found["domain"]["axes"]["t"]["values"] == [
        "2008-06-16T00:00:00Z",
        "2008-07-16T12:00:00Z",
        "2008-08-16T12:00:00Z",
    ]


@pytest.mark.parametrize("coords", ["LINESTRING Z(-30 0 50,-20 10 5000)", "LINESTRING M(-30 0 1,-20 10 2)"])
def test_a_corridor_out_of_the_extent_is_400(client: FlaskClient, coords: str) -> None:
    assert corridor(client, coords).status_code == 400


def test_no_level_within_half_the_height_is_204(client: FlaskClient) -> None:
    response = corridor(client, "LINESTRING Z(-30 0 44,-20 10 44)", corridor_height="4", height_units="m")
    assert response.status_code == 204


def test_geojson_can_be_paged(client: FlaskClient) -> None:
    query = {"bbox": "-31,-2,-29,2", "datetime": "2008-07", "f": "GeoJSON", "limit": "4"}
    first = client.get("/collections/ostia/cube", query_string=query).get_json(force=True)
    (following,) = first["links"]
    ids = [feature["id"] for feature in first["features"]]
    while following is not None:
        page = client.get(following["href"].removeprefix("http://localhost:5000")).get_json(force=True)
        ids += [feature["id"] for feature in page["features"]]
        following = next(iter(page.get("links", ())), None)
    whole = client.get("/collections/ostia/cube", query_string={k: v for k, v in query.items() if k != "limit"})
    assert ids == [feature["id"] for feature in whole.get_json(force=True)["features"]]
    assert first["numberMatched"] == len(ids)


@pytest.mark.parametrize("limit", ["0", "-1", "a", "1.5"])
def test_a_limit_that_is_none_is_400(client: FlaskClient, limit: str) -> None:
    assert ask(client, "cube", limit=limit).status_code == 400


HOSTILE: dict[str, tuple[str, dict[str, str]]] = {
    "rings that cross": (
        "area",
        {
            "coords": "POLYGON(("
            + ",".join(f"{(i * 37) % 60 - 30} {(i * 53) % 80 - 40}" for i in range(151))
            + ",-30 -40))"
        },
    ),
    "polygon around the Earth ten times": ("area", {"coords": "POLYGON((-3600 -1,3600 -1,3600 1,-3600 -1))"}),
    "3000 wide circles": (
        "radius",
        {
            "coords": "MULTIPOINT(" + ",".join(f"{i % 360 - 180} {i % 160 - 80}" for i in range(3000)) + ")",
            "within": "9999",
        },
    ),
    "lines and times without end": (
        "trajectory",
        {"coords": "MULTILINESTRING(" + ",".join(["(-30 0,-29 1)"] * 20_000) + ")", "datetime": "0000"},
    ),
}


@pytest.mark.parametrize(("query", "changes"), HOSTILE.values(), ids=HOSTILE)
def test_what_would_take_too_much_is_refused(client: FlaskClient, query: str, changes: dict[str, str]) -> None:
    response = client.post(
        f"/collections/woa/{query}", data={**QUERIES[query], "z": "100", "datetime": WHEN, **changes}
    )
    assert response.status_code in (400, 413)


def test_a_browser_may_ask_before_it_posts_to_items(client: FlaskClient) -> None:
    assert client.options("/collections/woa/items").status_code == 200


def test_an_extent_with_poles_can_be_listed_in_mercator(client: FlaskClient) -> None:
    response = client.get("/collections/era5ens/items?crs=EPSG:3857")
    assert response.status_code == 200
