"""Chunks of one Zarr array: where they are, how they are fetched and decoded.

The unit is the smallest piece that decodes on its own: the chunk, or in a sharded array the inner chunk. zarr-python opens the
array and lends its codecs; its own read path is not used, since it goes through an event loop for each read, and since its
local store takes a chunk that is a directory for one that is absent.
"""

from __future__ import annotations

import asyncio
import lzma
import struct
import zlib
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import numcodecs
import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.codecs import BloscCodec, BytesCodec, ShardingCodec
from zarr.codecs import numcodecs as numcodecs_in_v3
from zarr.codecs._v2 import V2Codec
from zarr.core.array import create_codec_pipeline
from zarr.core.array_spec import ArrayConfig, ArraySpec
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.core.chunk_utils import ChunkTransform, evolve_codecs
from zarr.core.dtype import UInt64
from zarr.core.metadata import ArrayV2Metadata
from zarr.core.sync import sync
from zarr.storage import LocalStore

from zarr_edr.dataset.source import io_errors
from zarr_edr.errors import ChunkCorrupt, ChunkMissing, StoreUnavailable, UnsupportedDataset
from zarr_edr.limits import Deadline
from zarr_edr.settings import MissingChunks

ChunkIndex = tuple[int, ...]
"""Position of a chunk in the grid of (inner) chunks, one number per dimension."""

_ABSENT = np.uint64(2**64 - 1)
"""Offset and length of an inner chunk that a shard does not hold (Zarr v3, sharding-indexed codec)."""

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
        object.__setattr__(self, "_layout", _Layout.of(self.array))

    _layout: _Layout = field(init=False, repr=False)

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
    def fill_value(self) -> Any:
        """Value of cells in chunks that are absent."""
        return self._layout.fill_value

    def fetch(self, index: ChunkIndex, deadline: Deadline | None = None, remember: Remember | None = None) -> Fetched:
        """Fetch and decode one chunk; `remember` keeps indices of shards.

        Raises `StoreUnavailable`, `ChunkMissing`, `ChunkCorrupt` or `DeadlineExceeded`.
        """
        raw, bytes_read = self._encoded(index, deadline, remember)
        if raw is None:
            self._check_there(deadline)
            return Fetched(self._absent(index), bytes_read)
        try:
            if self._layout.blosc is not None:
                _check_blosc(raw, self._layout.blosc)
            values = self._layout.transform.decode_chunk(raw, self._layout.chunk_spec).as_numpy_array()
        except DECODE_ERRORS as error:
            raise ChunkCorrupt(f"Chunk {self._name(index)} cannot be decoded ({type(error).__name__}).") from error
        values.flags.writeable = False
        return Fetched(values, bytes_read)

    def _encoded(
        self, index: ChunkIndex, deadline: Deadline | None, remember: Remember | None
    ) -> tuple[Buffer | None, int]:
        shard = self._layout.shard
        if shard is None:
            raw = self._get(self._key(index), None, deadline)
            return raw, 0 if raw is None else len(raw)
        outer, inner = shard.locate(index)
        key = self._key(outer)
        read_index = partial(self._shard_index, shard, key, deadline)
        held = read_index() if remember is None else remember((self.token, "index", outer), read_index, deadline)
        span = shard.span(held.values, inner)
        if span is None:
            return None, held.bytes_read
        raw = self._get(key, span, deadline)
        if raw is None:
            raise ChunkCorrupt(f"Shard {key} was removed while it was read.")
        if len(raw) != span.end - span.start:
            raise ChunkCorrupt(f"Chunk {self._name(index)} is shorter than the index of its shard says.")
        return raw, held.bytes_read + len(raw)

    def _shard_index(self, shard: _Shard, key: str, deadline: Deadline | None) -> Fetched:
        """Offset and length of each inner chunk, shape (chunks per shard..., 2); all absent where there is no shard."""
        encoded = self._get(key, shard.index_range, deadline)
        if encoded is None:
            return Fetched(np.broadcast_to(_ABSENT, shard.index_spec.shape), 0)
        try:
            values = shard.index_transform.decode_chunk(encoded, shard.index_spec).as_numpy_array()
        except DECODE_ERRORS as error:
            raise ChunkCorrupt(f"The index of shard {key} cannot be decoded ({type(error).__name__}).") from error
        return Fetched(values, len(encoded))

    def _check_there(self, deadline: Deadline | None) -> None:
        """Raise `StoreUnavailable` where the array is gone with its chunk: that is no absent chunk."""
        name = ".zarray" if self.array.metadata.zarr_format == 2 else "zarr.json"
        store = self.array.store
        key = self._layout.prefix + name
        there = (
            Path(store.root, key).is_file() if type(store) is LocalStore else self._get(key, None, deadline) is not None
        )
        if not there:
            raise StoreUnavailable("The store is not where it was when the service started; please try again.")

    def _absent(self, index: ChunkIndex) -> NDArray[Any]:
        if self.missing is MissingChunks.ERROR:
            raise ChunkMissing(
                f"Chunk {self._name(index)} is not in the store, and this collection must have every chunk."
            )
        return np.broadcast_to(np.asarray(self.fill_value, dtype=self.dtype), self.chunks)

    def _key(self, index: ChunkIndex) -> str:
        return self._layout.prefix + self.array.metadata.encode_chunk_key(index)

    def _name(self, index: ChunkIndex) -> str:
        """A chunk as it is called in messages; paths of the machine stay out of them."""
        return f"{'.'.join(map(str, index))} of {self.array.basename!r}"

    def _get(self, key: str, byte_range: _ByteRange | None, deadline: Deadline | None) -> Buffer | None:
        """Bytes of an object, or None where it does not exist; every other failure is `StoreUnavailable`."""
        if deadline is not None:
            deadline.check()
        store = self.array.store
        timeout_s = None if deadline is None else deadline.remaining_s
        try:
            if type(store) is LocalStore:
                return _read_file(Path(store.root, key), byte_range)
            # wait_for, since `sync` alone would leave a read going that nobody waits for any more.
            read = asyncio.wait_for(store.get(key, default_buffer_prototype(), byte_range), timeout_s)
            return sync(read)
        except TimeoutError as error:
            if deadline is not None:
                deadline.check()
            raise StoreUnavailable("The store did not answer in time; please try again.") from error
        except io_errors() as error:
            raise StoreUnavailable(
                f"The store could not be read ({type(error).__name__}); please try again."
            ) from error


