"""The collections of a service: each store is opened once per process, and the snapshot is shared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any

from zarr_edr.cache import allow_bytes
from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.layouts import with_layouts
from zarr_edr.dataset.model import Collection, Place, TimeAxis
from zarr_edr.dataset.objects import start_loop
from zarr_edr.dataset.places import read_places
from zarr_edr.dataset.snapshot import identified, named
from zarr_edr.dataset.source import display_name, open_group
from zarr_edr.errors import ConfigurationError, EdrError, NotFound, StoreError, StoreUnavailable
from zarr_edr.settings import CollectionSettings

PROVIDER = "zarr_edr.ZarrEDRProvider"
"""Name of the provider in a pygeoapi configuration."""

_OPENED_AT_ONCE = 16
"""Stores. To open one over a network is some ten round trips, one after the other."""
_FAULTS_TOLD = 5
"""Wrong collections that are told at once."""

_shared: dict[str, Future[Collection]] = {}
_shared_lock = Lock()


def shared_collection(provider_def: Mapping[str, Any]) -> Collection:
    """The collection of a provider block, opened on the first call in this process; later calls only look it up.

    Many threads may call at once: one opens, the others wait for it. A failure is raised to all of them and not kept,
    so that the next call tries again. Raises `ConfigurationError` or `StoreUnavailable`.
    """
    key = repr(dict(provider_def))
    with _shared_lock:
        future = _shared.get(key)
        opens = future is None
        if future is None:
            future = _shared[key] = Future()
    if opens:
        _fulfil(key, future, provider_def)
    return future.result()


def forget_shared() -> None:
    """Drop all shared collections, so that the next call opens them anew. Snapshots in use stay valid."""
    with _shared_lock:
        _shared.clear()


def _fulfil(key: str, future: Future[Collection], provider_def: Mapping[str, Any]) -> None:
    try:
        future.set_result(_opened(provider_def))
    except EdrError as error:
        _fail(key, future, error)
    finally:
        if not future.done():
            # An error of another kind is on its way up; those who wait must not wait for ever.
            _fail(key, future, StoreUnavailable("The store could not be opened."))


def _fail(key: str, future: Future[Collection], error: EdrError) -> None:
    with _shared_lock:
        _shared.pop(key, None)
    future.set_exception(error)


def _opened(provider_def: Mapping[str, Any]) -> Collection:
    settings = CollectionSettings.from_provider(provider_def)
    stem = PurePosixPath(display_name(settings.data).rstrip("/")).stem or "collection"
    collection = describe(open_group(settings.data, settings.storage_options), stem, None, None, settings)
    collection = with_layouts(collection)
    allow_bytes(settings.cache_bytes)
    if settings.locations is not None:
        collection = with_places(collection, read_places(Path(settings.locations)))
    return identified(collection)


def with_places(collection: Collection, places: Mapping[str, Place]) -> Collection:
    """The collection and its instances with named places."""
    instances = {id_: replace(instance, places=places) for id_, instance in collection.instances.items()}
    return replace(collection, places=places, instances=instances)


@dataclass(frozen=True, slots=True)
class Catalog:
    """The collections that are served, by id."""

    collections: Mapping[str, Collection]

    @classmethod
    def open(cls, resources: Mapping[str, Any]) -> Catalog:
        """Open the collections among the `resources` of a pygeoapi configuration that have our provider.

        Raises `ConfigurationError` or `StoreUnavailable`, with the id of the collection in the message; where several are known
        to be wrong by then, of each.
        """
        ours = {str(id_): (resource, p) for id_, resource in resources.items() if (p := provider_block(resource))}
        start_loop()
        pool, done = ThreadPoolExecutor(_OPENED_AT_ONCE, "zarr-edr-open"), False
        try:
            opening = {id_: pool.submit(_named, id_, *ours[id_]) for id_ in ours}
            wait(opening.values(), return_when=FIRST_EXCEPTION)
            _raise_faults([future for future in opening.values() if future.done()])
            opened = {id_: future.result() for id_, future in opening.items()}
            done = True
        finally:
            # Who forks must find none of these threads; who fails, or is told to stop, waits for no store that hangs.
            pool.shutdown(wait=done, cancel_futures=True)
        return cls(opened)

    def get(self, id: str, instance: str | None = None) -> Collection:  # noqa: A002 - the standard's name for it
        """The collection of that id, or one of its instances. Raises `NotFound`."""
        try:
            collection = self.collections[id]
        except KeyError:
            raise NotFound(f"There is no collection {id[:60]!r}.") from None
        if instance is None:
            return collection
        try:
            return collection.instances[instance]
        except KeyError:
            raise NotFound(f"The collection {id[:60]!r} has no instance {instance[:60]!r}.") from None


def provider_block(resource: object) -> Mapping[str, Any] | None:
    """The block of our provider in a resource of type collection, or None."""
    if not isinstance(resource, Mapping) or resource.get("type") != "collection":
        return None
    providers = resource.get("providers") or ()
    return next((p for p in providers if isinstance(p, Mapping) and p.get("name") == PROVIDER), None)


def _named(id_: str, resource: Mapping[str, Any], provider_def: Mapping[str, Any]) -> Collection:
    """The shared snapshot under the id, title and description of the configuration."""
    try:
        shared = shared_collection(provider_def)
    except (ConfigurationError, StoreError) as error:
        raise type(error)(f"Collection {id_!r}: {error.message}") from error
    return named(
        shared,
        id=id_,
        title=_first_text(resource.get("title")) or shared.title,
        description=_first_text(resource.get("description")) or shared.description,
    )


def _raise_faults(opened: Sequence[Future[Collection]]) -> None:
    """Raise what some of these failed with, if any, as one error; faults of the configuration first."""
    errors = [error for future in opened if (error := future.exception()) is not None]
    known = [error for error in errors if isinstance(error, ConfigurationError | StoreError)]
    if len(known) < len(errors):
        raise next(error for error in errors if error not in known)
    if known:
        known.sort(key=lambda error: not isinstance(error, ConfigurationError))
        told = [error.message for error in known[:_FAULTS_TOLD]]
        more = [f"{left} more are wrong."] if (left := len(known) - len(told)) else []
        raise type(known[0])(" ".join(told + more)) from known[0]


def _first_text(value: object) -> str | None:
    """Text, or the first of a mapping of languages to texts."""
    if isinstance(value, Mapping):
        value = next(iter(value.values()), None)
    return value if isinstance(value, str) and value.strip() else None


def extents(collection: Collection) -> dict[str, Any]:
    """The `extents` of a pygeoapi resource, from the data: spatial, and temporal where there is time.

    Longitudes are within -180..180; west > east means that the box crosses the antimeridian. Times are ISO 8601 text
    ending in `Z`, in the calendar of the data.
    """
    found: dict[str, Any] = {"spatial": {"bbox": bbox(collection), "crs": collection.crs.uri}}
    if collection.time_axes:
        begin = min(collection.time_axes, key=lambda axis: int(axis.sorted_us[0]))
        end = max(collection.time_axes, key=lambda axis: int(axis.sorted_us[-1]))
        found["temporal"] = {"begin": _iso(begin, 0), "end": _iso(end, -1)}
    return found


def _iso(axis: TimeAxis, position: int) -> str:
    return axis.iso[int(axis.order[position])]


def bbox(collection: Collection) -> list[float]:
    """The box around all grids of a collection: west, south, east, north."""
    boxes = list({id(p.grid): p.grid.bbox for p in collection.parameters.values()}.values())
    south, north = min(box[1] for box in boxes), max(box[3] for box in boxes)
    west, east = boxes[0][0], boxes[0][2]
    if any((box[0], box[2]) != (west, east) for box in boxes):
        crossing = any(box[0] > box[2] for box in boxes)
        west, east = (-180.0, 180.0) if crossing else (min(b[0] for b in boxes), max(b[2] for b in boxes))
    return [float(west), float(south), float(east), float(north)]
