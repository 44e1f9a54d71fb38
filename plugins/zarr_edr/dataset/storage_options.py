"""`options.storage` for stores read with obstore: the names that fsspec's file systems know, and obstore's own, checked.

A pure table: nothing here opens anything. Messages name keys and never their values, which may be secrets.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from zarr_edr.errors import ConfigurationError

_CONNECT_S = 5.0
_SILENT_S = 10.0
_REQUEST_S = 30.0
"""A read that its request has given up goes on no longer than this."""
_RETRIES = 3
_BACKOFF_S = 0.1
"""Doubled with each try: a store that fails for good is told of after about a second."""


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """What obstore needs to know of a store; can be pickled, and is never printed."""

    kind: str
    """Name of a class of `obstore.store`."""
    url: str = field(repr=False)
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    client: Mapping[str, Any] = field(default_factory=dict, repr=False)
    retries: int = _RETRIES

    def open(self) -> Any:
        """The store of obstore. Opens no connection, and starts no thread. Raises what obstore raises."""
        from obstore import store  # noqa: PLC0415  # optional, see `pyproject.toml`

        retry = {
            "max_retries": self.retries,
            "retry_timeout": timedelta(seconds=_REQUEST_S),
            "backoff": {"init_backoff": timedelta(seconds=_BACKOFF_S), "max_backoff": timedelta(seconds=2), "base": 2},
        }
        given = {"config": dict(self.config)} if self.kind != "HTTPStore" else {}
        return getattr(store, self.kind).from_url(
            self.url, client_options=dict(self.client), retry_config=retry, **given
        )


_Setter = Callable[[StoreConfig, str, Any], StoreConfig]


def _text(name: str) -> _Setter:
    return lambda store, key, value: _with(store, name, _checked(key, value, str, "text"))


def _flag(name: str) -> _Setter:
    return lambda store, key, value: _with(store, name, _checked(key, value, bool, "true or false"))


def _client(name: str, kind: type, expected: str) -> _Setter:
    return lambda store, key, value: _with_client(store, **{name: _checked(key, value, kind, expected)})


def _seconds(name: str) -> _Setter:
    def put(store: StoreConfig, key: str, value: Any) -> StoreConfig:
        number = _checked(key, value, (int, float), "a number of seconds above 0")
        if not 0 < number <= 3600:
            raise _wrong(key, "a number of seconds above 0, at most 3600")
        return _with_client(store, **{name: timedelta(seconds=number)})

    return put


def _endpoint(name: str) -> _Setter:
    def put(store: StoreConfig, key: str, value: Any) -> StoreConfig:
        url = _checked(key, value, str, "an http or https URL")
        if urlsplit(url).scheme not in {"http", "https"}:
            raise _wrong(key, "an http or https URL")
        store = _with_client(store, allow_http=True) if url.startswith("http://") else store
        return _with(store, name, url.rstrip("/"))

    return put


def _headers(store: StoreConfig, key: str, value: Any) -> StoreConfig:
    headers = _checked(key, value, dict, "a mapping of names to texts")
    if not all(isinstance(text, str) for text in headers.values()):
        raise _wrong(key, "a mapping of names to texts")
    return _with_client(store, default_headers=dict(headers))


def _certificate(store: StoreConfig, key: str, value: Any) -> StoreConfig:
    try:
        pem = Path(_checked(key, value, str, "the path of a PEM file")).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(key, "the path of a PEM file") from error
    return _with_client(store, root_certificate=pem)


def _retries(store: StoreConfig, key: str, value: Any) -> StoreConfig:
    number = _checked(key, value, int, "a whole number from 0 to 20")
    if not 0 <= number <= 20:
        raise _wrong(key, "a whole number from 0 to 20")
    return replace(store, retries=number)


def _addressing(store: StoreConfig, key: str, value: Any) -> StoreConfig:
    if value not in {"virtual", "path"}:
        raise _wrong(key, "`virtual` or `path`")
    return _with(store, "virtual_hosted_style_request", value == "virtual")


def _google_token(store: StoreConfig, key: str, value: Any) -> StoreConfig:
    """As gcsfs has it: `anon`, a file of a service account, or what such a file holds."""
    if isinstance(value, Mapping):
        return _with(store, "service_account_key", json.dumps(dict(value)))
    if value in {"google_default", "cloud"}:
        return store
    if value == "anon":
        return _with(store, "skip_signature", True)
    return _with(store, "service_account", _checked(key, value, str, "`anon`, `cloud`, a path or a mapping"))


_COMMON: dict[str, _Setter] = {
    "connect_timeout": _seconds("connect_timeout"),
    "read_timeout": _seconds("read_timeout"),
    "timeout": _seconds("timeout"),
    "max_retries": _retries,
    "proxy_url": _client("proxy_url", str, "text"),
    "root_certificate": _certificate,
    "allow_http": _client("allow_http", bool, "true or false"),
    "allow_invalid_certificates": _client("allow_invalid_certificates", bool, "true or false"),
    "headers": _headers,
    "client_kwargs.headers": _headers,
}
_S3: dict[str, _Setter] = {
    "key": _text("access_key_id"),
    "secret": _text("secret_access_key"),
    "token": _text("session_token"),
    **{name: _text(name) for name in ("access_key_id", "secret_access_key", "session_token", "region")},
    "client_kwargs.region_name": _text("region"),
    "anon": _flag("skip_signature"),
    "skip_signature": _flag("skip_signature"),
    "endpoint_url": _endpoint("endpoint"),
    "endpoint": _endpoint("endpoint"),
    "client_kwargs.endpoint_url": _endpoint("endpoint"),
    "requester_pays": _flag("request_payer"),
    "addressing_style": _addressing,
    "config_kwargs.s3.addressing_style": _addressing,
}
_GOOGLE: dict[str, _Setter] = {
    "token": _google_token,
    "anon": _flag("skip_signature"),
    "skip_signature": _flag("skip_signature"),
    "service_account": _text("service_account"),
    "endpoint_url": _endpoint("base_url"),
}
_AZURE: dict[str, _Setter] = {
    **{name: _text(name) for name in ("account_name", "account_key", "client_id", "client_secret", "tenant_id")},
    "sas_token": _text("sas_key"),
    "sas_key": _text("sas_key"),
    "anon": _flag("skip_signature"),
    "skip_signature": _flag("skip_signature"),
    "endpoint_url": _endpoint("endpoint"),
    "endpoint": _endpoint("endpoint"),
}

KINDS: Mapping[str, tuple[str, Mapping[str, _Setter]]] = {
    "s3": ("S3Store", _S3 | _COMMON),
    "gs": ("GCSStore", _GOOGLE | _COMMON),
    "gcs": ("GCSStore", _GOOGLE | _COMMON),
    **dict.fromkeys(("az", "abfs", "abfss"), ("AzureStore", _AZURE | _COMMON)),
    "http": ("HTTPStore", _COMMON),
    "https": ("HTTPStore", _COMMON),
}
"""Scheme of a URL -> class of obstore, and the keys of `options.storage` that are understood for it."""


def store_config(url: str, options: Mapping[str, Any]) -> StoreConfig:
    """What obstore needs for `url`, of one of `KINDS`. Raises `ConfigurationError` for a key that is not known, by name."""
    scheme = url.partition("://")[0]
    kind, setters = KINDS[scheme]
    store = StoreConfig(kind, f"gs{url.removeprefix('gcs')}" if scheme == "gcs" else url)
    times = {"connect_timeout": _CONNECT_S, "read_timeout": _SILENT_S, "timeout": _REQUEST_S}
    store = _with_client(store, **{name: timedelta(seconds=seconds) for name, seconds in times.items()})
    if scheme == "http":
        store = _with_client(store, allow_http=True)
    for key, value in _flat(options, setters):
        setter = setters.get(key)
        if setter is None:
            raise _unknown(key, scheme, setters)
        store = setter(store, f"options.storage.{key}", value)
    return _virtual_host(store)


def _flat(options: Mapping[Any, Any], setters: Mapping[str, _Setter], prefix: str = "") -> list[tuple[str, Any]]:
    """Keys of mappings within mappings joined by dots, where the whole mapping is not itself a value."""
    found: list[tuple[str, Any]] = []
    for name, value in options.items():
        key = f"{prefix}{name}"
        nested = isinstance(value, Mapping) and key not in setters
        found += _flat(value, setters, f"{key}.") if nested and value else [(key, value)]
    return found


def _virtual_host(store: StoreConfig) -> StoreConfig:
    """With the bucket in the endpoint, which obstore leaves to its user, where it is to be part of the host's name."""
    endpoint = store.config.get("endpoint")
    if not store.config.get("virtual_hosted_style_request") or endpoint is None:
        return store
    parts = urlsplit(endpoint)
    return _with(store, "endpoint", f"{parts.scheme}://{urlsplit(store.url).netloc}.{parts.netloc}{parts.path}")


def _with(store: StoreConfig, name: str, value: Any) -> StoreConfig:
    return replace(store, config={**store.config, name: value})


def _with_client(store: StoreConfig, **values: Any) -> StoreConfig:
    return replace(store, client={**store.client, **values})


def _checked(key: str, value: Any, kind: type | tuple[type, ...], expected: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise _wrong(key, expected)
    return value


def _wrong(key: str, expected: str) -> ConfigurationError:
    return ConfigurationError(f"`{key}` is not {expected}.")


def _unknown(key: str, scheme: str, known: Mapping[str, Any]) -> ConfigurationError:
    near = difflib.get_close_matches(key[:60], list(known), n=1, cutoff=0.6)
    hint = f" Did you mean `options.storage.{near[0]}`?" if near else ""
    return ConfigurationError(
        f"`options.storage.{key[:60]}` is not a setting of {scheme} stores.{hint} Known are: {', '.join(sorted(known))};"
        " or `backend: fsspec` with any option of the fsspec package of the protocol."
    )
