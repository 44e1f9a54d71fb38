"""Reading ahead: while a chunk of an object store is decoded, the next ones are on their way.

A round trip takes longer than most chunks take to decode. Who goes through some chunks of an array tells which, and as they are
reached, reads of the following ones are begun, up to a bound in number and in bytes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import batched
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self

from zarr_edr.dataset.chunk_layout import ChunkIndex
from zarr_edr.dataset.coalesce import coalesce
from zarr_edr.dataset.helper import READS_AT_ONCE
from zarr_edr.dataset.started import STARTED, Part
from zarr_edr.limits import Deadline

if TYPE_CHECKING:
    from zarr.abc.store import RangeByteRequest

    from zarr_edr.dataset.chunks import ChunkedArray, Remember

MAX_GAP = 1024**2
"""Bytes that nobody wants, read with their neighbours: in the 30 ms of a round trip some 50 MB/s bring as many."""
MAX_READ = 8 * 1024**2
"""Bytes of neighbours read at once: more would keep what came first waiting for what comes last."""
MAX_AHEAD = 256 * 1024**2
"""Bytes that this process may have begun to read before they are needed; of chunks, as they are when decoded."""


class Allowance:
    """Bytes that may be taken, by any thread, and are given back."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._lock = Lock()

    def take(self, size: int, *, always: bool) -> bool:
        """Take some, if there are as many, or `always`."""
        with self._lock:
            if size > self._left and not always:
                return False
            self._left -= size
            return True

    def give(self, size: int) -> None:
        """Give some back."""
        with self._lock:
            self._left += size


_ALLOWANCE = Allowance(MAX_AHEAD)


@dataclass(slots=True, eq=False)
class _Item:
    """A read to begin, for some chunks of the array."""

    key: str
    chunks: dict[ChunkIndex, RangeByteRequest | None]
    """Where each lies in the object; None: it is the object."""
    size: int
    begun: dict[Hashable, Part] = field(default_factory=dict)


class ReadAhead:
    """Some chunks of one array, in the order in which they will be needed. For one thread, as a context."""

    def __init__(
        self,
        array: ChunkedArray,
        chunks: Sequence[ChunkIndex],
        known: Callable[[Hashable], bool],
        remember: Remember,
        deadline: Deadline | None,
    ) -> None:
        """`known` tells what is held or being fetched, `remember` keeps indices of shards: both of the cache."""
        self._array, self._known, self._remember, self._deadline = array, known, remember, deadline
        self._left = OrderedDict.fromkeys(chunks)  # of which it takes no time to drop the first
        self._items = self._in_shards() if array.sharded else self._whole()
        if len(self._left) == 1:
            self._items = iter(())  # nothing to be ahead of
        self._next: _Item | None = None
        self._under_way: list[_Item] = []
        self._indices: dict[Hashable, Part] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        STARTED.give_up(self._indices)
        for item in self._under_way:
            self._end(item)

    def reach(self, chunk: ChunkIndex) -> None:
        """This chunk is needed next: begin to read it and some of the following. Raises as `ChunkedArray.fetch`."""
        self._pass_all_but(chunk)
        while len(self._under_way) < READS_AT_ONCE and (item := self._take_next()) is not None:
            item.chunks = {index: span for index, span in item.chunks.items() if index in self._left}
            if not item.chunks:
                continue
            if not _ALLOWANCE.take(item.size, always=not self._under_way):
                self._next = item
                return
            self._under_way.append(item)
            self._begin(item)

    def _take_next(self) -> _Item | None:
        item, self._next = self._next, None
        return item or next(self._items, None)

    def _pass_all_but(self, chunk: ChunkIndex) -> None:
        """Let go of the chunks before this one."""
        if chunk not in self._left:
            return
        while next(iter(self._left)) != chunk:
            self._left.popitem(last=False)
        over = [item for item in self._under_way if not any(index in self._left for index in item.chunks)]
        for item in over:
            self._under_way.remove(item)
            self._end(item)

    def _end(self, item: _Item) -> None:
        STARTED.give_up(item.begun)
        _ALLOWANCE.give(item.size)

    def _begin(self, item: _Item) -> None:
        names: dict[Hashable, ChunkIndex] = {self._array.chunk_token(index): index for index in item.chunks}

        def begin(wanted: list[Hashable]) -> dict[Hashable, Part]:
            spans = [item.chunks[names[name]] for name in wanted]
            if spans[0] is None:
                return {wanted[0]: Part(self._array.start(item.key, None, self._deadline))}
            return self._together(item.key, wanted, [span for span in spans if span is not None])

        item.begun = STARTED.start(list(names), self._known, begin)

    def _together(self, key: str, names: list[Hashable], spans: list[RangeByteRequest]) -> dict[Hashable, Part]:
        """One read for all these parts of an object."""
        start, stop = min(span.start for span in spans), max(span.end for span in spans)
        read = self._array.start(key, (start, stop), self._deadline)
        surplus = max(0, stop - start - sum(span.end - span.start for span in spans))
        parts: dict[Hashable, Part] = {}
        for name, span in zip(names, spans, strict=True):
            parts[name] = Part(read, span.start - start, span.end - start, 0 if parts else surplus)
        return parts

    def _whole(self) -> Iterator[_Item]:
        for index in list(self._left):
            yield _Item(self._array.chunk_key(index), {index: None}, self._array.chunk_bytes)

    def _in_shards(self) -> Iterator[_Item]:
        """Reads of neighbours in each shard, the shards in the order in which they are needed."""
        shards: dict[ChunkIndex, list[ChunkIndex]] = {}
        for index in self._left:
            shards.setdefault(self._array.shard_of(index), []).append(index)
        for some in batched(shards.items(), READS_AT_ONCE):
            self._begin_indices([shard for shard, _ in some])
            for shard, chunks in some:
                yield from self._in_shard(shard, [index for index in chunks if index in self._left])
                self._indices.pop(self._array.index_token(shard), None)  # it was taken

    def _in_shard(self, shard: ChunkIndex, chunks: list[ChunkIndex]) -> Iterator[_Item]:
        spans = self._array.spans(shard, chunks, self._deadline, self._remember)
        there = [(index, span) for index, span in zip(chunks, spans, strict=True) if span is not None]
        ranges = [(span.start, span.end) for _, span in there]
        for group in coalesce(ranges, max_gap=MAX_GAP, max_bytes=MAX_READ):
            yield _Item(
                self._array.shard_key(shard), dict(there[number] for number in group.members), group.stop - group.start
            )

    def _begin_indices(self, shards: list[ChunkIndex]) -> None:
        names: dict[Hashable, ChunkIndex] = {self._array.index_token(shard): shard for shard in shards}
        self._indices |= STARTED.start(
            list(names),
            self._known,
            lambda wanted: {name: Part(self._array.start_index(names[name], self._deadline)) for name in wanted},
        )
