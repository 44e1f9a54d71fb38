"""CoverageJSON for clients that read nothing but single points: each position is a coverage of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from zarr_edr.coverage import Axes, Coverage, CoverageSet, Range, Times, Tuples, axis_size, over_one_point
from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.errors import ResponseTooLarge
from zarr_edr.plan import PointShape

MAX_COVERAGES = 100_000
"""Each takes some 300 bytes beside its values."""


class CovJsonPointsEncoder:
    """A CoverageCollection of Point, PointSeries and VerticalProfile, whatever the query.

    Only what has both many times and many levels stays a Grid, of one by one cell. Cells outside of what was asked for have no
    coverage. Positions along a line have the time of their vertex.
    """

    name = "CoverageJSON-points"
    media_types = ("application/vnd.cov+json;profile=points",)
    aliases = frozenset({"coveragejson-points", "covjson-points", *media_types})
    extension = None
    queries = None

    def encode(self, coverages: CoverageSet) -> Iterable[bytes]:
        """The document as UTF-8. Raises `ResponseTooLarge` for more than `MAX_COVERAGES`."""
        self.admit(coverages)
        of_line = coverages.shape is PointShape.PATH
        points = tuple(p for coverage in coverages.coverages for p in _points(coverage, of_line=of_line))
        return CovJsonEncoder().encode(replace(coverages, coverages=points, single=False))

    def admit(self, coverages: CoverageSet) -> None:
        """See `ChoosyEncoder`."""
        count = sum(_positions(coverage) for coverage in coverages.coverages)
        if count > MAX_COVERAGES:
            raise ResponseTooLarge(
                f"CoverageJSON-points has a coverage for each position, and this answer has {count:,}, of {MAX_COVERAGES:,}"
                " allowed; ask for fewer, or for CoverageJSON, which takes far less space."
            )


def _positions(coverage: Coverage) -> int:
    names = ("composite",) if "composite" in coverage.axes else ("y", "x")
    return int(np.prod([axis_size(coverage.axes[name]) for name in names]))


def _points(coverage: Coverage, *, of_line: bool) -> Iterator[Coverage]:
    if "composite" in coverage.axes:
        yield from _of_tuples(coverage, of_line=of_line)
    elif _positions(coverage) > 1:
        yield from _of_cells(coverage)
    else:
        yield _point(coverage, dict(coverage.axes), coverage.ranges)


def _of_tuples(coverage: Coverage, *, of_line: bool) -> Iterator[Coverage]:
    composite = coverage.axes["composite"]
    assert isinstance(composite, Tuples)  # noqa: S101 - by its name
    for n in range(axis_size(composite)):
        here = slice(n, n + 1)
        axes: Axes = {**coverage.axes, "x": composite.x[here], "y": composite.y[here]}
        del axes["composite"]
        if composite.z is not None:
            axes["z"] = composite.z[here]
        if composite.t is not None:
            axes["t"] = Times(composite.t.axis, composite.t.index[here])
        ranges = {
            name: Range(
                tuple(a for a in r.axis_names if a != "composite"),
                r.values.take([n], r.axis_names.index("composite")),  # one number alone would lose its mask
            )
            for name, r in coverage.ranges.items()
        }
        yield _point(coverage if of_line else replace(coverage, place=coverage.place + n), axes, ranges)


def _of_cells(coverage: Coverage) -> Iterator[Coverage]:
    """`inside` of three dimensions, which differs from level to level, leaves its mark in the values alone."""
    inside = coverage.inside
    wanted = None if inside is None else inside.any(axis=0) if inside.ndim == 3 else inside
    x, y = coverage.axes["x"], coverage.axes["y"]
    assert isinstance(x, np.ndarray)  # noqa: S101 - by its name
    assert isinstance(y, np.ndarray)  # noqa: S101 - by its name
    for row in range(y.size):
        for column in range(x.size):
            if wanted is not None and not wanted[row, column]:
                continue
            axes: Axes = {**coverage.axes, "x": x[column : column + 1], "y": y[row : row + 1]}
            ranges = {
                name: Range(r.axis_names, r.values[..., row : row + 1, column : column + 1])
                for name, r in coverage.ranges.items()
            }
            yield _point(replace(coverage, inside=None), axes, ranges)


def _point(coverage: Coverage, axes: Axes, ranges: Mapping[str, Range]) -> Coverage:
    """A coverage of one position, under the domain type that browser clients know."""
    times, levels = (axis_size(axes[name]) if name in axes else 0 for name in ("t", "z"))
    domain_type, alone = over_one_point(times, levels, {name: r.values for name, r in ranges.items()})
    return replace(coverage, domain_type=domain_type, axes=axes, ranges=alone)
