"""Tables of points: which column says what, whatever the format of the table.

    id,longitude,latitude,name          also lon and lat, or x and y; z where each point has a level of its own
    B1,-30.5,1.25,west buoy

Names of coordinates, and `id`, in any case. All other columns are properties of the points.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zarr_edr.errors import InvalidBody, InvalidCoords
from zarr_edr.limits import Limits
from zarr_edr.query.body_model import MAX_FIELDS, Body, tags_of
from zarr_edr.query.checks import MAX_LATITUDE, MAX_LONGITUDE, quoted
from zarr_edr.query.geometry import Float64Array, Places, geometry_of_points

_PAIRS = (("longitude", "latitude"), ("lon", "lat"), ("x", "y"))
_IN_DEGREES = _PAIRS[:2]
_RIGHT = "it must have one pair of longitude and latitude, lon and lat, or x and y"


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of a table by what they say, as indices."""

    names: tuple[str, ...]
    """Of all columns, as written."""
    x: int
    y: int
    z: int | None
    id: int | None
    properties: tuple[int, ...]
    in_degrees: bool

    @property
    def coordinates(self) -> tuple[int, ...]:
        """Those of x, y and, where there is one, z."""
        return (self.x, self.y) if self.z is None else (self.x, self.y, self.z)

    @property
    def tags(self) -> tuple[int, ...]:
        """Those of what the points are called: `id`, where there is one, and the properties."""
        return self.properties if self.id is None else (self.id, *self.properties)


def columns_of(names: Sequence[str], where: str) -> Columns:
    """Find the columns of a table by their names; `where` they stand, for messages. Raises `InvalidBody`."""
    if len(names) > MAX_FIELDS:
        raise InvalidBody(f"{where} has {len(names)} columns; at most {MAX_FIELDS} are read.")
    names = [name.strip() for name in names]
    for index, name in enumerate(names):
        if not name:
            raise InvalidBody(f"{where} has no name for column {index + 1}; every column needs one.")
        if name in names[:index]:
            raise InvalidBody(f"{where} has the column {quoted(name)} twice.")
    roles = _roles(names, where)
    pairs = [pair for pair in _PAIRS if not roles.keys().isdisjoint(pair)]
    if len(pairs) != 1 or not roles.keys() >= set(pairs[0]):
        found = ", ".join(quoted(names[roles[name]]) for pair in pairs for name in pair if name in roles)
        raise InvalidBody(f"{where} has {found or 'no column'} for the position; {_RIGHT}.{_hint(names)}")
    x, y = (roles[name] for name in pairs[0])
    z, id_ = roles.get("z"), roles.get("id")
    others = tuple(index for index in range(len(names)) if index not in (x, y, z, id_))
    return Columns(tuple(names), x, y, z, id_, others, pairs[0] in _IN_DEGREES)


def _roles(names: Sequence[str], where: str) -> dict[str, int]:
    """Names with a meaning, in lower case -> index."""
    found: dict[str, int] = {}
    for index, name in enumerate(names):
        role = name.lower()
        if role not in {"id", "z", *(name for pair in _PAIRS for name in pair)}:
            continue
        if role in found:
            raise InvalidBody(f"{where} has both {quoted(names[found[role]])} and {quoted(name)}; keep one {role}.")
        found[role] = index
    return found


def _hint(names: Sequence[str]) -> str:
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(names) <= 2 and any(separator in each for each in names):
            return f" Its fields seem to be separated by {name}; separate them by commas."
    return ""


def body_of(
    columns: Columns,
    coordinates: Sequence[Float64Array],
    tags: Mapping[int, Sequence[Any]],
    limits: Limits,
    where: Callable[[int], str],
) -> Body:
    """The places of a table of n >= 1 rows.

    `coordinates` are as `columns.coordinates` lists them, shape (n,); `tags` are columns by their index, those that
    `columns.tags` lists; `where` names a row, for messages.

    Raises `QueryTooLarge`, and `InvalidCoords` for what is called a longitude or latitude and cannot be one.
    """
    x, y, *z = coordinates
    if columns.in_degrees:
        _check_range(x, MAX_LONGITUDE, columns.names[columns.x], where)
        _check_range(y, MAX_LATITUDE, columns.names[columns.y], where)
    geometry = geometry_of_points(x, y, z[0] if z else None, multi=True)
    ids = None if columns.id is None else tags[columns.id]
    properties = {columns.names[index]: tags[index] for index in columns.properties}
    return Body(Places(geometry, tags_of(ids, properties, len(x), limits), columns.in_degrees))


def _check_range(values: Float64Array, most: float, name: str, where: Callable[[int], str]) -> None:
    wrong = np.abs(values) > most
    if wrong.any():
        row = int(wrong.argmax())
        raise InvalidCoords(
            f"{where(row)}, {name}: {float(values[row])!r} does not lie between {-most:g} and {most:g} degrees."
        )


def not_finite(values: Float64Array) -> int | None:
    """Index of the first value that is not finite, if any."""
    wrong = ~np.isfinite(values)
    return int(wrong.argmax()) if wrong.any() else None
