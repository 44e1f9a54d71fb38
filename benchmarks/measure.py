"""One workload on one store, all systems in turn: first every answer is looked at, then times are taken."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from benchmarks import oracle, stores
from benchmarks.client import Connection, Response, answers
from benchmarks.load import Clients, Item
from benchmarks.processes import Foreign, Server
from benchmarks.questions import Array, Grid, Question
from benchmarks.results import TURNS, Latency, Rate, Row
from benchmarks.systems.base import System, coverage_cells
from benchmarks.workloads import Workload

WINDOWS = 2
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
    """Shortest window; latencies of one system take about as long, over all turns."""
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Part:
    """Which windows of a workload."""

    first: int
    of: int
    """Windows in all."""


def measure(bench: Bench, workload: Workload, grid: Grid) -> Row:
    """All systems that can answer such questions."""
    questions = ask(grid, workload)
    foreign, before = Foreign(), len(bench.failures)
    able = [system for system in bench.systems if system.can(questions[0])]
    if not workload.cold:
        stores.read_pages(grid.store.path)
    able = [system for system in able if _verified(bench, system, grid, questions)]
    latencies = _latencies(bench, able, workload, grid, questions)
    rates = []
    for number, clients in enumerate(workload.clients):
        part = Part(WINDOWS * number, WINDOWS * len(workload.clients))
        rates += _rates(bench, able, grid, questions, clients, latencies, part)
    failures = tuple(bench.failures[before:])
    return Row(workload.name, grid.store.name, tuple(latencies), tuple(rates), foreign.cores(), failures)


def ask(grid: Grid, workload: Workload) -> list[Question]:
    """The questions of a workload; cold ones are each in a chunk of their own."""
    if workload.kind != "position":
        return grid.boxes(workload.kind, workload.points, workload.times or 1, workload.questions)
    if workload.cold:
        return grid.apart(workload.questions)
    count = max(20, min(workload.questions, 1_000_000 // workload.points))
    return grid.questions(workload.points, workload.times, count)


def _verified(bench: Bench, system: System, grid: Grid, questions: Sequence[Question]) -> bool:
    """Whether its first answers are right: of one worker and of the other, if chance will have it."""
    server = bench.servers[system.name]
    try:
        for question in questions[:2]:
            start = time.monotonic()
            with Connection(server.port) as connection:
                found = answers(connection, system.requests(question, server.port))
            took_s = time.monotonic() - start
            look(system, grid, question, found)
            if took_s > SLOW_S:
                break
    except (oracle.WrongAnswer, RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        bench.failures.append(f"{system.name}, {grid.store.name}: {type(error).__name__}: {str(error)[:300]}")
        return False
    server.await_idle()
    return True


def look(system: System, grid: Grid, question: Question, found: Sequence[Response]) -> None:
    """Compare an answer with the array. Raises `WrongAnswer`."""
    if question.kind == "position":
        values = np.concatenate([system.decode(response.body) for response in found])
        oracle.check(values, oracle.expected(grid, question), system.name)
    else:
        oracle.check_cells(grid, question, coverage_cells(found[0].body), system.name)


@dataclass(slots=True)
class _Turns:
    """The questions of one system, of which each turn takes the next."""

    system: System
    following: int = 2
    """The first two were asked for verification."""
    ms: list[float] = field(default_factory=list)
    size: int = 0
    requests: int = 0


def _latencies(
    bench: Bench, able: Sequence[System], workload: Workload, grid: Grid, questions: Sequence[Question]
) -> list[Latency]:
    """Single answers, one client; all systems are asked the same, as many as fit into their time, but three at least."""
    turns = [_Turns(system) for system in able]
    for turn in range(TURNS):
        for one in turns[turn % len(turns) :] + turns[: turn % len(turns)] if turns else []:
            try:
                _turn(bench, one, workload, grid, questions)
            except (oracle.WrongAnswer, RuntimeError, OSError, EOFError) as error:
                bench.failures.append(
                    f"{one.system.name}, {grid.store.name}: {type(error).__name__}: {str(error)[:300]}"
                )
            bench.servers[one.system.name].await_idle()
    return [Latency(one.system.name, tuple(one.ms), one.requests, one.size) for one in turns if one.ms]


def _turn(bench: Bench, one: _Turns, workload: Workload, grid: Grid, questions: Sequence[Question]) -> None:
    port = bench.servers[one.system.name].port
    give_up = time.monotonic() + bench.seconds / TURNS
    with Connection(port) as connection:
        for number in range(MAX_LATENCIES // TURNS):
            if workload.cold:
                stores.drop_pages(grid.store.path)
            question = questions[one.following % len(questions)]
            one.following += 1
            requests = one.system.requests(question, port)
            start = time.perf_counter()
            found = answers(connection, requests)
            one.ms.append((time.perf_counter() - start) * 1e3)
            one.size, one.requests = sum(len(response.body) for response in found), len(requests)
            if number == 0:
                look(one.system, grid, question, found)
            if time.monotonic() > give_up:
                return


def _rates(
    bench: Bench,
    able: Sequence[System],
    grid: Grid,
    questions: Sequence[Question],
    clients: int,
    latencies: Sequence[Latency],
    part: Part,
) -> list[Rate]:
    """Answers per second of all systems, window by window, each of which has questions of its own."""
    wanted = {n: oracle.expected(grid, questions[n]) for n in range(0, len(questions), CHECK_EVERY)}
    usual = {latency.system: statistics.median(latency.ms) / 1e3 for latency in latencies}
    found: dict[str, list[tuple[float, int, int]]] = {system.name: [] for system in able if system.name in usual}
    for window in range(WINDOWS):
        stores.read_pages(grid.store.path)
        for system in able:
            if system.name not in found:
                continue
            server = bench.servers[system.name]
            seconds = window_s(usual[system.name], clients, bench.seconds)
            first = (part.first + window) * len(questions) // part.of
            items = _items(
                system, server.port, questions, wanted, first, most=math.ceil(seconds / usual[system.name]) * 8
            )
            try:
                done = bench.clients.window(server.port, items, system.decode, clients, seconds)
                found[system.name].append((done.per_second, done.answers, done.checked))
            except (oracle.WrongAnswer, RuntimeError, OSError) as error:
                bench.failures.append(f"{system.name}, {clients} clients: {type(error).__name__}: {str(error)[:300]}")
            server.await_idle()
    return [
        Rate(name, clients, tuple(w[0] for w in windows), sum(w[1] for w in windows), sum(w[2] for w in windows))
        for name, windows in found.items()
        if windows
    ]


def window_s(usual_s: float, clients: int, least_s: float) -> float:
    """How long a window lasts: a slow system needs a longer one, or it is all beginning and end."""
    expected_s = usual_s * max(1, clients / 2)
    return min(MAX_WINDOW_S, max(least_s, WINDOW_ANSWERS * expected_s))


def _items(
    system: System, port: int, questions: Sequence[Question], wanted: Mapping[int, Array], first: int, most: int
) -> list[Item]:
    """Requests from the question `first` on, `most` of them, at least a check's worth."""
    count = min(len(questions), max(most, 2 * CHECK_EVERY))
    numbers = [(first + n) % len(questions) for n in range(count)]
    return [Item(system.requests(questions[n], port)[0], wanted.get(n)) for n in numbers]
