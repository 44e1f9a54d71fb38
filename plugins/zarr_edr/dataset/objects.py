"""Bytes of the objects of a store: whole, or a range of them."""

from __future__ import annotations

import asyncio
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

    def get(self, key: str, byte_range: ByteRange | None, deadline: Deadline | None) -> Buffer | None:
        """Bytes of an object, or None where it does not exist; every other failure is `StoreUnavailable`."""
        if deadline is not None:
            deadline.check()
        timeout_s = None if deadline is None else deadline.remaining_s
        try:
            if type(self.store) is LocalStore:
                return _read_file(Path(self.store.root, key), byte_range)
            # wait_for, since `sync` alone would leave a read going that nobody waits for any more.
            read = asyncio.wait_for(self.store.get(key, default_buffer_prototype(), byte_range), timeout_s)
            return sync(read)
        except TimeoutError as error:
            if deadline is not None:
                deadline.check()
            raise StoreUnavailable("The store did not answer in time; please try again.") from error
        except io_errors() as error:
            raise StoreUnavailable(
                f"The store could not be read ({type(error).__name__}); please try again."
            ) from error

    def holds(self, key: str, deadline: Deadline | None) -> bool:
        """Whether there is such an object."""
        if type(self.store) is LocalStore:
            return Path(self.store.root, key).is_file()
        return self.get(key, None, deadline) is not None


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
