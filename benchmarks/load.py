"""Many clients at once: a few processes, each with many connections, that check a part of the answers while the load runs."""

from __future__ import annotations

import itertools
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from types import TracebackType
from typing import cast

from benchmarks import oracle
from benchmarks.client import Reader, Response, connect
from benchmarks.questions import Array
from benchmarks.systems.base import Decode

PROCESSES = 2
_RECEIVE_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Item:
    """A request, and what must come back; None where that is not looked at."""

    request: bytes
    wanted: Array | None


@dataclass(frozen=True, slots=True)
class Window:
    """What some clients got in some time."""

    answers: int
    checked: int
    start: float
    end: float

    @classmethod
    def together(cls, windows: Sequence[Window]) -> Window:
        """That of all processes."""
        return cls(
            sum(w.answers for w in windows),
            sum(w.checked for w in windows),
            min(w.start for w in windows),
            max(w.end for w in windows),
        )

    @property
    def per_second(self) -> float:
        """Answers per second. All that was asked is waited for: what was begun counts whole, and so does its time."""
        return self.answers / (self.end - self.start)


class Clients:
    """The processes that ask, kept through the run."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn"))

    def __enter__(self) -> Clients:
        list(self._pool.map(_nothing, range(PROCESSES)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=error is None, cancel_futures=True)

    def window(self, port: int, items: Sequence[Item], decode: Decode, connections: int, seconds: float) -> Window:
        """Keep `connections` busy for `seconds`. Raises `WrongAnswer`, or `RuntimeError` for a status that is not 200."""
        begin = time.monotonic() + 0.1
        shares = [len(range(number, connections, PROCESSES)) for number in range(PROCESSES)]
        jobs = [
            self._pool.submit(_keep_busy, port, items[number::PROCESSES], decode, share, begin, seconds)
            for number, share in enumerate(shares)
            if share
        ]
        return Window.together([job.result() for job in jobs])


def _nothing(number: int) -> int:
    """Start a process of the pool before the clock runs."""
    time.sleep(0.2)
    return number


class _Connections:
    """Sockets that are waited for together, each with what it was asked."""

    def __init__(self, port: int, number: int) -> None:
        self._port = port
        self._selector = selectors.DefaultSelector()
        self._idle = [connect(port) for _ in range(number)]

    def ask(self, item: Item) -> None:
        """Send a request on a connection that waits for none."""
        connection = self._idle.pop() if self._idle else connect(self._port)
        connection.sendall(item.request)
        self._selector.register(connection, selectors.EVENT_READ, (item, Reader()))

    def answered(self) -> Iterator[tuple[Item, Response]]:
        """Answers that are whole, as soon as there are some."""
        for key, _ in self._selector.select():
            connection = cast("socket.socket", key.fileobj)
            item, reader = key.data
            data = connection.recv(_RECEIVE_BYTES)
            if not data:
                raise RuntimeError("a server closed a connection instead of answering")
            if (response := reader.feed(data)) is None:
                continue
            self._selector.unregister(connection)
            if response.closes:
                connection.close()
            else:
                self._idle.append(connection)
            yield item, response

    def close(self) -> None:
        """Close all."""
        for connection in self._idle:
            connection.close()
        self._selector.close()


def _keep_busy(
    port: int, items: Sequence[Item], decode: Decode, connections: int, begin: float, seconds: float
) -> Window:
    """Send the next request as soon as an answer is there; after `seconds` wait for what is under way."""
    sockets = _Connections(port, connections)
    following = itertools.cycle(items)
    time.sleep(max(0.0, begin - time.monotonic()))
    start = time.monotonic()
    until = start + seconds
    under_way, answers, checked = connections, 0, 0
    for _ in range(connections):
        sockets.ask(next(following))
    while under_way:
        for item, response in sockets.answered():
            answers += 1
            if time.monotonic() < until:
                sockets.ask(next(following))
            else:
                under_way -= 1
            checked += _checked(response, item, decode)
    end = time.monotonic()
    sockets.close()
    return Window(answers, checked, start, end)


def _checked(response: Response, item: Item, decode: Decode) -> int:
    """Whether the values were looked at: 1 or 0."""
    if response.status != 200:
        raise RuntimeError(f"status {response.status}: {response.body[:300]!r} for {item.request[:300]!r}")
    if item.wanted is None:
        return 0
    oracle.check(decode(response.body), item.wanted, f"under load, {item.request[:200]!r}")
    return 1
