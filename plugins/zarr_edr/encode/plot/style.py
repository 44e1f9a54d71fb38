"""How every picture looks: settings, font, colours. Whatever a `matplotlibrc` says makes no difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager, ft2font
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap, Normalize

from zarr_edr.encode.plot.model import Colours, Line
from zarr_edr.encode.plot.text import wrapped

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
INK, SOFT, GRID, MISSING = "#16232b", "#4c5d68", "#e3e9ec", "#d3d8da"
_LINES = ("#00609c", "#d1495b", "#2a8a57", "#e08e0b", "#7a4fa3", "#16a3b0", "#8c5a3c", "#d65db1")
_SEQUENTIAL, _DIVERGING = "viridis", "RdBu_r"


@contextmanager
def style() -> Iterator[None]:
    """The settings of matplotlib with which figures are made and written. They are global: one thread at a time."""
    settings: dict[Any, Any] = {name: value for name, value in mpl.rcParamsDefault.items() if name != "backend"}
    with mpl.rc_context(settings | dict(_STYLE)):
        yield


@cache
def _glyphs() -> frozenset[int]:
    """Code points that the font has."""
    return frozenset(ft2font.FT2Font(font_manager.findfont(_FONT)).get_charmap())


def words(text: str, most: int = 200) -> str:
    """Text on lines of `most` characters in which each can be drawn: a box stands for what the font does not have."""
    text = "\n".join(wrapped(text, most))
    return "".join(c if c == "\n" or ord(c) in _glyphs() else "\N{WHITE SQUARE}" for c in text)


def palette(colours: Colours) -> tuple[Colormap, Normalize]:
    """Which colour stands for which value."""
    if colours.classes:
        count = len(colours.classes)
        base = mpl.colormaps["tab10"].colors if count <= 10 else mpl.colormaps["turbo"](np.linspace(0, 1, count))  # type: ignore[attr-defined]  # a listed map, which has them
        return ListedColormap(base[:count]), BoundaryNorm(np.arange(count + 1) - 0.5, count)
    low, high = colours.low, colours.high
    if high == low:  # one colour, in the middle of its scale
        half = abs(low) * 0.01 or 1.0
        low, high = low - half, high + half
    return mpl.colormaps[_DIVERGING if colours.diverging else _SEQUENTIAL], Normalize(low, high)


def line_colours(lines: tuple[Line, ...]) -> dict[int, Any]:
    """A colour for each number of `Line.colour`: told apart at sight while they are few, a sequence where they are many."""
    numbers = sorted({line.colour for line in lines})
    if len(numbers) <= len(_LINES):
        return dict(zip(numbers, _LINES, strict=False))
    return dict(zip(numbers, mpl.colormaps[_SEQUENTIAL](np.linspace(0, 0.92, len(numbers))), strict=True))
