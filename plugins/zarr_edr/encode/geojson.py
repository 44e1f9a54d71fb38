"""EDR GeoJSON (OGC 19-086r6, 8.3 and its schema edrFeatureCollectionGeoJSON; RFC 7946), written straight from arrays.

One Point feature for each position of a coverage, that is each x, y and level:

- the value stands under the parameter's name, a list of values where there are several times; missing is null
- `datetime` is the time, or first/last; where there are several, `times` lists them in the order of the values
- `level` is the level, in units of the vertical axis; it is also the third coordinate where these are metres upward, which is
  all that GeoJSON's third coordinate can mean
- a further dimension, e.g. the ensemble member, is a property of its own name
- a place that the client gave an id or properties has them on each of its features; see `tags`

Cells of a Grid that have no value at any time are left out: a mask has no features. Points asked for one by one stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from zarr_edr.coverage import Coverage, CoverageSet, DomainType, Page, Times, Tuples, axis_size
from zarr_edr.dataset.model import VerticalAxis
from zarr_edr.encode.tags import FeatureTags
from zarr_edr.encode.tokens import tokens
from zarr_edr.encode.values import present
from zarr_edr.errors import ResponseTooLarge
from zarr_edr.plan import PointShape
from zarr_edr.query.geometry import Float64Array

ALWAYS = "../.."
"""`datetime` of what has no time axis: unbounded."""
UNITS = "zarr-edr:units"
"""Member of the collection that gives each parameter's unit as text; a prefix marks it as an addition to the standard."""
RESERVED = frozenset({"datetime", "parameter-name", "label", "edrqueryendpoint", "times", "level"})
"""Properties with a meaning of their own. A parameter or dimension of such a name is found under the name and `_value`."""

MAX_FEATURES = 500_000
"""Each has some 250 bytes beside its values."""
_BLOCK = 5_000
"""Features written at a time: enough to be quick, few enough to need little memory beside the document."""
_VALUES = 200_000
"""The same for their values, of which a series has many."""

_AXES = ("t", "z", "y", "x", "composite")


class GeoJsonEncoder:
    """A FeatureCollection, whatever the query."""

    name = "GeoJSON"
    media_types = ("application/geo+json",)
    aliases = frozenset({"geojson", *media_types})
    extension = None
    queries = None

    def encode(self, coverages: CoverageSet) -> Iterable[bytes]:
        """The document as UTF-8. Raises `ResponseTooLarge` for more than `MAX_FEATURES`."""
        prefixes = ("" if coverages.single else f"{number}-" for number in range(len(coverages.coverages)))
        parts = [_Features(c, coverages, prefix) for c, prefix in zip(coverages.coverages, prefixes, strict=False)]
        matched = sum(part.kept.size for part in parts)
        places = [part.places for part in parts] if coverages.tags is not None else []  # of all pages
        if coverages.page is not None:
            parts = _paged(parts, coverages.page)
        count = sum(part.kept.size for part in parts)
        if count > MAX_FEATURES:
            raise ResponseTooLarge(
                f"GeoJSON has a feature for each position, and this answer has {count:,}, of {MAX_FEATURES:,} allowed; ask for a "
                "smaller area, or for CoverageJSON, which takes far less space."
            )
        head: dict[str, Any] = {"type": "FeatureCollection", "numberMatched": matched, "numberReturned": count}
        if (page := coverages.page) is not None and page.next_url is not None and page.offset + count < matched:
            head["links"] = [
                {"href": page.next_url, "rel": "next", "type": self.media_types[0], "title": "The next page"}
            ]
        tags = FeatureTags.of(coverages, places, _taken(coverages))
        units = {p.name: p.unit.text for p in coverages.parameters if p.unit is not None}
        head |= crs_member(coverages.crs.uri, geographic=coverages.crs.geographic)
        head |= {UNITS: units} if units else {}
        return self._pieces(orjson.dumps(head), parts, tags)

    def _pieces(self, head: bytes, parts: Sequence[_Features], tags: FeatureTags | None) -> Iterator[bytes]:
        separator = b'%b,"features":[' % head[:-1]
        for block in (block for part in parts for block in part.blocks(tags)):
            yield separator + block
            separator = b","
        yield b"]}" if separator == b"," else separator + b"]}"


