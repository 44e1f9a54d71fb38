"""The picture for the README: answers per second and times of answers as bars, readable on light and dark pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from benchmarks.results import Results
from benchmarks.verdicts import OURS, speed
from benchmarks.workloads import LIMIT, STOCK, TUTORIAL, XPUBLISH
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BARS = ((OURS, "#2f81f7"), (XPUBLISH, "#8b949e"), (STOCK, "#8b949e"), (TUTORIAL, "#8b949e"), (LIMIT, "#3fa45b"))
INK = "#768390"
"""Seen on white and on black."""
PANELS: tuple[tuple[str, str, str, int | None], ...] = (
    ("1 point, 1 time", "points", "1 point, 1 time\nanswers per second, 8 clients", 8),
    ("1 point, whole series", "points", "1 point, 2,000 times\nanswers per second, 8 clients", 8),
    ("100 points, whole series", "points", "100 points, 2,000 times\nanswers per second, 1 client", None),
    ("10,000 points, 1 time", "points", "10,000 points, 1 time\nanswers per second, 1 client", None),
)


def draw(results: Results, path: Path) -> bool:
    """Draw what was measured; whether there was anything to draw."""
    panels = [panel for panel in PANELS if _speeds(results, panel)]
    if not panels:
        return False
    style: Any = {"svg.fonttype": "path", "svg.hashsalt": "zarr-edr", "font.family": "DejaVu Sans", "font.size": 9}
    with mpl.rc_context(style):
        figure = Figure(figsize=(9.6, 1.9 * -(-len(panels) // 2)), layout="constrained")
        grid = figure.subplots(-(-len(panels) // 2), 2, squeeze=False).ravel()
        for axes, panel in zip(grid, panels, strict=False):
            _bars(axes, panel[2], _speeds(results, panel))
        for axes in grid[len(panels) :]:
            axes.set_axis_off()
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", transparent=True, metadata={"Date": None})
    return True


def _speeds(results: Results, panel: tuple[str, str, str, int | None]) -> dict[str, float]:
    row = results.row(panel[0], panel[1])
    found = {name: speed(row, name, panel[3]) for name, _ in BARS} if row else {}
    return {name: value for name, value in found.items() if value}


def _bars(axes: Axes, title: str, speeds: dict[str, float]) -> None:
    colours = dict(BARS)
    names = list(speeds)
    bars = axes.barh(names, list(speeds.values()), color=[colours[name] for name in names], height=0.7)
    axes.bar_label(bars, [_label(value) for value in speeds.values()], padding=4, color=INK)
    axes.set_xscale("log")
    axes.set_xlim(min(speeds.values()) / 3, max(speeds.values()) * 4)
    axes.invert_yaxis()
    axes.set_title(f"{title} (logarithmic)", color=INK, fontsize=9.5, loc="left")
    axes.tick_params(colors=INK, which="both", length=0, labelbottom=False)
    axes.spines[:].set_visible(False)


def _label(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
