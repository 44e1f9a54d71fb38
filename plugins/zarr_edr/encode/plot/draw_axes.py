"""Axes of panels: labels, limits, direction and ticks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    MultipleLocator,
    NullFormatter,
    NullLocator,
)

from zarr_edr.encode.plot.layout import Layout
from zarr_edr.encode.plot.model import FieldPanel, Panel, PlotAxis, Scale
from zarr_edr.encode.plot.style import words
from zarr_edr.encode.plot.text import latitude_text, longitude_text, number
from zarr_edr.encode.plot.ticks import time_ticks

_PX_PER_TICK = {"across": 88, "up": 42}
_DEGREES = (*(n * 10.0**k for k in range(-4, 1) for n in (1, 2, 5)), 10, 15, 20, 30, 45, 60, 90, 120, 180)
"""Steps of ticks on axes of longitude and latitude."""
LABEL_CHARS = 34
"""Of an axis label beside a panel, on one line."""


def draw_axis(
    ax: Axes, name: str, axis: PlotAxis, ends: tuple[float, float] | None, frame: Layout, *, tight: bool = False
) -> None:
    """Label, direction, limits and ticks of the x or y axis."""
    across = name == "x"
    pixels = frame.width / frame.columns if across else frame.height / frame.rows
    most = int(np.clip(pixels / _PX_PER_TICK["across" if across else "up"], 3, 10))
    if axis.scale is Scale.LOG:
        ax.set(**{f"{name}scale": "log"})
    if ends is not None:
        low, high = ends if tight else _roomy(*ends, axis.scale)
        ax.set(**{f"{name}lim": (high, low) if axis.downward and not across else (low, high)})
    ax.set(**{f"{name}label": words(axis.label, 200 if across else LABEL_CHARS)})
    _ticks(ax.xaxis if across else ax.yaxis, axis, ends, most)


def _roomy(low: float, high: float, scale: Scale) -> tuple[float, float]:
    """Limits a little beyond the ends, and apart where these are one."""
    if scale is Scale.LOG:
        return low / 1.05, high * 1.05
    if scale is Scale.CLASSES:
        return low - 0.5, high + 0.5
    if high == low:
        half = 0.5e6 if scale is Scale.TIME else abs(low) * 0.05 or 1.0
        return low - half, high + half
    return low - 0.04 * (high - low), high + 0.04 * (high - low)


def _ticks(target: Any, axis: PlotAxis, ends: tuple[float, float] | None, most: int) -> None:
    match axis.scale:
        case Scale.TIME:
            first, last = (int(end) for end in ends or (0, 0))
            at, labels = time_ticks(first, last, axis.calendar, most)
            target.set_major_locator(FixedLocator(at))
            target.set_major_formatter(_fixed(dict(zip(map(float, at), labels, strict=True))))
        case Scale.LONGITUDE | Scale.LATITUDE:
            low, high = ends or (0.0, 1.0)
            step = next((step for step in _DEGREES if (high - low) / step <= most), 360)
            target.set_major_locator(MultipleLocator(step))
            text = longitude_text if axis.scale is Scale.LONGITUDE else latitude_text
            target.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
        case Scale.LOG:
            target.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7)))
            target.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
            target.set_minor_locator(NullLocator())
            target.set_minor_formatter(NullFormatter())
        case Scale.CLASSES:
            stride = -(-len(axis.classes) // 30)
            at = list(range(0, len(axis.classes), stride))
            target.set_major_locator(FixedLocator(at))
            target.set_major_formatter(_fixed({float(k): words(axis.classes[k]) for k in at}))
            if target.axis_name == "x" and sum(len(axis.classes[k]) for k in at) > 90:
                target.set_tick_params(rotation=90)
        case Scale.METRES:
            target.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
            target.set_major_formatter(
                FuncFormatter(lambda value, _: f"{value / 1000:.10g}".replace("-", "\N{MINUS SIGN}"))
            )
        case Scale.NUMBER:
            target.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))


def _fixed(labels: Mapping[float, str]) -> FuncFormatter:
    return FuncFormatter(lambda value, _: labels.get(float(value), ""))


def outer_labels(axes: list[Axes], panels: tuple[Panel, ...], frame: Layout) -> None:
    """Labels of axes that all panels share stand at the edge of the picture alone."""
    if len(panels) == 1 or not all(_alike(panel, panels[0]) for panel in panels[1:]):
        return
    for number_, ax in enumerate(axes[: len(panels)]):
        if number_ % frame.columns:
            ax.set_ylabel("")
            ax.tick_params(labelleft=False)
        if number_ + frame.columns < len(panels):
            ax.set_xlabel("")
            ax.tick_params(labelbottom=False)


def _alike(panel: Panel, first: Panel) -> bool:
    """Whether the axes of two panels are the same."""
    if not (isinstance(panel, FieldPanel) and isinstance(first, FieldPanel)):
        return False
    same = np.array_equal(panel.across_edges, first.across_edges) and np.array_equal(panel.up_edges, first.up_edges)
    return same and (panel.across, panel.up) == (first.across, first.up)
