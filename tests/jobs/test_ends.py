"""However a job ends, its record says so, nobody holds it, and the disk is free of it."""

from __future__ import annotations

import math
import os
from datetime import UTC, datetime
from errno import ENOSPC
from typing import Any

import pytest

from zarr_edr.jobs import JobManager
from zarr_edr.jobs.files import Hold, JobFolder
from zarr_edr.jobs.records import JobRecords

from .conftest import WAIT_S, Steps, at_once, ended
from .test_manager import files_of


def full_disk(*_: object, **__: object) -> bool:
    raise OSError(ENOSPC, "No space left on device")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends are recorded again at once."""
    monkeypatch.setattr("zarr_edr.jobs.run.RETRY_S", (0.0, 0.0))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("times", "status"), [(1, "successful"), (3, "failed")])
def test_an_end_that_could_not_be_recorded_is_recorded_later(
    manager: JobManager, monkeypatch: pytest.MonkeyPatch, times: int, status: str
) -> None:
    work, change, failures = Steps(), JobRecords.change, iter([full_disk] * times)

    def failing(*given: Any, **more: Any) -> bool:
        return next(failures, change)(*given, **more)

    job_id = manager.submit("p", work)["identifier"]
    work.begun.wait(WAIT_S)
    manager._here[0]._tell_at_s = math.inf  # the first that is recorded is the end
    monkeypatch.setattr(JobRecords, "change", failing)
    work.go.set()
    manager._here[0].thread.join(WAIT_S)
    record = manager.get_job(job_id)
    assert (record["status"], len(files_of(manager))) == (status, status == "successful")
    assert not JobFolder(manager.settings.output_dir / "jobs" / job_id).is_worked_on()


@pytest.mark.usefixtures("impatient")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_job_whose_end_cannot_be_recorded_leaves_no_files_and_is_not_running(
    manager: JobManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Steps()
    job_id = manager.submit("p", work)["identifier"]
    work.begun.wait(WAIT_S)
    monkeypatch.setattr(JobRecords, "change", full_disk)
    work.go.set()
    manager._here[0].thread.join(WAIT_S)
    assert (manager.get_job(job_id)["status"], files_of(manager)) == ("failed", [])
    monkeypatch.undo()
    assert manager.get_job(job_id)["status"] == "failed"


@pytest.mark.parametrize("fails", ["zarr_edr.jobs.manager.JobRecords.add", "zarr_edr.jobs.run.Thread.start"])
def test_a_job_that_cannot_be_taken_on_leaves_nothing_behind(
    manager: JobManager, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    monkeypatch.setattr(fails, full_disk)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="No space left"):
        manager.submit("p", at_once())
    assert len(os.listdir("/proc/self/fd")) == before
    assert (manager.records.all(), list((manager.settings.output_dir / "jobs").iterdir())) == ([], [])


def test_a_job_dismissed_while_it_ends_leaves_no_result(manager: JobManager, monkeypatch: pytest.MonkeyPatch) -> None:
    work, release = Steps(), Hold.release
    job_id = manager.submit("p", work)["identifier"]
    work.begun.wait(WAIT_S)
    job = manager._here[0]

    def dismissed_first(hold: Hold) -> None:
        if hold is job._hold:
            manager.delete_job(job_id)
        release(hold)

    monkeypatch.setattr(Hold, "release", dismissed_first)
    work.go.set()
    job.thread.join(WAIT_S)
    assert (manager.get_job(job_id)["status"], files_of(manager)) == ("dismissed", [])


def test_the_folder_of_a_job_that_is_dismissed_is_swept(manager: JobManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zarr_edr.jobs.manager._NEW_S", -1.0)
    record = ended(manager, manager.submit("p", at_once())["identifier"])
    manager.records.change(record["identifier"], {"status": "dismissed"}, only_if={"successful"})
    manager.forget_before(datetime(2000, 1, 1, tzinfo=UTC))
    assert (manager.get_job(record["identifier"])["status"], files_of(manager)) == ("dismissed", [])
