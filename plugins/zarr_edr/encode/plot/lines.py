"""Curves and single values become panels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zarr_edr.coverage import CoverageSet
from zarr_edr.encode.plot import text
from zarr_edr.encode.plot.axes import ruler
from zarr_edr.encode.plot.choose import Chosen
from zarr_edr.encode.plot.flags import Flags, flags_of
from zarr_edr.encode.plot.model import Float64Array, Line, LinesPanel, PlotAxis, Scale, Weight, WordsPanel
from zarr_edr.encode.plot.slots import DIMENSION, Along, Slot

MAX_LEGEND = 8
"""Curves with a legend: more have no colours that are told apart at sight."""
_VERTICES = (100, 4_000)
"""Of one curve, at least and at most: some for each pixel."""
_ALL_VERTICES = 24_000
"""Of all curves of a picture, as far as the least allows: to draw long zigzags is slow."""
_PLUME = 3
"""Members from which a curve of their mean says more than a legend of their numbers."""
_ENSEMBLES = frozenset(
    {"number", "member", "members", "realization", "realisation", "ensemble", "ensemble_member", "ens"}
)
_PROFILE_RATIO = 1.15

Facets = dict[str, str]


def common(several: Sequence[Facets]) -> Facets:
    """The facets that all have, with the same words."""
    first, *others = several
    return {name: words for name, words in first.items() if all(other.get(name) == words for other in others)}


def without(facets: Facets, told: Facets) -> str:
    """The facets that have not been told yet, in one line."""
    return ", ".join(words for name, words in facets.items() if name not in told)


def words_panel(several: Sequence[Chosen]) -> WordsPanel:
    """Parameters of which there is one value each."""
    return WordsPanel(tuple((text.plain(c.parameter.title, 40), _words_of(c.slots[0])) for c in several))


def _words_of(slot: Slot) -> str:
    value, flags = slot.stored()[()], _flags(slot)
    if not np.isfinite(value):
        return "no value"
    if flags is None:
        return text.value_text(value, slot.parameter)
    return flags.names[int(flags.classes(np.array([value], np.float64))[0])]


def lines_panel(chosen: Chosen, of: CoverageSet, told: Facets, panels: int) -> tuple[LinesPanel, list[str]]:
    """The curves of one parameter, or its values where they form none, and what is to be said of them.

    `panels`: how many the picture has, for the detail of curves.
    """
    here = common(chosen.facets)
    most = int(np.clip(_ALL_VERTICES // (panels * len(chosen.slots)), *_VERTICES))
    lines = tuple(shortened(line, most, chosen.along) for line in _plume(chosen, of, here) or _each(chosen, of, here))
    notes = []
    if len(lines) > MAX_LEGEND and not any(line.label for line in lines):
        notes.append(f"{len(lines)} curves, one for each {_what_differs(chosen, here)}.")
    flags = _flags(chosen.slots[0])
    value = PlotAxis(text.parameter_text(chosen.parameter))
    if flags is not None:
        value = PlotAxis(value.label, Scale.CLASSES, classes=flags.names)
    title = without(here, told)
    if not chosen.along:
        return LinesPanel(_numbered(chosen, here)[0], value, lines, title), notes
    place = ruler(chosen.along[0], chosen.slots[0].coverage, of.crs).axis
    if chosen.along == ("z",):
        return LinesPanel(value, place, lines, title, _PROFILE_RATIO), notes
    return LinesPanel(place, value, lines, title), notes


def _flags(slot: Slot) -> Flags | None:
    return flags_of(slot.parameter.attributes, slot.range.values.dtype)


def _what_differs(chosen: Chosen, here: Facets) -> str:
    names = {name.removeprefix(DIMENSION) for facets in chosen.facets for name in facets if name not in here}
    return " and ".join(sorted(names)) or "coverage"


def _numbers(slot: Slot) -> Float64Array:
    flags, values = _flags(slot), slot.values()
    return values if flags is None else flags.classes(values)


def _each(chosen: Chosen, of: CoverageSet, here: Facets) -> tuple[Line, ...]:
    """A line for each curve, with a legend where they are few."""
    if not chosen.along:
        values = np.array([float(_numbers(slot)) for slot in chosen.slots])
        return (Line(_numbered(chosen, here)[1], values, weight=Weight.VALUES),)
    labels = [without(facets, here) for facets in chosen.facets]
    few = 1 < len(labels) <= MAX_LEGEND
    return tuple(
        _line(slot, _numbers(slot), of, label if few else "", number, Weight.NORMAL)
        for number, (slot, label) in enumerate(zip(chosen.slots, labels, strict=True))
    )


def _numbered(chosen: Chosen, here: Facets) -> tuple[PlotAxis, Float64Array]:
    """An axis on which values stand that belong to no axis: by the one number in which they differ, or by their names."""
    differ = {name for facets in chosen.facets for name in facets if name not in here}
    if len(differ) == 1 and (name := differ.pop()).startswith(DIMENSION):
        name = name.removeprefix(DIMENSION)
        members = [slot.coverage.dimensions.get(name) for slot in chosen.slots]
        numbers = [float(member) for member in members if isinstance(member, int | float)]
        if len(numbers) == len(members):
            titles = {axis.name: axis.title for axis in chosen.parameter.custom}
            return PlotAxis(text.plain(titles.get(name, name))), np.array(numbers)
    labels = tuple(text.plain(without(facets, here) or "value", 40) for facets in chosen.facets)
    return PlotAxis("", Scale.CLASSES, classes=labels), np.arange(float(len(labels)))


def _plume(chosen: Chosen, of: CoverageSet, here: Facets) -> tuple[Line, ...]:
    """An ensemble: its members thin, their mean bold. Nothing where this is no ensemble, or not all of it."""
    axes = [a for a in chosen.parameter.custom if a.standard_name == "realization" or a.dim.lower() in _ENSEMBLES]
    ensemble = {DIMENSION + axis.name for axis in axes}
    members = {tuple(facets.get(name, "") for name in sorted(ensemble)) for facets in chosen.facets}
    complete = len(chosen.slots) == chosen.total and _flags(chosen.slots[0]) is None
    if not chosen.along or len(members) < _PLUME or not complete:
        return ()
    plumes: dict[str, list[Slot]] = {}
    for slot, facets in zip(chosen.slots, chosen.facets, strict=True):
        plumes.setdefault(without(facets, here | dict.fromkeys(ensemble, "")), []).append(slot)
    lines: list[Line] = []
    few = len(plumes) <= MAX_LEGEND
    for number, (label, slots) in enumerate(plumes.items()):
        values = np.array([slot.values() for slot in slots])
        lines += [_line(s, v, of, "", number, Weight.MEMBER) for s, v in zip(slots, values, strict=True)]
        some = (np.isnan(values).any(axis=0) != np.isnan(values).all(axis=0)).any()
        of_what = "the members with a value" if some else f"{len(slots)} members"
        words = ", ".join(filter(None, (label, f"mean of {of_what}")))
        lines.append(_line(slots[0], mean(values), of, words if few else "", number, Weight.MEAN))
    return tuple(lines)


def mean(values: Float64Array) -> Float64Array:
    """Mean over the first axis of what is there, shape (n,) for (members, n); NaN where nothing is."""
    present = ~np.isnan(values)
    count = present.sum(axis=0)
    total = np.where(present, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _line(slot: Slot, values: Float64Array, of: CoverageSet, label: str, colour: int, weight: Weight) -> Line:
    """A curve over the axis of its coverage; along levels, values go across."""
    place = ruler(slot.along[0], slot.coverage, of.crs).at
    across, up = (values, place) if slot.along == ("z",) else (place, values)
    return Line(across, up, text.plain(label, 60), colour, weight)


def shortened(line: Line, most: int, along: Along) -> Line:
    """A curve of about `most` vertices that looks the same."""
    if along == ("z",):
        up, across = envelope(line.up, line.across, most)
    else:
        across, up = envelope(line.across, line.up, most)
    return replace(line, across=across, up=up)


def envelope(at: Float64Array, values: Float64Array, most: int) -> tuple[Float64Array, Float64Array]:
    """A long curve by the lowest and highest value of each of many short stretches: it looks the same, spikes included.

    Both of shape (n,); returned as they are while n <= `most`, else about `most` of them, in order.
    """
    if values.size <= most:
        return at, values
    length = -(-values.size // (most // 2))
    padded = np.full(-(-values.size // length) * length, np.nan)
    padded[: values.size] = values
    stretches = padded.reshape(-1, length)
    gap = np.isnan(stretches)
    low = np.where(gap, np.inf, stretches).argmin(axis=1)
    high = np.where(gap, -np.inf, stretches).argmax(axis=1)
    starts = np.arange(stretches.shape[0]) * length
    kept = np.sort(np.concatenate((starts + low, starts + high)))
    return at[kept], values[kept]
