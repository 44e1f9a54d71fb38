"""Who works on a job is known to all processes, and to nobody once it has ended."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from zarr_edr.jobs import JobManager
from zarr_edr.jobs.files import Hold, JobFolder, Room, size_bytes, slot

from .conftest import at_once

HOLDER = """
import pathlib, sys, time
from zarr_edr.jobs.files import JobFolder
hold = JobFolder(pathlib.Path(sys.argv[1])).hold()
print(flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    return JobFolder(tmp_path / "job")


def test_a_hold_is_had_once(folder: JobFolder) -> None:
    hold = folder.hold()
    assert hold is not None
    assert (folder.is_worked_on(), folder.hold()) == (True, None)
    hold.release()
    assert not folder.is_worked_on()


def test_the_hold_of_a_killed_process_is_let_go(folder: JobFolder) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(folder.path)], stdout=subprocess.PIPE) as process:
        process.stdout.readline()  # type: ignore[union-attr]  # a pipe was asked for
        assert folder.is_worked_on()
        process.kill()
        process.wait(30)
    assert not folder.is_worked_on()


def test_a_folder_that_is_gone_is_not_worked_on_and_cannot_be_called_off(folder: JobFolder) -> None:
    folder.call_off()
    assert (folder.is_worked_on(), folder.is_called_off(), folder.path.exists()) == (False, False, False)


def test_what_is_called_off_is_seen(folder: JobFolder) -> None:
    folder.hold()
    assert not folder.is_called_off()
    folder.call_off()
    assert folder.is_called_off()


def test_only_so_many_have_a_place(tmp_path: Path) -> None:
    with slot(tmp_path, 2) as one, slot(tmp_path, 2) as two, slot(tmp_path, 2) as three:
        assert (one, two, three) == (True, True, False)
    with slot(tmp_path, 1) as again:
        assert again


def test_the_size_of_a_folder_is_that_of_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    for name, count in (("x", 5), ("a/y", 7), ("a/b/z", 11)):
        (tmp_path / name).write_bytes(b"." * count)
    assert size_bytes(tmp_path) == 23


def test_a_folder_that_is_not_there_has_no_size(tmp_path: Path) -> None:
    assert size_bytes(tmp_path / "none") == 0


def test_a_lock_cannot_be_taken_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Hold.take(tmp_path / "none" / "lock")


def test_the_room_is_not_counted_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter((1, 2))
    monkeypatch.setattr("zarr_edr.jobs.files.size_bytes", lambda _: next(counts))
    room = Room(tmp_path, 100)
    assert [room.used_bytes(old_s=1000) for _ in range(3)] == [1, 1, 1]
    assert room.used_bytes(old_s=-1) == 2


def test_the_room_is_counted_while_others_use_the_records(manager: JobManager, monkeypatch: pytest.MonkeyPatch) -> None:
    free: list[bool] = []

    def noted(folder: Path) -> int:
        with FileLock(f"{manager.connection}.lock", timeout=0):  # raises where another has it
            free.append(True)
        return 0

    monkeypatch.setattr("zarr_edr.jobs.files.size_bytes", noted)
    manager.submit("p", at_once(), wait=True)
    assert free
