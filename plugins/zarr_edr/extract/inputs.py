"""The inputs of an execution become a position query: checked as strictly as the parameters of an EDR query.

Inputs have the names of EDR's parameters, and values of JSON: `{"collection": "ostia", "longitude": [-30], "latitude": [1]}`
(OGC 18-062r2, 7.9.2). An input may be wrapped as `{"value": ...}`, as that standard has it for objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np

from zarr_edr.dataset.model import Collection
from zarr_edr.encode import ENCODERS, encoder_for, encoders_of
from zarr_edr.encode.protocol import Encoder
from zarr_edr.errors import InvalidBody, InvalidFormat, InvalidQuery
from zarr_edr.extract.tables import Tables
from zarr_edr.limits import Limits
from zarr_edr.query.body_json import read_object
from zarr_edr.query.body_model import Body
from zarr_edr.query.checks import quoted
from zarr_edr.query.geometry import Places
from zarr_edr.query.model import Query
from zarr_edr.query.request import ALIASES, build_query

NAMES = (
    "collection",
    "instance",
    "latitude",
    "longitude",
    "z",
    "points",
    "parameter-name",
    "datetime",
    "crs",
    "f",
)
"""Inputs of every collection. Its further dimensions, e.g. ensemble members, are inputs of their own names."""

OUTPUT = "result"
"""The name of the one output."""

_QUALIFIED = frozenset({"value", "mediaType", "encoding", "schema", "format"})
_REFERENCE = frozenset({"href", "type", "rel", "title", "hreflang"})
_EXAMPLE = 'right is e.g. "longitude": [10.5, 11], "latitude": [50.25, 51]'


@dataclass(frozen=True, slots=True)
class Known:
    """What inputs can name."""

    collections: Mapping[str, Collection]
    listed: tuple[str, ...]
    """Ids of those that are told to clients."""
    tables: Tables | None
    """Posted tables of points; None: this server takes none."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What an execution asks for."""

    collection: Collection
    """With the limits that hold for it."""
    query: Query
    encoder: Encoder
    media_type: str
    check_seconds: float
    """That checking it may take: the collection's `limits.seconds`, whatever holds for the work."""


def default_encoder() -> Encoder:
    """Records, the shape of a data frame, where that format is offered."""
    offered = encoders_of("position")
    return next((e for e in offered if "records" in e.aliases), offered[0] if offered else ENCODERS[0])


def read_inputs(inputs: object, outputs: object, known: Known, limits: Limits | None) -> Asked:
    """The query that an execution asks. `limits` hold in the place of the collection's.

    Raises `InvalidQuery` and its kinds, with the name of the input in the sentence.
    """
    values = _values(inputs)
    collection = _collection(values, known)
    check_seconds = collection.settings.limits.seconds
    if limits is not None:
        collection = replace(collection, settings=replace(collection.settings, limits=limits))
    _check_names(values, collection)
    encoder, media_type = _format(values.pop("f", None), outputs)
    asked = _points(values, known.tables, collection.settings.limits)
    if asked.places is None:
        raise InvalidBody(f"The points are missing; {_EXAMPLE}.")
    _check_finite(asked.places)
    query = build_query("position", asked.options, collection, asked.places)
    return Asked(collection, query, encoder, media_type, check_seconds)


def _values(inputs: object) -> dict[str, object]:
    """Inputs by their standard names, unwrapped; null ones left out."""
    if not isinstance(inputs, dict):
        raise InvalidBody(f'inputs is not an object; {_EXAMPLE}, inside of "inputs": {{...}}.')
    values: dict[str, object] = {}
    for name, value in inputs.items():
        standard = str(ALIASES.get(name, name))
        if standard in values:
            raise InvalidQuery(f"The input {standard!r} is given more than once.")
        if isinstance(value, dict) and "value" in value and value.keys() <= _QUALIFIED:
            value = value["value"]  # noqa: PLW2901 - the same input, unwrapped
        if value is not None:
            values[standard] = value
    return values


def _collection(values: dict[str, object], known: Known) -> Collection:
    """The collection, or the instance of it, that the inputs name; both are taken out of them."""
    offered = ", ".join(known.listed)
    id_, instance = values.pop("collection", None), values.pop("instance", None)
    if id_ is None:
        raise InvalidQuery(f"The input 'collection' is missing; it is one of: {offered}.")
    if not isinstance(id_, str) or id_ not in known.collections:
        raise InvalidQuery(f"collection is {quoted(str(id_))}, and there is none of that id; there are: {offered}.")
    collection = known.collections[id_]
    if instance is None:
        return collection
    if not isinstance(instance, str) or instance not in collection.instances:
        runs = ", ".join(collection.instances) or "none"
        raise InvalidQuery(
            f"instance is {quoted(str(instance))}, and {id_!r} has none of that id; it has: {runs[-500:]}."
        )
    return collection.instances[instance]


