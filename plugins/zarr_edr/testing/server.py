"""`zarr-edr serve` as a process of its own, for tests of what clients and operators see."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO


@dataclass(frozen=True)
class Served:
    """A running server."""

    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        """Without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def served(config: Path, *, workers: int = 1, threads: int = 64, folder: Path | None = None) -> Iterator[Served]:
    """A server on a free port, started in `folder`. Raises `RuntimeError` where it does not start."""
    command = [sys.executable, "-m", "zarr_edr", "serve", str(config), "--bind", "127.0.0.1:0"]
    command += ["--workers", str(workers), "--threads", str(threads)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as process:  # noqa: S603  # our own
        log: IO[str] = process.stdout  # type: ignore[assignment]  # a pipe was asked for
        greeting = log.readline()
        rest = Thread(target=log.read)  # a full pipe would stop the server
        rest.start()
        try:
            found = re.search(r"http://[^/\s]+:(\d+)", greeting)
            if found is None:
                raise RuntimeError(f"the server did not start: {greeting}")
            yield Served(process, int(found[1]))
        finally:
            process.terminate()
            process.wait(60)
            rest.join(60)
