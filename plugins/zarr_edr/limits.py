"""What one request may cost. Every limit is checked before the work it bounds is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self

from zarr_edr.errors import DeadlineExceeded


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one request to one collection; each is a key of `options.limits`."""

    points: int = field(default=100_000, metadata={"help": "positions in one query"})
    cells: int = field(default=5_000_000, metadata={"help": "values in one answer, over all parameters"})
    coverages: int = field(
        default=100_000, metadata={"help": "coverages in one answer: one for each place, time or member"}
    )
    decoded_bytes: int = field(
        default=4 * 1024**3, metadata={"help": "bytes of the chunks that must be decoded, cached or not"}
    )
    chunks: int = field(default=100_000, metadata={"help": "chunks read for one answer, cached or not"})
    coords_chars: int = field(default=4_000_000, metadata={"help": "characters of `coords`"})
    body_bytes: int = field(default=16 * 1024**2, metadata={"help": "bytes of a POST body, as it was sent"})
    inflated_bytes: int = field(
        default=64 * 1024**2,
        metadata={"help": "bytes of a POST body once inflated, and of a table or the names of places in it once read"},
    )
    nesting: int = field(default=32, metadata={"help": "lists and objects within one another in a JSON body"})
    seconds: float = field(default=30.0, metadata={"help": "time to answer, once the request is read"})


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment after which a request is given up."""

    at_s: float
    """On the clock of `time.monotonic`, seconds."""
    allowed_s: float
    """The limit it came from, for the message."""

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """A deadline `seconds` from now."""
        return cls(time.monotonic() + seconds, seconds)

    def later(self, seconds: float) -> Self:
        """The same, `seconds` later: what is spent waiting for a client is not the query's."""
        return replace(self, at_s=self.at_s + seconds)

    @property
    def remaining_s(self) -> float:
        """Seconds left; negative when past."""
        return self.at_s - time.monotonic()

    def before_waiting(self) -> None:
        """Told before a store is read or another thread waited for. A subclass may raise: its request must not wait."""

    def check(self) -> None:
        """Raise `DeadlineExceeded` when past."""
        if self.remaining_s <= 0:
            raise DeadlineExceeded(
                f"The request took longer than the {self.allowed_s:g} s allowed (limits.seconds); ask for less at a time."
            )


@dataclass(frozen=True, slots=True)
class StoppableDeadline(Deadline):
    """A deadline of work that can also be called off: wherever the time is looked at, so is that."""

    look: Callable[[], None]
    """Raises where the work is called off. Called often, from any thread."""

    def check(self) -> None:
        """Raise what `look` raises, or `DeadlineExceeded` when past."""
        self.look()
        Deadline.check(self)  # `super` does not find its class in a class with slots
