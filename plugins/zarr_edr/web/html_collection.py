"""What the page of a collection shows besides the document itself: an example for each query, a form, a small map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from zarr_edr.web.html_filters import members

_SUGGESTIONS = 300
"""Times that the form suggests, at most: the page holds them once more for it."""
_HALF_SPAN_CELLS = 2
"""Half the width of the area in examples, in cells, unless the data cover less."""
_HALF_SPAN = 1.0
"""The same in degrees, where cells are not told."""
_KM_PER_DEGREE = 111


@dataclass(frozen=True, slots=True)
class Example:
    """A query that is ready to be clicked."""

    url: str
    shown: tuple[str, ...]
    """The same in pieces, at which a line may break: the last step of the path, then each parameter, without percent signs."""


@dataclass(frozen=True, slots=True)
class Field:
    """One input of the form."""

    name: str
    """Of the query parameter."""
    label: str
    value: str
    hint: str
    options: tuple[tuple[str, str], ...] = ()
    """Value and label of each choice; none: free text."""
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """A form that asks for values at a position."""

    action: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class MapBox:
    """A rectangle on the map, which spans x 0 to 360 (longitude + 180) and y 0 to 180 (90 - latitude)."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class View:
    """All of it."""

    examples: Mapping[str, Example]
    """By query type."""
    form: Form | None
    boxes: tuple[MapBox, ...]
    crs_details: tuple[Mapping[str, Any], ...]
    """Each CRS that the queries describe, once."""


def view(collection: Mapping[str, Any], base: str) -> View:
    """What to show of a collection or instance (EDR 1.1 or 1.2, collection schema) of the service at `base`."""
    queries = collection.get("data_queries") or {}
    links = {name: (query or {}).get("link") or {} for name, query in queries.items()}
    described = (crs for link in links.values() for crs in (link.get("variables") or {}).get("crs_details") or ())
    distinct: dict[str, Mapping[str, Any]] = {}
    for crs in described:
        distinct.setdefault(str(sorted(crs.items())), crs)
    bbox = _bbox(collection)
    return View(
        examples={} if bbox is None else _examples(collection, links, bbox),
        form=None if bbox is None or "position" not in links else _form(collection, links["position"], bbox, base),
        boxes=_boxes(collection),
        crs_details=tuple(distinct.values()),
    )


Box = tuple[float, float, float, float]


def _bbox(collection: Mapping[str, Any]) -> Box | None:
    """West, south, east, north of the first box; east beyond west also across the antimeridian."""
    boxes = ((collection.get("extent") or {}).get("spatial") or {}).get("bbox") or ()
    return next((box for given in boxes if (box := _flat(given)) is not None), None)


def _flat(given: object) -> Box | None:
    if not isinstance(given, list) or len(given) not in (4, 6) or not all(isinstance(v, int | float) for v in given):
        return None
    half = len(given) // 2
    west, south, east, north = float(given[0]), float(given[1]), float(given[half]), float(given[half + 1])
    return west, south, east + 360 if east < west else east, north


def _boxes(collection: Mapping[str, Any]) -> tuple[MapBox, ...]:
    """The boxes on the map, those across its edge in two parts; none where the CRS has no longitudes."""
    spatial = (collection.get("extent") or {}).get("spatial") or {}
    if "CRS84" not in str(spatial.get("crs", "CRS84")):
        return ()
    boxes: list[MapBox] = []
    for given in spatial.get("bbox") or ():
        box = _flat(given)
        if box is None:
            continue
        west, south, east, north = box
        left, width, height = (west + 180) % 360, min(east - west, 360.0), max(north - south, 2.0)
        if width >= 360:
            left = 0.0
        boxes.append(MapBox(left, 90 - north, max(min(width, 360 - left), 2.0), height))
        if left + width > 360:
            boxes.append(MapBox(0.0, 90 - north, left + width - 360, height))
    return tuple(boxes)


def _examples(collection: Mapping[str, Any], links: Mapping[str, Mapping[str, Any]], box: Box) -> dict[str, Example]:
    half = _half_span(collection, box)
    found: dict[str, Example] = {}
    for name, link in links.items():
        href = str(link.get("href") or "").split("{", 1)[0].rstrip("/")
        if not href:
            continue
        where = _where(name, link.get("variables") or {}, box, half)
        if where is None:
            continue
        parameters = {**where, **(_which(collection) if "coords" in where or "bbox" in where else {})}
        encoded = "&".join(f"{key}={quote(value, safe='(),:/')}" for key, value in parameters.items())
        shown = (f"{'&' if number else '?'}{key}={value}" for number, (key, value) in enumerate(parameters.items()))
        url = f"{href}?{encoded}" if encoded else href
        found[name] = Example(url, (f"/{href.rsplit('/', 1)[-1]}", *shown))
    return found


def _where(query_type: str, variables: Mapping[str, Any], box: Box, half: float) -> dict[str, str] | None:
    """The parameters that say where, in the middle of the data; None: not a query we know an example for."""
    west, south, east, north = box
    x, y = (west + east) / 2, (south + north) / 2
    left, right, low, high = (_short(v) for v in (x - half, x + half, y - half, y + half))
    here = f"{_short(x)} {_short(y)}"
    within, within_unit = _length(variables.get("within_units"), half)
    width, width_unit = _length(variables.get("width_units"), half)
    polygon = f"POLYGON(({left} {low},{right} {low},{right} {high},{left} {high},{left} {low}))"
    line = f"LINESTRING({left} {low},{right} {high})"
    examples = {
        "position": {"coords": f"POINT({here})"},
        "radius": {"coords": f"POINT({here})", "within": within, "within-units": within_unit},
        "area": {"coords": polygon},
        "cube": {"bbox": f"{left},{low},{right},{high}"},
        "trajectory": {"coords": line},
        "corridor": {"coords": line, "corridor-width": width, "width-units": width_unit},
        "items": {"limit": "10"},
        "locations": {},
        "instances": {},
    }
    return examples.get(query_type)


