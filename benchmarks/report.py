"""Results as a document: ratios and verdicts first, then what they are made of."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence

from benchmarks.results import ROUNDS, Latency, ObjectStore, Rate, Results, Row, percentile
from benchmarks.verdicts import MAX_ROUND_TRIPS, MAX_RSS_BYTES, NOISE_CORES, OURS, all_verdicts, verdict
from benchmarks.workloads import LIMIT, STOCK, TUTORIAL, WORKLOADS, XPUBLISH, Workload

OTHERS = (TUTORIAL, STOCK, XPUBLISH, LIMIT)
_METHOD = f"""
Every system serves the same stores with two workers (the tutorials' service: a dask worker of two threads), on the same
cores, which the clients share. All is measured in {ROUNDS} rounds, each through all questions below (those that are cold come
first, by themselves); in each the systems take turns, and each is idle before the next is asked. Questions are the same for
all, and new each time: cells and times drawn by a seeded generator. The first answers of each system, one of each turn, and
every fiftieth under load are compared with the array, read by xarray. Times are those of one raw socket, kept open; under load
two processes keep the connections busy, and a window ends when all that was asked is answered; each window has questions of
its own, which only the limit is quick enough to come to the end of. *Cold*: the files of the store are not in the page cache;
in chunks of series each question is in a chunk that was not asked for before, in chunks of maps all are in the same two
thousand. The *limit* knows the layout of the stores, does nothing but read, decode whole chunks, gather and print, and is
asked in the least words; zarr-edr is faster than it where it decodes less than whole chunks, or has kept them.

The tutorials' service has no choice of times; where a single time is asked for, its whole series is taken (*). Stock pygeoapi
is asked point by point, since it answers a MULTIPOINT with the whole grid. Ratios are answers per second of ours by those of
the other, or times of the other by those of ours, the median of the rounds: more is better. A target is met where that median
reaches it. It is near where a round found otherwise, or where the median is within a tenth of it (a fifth where other programs
used more than {NOISE_CORES} cores): two runs differ by as much.
"""


def document(results: Results) -> str:
    """The whole of it, in Markdown."""
    parts = [
        "# Results",
        "Written by `make bench`.",
        _list(results.machine),
        *_table(
            "How many times faster",
            _METHOD,
            ["question", "store", "measured", *OTHERS, "foreign load"],
            _ratios(results),
        ),
        *_objects(results.objects),
        *_memory(results),
        *_table(
            "Times of single answers",
            "Median / 95th percentile in ms (number), one client.",
            ["question", "store", OURS, *OTHERS],
            _times(results),
        ),
        *_table(
            "Answers per second",
            "Median of the windows (answers in all, of which so many were compared with the array).",
            ["question", "store", "clients", OURS, *OTHERS],
            _rates(results),
        ),
        *_table("Size of an answer", "Bytes, of one question.", ["question", "store", OURS, *OTHERS], _sizes(results)),
        *_failures(results),
        *results.notes,
    ]
    return "\n\n".join(parts) + "\n"


def summary(results: Results) -> str:
    """What was met and what was not, a line each for the latter."""
    ratios, others = all_verdicts(results), _others(results)
    missed = [f"  {name}: {found} against {system}" for name, system, found in ratios if not found.met]
    missed += [f"  {name}: MISSED" for name, met in others if not met]
    near = [f"  {name}: {found} against {system}" for name, system, found in ratios if found.met and found.is_near]
    lines = missed + near
    met = len(ratios) + len(others) - len(missed)
    missing = targets() - len(ratios) - len(others)
    lines += [f"  {missing} were not measured"] if missing else []
    return "\n".join([f"{met} of {targets()} targets are met, {len(near)} of these near;", *lines])


def _others(results: Results) -> list[tuple[str, bool]]:
    """What has targets beside the ratios, and whether they are met."""
    found = [("memory of a worker", one.largest < MAX_RSS_BYTES) for one in results.memory if one.system == OURS]
    if results.objects is not None:
        trips = statistics.median(results.objects.point_ms) / results.objects.round_trip_ms
        found.append(("a cold point from an object store, in round trips", trips <= MAX_ROUND_TRIPS))
        few = max(results.objects.chunk_reads) == 1 and not results.objects.other_reads
        found.append(("a cold point from an object store, in requests", few))
    return found


def targets() -> int:
    """How many targets a whole run has."""
    return sum(len(w.stores) * len(w.clients or (None,)) * len(w.targets) for w in WORKLOADS) + 3


def _list(found: dict[str, str]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in found.items())


def _table(title: str, about: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A section, or nothing where there are no rows."""
    body = list(rows)
    lines = [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *body)]
    return [f"## {title}", about.strip(), "\n".join(lines)] if body else []


