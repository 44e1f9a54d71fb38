"""Object stores: opened with obstore where it is installed, with fsspec elsewhere; each process opens its own.

obstore runs threads that no fork inherits: once a process has read with it, reads in a fork of that process never return. A
server opens its stores before it forks its workers. While it does (`before_forks`), reads go through a helper, a process of
its own that ends before the first fork.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any

import fsspec
from zarr.abc.store import Store
from zarr.storage import FsspecStore

from zarr_edr.dataset.helper import Helper
from zarr_edr.dataset.obstore_store import ObstoreStore, ReadThreads
from zarr_edr.dataset.process_store import ProcessStore
from zarr_edr.dataset.storage_options import StoreConfig, store_config
from zarr_edr.errors import ConfigurationError

BACKENDS: Mapping[str, str] = {
    "s3": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "http": "aiohttp",
    "https": "aiohttp",
}
"""Scheme of a remote store -> the package that fsspec needs to read it."""

_forking: set[int] = set()
"""Ids of the processes that will be forked. A fork has another."""
_helpers: list[Helper] = []
_helpers_lock = Lock()


class RemoteStore(ProcessStore):
    """A store that takes a round trip over a network for each read."""

    @property
    def own(self) -> Store:
        """The store of this process."""
        return self._store


def open_remote(data: str, scheme: str, name: str, options: Mapping[str, Any]) -> Store:
    """The store at the URL `data`, of one of `BACKENDS`. `name` is what messages call it. Raises `ConfigurationError`.

    `options` are those of `storage_options` or, with `backend: fsspec` among them or without obstore, fsspec's.
    """
    options = dict(options)
    backend = options.pop("backend", None)
    if backend not in {None, "obstore", "fsspec"}:
        raise ConfigurationError("`options.storage.backend` is neither `obstore` nor `fsspec`.")
    installed = obstore_installed()
    if backend == "obstore" and not installed:
        raise ConfigurationError(
            "`options.storage.backend` is `obstore`, which is not installed (pip install obstore)."
        )
    if installed and backend != "fsspec":
        return _with_obstore(store_config(data, options), name)
    try:
        fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        package = BACKENDS[scheme]
        raise ConfigurationError(
            f"{name} needs the Python package 'obstore' or {package!r}, and neither is installed (pip install obstore)."
            if not installed
            else f"{name} needs the Python package {package!r}, which is not installed (pip install {package})."
        ) from error
    return RemoteStore(_open_fsspec, data, options)


def obstore_installed() -> bool:
    """Whether the extra `objectstore` is."""
    return importlib.util.find_spec("obstore") is not None


def _with_obstore(config: StoreConfig, name: str) -> Store:
    from obstore.exceptions import BaseError  # noqa: PLC0415  # optional

    try:
        config.open()
    except (BaseError, ValueError, TypeError) as error:  # whose text may hold what is secret
        raise ConfigurationError(
            f"{name}: obstore does not take these options of `options.storage` ({type(error).__name__});"
            " is one missing, or of a wrong kind?"
        ) from None
    return RemoteStore(_open_obstore, config)


def _open_fsspec(data: str, options: dict[str, Any]) -> Store:
    return FsspecStore.from_url(data, storage_options=options, read_only=True)


def _open_obstore(config: StoreConfig) -> Store:
    lists = config.kind != "HTTPStore"
    if os.getpid() in _forking:
        with _helpers_lock:
            if not _helpers:
                _helpers.append(Helper())
        return ObstoreStore(_helpers[0].reader(config), lists=lists)
    return ObstoreStore(ReadThreads(config), lists=lists)


@contextmanager
def before_forks() -> Iterator[None]:
    """While stores are opened in a process that is forked afterwards: it never reads with obstore itself, then or later."""
    _forking.add(os.getpid())
    try:
        yield
    finally:
        with _helpers_lock:
            while _helpers:
                _helpers.pop().close()
