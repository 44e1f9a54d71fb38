"""Sketches become figures of matplotlib. Only `png` imports this module, when the first picture is asked for.

No pyplot: it keeps global state.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from zarr_edr.encode.plot import layout as sizes
from zarr_edr.encode.plot.draw_axes import LABEL_CHARS, draw_axis, outer_labels
from zarr_edr.encode.plot.layout import Layout, layout
from zarr_edr.encode.plot.model import DotsPanel, FieldPanel, Line, LinesPanel, Panel, Scale, Sketch, Weight, WordsPanel
from zarr_edr.encode.plot.style import DPI, GRID, INK, MISSING, SOFT, line_colours, palette, words

_BAR_PX = 640
"""Length of a colour bar, where there is room."""
_LEGEND_CHARS = 28
"""On a line of a legend."""


def figure(sketch: Sketch) -> Figure:
    """The picture, of the size `layout` tells, at `DPI`; to be called, and written, within `style()`."""
    frame = layout(sketch)
    made = Figure(figsize=(frame.width / DPI, frame.height / DPI), dpi=DPI, layout="constrained")
    _frame(made, sketch, frame)
    cells = made.subplots(frame.rows, frame.columns, squeeze=False)
    axes: list[Axes] = list(cells.flat)
    for empty in axes[len(sketch.panels) :]:
        empty.remove()
    drawn = [_panel(ax, panel, frame) for ax, panel in zip(axes, sketch.panels, strict=False)]
    _legends(axes, sketch.panels, frame)
    _colour_bars(made, axes, sketch.panels, drawn, frame)
    outer_labels(axes, sketch.panels, frame)
    return made


def png(made: Figure) -> bytes:
    """The picture as a file; within `style()`."""
    file = io.BytesIO()
    canvas = FigureCanvasAgg(made)
    canvas.print_png(file)  # type: ignore[no-untyped-call]  # `savefig` would draw it twice, once for the layout
    return file.getvalue()


def _frame(made: Figure, sketch: Sketch, frame: Layout) -> None:
    """Title and subtitle above, notes and source below the panels."""
    lines = [*sketch.notes, *([sketch.source] if sketch.source else [])]
    foot = sizes.foot(sketch)
    left = 16 / frame.width
    made.text(left, 1 - 14 / frame.height, words(sketch.title), va="top", color=INK, fontsize=14, fontweight="bold")
    made.text(left, 1 - 43 / frame.height, words(sketch.subtitle), va="top", color=SOFT, fontsize=10.5)
    for number_, line in enumerate(lines):
        y = (foot - 8 - sizes.NOTE_PX * number_) / frame.height
        made.text(left, y, words(line), va="top", color=SOFT, fontsize=8.5)
    engine = made.get_layout_engine()
    height = 1 - (sizes.HEAD_PX + foot) / frame.height
    engine.set(rect=(0.005, foot / frame.height, 0.99, height), h_pad=0.08, w_pad=0.08)  # type: ignore[union-attr, call-arg]  # it is the constrained one, see `style`


def _panel(ax: Axes, panel: Panel, frame: Layout) -> ScalarMappable | None:
    """Draw one panel; what a colour bar needs, where it has colours."""
    ax.set_title(words(panel.title, frame.title_chars))
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
        ax.text(0.01, y, words(what), va="center", color=SOFT, fontsize=11, transform=ax.transAxes, in_layout=False)
        ax.text(0.6, y, words(value), va="center", color=INK, fontsize=14, transform=ax.transAxes, in_layout=False)


# --- curves --------------------------------------------------------------------------------------------------------


def _lines(ax: Axes, panel: LinesPanel, frame: Layout) -> None:
    colours = line_colours(panel.lines)
    for line in panel.lines:
        look = _look(line) | _between(panel, line)
        ax.plot(line.across, line.up, color=colours[line.colour], label=words(line.label, _LEGEND_CHARS), **look)
    if not any(np.isfinite(line.across + line.up).any() for line in panel.lines):
        _no_values(ax)
    draw_axis(ax, "x", panel.across, _range([line.across for line in panel.lines]), frame)
    draw_axis(ax, "y", panel.up, _range([line.up for line in panel.lines]), frame)
    ax.grid(visible=True, color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)


def _legends(axes: list[Axes], panels: tuple[Panel, ...], frame: Layout) -> None:
    """What the curves are: beside the first of the panels with the same ones, so that it hides none; within narrow panels."""
    told: set[tuple[str, ...]] = set()
    for ax, panel in zip(axes, panels, strict=False):
        labels = tuple(line.label for line in panel.lines if line.label) if isinstance(panel, LinesPanel) else ()
        if not labels or labels in told:
            continue
        told.add(labels)
        handles = [h for h in ax.lines if h.get_label() and not str(h.get_label()).startswith("_")]
        if frame.columns == 1:
            ax.legend(handles=handles, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
        else:
            ax.legend(handles=handles, fontsize=9, loc="best", frameon=True, framealpha=0.85, edgecolor=GRID)


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


def _between(panel: LinesPanel, line: Line) -> dict[str, Any]:
    """Between two classes there is nothing: a series steps from one to the other, a profile is points."""
    if panel.up.scale is Scale.CLASSES:
        return {"drawstyle": "steps-mid"}
    if panel.across.scale is Scale.CLASSES and line.weight is Weight.NORMAL:
        return {"linestyle": "none", "marker": "o", "markersize": 4, "markevery": None}
    return {}


def _range(arrays: list[Any]) -> tuple[float, float] | None:
    """Least and greatest number, None where there is none."""
    ends = [(np.nanmin(a), np.nanmax(a)) for a in arrays if np.isfinite(a).any()]
    return (float(min(low for low, _ in ends)), float(max(high for _, high in ends))) if ends else None


def _no_values(ax: Axes) -> None:
    ax.text(0.5, 0.5, "no values", ha="center", va="center", color=SOFT, transform=ax.transAxes, in_layout=False)


# --- fields --------------------------------------------------------------------------------------------------------


def _field(ax: Axes, panel: FieldPanel, frame: Layout) -> ScalarMappable:
    colour_map, norm = palette(panel.colours)
    values = np.ma.masked_invalid(panel.values)
    x, y = panel.across_edges, panel.up_edges
    drawn: ScalarMappable
    if panel.up.scale is Scale.LOG:  # images are for linear axes; levels are few
        drawn = ax.pcolormesh(x, y, values, cmap=colour_map, norm=norm)
    else:
        drawn = ax.pcolorfast(x, y, values, cmap=colour_map, norm=norm)
    ax.set_facecolor(MISSING)
    if values.mask.all():
        _no_values(ax)
    draw_axis(ax, "x", panel.across, (float(x[0]), float(x[-1])), frame, tight=True)
    draw_axis(ax, "y", panel.up, (float(y[0]), float(y[-1])), frame, tight=True)
    if panel.rigid:
        ax.set_box_aspect(panel.ratio)
    return drawn


def _dots(ax: Axes, panel: DotsPanel, frame: Layout) -> ScalarMappable:
    colour_map, norm = palette(panel.colours)
    there = np.isfinite(panel.values)
    size = float(np.clip(6000 / max(panel.x.size, 1), 4, 70))
    ax.scatter(panel.x[~there], panel.y[~there], s=size, facecolors="none", edgecolors=SOFT, linewidths=0.8)
    drawn = ax.scatter(
        panel.x[there], panel.y[there], c=panel.values[there], s=size, cmap=colour_map, norm=norm, edgecolors=SOFT,
        linewidths=0.4 if panel.x.size <= 500 else 0.0,
    )  # fmt: skip
    ax.set_facecolor("#f7f9fa")
    ax.grid(visible=True, color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    draw_axis(ax, "x", panel.across, panel.x_limits, frame, tight=True)
    draw_axis(ax, "y", panel.up, panel.y_limits, frame, tight=True)
    ax.set_box_aspect(panel.ratio)
    return drawn


def _nothing(panels: tuple[Panel, ...]) -> bool:
    """Whether there is no value to which a colour could belong."""
    return all(np.isnan(panel.values).all() for panel in panels if isinstance(panel, FieldPanel | DotsPanel))


def _colour_bars(
    made: Figure, axes: list[Axes], panels: tuple[Panel, ...], drawn: list[ScalarMappable | None], frame: Layout
) -> None:
    """One for the panels that share a scale where they fill rows, else one for each."""
    small = len(frame.bars) > 1 and all(len(run) == 1 for run in frame.bars)
    for run in frame.bars:
        panel, mappable = panels[run.start], drawn[run.start]
        if mappable is None or not isinstance(panel, FieldPanel | DotsPanel) or _nothing(panels[run.start : run.stop]):
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
        bar.set_label(words(label, 60 if frame.bars_below else LABEL_CHARS))
        bar.outline.set_linewidth(0.6)
        if panel.colours.classes:
            bar.set_ticks(list(range(len(panel.colours.classes))), labels=list(map(words, panel.colours.classes)))
            bar.ax.minorticks_off()
