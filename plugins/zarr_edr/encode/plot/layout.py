"""How large a picture is, and how its panels are arranged: known before anything is drawn, so that a page can leave room."""

from __future__ import annotations

from dataclasses import dataclass

from zarr_edr.encode.plot.model import DotsPanel, FieldPanel, LinesPanel, Panel, Sketch

WIDTH_PX = 1200
"""Of the widest picture."""
_LEAST_WIDTH_PX = 720
_MOST_HEIGHT_PX = 1400
_PANEL_HEIGHT_PX = 720
HEAD_PX, FOOT_PX, NOTE_PX = 74, 14, 20
_AROUND_PX = (90, 78)
"""Width and height that ticks, labels and title of a panel take."""
BAR_PX = 110
"""Width, or height, of a colour bar with its labels."""
FLAT = 0.45
"""Height by width of panels whose colour bar lies below rather than stands beside."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Size in pixels, and the grid of panels."""

    width: int
    height: int
    rows: int
    columns: int


def layout(sketch: Sketch) -> Layout:
    """The arrangement in which panels are largest, within the largest size."""
    ratio = _ratio(sketch.panels)
    count = len(sketch.panels)
    fits = [_with_columns(sketch, columns, ratio) for columns in range(1, count + 1)]
    allowed = [(area, found) for area, found in fits if found.height <= _MOST_HEIGHT_PX] or fits[-1:]
    return max(allowed, key=lambda fit: (fit[0], -fit[1].columns))[1]


def _ratio(panels: tuple[Panel, ...]) -> float:
    """Height by width of all panels; curves one above the other are low."""
    ratio = max(panel.ratio for panel in panels)
    stacked = len(panels) > 1 and all(isinstance(p, LinesPanel) for p in panels) and ratio < 1
    return max(0.22, min(ratio, 1.1 / len(panels))) if stacked else ratio


def shared_bar(panels: tuple[Panel, ...]) -> bool:
    """Whether one colour bar is for all panels."""
    scales = {panel.colours if isinstance(panel, FieldPanel | DotsPanel) else None for panel in panels}
    return len(scales) == 1 and None not in scales


def _with_columns(sketch: Sketch, columns: int, ratio: float) -> tuple[float, Layout]:
    """Area of a panel, and the layout, with so many columns."""
    rows = -(-len(sketch.panels) // columns)
    wide, high = _bars(sketch.panels, ratio, rows, columns)
    width = (WIDTH_PX - wide) / columns - _AROUND_PX[0]
    height = min(width * ratio, _PANEL_HEIGHT_PX / min(rows, 2))
    width = min(width, height / ratio)
    whole = columns * (width + _AROUND_PX[0]) + wide
    head = HEAD_PX + FOOT_PX + NOTE_PX * (len(sketch.notes) + bool(sketch.source))
    size = round(max(whole, _LEAST_WIDTH_PX)), round(rows * (height + _AROUND_PX[1]) + high + head)
    return width * height, Layout(*size, rows, columns)


def _bars(panels: tuple[Panel, ...], ratio: float, rows: int, columns: int) -> tuple[int, int]:
    """Pixels that colour bars take from width and height."""
    if not any(isinstance(panel, FieldPanel | DotsPanel) for panel in panels):
        return 0, 0
    once = shared_bar(panels)
    if ratio < FLAT:
        return 0, BAR_PX * (1 if once else rows)
    return BAR_PX * (1 if once else columns), 0
