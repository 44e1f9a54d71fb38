"""Threads that compute are few, those that wait may be many.

With more threads at work than there are processors, they only take the interpreter's lock from each other: 10,000 points took a
quarter longer on four threads than on two. But two threads wait for a cold disk twice as long as four. So a pool has more
threads than processors, and a place for each processor; a thread gives its place to another while it waits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

_here = threading.local()


@contextmanager
def place(places: threading.Semaphore) -> Iterator[None]:
    """Hold one of some places while this thread computes; `WAITING` gives it up for a while."""
    with places:
        _here.places = places
        try:
            yield
        finally:
            _here.places = None


def placed() -> bool:
    """Whether this thread holds a place."""
    return getattr(_here, "places", None) is not None


class _Waiting:
    """See `WAITING`."""

    def __enter__(self) -> None:
        if (places := getattr(_here, "places", None)) is not None:
            places.release()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if (places := getattr(_here, "places", None)) is not None:
            places.acquire()


WAITING = _Waiting()
"""Around whatever waits for a disk or another thread; nothing where the thread holds no place. Not to be nested.

A thread that waited for another with its place held could wait for ever: that one may need the place.
"""
