"""Which features of a collection a list shows: bbox, datetime, parameter-name, limit and offset (OGC 17-069r4, 7.15)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from zarr_edr.crs import CRS84, QueryCrs, crs_named
from zarr_edr.dataset.calendars import add, period, to_microseconds
from zarr_edr.dataset.model import Collection, TimeAxis
from zarr_edr.errors import InvalidParameterName, InvalidQuery
from zarr_edr.query.bbox import parse_bbox
from zarr_edr.query.checks import quoted
from zarr_edr.query.geometry import Box
from zarr_edr.query.model import Instant, RepeatingInterval, TimeInterval, TimeSelector
from zarr_edr.query.request import ALIASES
from zarr_edr.query.temporal import parse_datetime

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
"""Features on a page. More may be asked for, and get this many (OGC 17-069r4, 7.15.2)."""

_KNOWN = ("bbox", "datetime", "parameter-name", "crs", "limit", "offset", "f", "lang")
_COUNT = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Listing:
    """What a request for a list asks."""

    box: Box | None = None
    datetime: TimeSelector | None = None
    parameters: tuple[str, ...] | None = None
    """Names of the collection's parameters, or None for all."""
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    crs: QueryCrs = CRS84
    """Of the geometries in the answer, and of the bbox by now no more: that is in degrees."""

    @classmethod
    def of(cls, parameters: Mapping[str, str], collection: Collection) -> Listing:
        """Read the parameters of a request. Raises `InvalidQuery` and its kinds."""
        given = _canonical(parameters)
        crs = crs_named(given["crs"]) if "crs" in given else CRS84
        return cls(
            box=parse_bbox(given["bbox"], crs)[0] if "bbox" in given else None,
            datetime=parse_datetime(given["datetime"]) if "datetime" in given else None,
            parameters=_names(given["parameter-name"], collection) if "parameter-name" in given else None,
            limit=min(_count("limit", given.get("limit", f"{DEFAULT_LIMIT}"), 1), MAX_LIMIT),
            offset=_count("offset", given.get("offset", "0"), 0),
            crs=crs,
        )


def _canonical(parameters: Mapping[str, str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in parameters.items():
        standard = ALIASES.get(name, name)
        if standard not in _KNOWN:
            close = get_close_matches(name[:60].lower(), _KNOWN, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise InvalidQuery(f"{quoted(name)} is not a parameter of this list.{hint} It takes: {', '.join(_KNOWN)}.")
        if standard in given:
            raise InvalidQuery(f"{standard!r} is given more than once.")
        given[standard] = value
    return given


def _names(text: str, collection: Collection) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    unknown = next((name for name in names if name not in collection.parameters), None)
    if unknown is not None:
        offered = ", ".join(collection.parameters)[:300]
        raise InvalidParameterName(f"parameter-name={quoted(unknown)} is not in this collection; it has {offered}.")
    return names


def _count(name: str, text: str, least: int) -> int:
    number = int(text) if _COUNT.fullmatch(text.strip(" ")) else -1
    if number < least:
        raise InvalidQuery(f"{name}={quoted(text)} is not a whole number from {least}; right is e.g. {name}=10.")
    return number


def has_time(selector: TimeSelector | None, axes: tuple[TimeAxis, ...]) -> bool:
    """Whether what is selected touches the span from the first time of any axis to its last. Without axes it always does."""
    return selector is None or not axes or any(_touches(member, axis) for member in selector for axis in axes)


def _touches(member: Instant | TimeInterval | RepeatingInterval, axis: TimeAxis) -> bool:
    first, last = int(axis.sorted_us[0]), int(axis.sorted_us[-1])
    if isinstance(member, RepeatingInterval):
        start = to_microseconds(member.start, axis.calendar)
        instants = add(start, member.step, axis.calendar, np.arange(member.count))
        return bool(((instants >= first) & (instants <= last)).any())
    begin, end = (member.at, member.at) if isinstance(member, Instant) else (member.start, member.end)
    starts_in_time = begin is None or period(begin, axis.calendar)[0] <= last
    ends_in_time = end is None or period(end, axis.calendar)[1] >= first
    return starts_in_time and ends_in_time
