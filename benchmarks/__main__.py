"""`make bench`: ours and stock pygeoapi on the same store, in one run on one machine, side by side.

Systems take turns, request by request for latencies and window by window for throughput; each waits until it is idle before the
other is measured. Points are new for each request and the same for all systems; every first answer is compared with the array.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import psutil
import xarray as xr
import zarr
from benchmarks.client import Connection, get, latencies_ms, post, requests_per_second
from benchmarks.servers import await_idle, ours, stock, tutorial

ROOT = Path(__file__).parents[1]
WORKERS = 2
CLIENTS = 8
CUBE_VALUES = 411_000
SEED = 20261125


@dataclass(frozen=True, slots=True)
class Store:
    """A store and what is asked of it."""

    path: Path
    variable: str
    x: str
    y: str
    time: str
    when: str
    """One instant of it."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A kind of question."""

    name: str
    points: int
    whole_series: bool
    repeats: int
    """Questions per system for latencies."""
    stock_repeats: int


WORKLOADS = (
    Workload("1 point, 1 time", 1, whole_series=False, repeats=200, stock_repeats=40),
    Workload("1 point, whole series", 1, whole_series=True, repeats=200, stock_repeats=40),
    Workload("100 points, 1 time", 100, whole_series=False, repeats=50, stock_repeats=3),
)


def main() -> int:
    """Run all and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a throughput window")
    parser.add_argument("--quick", action="store_true", help="fewer repeats, short windows")
    options = parser.parse_args()
    seconds = 2.0 if options.quick else options.seconds
    with tempfile.TemporaryDirectory(prefix="zarr-edr-bench-") as temporary:
        folder = Path(temporary)
        store = reference_store()
        print(f"# {store.path.name}, {WORKERS} workers each, {psutil.cpu_count()} cores shared with the client\n")
        compare(store, folder, seconds, quick=options.quick)
        if store.variable == "air":
            compare_tutorial(store, folder, seconds, quick=options.quick)
        size_does_not_matter(folder)
    return 0


def reference_store() -> Store:
    """air.zarr where it is at hand, else the demo's sea-surface temperature."""
    air = ROOT / "../shared/data/air.zarr"
    if air.exists():
        return Store(air.resolve(), "air", "lon", "lat", "time", "2014-06-15T12:00:00Z")
    return Store(
        ROOT / "data/ostia.zarr", "surface_temperature", "longitude", "latitude", "time", "2008-07-16T12:00:00Z"
    )


def points_of(store: Store, count: int, seed: int) -> np.ndarray[Any, Any]:
    """Random positions inside the grid, shape (count, 2): longitude, latitude, as the store counts them."""
    with xr.open_zarr(store.path, decode_times=False, chunks=None) as dataset:
        edges = [(float(dataset[name].min()), float(dataset[name].max())) for name in (store.x, store.y)]
    low, high = np.array(edges).T
    return (low + (high - low) * np.random.default_rng(seed).random((count, 2))).round(3)


def our_requests(store: Store, workload: Workload, port: int, count: int) -> list[tuple[bytes, ...]]:
    """One request for each question."""
    asked = points_of(store, count * workload.points, SEED).reshape(count, workload.points, 2)
    when = "" if workload.whole_series else f"&datetime={store.when}"
    requests = []
    for points in asked:
        pairs = [f"{x} {y}" for x, y in points]
        coords = f"POINT({pairs[0]})" if workload.points == 1 else f"MULTIPOINT({','.join(f'({p})' for p in pairs)})"
        requests.append((get(f"/collections/s/position?coords={quote(coords, safe='(),')}{when}", port),))
    return requests


def stock_requests(store: Store, workload: Workload, port: int, count: int) -> list[tuple[bytes, ...]]:
    """A request for each point: stock pygeoapi answers a MULTIPOINT with the whole grid.

    An instant must be asked for as an interval of no length: stock pygeoapi finds no data for `datetime=<instant>`.
    """
    asked = points_of(store, count * workload.points, SEED).reshape(count, workload.points, 2)
    when = "" if workload.whole_series else f"&datetime={store.when}/{store.when}"
    paths = [
        [f"/collections/s/position?coords={quote(f'POINT({x} {y})', safe='()')}{when}&f=json" for x, y in p]
        for p in asked
    ]
    return [tuple(get(path, port) for path in group) for group in paths]


