"""CoverageJSON of single points says what CoverageJSON says."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, seed

from zarr_edr.coverage import CoverageSet
from zarr_edr.encode import encoder_for
from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.encode.covjson_points import MAX_COVERAGES, CovJsonPointsEncoder
from zarr_edr.engine import answer
from zarr_edr.errors import ResponseTooLarge
from zarr_edr.query.geometry import Tags
from zarr_edr.query.model import Query
from zarr_edr.testing.agreement import collection_on, profile
from zarr_edr.testing.covjson import check, load
from zarr_edr.testing.sample_coverages import COVERAGES, coverages
from zarr_edr.testing.stores import StoreSpec, in_memory
from zarr_edr.testing.strategies_shapes import questions
from zarr_edr.testing.tables import facts_of_covjson

ENCODER = CovJsonPointsEncoder()


def text(encoder: CovJsonEncoder | CovJsonPointsEncoder, answer: CoverageSet) -> bytes:
    return b"".join(encoder.encode(answer))


@seed(3)
@profile(25)
@given(questions())
def test_every_value_keeps_its_place_and_time(question: tuple[StoreSpec, Sequence[Query]]) -> None:
    of = collection_on(in_memory(question[0]))
    for query in question[1]:
        points, whole = (answer(query, of, e).whole() for e in (ENCODER, encoder_for(None)))
        assert (points is None) == (whole is None)
        if points is not None and whole is not None:
            found, expected = facts_of_covjson(points), facts_of_covjson(whole)
            assert check(load(points)) == []
            assert found <= expected
            assert all(fact[-1] is None for fact in expected - found)


@pytest.mark.parametrize("name", COVERAGES)
def test_domains_are_those_of_one_position(name: str) -> None:
    document = load(text(ENCODER, coverages(COVERAGES[name])))
    types = {document.get("domainType") or c["domain"]["domainType"] for c in document["coverages"]}
    assert document["type"] == "CoverageCollection"
    assert types <= {"Point", "PointSeries", "VerticalProfile", "Grid"}
    assert all(len(c["domain"]["axes"][a]["values"]) == 1 for c in document["coverages"] for a in "xy")


def test_each_point_has_the_id_that_the_client_gave_it() -> None:
    given = coverages(COVERAGES["MultiPoint"], tags=Tags(("a", "b", "c"), {}))
    found = load(text(ENCODER, given))["coverages"]
    assert [c["zarr-edr:place"]["id"] for c in found] == ["a", "b", "c"][: len(found)]


def test_more_positions_than_can_be_written_are_refused() -> None:
    many = coverages(*[COVERAGES["Point"]] * (MAX_COVERAGES + 1))
    with pytest.raises(ResponseTooLarge, match="CoverageJSON, which takes far less space"):
        ENCODER.encode(many)
