"""What of a coverage is drawn together: its values along no axis, one axis or two, at one position on each of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.coverage import Coverage, CoverageSet, DomainType, Range, Times, Tuples, axis_size
from zarr_edr.dataset.model import Parameter
from zarr_edr.encode.plot import text
from zarr_edr.encode.plot.model import Float64Array
from zarr_edr.encode.values import with_nan

Along = tuple[str, ...]
"""Axes that are drawn: none, one, or two (upward, then across); `("dots",)` for points on a map."""
DOTS: Along = ("dots",)

FEW_LEVELS = 4
"""Levels up to which times at a point are curves, in a panel for each level, rather than a field."""
_LARGEST = 1e100
"""Values beyond are treated as missing: a scale that holds them shows nothing else, and its arithmetic overflows."""

PLACE, LEVEL, TIME = "place", "level", "time"
"""Facets besides the further dimensions, whose names begin with `DIMENSION`."""
DIMENSION = "dimension "
"""Begins the names of facets that are further dimensions."""


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """One curve, field, cloud of points or value."""

    coverage: Coverage
    parameter: Parameter
    along: Along
    at: Mapping[str, int] = field(default_factory=dict)
    """Axis -> position, for axes of the range that are not drawn."""

    @property
    def range(self) -> Range:
        """The values of the parameter over the whole domain."""
        return self.coverage.ranges[self.parameter.name]

    def stored(self) -> NDArray[Any]:
        """Values along `along`, as they are."""
        drawn = ("composite",) if self.along == DOTS else self.along
        names = self.range.axis_names
        picked = self.range.values[tuple(slice(None) if name in drawn else self.at.get(name, 0) for name in names)]
        kept = [name for name in names if name in drawn]
        return picked.transpose([kept.index(name) for name in drawn]) if kept else picked

    def values(self, *strides: int) -> Float64Array:
        """Numbers along `along`, each `strides`th; NaN where there is none, or none that can be drawn."""
        picked = self.stored()[tuple(slice(None, None, stride) for stride in strides)]
        wide = np.asarray(with_nan(picked), np.float64)
        # NaN compares false, infinities are beyond.
        return np.where(np.abs(wide) <= _LARGEST, wide, np.nan)


def along_of(coverage: Coverage, values: Range) -> Along:
    """Which axes a picture of these values draws; the remaining ones make pictures, or curves, of their own."""
    long = {n: size for n, size in zip(values.axis_names, values.values.shape, strict=True) if size > 1}
    if coverage.domain_type is DomainType.SECTION:
        return ("z", "composite")
    if "composite" in long:
        return _along_points(coverage.domain_type)
    if long.keys() >= {"x", "y"}:
        return ("y", "x")
    level = next((name for name in ("x", "y") if name in long), None)
    return _at_point(long) if level is None else _on_line(long, level)


def _at_point(long: Mapping[str, int]) -> Along:
    if "z" not in long or ("t" in long and long["z"] <= FEW_LEVELS):
        return ("t",) if "t" in long else ()
    return ("z", "t") if "t" in long else ("z",)


def _on_line(long: Mapping[str, int], level: str) -> Along:
    """Along a parallel (`level` is x) or a meridian."""
    if "z" in long:
        return ("z", level)
    if "t" in long:  # meridians are read across in Hovmoeller's diagram, parallels upward
        return ("t", "x") if level == "x" else ("y", "t")
    return (level,)


def _along_points(domain_type: DomainType) -> Along:
    match domain_type:
        case DomainType.MULTI_POINT:
            return DOTS
        case DomainType.MULTI_POINT_SERIES:
            return ("t",)
        case _:
            return ("composite",)


def others(coverage: Coverage, values: Range, along: Along) -> dict[str, int]:
    """Axis -> size, for the axes that are not drawn and have more than one position."""
    drawn = ("composite",) if along == DOTS else along
    sizes = zip(values.axis_names, values.values.shape, strict=True)
    return {name: size for name, size in sizes if name not in drawn and size > 1}


def facets(slot: Slot, of: CoverageSet) -> dict[str, str]:
    """Where a slot is, in words: place, level, time and members of further dimensions, as far as it is at one of each."""
    coverage = slot.coverage
    found = {PLACE: _place(slot, of), LEVEL: _level(slot), TIME: _time(slot)}
    for name, value in coverage.dimensions.items():
        found[DIMENSION + name] = f"{text.plain(name, 24)} {text.plain(value, 24)}"
    return {name: words for name, words in found.items() if words}


def _point(slot: Slot) -> int | None:
    """Which point of the composite axis this is, where it is one."""
    composite = slot.coverage.axes.get("composite")
    if not isinstance(composite, Tuples) or "composite" in slot.along:
        return None
    return 0 if axis_size(composite) == 1 else slot.at.get("composite")


def _place(slot: Slot, of: CoverageSet) -> str:
    coverage, point = slot.coverage, _point(slot)
    number = coverage.place + (point or 0)
    if slot.along != DOTS or point is not None:
        ids = None if of.tags is None else of.tags.ids
        if ids is not None and number < len(ids) and ids[number] is not None:
            return text.plain(ids[number], 40)
    where = _coordinates(coverage, point)
    if where is not None:
        return text.place_text(*where, of.crs)
    several = any(other.place != coverage.place for other in of.coverages[:2] + of.coverages[-1:])
    return f"place {coverage.place + 1}" if several else ""


def _coordinates(coverage: Coverage, point: int | None) -> tuple[float, float] | None:
    composite, x, y = (coverage.axes.get(name) for name in ("composite", "x", "y"))
    if isinstance(composite, Tuples):
        return None if point is None else (float(composite.x[point]), float(composite.y[point]))
    if isinstance(x, np.ndarray) and isinstance(y, np.ndarray) and x.size == y.size == 1:
        return float(x[0]), float(y[0])
    return None


def _level(slot: Slot) -> str:
    composite, levels = slot.coverage.axes.get("composite"), slot.coverage.axes.get("z")
    point = _point(slot)
    if isinstance(levels, np.ndarray):
        at = slot.at.get("z") if levels.size > 1 else 0
    elif isinstance(composite, Tuples) and composite.z is not None:
        levels = composite.z
        at = point if point is not None else 0 if (levels == levels[0]).all() else None
    else:
        return ""
    return "" if at is None else text.level_text(float(levels[at]), slot.coverage.vertical)


def _time(slot: Slot) -> str:
    composite, times = slot.coverage.axes.get("composite"), slot.coverage.axes.get("t")
    if isinstance(times, Times):
        at = slot.at.get("t") if times.index.size > 1 else 0
    elif isinstance(composite, Tuples) and composite.t is not None:
        times = composite.t
        at = _point(slot)
        if at is None and (times.axis.us[times.index] == times.axis.us[times.index[0]]).all():
            at = 0
    else:
        return ""
    return "" if at is None else f"{text.time_text(times.axis.iso[int(times.index[at])])} UTC"
