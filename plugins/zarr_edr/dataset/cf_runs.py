"""The forecast runs of a store: a dimension of reference times, beside which another counts the times of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from zarr_edr.dataset.calendars import iso_strings
from zarr_edr.dataset.cf_attributes import Notes
from zarr_edr.dataset.model import Int64Array

MAX_RUNS = 1000
"""Runs offered as instances, the latest ones: the axes of each are in memory, and clients list them all."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run."""

    us: int
    """Its reference time, in microseconds since 1970-01-01T00:00Z."""
    index: int
    """Its index along the dimension of runs."""


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs along one dimension."""

    dim: str
    by_id: Mapping[str, Run]
    """Oldest first; never empty."""

    @classmethod
    def of(cls, dim: str, us: Int64Array, calendar: str, notes: Notes) -> Runs:
        """The runs at instants `us`, shape (n,), in storage order; n >= 1."""
        iso = iso_strings(us, calendar)
        by_id: dict[str, Run] = {}
        for i in np.argsort(us, kind="stable").tolist():
            if by_id.setdefault(run_id(iso[i]), Run(int(us[i]), i)).index != i:
                notes.add(f"{dim!r} has the run of {iso[i]} more than once; the first of them is served.")
        latest = iso[list(by_id.values())[-1].index]
        notes.add(f"{dim!r} holds {us.size} forecast runs; the latest, of {latest}, is served.")
        if len(by_id) > MAX_RUNS:
            notes.add(f"Of the runs along {dim!r}, the latest {MAX_RUNS} are offered as instances.")
            by_id = dict(list(by_id.items())[-MAX_RUNS:])
        return cls(dim, by_id)

    @property
    def latest(self) -> int:
        """Index of the latest run."""
        return list(self.by_id.values())[-1].index


def run_id(iso: str) -> str:
    """`2016-02-01T00:00:00Z` as `20160201T0000Z`: nothing in it that means something in a URL."""
    date, clock = iso.lstrip("+").rsplit("T", 1)
    sign = "-" if date.startswith("-") else ""
    clock = clock.rstrip("Z").replace(":", "")
    return f"{sign}{date.replace('-', '')}T{clock.removesuffix('00') if len(clock) == 6 else clock}Z"


def ids(all_runs: Iterable[Runs]) -> list[str]:
    """The ids of the runs along all dimensions of runs, oldest first, each once."""
    times = {id_: run.us for runs in all_runs for id_, run in runs.by_id.items()}
    return sorted(times, key=times.__getitem__)
