"""Stores that are no directories, behind forked workers: right numbers, and failures that are said to be the store's."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import requests
import yaml
import zarr

from zarr_edr.testing.object_server import ObjectServer
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


@contextmanager
def serving(data: str, folder: Path, **storage: object) -> Iterator[str]:
    """`zarr-edr serve` on one store, with two workers."""
    options = {"cache": {"bytes": 1}, "storage": storage}
    provider = {"type": "edr", "name": "zarr_edr.ZarrEDRProvider", "data": data, "options": options}
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


@pytest.mark.parametrize("backend", ["obstore", "fsspec"])
def test_a_store_behind_http_is_read_by_every_worker(tmp_path: Path, backend: str) -> None:
    pytest.importorskip(backend)
    values = write(tmp_path / "s.zarr")
    with (
        ObjectServer(tmp_path) as store,
        serving(f"{store.url}/s.zarr", tmp_path, backend=backend) as url,
        ThreadPoolExecutor(4) as pool,
    ):
        asked = places(40)
        assert list(pool.map(partial(value, url), asked)) == [values[at] for at in asked]


def test_a_bucket_is_read_by_every_worker(tmp_path: Path) -> None:
    pytest.importorskip("obstore")
    values = write(tmp_path / "bucket/s.zarr")
    with (
        ObjectServer(tmp_path) as store,
        serving("s3://bucket/s.zarr", tmp_path, key="k", secret="s", endpoint_url=store.url) as url,
        ThreadPoolExecutor(4) as pool,
    ):
        asked = places(40)
        assert list(pool.map(partial(value, url), asked)) == [values[at] for at in asked]


@pytest.mark.parametrize("status", [403, 429, 500, 503])
def test_a_store_that_fails_is_503_never_nulls(tmp_path: Path, status: int) -> None:
    write(tmp_path / "s.zarr")
    with ObjectServer(tmp_path) as store, serving(f"{store.url}/s.zarr", tmp_path) as url:
        store.status_of = lambda key: status if "/c/" in key else None
        response = requests.get(url, params={"coords": "POINT(1 1)"}, timeout=60)
    assert (response.status_code, response.json()["code"]) == (503, "StoreUnavailable")
    assert "Retry-After" in response.headers
