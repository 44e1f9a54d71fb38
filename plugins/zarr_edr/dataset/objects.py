"""Bytes of the objects of a store: whole, or a range of them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from zarr.abc.store import OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.core.sync import _get_loop, sync
from zarr.storage import LocalStore

from zarr_edr.dataset.obstore_store import READS_AT_ONCE, ObstoreStore
from zarr_edr.dataset.remote import RemoteStore
from zarr_edr.dataset.source import io_errors
from zarr_edr.errors import StoreUnavailable
from zarr_edr.limits import Deadline

ByteRange = RangeByteRequest | SuffixByteRequest | OffsetByteRequest


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects of one store, for any thread: files are read directly, other stores through zarr-python's event loop."""

    store: Store

    @property
    def remote(self) -> bool:
        """Whether each read takes a round trip over a network."""
        return isinstance(self.store, RemoteStore)

    def get(self, key: str, byte_range: ByteRange | None, deadline: Deadline | None) -> Buffer | None:
        """Bytes of an object, or None where it does not exist; every other failure is `StoreUnavailable`."""
        if deadline is not None:
            deadline.check()
        with failures_as_unavailable(deadline):
            if type(self.store) is LocalStore:
                return _read_file(Path(self.store.root, key), byte_range)
            if self.remote:
                return self._wait(self.start(key, byte_range, deadline), deadline)
            return sync(self._read(key, byte_range, deadline))

    def start(self, key: str, byte_range: ByteRange | None, deadline: Deadline | None) -> Future[Buffer | None]:
        """Begin to read what `get` reads. What comes of it raises what the store raises: see `failures_as_unavailable`."""
        own = self.store.own if isinstance(self.store, RemoteStore) else None
        if isinstance(own, ObstoreStore):
            return own.begin(key, byte_range)
        return asyncio.run_coroutine_threadsafe(self._in_line(key, byte_range, deadline), _get_loop())

    def _wait(self, read: Future[Buffer | None], deadline: Deadline | None) -> Buffer | None:
        try:
            return read.result(None if deadline is None else max(0.0, deadline.remaining_s))
        finally:
            read.cancel()  # where nobody waits for it any more

    async def _in_line(self, key: str, byte_range: ByteRange | None, deadline: Deadline | None) -> Buffer | None:
        async with _slots(os.getpid()):
            return await self._read(key, byte_range, deadline)

    async def _read(self, key: str, byte_range: ByteRange | None, deadline: Deadline | None) -> Buffer | None:
        # With a time-out of its own, since `sync` alone would leave a read going that nobody waits for any more.
        async with asyncio.timeout(None if deadline is None else deadline.remaining_s):
            return await self.store.get(key, default_buffer_prototype(), byte_range)

    def holds(self, key: str, deadline: Deadline | None) -> bool:
        """Whether there is such an object."""
        if type(self.store) is LocalStore:
            return Path(self.store.root, key).is_file()
        return self.get(key, None, deadline) is not None


@contextmanager
def failures_as_unavailable(deadline: Deadline | None) -> Iterator[None]:
    """Turn what stores raise into `StoreUnavailable`, or `DeadlineExceeded` where that is why."""
    try:
        yield
    except TimeoutError as error:
        if deadline is not None:
            deadline.check()
        raise StoreUnavailable("The store did not answer in time; please try again.") from error
    except io_errors() as error:
        raise StoreUnavailable(f"The store could not be read ({type(error).__name__}); please try again.") from error


@lru_cache(maxsize=1)
def _slots(pid: int) -> asyncio.Semaphore:
    """Those of process `pid`: zarr-python has one event loop in each."""
    del pid
    return asyncio.Semaphore(READS_AT_ONCE)


def _read_file(path: Path, byte_range: ByteRange | None) -> Buffer | None:
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
