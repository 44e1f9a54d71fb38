"""The whole way from a request's text to its answer, on real data and on small stores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import xarray as xr
import zarr

from zarr_edr.cache import ChunkCache, process_cache
from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.model import Collection
from zarr_edr.encode import encoder_for
from zarr_edr.engine import Answer, answer
from zarr_edr.errors import (
    ChunkCorrupt,
    ChunkMissing,
    InvalidParameterName,
    QueryTooLarge,
    ResponseTooLarge,
    StoreUnavailable,
)
from zarr_edr.limits import Limits
from zarr_edr.query.request import build_query
from zarr_edr.settings import CollectionSettings, MissingChunks
from zarr_edr.testing.cf import collection_at, write_steps
from zarr_edr.testing.faults import CountingStore

SHARED = Path(__file__).parents[1] / "../shared/data"
DEMO = Path(__file__).parents[1] / "data"


def ask(of: Collection, coords: str, **parameters: str) -> Answer:
    given = {
        "coords": coords,
        **{name if name.startswith("dim_") else name.replace("_", "-"): value for name, value in parameters.items()},
    }
    return answer(build_query("position", given, of), of, encoder_for(None))


def document(of: Collection, coords: str, **parameters: str) -> dict[str, Any]:
    body = ask(of, coords, **parameters).whole()
    assert body is not None
    found: dict[str, Any] = orjson.loads(body)
    return found


@pytest.fixture
def air() -> Collection:
    if not (SHARED / "air.zarr").exists():
        pytest.skip("air.zarr may not be copied into the project, and ../shared is absent")
    return collection_at(SHARED / "air.zarr")


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    return write_steps(tmp_path / "steps.zarr")


def test_the_reference_workload_gives_its_known_values(air: Collection) -> None:
    values = document(air, "POINT(200 15)")["ranges"]["air"]["values"]
    assert values[:5] == [296.29, 296.29, 296.40, 297.50, 297.79]


@pytest.mark.parametrize("lon", [-160.0, 200.0, 560.0])
def test_a_longitude_is_a_direction(air: Collection, lon: float) -> None:
    assert document(air, f"POINT({lon} 15)") == document(air, "POINT(200 15)")


@pytest.mark.parametrize(
    ("store", "variable", "coords", "select"),
    [
        ("ostia", "surface_temperature", "POINT(-30 1)", {"longitude": 330, "latitude": 1}),
        ("woa", "TEMP", "POINT(179 -40)", {"lon": 179, "lat": -40}),
        ("a1b360", "air_temperature", "POINT(-98 42.3)", {"longitude": 262, "latitude": 42.3}),
    ],
)
def test_a_whole_column_of_a_demo_store_is_what_xarray_reads(
    store: str, variable: str, coords: str, select: dict[str, float]
) -> None:
    path = DEMO / f"{store}.zarr"
    found = document(collection_at(path), coords)["ranges"][variable]
    with xr.open_zarr(path, decode_times=False, chunks=None) as dataset:
        expected = dataset[variable].sel(select, method="nearest").values
    assert np.isfinite(expected).any()
    np.testing.assert_array_equal(np.array(found["values"], "f4"), expected.ravel())


def test_each_member_of_an_ensemble_is_a_coverage_of_its_own() -> None:
    path = DEMO / "era5ens.zarr"
    found = document(collection_at(path), "POINT(10 50)", datetime="2017-01-01T12:00:00Z", z="500", parameter_name="t")
    with xr.open_zarr(path, decode_times=False, chunks=None) as dataset:
        at = {"longitude": 10, "latitude": 50, "isobaricInhPa": 500}
        expected = dataset["t"].isel(time=1).sel(at, method="nearest").values.tolist()
    members = {c["zarr-edr:dimensions"]["number"]: c["ranges"]["t"]["values"] for c in found["coverages"]}
    assert members == {number: [value] for number, value in enumerate(expected)}


def test_one_member_can_be_asked_for() -> None:
    found = document(collection_at(DEMO / "era5ens.zarr"), "POINT(10 50)", number="3", z="500")
    assert (found["type"], found["zarr-edr:dimensions"]) == ("Coverage", {"number": 3})


@pytest.mark.parametrize("coords", ["POINT(3 2)", "MULTIPOINT((3 2),(2.2 3),(3 2))"])
def test_points_in_one_chunk_fetch_it_once(steps: Path, coords: str) -> None:
    store = CountingStore(zarr.storage.LocalStore(steps, read_only=True))
    settings = CollectionSettings(str(steps))
    of = describe(zarr.open_group(store, mode="r"), "steps", None, None, settings)
    store.counts.reset()
    answered = ask(of, coords, datetime="2000-01-01T03:00:00Z")
    assert (answered.stats.chunks, answered.stats.chunks_fetched) == (1, 1)
    assert store.counts.gets == {"v/c/1/1/1": 1}


@pytest.mark.parametrize("shape", ["MULTILINESTRING", "MULTIPOLYGON"])
def test_a_chunk_that_several_places_share_is_read_once_even_where_the_cache_holds_none(
    steps: Path, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = CountingStore(zarr.storage.LocalStore(steps, read_only=True))
    of = describe(zarr.open_group(store, mode="r"), "steps", None, None, CollectionSettings(str(steps)))
    # Crossing columns 2 to 5 in two rows of one chunk, turn about with a place elsewhere.
    lines = ["(2 2, 5 2)", "(0 0, 1 0)", "(2 3, 5 3)"]
    rings = ["((2 2,5 2,5 2.4,2 2.4,2 2))", "((0 0,1 0,1 .4,0 .4,0 0))", "((2 2.6,5 2.6,5 3,2 3,2 2.6))"]
    query, places = ("trajectory", lines) if shape == "MULTILINESTRING" else ("area", rings)
    given = {"coords": f"{shape}({','.join(places)})", "datetime": "2000-01-01T03:00:00Z"}
    monkeypatch.setattr("zarr_edr.read.process_cache", lambda: ChunkCache(1))
    store.counts.reset()
    stats = answer(build_query(query, given, of), of, encoder_for(None)).stats
    assert store.counts.gets == {"v/c/1/1/1": 1, "v/c/1/1/2": 1, "v/c/1/0/0": 1}
    assert (stats.chunks, stats.chunks_fetched) == (3, 3)


def test_a_second_question_to_the_same_chunk_reads_nothing(steps: Path) -> None:
    of = collection_at(steps)
    ask(of, "POINT(0 0)", datetime="2000-01-01T00:00:00Z")
    again = ask(of, "POINT(1 1)", datetime="2000-01-01T01:00:00Z").stats
    assert (again.chunks, again.chunks_fetched, again.bytes_read) == (1, 0, 0)


@pytest.mark.parametrize(
    ("limits", "error", "key"),
    [
        (Limits(cells=11), ResponseTooLarge, "limits.cells"),
        (Limits(decoded_bytes=95), ResponseTooLarge, "limits.decoded_bytes"),
        (Limits(chunks=2), ResponseTooLarge, "limits.chunks"),
        (Limits(points=1), QueryTooLarge, "limits.points"),
        (Limits(coords_chars=20), QueryTooLarge, "coords_chars"),
    ],
    ids=["cells", "decoded bytes", "chunks", "points", "coords"],
)
def test_a_query_over_a_limit_is_refused_before_anything_is_read(
    steps: Path, limits: Limits, error: type[Exception], key: str
) -> None:
    store = CountingStore(zarr.storage.LocalStore(steps, read_only=True))
    of = describe(zarr.open_group(store, mode="r"), "steps", None, None, CollectionSettings(str(steps), limits=limits))
    store.counts.reset()
    with pytest.raises(error, match=key):
        ask(of, "MULTIPOINT((0 0),(1 1))")
    assert not store.counts.gets


def test_a_query_at_its_limits_is_answered(steps: Path) -> None:
    of = collection_at(steps, limits=Limits(cells=12, points=2, decoded_bytes=3 * 32))
    assert ask(of, "MULTIPOINT((0 0),(1 1))").cells == 12


def test_a_lost_chunk_is_the_fill_value_by_default(steps: Path) -> None:
    (steps / "v/c/0/0/0").unlink()
    assert document(collection_at(steps), "POINT(0 0)")["ranges"]["v"]["values"] == [None, None, 2000, 3000, 4000, 5000]


def test_a_lost_chunk_is_an_error_where_every_chunk_must_be_there(steps: Path) -> None:
    (steps / "v/c/0/0/0").unlink()
    with pytest.raises(ChunkMissing):
        ask(collection_at(steps, missing_chunks=MissingChunks.ERROR), "POINT(0 0)")


@pytest.mark.parametrize("policy", list(MissingChunks))
def test_a_damaged_chunk_is_an_error_under_both_policies(steps: Path, policy: MissingChunks) -> None:
    (steps / "v/c/0/0/0").write_bytes(b"not a chunk")
    with pytest.raises(ChunkCorrupt):
        ask(collection_at(steps, missing_chunks=policy), "POINT(0 0)")


@pytest.mark.parametrize("policy", list(MissingChunks))
def test_an_unreadable_chunk_is_an_error_under_both_policies(steps: Path, policy: MissingChunks) -> None:
    (steps / "v/c/0/0/0").unlink()
    (steps / "v/c/0/0/0").mkdir()
    with pytest.raises(StoreUnavailable):
        ask(collection_at(steps, missing_chunks=policy), "POINT(0 0)")


@pytest.mark.parametrize("coords", ["POINT(100 0)", "POINT(3 60)", "MULTIPOINT((100 0),(3 60))"])
def test_nothing_but_points_outside_is_no_data(steps: Path, coords: str) -> None:
    assert ask(collection_at(steps), coords).whole() is None


def test_a_point_outside_is_null_among_others(steps: Path) -> None:
    found = document(collection_at(steps), "MULTIPOINT((3 2),(100 0),(3 2))", datetime="2000-01-01T01:00:00Z")
    assert found["ranges"]["v"]["values"] == [1203.0, None, 1203.0]
    assert found["domain"]["axes"]["composite"]["values"] == [[3, 2], [100, 0], [3, 2]]


@pytest.mark.parametrize("datetime", ["2000-01-01T00:30:00Z", "1999", "2001/.."])
def test_no_such_time_is_no_data_never_a_neighbour(steps: Path, datetime: str) -> None:
    assert ask(collection_at(steps), "POINT(0 0)", datetime=datetime).whole() is None


def test_an_unknown_parameter_is_refused_with_those_there_are(steps: Path) -> None:
    with pytest.raises(InvalidParameterName, match="parameters: v"):
        ask(collection_at(steps), "POINT(0 0)", parameter_name="v,nope")


@pytest.mark.parametrize("scheduler", ["inline", "threads"])
def test_the_answer_is_the_same_to_the_byte_whoever_runs_the_plan(steps: Path, scheduler: str) -> None:
    of = collection_at(steps)
    coords = "MULTIPOINT((0 0),(7 3),(4 1),(2 2))"
    process_cache().clear()
    ran = ask(replace(of, settings=replace(of.settings, dask_scheduler=scheduler)), coords)
    assert ran.stats.scheduler == scheduler
    assert ran.whole() == ask(of, coords).whole()


def test_a_dimension_named_like_a_parameter_is_asked_for_by_another_name(tmp_path: Path) -> None:
    values = np.arange(2 * 3 * 3, dtype="f4").reshape(2, 3, 3)
    coordinates = {
        "f": ("f", [1, 2], {"long_name": "frequency"}),
        "lat": ("lat", [0.0, 1.0, 2.0], {"units": "degrees_north"}),
        "lon": ("lon", [0.0, 1.0, 2.0], {"units": "degrees_east"}),
    }
    dataset = xr.Dataset({"v": (("f", "lat", "lon"), values)}, coordinates)
    dataset.to_zarr(tmp_path / "f.zarr", zarr_format=3, consolidated=False)
    found = document(collection_at(tmp_path / "f.zarr"), "POINT(1 1)", dim_f="2")
    assert found["zarr-edr:dimensions"] == {"dim_f": 2}
    assert found["ranges"]["v"]["values"] == [13.0]


def test_one_point_of_many_with_many_levels_is_a_collection() -> None:
    found = document(collection_at(DEMO / "woa.zarr"), "MULTIPOINT((-30 0))", datetime="0000-01")
    assert (found["type"], len(found["coverages"])) == ("CoverageCollection", 1)


def test_a_store_of_a_hundred_thousand_chunks_costs_a_point_one_chunk(tmp_path: Path) -> None:
    group = zarr.create_group(tmp_path / "many.zarr")
    v = group.create_array(
        "v", shape=(1000, 100, 100), chunks=(10, 10, 1), dtype="f4", dimension_names=("time", "lat", "lon")
    )
    v[500, 50, 50] = 7
    for name, size, units in (
        ("time", 1000, "hours since 2000-01-01"),
        ("lat", 100, "degrees_north"),
        ("lon", 100, "degrees_east"),
    ):
        axis = group.create_array(name, shape=(size,), dtype="f8", dimension_names=(name,), attributes={"units": units})
        axis[:] = np.arange(size) * (1.0 if name == "time" else 0.5)
    answered = ask(collection_at(tmp_path / "many.zarr"), "POINT(25 25)", datetime="2000-01-21T20:00:00Z")
    assert answered.stats.chunks == 1
    assert b'"values":[7.0]' in (answered.whole() or b"")
