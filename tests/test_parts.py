"""Answers that are written while they are read."""

from __future__ import annotations

import csv
import gc
import io
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

from zarr_edr.cache import ChunkCache
from zarr_edr.coverage import CoverageSet
from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.model import Collection
from zarr_edr.encode import encoder_for
from zarr_edr.encode.rows import CsvEncoder
from zarr_edr.engine import Answer, answer, pieces
from zarr_edr.errors import ChunkCorrupt, DeadlineExceeded, Overloaded, ResponseTooLarge
from zarr_edr.jobs.files import size_bytes
from zarr_edr.limits import Deadline, Limits
from zarr_edr.outline import Outline
from zarr_edr.query.request import build_query
from zarr_edr.settings import CollectionSettings
from zarr_edr.testing.cf import write_steps
from zarr_edr.testing.faults import CountingStore

CUBE = {"bbox": "0,0,7,3"}
POINTS = {"coords": "MULTIPOINT(" + ",".join(f"({x} {y})" for x in range(8) for y in range(4)) + ")"}
CSV = encoder_for("CSV")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_steps(tmp_path_factory.mktemp("parts") / "steps.zarr")


@pytest.fixture
def store(path: Path) -> CountingStore:
    return CountingStore(zarr.storage.LocalStore(path, read_only=True))


@pytest.fixture
def steps(store: CountingStore, monkeypatch: pytest.MonkeyPatch) -> Collection:
    """A store of 24 chunks of 2 x 2 x 2; no chunk is remembered, a part has 16 rows, and every piece is sent."""
    of = describe(zarr.open_group(store, mode="r"), "steps", None, None, CollectionSettings("memory"))
    store.counts.reset()
    monkeypatch.setattr("zarr_edr.read.process_cache", lambda: ChunkCache(1))
    monkeypatch.setattr("zarr_edr.engine.ROWS_PER_PART", 16)
    monkeypatch.setattr("zarr_edr.engine._WHOLE_BYTES", 0)
    return of


def ask(of: Collection, given: dict[str, str], deadline: Deadline | None = None) -> Answer:
    return answer(build_query("cube" if "bbox" in given else "position", given, of), of, CSV, deadline)


def taken(answered: Answer) -> Iterator[bytes]:
    assert isinstance(answered.body, Iterator)
    return answered.body


def chunks(store: CountingStore) -> int:
    return store.counts.chunk_gets.total()


@contextmanager
def broken(chunk: Path) -> Iterator[None]:
    """A chunk that is empty meanwhile."""
    held = chunk.read_bytes()
    chunk.write_bytes(b"")
    try:
        yield
    finally:
        chunk.write_bytes(held)


def mapped(folder: Path) -> list[str]:
    """Files of a folder that are mapped, deleted ones too."""
    return [line for line in Path("/proc/self/maps").read_text().splitlines() if str(folder) in line]


class TestReading:
    @pytest.mark.parametrize("given", [CUBE, POINTS], ids=["cube", "points"])
    def test_begins_to_answer_before_the_last_chunk_is_read(
        self, steps: Collection, store: CountingStore, given: dict[str, str]
    ) -> None:
        body = taken(ask(steps, given))
        next(body)
        next(body)
        assert 0 < chunks(store) <= 8
        assert b"".join(body).endswith(b"7.0,3.0,5307.0\r\n")

    @pytest.mark.parametrize("given", [CUBE, POINTS], ids=["cube", "points"])
    def test_reads_each_chunk_once(self, steps: Collection, store: CountingStore, given: dict[str, str]) -> None:
        answered = ask(steps, given)
        assert answered.whole() is not None
        assert set(store.counts.chunk_gets.values()) == {1}
        assert (chunks(store), answered.stats.chunks_fetched) == (24, 24)

    def test_stops_when_the_answer_is_closed(self, steps: Collection, store: CountingStore) -> None:
        body = taken(ask(steps, CUBE))
        next(body)
        next(body)
        before = chunks(store)
        body.close()  # type: ignore[attr-defined]  # a generator
        assert list(body) == []
        assert chunks(store) == before < 24

    def test_of_a_chunk_that_fails_on_the_way_raises(self, steps: Collection, path: Path) -> None:
        body = taken(ask(steps, CUBE))
        next(body)
        with broken(path / "v/c/2/1/3"), pytest.raises(ChunkCorrupt):
            list(body)

    def test_time_that_the_client_takes_is_not_the_querys(self, steps: Collection) -> None:
        body = taken(ask(steps, CUBE, Deadline.after(0.5)))
        next(body)
        time.sleep(0.6)
        assert b"".join(body)

    def test_ends_at_the_deadline(self, steps: Collection) -> None:
        query = build_query("cube", CUBE, steps)
        body = taken(answer(query, steps, SlowCsv(), Deadline.after(0.3)))
        with pytest.raises(DeadlineExceeded):
            list(body)


