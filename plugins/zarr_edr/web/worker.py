"""gunicorn's threaded worker, made patient: a slow client costs a socket, or a thread for a bounded time.

gunicorn's own `gthread` reads heads, bodies and answers in a pool thread and waits for each without end, so a
handful of slow clients takes all threads. Here

* the head of a request is read by the worker's event loop; a thread is taken only when the head is complete;
* a body must arrive, and an answer must be taken, at `BYTES_PER_S` after a grace of `GRACE_S`;
* the lingering close (up to 2 s) is waited for in the pool thread, where gunicorn blocks its event loop;
* an answer that is at hand is made by the event loop itself (`at_once`);
* a new connection is left to a worker that has fewer.

The decision and the measurements behind it are in docs/adr/002-wsgi-server.md.
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import time
from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ
from threading import Lock
from typing import Any

from gunicorn import util
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from zarr_edr.web.at_once import Attempts, NotAtHand, at_once, may_be_at_hand
from zarr_edr.web.heads import ConnectionParser, KeptSettings
from zarr_edr.web.memory import Trimmer
from zarr_edr.web.shares import Shares

HEAD_S = 10.0
"""Seconds in which the head of a request must be complete."""
GRACE_S = 20.0
"""Seconds a body, or the taking of an answer, may pause before its rate counts."""
BYTES_PER_S = 32 * 1024
"""Least mean rate of a body, or of the taking of an answer. What the kernel buffers (some MB) counts as taken."""
MAX_HEAD_BYTES = 128 * 1024
"""A head that is longer goes to the parser as it is, which refuses it."""
NEXT_S = 0.002
"""How long a thread waits for the next request on a connection before it gives it back to the event loop, which costs as much."""
STAYS = 16
"""How many answers in a row it gives at least. Then the event loop may look whether it can answer by itself."""
PASS_S = 0.0005
PASSES = 4
"""How often, and how long each time, a connection is left to a worker that has fewer: together less than a client notices, and
enough for one that is not busy to take it."""
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


SHARES = Shares()


class SlowClient(ConnectionResetError):
    """A client that kept a thread waiting too long. For gunicorn and Flask it has gone away."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "the client is too slow")


class BoundedSocket(socket.socket):
    """A client's socket on which no transfer takes longer than its bytes deserve."""

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(fileno=accepted.detach())
        self._received_by = 0.0
        self._held = b""
        """The head of an answer, which goes out with the beginning of its body: one system call and one packet for both."""
        self.may_wait = True
        """Whether there is a thread that can wait for the client. Else what it does not take at once is kept in `unsent`."""
        self.unsent = b""

    def start_request(self) -> None:
        """Give the body of a new request its grace."""
        self._received_by = time.monotonic() + GRACE_S

    def flush(self) -> None:
        """Send the head of an answer that has no body."""
        if self._held:
            self.sendall(b"")

    def setblocking(self, flag: bool, /) -> None:
        """As `socket.setblocking(True)`; nothing for `False`, since where nobody may wait `MSG_DONTWAIT` is used.

        Each system call that is saved gives up the interpreter's lock one time less.
        """
        if flag and self.gettimeout() is not None:
            super().setblocking(flag)

    def recv_now(self, bufsize: int) -> bytes:
        """What has arrived. Raises `BlockingIOError` where that is nothing."""
        return super().recv(bufsize, socket.MSG_DONTWAIT)

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Receive as `socket.recv` does, or raise `SlowClient`."""
        before = self.gettimeout()
        left = self._received_by - time.monotonic()
        if before == 0.0 or (before is not None and before <= left):
            return super().recv(bufsize, flags)
        data: bytes = self._within(left, super().recv, bufsize, flags)
        self.settimeout(before)
        self._received_by += len(data) / BYTES_PER_S
        return data

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send as `socket.sendall` does, or raise `SlowClient`. The head of an answer waits for what follows, or for `flush`."""
        if not self._held and data[:9] == b"HTTP/1.1 ":
            self._held = bytes(data)
            return
        if self._held:
            self._held, data = b"", b"".join((self._held, data))
        if self.unsent:  # what comes later must not overtake it
            self.unsent += bytes(data)
        else:
            self._send(data, flags)

    def send_unsent(self) -> None:
        """Send what a client did not take at once, or raise `SlowClient`."""
        unsent, self.unsent = self.unsent, b""
        self._send(unsent, 0)

    def _send(self, data: Any, flags: int) -> None:
        rest = memoryview(data).cast("B")
        with contextlib.suppress(BlockingIOError):
            # Almost always there is room for all of it: then this is the only system call.
            rest = rest[super().send(rest, flags | socket.MSG_DONTWAIT) :]
        if not rest:
            return
        if not self.may_wait:
            self.unsent = bytes(rest)
            return
        before = self.gettimeout()
        taken_by = time.monotonic() + GRACE_S
        while rest:
            sent = self._within(taken_by - time.monotonic(), super().send, rest, flags)
            taken_by += sent / BYTES_PER_S
            rest = rest[sent:]
        self.settimeout(before)

    def _within(self, seconds: float, transfer: Any, *args: Any) -> Any:
        """Do one transfer, waiting no longer than `seconds`."""
        if seconds <= 0:
            raise SlowClient
        self.settimeout(seconds)
        try:
            return transfer(*args)
        except TimeoutError:
            raise SlowClient from None


