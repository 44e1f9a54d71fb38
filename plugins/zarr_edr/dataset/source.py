"""Where a store lives: from the text in the settings to an open, read-only Zarr group."""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import zarr
from zarr.abc.store import Store
from zarr.errors import BaseZarrError, ContainsArrayError, NodeTypeValidationError
from zarr.storage import LocalStore, ZipStore

from zarr_edr.dataset.process_store import ProcessStore
from zarr_edr.dataset.remote import BACKENDS, open_remote
from zarr_edr.errors import ConfigurationError, StoreUnavailable

_EXPECTED = "a directory, `.zip` file or URL (file, s3, gs, az, http, https) of a Zarr group was expected"


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
    that is moved to another version later does not mix the two. `storage_options` are for remote stores, see `remote`.

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
        if scheme not in BACKENDS:
            raise ConfigurationError(f"{name}: {scheme[:20]!r} is not a kind of store that is read; {_EXPECTED}.")
        return open_remote(data, scheme, name, storage_options)
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


def _open_zip(path: Path) -> Store:
    return ZipStore(path, mode="r")


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
    return (*network_errors(), EOFError, ValueError, zipfile.BadZipFile)


def network_errors() -> tuple[type[Exception], ...]:
    """OSError, and what backends of remote stores raise beside it."""
    names = (
        ("aiohttp", "ClientError"),
        ("botocore.exceptions", "BotoCoreError"),
        ("botocore.exceptions", "ClientError"),
    )
    found = (getattr(sys.modules[module], name) for module, name in names if module in sys.modules)
    return (OSError, *found)


def _refuse_array(store: Store, name: str) -> None:
    try:
        zarr.open_array(store, mode="r")
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return
    raise ConfigurationError(_is_array(name))


def _is_array(name: str) -> str:
    return f"{name} is a Zarr array, not a group; name the group that holds it and its coordinates."
