"""Which curves, fields and values of an answer a picture has room for, and in words what it has not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from zarr_edr.coverage import Coverage, CoverageSet, Range, times_of, tuples_of
from zarr_edr.dataset.model import Parameter
from zarr_edr.encode.plot.slots import DOTS, Along, Slot, along_of, facets, others
from zarr_edr.encode.plot.text import counted, plain
from zarr_edr.encode.values import has_missing, present

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


@dataclass(frozen=True, slots=True)
class _Key:
    """What is drawn in one way: the curves of one panel, or fields."""

    name: str
    along: Along
    level: int | None = None
    """Of curves along time that have several levels: which one."""

    @property
    def is_field(self) -> bool:
        return len(self.along) == 2 or self.along == DOTS


def choose(of: CoverageSet) -> tuple[list[Chosen], list[str]]:
    """What to show of an answer, in the order of its parameters, and what is left out."""
    groups = _groups(of)
    shown = list(groups.items())[:MAX_PANELS]
    left_out = []
    if len(shown) < len(groups):
        left_out.append(f"Shown: the first {counted(len(shown), len(groups), 'parameters or levels')}.")
    fields = sum(key.is_field for key, _ in shown)
    room = max(1, (MAX_PANELS - len(shown) + fields) // max(fields, 1))
    parameters = {parameter.name: parameter for parameter in of.parameters}
    found = []
    for key, coverages in shown:
        parameter = parameters[key.name]
        if key.is_field:
            slots, total, notes = _fields(parameter, key.along, coverages, room)
        else:
            slots, total, notes = _curves(parameter, key, coverages)
        found.append(Chosen(parameter, key.along, slots, tuple(facets(s, of) for s in slots), total, notes))
    return found, left_out


def _groups(of: CoverageSet) -> dict[_Key, list[Coverage]]:
    """The coverages of each parameter that are drawn in one way."""
    groups: dict[_Key, list[Coverage]] = {}
    known: dict[tuple[object, ...], list[_Key]] = {}
    for coverage in of.coverages:
        for name, values in coverage.ranges.items():
            kind = (name, coverage.domain_type, values.axis_names, values.values.shape)
            if kind not in known:
                known[kind] = list(_keys(name, coverage, values))
            for key in known[kind]:
                groups.setdefault(key, []).append(coverage)
    order = {parameter.name: number for number, parameter in enumerate(of.parameters)}
    return dict(sorted(groups.items(), key=lambda group: order[group[0].name]))


def _keys(name: str, coverage: Coverage, values: Range) -> Iterator[_Key]:
    along = along_of(coverage, values)
    levels = others(coverage, values, along).get("z", 1) if along == ("t",) else 1
    yield from (_Key(name, along, level if levels > 1 else None) for level in range(levels))


def evenly(total: int, most: int) -> list[int]:
    """All of `total` positions, or `most` of them from the first to the last; the first alone for one."""
    return np.linspace(0, total - 1, min(total, most)).round().astype(int).tolist()


Picked = tuple[tuple[Slot, ...], int, tuple[str, ...]]


def _fields(parameter: Parameter, along: Along, coverages: Sequence[Coverage], room: int) -> Picked:
    """Times before levels before members and places: how it evolves is what many maps are looked at for."""
    sizes = others(coverages[0], coverages[0].ranges[parameter.name], along)
    times = _with_values(coverages[0], parameter, sizes.get("t", 1))
    t = [times[k] for k in evenly(len(times), room)]
    z = evenly(sizes.get("z", 1), room // len(t))
    c = evenly(len(coverages), room // (len(t) * len(z)))
    slots = tuple(_slots(parameter, along, [coverages[number] for number in c], {"t": t, "z": z}))
    counts = (
        (len(t), len(times), "times"),
        (len(z), sizes.get("z", 1), "levels"),
        (len(c), len(coverages), _what_differs(coverages)),
    )
    left_out = [counted(*count) for count in counts if count[0] < count[1]]
    notes = [f"Shown: {', '.join(left_out)}, evenly spaced."] if left_out else []
    if len(times) < sizes.get("t", 1):
        notes.append(f"Not shown: {sizes['t'] - len(times):,} of {sizes['t']:,} times, which have no values.")
    return slots, len(coverages) * prod(sizes.values()), tuple(notes)


def _what_differs(coverages: Sequence[Coverage]) -> str:
    """What there is one coverage for each of, e.g. `members (number)`, `times`, or `members (number) with levels`."""
    found: dict[str, set[Any]] = {"places": {coverage.place for coverage in coverages}}
    for name in coverages[0].dimensions:
        found[f"members ({plain(name, 24)})"] = {coverage.dimensions.get(name) for coverage in coverages}
    found |= {"levels": set(map(_first_level, coverages)), "times": set(map(_first_time, coverages))}
    return " with ".join(what for what, values in found.items() if len(values) > 1) or "coverages"


def _first_level(coverage: Coverage) -> float | None:
    levels, tuples = coverage.axes.get("z"), tuples_of(coverage)
    levels = tuples.z if levels is None and tuples is not None else levels
    return float(levels[0]) if isinstance(levels, np.ndarray) else None


def _first_time(coverage: Coverage) -> int | None:
    times = times_of(coverage)
    return None if times is None else int(times.index[0])


def _with_values(coverage: Coverage, parameter: Parameter, times: int) -> list[int]:
    """Positions of the times that have any value; all where none has."""
    values = coverage.ranges[parameter.name]
    if times == 1 or (values.values.dtype.kind != "f" and not has_missing(values.values)):
        return list(range(times))
    along = tuple(k for k, name in enumerate(values.axis_names) if name != "t")
    return np.flatnonzero(present(values.values).any(axis=along)).tolist() or list(range(times))


def _slots(
    parameter: Parameter, along: Along, coverages: Sequence[Coverage], at: dict[str, list[int]]
) -> Iterator[Slot]:
    for coverage in coverages:
        sizes = others(coverage, coverage.ranges[parameter.name], along)
        for z in at["z"]:
            for t in at["t"]:
                where = {name: min(k, sizes[name] - 1) for name, k in (("t", t), ("z", z)) if name in sizes}
                yield Slot(coverage, parameter, along, where)


def _curves(parameter: Parameter, key: _Key, coverages: Sequence[Coverage]) -> Picked:
    """Curves of one panel, one for each coverage, or for each of its points."""
    points = [others(c, c.ranges[parameter.name], key.along).get("composite", 1) for c in coverages]
    ends = np.cumsum(points)
    total = int(ends[-1])
    slots = []
    for number in evenly(total, MAX_LINES):
        n = int(np.searchsorted(ends, number, side="right"))
        at = {"composite": number - (int(ends[n]) - points[n])} if points[n] > 1 else {}
        at |= {} if key.level is None else {"z": key.level}
        slots.append(Slot(coverages[n], parameter, key.along, at))
    what = "curves" if key.along else "values"
    notes = (f"Shown: {counted(len(slots), total, what)}, evenly spaced.",) if len(slots) < total else ()
    return tuple(slots), total, notes
