"""What is measured, and what has to be reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

TUTORIAL, STOCK, XPUBLISH, LIMIT = "tutorial", "stock pygeoapi", "xpublish-edr", "limit"


@dataclass(frozen=True, slots=True)
class Workload:
    """A kind of question, asked of some stores."""

    name: str
    stores: tuple[str, ...]
    points: int = 1
    times: int | None = None
    """How many, one after the other; None is the whole series."""
    kind: Literal["position", "area", "cube"] = "position"
    clients: tuple[int, ...] = ()
    """Numbers of clients for requests per second; without any, only the time of single answers counts."""
    cold: bool = False
    """The store's files are not in the page cache, and no chunk was asked for before."""
    questions: int = 100
    targets: Mapping[str, float] = field(default_factory=dict)
    """System -> how many times faster ours must be; of the limit, at least this part of its speed."""
    borrow: str = ""
    """A workload of which the tutorials' service is measured in place of this one, which it cannot be asked."""

    @property
    def key(self) -> str:
        """For `--only`."""
        return self.name.replace(",", "").replace(" ", "-")


DISTINCT = 48_000
"""Questions of one point: more than any system answers in its windows, so that none is asked twice in a while."""
SERIES = "1 point, whole series"
COLD = f"{SERIES}, cold"

WORKLOADS = (
    Workload(COLD, ("points", "sharded"), cold=True),
    Workload(COLD, ("maps",), cold=True, targets={STOCK: 10, XPUBLISH: 10, LIMIT: 1 / 2}),
    Workload(
        "1 point, 1 time",
        ("air", "points"),
        times=1,
        clients=(8, 32),
        questions=DISTINCT,
        targets={TUTORIAL: 100, STOCK: 40, XPUBLISH: 40, LIMIT: 1 / 3},
        borrow=SERIES,
    ),
    Workload(
        SERIES,
        ("air", "points"),
        clients=(8, 32),
        questions=DISTINCT,
        targets={TUTORIAL: 150, STOCK: 40, XPUBLISH: 40, LIMIT: 1 / 3},
    ),
    Workload("1 point, whole series, warm", ("maps",)),
    Workload("100 points, 1 time", ("air", "points"), points=100, times=1),
    Workload(
        "100 points, whole series",
        ("air", "points"),
        points=100,
        targets={TUTORIAL: 60, STOCK: 100, XPUBLISH: 10, LIMIT: 1 / 2},
    ),
    Workload("10,000 points, 1 time", ("points",), points=10_000, times=1, targets={XPUBLISH: 10, LIMIT: 1 / 2}),
    Workload("10,000 points, 100 times", ("points",), points=10_000, times=100, targets={XPUBLISH: 12, LIMIT: 1 / 2}),
    Workload("100,000 points, 1 time", ("points",), points=100_000, times=1, targets={XPUBLISH: 60, LIMIT: 1 / 2}),
    Workload("area, 10 x 10 cells, 100 times", ("points",), points=10, times=100, kind="area"),
    Workload("cube, 10 x 10 cells, 100 times", ("points",), points=10, times=100, kind="cube"),
)