class SlowCsv(CsvEncoder):
    """Takes a tenth of a second for each piece."""

    def encode_parts(self, outline: Outline, parts: Iterable[CoverageSet]) -> Iterator[bytes]:
        for piece in super().encode_parts(outline, parts):
            time.sleep(0.1)
            yield piece


class TestPieces:
    @pytest.mark.parametrize("most", [8, 100, 10**6])
    def test_are_the_answer_whatever_holds_the_values(
        self, steps: Collection, tmp_path: Path, most: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("zarr_edr.read._SPILLED_ROUND_BYTES", most)
        monkeypatch.setattr("zarr_edr.read._MAPPED_BYTES", most)
        query = build_query("position", POINTS, steps)
        found = pieces(query, steps, CSV, deadline=Deadline.after(60), spill=tmp_path)
        assert found is not None
        assert b"".join(found) == ask(steps, POINTS).whole()

    @pytest.mark.parametrize("count", [1, 2, None], ids=["begun", "part", "all"])
    def test_leave_no_file_behind(self, steps: Collection, tmp_path: Path, count: int | None) -> None:
        query = build_query("position", POINTS, steps)
        found = pieces(query, steps, CSV, deadline=Deadline.after(60), spill=tmp_path)
        assert isinstance(found, Generator)
        gc.disable()  # which would close what was left open
        try:
            taken = list(islice(found, count))
            found.close()
            assert (list(tmp_path.iterdir()), mapped(tmp_path)) == ([], [])
        finally:
            gc.enable()
        assert taken

    def test_leave_no_file_behind_where_a_chunk_fails(self, steps: Collection, path: Path, tmp_path: Path) -> None:
        query = build_query("position", POINTS, steps)
        found = pieces(query, steps, CSV, deadline=Deadline.after(60), spill=tmp_path)
        with broken(path / "v/c/2/1/3"), pytest.raises(ChunkCorrupt) as raised:
            list(found or ())
        assert raised.value.__traceback__ is not None  # its frames are still there
        assert (list(tmp_path.iterdir()), mapped(tmp_path)) == ([], [])

    def test_count_as_bytes_of_the_folder_while_they_are_made(self, steps: Collection, tmp_path: Path) -> None:
        query = build_query("position", POINTS, steps)
        found = pieces(query, steps, CSV, deadline=Deadline.after(60), spill=tmp_path)
        assert found is not None
        list(islice(found, 2))
        assert size_bytes(tmp_path) >= 32 * 6 * 4  # points, times, bytes of each

    def test_tell_how_far_they_are(self, steps: Collection) -> None:
        told: list[float] = []
        found = pieces(build_query("cube", CUBE, steps), steps, CSV, deadline=Deadline.after(60), progress=told.append)
        assert found is not None
        assert b"".join(found)
        assert told == sorted(told)
        assert (len(set(told)) > 5, told[-1]) == (True, 1.0)

    def test_end_when_the_one_who_is_told_says_so(self, steps: Collection, store: CountingStore) -> None:
        def stop(done: float) -> None:
            if done > 0.3:
                raise Overloaded("enough")

        found = pieces(build_query("cube", CUBE, steps), steps, CSV, deadline=Deadline.after(60), progress=stop)
        assert found is not None
        with pytest.raises(Overloaded, match="enough"):
            list(found)
        assert chunks(store) < 24

    def test_have_limits_of_their_own(self, steps: Collection) -> None:
        query = build_query("cube", CUBE, steps)
        with pytest.raises(ResponseTooLarge, match=r"limits\.cells"):
            pieces(query, steps, CSV, deadline=Deadline.after(60), limits=Limits(cells=10))

    def test_of_nothing_are_none(self, steps: Collection) -> None:
        query = build_query("position", {"coords": "POINT(100 50)"}, steps)
        assert pieces(query, steps, CSV, deadline=Deadline.after(60)) is None


def test_rows_are_those_of_the_array_in_its_order(steps: Collection, path: Path) -> None:
    body = ask(steps, CUBE).whole()
    assert body is not None
    written = [float(row["v [K]"]) for row in csv.DictReader(io.StringIO(body.decode()))]
    np.testing.assert_array_equal(written, xr.open_zarr(path, consolidated=False)["v"].values.reshape(-1))
