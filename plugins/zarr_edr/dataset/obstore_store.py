"""A Zarr store whose objects are read with obstore: by threads of this process, or by a helper."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype

from zarr_edr.dataset.helper import READS_AT_ONCE, read
from zarr_edr.dataset.storage_options import StoreConfig
from zarr_edr.errors import ConfigurationError


class Reader(Protocol):
    """Runs `helper.read` on a store, somewhere."""

    def ask(self, what: str, *arguments: Any) -> Future[Any]:
        """The answer to come."""


class ReadThreads:
    """Threads that read one store. Of its own, so that a store that hangs keeps no other one waiting."""

    def __init__(self, config: StoreConfig) -> None:
        self._store = config.open()
        self._pool = ThreadPoolExecutor(READS_AT_ONCE, thread_name_prefix="zarr-edr-objects")

    def ask(self, what: str, *arguments: Any) -> Future[Any]:
        """See `Reader.ask`. What is cancelled before a thread is free is not read."""
        return self._pool.submit(read, self._store, what, arguments)

    def get(self, key: str, byte_range: Any) -> Future[Buffer | None]:
        """The bytes to come of an object, as zarr-python has them."""
        return self._pool.submit(self._buffer, key, byte_range)

    def _buffer(self, key: str, byte_range: Any) -> Buffer | None:
        data = read(self._store, "get", (key, byte_range))
        return None if data is None else default_buffer_prototype().buffer.from_bytes(data)


class ObstoreStore(Store):
    """A store read with obstore, read-only.

    zarr-python's own goes through obstore's asyncio: twice the work for each read, and a process that ends while an abandoned
    read is under way is aborted (obstore 0.12). Here threads wait, and a process waits for them at its end.
    """

    def __init__(self, reader: Reader, *, lists: bool = True) -> None:
        """`lists`: whether the store can tell what it holds."""
        super().__init__(read_only=True)
        self._reader, self._lists = reader, lists

    def begin(self, key: str, byte_range: ByteRequest | None) -> Future[Buffer | None]:
        """Begin to read an object: its bytes to come, or None where it does not exist."""
        if isinstance(self._reader, ReadThreads):
            return self._reader.get(key, _plain(byte_range))
        raise RuntimeError("A process that is to be forked reads metadata only.")

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    async def _ask(self, what: str, *arguments: Any) -> Any:
        return await asyncio.wrap_future(self._reader.ask(what, *arguments))

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """See `Store.get`."""
        data = await self._ask("get", key, _plain(byte_range))
        return None if data is None else prototype.buffer.from_bytes(data)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """See `Store.get_partial_values`."""
        return list(await asyncio.gather(*(self.get(key, prototype, part) for key, part in key_ranges)))

    async def exists(self, key: str) -> bool:
        """See `Store.exists`."""
        return await self._ask("get", key, (0, 1)) is not None

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """See `Store.list_dir`. Raises `ConfigurationError` where nothing can be listed."""
        if not self._lists:
            raise ConfigurationError(
                "The store has no consolidated metadata, and over HTTP its arrays cannot be listed;"
                " write them with zarr.consolidate_metadata."
            )
        for name in await self._ask("list_dir", prefix):
            yield name

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """See `Store.list_prefix`."""
        for key in await self._ask("list", prefix):
            yield key

    def list(self) -> AsyncIterator[str]:
        """See `Store.list`."""
        return self.list_prefix("")

    @property
    def supports_writes(self) -> bool:
        """No."""
        return False

    @property
    def supports_deletes(self) -> bool:
        """No."""
        return False

    @property
    def supports_listing(self) -> bool:
        """Whether `list_dir` is more than a refusal; zarr-python asks nothing of a store that says no."""
        return True

    async def set(self, key: str, value: Buffer) -> None:
        """Refuse."""
        self._check_writable()

    async def delete(self, key: str) -> None:
        """Refuse."""
        self._check_writable()


def _plain(byte_range: ByteRequest | None) -> Any:
    """A range as obstore's `get` takes it."""
    match byte_range:
        case RangeByteRequest(start, end):
            return (start, end)
        case OffsetByteRequest(offset):
            return {"offset": offset}
        case SuffixByteRequest(suffix):
            return {"suffix": suffix}
        case _:
            return None
