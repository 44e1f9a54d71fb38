"""What a picture shows, as values: panels, their axes and what is drawn in them. No matplotlib here, and no coverages."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]


class Scale(StrEnum):
    """What the numbers of an axis are, which decides its ticks."""

    NUMBER = "number"
    LOG = "log"
    TIME = "time"
    """Microseconds since 1970-01-01T00:00Z, counted in `PlotAxis.calendar`."""
    LONGITUDE = "longitude"
    LATITUDE = "latitude"
    METRES = "metres"
    """Coordinates of a projection; ticks tell them in km."""
    CLASSES = "classes"
    """0, 1, 2, ...: entries of `PlotAxis.classes`."""


@dataclass(frozen=True, slots=True)
class PlotAxis:
    """An axis of a panel."""

    label: str
    scale: Scale = Scale.NUMBER
    downward: bool = False
    """Whether values grow downward, as pressures and depths do."""
    calendar: str = ""
    classes: tuple[str, ...] = ()


class Weight(StrEnum):
    """How prominent a line is."""

    MEMBER = "member"
    """One of an ensemble."""
    NORMAL = "normal"
    MEAN = "mean"
    """Of an ensemble."""
    VALUES = "values"
    """Points that belong to no line."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One curve; NaN is a gap."""

    across: Float64Array
    """Shape (n,)."""
    up: Float64Array
    """Shape (n,)."""
    label: str = ""
    """For the legend; empty: not in it."""
    colour: int = 0
    """Lines of one number have one colour."""
    weight: Weight = Weight.NORMAL


@dataclass(frozen=True, slots=True)
class Colours:
    """How values become colours. Panels with equal ones share a colour bar."""

    label: str
    unit: str
    """The label where the title of the panel says what it is of."""
    low: float
    high: float
    """Not less than `low`."""
    diverging: bool = False
    """Whether zero is the middle: `low == -high`."""
    classes: tuple[str, ...] = ()
    """Names of the values 0, 1, 2, ...; empty: values are numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class LinesPanel:
    """Curves over an axis."""

    across: PlotAxis
    up: PlotAxis
    lines: tuple[Line, ...]
    title: str = ""
    ratio: float = 0.45
    """Height by width."""


@dataclass(frozen=True, slots=True, eq=False)
class FieldPanel:
    """Rectangular cells, coloured by value."""

    across: PlotAxis
    up: PlotAxis
    across_edges: Float64Array
    """Shape (nx + 1,), ascending."""
    up_edges: Float64Array
    """Shape (ny + 1,), ascending."""
    values: Float64Array
    """Shape (ny, nx); NaN is missing."""
    colours: Colours
    title: str = ""
    ratio: float = 0.6
    rigid: bool = False
    """Whether the ratio is that of a map, and must hold."""


@dataclass(frozen=True, slots=True, eq=False)
class DotsPanel:
    """Points on a map, coloured by value."""

    across: PlotAxis
    up: PlotAxis
    x: Float64Array
    """Shape (n,)."""
    y: Float64Array
    values: Float64Array
    """Shape (n,); NaN is missing."""
    colours: Colours
    x_limits: tuple[float, float]
    y_limits: tuple[float, float]
    title: str = ""
    ratio: float = 0.6


@dataclass(frozen=True, slots=True)
class WordsPanel:
    """Values that need no axes."""

    rows: tuple[tuple[str, str], ...]
    """What, and how much of it."""
    title: str = ""
    ratio: float = 0.2


Panel = LinesPanel | FieldPanel | DotsPanel | WordsPanel


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """A picture."""

    title: str
    subtitle: str
    panels: tuple[Panel, ...]
    """At least one."""
    notes: tuple[str, ...] = ()
    """What is left out, and whatever else has to be said."""
    source: str = field(default="")
    """URL of the query."""
