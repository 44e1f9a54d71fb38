"""NetCDF and Zarr say what CoverageJSON says, whatever the store and the query; each is read by a reader of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import xarray as xr
from hypothesis import given, seed
from hypothesis import strategies as st

from zarr_edr.coverage import Coverage, CoverageSet
from zarr_edr.crs import OFFERED
from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.encode.netcdf import NetCdfEncoder
from zarr_edr.encode.protocol import Encoder
from zarr_edr.encode.zarr import ZarrEncoder
from zarr_edr.engine import coverages_of
from zarr_edr.errors import InvalidCrs
from zarr_edr.limits import Deadline
from zarr_edr.query.model import Query
from zarr_edr.testing.agreement import Case, cases, collection_on, profile
from zarr_edr.testing.cf_rows import (
    facts_in,
    facts_of_rows,
    netcdf_by_c_library,
    netcdf_by_h5netcdf,
    zarr_by_zarr_python,
)
from zarr_edr.testing.covjson import decode
from zarr_edr.testing.sample_coverages import COVERAGES, coverages
from zarr_edr.testing.stores import StoreSpec, in_memory
from zarr_edr.testing.strategies import position_queries
from zarr_edr.testing.strategies_shapes import (
    area_queries,
    corridor_queries,
    cube_queries,
    radius_queries,
    trajectory_queries,
)

Draw = Callable[[st.SearchStrategy[Any]], Any]
Read = Callable[[bytes], xr.Dataset]

QUERIES = (position_queries, area_queries, cube_queries, radius_queries, trajectory_queries, corridor_queries)
WAYS: dict[str, tuple[Encoder, Read]] = {
    "NetCDF by its C library": (NetCdfEncoder(), netcdf_by_c_library),
    "NetCDF by h5netcdf": (NetCdfEncoder(), netcdf_by_h5netcdf),
    "Zarr by zarr-python": (ZarrEncoder(), zarr_by_zarr_python),
}
each_way = pytest.mark.parametrize(("encoder", "read"), WAYS.values(), ids=WAYS)


def body_of(encoder: Encoder, answer: CoverageSet) -> bytes:
    return b"".join(encoder.encode(answer))


def differences(encoder: Encoder, read: Read, answer: CoverageSet) -> list[object]:
    """Facts that only one of a format and CoverageJSON tells."""
    found = facts_in(read(body_of(encoder, answer)))
    expected = facts_of_rows(decode(body_of(CovJsonEncoder(), answer)))
    return [*(found - expected), *(expected - found)]


@st.composite
def any_query(draw: Draw, spec: StoreSpec) -> Query:
    query: Query = draw(draw(st.sampled_from(QUERIES))(spec))
    return replace(query, crs=draw(st.sampled_from(OFFERED)))


def answers(case: Case[Query]) -> list[CoverageSet]:
    """Those of the queries that have one."""
    collection, found = collection_on(in_memory(case.spec)), []
    for query in case.queries:
        try:
            found.append(coverages_of(query, collection, Deadline.after(60))[0])
        except InvalidCrs:  # a pole in Mercator
            continue
    return [answer for answer in found if answer is not None]


@each_way
@pytest.mark.parametrize("coverage", COVERAGES.values(), ids=COVERAGES)
def test_each_domain_type_is_read_back(coverage: Coverage, encoder: Encoder, read: Read) -> None:
    assert differences(encoder, read, coverages(coverage)) == []


@each_way
def test_answers_are_read_back(encoder: Encoder, read: Read) -> None:
    @seed(0)
    @profile(40)
    @given(cases(any_query, count=6))
    def agree(case: Case[Query]) -> None:
        assert [d for answer in answers(case) for d in differences(encoder, read, answer)[:3]] == []

    agree()
