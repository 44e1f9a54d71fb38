"""`make bench-scaling`: how cost grows with points, chunks, datasets, the size of a dataset, and clients; which scheduler when.

Prints the tables of docs/scaling.md. A few minutes on small stores; the chunks of the large one are not written, but for a few.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import zarr
from benchmarks import stores
from benchmarks.client import Connection, answers, get
from benchmarks.load import Clients, Item
from benchmarks.processes import Server
from benchmarks.questions import Grid, Question
from benchmarks.stores import SMALL
from benchmarks.systems.base import coverage_values
from benchmarks.systems.ours import Ours, serving
from benchmarks.systems.stock import Stock

from zarr_edr.dataset.model import Collection

MIB = 1024**2


def main() -> int:
    """Measure what is asked for, or all."""
    parser = argparse.ArgumentParser(prog="benchmarks.scaling", description=__doc__)
    parser.add_argument("--only", choices=sorted(TABLES), action="append")
    for name in parser.parse_args().only or TABLES:
        with tempfile.TemporaryDirectory(prefix="zarr-edr-scaling-") as temporary:
            TABLES[name](Path(temporary))
    return 0


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table in Markdown."""
    print(f"\n{title}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(str(cell) for cell in row)} |", flush=True)


def median_ms(run: Callable[[], object], repeats: int) -> float:
    """Of some runs."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        taken.append((time.perf_counter() - start) * 1e3)
    return statistics.median(taken)


def latency_ms(port: int, requests: Sequence[bytes]) -> float:
    """Median over requests on one connection."""
    with Connection(port) as connection:
        answers(connection, requests[:5])
        taken = []
        for request in requests:
            start = time.perf_counter()
            answers(connection, [request])
            taken.append((time.perf_counter() - start) * 1e3)
    return statistics.median(taken)


def megabytes(server: Server) -> str:
    """Resident memory of all its processes; what they share counts for each."""
    return f"{sum(server.resident_bytes()) / 1e6:.0f}"


def points(folder: Path) -> None:
    """1 to 100,000 points at one time, and whole series."""
    grid = Grid.of(stores.generated(SMALL, folder)["points"])
    rows = []
    with serving({grid.store.name: str(grid.store.path)}, folder) as server:
        for count in (1, 10, 100, 1_000, 10_000, 100_000):
            cells = []
            for times in (1, None):
                if count * (times or len(grid.time)) > 5_000_000:
                    cells.append("-")
                    continue
                asked = grid.questions(count, times, 200 if count < 1000 else 10)
                requests = [Ours().requests(question, server.port)[0] for question in asked]
                cells.append(f"{latency_ms(server.port, requests):.2f}")
            rows.append((f"{count:,}", *cells))
    table(f"Points ({len(grid.time)} times, chunks held)", ("points", "1 time, ms", "whole series, ms"), rows)


def chunks(folder: Path) -> None:
    """Chunks of 4 KiB and of 1 MiB, each read once, from files."""
    from zarr_edr.cache import process_cache  # noqa: PLC0415  # imports of the service are measured elsewhere
    from zarr_edr.testing.cf import collection_at  # noqa: PLC0415  # not in the clients' processes

    rows = []
    for side, label in ((32, "4 KiB"), (512, "1 MiB")):
        path = many_chunks(folder / f"{side}.zarr", (400, side, side), (1, side, side), written=400)
        collection = collection_at(path)
        for count in (1, 10, 100, 400):
            last = f"2000-01-{1 + (count - 1) // 24:02d}T{(count - 1) % 24:02d}:00:00Z"
            run = _in_process(collection, f"2000-01-01T00:00:00Z/{last}")

            def cold(run: Callable[[], object] = run) -> None:
                process_cache().clear()
                run()

            rows.append((label, count, f"{median_ms(cold, 20):.2f}", f"{median_ms(run, 20):.2f}"))
    table("Chunks, in process", ("chunk", "chunks", "from files, ms", "again, ms"), rows)


def _in_process(collection: Collection, when: str) -> Callable[[], object]:
    from zarr_edr.encode import encoder_for  # noqa: PLC0415  # not in the clients' processes
    from zarr_edr.engine import answer  # noqa: PLC0415  # not in the clients' processes
    from zarr_edr.query.request import build_query  # noqa: PLC0415  # not in the clients' processes

    query = build_query("position", {"coords": "POINT(1 1)", "datetime": when}, collection)
    return lambda: answer(query, collection, encoder_for(None)).whole()


def size(folder: Path) -> None:
    """Datasets of 100 to ten million chunks, of which the first few are written."""
    rows = []
    for count in (100, 100_000, 10_000_000):
        path = many_chunks(folder / f"{count}.zarr", (count // 25 * 10, 50, 50), (10, 10, 10), written=10)
        start = time.perf_counter()
        with serving({"s": str(path)}, folder, 1) as server:
            requests = [
                get(
                    f"/collections/s/position?coords=POINT({n % 40 / 2}%201)&datetime=2000-01-01T0{n % 10}:00:00Z",
                    server.port,
                )
                for n in range(400)
            ]
            latency_ms(server.port, requests[:1])
            started = time.perf_counter() - start
            rows.append(
                (
                    f"{count:,}",
                    f"{started:.1f}",
                    f"{latency_ms(server.port, requests):.2f}",
                    megabytes(server),
                )
            )
    table("The size of a dataset", ("chunks", "start to first answer, s", "1 point, ms", "RSS of all, MB"), rows)


def datasets(folder: Path) -> None:
    """1 to 10,000 collections, each with a store of its own."""
    source = many_chunks(folder / "source.zarr", (10, 50, 50), (10, 10, 10), written=10)
    rows = []
    for count in (1, 100, 10_000):
        paths = {f"c{n}": folder / f"{count}-{n}.zarr" for n in range(count)}
        for path in paths.values():
            shutil.copytree(source, path, copy_function=os.link)
        start = time.perf_counter()
        with serving({id_: str(path) for id_, path in paths.items()}, folder, start_s=600) as server:
            ids = [f"c{n * 7919 % count}" for n in range(400)]
            requests = [
                get(f"/collections/{i}/position?coords=POINT(1%201)&datetime=2000-01-01T01:00:00Z", server.port)
                for i in ids
            ]
            latency_ms(server.port, requests[:1])
            started = time.perf_counter() - start
            listed = latency_ms(server.port, [get("/collections?f=json", server.port)] * 5)
            rows.append(
                (
                    f"{count:,}",
                    f"{started:.1f}",
                    f"{latency_ms(server.port, requests):.2f}",
                    f"{listed:.1f}",
                    megabytes(server),
                )
            )
        for path in paths.values():
            shutil.rmtree(path)
    table(
        "Datasets",
        ("collections", "start to first answer, s", "1 point, ms", "the list of collections, ms", "RSS of all, MB"),
        rows,
    )


def clients(folder: Path) -> None:
    """1 to 256 clients that ask one after the other."""
    grid = Grid.of(stores.generated(SMALL, folder)["points"])
    rows = []
    with serving({grid.store.name: str(grid.store.path)}, folder) as server, Clients() as asking:
        for times, label in ((1, "1 point, 1 time"), (None, "1 point, whole series")):
            asked = grid.questions(1, times, 4000)
            items = [Item(Ours().requests(question, server.port)[0], None) for question in asked]
            asking.window(server.port, items, coverage_values, 8, 2)
            for count in (1, 2, 8, 32, 128, 256):
                window = asking.window(server.port, items, coverage_values, count, 3)
                rows.append((label, count, f"{window.per_second:,.0f}", f"{count / window.per_second * 1e3:.1f}"))
    table("Clients", ("question", "clients", "answers/s", "mean ms"), rows)


def schedulers(folder: Path) -> None:
    """The same plans on the request's own thread, on threads, and on a cluster of two processes on this machine."""
    from zarr_edr.cache import process_cache  # noqa: PLC0415  # not in the clients' processes
    from zarr_edr.cluster import cluster_at  # noqa: PLC0415  # not in the clients' processes
    from zarr_edr.limits import Deadline  # noqa: PLC0415  # not in the clients' processes
    from zarr_edr.plan import ReadPlan  # noqa: PLC0415  # not in the clients' processes
    from zarr_edr.planner import plan  # noqa: PLC0415  # not in the clients' processes
    from zarr_edr.query.request import build_query  # noqa: PLC0415  # not in the clients' processes
    from zarr_edr.read import read  # noqa: PLC0415  # not in the clients' processes
    from zarr_edr.schedule import InlineScheduler, Scheduler, ThreadScheduler  # noqa: PLC0415  # not in the clients' processes
    from zarr_edr.testing.cf import collection_at  # noqa: PLC0415  # not in the clients' processes
    from zarr_edr.testing.cluster import dask_scheduler, dask_worker, free_port  # noqa: PLC0415  # not in the clients' processes

    collection = collection_at(many_chunks(folder / "s.zarr", (256, 512, 512), (1, 512, 512), written=256))
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    rows = []
    with dask_scheduler(port), dask_worker(address), dask_worker(address):
        ways: dict[str, Scheduler] = {
            "inline": InlineScheduler(),
            "threads": ThreadScheduler(),
            "cluster": cluster_at(address),
        }
        for count in (1, 2, 4, 8, 16, 64, 256):
            last = f"2000-01-{1 + (count - 1) // 24:02d}T{(count - 1) % 24:02d}:00:00Z"
            query = build_query(
                "cube",
                {
                    "bbox": "0,0,25.5,25.5",
                    "resolution-x": "20",
                    "resolution-y": "20",
                    "datetime": f"2000-01-01T00:00:00Z/{last}",
                },
                collection,
            )
            planned = plan(query, collection, Deadline.after(60))
            cells = []
            for way in ways.values():

                def run(way: Scheduler = way, planned: ReadPlan = planned) -> None:
                    process_cache().clear()
                    read(planned, way, Deadline.after(60))

                run()
                cells.append(f"{median_ms(run, 10):.1f}")
            rows.append((f"{planned.decoded_bytes / MIB:.0f}", planned.chunks, *cells))
    table(
        "Schedulers, chunks of 1 MiB (the cluster's workers may hold theirs)",
        ("MiB", "chunks", *(f"{w}, ms" for w in ways)),
        rows,
    )


