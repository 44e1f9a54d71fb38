"""What can be said of a picture before it is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from zarr_edr.coverage import CoverageSet
from zarr_edr.encode.plot.layout import layout
from zarr_edr.encode.plot.sketch import sketch


@dataclass(frozen=True, slots=True)
class Preview:
    """What a page says of a picture before it has it."""

    width: int
    """Pixels."""
    height: int
    words: str
    """What it shows, for those who cannot see it."""


def preview(coverages: CoverageSet) -> Preview:
    """Size and description of the picture that `PngEncoder` draws of these coverages. Does not need matplotlib."""
    shown = sketch(coverages)
    size = layout(shown)
    words = [shown.title, shown.subtitle, *(note.removesuffix(".") for note in shown.notes)]
    return Preview(size.width, size.height, ". ".join(words) + ".")
