"""CoverageJSON (OGC 21-069r2), written straight from arrays.

What depends on the collection alone - parameters, referencing, the text of a time axis - is encoded once and pasted in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from zarr_edr.coverage import Coverage, CoverageSet, Range, Times, Tuples, time_axis
from zarr_edr.dataset.calendars import GREGORIAN
from zarr_edr.dataset.model import HorizontalCrs, Parameter, Unit, VerticalAxis
from zarr_edr.encode.tags import CoverageTags
from zarr_edr.encode.values import exact_as_float64, has_missing, with_nan
from zarr_edr.query.geometry import Float64Array

_UCUM = "http://www.opengis.net/def/uom/UCUM/"
STANDARD_NAMES = "http://vocab.nerc.ac.uk/standard_name/"
_CALENDARS = "https://cfconventions.org/calendars/"
"""Prefix of CF's names for other calendars: CoverageJSON wants a URI for them. It identifies; there need not be a page."""
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY
DIMENSIONS = "zarr-edr:dimensions"
"""Member of a coverage that says where on further dimensions it is; a prefix marks it as an addition to the standard."""

_CACHED = 1024
"""Entries of the caches of encoded metadata: some per collection."""


class CovJsonEncoder:
    """One Coverage, or a CoverageCollection where one domain cannot hold the answer."""

    name = "CoverageJSON"
    media_types = ("application/vnd.cov+json", "application/prs.coverage+json", "application/json")
    aliases = frozenset({"coveragejson", "covjson", "json", *media_types})
    extension = None
    queries = None

    def encode(self, coverages: CoverageSet) -> Iterable[bytes]:
        """The document as UTF-8."""
        parameters = {p.name: orjson.Fragment(_parameter(p)) for p in coverages.parameters}
        tags = None if coverages.tags is None else CoverageTags(coverages.tags, coverages.shape)
        if tags is not None:
            tags.admit(coverages.coverages)
        if coverages.single:
            (coverage,) = coverages.coverages
            document = _coverage(coverage, _referencing(coverage, coverages.crs), tags)
            return _pieces(document | {"parameters": parameters}, coverage.ranges)
        return self._collection(coverages, parameters, tags)

    def _collection(
        self, coverages: CoverageSet, parameters: dict[str, orjson.Fragment], tags: CoverageTags | None
    ) -> Iterator[bytes]:
        shared = _shared_references(coverages)
        types = {coverage.domain_type for coverage in coverages.coverages}
        head: dict[str, Any] = {"type": "CoverageCollection"}
        if len(types) == 1:
            head["domainType"] = types.pop()
        head["parameters"] = parameters
        if shared is not None:
            head["referencing"] = shared
        yield orjson.dumps(head, option=_OPTIONS)[:-1] + b',"coverages":['
        several: list[bytes] = []
        held = 0
        separator = b""
        for coverage in coverages.coverages:
            document = _coverage(coverage, None if shared is not None else _referencing(coverage, coverages.crs), tags)
            for piece in _pieces(document, coverage.ranges):
                several += separator, piece
                held += len(piece)
                separator = b""
                if held >= _WORTH_SENDING:
                    yield b"".join(several)
                    several, held = [], 0
            separator = b","
        yield b"".join(several) + b"]}"


_AT_ONCE = 200_000
"""Values written at a time, some 2 MB: enough to be quick."""
_WORTH_SENDING = 1024**2
"""Bytes that coverages are gathered for."""


def _pieces(document: dict[str, Any], ranges: Mapping[str, Range]) -> Iterator[bytes]:
    """A coverage; many values are written some at a time."""
    if sum(values.values.size for values in ranges.values()) <= _AT_ONCE:
        yield orjson.dumps(
            document | {"ranges": {name: range_document(r) for name, r in ranges.items()}}, option=_OPTIONS
        )
        return
    before = orjson.dumps(document, option=_OPTIONS)[:-1] + b',"ranges":{'
    for name, values in ranges.items():
        described = range_document(values)
        flat = described.pop("values")
        yield before + orjson.dumps(name) + b":" + orjson.dumps(described)[:-1] + b',"values":['
        for start in range(0, len(flat), _AT_ONCE):
            yield (b"," if start else b"") + orjson.dumps(flat[start : start + _AT_ONCE], option=_OPTIONS)[1:-1]
        before = b"]},"
    yield b"]}}}"


def _coverage(coverage: Coverage, referencing: orjson.Fragment | None, tags: CoverageTags | None) -> dict[str, Any]:
    """All but the parameters and ranges."""
    domain: dict[str, Any] = {"type": "Domain", "domainType": coverage.domain_type}
    domain["axes"] = {name: _axis(axis) for name, axis in coverage.axes.items()}
    if referencing is not None:
        domain["referencing"] = referencing
    document: dict[str, Any] = {"type": "Coverage"}
    if tags is not None:
        document |= tags.member(coverage)
    if coverage.dimensions:
        document[DIMENSIONS] = coverage.dimensions
    document["domain"] = domain
    return document


def _axis(axis: Float64Array | Times | Tuples) -> dict[str, Any]:
    match axis:
        case Times():
            return {"values": _times(axis)}
        case Tuples():
            return _tuples(axis)
        case _:
            return {"values": np.ascontiguousarray(axis)}


def _tuples(axis: Tuples) -> dict[str, Any]:
    names = ["x", "y"] if axis.z is None else ["x", "y", "z"]
    numbers = np.column_stack((axis.x, axis.y) if axis.z is None else (axis.x, axis.y, axis.z))
    if axis.t is None:
        return {"dataType": "tuple", "coordinates": names, "values": numbers}
    iso = axis.t.axis.iso
    tuples = [[iso[i], *row] for i, row in zip(axis.t.index.tolist(), numbers.tolist(), strict=True)]
    return {"dataType": "tuple", "coordinates": ["t", *names], "values": tuples}


