"""The files of a job, which tell all processes of the server about it.

A process that works on a job holds a lock on a file of it. The kernel lets go of locks when a process ends, however it ends:
so another process can tell a job that is worked on from one whose process is gone, without process ids, which come again.
"""

from __future__ import annotations

import fcntl
import math
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

COUNT_S = 3.0
"""Seconds for which the size of a folder is taken to be what it was."""


class Hold:
    """A lock on a file, between processes and between threads, until `release`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> Hold | None:
        """The lock, or None where another holds it, now."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    def release(self) -> None:
        """Let go."""
        os.close(self._descriptor)


@dataclass(frozen=True, slots=True)
class JobFolder:
    """The folder of one job."""

    path: Path

    @property
    def result(self) -> Path:
        """The result; complete where it exists."""
        return self.path / "result"

    @property
    def part(self) -> Path:
        """The result while it is written."""
        return self.path / "result.part"

    @property
    def inputs(self) -> Path:
        """What the job was asked for, while it waits."""
        return self.path / "inputs"

    @property
    def spill(self) -> Path:
        """Intermediate values."""
        return self.path / "spill"

    @property
    def _dismissed(self) -> Path:
        return self.path / "dismissed"

    @property
    def _lock(self) -> Path:
        return self.path / "lock"

    def hold(self) -> Hold | None:
        """Begin to work on the job; None where another does."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Hold.take(self._lock)

    def is_worked_on(self) -> bool:
        """Whether a process works on the job."""
        try:
            hold = Hold.take(self._lock)
        except FileNotFoundError:  # without its folder nothing can be done for it
            return False
        if hold is not None:
            hold.release()
        return hold is None

    def call_off(self) -> None:
        """Tell the process that works on the job to stop."""
        if self.path.is_dir():
            self._dismissed.touch(mode=0o600)

    def is_called_off(self) -> bool:
        """Whether it has been told to."""
        return self._dismissed.exists()

    def age_s(self) -> float:
        """Seconds since something was added to or taken from it; 0 where it is not there."""
        try:
            return time.time() - self.path.stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def empty(self) -> None:
        """Remove what takes room: all but what other processes look for."""
        for path in (self.result, self.part, self.inputs):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.spill, ignore_errors=True)

    def remove(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.path, ignore_errors=True)


class Room:
    """How much a folder holds, counted now and then: a walk of many files takes a while."""

    def __init__(self, folder: Path, allowed_bytes: int) -> None:
        self.allowed_bytes = allowed_bytes
        self._folder = folder
        self._counted_s, self._bytes = -math.inf, 0

    def used_bytes(self, *, old_s: float = COUNT_S) -> int:
        """Bytes of its files, as they were `old_s` seconds ago or later."""
        now_s = time.monotonic()
        if now_s - self._counted_s > old_s:
            self._counted_s = now_s  # first: other threads have no need to count, too
            self._bytes = size_bytes(self._folder)
        return self._bytes


def size_bytes(folder: Path) -> int:
    """Bytes of all files below a folder, those that vanish meanwhile left out."""
    return sum(entry.stat(follow_symlinks=False).st_size for entry in _files(folder))


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _files(Path(entry.path))
                elif _exists(entry):
                    yield entry
    except FileNotFoundError:
        return


def _exists(entry: os.DirEntry[str]) -> bool:
    """Whether a file is still there; its size is remembered by that."""
    try:
        entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


@contextmanager
def slot(folder: Path, count: int) -> Iterator[bool]:
    """One of `count` places at work, which all processes share; False where none is free now."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    holds = (Hold.take(folder / f"slot-{number}") for number in range(count))
    hold = next((hold for hold in holds if hold is not None), None)
    try:
        yield hold is not None
    finally:
        if hold is not None:
            hold.release()
