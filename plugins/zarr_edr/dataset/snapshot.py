"""The identity of what is served: equal for answers that are the same bytes, different where they may not be.

By default it is drawn anew whenever a store is opened, since chunks can be overwritten without a trace in the metadata. Where
the settings state a version of the data, it is derived from that, so that it outlives a restart and is the same on every machine.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING, Any

from zarr.core.buffer import default_buffer_prototype

from zarr_edr.dataset.source import without_secrets
from zarr_edr.query.canonical import canonical
from zarr_edr.settings import CollectionSettings

if TYPE_CHECKING:
    from zarr_edr.dataset.model import Collection, Parameter

_PACKAGE = "zarr-edr"


def digest(*values: object) -> bytes:
    """16 bytes that stand for these values, as `canonical` takes them."""
    return blake2b(canonical(values), digest_size=16).digest()


def identified(collection: Collection) -> Collection:
    """The collection, with an identity that its version, settings and metadata make where its settings state a version."""
    settings = collection.settings
    if settings.version is None:
        return collection
    return replace(collection, snapshot=digest(software(), _with_effect(settings), *_described(collection)))


def named(collection: Collection, **names: Any) -> Collection:
    """The collection with other values for some fields, e.g. its id, which become part of its identity and its instances'."""
    snapshot = digest(collection.snapshot, names)
    instances = {
        id_: replace(run, snapshot=digest(snapshot, "instance", id_)) for id_, run in collection.instances.items()
    }
    return replace(collection, **names, snapshot=snapshot, instances=instances)


def _with_effect(settings: CollectionSettings) -> CollectionSettings:
    """The settings that may change an answer: a new one counts until it is named here. Secrets stay out of what clients see."""
    default = CollectionSettings("")
    return replace(
        settings,
        data=without_secrets(settings.data),
        storage_options={},
        layouts=default.layouts,
        cache_bytes=default.cache_bytes,
        max_age_s=default.max_age_s,
        dask_scheduler=default.dask_scheduler,
        threads_from_bytes=default.threads_from_bytes,
        cluster_from_bytes=default.cluster_from_bytes,
    )


def _described(collection: Collection) -> Iterator[object]:
    """What was read when the store was opened."""
    for parameter in collection.parameters.values():
        grid = parameter.grid
        yield parameter.name, dict(parameter.fixed), _metadata(parameter), grid.dims, grid.shape, grid.bbox
    yield [(axis.dim, axis.us, axis.calendar) for axis in collection.time_axes]
    yield collection.vertical_axes
    yield collection.custom_axes
    yield collection.attributes, collection.crs, collection.places, tuple(collection.instances)


def _metadata(parameter: Parameter) -> Mapping[str, bytes]:
    """The metadata documents of an array by their names, attributes included."""
    documents = parameter.array.array.metadata.to_buffer_dict(default_buffer_prototype())
    return {name: documents[name].to_bytes() for name in sorted(documents)}


@cache
def software() -> tuple[str, ...]:
    """What writes the bytes of answers: this package, Python, and the version of each package that this one can use."""
    named_so = (re.match(r"[\w.-]+", requirement) for requirement in requires(_PACKAGE) or ())
    names = sorted({name[0] for name in named_so if name is not None})
    return (platform.python_version(), *(f"{name} {_version(name)}" for name in (_PACKAGE, *names)))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # an extra that is not installed: its formats are not offered
        return "none"
