"""Stores that each process opens for itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Lock
from typing import Any

from zarr.abc.store import Store
from zarr.storage import WrapperStore


class ProcessStore(WrapperStore[Store]):
    """A store that each process opens for itself.

    The workers of a server are forked from a process that has opened it already: with one open file they would share its
    offset and read each other's bytes, and connections belong to an event loop that the fork leaves behind.
    """

    def __init__(self, opener: Callable[..., Store], *arguments: Any) -> None:
        self._opener, self._arguments = opener, arguments
        self._opened: tuple[int, Store] | None = None
        self._opening = Lock()
        super().__init__(self._store)

    @property
    def _store(self) -> Store:
        """The store of this process, opened when it is first needed."""
        opened, pid = self._opened, os.getpid()
        if opened is not None and opened[0] == pid:
            return opened[1]
        with self._opening:
            if self._opened is None or self._opened[0] != pid:
                self._opened = (pid, self._opener(*self._arguments))
            return self._opened[1]

    @_store.setter
    def _store(self, store: Store) -> None:
        """Set by the base class, to what is there already."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self._opener, *self._arguments))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ProcessStore) and self.__reduce__() == other.__reduce__()

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return "ProcessStore(...)"  # the arguments may be secrets

    def __str__(self) -> str:
        return repr(self)
