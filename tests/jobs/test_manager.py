"""A job ends in one of the ways the standard has, says so truthfully, and leaves nothing behind that is of no use."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pygeoapi.process.base import JobNotFoundError, JobResultNotFoundError, ProcessorExecuteError
from pygeoapi.util import JobStatus, RequestedProcessExecutionMode

from zarr_edr.errors import ConfigurationError, Overloaded, StoreUnavailable
from zarr_edr.jobs import JobManager
from zarr_edr.jobs.records import JobRecords, Record
from zarr_edr.limits import Limits
from zarr_edr.testing.cf import write_steps

from .conftest import WAIT_S, Steps, at_once, ended

Maker = Callable[..., JobManager]
ELSEWHERE = """
import sys
from zarr_edr.jobs import JobManager
manager = JobManager({"name": "zarr_edr.jobs.JobManager", "connection": sys.argv[1], "output_dir": sys.argv[2]})
"""


def elsewhere(manager: JobManager, code: str, *arguments: str) -> subprocess.Popen[str]:
    """Another process with a manager of the same jobs, that runs `code`."""
    command = [sys.executable, "-c", ELSEWHERE + code, manager.connection, str(manager.output_dir), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def files_of(manager: JobManager) -> list[Path]:
    """Files of jobs, locks left out."""
    jobs = manager.settings.output_dir / "jobs"
    return [path for path in jobs.rglob("*") if path.is_file() and path.name != "lock"] if jobs.is_dir() else []


def test_a_job_gives_what_its_work_does(manager: JobManager) -> None:
    record = ended(manager, manager.submit("p", at_once())["identifier"])
    assert (record["status"], record["progress"], record["mimetype"]) == ("successful", 100, "text/csv")
    assert manager.result_of(record).read_bytes() == b"piece" * 4
    assert files_of(manager) == [manager.result_of(record)]


def test_every_process_sees_every_job(manager_of: Maker) -> None:
    one, other = manager_of(), manager_of()
    record = ended(other, one.submit("p", at_once())["identifier"])
    assert [job["identifier"] for job in other.get_jobs()["jobs"]] == [record["identifier"]]


def test_ids_cannot_be_guessed(manager: JobManager) -> None:
    assert uuid.UUID(manager.submit("p", at_once())["identifier"]).version == 4


@pytest.mark.parametrize("job_id", ["..", "../jobs.json", "", "*", "x" * 9999, "a" * 36, "\0"])
def test_an_id_that_was_not_given_out_is_not_found(manager: JobManager, job_id: str) -> None:
    for ask in (manager.get_job, manager.delete_job, manager.get_job_result):
        with pytest.raises(JobNotFoundError):
            ask(job_id)


def test_times_of_a_job_follow_each_other(manager: JobManager) -> None:
    record = ended(manager, manager.submit("p", at_once())["identifier"])
    assert record["created"] <= record["started"] <= record["finished"] == record["updated"]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Record]:
    """What is changed in records."""
    changes: list[Record] = []
    change = JobRecords.change

    def noted(records: JobRecords, job_id: str, what: Record, *, only_if: Collection[str]) -> bool:
        changes.append(what)
        return change(records, job_id, what, only_if=only_if)

    monkeypatch.setattr(JobRecords, "change", noted)
    return changes


def test_progress_rises_while_the_job_runs(
    manager: JobManager, monkeypatch: pytest.MonkeyPatch, told: list[Record]
) -> None:
    monkeypatch.setattr("zarr_edr.jobs.run.TELL_S", 0.0)
    ended(manager, manager.submit("p", at_once(count=5))["identifier"])
    assert [change["progress"] for change in told if "progress" in change] == [20, 40, 60, 80, 99, 100]


def test_progress_never_falls(manager: JobManager, monkeypatch: pytest.MonkeyPatch, told: list[Record]) -> None:
    monkeypatch.setattr("zarr_edr.jobs.run.TELL_S", 0.0)
    ended(manager, manager.submit("p", at_once(parts=[0.5, 0.1, 0.7]))["identifier"])
    assert [change["progress"] for change in told if "progress" in change] == [50, 50, 70, 100]


def test_the_record_is_not_written_for_each_step(
    manager: JobManager, monkeypatch: pytest.MonkeyPatch, told: list[Record]
) -> None:
    monkeypatch.setattr("zarr_edr.jobs.run.TELL_S", 1000.0)
    ended(manager, manager.submit("p", at_once(count=500))["identifier"])
    assert len(told) == 3  # it begins, it is at the first step, it ends


# --- failure -------------------------------------------------------------------------------------------------------


def test_a_failure_is_told_with_its_kind_and_status(manager: JobManager) -> None:
    work = at_once(failure=StoreUnavailable("The store did not answer."))
    record = ended(manager, manager.submit("p", work)["identifier"])
    assert (record["status"], record["message"]) == ("failed", "The store did not answer.")
    assert record["failure"] == {"kind": "StoreUnavailable", "http_status": 503}
    assert files_of(manager) == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_is_told_as_one_and_keeps_its_cause_to_the_log(manager: JobManager) -> None:
    record = ended(manager, manager.submit("p", at_once(failure=ValueError("secret path")))["identifier"])
    assert record["status"] == "failed"
    assert "secret" not in str(record)


def test_a_job_over_its_time_fails(manager: JobManager) -> None:
    record = ended(manager, manager.submit("p", Steps(seconds=0.05))["identifier"])
    assert record["failure"] == {"kind": "DeadlineExceeded", "http_status": 504}


def test_a_job_whose_process_was_killed_is_failed(manager: JobManager) -> None:
    folder = str(Path(__file__).parent)
    code = f"""
