"""What a client calls its places, given back with their values.

In CoverageJSON a coverage of one place has the member `zarr-edr:place`, `{"id": ..., "properties": {...}}`, and one whose
composite axis lists places the member `zarr-edr:places`, a list of these in the order of the axis. In GeoJSON they become the id
and properties of features.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from zarr_edr.coverage import Coverage, CoverageSet, Tuples
from zarr_edr.errors import ResponseTooLarge
from zarr_edr.plan import PointShape
from zarr_edr.query.geometry import Tags

PLACE = "zarr-edr:place"
PLACES = "zarr-edr:places"
"""Members of a coverage; the prefix marks them as additions to the standard."""
MAX_BYTES = 128 * 1024**2
"""Of ids and properties in an answer: each is written as often as its place comes up in it."""


def _admit(written: int) -> None:
    if written > MAX_BYTES:
        raise ResponseTooLarge(
            f"The ids and properties of the places would take {written:,} bytes in this answer, which repeats them for each value"
            f" of a place; {MAX_BYTES:,} are allowed. Send fewer or shorter ones, or ask for fewer values at a time."
        )


def _rows(names: Iterable[str], tags: Tags) -> Iterator[bytes]:
    """Properties of each place, by these names, as JSON without braces. No object is made for a place but its text."""
    template = b",".join([orjson.dumps(name).replace(b"%", b"%%") + b":%b" for name in names])
    columns = [map(orjson.dumps, values) for values in tags.properties.values()]
    return (template % row for row in zip(*columns, strict=True)) if columns else repeat(b"", _count(tags))


def _count(tags: Tags) -> int:
    """How many places there are."""
    return len(tags.ids) if tags.ids is not None else len(next(iter(tags.properties.values())))


def values_of_tags(tags: Tags, places: NDArray[np.int64]) -> Iterator[tuple[str | None, list[Any]]]:
    """Name and JSON values of each property for each of some places; of the ids, without a name, if there are some."""
    numbers = places.reshape(-1).tolist()
    if tags.ids is not None:
        yield None, [tags.ids[place] for place in numbers]
    for name, values in tags.properties.items():
        yield name, [values[place] for place in numbers]


class CoverageTags:
    """The members that tell which places a coverage is of."""

    def __init__(self, tags: Tags, shape: PointShape | None) -> None:
        self._of_line = shape is PointShape.PATH
        ids = tags.ids or repeat(None, _count(tags))
        self._documents = [
            b'{%b"properties":{%b}}' % (b"" if id_ is None else b'"id":%b,' % orjson.dumps(id_), row)
            for id_, row in zip(ids, _rows(tags.properties, tags), strict=True)
        ]
        self._lists: dict[tuple[int, int], bytes] = {}

    def admit(self, coverages: Iterable[Coverage]) -> None:
        """Raise `ResponseTooLarge` where those of all together are; nothing is written by then."""
        _admit(sum(len(self._of(coverage)[1]) for coverage in coverages))

    def member(self, coverage: Coverage) -> dict[str, Any]:
        """Of one coverage."""
        name, document = self._of(coverage)
        return {name: orjson.Fragment(document)}

    def _of(self, coverage: Coverage) -> tuple[str, bytes]:
        composite = coverage.axes.get("composite")
        if isinstance(composite, Tuples) and not self._of_line:
            return PLACES, self._list(coverage.place, int(composite.x.size))
        return PLACE, self._documents[coverage.place]

    def _list(self, first: int, count: int) -> bytes:
        """Made once, however many members and groups of parameters share it."""
        key = first, count
        if key not in self._lists:
            self._lists[key] = b"[%b]" % b",".join(self._documents[first : first + count])
        return self._lists[key]


@dataclass(frozen=True)
class FeatureTags:
    """Ids and properties of features.

    Where each place has an id of its own and gives one feature, that is the id of the feature. Else the id is followed by a dot
    and the number that the feature would have had, which keeps it unique.
    """

    tags: Tags
    taken: Collection[str]
    """Names of properties that have another meaning; the client's get `_value` behind them."""
    one_each: bool
    """Whether ids can stay as they are."""

    @classmethod
    def of(
        cls, coverages: CoverageSet, places: Sequence[NDArray[np.int64]], taken: Collection[str]
    ) -> FeatureTags | None:
        """For an answer whose features are of `places`, shape (n,) for each coverage. Raises `ResponseTooLarge`."""
        if coverages.tags is None:
            return None
        found = cls(coverages.tags, taken, _one_each(coverages.tags, places))
        _admit(sum(int(found.lengths[here].sum()) for here in places))
        return found

    @cached_property
    def names(self) -> dict[str, str]:
        """Name of each property, as the client has it -> as it is in the answer."""
        found: dict[str, str] = {}
        taken = {*self.taken}
        for name in self.tags.properties:
            free = name
            while free in taken:
                free += "_value"
            taken.add(free)
            found[name] = free
        return found

    @cached_property
    def fragments(self) -> list[bytes]:
        """Properties of each place as JSON, without braces, each with a comma before it."""
        return [b",%b" % row if row else b"" for row in _rows(self.names.values(), self.tags)]

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Bytes that each place takes, shape (places,)."""
        ids = self.tags.ids or [None] * len(self.fragments)
        return np.array([len(f) + len(str(i)) for f, i in zip(self.fragments, ids, strict=True)], dtype=np.int64)

    def id_of(self, place: int, own: str) -> bytes:
        """The id of a feature as JSON; `own` is the one that it would have without tags."""
        ids = self.tags.ids
        if ids is None or ids[place] is None:
            return b'"%b"' % own.encode()
        return orjson.dumps(ids[place] if self.one_each else f"{ids[place]}.{own}")


def _one_each(tags: Tags, places: Sequence[NDArray[np.int64]]) -> bool:
    """Whether each place of an answer has one feature, and all of these have ids that differ."""
    if tags.ids is None or sum(here.size for here in places) > len(tags.ids):
        return False
    found = np.concatenate([*places, np.zeros(0, np.int64)]).tolist()
    ids = [tags.ids[place] for place in found]
    return len(set(found)) == len(found) and None not in ids and len({*map(str, ids)}) == len(ids)
