"""Plans on a dask cluster; what the cluster does not answer is read by the threads of this process.

The cluster is a means, never a condition: an error that a task raised by intent (`EdrError`) is the answer, everything
else that can happen between here and a worker ends in a fallback. distributed's client notices at once when a
connection ends. It would wait without end for a scheduler or a worker that is stopped or cut off (the socket stays
open), and where there are no workers: these are found by a look at the scheduler twice a second while a plan runs.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import pickle
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Any
from uuid import uuid4

from distributed import Client
from distributed.client import ClosedClientError, FutureCancelledError
from distributed.scheduler import KilledWorker
from zarr.storage import LocalStore

from zarr_edr.errors import EdrError, StoreUnavailable
from zarr_edr.limits import Deadline
from zarr_edr.read import ReadTask
from zarr_edr.schedule import ThreadScheduler, graph_of, run_pickled

_TASK_BYTES = 32 * 1024**2
"""Decoded bytes that make a task worth its overhead: a cluster spends 2 to 4 ms on it,
decoding 32 MiB takes 16 ms or more."""

_CONNECT_S = 1.0
"""Longer than any scheduler in reach takes; a request waits this long when the scheduler is away, once in `RETRY_S`."""

RETRY_S = 10.0
"""How long a cluster that kept a request waiting is left alone, so that not every request pays for finding out."""

_LOOK_S = 0.5
"""Between looks at the scheduler while a plan runs. A plan that is done sooner costs none."""

_NO_WORKERS_S = 1.5
"""How long a scheduler may be without workers; a nanny takes about a second to replace one."""

_SILENT_S = 5.0
"""How long a worker may be silent, and a hundredth more for each worker: ten heartbeats or more of distributed's."""

_REPLY_S = 3.0
"""How long the scheduler may take to say who is there; longer than it is busy with one large graph."""

_CLOSE_S = 1.0
"""How long the end of the process waits for a farewell to the scheduler."""

_LOST = "the connection was lost"

_logger = logging.getLogger(__name__)
logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what it says at every loss is said here, once


@dataclass(slots=True)
class Fallbacks:
    """Plans that were read by threads since the cluster did not do it."""

    value: int = 0
    """Since the process started."""
    last_reason: str | None = None
    _lock: Lock = field(default_factory=Lock, repr=False)

    def count(self, reason: str) -> None:
        """Count one more. From any thread."""
        with self._lock:
            self.value += 1
            self.last_reason = reason


FALLBACKS = Fallbacks()
"""Of this process, all clusters together."""


