"""`make bench`: ours, stock pygeoapi, xpublish-edr, the tutorials' service and the limit, in one run on one machine.

Writes `benchmarks/RESULTS.md` and the picture of the README; with `--only` it prints them instead. Stores and the peers'
environments are made once and kept in the cache, which `make bench-clean` removes.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from benchmarks import cache, machine, objects, picture, report, size, stores
from benchmarks.load import Clients
from benchmarks.measure import Bench, Measurement
from benchmarks.processes import ROOT
from benchmarks.questions import Grid
from benchmarks.results import ROUNDS, Memory, Results, Row
from benchmarks.systems import peers
from benchmarks.systems.base import System
from benchmarks.systems.limit import Limit
from benchmarks.systems.ours import Ours
from benchmarks.systems.stock import Stock
from benchmarks.systems.tutorial import Tutorial
from benchmarks.systems.xpublish_edr import Xpublish
from benchmarks.workloads import WORKLOADS, Workload

SYSTEMS: tuple[System, ...] = (Ours(), Tutorial(), Stock(), Xpublish(), Limit())
OBJECTS = "object-store"


def main() -> int:
    """Measure, and write what came of it; 1 where an answer was wrong or missing."""
    options = _options()
    if options.rewrite:
        return rewrite()
    signal.signal(signal.SIGTERM, _stop)
    try:
        results = run(options)
    except cache.NoRoom as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; nothing was written.", file=sys.stderr)
        return 130
    write(results, whole=not (options.only or options.systems))
    return 1 if any(row.failures for row in results.rows) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure ours beside its peers and the limit.")
    names = ", ".join([workload.key for workload in WORKLOADS] + [OBJECTS])
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help=f"such workloads alone: {names}")
    parser.add_argument("--systems", default="", metavar="A,B", help="such systems alone, e.g. zarr-edr,limit")
    parser.add_argument("--seconds", type=float, default=2.5, help="shortest window, and time for latencies (2.5)")
    parser.add_argument("--small", action="store_true", help="small stores: to try the benchmark, not to measure")
    parser.add_argument(
        "--rewrite", action="store_true", help="measure nothing: write the last whole run's results again"
    )
    options = parser.parse_args()
    unknown = set(options.only) - {workload.key for workload in WORKLOADS} - {OBJECTS}
    if unknown:
        parser.error(f"--only {', '.join(sorted(unknown))}: there are {names}")
    wanted = {name for name in options.systems.split(",") if name}
    if unknown := wanted - {system.name for system in SYSTEMS}:
        parser.error(f"--systems {', '.join(sorted(unknown))}: there are {', '.join(s.name for s in SYSTEMS)}")
    return options


def _stop(number: int, frame: FrameType | None) -> None:
    """End as with Ctrl-C, so that the servers are ended, too."""
    raise KeyboardInterrupt


def run(options: argparse.Namespace) -> Results:
    """All that is asked for. Raises `cache.NoRoom`."""
    field = stores.SMALL if options.small else stores.FULL
    found = stores.generated(field)
    if (air := stores.air()) is None:
        print("air.zarr is not at hand (../shared/data): its rows are left out.", flush=True)
    else:
        found["air"] = air
    wanted = {name for name in options.systems.split(",") if name}
    systems = [system for system in SYSTEMS if not wanted or system.name in wanted]
    versions = _peers(systems)
    rows: list[Row] = []
    measured = None
    with tempfile.TemporaryDirectory(prefix="zarr-edr-bench-") as temporary:
        folder = Path(temporary)
        grids = {name: Grid.of(store, None if name == "air" else found["points"].path) for name, store in found.items()}
        chosen = [w for w in WORKLOADS if not options.only or w.key in options.only]
        memory: tuple[Memory, ...] = ()
        if chosen:
            rows, memory = _rows(chosen, systems, grids, folder, options.seconds)
        if not options.only or OBJECTS in options.only:
            print(f"{OBJECTS} ...", flush=True)
            measured = objects.measure(grids["points"], folder)
        notes = () if options.only else (size_note(folder),)
    described = machine.describe(versions) | {f"store `{n}`": s.title for n, s in found.items()}
    return Results(described, tuple(rows), memory, measured, notes)


def size_note(folder: Path) -> str:
    """What the number of chunks costs."""
    small, large = size.measure(folder)
    starts, points = (f"{small.start_s:.2f} and {large.start_s:.2f}", f"{small.point_ms:.2f} and {large.point_ms:.2f}")
    return (
        f"A store of {small.chunks:,} chunks and one of {large.chunks:,}: {starts} s from the start to the first answer, "
        f"{points} ms for one point."
    )


def _peers(systems: list[System]) -> dict[str, str]:
    """Versions of what runs in environments of its own, which are made here."""
    packages: dict[str, tuple[str, ...]] = {
        "xpublish-edr": ("xpublish", "xpublish-edr", "xarray", "zarr", "dask", "uvicorn"),
        "limit": ("granian", "numcodecs", "numpy", "orjson"),
    }
    folders = {"xpublish-edr": "xpublish", "limit": "limit"}
    names = [system.name for system in systems if system.name in packages]
    return {name: peers.versions(peers.environment(folders[name]), *packages[name]) for name in names}


def _rows(
    chosen: list[Workload], systems: list[System], grids: dict[str, Grid], folder: Path, seconds: float
) -> tuple[list[Row], tuple[Memory, ...]]:
    with ExitStack() as started:
        every = [grid.store for grid in grids.values()]
        servers = {system.name: started.enter_context(system.serve(every, folder)) for system in systems}
        bench = Bench(systems, servers, started.enter_context(Clients()), seconds)
        made = [
            (workload, Measurement(bench, workload, grids[name]))
            for workload in chosen
            for name in workload.stores
            if name in grids
        ]
        # What is cold comes first, in one go: later its chunks were asked for before.
        for is_cold in (True, False):
            some = [one for workload, one in made if workload.cold is is_cold]
            for number in range(ROUNDS if some else 0):
                _round(some, number)
        rows = [measurement.row() for _, measurement in made]
        sizes = {name: server.resident_bytes() for name, server in servers.items()}
    return rows, tuple(Memory(name, found[0], sum(found)) for name, found in sizes.items())


def _round(measurements: Sequence[Measurement], number: int) -> None:
    """Measure all once."""
    print(f"round {number + 1} of {ROUNDS}", flush=True)
    for one in measurements:
        start = time.monotonic()
        one.round(number)
        print(line(one.row(), time.monotonic() - start), flush=True)


def line(row: Row, took_s: float) -> str:
    """A row, as far as it is there."""
    times = ", ".join(f"{one.system} {one.median:.4g}" for one in row.latencies)
    rates = "".join(f"; {rate.clients} clients {rate.system} {rate.median:.4g}/s" for rate in row.rates)
    failures = "".join(f"\n  FAILED {failure}" for failure in row.failures)
    return f"{row.workload}, {row.store}: ms {times}{rates}; foreign {row.foreign:.2f} ({took_s:.0f} s){failures}"


def write(results: Results, *, whole: bool) -> None:
    """Print what a part of a run found; of a whole one keep the numbers, and write the document and the picture."""
    if not whole:
        print(report.document(results))
        return
    cache.folder().mkdir(parents=True, exist_ok=True)
    _numbers().write_text(json.dumps(results.to_json()))
    (ROOT / "benchmarks/RESULTS.md").write_text(report.document(results))
    picture.draw(results, ROOT / "docs/images/speed.svg")
    print(report.summary(results))
    print("Written: benchmarks/RESULTS.md, docs/images/speed.svg")


def _numbers() -> Path:
    """Where the numbers of the last whole run are kept."""
    return cache.folder() / "results.json"


def rewrite() -> int:
    """Write the document and the picture of the last whole run."""
    if not _numbers().exists():
        print(f"There is no {_numbers()}: no whole run has ended here.", file=sys.stderr)
        return 1
    write(Results.from_json(json.loads(_numbers().read_text())), whole=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