def compare(store: Store, folder: Path, seconds: float, *, quick: bool) -> None:
    """Both systems on one store."""
    with (
        ours({"s": store.path}, folder, WORKERS) as (our_port, our_process),
        stock({"s": store.path}, folder, WORKERS) as (stock_port, stock_process),
    ):
        print(f"{'workload':24} {'':10} {'ours':>10} {'stock':>10} {'ratio':>8}")
        for workload in WORKLOADS:
            repeats = (
                (max(workload.repeats // 5, 10), max(workload.stock_repeats // 4, 1))
                if quick
                else (workload.repeats, workload.stock_repeats)
            )
            mine = our_requests(store, workload, our_port, 1000 if workload.points == 1 else 200)
            theirs = stock_requests(store, workload, stock_port, 1000 if workload.points == 1 else 20)
            verify(store, workload, our_port, mine[:5])
            warm(our_port, mine[:200], our_process)
            warm(stock_port, theirs[:8] if workload.points == 1 else theirs[:4], stock_process)
            ms = latencies_ms(our_port, mine[: repeats[0]])
            await_idle(our_process)
            stock_ms = latencies_ms(stock_port, theirs[: repeats[1]])
            await_idle(stock_process)
            report(workload.name, "median ms", statistics.median(ms), statistics.median(stock_ms), inverse=True)
            rate = requests_per_second(our_port, mine, CLIENTS, seconds)
            await_idle(our_process)
            # A slow system needs a longer window, or most of its answers arrive after the end.
            stock_rate = requests_per_second(stock_port, theirs, CLIENTS, seconds * (1 if workload.points == 1 else 3))
            await_idle(stock_process)
            report("", f"{CLIENTS} cl. /s", rate, stock_rate)
        compare_cube(store, our_port, stock_port, 5 if quick else 20)


def compare_tutorial(store: Store, folder: Path, seconds: float, *, quick: bool) -> None:
    """Ours and the service of the tutorials, asked the same by the same body, for records of whole series."""
    print(f"\n{'records, whole series':24} {'':10} {'ours':>10} {'tutorial':>10} {'ratio':>8}")
    with (
        ours({"s": store.path}, folder, WORKERS) as (our_port, our_process),
        tutorial(store.path, folder) as (their_port, their_process),
    ):
        for count, (mine_n, theirs_n) in {1: (200, 20), 100: (20, 3)}.items():
            asked = points_of(store, 500 * count, SEED).reshape(500, count, 2)
            bodies = [json.dumps({"latitude": p[:, 1].tolist(), "longitude": p[:, 0].tolist()}).encode() for p in asked]
            mine = [(post("/collections/s/multipoint?f=Records", body, our_port),) for body in bodies]
            theirs = [(post("/points", body, their_port),) for body in bodies]
            verify_records(our_port, mine[0][0], their_port, theirs[0][0])
            warm(our_port, mine[:100], our_process)
            warm(their_port, theirs[:8], their_process)
            divisor = 4 if quick else 1
            ms = latencies_ms(our_port, mine[: mine_n // divisor])
            await_idle(our_process)
            their_ms = latencies_ms(their_port, theirs[: max(1, theirs_n // divisor)])
            await_idle(their_process)
            points = f"{count} point{'s' * (count > 1)}"
            report(points, "median ms", statistics.median(ms), statistics.median(their_ms), inverse=True)
            if count == 1:
                rate = requests_per_second(our_port, mine, CLIENTS, seconds)
                await_idle(our_process)
                their_rate = requests_per_second(their_port, theirs, CLIENTS, seconds * 3)
                await_idle(their_process)
                report("", f"{CLIENTS} cl. /s", rate, their_rate)
                plain = our_requests(store, WORKLOADS[1], our_port, 500)
                rate = requests_per_second(our_port, plain, CLIENTS, seconds)
                await_idle(our_process)
                report("  ours as CoverageJSON", f"{CLIENTS} cl. /s", rate, their_rate)


def verify_records(our_port: int, mine: bytes, their_port: int, theirs: bytes) -> None:
    """The same records from both, but for the spelling of times and the digits of float32."""
    found = []
    for port, request in ((our_port, mine), (their_port, theirs)):
        connection = Connection(port)
        found.append(json.loads(connection.send(request).body))
        connection.close()
    assert len(found[0]) == len(found[1])
    for name in ("points", "lat", "lon", "air"):
        np.testing.assert_allclose(*([row[name] for row in rows] for rows in found), rtol=1e-6, err_msg=name)
    assert [row["time"][:19] for row in found[0]] == [row["time"][:19] for row in found[1]]


def cube_path(store: Store) -> str:
    """A cube of the whole grid and as many first times as make some 410,000 values."""
    with xr.open_zarr(store.path, chunks=None) as dataset:
        x, y, times = (dataset[name].values for name in (store.x, store.y, store.time))
    count = min(times.size, CUBE_VALUES // (x.size * y.size))
    when = "/".join(f"{np.datetime_as_string(t, unit='s')}Z" for t in (times[0], times[count - 1]))
    bbox = ",".join(f"{float(edge):.6f}" for edge in (x.min(), y.min(), x.max(), y.max()))
    return f"/collections/s/cube?bbox={bbox}&datetime={when}&f=json"


def compare_cube(store: Store, ours_at: int, stock_at: int, repeats: int) -> None:
    """The same cube from both. Stock pygeoapi's values are not compared: it turns ascending latitudes upside down."""
    path = cube_path(store)
    connection = Connection(ours_at)
    found = json.loads(connection.send(get(path, ours_at)).body)["ranges"][store.variable]
    connection.close()
    with xr.open_zarr(store.path, chunks=None) as dataset:
        expected = dataset[store.variable][: found["shape"][0]].values.ravel()
    np.testing.assert_allclose(np.array(found["values"], "f8"), expected, rtol=1e-6)
    ms = latencies_ms(ours_at, [(get(path, ours_at),)] * repeats)
    stock_ms = latencies_ms(stock_at, [(get(path, stock_at),)] * max(2, repeats // 4))
    report(
        f"cube, {expected.size:,} values", "median ms", statistics.median(ms), statistics.median(stock_ms), inverse=True
    )


def warm(port: int, requests: Sequence[Sequence[bytes]], process: psutil.Process) -> None:
    """Let every worker answer some: the first request of a process is no measure of the others."""
    requests_per_second(port, requests, 4, 1.0)
    await_idle(process)


def report(workload: str, what: str, mine: float, theirs: float, *, inverse: bool = False) -> None:
    ratio = theirs / mine if inverse else mine / theirs
    print(f"{workload:24} {what:10} {mine:10.2f} {theirs:10.2f} {ratio:7.1f}x", flush=True)


def verify(store: Store, workload: Workload, port: int, requests: Sequence[Sequence[bytes]]) -> None:
    """Compare answers with the array, read by xarray."""
    asked = points_of(store, len(requests) * workload.points, SEED).reshape(len(requests), workload.points, 2)
    connection = Connection(port)
    with xr.open_zarr(store.path, chunks=None) as dataset:
        array = dataset[store.variable]
        if not workload.whole_series:
            array = array.sel({store.time: np.datetime64(store.when.removesuffix("Z"))})
        for (request,), points in zip(requests, asked, strict=True):
            found = json.loads(connection.send(request).body)["ranges"][store.variable]["values"]
            at = {store.x: xr.DataArray(points[:, 0], dims="p"), store.y: xr.DataArray(points[:, 1], dims="p")}
            expected = array.sel(at, method="nearest").values.ravel()
            np.testing.assert_allclose(np.array(found, "f8"), expected, rtol=1e-6)
    connection.close()


def size_does_not_matter(folder: Path) -> None:
    """A store of 100 chunks and one of 100,000, with the same chunks, opened and queried."""
    print(f"\n{'the size of the dataset':24} {'':10} {'100':>10} {'100,000':>10} {'ratio':>8}")
    stores = {"small": many_chunks(folder / "small.zarr", 100), "large": many_chunks(folder / "large.zarr", 100_000)}
    with ExitStack() as running:
        ports, starts = {}, {}
        for name, path in stores.items():
            start = time.perf_counter()
            ports[name], process = running.enter_context(ours({"s": path}, folder, 1))
            latencies_ms(ports[name], few_requests(ports[name], 1))
            starts[name] = (time.perf_counter() - start) * 1e3
            latencies_ms(ports[name], few_requests(ports[name], 200))
            await_idle(process)
        taken: dict[str, list[float]] = {name: [] for name in stores}
        for _ in range(5):
            for name, port in ports.items():
                taken[name] += latencies_ms(port, few_requests(port, 100))
    report("start to first answer", "ms", starts["small"], starts["large"])
    report("1 point, 1 time", "median ms", *(statistics.median(taken[name]) for name in stores))


def few_requests(port: int, count: int) -> list[tuple[bytes, ...]]:
    """Questions to a store of `many_chunks`, at different cells and times."""
    where = ((n % 40 / 2, n % 10) for n in range(count))
    return [
        (get(f"/collections/s/position?coords=POINT({x}%201)&datetime=2000-01-01T0{t}:00:00Z", port),) for x, t in where
    ]


def many_chunks(path: Path, chunks: int) -> Path:
    """A store whose chunks are 10 times by 10 by 10 cells each; those that are asked for are written."""
    columns = chunks // 25
    group = zarr.create_group(path)
    v = group.create_array(
        "v", shape=(10 * columns, 50, 50), chunks=(10, 10, 10), dtype="f4", dimension_names=("time", "lat", "lon")
    )
    v[:10] = np.random.default_rng(SEED).random((10, 50, 50), dtype="f4")
    axes: dict[str, tuple[int, str, Callable[[int], Any]]] = {
        "time": (10 * columns, "hours since 2000-01-01", np.arange),
        "lat": (50, "degrees_north", lambda n: np.arange(n) / 2),
        "lon": (50, "degrees_east", lambda n: np.arange(n) / 2),
    }
    for name, (size, units, values) in axes.items():
        axis = group.create_array(name, shape=(size,), dtype="f8", dimension_names=(name,), attributes={"units": units})
        axis[:] = values(size)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", zarr.errors.ZarrUserWarning
        )  # consolidated metadata are an extension of Zarr v3
        zarr.consolidate_metadata(path)
    return path


if __name__ == "__main__":
    sys.exit(main())
