"""The one place where the steps meet: query -> plan -> read -> coverage -> bytes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from zarr_edr.coverage import CoverageSet, Page, cover, in_crs
from zarr_edr.dataset.model import Collection
from zarr_edr.encode.protocol import Encoder
from zarr_edr.limits import Deadline
from zarr_edr.planner import plan
from zarr_edr.query.model import Query
from zarr_edr.read import ReadStats, read
from zarr_edr.schedule import choose


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the client."""

    body: bytes | None
    """None: the query is valid, and there are no data for it (204)."""
    stats: ReadStats = field(default_factory=ReadStats)
    cells: int = 0
    """Number of values in the body."""


def coverages_of(query: Query, collection: Collection, deadline: Deadline) -> tuple[CoverageSet | None, ReadStats, int]:
    """The answer before it is written: None where there are no data; what reading took; the number of values."""
    planned = plan(query, collection, deadline)
    if not planned.groups:
        return None, ReadStats(), 0
    planned.admit(collection.settings.limits)
    deadline.check()
    result = read(planned, choose(collection.settings.dask_scheduler, planned), deadline)
    coverages = in_crs(cover(planned, result.arrays, collection.crs, deadline), query.crs)
    return coverages, result.stats, planned.cells


def answer(
    query: Query,
    collection: Collection,
    encoder: Encoder,
    deadline: Deadline | None = None,
    endpoint: str = "",
    page: Page | None = None,
) -> Answer:
    """Answer a query. `endpoint` is its URL without parameters, `page` what is wanted of it.

    Raises `EdrError`; the kind says whose fault it is.
    """
    if deadline is None:
        deadline = Deadline.after(collection.settings.limits.seconds)
    coverages, stats, cells = coverages_of(query, collection, deadline)
    if coverages is None:
        return Answer(None, stats)
    deadline.check()
    coverages = replace(coverages, endpoint=endpoint, page=page, tags=query.tags)
    body = b"".join(encoder.encode(coverages))
    deadline.check()
    return Answer(body, stats, cells)
