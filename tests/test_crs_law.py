"""The same question in another CRS has the same values, at the same places, and says in which CRS these are.

pyproj is the judge of where a place is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyproj
import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from zarr_edr.crs import CRS84, OFFERED, QueryCrs, crs_named
from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.engine import answer
from zarr_edr.errors import InvalidCrs
from zarr_edr.query.request import build_query
from zarr_edr.testing.agreement import collection_on, profile
from zarr_edr.testing.covjson import Document, Row, check, coverages, decode, load
from zarr_edr.testing.stores import AxisSpec, StoreSpec, VariableSpec, in_memory


def store(latitudes: tuple[float, ...]) -> StoreSpec:
    """The whole circle of longitudes in steps of 20 degrees."""
    lon = AxisSpec(tuple(-170.0 + 20 * k for k in range(18)), "float64", {"units": "degrees_east"})
    lat = AxisSpec(latitudes, "float64", {"units": "degrees_north"})
    variable = VariableSpec("a", ("lat", "lon"), (2, 5), "float32", seed=1)
    return StoreSpec(3, sharded=False, codec="none", axes={"lat": lat, "lon": lon}, variables=(variable,), exact=True)


COLLECTION = collection_on(in_memory(store(tuple(75.0 - 10 * k for k in range(16)))))
"""Rows from 75 to -75: Mercator has no poles."""
WITH_POLES = collection_on(in_memory(store((90.0, 0.0, -90.0))))
OTHERS = [crs for crs in OFFERED if crs is not CRS84]


@dataclass(frozen=True)
class Question:
    """A query type and the positions (longitude, latitude) it is about."""

    kind: str
    places: tuple[tuple[float, float], ...]

    def parameters(self, crs: QueryCrs) -> dict[str, str]:
        """The request, with positions in a CRS and in its order of axes."""
        transform = pyproj.Transformer.from_crs("OGC:CRS84", crs.name).transform
        written = [transform(*place) for place in self.places]
        numbers = [f"{first!r} {second!r}" for first, second in written]
        line = ",".join(numbers)
        further = {
            "position": {"coords": "MULTIPOINT(" + ",".join(f"({text})" for text in numbers) + ")"},
            "radius": {"coords": f"POINT({numbers[0]})", "within": "3000", "within-units": "km"},
            "area": {"coords": f"POLYGON(({line},{numbers[0]}))"},
            "cube": {"bbox": ",".join(repr(number) for place in written[:2] for number in place)},
            "trajectory": {"coords": f"LINESTRING({line})"},
            "corridor": {"coords": f"LINESTRING({line})", "corridor-width": "2500", "width-units": "km"},
        }
        return {"crs": crs.uri, **further[self.kind]}


@st.composite
def questions(draw: st.DrawFn, kind: str) -> Question:
    """A triangle of places that are far from the edges of cells, so that no rounding moves them into another."""
    west, east = sorted(draw(st.lists(st.integers(-8, 8), min_size=2, max_size=2, unique=True)))
    south, north = sorted(draw(st.lists(st.integers(-7, 7), min_size=2, max_size=2, unique=True)))
    east_edge, north_edge = 20 * east + 1.7, 10 * north + 1.3
    third = (20 * west + 3.1, north_edge) if draw(st.booleans()) else (east_edge, 10 * south + 2.9)
    return Question(kind, ((20 * west + 3.1, 10 * south + 2.9), (east_edge, north_edge), third))


def ask(question: Question, crs: QueryCrs) -> Document | None:
    query = build_query(question.kind, question.parameters(crs), COLLECTION)
    body = answer(query, COLLECTION, CovJsonEncoder()).whole()
    return None if body is None else load(body)


def rows(question: Question, crs: QueryCrs) -> list[Row]:
    body = answer(
        build_query(question.kind, question.parameters(crs), COLLECTION), COLLECTION, CovJsonEncoder()
    ).whole()
    return [] if body is None else decode(body)


def places(found: list[Row]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """X and y, shape (2, n)."""
    return np.array([(row.x, row.y) for row in found], dtype=np.float64).T


EQUATOR_M = 2 * np.pi * 6_378_137.0
KINDS = ("position", "radius", "area", "cube", "trajectory", "corridor")


@pytest.mark.parametrize("crs", OTHERS, ids=lambda crs: crs.name)
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_places_have_the_same_values_in_every_crs(kind: str, crs: QueryCrs) -> None:
    # Longitude, easting first, whatever the CRS says: as x and y of CoverageJSON.
    tolerance = 1e-3 if crs.mercator else 0.0
    forward = pyproj.Transformer.from_crs("OGC:CRS84", crs.name, always_xy=True).transform

    @seed(0)
    @profile(12)
    @given(questions(kind))
    def law(question: Question) -> None:
        usual, other = rows(question, CRS84), rows(question, crs)
        assert usual
        assert [row.value for row in usual] == [row.value for row in other]
        (x, y), (other_x, other_y) = forward(*places(usual)), places(other)
        turn = EQUATOR_M if crs.mercator else 360.0  # grids go on beyond the antimeridian
        np.testing.assert_allclose((other_x - x + turn / 2) % turn, turn / 2, rtol=0, atol=tolerance)
        np.testing.assert_allclose(other_y, y, rtol=0, atol=tolerance)

    law()


TRIANGLE = ((3.0, 2.0), (41.0, 33.0), (3.0, 33.0))


@pytest.mark.parametrize("crs", OFFERED, ids=lambda crs: crs.name)
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_says_in_which_crs_its_coordinates_are(kind: str, crs: QueryCrs) -> None:
    document = ask(Question(kind, TRIANGLE), crs)
    assert document is not None
    assert check(document) == []
    for coverage in coverages(document):
        horizontal = next(r for r in coverage["domain"]["referencing"] if "x" in r["coordinates"])
        assert horizontal["system"]["id"] == crs.uri
        assert horizontal["system"]["type"] == ("ProjectedCRS" if crs.mercator else "GeographicCRS")


@pytest.mark.parametrize("crs", OFFERED, ids=lambda crs: crs.name)
def test_coordinates_are_named_in_the_order_of_the_axes_of_the_crs(crs: QueryCrs) -> None:
    document = ask(Question("position", TRIANGLE), crs)
    assert document is not None
    horizontal = document["domain"]["referencing"][0]
    eastward_first = pyproj.CRS(crs.name).axis_info[0].direction == "east"
    assert horizontal["coordinates"] == (["x", "y"] if eastward_first else ["y", "x"])


@pytest.mark.parametrize("crs", OFFERED, ids=lambda crs: crs.name)
def test_the_wkt_of_a_crs_is_that_of_its_code(crs: QueryCrs) -> None:
    assert pyproj.CRS.from_wkt(crs.wkt) == pyproj.CRS(crs.name)


@pytest.mark.parametrize("crs", OFFERED, ids=lambda crs: crs.name)
def test_a_crs_is_known_by_its_usual_spellings(crs: QueryCrs) -> None:
    for text in (crs.uri, crs.uri.replace("http:", "https:"), crs.name, crs.name.lower(), f" {crs.name} "):
        assert crs_named(text) is crs


@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-85, 85)), min_size=1, max_size=9))
@profile(40)
@pytest.mark.parametrize("crs", OFFERED, ids=lambda crs: crs.name)
def test_there_and_back_is_the_same_place(crs: QueryCrs, places: list[tuple[float, float]]) -> None:
    lon, lat = np.array(places).T
    first, second = crs.x_of(lon), crs.y_of(lat)
    back = crs.to_lonlat(*((second, first) if crs.latitude_first else (first, second)))
    np.testing.assert_allclose(back, (lon, lat), atol=1e-12)


def test_a_pole_cannot_be_shown_in_mercator() -> None:
    query = build_query("cube", {"bbox": "-20000000,-20000000,20000000,20000000", "crs": "EPSG:3857"}, WITH_POLES)
    with pytest.raises(InvalidCrs, match="pole"):
        answer(query, WITH_POLES, CovJsonEncoder())
