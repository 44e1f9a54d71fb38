"""How the chunks of an array lie in its store, derived from its metadata once: keys, codecs, shards.

The codecs are zarr-python's. What they are called there is not promised to stay: this file, and no other, knows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numcodecs
import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.abc.store import RangeByteRequest, SuffixByteRequest
from zarr.codecs import BloscCodec, BytesCodec, ShardingCodec
from zarr.codecs import numcodecs as numcodecs_in_v3
from zarr.codecs._v2 import V2Codec
from zarr.core.array import create_codec_pipeline
from zarr.core.array_spec import ArrayConfig, ArraySpec
from zarr.core.buffer import default_buffer_prototype
from zarr.core.chunk_utils import ChunkTransform, evolve_codecs
from zarr.core.dtype import UInt64
from zarr.core.metadata import ArrayV2Metadata

from zarr_edr.dataset.objects import ByteRange
from zarr_edr.errors import UnsupportedDataset

ChunkIndex = tuple[int, ...]
"""Position of a chunk in the grid of (inner) chunks, one number per dimension."""

ABSENT = np.uint64(2**64 - 1)
"""Offset and length of an inner chunk that a shard does not hold (Zarr v3, sharding-indexed codec)."""


_LARGEST = 2**50
"""Bytes of a shard that may be: what is more is a damaged index."""


@dataclass(frozen=True, slots=True)
class Shard:
    """How inner chunks lie in shards."""

    chunks_per_shard: tuple[int, ...]
    index_range: ByteRange
    index_spec: ArraySpec
    index_transform: ChunkTransform

    @classmethod
    def of(cls, codec: ShardingCodec, shard_spec: ArraySpec) -> Shard:
        """Of shards of `shard_spec`."""
        per_shard = tuple(s // c for s, c in zip(shard_spec.shape, codec.chunk_shape, strict=True))
        spec = ArraySpec(
            shape=(*per_shard, 2),
            dtype=UInt64(endianness="little"),
            fill_value=ABSENT,
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
        """Bytes of an inner chunk in its shard, None where the shard has none; `ValueError` where its index is damaged."""
        offset, length = index[inner]
        if offset == ABSENT and length == ABSENT:
            return None
        if offset > _LARGEST or length > _LARGEST:
            raise ValueError(f"a shard of {offset} bytes or more")
        return RangeByteRequest(int(offset), int(offset) + int(length))


@dataclass(frozen=True, slots=True)
class ChunkLayout:
    """What is derived from an array's metadata once."""

    prefix: str
    chunk_spec: ArraySpec
    transform: ChunkTransform
    shard: Shard | None
    dtype: np.dtype[Any]
    chunk_bytes: int
    fill_value: Any
    blosc: int | None
    """Where a stored chunk is a Blosc frame: the bytes it decodes to, 0 where filters change their number; else None."""
    partial: np.dtype[Any] | None
    """Where it is one of plain numbers in C order, of which a part can be decoded: their dtype as stored; else None."""
    strides: tuple[int, ...]
    """Elements from one index to the next along each dimension of a chunk in C order."""

    @classmethod
    def of(cls, array: zarr.Array[Any]) -> ChunkLayout:
        """Of an array whose metadata are open. Raises `UnsupportedDataset` for codecs that cannot be used."""
        spec, codecs = _outer(array)
        shard = None
        if len(codecs) == 1 and isinstance(codecs[0], ShardingCodec):
            codec = codecs[0]
            shard = Shard.of(codec, spec)
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
            _partial(codecs, spec, dtype),
            tuple(math.prod(spec.shape[axis + 1 :]) for axis in range(len(spec.shape))),
        )


def _blosc(codecs: tuple[Any, ...], chunk_bytes: int) -> int | None:
    """See `ChunkLayout.blosc`."""
    last = codecs[-1]
    if isinstance(last, V2Codec):
        if not isinstance(last.compressor, numcodecs.Blosc):
            return None
        return 0 if last.filters else chunk_bytes
    if not isinstance(last, BloscCodec | numcodecs_in_v3.Blosc):
        return None
    return chunk_bytes if len(codecs) == 2 and isinstance(codecs[0], BytesCodec) else 0


def _partial(codecs: tuple[Any, ...], spec: ArraySpec, dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """See `ChunkLayout.partial`."""
    if _blosc(codecs, 1) != 1 or dtype.kind not in "fiub" or spec.config.order != "C":
        return None
    first = codecs[0]
    if isinstance(first, BytesCodec) and first.endian is not None:
        return dtype.newbyteorder("<" if first.endian == "little" else ">")
    return dtype


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
