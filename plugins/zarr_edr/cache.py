"""Decoded chunks, kept in memory up to a number of bytes; each is fetched by one thread at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

from numpy.typing import NDArray

from zarr_edr.dataset.chunks import Fetched
from zarr_edr.limits import Deadline
from zarr_edr.places import WAITING


@dataclass(slots=True, eq=False)
class _Flight:
    """A fetch under way, and who waits for it."""

    done: Event = field(default_factory=Event)
    values: NDArray[Any] | None = None


_ENTRY_BYTES = 512
"""What an entry takes beside its values: key, array and dictionary slot (measured)."""


_NAME_BYTES = 16 * 1024
"""What a name counts for at least: 8,000 of them at the default size of the cache, some 3 MB."""
_PROTECTED = 0.8
"""Part of the room that is for chunks that were asked for again: a scan of a large store passes through the rest."""


class ChunkCache:
    """Decoded chunks, shared by threads, bounded in bytes of the arrays it holds; a segmented least-recently-used cache.

    A chunk is on probation until it is asked for again. Those on probation leave first, so that one query that reads a thousand
    chunks once does not take the place of those that everybody asks for (Karedla, Love and Wherry, Caching strategies to improve
    disk system performance, IEEE Computer 27(3), 1994). Of those that have left, the names are kept for a while: one that comes
    back has been asked for again, too (as in 2Q, Johnson and Shasha, VLDB 1994).
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self._probation: OrderedDict[Hashable, NDArray[Any]] = OrderedDict()
        self._protected: OrderedDict[Hashable, NDArray[Any]] = OrderedDict()
        self._protected_bytes = 0
        self._touched: OrderedDict[Hashable, int] = OrderedDict()
        """Chunks that were asked for lately and are not held, and their bytes: they have left, or a part of them would do."""
        self._touched_bytes = 0
        self._flights: dict[Hashable, _Flight] = {}
        self._lock = Lock()

    def get(self, key: Hashable, fetch: Callable[[], Fetched], deadline: Deadline | None = None) -> Fetched:
        """The chunk of `key`, by `fetch` where it is not held. A chunk already held, or being fetched, costs no bytes.

        A fetch that fails fails for its own caller only: those who waited for it try again themselves, so that one request's
        deadline never becomes another's error.
        """
        while True:
            with self._lock:
                held = self._held(key)
                if held is not None:
                    return Fetched(held, 0, fresh=False)
                if deadline is not None:
                    deadline.before_waiting()
                flight = self._flights.get(key)
                mine = flight is None
                if flight is None:
                    flight = self._flights[key] = _Flight()
            if mine:
                return self._fly(key, flight, fetch)
            with WAITING:
                flight.done.wait(None if deadline is None else max(0.0, deadline.remaining_s))
            if deadline is not None:
                deadline.check()
            if flight.values is not None:
                return Fetched(flight.values, 0, fresh=False)

    def holds(self, key: Hashable) -> bool:
        """Whether a chunk is held."""
        return key in self._protected or key in self._probation

    def part_will_do(self, key: Hashable) -> bool:
        """Whether to read only a part of a chunk: it is not held, nor being fetched, nor was it asked for lately.

        "Lately" are as many chunks as would fit: one that is asked for again before that is worth to be held.
        """
        with self._lock:
            return not (self.holds(key) or key in self._flights or key in self._touched)

    def part_was_read(self, key: Hashable, size: int) -> None:
        """Take note of a chunk of `size` bytes of which a part was read."""
        with self._lock:
            if not self.holds(key) and key not in self._touched:
                self._touch(key, size)

    def _touch(self, key: Hashable, size: int) -> None:
        size = max(size, _NAME_BYTES)
        self._touched[key] = size
        self._touched_bytes += size
        while self._touched_bytes > self.max_bytes:
            self._touched_bytes -= self._touched.popitem(last=False)[1]

    def _held(self, key: Hashable) -> NDArray[Any] | None:
        """What is held, which it will be for longer from now on."""
        held = self._protected.get(key)
        if held is not None:
            self._protected.move_to_end(key)
            return held
        held = self._probation.pop(key, None)
        if held is not None:
            self._protect(key, held)
        return held

    def _protect(self, key: Hashable, values: NDArray[Any]) -> None:
        self._protected[key] = values
        self._protected_bytes += _held_bytes(values)
        while self._protected_bytes > _PROTECTED * self.max_bytes:
            back, oldest = self._protected.popitem(last=False)
            self._protected_bytes -= _held_bytes(oldest)
            self._probation[back] = oldest

    def _fly(self, key: Hashable, flight: _Flight, fetch: Callable[[], Fetched]) -> Fetched:
        try:
            fetched = fetch()
            flight.values = fetched.values
        finally:
            with self._lock:
                del self._flights[key]
                if flight.values is not None:
                    self._keep(key, flight.values)
            flight.done.set()
        return fetched

    def _keep(self, key: Hashable, values: NDArray[Any]) -> None:
        size = _held_bytes(values)
        if size > self.max_bytes:
            return
        self.bytes += size
        if (touched := self._touched.pop(key, None)) is None:
            self._probation[key] = values
        else:
            self._touched_bytes -= touched
            self._protect(key, values)
        while self.bytes > self.max_bytes:
            if self._probation:
                left, dropped = self._probation.popitem(last=False)
            else:
                left, dropped = self._protected.popitem(last=False)
                self._protected_bytes -= _held_bytes(dropped)
            self.bytes -= _held_bytes(dropped)
            self._touch(left, _held_bytes(dropped))

    def knows(self, key: Hashable) -> bool:
        """Whether a chunk is held, or being fetched."""
        with self._lock:
            return self.holds(key) or key in self._flights

    def clear(self) -> None:
        """Forget all chunks."""
        with self._lock:
            for entries in (self._probation, self._protected, self._touched):
                entries.clear()
            self.bytes = self._protected_bytes = self._touched_bytes = 0


def _held_bytes(values: NDArray[Any]) -> int:
    """Memory a chunk takes: an absent one is a single value seen through strides of zero, and an entry besides."""
    return _ENTRY_BYTES + (values.itemsize if not any(values.strides) else values.nbytes)


_DEFAULT_BYTES = 128 * 1024**2

_process_cache = ChunkCache(_DEFAULT_BYTES)
_wanted_bytes: set[int] = set()
_wanted_lock = Lock()


def process_cache() -> ChunkCache:
    """The cache of this process: a server's worker, or a dask worker."""
    return _process_cache


def allow_bytes(wanted: int) -> None:
    """Take note of what a collection allows the cache of this process; the largest of all collections' counts."""
    with _wanted_lock:
        _wanted_bytes.add(wanted)
        _process_cache.max_bytes = max(_wanted_bytes)
