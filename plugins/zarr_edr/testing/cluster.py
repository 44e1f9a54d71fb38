"""dask's processes on loopback, and tasks to send them: a worker must be able to import what it runs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import IO, Any, NoReturn

from zarr_edr.limits import Deadline

_LOOPBACK = ("--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")
"""`--no-dashboard` alone leaves an HTTP server on all interfaces."""


def free_port() -> int:
    """A port of loopback on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def dask_scheduler(port: int, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """A `dask scheduler` that is ready; `settings` are further environment variables."""
    with _process("Scheduler at", "scheduler", *_LOOPBACK, "--port", str(port), **settings) as process:
        yield process


@contextmanager
def dask_worker(address: str, *, threads: int = 2) -> Iterator[subprocess.Popen[str]]:
    """A `dask worker` of one process, without a nanny, that has registered."""
    options = ("--no-nanny", "--nthreads", str(threads))
    with _process("Registered to", "worker", address, *_LOOPBACK, *options) as process:
        yield process


@contextmanager
def _process(ready: str, *arguments: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "dask", *arguments]
    environment = {**os.environ, **settings}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:  # noqa: S603  # a command of our own
        log: IO[str] = process.stderr  # type: ignore[assignment]  # a pipe was asked for
        drain = Thread(target=_drain, args=(log,))
        try:
            if not any(ready in line for line in log):
                raise RuntimeError(f"dask {arguments[0]} did not start")
            drain.start()
            yield process
        finally:
            process.kill()
            if drain.ident is not None:
                drain.join()


def _drain(lines: IO[str]) -> None:
    for _ in lines:
        pass


def double(task: int, deadline: Deadline | None) -> int:
    """Twice the task."""
    del deadline
    return 2 * task


def left_s(task: int, deadline: Deadline | None) -> float:
    """Seconds left of the deadline, where the task runs."""
    del task
    return float("inf") if deadline is None else deadline.remaining_s


def until_gone(folder: str, deadline: Deadline | None) -> str:
    """In a worker: leave a file in `folder`, run until the deadline. In the process `server` there names: answer."""
    if os.getpid() == int(Path(folder, "server").read_text()):
        return "answered"
    Path(folder, str(os.getpid())).touch()
    while deadline is None or deadline.remaining_s > 0:
        time.sleep(0.01)
    return "waited"


def end_worker(task: int, deadline: Deadline | None) -> NoReturn:
    """End the process, as damaged bytes can with a codec."""
    del task, deadline
    os._exit(1)


class OnlyHere:
    """A task that can be sent, but not received."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _refuse, ()


def _refuse() -> NoReturn:
    raise ImportError("not installed here")


def where_is(task: OnlyHere, deadline: Deadline | None) -> int:
    """The process in which the task runs."""
    del task, deadline
    return os.getpid()
