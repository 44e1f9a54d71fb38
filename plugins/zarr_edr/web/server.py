"""`zarr-edr serve`: pygeoapi's Flask application, complete and with every store open, in pre-forked gunicorn workers.

The application is built before the workers are forked: the metadata of the stores is in memory before the first request
and shared between the processes. No thread of a process lives on in its fork, so the engine makes its thread pools, and
dask its own and its connections to a cluster, with the first request that needs them, in the worker.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

from zarr_edr.errors import EdrError, ErrorKind
from zarr_edr.web import memory

if TYPE_CHECKING:
    from flask import Flask

    from zarr_edr.web.config import PreparedConfig

DEFAULT_BIND = "127.0.0.1:5000"
DEFAULT_THREADS = 64
"""Per worker. Most only wait for slow clients; how many requests compute at a time is the engine's business."""
MAX_DEFAULT_WORKERS = 4
REQUEST_LINE_BYTES = 64 * 1024
"""Longest first line of a request: some 3,000 points of a MULTIPOINT. More go into a POST."""
STOP_S = 35
"""Seconds from SIGTERM after which a request still running is given up; above the default of `limits.seconds`."""


class CannotListen(EdrError):
    """The address to serve on is not one, or cannot be had."""

    kind = ErrorKind.CONFIGURATION


def default_workers() -> int:
    """One per processor this process may use, but no more than `MAX_DEFAULT_WORKERS`."""
    return min(MAX_DEFAULT_WORKERS, len(os.sched_getaffinity(0)))