class _ClusterError(Exception):
    """The cluster did not answer. Never leaves this module."""

    def __init__(self, reason: str, *, waited: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.waited = waited
        """The request waited to find out; the next one should not."""


class _ReadClient(Client):
    """distributed's client, closed by this module only."""

    def __del__(self) -> None:
        """Nothing: the base class would begin to close, in whatever thread or fork this is, and leave it at that."""


class ClusterScheduler:
    """A dask cluster, seen from one process by one client; threads of the process where the cluster fails."""

    def __init__(self, address: str, *, retry_s: float = RETRY_S) -> None:
        self.address = address
        self._retry_s = retry_s
        self._threads = ThreadScheduler()
        self._pid = os.getpid()
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._client: _ReadClient | None = None
        self._paused_until_s = 0.0
        self._pause_reason = ""
        self._told: str | None = None

    def chunks_per_task(self, chunks: int, chunk_bytes: int) -> int:
        """Enough for `_TASK_BYTES`, but no fewer tasks than the cluster has threads."""
        try:
            threads = int(self._connected().scheduler_info().get("total_threads", 0))
        except _ClusterError:
            return self._threads.chunks_per_task(chunks, chunk_bytes)
        worth_it = max(1, _TASK_BYTES // max(1, chunk_bytes))
        return max(1, min(worth_it, -(-chunks // max(1, threads))))

    def run[T, R](
        self, function: Callable[[T, Deadline | None], R], tasks: Sequence[T], deadline: Deadline
    ) -> tuple[Sequence[R], str]:
        """See `schedule.Scheduler.run`. `function` and `tasks` go to the workers as pickles."""
        try:
            results = self._run_there(function, tasks, deadline)
        except _ClusterError as error:
            self._fall_back(error)
            return self._threads.run(function, tasks, deadline)
        if self._told is not None:
            self._told = None
            _logger.warning("Dask cluster at %s: answers again.", self.address)
        return results, "distributed"

    def close(self) -> None:
        """Say goodbye to the scheduler, within `_CLOSE_S`. A later `run` connects anew."""
        if os.getpid() != self._pid:  # a fork of the process: the client is its parent's
            return
        with self._lock:
            loop, client, self._loop, self._client = self._loop, self._client, None, None
        if loop is None:
            return
        atexit.unregister(self.close)
        if client is not None:
            with suppress(TimeoutError, OSError, RuntimeError):
                asyncio.run_coroutine_threadsafe(_close(client), loop).result(_CLOSE_S)
        loop.call_soon_threadsafe(loop.stop)
        if self._thread is not None:
            self._thread.join(_CLOSE_S)

    def _fall_back(self, error: _ClusterError) -> None:
        """Count, leave the cluster alone for a while if it cost time, and say so once for each cause."""
        FALLBACKS.count(error.reason)
        if error.waited:
            self._paused_until_s, self._pause_reason = time.monotonic() + self._retry_s, error.reason
        if self._told != error.reason:
            self._told = error.reason
            _logger.warning("Dask cluster at %s: %s; threads read instead.", self.address, error.reason)

    def _run_there[T, R](
        self, function: Callable[[T, Deadline | None], R], tasks: Sequence[T], deadline: Deadline
    ) -> list[R]:
        client = self._connected()
        deadline.check()
        try:
            pickles = [pickle.dumps((_run_task, (function, task)), protocol=5) for task in tasks]
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise _ClusterError(f"a task cannot be pickled ({type(error).__name__})", waited=False) from error
        work = [(pickled, deadline.remaining_s, deadline.allowed_s) for pickled in pickles]
        graph, keys = graph_of(run_pickled, work, None, name=f"zarr-edr-read-{uuid4().hex}")
        return self._wait_for(_answers(client, graph, keys, deadline))

    def _wait_for[R](self, coroutine: Coroutine[Any, Any, R]) -> R:
        """The result of a coroutine, which bounds its own time, in the loop's thread."""
        loop = self._loop
        try:
            if loop is not None and not loop.is_closed():
                return asyncio.run_coroutine_threadsafe(coroutine, loop).result()
        except CancelledError as error:
            raise _ClusterError(_LOST, waited=False) from error
        coroutine.close()
        raise _ClusterError(_LOST, waited=False)

    def _connected(self) -> _ReadClient:
        """The client, connected. Raises `_ClusterError` where that fails or failed a moment ago."""
        with self._lock:
            if time.monotonic() < self._paused_until_s:
                raise _ClusterError(self._pause_reason, waited=False)
            if self._client is not None and self._client.status == "running":
                return self._client
            if self._loop is None:
                self._loop, self._thread = _start_loop()
                atexit.register(self.close)
            if self._client is not None:
                self._loop.call_soon_threadsafe(_let_go, self._client)
                self._client = None
            try:
                self._client = self._wait_for(_connect(self.address))
            except (OSError, ImportError, ValueError, RuntimeError) as error:
                reason = f"no connection ({type(error).__name__})"
                self._paused_until_s, self._pause_reason = time.monotonic() + self._retry_s, reason
                raise _ClusterError(reason, waited=True) from error
            return self._client


def cluster_at(address: str) -> ClusterScheduler:
    """The cluster at `address` for this process: its client does not survive the fork that makes a server's worker."""
    key = (os.getpid(), address)
    return _CLUSTERS.get(key) or _CLUSTERS.setdefault(key, ClusterScheduler(address))


_CLUSTERS: dict[tuple[int, str], ClusterScheduler] = {}


def _start_loop() -> tuple[asyncio.AbstractEventLoop, Thread]:
    """An event loop for clients, in a thread that never keeps the process from ending."""
    loop = asyncio.new_event_loop()

    def turn() -> None:
        asyncio.set_event_loop(loop)
        loop.run_forever()
        if left := asyncio.all_tasks(loop):
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.wait(left, timeout=0.1))
        loop.close()

    thread = Thread(target=turn, name="zarr-edr-cluster", daemon=True)
    thread.start()
    return loop, thread


async def _connect(address: str) -> _ReadClient:
    client = _ReadClient(address, asynchronous=True, set_as_default=False, timeout=_CONNECT_S)  # type: ignore[no-untyped-call]  # distributed is not typed
    connecting: asyncio.Future[_ReadClient] = asyncio.ensure_future(client)
    # The client's own time-out does not hold where the kernel accepts for a process that is stopped.
    await asyncio.wait({connecting}, timeout=2 * _CONNECT_S)
    if connecting.done():
        return connecting.result()
    _forget(connecting)
    _let_go(client)
    raise TimeoutError


def _let_go(client: _ReadClient) -> None:
    """Close a client without waiting for it. In the loop's thread."""
    _forget(asyncio.ensure_future(_close(client)))


async def _close(client: _ReadClient) -> None:
    await client.close(timeout=_CLOSE_S)  # type: ignore[no-untyped-call]  # distributed is not typed


def _forget(work: asyncio.Future[Any]) -> None:
    """Leave something to end by itself; its error is taken note of, so that asyncio does not log it."""
    work.add_done_callback(lambda done: done.cancelled() or done.exception())


async def _answers(client: _ReadClient, graph: Mapping[str, Any], keys: list[str], deadline: Deadline) -> list[Any]:
    """Results of all tasks. Raises what `Scheduler.run` raises, or `_ClusterError`."""
    try:
        futures = client.get(graph, keys, sync=False)  # type: ignore[no-untyped-call]  # distributed is not typed
    except (OSError, ClosedClientError) as error:  # closed since it was looked at
        raise _ClusterError(_LOST, waited=False) from error
    # Never cancelled: the client lets requests share one gathering of results. It ends when the futures are released.
    work = asyncio.ensure_future(client.gather(futures))  # type: ignore[no-untyped-call]  # distributed is not typed
    watch = asyncio.ensure_future(_watch(client))
    try:
        while not (work.done() or watch.done()):
            deadline.check()
            # Not until the end in one go: a deadline may be called off.
            wait_s = min(deadline.remaining_s + 0.001, _LOOK_S)
            await asyncio.wait({work, watch}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return _result(work)
        raise watch.result()
    finally:
        watch.cancel()
        _forget(work)
        for future in futures:
            future.release()


def _result(work: asyncio.Future[list[Any]]) -> list[Any]:
    """The results, or the error as this package knows it."""
    error = asyncio.CancelledError() if work.cancelled() else work.exception()
    if error is None:
        return work.result()
    if isinstance(error, EdrError):
        raise error
    if isinstance(error, KilledWorker):
        # Whatever ends worker after worker would end this process, too.
        raise StoreUnavailable("Reading was given up, as the processes that did it ended; please try again.") from error
    lost = isinstance(error, FutureCancelledError)
    raise _ClusterError(_LOST if lost else f"a task failed ({type(error).__name__})", waited=False) from error


async def _watch(client: _ReadClient) -> _ClusterError:
    """Return when the cluster can no longer be expected to answer."""
    heard: dict[str, tuple[float, float]] = {}
    manned_s = time.monotonic()
    while True:
        await asyncio.sleep(_LOOK_S)
        try:
            workers = await _workers(client)
        except TimeoutError:
            return _ClusterError("the scheduler is silent", waited=True)
        except (OSError, AttributeError):  # AttributeError: a closed client has no scheduler
            return _ClusterError(_LOST, waited=False)
        now_s = time.monotonic()
        if workers:
            manned_s = now_s
        elif now_s - manned_s >= _NO_WORKERS_S:
            return _ClusterError("the scheduler has no workers", waited=True)
        heard = {name: _last_heard(heard.get(name), worker["last_seen"], now_s) for name, worker in workers.items()}
        if any(now_s - at_s > _SILENT_S + len(workers) / 100 for _, at_s in heard.values()):
            return _ClusterError("a worker is silent", waited=True)


async def _workers(client: _ReadClient) -> Mapping[str, Any]:
    """Address -> what the scheduler knows of a worker."""
    scheduler: Any = client.scheduler
    identity = await asyncio.wait_for(scheduler.identity(n_workers=-1), _REPLY_S)
    workers: Mapping[str, Any] = identity["workers"]
    return workers


def _last_heard(before: tuple[float, float] | None, beat: float, now_s: float) -> tuple[float, float]:
    """A worker's latest heartbeat, on the scheduler's clock, and when it was seen first, on ours."""
    return before if before is not None and before[0] == beat else (beat, now_s)


def _run_task[T, R](work: tuple[Callable[[T, Deadline | None], R], T], deadline: Deadline | None) -> R:
    """Run one task on a worker."""
    function, task = work
    if isinstance(task, ReadTask):
        _must_see(task)
    return function(task, deadline)


def _must_see(task: ReadTask) -> None:
    """Raise `FileNotFoundError` on a machine without the store's files: all its chunks would pass for absent ones."""
    array = task.array.array
    if isinstance(array.store, LocalStore):
        name = ".zarray" if array.metadata.zarr_format == 2 else "zarr.json"
        (array.store.root / array.path / name).stat()
