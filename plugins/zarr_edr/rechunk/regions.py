"""How to copy an array into other chunks within bounded memory: in which regions, in one pass or in two. Pure arithmetic.

A region is read into memory and written. It covers whole shards of what is written, but not always whole chunks of what is read:
a chunk that lies in several regions is read for each of them. Where that would come to much, there are two passes, by way of an
intermediate store: the first reads each chunk once and writes pieces, the second puts the pieces together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from zarr_edr.rechunk.shapes import Shape

Region = tuple[slice, ...]

SHARD_BYTES = 128 * 1024**2
"""Of a shard before compression, at most: few files, each written at once."""
_SHARD_CHUNKS = 4096
"""Chunks in a shard at most: its index, 16 bytes for each, is read before any of them."""
_CHUNK_COST = 128 * 1024
"""What a chunk takes beside its bytes, in bytes that could be read meanwhile: 150 µs at 800 MB/s."""
_WRITING = 2
"""What it takes to write a byte, and to read it for comparison, in bytes read."""
_DIVISORS = 6
"""Lengths of pieces that are tried on an axis."""


@dataclass(frozen=True, slots=True)
class Pass:
    """A copy of an array, region by region."""

    shape: Shape
    source_chunks: Shape
    """Of what is read."""
    chunks: Shape
    """Of what is written."""
    shards: Shape
    """A multiple of `chunks`; it may reach beyond the array."""
    region: Shape
    """A multiple of `shards`, or the whole array, on each axis; regions at the end are smaller."""

    @property
    def counts(self) -> Shape:
        """Number of regions along each axis."""
        return tuple(-(-n // size) for n, size in zip(self.shape, self.region, strict=True))

    def regions(self) -> Iterator[Region]:
        """All of them; together they cover each cell once."""
        for corner in product(*map(range, self.counts)):
            yield tuple(
                slice(i * size, min((i + 1) * size, n))
                for i, size, n in zip(corner, self.region, self.shape, strict=True)
            )

    @property
    def chunk_reads(self) -> int:
        """Chunks that are read, those of several regions each time."""
        return _chunk_reads(self.shape, self.region, self.source_chunks)

    @property
    def times(self) -> float:
        """How often each chunk is read, on average."""
        return self.chunk_reads / math.prod(-(-n // c) for n, c in zip(self.shape, self.source_chunks, strict=True))


def plan_passes(
    shape: Shape, source_chunks: Shape, chunks: Shape, itemsize: int, memory: int, source_cost: float = 1.0
) -> tuple[Pass, ...]:
    """One pass, or two of which the second reads what the first writes, by what takes less.

    A region takes three eighths of `memory`, in bytes, at most, and a shard an eighth: it is held encoded as well, and once more
    while it is put together. `source_cost` is what it takes to read a byte of the source, beside one of a local store.
    """
    shard_cells = min(SHARD_BYTES, memory // 8) // itemsize

    def straddled(region: Shape) -> float:
        return _chunk_reads(shape, region, source_chunks)

    most = min(shard_cells, _SHARD_CHUNKS * math.prod(chunks))
    shards = grow(chunks, shape, most, straddled)
    once = _chunk_reads(shape, source_chunks, source_chunks)
    region = grow(shards, shape, region_cells(memory, itemsize), straddled, enough=once)
    direct = Pass(shape, source_chunks, chunks, shards, _within(region, shape))
    if direct.chunk_reads == once:
        return (direct,)
    first = _first_pass(direct, itemsize, memory)
    second = Pass(shape, first.chunks, chunks, shards, direct.region)
    total = math.prod(shape) * itemsize
    by_one, by_first, by_second = (
        _reading(shape, one.region, one.source_chunks, itemsize) for one in (direct, first, second)
    )
    by_two = source_cost * by_first + _WRITING * total + by_second
    return (direct,) if source_cost * by_one <= by_two else (first, second)


def region_cells(memory: int, itemsize: int) -> int:
    """How many cells a region may have."""
    return memory * 3 // 8 // itemsize


def _reading(shape: Shape, region: Shape, chunks: Shape, itemsize: int) -> float:
    """What it takes to read chunks region by region, in bytes."""
    return _chunk_reads(shape, region, chunks) * (math.prod(chunks) * itemsize + _CHUNK_COST)


def _first_pass(direct: Pass, itemsize: int, memory: int) -> Pass:
    """From the source to pieces of which the regions of `direct` are made."""
    shape, wanted = direct.shape, direct.region

    def cost(region: Shape) -> float:
        return _reading(shape, wanted, _pieces(shape, region, wanted, itemsize, memory), itemsize)

    region = grow(direct.source_chunks, shape, region_cells(memory, itemsize), cost)
    pieces = _pieces(shape, region, wanted, itemsize, memory)
    shards = _packed(shape, pieces, region, min(SHARD_BYTES, memory // 8) // itemsize)
    return Pass(shape, direct.source_chunks, pieces, shards, _within(region, shape))


def _pieces(shape: Shape, region: Shape, wanted: Shape, itemsize: int, memory: int) -> Shape:
    """Chunks between two passes: whole ones in each `region` that writes them, and few beyond each `wanted` that reads them."""
    choices = []
    for n, written, read in zip(shape, region, wanted, strict=True):
        if written >= n:
            choices.append({min(read, n)})
        else:
            divisors = [d for d in range(1, min(written, read) + 1) if written % d == 0]
            choices.append({written, *divisors[-_DIVISORS:]})
    candidates = sorted(product(*choices), key=math.prod)
    small = [chunks for chunks in candidates if math.prod(chunks) * itemsize <= memory // 16] or candidates[:1]
    return min(small, key=lambda chunks: _reading(shape, wanted, chunks, itemsize))


def _packed(shape: Shape, chunks: Shape, region: Shape, most_cells: int) -> Shape:
    """Shards that fill a region: as many chunks on each axis as divide it evenly, or any number where it is the whole axis."""
    counts, cells = [1] * len(shape), math.prod(chunks)
    for axis in reversed(range(len(shape))):
        along = -(-min(region[axis], shape[axis]) // chunks[axis])
        room = min(along, most_cells // cells, _SHARD_CHUNKS // math.prod(counts))
        whole = region[axis] >= shape[axis]
        counts[axis] = max((k for k in range(1, room + 1) if whole or along % k == 0), default=1)
        cells *= counts[axis]
    return tuple(chunk * count for chunk, count in zip(chunks, counts, strict=True))


def grow(
    unit: Shape, shape: Shape, most_cells: int, badness: Callable[[Shape], float], enough: float | None = None
) -> Shape:
    """A multiple of `unit` on each axis, of at most `most_cells` (or one unit), that makes `badness` small.

    It is doubled along the axis where that helps most, of equals the shortest, until it is `enough` or full, and at last made as
    long as it may be along one axis where that helps.
    """
    ends = [-(-n // size) for n, size in zip(shape, unit, strict=True)]
    counts = [1] * len(shape)

    def size(of: Sequence[int]) -> Shape:
        return tuple(count * length for count, length in zip(of, unit, strict=True))

    def longer(axis: int, count: int) -> list[int]:
        return [*counts[:axis], min(count, ends[axis]), *counts[axis + 1 :]]

    while enough is None or badness(size(counts)) > enough:
        grown = [(axis, longer(axis, 2 * count)) for axis, count in enumerate(counts) if count < ends[axis]]
        grown = [(axis, of) for axis, of in grown if math.prod(size(of)) <= most_cells]
        if not grown:
            break
        _, counts = min(grown, key=lambda item: (badness(size(item[1])), counts[item[0]] * unit[item[0]]))
    room = [max(1, most_cells * count // math.prod(size(counts))) for count in counts]
    stretched = [longer(axis, max(count, room[axis])) for axis, count in enumerate(counts)]
    return size(min([counts, *stretched], key=lambda of: badness(size(of))))


def _chunk_reads(shape: Shape, region: Shape, chunks: Shape) -> int:
    """Sum over all regions of the chunks that each touches: a product, since regions are a grid."""
    reads = 1
    for n, size, chunk in zip(shape, region, chunks, strict=True):
        reads *= _reads_along(n, size, chunk)
    return reads


@lru_cache(maxsize=4096)
def _reads_along(n: int, size: int, chunk: int) -> int:
    starts = np.arange(0, n, size, dtype=np.int64)
    last = np.minimum(starts + size, n) - 1
    return int((last // chunk - starts // chunk + 1).sum())


def _within(size: Shape, shape: Shape) -> Shape:
    return tuple(map(min, size, shape))
