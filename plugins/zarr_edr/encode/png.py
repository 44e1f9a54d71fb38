"""A quick look: an answer as a picture, PNG (ISO/IEC 15948), for reports and for the page of an answer.

matplotlib is needed (`pip install zarr-edr[plots]`); it is imported when the first picture is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock

from zarr_edr.coverage import CoverageSet
from zarr_edr.encode.plot.sketch import sketch

_drawing = Lock()
"""matplotlib's settings, fonts and caches are shared by all figures and not made for threads."""


class PngEncoder:
    """One picture of whatever the query gave; what it leaves out is said on it."""

    name = "PNG"
    media_types = ("image/png",)
    aliases = frozenset({"png", *media_types})
    extension = None
    queries = None

    def encode(self, coverages: CoverageSet) -> Iterable[bytes]:
        """The file, of the size that `plot.preview` tells."""
        from zarr_edr.encode.plot import draw, style  # noqa: PLC0415 - matplotlib is an extra, and slow to import

        shown = sketch(coverages)
        with _drawing, style.style():
            return (draw.png(draw.figure(shown)),)
