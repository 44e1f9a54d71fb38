"""A real scheduler and real workers on loopback: the same answer from each, and an answer without any."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

from zarr_edr import schedule
from zarr_edr.cluster import FALLBACKS, ClusterScheduler, cluster_at
from zarr_edr.dataset.model import Collection
from zarr_edr.encode import encoder_for
from zarr_edr.engine import Answer, answer
from zarr_edr.errors import ChunkMissing, DeadlineExceeded, StoreUnavailable
from zarr_edr.limits import Deadline, StoppableDeadline
from zarr_edr.query.request import build_query
from zarr_edr.settings import MissingChunks
from zarr_edr.testing.cf import collection_at, write_steps
from zarr_edr.testing.cluster import (
    OnlyHere,
    dask_scheduler,
    dask_worker,
    double,
    end_worker,
    free_port,
    left_s,
    until_gone,
    where_is,
)

pytestmark = pytest.mark.timeout(240)
HERE = os.getpid()
MIB = 1024**2


@pytest.fixture(scope="module")
def processes() -> Iterator[tuple[str, subprocess.Popen[str], subprocess.Popen[str]]]:
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    with dask_scheduler(port) as scheduler, dask_worker(address) as worker:
        yield address, scheduler, worker
        cluster_at(address).close()  # else its client looks for the scheduler for as long as other tests run


@pytest.fixture(scope="module")
def address(processes: tuple[str, object, object]) -> str:
    return processes[0]


@pytest.fixture(scope="module")
def cluster(address: str) -> Iterator[ClusterScheduler]:
    cluster = ClusterScheduler(address)
    yield cluster
    cluster.close()


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    return write_steps(tmp_path / "steps.zarr")


def ask(of: Collection, scheduler: str) -> Answer:
    """The answer; where `scheduler` is a cluster, it gets every plan."""
    of = replace(of, settings=replace(of.settings, dask_scheduler=scheduler, cluster_from_bytes=1))
    query = build_query("position", {"coords": "MULTIPOINT((0 0),(7 3),(3.2 1),(0 0),(99 0))"}, of)
    return answer(query, of, encoder_for(None))


class TestAnswers:
    def test_are_the_same_to_the_byte_whatever_ran_the_plan(self, steps: Path, address: str) -> None:
        answers = [ask(collection_at(steps), scheduler) for scheduler in ("inline", "threads", address)]
        assert [a.stats.scheduler for a in answers] == ["inline", "threads", "distributed"]
        assert len({a.whole() for a in answers}) == 1

    def test_count_what_the_workers_read(self, steps: Path, address: str) -> None:
        here, there = (ask(collection_at(steps), scheduler).stats for scheduler in ("inline", address))
        assert replace(there, scheduler="inline") == here

    def test_a_chunk_missing_on_a_worker_is_the_same_error(self, steps: Path, address: str) -> None:
        (steps / "v/c/0/0/0").unlink()
        errors = []
        for scheduler in ("inline", address):
            with pytest.raises(ChunkMissing) as caught:
                ask(collection_at(steps, missing_chunks=MissingChunks.ERROR), scheduler)
            errors.append(caught.value.message)
        assert errors[0] == errors[1]

    def test_a_worker_that_does_not_see_the_store_is_not_believed(self, steps: Path, address: str) -> None:
        collection = collection_at(steps)
        steps.rename(steps.with_name("elsewhere"))
        with pytest.raises(StoreUnavailable):  # nor is this process, which does not see it either
            ask(collection, address)
        assert FALLBACKS.last_reason == "a task failed (FileNotFoundError)"


class TestRun:
    def test_results_are_in_the_order_of_the_tasks(self, cluster: ClusterScheduler) -> None:
        assert cluster.run(double, range(30), Deadline.after(30)) == ([2 * n for n in range(30)], "distributed")

    def test_equal_tasks_of_two_requests_are_run_twice(self, cluster: ClusterScheduler) -> None:
        first, second = (cluster.run(left_s, [1], Deadline.after(seconds))[0][0] for seconds in (60, 30))
        assert first > 30 > second

    def test_the_deadline_goes_along(self, cluster: ClusterScheduler) -> None:
        assert 0 < cluster.run(left_s, [1], Deadline.after(30))[0][0] <= 30

    def test_the_deadline_ends_the_wait(self, cluster: ClusterScheduler, tmp_path: Path) -> None:
        (tmp_path / "server").write_text(str(HERE))
        with pytest.raises(DeadlineExceeded, match=r"0\.5 s"):
            cluster.run(until_gone, [str(tmp_path)] * 2, Deadline.after(0.5))

    def test_work_that_is_called_off_is_not_waited_for(self, cluster: ClusterScheduler, tmp_path: Path) -> None:
        (tmp_path / "server").write_text(str(HERE))
        looks = iter([None, None, OSError("called off")])

        def look() -> None:
            if (error := next(looks)) is not None:
                raise error

        with pytest.raises(OSError, match="called off"):
            cluster.run(until_gone, [str(tmp_path)] * 2, StoppableDeadline(time.monotonic() + 30, 30, look))

    def test_requests_of_several_threads_share_the_client(self, cluster: ClusterScheduler) -> None:
        results: dict[int, object] = {}

        def request(n: int) -> None:
            results[n] = cluster.run(double, [n, n + 1], Deadline.after(30))

        threads = [Thread(target=request, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == {n: ([2 * n, 2 * n + 2], "distributed") for n in range(8)}

    def test_a_function_that_cannot_be_sent_runs_here(self, cluster: ClusterScheduler) -> None:
        results, ran_on = cluster.run(lambda task, _: task, [1], Deadline.after(30))
        assert (list(results), ran_on) == ([1], "threads")

    def test_a_task_that_cannot_be_received_runs_here(self, cluster: ClusterScheduler) -> None:
        results, ran_on = cluster.run(where_is, [OnlyHere()], Deadline.after(30))
        assert (list(results), ran_on) == ([HERE], "threads")


@pytest.mark.parametrize(
    ("chunks", "chunk_bytes", "expected"),
    [(1000, MIB, 32), (10, MIB, 5), (1, MIB, 1), (1000, 100 * MIB, 1), (5, 0, 3)],
)
def test_tasks_are_large_but_enough_for_all_worker_threads(
    cluster: ClusterScheduler, chunks: int, chunk_bytes: int, expected: int
) -> None:
    assert cluster.chunks_per_task(chunks, chunk_bytes) == expected


def test_all_sockets_listen_on_loopback_only(
    cluster: ClusterScheduler, processes: tuple[str, subprocess.Popen[str], subprocess.Popen[str]]
) -> None:
    cluster.run(double, [1], Deadline.after(30))
    pids = (HERE, processes[1].pid, processes[2].pid)
    sockets = [c for pid in pids for c in psutil.Process(pid).net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert {c.laddr.ip for c in sockets} == {"127.0.0.1"}


def test_the_client_does_not_listen(cluster: ClusterScheduler) -> None:
    program = (
        "import sys, psutil\n"
        ""
        "from zarr_edr.cluster import cluster_at\n"
        "from zarr_edr.limits import Deadline\n"
        "from zarr_edr.testing.cluster import double\n"
        "print(cluster_at(sys.argv[1]).run(double, [4], Deadline.after(30)))\n"
        "print([c for c in psutil.Process().net_connections('inet') if c.status == 'LISTEN'])\n"
    )
    assert output_of(program, cluster.address) == ("([8], 'distributed')\n[]\n", "", 0)


def output_of(program: str, *arguments: str) -> tuple[str, str, int]:
    """What a Python process prints and complains about, and its exit code."""
    command = [sys.executable, "-X", "dev", "-W", "ignore::DeprecationWarning", "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout, done.stderr, done.returncode


def test_a_process_ends_in_silence_while_its_scheduler_is_stopped() -> None:
    program = (
        "import sys, os, signal\n"
        "from zarr_edr.cluster import cluster_at\n"
        "from zarr_edr.limits import Deadline\n"
        "from zarr_edr.testing.cluster import double\n"
        "print(cluster_at(sys.argv[1]).run(double, [4], Deadline.after(30)))\n"
        "os.kill(int(sys.argv[2]), signal.SIGSTOP)\n"
    )
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    with dask_scheduler(port) as scheduler, dask_worker(address):
        assert output_of(program, address, str(scheduler.pid)) == ("([8], 'distributed')\n", "", 0)


def when_running(path: Path, act: Any) -> Thread:
    """Call `act()` as soon as a worker has begun a task of `until_gone`."""

    def watch() -> None:
        while len(list(path.iterdir())) < 2:
            time.sleep(0.01)
        act()

    (path / "server").write_text(str(HERE))
    thread = Thread(target=watch)
    thread.start()
    return thread


class TestLoss:
    """Each test has processes of its own, to stop and to end."""

    @pytest.fixture
    def port(self) -> int:
        return free_port()

    @pytest.fixture
    def cluster(self, port: int) -> Iterator[ClusterScheduler]:
        cluster = ClusterScheduler(f"tcp://127.0.0.1:{port}", retry_s=0)
        yield cluster
        cluster.close()

    def test_of_the_scheduler_is_bridged_until_it_is_back(self, port: int, cluster: ClusterScheduler) -> None:
        ran_on, before = [], FALLBACKS.value
        for _ in range(2):
            with dask_scheduler(port), dask_worker(cluster.address):
                ran_on.append(cluster.run(double, [1, 2], Deadline.after(30)))
            results, name = cluster.run(double, [1, 2], Deadline.after(30))
            ran_on.append((list(results), name))
        assert ran_on == [([2, 4], "distributed"), ([2, 4], "threads")] * 2
        assert FALLBACKS.value == before + 2

    @pytest.mark.parametrize(
        ("victim", "sent", "reason"),
        [
            ("scheduler", signal.SIGKILL, "the connection was lost"),
            ("scheduler", signal.SIGTERM, "the connection was lost"),
            ("scheduler", signal.SIGSTOP, "the scheduler is silent"),
            ("worker", signal.SIGKILL, "the scheduler has no workers"),
            ("worker", signal.SIGSTOP, "a worker is silent"),
        ],
    )
    def test_in_the_midst_is_answered(
        self, port: int, cluster: ClusterScheduler, tmp_path: Path, victim: str, sent: int, reason: str
    ) -> None:
        with dask_scheduler(port) as scheduler, dask_worker(cluster.address) as worker:
            process = scheduler if victim == "scheduler" else worker
            killer = when_running(tmp_path, lambda: process.send_signal(sent))
            results, ran_on = cluster.run(until_gone, [str(tmp_path)] * 3, Deadline.after(60))
            killer.join()
        assert (list(results), ran_on, FALLBACKS.last_reason) == (["answered"] * 3, "threads", reason)

    def test_of_one_worker_of_two_is_made_good_by_the_other(self, port: int, cluster: ClusterScheduler) -> None:
        with ExitStack() as stack:
            stack.enter_context(dask_scheduler(port))
            first, _ = (stack.enter_context(dask_worker(cluster.address)) for _ in range(2))
            cluster.run(double, [1], Deadline.after(30))
            first.kill()
            assert cluster.run(double, range(50), Deadline.after(60)) == ([2 * n for n in range(50)], "distributed")

    def test_of_workers_one_after_another_is_not_tried_here(self, port: int, cluster: ClusterScheduler) -> None:
        settings = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
        with dask_scheduler(port, **settings), dask_worker(cluster.address), pytest.raises(StoreUnavailable):
            cluster.run(end_worker, [1], Deadline.after(30))

    def test_is_logged_once_and_counted_each_time(
        self, cluster: ClusterScheduler, caplog: pytest.LogCaptureFixture
    ) -> None:
        before = FALLBACKS.value
        for _ in range(3):
            cluster.run(double, [1], Deadline.after(30))
        assert FALLBACKS.value == before + 3
        assert [(r.levelname, r.exc_info) for r in caplog.records if r.name == "zarr_edr.cluster"] == [
            ("WARNING", None)
        ]

    def test_is_not_looked_into_again_for_a_while(self, port: int, cluster: ClusterScheduler) -> None:
        patient = ClusterScheduler(cluster.address, retry_s=1000)
        patient.run(double, [1], Deadline.after(30))
        with dask_scheduler(port), dask_worker(cluster.address):
            assert patient.run(double, [1], Deadline.after(30))[1] == "threads"
        patient.close()

    def test_for_want_of_workers_keeps_no_second_request_waiting(self, port: int, cluster: ClusterScheduler) -> None:
        patient = ClusterScheduler(cluster.address, retry_s=1000)
        with dask_scheduler(port):
            patient.run(double, [1], Deadline.after(30))
            with dask_worker(cluster.address):
                assert patient.run(double, [1], Deadline.after(30))[1] == "threads"
        assert FALLBACKS.last_reason == "the scheduler has no workers"
        patient.close()

    def test_is_met_with_tasks_for_threads(self, cluster: ClusterScheduler) -> None:
        assert cluster.chunks_per_task(1000, MIB) == schedule.ThreadScheduler().chunks_per_task(1000, MIB)


def test_one_address_has_one_cluster_in_a_process() -> None:
    assert cluster_at("tcp://127.0.0.1:1") is cluster_at("tcp://127.0.0.1:1")
