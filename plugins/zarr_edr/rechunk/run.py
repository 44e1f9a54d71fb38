"""Rechunking as a whole: what will be done is told first, then done region by region, and can be interrupted at any moment.

Until all is done it lives in a folder of its own, DST.part: DST is never half a store.
"""

from __future__ import annotations

import errno
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import filelock
import zarr
from zarr.storage import LocalStore

from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.chunks import ChunkedArray
from zarr_edr.dataset.model import Collection, Parameter
from zarr_edr.dataset.source import display_name, open_group
from zarr_edr.errors import ChunkCorrupt, ConfigurationError, StoreUnavailable
from zarr_edr.rechunk.copying import read_region, settle_region, verify_region, write_region
from zarr_edr.rechunk.journal import Entry, Journal, state_of
from zarr_edr.rechunk.regions import Pass, Region, plan_passes
from zarr_edr.rechunk.shapes import Axes, Kind, Shape, chunks_for
from zarr_edr.rechunk.stores import finish, make_intermediate, make_store
from zarr_edr.settings import CollectionSettings, MissingChunks

LEAST_MEMORY = 64 * 1024**2
"""Bytes; with less, shards would be no larger than chunks."""
_REMOTE_COST = 4.0
"""What it takes to read a byte of a remote store, beside one of a local disk."""
_STEPS = 2
"""Of a region that are told as progress: read, and written and compared."""
_JOURNAL = "journal.jsonl"
_VERSION = 1
"""Of the plan: a run that was begun by another one does not go on."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to make of which store."""

    source: str
    """Path or URL."""
    target: Path
    """A folder that does not exist yet; for one kind it becomes the store, for several it holds one for each."""
    kinds: tuple[Kind, ...]
    memory: int = 1024**3
    """Bytes for values, beside what the program itself takes."""
    verify: bool = True
    """Whether to read back what was written."""
    storage: Mapping[str, Any] = field(default_factory=dict)
    """fsspec options of a remote source."""


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """One array of one layout."""

    kind: Kind
    name: str
    source: ChunkedArray
    passes: tuple[Pass, ...]

    @property
    def nbytes(self) -> int:
        """Of the array, decoded."""
        return math.prod(self.source.shape) * self.source.dtype.itemsize

    def entry(self, number: int, region: int) -> Entry:
        """In the journal."""
        return (self.kind.value, self.name, number, region)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was made."""

    stores: tuple[Path, ...]
    absent: int
    """Chunks of the source that were not there."""
    left_out: tuple[str, ...]
    """Arrays that were not copied, since they are large and no parameters."""


class Task:
    """A rechunking, planned."""

    def __init__(self, options: Options, group: zarr.Group, works: tuple[Work, ...]) -> None:
        self.options, self.works = options, works
        self._group = group
        target = Path(os.path.abspath(options.target))
        self._target, self._part = target, target.with_name(f"{target.name}.part")

    @property
    def total_bytes(self) -> int:
        """What `progress` will be told, in all."""
        return sum(_STEPS * work.nbytes * len(work.passes) for work in self.works)

    @property
    def resumes(self) -> bool:
        """Whether an earlier run was interrupted, where this one goes on."""
        return (self._part / _JOURNAL).exists()

    def summary(self) -> Iterator[str]:
        """What will be done: a line for each array of each layout."""
        for work in self.works:
            last = work.passes[-1]
            size = _size(math.prod(last.chunks) * work.source.dtype.itemsize)
            shards = math.prod(-(-n // shard) for n, shard in zip(last.shape, last.shards, strict=True))
            chunks = f"chunks {_times(last.chunks)} ({size}) in {_counted(shards, 'file')}"
            line = f"{work.kind}: {work.name}, {_size(work.nbytes)}: {chunks}; "
            if len(work.passes) == 1:
                yield f"{line}each chunk of the source is read {_often(last.times)}"
            else:
                yield (
                    f"{line}each chunk of the source is read once, into an intermediate store of up to {_size(work.nbytes)},"
                    f" and each chunk of that {_often(last.times)}"
                )

    def run(self, progress: Callable[[int], None]) -> Outcome:
        """Do it, or what is left of it. `progress` is told the bytes that are done beside those told before.

        Raises `ConfigurationError` where another process does it already or `DST.part` is of something else, `StoreError` where
        the source cannot be read, the target cannot be written or does not read back as it was written. All but the region that
        failed is kept, then as after an interruption.
        """
        self._make_part()
        lock = filelock.FileLock(self._part / "lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise ConfigurationError(f"{self._part} is being written by another process.") from error
        try:
            return self._run(progress)
        except OSError as error:  # of writing: what reading raises is a `StoreError` by now
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            reason = "there is no space left on the disk" if full else error.strerror or type(error).__name__
            raise StoreUnavailable(f"{self._part} could not be written: {reason}.") from error
        finally:
            lock.release()

    def _make_part(self) -> None:
        try:
            self._part.mkdir(exist_ok=True)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ConfigurationError(f"The folder {self._part} cannot be made: {reason}.") from error

    def _run(self, progress: Callable[[int], None]) -> Outcome:
        journal = Journal(self._part / _JOURNAL, self._header())
        left_out = {name: None for kind in self._kinds() for name in self._made(kind, journal)}
        for number, work in enumerate(self.works):
            self._copy(work, self._part / "intermediate" / str(number), journal, progress)
        for kind in self._kinds():
            finish(self._store(kind))
        (self._part / "stores").rename(self._target)
        absent = sum(journal.done[entry] for entry in journal.done if entry[1] and entry[2] == 0)
        shutil.rmtree(self._part)
        stores = tuple(self._target / self._name(kind) for kind in self._kinds())
        return Outcome(stores, absent, tuple(left_out))

    def _header(self) -> dict[str, str | int]:
        options = self.options
        return {
            "version": _VERSION,
            "SRC": display_name(options.source),
            "--for": " and ".join(self._kinds()),
            "--memory": options.memory,
            "--no-verify": "off" if options.verify else "on",
            **state_of(self._group),
        }

    def _kinds(self) -> tuple[Kind, ...]:
        return self.options.kinds

    def _name(self, kind: Kind) -> str:
        """Of the store of a kind within the target; empty where it is the target."""
        return f"{kind}.zarr" if len(self._kinds()) > 1 else ""

    def _store(self, kind: Kind) -> Path:
        return self._part / "stores" / self._name(kind)

    def _made(self, kind: Kind, journal: Journal) -> list[str]:
        """Make the store of a kind, unless it is there; returns what was left out of it, if it was made now."""
        entry: Entry = (kind.value, "", 0, 0)
        if entry in journal.done:
            self._check_there(self._store(kind))
            return []
        arrays = {work.name: (work.source, work.passes[-1]) for work in self.works if work.kind is kind}
        name = display_name(self.options.source)
        left_out = make_store(self._store(kind), self._group, arrays, self.options.memory // 4, name)
        journal.add(entry, 0)
        return left_out

    def _check_there(self, path: Path) -> None:
        """Raise `ConfigurationError` where the files of regions that are done are gone: their cells would become fill values."""
        if not path.exists():
            raise ConfigurationError(
                f"{path} is gone, without which this run cannot go on; remove {self._part} to start anew."
            )

    def _copy(self, work: Work, intermediate: Path, journal: Journal, progress: Callable[[int], None]) -> None:
        """All passes of an array; those regions that are done already are only told."""
        source = work.source
        last = len(work.passes) - 1
        done = all(work.entry(last, region) in journal.done for region in range(math.prod(work.passes[-1].counts)))
        for number, one in enumerate(work.passes):
            if done:
                progress(_STEPS * work.nbytes)
                continue
            if number == last:
                target = zarr.open_group(self._store(work.kind), mode="r+", use_consolidated=False)[work.name]
            elif work.entry(number, 0) in journal.done:
                self._check_there(intermediate)
                target = zarr.open_group(intermediate, mode="r+")["v"]
            else:
                target = make_intermediate(intermediate, work.source, one)
            assert isinstance(target, zarr.Array)  # noqa: S101 - made as one
            self._pass(work, number, source, target, journal, progress)
            source = ChunkedArray(target, MissingChunks.ERROR)
        shutil.rmtree(intermediate, ignore_errors=True)

    def _pass(
        self,
        work: Work,
        number: int,
        source: ChunkedArray,
        target: zarr.Array[Any],
        journal: Journal,
        progress: Callable[[int], None],
    ) -> None:
        one, written = work.passes[number], ChunkedArray(target, MissingChunks.FILL)
        for count, region in enumerate(one.regions()):
            step = math.prod(part.stop - part.start for part in region) * work.source.dtype.itemsize
            if work.entry(number, count) in journal.done:
                progress(_STEPS * step)
                continue
            try:
                absent = self._region(source, target, written, one, region, partial(progress, step))
            except ChunkCorrupt:
                journal.await_repair()
                raise
            journal.add(work.entry(number, count), absent)
            progress(step)

    def _region(
        self,
        source: ChunkedArray,
        target: zarr.Array[Any],
        written: ChunkedArray,
        one: Pass,
        region: Region,
        after_reading: Callable[[], None],
    ) -> int:
        """Copy a region; its values are let go of before those of the next are read. Returns how many chunks are absent."""
        held = read_region(source, region, self.options.memory // 4)
        after_reading()
        write_region(target, one.shards, region, held)
        if self.options.verify:
            verify_region(written, region, held)
        settle_region(target, one.shards, region)
        return held.absent


def prepare(options: Options) -> Task:
    """Open the source and plan. Raises `ConfigurationError` for what cannot be done, `StoreUnavailable`."""
    if options.memory < LEAST_MEMORY:
        raise ConfigurationError(f"`--memory` is {_size(options.memory)}; it must be {_size(LEAST_MEMORY)} or more.")
    _check_target(options)
    group = open_group(options.source, options.storage)
    settings = CollectionSettings(options.source, storage_options=options.storage, missing_chunks=MissingChunks.ERROR)
    collection = describe(group, "source", None, None, settings)
    cost = 1.0 if isinstance(group.store, LocalStore) else _REMOTE_COST
    works = [
        _work(kind, parameter, options.memory, cost)
        for kind in options.kinds
        for parameter in _largest_first(collection)
    ]
    return Task(options, group, tuple(works))


def _largest_first(collection: Collection) -> list[Parameter]:
    return sorted(collection.parameters.values(), key=lambda parameter: -math.prod(parameter.array.shape))


def _check_target(options: Options) -> None:
    target = options.target
    if "://" in str(target) or ":/" in str(target):
        raise ConfigurationError(f"DST is {str(target)[:60]!r}; a layout is written to a local folder only.")
    if target.exists() or target.is_symlink():
        raise ConfigurationError(f"{target} exists already; name a DST that does not, or remove it.")
    if not target.absolute().parent.is_dir():
        raise ConfigurationError(
            f"There is no folder {target.absolute().parent} to write {target.name} to; make it first."
        )
    source = Path(os.path.realpath(urlsplit(options.source).path if "://" in options.source else options.source))
    if source.is_dir() and Path(os.path.realpath(target)).is_relative_to(source):
        raise ConfigurationError(f"{target} is within the source; a layout is a store beside it.")


def _work(kind: Kind, parameter: Parameter, memory: int, source_cost: float) -> Work:
    array = parameter.array
    if array.chunk_bytes > memory // 4:
        raise ConfigurationError(
            f"A chunk of {parameter.name!r} has {_size(array.chunk_bytes)}, which needs `--memory` of "
            f"{_size(4 * array.chunk_bytes)} or more."
        )
    along = parameter.t or parameter.z
    axes = Axes(
        array.shape,
        tuple(parameter.dims.index(dim) for dim in parameter.grid.dims),
        None if along is None else parameter.dims.index(along.dim),
    )
    itemsize = array.dtype.itemsize
    chunks = chunks_for(kind, axes, itemsize)
    return Work(
        kind, parameter.name, array, plan_passes(array.shape, array.chunks, chunks, itemsize, memory, source_cost)
    )


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.3g} {unit}"
        count /= 1024
    return f"{count:.3g} TiB"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _often(times: float) -> str:
    return "once" if times == 1 else f"{times:.3g} times"


def _times(shape: Shape) -> str:
    return " x ".join(map(str, shape))
