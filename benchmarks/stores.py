"""The stores that are asked: air.zarr where it is at hand, and one generated field in three layouts, made once."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zarr
from benchmarks import cache
from benchmarks.fields import Field
from zarr.codecs import BloscCodec

AIR = Path(__file__).parents[2] / "shared/data/air.zarr"
FULL = Field(times=2000, ys=361, xs=720)
SMALL = Field(times=200, ys=73, xs=144)
VARIABLE = "t2m"


@dataclass(frozen=True, slots=True)
class Layout:
    """How an array is cut: chunks, and perhaps shards, as (time, latitude, longitude)."""

    name: str
    chunks: tuple[int, int, int]
    shards: tuple[int, int, int] | None = None
    block_bytes: int = dataclasses.field(default=0, repr=False)  # which keeps the names of stores
    """Of the blocks of a Blosc frame; 0 leaves them to Blosc, which makes one of a small chunk."""


def layouts(field: Field) -> tuple[Layout, ...]:
    """Point-major, map-major and sharded; of the small field also point-major in several blocks, as large chunks are."""
    series = (field.times, 12, 12)
    small = (Layout("blocks", series, block_bytes=16 * 1024),) if field == SMALL else ()
    return (
        *small,
        Layout("points", series),
        Layout("maps", (1, field.ys, field.xs)),
        Layout("sharded", series, (field.times, 96, 96)),
    )


@dataclass(frozen=True, slots=True)
class Store:
    """A store under a name; its axes are `time`, `lat` and `lon`."""

    name: str
    path: Path
    variable: str
    title: str


def air() -> Store | None:
    """The reference store of the tutorials, which is no part of the repository."""
    if not AIR.exists():
        return None
    return Store("air", AIR.resolve(), "air", "air.zarr, 2920 x 25 x 53 int16, chunks (2920, 25, 1), blosc lz4")


def generated(field: Field, where: Path | None = None) -> dict[str, Store]:
    """The field in each layout, made where it is not there yet. Raises `cache.NoRoom`."""
    where = where or cache.folder()
    found = {}
    for layout in layouts(field):
        mark = hashlib.blake2b(f"{field} {layout} 2".encode(), digest_size=4).hexdigest()
        path = where / f"{layout.name}-{mark}.zarr"
        if not path.exists():
            size = field.times * field.ys * field.xs * 4
            cache.need_room(where, size)
            print(f"Making {path} ({size / 1e9:.2f} GB of values), once.", flush=True)
            write(field, layout, path)
        shape = f"{field.times} x {field.ys} x {field.xs}"
        shards = f", shards {layout.shards}" if layout.shards else ""
        title = f"{layout.name}, {shape} float32, chunks {layout.chunks}{shards}, blosc zstd 5 shuffle"
        found[layout.name] = Store(layout.name, path, VARIABLE, title)
    return found


def write(field: Field, layout: Layout, path: Path) -> None:
    """Write the field, block by block: some hundred MB of memory, whatever its size."""
    partial = path.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    group = zarr.create_group(partial, attributes={"Conventions": "CF-1.8"})
    array = group.create_array(
        VARIABLE,
        shape=(field.times, field.ys, field.xs),
        chunks=tuple(map(min, layout.chunks, (field.times, field.ys, field.xs))),
        shards=layout.shards,
        dtype="f4",
        compressors=BloscCodec(cname="zstd", clevel=5, shuffle="shuffle", blocksize=layout.block_bytes),
        dimension_names=("time", "lat", "lon"),
        attributes={"units": "K", "long_name": "2 metre temperature", "standard_name": "air_temperature"},
    )
    for t, y, x in blocks(field, layout):
        array[t, y, x] = field.block(t, y, x)
    _write_axes(group, field)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", zarr.errors.ZarrUserWarning)  # consolidated metadata extend Zarr v3
        zarr.consolidate_metadata(partial)
    _settle(partial)
    cache.finished(path, partial)


def blocks(field: Field, layout: Layout, at_most_values: int = 10_000_000) -> Iterator[tuple[slice, slice, slice]]:
    """Slices that cover the field once, each of whole chunks (or shards), of about `at_most_values` values or one chunk."""
    shape = (field.times, field.ys, field.xs)
    step = list(map(min, layout.shards or layout.chunks, shape))
    for axis in (2, 1, 0):
        unit = step[axis]
        while step[axis] < shape[axis] and math.prod(step) // step[axis] * (step[axis] + unit) <= at_most_values:
            step[axis] += unit
    for t in range(0, shape[0], step[0]):
        for y in range(0, shape[1], step[1]):
            for x in range(0, shape[2], step[2]):
                starts = (t, y, x)
                yield tuple(slice(a, min(a + s, n)) for a, s, n in zip(starts, step, shape, strict=True))  # type: ignore[misc]  # three of them, as in `shape`


def _write_axes(group: zarr.Group, field: Field) -> None:
    axes: dict[str, tuple[Any, dict[str, str], str]] = {
        "time": (field.hours, {"units": "hours since 2000-01-01", "calendar": "standard", "axis": "T"}, "time"),
        "lat": (field.latitudes, {"units": "degrees_north", "axis": "Y"}, "latitude"),
        "lon": (field.longitudes, {"units": "degrees_east", "axis": "X"}, "longitude"),
    }
    for name, (values, attributes, standard_name) in axes.items():
        axis = group.create_array(
            name,
            shape=values.shape,
            dtype=values.dtype,
            dimension_names=(name,),
            attributes={**attributes, "standard_name": standard_name},
        )
        axis[:] = values


def files(path: Path) -> list[Path]:
    """All files of a store."""
    return [Path(folder, name) for folder, _, names in os.walk(path) for name in names]


def _settle(path: Path) -> None:
    """Have all of it on the disk: pages that are not yet written cannot be dropped."""
    for file in files(path):
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def drop_pages(path: Path) -> None:
    """Take the files of a store out of the page cache."""
    for file in files(path):
        descriptor = os.open(file, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def read_pages(path: Path) -> None:
    """Bring the files of a store into the page cache."""
    room = bytearray(1 << 22)
    for file in files(path):
        with file.open("rb", buffering=0) as opened:
            while opened.readinto(room):
                pass