_ByteRange = RangeByteRequest | SuffixByteRequest | OffsetByteRequest


def _read_file(path: Path, byte_range: _ByteRange | None) -> Buffer | None:
    """Bytes of a local file. Only a file that does not exist is absent: a directory in its place is a fault."""
    try:
        with path.open("rb", buffering=0) as file:
            match byte_range:
                case None:
                    data = file.readall()
                case RangeByteRequest(start, end):
                    file.seek(start)
                    data = file.read(end - start)
                case OffsetByteRequest(offset):
                    file.seek(offset)
                    data = file.readall()
                case SuffixByteRequest(suffix):
                    size = path.stat().st_size
                    file.seek(max(0, size - suffix))
                    data = file.readall()
    except FileNotFoundError:
        return None
    return default_buffer_prototype().buffer.from_bytes(data or b"")


def _check_blosc(raw: Buffer, decoded_bytes: int) -> None:
    """Raise `ValueError` unless a Blosc frame is as long as its header says, and decodes to `decoded_bytes` (0: any).

    Blosc itself reads past the end of a truncated frame: some bytes short, it returns wrong numbers without an error.
    """
    header = raw[:16].to_bytes()
    if len(header) < 16:
        raise ValueError("no room for a Blosc header")
    nbytes, _, cbytes = struct.unpack("<III", header[4:16])
    if cbytes != len(raw) or decoded_bytes not in (0, nbytes):
        raise ValueError(f"Blosc header says {cbytes} and {nbytes} bytes, not {len(raw)} and {decoded_bytes}")


