"""One region of an array: read from its source, written in other chunks, and compared with what was read."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.storage import LocalStore

from zarr_edr.dataset.chunks import ChunkedArray, ChunkIndex, Fetched
from zarr_edr.errors import ChunkCorrupt, ChunkMissing, StoreUnavailable
from zarr_edr.limits import Deadline
from zarr_edr.rechunk.regions import Region
from zarr_edr.rechunk.shapes import Shape
from zarr_edr.schedule import ThreadScheduler

_CHUNK_S = 120.0
"""For one read of a store; then it counts as failed."""
_WAITS_S = (1.0, 5.0)
"""Before a failed read is tried again."""
_AT_ONCE = 1024**2
"""Values that are looked at together."""
_FOR_EVER = 10.0**9
"""Seconds: who copies a store waits for it."""

_scheduler = ThreadScheduler()


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """The cells of a region, in memory."""

    values: NDArray[Any]
    """Stored values; the shape of the region."""
    sparse: bool = False
    """Whether some chunks of the source are not there; their cells are the fill value."""
    absent: int = 0
    """How many of those begin here: a chunk that lies in several regions counts for one of them."""


def read_region(source: ChunkedArray, region: Region, chunk_memory: int) -> Held:
    """Read a region, as a dask graph on threads, with `chunk_memory` bytes for chunks on their way at most, or for one chunk.

    `source` must be opened with `MissingChunks.ERROR`. Raises `StoreError`.
    """
    values = np.empty([part.stop - part.start for part in region], source.dtype)
    chunks = list(product(*_touched(region, source.chunks)))
    per_task = _scheduler.chunks_per_task(len(chunks), source.chunk_bytes)
    tasks = [chunks[start : start + per_task] for start in range(0, len(chunks), per_task)]
    at_once = max(1, chunk_memory // (2 * source.chunk_bytes))  # a chunk is held encoded and decoded
    work = partial(_paste, source=source, region=region, values=values, remember=_Remembered().get)
    absent = [chunk for some in _on_threads(work, tasks, at_once) for chunk in some]
    first = [part.start for part in region]
    begin = [all(i * size >= at for i, size, at in zip(chunk, source.chunks, first, strict=True)) for chunk in absent]
    return Held(values, bool(absent), sum(begin))


def _on_threads[T, R](work: Callable[[T], R], tasks: Sequence[T], at_once: int) -> Iterator[R]:
    for start in range(0, len(tasks), at_once):
        some, _ = _scheduler.run(lambda task, _: work(task), tasks[start : start + at_once], Deadline.after(_FOR_EVER))
        yield from some


class _Remembered:
    """Indices of shards, as long as a region is read."""

    def __init__(self) -> None:
        self._held: dict[Hashable, Fetched] = {}

    def get(self, key: Hashable, fetch: Callable[[], Fetched], deadline: Deadline | None) -> Fetched:
        """See `Remember`."""
        del deadline
        found = self._held.get(key)
        if found is None:
            found = self._held[key] = fetch()
        return found


def _paste(
    chunks: Sequence[ChunkIndex], *, source: ChunkedArray, region: Region, values: NDArray[Any], remember: Any
) -> list[ChunkIndex]:
    """Put the cells of some chunks where they belong; returns those of the chunks that are absent."""
    absent = []
    for chunk in chunks:
        starts = [index * size for index, size in zip(chunk, source.chunks, strict=True)]
        spans = [
            (max(part.start, start), min(part.stop, start + size))
            for part, start, size in zip(region, starts, source.chunks, strict=True)
        ]
        out = tuple(slice(a - part.start, b - part.start) for (a, b), part in zip(spans, region, strict=True))
        fetched = _fetched(source, chunk, remember)
        if fetched is None:
            absent.append(chunk)
            values[out] = source.fill_value
        else:
            values[out] = fetched.values[tuple(slice(a - s, b - s) for (a, b), s in zip(spans, starts, strict=True))]
    return absent


def _fetched(source: ChunkedArray, chunk: ChunkIndex, remember: Any) -> Fetched | None:
    """A chunk, None where it is absent. A store that does not answer is asked again some times."""
    for wait_s in (*_WAITS_S, None):
        try:
            return source.fetch(chunk, Deadline.after(_CHUNK_S), remember)
        except ChunkMissing:
            return None
        except StoreUnavailable:
            if wait_s is None:
                raise
            time.sleep(wait_s)
    raise AssertionError  # the last round returns or raises


def write_region(target: zarr.Array[Any], shards: Shape, region: Region, held: Held) -> None:
    """Write a region, shard by shard. Raises `OSError`.

    Chunks of nothing but the fill value are left out where some of the source are absent, and only there: an array with every
    chunk stays one. They are written, too, where that would change a bit, of -0 or of a NaN.
    """
    leave_out = held.sparse and not _would_change(held.values, target.fill_value)
    target = target.with_config({"write_empty_chunks": not leave_out})
    for shard in product(*map(_cut, region, shards)):
        local = tuple(slice(s.start - r.start, s.stop - r.start) for s, r in zip(shard, region, strict=True))
        target[shard] = held.values[local]


def settle_region(target: zarr.Array[Any], shards: Shape, region: Region) -> None:
    """Have the files of a region, and their names, on the disk: before the journal says that they are. Raises `OSError`."""
    assert isinstance(target.store, LocalStore)  # noqa: S101 - a layout is written to a folder
    root = Path(target.store.root, target.path)
    folders: set[Path] = set()
    for index in product(*_touched(region, shards)):
        file = root / target.metadata.encode_chunk_key(index)
        if file.exists():  # a shard of nothing but absent chunks is not
            _settle(file)
            folders.update((file.parent, *(f for f in file.parents if f.is_relative_to(root))))
    for folder in folders:
        _settle(folder)


def _settle(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def verify_region(target: ChunkedArray, region: Region, held: Held) -> None:
    """Read a region back. Raises `ChunkCorrupt` where it is not what it was written from, bit by bit, or another `StoreError`."""
    chunks = list(product(*_touched(region, target.chunks)))
    work = partial(_differs, target=target, region=region, held=held, remember=_Remembered().get)
    for chunk, differs in zip(chunks, _on_threads(work, chunks, len(chunks)), strict=True):
        if differs:
            raise ChunkCorrupt(
                f"Chunk {'.'.join(map(str, chunk))} of {target.array.basename!r} was written, but reads back as something else."
            )


def _differs(chunk: ChunkIndex, *, target: ChunkedArray, region: Region, held: Held, remember: Any) -> bool:
    spans = [
        slice(index * size, min((index + 1) * size, part.stop))
        for index, size, part in zip(chunk, target.chunks, region, strict=True)
    ]
    written = target.fetch(chunk, Deadline.after(_CHUNK_S), remember).values
    cells = written[tuple(slice(0, span.stop - span.start) for span in spans)].astype(held.values.dtype, copy=False)
    expected = held.values[
        tuple(slice(span.start - part.start, span.stop - part.start) for span, part in zip(spans, region, strict=True))
    ]
    bits = f"u{expected.dtype.itemsize}"
    return not np.array_equal(cells.view(bits), expected.view(bits))


def _would_change(values: NDArray[Any], fill: Any) -> bool:
    """Whether cells that equal the fill value have other bits than it."""
    fill = np.asarray(fill, dtype=values.dtype)
    bits = f"u{values.dtype.itemsize}"
    flat = values.reshape(-1)
    for start in range(0, flat.size, _AT_ONCE):  # so that what is compared takes no memory to speak of
        some = flat[start : start + _AT_ONCE]
        equal = (some == fill) | ((some != some) & (fill != fill))  # noqa: PLR0124 - true of NaN alone
        if (some[equal].view(bits) != fill.view(bits)).any():
            return True
    return False


def _touched(region: Region, chunks: Shape) -> list[range]:
    """Indices of the chunks along each axis that a region has cells of."""
    return [range(part.start // size, (part.stop - 1) // size + 1) for part, size in zip(region, chunks, strict=True)]


def _cut(part: slice, size: int) -> list[slice]:
    return [slice(start, min(start + size, part.stop)) for start in range(part.start, part.stop, size)]