def _paged(parts: Sequence[_Features], page: Page) -> list[_Features]:
    """The features of one page."""
    found, skip, left = [], page.offset, page.limit
    for part in parts:
        kept = part.kept[skip : skip + left]
        skip = max(0, skip - part.kept.size)
        left -= kept.size
        if kept.size:
            part.__dict__["kept"] = kept  # in the place of what the cached property found
            found.append(part)
    return found


def _taken(coverages: CoverageSet) -> frozenset[str]:
    """Names of properties that the client's own must not have."""
    own = {p.name for p in coverages.parameters} | {name for c in coverages.coverages for name in c.dimensions}
    return RESERVED | {value_key(name) for name in own}


def value_key(name: str) -> str:
    """The property that holds the values of a parameter, or the member of a dimension."""
    return f"{name}_value" if name in RESERVED else name


def upward_metres(axis: VerticalAxis | None) -> bool:
    """Whether levels are heights, as the third coordinate of GeoJSON is."""
    return axis is not None and axis.positive == "up" and axis.unit is not None and axis.unit.ucum == "m"


def crs_member(uri: str, *, geographic: bool) -> dict[str, Any]:
    """Names a CRS other than longitude and latitude the way GDAL and QGIS read it (GeoJSON 2008, clause 3)."""
    if geographic:
        return {}
    authority, _, code = uri.partition("/def/crs/")[2].split("/")
    return {"crs": {"type": "name", "properties": {"name": f"urn:ogc:def:crs:{authority}::{code}"}}}


