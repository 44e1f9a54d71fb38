"""Tables are kept for a while under ids that cannot be guessed, and nothing else can be referred to."""

from __future__ import annotations

import errno
import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock

from zarr_edr.errors import (
    EdrError,
    InvalidBody,
    InvalidQuery,
    NotFound,
    Overloaded,
    QueryTooLarge,
    UnsupportedMediaType,
)
from zarr_edr.extract.tables import MEDIA_TYPES, Table, Tables
from zarr_edr.limits import Limits
from zarr_edr.query.body import ARROW_TYPES, PARQUET_TYPE

URL = "https://data.example/edr"
COLUMNS = [[10.5, 50.25, 5.0], [-30.0, 1.0, 7.5]]
TABLE = b"id,lon,lat,z\na,10.5,50.25,5\nb,-30,1,7.5\n"


def post(tables: Tables) -> Table:
    return tables.add(TABLE, "text/csv; charset=utf-8", Limits())


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(tmp_path / "tables", URL)


def test_points_come_back_as_they_were_posted_with_their_names(tables: Tables) -> None:
    places = tables.places(post(tables).id, Limits())
    assert places.geometry.coords.tolist() == COLUMNS
    assert places.tags is not None
    assert places.tags.ids == ("a", "b")


@pytest.mark.parametrize("media_type", MEDIA_TYPES[1:])
def test_tables_of_other_formats_are_kept_too(tables: Tables, media_type: str) -> None:
    table, sink = pa.table({"lon": [10.5, -30.0], "lat": [50.25, 1.0], "z": [5.0, 7.5]}), io.BytesIO()
    if media_type == PARQUET_TYPE:
        pq.write_table(table, sink)
    else:
        new = pa.ipc.new_stream if media_type == ARROW_TYPES[0] else pa.ipc.new_file
        with new(sink, table.schema) as writer:
            writer.write_table(table)
    kept = tables.add(sink.getvalue(), media_type, Limits())
    assert tables.places(kept.id, Limits()).geometry.coords.tolist() == COLUMNS


@pytest.mark.parametrize(
    ("body", "media_type", "error"),
    [
        (b"", "text/csv", InvalidBody),
        (b"a,b\n1,2\n", "text/csv", InvalidBody),
        (b"PAR1", PARQUET_TYPE, InvalidBody),
        (b'{"longitude": [1], "latitude": [1]}', "application/json", UnsupportedMediaType),
        (b"lon,lat\n1,2\n1,2\n1,2\n", "text/csv", QueryTooLarge),
    ],
    ids=["empty", "no-columns", "damaged", "json", "too-many"],
)
def test_what_is_no_table_is_not_kept(tables: Tables, body: bytes, media_type: str, error: type[EdrError]) -> None:
    with pytest.raises(error):
        tables.add(body, media_type, Limits(points=2))
    assert not tables.folder.exists() or not list(tables.folder.iterdir())


def test_a_table_of_too_many_points_for_who_refers_to_it_is_refused(tables: Tables) -> None:
    with pytest.raises(QueryTooLarge, match="2 points or more; at most 1 "):
        tables.places(post(tables).id, Limits(points=1))


@pytest.mark.parametrize("prefix", [URL, ""], ids=["url", "path"])
def test_a_reference_may_be_a_url_or_a_path(tables: Tables, prefix: str) -> None:
    assert len(tables.referred(f"{prefix}/tables/{post(tables).id}", Limits()).geometry.coords) == 2


@pytest.mark.parametrize(
    "href",
    [
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "/tables/../../etc/passwd",
        "/tables/%2e%2e/secret",
        "https://evil.example/tables/{id}",
        "https://data.example/edr.evil.example/tables/{id}",
        "//tables/{id}",
        "/tables/{id}/",
        "/tables/{id}.2.csv",
        "tables/{id}",
        "{id}",
        "",
    ],
)
def test_no_other_reference_is_followed(tables: Tables, href: str) -> None:
    with pytest.raises(InvalidQuery, match="only refer to a table that was posted"):
        tables.referred(href.format(id=post(tables).id), Limits())


@pytest.mark.parametrize("id_", ["../tables/x", "", ".", "x" * 5000, "\0"], ids=["path", "empty", "dot", "long", "nul"])
def test_an_id_is_never_a_path(tables: Tables, id_: str) -> None:
    with pytest.raises(NotFound):
        tables.describe(id_)


def test_a_removed_table_is_gone(tables: Tables) -> None:
    table = post(tables)
    tables.remove(table.id)
    with pytest.raises(InvalidQuery, match="not kept"):
        tables.referred(f"/tables/{table.id}", Limits())


def test_a_table_goes_when_its_time_is_over(tables: Tables) -> None:
    table = post(tables)
    long_ago = time.time() - tables.keep_s - 1
    os.utime(tables.folder / f"{table.id}.2.csv", (long_ago, long_ago))
    tables.sweep()
    assert list(tables.folder.iterdir()) == []


def aged(tables: Tables, by_s: float) -> Table:
    """A table that was posted so many seconds ago."""
    table = post(tables)
    then = time.time() - by_s
    os.utime(tables.folder / f"{table.id}.2.csv", (then, then))
    return table


def test_a_table_whose_time_is_over_is_not_there_though_its_file_is(tables: Tables) -> None:
    over, still = aged(tables, tables.keep_s + 1), aged(tables, tables.keep_s - 60)
    for look in (tables.describe, lambda id_: tables.places(id_, Limits()), tables.remove):
        with pytest.raises(NotFound, match="not any more"):
            look(over.id)
    assert tables.describe(still.id).points == 2


def test_a_table_that_cannot_be_kept_leaves_nothing(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space"):
        post(tables)
    assert list(tables.folder.iterdir()) == []


def test_what_a_killed_process_left_is_not_counted_and_goes(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zarr_edr.extract.tables._MOST", 1)
    tables.folder.mkdir()
    left = tables.folder / "left.part"
    left.touch()
    post(tables)
    os.utime(left, (0, 0))
    tables.sweep()
    assert not left.exists()


def test_no_more_are_kept_when_many_are_posted_at_a_time(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zarr_edr.extract.tables._MOST", 3)
    locked = replace(
        tables, lock=lambda: FileLock(tables.folder.with_name("lock")), check_room=lambda: time.sleep(0.01)
    )

    def posted(_: int) -> bool:
        try:
            return bool(post(locked))
        except Overloaded:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(posted, range(16))) == 3
    assert len(list(tables.folder.iterdir())) == 3


def test_only_so_many_are_kept(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zarr_edr.extract.tables._MOST", 1)
    post(tables)
    with pytest.raises(Overloaded, match="1 tables"):
        post(tables)


def test_two_tables_of_one_content_have_two_ids(tables: Tables) -> None:
    assert post(tables).id != post(tables).id
