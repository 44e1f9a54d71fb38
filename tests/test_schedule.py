"""Local schedulers give the same results in the same order, and plans go where their size says."""

from __future__ import annotations

import multiprocessing
import os
from dataclasses import dataclass, replace
from threading import Barrier, current_thread
from typing import cast

import pytest

from zarr_edr.errors import ChunkMissing
from zarr_edr.limits import Deadline
from zarr_edr.plan import ReadPlan
from zarr_edr.schedule import InlineScheduler, Scheduler, ThreadScheduler, choose, graph_of
from zarr_edr.settings import CollectionSettings

SCHEDULERS = [pytest.param(InlineScheduler(), id="inline"), pytest.param(ThreadScheduler(), id="threads")]
MIB = 1024**2


@dataclass
class PlanSize:
    """As much of a plan as choosing needs."""

    chunks: int
    decoded_bytes: int
    remote: bool = False


def chosen(setting: str, chunks: int, decoded_bytes: int) -> str:
    settings = CollectionSettings("s.zarr", dask_scheduler=setting)
    return type(choose(settings, cast(ReadPlan, PlanSize(chunks, decoded_bytes)))).__name__


def double(task: int, deadline: Deadline | None) -> int:
    del deadline
    return 2 * task


def refuse_odd(task: int, deadline: Deadline | None) -> int:
    del deadline
    if task % 2:
        raise ChunkMissing(f"chunk {task}")
    return task


def name_of_thread(task: int, deadline: Deadline | None) -> str:
    del task, deadline
    return current_thread().name


@pytest.mark.parametrize("scheduler", SCHEDULERS)
class TestRun:
    def test_results_are_in_the_order_of_the_tasks(self, scheduler: Scheduler) -> None:
        results, _ = scheduler.run(double, range(100), Deadline.after(30))
        assert list(results) == [2 * number for number in range(100)]

    def test_an_error_is_raised(self, scheduler: Scheduler) -> None:
        with pytest.raises(ChunkMissing, match="chunk 3"):
            scheduler.run(refuse_odd, [0, 2, 3, 4], Deadline.after(30))

    def test_no_task_is_no_result(self, scheduler: Scheduler) -> None:
        assert list(scheduler.run(double, [], Deadline.after(30))[0]) == []

    def test_tasks_get_the_deadline(self, scheduler: Scheduler) -> None:
        deadline = Deadline.after(30)
        results, _ = scheduler.run(lambda _, given: given, [1], deadline)
        assert list(results) == [deadline]

    def test_a_task_may_look_like_a_part_of_a_graph(self, scheduler: Scheduler) -> None:
        results, _ = scheduler.run(lambda task, _: task, [(double, 1), "zarr-edr-read-0"], Deadline.after(30))
        assert list(results) == [(double, 1), "zarr-edr-read-0"]


def test_schedulers_say_their_names() -> None:
    names = [scheduler.run(double, [1], Deadline.after(30))[1] for scheduler in (InlineScheduler(), ThreadScheduler())]
    assert names == ["inline", "threads"]


def test_inline_runs_in_the_calling_thread() -> None:
    assert set(InlineScheduler().run(name_of_thread, [1, 2], Deadline.after(30))[0]) == {current_thread().name}


def test_threads_run_at_the_same_time() -> None:
    both = Barrier(2)
    results, _ = ThreadScheduler().run(lambda _, __: both.wait(20) >= 0, [1, 2], Deadline.after(30))
    assert list(results) == [True, True]


def _names_in_fork(names: multiprocessing.SimpleQueue[set[str]]) -> None:
    names.put(set(ThreadScheduler().run(name_of_thread, [1, 2], Deadline.after(30))[0]))


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_process_gets_threads_of_its_own() -> None:
    ThreadScheduler().run(double, [1, 2], Deadline.after(30))
    context = multiprocessing.get_context("fork")
    names: multiprocessing.SimpleQueue[set[str]] = context.SimpleQueue()
    child = context.Process(target=_names_in_fork, args=(names,))
    child.start()
    child.join(20)
    assert not names.empty()
    assert all(str(child.pid) in name and str(os.getpid()) not in name for name in names.get())


@pytest.mark.parametrize(
    ("chunks", "chunk_bytes", "expected"),
    [(1, MIB, 1), (100, MIB, 4), (10, 100 * MIB, 1), (3, 1, 1), (1000, 4 * MIB, 31), (1000, 0, 250)],
)
def test_small_chunks_share_a_task_but_leave_none_of_four_threads_idle(
    chunks: int, chunk_bytes: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zarr_edr.schedule._threads", lambda: 4)
    assert ThreadScheduler().chunks_per_task(chunks, chunk_bytes) == expected


def test_inline_takes_all_chunks_in_one_task() -> None:
    assert InlineScheduler().chunks_per_task(77, MIB) == 77


class TestChoose:
    @pytest.mark.parametrize(
        ("chunks", "decoded_bytes", "expected"),
        [
            pytest.param(1, 500 * MIB, "InlineScheduler", id="one chunk"),
            pytest.param(50, 8 * MIB - 1, "InlineScheduler", id="less than 8 MiB"),
            pytest.param(50, 8 * MIB, "ThreadScheduler", id="8 MiB"),
        ],
    )
    def test_auto_goes_by_the_work(self, chunks: int, decoded_bytes: int, expected: str) -> None:
        assert chosen("auto", chunks, decoded_bytes) == expected

    def test_the_sizes_are_settings(self) -> None:
        plan = cast(ReadPlan, PlanSize(2, 100))
        settings = CollectionSettings("s.zarr", dask_scheduler="tcp://127.0.0.1:1")
        assert type(choose(replace(settings, threads_from_bytes=100), plan)).__name__ == "ThreadScheduler"
        assert type(choose(replace(settings, cluster_from_bytes=100), plan)).__name__ == "ClusterScheduler"

    @pytest.mark.parametrize(("setting", "expected"), [("inline", "InlineScheduler"), ("threads", "ThreadScheduler")])
    @pytest.mark.parametrize("decoded_bytes", [1, 500 * MIB])
    def test_a_named_one_is_used_whatever_the_work(self, setting: str, expected: str, decoded_bytes: int) -> None:
        assert chosen(setting, 10, decoded_bytes) == expected

    @pytest.mark.parametrize(
        ("decoded_bytes", "expected"),
        [(1, "InlineScheduler"), (64 * MIB - 1, "ThreadScheduler"), (64 * MIB, "ClusterScheduler")],
    )
    def test_a_cluster_gets_what_is_worth_the_way(self, decoded_bytes: int, expected: str) -> None:
        assert chosen("tcp://127.0.0.1:1", 10, decoded_bytes) == expected

    def test_a_cluster_is_one_object_for_its_address(self) -> None:
        plan = cast(ReadPlan, PlanSize(10, 64 * MIB))
        settings = CollectionSettings("s.zarr", dask_scheduler="tcp://127.0.0.1:1")
        assert choose(settings, plan) is choose(settings, plan)


def test_keys_of_a_graph_start_with_the_name_given() -> None:
    graph, keys = graph_of(double, [1, 2], None, name="mine")
    assert keys == list(graph) == ["mine-0", "mine-1"]
