"""`zarr-edr serve` as a process: what clients and operators can rely on."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import numpy as np
import psutil
import pytest
import zarr

from zarr_edr.testing.server import Served, served
from zarr_edr.web.server import REQUEST_LINE_BYTES, CannotListen, listen, serve, split_bind

pytestmark = pytest.mark.xdist_group("server")

N_TIMES = 300_000
"""One point's whole series is some 10 MB of JSON: more than the kernel takes off a server's hands."""
LIVE_S = 5.0
"""A bound on being alive, not a promise of speed."""
POINT = "/collections/tiny/position?coords=POINT(0%200)&datetime=2000-01-01T00:00:00Z"
SERIES = "/collections/tiny/position?coords=POINT(0%200)"
POST = "/collections/tiny/multipoint?datetime=2000-01-01T00:00:00Z"
BODY = b'{"latitude": [0, 1], "longitude": [0, 1]}'
CONFIG = """
resources:
  tiny:
    title: A long series at four points
    providers:
      - type: edr
        name: zarr_edr.ZarrEDRProvider
        data: {store}
"""


@dataclass(frozen=True)
class Server(Served):
    """A running server, and clients of it."""

    def connect(self, receive_buffer: int | None = None) -> socket.socket:
        client = socket.socket()
        if receive_buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(60)
        client.connect(("127.0.0.1", self.port))
        return client

    def status(self, target: str, headers: str = "", timeout_s: float = 60.0) -> int:
        """Status of the answer to a GET, or 0 where the connection ended without one."""
        with self.connect() as client:
            client.settimeout(timeout_s)
            client.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n{headers}Connection: close\r\n\r\n".encode())
            return status_of(client.recv(100))


def status_of(answer: bytes) -> int:
    return int(answer[9:12] or 0)


def read_to_end(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration with one collection."""
    folder = tmp_path_factory.mktemp("served")
    group = zarr.create_group(folder / "tiny.zarr")
    axes = {
        "lat": ([0.0, 1.0], {"units": "degrees_north", "standard_name": "latitude"}),
        "lon": ([0.0, 1.0], {"units": "degrees_east", "standard_name": "longitude"}),
        "time": (np.arange(N_TIMES) * 1.0, {"units": "hours since 2000-01-01", "standard_name": "time"}),
    }
    for name, (values, attributes) in axes.items():
        array = group.create_array(name, data=np.asarray(values), dimension_names=[name])
        array.attrs.update(attributes)
    values = np.random.default_rng(1).normal(280, 10, (N_TIMES, 2, 2)).astype("f4")
    group.create_array("t2m", data=values, dimension_names=["time", "lat", "lon"]).attrs["units"] = "K"
    path = folder / "config.yml"
    path.write_text(CONFIG.format(store=folder / "tiny.zarr"))
    return path


@contextlib.contextmanager
def serving(config: Path) -> Iterator[Server]:
    """One worker of a server on a free port."""
    with served(config, folder=config.parent) as server:
        yield Server(server.process, server.port)


@pytest.fixture(scope="module")
def server(config: Path) -> Iterator[Server]:
    with serving(config) as running:
        yield running


