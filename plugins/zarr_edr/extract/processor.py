"""The processor, as pygeoapi's managers run it: inputs are checked here, and the engine answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson
from pygeoapi.config import get_config
from pygeoapi.process.base import BaseProcessor, ProcessorExecuteError

from zarr_edr.dataset.catalog import Catalog
from zarr_edr.engine import pieces
from zarr_edr.errors import ConfigurationError, EdrError, QueryTooLarge, ResponseTooLarge
from zarr_edr.extract.description import describe
from zarr_edr.extract.inputs import Asked, Known, read_inputs
from zarr_edr.extract.tables import Tables
from zarr_edr.limits import Deadline, Limits
from zarr_edr.planner import plan
from zarr_edr.settings import numbers

PROCESSOR = "zarr_edr.extract.ExtractPointsProcessor"
"""Name of the processor in a pygeoapi configuration."""

JOB_LIMITS = Limits(
    points=1_000_000,
    cells=1_000_000_000,
    coverages=1_000_000,
    decoded_bytes=1024**4,
    chunks=10_000_000,
    body_bytes=32 * 1024**2,
    inflated_bytes=128 * 1024**2,
    seconds=3600.0,
)
"""Defaults of `processor.limits`, which hold for jobs. Other executions have the limits of the collection."""

_KEYS = ("name", "limits")
_JSON = "application/json"


class ExecuteError(ProcessorExecuteError):  # type: ignore[misc]  # pygeoapi is not typed
    """An `EdrError` as pygeoapi's own process API shows it: with its status, its code and its sentence."""

    def __init__(self, error: EdrError) -> None:
        super().__init__(error.message, user_msg=error.message)
        self.http_status_code = HTTPStatus(error.status)
        self.ogc_exception_code = str(error.kind)


@dataclass(frozen=True, slots=True, eq=False)
class Extraction:
    """A checked execution, ready to be run."""

    asked: Asked

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


class ExtractPointsProcessor(BaseProcessor):  # type: ignore[misc]  # pygeoapi is not typed
    """The process `extract-points`."""

    def __init__(self, processor_def: Mapping[str, Any]) -> None:
        """Read the processor block. Raises `ConfigurationError`."""
        self.limits = job_limits(processor_def)
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
        catalog, listed = served()
        known = Known(catalog.collections, listed, self.tables)
        if job:
            return self._prepared(data, outputs, known, self.limits)
        try:
            return self._prepared(data, outputs, known, None)
        except (ResponseTooLarge, QueryTooLarge) as error:
            raise type(error)(
                f"{error.message} Or send the header `Prefer: respond-async`: a job may ask for {self.limits.points:,} points"
                f" and {self.limits.cells:,} values."
            ) from error

    def _prepared(self, data: object, outputs: object, known: Known, limits: Limits | None) -> Extraction:
        asked = read_inputs(data, outputs, known, limits)
        allowed = asked.collection.settings.limits
        plan(asked.query, asked.collection, Deadline.after(allowed.seconds)).admit(allowed)
        return Extraction(asked)

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
