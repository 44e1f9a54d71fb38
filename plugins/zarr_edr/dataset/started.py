"""Reads that were begun before anybody needed their bytes, for all threads of a process."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from threading import Lock

from zarr.core.buffer import Buffer

from zarr_edr.limits import Deadline


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The whole of a read, or a part of it."""

    read: Future[Buffer | None]
    start: int = 0
    stop: int | None = None
    """Bytes of the read that are meant; None: to its end."""
    surplus: int = 0
    """Bytes that were read beside those of all parts, told with one of them."""

    def bytes(self, deadline: Deadline | None) -> tuple[Buffer | None, int]:
        """The bytes, None where the object does not exist, and how many were read for them.

        Raises `TimeoutError` where the read was given up by whoever began it, what the store raised, or `DeadlineExceeded`.
        """
        wait_for([self.read], None if deadline is None else max(0.0, deadline.remaining_s))
        if deadline is not None:
            deadline.check()
        try:
            whole = self.read.result(0)
        except CancelledError as error:
            raise TimeoutError from error
        if whole is None:
            return None, 0
        part = whole[self.start : len(whole) if self.stop is None else self.stop]
        return part, len(part) + self.surplus


class Started:
    """Reads under way, by what they are of. Whoever needs one takes it; it is nobody else's then."""

    def __init__(self) -> None:
        self._parts: dict[Hashable, Part] = {}
        self._lock = Lock()

    def start(
        self,
        keys: list[Hashable],
        known: Callable[[Hashable], bool],
        begin: Callable[[list[Hashable]], dict[Hashable, Part]],
    ) -> dict[Hashable, Part]:
        """Begin to read those of `keys` that nobody has begun to read, nor are `known`: held, or being fetched.

        The order matters: who fetches a chunk is known for it before taking what was started, and so none is read twice.
        """
        with self._lock:
            wanted = [key for key in keys if key not in self._parts and not known(key)]
            begun = begin(wanted) if wanted else {}
            self._parts |= begun
            return begun

    def take(self, key: Hashable) -> Part | None:
        """What was started, if it was."""
        with self._lock:
            return self._parts.pop(key, None)

    def give_up(self, begun: dict[Hashable, Part]) -> None:
        """End what was begun and not taken."""
        with self._lock:
            for key, part in begun.items():
                if self._parts.get(key) is part:
                    del self._parts[key]
                    part.read.cancel()


STARTED = Started()
"""Of this process."""
