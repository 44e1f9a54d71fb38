"""What all systems have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import orjson
from benchmarks.oracle import Cells
from benchmarks.processes import Server
from benchmarks.questions import Array, Question
from benchmarks.stores import Store

WORKERS = 2

type Decode = Callable[[bytes], Array]
"""The values of one answer: those of a position query point by point, those of a grid as (time, y, x)."""


class System(Protocol):
    """A service under test. Values of it go to other processes, so it holds nothing that is open."""

    @property
    def name(self) -> str:
        """What it is called in tables."""

    def serve(self, stores: Sequence[Store], folder: Path) -> AbstractContextManager[Server]:
        """Serve the stores with `WORKERS` workers; `folder` is for its files."""

    def can(self, question: Question) -> bool:
        """Whether it has an answer to such a question."""

    def requests(self, question: Question, port: int) -> tuple[bytes, ...]:
        """The question in its words: one request, or several whose answers make one."""

    @property
    def decode(self) -> Decode:
        """How to read one answer of it; a function, as it goes to other processes."""


def coverage_values(body: bytes) -> Array:
    """The values of a coverage of one parameter, place by place."""
    names, values, _ = _coverage(body)
    return (np.moveaxis(values, names.index("t"), -1) if "t" in names else values).ravel()


def coverage_cells(body: bytes) -> Cells:
    """The cells of a coverage of one parameter: a grid, or a list of places with coordinates of their own."""
    names, values, axes = _coverage(body)
    x, y = (_axis_values(axes[name]) for name in ("x", "y"))
    if "x" in names and "y" in names:
        values = values.transpose([names.index(name) for name in ("t", "y", "x")])
        x, y = (part.ravel() for part in np.meshgrid(x, y))
        return Cells(x, y, values.reshape(len(values), -1))
    return Cells(x, y, np.moveaxis(values, names.index("t"), 0))


def _coverage(body: bytes) -> tuple[list[str], Array, dict[str, Any]]:
    """Names of the axes of its values, the values, and the axes."""
    found = orjson.loads(body)
    (range_,) = (value for name, value in found["ranges"].items() if name in {"air", "t2m"})
    values = np.array(range_["values"], "f8").reshape(range_.get("shape", ()))
    return range_.get("axisNames", []), values, found["domain"]["axes"]


def _axis_values(axis: Mapping[str, Any]) -> Array:
    """The values of an axis, also of one that is described by its ends."""
    if "num" in axis:
        return np.linspace(axis["start"], axis["stop"], axis["num"])
    return np.array(axis["values"], "f8")


def pairs(points: Array, separator: str = " ") -> list[str]:
    """Each point as text."""
    return [f"{x}{separator}{y}" for x, y in points.tolist()]


def well_known(question: Question) -> str:
    """The points, or the ring, as WKT with `%20` for blanks."""
    found = pairs(question.points, "%20")
    if question.kind == "area":
        return f"POLYGON(({','.join(found)}))"
    return f"POINT({found[0]})" if len(found) == 1 else f"MULTIPOINT({','.join(f'({p})' for p in found)})"


def where(question: Question) -> str:
    """Type and place of a query of EDR, to which the time is to be added."""
    if question.kind == "cube":
        return f"cube?bbox={','.join(str(v) for v in question.points.ravel().tolist())}"
    return f"{question.kind}?coords={well_known(question)}"
