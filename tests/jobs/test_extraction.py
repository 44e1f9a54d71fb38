"""Real extractions as jobs: what is dismissed reads no more, and size is a matter of the disk alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
import zarr
from zarr.storage import LocalStore

from zarr_edr.dataset.cf import describe
from zarr_edr.extract.inputs import Known, read_inputs
from zarr_edr.extract.processor import Extraction
from zarr_edr.jobs import JobManager
from zarr_edr.settings import CollectionSettings
from zarr_edr.testing.cf import write_steps
from zarr_edr.testing.faults import CountingStore, Counts, Fault, FaultyStore, Hold

from .conftest import WAIT_S, ended
from .extract_large import write
from .test_manager import dismiss_elsewhere, dismiss_here

ALL: dict[str, object] = {"longitude": [0, 2, 4, 6] * 2, "latitude": [0] * 4 + [2] * 4}
"""A point in each column of chunks of the stepped store."""


def extraction(path: Path, counts: Counts, *faults: Fault) -> Extraction:
    store = CountingStore(FaultyStore(LocalStore(write_steps(path)), *faults), counts)
    group = zarr.open_group(store, mode="r")
    collection = describe(group, "steps", None, None, CollectionSettings(str(path)))
    counts.reset()
    known = Known({"steps": collection}, (), None)
    return Extraction(read_inputs({"collection": "steps", **ALL, "f": "CSV"}, None, known, None))


def test_each_chunk_of_a_job_is_read_once(manager: JobManager, tmp_path: Path) -> None:
    counts = Counts()
    record = ended(manager, manager.submit("p", extraction(tmp_path / "s.zarr", counts))["identifier"])
    assert record["status"] == "successful"
    assert (len(counts.chunk_gets), set(counts.chunk_gets.values())) == (24, {1})


def test_a_job_tells_how_far_reading_is(manager: JobManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hold, told = Hold(), []
    work = extraction(tmp_path / "s.zarr", Counts(), Fault("v/c/2/1/3", hold))
    monkeypatch.setattr("zarr_edr.jobs.run.Job.progress", lambda _, part: told.append(part))
    hold.release.set()
    ended(manager, manager.submit("p", work)["identifier"])
    assert told == sorted(told)
    assert (told[0] < 1, told[-1]) == (True, 1.0)


@pytest.mark.parametrize("dismiss", [dismiss_here, dismiss_elsewhere])
def test_a_dismissed_job_reads_no_further_chunk(
    manager: JobManager, tmp_path: Path, dismiss: Callable[[JobManager, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zarr_edr.jobs.run.LOOK_S", 0.0)  # so small a store is read between two looks
    counts, hold = Counts(), Hold()
    job_id = manager.submit("p", extraction(tmp_path / "s.zarr", counts, Fault("v/c/", hold)))["identifier"]
    hold.reached.wait(WAIT_S)
    dismiss(manager, job_id)
    before = counts.chunk_gets.total()
    hold.release.set()
    manager._here[0].thread.join(WAIT_S)
    assert (manager._here[0].thread.is_alive(), manager.get_job(job_id)["status"]) == (False, "dismissed")
    assert counts.chunk_gets.total() - before <= 1  # the read under way, counted when it ends


def run_large(path: Path, points: int, f: str) -> tuple[str, int, int]:
    """Status, growth of memory and size of the result, in bytes, of a job in a process of its own."""
    provider = {"type": "edr", "name": "zarr_edr.ZarrEDRProvider", "data": str(path / "large.zarr")}
    config = {"resources": {"large": {"type": "collection", "providers": [provider]}}}
    (path / "config.yml").write_text(yaml.safe_dump(config))
    command = [sys.executable, str(Path(__file__).with_name("extract_large.py")), str(path), str(points), f]
    environment = {**os.environ, "PYGEOAPI_CONFIG": str(path / "config.yml")}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=110, check=True)
    status, growth, size = ran.stdout.split()
    return status, int(growth), int(size)


@pytest.mark.parametrize("f", ["CSV", "NDJSON", "Parquet", "GeoParquet", "Arrow"])
def test_a_large_result_takes_the_memory_of_a_small_one(tmp_path: Path, f: str) -> None:
    write(tmp_path / "large.zarr")
    small, large = run_large(tmp_path, 5_000, f), run_large(tmp_path, 25_000, f)
    assert (small[0], large[0]) == ("successful", "successful")
    assert large[2] > 4 * small[2]
    assert large[1] < small[1] + 40e6, (small, large)
