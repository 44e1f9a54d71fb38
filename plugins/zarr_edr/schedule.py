"""Who runs the tasks of a plan. The same graph gives the same answer on each of them."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import islice
from threading import Semaphore
from typing import TYPE_CHECKING, Protocol

from dask.threaded import get as get_threaded

from zarr_edr.limits import Deadline
from zarr_edr.places import place

if TYPE_CHECKING:
    from zarr_edr.plan import ReadPlan
    from zarr_edr.settings import CollectionSettings

_TASK_BYTES = 4 * 1024**2
"""Decoded bytes that make a task worth its overhead: dask's local schedulers spend some 50 µs on each, decoding 4 MiB takes 2 ms
or more. Smaller chunks share a task."""


_TASKS_PER_THREAD = 8
"""So that threads are done at the same time, about; the end of each task is a struggle for the interpreter's lock."""


class Scheduler(Protocol):
    """Runs independent tasks."""

    def chunks_per_task(self, chunks: int, chunk_bytes: int) -> int:
        """How many of a plan's `chunks` chunks, each of `chunk_bytes` when decoded, to put in one task."""

    def run[T, R](
        self, function: Callable[[T, Deadline | None], R], tasks: Sequence[T], deadline: Deadline
    ) -> tuple[Sequence[R], str]:
        """`function(task, deadline)` of each task, in order, and the name of what ran them. The first error is raised."""


def graph_of[T, R](
    function: Callable[[T, Deadline | None], R],
    tasks: Sequence[T],
    deadline: Deadline | None,
    name: str = "zarr-edr-read",
) -> tuple[dict[str, tuple[object, ...]], list[str]]:
    """A dask graph with one independent task for each of `tasks`, and its keys in order; they start with `name`.

    A cluster takes tasks of one key for one task: there, `name` must be new each time.
    """
    keys = [f"{name}-{number}" for number in range(len(tasks))]
    return {key: (_call, _Opaque(function, task, deadline)) for key, task in zip(keys, tasks, strict=True)}, keys


class _Opaque[T, R]:
    """Holds a task's arguments where dask does not search them for further tasks."""

    __slots__ = ("deadline", "function", "task")

    def __init__(self, function: Callable[[T, Deadline | None], R], task: T, deadline: Deadline | None) -> None:
        self.function, self.task, self.deadline = function, task, deadline


def _call[T, R](opaque: _Opaque[T, R]) -> R:
    return opaque.function(opaque.task, opaque.deadline)


def run_pickled(work: tuple[bytes, float, float], deadline: Deadline | None) -> object:
    """Run a pickled (function, task) on another machine, where a deadline is `work`'s seconds left and seconds allowed.

    Here, and in a pickle of its own, since a cluster's scheduler unpickles the graph around it: to import zarr for that
    would make it deaf for seconds.
    """
    del deadline
    pickled, left_s, allowed_s = work
    function, task = pickle.loads(pickled)  # noqa: S301 - whoever reaches a worker can run code there anyway
    result: object = function(task, Deadline(time.monotonic() + left_s, allowed_s))
    return result


class InlineScheduler:
    """The calling thread, a task after the other: for plans so small that a graph would cost more than the reading.

    dask spends 100 µs on a graph of one task; a point whose chunk is in memory is read in 20.
    """

    def chunks_per_task(self, chunks: int, chunk_bytes: int) -> int:
        """All."""
        del chunk_bytes
        return chunks

    def run[T, R](
        self, function: Callable[[T, Deadline | None], R], tasks: Sequence[T], deadline: Deadline
    ) -> tuple[Sequence[R], str]:
        """See `Scheduler.run`."""
        return [function(task, deadline) for task in tasks], "inline"


class ThreadScheduler:
    """Threads of this process: codecs release the GIL, stores are waited for."""

    def chunks_per_task(self, chunks: int, chunk_bytes: int) -> int:
        """Enough for `_TASK_BYTES`, and for no more than some tasks a thread, but no fewer tasks than there are threads."""
        worth_it = max(1, _TASK_BYTES // max(1, chunk_bytes), chunks // (_TASKS_PER_THREAD * _threads()))
        return max(1, min(worth_it, -(-chunks // _threads())))

    def run[T, R](
        self, function: Callable[[T, Deadline | None], R], tasks: Sequence[T], deadline: Deadline
    ) -> tuple[Sequence[R], str]:
        """See `Scheduler.run`."""
        pid = os.getpid()
        places = _places(pid)

        def in_place(task: T, deadline: Deadline | None) -> R:
            with place(places):
                return function(task, deadline)

        graph, keys = graph_of(in_place, tasks, deadline)
        return get_threaded(graph, keys, pool=_pool(pid)), "threads"


class RemoteScheduler:
    """Threads of this process that wait for object stores more than they decode: one for each parameter of most queries."""

    def chunks_per_task(self, chunks: int, chunk_bytes: int) -> int:
        """As many as for threads or more: a task reads ahead, and neighbours in one task are read together."""
        return max(1, _TASK_BYTES // max(1, chunk_bytes), -(-chunks // _threads()))

    def run[T, R](
        self, function: Callable[[T, Deadline | None], R], tasks: Sequence[T], deadline: Deadline
    ) -> tuple[Sequence[R], str]:
        """See `Scheduler.run`."""
        graph, keys = graph_of(function, tasks, deadline)
        return get_threaded(graph, keys, pool=_remote_pool(os.getpid())), "threads"


_REMOTE_THREADS = 32
"""More than a query has parameters, mostly. What they may read ahead is bounded for all of them together."""


def _threads() -> int:
    """Of those that compute at a time, one for each processor."""
    return max(2, len(os.sched_getaffinity(0)))


_THREADS_PER_PLACE = 4
"""The others wait for a disk, or for a place."""


@lru_cache(maxsize=1)
def _places(pid: int) -> Semaphore:
    """Those of process `pid`, see `places`."""
    del pid
    return Semaphore(_threads())


@lru_cache(maxsize=1)
def _pool(pid: int) -> ThreadPoolExecutor:
    """The pool of process `pid`: threads do not survive the fork that makes a server's worker."""
    return ThreadPoolExecutor(_THREADS_PER_PLACE * _threads(), thread_name_prefix=f"zarr-edr-read-{pid}")


@lru_cache(maxsize=1)
def _remote_pool(pid: int) -> ThreadPoolExecutor:
    """See `_pool`. Of its own, so that who waits for an object store keeps nobody from reading files."""
    return ThreadPoolExecutor(_REMOTE_THREADS, thread_name_prefix=f"zarr-edr-remote-{pid}")


_INLINE, _THREADS, _REMOTE = InlineScheduler(), ThreadScheduler(), RemoteScheduler()


def choose(settings: CollectionSettings, plan: ReadPlan) -> Scheduler:
    """The scheduler for a plan, by the bytes that it decodes and what the settings say of the sizes for which each is there."""
    setting = settings.dask_scheduler
    if setting == "inline":
        return _INLINE
    if setting == "threads":
        return _THREADS
    if setting != "auto" and plan.decoded_bytes >= settings.cluster_from_bytes:
        from zarr_edr.cluster import cluster_at  # noqa: PLC0415 - distributed takes a second to import; few need it

        return cluster_at(setting)
    if plan.chunks <= 1:
        return _INLINE
    small = plan.decoded_bytes < settings.threads_from_bytes
    if plan.remote:
        of_one = len(list(islice(plan.array_reads, 2))) == 1
        return _INLINE if of_one and small else _REMOTE
    return _INLINE if small else _THREADS
