"""Output formats, by the names clients use."""

from __future__ import annotations

from importlib.util import find_spec

from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.encode.covjson_points import CovJsonPointsEncoder
from zarr_edr.encode.geojson import GeoJsonEncoder
from zarr_edr.encode.geotiff import GeoTiffEncoder
from zarr_edr.encode.netcdf import NetCdfEncoder
from zarr_edr.encode.png import PngEncoder
from zarr_edr.encode.protocol import Encoder
from zarr_edr.encode.rows import CsvEncoder, NdjsonEncoder, RecordsEncoder
from zarr_edr.encode.zarr import ZarrEncoder
from zarr_edr.errors import InvalidFormat


def _where_installed(encoder: Encoder, *libraries: str) -> tuple[Encoder, ...]:
    """An encoder that needs optional libraries, or nothing where one is missing."""
    return (encoder,) if all(find_spec(library) is not None for library in libraries) else ()


def _arrow() -> tuple[Encoder, ...]:
    if find_spec("pyarrow") is None:
        return ()
    from zarr_edr.encode.arrow import ArrowEncoder, GeoParquetEncoder, ParquetEncoder  # noqa: PLC0415 - an extra

    return ParquetEncoder(), GeoParquetEncoder(), ArrowEncoder()


ENCODERS: tuple[Encoder, ...] = (
    CovJsonEncoder(),
    GeoJsonEncoder(),
    CsvEncoder(),
    RecordsEncoder(),
    NdjsonEncoder(),
    CovJsonPointsEncoder(),
    *_where_installed(NetCdfEncoder(), "h5netcdf", "h5py"),
    ZarrEncoder(),
    GeoTiffEncoder(),
    *_arrow(),
    *_where_installed(PngEncoder(), "matplotlib"),
)
"""Offered formats, those whose library is not installed left out; the first is the default."""


def encoders_of(query_type: str | None) -> tuple[Encoder, ...]:
    """The formats that can hold the answers to a type of query; all for None."""
    return tuple(e for e in ENCODERS if query_type is None or e.queries is None or query_type in e.queries)


def encoder_for(name: str | None, query_type: str | None = None) -> Encoder:
    """The encoder that `f` names, in any case; the default for None. Raises `InvalidFormat`."""
    if name is None:
        return ENCODERS[0]
    wanted = name.strip().lower()
    offered = encoders_of(query_type)
    for encoder in offered:
        if wanted in encoder.aliases:
            return encoder
    names = ", ".join(encoder.name for encoder in offered)
    raise InvalidFormat(f"f={name[:60]!r} is not an output format of this query; use one of: {names}.")
