"""Named places of a collection, from a small GeoJSON (RFC 7946) or CSV file that the settings name.

Positions are longitude, latitude in degrees (CRS84). Everything is checked when the server starts, and a fault names the file,
the feature or line, and what is right.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from zarr_edr.dataset.model import Place
from zarr_edr.errors import ConfigurationError
from zarr_edr.query.checks import MAX_LATITUDE, quoted, read_decimal
from zarr_edr.query.geometry import Float64Array, Points, Polygon

MAX_PLACES = 10_000
MAX_BYTES = 10 * 1024**2
MAX_LONGITUDE = 360.0
"""Degrees, east or west: both usual ranges of longitude."""
_MAX_ID_CHARS = 100

_LABELS = ("name", "label", "title")
_LONGITUDES = ("longitude", "lon", "x")
_LATITUDES = ("latitude", "lat", "y")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.]+")


def read_places(path: Path) -> dict[str, Place]:
    """Id -> place, in the order of the file.

    Ids and labels come from the file; an id becomes a plain string that is safe in a URL path (`Gulf of Guinea` ->
    `Gulf-of-Guinea`). Raises `ConfigurationError`.
    """
    data = _content(path)
    if path.suffix.lower() == ".csv":
        return _by_id(_from_csv(data, path), path)
    if path.suffix.lower() in (".geojson", ".json"):
        return _by_id(_from_geojson(data, path), path)
    raise ConfigurationError(f"{path} is neither .geojson nor .csv; `options.locations` names one of these.")


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(
            f"The file of places {path} (options.locations) cannot be read: {error.strerror}."
        ) from error
    if len(data) > MAX_BYTES:
        raise ConfigurationError(f"{path} is larger than the {MAX_BYTES:,} bytes that a file of places may have.")
    return data


def _by_id(found: Iterable[tuple[str, Place]], path: Path) -> dict[str, Place]:
    places: dict[str, Place] = {}
    for where, place in found:
        if place.id in places:
            raise ConfigurationError(f"{where}: the id {place.id!r} was there before; ids must differ.")
        if len(places) == MAX_PLACES:
            raise ConfigurationError(f"{path} has more than the {MAX_PLACES:,} places allowed.")
        places[place.id] = place
    if not places:
        raise ConfigurationError(f"{path} holds no places; leave `options.locations` out, or name one at least.")
    return places


def _plain_id(text: str, where: str) -> str:
    """`text` in letters without accents, digits, `_`, `.` and `-`: clients put ids into paths, and commas between them."""
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    plain = _UNSAFE.sub("-", letters).strip("-.")
    if not plain or len(plain) > _MAX_ID_CHARS:
        raise ConfigurationError(
            f"{where}: {quoted(text)} does not make an id; give one of 1 to {_MAX_ID_CHARS} letters (a-z), digits, - _ or ."
        )
    return plain


# --- GeoJSON -------------------------------------------------------------------------------------------------------


def _from_geojson(data: bytes, path: Path) -> Iterator[tuple[str, Place]]:
    try:
        document = orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise ConfigurationError(
            f"{path} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        ) from error
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or document.get("type") != "FeatureCollection":
        raise ConfigurationError(f"{path} is not a GeoJSON FeatureCollection with a list of `features`.")
    for number, feature in enumerate(features, start=1):
        where = f"{path}, feature {number}"
        yield where, _feature(feature, where)


def _feature(feature: object, where: str) -> Place:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise ConfigurationError(f"{where} is not an object of type Feature.")
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        raise ConfigurationError(f"{where}: `properties` is not an object.")
    label = _first(properties, _LABELS)
    written = _as_text(feature.get("id")) or _first(properties, ("id", *_LABELS))
    if written is None:
        raise ConfigurationError(f"{where} has no id; give it `id`, or `name` in its properties.")
    rest = {key: value for key, value in properties.items() if key not in ("id", *_LABELS)}
    return Place(_plain_id(written, where), label or written, _geometry(feature.get("geometry"), where), rest)


def _first(properties: Mapping[str, Any], names: Iterable[str]) -> str | None:
    return next((text for name in names if (text := _as_text(properties.get(name)))), None)


def _as_text(value: object) -> str | None:
    """Text as it is, a whole number as its digits; None for anything else and for blanks."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip() or None


def _geometry(geometry: object, where: str) -> Points | tuple[Polygon, ...]:
    kind, coordinates = None, None
    if isinstance(geometry, dict):
        kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    match kind:
        case "Point":
            (x, y) = _positions([coordinates], where)[0].tolist()
            return _point(x, y)
        case "Polygon":
            return (_polygon(coordinates, where),)
        case "MultiPolygon" if isinstance(coordinates, list) and coordinates:
            return tuple(_polygon(rings, where) for rings in coordinates)
    raise ConfigurationError(f"{where}: the geometry must be a Point, Polygon or MultiPolygon with coordinates.")