def _half_span(collection: Mapping[str, Any], box: Box) -> float:
    """Of some cells, so that an example returns some values and not too many."""
    west, south, east, north = box
    values = collection["extent"]["spatial"].get("values") or {}
    cells = members(values.get("x") or ())
    span = _HALF_SPAN_CELLS * (east - west) / cells if cells else _HALF_SPAN
    return min(span, (east - west) / 4, (north - south) / 4)


def _length(units: object, degrees: float) -> tuple[str, str]:
    """About as long as some degrees, in one of the units that are offered."""
    offered = [str(unit) for unit in units] if isinstance(units, list) else []
    sizes = {"km": 1.0, "m": 1000.0, "mi": 0.6}
    unit = next((unit for unit in sizes if unit in offered), offered[0] if offered else "km")
    return f"{float(f'{degrees * _KM_PER_DEGREE * sizes.get(unit, 1.0):.1g}'):.10g}", unit


def _short(number: float) -> str:
    return f"{round(number, 3):g}"


def _which(collection: Mapping[str, Any]) -> dict[str, str]:
    """The parameters that keep the answer small: the last time, one level, one member, one parameter."""
    extent = collection.get("extent") or {}
    chosen = {"datetime": _last_time(extent), "z": _first_level(extent)}
    chosen |= {str(axis.get("id")): _first(axis) for axis in _custom(extent)}
    chosen["parameter-name"] = next(iter(collection.get("parameter_names") or ()), "")
    return {name: value for name, value in chosen.items() if value}


def _last_time(extent: Mapping[str, Any]) -> str:
    temporal = extent.get("temporal") or {}
    values = [value for value in temporal.get("values") or () if "/" not in str(value)]
    ends = [end for interval in temporal.get("interval") or () for end in interval if end]
    return str((values or ends or [""])[-1])


def _first_level(extent: Mapping[str, Any]) -> str:
    return _first(extent.get("vertical") or {})


def _first(axis: Mapping[str, Any]) -> str:
    """The first value of an axis, or where its values are not listed the start of its interval."""
    values = [value for value in axis.get("values") or () if not str(value).startswith("R")]
    starts = [start for interval in axis.get("interval") or () for start in interval if start is not None]
    found = (values or starts or [""])[0]
    return f"{found:g}" if isinstance(found, float) else str(found)


def _custom(extent: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The further dimensions: `custom` is a list of objects."""
    custom = extent.get("custom")
    return [axis for axis in custom if isinstance(axis, Mapping) and axis.get("id")] if isinstance(custom, list) else []


def _form(collection: Mapping[str, Any], link: Mapping[str, Any], box: Box, base: str) -> Form | None:
    href = str(link.get("href") or "").split("{", 1)[0]
    # Relative to the host: the form works also where the service is reached by another name than its own.
    action = urlsplit(href).path if href.startswith(f"{base}/") else href
    if not action.startswith(("/", "http://", "https://")) or action.startswith("//"):
        return None
    x, y = (_short((box[0] + box[2]) / 2), _short((box[1] + box[3]) / 2))
    fields = [
        Field("coords", "Where", f"POINT({x} {y})", "POINT(x y) or MULTIPOINT((x y),(x y)), longitude first"),
        *_choices(collection),
        _parameter_field(collection.get("parameter_names") or {}),
        _format_field(collection, link.get("variables") or {}),
    ]
    return Form(action, tuple(field for field in fields if field is not None))


def _choices(collection: Mapping[str, Any]) -> list[Field]:
    """Inputs for time, level and further dimensions. A browser also sends an empty input, so each comes with a value."""
    extent = collection.get("extent") or {}
    fields: list[Field] = []
    if when := _last_time(extent):
        times = _listed(extent.get("temporal") or {})
        hint = "a time, a day, an interval a/b, a list a,b; ../.. is all"
        fields.append(Field("datetime", "When", when, hint, suggestions=times))
    if level := _first_level(extent):
        levels = extent.get("vertical") or {}
        hint = "../.. is all, which is a profile; or a level, an interval a/b, a list a,b"
        several = any(len(set(ends)) > 1 for ends in levels.get("interval") or ())
        fields.append(Field("z", "Level", "../.." if several else level, hint, suggestions=_listed(levels)))
    for axis in _custom(extent):
        if first := _first(axis):
            hint = "a value, an interval a/b, a list a,b"
            fields.append(Field(str(axis["id"]), str(axis["id"]), first, hint, suggestions=_listed(axis)))
    return fields


def _listed(axis: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of an axis where they are listed and not too many."""
    values = tuple(map(str, axis.get("values") or ()))
    return values if len(values) <= _SUGGESTIONS and not any("/" in value for value in values) else ()


def _parameter_field(parameters: Mapping[str, Any]) -> Field | None:
    names = list(parameters)
    if not names:
        return None
    options = [(name, name) for name in names]
    if len(names) > 1:
        options.append((",".join(names), f"all {len(names)}"))
    return Field("parameter-name", "What", names[0], "", tuple(options))


def _format_field(collection: Mapping[str, Any], variables: Mapping[str, Any]) -> Field:
    formats = variables.get("output_formats") or collection.get("output_formats") or ()
    options = [
        ("html", "HTML (a chart and a table)"),
        *((str(name), str(name)) for name in formats if str(name).lower() != "html"),
    ]
    return Field("f", "As", "html", "", tuple(options))