@dataclass(frozen=True, slots=True)
class _Shard:
    """How inner chunks lie in shards."""

    chunks_per_shard: tuple[int, ...]
    index_range: _ByteRange
    index_spec: ArraySpec
    index_transform: ChunkTransform

    @classmethod
    def of(cls, codec: ShardingCodec, shard_spec: ArraySpec) -> _Shard:
        per_shard = tuple(s // c for s, c in zip(shard_spec.shape, codec.chunk_shape, strict=True))
        spec = ArraySpec(
            shape=(*per_shard, 2),
            dtype=UInt64(endianness="little"),
            fill_value=_ABSENT,
            config=ArrayConfig.from_dict({}),
            prototype=default_buffer_prototype(),
        )
        transform = ChunkTransform(codecs=evolve_codecs(codec.index_codecs, spec))
        size = transform.compute_encoded_size(16 * int(np.prod(per_shard)), spec)
        at_start = codec.index_location == "start"
        return cls(per_shard, RangeByteRequest(0, size) if at_start else SuffixByteRequest(size), spec, transform)

    def locate(self, index: ChunkIndex) -> tuple[ChunkIndex, ChunkIndex]:
        """The shard of an inner chunk, and its place in it."""
        outer, inner = zip(*(divmod(i, n) for i, n in zip(index, self.chunks_per_shard, strict=True)), strict=True)
        return outer, inner

    def span(self, index: NDArray[Any], inner: ChunkIndex) -> RangeByteRequest | None:
        """Bytes of an inner chunk in its shard, None where the shard does not hold it."""
        offset, length = index[inner]
        if offset == _ABSENT and length == _ABSENT:
            return None
        return RangeByteRequest(int(offset), int(offset) + int(length))


@dataclass(frozen=True, slots=True)
class _Layout:
    """What is derived from an array's metadata once."""

    prefix: str
    chunk_spec: ArraySpec
    transform: ChunkTransform
    shard: _Shard | None
    dtype: np.dtype[Any]
    chunk_bytes: int
    fill_value: Any
    blosc: int | None
    """Where a stored chunk is a Blosc frame: the bytes it decodes to, 0 where filters change their number; else None."""

    @classmethod
    def of(cls, array: zarr.Array[Any]) -> _Layout:
        spec, codecs = _outer(array)
        shard = None
        if len(codecs) == 1 and isinstance(codecs[0], ShardingCodec):
            codec = codecs[0]
            shard = _Shard.of(codec, spec)
            spec = ArraySpec(codec.chunk_shape, spec.dtype, spec.fill_value, spec.config, spec.prototype)
            codecs = evolve_codecs(codec.codecs, spec)
        try:
            transform = ChunkTransform(codecs=tuple(codecs))
        except TypeError as error:
            raise UnsupportedDataset(f"Array {array.basename!r} has a codec that cannot be used: {error}") from error
        dtype = spec.dtype.to_native_dtype()
        fill = spec.dtype.default_scalar() if spec.fill_value is None else spec.fill_value
        prefix = f"{array.path}/" if array.path else ""
        return cls(
            prefix,
            spec,
            transform,
            shard,
            dtype,
            int(np.prod(spec.shape)) * dtype.itemsize,
            fill,
            _blosc(codecs, int(np.prod(spec.shape)) * dtype.itemsize),
        )


def _blosc(codecs: tuple[Any, ...], chunk_bytes: int) -> int | None:
    """See `_Layout.blosc`."""
    last = codecs[-1]
    if isinstance(last, V2Codec):
        if not isinstance(last.compressor, numcodecs.Blosc):
            return None
        return 0 if last.filters else chunk_bytes
    if not isinstance(last, BloscCodec | numcodecs_in_v3.Blosc):
        return None
    return chunk_bytes if len(codecs) == 2 and isinstance(codecs[0], BytesCodec) else 0


def _outer(array: zarr.Array[Any]) -> tuple[ArraySpec, tuple[Any, ...]]:
    """Spec and codecs of the chunks that are objects of the store."""
    metadata = array.metadata
    try:
        shape = array.shards or array.chunks
    except NotImplementedError as error:
        raise UnsupportedDataset(f"Array {array.basename!r} has chunks of varying shape.") from error
    config = ArrayConfig.from_dict({"order": metadata.order} if isinstance(metadata, ArrayV2Metadata) else {})
    spec = ArraySpec(shape, metadata.dtype, metadata.fill_value, config, default_buffer_prototype())
    codecs: Iterable[Any] = create_codec_pipeline(metadata)  # type: ignore[assignment]  # iterable, though not typed so
    return spec, tuple(codecs)