def split_bind(bind: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT` or `[IPV6]:PORT`. Raises `CannotListen`."""
    host, colon, port = bind.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise CannotListen(f"The address {bind[:60]!r} is not HOST:PORT, e.g. {DEFAULT_BIND}.")
    return host.removeprefix("[").removesuffix("]"), int(port)


def listen(bind: str) -> socket.socket:
    """A bound socket, not yet accepting: clients are refused until the stores are open. Raises `CannotListen`."""
    host, port = split_bind(bind)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise CannotListen(f"Cannot serve on {bind}: the host {host[:60]!r} is not known here.") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise CannotListen(f"Cannot serve on {bind}: {_reason(error, port)}.") from error
    return listener


def _reason(error: OSError, port: int) -> str:
    """Why a socket could not be bound, and what would help."""
    if isinstance(error, PermissionError):
        return f"only root may use port {port}; choose one above 1023"
    text = (error.strerror or str(error)).lower()
    return f"{text}; another program serves there, choose another port with --bind" if "in use" in text else text


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn is not typed
    """gunicorn with our settings, none from files or the environment."""

    def __init__(self, app: Flask, settings: Mapping[str, Any]) -> None:
        self._app = app
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Apply the settings."""
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application. What exists now lives on, so the collector need not touch (and copy) it in each worker."""
        gc.collect()
        gc.freeze()
        return self._app


def gunicorn_settings(listener: socket.socket, workers: int, threads: int) -> dict[str, Any]:
    """Settings of gunicorn, each that differs from its default with its reason."""
    shared_memory = Path("/dev/shm")  # noqa: S108  # the heartbeat file must not wait for a disk
    return {
        "bind": f"fd://{listener.fileno()}",
        "workers": workers,
        "threads": threads,
        "worker_class": "zarr_edr.web.worker.PatientWorker",
        "worker_tmp_dir": str(shared_memory) if shared_memory.is_dir() else None,
        "preload_app": True,
        "control_socket_disable": True,  # else a socket in the home directory takes commands
        "forwarder_headers": "",  # else a plain SCRIPT_NAME header moves the application
        "forwarded_allow_ips": "127.0.0.1,::1",  # a proxy on this machine may say https; not the environment's business
        "limit_request_line": REQUEST_LINE_BYTES,
        "limit_request_fields": 64,
        "limit_request_field_size": 8190,
        "keepalive": 15,
        "timeout": 60,  # of the worker's event loop, not of a request
        "graceful_timeout": STOP_S,
        "sendfile": False,  # it would bypass the bounds of the worker's sockets
        "loglevel": "warning",
        "accesslog": None,
    }


def serve(config: Path, bind: str | None = None, workers: int | None = None, threads: int = DEFAULT_THREADS) -> int:
    """Serve a pygeoapi configuration until SIGTERM or SIGINT; returns the exit status of the process.

    SIGHUP ends it while it starts, as where its terminal is closed; later gunicorn starts its workers anew with it.

    Without `bind`, the address is the configuration's `server.bind`, or `DEFAULT_BIND` where it has none.
    Raises `CannotListen` and `ConfigurationError` before anything is served. In the worker processes this returns too,
    when they stop.
    """
    memory.keep_together()
    master = os.getpid()
    before = _end_once()  # until gunicorn sets its own
    workdir = None
    try:
        workdir = Path(tempfile.mkdtemp(prefix="zarr-edr-"))
        bind = bind or _configured_bind(config)
        with listen(bind) as listener:
            prepared, app = _application(config, workdir, _bound_to(bind, listener))
            settings = gunicorn_settings(listener, workers or default_workers(), threads)
            settings["when_ready"] = lambda _: print(_greeting(prepared, settings), flush=True)
            settings["worker_exit"] = lambda server, worker: _stop_jobs(app)  # gunicorn counts them
            listener.detach()  # gunicorn owns the descriptor now
            _Server(app, settings).run()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    finally:
        if os.getpid() == master:
            _set(dict.fromkeys(before, signal.SIG_IGN))
            if workdir is not None:
                shutil.rmtree(workdir, ignore_errors=True)
            _set(before)
    return 0


def _end_once() -> dict[signal.Signals, Any]:
    """Let the first SIGTERM or SIGHUP end this process as `sys.exit` does, unless `nohup` has it ignore SIGHUP.

    A terminal that is closed may send it twice. Returns what was done at them before.
    """

    def end(number: int, frame: object) -> None:
        _set(dict.fromkeys(heard, signal.SIG_IGN))
        sys.exit(0)

    heard = [signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        heard.append(signal.SIGHUP)
    return {number: signal.signal(number, end) for number in heard}


def _set(handlers: Mapping[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _stop_jobs(app: Flask) -> None:
    """Let the jobs of this process end with it."""
    from zarr_edr.web.processes import stop_jobs  # noqa: PLC0415  # imported by `create_app`, as slow as `prepare`

    stop_jobs(app)


def _application(config: Path, workdir: Path, bind: str) -> tuple[PreparedConfig, Flask]:
    """The completed configuration and the application, which reads it while it is imported."""
    from zarr_edr.dataset.remote import before_forks  # noqa: PLC0415  # imports zarr, as `prepare` does
    from zarr_edr.web.config import prepare  # noqa: PLC0415  # seconds; an address in use is told at once

    with before_forks():
        prepared = prepare(config, workdir, bind)
        from zarr_edr.web.app import create_app  # noqa: PLC0415  # as slow as `prepare`, see above

        return prepared, create_app()


def _configured_bind(config: Path) -> str:
    from zarr_edr.web.config import load  # noqa: PLC0415  # as slow as `prepare`, see above

    given = (load(config).get("server") or {}).get("bind") or {}
    host, port = DEFAULT_BIND.split(":")
    host = str(given.get("host", host))
    return f"[{host}]:{given.get('port', port)}" if ":" in host else f"{host}:{given.get('port', port)}"


def _bound_to(bind: str, listener: socket.socket) -> str:
    """`bind` with the port the system chose where it says 0."""
    return f"{bind.rpartition(':')[0]}:{listener.getsockname()[1]}"


def _greeting(prepared: PreparedConfig, settings: Mapping[str, Any]) -> str:
    names = ", ".join(prepared.collections)
    if prepared.processes:
        names += f", and the process{'es' * (len(prepared.processes) > 1)} {', '.join(prepared.processes)},"
    workers = f"{settings['workers']} worker{'s' * (settings['workers'] != 1)}"
    return f"Serving {names} at {prepared.url} with {workers}; Ctrl-C stops."
