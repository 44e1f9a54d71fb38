"""One workload on one store, all systems in turn: first every answer is looked at, then times are taken, round by round."""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from benchmarks import oracle, stores
from benchmarks.client import Connection, Response, answers
from benchmarks.load import Clients, Item, Window
from benchmarks.processes import Foreign, Server
from benchmarks.questions import Grid, Question
from benchmarks.results import ROUNDS, Latency, Rate, Row
from benchmarks.systems.base import System, coverage_cells
from benchmarks.workloads import Workload

CHECK_EVERY = 50
"""Of the questions asked under load, each so many-th is compared with the array."""
MAX_LATENCIES = 99
WINDOW_ANSWERS = 3
"""A window lasts at least so many answers for each client."""
MAX_WINDOW_S = 12.0
SLOW_S = 3.0
"""A system whose first answer took longer is asked no second one before times are taken."""


@dataclass(slots=True)
class Bench:
    """What a run has running."""

    systems: Sequence[System]
    servers: Mapping[str, Server]
    clients: Clients
    seconds: float
    """Shortest window; latencies of one system take about as long, over all rounds."""


def ask(grid: Grid, workload: Workload) -> list[Question]:
    """The questions of a workload; cold ones are each in a chunk of their own."""
    if workload.kind != "position":
        return grid.boxes(workload.kind, workload.points, workload.times or 1, workload.questions)
    if workload.cold:
        return grid.apart(workload.questions)
    count = max(20, min(workload.questions, 1_000_000 // workload.points))
    return grid.questions(workload.points, workload.times, count)


def look(system: System, grid: Grid, question: Question, found: Sequence[Response]) -> None:
    """Compare an answer with the array. Raises `WrongAnswer`."""
    if question.kind == "position":
        values = np.concatenate([system.decode(response.body) for response in found])
        oracle.check(values, oracle.expected(grid, question), system.name)
    else:
        oracle.check_cells(grid, question, coverage_cells(found[0].body), system.name)


@dataclass(slots=True)
class _Found:
    """What one system did so far."""

    system: System
    following: int = 2
    """The next question of single answers. The first two are asked for verification."""
    rounds: list[tuple[float, ...]] = field(default_factory=list)
    """Milliseconds of single answers; none in a round that failed."""
    size: int = 0
    requests: int = 0
    windows: dict[int, list[Window | None]] = field(default_factory=dict)
    """Number of clients -> a window of each round, None where it failed."""

    @property
    def usual_s(self) -> float:
        """How long a single answer takes."""
        return statistics.median(itertools.chain.from_iterable(self.rounds)) / 1e3


class Measurement:
    """A workload on a store. Each round asks all systems that can answer such questions, each of which has its turn."""

    def __init__(self, bench: Bench, workload: Workload, grid: Grid) -> None:
        self._bench, self._workload, self._grid = bench, workload, grid
        self._questions = ask(grid, workload)
        self._found: list[_Found] | None = None
        self._failures: list[str] = []
        self._foreign: list[float] = []

    def round(self, number: int) -> None:
        """Measure once; the systems begin with another one each time."""
        foreign = Foreign()
        if not self._workload.cold:
            stores.read_pages(self._grid.store.path)
        if self._found is None:
            able = [system for system in self._bench.systems if system.can(self._questions[0])]
            self._found = [_Found(system) for system in able if self._verified(system)]
        begin = number % max(1, len(self._found))
        turns = self._found[begin:] + self._found[:begin]
        for found in turns:
            found.rounds.append(())
            with self._telling(found, "one client"):
                found.rounds[-1] = tuple(self._times(found))
        for clients in self._workload.clients:
            for found in turns:
                windows = found.windows.setdefault(clients, [])
                windows.append(None)
                with self._telling(found, f"{clients} clients"):
                    windows[-1] = self._window(found, clients, number)
        self._foreign.append(foreign.cores())

    def row(self) -> Row:
        """What all rounds found."""
        found = [one for one in self._found or () if any(one.rounds)]
        latencies = (Latency(one.system.name, tuple(one.rounds), one.requests, one.size) for one in found)
        rates = (
            _rate(one, clients) for clients in self._workload.clients for one in found if any(one.windows[clients])
        )
        foreign = statistics.mean(self._foreign)
        name, store = self._workload.name, self._grid.store.name
        return Row(name, store, tuple(latencies), tuple(rates), foreign, tuple(self._failures))

    @contextmanager
    def _telling(self, found: _Found, what: str) -> Iterator[None]:
        """Go on after a failure, which the row tells; wait until the system has done all its work."""
        name = found.system.name
        try:
            yield
        except (oracle.WrongAnswer, RuntimeError, OSError, EOFError) as error:
            self._fail(f"{name}, {self._grid.store.name}, {what}", error)
        self._bench.servers[name].await_idle()

    def _fail(self, where: str, error: Exception) -> None:
        self._failures.append(f"{where}: {type(error).__name__}: {str(error)[:300]}")

    def _verified(self, system: System) -> bool:
        """Whether its first answers are right: of one worker and of the other, if chance will have it."""
        server = self._bench.servers[system.name]
        try:
            for question in self._questions[:2]:
                start = time.monotonic()
                with Connection(server.port) as connection:
                    found = answers(connection, system.requests(question, server.port))
                took_s = time.monotonic() - start
                look(system, self._grid, question, found)
                if took_s > SLOW_S:
                    break
        except (oracle.WrongAnswer, RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
            self._fail(f"{system.name}, {self._grid.store.name}", error)
            return False
        server.await_idle()
        return True

    def _times(self, found: _Found) -> Iterator[float]:
        """Milliseconds of single answers, one client, as many as fit into the time, but one at least. Raises `WrongAnswer`."""
        system, port = found.system, self._bench.servers[found.system.name].port
        give_up = time.monotonic() + self._bench.seconds / ROUNDS
        with Connection(port) as connection:
            for number in range(MAX_LATENCIES // ROUNDS):
                if self._workload.cold:
                    stores.drop_pages(self._grid.store.path)
                question = self._questions[found.following % len(self._questions)]
                found.following += 1
                requests = system.requests(question, port)
                start = time.perf_counter()
                answered = answers(connection, requests)
                yield (time.perf_counter() - start) * 1e3
                found.size, found.requests = sum(len(response.body) for response in answered), len(requests)
                if number == 0:
                    look(system, self._grid, question, answered)
                if time.monotonic() > give_up:
                    return

    def _window(self, found: _Found, clients: int, number: int) -> Window:
        """What `clients` get in one window, each of which has questions of its own. Raises `WrongAnswer`, or `RuntimeError`."""
        windows = ROUNDS * len(self._workload.clients)
        mine = number * len(self._workload.clients) + self._workload.clients.index(clients)
        if not any(found.rounds):
            raise RuntimeError("it has given no single answer")
        seconds = window_s(found.usual_s, clients, self._bench.seconds)
        most = math.ceil(seconds / found.usual_s) * 8
        items = self._items(found.system, mine * len(self._questions) // windows, most)
        port = self._bench.servers[found.system.name].port
        return self._bench.clients.window(port, items, found.system.decode, clients, seconds)

    def _items(self, system: System, first: int, most: int) -> list[Item]:
        """Requests from the question `first` on, `most` of them, at least a check's worth."""
        port = self._bench.servers[system.name].port
        count = min(len(self._questions), max(most, 2 * CHECK_EVERY))
        found = []
        for number in range(first, first + count):
            question = self._questions[number % len(self._questions)]
            wanted = oracle.expected(self._grid, question) if number % CHECK_EVERY == 0 else None
            found.append(Item(system.requests(question, port)[0], wanted))
        return found


def _rate(found: _Found, clients: int) -> Rate:
    windows = found.windows[clients]
    per_second = tuple(None if window is None else window.per_second for window in windows)
    done = [window for window in windows if window is not None]
    answered, checked = sum(window.answers for window in done), sum(window.checked for window in done)
    return Rate(found.system.name, clients, per_second, answered, checked)


def window_s(usual_s: float, clients: int, least_s: float) -> float:
    """How long a window lasts: a slow system needs a longer one, or it is all beginning and end."""
    expected_s = usual_s * max(1, clients / 2)
    return min(MAX_WINDOW_S, max(least_s, WINDOW_ANSWERS * expected_s))
