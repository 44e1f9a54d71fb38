"""Stores that count what is asked of them, and stores that fail on purpose. Whole and partial reads alike."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.core.buffer.core import default_buffer_prototype
from zarr.storage import WrapperStore

_METADATA = re.compile(r"(^|/)(zarr\.json|\.zarray|\.zgroup|\.zattrs|\.zmetadata)$")
_HOLD_LIMIT_S = 60.0
"""A test that forgets to release a held read fails; it does not hang."""


class _OneDoor(WrapperStore[Store]):
    """Sends every kind of read through `get` or `get_sync`, so that a subclass has two methods to override."""

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return [await self.get(key, prototype, byte_range) for key, byte_range in key_ranges]

    async def get_ranges(
        self,
        key: str,
        byte_ranges: Sequence[ByteRequest | None],
        *,
        prototype: BufferPrototype,
        max_concurrency: int | None = None,
        max_gap_bytes: int | None = None,
        max_coalesced_bytes: int | None = None,
    ) -> AsyncIterator[Sequence[tuple[int, Buffer | None]]]:
        given = {
            "max_concurrency": max_concurrency,
            "max_gap_bytes": max_gap_bytes,
            "max_coalesced_bytes": max_coalesced_bytes,
        }
        knobs = {name: value for name, value in given.items() if value is not None}
        async for batch in Store.get_ranges(self, key, byte_ranges, prototype=prototype, **knobs):
            yield batch

    async def _get_many(
        self, requests: Iterable[tuple[str, BufferPrototype, ByteRequest | None]]
    ) -> AsyncGenerator[tuple[str, Buffer | None], None]:
        for key, prototype, byte_range in requests:
            yield key, await self.get(key, prototype, byte_range)


@dataclass
class Counts:
    """What was read. Safe to use from many threads."""

    gets: Counter[str] = field(default_factory=Counter)
    """Reads by key, whole or partial, those that found nothing included."""
    bytes: Counter[str] = field(default_factory=Counter)
    """Bytes delivered, by key."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, key: str, value: Buffer | None) -> None:
        """Note one read."""
        with self._lock:
            self.gets[key] += 1
            self.bytes[key] += 0 if value is None else len(value)

    def reset(self) -> None:
        """Start again from zero."""
        with self._lock:
            self.gets.clear()
            self.bytes.clear()

    @property
    def chunk_gets(self) -> Counter[str]:
        """Reads by key, without metadata documents."""
        with self._lock:
            return Counter({key: n for key, n in self.gets.items() if not _METADATA.search(key)})

    @property
    def total_bytes(self) -> int:
        """Bytes delivered, all keys."""
        with self._lock:
            return self.bytes.total()


class CountingStore(_OneDoor):
    """Counts reads by key; delivers what the wrapped store does."""

    def __init__(self, store: Store, counts: Counts | None = None) -> None:
        super().__init__(store)
        self.counts = Counts() if counts is None else counts

    def _with_store(self, store: Store) -> Self:
        return type(self)(store, self.counts)

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """See `Store.get`."""
        value = await self._store.get(key, prototype, byte_range)
        self.counts.add(key, value)
        return value

    def get_sync(
        self, key: str, *, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """See `WrapperStore.get_sync`."""
        value = super().get_sync(key, prototype=prototype, byte_range=byte_range)
        self.counts.add(key, value)
        return value


@dataclass(frozen=True, slots=True)
class Raise:
    """The read raises."""

    error: Exception
    """E.g. `ConnectionResetError()`, `PermissionError()`, `TimeoutError()`."""


@dataclass(frozen=True, slots=True)
class Truncate:
    """The object ends early."""

    keep: int
    """Bytes that remain."""


@dataclass(frozen=True, slots=True)
class Flip:
    """One byte of the object is inverted."""

    position: int
    """Index of the byte, negative from the end; taken modulo the length."""


@dataclass(frozen=True, slots=True)
class Missing:
    """The object is said not to exist."""


@dataclass(frozen=True, slots=True)
class Hold:
    """The read waits until it is released."""

    release: threading.Event = field(default_factory=threading.Event)
    """Set by the test."""
    reached: threading.Event = field(default_factory=threading.Event)
    """Set when a read has begun to wait."""

    def wait(self) -> None:
        """Wait for `release`; raise `TimeoutError` when it does not come within a minute."""
        self.reached.set()
        if not self.release.wait(_HOLD_LIMIT_S):
            raise TimeoutError("a held read was never released")


Action = Raise | Truncate | Flip | Missing | Hold


@dataclass
class Fault:
    """What happens to reads of some keys."""

    pattern: str
    """Regular expression, searched in the key."""
    action: Action
    times: int | None = None
    """How many reads fail before all is well again; None: all."""
    seen: int = 0
    """Reads that met this fault so far."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def applies(self, key: str) -> bool:
        """Whether this read fails; counts it if so."""
        if not re.search(self.pattern, key):
            return False
        with self._lock:
            due = self.times is None or self.seen < self.times
            self.seen += due
        return due


class FaultyStore(_OneDoor):
    """Fails as told; the first fault whose pattern matches a key decides."""

    def __init__(self, store: Store, *faults: Fault) -> None:
        super().__init__(store)
        self.faults = faults

    def _with_store(self, store: Store) -> Self:
        return type(self)(store, *self.faults)

    def _action(self, key: str) -> Action | None:
        return next((fault.action for fault in self.faults if fault.applies(key)), None)

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """See `Store.get`."""
        match self._action(key):
            case Raise(error):
                raise error
            case Missing():
                return None
            case Hold() as hold:
                await asyncio.to_thread(hold.wait)
            case Truncate() | Flip() as damage:
                return _cut(_damaged(await self._store.get(key, prototype), damage, prototype), byte_range)
            case None:
                pass
        return await self._store.get(key, prototype, byte_range)

    def get_sync(
        self, key: str, *, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """See `WrapperStore.get_sync`."""
        kind = default_buffer_prototype() if prototype is None else prototype
        match self._action(key):
            case Raise(error):
                raise error
            case Missing():
                return None
            case Hold() as hold:
                hold.wait()
            case Truncate() | Flip() as damage:
                return _cut(_damaged(super().get_sync(key, prototype=kind), damage, kind), byte_range)
            case None:
                pass
        return super().get_sync(key, prototype=kind, byte_range=byte_range)

    async def exists(self, key: str) -> bool:
        """See `Store.exists`."""
        hidden = any(isinstance(fault.action, Missing) and re.search(fault.pattern, key) for fault in self.faults)
        return not hidden and await self._store.exists(key)


def _damaged(value: Buffer | None, damage: Truncate | Flip, prototype: BufferPrototype) -> Buffer | None:
    if value is None:
        return None
    content = bytearray(value.to_bytes())
    if isinstance(damage, Truncate):
        del content[damage.keep :]
    elif content:
        content[damage.position % len(content)] ^= 0xFF
    return prototype.buffer.from_bytes(bytes(content))


def _cut(value: Buffer | None, byte_range: ByteRequest | None) -> Buffer | None:
    if value is None or byte_range is None:
        return value
    bounds: Any
    match byte_range:
        case RangeByteRequest(start, end):
            bounds = slice(start, end)
        case OffsetByteRequest(offset):
            bounds = slice(offset, None)
        case SuffixByteRequest(suffix):
            bounds = slice(max(0, len(value) - suffix), None)
        case _:
            raise TypeError(f"unknown byte range {byte_range!r}")
    return value[bounds]
