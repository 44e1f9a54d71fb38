"""Chunks of one Zarr array: where they are, how they are fetched and decoded.

The unit is the smallest piece that decodes on its own: the chunk, or in a sharded array the inner chunk. zarr-python opens the
array and lends its codecs; its own read path is not used, since it goes through an event loop for each read, and since its
local store takes a chunk that is a directory for one that is absent.
"""

from __future__ import annotations

import lzma
import struct
import time
import zlib
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.abc.store import RangeByteRequest
from zarr.core.buffer import Buffer

from zarr_edr.dataset import blosc
from zarr_edr.dataset.chunk_layout import ABSENT, ChunkIndex, ChunkLayout, Shard
from zarr_edr.dataset.chunk_parts import PART_ERRORS, ChunkPart, ChunkParts, Joined
from zarr_edr.dataset.objects import ByteRange, LocalFile, Objects, failures_as_unavailable
from zarr_edr.dataset.started import STARTED
from zarr_edr.errors import ChunkCorrupt, ChunkMissing, Overloaded, StoreUnavailable, UnsupportedDataset
from zarr_edr.limits import Deadline
from zarr_edr.settings import MissingChunks

__all__ = ["DECODE_ERRORS", "ChunkIndex", "ChunkedArray", "Fetched", "Remember"]

DECODE_ERRORS = (
    ValueError,  # numcodecs, crc32c, wrong size
    RuntimeError,  # numcodecs blosc, zstd
    TypeError,
    EOFError,
    OSError,  # gzip.BadGzipFile
    IndexError,
    MemoryError,  # a damaged header can ask for any size
    struct.error,
    zlib.error,
    lzma.LZMAError,
)
"""What codecs were seen to raise on damaged bytes."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A decoded chunk and what it cost."""

    values: NDArray[Any]
    """Stored values, undecoded in the sense of CF; the full chunk shape, read-only."""
    bytes_read: int
    """Bytes that came from the store for it, indices of shards included."""
    fresh: bool = True
    """False where it was held in memory, or another thread was fetching it already."""


_THERE_S = 5.0
"""How long an array that was found is taken to be there: for as long, at most, a store that is removed reads as fill values."""
_THERE = Fetched(np.zeros(1, dtype=bool), 0)

Remember = Callable[[Hashable, Callable[[], Fetched], Deadline | None], Fetched]
"""Gives what is held under a key, or fetches it: `ChunkCache.get`."""


