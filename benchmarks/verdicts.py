"""Ratios, and whether they reach what was set: pure."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from benchmarks.results import Results, Row
from benchmarks.workloads import TUTORIAL, WORKLOADS, Workload

OURS = "zarr-edr"
NOISE_CORES = 0.3
NEAR, NEAR_IN_NOISE = 0.1, 0.2
"""Within this part of its target, a ratio is near it. The second where others used more than `NOISE_CORES`."""
MAX_RSS_BYTES = 400 * 1000**2
MAX_ROUND_TRIPS = 1.3


@dataclass(frozen=True, slots=True)
class Verdict:
    """Ours beside another system: how many times faster, what was wanted."""

    ratio: float
    """The median of the rounds."""
    target: float | None
    foreign: float
    mark: str = ""
    """Of what has to be known beside it."""
    rounds: tuple[float, ...] = ()
    """The same ratio in each round of the run."""

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without a target."""
        return None if self.target is None else self.ratio >= self.target

    @property
    def is_near(self) -> bool:
        """Whether another run may find otherwise: it is near to its target, or a round of this run found otherwise."""
        if self.target is None:
            return False
        part = NEAR_IN_NOISE if self.foreign > NOISE_CORES else NEAR
        others = [ratio for ratio in self.rounds if (ratio >= self.target) is not self.met]
        return bool(others) or abs(self.ratio - self.target) < part * self.target

    @property
    def word(self) -> str:
        """The verdict."""
        return "met" if self.met else "MISSED"

    def __str__(self) -> str:
        """As it stands in a table."""
        ratio = f"{self.ratio:.2f}x" if self.ratio < 10 else f"{self.ratio:,.0f}x"
        if self.target is None:
            return ratio + self.mark
        wanted = f"{self.target:.2g}x" if self.target < 1 else f"{self.target:g}x"
        return f"{ratio}{self.mark} ({self.word}: {wanted}{', near' * self.is_near})"


def verdict(results: Results, workload: Workload, store: str, system: str, clients: int | None) -> Verdict | None:
    """Ours beside `system` in requests per second, or by the time of an answer; None where either was not measured."""
    row = results.row(workload.name, store)
    if row is None:
        return None
    theirs_in = results.row(workload.borrow, store) if system == TUTORIAL and workload.borrow else row
    if theirs_in is None:
        return None
    mark = "*" if theirs_in is not row else ""
    mine, theirs = _by_round(row, OURS, clients), _by_round(theirs_in, system, clients)
    rounds = tuple(a / b for a, b in zip(mine, theirs, strict=False) if a and b)
    if not rounds:
        return None
    return Verdict(statistics.median(rounds), target(workload, system, clients), row.foreign, mark, rounds)


def target(workload: Workload, system: str, clients: int | None) -> float | None:
    """What is wanted: where there are clients, in requests per second alone."""
    return None if workload.clients and clients is None else workload.targets.get(system)


def speed(row: Row, system: str, clients: int | None) -> float | None:
    """Answers per second: of `clients`, or of one that waits for each."""
    if clients is None:
        latency = row.latency(system)
        return None if latency is None else 1e3 / latency.median
    rate = row.rate(system, clients)
    return None if rate is None else rate.median


def _by_round(row: Row, system: str, clients: int | None) -> tuple[float | None, ...]:
    """The same in each round, None where it failed."""
    if clients is not None:
        rate = row.rate(system, clients)
        return () if rate is None else rate.per_second
    latency = row.latency(system)
    return () if latency is None else tuple(1e3 / statistics.median(ms) if ms else None for ms in latency.rounds)


def all_verdicts(results: Results) -> list[tuple[str, str, Verdict]]:
    """Each with a target: workload and store, system, verdict."""
    found = []
    for workload in WORKLOADS:
        for store in workload.stores:
            for clients in workload.clients or (None,):
                for system in workload.targets:
                    one = verdict(results, workload, store, system, clients)
                    if one is not None and one.target is not None:
                        name = f"{workload.name}, {store}" + (f", {clients} clients" if clients else "")
                        found.append((name, system, one))
    return found
