"""Sketches become figures of matplotlib. Only here is matplotlib imported, and only `png` imports this module, when asked.

No pyplot: it keeps global state. Colours, fonts and sizes are those of this module, whatever a `matplotlibrc` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager, ft2font
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    MultipleLocator,
    NullFormatter,
    NullLocator,
)

from zarr_edr.encode.plot import layout as sizes
from zarr_edr.encode.plot.layout import Layout, layout
from zarr_edr.encode.plot.lines import MAX_LEGEND
from zarr_edr.encode.plot.model import (
    Colours,
    DotsPanel,
    FieldPanel,
    Line,
    LinesPanel,
    Panel,
    PlotAxis,
    Scale,
    Sketch,
    Weight,
    WordsPanel,
)
from zarr_edr.encode.plot.text import latitude_text, longitude_text, number, wrapped
from zarr_edr.encode.plot.ticks import time_ticks

DPI = 100
_FONT = "DejaVu Sans"
"""Comes with matplotlib, so no other font need be installed, and text looks the same everywhere."""
_STYLE: Mapping[str, Any] = {
    "font.family": [_FONT],
    "font.size": 10.5,
    "text.parse_math": False,  # a dollar sign in metadata is a dollar sign
    "text.usetex": False,
    "axes.formatter.use_mathtext": False,
    "axes.grid": False,
    "axes.edgecolor": "#5b6b75",
    "axes.labelcolor": "#16232b",
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.linewidth": 0.8,
    "axes.xmargin": 0.02,
    "xtick.color": "#5b6b75",
    "ytick.color": "#5b6b75",
    "xtick.labelcolor": "#16232b",
    "ytick.labelcolor": "#16232b",
    "legend.frameon": False,
    "figure.facecolor": "white",
    "agg.path.chunksize": 10_000,
}
_INK, _SOFT, _GRID, _MISSING = "#16232b", "#4c5d68", "#e3e9ec", "#d3d8da"
_LINES = ("#00609c", "#d1495b", "#2a8a57", "#e08e0b", "#7a4fa3", "#16a3b0", "#8c5a3c", "#d65db1", "#5b6b75", "#9aa514")
_SEQUENTIAL, _DIVERGING = "viridis", "RdBu_r"
_PX_PER_TICK = {"across": 88, "up": 42}
_BAR_PX = 640
"""Length of a colour bar, where there is room."""
_DEGREES = (*(n * 10.0**k for k in range(-4, 1) for n in (1, 2, 5)), 10, 15, 20, 30, 45, 60, 90, 120, 180)
"""Steps of ticks on axes of longitude and latitude."""
_WRAP = 34
"""Characters of an axis label on one line."""


@contextmanager
def style() -> Iterator[None]:
    """The settings of matplotlib with which figures are made and written. They are global: one thread at a time."""
    settings: dict[Any, Any] = {name: value for name, value in mpl.rcParamsDefault.items() if name != "backend"}
    with mpl.rc_context(settings | dict(_STYLE)):
        yield


def figure(sketch: Sketch) -> Figure:
    """The picture, of the size `layout` tells, at `DPI`; to be called, and written, within `style()`."""
    frame = layout(sketch)
    made = Figure(figsize=(frame.width / DPI, frame.height / DPI), dpi=DPI, layout="constrained")
    FigureCanvasAgg(made)
    _frame(made, sketch, frame)
    cells = made.subplots(frame.rows, frame.columns, squeeze=False)
    axes: list[Axes] = list(cells.flat)
    for empty in axes[len(sketch.panels) :]:
        empty.remove()
    drawn = [_panel(ax, panel, frame) for ax, panel in zip(axes, sketch.panels, strict=False)]
    _colour_bars(made, axes, sketch.panels, drawn, frame)
    _outer_labels(axes, sketch.panels, frame)
    return made


def _frame(made: Figure, sketch: Sketch, frame: Layout) -> None:
    """Title and subtitle above, notes and source below the panels."""
    lines = [*sketch.notes, *([sketch.source] if sketch.source else [])]
    foot = sizes.foot(sketch)
    left = 16 / frame.width
    made.text(left, 1 - 14 / frame.height, words(sketch.title), va="top", color=_INK, fontsize=14, fontweight="bold")
    made.text(left, 1 - 43 / frame.height, words(sketch.subtitle), va="top", color=_SOFT, fontsize=10.5)
    for number_, line in enumerate(lines):
        y = (foot - 8 - sizes.NOTE_PX * number_) / frame.height
        made.text(left, y, words(line), va="top", color=_SOFT, fontsize=8.5)
    engine = made.get_layout_engine()
    height = 1 - (sizes.HEAD_PX + foot) / frame.height
    engine.set(rect=(0.005, foot / frame.height, 0.99, height), h_pad=0.08, w_pad=0.08)  # type: ignore[union-attr, call-arg]


@cache
def _glyphs() -> frozenset[int]:
    """Code points that the font has."""
    return frozenset(ft2font.FT2Font(font_manager.findfont(_FONT)).get_charmap())


def words(text: str) -> str:
    """Text in which every character can be drawn; a box stands for the others."""
    return "".join(c if c == "\n" or ord(c) in _glyphs() else "\N{WHITE SQUARE}" for c in text)


def _panel(ax: Axes, panel: Panel, frame: Layout) -> ScalarMappable | None:
    """Draw one panel; what a colour bar needs, where it has colours."""
    ax.set_title(words("\n".join(wrapped(panel.title, frame.title_chars))))
    match panel:
        case LinesPanel():
            _lines(ax, panel, frame)
            return None
        case FieldPanel():
            return _field(ax, panel, frame)
        case DotsPanel():
            return _dots(ax, panel, frame)
        case WordsPanel():
            _words(ax, panel)
            return None


def _words(ax: Axes, panel: WordsPanel) -> None:
    ax.set_axis_off()
    step = 1 / max(len(panel.rows), 2)
    for row, (what, value) in enumerate(panel.rows):
        y = 1 - step * (row + 0.5)
        ax.text(0.01, y, words(what), va="center", color=_SOFT, fontsize=11, transform=ax.transAxes)
        ax.text(0.6, y, words(value), va="center", color=_INK, fontsize=14, transform=ax.transAxes)


# --- curves --------------------------------------------------------------------------------------------------------


def _lines(ax: Axes, panel: LinesPanel, frame: Layout) -> None:
    colours = _line_colours(panel.lines)
    for line in panel.lines:
        ax.plot(line.across, line.up, color=colours[line.colour], label=words(line.label), **_look(line))
    if not any(np.isfinite(line.across + line.up).any() for line in panel.lines):
        _no_values(ax)
    _axis(ax, "x", panel.across, _range([line.across for line in panel.lines]), frame)
    _axis(ax, "y", panel.up, _range([line.up for line in panel.lines]), frame)
    ax.grid(visible=True, color=_GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    named = [handle for handle in ax.lines if not str(handle.get_label()).startswith("_") and handle.get_label()]
    if named:
        ax.legend(handles=named, fontsize=9, loc="best" if len(panel.lines) <= 2 * MAX_LEGEND else "upper left")


def _line_colours(lines: tuple[Line, ...]) -> dict[int, Any]:
    numbers = sorted({line.colour for line in lines})
    if len(numbers) <= len(_LINES):
        return dict(zip(numbers, _LINES, strict=False))
    return dict(zip(numbers, mpl.colormaps[_SEQUENTIAL](np.linspace(0, 0.92, len(numbers))), strict=True))


def _look(line: Line) -> dict[str, Any]:
    """Points are marked where they are few, and where a value without neighbours makes no line."""
    shown = np.isfinite(line.across) & np.isfinite(line.up)
    around = np.concatenate(([False], shown, [False]))
    alone = np.flatnonzero(shown & ~around[:-2] & ~around[2:])
    every = None if shown.size <= 60 else alone.tolist()
    match line.weight:
        case Weight.VALUES:
            return {"linestyle": "none", "marker": "o", "markersize": 6}
        case Weight.MEMBER:
            return {"linewidth": 0.8, "alpha": 0.45, "marker": ".", "markersize": 5, "markevery": alone.tolist()}
        case Weight.MEAN:
            return {"linewidth": 2.4, "marker": ".", "markersize": 10, "markevery": alone.tolist()}
        case Weight.NORMAL:
            return {"linewidth": 1.5, "marker": ".", "markersize": 5, "markevery": every}


def _range(arrays: list[Any]) -> tuple[float, float] | None:
    """Least and greatest number, None where there is none."""
    ends = [(np.nanmin(a), np.nanmax(a)) for a in arrays if np.isfinite(a).any()]
    return (float(min(low for low, _ in ends)), float(max(high for _, high in ends))) if ends else None


def _no_values(ax: Axes) -> None:
    ax.text(0.5, 0.5, "no values", ha="center", va="center", color=_SOFT, transform=ax.transAxes)


# --- fields --------------------------------------------------------------------------------------------------------


def _field(ax: Axes, panel: FieldPanel, frame: Layout) -> ScalarMappable:
    palette, norm = _palette(panel.colours)
    values = np.ma.masked_invalid(panel.values)
    x, y = panel.across_edges, panel.up_edges
    drawn: ScalarMappable
    if panel.up.scale is Scale.LOG:  # images are for linear axes; levels are few
        drawn = ax.pcolormesh(x, y, values, cmap=palette, norm=norm)
    else:
        drawn = ax.pcolorfast(x, y, values, cmap=palette, norm=norm)
    ax.set_facecolor(_MISSING)
    if values.mask.all():
        _no_values(ax)
    _axis(ax, "x", panel.across, (float(x[0]), float(x[-1])), frame, tight=True)
    _axis(ax, "y", panel.up, (float(y[0]), float(y[-1])), frame, tight=True)
    if panel.rigid:
        ax.set_box_aspect(panel.ratio)
    return drawn


def _dots(ax: Axes, panel: DotsPanel, frame: Layout) -> ScalarMappable:
    palette, norm = _palette(panel.colours)
    there = np.isfinite(panel.values)
    size = float(np.clip(6000 / max(panel.x.size, 1), 4, 70))
    ax.scatter(panel.x[~there], panel.y[~there], s=size, facecolors="none", edgecolors=_SOFT, linewidths=0.8)
    drawn = ax.scatter(
        panel.x[there], panel.y[there], c=panel.values[there], s=size, cmap=palette, norm=norm, edgecolors=_SOFT,
        linewidths=0.4 if panel.x.size <= 500 else 0.0,
    )  # fmt: skip
    ax.set_facecolor("#f7f9fa")
    ax.grid(visible=True, color=_GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    _axis(ax, "x", panel.across, panel.x_limits, frame, tight=True)
    _axis(ax, "y", panel.up, panel.y_limits, frame, tight=True)
    ax.set_box_aspect(panel.ratio)
    return drawn


def _palette(colours: Colours) -> tuple[Colormap, Normalize]:
    if colours.classes:
        count = len(colours.classes)
        base = mpl.colormaps["tab10"].colors if count <= 10 else mpl.colormaps["turbo"](np.linspace(0, 1, count))  # type: ignore[attr-defined]
        return ListedColormap(base[:count]), BoundaryNorm(np.arange(count + 1) - 0.5, count)
    low, high = colours.low, colours.high
    if high == low:  # one colour, in the middle of its scale
        half = abs(low) * 0.01 or 1.0
        low, high = low - half, high + half
    return mpl.colormaps[_DIVERGING if colours.diverging else _SEQUENTIAL], Normalize(low, high)


def _colour_bars(
    made: Figure, axes: list[Axes], panels: tuple[Panel, ...], drawn: list[ScalarMappable | None], frame: Layout
) -> None:
    """One for the panels that share a scale where they fill rows, else one for each."""
    small = len(frame.bars) > 1 and all(len(run) == 1 for run in frame.bars)
    for run in frame.bars:
        panel, mappable = panels[run.start], drawn[run.start]
        if mappable is None or not isinstance(panel, FieldPanel | DotsPanel):
            continue
        share = frame.columns if small else 1
        length = frame.width / share if frame.bars_below else frame.height * -(-len(run) // frame.columns) / frame.rows
        bar = made.colorbar(
            mappable,
            ax=[axes[number_] for number_ in run],
            orientation="horizontal" if frame.bars_below else "vertical",
            aspect=45 if frame.bars_below else 28,
            fraction=0.08,
            pad=0.02,
            shrink=float(np.clip(_BAR_PX / length, 0.3, 0.95)),
        )
        label = panel.colours.unit if small else panel.colours.label
        bar.set_label(words("\n".join(wrapped(label, 60 if frame.bars_below else _WRAP))))
        bar.outline.set_linewidth(0.6)
        if panel.colours.classes:
            bar.set_ticks(list(range(len(panel.colours.classes))), labels=list(map(words, panel.colours.classes)))
            bar.ax.minorticks_off()


# --- axes ----------------------------------------------------------------------------------------------------------


def _axis(
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
    ax.set(**{f"{name}label": words("\n".join(wrapped(axis.label, 200 if across else _WRAP)))})
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
            step = next((step for step in _DEGREES if (high - low) / step <= most - 1), 360)
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
        case Scale.NUMBER:
            target.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))


def _fixed(labels: Mapping[float, str]) -> FuncFormatter:
    return FuncFormatter(lambda value, _: labels.get(float(value), ""))


def _outer_labels(axes: list[Axes], panels: tuple[Panel, ...], frame: Layout) -> None:
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
