"""What object stores are asked for, counted by the store; nothing here depends on time."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import zarr

from zarr_edr.cache import process_cache
from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.helper import READS_AT_ONCE
from zarr_edr.dataset.model import Collection
from zarr_edr.dataset.remote import _forking, before_forks
from zarr_edr.dataset.source import open_group
from zarr_edr.encode import encoder_for
from zarr_edr.engine import Answer, answer
from zarr_edr.errors import ChunkCorrupt, ConfigurationError, DeadlineExceeded, StoreUnavailable
from zarr_edr.limits import Deadline
from zarr_edr.query.request import build_query
from zarr_edr.settings import CollectionSettings
from zarr_edr.testing.cf import grid
from zarr_edr.testing.object_server import ObjectServer

pytest.importorskip("obstore")
pytestmark = pytest.mark.filterwarnings("ignore:Consolidated metadata")

SHAPE = (120, 2, 2)
NAMES = ("a", "b", "c", "d")


def write(folder: Path, *, shards: tuple[int, ...] | None = None, times: slice = slice(None)) -> np.ndarray[Any, Any]:
    """A store whose values say where they are, in chunks of three times; `times` are written."""
    group = zarr.create_group(folder)
    values = np.arange(np.prod(SHAPE), dtype="f8").reshape(SHAPE)
    for name in NAMES:
        options: dict[str, Any] = {"shape": SHAPE, "chunks": (3, 2, 2), "shards": shards, "dtype": "f8"}
        array = group.create_array(name, **options, dimension_names=("time", "lat", "lon"), fill_value=np.nan)
        array[times] = values[times]
    for name, size, units in zip(
        ("time", "lat", "lon"), SHAPE, ("hours since 2000-01-01", "degrees_north", "degrees_east"), strict=True
    ):
        axis = group.create_array(name, shape=(size,), dtype="f8", dimension_names=(name,), attributes={"units": units})
        axis[:] = np.arange(size)
    zarr.consolidate_metadata(folder)
    return values


@pytest.fixture(autouse=True)
def cold() -> Iterator[None]:
    process_cache().clear()
    yield
    process_cache().clear()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ObjectServer]:
    (tmp_path / "bucket").mkdir()
    with ObjectServer(tmp_path) as server:
        yield server


def opened(server: ObjectServer, scheme: str = "s3") -> Collection:
    options: dict[str, Any] = {"max_retries": 0}
    data = f"{server.url}/bucket/s.zarr"
    if scheme == "s3":
        data, options = "s3://bucket/s.zarr", options | {"anon": True, "endpoint_url": server.url}
    settings = CollectionSettings(data, storage_options=options)
    collection = describe(open_group(data, options), "s", None, None, settings)
    server.traffic.reset()
    return collection


def ask(of: Collection, deadline: Deadline | None = None, names: str = "a", **parameters: str) -> Answer:
    query = build_query("position", {"coords": "POINT(1 1)", "parameter-name": names, **parameters}, of)
    return answer(query, of, encoder_for(None), deadline)


def values(of: Collection, **parameters: str) -> list[float | None]:
    body = ask(of, None, **parameters).whole()
    assert body is not None
    found: list[float | None] = orjson.loads(body)["ranges"]["a"]["values"]
    return found


@contextmanager
def forking() -> Iterator[None]:
    """`before_forks`, of which this process is then free again."""
    try:
        with before_forks():
            yield
    finally:
        _forking.clear()


START = "2000-01-01T00:00:00Z"


class TestPlainChunks:
    @pytest.mark.parametrize("scheme", ["s3", "http"])
    def test_a_cold_point_is_one_read_of_a_chunk_and_nothing_else(
        self, server: ObjectServer, tmp_path: Path, scheme: str
    ) -> None:
        expected = write(tmp_path / "bucket/s.zarr")
        collection = opened(server, scheme)
        assert values(collection, datetime=START) == [expected[0, 1, 1]]
        assert dict(server.traffic.chunk_gets) == {"bucket/s.zarr/a/c/0/0/0": 1}
        assert server.traffic.others == []

    def test_the_chunks_of_all_parameters_are_asked_for_at_once(self, server: ObjectServer, tmp_path: Path) -> None:
        write(tmp_path / "bucket/s.zarr")
        collection = opened(server)
        server.hold_until = len(NAMES)  # none is answered before all are asked for
        ask(collection, names=",".join(NAMES), datetime=START)
        assert server.traffic.chunk_gets.total() == len(NAMES)

    def test_a_chunk_that_is_held_is_not_asked_for(self, server: ObjectServer, tmp_path: Path) -> None:
        write(tmp_path / "bucket/s.zarr")
        collection = opened(server)
        ask(collection)
        server.traffic.reset()
        ask(collection)
        assert server.traffic.seen == []

    def test_a_series_is_asked_for_at_once(self, server: ObjectServer, tmp_path: Path) -> None:
        expected = write(tmp_path / "bucket/s.zarr")
        collection = opened(server)
        server.hold_until = 40
        assert values(collection) == expected[:, 1, 1].tolist()
        assert server.traffic.chunk_gets.total() == 40

    def test_no_more_are_under_way_than_allowed(self, server: ObjectServer, tmp_path: Path) -> None:
        expected = write(tmp_path / "bucket/s.zarr")
        collection = opened(server)
        server.hold_until = READS_AT_ONCE
        body = answer(build_query("cube", {"bbox": "0,0,1,1"}, collection), collection, encoder_for("CSV")).whole()
        assert body is not None
        assert body.count(b"\n") == expected.size + 1
        assert server.traffic.chunk_gets.total() == 4 * 40
        assert server.traffic.most_in_flight == READS_AT_ONCE

    def test_requests_at_the_same_time_read_each_chunk_once(self, server: ObjectServer, tmp_path: Path) -> None:
        expected = write(tmp_path / "bucket/s.zarr")
        collection = opened(server)
        server.hold_until = 20
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: values(collection), range(8)))
        assert found == [expected[:, 1, 1].tolist()] * 8
        assert set(server.traffic.chunk_gets.values()) == {1}


class TestShards:
    def test_neighbours_are_one_read_beside_that_of_the_index(self, server: ObjectServer, tmp_path: Path) -> None:
        expected = write(tmp_path / "bucket/s.zarr", shards=(60, 2, 2))
        collection = opened(server)
        found = values(collection, datetime=f"{START}/2000-01-02T11:00:00Z")
        assert found == expected[:36, 1, 1].tolist()
        assert dict(server.traffic.chunk_gets) == {"bucket/s.zarr/a/c/0/0/0": 2}

    def test_an_index_is_read_once(self, server: ObjectServer, tmp_path: Path) -> None:
        write(tmp_path / "bucket/s.zarr", shards=(60, 2, 2))
        collection = opened(server)
        ask(collection, datetime=START)
        server.traffic.reset()
        ask(collection, datetime="2000-01-01T06:00:00Z")
        assert len(server.traffic.seen) == 1

    def test_shards_are_asked_for_at_once(self, server: ObjectServer, tmp_path: Path) -> None:
        expected = write(tmp_path / "bucket/s.zarr", shards=(6, 2, 2))
        collection = opened(server)
        server.hold_until = 20  # shards, of two chunks in time each
        assert values(collection) == expected[:, 1, 1].tolist()
        assert set(server.traffic.chunk_gets.values()) == {2}

    def test_a_shard_that_is_cut_short_is_an_error(self, server: ObjectServer, tmp_path: Path) -> None:
        write(tmp_path / "bucket/s.zarr", shards=(60, 2, 2))
        collection = opened(server)
        ask(collection, datetime=START)  # reads the index
        shard = tmp_path / "bucket/s.zarr/a/c/0/0/0"
        shard.write_bytes(shard.read_bytes()[:200])
        with pytest.raises((StoreUnavailable, ChunkCorrupt), match=r"shorter|could not be read"):
            ask(collection)


class TestAbsentChunks:
    def test_absent_chunks_are_the_fill_value_and_the_array_is_looked_for_once(
        self, server: ObjectServer, tmp_path: Path
    ) -> None:
        expected = write(tmp_path / "bucket/s.zarr", times=slice(0, 3))
        collection = opened(server)
        assert values(collection)[2:5] == [expected[2, 1, 1], None, None]
        assert server.traffic.chunk_gets.total() == 40
        assert len(server.traffic.others) <= 2  # once in five seconds

    def test_a_store_that_is_gone_is_no_sea_of_nulls(self, server: ObjectServer, tmp_path: Path) -> None:
        write(tmp_path / "bucket/s.zarr")
        collection = opened(server)
        (tmp_path / "bucket").rename(tmp_path / "elsewhere")
        with pytest.raises(StoreUnavailable, match="not where it was"):
            ask(collection)

    @pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
    @pytest.mark.parametrize("scheme", ["s3", "http"])
    def test_what_is_refused_or_fails_is_not_absent(
        self, server: ObjectServer, tmp_path: Path, status: int, scheme: str
    ) -> None:
        write(tmp_path / "bucket/s.zarr")
        collection = opened(server, scheme)
        server.status_of = lambda key: status if "/c/3" in key else None
        with pytest.raises(StoreUnavailable):
            ask(collection)


def test_what_is_logged_of_a_failure_has_no_secret(server: ObjectServer, tmp_path: Path) -> None:
    write(tmp_path / "bucket/s.zarr")
    data = f"{server.url}/bucket/s.zarr".replace("//", "//user:hunter2@")
    collection = describe(open_group(data, {"max_retries": 0}), "s", None, None, CollectionSettings(data))
    server.status_of = lambda key: 500
    with pytest.raises(StoreUnavailable) as caught:
        ask(collection)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    assert "status 500" in repr(caught.value.__cause__)


class TestDeadlines:
    def test_a_store_that_is_silent_is_given_up_in_time(self, server: ObjectServer, tmp_path: Path) -> None:
        write(tmp_path / "bucket/s.zarr")
        collection = opened(server)
        server.hold_until = 1000
        with pytest.raises(DeadlineExceeded):
            ask(collection, Deadline.after(0.3))
        server.release()

    def test_who_gives_up_costs_nobody_else_the_answer(self, server: ObjectServer, tmp_path: Path) -> None:
        expected = write(tmp_path / "bucket/s.zarr")
        collection = opened(server)
        server.hold_until = 1000
        with ThreadPoolExecutor(2) as pool:
            hasty = pool.submit(ask, collection, Deadline.after(0.5))
            patient = pool.submit(values, collection)
            assert isinstance(hasty.exception(), DeadlineExceeded)
            server.release()
            assert patient.result() == expected[:, 1, 1].tolist()


class TestOpening:
    @pytest.mark.parametrize("around", [forking, nullcontext])
    def test_metadata_need_not_be_consolidated_where_the_store_lists(
        self, server: ObjectServer, tmp_path: Path, around: Callable[[], AbstractContextManager[None]]
    ) -> None:
        grid().to_zarr(tmp_path / "bucket/s.zarr", consolidated=False)
        with around():
            assert list(opened(server).parameters) == ["v"]

    def test_over_http_they_must_be(self, server: ObjectServer, tmp_path: Path) -> None:
        grid().to_zarr(tmp_path / "bucket/s.zarr", consolidated=False)
        with pytest.raises(ConfigurationError, match=r"zarr\.consolidate_metadata"):
            opened(server, "http")

    def test_a_process_that_will_be_forked_reads_by_a_helper(self, server: ObjectServer, tmp_path: Path) -> None:
        write(tmp_path / "bucket/s.zarr")
        with forking():
            assert sorted(opened(server).parameters) == list(NAMES)

    def test_metadata_that_may_not_be_read_are_said_to_be_so(self, server: ObjectServer) -> None:
        server.status_of = lambda key: 403
        for around in (forking, nullcontext):
            with around(), pytest.raises(ConfigurationError, match="may not be read"):
                opened(server)

    def test_secrets_are_in_no_message(self, server: ObjectServer) -> None:
        options = {"key": "k", "secret": "hunter2", "endpoint_url": server.url, "max_retries": 0}
        with pytest.raises(ConfigurationError) as caught:
            open_group("s3://bucket/nowhere.zarr", options)
        assert "hunter2" not in repr(caught.value) + str(caught.value)

    @pytest.mark.parametrize("options", [{"backend": "boto"}, {"backend": 3}])
    def test_an_unknown_backend_is_refused(self, server: ObjectServer, options: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError, match=r"options\.storage\.backend"):
            open_group("s3://bucket/s.zarr", options)


def test_fsspec_reads_many_at_once_too(server: ObjectServer, tmp_path: Path) -> None:
    expected = write(tmp_path / "bucket/s.zarr")
    data, options = f"{server.url}/bucket/s.zarr", {"backend": "fsspec"}
    group = open_group(data, options)
    collection = describe(group, "s", None, None, CollectionSettings(data))
    server.hold_until = 40
    assert values(collection) == expected[:, 1, 1].tolist()