def refused(*arguments: str) -> tuple[int, str]:
    """Exit status and stderr of a `serve` that should not start."""
    command = [sys.executable, "-m", "zarr_edr", "serve", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    return ended.returncode, ended.stderr


def slow_head(client: socket.socket) -> None:
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")


def slow_body(client: socket.socket) -> None:
    client.sendall(f"POST {POST} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{{".encode())


def slow_reader(client: socket.socket) -> None:
    client.sendall(f"GET {SERIES} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert client.recv(12) == b"HTTP/1.1 200"


def idle_after_an_answer(client: socket.socket) -> None:
    client.sendall(f"GET {POINT} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert client.recv(12) == b"HTTP/1.1 200"


def chunked_without_end(client: socket.socket) -> None:
    client.sendall(f"POST {POST} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n".encode())


def silent(client: socket.socket) -> None:
    del client


SLOW = [slow_head, slow_body, slow_reader, idle_after_an_answer, chunked_without_end, silent]


class TestSlowClients:
    """Sixteen of a kind do not keep another client from its answer."""

    @pytest.mark.parametrize("behaviour", SLOW, ids=lambda behaviour: behaviour.__name__)
    def test_sixteen_of_a_kind_leave_others_answered(
        self, server: Server, behaviour: Callable[[socket.socket], None]
    ) -> None:
        with contextlib.ExitStack() as slow:
            for _ in range(16):
                behaviour(slow.enter_context(server.connect(receive_buffer=4096)))
            assert server.status(POINT, timeout_s=LIVE_S) == 200

    def test_four_of_each_kind_together_leave_others_answered(self, server: Server) -> None:
        with contextlib.ExitStack() as slow:
            for behaviour in SLOW * 4:
                behaviour(slow.enter_context(server.connect(receive_buffer=4096)))
            assert server.status(POINT, timeout_s=LIVE_S) == 200


def ask_without_pause(server: Server, answered: Event, enough: Event) -> None:
    """Send request after request on one connection."""
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    while not enough.is_set():
        client.request("GET", POINT)
        client.getresponse().read()
        answered.set()
    client.close()


def test_a_client_that_never_pauses_leaves_the_only_thread_to_others(config: Path) -> None:
    answered, enough = Event(), Event()
    with served(config, threads=1) as found:
        server = Server(found.process, found.port)
        busy = Thread(target=ask_without_pause, args=(server, answered, enough))
        busy.start()
        try:
            assert answered.wait(60)
            assert [server.status(POINT, timeout_s=20) for _ in range(5)] == [200] * 5
        finally:
            enough.set()
            busy.join()


class TestRequests:
    """What the server does with a request before the application sees it."""

    def test_a_point_is_answered(self, server: Server) -> None:
        assert server.status(POINT) == 200

    @pytest.mark.parametrize(("spaces", "status"), [(0, 200), (16 * 1024**2, 413)], ids=["within", "over"])
    def test_a_chunked_body_is_answered_in_full_or_413(self, server: Server, spaces: int, status: int) -> None:
        chunks = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (BODY, b" " * spaces) if chunk]
        with server.connect() as client:
            client.sendall(f"POST {POST} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n".encode())
            client.sendall(b"Content-Type: application/json\r\n\r\n" + b"".join(chunks) + b"0\r\n\r\n")
            assert status_of(client.recv(100)) == status

    def test_a_body_that_ends_before_its_length_is_400(self, server: Server) -> None:
        with server.connect() as client:
            client.sendall(f"POST {POST} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode() + BODY)
            client.shutdown(socket.SHUT_WR)
            assert status_of(client.recv(100)) == 400

    @pytest.mark.parametrize(
        "body", [b"zz\r\n{}\r\n0\r\n\r\n", b"2\r\n{}0\r\n\r\n", b"2;\r\r\n{}\r\n0\r\n\r\n", b"5\r\n{}"]
    )
    def test_a_body_whose_chunks_are_none_is_400_and_ends_the_connection(self, server: Server, body: bytes) -> None:
        with server.connect() as client:
            client.sendall(f"POST {POST} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n".encode())
            client.sendall(b"Content-Type: application/json\r\n\r\n" + body)
            client.shutdown(socket.SHUT_WR)
            answer = read_to_end(client)
        assert status_of(answer) == 400
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["description"]

    def test_a_connection_serves_request_after_request(self, server: Server) -> None:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as client:
            client.connect()
            first = client.sock
            for _ in range(3):
                client.request("GET", POINT)
                assert client.getresponse().read()
            assert client.sock is first

    def test_an_oversized_request_line_is_refused(self, server: Server) -> None:
        assert server.status("/?" + "x" * REQUEST_LINE_BYTES) == 414

    def test_a_request_line_of_many_points_is_taken(self, server: Server) -> None:
        points = ",".join(["(0%200)"] * 6_000)
        assert server.status(f"/collections/tiny/position?coords=MULTIPOINT({points})&datetime=2000-01-01") == 200

    def test_too_many_headers_are_refused(self, server: Server) -> None:
        assert server.status("/", "X-Many: 1\r\n" * 100) == 431

    def test_an_oversized_header_is_refused(self, server: Server) -> None:
        assert server.status("/", f"X-Long: {'x' * 9000}\r\n") == 431

    @pytest.mark.parametrize("name", ["SCRIPT_NAME", "Script-Name", "PATH_INFO", "X-Forwarded-Prefix"])
    def test_a_header_does_not_move_the_application(self, server: Server, name: str) -> None:
        assert server.status(POINT, f"{name}: /elsewhere\r\n") in (200, 400)

    def test_nonsense_is_refused(self, server: Server) -> None:
        with server.connect() as client:
            client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
            assert status_of(client.recv(100)) == 400


class TestOperation:
    """Start, stop and what listens."""

    def test_only_the_named_address_listens(self, server: Server) -> None:
        process = psutil.Process(server.process.pid)
        found = {
            connection.laddr
            for each in (process, *process.children(recursive=True))
            for connection in each.net_connections("all")
            if connection.status == psutil.CONN_LISTEN
        }
        assert found == {("127.0.0.1", server.port)}

    def test_a_port_in_use_ends_it_with_a_sentence(self, server: Server, config: Path) -> None:
        status, message = refused(str(config), "--bind", f"127.0.0.1:{server.port}")
        assert (status, message.count("\n")) == (1, 1)
        assert "address already in use" in message

    def test_a_wrong_configuration_ends_it_with_a_sentence(self, tmp_path: Path) -> None:
        (tmp_path / "c.yml").write_text("resources: {}")
        status, message = refused(str(tmp_path / "c.yml"), "--bind", "127.0.0.1:0")
        assert (status, message.count("\n")) == (2, 1)
        assert "no `resources`" in message

    def test_sigterm_finishes_the_request_under_way(self, config: Path) -> None:
        head = f"POST {POST} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {len(BODY)}\r\n\r\n"
        with serving(config) as server, server.connect() as client:
            client.sendall(head.encode())
            assert client.recv(100).startswith(b"HTTP/1.1 100 ")
            server.process.send_signal(signal.SIGTERM)
            until_refused(server)
            client.sendall(BODY)
            answer = read_to_end(client)
            assert server.process.wait(60) == 0
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"] == "Coverage"

    def test_sigterm_leaves_nothing_behind(self, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        with serving(config) as server:
            children = psutil.Process(server.process.pid).children()
            assert list(tmp_path.glob("zarr-edr-*"))
        assert not psutil.wait_procs(children, timeout=30)[1]
        assert not list(tmp_path.glob("zarr-edr-*"))

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
    def test_a_start_that_is_ended_leaves_nothing_behind(
        self, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
    ) -> None:
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        command = [sys.executable, "-m", "zarr_edr", "serve", str(config), "--bind", "127.0.0.1:0"]
        with subprocess.Popen(command, start_new_session=True) as process:
            while not list(tmp_path.glob("zarr-edr-*")):
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(number)
            process.send_signal(number)  # as a shell and the system do when a terminal is closed
            assert process.wait(60) == 0
        assert not list(tmp_path.glob("zarr-edr-*"))


def until_refused(server: Server) -> None:
    """Connect until nobody listens."""
    with contextlib.suppress(ConnectionRefusedError):
        while True:
            socket.create_connection(("127.0.0.1", server.port)).close()


class TestAddresses:
    """What `--bind` takes."""

    def test_the_address_of_the_configuration_is_the_default(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            (tmp_path / "c.yml").write_text(f"server: {{bind: {{port: {port}}}}}\nresources: {{a: {{type: process}}}}")
            with pytest.raises(CannotListen, match=f"Cannot serve on 127.0.0.1:{port}"):
                serve(tmp_path / "c.yml")

    @pytest.mark.parametrize(
        ("bind", "host", "port"),
        [("127.0.0.1:5000", "127.0.0.1", 5000), ("localhost:0", "localhost", 0), ("[::1]:80", "::1", 80)],
    )
    def test_host_and_port_are_told_apart(self, bind: str, host: str, port: int) -> None:
        assert split_bind(bind) == (host, port)

    @pytest.mark.parametrize("bind", ["", "5000", ":5000", "localhost:", "a:70000", "a:-1", "a:\u0665", "a:1x"])
    def test_what_is_no_address_is_refused(self, bind: str) -> None:
        with pytest.raises(CannotListen, match="is not HOST:PORT"):
            listen(bind)

    def test_an_unknown_host_is_refused(self) -> None:
        with pytest.raises(CannotListen, match="is not known"):
            listen("no-such-host.invalid:5000")

    def test_an_address_of_another_machine_is_refused(self) -> None:
        with pytest.raises(CannotListen, match=r"Cannot serve on 192\.0\.2\.1:5000: cannot assign"):
            listen("192.0.2.1:5000")


def test_answers_by_threads_and_by_the_event_loop_are_those_of_the_array(server: Server, config: Path) -> None:
    """What is held is answered by the loop, a page or a whole series by a thread; on one connection, in turn."""
    values = np.asarray(zarr.open_array(config.parent / "tiny.zarr/t2m", mode="r")[:40, 0])
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for hour in range(40):
        day, of_day = divmod(hour, 24)
        x = hour % 2
        when = f"2000-01-{day + 1:02d}T{of_day:02d}:00:00Z"
        connection.request("GET", f"/collections/tiny/position?coords=POINT({x}%200)&datetime={when}")
        found = json.loads(connection.getresponse().read())
        assert found["ranges"]["t2m"]["values"] == [pytest.approx(values[hour, x], rel=1e-6)]
        if hour % 10 == 5:
            connection.request("GET", "/collections/tiny?f=html")
            assert connection.getresponse().read().startswith(b"<!doctype html>")
    connection.close()


def test_requests_sent_ahead_are_all_answered(server: Server) -> None:
    asked = f"GET {POINT} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    with server.connect() as client:
        client.sendall(50 * asked + asked.replace(b"Host: x", b"Host: x\r\nConnection: close"))
        assert read_to_end(client).count(b"HTTP/1.1 200 OK") == 51
