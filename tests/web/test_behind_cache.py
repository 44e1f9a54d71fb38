"""A cache in front of `zarr-edr serve`: the configuration of nginx that docs/caching.md gives, with a real nginx."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import requests
import yaml
import zarr

from zarr_edr.testing.cf import write_steps
from zarr_edr.testing.cluster import free_port
from zarr_edr.testing.server import Served, served

pytestmark = pytest.mark.xdist_group("server")

DOCUMENT = Path(__file__).parents[2] / "docs/caching.md"
LONG = 300_000
"""Times of a series that is sent while it is made: 10 MB of CSV."""
ONE = "/collections/steps/position?coords=POINT(0 0)"
SERIES = "/collections/series/position?coords=POINT(0 0)&f=CSV&parameter-name="


def write_series(folder: Path) -> Path:
    """A long series of a variable that is complete and of one that lacks a chunk near its end."""
    group = zarr.create_group(folder)
    axes = {"lat": ([0.0, 1.0], "degrees_north"), "lon": ([0.0, 1.0], "degrees_east")}
    for name, (values, units) in {**axes, "time": (range(LONG), "hours since 2000-01-01")}.items():
        axis = group.create_array(name, shape=(len(values),), dtype="f8", dimension_names=[name])
        axis[:] = np.asarray(values)
        axis.attrs["units"] = units
    for name in ("whole", "lacking"):
        array = group.create_array(
            name, shape=(LONG, 2, 2), chunks=(LONG // 10, 2, 2), dtype="f4", dimension_names=["time", "lat", "lon"]
        )
        array[:] = 281.5
    (folder / "lacking/c/8/0/0").unlink()
    return folder


@dataclass(frozen=True)
class Cached:
    """A cache in front of a server."""

    port: int

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=60)


def cannot_run(why: str) -> None:
    if os.environ.get("ZARR_EDR_ALL"):
        pytest.fail(why)
    pytest.skip(why)


@contextmanager
def nginx(folder: Path, upstream: int, version: str = "1.1") -> Iterator[Cached]:
    """nginx as the document says, before the server on a port, to which it speaks this version of HTTP."""
    if shutil.which("nginx") is None:
        cannot_run("nginx is not installed")
    port = free_port()
    found = re.search(r"```nginx\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found is not None
    text = found[1]
    for old, new in (
        ("/var/cache/nginx/zarr-edr", str(folder / "cache")),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("127.0.0.1:5000", f"127.0.0.1:{upstream}"),
        ("proxy_http_version 1.1;", f"proxy_http_version {version};"),
    ):
        assert old in text
        text = text.replace(old, new)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {folder / kind};\n" for kind in kinds)
    user = "user root;" if os.getuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; {user} pid {folder / 'pid'}; error_log {folder / 'log'};\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{paths}{text}}}\n"
    )
    with subprocess.Popen([shutil.which("nginx") or "nginx", "-e", str(folder / "log"), "-c", str(config)]) as process:
        try:
            wait_for(port, process)
            yield Cached(port)
        finally:
            process.terminate()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(500):
        assert process.poll() is None, "nginx ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail("nginx does not listen")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two collections, one whose answers are soon out of date and one of long answers."""
    folder = tmp_path_factory.mktemp("cached")
    stores = {"steps": (write_steps(folder / "steps.zarr"), 1), "series": (write_series(folder / "series.zarr"), 60)}
    resources = {}
    for id_, (path, max_age) in stores.items():
        options = {"missing_chunks": "error", "cache": {"max_age": max_age}}
        provider = {"type": "edr", "name": "zarr_edr.ZarrEDRProvider", "data": str(path), "options": options}
        resources[id_] = {"providers": [provider]}
    (folder / "config.yml").write_text(yaml.safe_dump({"resources": resources}))
    return folder / "config.yml"


@pytest.fixture(scope="module")
def server(config: Path) -> Iterator[Served]:
    with served(config, workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def cached(server: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cached]:
    with nginx(tmp_path_factory.mktemp("nginx"), server.port) as running:
        yield running


def test_all_workers_of_a_server_give_one_tag(server: Served) -> None:
    tags = {requests.get(f"{server.url}{ONE}", timeout=60).headers["ETag"] for _ in range(20)}
    assert len(tags) == 1


def test_what_is_out_of_date_is_revalidated_with_its_tag(cached: Cached) -> None:
    first = cached.get(ONE)
    time.sleep(2.1)  # its age is 1 s; caches count whole ones
    second = cached.get(ONE)
    assert (second.headers["X-Cache"], second.content) == ("REVALIDATED", first.content)
    assert second.headers["ETag"] == first.headers["ETag"]


def test_a_client_of_the_cache_gets_304(cached: Cached) -> None:
    held = cached.get(SERIES + "whole").headers["ETag"]
    response = cached.get(SERIES + "whole", **{"If-None-Match": held})
    assert (response.status_code, response.headers["X-Cache"]) == (304, "HIT")


@pytest.mark.parametrize("coding", ["zstd", "gzip", "identity"])
def test_each_coding_is_kept_by_itself(cached: Cached, coding: str) -> None:
    path = "/collections/series/position?coords=POINT(0 0)&parameter-name=whole&datetime=2000&f=CSV"
    found = [cached.get(path, **{"Accept-Encoding": coding}) for _ in range(2)]
    assert [response.headers.get("Content-Encoding", "identity") for response in found] == [coding, coding]
    assert found[1].headers["X-Cache"] == "HIT"
    assert found[0].content == found[1].content


def test_an_answer_that_was_broken_off_is_passed_on_as_such_and_not_kept(cached: Cached) -> None:
    for _ in range(2):
        with requests.get(f"http://127.0.0.1:{cached.port}{SERIES}lacking", stream=True, timeout=60) as response:
            assert (response.status_code, response.headers["X-Cache"]) == (200, "MISS")
            with pytest.raises((requests.exceptions.ChunkedEncodingError, http.client.IncompleteRead)):
                _ = response.content


def test_failures_are_not_kept(cached: Cached) -> None:
    path = "/collections/steps/position?coords=nowhere"
    assert [cached.get(path).headers["X-Cache"] for _ in range(2)] == ["MISS", "MISS"]


def test_over_http_1_0_an_answer_is_whole_or_a_failure(server: Served, tmp_path: Path) -> None:
    with nginx(tmp_path, server.port, "1.0") as old:
        answers = [old.get(f"{SERIES}{name}") for name in ("lacking", "lacking", "whole")]
    assert [response.status_code for response in answers] == [500, 500, 200]
    assert answers[2].text.count("\n") == LONG + 1


def test_what_is_kept_is_served_when_the_server_is_gone(config: Path, tmp_path: Path) -> None:
    with served(config) as server, nginx(tmp_path, server.port) as cached:
        first = cached.get(SERIES + "whole")
        server.process.terminate()
        server.process.wait(60)
        second = cached.get(SERIES + "whole")
    assert (second.headers["X-Cache"], second.content) == ("HIT", first.content)
