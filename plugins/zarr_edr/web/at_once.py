"""Answers that are at hand are made by the worker's event loop itself.

To give a request to a thread and to take the connection back are changes of threads, and the interpreter's lock goes with each:
without them 32 clients got 2,100 answers per second instead of 1,200. An event loop must not wait, though. So it answers only
where nothing can make it wait: a short query for a position, whose chunks are held in memory. Whether it is one turns out on the
way to the answer, at the latest where a chunk would have to be waited for; `NotAtHand` then takes the request back to where a
thread can have it. Who asks for what is not held pays for the attempt, so attempts become rare where they fail (`Attempts`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from zarr_edr.limits import Deadline
from zarr_edr.plan import ReadPlan
from zarr_edr.schedule import InlineScheduler, Scheduler

_MOST_CELLS = 20_000
"""Values of an answer; to write so many takes some 2 ms, in which nobody else is answered."""
_MOST_PAUSE = 255
_SHORT_QUERY = re.compile(rb"GET [^ ]{0,200}/position\?[^ ]{1,500} HTTP/1\.1\r\n")
_MORE_THAN_A_QUERY = re.compile(
    rb"\r\n(?:content-length|transfer-encoding|upgrade|expect|if-none-match|authorization|origin|range)[ \t]*:",
    re.IGNORECASE,
)
"""Of a body, or of an answer of another kind."""

_at_once: ContextVar[bool] = ContextVar("at_once", default=False)


class NotAtHand(BaseException):
    """The answer may take its time. Not an `Exception`: nothing failed, and nobody on the way is to make an answer of it."""


@contextmanager
def at_once() -> Iterator[None]:
    """Whatever is answered within has to be at hand, else `NotAtHand` is raised."""
    token = _at_once.set(True)
    try:
        yield
    finally:
        _at_once.reset(token)


def is_asked_at_once() -> bool:
    """Whether only what is at hand may be answered here."""
    return _at_once.get()


def may_take_its_time() -> None:
    """What follows may wait. Raises `NotAtHand` where it must not."""
    if _at_once.get():
        raise NotAtHand


@dataclass(frozen=True, slots=True)
class Impatient(Deadline):
    """A deadline of what must be at hand."""

    def before_waiting(self) -> None:
        """Raise `NotAtHand`."""
        raise NotAtHand


def look(plan: ReadPlan, scheduler: Scheduler) -> None:
    """Raise `NotAtHand` where a plan takes more than one chunk of each array, or other threads, or makes a large answer."""
    small = plan.cells <= _MOST_CELLS and all(read.chunks == 1 for read in plan.array_reads)
    if not small or not isinstance(scheduler, InlineScheduler):
        raise NotAtHand


def may_be_at_hand(head: bytes | bytearray) -> bool:
    """Whether these bytes are the head of one short query for a position, and of nothing else."""
    return (
        head.find(b"\r\n\r\n") == len(head) - 4
        and _SHORT_QUERY.match(head) is not None
        and _MORE_THAN_A_QUERY.search(head) is None
    )


class Attempts:
    """When to try: after a pause, which doubles with each failure and halves with each success, down to none.

    Where few answers are at hand, to try each would take longer than those few gain.
    """

    def __init__(self) -> None:
        self.pause = self._left = 0
        """Requests between two attempts."""

    def is_next(self) -> bool:
        """Whether to try with the next request. To be asked for each."""
        if self._left == 0:
            return True
        self._left -= 1
        return False

    def succeeded(self) -> None:
        """The attempt was worth it."""
        self._left = self.pause = self.pause // 2

    def failed(self) -> None:
        """The answer was not at hand."""
        self._left = self.pause = min(_MOST_PAUSE, 2 * self.pause + 1)
