"""NetCDF and Zarr say what CoverageJSON says, whatever the store and the query; each is read by a reader of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, seed
from hypothesis import strategies as st

from zarr_edr.coverage import Coverage, CoverageSet, DomainType, Tuples
from zarr_edr.crs import OFFERED
from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.encode.netcdf import NetCdfEncoder
from zarr_edr.encode.protocol import Encoder
from zarr_edr.encode.zarr import ZarrEncoder
from zarr_edr.errors import InvalidCrs
from zarr_edr.query.model import Query
from zarr_edr.testing.agreement import Case, cases, collection_on, coverages_of, profile
from zarr_edr.testing.cf_rows import (
    facts_in,
    facts_of_rows,
    netcdf_by_c_library,
    netcdf_by_h5netcdf,
    zarr_by_zarr_python,
)
from zarr_edr.testing.covjson import decode
from zarr_edr.testing.sample_coverages import COVERAGES, X, Y, Z, coverages, of, times
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

WINDOWS = (area_queries, cube_queries, radius_queries, corridor_queries)
QUERIES = (*[position_queries, trajectory_queries] * 3, *WINDOWS)
"""Points and lines have more layouts than windows."""
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
            found.append(coverages_of(query, collection))
        except InvalidCrs:  # a pole in Mercator
            continue
    return [answer for answer in found if answer is not None]


@each_way
@pytest.mark.parametrize("coverage", COVERAGES.values(), ids=COVERAGES)
def test_each_domain_type_is_read_back(coverage: Coverage, encoder: Encoder, read: Read) -> None:
    assert differences(encoder, read, coverages(coverage)) == []


def line(n: int, place: int, **more: Any) -> Coverage:
    composite = Tuples(
        np.arange(float(n)), np.zeros(n), np.full(n, float(place)), times(*np.arange(n).clip(0, 2).tolist())
    )
    return of(
        DomainType.TRAJECTORY, {"composite": composite}, ("composite",), np.arange(n) + 10 * place, place=place, **more
    )


def section(n: int, place: int, **more: Any) -> Coverage:
    axes = {"composite": Tuples(np.arange(float(n)), np.zeros(n), None, times(*[place] * n)), "z": Z}
    return of(DomainType.SECTION, axes, ("z", "composite"), np.arange(2 * n).reshape(2, n), place=place, **more)


def profile_at(x: float, place: int, **more: Any) -> Coverage:
    axes = {"x": np.array([x]), "y": Y[:1], "z": Z, "t": times(1)}
    return of(DomainType.VERTICAL_PROFILE, axes, ("z",), [x, -x], place=place, **more)


def cell(x: float, place: int, **more: Any) -> Coverage:
    axes = {"x": np.array([x]), "y": Y[:1], "z": Z, "t": times(0, 2)}
    values = x + np.arange(4).reshape(2, 2, 1, 1)
    return of(DomainType.GRID, axes, ("t", "z", "y", "x"), values, place=place, **more)


def window(x: float, place: int, **more: Any) -> Coverage:
    axes = {"x": X + x, "y": Y, "t": times(0, 2)}
    return of(DomainType.GRID, axes, ("t", "y", "x"), x + np.arange(12).reshape(2, 2, 3), place=place, **more)


MEMBERS = [{"number": number, "model": model} for number in (3, 5) for model in ("a", "b")]
SETS: dict[str, list[Coverage]] = {
    "lines": [line(3, 0), line(3, 1)],
    "lines of different lengths": [line(3, 0), line(2, 1)],
    "sections": [section(3, 0), section(3, 1)],
    "sections of different lengths": [section(3, 0), section(2, 1)],
    "profiles": [profile_at(1, 0), profile_at(2, 1)],
    "series of profiles": [cell(1, 0), cell(2, 1)],
    "windows": [window(0, 0), window(50, 1), window(0, 2)],
    "some of all": [line(3, 0), section(3, 0), profile_at(1, 0), cell(1, 0), window(9, 0), *COVERAGES.values()],
    "members that are not all at each place": [profile_at(k, k, dimensions=MEMBERS[k % 3]) for k in range(4)],
    "members in another order": [window(0, 0, dimensions=member) for member in reversed(MEMBERS)],
}
for _name, _make in {"lines": line, "sections": section}.items():
    SETS[f"members of {_name}"] = [_make(n + 2, n, dimensions=member) for n in (0, 1) for member in MEMBERS]
for _name, _at in {"profiles": profile_at, "series of profiles": cell, "windows": window}.items():
    SETS[f"members of {_name}"] = [_at(9.0 * n, n, dimensions=member) for member in MEMBERS for n in (0, 1)]


@each_way
@pytest.mark.parametrize("members", SETS.values(), ids=SETS)
def test_coverages_that_become_one_array_are_read_back(members: list[Coverage], encoder: Encoder, read: Read) -> None:
    assert differences(encoder, read, coverages(*members)) == []


@pytest.mark.parametrize(("way", "examples"), [("NetCDF by its C library", 25), ("Zarr by zarr-python", 40)])
def test_answers_are_read_back(way: str, examples: int) -> None:
    @seed(examples)
    @profile(examples)
    @given(cases(any_query, count=6))
    def agree(case: Case[Query]) -> None:
        assert [d for answer in answers(case) for d in differences(*WAYS[way], answer)[:3]] == []

    agree()
