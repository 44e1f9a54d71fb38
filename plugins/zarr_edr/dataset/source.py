"""Where a store lives: from the text in the settings to an open, read-only Zarr group."""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import fsspec
import zarr
from zarr.abc.store import Store
from zarr.errors import BaseZarrError, ContainsArrayError, NodeTypeValidationError
from zarr.storage import FsspecStore, LocalStore, WrapperStore, ZipStore

from zarr_edr.errors import ConfigurationError, StoreUnavailable

BACKENDS: Mapping[str, str] = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "http": "aiohttp", "https": "aiohttp"}
"""Scheme of a remote store -> the package that must be installed to read it."""

_EXPECTED = "a directory, `.zip` file or URL (file, s3, gs, http, https) of a Zarr group was expected"


def display_name(data: str) -> str:
    """`data` for messages: `without_secrets`, at most 120 characters."""
    data = without_secrets(data)
    return data if len(data) <= 120 else f"{data[:58]}...{data[-58:]}"


def without_secrets(data: str) -> str:
    """`data` without the credentials and query that a URL may carry."""
    if "://" not in data:
        return data
    try:
        url = urlsplit(data)
    except ValueError:
        return data.partition("://")[0] + "://..."
    return urlunsplit((url.scheme, url.netloc.rpartition("@")[2], url.path, "", ""))


def open_group(data: str, storage_options: Mapping[str, Any] | None = None) -> zarr.Group:
    """Open the Zarr group (v2 or v3, consolidated or not) at `data`, read-only.

    `data` is a path, relative to the current directory, or a URL. Symbolic links are followed once, here: a link
    that is moved to another version later does not mix the two. `storage_options` go to fsspec, for remote stores.

    Raises `ConfigurationError` when there is no readable group, `StoreUnavailable` when a remote store does not answer.
    """
    name = display_name(data)
    if "::" in data:
        raise ConfigurationError(f"{name}: chained URLs (`::`) are not read; {_EXPECTED}.")
    with failures_named(name, remote="://" in data and not data.startswith("file://")):
        store = _store(data, name, dict(storage_options or {}))
        try:
            return zarr.open_group(store, mode="r")
        except FileNotFoundError:
            _refuse_array(store, name)
            raise


def _store(data: str, name: str, storage_options: dict[str, Any]) -> Store:
    scheme, separator, _ = data.partition("://")
    if separator and scheme != "file":
        return _remote(data, scheme, name, storage_options)
    path = Path(os.path.realpath(_local_path(data, name) if separator else data))
    if not path.exists():
        raise ConfigurationError(f"{name} does not exist; {_EXPECTED}.")
    if path.is_dir():
        return LocalStore(path, read_only=True)
    if path.suffix == ".zip" or zipfile.is_zipfile(path):
        return ProcessStore(_open_zip, path)
    raise ConfigurationError(f"{name} is a file that is not a zip archive; {_EXPECTED}.")


def _local_path(data: str, name: str) -> str:
    url = urlsplit(data)
    if url.netloc not in {"", "localhost"}:
        raise ConfigurationError(f"{name} names the host {url.netloc[:60]!r}; write a local path as `file:///path`.")
    return unquote(url.path)


def _remote(data: str, scheme: str, name: str, storage_options: dict[str, Any]) -> Store:
    package = BACKENDS.get(scheme)
    if package is None:
        raise ConfigurationError(f"{name}: {scheme[:20]!r} is not a kind of store that is read; {_EXPECTED}.")
    try:
        fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        raise ConfigurationError(
            f"{name} needs the Python package {package!r}, which is not installed (pip install {package})."
        ) from error
    return ProcessStore(_open_remote, data, storage_options)


def _open_zip(path: Path) -> Store:
    return ZipStore(path, mode="r")


def _open_remote(data: str, storage_options: dict[str, Any]) -> Store:
    return FsspecStore.from_url(data, storage_options=storage_options, read_only=True)


class ProcessStore(WrapperStore[Store]):
    """A store that each process opens for itself.

    The workers of a server are forked from a process that has opened it already: with one open file they would share its
    offset and read each other's bytes, and connections belong to an event loop that the fork leaves behind.
    """

    def __init__(self, opener: Callable[..., Store], *arguments: Any) -> None:
        self._opener, self._arguments = opener, arguments
        self._opened: tuple[int, Store] | None = None
        self._opening = Lock()
        super().__init__(self._store)

    @property
    def _store(self) -> Store:
        """The store of this process, opened when it is first needed."""
        opened, pid = self._opened, os.getpid()
        if opened is not None and opened[0] == pid:
            return opened[1]
        with self._opening:
            if self._opened is None or self._opened[0] != pid:
                self._opened = (pid, self._opener(*self._arguments))
            return self._opened[1]

    @_store.setter
    def _store(self, store: Store) -> None:
        """Set by the base class, to what is there already."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (ProcessStore, (self._opener, *self._arguments))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ProcessStore) and self.__reduce__() == other.__reduce__()

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return "ProcessStore(...)"  # the arguments may be secrets

    def __str__(self) -> str:
        return repr(self)


@contextmanager
def failures_named(name: str, *, remote: bool) -> Iterator[None]:
    """Turn what zarr and fsspec raise into sentences that name the store."""
    try:
        yield
    except FileNotFoundError as error:
        raise ConfigurationError(f"{name} holds no Zarr group (no zarr.json or .zgroup); {_EXPECTED}.") from error
    except PermissionError as error:
        raise ConfigurationError(f"{name} may not be read with the rights of this process.") from error
    except (ContainsArrayError, NodeTypeValidationError) as error:
        raise ConfigurationError(_is_array(name)) from error
    except zipfile.BadZipFile as error:
        raise ConfigurationError(f"{name} is not a readable zip archive.") from error
    except (ValueError, KeyError, TypeError, AttributeError, BaseZarrError) as error:  # of broken metadata
        raise ConfigurationError(f"{name} has Zarr metadata that cannot be read ({type(error).__name__}).") from error
    except io_errors() as error:
        if not remote:
            raise ConfigurationError(f"{name} cannot be read ({type(error).__name__}).") from error
        raise StoreUnavailable(f"{name} did not answer ({type(error).__name__}).") from error


def io_errors() -> tuple[type[Exception], ...]:
    """What a store may raise when it does not deliver: OSError, and what stores and their backends raise beside it."""
    names = (
        ("aiohttp", "ClientError"),
        ("botocore.exceptions", "BotoCoreError"),
        ("botocore.exceptions", "ClientError"),
    )
    found = (getattr(sys.modules[module], name) for module, name in names if module in sys.modules)
    return (OSError, EOFError, ValueError, zipfile.BadZipFile, *found)


def _refuse_array(store: Store, name: str) -> None:
    try:
        zarr.open_array(store, mode="r")
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return
    raise ConfigurationError(_is_array(name))


def _is_array(name: str) -> str:
    return f"{name} is a Zarr array, not a group; name the group that holds it and its coordinates."
