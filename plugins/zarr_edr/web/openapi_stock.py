"""What other parts of the server do, from pygeoapi's own OpenAPI document, made free of references elsewhere."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any

from zarr_edr.web.service import JsonObject

_OURS = frozenset({"/", "/conformance", "/collections", "/openapi"})
_LOCAL = "#/components/"
_PREFIX = "pygeoapi."
"""Of the names of components that are taken over, since some are called like ours."""


@dataclass(frozen=True, slots=True)
class Others:
    """Paths and the components that they need."""

    paths: JsonObject
    components: dict[str, JsonObject]


def other_paths(stock: JsonObject, ours: Container[str]) -> Others:
    """The paths of `stock` that are of no collection in `ours`.

    A reference to another host is replaced by what can be said without it: a parameter is left out, a response keeps only
    a description, a schema admits anything.
    """
    paths = {
        path: _with_path_parameters(path, _localised(item))
        for path, item in stock["paths"].items()
        if not _is_ours(path, ours)
    }
    components: dict[str, JsonObject] = {}
    waiting = list(_names(paths))
    while waiting:
        kind, name = waiting.pop()
        members = components.setdefault(kind, {})
        if _PREFIX + name not in members:
            members[_PREFIX + name] = _localised(stock["components"][kind][name])
            waiting += _names(members[_PREFIX + name])
    return Others(paths, components)


def _is_ours(path: str, ours: Container[str]) -> bool:
    if path in _OURS:
        return True
    parts = path.split("/")
    below = ["/".join(parts[2:end]) for end in range(3, len(parts) + 1)] if parts[1] == "collections" else []
    return any(id_ in ours for id_ in below)


def _with_path_parameters(path: str, item: JsonObject) -> JsonObject:
    """A path with a parameter for each of its `{names}` that no operation describes: those were references elsewhere."""
    described = {p.get("name") for p in item.get("parameters", ())}
    described |= {p.get("name") for op in item.values() if isinstance(op, dict) for p in op.get("parameters", ())}
    missing = [name for name in re.findall(r"\{([^{}]+)\}", path) if name not in described]
    if not missing:
        return item
    added = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in missing]
    return {**item, "parameters": [*item.get("parameters", ()), *added]}


def _names(document: Any) -> Iterator[tuple[str, str]]:
    """Kind and name of the components that a localised document refers to."""
    if isinstance(document, list):
        for member in document:
            yield from _names(member)
    elif isinstance(document, dict):
        target = document.get("$ref")
        if isinstance(target, str):
            kind, name = target.removeprefix(_LOCAL).split("/", 1)
            yield kind, name.removeprefix(_PREFIX)
        for member in document.values():
            yield from _names(member)


def _localised(document: Any, key: str = "") -> Any:
    """A copy without references elsewhere; `key` is the member of which `document` is the value."""
    if isinstance(document, list):
        members = [m for m in document if not (key == "parameters" and _is_remote(m))]
        return [_localised(member) for member in members]
    if not isinstance(document, dict):
        return document
    if key == "responses":
        return {
            status: {"description": "As OGC API has it."} if _is_remote(member) else _localised(member)
            for status, member in document.items()
        }
    if _is_remote(document):
        return {}
    if isinstance(document.get("$ref"), str):
        kind, name = document["$ref"].removeprefix(_LOCAL).split("/", 1)
        return {"$ref": f"{_LOCAL}{kind}/{_PREFIX}{name}"}
    return {name: _localised(member, name) for name, member in document.items()}


def _is_remote(member: Any) -> bool:
    return isinstance(member, dict) and isinstance(member.get("$ref"), str) and not member["$ref"].startswith(_LOCAL)
