"""The one place where the steps meet: query -> plan -> read -> coverage -> bytes."""

from __future__ import annotations

from dataclasses import dataclass, field

from zarr_edr.coverage import CoverageSet, cover
from zarr_edr.dataset.model import Collection
from zarr_edr.encode.protocol import Encoder
from zarr_edr.limits import Deadline
from zarr_edr.plan import plan_position
from zarr_edr.query.model import Query
from zarr_edr.read import ReadStats, read
from zarr_edr.schedule import choose


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the client."""

    body: bytes | None
    """None: the query is valid, and there are no data for it (204)."""
    media_type: str
    stats: ReadStats = field(default_factory=ReadStats)
    cells: int = 0
    """Number of values in the body."""


def coverages_of(query: Query, collection: Collection, deadline: Deadline) -> tuple[CoverageSet | None, ReadStats, int]:
    """The answer before it is written: None where there are no data; what reading took; the number of values."""
    plan = plan_position(query, collection)
    if not plan.groups:
        return None, ReadStats(), 0
    plan.admit(collection.settings.limits)
    deadline.check()
    result = read(plan, choose(collection.settings.dask_scheduler, plan), deadline)
    return cover(plan, result.arrays, collection.crs), result.stats, plan.cells


def answer(query: Query, collection: Collection, encoder: Encoder, deadline: Deadline | None = None) -> Answer:
    """Answer a query. Raises `EdrError`; the kind says whose fault it is."""
    if deadline is None:
        deadline = Deadline.after(collection.settings.limits.seconds)
    coverages, stats, cells = coverages_of(query, collection, deadline)
    if coverages is None:
        return Answer(None, encoder.media_types[0], stats)
    deadline.check()
    return Answer(encoder.encode(coverages), encoder.media_types[0], stats, cells)
