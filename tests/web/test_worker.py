"""Bounds in time on one client's socket, and the collecting of a head."""

import collections
import socket
from collections.abc import Iterator

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import LimitRequestLine
from gunicorn.workers.gthread import ThreadWorker

from zarr_edr.web import worker
from zarr_edr.web.at_once import NotAtHand
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


def test_what_is_not_taken_at_once_is_left_to_a_thread(pair: Pair) -> None:
    ours, theirs = pair
    ours.may_wait = False
    body = bytes(range(256)) * 2**16
    for data in (HEAD, body, b"more"):
        ours.sendall(data)
    unsent = ours.unsent
    assert len(unsent) > len(b"more")
    ours.shutdown(socket.SHUT_WR)
    taken = b"".join(iter(lambda: theirs.recv(2**20), b""))
    assert taken + unsent == HEAD + body + b"more"


class BusyConnection(Connection):
    """A connection whose next request is always there."""

    def __init__(self) -> None:
        self.requests = 0

    def start_request(self) -> None:
        self.requests += 1

    def end_request(self) -> bool:
        return True

    def next_is_there(self) -> bool:
        return True


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Iterator[PatientWorker]:
    """A worker of which gunicorn's part answers all at once, and has two threads."""
    monkeypatch.setattr(ThreadWorker, "handle", lambda self, conn: True)
    cfg = Config()
    cfg.set("threads", 2)
    made = PatientWorker(1, 0, [], None, 30, cfg, None)
    yield made
    made.tmp.close()


@pytest.mark.parametrize(("waiting", "answers"), [(0, 1 + worker.STAYS), (1, 1)])
def test_a_thread_stays_with_a_busy_client_while_nobody_waits(
    patient: PatientWorker, waiting: int, answers: int
) -> None:
    patient._waiting, busy = waiting, BusyConnection()
    assert patient.handle(busy) is True
    assert busy.requests == answers


QUERY = b"GET /collections/a/position?coords=POINT(1%202) HTTP/1.1\r\nHost: x\r\n\r\n"


def arrived(request: bytes) -> tuple[Connection, socket.socket]:
    """The connection of a client that has sent this."""
    ours, theirs = socket.socketpair()
    conn = connection(ours)
    theirs.sendall(request)
    assert conn.head_is_complete()
    return conn, theirs


def test_a_request_that_is_not_at_hand_comes_to_a_thread_whole(
    patient: PatientWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(self: object, conn: Connection) -> None:
        next(conn.parser)
        raise NotAtHand

    monkeypatch.setattr(ThreadWorker, "handle", refusing)
    conn, theirs = arrived(QUERY)
    assert patient._answered_at_once(conn) is None
    conn.start_request()
    assert next(conn.parser).query == "coords=POINT(1%202)"
    theirs.close()
    conn.close()


def test_an_answer_that_is_at_hand_needs_no_thread(patient: PatientWorker) -> None:
    conn, theirs = arrived(QUERY)
    assert patient._answered_at_once(conn) is True
    theirs.close()
    conn.close()


def test_a_thread_sends_what_the_client_did_not_take_at_once(patient: PatientWorker) -> None:
    conn, theirs = arrived(QUERY)
    conn.sock.unsent = HEAD + b"body"
    assert patient._finish(True, conn) is True
    assert theirs.recv(100) == HEAD + b"body"
    theirs.close()
    conn.close()


def test_a_client_that_left_before_the_rest_is_closed(patient: PatientWorker) -> None:
    conn, theirs = arrived(QUERY)
    theirs.close()
    conn.sock.unsent = bytes(2**20)
    assert patient._finish(True, conn) is False
    conn.close()


@pytest.mark.parametrize(
    "request_",
    [
        QUERY + QUERY,
        QUERY[:-2] + b"Content-Length: 2\r\n\r\nab",
        QUERY[:-2] + b"content-length: 2\r\n\r\n",
        QUERY[:-2] + b"Transfer-Encoding: chunked\r\n\r\n",
        QUERY[:-2] + b"Expect: 100-continue\r\n\r\n",
        QUERY[:-2] + b"If-None-Match: *\r\n\r\n",
        QUERY.replace(b"GET", b"POST"),
        QUERY.replace(b"position", b"area"),
        QUERY.replace(b"1.1", b"1.0"),
        QUERY.replace(b"coords", b"c" * 600),
    ],
    ids=["two", "a body", "a body to come", "chunks", "a question first", "a tag", "POST", "area", "HTTP/1.0", "long"],
)
def test_what_may_need_more_than_an_answer_is_not_tried_at_once(patient: PatientWorker, request_: bytes) -> None:
    conn, theirs = arrived(request_)
    assert patient._answered_at_once(conn) is None
    theirs.close()
    conn.close()