def _check_names(values: Mapping[str, object], collection: Collection) -> None:
    """Refuse unknown inputs: a misspelt one would be left out of account silently."""
    known = [*NAMES, *collection.custom_axes]
    unknown = next((name for name in values if name not in known), None)
    if unknown is not None:
        close = get_close_matches(unknown[:60].lower(), known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise InvalidQuery(f"{quoted(unknown)} is not an input of this process.{hint} It takes: {', '.join(known)}.")


def _points(values: dict[str, object], tables: Tables | None, limits: Limits) -> Body:
    """The points, and the other inputs as the parameters of a query."""
    given = values.pop("points", None)
    columns: dict[str, object] = {name: values.pop(name) for name in ("longitude", "latitude") if name in values}
    if given is None and columns and isinstance(values.get("z"), list):
        columns["z"] = values.pop("z")
    if given is not None and columns:
        raise InvalidQuery("The points are given twice, as points and as longitude and latitude; leave one out.")
    options = read_object(values, limits).options
    if given is None:
        found = read_object(columns, limits)
    elif not isinstance(given, dict):
        raise InvalidBody(
            "points is not an object; it is a GeoJSON MultiPoint or FeatureCollection of Points, or the reference that"
            ' the post of a table was answered with: {"href": "..."}.'
        )
    elif "href" in given:
        found = Body(_referred(given, tables, limits), {})
    else:
        found = read_object(given, limits)
    twice = next((name for name in found.options if name in options), None)
    if twice is not None:
        raise InvalidQuery(f"{quoted(twice)} is given in points and as an input; leave one out.")
    return Body(found.places, {**options, **found.options})


def _referred(given: Mapping[str, object], tables: Tables | None, limits: Limits) -> Places:
    """Points of a table that was posted here. Whatever else a reference may point to is never fetched."""
    unknown = next((name for name in given if name not in _REFERENCE), None)
    if unknown is not None:
        raise InvalidBody(f"points has the member {quoted(unknown)}; a reference has href and perhaps type.")
    if tables is None:
        raise InvalidQuery("This server takes no tables; give the points as longitude and latitude.")
    href = given["href"]
    if not isinstance(href, str):
        raise InvalidBody("The href of points is not text; it is what the post of a table was answered with.")
    return tables.referred(href, limits)


def _check_finite(places: Places) -> None:
    """JSON has no NaN, but readers of it let some pass."""
    wrong = ~np.isfinite(places.geometry.coords)
    if wrong.any():
        point, axis = (int(index) for index in np.argwhere(wrong)[0])
        raise InvalidBody(f"{('longitude', 'latitude', 'z')[axis]}[{point}] is not a finite number.")


def _format(f: object, outputs: object) -> tuple[Encoder, str]:
    """The encoder, and the media type to label its output with, by `f` or by the format of the output."""
    if f is not None and not isinstance(f, str):
        raise InvalidFormat(f"f is not text; it is one of: {', '.join(e.name for e in encoders_of('position'))}.")
    media_type = _asked_media_type(outputs)
    if f is not None and media_type is not None and encoder_for(f, "position") != encoder_for(media_type, "position"):
        raise InvalidFormat(f"f asks for {f[:60]!r}, the output for {media_type[:60]!r}; leave one out.")
    wanted = media_type or f
    encoder = default_encoder() if wanted is None else encoder_for(wanted, "position")
    label = (wanted or "").strip().lower()
    return encoder, label if label in encoder.media_types else encoder.media_types[0]


def _asked_media_type(outputs: object) -> str | None:
    """What `{"result": {"format": {"mediaType": ...}}}` asks for (OGC 18-062r2, 7.11.2.2)."""
    if outputs is None or outputs == {}:
        return None
    if not isinstance(outputs, dict) or set(outputs) != {OUTPUT} or not isinstance(outputs[OUTPUT], dict):
        raise InvalidBody(f'outputs is not understood; there is one output, right is e.g. {{"{OUTPUT}": {{}}}}.')
    output = outputs[OUTPUT]
    unknown = next((name for name in output if name not in ("format", "transmissionMode")), None)
    if unknown is not None:
        raise InvalidBody(f"outputs.{OUTPUT} has the member {quoted(unknown)}; known are format and transmissionMode.")
    if output.get("transmissionMode", "value") != "value":
        raise InvalidBody(
            f"transmissionMode is {quoted(str(output['transmissionMode']))}; this process transmits by value only."
        )
    wanted = output.get("format", {})
    if not isinstance(wanted, dict) or not wanted.keys() <= {"mediaType"}:
        raise InvalidBody(
            f'The format of outputs.{OUTPUT} is not understood; right is e.g. {{"mediaType": "text/csv"}}.'
        )
    media_type = wanted.get("mediaType")
    if media_type is not None and not isinstance(media_type, str):
        raise InvalidBody(f"The mediaType of outputs.{OUTPUT} is not text.")
    return media_type
