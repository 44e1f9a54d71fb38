"""Jobs on a server of two processes: each of them answers for the jobs of both."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import requests
import xarray as xr
import yaml

from zarr_edr.jobs.records import UNFINISHED, JobRecords
from zarr_edr.testing.server import Served, served

pytestmark = pytest.mark.xdist_group("server")

N_TIMES = 20_000
POINTS = 5_000
"""With all times: 100 million values, minutes of work."""
WAIT_S = 60.0
"""A bound on being alive, not a promise of speed."""
FEW: dict[str, Any] = {"collection": "long", "longitude": [0.2, 1, 0], "latitude": [0, 1.4, 1], "f": "CSV"}
MANY = {"collection": "long", "longitude": [0.5] * POINTS, "latitude": [1] * POINTS, "f": "CSV"}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("jobs")
    values = np.random.default_rng(3).normal(280, 10, (N_TIMES, 2, 2)).astype("f4")
    coordinates = {
        "time": ("time", np.arange(N_TIMES), {"units": "hours since 2000-01-01", "standard_name": "time"}),
        "lat": ("lat", [0.0, 1.0], {"units": "degrees_north"}),
        "lon": ("lon", [0.0, 1.0], {"units": "degrees_east"}),
    }
    dataset = xr.Dataset({"v": (("time", "lat", "lon"), values, {"units": "K"})}, coordinates)
    dataset.to_zarr(folder / "long.zarr", zarr_format=3, consolidated=False)
    provider = {"type": "edr", "name": "zarr_edr.ZarrEDRProvider", "data": str(folder / "long.zarr")}
    process = {"type": "process", "processor": {"name": "zarr_edr.extract.ExtractPointsProcessor"}}
    manager = {
        "name": "zarr_edr.jobs.JobManager",
        "connection": str(folder / "jobs.json"),
        "output_dir": str(folder / "results"),
        "list_jobs": True,
    }
    resources = {"long": {"type": "collection", "providers": [provider]}, "extract-points": process}
    path = folder / "config.yml"
    path.write_text(yaml.safe_dump({"server": {"manager": manager}, "resources": resources}, sort_keys=False))
    return path


@pytest.fixture(scope="module")
def server(config: Path) -> Iterator[Served]:
    with served(config, workers=2, folder=config.parent) as running:
        yield running


def execute(server: Served, inputs: dict[str, Any], **headers: str) -> requests.Response:
    url = f"{server.url}/processes/extract-points/execution"
    answered = requests.post(url, json={"inputs": inputs}, headers=headers, timeout=WAIT_S)
    answered.raise_for_status()
    return answered


def submit(server: Served, inputs: dict[str, Any]) -> str:
    """URL of a new job."""
    return f"{server.url}/jobs/{execute(server, inputs, Prefer='respond-async').json()['jobID']}"


def status(job: str) -> dict[str, Any]:
    """By a connection of its own, so that either process may answer."""
    found: dict[str, Any] = requests.get(job, timeout=WAIT_S).json()
    return found


def await_status(job: str, *states: str) -> dict[str, Any]:
    until_s = time.monotonic() + WAIT_S
    while (found := status(job))["status"] not in states:
        assert time.monotonic() < until_s, found
        time.sleep(0.05)
    return found


def test_a_job_gives_the_result_of_an_execution_at_once(server: Served) -> None:
    job = submit(server, FEW)
    assert await_status(job, "successful", "failed")["status"] == "successful"
    result = requests.get(f"{job}/results", timeout=WAIT_S)
    assert result.headers["Content-Type"] == "text/csv"
    assert result.content == execute(server, FEW).content


def test_all_processes_know_all_jobs(server: Served) -> None:
    jobs = {submit(server, FEW).rsplit("/", 1)[-1] for _ in range(4)}
    for _ in range(8):
        listed = requests.get(f"{server.url}/jobs", timeout=WAIT_S).json()["jobs"]
        assert jobs <= {job["jobID"] for job in listed}


def test_progress_of_a_running_job_rises(server: Served) -> None:
    job = submit(server, MANY)
    await_status(job, "running")
    seen = [status(job)["progress"]]
    until_s = time.monotonic() + WAIT_S
    while len(set(seen)) < 3 and time.monotonic() < until_s:
        seen.append(status(job)["progress"])
        time.sleep(0.05)
    requests.delete(job, timeout=WAIT_S)
    assert seen == sorted(seen)
    assert len(set(seen)) == 3


@pytest.mark.parametrize("attempt", range(3))
def test_a_dismissed_job_stops_whichever_process_runs_it(server: Served, config: Path, attempt: int) -> None:
    job = submit(server, MANY)
    await_status(job, "running")
    assert requests.delete(job, timeout=WAIT_S).json()["status"] == "dismissed"
    folder = config.parent / "results/jobs" / job.rsplit("/", 1)[-1]
    until_s = time.monotonic() + WAIT_S
    while folder.exists():  # as long as its process works on it
        assert time.monotonic() < until_s
        time.sleep(0.05)
    assert status(job)["status"] == "dismissed"


def test_a_server_that_stops_does_not_wait_for_its_jobs(config: Path) -> None:
    with served(config, workers=2, folder=config.parent) as server:
        job = submit(server, MANY)
        await_status(job, "running")
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(
            60
        )  # a bound on a stalled disk: a job that is killed, since it does not end, stays `running`
    record = JobRecords(config.parent / "jobs.json").get(job.rsplit("/", 1)[-1])
    assert record is not None
    assert record["status"] == "failed"


def test_jobs_of_a_server_that_was_killed_are_failed_in_the_next(config: Path) -> None:
    with served(config, workers=1, folder=config.parent) as killed:
        job = submit(killed, MANY)
        await_status(job, "running")
        for child in psutil.Process(killed.process.pid).children():
            child.kill()
        killed.process.kill()
        killed.process.wait(20)
    with served(config, workers=1, folder=config.parent) as server:
        listed = requests.get(f"{server.url}/jobs", timeout=WAIT_S).json()["jobs"]
    assert [found["status"] for found in listed if found["jobID"] == job.rsplit("/", 1)[-1]] == ["failed"]
    assert not UNFINISHED & {found["status"] for found in listed}
