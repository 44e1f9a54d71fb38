"""Bytes of the objects of a store: whole, or a range of them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from zarr.abc.store import OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.core.sync import _get_loop, sync
from zarr.storage import LocalStore

from zarr_edr.dataset.helper import READS_AT_ONCE
from zarr_edr.dataset.obstore_store import ObstoreStore
from zarr_edr.dataset.remote import RemoteStore
from zarr_edr.dataset.source import io_errors
from zarr_edr.errors import StoreUnavailable
from zarr_edr.limits import Deadline
from zarr_edr.places import WAITING, placed

ByteRange = RangeByteRequest | SuffixByteRequest | OffsetByteRequest


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects of one store, for any thread: files are read directly, other stores through zarr-python's event loop."""

    store: Store

    @property
    def local(self) -> bool:
        """Whether they are files."""
        return type(self.store) is LocalStore

    @property
    def remote(self) -> bool:
        """Whether each read takes a round trip over a network."""
        return isinstance(self.store, RemoteStore)

    def get(self, key: str, byte_range: ByteRange | None, deadline: Deadline | None) -> Buffer | None:
        """Bytes of an object, or None where it does not exist; every other failure is `StoreUnavailable`."""
        if self.local:
            return self.parts(key, lambda file: _read(file, byte_range), deadline)
        if deadline is not None:
            deadline.check()
        with failures_as_unavailable(deadline):
            if self.remote:
                return self._wait(self.start(key, byte_range, deadline), deadline)
            return sync(self._read(key, byte_range, deadline))

    def parts[R](self, key: str, take: Callable[[LocalFile], R], deadline: Deadline | None) -> R | None:
        """What `take` makes of a file, of which it may read parts; None where there is no such file. Raises as `get`.

        Only a file that does not exist is absent: a directory in its place is a fault.
        """
        if deadline is not None:
            deadline.check()
        if type(self.store) is not LocalStore:
            return None
        try:
            descriptor = os.open(f"{self.store.root}/{key}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                return take(LocalFile(descriptor, os.fstat(descriptor).st_size))
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(error) from error

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


def start_loop() -> None:
    """Have the event loop of zarr-python made: threads that ask for it together for the first time might get two."""
    _get_loop()


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
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"The store could not be read ({type(error).__name__}); please try again.")


@lru_cache(maxsize=1)
def _slots(pid: int) -> asyncio.Semaphore:
    """Those of process `pid`: zarr-python has one event loop in each."""
    del pid
    return asyncio.Semaphore(READS_AT_ONCE)


@dataclass(frozen=True, slots=True)
class LocalFile:
    """An open file, or a part of one that counts as a whole."""

    descriptor: int
    size: int
    start: int = 0
    """Where in the file it begins."""

    def part(self, start: int, size: int) -> LocalFile:
        """A part of it."""
        return LocalFile(self.descriptor, size, self.start + start)

    def in_parts(self) -> None:
        """Have nothing read ahead: some of it will be read, here and there.

        Of 2,000 files of a map each, 160 KB of each wanted, a disk that reads 8 MB ahead was seen to read all of 1.3 GB.
        """
        os.posix_fadvise(self.descriptor, 0, 0, os.POSIX_FADV_RANDOM)

    def read(self, start: int, stop: int) -> bytes | bytearray:
        """Bytes `start` to below `stop`; fewer where the file ends before."""
        if not placed():
            return self._read(start, stop)
        if (at_once := self._at_once(start, stop)) is not None:
            return at_once
        with WAITING:
            return self._read(start, stop)

    def read_into(self, start: int, into: memoryview) -> int:
        """Fill `into` with the bytes from `start` on; how many they are, which is fewer where the file ends before."""
        if not placed():
            return self._fill(start, into)
        if self._filled_at_once(start, into):
            return len(into)
        with WAITING:
            return self._fill(start, into)

    def _at_once(self, start: int, stop: int) -> bytearray | None:
        """The same as `read` where all of it is in memory, so that no disk has to be waited for."""
        data = bytearray(stop - start)
        return data if self._filled_at_once(start, data) else None

    def _filled_at_once(self, start: int, into: bytearray | memoryview) -> bool:
        try:
            return os.preadv(self.descriptor, [into], self.start + start, os.RWF_NOWAIT) == len(into)
        except OSError:  # it is not in memory, or this file system cannot tell
            return False

    def _fill(self, start: int, into: memoryview) -> int:
        filled = 0
        while filled < len(into) and (more := os.preadv(self.descriptor, [into[filled:]], self.start + start + filled)):
            filled += more
        return filled

    def _read(self, start: int, stop: int) -> bytes:
        data = os.pread(self.descriptor, stop - start, self.start + start)
        while len(data) < stop - start and (more := self._more(start + len(data), stop)):
            data += more
        return data

    def _more(self, start: int, stop: int) -> bytes:
        """What a read that the system cut short left over, if anything."""
        return os.pread(self.descriptor, stop - start, self.start + start)


def _read(file: LocalFile, byte_range: ByteRange | None) -> Buffer:
    match byte_range:
        case None:
            data = file.read(0, file.size)
        case RangeByteRequest(start, end):
            data = file.read(min(start, file.size), min(end, file.size))
        case OffsetByteRequest(offset):
            data = file.read(offset, file.size)
        case SuffixByteRequest(suffix):
            data = file.read(max(0, file.size - suffix), file.size)
    return default_buffer_prototype().buffer.from_bytes(data)
