"""A CoverageJSON document as tables: what each axis holds, and one row per place in the domain with the values there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Any

from zarr_edr.encode.tags import PLACE

MAX_ROWS = 1_000
"""Rows of values on a page, over all its tables."""
MAX_LISTED = 1_000
"""Values of an axis that are listed."""

_DOMAINS = {
    "Point": "values at one point",
    "PointSeries": "a time series at one point",
    "VerticalProfile": "a vertical profile at one point",
    "MultiPoint": "values at several points",
    "MultiPointSeries": "time series at several points",
    "Grid": "values on a grid",
    "Trajectory": "values along a path",
    "Section": "a vertical section along a path",
    "Polygon": "values for an area",
    "PolygonSeries": "a time series for an area",
    "MultiPolygon": "values for several areas",
    "MultiPolygonSeries": "time series for several areas",
}
_ORDER = ("t", "x", "y", "z")
_KNOWN = frozenset({"type", "domain", "ranges", "parameters", "domainType", "referencing"})


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of the document, or the axes of that name where its coverages have several."""

    name: str
    size: str
    """How many values, e.g. `54` or `1 to 3`."""
    first: Any
    last: Any
    listed: tuple[Any, ...]
    """The values, up to `MAX_LISTED`; none where the coverages differ."""
    hidden: int
    """How many more there are."""
    differs: bool


@dataclass(slots=True)
class Table:
    """Values of coverages whose axes have the same names and whose parameters are the same."""

    coordinates: tuple[str, ...]
    """Names of the columns that say where."""
    parameters: tuple[str, ...]
    """Names of the columns that say what."""
    constants: Mapping[str, Any] = field(default_factory=dict)
    """Coordinates that are the same in all rows, left out of the columns."""
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    total: int = 0
    """Rows there would be without a limit."""

    @property
    def values(self) -> int:
        """Values there would be without a limit."""
        return self.total * len(self.parameters)


@dataclass(frozen=True, slots=True)
class View:
    """What the page shows."""

    words: str
    coverages: int
    axes: tuple[Axis, ...]
    tables: tuple[Table, ...]
    parameters: Mapping[str, Any]
    referencing: tuple[Mapping[str, Any], ...]
    names: Mapping[str, str]
    """Coordinate -> what it is, with its unit."""
    shown: int
    total: int
    values: int
    """Of all parameters, without a limit."""