@dataclass(frozen=True, eq=False)
class ChunkedArray:
    """One array of a store, readable chunk by chunk from any thread, and by any process it is pickled to."""

    array: zarr.Array[Any]
    missing: MissingChunks
    token: str = field(default_factory=lambda: uuid4().hex)
    """Names this array as opened now; chunks cached under it are never another version's."""

    @classmethod
    def open(cls, group: zarr.Group, name: str, *, missing: MissingChunks) -> ChunkedArray:
        """Open array `name` of `group`. Reads metadata only; raises `UnsupportedDataset` for codecs that cannot be used."""
        array = group[name]
        if not isinstance(array, zarr.Array):
            raise UnsupportedDataset(f"{name!r} is not a Zarr array.")
        return cls(array, missing)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_layout", ChunkLayout.of(self.array))
        object.__setattr__(self, "_objects", Objects(self.array.store))
        object.__setattr__(
            self, "_parts", self._layout.partial and ChunkParts(self._layout.partial, self.dtype, self.chunk_bytes)
        )

    _layout: ChunkLayout = field(init=False, repr=False)
    _objects: Objects = field(init=False, repr=False)
    _parts: ChunkParts | None = field(init=False, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return (ChunkedArray, (self.array, self.missing, self.token))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the stored values."""
        return self._layout.dtype

    @property
    def chunks(self) -> tuple[int, ...]:
        """Shape of one (inner) chunk."""
        return self._layout.chunk_spec.shape

    @property
    def chunk_bytes(self) -> int:
        """Size of one decoded chunk."""
        return self._layout.chunk_bytes

    @property
    def strides(self) -> tuple[int, ...]:
        """Elements from one index to the next along each dimension of a chunk in C order."""
        return self._layout.strides

    @property
    def decodes_parts(self) -> bool:
        """Whether `fetch_part` may have something to give."""
        return self._parts is not None and not self._parts.too_large and self._objects.local

    @property
    def remote(self) -> bool:
        """Whether each read takes a round trip over a network."""
        return self._objects.remote

    @property
    def sharded(self) -> bool:
        """Whether chunks lie in shards."""
        return self._layout.shard is not None

    @property
    def fill_value(self) -> Any:
        """Value of cells in chunks that are absent."""
        return self._layout.fill_value

    def fetch(self, index: ChunkIndex, deadline: Deadline | None = None, remember: Remember | None = None) -> Fetched:
        """Fetch and decode one chunk; `remember` keeps indices of shards.

        Raises `StoreUnavailable`, `ChunkMissing`, `ChunkCorrupt` or `DeadlineExceeded`.
        """
        raw, bytes_read = self._encoded(index, deadline, remember)
        if raw is None:
            self._check_there(deadline, remember)
            return Fetched(self._absent(index), bytes_read)
        try:
            if self._layout.blosc is not None:
                blosc.check(raw[: blosc.HEADER_BYTES].to_bytes(), len(raw), self._layout.blosc)
            values = self._layout.transform.decode_chunk(raw, self._layout.chunk_spec).as_numpy_array()
        except DECODE_ERRORS as error:
            raise self._corrupt(index, error) from error
        if self.remote and not values.flags.owndata:
            # A view of bytes that were read together with others': held in the cache, it would hold them all.
            values = values.copy()
        values.flags.writeable = False
        return Fetched(values, bytes_read)

    def fetch_part(
        self,
        index: ChunkIndex,
        start: int,
        stop: int,
        deadline: Deadline | None,
        remember: Remember | None,
        room: memoryview,
    ) -> ChunkPart | None:
        """Elements `start` to below `stop` of a chunk in C order, with what has to be decoded about them, for `decode_parts`.

        They are read to `room` if they fit in.
        None where that takes decoding half of the chunk or more, or does not go: `fetch` does, and tells an absent chunk.
        Raises as `fetch`.
        """
        parts = self._parts
        if parts is None or not self.decodes_parts:
            return None
        key, span, index_bytes = self._place(index, deadline, remember)
        if key is None:
            return None

        def part(file: LocalFile) -> ChunkPart | None:
            file.in_parts()
            of_chunk = file if span is None else file.part(span.start, span.end - span.start)
            try:
                return parts.read(index, of_chunk, start, stop, index_bytes, room)
            except PART_ERRORS as error:
                raise self._corrupt(index, error) from error

        return self._objects.parts(key, part, deadline)

    def decode_parts(self, joined: Joined) -> list[NDArray[Any]]:
        """The elements of all parts, of each in an array of shape (n,): stored values, as `Fetched.values`.

        Raises `ChunkCorrupt`, or `Overloaded` where there is no memory for them.
        """
        how = self._parts
        assert how is not None  # noqa: S101  # or `fetch_part` gave none
        found: list[NDArray[Any]] = []
        for parts, frame in joined.taken():
            try:
                found += how.decoded([part.blocks for part in parts], frame)
            except (*PART_ERRORS, MemoryError):
                found += [self._decoded_alone(how, part) for part in parts]  # which tells of which it is
        return found

    def _decoded_alone(self, how: ChunkParts, part: ChunkPart) -> NDArray[Any]:
        try:
            return how.decoded([part.blocks])[0]
        except PART_ERRORS as error:
            raise self._corrupt(part.chunk, error) from error
        except MemoryError as error:
            raise Overloaded("There is no memory left for a chunk; please try again later.") from error

    def _encoded(
        self, index: ChunkIndex, deadline: Deadline | None, remember: Remember | None
    ) -> tuple[Buffer | None, int]:
        key, span, index_bytes = self._place(index, deadline, remember)
        if key is None:
            return None, index_bytes
        raw, bytes_read = self._get(self.chunk_token(index), key, span, deadline)
        if span is None:
            return raw, bytes_read
        if raw is None:
            raise ChunkCorrupt(f"Shard {key} was removed while it was read.")
        if len(raw) != span.end - span.start:
            raise ChunkCorrupt(f"Chunk {self._name(index)} is shorter than the index of its shard says.")
        return raw, index_bytes + bytes_read

    def _place(
        self, index: ChunkIndex, deadline: Deadline | None, remember: Remember | None
    ) -> tuple[str | None, RangeByteRequest | None, int]:
        """The object that holds a chunk, where in it the chunk is (None: all of it), and bytes read for that.

        No object where a shard says that it does not hold the chunk.
        """
        shard = self._layout.shard
        if shard is None:
            return self.chunk_key(index), None, 0
        outer = shard.locate(index)[0]
        held = self._held_index(shard, outer, deadline, remember)
        span = self._span(shard, held.values, index)
        return None if span is None else self.shard_key(outer), span, held.bytes_read

    def _span(self, shard: Shard, held: NDArray[Any], index: ChunkIndex) -> RangeByteRequest | None:
        try:
            return shard.span(held, shard.locate(index)[1])
        except ValueError as error:
            raise self._corrupt(index, error) from error

    def _held_index(
        self, shard: Shard, outer: ChunkIndex, deadline: Deadline | None, remember: Remember | None
    ) -> Fetched:
        read_index = partial(self._shard_index, shard, outer, deadline)
        return read_index() if remember is None else remember(self.index_token(outer), read_index, deadline)

    def _shard_index(self, shard: Shard, outer: ChunkIndex, deadline: Deadline | None) -> Fetched:
        """Offset and length of each inner chunk, shape (chunks per shard..., 2); all absent where there is no shard."""
        key = self.shard_key(outer)
        encoded, bytes_read = self._get(self.index_token(outer), key, shard.index_range, deadline)
        if encoded is None:
            return Fetched(np.broadcast_to(ABSENT, shard.index_spec.shape), 0)
        try:
            values = shard.index_transform.decode_chunk(encoded, shard.index_spec).as_numpy_array()
        except DECODE_ERRORS as error:
            raise ChunkCorrupt(f"The index of shard {key} cannot be decoded ({type(error).__name__}).") from error
        return Fetched(values, bytes_read)

    def _get(
        self, token: Hashable, key: str, byte_range: ByteRange | None, deadline: Deadline | None
    ) -> tuple[Buffer | None, int]:
        """Bytes of the store and how many were read for them, from a read that has been started where there is one."""
        part = STARTED.take(token) if self.remote else None
        if part is not None:
            # A read that was given up was so by whoever started it, whose deadline is not this one's: then read again.
            with failures_as_unavailable(deadline), suppress(TimeoutError):
                return part.bytes(deadline)
        raw = self._objects.get(key, byte_range, deadline)
        return raw, 0 if raw is None else len(raw)

    def start(self, key: str, span: tuple[int, int] | None, deadline: Deadline | None) -> Future[Buffer | None]:
        """Begin to read an object, or some bytes of it."""
        return self._objects.start(key, None if span is None else RangeByteRequest(*span), deadline)

    def start_index(self, outer: ChunkIndex, deadline: Deadline | None) -> Future[Buffer | None]:
        """Begin to read the index of a shard."""
        assert self._layout.shard is not None  # noqa: S101  # see `sharded`
        return self._objects.start(self.shard_key(outer), self._layout.shard.index_range, deadline)

    def spans(
        self, outer: ChunkIndex, chunks: Sequence[ChunkIndex], deadline: Deadline | None, remember: Remember
    ) -> list[RangeByteRequest | None]:
        """Where chunks lie in their shard, None for those it does not hold. Raises as `fetch`."""
        shard = self._layout.shard
        assert shard is not None  # noqa: S101  # see `sharded`
        held = self._held_index(shard, outer, deadline, remember)
        return [self._span(shard, held.values, index) for index in chunks]

    def _check_there(self, deadline: Deadline | None, remember: Remember | None) -> None:
        """Raise `StoreUnavailable` where the array is gone with its chunk: that is no absent chunk.

        Over a network it is asked once in `_THERE_S`: an area of the sea may have a thousand absent chunks.
        """
        if not self.remote or remember is None:
            self._ask_there(deadline)
            return
        remember((self.token, "there", int(time.monotonic() / _THERE_S)), partial(self._ask_there, deadline), deadline)

    def _ask_there(self, deadline: Deadline | None) -> Fetched:
        name = ".zarray" if self.array.metadata.zarr_format == 2 else "zarr.json"
        if not self._objects.holds(self._layout.prefix + name, deadline):
            raise StoreUnavailable("The store is not where it was when the service started; please try again.")
        return _THERE

    def _absent(self, index: ChunkIndex) -> NDArray[Any]:
        if self.missing is MissingChunks.ERROR:
            raise ChunkMissing(
                f"Chunk {self._name(index)} is not in the store, and this collection must have every chunk."
            )
        return np.broadcast_to(np.asarray(self.fill_value, dtype=self.dtype), self.chunks)

    def chunk_token(self, index: ChunkIndex) -> Hashable:
        """Names a chunk in the cache."""
        return (self.token, index)

    def index_token(self, outer: ChunkIndex) -> Hashable:
        """Names the index of a shard in the cache."""
        return (self.token, "index", outer)

    def shard_of(self, index: ChunkIndex) -> ChunkIndex:
        """The shard that a chunk lies in."""
        assert self._layout.shard is not None  # noqa: S101  # see `sharded`
        return self._layout.shard.locate(index)[0]

    def shard_key(self, outer: ChunkIndex) -> str:
        """Key of a shard in the store."""
        return self.chunk_key(outer)

    def chunk_key(self, index: ChunkIndex) -> str:
        """Key, in the store, of a chunk that is an object."""
        return self._layout.prefix + self.array.metadata.encode_chunk_key(index)

    def _corrupt(self, index: ChunkIndex, error: Exception) -> ChunkCorrupt:
        return ChunkCorrupt(f"Chunk {self._name(index)} cannot be decoded ({type(error).__name__}).")

    def _name(self, index: ChunkIndex) -> str:
        """A chunk as it is called in messages; paths of the machine stay out of them."""
        return f"{'.'.join(map(str, index))} of {self.array.basename!r}"
