"""The processor, as pygeoapi's managers run it: inputs are checked here, and the engine answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson
from pygeoapi.config import get_config
from pygeoapi.process.base import BaseProcessor, ProcessorExecuteError

from zarr_edr.dataset.catalog import Catalog
from zarr_edr.encode import encoders_of
from zarr_edr.encode.protocol import Encoder, PartsEncoder
from zarr_edr.engine import pieces
from zarr_edr.errors import ConfigurationError, EdrError, QueryTooLarge, ResponseTooLarge
from zarr_edr.extract.description import describe
from zarr_edr.extract.inputs import Asked, Known, read_inputs
from zarr_edr.extract.tables import Tables
from zarr_edr.limits import Deadline, Limits
from zarr_edr.plan import ReadPlan
from zarr_edr.planner import plan
from zarr_edr.settings import numbers

PROCESSOR = "zarr_edr.extract.ExtractPointsProcessor"
"""Name of the processor in a pygeoapi configuration."""

JOB_LIMITS = Limits(
    points=1_000_000,
    cells=1_000_000_000,
    coverages=1_000_000,
    decoded_bytes=1024**4,
    chunks=1_000_000,
    body_bytes=32 * 1024**2,
    inflated_bytes=128 * 1024**2,
    seconds=3600.0,
)
"""Defaults of `processor.limits`, which hold for jobs. Other executions have the limits of the collection."""

WHOLE_CELLS = 20_000_000
"""Default of `processor.whole_cells`: values of a job in a format that is written as a whole, and so from memory."""

_KEYS = ("name", "limits", "whole_cells")
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class _Whole:
    whole_cells: int = WHOLE_CELLS


class ExecuteError(ProcessorExecuteError):  # type: ignore[misc]  # pygeoapi is not typed
    """An `EdrError` as pygeoapi's own process API shows it: with its status, its code and its sentence."""

    def __init__(self, error: EdrError) -> None:
        super().__init__(error.message, user_msg=error.message)
        self.http_status_code = HTTPStatus(error.status)
        self.ogc_exception_code = str(error.kind)


Inputs = tuple[object, object]
"""The inputs and the outputs of an execution: values of JSON."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What an extraction was read from."""

    inputs: Inputs
    read: Callable[[Inputs], Extraction]
    """Reads it again."""


@dataclass(frozen=True, slots=True, eq=False)
class Extraction:
    """A checked execution, ready to be run."""

    asked: Asked
    source: Source | None = None
    """None: it cannot be read again."""

    @property
    def media_type(self) -> str:
        """Of the result."""
        return self.asked.media_type

    @property
    def file_name(self) -> str | None:
        """For browsers to save the result under; None: they show it."""
        extension = self.asked.encoder.extension
        return None if extension is None else f"{self.asked.collection.id}-points.{extension}"

    @property
    def seconds(self) -> float:
        """That it may take."""
        return self.asked.collection.settings.limits.seconds

    def pieces(
        self, deadline: Deadline, spill: Path | None = None, progress: Callable[[float], None] | None = None
    ) -> Generator[bytes]:
        """The result in pieces, which are made as they are taken; none where there are no data. See `engine.pieces`."""
        of = self.asked
        made = pieces(of.query, of.collection, of.encoder, deadline=deadline, spill=spill, progress=progress)
        yield from made or ()

    def parked(self, path: Path) -> Extraction | Parked:
        """The same with its inputs in a new file, and not in memory, until its pieces are asked for."""
        if self.source is None:
            return self
        path.write_bytes(orjson.dumps(self.source.inputs))
        return Parked(self.media_type, self.file_name, self.seconds, path, self.source.read)


@dataclass(frozen=True, slots=True)
class Parked:
    """An execution that was checked, and waits."""

    media_type: str
    file_name: str | None
    seconds: float
    path: Path
    """Of its inputs."""
    read: Callable[[Inputs], Extraction]

    def pieces(
        self, deadline: Deadline, spill: Path | None = None, progress: Callable[[float], None] | None = None
    ) -> Generator[bytes]:
        """As of `Extraction`; also raises what its `prepare` does, where a table is not kept any more."""
        yield from self._read().pieces(deadline, spill, progress)

    def _read(self) -> Extraction:
        inputs, outputs = orjson.loads(self.path.read_bytes())
        self.path.unlink()
        return self.read((inputs, outputs))

    def parked(self, path: Path) -> Parked:
        """Itself: its inputs are in a file already."""
        del path
        return self


