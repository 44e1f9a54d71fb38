"""A manager, and work that tests can watch."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from zarr_edr.jobs import JobManager
from zarr_edr.jobs.records import UNFINISHED, Record
from zarr_edr.limits import Deadline

WAIT_S = 30.0
"""A job that does not end by then fails its test; it does not hang."""


@dataclass
class Steps:
    """Work in steps, each of which waits until it may go on."""

    count: int = 4
    piece: bytes = b"piece"
    media_type: str = "text/csv"
    file_name: str | None = "points.csv"
    seconds: float = 60.0
    go: Event = field(default_factory=Event)
    begun: Event = field(default_factory=Event)
    done: int = 0
    failure: Exception | None = None
    parts: list[float] = field(default_factory=list)
    """What is done after each step; else all steps are alike."""

    def pieces(
        self, deadline: Deadline, spill: Path | None = None, progress: Callable[[float], None] | None = None
    ) -> Generator[bytes]:
        """Pieces that are alike."""
        assert spill is not None
        assert progress is not None
        for part in self.parts or [(step + 1) / self.count for step in range(self.count)]:
            self.begun.set()
            while not self.go.wait(0.02):
                deadline.check()
            if self.failure is not None:
                raise self.failure
            self.done += 1
            progress(part)
            yield self.piece

    def parked(self, path: Path) -> Steps:
        """Itself, with nothing in the file."""
        return self


def at_once(**given: Any) -> Steps:
    """Work that does not wait."""
    steps = Steps(**given)
    steps.go.set()
    return steps


def ended(manager: JobManager, job_id: str) -> Record:
    """The record of a job that is done."""
    until_s = time.monotonic() + WAIT_S
    while (record := manager.get_job(job_id))["status"] in UNFINISHED:
        assert time.monotonic() < until_s, record
        time.sleep(0.02)
    return record


@pytest.fixture
def manager_of(tmp_path: Path) -> Iterator[Callable[..., JobManager]]:
    """Makes managers of one place; each stands for a process of a server."""
    made: list[JobManager] = []

    def make(**settings: Any) -> JobManager:
        places = {"connection": str(tmp_path / "jobs.json"), "output_dir": str(tmp_path / "results")}
        made.append(JobManager({"name": "zarr_edr.jobs.JobManager", **places, **settings}))
        return made[-1]

    yield make
    for manager in made:
        manager.stop()


@pytest.fixture
def manager(manager_of: Callable[..., JobManager]) -> JobManager:
    return manager_of()
