"""A complete pygeoapi configuration for some stores: `zarr-edr init STORE...`."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

import yaml

from zarr_edr.dataset.catalog import PROVIDER, extents
from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.model import Collection
from zarr_edr.dataset.source import display_name, open_group
from zarr_edr.errors import ConfigurationError, StoreError
from zarr_edr.settings import CollectionSettings

_HEAD = """\
# Configuration of an OGC API - EDR service on Zarr stores; `zarr-edr serve THIS_FILE` runs it.
# Edit what is marked with "edit"; the rest works as it is.
server:
  bind:
    host: 127.0.0.1  # edit: 0.0.0.0 to be reachable from other machines
    port: 5000
  url: http://localhost:5000  # edit: the address that clients use
  mimetype: application/json; charset=UTF-8
  encoding: utf-8
  gzip: false
  languages:
    - en-US
  cors: true  # lets web pages of other sites read; pygeoapi needs the package flask-cors for it
  pretty_print: false
  limits:
    default_items: 20
    max_items: 1000
  map:
    url: https://tile.openstreetmap.org/{z}/{x}/{y}.png
    attribution: '&copy; <a href="https://openstreetmap.org/copyright">OpenStreetMap contributors</a>'

logging:
  level: WARNING

metadata:
  identification:
    title: Environmental data on Zarr  # edit
    description: Gridded data by OGC API - Environmental Data Retrieval  # edit
    keywords:
      - environmental data
      - gridded data
    keywords_type: theme
    terms_of_service: https://example.org/terms  # edit
    url: https://example.org  # edit
  license:
    name: See the description of each collection  # edit
    url: https://example.org/licence  # edit
  provider:
    name: Organization  # edit
    url: https://example.org  # edit
  contact:
    name: Contact  # edit
    email: you@example.org  # edit

"""


_PROCESS = """\
  extract-points:  # values at many points as one table, at once or as a job; see docs/extract.md
    type: process
    processor:
      name: zarr_edr.extract.ExtractPointsProcessor"""


def config(stores: Sequence[str], notes: list[str] | None = None) -> str:
    """The YAML text for the stores at some paths or URLs; valid for pygeoapi, with a collection for each.

    Stores that cannot be served stand in comments with the reason, which is also appended to `notes`, for stderr.
    """
    notes = [] if notes is None else notes
    blocks: list[str] = []
    served = 0
    ids = {"extract-points"}
    for store in stores:
        id_ = collection_id(store, ids)
        ids.add(id_)
        settings = CollectionSettings(data=store)
        try:
            collection = describe(open_group(store), id_, None, None, settings)
        except (ConfigurationError, StoreError) as error:
            notes.append(error.message)
            blocks.append(_commented(id_, error.message))
        else:
            blocks.append("\n".join(_resource(collection, store)))
            served += 1
    if served:
        blocks.append(_PROCESS)
    head = "resources:" if served else "resources: {}  # edit: nothing can be served yet"
    return _HEAD + head + "\n" + "\n\n".join(blocks) + "\n"


def collection_id(store: str, taken: set[str]) -> str:
    """An id out of the store's file name, safe in a URL path, and not one of `taken`."""
    name = PurePosixPath(display_name(store).rstrip("/")).name
    stem = re.sub(r"(\.zarr|\.zip)+$", "", name)
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-") or "collection"
    id_, n = safe, 1
    while id_ in taken:
        n += 1
        id_ = f"{safe}-{n}"
    return id_


def humanised(id_: str) -> str:
    """A title out of an id: `uk_hires` becomes `Uk hires`."""
    words = re.sub(r"[_-]+", " ", id_).strip() or id_
    return words[:1].upper() + words[1:]


def _resource(collection: Collection, store: str) -> Iterator[str]:
    title = collection.title if collection.title != collection.id else humanised(collection.id)
    names = list(collection.parameters)
    titles = ", ".join(parameter.title for parameter in list(collection.parameters.values())[:8])
    own = {collection.id, collection.title}
    described = f"{title}: {titles}" if collection.description in own else collection.description
    yield f"  {_scalar(collection.id)}:"
    for warning in collection.warnings:
        yield from _comment(warning, "    # ")
    yield "    type: collection"
    yield f"    title: {_scalar(title)}  # edit"
    yield f"    description: {_scalar(described[:500])}  # edit"
    yield "    keywords:  # edit"
    yield from (f"      - {_scalar(name)}" for name in names[:20])
    yield "    extents:  # as read from the store"
    yield from _extents(extents(collection))
    yield "    providers:"
    yield "      - type: edr"
    yield f"        name: {PROVIDER}"
    yield f"        data: {_scalar(store)}"


def _extents(found: dict[str, Any]) -> Iterator[str]:
    spatial = found["spatial"]
    yield "      spatial:"
    yield f"        bbox: [{', '.join(repr(edge) for edge in spatial['bbox'])}]"
    yield f"        crs: {spatial['crs']}"
    temporal = found.get("temporal")
    if temporal is not None:
        yield "      temporal:"
        yield f"        begin: {_instant(temporal['begin'])}"
        yield f"        end: {_instant(temporal['end'])}"


def _instant(iso: str) -> str:
    """A YAML timestamp, as pygeoapi needs; null, which means open, where the date is not one of Python's calendar."""
    try:
        datetime.fromisoformat(iso)
    except ValueError:
        return f"null  # {iso} in the calendar of the data"
    return iso


def _commented(id_: str, reason: str) -> str:
    return "\n".join((f"  # {id_} is left out:", *_comment(reason, "  # ")))


def _comment(text: str, prefix: str) -> list[str]:
    printable = "".join(c if c.isprintable() else " " for c in text)
    return textwrap.wrap(printable, 100, initial_indent=prefix, subsequent_indent=prefix)


def _scalar(text: str) -> str:
    """Text as a double-quoted YAML scalar on one line: no text is then read as a number, a comment or `${NAME}`."""
    return yaml.safe_dump(text, default_style='"', width=10**9, allow_unicode=False).strip()
