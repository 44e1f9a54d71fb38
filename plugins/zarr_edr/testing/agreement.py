"""To ask the engine what the oracle is asked, and how many random cases to try."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
import zarr
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from zarr_edr.coverage import CoverageSet
from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.model import Collection
from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.engine import answer
from zarr_edr.query.model import Query
from zarr_edr.settings import CollectionSettings
from zarr_edr.testing.covjson import Row, check, decode, load, pydantic_problems, schema_problems
from zarr_edr.testing.oracle import Oracle
from zarr_edr.testing.oracle_axes import instants_of, iso, plain
from zarr_edr.testing.oracle_variable import Cell, Expected
from zarr_edr.testing.stores import LAT, LEVEL, LON, TIME, StoreSpec, in_memory, truth
from zarr_edr.testing.strategies import Draw, store_specs

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
_ENCODER = CovJsonEncoder()


def profile(examples: int) -> settings:
    """Few and fixed examples by default; with `HYPOTHESIS_PROFILE=nightly` forty times as many, new ones each time."""
    return settings(
        max_examples=examples * 40 if NIGHTLY else examples,
        deadline=None,
        phases=tuple(Phase) if NIGHTLY else (Phase.generate,),  # to shrink a failure takes minutes
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )


@dataclass(frozen=True, eq=False)
class Case[Q: Query]:
    """A store and queries to ask it."""

    spec: StoreSpec
    queries: list[Q]


@st.composite
def cases[Q: Query](
    draw: Draw,
    queries: Callable[[StoreSpec], st.SearchStrategy[Q]],
    count: int,
    stores: st.SearchStrategy[StoreSpec] | None = None,
) -> Case[Q]:
    """A random store, or one of `stores`, and `count` queries of a kind."""
    spec: StoreSpec = draw(stores or store_specs())
    return Case(spec, [draw(queries(spec)) for _ in range(count)])


def collection_on(group: zarr.Group) -> Collection:
    """A store as served, with all settings at their defaults."""
    return describe(group, id="c", title="C", description="", settings=CollectionSettings(data="memory"))


def rows_of(query: Query, collection: Collection) -> list[Row] | None:
    """The engine's answer, checked and decoded; None where there are no data. Raises AssertionError for a flawed one."""
    body = answer(query, collection, _ENCODER).whole()
    if body is None:
        return None
    flaws = check(load(body))
    if flaws:
        raise AssertionError(f"{query}: {flaws[:3]}")
    return decode(body)


class _Kept:
    """Writes nothing, and keeps what it was given to write."""

    name, media_types, aliases, extension, queries = "kept", (), frozenset[str](), None, None

    def __init__(self) -> None:
        self.coverages: CoverageSet | None = None

    def encode(self, coverages: CoverageSet) -> tuple[bytes, ...]:
        """See `Encoder.encode`."""
        self.coverages = coverages
        return ()


def coverages_of(query: Query, collection: Collection) -> CoverageSet | None:
    """The engine's answer before it is written; None where there are no data."""
    kept = _Kept()
    answer(query, collection, kept)
    return kept.coverages


def invalidities_in[Q: Query](case: Case[Q], validator: Draft202012Validator | None) -> list[str]:
    """What covjson-pydantic, and the official schemas where they are at hand, hold against the answers."""
    collection = collection_on(in_memory(case.spec))
    bodies = [answer(query, collection, _ENCODER).whole() for query in case.queries]
    documents = [load(body) for body in bodies if body is not None]
    found = [problem for document in documents for problem in pydantic_problems(document)]
    if validator is not None:
        found += [problem for document in documents for problem in schema_problems(document, validator)]
    return found


def tolerances(spec: StoreSpec, dataset: xr.Dataset) -> dict[str, float]:
    """Packed values may differ by the rounding of another order of operations, others by nothing."""
    allowed = {}
    for variable in spec.variables:
        if variable.scale_factor is not None or variable.add_offset is not None:
            values = dataset[variable.name].values
            largest = np.nanmax(np.abs(values), initial=abs(variable.add_offset or 0.0), where=np.isfinite(values))
            allowed[variable.name] = 4 * float(np.finfo(values.dtype).eps) * float(largest)
    return allowed


def disagreements_in[Q: Query](case: Case[Q]) -> list[str]:
    """Where the engine and brute force differ."""
    group = in_memory(case.spec)
    dataset, collection = truth(group.store), collection_on(group)
    brute_force, allowed = Oracle(dataset), tolerances(case.spec, dataset)
    found = []
    for query in case.queries:
        found += [f"{query}: {p}" for p in brute_force.problems(query, rows_of(query, collection), allowed)[:3]]
    return found


def chunks_of(expected: Sequence[Expected], spec: StoreSpec) -> set[str]:
    """Keys of the chunks that hold these values."""
    return {_chunk_of(e, cell, spec) for e in expected for cell in e.cells}


def _chunk_of(e: Expected, cell: Cell, spec: StoreSpec) -> str:
    variable = next(v for v in spec.variables if v.name == e.parameter)
    labels = {LAT: cell.y, LON: cell.x, TIME: e.time, LEVEL: e.z, **dict(e.members)}
    chunk = []
    for dim, size in zip(variable.dims, variable.chunks, strict=True):
        axis = spec.axes[dim]
        stored: list[float | str] = [plain(value) for value in axis.stored()]
        if dim == TIME:
            array = xr.DataArray(axis.stored(), dims=[dim], attrs=dict(axis.attributes))
            stored = [iso(instant) for instant in instants_of(array)]
        chunk.append(str(stored.index(labels[dim]) // size))  # type: ignore[arg-type]  # its own axis has the label
    return f"{e.parameter}/{'.'.join(chunk)}" if spec.zarr_format == 2 else "/".join([e.parameter, "c", *chunk])


def twice_there(spec: StoreSpec) -> bool:
    """Whether one meridian is stored twice, as 0 and 360, with values of their own."""
    directions = [round(float(v) % 360.0, 3) % 360.0 for v in spec.axes[LON].stored()]
    return len(set(directions)) < len(directions)