@dataclass(frozen=True, slots=True)
class _Part:
    """The ranges of one coverage that have the same axes."""

    columns: Mapping[str, Sequence[Any]]
    """Coordinate -> its values along its axis."""
    along: Mapping[str, int]
    """Coordinate -> which of the axes of the ranges it goes along; absent: it has one value."""
    shape: tuple[int, ...]
    values: Mapping[str, Sequence[Any]]
    """Parameter -> flat values."""

    def rows(self, coordinates: Sequence[str], parameters: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """Coordinates and values, in the order of the ranges."""
        for flat, index in enumerate(product(*map(range, self.shape))):
            where = (self.columns[name][index[self.along[name]] if name in self.along else 0] for name in coordinates)
            yield (*where, *(self.values[name][flat] for name in parameters))


def view(document: Mapping[str, Any]) -> View:
    """Tables of a Coverage or CoverageCollection (OGC 21-069r2) whose domains and ranges are within the document."""
    collection = document.get("type") == "CoverageCollection"
    coverages: Sequence[Mapping[str, Any]] = document.get("coverages") or () if collection else (document,)
    parameters = dict(document.get("parameters") or {})
    for coverage in coverages:
        parameters |= {name: p for name, p in (coverage.get("parameters") or {}).items() if name not in parameters}
    referencing = _referencing(document, coverages)
    tables = _tables(coverages)
    return View(
        words=_words(document, coverages, collection=collection),
        coverages=len(coverages),
        axes=_axes(coverages),
        tables=tables,
        parameters=parameters,
        referencing=referencing,
        names=_names(referencing),
        shown=sum(len(table.rows) for table in tables),
        total=sum(table.total for table in tables),
        values=sum(table.values for table in tables),
    )


def _words(document: Mapping[str, Any], coverages: Sequence[Mapping[str, Any]], *, collection: bool) -> str:
    types = list(dict.fromkeys(str(c["domain"].get("domainType", document.get("domainType", ""))) for c in coverages))
    words = " and ".join(_DOMAINS.get(name, name or "values") for name in types)
    if not collection:
        return f"{words[:1].upper()}{words[1:]}."
    each = f", each with {words}" if coverages else ""
    return f"A collection of {len(coverages):,} coverages{each}."


def _referencing(document: Mapping[str, Any], coverages: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Every system that is named, once."""
    found = {str(r): r for r in document.get("referencing") or ()}
    for coverage in coverages:
        found |= {str(r): r for r in coverage["domain"].get("referencing") or ()}
    return tuple(found.values())


def _names(referencing: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    names = {"t": "Time", "x": "x", "y": "y", "z": "z"}
    for reference in referencing:
        system = reference.get("system") or {}
        coordinates = reference.get("coordinates") or ()
        if system.get("type") == "GeographicCRS" and "x" in coordinates:
            names |= {"x": "Longitude", "y": "Latitude"}
        described = (system.get("cs") or {}).get("csAxes") or ()
        for name, axis in zip(coordinates, described, strict=False):
            names[name] = _axis_name(axis, name)
    return names


def _axis_name(axis: Mapping[str, Any], fallback: str) -> str:
    label = axis.get("name") or fallback
    label = next(iter(label.values()), fallback) if isinstance(label, Mapping) else label
    symbol = (axis.get("unit") or {}).get("symbol") or ""
    symbol = symbol.get("value", "") if isinstance(symbol, Mapping) else symbol
    label = f"{str(label)[:1].upper()}{str(label)[1:]}"
    return f"{label} ({symbol})" if symbol else label


def _values(axis: Mapping[str, Any]) -> Sequence[Any]:
    """The values of an axis, those of a regular one written out."""
    if "values" in axis:
        values: Sequence[Any] = axis["values"]
        return values
    start, stop, num = axis.get("start", 0), axis.get("stop", 0), axis.get("num", 0)
    return [start + (stop - start) * i / (num - 1) for i in range(num)] if num > 1 else [start][:num]


def _axes(coverages: Sequence[Mapping[str, Any]]) -> tuple[Axis, ...]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for coverage in coverages:
        for name, axis in coverage["domain"]["axes"].items():
            known = found.setdefault(name, [])
            if not known or known[-1] != axis:
                known.append(axis)
    return tuple(_axis(name, [_values(axis) for axis in found[name]]) for name in sorted(found, key=_rank))


def _axis(name: str, several: Sequence[Sequence[Any]]) -> Axis:
    sizes = sorted({len(values) for values in several})
    size = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
    filled = [values for values in several if len(values)]
    first, last = (filled[0][0], filled[-1][-1]) if filled else (None, None)
    differs = len(several) > 1
    listed = () if differs else tuple(several[0][:MAX_LISTED])
    return Axis(name, size, first, last, listed, 0 if differs else len(several[0]) - len(listed), differs)


def _rank(name: str) -> tuple[int, str]:
    """Time first, then x, y, z; what is no coordinate before them."""
    return (_ORDER.index(name) if name in _ORDER else -1, name)


def _tables(coverages: Sequence[Mapping[str, Any]]) -> tuple[Table, ...]:
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[_Part]] = {}
    for coverage in coverages:
        for part in _parts(coverage):
            signature = (tuple(sorted(part.columns, key=_rank)), tuple(part.values))
            alike.setdefault(signature, []).append(part)
    tables: list[Table] = []
    left = MAX_ROWS
    for (coordinates, parameters), parts in alike.items():
        table = _table(coordinates, parameters, parts, left)
        left -= len(table.rows)
        tables.append(table)
    return tuple(tables)


def _table(coordinates: tuple[str, ...], parameters: tuple[str, ...], parts: Sequence[_Part], limit: int) -> Table:
    constants: dict[str, Any] = {}
    for name in coordinates:
        first = parts[0].columns[name][0] if len(parts[0].columns[name]) else None
        if all(value == first for part in parts for value in part.columns[name]):
            constants[name] = first
    varying = tuple(name for name in coordinates if name not in constants)
    every = (row for part in parts for row in part.rows(varying, parameters))
    total = sum(math.prod(part.shape) for part in parts)
    return Table(varying, parameters, constants, list(islice(every, limit)), total)


def _parts(coverage: Mapping[str, Any]) -> Iterator[_Part]:
    """The ranges of a coverage, those with the same axes together."""
    axes = coverage["domain"]["axes"]
    alike: dict[tuple[str, ...], dict[str, Any]] = {}
    for name, values in (coverage.get("ranges") or {}).items():
        if isinstance(values, Mapping) and "values" in values:
            alike.setdefault(tuple(values.get("axisNames") or ()), {})[name] = values
    further = _further(coverage)
    for axis_names, ranges in alike.items():
        columns: dict[str, Sequence[Any]] = {name: (value,) for name, value in further.items()}
        along: dict[str, int] = {}
        for name, axis in axes.items():
            for column, values in _columns(name, axis).items():
                columns[column] = values
                if name in axis_names:
                    along[column] = axis_names.index(name)
        shape = tuple(next(iter(ranges.values())).get("shape") or ())
        yield _Part(columns, along, shape, {name: r["values"] for name, r in ranges.items()})


def _further(coverage: Mapping[str, Any]) -> dict[str, Any]:
    """Members that tell one coverage from others: an id, or where it is on further dimensions."""
    found: dict[str, Any] = {}
    for name, value in coverage.items():
        if name in _KNOWN or isinstance(value, list):
            continue
        members = value if isinstance(value, Mapping) else {name: value}
        if name == PLACE:  # an id and properties
            members = {key: members[key] for key in members if key != "properties"} | members["properties"]
        found |= {str(key): member for key, member in members.items()}
    return found


def _columns(name: str, axis: Mapping[str, Any]) -> dict[str, Sequence[Any]]:
    """The columns one axis makes: itself, or each coordinate of its tuples."""
    values = _values(axis)
    coordinates = axis.get("coordinates")
    if axis.get("dataType") == "tuple" and coordinates:
        return {str(part): [value[i] for value in values] for i, part in enumerate(coordinates)}
    if axis.get("dataType") == "polygon":
        return {name: [f"polygon of {sum(map(len, value)):,} positions" for value in values]}
    return {name: values}