def _times(times: Times) -> list[str] | orjson.Fragment:
    if times.index.size == len(times.axis):
        return orjson.Fragment(times.axis.json_array)
    iso = times.axis.iso
    return [iso[i] for i in times.index.tolist()]


def range_document(values: Range, most: int | None = None) -> dict[str, Any]:
    """A range as an NdArray, whose values are an array or a list: all, or only the first `most`, which is no valid one."""
    array = values.values
    array = _writable(array if most is None or array.size <= most else array.flat[:most])
    document: dict[str, Any] = {"type": "NdArray", "dataType": _data_type(array)}
    if values.axis_names:
        document |= {"axisNames": values.axis_names, "shape": values.values.shape}
    flat = array.reshape(-1)
    as_array = not isinstance(flat, np.ma.MaskedArray) and flat.dtype.kind in "fiu" and flat.dtype.itemsize > 1
    document["values"] = np.ascontiguousarray(flat) if as_array else flat.tolist()
    return document


def _writable(array: NDArray[Any]) -> NDArray[Any]:
    """Booleans as 0 and 1. Clients refuse an integer that is null, so that these are floats where no digit is lost by it."""
    array = array.astype(np.uint8) if array.dtype.kind == "b" else array
    return with_nan(array) if not has_missing(array) or exact_as_float64(array) else array


def _data_type(array: NDArray[Any]) -> str:
    return {"f": "float", "i": "integer", "u": "integer", "b": "integer"}.get(array.dtype.kind, "string")


def _referencing(coverage: Coverage, crs: HorizontalCrs) -> orjson.Fragment:
    """How to read the coordinates of one coverage, as JSON."""
    return orjson.Fragment(_encoded(crs, coverage.vertical, _calendar(coverage)))


def _calendar(coverage: Coverage) -> str | None:
    axis = time_axis(coverage)
    return None if axis is None else axis.calendar


@lru_cache(maxsize=_CACHED)
def _encoded(crs: HorizontalCrs, vertical: VerticalAxis | None, calendar: str | None) -> bytes:
    return orjson.dumps(_references(crs, vertical, calendar))


def _references(crs: HorizontalCrs, vertical: VerticalAxis | None, calendar: str | None) -> list[dict[str, Any]]:
    """How to read coordinates: x and y, levels of an axis, and times in a calendar, where there are some."""
    references: list[dict[str, Any]] = [_horizontal(crs)]
    if vertical is not None:
        references.append(_vertical(vertical))
    if calendar is not None:
        name = "Gregorian" if calendar in GREGORIAN else _CALENDARS + calendar
        references.append({"coordinates": ["t"], "system": {"type": "TemporalRS", "calendar": name}})
    return references


def _shared_references(coverages: CoverageSet) -> list[dict[str, Any]] | None:
    """Those of all coverages, once, where they agree on what each coordinate means; else None."""
    references: dict[str, dict[str, Any]] = {}
    # Thousands of points may share a few axes.
    different = {(id(c.vertical), id(time_axis(c))): c for c in coverages.coverages}
    for reference in (r for c in different.values() for r in _references(coverages.crs, c.vertical, _calendar(c))):
        key = ",".join(reference["coordinates"])
        if references.setdefault(key, reference) != reference:
            return None
    return list(references.values())


def _horizontal(crs: HorizontalCrs) -> dict[str, Any]:
    coordinates = ["y", "x"] if crs.latitude_first else ["x", "y"]
    if crs.geographic:
        return {"coordinates": coordinates, "system": {"type": "GeographicCRS", "id": crs.uri}}
    # QGIS knows few projected systems by their id.
    return {"coordinates": coordinates, "system": {"type": "ProjectedCRS", "id": crs.uri, "wkt": crs.wkt}}


def _vertical(axis: VerticalAxis) -> dict[str, Any]:
    cs_axis: dict[str, Any] = {"name": {"en": axis.title}}
    if axis.positive is not None:
        cs_axis["direction"] = axis.positive
    if axis.unit is not None and axis.unit.text:
        cs_axis["unit"] = {"symbol": axis.unit.ucum or axis.unit.text}
    return {"coordinates": ["z"], "system": {"type": "VerticalCRS", "cs": {"csAxes": [cs_axis]}}}


@lru_cache(maxsize=_CACHED)
def _parameter(parameter: Parameter) -> bytes:
    return orjson.dumps(parameter_document(parameter))


def parameter_document(parameter: Parameter) -> dict[str, Any]:
    """A parameter as CoverageJSON and EDR describe it; also used in collection metadata."""
    observed: dict[str, Any] = {"label": {"en": parameter.title}}
    if parameter.standard_name is not None:
        observed = {"id": STANDARD_NAMES + parameter.standard_name, **observed}
    document: dict[str, Any] = {"type": "Parameter", "id": parameter.name}
    if parameter.description and parameter.description not in (parameter.title, parameter.name):
        document["description"] = {"en": parameter.description}
    document["observedProperty"] = observed
    if parameter.unit is not None:
        document["unit"] = _unit(parameter.unit)
    return document


def _unit(unit: Unit) -> Mapping[str, Any]:
    """UCUM only where it is known to be UCUM; a symbol without a type is plain text."""
    label = {"en": unit.text}
    if unit.ucum is None:
        return {"label": label, "symbol": unit.text}
    return {"label": label, "symbol": {"value": unit.ucum, "type": _UCUM}}
