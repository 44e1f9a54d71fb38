"""CoverageJSON read back: to rows that can be compared, and checked for what the JSON schema cannot say."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import cftime
from covjson_pydantic.coverage import Coverage, CoverageCollection
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

DIMENSIONS_MEMBER = "zarr-edr:dimensions"
"""Foreign member of a coverage: the values of dimensions that CoverageJSON has no axis for, e.g. `{"number": 3}`."""
AXIS_ORDER = ("t", "z", "y", "x", "composite")
DOMAIN_AXES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "Point": (frozenset("xy"), frozenset("zt")),
    "PointSeries": (frozenset("xyt"), frozenset("z")),
    "VerticalProfile": (frozenset("xyz"), frozenset("t")),
    "Grid": (frozenset("xy"), frozenset("zt")),
    "MultiPoint": (frozenset({"composite"}), frozenset("t")),
    "MultiPointSeries": (frozenset({"composite", "t"}), frozenset()),
    "Trajectory": (frozenset({"composite"}), frozenset("z")),
    "Section": (frozenset({"composite", "z"}), frozenset()),
}
"""Domain type -> required and optional axes (CoverageJSON 1.0, clause 9)."""
_SERIES = {
    **dict.fromkeys(("Point", "MultiPoint", "Trajectory"), ""),
    **dict.fromkeys(("PointSeries", "MultiPointSeries"), "t"),
    **dict.fromkeys(("VerticalProfile", "Section"), "z"),
}
"""Domain type -> the axes, other than `composite`, that may have more than one value; a Grid's all may."""
_TUPLES = {
    **dict.fromkeys(("MultiPoint", "MultiPointSeries"), (["x", "y"], ["x", "y", "z"])),
    "Trajectory": (["t", "x", "y"], ["t", "x", "y", "z"]),
    "Section": (["t", "x", "y"],),
}
"""Domain type -> what a tuple of its `composite` axis may hold, in this order."""
_TIME = re.compile(r"(-?\d{4,})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?Z")
_CALENDARS = {"Gregorian": "proleptic_gregorian", "365_day": "noleap", "366_day": "all_leap"}

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One value of an answer."""

    parameter: str
    point: int
    """Index of the position: along `composite`, and over the coverages of one parameter and member."""
    x: float | None
    y: float | None
    time: str | None
    z: float | None
    members: tuple[tuple[str, float | str], ...]
    """Custom dimension and value, sorted by dimension."""
    value: float | None
    part: int = field(default=0, compare=False)
    """Index of the coverage, among those of one parameter and member."""


def load(body: bytes) -> Document:
    """Parse strictly: `NaN` and `Infinity`, which are not JSON, raise ValueError."""
    document: Document = json.loads(body, parse_constant=_refuse)
    return document


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def coverages(document: Document) -> list[Document]:
    """The coverages of a document, with what they inherit from their collection."""
    if document["type"] == "Coverage":
        return [document]
    return [_inheriting(coverage, document) for coverage in document["coverages"]]


def _inheriting(coverage: Document, collection: Document) -> Document:
    merged = {"parameters": collection.get("parameters", {}), **coverage}
    domain = dict(merged["domain"])
    if "domainType" in collection:
        domain.setdefault("domainType", collection["domainType"])
    domain.setdefault("referencing", collection.get("referencing", []))
    merged["domain"] = domain
    return merged


def decode(body: bytes) -> list[Row]:
    """Every value of a Coverage or CoverageCollection, as a row."""
    rows: list[Row] = []
    points_so_far: Counter[tuple[Any, ...]] = Counter()
    parts_so_far: Counter[tuple[Any, ...]] = Counter()
    for coverage in coverages(load(body)):
        members = _members(coverage)
        axes = {name: _values(axis) for name, axis in coverage["domain"]["axes"].items()}
        positions = _positions(coverage["domain"]["axes"], axes)
        for parameter, ndarray in coverage["ranges"].items():
            key = (parameter, members, _not_of_points(axes, positions))
            found = _rows(parameter, ndarray, axes, positions, members)
            first, part = points_so_far[key], parts_so_far[parameter, members]
            rows += [replace(row, point=first + row.point, part=part) for row in found]
            points_so_far[key] += len(positions)
            parts_so_far[parameter, members] += 1
    return rows


def _members(coverage: Document) -> tuple[tuple[str, float | str], ...]:
    return tuple(sorted(coverage.get(DIMENSIONS_MEMBER, {}).items()))


def _values(axis: Document) -> list[Any]:
    if "values" in axis:
        return list(axis["values"])
    start, stop, num = axis["start"], axis["stop"], axis["num"]
    return [start] if num == 1 else [start + (stop - start) * k / (num - 1) for k in range(num)]


Position = dict[str, Any]


def _positions(axes: Document, values: Mapping[str, list[Any]]) -> list[Position]:
    """Each position of a coverage: x, y, perhaps z and t, and the index along each of the axes that make it."""
    if "composite" in axes:
        names = axes["composite"]["coordinates"]
        return [
            {**dict(zip(names, entry, strict=True)), "index": {"composite": k}}
            for k, entry in enumerate(values["composite"])
        ]
    pairs = itertools.product(enumerate(values["y"]), enumerate(values["x"]))
    return [{"x": x, "y": y, "index": {"y": j, "x": i}} for (j, y), (i, x) in pairs]


def _not_of_points(axes: Mapping[str, list[Any]], positions: Sequence[Position]) -> tuple[Any, ...]:
    """What tells coverages of the same points apart: a level or a time each. One-point coverages are a point each."""
    if "composite" not in axes:
        return ()
    return tuple(axes.get("t", ())), tuple(axes.get("z", ())), tuple(p.get("z") for p in positions)


def _rows(
    parameter: str,
    ndarray: Document,
    axes: Mapping[str, list[Any]],
    positions: Sequence[Position],
    members: tuple[tuple[str, float | str], ...],
) -> Iterator[Row]:
    names = ndarray.get("axisNames", [])
    shape = ndarray.get("shape", [])
    times = list(enumerate(axes.get("t", [None])))
    levels = list(enumerate(axes.get("z", [None])))
    for (t, time), (z, level), (p, position) in itertools.product(times, levels, enumerate(positions)):
        index = {"t": t, "z": z, **position["index"]}
        flat = 0
        for name, size in zip(names, shape, strict=True):
            flat = flat * size + index[name]
        yield Row(
            parameter,
            p,
            position["x"],
            position["y"],
            position.get("t", time),
            position.get("z", level),
            members,
            ndarray["values"][flat],
        )


def schema_validator(folder: Path) -> Draft202012Validator:
    """A validator of CoverageJSON documents by the official JSON schemas, from a folder that holds them."""
    contents = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    resources = [(content["$id"], Resource.from_contents(content, DRAFT202012)) for content in contents]
    return Draft202012Validator({"$ref": "/schemas/coveragejson"}, registry=Registry().with_resources(resources))


def schema_problems(document: Document, validator: Draft202012Validator) -> list[str]:
    """What the official schemas hold against a document, repeated cells of a `composite` axis excepted."""
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(_without_repeats(document))]


def pydantic_problems(document: Document) -> list[str]:
    """What covjson-pydantic holds against a document, repeated cells excepted; nothing where times are not Gregorian.

    It reads times as Gregorian, so that 30 February is an error to it, and knows no Section.
    """
    domains = [coverage["domain"] for coverage in coverages(document)]
    if any(_calendar(domain) != _CALENDARS["Gregorian"] or domain["domainType"] == "Section" for domain in domains):
        return []
    model = Coverage if document["type"] == "Coverage" else CoverageCollection
    try:
        model.model_validate_json(json.dumps(_without_repeats(document)))
    except ValidationError as error:
        return [str(error)]
    return []


def _without_repeats(document: Document) -> Document:
    """The document with tuples of `composite` axes made distinct: a list of points may name one cell twice."""
    domains = [coverage["domain"] for coverage in document.get("coverages", [document])]
    if not any(_repeats(domain) for domain in domains):
        return document
    copy: Document = json.loads(json.dumps(document))
    for coverage in copy.get("coverages", [copy]):
        composite = coverage["domain"]["axes"].get("composite", {"coordinates": ["x"], "values": []})
        x = composite["coordinates"].index("x")
        for k, entry in enumerate(composite["values"]):
            entry[x] += k * 1e-6
    return copy


def _repeats(domain: Document) -> bool:
    entries = [tuple(entry) for entry in domain["axes"].get("composite", {"values": []})["values"]]
    return len(set(entries)) < len(entries)


def check(document: Document) -> list[str]:
    """What is wrong with a document that may well pass the schema; empty when nothing is."""
    found = coverages(document)
    problems = [] if found else ["no coverage"]
    for k, coverage in enumerate(found):
        problems += [f"coverage {k}: {problem}" for problem in _coverage_problems(coverage)]
    return problems


def _coverage_problems(coverage: Document) -> Iterator[str]:
    domain = coverage["domain"]
    calendar = _calendar(domain)
    yield from _domain_type_problems(domain)
    yield from _referencing_problems(domain)
    for name, axis in domain["axes"].items():
        if name == "composite":
            yield from _composite_problems(axis, calendar, domain.get("domainType"))
        else:
            yield from _axis_problems(name, axis, calendar)
    if not coverage["ranges"]:
        yield "no range"
    for key, ndarray in coverage["ranges"].items():
        if key not in coverage["parameters"]:
            yield f"range {key!r} has no parameter"
        yield from (f"range {key!r}: {problem}" for problem in _range_problems(ndarray, domain["axes"]))


def _domain_type_problems(domain: Document) -> Iterator[str]:
    kind, axes = str(domain.get("domainType")), domain["axes"]
    if kind not in DOMAIN_AXES:
        yield f"unknown domain type {kind!r}"
        return
    required, optional = DOMAIN_AXES[kind]
    if not required <= axes.keys() <= required | optional:
        yield f"{kind} with axes {sorted(axes)}"
    single = [] if kind == "Grid" else [a for a in axes if a != "composite" and a not in _SERIES[kind]]
    yield from (f"{kind} with several values on {name}" for name in single if len(_values(axes[name])) != 1)


def _referencing_problems(domain: Document) -> Iterator[str]:
    described = Counter(name for entry in domain.get("referencing", []) for name in entry["coordinates"])
    needed: set[str] = set()
    for name, axis in domain["axes"].items():
        needed |= set(axis.get("coordinates", [name]))
    yield from (f"coordinate {name!r} is not referenced" for name in sorted(needed - described.keys()))
    yield from (f"coordinate {name!r} is referenced twice" for name, n in described.items() if n > 1)


def _calendar(domain: Document) -> str:
    systems = [entry["system"] for entry in domain.get("referencing", []) if "t" in entry["coordinates"]]
    name = str(systems[0].get("calendar", "Gregorian")) if systems else "Gregorian"
    name = name.rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    return _CALENDARS.get(name, name)


def _axis_problems(name: str, axis: Document, calendar: str) -> Iterator[str]:
    values = _values(axis)
    if not values:
        yield f"axis {name} is empty"
    elif name == "t":
        yield from _time_problems(values, calendar)
    elif not all(_finite(v) for v in values):
        yield f"axis {name} holds what is not a finite number"
    elif not _strictly_monotonic(values):
        yield f"axis {name} is not strictly monotonic"


def _composite_problems(axis: Document, calendar: str, kind: object) -> Iterator[str]:
    coordinates, values = axis["coordinates"], axis["values"]
    if not values:
        yield "axis composite is empty"
    if axis.get("dataType") != "tuple":
        yield "composite axis is not of tuples"
    if coordinates not in _TUPLES.get(str(kind), ()):
        yield f"composite coordinates {coordinates} of a {kind}"
    if not all(len(entry) == len(coordinates) for entry in values):
        yield "composite axis holds tuples of another length"
        return
    columns = dict(zip(coordinates, zip(*values, strict=True), strict=False))
    times = columns.pop("t", ())
    if not all(_finite(number) for column in columns.values() for number in column):
        yield "composite axis holds what is not a finite number"
    yield from _order_problems(times, calendar)


def _order_problems(times: Sequence[Any], calendar: str) -> Iterator[str]:
    """Times of a path: neighbours may be equal."""
    try:
        instants = [_instant(value, calendar) for value in times]
    except ValueError as error:
        yield str(error)
        return
    if any(later < earlier for earlier, later in itertools.pairwise(instants)):
        yield "composite axis is not in the order of time"


def _time_problems(values: Sequence[Any], calendar: str) -> Iterator[str]:
    try:
        instants = [_instant(value, calendar) for value in values]
    except ValueError as error:
        yield str(error)
        return
    if not _strictly_monotonic(instants):
        yield "axis t is not strictly monotonic"


def _instant(text: object, calendar: str) -> cftime.datetime:
    match = _TIME.fullmatch(str(text))
    if match is None:
        raise ValueError(f"time {text!r} is not YYYY-MM-DDTHH:MM:SSZ")
    *whole, fraction = match.groups()
    microsecond = int((fraction or "0").ljust(6, "0"))
    return cftime.datetime(*map(int, whole), microsecond, calendar=calendar)


def _strictly_monotonic(values: Sequence[Any]) -> bool:
    steps = list(itertools.pairwise(values))
    return all(a < b for a, b in steps) or all(a > b for a, b in steps)


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _range_problems(ndarray: Document, axes: Document) -> Iterator[str]:
    names, shape, values = ndarray.get("axisNames", []), ndarray.get("shape", []), ndarray["values"]
    if ndarray.get("type") != "NdArray":
        yield "not an NdArray"
    if names != [name for name in AXIS_ORDER if name in names]:
        yield f"axis names {names} are not in the order {AXIS_ORDER}"
    lengths = {name: len(_values(axis)) for name, axis in axes.items()}
    if shape != [lengths.get(name) for name in names]:
        yield f"shape {shape} of {names} does not fit a domain of {lengths}"
    yield from (f"axis {name} is left out" for name, n in lengths.items() if n > 1 and name not in names)
    if len(values) != math.prod(shape):
        yield f"{len(values)} values for shape {shape}"
    yield from _value_problems(ndarray.get("dataType"), values)


def _value_problems(kind: object, values: Sequence[Any]) -> Iterator[str]:
    present = [value for value in values if value is not None]
    if kind == "float":
        good = all(map(_finite, present))
    elif kind == "integer":
        good = all(isinstance(value, int) and not isinstance(value, bool) for value in present)
    else:
        good = kind == "string" and len(present) == len(values) and all(isinstance(value, str) for value in present)
    if not good:
        yield f"values that are not of dataType {kind!r}"
