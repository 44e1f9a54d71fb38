"""Bounds in time on one client's socket, and the collecting of a head."""

import collections
import socket
from collections.abc import Iterator

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import LimitRequestLine
from gunicorn.workers.gthread import ThreadWorker

from zarr_edr.web import worker
from zarr_edr.web.worker import BoundedSocket, Connection, PatientWorker, SlowClient

Pair = tuple[BoundedSocket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """The server's end and the client's end of a connection."""
    ours, theirs = socket.socketpair()
    with BoundedSocket(ours) as bounded, theirs:
        yield bounded, theirs


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No grace, and a rate that only what is there at once reaches."""
    monkeypatch.setattr(worker, "GRACE_S", 0.05)
    monkeypatch.setattr(worker, "BYTES_PER_S", 10**9)


def connection(ours: socket.socket, limit_request_line: int = 65536) -> Connection:
    cfg = Config()
    cfg.set("limit_request_line", limit_request_line)
    conn = Connection(cfg, ours, ("127.0.0.1", 1), ("127.0.0.1", 2))
    conn.sock.setblocking(False)
    return conn


@pytest.mark.usefixtures("impatient")
def test_a_body_that_does_not_come_is_given_up(pair: Pair) -> None:
    pair[0].start_request()
    with pytest.raises(SlowClient):
        pair[0].recv(1)


@pytest.mark.usefixtures("impatient")
def test_a_body_that_trickles_is_given_up(pair: Pair) -> None:
    ours, theirs = pair
    ours.start_request()
    trickle = iter(lambda: theirs.send(b"x") and ours.recv(1), b"")
    with pytest.raises(SlowClient):
        collections.deque(trickle, maxlen=0)


@pytest.mark.usefixtures("impatient")
def test_an_answer_that_is_not_taken_is_given_up(pair: Pair) -> None:
    with pytest.raises(SlowClient):
        pair[0].sendall(bytes(16 * 1024**2))


def test_a_body_arrives_unchanged(pair: Pair) -> None:
    ours, theirs = pair
    ours.start_request()
    theirs.sendall(b"abc")
    assert ours.recv(10) == b"abc"


def test_an_answer_leaves_unchanged(pair: Pair) -> None:
    ours, theirs = pair
    ours.sendall(b"abc")
    assert theirs.recv(10) == b"abc"


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"


def test_the_head_of_an_answer_goes_out_with_its_body(pair: Pair) -> None:
    ours, theirs = pair
    theirs.setblocking(False)
    ours.sendall(HEAD)
    with pytest.raises(BlockingIOError):
        theirs.recv(100)
    ours.sendall(b"body")
    assert theirs.recv(100) == HEAD + b"body"


def test_the_head_of_an_answer_without_a_body_goes_out_with_the_end_of_the_request(pair: Pair) -> None:
    ours, theirs = pair
    ours.sendall(HEAD)
    ours.flush()
    ours.flush()
    assert theirs.recv(100) == HEAD


def test_a_body_that_looks_like_a_head_is_not_lost(pair: Pair) -> None:
    ours, theirs = pair
    for data in (HEAD, HEAD, HEAD):
        ours.sendall(data)
    ours.flush()
    assert theirs.recv(1000) == 3 * HEAD


def test_the_timeout_of_the_socket_stays_as_it_was(pair: Pair) -> None:
    ours, theirs = pair
    ours.start_request()
    theirs.sendall(b"abc")
    ours.recv(1)
    ours.sendall(b"abc")
    assert ours.gettimeout() is None


def test_a_shorter_timeout_is_kept(pair: Pair) -> None:
    ours, _ = pair
    ours.start_request()
    ours.settimeout(0.01)
    with pytest.raises(TimeoutError):
        ours.recv(1)


@pytest.mark.parametrize("cuts", [(), (3,), (16,), (17, 18, 19), tuple(range(1, 27))], ids=str)
def test_a_head_is_complete_with_its_empty_line(cuts: tuple[int, ...]) -> None:
    head = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    ours, theirs = socket.socketpair()
    conn = connection(ours)
    complete = []
    for start, end in zip((0, *cuts), (*cuts, len(head)), strict=True):
        theirs.sendall(head[start:end])
        complete.append(conn.head_is_complete())
    assert complete == [False] * len(cuts) + [True]
    theirs.close()
    conn.close()


def test_a_head_without_end_is_handed_on_to_be_refused() -> None:
    ours, theirs = socket.socketpair()
    conn = connection(ours)
    theirs.setblocking(False)
    while not conn.head_is_complete():
        theirs.send(b"x" * 8192)
    assert len(conn.head) < worker.MAX_HEAD_BYTES * 2
    theirs.close()
    conn.close()


def test_a_client_that_left_is_handed_on_to_be_closed() -> None:
    ours, theirs = socket.socketpair()
    conn = connection(ours)
    theirs.close()
    assert conn.head_is_complete()
    conn.close()


def test_a_head_that_came_too_slowly_is_told_so() -> None:
    ours, theirs = socket.socketpair()
    conn = connection(ours)
    theirs.sendall(b"GET / HT")
    conn.head_is_complete()
    conn.close()
    assert theirs.recv(100).startswith(b"HTTP/1.1 408 ")
    theirs.close()


@pytest.mark.parametrize(("length", "refused"), [(60_000, False), (70_000, True)])
def test_the_request_line_has_the_limit_that_is_set(length: int, refused: bool) -> None:
    ours, theirs = socket.socketpair()
    conn = connection(ours)
    theirs.setblocking(False)
    rest = b"GET /?" + b"x" * length + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    while not conn.head_is_complete():
        rest = rest[theirs.send(rest) :]
    conn.start_request()
    if refused:
        with pytest.raises(LimitRequestLine):
            next(conn.parser)
    else:
        assert len(next(conn.parser).query) == length
    theirs.close()
    conn.close()


class BusyConnection(Connection):
    """A connection whose next request is always there; a second client comes with the third."""

    def __init__(self, worker: PatientWorker) -> None:
        self.worker, self.requests = worker, 0

    def start_request(self) -> None:
        self.requests += 1
        if self.requests == 3:
            self.worker.enqueue_req(self)

    def end_request(self) -> bool:
        return True

    def next_is_there(self) -> bool:
        assert self.requests < 10, "the thread is never given back"
        return True


def test_a_client_that_never_pauses_gives_its_thread_to_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ThreadWorker, "handle", lambda self, conn: True)
    monkeypatch.setattr(ThreadWorker, "enqueue_req", lambda self, conn: None)
    patient = PatientWorker(1, 0, [], None, 30, Config(), None)
    busy = BusyConnection(patient)
    patient.enqueue_req(busy)
    assert patient.handle(busy) is True
    patient.tmp.close()
    assert busy.requests == 3
