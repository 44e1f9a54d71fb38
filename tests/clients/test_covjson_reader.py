"""covjson-reader, which draws for leaflet-coverage, understands every domain type as it is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import xarray as xr

from .conftest import Demo, Json, Node

SCRIPT = str(Path(__file__).with_name("covjson_read.cjs"))
DOMAIN_TYPES = "https://covjson.org/def/domainTypes#"
HERE, THERE = "POINT(-30 1)", "MULTIPOINT((-30 1),(-20 2),(40 -3))"
PATH = "LINESTRING(-30 1,-20 2,-10 -3)"
QUERIES = {
    "Point": ("ostia/position", {"coords": HERE, "datetime": "2008-07"}),
    "PointSeries": ("ostia/position", {"coords": HERE, "datetime": "2008"}),
    "VerticalProfile": ("woa/position", {"coords": HERE, "datetime": "0000-01"}),
    "MultiPoint": ("ostia/position", {"coords": THERE, "datetime": "2008-07"}),
    "MultiPointSeries": ("ostia/position", {"coords": THERE, "datetime": "2008"}),
    "Grid": ("ostia/cube", {"bbox": "-32,-1,-28,3", "datetime": "2008"}),
    "Grid of levels": ("woa/cube", {"bbox": "-32,-1,-28,3", "datetime": "0000-01/0000-03", "z": "0/50"}),
    "Grid of one cell": ("woa/position", {"coords": HERE, "datetime": "0000-01/0000-03"}),
    "Grid of an area": (
        "ostia/area",
        {"coords": "POLYGON((-32 -2,-28 -2,-30 3,-32 -2))", "datetime": "2008-07"},
    ),
    "Grid in a radius": (
        "ostia/radius",
        {"coords": HERE, "within": "200", "within_units": "km", "datetime": "2008-07"},
    ),
    "Grid of a corridor": (
        "ostia/corridor",
        {
            "coords": PATH,
            "corridor_width": "200",
            "width_units": "km",
            "corridor_height": "1",
            "height_units": "m",
            "datetime": "2008-07",
        },
    ),
    "Trajectory": ("ostia/trajectory", {"coords": PATH, "datetime": "2008-07"}),
    "Section": ("woa/trajectory", {"coords": PATH, "datetime": "0000-01"}),
    "CoverageCollection": ("ostia/trajectory", {"coords": PATH, "datetime": "2008"}),
    "CoverageCollection of members": ("era5ens/position", {"coords": HERE, "number": "0/3"}),
    "CoverageCollection of points": ("woa/position", {"coords": THERE, "datetime": "0000-01"}),
}


def understood(node: Node, document: Json) -> list[Json]:
    """What the reader says of a document."""
    coverages: list[Json] = json.loads(node(SCRIPT, text=json.dumps(document)))
    return coverages


def coverages_of(document: Json) -> list[Json]:
    """The coverages of a document; each with its domain type."""
    inherited = {name: document[name] for name in ("parameters",) if name in document}
    coverages = document.get("coverages", [document])
    return [{**inherited, **coverage} for coverage in coverages]


def written_axis(axis: Json) -> list[Any]:
    """Values of an axis."""
    if "values" in axis:
        values: list[Any] = axis["values"]
        return values
    return list(np.linspace(axis["start"], axis["stop"], axis["num"]))


@pytest.fixture(scope="module", params=QUERIES)
def pair(request: pytest.FixtureRequest, demo: Demo, node: Node) -> list[tuple[Json, Json]]:
    """For each coverage of an answer: what is written and what is understood."""
    path, parameters = QUERIES[request.param]
    document = demo.query(path, **parameters)
    kind = request.param.split()[0]
    assert kind in (document["type"], document.get("domain", {}).get("domainType"))
    return list(zip(coverages_of(document), understood(node, document), strict=True))


def test_the_domain_type_is_understood(pair: list[tuple[Json, Json]]) -> None:
    for written, read in pair:
        assert read["domainType"] == DOMAIN_TYPES + written["domain"]["domainType"]


def test_axes_are_as_written(pair: list[tuple[Json, Json]]) -> None:
    for written, read in pair:
        axes = {name: written_axis(axis) for name, axis in written["domain"]["axes"].items()}
        assert {name: axis["values"] for name, axis in read["axes"].items()} == axes


def test_coordinates_of_tuples_are_as_written(pair: list[tuple[Json, Json]]) -> None:
    for written, read in pair:
        for name, axis in written["domain"]["axes"].items():
            assert read["axes"][name]["coordinates"] == axis.get("coordinates", [name])


def test_values_are_as_written(pair: list[tuple[Json, Json]]) -> None:
    for written, read in pair:
        assert {key: each["values"] for key, each in read["ranges"].items()} == {
            key: each["values"] for key, each in written["ranges"].items()
        }


def test_values_lie_along_the_axes_that_are_written(pair: list[tuple[Json, Json]]) -> None:
    for written, read in pair:
        for key, each in written["ranges"].items():
            shape = dict(read["ranges"][key]["shape"])
            assert {name: size for name, size in shape.items() if name in each.get("axisNames", ())} == dict(
                zip(each.get("axisNames", ()), each.get("shape", ()), strict=True)
            )


def test_parameters_have_their_label_and_unit(pair: list[tuple[Json, Json]]) -> None:
    for written, read in pair:
        assert {key: (each["label"], each["unit"]) for key, each in read["parameters"].items()} == {
            key: (each["observedProperty"]["label"]["en"], each["unit"]["symbol"]["value"])
            for key, each in written["parameters"].items()
        }


def test_a_cube_holds_the_numbers_of_the_array(demo: Demo, node: Node, ostia: xr.Dataset) -> None:
    document = demo.query("ostia/cube", bbox="330,-1,331,3", datetime="2008-07")
    (read,) = understood(node, document)
    y, x = (read["axes"][name]["values"] for name in "yx")
    expected = ostia.surface_temperature.sel(time="2008-07").sel(latitude=y, longitude=x, method="nearest")
    values = np.array(read["ranges"]["surface_temperature"]["values"], dtype="f4")
    np.testing.assert_array_equal(values, expected.to_numpy().ravel())


def test_the_headers_of_a_script_are_answered_across_origins(demo: Demo) -> None:
    accept = "application/prs.coverage+json, application/ld+json;q=0.1, application/json;q=0.1"
    url = f"{demo.url}/collections/ostia/position"
    parameters = {"coords": HERE, "datetime": "2008-07"}
    origin = "http://elsewhere.example"
    answer = requests.get(url, parameters, headers={"Accept": accept, "Origin": origin}, timeout=60)
    assert answer.headers["Content-Type"] == "application/prs.coverage+json"
    assert answer.headers["Access-Control-Allow-Origin"] in ("*", origin)


@pytest.mark.parametrize("query", ["position", "radius"])
def test_places_that_are_called_something_are_understood(demo: Demo, node: Node, query: str) -> None:
    buoys = [
        {
            "type": "Feature",
            "id": id_,
            "properties": {"name": id_},
            "geometry": {"type": "Point", "coordinates": [x, 1]},
        }
        for id_, x in (("B1", -30), ("B2", -20))
    ]
    body: Json = {"type": "FeatureCollection", "features": buoys, "datetime": "2008-07"}
    body |= {"within": 100, "within-units": "km"} if query == "radius" else {}
    document = requests.post(f"{demo.url}/collections/ostia/{query}", json=body, timeout=60).json()
    assert {"zarr-edr:places", "zarr-edr:place"} & {*document, *document.get("coverages", [{}])[0]}
    assert len(understood(node, document)) == (2 if query == "radius" else 1)
