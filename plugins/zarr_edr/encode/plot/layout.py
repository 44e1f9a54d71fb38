"""How large a picture is, and how its panels are arranged: known before anything is drawn, so that a page can leave room."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from zarr_edr.encode.plot.model import DotsPanel, FieldPanel, LinesPanel, Panel, Sketch, WordsPanel
from zarr_edr.encode.plot.text import wrapped

WIDTH_PX = 1176
"""Of the widest picture: as broad as a page of the service shows it, so that its pixels are not resampled there."""
_LEAST_WIDTH_PX = 720
_MOST_HEIGHT_PX = 1400
_PANEL_HEIGHT_PX = 720
_LEAST_PANEL_PX = 120
HEAD_PX, FOOT_PX, NOTE_PX = 74, 14, 20
_WORDS_PX = 34
"""Height of a row of words."""
_BESIDE_PX, _BELOW_PX, _TITLE_PX = 90, 56, 19
"""What ticks and labels of a panel take of width and height, and a line of its title."""
_CHARACTER_PX = 7.4
"""Width of a character of a title, most of them."""
_BAR_BESIDE_PX, _BAR_BELOW_PX = 110, 80
"""Width, or height, of a colour bar with its labels."""
_FLAT = 0.45
"""Height by width of panels whose colour bar lies below rather than stands beside."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Size in pixels, the grid of panels, and their colour bars."""

    width: int
    height: int
    rows: int
    columns: int
    bars: tuple[range, ...] = ()
    """Numbers of the panels that each colour bar is for."""
    bars_below: bool = False
    title_chars: int = 80
    """On a line of the title of a panel."""


def layout(sketch: Sketch) -> Layout:
    """The arrangement in which panels are largest, within the largest size."""
    if all(isinstance(panel, WordsPanel) for panel in sketch.panels):
        rows = sum(len(panel.rows) for panel in sketch.panels if isinstance(panel, WordsPanel))
        return Layout(_LEAST_WIDTH_PX, _head(sketch) + _WORDS_PX * max(rows, 2), 1, 1)
    ratio, runs = _ratio(sketch.panels), _runs(sketch.panels)
    shared, choices = _shared(runs, len(sketch.panels))
    bars = runs if shared else [range(k, k + 1) for run in runs for k in run]
    tried = [_with_columns(sketch, columns, ratio, bars) for columns in choices]
    fits = [fit for fit in tried if fit[0] >= _LEAST_PANEL_PX] or tried[:1]
    allowed = [fit for fit in fits if fit[1].height <= _MOST_HEIGHT_PX] or fits[-1:]
    return max(allowed, key=lambda fit: (fit[0], -fit[1].columns))[1]


def _head(sketch: Sketch) -> int:
    """Height of what stands above and below the panels."""
    return HEAD_PX + foot(sketch)


def foot(sketch: Sketch) -> int:
    """Height of what stands below the panels, in pixels."""
    return FOOT_PX + NOTE_PX * (len(sketch.notes) + bool(sketch.source))


def _ratio(panels: tuple[Panel, ...]) -> float:
    """Height by width of all panels; curves one above the other are low."""
    ratio = max(panel.ratio for panel in panels)
    stacked = len(panels) > 1 and all(isinstance(p, LinesPanel) for p in panels) and ratio < 1
    return max(0.2, min(ratio, 0.66 / len(panels))) if stacked else ratio


def _runs(panels: tuple[Panel, ...]) -> list[range]:
    """Panels one after the other that share a scale of colours."""
    scales = [panel.colours if isinstance(panel, FieldPanel | DotsPanel) else None for panel in panels]
    starts = [k for k, scale in enumerate(scales) if k == 0 or scale != scales[k - 1]]
    runs = [range(start, end) for start, end in zip(starts, [*starts[1:], len(panels)], strict=True)]
    return [run for run in runs if scales[run.start] is not None]


def _shared(runs: list[range], count: int) -> tuple[bool, list[int]]:
    """Whether each run has one colour bar, which needs rows of its own, and the numbers of columns with which that works."""
    every = list(range(1, count + 1))
    if len(runs) <= 1:
        return len(runs) == 1 and len(runs[0]) == count, every
    common = gcd(*map(len, runs))
    if common == 1 or sum(map(len, runs)) < count:
        return False, every
    return True, [columns for columns in every if common % columns == 0]


def _with_columns(sketch: Sketch, columns: int, ratio: float, bars: list[range]) -> tuple[float, Layout]:
    """Width of a panel in pixels, and the layout, with so many columns."""
    rows = -(-len(sketch.panels) // columns)
    below = ratio < _FLAT
    alone = all(len(bar) == 1 for bar in bars) and len(bars) > 1
    wide = 0 if below or not bars else _BAR_BESIDE_PX * (columns if alone else 1)
    high = 0 if not below or not bars else _BAR_BELOW_PX * (rows if alone else len(bars))
    width = (WIDTH_PX - wide) / columns - _BESIDE_PX
    height = min(width * ratio, _PANEL_HEIGHT_PX / min(rows, 2))
    width = min(width, height / ratio)
    chars = int((width + _BESIDE_PX / 2) / _CHARACTER_PX)
    around = _BELOW_PX + _TITLE_PX * max(len(wrapped(panel.title, chars)) for panel in sketch.panels)
    size = columns * (width + _BESIDE_PX) + wide, rows * (height + around) + high + _head(sketch)
    found = Layout(round(max(size[0], _LEAST_WIDTH_PX)), round(size[1]), rows, columns, tuple(bars), below, chars)
    return width, found
