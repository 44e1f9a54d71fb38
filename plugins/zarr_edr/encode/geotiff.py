"""Cloud Optimized GeoTIFF (OGC 21-026), one band for each parameter and level, written by GDAL into memory.

A raster has one time, so an answer has, too. What bands hold stands in their descriptions, units and tags.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarr_edr.coverage import Coverage, CoverageSet, DomainType, Times
from zarr_edr.dataset.model import HorizontalCrs, Parameter
from zarr_edr.encode.raster import Raster, raster_of
from zarr_edr.encode.values import exact_as_float64, has_missing, spare_value, with_nan
from zarr_edr.errors import InvalidFormat, ResponseTooLarge
from zarr_edr.query.geometry import Float64Array

MAX_PIXELS = 50_000_000
"""Of all bands and tiles, those beyond the edge of the raster included: some 3 s of compression."""

_TILE = (128, 512)
"""Pixels along the side of a tile, which is square: GDAL wants no less than the first; the second is its default."""
_WIDE_BYTES = 8
"""Of integers that have a mask."""
_OVERVIEW_FROM = 256
"""Pixels along the shorter side: GDAL takes a minute for the overviews of hundreds of bands of a narrow raster."""


class GeoTiffEncoder:
    """One raster: the answer has to be one window of an evenly spaced grid, at one time and of one member."""

    name = "GeoTIFF"
    media_types = ("image/tiff; application=geotiff; profile=cloud-optimized", "image/tiff")
    aliases = frozenset({"geotiff", "tiff", "cog", *media_types})
    extension = "tif"
    queries: frozenset[str] | None = frozenset({"area", "cube", "radius", "corridor"})

    def encode(self, coverages: CoverageSet) -> Iterable[bytes]:
        """The file. Raises `InvalidFormat` for more than one place, time or member, and for uneven grids."""
        raster, bands = self._planned(coverages)
        return (_written(raster, bands, coverages.crs),)

    def admit(self, coverages: CoverageSet) -> None:
        """See `ChoosyEncoder`."""
        self._planned(coverages)

    def _planned(self, coverages: CoverageSet) -> tuple[Raster, list[_Band]]:
        first = coverages.coverages[0]
        _check_one_raster(coverages.coverages)
        parameters = {parameter.name: parameter for parameter in coverages.parameters}
        grid = parameters[next(iter(first.ranges))].grid
        raster = raster_of(_axis(first, "x"), _axis(first, "y"), coverages.crs, grid)
        bands = [band for coverage in coverages.coverages for band in _bands(coverage, parameters)]
        _check_size(len(bands), raster.columns.size, raster.rows.size)
        return raster, bands


@dataclass(frozen=True, slots=True, eq=False)
class _Band:
    """One band."""

    values: NDArray[Any]
    """Shape (ny, nx), as answered."""
    description: str
    units: str | None
    tags: Mapping[str, str]


def _check_one_raster(coverages: tuple[Coverage, ...]) -> None:
    first = coverages[0]
    if any(coverage.domain_type is not DomainType.GRID for coverage in coverages):
        raise InvalidFormat("A GeoTIFF holds grids; ask for an area, a cube, a radius or a corridor, or for NetCDF.")
    if len({coverage.place for coverage in coverages}) > 1:
        raise InvalidFormat(
            "A GeoTIFF holds one raster, and this answer has several areas; ask for one, or for NetCDF."
        )
    for name in {name for coverage in coverages for name in coverage.dimensions}:
        members = {c.dimensions[name] for c in coverages if name in c.dimensions}
        if len(members) > 1:
            raise InvalidFormat(
                f"A GeoTIFF holds one member, and this answer has {len(members)}; ask for one, e.g."
                f" {name}={min(members, key=str)}, or for NetCDF."
            )
    for coverage in coverages:
        times = coverage.axes.get("t")
        if isinstance(times, Times) and times.index.size > 1:
            raise InvalidFormat(
                f"A GeoTIFF holds one time, and this answer has {times.index.size}; ask for one, e.g."
                f" datetime={times.axis.iso[int(times.index[-1])]}, or for NetCDF."
            )
    if any(not np.array_equal(_axis(first, name), _axis(c, name)) for c in coverages for name in ("x", "y")):
        raise InvalidFormat(
            "A GeoTIFF holds one raster, and these parameters are on different grids; choose some with parameter-name."
        )


def _axis(coverage: Coverage, name: str) -> Float64Array:
    axis = coverage.axes[name]
    assert isinstance(axis, np.ndarray)  # noqa: S101 - only t and composite are not
    return axis


def _bands(coverage: Coverage, parameters: Mapping[str, Parameter]) -> Iterator[_Band]:
    """Parameter by parameter, the levels of each in their order."""
    levels = _axis(coverage, "z").tolist() if "z" in coverage.axes else [None]
    shape = (len(levels), _axis(coverage, "y").size, _axis(coverage, "x").size)
    for name, values in coverage.ranges.items():
        for level, layer in zip(levels, values.values.reshape(shape), strict=True):
            yield _band(coverage, parameters[name], level, layer)


def _band(coverage: Coverage, parameter: Parameter, level: float | None, layer: NDArray[Any]) -> _Band:
    units = None if parameter.unit is None else parameter.unit.text
    tags = {"parameter": parameter.name, "long_name": parameter.title, "standard_name": parameter.standard_name}
    times = coverage.axes.get("t")
    if isinstance(times, Times):
        tags["time"] = times.axis.iso[int(times.index[0])]
    description = parameter.name
    if level is not None:
        level_units = "" if coverage.vertical is None else coverage.vertical.unit.text
        tags |= {"level": f"{level:.15g}", "level_units": level_units or None}
        description = f"{parameter.name} at {level:.15g} {level_units}".rstrip()
    tags |= {name: str(member) for name, member in coverage.dimensions.items()}
    return _Band(layer, description, units, {name: text for name, text in tags.items() if text is not None})


def _written(raster: Raster, bands: list[_Band], crs: HorizontalCrs) -> bytes:
    from rasterio.io import MemoryFile  # noqa: PLC0415 - a quarter of a second that other formats need not wait for
    from rasterio.transform import Affine  # noqa: PLC0415 - as above

    stacked, nodata, there = _stacked([_storable(band.values) for band in bands])
    values = raster.arranged(stacked)
    count, height, width = values.shape
    profile: dict[str, Any] = {
        "count": count,
        "height": height,
        "width": width,
        "dtype": values.dtype,
        # By its number, where GeoTIFF has a key for it; x is the longitude all the same (OGC 19-008r4, 7.1).
        "crs": "EPSG:4326" if crs.geographic else crs.wkt,
        "transform": Affine(raster.width, 0, raster.west, 0, -raster.height, raster.north),
        "nodata": nodata,
    }
    with MemoryFile() as memory:
        with memory.open(**profile, **_layout(width, height)) as file:
            file.write(values)
            if there is not None:
                file.write_mask(raster.arranged(there))
            file.update_tags(**_shared(bands))
            for number, band in enumerate(bands, start=1):
                file.set_band_description(number, band.description)
                file.set_band_unit(number, band.units or "")
                file.update_tags(number, **band.tags)
        return bytes(memory.getbuffer())


def _tile(width: int, height: int) -> int:
    """Side of a tile: small where the raster is narrow, lest most of each tile be padding."""
    least, most = _TILE
    return min(most, max(least, -(-min(width, height) // 16) * 16))


def _check_size(bands: int, width: int, height: int) -> None:
    side = _tile(width, height)
    pixels = bands * -(-width // side) * -(-height // side) * side**2
    if pixels > MAX_PIXELS:
        raise ResponseTooLarge(
            f"A GeoTIFF of this answer would have {pixels:,} pixels in the tiles of its {bands:,} bands, of {MAX_PIXELS:,}"
            " allowed; ask for fewer levels or parameters, or for NetCDF."
        )


def _layout(width: int, height: int) -> dict[str, Any]:
    """Options of GDAL's COG driver."""
    halvings = max(0, (max(width, height) - 1).bit_length() - (_TILE[1] - 1).bit_length())
    # Overviews, too, have the numbers that are in the array, not means of them.
    overviews = {"overview_resampling": "nearest", "overview_count": halvings}
    if min(width, height) < _OVERVIEW_FROM or not halvings:
        overviews = {"overviews": "none"}
    coding = {"compress": "deflate", "level": 1, "predictor": "yes", "blocksize": _tile(width, height)}
    return {"driver": "COG", **coding, **overviews}