class Connection(TConn):  # type: ignore[misc]  # gunicorn is not typed
    """A client's connection; collects a head before a thread is spent on it."""

    def __init__(self, cfg: Any, accepted: socket.socket, client: Any, server: Any) -> None:
        super().__init__(cfg, BoundedSocket(accepted), client, server)
        self.parser = ConnectionParser(cfg, self.sock, client)
        self.initialized = self.data_ready = True
        self.head = bytearray()

    def head_is_complete(self) -> bool:
        """Take what has arrived; true when a thread should go on: head complete, too long, or client gone."""
        try:
            data = self.sock.recv_now(MAX_HEAD_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            return True
        seen = max(0, len(self.head) - 3)
        self.head += data
        return not data or len(self.head) >= MAX_HEAD_BYTES or self.head.find(b"\r\n\r\n", seen) >= 0

    def next_is_there(self) -> bool:
        """Whether the next request of a busy client comes within `NEXT_S`: the thread that is here then answers it, too."""
        if self.parser.unreader.buf.getbuffer().nbytes:  # sent ahead: the event loop knows how to go on with that
            return False
        readable = select.poll()
        readable.register(self.sock, select.POLLIN)
        if not readable.poll(NEXT_S * 1000):
            return False
        return self.head_is_complete()

    def start_request(self) -> None:
        """Hand the collected head to the parser; from here the connection belongs to a thread, or the loop is at it."""
        self.sock.setblocking(True)
        self.sock.start_request()
        self.parser.unreader.unread(bytes(self.head))
        self.head.clear()

    def take_back(self, head: bytes) -> None:
        """Forget that the request with this head was begun."""
        self.head += head
        self.parser = ConnectionParser(self.cfg, self.sock, self.client)

    def send_rest(self) -> bool:
        """Send what the client did not take at once; false where it is gone."""
        try:
            self.sock.send_unsent()
        except OSError:
            return False
        return True

    def end_request(self) -> bool:
        """Send the head of an answer that has no body; false where the client is gone."""
        try:
            self.sock.flush()
        except OSError:
            return False
        return True

    def close(self, graceful: bool = False) -> None:
        """Close at once, also if `graceful`: lingering is the thread's part. A head that came too slowly is told so."""
        if self.head:
            with contextlib.suppress(OSError):
                self.sock.send(TOO_SLOW, socket.MSG_DONTWAIT)
        util.close(self.sock)


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn is not typed
    """The worker class of `zarr-edr serve`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cfg: Any = KeptSettings(args[5])
        self._waiting = 0
        """Connections with work that no thread has begun yet."""
        self._waiting_lock = Lock()
        self._attempts = Attempts()
        self._passed = 0
        self._trimmer = Trimmer()

    def notify(self) -> None:
        """Tell the arbiter, and the other workers, that this one is there."""
        super().notify()
        self._trimmer.tick()
        SHARES.tell(self.age, self.nr_conns)

    def enqueue_req(self, conn: Connection, work: Callable[[Connection], Any] | None = None) -> None:
        """Give a connection whose request is there, or on which other `work` is to be done, to the next free thread."""
        self._count_waiting(1)
        future = self.tpool.submit(self._begin, work or self.handle, conn)
        future.add_done_callback(partial(self.method_queue.defer, self.finish_request, conn))

    def _begin(self, work: Callable[[Connection], Any], conn: Connection) -> Any:
        self._count_waiting(-1)
        return work(conn)

    def _count_waiting(self, more: int) -> None:
        with self._waiting_lock:
            self._waiting += more

    def _answered_at_once(self, conn: Connection) -> bool | None:
        """Answer from the event loop, if that is at hand; whether to keep the connection, None where there is no answer."""
        if not may_be_at_hand(conn.head) or not self._attempts.is_next():
            return None
        head = bytes(conn.head)
        conn.sock.may_wait = False
        try:
            with at_once():
                keep = bool(self._answer(conn))
        except NotAtHand:
            self._attempts.failed()
            conn.take_back(head)
            return None
        finally:
            conn.sock.may_wait = True
        self._attempts.succeeded()
        return keep

    def _finish(self, keep: bool, conn: Connection) -> bool:
        """Do the waiting that an answer of the event loop leaves to a thread; true to keep the connection."""
        keep = conn.send_rest() and keep
        if not keep:
            util.close_graceful(conn.sock, STOP_KEEPALIVE_LINGER)
        return keep

    def accept(self, listener: Any) -> None:
        """Accept one connection, if there is one and it is this worker's turn, and wait for its head in the event loop."""
        if self.alive and self._passed < PASSES and SHARES.least(self.age) < self.nr_conns:
            self._passed += 1
            time.sleep(PASS_S)
            if not select.select([listener], [], [], 0)[0]:  # another has taken it
                self._passed = 0
            return
        self._passed = 0
        try:
            accepted, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        SHARES.tell(self.age, self.nr_conns)
        self._await_head(Connection(self.cfg, accepted, client, listener.getsockname()))

    def set_accept_enabled(self, enabled: bool) -> None:
        """Switch accepting; a worker that stops first takes in whom the kernel let in, then refuses others at once."""
        if self.alive:
            super().set_accept_enabled(enabled)
            return
        for listener in self.sockets if self._accepting else ():
            known = -1
            while known != self.nr_conns:
                known = self.nr_conns
                self.accept(listener)
        super().set_accept_enabled(enabled)
        for listener in self.sockets:
            listener.close()

    def on_client_socket_readable(self, conn: Connection, client: Any) -> None:
        """A kept-alive connection has a next request."""
        is_complete = conn.head_is_complete()
        keep = self._answered_at_once(conn) if is_complete else None
        self.keepalived_conns.remove(conn)
        if keep and not conn.sock.unsent:  # the loop goes on to listen to it
            self._keep_alive(conn)
            return
        self.poller.unregister(client)
        self._go_on(conn, is_complete, keep)

    def on_pending_socket_readable(self, conn: Connection, client: Any) -> None:
        """More of a head has arrived."""
        if conn.head_is_complete():
            self.poller.unregister(client)
            self.pending_conns.remove(conn)
            self._go_on(conn, True, self._answered_at_once(conn))

    def _await_head(self, conn: Connection) -> None:
        """Answer if the head is already there, which is the rule; else let the event loop collect it."""
        is_complete = conn.head_is_complete()
        self._go_on(conn, is_complete, self._answered_at_once(conn) if is_complete else None)

    def _go_on(self, conn: Connection, is_complete: bool, keep: bool | None) -> None:
        """With a connection that the event loop does not listen to, once its head, or an answer, may have been dealt with."""
        if keep and not conn.sock.unsent:
            self._keep_alive(conn)
            self.poller.register(conn.sock, EVENT_READ, partial(self.on_client_socket_readable, conn))
        elif keep is not None:
            self.enqueue_req(conn, partial(self._finish, keep))
        elif is_complete:
            self.enqueue_req(conn)
        else:
            conn.timeout = time.monotonic() + HEAD_S
            self.pending_conns.append(conn)
            self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _keep_alive(self, conn: Connection) -> None:
        """Give a client its time for the next request."""
        conn.set_timeout()
        self.keepalived_conns.append(conn)

    def handle(self, conn: Connection) -> Any:
        """Answer a request, in a thread, and those that follow on its heels; true to keep the connection.

        A client is served again only while nobody waits for a thread: more threads at work only take the interpreter's lock from
        each other.
        """
        keep = self._answer(conn)
        for _ in range(max(STAYS, self._attempts.pause)):
            if not keep or not self.alive or self._waiting or not conn.next_is_there():
                break
            keep = self._answer(conn)
        if not keep:
            util.close_graceful(conn.sock, STOP_KEEPALIVE_LINGER)
        return keep

    def _answer(self, conn: Connection) -> Any:
        """Answer one request; true to keep the connection."""
        conn.start_request()
        keep = super().handle(conn)
        return conn.end_request() and keep

    def _cap_keepalive(self, deadline: float) -> None:
        """A worker that stops gives heads under way no longer than kept-alive connections."""
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)
