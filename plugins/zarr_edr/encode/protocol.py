"""The seam for output formats."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeGuard, runtime_checkable

from zarr_edr.coverage import CoverageSet
from zarr_edr.outline import Outline


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

    @property
    def extension(self) -> str | None:
        """Of the names of files, e.g. `csv`: browsers save such answers. None: they show them."""

    @property
    def queries(self) -> frozenset[str] | None:
        """Types of queries whose answers the format can hold; None: all."""

    def encode(self, coverages: CoverageSet) -> Iterable[bytes]:
        """The document in pieces, which are made as they are taken.

        Raises `InvalidFormat` before the first piece where the format cannot hold these coverages.
        """


@runtime_checkable
class PartsEncoder(Encoder, Protocol):
    """Writes coverages while they are read."""

    def encode_parts(self, outline: Outline, parts: Iterable[CoverageSet]) -> Iterable[bytes]:
        """The document in pieces. A part is taken when what was taken before is written."""


def writes_parts(encoder: Encoder) -> TypeGuard[PartsEncoder]:
    """Whether an encoder is a `PartsEncoder`: `isinstance` looks for each member of both protocols, which takes 25 µs."""
    return hasattr(encoder, "encode_parts")


@runtime_checkable
class ChoosyEncoder(Encoder, Protocol):
    """Knows before it writes whether the format can hold the coverages."""

    def admit(self, coverages: CoverageSet) -> None:
        """Raise `InvalidFormat` or `ResponseTooLarge` as `encode` would, without writing anything."""