class ExtractPointsProcessor(BaseProcessor):  # type: ignore[misc]  # pygeoapi is not typed
    """The process `extract-points`."""

    def __init__(self, processor_def: Mapping[str, Any]) -> None:
        """Read the processor block. Raises `ConfigurationError`."""
        self.limits, self.whole_cells = job_limits(processor_def), whole_cells(processor_def)
        self.tables: Tables | None = None
        """Where posted tables are; set by a manager that keeps some."""
        super().__init__(dict(processor_def), {})
        self.supports_outputs = True
        self.metadata = self._described()

    def keep_tables(self, tables: Tables) -> None:
        """Let inputs refer to posted tables."""
        self.tables = tables
        self.metadata = self._described()

    def _described(self) -> dict[str, Any]:
        catalog, listed = served()
        return describe(catalog.collections, listed, self.limits, tables=self.tables is not None)

    def prepare(self, data: object, outputs: object = None, *, job: bool = False) -> Extraction:
        """Check an execution, as a job or to be answered at once; nothing is read by then.

        Raises `InvalidQuery` and its kinds, and `ResponseTooLarge`.
        """
        if job:
            return self._job(data, outputs)
        try:
            extraction = self._read(None, (data, outputs))
            _planned(extraction)
        except (ResponseTooLarge, QueryTooLarge) as error:
            raise type(error)(
                f"{error.message} Or send the header `Prefer: respond-async`: a job may ask for {self.limits.points:,} points"
                f" and {self.limits.cells:,} values ({self.whole_cells:,} in a format that is written as a whole)."
            ) from error
        return extraction

    def _job(self, data: object, outputs: object) -> Extraction:
        read = partial(self._read, self.limits)
        extraction = read((data, outputs))
        self._check_whole(_planned(extraction), extraction.asked.encoder)
        return replace(extraction, source=Source((data, outputs), read))

    def _read(self, limits: Limits | None, inputs: Inputs) -> Extraction:
        catalog, listed = served()
        return Extraction(read_inputs(*inputs, Known(catalog.collections, listed, self.tables), limits))

    def _check_whole(self, planned: ReadPlan, encoder: Encoder) -> None:
        if isinstance(encoder, PartsEncoder) or planned.cells <= self.whole_cells:
            return
        others = ", ".join(e.name for e in encoders_of("position") if isinstance(e, PartsEncoder))
        raise ResponseTooLarge(
            f"This query would return {planned.cells:,} values as {encoder.name}, which is written as a whole;"
            f" {self.whole_cells:,} are allowed in such a format (processor.whole_cells). Ask for fewer, or for one of the"
            f" formats without this limit: {others}."
        )

    def execute(self, data: object, outputs: object = None) -> tuple[str, Any]:
        """The media type and the whole result, as pygeoapi's own managers want them. Raises `ExecuteError`."""
        try:
            work = self.prepare(data, outputs)
            body = b"".join(work.pieces(Deadline.after(work.seconds)))
        except EdrError as error:
            raise ExecuteError(error) from error
        return work.media_type, orjson.loads(body) if work.media_type == _JSON and body else body

    def __repr__(self) -> str:
        return f"<ExtractPointsProcessor> {self.name}"


def job_limits(processor_def: Mapping[str, Any]) -> Limits:
    """The limits of a processor block. Raises `ConfigurationError`."""
    unknown = next((key for key in processor_def if key not in _KEYS), None)
    if unknown is not None:
        raise ConfigurationError(f"`processor.{unknown}` is not a setting; allowed are {', '.join(_KEYS)}.")
    return numbers("processor.limits", processor_def.get("limits") or {}, JOB_LIMITS)


def whole_cells(processor_def: Mapping[str, Any]) -> int:
    """The setting of that name. Raises `ConfigurationError`."""
    given = {key: value for key, value in processor_def.items() if key == "whole_cells"}
    return numbers("processor", given, _Whole()).whole_cells


def _planned(extraction: Extraction) -> ReadPlan:
    """The plan, which is within the limits. It is made while a client waits. Raises `EdrError`."""
    asked = extraction.asked
    planned = plan(asked.query, asked.collection, Deadline.after(asked.check_seconds))
    planned.admit(asked.collection.settings.limits)
    return planned


def served() -> tuple[Catalog, tuple[str, ...]]:
    """The collections of the configuration that pygeoapi runs with, and the ids of those that are listed."""
    return _served(os.environ.get("PYGEOAPI_CONFIG", ""))


@lru_cache(maxsize=4)
def _served(path: str) -> tuple[Catalog, tuple[str, ...]]:
    """Of the configuration at `path`: pygeoapi makes a new processor for each request, and reading YAML takes a while."""
    del path  # `get_config` finds it by itself
    resources = get_config()["resources"]
    catalog = Catalog.open(resources)
    return catalog, tuple(id_ for id_ in catalog.collections if resources[id_].get("visibility") != "hidden")
