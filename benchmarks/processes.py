"""Servers of a run: started on loopback, ended with it however it ends; what they and others take of the processors."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
START_S = 120
STOP_S = 20
IDLE_CORES = 0.05
"""Below this a server counts as idle."""
_PR_SET_PDEATHSIG = 1


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _end_with_parent() -> None:
    """Have the kernel end this process with the run, even where that is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def running(
    command: Sequence[str],
    log: Path,
    port: int | None = None,
    environment: Mapping[str, str] | None = None,
    start_s: float = START_S,
) -> Iterator[psutil.Process]:
    """A program, ready once it listens on `port`, in a session of its own: Ctrl-C reaches it through the run alone."""
    with log.open("wb") as output:
        started = subprocess.Popen(
            command,
            env=dict(os.environ if environment is None else environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=ROOT,
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  # nothing but a system call
        )
    try:
        if port is not None:
            _await_port(started, port, log, start_s)
        yield psutil.Process(started.pid)
    finally:
        _end(started)


def _end(started: subprocess.Popen[bytes]) -> None:
    """End a program and all that it started."""
    started.terminate()
    try:
        started.wait(STOP_S)
    except subprocess.TimeoutExpired:
        started.kill()
    with suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)  # its session, what is left of it
    started.wait()


def _await_port(started: subprocess.Popen[bytes], port: int, log: Path, start_s: float) -> None:
    give_up = time.monotonic() + start_s
    while time.monotonic() < give_up:
        if started.poll() is not None:
            raise RuntimeError(f"{started.args!r} ended: {log.read_text()[-2000:]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{started.args!r} does not listen after {start_s} s: {log.read_text()[-2000:]}")


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process and all below it."""
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_s(process: psutil.Process) -> float:
    """Processor time of a process and all below it, those included that have ended and were waited for."""
    total = 0.0
    for one in family(process):
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def resident_bytes(process: psutil.Process) -> list[int]:
    """Resident memory of a process and of each below it, the largest first."""
    found = []
    for one in family(process):
        try:
            found.append(one.memory_info().rss)
        except psutil.NoSuchProcess:
            continue
    return sorted(found, reverse=True)


@dataclass(frozen=True, slots=True)
class Server:
    """A system that answers: a port, and the processes behind it."""

    port: int
    processes: tuple[psutil.Process, ...]

    def cpu_s(self) -> float:
        """Processor time it has used."""
        return sum(map(cpu_s, self.processes))

    def await_idle(self, at_most_s: float = 60) -> None:
        """Wait until it has done the work of earlier requests, so that none of it is taken from the next measurement."""
        give_up = time.monotonic() + at_most_s
        while time.monotonic() < give_up:
            before, start = self.cpu_s(), time.monotonic()
            time.sleep(0.2)
            if self.cpu_s() - before < IDLE_CORES * (time.monotonic() - start):
                return

    def resident_bytes(self) -> list[int]:
        """Resident memory of each of its processes, the largest first."""
        return sorted((size for process in self.processes for size in resident_bytes(process)), reverse=True)


class Foreign:
    """Cores that others used meanwhile: processes that are no part of this run, and other machines on the host."""

    def __init__(self) -> None:
        self._me = psutil.Process()
        self._start = self._now()

    def _now(self) -> tuple[float, float, float]:
        return time.monotonic(), busy_s(psutil.cpu_times()), cpu_s(self._me)

    def cores(self) -> float:
        """Mean since this was made."""
        (start, busy, own), (end, busy_now, own_now) = self._start, self._now()
        return max(0.0, (busy_now - busy) - (own_now - own)) / max(1e-9, end - start)


def busy_s(times: psutil._pslinux.scputimes) -> float:
    """Processor seconds of a machine that were not idle, those included that its host took."""
    guests = times.guest + times.guest_nice  # counted in user already
    return float(sum(times) - times.idle - times.iowait - guests)
