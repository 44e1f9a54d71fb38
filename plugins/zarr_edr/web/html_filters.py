"""What templates do with single values: words, links, numbers. Nothing here marks text as safe; escaping stays with jinja2."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import jinja2

_LINKABLE = re.compile(r"https?://|mailto:|[/?#]|\.\.?/", re.IGNORECASE)
"""How a URL must start to be linked: a list of what is harmless. What is not on it, e.g. `javascript:`, is shown as text."""
_OGC_CRS = re.compile(r"^https?://www\.opengis\.net/def/crs/(\w+)/[\w.]+/(\w+)$")
_REPEATING = re.compile(r"R([0-9]{1,18})/")
_MAX_HOPS = 8
"""References to references that are followed in an OpenAPI document."""


def safe_href(url: object) -> str | None:
    """The URL if a click on it cannot run anything, else None."""
    return url if isinstance(url, str) and _LINKABLE.match(url) else None


def text(value: object) -> str:
    """A label, which CoverageJSON and EDR write as text or by language: English first, the others behind it."""
    if not isinstance(value, Mapping):
        return "" if value is None else str(value)
    first = "en" if "en" in value else next(iter(value), "")
    others = "; ".join(f"{language}: {label}" for language, label in value.items() if language != first)
    label = str(value.get(first) or "")
    return f"{label} ({others})" if others else label


def scalar(value: object) -> str:
    """A value of JSON as people write it."""
    if value is None:
        return "\N{EN DASH}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return str(value)


def short(value: object) -> str:
    """A number with three decimals at most, where the exact one is told elsewhere on the page."""
    return scalar(round(value, 3)) if isinstance(value, float) else scalar(value)


def rest(value: Mapping[str, Any], *used: str) -> dict[str, Any]:
    """The members that a template has not shown by itself."""
    return {name: member for name, member in value.items() if name not in used}


def members(values: Iterable[object]) -> int:
    """How many values a list stands for, in which `Rn/start/step` are n."""
    return sum(int(found[1]) if (found := _REPEATING.match(str(value))) else 1 for value in values)


def count(number: int, one: str, many: str = "") -> str:
    """`1 level`, `2,920 levels`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def pretty(value: object) -> str:
    """As JSON, for people who read JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def compact(value: object) -> str:
    """As JSON on one line."""
    return json.dumps(value, ensure_ascii=False, default=str)


def with_format(query: str, name: str = "CoverageJSON") -> str:
    """A query string that asks for the same in a format."""
    parameters = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "f"]
    return urlencode([*parameters, ("f", name)], quote_via=quote, safe="(),:/")


def is_plain(values: Iterable[object]) -> bool:
    """True where no member is an object or a list."""
    return not any(isinstance(value, (Mapping, list, tuple)) for value in values)


def crs_name(uri: object) -> str:
    """`EPSG:4326` for http://www.opengis.net/def/crs/EPSG/0/4326; other text as it is."""
    found = _OGC_CRS.search(str(uri))
    return f"{found[1]}:{found[2]}" if found else str(uri)


def columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of all members of some objects, in the order of their first appearance."""
    return list(dict.fromkeys(name for row in rows for name in row))


@jinja2.pass_context
def resolved(context: jinja2.runtime.Context, node: Any) -> Any:
    """What a local `$ref` of an OpenAPI document stands for; anything else as it is."""
    for _ in range(_MAX_HOPS):
        if not (isinstance(node, Mapping) and isinstance(node.get("$ref"), str)):
            break
        found: Any = context["doc"]
        for step in node["$ref"].removeprefix("#/").split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, Mapping) else None
        if not isinstance(found, Mapping):
            break
        node = found
    return node


def anchor(pointer: str) -> str:
    """An id for the element that shows a part of a document, e.g. for `#/components/schemas/link`; no two are the same."""
    name = pointer.removeprefix("#/").replace("~1", "/").replace("~0", "~")
    return re.sub(r"[^A-Za-z0-9.-]", lambda found: f"_{ord(found[0]):x}_", name)


def geometry(value: object) -> str:
    """A GeoJSON geometry in words."""
    if not isinstance(value, Mapping):
        return "none"
    kind, coordinates = str(value.get("type")), value.get("coordinates")
    if kind == "Point" and isinstance(coordinates, list):
        return f"{kind} {', '.join(map(scalar, coordinates))}"
    return f"{kind}, {count(_positions(coordinates), 'position')}" if isinstance(coordinates, list) else kind


def _positions(coordinates: list[Any]) -> int:
    if not coordinates or not isinstance(coordinates[0], list):
        return 1 if coordinates else 0
    return sum(_positions(part) for part in coordinates if isinstance(part, list))


FILTERS = {
    function.__name__: function
    for function in (
        safe_href,
        text,
        scalar,
        short,
        rest,
        members,
        count,
        pretty,
        compact,
        with_format,
        is_plain,
        crs_name,
        columns,
        resolved,
        anchor,
        geometry,
    )
}
"""Filters by their names in templates."""