def stack(folder: Path) -> None:
    """What each layer adds to a query for one point whose chunk is held, in processor time."""
    grid = Grid.of(stores.generated(SMALL, folder)["points"])
    asked = grid.questions(1, 1, 300)
    rows: list[tuple[str, str]] = []
    with serving({grid.store.name: str(grid.store.path)}, folder, 1) as server:
        for label, header in (("a plain request", ""), ("one that Flask is needed for", 'If-None-Match: "x"\r\n')):
            requests = [Ours().requests(question, server.port)[0] for question in asked]
            rows.append((f"zarr-edr serve, {label}", _used_us(server, [_with(r, header) for r in requests])))
    for provider, label in (("zarr_edr.ZarrEDRProvider", "this provider"), ("xarray-edr", "its own")):
        system = Stock(provider=provider, workers=1)
        with system.serve([grid.store], folder) as server:
            requests = [system.requests(question, server.port)[0] for question in asked]
            rows.append((f"pygeoapi with {label} behind gunicorn", _used_us(server, requests)))
    rows.append(("the engine alone, from text to bytes", f"{_engine_us(grid, asked):.0f}"))
    table("Processor time of one answer", ("what", "µs"), rows)


def _with(request: bytes, header: str) -> bytes:
    return request.replace(b"Accept:", f"{header}Accept:".encode())


