"""Bytes of the objects of a store: whole, or a range of them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zarr.abc.store import OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import LocalStore

from zarr_edr.dataset.source import io_errors
from zarr_edr.errors import StoreUnavailable
from zarr_edr.limits import Deadline

ByteRange = RangeByteRequest | SuffixByteRequest | OffsetByteRequest


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects of one store, for any thread: files are read directly, other stores through zarr-python's event loop."""

    store: Store

    @property
    def local(self) -> bool:
        """Whether they are files."""
        return type(self.store) is LocalStore

    def get(self, key: str, byte_range: ByteRange | None, deadline: Deadline | None) -> Buffer | None:
        """Bytes of an object, or None where it does not exist; every other failure is `StoreUnavailable`."""
        if deadline is not None:
            deadline.check()
        timeout_s = None if deadline is None else deadline.remaining_s
        try:
            if type(self.store) is LocalStore:
                return _read_file(f"{self.store.root}/{key}", byte_range)
            # wait_for, since `sync` alone would leave a read going that nobody waits for any more.
            read = asyncio.wait_for(self.store.get(key, default_buffer_prototype(), byte_range), timeout_s)
            return sync(read)
        except TimeoutError as error:
            if deadline is not None:
                deadline.check()
            raise StoreUnavailable("The store did not answer in time; please try again.") from error
        except io_errors() as error:
            raise _unreadable(error) from error

    def parts[R](self, key: str, take: Callable[[LocalFile], R], deadline: Deadline | None) -> R | None:
        """What `take` makes of a file, of which it may read parts; None where there is no such file. Raises as `get`."""
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

    def holds(self, key: str, deadline: Deadline | None) -> bool:
        """Whether there is such an object."""
        if type(self.store) is LocalStore:
            return Path(self.store.root, key).is_file()
        return self.get(key, None, deadline) is not None


def _unreadable(error: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"The store could not be read ({type(error).__name__}); please try again.")


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

    def read(self, start: int, stop: int) -> bytes:
        """Bytes `start` to below `stop`; fewer where the file ends before."""
        data = os.pread(self.descriptor, stop - start, self.start + start)
        while len(data) < stop - start and (more := self._more(start + len(data), stop)):
            data += more
        return data

    def _more(self, start: int, stop: int) -> bytes:
        """What a read that the system cut short left over, if anything."""
        return os.pread(self.descriptor, stop - start, self.start + start)


def _read_file(path: str, byte_range: ByteRange | None) -> Buffer | None:
    """Bytes of a local file. Only a file that does not exist is absent: a directory in its place is a fault."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        file = LocalFile(descriptor, os.fstat(descriptor).st_size)
        match byte_range:
            case None:
                data = file.read(0, file.size)
            case RangeByteRequest(start, end):
                data = file.read(start, min(end, file.size))
            case OffsetByteRequest(offset):
                data = file.read(offset, file.size)
            case SuffixByteRequest(suffix):
                data = file.read(max(0, file.size - suffix), file.size)
    finally:
        os.close(descriptor)
    return default_buffer_prototype().buffer.from_bytes(data)