def _shared(bands: list[_Band]) -> dict[str, str]:
    """Of the whole file: the time, where all bands have the same."""
    times = {band.tags.get("time") for band in bands}
    time = times.pop() if len(times) == 1 else None
    return {"time": time} if time is not None else {}


def _stacked(layers: list[NDArray[Any]]) -> tuple[NDArray[Any], float | None, NDArray[np.bool_] | None]:
    """Values, shape (bands, ny, nx), the number that means missing, and which pixels, shape (ny, nx), are there in all bands.

    The number is one that no band has; NaN in floats. GDAL's COG driver loses it for 64-bit integers: they have a mask.
    """
    if not any(has_missing(layer) for layer in layers):
        values = np.stack([np.ma.getdata(layer) for layer in layers])
        return values, np.nan if values.dtype.kind == "f" else None, None
    together: NDArray[Any] = np.ma.stack(layers)
    if together.dtype.kind in "iu" and together.itemsize == _WIDE_BYTES:
        return _masked(together)
    nodata = spare_value(together) if together.dtype.kind in "iu" else None
    if nodata is None:
        return np.ma.filled(together.astype(np.result_type(together, np.float32)), np.nan), np.nan, None
    return np.ma.filled(together, nodata), nodata, None


def _masked(together: NDArray[Any]) -> tuple[NDArray[Any], float | None, NDArray[np.bool_] | None]:
    missing = np.ma.getmaskarray(together)
    if (missing == missing[0]).all():
        return np.ma.filled(together, 0), None, ~missing[0]
    if exact_as_float64(together):
        return with_nan(together), np.nan, None
    raise InvalidFormat(
        "A GeoTIFF has one mask for all levels, and in this answer other cells are missing at each; ask for one level, or for"
        " NetCDF."
    )


def _storable(values: NDArray[Any]) -> NDArray[Any]:
    """As a type that GeoTIFF has: no bool, and half precision only in the newest of readers."""
    if values.dtype.kind == "b":
        return values.astype(np.uint8)
    return values.astype(np.float32) if values.dtype == np.float16 else values
