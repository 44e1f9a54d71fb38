"""A process that reads stores with obstore for another one that must not. Ends when that one closes it, or ends."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from threading import Lock, Thread
from typing import IO, Any

from zarr_edr.dataset.storage_options import StoreConfig

READS_AT_ONCE = 64
"""Reads of an object store under way in a process. With 30 ms of latency these are some 2,000 a second, more than one processor
decodes; others wait in line."""
_LEAVE_S = 10.0


_STATUS = re.compile(r"\b([45]\d\d) [A-Z]")


class ReadFailed(OSError):
    """The store, or the helper, did not answer."""


class Helper:
    """The helper, seen from the process that asks. From any thread."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "zarr_edr.dataset.helper"]
        # A session of its own: Ctrl-C is for the process that asks, and the end of that ends this.
        self._process = subprocess.Popen(  # noqa: S603  # our own
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        self._asked: dict[int, Future[Any]] = {}
        self._lock = Lock()
        self._number = 0
        self._closed = False
        self._stores = 0
        self._reader = Thread(target=self._read, name="zarr-edr-helper", daemon=True)
        self._reader.start()

    def reader(self, config: StoreConfig) -> HelpedReader:
        """A store of which it is to read."""
        with self._lock:
            self._stores += 1
            self._send((self._stores, config))
            return HelpedReader(self, self._stores)

    def ask(self, store: int, what: str, arguments: tuple[Any, ...]) -> Future[Any]:
        """The answer to come, see `read`; bytes are of type `bytes`. Raises `OSError`."""
        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                raise ReadFailed("The helper has ended.")
            self._number += 1
            self._asked[self._number] = future
            self._send((self._number, store, what, arguments))
        return future

    def _send(self, message: object) -> None:
        assert self._process.stdin is not None  # noqa: S101  # a pipe was asked for
        pickle.dump(message, self._process.stdin)
        self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101  # a pipe was asked for
        try:
            while True:
                number, answer, error = pickle.load(self._process.stdout)  # noqa: S301  # our own process
                future = self._asked.pop(number)
                if future.set_running_or_notify_cancel():
                    future.set_result(answer) if error is None else future.set_exception(error)
        except (EOFError, pickle.UnpicklingError, ValueError, OSError):
            with self._lock:
                self._closed = True
            for future in self._asked.values():
                if future.set_running_or_notify_cancel():
                    future.set_exception(ReadFailed("The helper has ended."))

    def close(self) -> None:
        """End the process, and wait for it."""
        with self._lock:
            self._closed = True
        assert self._process.stdin is not None  # noqa: S101  # a pipe was asked for
        self._process.stdin.close()
        try:
            self._process.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None  # noqa: S101  # a pipe was asked for
        self._process.stdout.close()


@dataclass(frozen=True, slots=True, eq=False)
class HelpedReader:
    """Reads one store, elsewhere."""

    helper: Helper
    store: int

    def ask(self, what: str, *arguments: Any) -> Future[Any]:
        """See `Helper.ask`."""
        return self.helper.ask(self.store, what, arguments)


def read(store: Any, what: str, arguments: tuple[Any, ...]) -> Any:
    """Read with obstore, in this thread: bytes or None of `get` (key, range), names of `list` and `list_dir` (prefix).

    A range is as obstore's `get` takes it. Raises `PermissionError` or `ReadFailed`, without obstore's text: that has the URL,
    in which there may be a signature or a password.
    """
    from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError  # noqa: PLC0415  # an extra

    try:
        return _read(store, what, arguments)
    except (PermissionDeniedError, UnauthenticatedError):
        raise PermissionError("The store may not be read.") from None
    except (BaseError, ValueError) as error:
        status = _STATUS.search(str(error))
        raise ReadFailed(f"{type(error).__name__}{f', status {status[1]}' if status else ''}") from None


def _read(store: Any, what: str, arguments: tuple[Any, ...]) -> Any:
    import obstore  # noqa: PLC0415  # an extra; and not in a process that forks

    if what == "get":
        key, byte_range = arguments
        options: Any = None if byte_range is None else {"range": byte_range}
        try:
            return obstore.get(store, key, options=options).bytes()
        except FileNotFoundError:
            return None
    prefix = arguments[0].rstrip("/") or None
    if what == "list":
        return [meta["path"] for batch in obstore.list(store, prefix) for meta in batch]
    found = obstore.list_with_delimiter(store, prefix)
    paths = [*found["common_prefixes"], *(meta["path"] for meta in found["objects"])]
    return [path.rpartition("/")[2] for path in paths]


def _told(store: Any, what: str, arguments: tuple[Any, ...]) -> Any:
    answer = read(store, what, arguments)
    return bytes(answer) if what == "get" and answer is not None else answer


def _tell(done: Future[Any], number: int, out: IO[bytes], lock: Lock) -> None:
    """Say what came of a request, whatever that is: who asked waits for it."""
    failure = done.exception()
    answer = done.result() if failure is None else None
    error = failure if failure is None or isinstance(failure, OSError) else ReadFailed(type(failure).__name__)
    with lock:
        pickle.dump((number, answer, error), out)
        out.flush()


def main() -> None:
    """Answer what comes on standard input until it ends."""
    source, out, lock = sys.stdin.buffer, sys.stdout.buffer, Lock()
    stores: dict[int, Any] = {}
    with ThreadPoolExecutor(READS_AT_ONCE) as pool:
        while True:
            try:
                message = pickle.load(source)  # noqa: S301  # from the process that started this one
            except EOFError:
                return
            if len(message) == 2:
                stores[message[0]] = message[1].open()
            else:
                number, store, what, arguments = message
                done = pool.submit(_told, stores[store], what, arguments)
                done.add_done_callback(partial(_tell, number=number, out=out, lock=lock))


if __name__ == "__main__":
    # By the module's name: errors are pickled under it, and `__main__` is another one there.
    import_module("zarr_edr.dataset.helper").main()