@dataclass(frozen=True)
class _Features:
    """The features of one coverage. Every column has an entry for each of p positions, in the order z, y, x or z, composite."""

    coverage: Coverage
    of: CoverageSet
    prefix: str
    """Of ids, so that they differ between coverages."""

    @cached_property
    def values(self) -> dict[str, NDArray[Any]]:
        """Parameter -> shape (p, times), or (p,) where there is one time or none."""
        times = axis_size(self.coverage.axes["t"]) if "t" in self.coverage.axes else 1
        by_time = {name: r.values.reshape(times, -1) for name, r in self.coverage.ranges.items()}
        return {name: array[0] if times == 1 else array.T for name, array in by_time.items()}

    @cached_property
    def kept(self) -> NDArray[np.int64]:
        """Positions that become features."""
        count = int(np.prod(self._shape()))
        if self.coverage.domain_type is not DomainType.GRID:
            return np.arange(count)
        kept = np.zeros(count, np.bool_)
        for array in self.values.values():
            there = present(array)
            kept |= there if there.ndim == 1 else there.any(axis=1)
        return np.flatnonzero(kept)

    @property
    def places(self) -> NDArray[np.int64]:
        """Which of the places asked for each feature is of, shape (n,)."""
        composite = self.coverage.axes.get("composite")
        if self.of.shape is not PointShape.PATH and isinstance(composite, Tuples):
            return self.coverage.place + self.kept % composite.x.size
        return np.full(self.kept.size, self.coverage.place)

    def blocks(self, tags: FeatureTags | None) -> Iterator[bytes]:
        """Features as JSON, some at a time. Tokens are cut from arrays written whole, so that no value is handled on its own."""
        coordinates = list(self._coordinates())
        varying = {**self._varying(), **{value_key(name): array for name, array in self.values.items()}}
        template = self._template(len(coordinates), varying)
        places = self.places
        step = max(1, min(_BLOCK, _VALUES // max(1, sum(array[:1].size for array in self.values.values()))))
        for start in range(0, self.kept.size, step):
            here = self.kept[start : start + step]
            own = [f"{self.prefix}{position}" for position in here.tolist()]
            of_places = places[start : start + step].tolist()
            columns = [_ids(own, of_places, tags)]
            columns += [tokens(column[here]) for column in (*coordinates, *varying.values())]
            columns.append([b"" if tags is None else tags.fragments[place] for place in of_places])
            yield b",".join([template % row for row in zip(*columns, strict=True)])

    def _template(self, coordinates: int, varying: Iterable[str]) -> bytes:
        """A feature with a place for each token."""
        properties = [_escaped(orjson.dumps(self._constant()))[1:-1]]
        properties += [_escaped(orjson.dumps(name)) + b":%b" for name in varying]
        return b'{"type":"Feature","id":%%b,"geometry":{"type":"Point","coordinates":[%b]},"properties":{%b%%b}}' % (
            b",".join([b"%b"] * coordinates),
            b",".join(properties),
        )

    def _shape(self) -> tuple[int, ...]:
        axes = self.coverage.axes
        return tuple(axis_size(axes[name]) for name in _AXES[1:] if name in axes)

    def _column(self, axis: str, values: NDArray[Any]) -> NDArray[Any]:
        """Values along one axis, shape (n,), for each position."""
        names = [name for name in _AXES[1:] if name in self.coverage.axes]
        shape = [len(values) if name == axis else 1 for name in names]
        return np.broadcast_to(values.reshape(shape), self._shape()).reshape(-1)

    def _coordinates(self) -> Iterator[NDArray[Any]]:
        composite = self.coverage.axes.get("composite")
        for name in ("x", "y"):
            if isinstance(composite, Tuples):
                yield self._column("composite", composite.x if name == "x" else composite.y)
            else:
                yield self._column(name, self._numbers(name))
        levels = self._levels()
        if levels is not None and self._has_height():
            yield levels

    def _numbers(self, name: str) -> Float64Array:
        axis = self.coverage.axes[name]
        assert isinstance(axis, np.ndarray)  # noqa: S101 - only t and composite are not
        return axis

    def _levels(self) -> NDArray[Any] | None:
        composite = self.coverage.axes.get("composite")
        if "z" in self.coverage.axes:
            return self._column("z", self._numbers("z"))
        if isinstance(composite, Tuples) and composite.z is not None:
            return self._column("composite", composite.z)
        return None

    def _has_height(self) -> bool:
        return upward_metres(self.coverage.vertical) and self._levels() is not None

    def _constant(self) -> dict[str, Any]:
        """Properties that all features share."""
        titles = {p.name: p.title for p in self.of.parameters}
        shared: dict[str, Any] = {
            "label": ", ".join(titles[name] for name in self.values),
            "parameter-name": list(self.values),
            "edrqueryendpoint": self.of.endpoint,
        }
        composite, times = self.coverage.axes.get("composite"), self.coverage.axes.get("t")
        if isinstance(times, Times):
            iso = [times.axis.iso[i] for i in times.index.tolist()]
            shared["datetime"] = iso[0] if len(iso) == 1 else f"{iso[0]}/{iso[-1]}"
            shared |= {"times": iso} if len(iso) > 1 else {}
        elif not (isinstance(composite, Tuples) and composite.t is not None):
            shared["datetime"] = ALWAYS
        return shared | {value_key(name): member for name, member in self.coverage.dimensions.items()}

    def _varying(self) -> dict[str, NDArray[Any]]:
        """Properties that differ from feature to feature, values excepted, as columns."""
        found: dict[str, NDArray[Any]] = {}
        composite, levels = self.coverage.axes.get("composite"), self._levels()
        if isinstance(composite, Tuples) and composite.t is not None:
            iso = [composite.t.axis.iso[i] for i in composite.t.index.tolist()]
            found["datetime"] = self._column("composite", np.array(iso, object))
        if levels is not None:
            found["level"] = levels
        return found


def _ids(own: Sequence[str], places: Sequence[int], tags: FeatureTags | None) -> list[bytes]:
    """Ids as JSON: those of the client where it has given some."""
    if tags is None:
        return [b'"%b"' % id_.encode() for id_ in own]
    return [tags.id_of(place, id_) for place, id_ in zip(places, own, strict=True)]


def _escaped(text: bytes) -> bytes:
    """Text that stays itself in a template."""
    return text.replace(b"%", b"%%")
