"""The seam for output formats."""

from __future__ import annotations

from typing import Protocol

from zarr_edr.coverage import CoverageSet


class Encoder(Protocol):
    """Writes coverages in one format."""

    @property
    def name(self) -> str:
        """As listed in `output_formats`, e.g. `CoverageJSON`."""

    @property
    def media_types(self) -> tuple[str, ...]:
        """The default one first."""

    @property
    def aliases(self) -> frozenset[str]:
        """Lower-case values of `f` that mean this format, its name and media types included."""

    def encode(self, coverages: CoverageSet) -> bytes:
        """The whole document."""