sys.path.insert(0, {folder!r})
from conftest import Steps
work = Steps()
print(manager.submit("p", work)["identifier"], flush=True)
work.begun.wait()
print("begun", flush=True)
work.go.wait(60)
"""
    with elsewhere(manager, code) as process:
        job_id = process.stdout.readline().strip()  # type: ignore[union-attr]  # a pipe was asked for
        process.stdout.readline()  # type: ignore[union-attr]  # a pipe was asked for
        assert manager.get_job(job_id)["status"] == "running"
        process.kill()
        process.wait(WAIT_S)
    record = manager.get_job(job_id)
    assert (record["status"], record["failure"]["http_status"]) == ("failed", 503)
    assert files_of(manager) == []


def test_a_server_that_stops_ends_its_jobs(manager: JobManager) -> None:
    work = Steps()
    job_id = manager.submit("p", work)["identifier"]
    work.begun.wait(WAIT_S)
    manager.stop()
    record = manager.get_job(job_id)
    assert (record["status"], record["failure"]["http_status"], work.done) == ("failed", 503, 0)


# --- dismissal -----------------------------------------------------------------------------------------------------


def dismiss_here(manager: JobManager, job_id: str) -> None:
    manager.delete_job(job_id)


def dismiss_elsewhere(manager: JobManager, job_id: str) -> None:
    with elsewhere(manager, "manager.delete_job(sys.argv[3])", job_id) as process:
        assert process.wait(WAIT_S) == 0


@pytest.mark.parametrize("dismiss", [dismiss_here, dismiss_elsewhere])
def test_a_dismissed_job_stops(manager: JobManager, dismiss: Callable[[JobManager, str], None]) -> None:
    work = Steps()
    job_id = manager.submit("p", work)["identifier"]
    work.begun.wait(WAIT_S)
    dismiss(manager, job_id)
    assert manager.get_job(job_id)["status"] == "dismissed"
    job = manager._here[0]
    job.thread.join(WAIT_S)
    assert (job.thread.is_alive(), work.done, files_of(manager)) == (False, 0, [])


def test_a_job_that_waits_can_be_dismissed(manager_of: Maker) -> None:
    manager = manager_of(jobs_at_once=1)
    first, second = Steps(), Steps()
    manager.submit("p", first)
    first.begun.wait(WAIT_S)
    job_id = manager.submit("p", second)["identifier"]
    assert manager.get_job(job_id)["status"] == "accepted"
    manager.delete_job(job_id)
    first.go.set()
    manager._here[1].thread.join(WAIT_S)
    assert (manager.get_job(job_id)["status"], second.begun.is_set()) == ("dismissed", False)


def test_a_dismissed_result_is_gone(manager: JobManager) -> None:
    record = ended(manager, manager.submit("p", at_once())["identifier"])
    manager.delete_job(record["identifier"])
    assert files_of(manager) == []
    with pytest.raises(JobResultNotFoundError):
        manager.get_job_result(record["identifier"])


def test_a_dismissed_job_stays_dismissed_though_its_work_ends(manager: JobManager) -> None:
    work = Steps(count=1)
    job_id = manager.submit("p", work)["identifier"]
    work.begun.wait(WAIT_S)
    manager.records.change(job_id, {"status": "dismissed"}, only_if={"running"})
    work.go.set()
    manager._here[0].thread.join(WAIT_S)
    assert (manager.get_job(job_id)["status"], files_of(manager)) == ("dismissed", [])


# --- bounds --------------------------------------------------------------------------------------------------------


def test_no_more_jobs_run_at_once_than_allowed_in_all_processes(manager_of: Maker) -> None:
    one, other = manager_of(jobs_at_once=1), manager_of(jobs_at_once=1)
    first, second = Steps(), at_once()
    one.submit("p", first)
    first.begun.wait(WAIT_S)
    job_id = other.submit("p", second)["identifier"]
    time.sleep(0.5)
    assert not second.begun.is_set()
    first.go.set()
    assert ended(other, job_id)["status"] == "successful"


def test_no_more_jobs_wait_than_allowed(manager_of: Maker) -> None:
    manager = manager_of(jobs_at_once=1, jobs_waiting=1)
    manager.submit("p", Steps())
    manager.submit("p", Steps())
    with pytest.raises(Overloaded, match="2 jobs run or wait"):
        manager.submit("p", Steps())


def test_no_more_jobs_are_kept_than_allowed(manager_of: Maker) -> None:
    manager = manager_of(jobs_kept=1)
    ended(manager, manager.submit("p", at_once())["identifier"])
    with pytest.raises(Overloaded, match="keeps 1 jobs"):
        manager.submit("p", at_once())


def test_a_result_that_takes_more_than_all_the_room_fails(manager_of: Maker) -> None:
    manager = manager_of(results_bytes=1000)
    record = ended(manager, manager.submit("p", at_once(piece=b"x" * 300))["identifier"])
    assert (record["status"], record["failure"]["http_status"], files_of(manager)) == ("failed", 413, [])


def test_a_full_place_takes_no_more_jobs(manager_of: Maker) -> None:
    manager = manager_of(results_bytes=1000)
    ended(manager, manager.submit("p", at_once(piece=b"x" * 250))["identifier"])
    with pytest.raises(Overloaded, match="all the room"):
        manager.submit("p", at_once())


def test_old_jobs_are_forgotten_with_their_results(manager: JobManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zarr_edr.jobs.manager._NEW_S", -1.0)
    record = ended(manager, manager.submit("p", at_once())["identifier"])
    running = manager.submit("p", Steps())["identifier"]
    manager.forget_before(datetime(2999, 1, 1, tzinfo=UTC))
    assert [job["identifier"] for job in manager.get_jobs()["jobs"]] == [running]
    assert [path.name for path in (manager.settings.output_dir / "jobs").iterdir()] == [running]
    assert not Path(record["location"]).exists()


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"output_dir": None}, "output_dir"),
        ({"connection": 7}, "connection"),
        ({"jobs_at_once": 0}, "jobs_at_once"),
        ({"results_bytes": "much"}, "results_bytes"),
        ({"jobs": 7}, "jobs"),
        ({"list_jobs": "no"}, "list_jobs"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_wrong_setting_stops_the_start(manager_of: Maker, settings: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigurationError, match=f"server.manager.{key}`"):
        manager_of(**settings)


def test_jobs_are_listed_only_where_the_operator_says_so(manager_of: Maker) -> None:
    assert not manager_of().settings.list_jobs
    assert manager_of(list_jobs=True).settings.list_jobs


def test_the_list_can_be_filtered_and_paged(manager: JobManager) -> None:
    ids = [manager.submit("p", at_once())["identifier"] for _ in range(3)]
    for job_id in ids:
        ended(manager, job_id)
    manager.delete_job(ids[0])
    found = manager.get_jobs(status=JobStatus.successful, limit=1, offset=1)
    assert ([job["identifier"] for job in found["jobs"]], found["numberMatched"]) == ([ids[1]], 2)


# --- as pygeoapi's own process API uses it ------------------------------------------------------------------------


def stock(manager_of: Maker, processor: str, **block: Any) -> JobManager:
    return manager_of(processes={"p": {"type": "process", "processor": {"name": processor, **block}}})


@pytest.fixture
def extracting(manager_of: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobManager:
    provider = {"type": "edr", "name": "zarr_edr.ZarrEDRProvider", "data": str(write_steps(tmp_path / "steps.zarr"))}
    config = {"resources": {"steps": {"type": "collection", "providers": [provider]}}}
    (tmp_path / "config.yml").write_text(yaml.safe_dump(config))
    monkeypatch.setenv("PYGEOAPI_CONFIG", str(tmp_path / "config.yml"))
    return stock(manager_of, "zarr_edr.extract.ExtractPointsProcessor")


INPUTS: dict[str, Any] = {"collection": "steps", "longitude": [3], "latitude": [1], "datetime": "2000-01-01T02:00Z"}


def test_pygeoapi_gets_the_result_of_an_execution_at_once(extracting: JobManager) -> None:
    job_id, media_type, result, status, _ = extracting.execute_process("p", {**INPUTS, "f": "CSV"})
    assert (media_type, status) == ("text/csv", JobStatus.successful)
    assert result.splitlines()[1].endswith(b",2103.0")
    assert extracting.get_job_result(job_id) == (media_type, result)


def test_pygeoapi_gets_a_job(extracting: JobManager) -> None:
    asynchronous = RequestedProcessExecutionMode.respond_async
    job_id, _, result, status, headers = extracting.execute_process("p", INPUTS, asynchronous)
    assert (result, status, headers) == (None, JobStatus.accepted, {"Preference-Applied": "respond-async"})
    assert ended(extracting, job_id)["status"] == "successful"


@pytest.mark.parametrize(
    "given",
    [
        {"data_dict": {"collection": "nope"}},
        {"data_dict": INPUTS, "subscriber": object()},
        {"data_dict": INPUTS, "requested_response": "document"},
    ],
    ids=["inputs", "subscriber", "response"],
)
def test_pygeoapi_gets_refusals_with_their_status(extracting: JobManager, given: dict[str, Any]) -> None:
    with pytest.raises(ProcessorExecuteError) as refused:
        extracting.execute_process("p", **given)
    assert refused.value.http_status_code == 400


def test_processes_of_others_are_run_as_pygeoapi_runs_them(manager_of: Maker) -> None:
    manager = stock(manager_of, "HelloWorld")
    job_id, _, result, status, _ = manager.execute_process("p", {"name": "there"})
    assert (status, result["value"]) == (JobStatus.successful, "Hello there!")
    assert manager.get_job(job_id)["status"] == "successful"
    assert manager.delete_job(job_id)


def test_no_process_calls_the_urls_of_a_client(manager_of: Maker) -> None:
    with pytest.raises(ProcessorExecuteError, match="subscriber"):
        stock(manager_of, "HelloWorld").execute_process("p", {"name": "there"}, subscriber=object())


# --- posted tables -------------------------------------------------------------------------------------------------

TABLE = b"lon,lat\n1,2\n"


def test_tables_take_their_room_from_that_of_results(manager_of: Maker) -> None:
    tables = manager_of(results_bytes=len(TABLE) + 10).keep_tables("")
    tables.add(TABLE, "text/csv", Limits())
    with pytest.raises(Overloaded, match="all the room"):
        tables.add(TABLE, "text/csv", Limits())
    assert len(list(tables.folder.iterdir())) == 1


def test_tables_whose_time_is_over_go_with_old_jobs(manager: JobManager) -> None:
    tables = manager.keep_tables("")
    tables.add(TABLE, "text/csv", Limits())
    (path,) = tables.folder.iterdir()
    os.utime(path, (0, 0))
    manager.sweep()
    assert list(tables.folder.iterdir()) == []