def _used_us(server: Server, requests: Sequence[bytes]) -> str:
    """Processor time of the server's processes for one answer."""
    latency_ms(server.port, requests)
    before = server.cpu_s()
    latency_ms(server.port, requests)
    return f"{(server.cpu_s() - before) / (len(requests) + 5) * 1e6:.0f}"


def _engine_us(grid: Grid, asked: Sequence[Question]) -> float:
    from zarr_edr.encode import encoder_for  # noqa: PLC0415  # not in the clients' processes
    from zarr_edr.engine import answer  # noqa: PLC0415  # not in the clients' processes
    from zarr_edr.query.request import build_query  # noqa: PLC0415  # not in the clients' processes
    from zarr_edr.testing.cf import collection_at  # noqa: PLC0415  # not in the clients' processes

    collection, encoder = collection_at(grid.store.path), encoder_for(None)
    texts = [{"coords": f"POINT({q.points[0, 0]} {q.points[0, 1]})", "datetime": f"{q.first}Z"} for q in asked]
    for _ in range(2):
        start = time.process_time()
        for parameters in texts:
            answer(build_query("position", parameters, collection), collection, encoder).whole()
        used = time.process_time() - start
    return used / len(texts) * 1e6


def many_chunks(path: Path, shape: tuple[int, int, int], chunk: tuple[int, int, int], written: int) -> Path:
    """A store of which the first `written` times are there."""
    group = zarr.create_group(path)
    v = group.create_array("v", shape=shape, chunks=chunk, dtype="f4", dimension_names=("time", "lat", "lon"))
    for start in range(0, written, 50):
        stop = min(start + 50, written)
        v[start:stop] = np.random.default_rng(start).random((stop - start, *shape[1:]), dtype="f4").round(3)
    steps = (1.0, 0.05, 0.05) if shape[1] > 50 else (1.0, 0.5, 0.5)
    for name, count, step, units in zip(
        ("time", "lat", "lon"), shape, steps, ("hours since 2000-01-01", "degrees_north", "degrees_east"), strict=True
    ):
        axis = group.create_array(
            name, shape=(count,), dtype="f8", dimension_names=(name,), attributes={"units": units}
        )
        axis[:] = np.arange(count) * step
    return path


TABLES: dict[str, Callable[[Path], None]] = {
    "points": points,
    "chunks": chunks,
    "size": size,
    "datasets": datasets,
    "clients": clients,
    "schedulers": schedulers,
    "stack": stack,
}


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    sys.exit(main())