def _measured(results: Results) -> Iterator[tuple[Workload, Row]]:
    for workload in WORKLOADS:
        for store in workload.stores:
            row = results.row(workload.name, store)
            if row is not None:
                yield workload, row


def _ratios(results: Results) -> Iterator[list[str]]:
    for workload, row in _measured(results):
        for clients in (*workload.clients, None):
            how = "time of an answer" if clients is None else f"answers/s, {clients} clients"
            cells = [verdict(results, workload, row.store, system, clients) for system in OTHERS]
            yield [workload.name, row.store, how, *(str(c) if c else "-" for c in cells), f"{row.foreign:.2f}"]


def _times(results: Results) -> Iterator[list[str]]:
    for workload, row in _measured(results):
        yield [workload.name, row.store, *(_time(row.latency(system)) for system in (OURS, *OTHERS))]


def _time(latency: Latency | None) -> str:
    if latency is None:
        return "-"
    many = f", {latency.requests} requests" if latency.requests > 1 else ""
    return f"{_digits(latency.median)} / {_digits(latency.p95)} ({len(latency.ms)}{many})"


def _rates(results: Results) -> Iterator[list[str]]:
    for workload, row in _measured(results):
        for clients in workload.clients:
            rates = (row.rate(system, clients) for system in (OURS, *OTHERS))
            yield [workload.name, row.store, str(clients), *map(_rate, rates)]


def _rate(rate: Rate | None) -> str:
    return "-" if rate is None else f"{_digits(rate.median)} ({rate.answers:,}, {rate.checked})"


def _sizes(results: Results) -> Iterator[list[str]]:
    for workload, row in _measured(results):
        found = (row.latency(system) for system in (OURS, *OTHERS))
        yield [workload.name, row.store, *("-" if one is None else f"{one.size:,}" for one in found)]


def _objects(found: ObjectStore | None) -> list[str]:
    if found is None:
        return []
    point, trips = statistics.median(found.point_ms), statistics.median(found.point_ms) / found.round_trip_ms
    reads = max(found.chunk_reads)
    good = "met" if trips <= MAX_ROUND_TRIPS else "MISSED"
    few = "met" if (reads, found.other_reads) == (1, 0) else "MISSED"
    number, p95 = len(found.point_ms), percentile(found.point_ms, 95)
    lines = [
        f"- One cold point, whole series, by {found.scheme}: {point:.1f} ms, p95 {p95:.1f} (n={number}). A thin client's request",
        f"  for the same chunk takes {found.round_trip_ms:.1f} ms: {trips:.2f} of it ({good}: at most {MAX_ROUND_TRIPS}).",
        f"- Requests for it: {reads} for chunks at most, {found.other_reads} for anything else over all ({few}: 1 and 0).",
        f"- 100 cold points, whole series, {found.many_chunks} chunks: {statistics.median(found.many_ms):.0f} ms"
        f" (n={len(found.many_ms)}).",
        f"- Foreign load: {found.foreign:.2f} cores.",
    ]
    return [f"## From an object store that answers after {found.latency_ms:g} ms", "\n".join(lines)]


def _memory(results: Results) -> list[str]:
    if not results.memory:
        return []
    rows = [[one.system, f"{one.largest / 1e6:.0f}", f"{one.total / 1e6:.0f}"] for one in results.memory]
    ours = next((one.largest for one in results.memory if one.system == OURS), 0)
    word = "met" if ours < MAX_RSS_BYTES else "MISSED"
    most = f"{MAX_RSS_BYTES / 1e6:.0f} for a worker, its cache included"
    about = f"Resident MB of the largest process, and of all together ({word} for ours: {most})."
    return _table("Memory after all of it", about, ["system", "largest", "all"], rows)


def _failures(results: Results) -> list[str]:
    found = [f"- {failure}" for row in results.rows for failure in row.failures]
    return ["## Failures", "\n".join(found)] if found else []


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
