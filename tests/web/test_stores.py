"""Stores that are no directories, behind forked workers: right numbers, and failures that are said to be the store's."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import requests
import yaml
import zarr

from zarr_edr.testing.server import served

pytestmark = pytest.mark.xdist_group("server")

SHAPE = (40, 20, 20)


def write(folder: Path) -> np.ndarray:
    """A sharded store on disk whose values say where they are."""
    group = zarr.create_group(folder)
    values = np.arange(np.prod(SHAPE), dtype="f8").reshape(SHAPE)
    v = group.create_array(
        "v", shape=SHAPE, chunks=(4, 2, 2), shards=(20, 10, 10), dtype="f8", dimension_names=("time", "lat", "lon")
    )
    v[:] = values
    for name, size, units in zip(
        ("time", "lat", "lon"), SHAPE, ("hours since 2000-01-01", "degrees_north", "degrees_east"), strict=True
    ):
        axis = group.create_array(name, shape=(size,), dtype="f8", dimension_names=(name,), attributes={"units": units})
        axis[:] = np.arange(size)
    with pytest.warns(zarr.errors.ZarrUserWarning, match="Consolidated"):  # an extension of Zarr v3, which HTTP needs
        zarr.consolidate_metadata(folder)
    return values


class Faulty(SimpleHTTPRequestHandler):
    """Serves files; fails on chunks where it is told to."""

    status: int | None = None

    def do_GET(self) -> None:
        if self.status is not None and "/c/" in self.path:
            self.send_error(self.status)
            return
        if (wanted := self.headers.get("Range")) is None:
            super().do_GET()
            return
        self.send_range(wanted.removeprefix("bytes="))

    def send_range(self, wanted: str) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        start, _, end = wanted.partition("-")
        part = data[-int(end) :] if not start else data[int(start) : int(end) + 1 if end else None]
        self.send_response(206)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Content-Range", f"bytes {len(data) - len(part)}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        self.wfile.write(part)

    def log_message(self, *arguments: object) -> None:
        del arguments


@contextmanager
def files(folder: Path) -> Iterator[str]:
    """An HTTP server of a folder."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Faulty, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@contextmanager
def serving(data: str, folder: Path) -> Iterator[str]:
    """`zarr-edr serve` on one store, with two workers."""
    provider = {"type": "edr", "name": "zarr_edr.ZarrEDRProvider", "data": data, "options": {"cache": {"bytes": 1}}}
    config = folder / "config.yml"
    config.write_text(yaml.safe_dump({"resources": {"s": {"providers": [provider]}}}))
    with served(config, workers=2) as server:
        yield f"{server.url}/collections/s/position"


def value(url: str, at: tuple[int, int, int]) -> float:
    t, y, x = at
    query = {"coords": f"POINT({x} {y})", "datetime": f"2000-01-{1 + t // 24:02d}T{t % 24:02d}:00:00Z"}
    response = requests.get(url, params=query, timeout=60)
    assert response.status_code == 200, response.text
    found: float = response.json()["ranges"]["v"]["values"][0]
    return found


def places(count: int) -> list[tuple[int, int, int]]:
    random = np.random.default_rng(1)
    return [(int(t), int(y), int(x)) for t, y, x in random.integers(0, SHAPE, (count, 3))]


def test_a_zip_store_gives_every_worker_its_own_bytes(tmp_path: Path) -> None:
    values = write(tmp_path / "s.zarr")
    with zipfile.ZipFile(tmp_path / "s.zip", "w", zipfile.ZIP_STORED) as archive:
        for file in sorted((tmp_path / "s.zarr").rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(tmp_path / "s.zarr"))
    with serving(str(tmp_path / "s.zip"), tmp_path) as url, ThreadPoolExecutor(8) as pool:
        asked = places(300)
        assert list(pool.map(partial(value, url), asked)) == [values[at] for at in asked]


def test_a_store_behind_http_is_read_by_every_worker(tmp_path: Path) -> None:
    values = write(tmp_path / "s.zarr")
    with files(tmp_path) as base, serving(f"{base}/s.zarr", tmp_path) as url, ThreadPoolExecutor(4) as pool:
        asked = places(40)
        assert list(pool.map(partial(value, url), asked)) == [values[at] for at in asked]


@pytest.mark.parametrize("status", [403, 429, 500, 503])
def test_a_store_that_fails_is_503_never_nulls(tmp_path: Path, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "s.zarr")
    with files(tmp_path) as base, serving(f"{base}/s.zarr", tmp_path) as url:
        monkeypatch.setattr(Faulty, "status", status)
        response = requests.get(url, params={"coords": "POINT(1 1)"}, timeout=60)
    assert (response.status_code, response.json()["code"]) == (503, "StoreUnavailable")
    assert "Retry-After" in response.headers
