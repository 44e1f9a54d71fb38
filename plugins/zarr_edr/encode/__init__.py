"""Output formats, by the names clients use."""

from __future__ import annotations

from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.encode.geojson import GeoJsonEncoder
from zarr_edr.encode.protocol import Encoder
from zarr_edr.errors import InvalidFormat

ENCODERS: tuple[Encoder, ...] = (CovJsonEncoder(), GeoJsonEncoder())
"""Offered formats; the first is the default."""


def encoder_for(name: str | None) -> Encoder:
    """The encoder that `f` names, in any case; the default for None. Raises `InvalidFormat`."""
    if name is None:
        return ENCODERS[0]
    wanted = name.strip().lower()
    for encoder in ENCODERS:
        if wanted in encoder.aliases:
            return encoder
    offered = ", ".join(encoder.name for encoder in ENCODERS)
    raise InvalidFormat(f"f={name[:60]!r} is not an output format of this query; use one of: {offered}.")
