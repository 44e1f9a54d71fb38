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


@dataclass(slots=True, eq=False)
class _Flight:
    """A fetch under way, and who waits for it."""

    done: Event = field(default_factory=Event)
    values: NDArray[Any] | None = None


_ENTRY_BYTES = 512
"""What an entry takes beside its values: key, array and dictionary slot (measured)."""


class ChunkCache:
    """Least-recently-used cache of decoded chunks, shared by threads, bounded in bytes of the arrays it holds."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self._entries: OrderedDict[Hashable, NDArray[Any]] = OrderedDict()
        self._flights: dict[Hashable, _Flight] = {}
        self._lock = Lock()

    def get(self, key: Hashable, fetch: Callable[[], Fetched], deadline: Deadline | None = None) -> Fetched:
        """The chunk of `key`, by `fetch` where it is not held. A chunk already held, or being fetched, costs no bytes.

        A fetch that fails fails for its own caller only: those who waited for it try again themselves, so that one request's
        deadline never becomes another's error.
        """
        while True:
            with self._lock:
                held = self._entries.get(key)
                if held is not None:
                    self._entries.move_to_end(key)
                    return Fetched(held, 0, fresh=False)
                flight = self._flights.get(key)
                mine = flight is None
                if flight is None:
                    flight = self._flights[key] = _Flight()
            if mine:
                return self._fly(key, flight, fetch)
            flight.done.wait(None if deadline is None else max(0.0, deadline.remaining_s))
            if deadline is not None:
                deadline.check()
            if flight.values is not None:
                return Fetched(flight.values, 0, fresh=False)

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
        self._entries[key] = values
        self.bytes += size
        while self.bytes > self.max_bytes:
            _, dropped = self._entries.popitem(last=False)
            self.bytes -= _held_bytes(dropped)

    def knows(self, key: Hashable) -> bool:
        """Whether a chunk is held, or being fetched."""
        with self._lock:
            return key in self._entries or key in self._flights

    def clear(self) -> None:
        """Forget all chunks."""
        with self._lock:
            self._entries.clear()
            self.bytes = 0


def _held_bytes(values: NDArray[Any]) -> int:
    """Memory a chunk takes: an absent one is a single value seen through strides of zero, and an entry besides."""
    return _ENTRY_BYTES + (values.itemsize if not any(values.strides) else values.nbytes)


_DEFAULT_BYTES = 256 * 1024**2

_process_cache = ChunkCache(_DEFAULT_BYTES)
_wanted_bytes: set[int] = set()


def process_cache() -> ChunkCache:
    """The cache of this process: a server's worker, or a dask worker."""
    return _process_cache


def allow_bytes(wanted: int) -> None:
    """Take note of what a collection allows the cache of this process; the largest of all collections' counts."""
    _wanted_bytes.add(wanted)
    _process_cache.max_bytes = max(_wanted_bytes)
