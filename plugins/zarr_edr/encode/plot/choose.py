"""Which curves, fields and values of an answer a picture has room for, and in words what it has not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from zarr_edr.coverage import Coverage, CoverageSet
from zarr_edr.dataset.model import Parameter
from zarr_edr.encode.plot.slots import DOTS, Along, Slot, along_of, facets, others
from zarr_edr.encode.plot.text import counted

MAX_PANELS = 12
MAX_LINES = 100
"""Curves, or single values, in one panel."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is shown of one parameter: curves of one panel, or fields of a panel each."""

    parameter: Parameter
    along: Along
    slots: tuple[Slot, ...]
    """At least one."""
    facets: tuple[dict[str, str], ...]
    """Of each slot."""
    total: int
    """Slots there are."""
    notes: tuple[str, ...] = ()

    @property
    def is_field(self) -> bool:
        """Whether each slot has a panel of its own."""
        return len(self.along) == 2 or self.along == DOTS


def choose(of: CoverageSet) -> tuple[list[Chosen], list[str]]:
    """What to show of an answer, in the order of its parameters, and what is left out."""
    groups = _groups(of)
    shown = list(groups.items())[:MAX_PANELS]
    left_out = []
    if len(shown) < len(groups):
        left_out.append(f"Shown: the first {counted(len(shown), len(groups), 'parameters')}.")
    fields = sum(len(along) == 2 or along == DOTS for (_, along), _ in shown)
    room = max(1, (MAX_PANELS - len(shown) + fields) // max(fields, 1))
    parameters = {parameter.name: parameter for parameter in of.parameters}
    found = []
    for (name, along), coverages in shown:
        pick = _fields if len(along) == 2 or along == DOTS else _curves
        slots, total, notes = pick(parameters[name], along, coverages, room)
        found.append(Chosen(parameters[name], along, slots, tuple(facets(s, of) for s in slots), total, notes))
    return found, left_out


def _groups(of: CoverageSet) -> dict[tuple[str, Along], list[Coverage]]:
    """The coverages of each parameter that are drawn in one way."""
    groups: dict[tuple[str, Along], list[Coverage]] = {}
    known: dict[tuple[object, ...], Along] = {}
    for coverage in of.coverages:
        for name, values in coverage.ranges.items():
            kind = (coverage.domain_type, values.axis_names, values.values.shape)
            if kind not in known:
                known[kind] = along_of(coverage, values)
            groups.setdefault((name, known[kind]), []).append(coverage)
    order = {parameter.name: number for number, parameter in enumerate(of.parameters)}
    return dict(sorted(groups.items(), key=lambda group: order[group[0][0]]))


def evenly(total: int, most: int) -> list[int]:
    """All of `total` positions, or `most` of them from the first to the last; the first alone for one."""
    return np.linspace(0, total - 1, min(total, most)).round().astype(int).tolist()


Picked = tuple[tuple[Slot, ...], int, tuple[str, ...]]


def _fields(parameter: Parameter, along: Along, coverages: Sequence[Coverage], room: int) -> Picked:
    """Times before levels before members and places: how it evolves is what many maps are looked at for."""
    sizes = others(coverages[0], coverages[0].ranges[parameter.name], along)
    t = evenly(sizes.get("t", 1), room)
    z = evenly(sizes.get("z", 1), room // len(t))
    c = evenly(len(coverages), room // (len(t) * len(z)))
    slots = tuple(_slots(parameter, along, [coverages[number] for number in c], {"t": t, "z": z}))
    counts = (
        (len(t), sizes.get("t", 1), "times"),
        (len(z), sizes.get("z", 1), "levels"),
        (
            len(c),
            len(coverages),
            "members, places or times" if along in (DOTS, ("z", "composite")) else "members or places",
        ),
    )
    left_out = [counted(*count) for count in counts if count[0] < count[1]]
    notes = (f"Shown: {', '.join(left_out)}, evenly spaced.",) if left_out else ()
    return slots, len(coverages) * prod(sizes.values()), notes


def _slots(
    parameter: Parameter, along: Along, coverages: Sequence[Coverage], at: dict[str, list[int]]
) -> Iterator[Slot]:
    for coverage in coverages:
        sizes = others(coverage, coverage.ranges[parameter.name], along)
        for z in at["z"]:
            for t in at["t"]:
                where = {name: min(k, sizes[name] - 1) for name, k in (("t", t), ("z", z)) if name in sizes}
                yield Slot(coverage, parameter, along, where)


def _curves(parameter: Parameter, along: Along, coverages: Sequence[Coverage], _: int) -> Picked:
    """Curves of one panel, one for each coverage, or for each of its points."""
    points = [others(c, c.ranges[parameter.name], along).get("composite", 1) for c in coverages]
    ends = np.cumsum(points)
    total = int(ends[-1])
    slots = []
    for number in evenly(total, MAX_LINES):
        at = int(np.searchsorted(ends, number, side="right"))
        point = number - (int(ends[at]) - points[at])
        slots.append(Slot(coverages[at], parameter, along, {"composite": point} if points[at] > 1 else {}))
    what = "curves" if along else "values"
    notes = (f"Shown: {counted(len(slots), total, what)}, evenly spaced.",) if len(slots) < total else ()
    return tuple(slots), total, notes
