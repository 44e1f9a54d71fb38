"""Chunks as they lie on the disk, read and decoded by the thinnest code: no store, no pipeline, no errors, no cache.

It knows Zarr v2 and v3 in folders, blosc, shards, and packing by a scale factor: what the benchmark's stores have.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numcodecs import blosc

blosc.use_threads = False  # the processes share the processors, and their threads do
THREADS = 2
FEW_CHUNKS = 4
"""Up to these are read by the thread that asks."""


class Array3:
    """An array (time, y, x) and its axes."""

    def __init__(self, path: str, variable: str) -> None:
        self._folder = Path(path, variable)
        meta = json.loads(self._meta_file().read_text())
        self._v3 = meta["zarr_format"] == 3
        self.shape: tuple[int, int, int] = tuple(meta["shape"])
        self._index: dict[tuple[int, ...], Any] = {}
        if self._v3:
            self._describe(meta)
        else:
            self._chunks: tuple[int, ...] = tuple(meta["chunks"])
            self._shards: tuple[int, ...] | None = None
            self._dtype = np.dtype(meta["dtype"])
        attributes = meta.get("attributes") or self._attributes()
        self._scale = 1 / attributes["scale_factor"] if "scale_factor" in attributes else None
        self._size = int(np.prod(self._chunks))
        self._tail = [n % c or c for n, c in zip(self.shape, self._chunks, strict=True)]
        self._own = threading.local()
        self._pool = ThreadPoolExecutor(THREADS)

    def _meta_file(self) -> Path:
        found = self._folder / "zarr.json"
        return found if found.exists() else self._folder / ".zarray"

    def _attributes(self) -> dict[str, Any]:
        root: dict[str, Any] = json.loads((self._folder.parent / ".zmetadata").read_text())["metadata"]
        found: dict[str, Any] = root[f"{self._folder.name}/.zattrs"]
        return found

    def _describe(self, meta: dict[str, Any]) -> None:
        outer = tuple(meta["chunk_grid"]["configuration"]["chunk_shape"])
        codec = meta["codecs"][0]
        self._shards = outer if codec["name"] == "sharding_indexed" else None
        self._chunks = tuple(codec["configuration"]["chunk_shape"]) if self._shards else outer
        self._dtype = np.dtype(meta["data_type"])
        if self._shards:
            self._read_indexes()

    def _read_indexes(self) -> None:
        """Where each chunk of each shard is: 16 bytes each at the end of the file, then a checksum."""
        assert self._shards is not None
        inside = [s // c for s, c in zip(self._shards, self._chunks, strict=True)]
        count = int(np.prod(inside))
        for shard in np.ndindex(*(-(-n // s) for n, s in zip(self.shape, self._shards, strict=True))):
            path = self._folder / "c" / "/".join(map(str, shard))
            with path.open("rb") as opened:
                opened.seek(-(16 * count + 4), os.SEEK_END)
                self._index[shard] = np.frombuffer(opened.read(16 * count), "<u8").reshape(*inside, 2).astype("i8")

    def chunk(self, at: tuple[int, int, int]) -> np.ndarray[Any, Any]:
        """A chunk, decoded into a buffer of this thread: good until the next one."""
        own = self._own
        if not hasattr(own, "raw"):
            own.raw = bytearray(self._size * self._dtype.itemsize + 4096)
            own.out = np.empty(self._size, self._dtype)
        view = memoryview(own.raw)
        if self._shards is None:
            name = "c/" + "/".join(map(str, at)) if self._v3 else ".".join(map(str, at))
            descriptor = os.open(f"{self._folder}/{name}", os.O_RDONLY)
            size = os.readv(descriptor, [own.raw])
        else:
            many = [s // c for s, c in zip(self._shards, self._chunks, strict=True)]
            shard = tuple(a // m for a, m in zip(at, many, strict=True))
            offset, size = self._index[shard][tuple(a % m for a, m in zip(at, many, strict=True))]
            descriptor = os.open(f"{self._folder}/c/{'/'.join(map(str, shard))}", os.O_RDONLY)
            os.preadv(descriptor, [view[:size]], offset)
        os.close(descriptor)
        blosc.decompress(view[:size], own.out)
        decoded: np.ndarray[Any, Any] = own.out.reshape(self._chunks)
        return decoded

    def unpack(self, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """float32 of what is stored."""
        return values if self._scale is None else (values / round(self._scale)).astype("f4")

    def points(self, t: slice, y: np.ndarray[Any, Any], x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The values at some cells, shape (time, points); each chunk is decoded once."""
        long = t.stop - t.start
        out = np.empty((long, len(y)), self._dtype)
        ct, cy, cx = self._chunks
        tiles = y // cy * self.shape[2] + x // cx
        order = np.argsort(tiles, kind="stable")
        cuts = np.flatnonzero(np.diff(tiles[order])) + 1
        groups = np.split(order, cuts)
        first, last = t.start // ct, (t.stop - 1) // ct

        def fill(tasks: Iterator[tuple[int, np.ndarray[Any, Any]]]) -> None:
            for number, group in tasks:
                j, i = y[group], x[group]
                chunk = self.chunk((number, int(j[0]) // cy, int(i[0]) // cx))
                low, high = max(t.start, number * ct), min(t.stop, (number + 1) * ct)
                inside = slice(low - number * ct, high - number * ct)
                out[low - t.start : high - t.start, group] = chunk[inside, j % cy, i % cx]

        tasks = ((number, group) for number in range(first, last + 1) for group in groups)
        if (last + 1 - first) * len(groups) <= FEW_CHUNKS:
            fill(tasks)
        else:
            every = list(tasks)
            list(self._pool.map(fill, [iter(every[part::THREADS]) for part in range(THREADS)]))
        return self.unpack(out)


def axis(path: str, name: str) -> np.ndarray[Any, Any]:
    """A coordinate, which is small: read by way of a chunk after another."""
    folder = Path(path, name)
    v2 = folder / ".zarray"
    meta = json.loads((v2 if v2.exists() else folder / "zarr.json").read_text())
    dtype = np.dtype(meta["dtype"] if v2.exists() else meta["data_type"])
    chunk = meta["chunks"][0] if v2.exists() else meta["chunk_grid"]["configuration"]["chunk_shape"][0]
    found = []
    for number in range(-(-meta["shape"][0] // chunk)):
        raw = (folder / (str(number) if v2.exists() else f"c/{number}")).read_bytes()
        found.append(np.frombuffer(_decoded(raw, v2.exists()), dtype))
    return np.concatenate(found)[: meta["shape"][0]]


def _decoded(raw: bytes, is_blosc: bool) -> bytes:
    if is_blosc:
        return bytes(blosc.decompress(raw))
    from numcodecs import Zstd  # noqa: PLC0415  # of the generated stores alone

    return bytes(Zstd().decode(raw))
