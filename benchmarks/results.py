"""What was measured, as values that can be written and read again."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

ROUNDS = 4
"""So often all is measured, round after round through all workloads: what a slow minute does to one of them shows beside the
others, as it would in another run."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Times of single answers of one system, milliseconds."""

    system: str
    rounds: tuple[tuple[float, ...], ...]
    """The times of each round, none where it failed."""
    requests: int
    """Of one question."""
    size: int
    """Bytes of one answer."""

    @property
    def ms(self) -> tuple[float, ...]:
        """All of them."""
        return tuple(itertools.chain.from_iterable(self.rounds))

    @property
    def median(self) -> float:
        """Milliseconds."""
        return statistics.median(self.ms)

    @property
    def p95(self) -> float:
        """Milliseconds; of few, the longest."""
        return percentile(self.ms, 95)


@dataclass(frozen=True, slots=True)
class Rate:
    """Answers per second of one system, a window in each round."""

    system: str
    clients: int
    per_second: tuple[float | None, ...]
    """None where a round failed."""
    answers: int
    checked: int

    @property
    def median(self) -> float:
        """Answers per second."""
        return statistics.median([rate for rate in self.per_second if rate is not None])


@dataclass(frozen=True, slots=True)
class Row:
    """A workload on a store."""

    workload: str
    store: str
    latencies: tuple[Latency, ...]
    rates: tuple[Rate, ...]
    foreign: float
    """Cores that others used meanwhile."""
    failures: tuple[str, ...] = ()

    def latency(self, system: str) -> Latency | None:
        """Of one system."""
        return next((found for found in self.latencies if found.system == system), None)

    def rate(self, system: str, clients: int) -> Rate | None:
        """Of one system and number of clients."""
        return next((found for found in self.rates if (found.system, found.clients) == (system, clients)), None)


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """Queries of ours to an object store that takes its time."""

    latency_ms: float
    round_trip_ms: float
    """One chunk, fetched by a thin client: median."""
    point_ms: tuple[float, ...]
    """One cold point, whole series."""
    many_ms: tuple[float, ...]
    """100 cold points, whole series."""
    many_chunks: int
    """Chunks of these, median."""
    chunk_reads: tuple[int, ...]
    """Requests for chunks, for each cold point."""
    other_reads: int
    """Requests for anything else, all cold points together."""
    scheme: str
    foreign: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of a system after the run, bytes."""

    system: str
    largest: int
    total: int


@dataclass(frozen=True, slots=True)
class Results:
    """A run."""

    machine: dict[str, str]
    rows: tuple[Row, ...]
    memory: tuple[Memory, ...] = ()
    objects: ObjectStore | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)

    def row(self, workload: str, store: str) -> Row | None:
        """A row by its names."""
        return next((row for row in self.rows if (row.workload, row.store) == (workload, store)), None)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Results:
        """What `to_json` made."""
        rows = tuple(
            Row(
                row["workload"],
                row["store"],
                tuple(Latency(**{**one, "rounds": tuple(map(tuple, one["rounds"]))}) for one in row["latencies"]),
                tuple(Rate(**{**one, "per_second": tuple(one["per_second"])}) for one in row["rates"]),
                row["foreign"],
                tuple(row["failures"]),
            )
            for row in found["rows"]
        )
        memory = tuple(Memory(**one) for one in found["memory"])
        lists = {"point_ms", "many_ms", "chunk_reads"}
        given: dict[str, Any] | None = found["objects"]
        objects = None
        if given is not None:
            typed: dict[str, Any] = {key: tuple(v) if key in lists else v for key, v in given.items()}
            objects = ObjectStore(**typed)
        return cls(found["machine"], rows, memory, objects, tuple(found["notes"]))


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of all do not exceed."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]
