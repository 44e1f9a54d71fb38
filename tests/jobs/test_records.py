"""Records survive many writers, and writers that are killed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from zarr_edr.errors import Overloaded
from zarr_edr.jobs.records import JobRecords, ReplacingStorage


@pytest.fixture
def records(tmp_path: Path) -> JobRecords:
    return JobRecords(tmp_path / "jobs.json")


def accept(_: object) -> None:
    """Whatever there is."""


def test_no_record_of_many_writers_is_lost(records: JobRecords) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: records.add({"identifier": str(n), "status": "running"}, accept), range(40)))
        list(pool.map(lambda n: records.change(str(n), {"status": "done"}, only_if={"running"}), range(40)))
    assert {(r["identifier"], r["status"]) for r in records.all()} == {(str(n), "done") for n in range(40)}


def test_only_one_of_many_changes_of_a_state_is_made(records: JobRecords) -> None:
    records.add({"identifier": "a", "status": "running"}, accept)
    with ThreadPoolExecutor(8) as pool:
        changed = list(pool.map(lambda n: records.change("a", {"status": f"s{n}"}, only_if={"running"}), range(8)))
    assert sum(changed) == 1


def test_a_writer_that_is_killed_leaves_the_old_records(records: JobRecords) -> None:
    records.add({"identifier": "a", "status": "running"}, accept)
    records.path.with_name("jobs.json.part").write_bytes(b'{"half of')
    assert [record["identifier"] for record in records.all()] == ["a"]
    assert records.change("a", {"status": "done"}, only_if={"running"})


def test_a_record_that_is_refused_is_not_added(records: JobRecords) -> None:
    def refuse(others: object) -> None:
        raise Overloaded(f"{others}")

    with pytest.raises(Overloaded, match=r"\[\]"):
        records.add({"identifier": "a"}, refuse)
    assert records.all() == []


def test_others_cannot_read_the_file(records: JobRecords) -> None:
    records.add({"identifier": "a"}, accept)
    assert records.path.stat().st_mode & 0o077 == 0


def test_without_a_file_there_are_no_records(tmp_path: Path) -> None:
    assert ReplacingStorage(str(tmp_path / "none.json")).read() is None