def _point(x: float, y: float) -> Points:
    return Points(np.array([x]), np.array([y]), None, multi=False)


def _polygon(rings: object, where: str) -> Polygon:
    if not isinstance(rings, list) or not rings:
        raise ConfigurationError(f"{where}: a polygon is a list of rings, the outer one first.")
    return Polygon(tuple(_ring(ring, where, outer=number == 0) for number, ring in enumerate(rings)))


def _ring(ring: object, where: str, *, outer: bool) -> Float64Array:
    """A ring, shape (n, 2): counterclockwise outside, clockwise for a hole (RFC 7946, 3.1.6)."""
    positions = _positions(ring, where)
    if len(positions) < 4 or (positions[0] != positions[-1]).any():
        raise ConfigurationError(f"{where}: a ring has four positions or more, and the last one is the first again.")
    x, y = positions.T
    area = float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))
    if area == 0:
        raise ConfigurationError(f"{where}: a ring encloses nothing.")
    return np.ascontiguousarray(positions if (area > 0) == outer else positions[::-1])


def _positions(positions: object, where: str) -> Float64Array:
    """Shape (n, 2), n >= 1. A third number of a position, its height, is left out."""
    right = "a position is [longitude, latitude], two numbers in degrees"
    if not isinstance(positions, list) or not positions:
        raise ConfigurationError(f"{where}: positions are missing; {right}.")
    for position in positions:
        numbers = position if isinstance(position, list) else []
        # Booleans are integers to Python; whole numbers of any length are not doubles.
        if len(numbers) < 2 or not all(type(n) in (int, float) and abs(n) < 1e300 for n in numbers):
            raise ConfigurationError(f"{where} has {quoted(str(position))} for a position; {right}.")
    found = np.array([position[:2] for position in positions], np.float64)
    _check_degrees(found, where)
    return found


def _check_degrees(positions: Float64Array, where: str) -> None:
    wrong = (np.abs(positions) > (MAX_LONGITUDE, MAX_LATITUDE)).any(axis=1)
    if wrong.any():
        x, y = positions[wrong.argmax()].tolist()
        raise ConfigurationError(
            f"{where}: longitude {x:g}, latitude {y:g} is no place on Earth; longitude comes first, from -180 to 180 "
            "(or 0 to 360), then latitude, from -90 to 90."
        )


# --- CSV -----------------------------------------------------------------------------------------------------------


def _from_csv(data: bytes, path: Path) -> Iterator[tuple[str, Place]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not text in UTF-8 (byte {error.start}).") from error
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = [name.strip().lower() for name in next(rows, [])]
        columns = _columns(names, path)
        for row in rows:
            if any(map(str.strip, row)):
                where = f"{path}, line {rows.line_num}"
                yield where, _row(row, names, columns, where)
    except csv.Error as error:
        raise ConfigurationError(f"{path}, line {rows.line_num}: {error}; values are separated by commas.") from error


def _columns(names: list[str], path: Path) -> dict[str, int]:
    """`id`, `label`, `x` and `y` -> number of the column; the first two may share one."""
    right = "right are id, name, longitude, latitude and any more, separated by commas"
    if len(set(names)) < len(names) or "" in names:
        raise ConfigurationError(f"{path}, line 1: columns need names that differ; {right}.")
    labels = [name for name in _LABELS if name in names]
    wanted = {"id": ("id", *labels), "label": (*labels, "id"), "x": _LONGITUDES, "y": _LATITUDES}
    found = {key: next((name for name in choices if name in names), None) for key, choices in wanted.items()}
    missing = next((key for key, name in found.items() if name is None), None)
    if missing is not None:
        column = {"x": "longitude", "y": "latitude"}.get(missing, "id or name")
        raise ConfigurationError(f"{path}, line 1 has no column {column}, but {quoted(','.join(names))}; {right}.")
    return {key: names.index(name) for key, name in found.items() if name is not None}


def _row(row: list[str], names: list[str], columns: Mapping[str, int], where: str) -> Place:
    if len(row) != len(names):
        raise ConfigurationError(f"{where} has {len(row)} values for {len(names)} columns.")
    values = [value.strip() for value in row]
    x, y = (_degrees(values[columns[key]], where) for key in ("x", "y"))
    _check_degrees(np.array([[x, y]]), where)
    written = values[columns["id"]] or values[columns["label"]]
    rest = {name: value for n, (name, value) in enumerate(zip(names, values, strict=True)) if n not in columns.values()}
    return Place(_plain_id(written, where), values[columns["label"]] or written, _point(x, y), rest)


def _degrees(text: str, where: str) -> float:
    value = read_decimal(text)
    if value is None:
        raise ConfigurationError(
            f"{where}: {quoted(text)} is not a longitude or latitude in decimal degrees, e.g. -64.75."
        )
    return value
