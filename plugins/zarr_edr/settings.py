"""The provider block of a collection in the YAML, checked once, as a frozen value."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from zarr_edr.errors import ConfigurationError
from zarr_edr.limits import Limits

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class DatetimeMatch(StrEnum):
    """What an instant of `datetime` takes."""

    EXACT = "exact"
    NEAREST = "nearest"


class MissingChunks(StrEnum):
    """What an absent chunk means."""

    FILL = "fill"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class ParameterSettings:
    """Overrides of one variable's metadata."""

    title: str | None = None
    description: str | None = None
    units: str | None = None


@dataclass(frozen=True, slots=True)
class CollectionSettings:
    """Everything an operator can say of one collection; each field has a default."""

    data: str
    """Path or URL of the store."""
    x_field: str | None = None
    y_field: str | None = None
    z_field: str | None = None
    time_field: str | None = None
    storage_crs: str | None = None
    datetime: DatetimeMatch = DatetimeMatch.EXACT
    missing_chunks: MissingChunks = MissingChunks.FILL
    parameters: Mapping[str, ParameterSettings] = field(default_factory=dict)
    locations: str | None = None
    """Path of a file of named places, `.geojson` or `.csv`."""
    layouts: tuple[str, ...] = ()
    """Paths or URLs of further stores, which hold the same data in other chunks."""
    limits: Limits = field(default_factory=Limits)
    cache_bytes: int = 128 * 1024**2
    """Of decoded chunks, shared by all collections of a process: the largest of all collections' counts."""
    max_age_s: int = 60
    """How long clients and caches may use an answer without asking again; 0: they ask each time."""
    version: str | None = None
    """Of the data: changes whenever they do. None: unknown, so that answers are taken for new ones after each start."""
    dask_scheduler: str = "auto"
    """`auto`, `inline`, `threads`, or the address of a scheduler, e.g. `tcp://127.0.0.1:8786`."""
    threads_from_bytes: int = 8 * 1024**2
    """Decoded bytes of a plan from which a pool of threads is quicker than the request's own, see docs/scaling.md."""
    cluster_from_bytes: int = 64 * 1024**2
    """The same for a cluster: its round trip takes 10 to 30 ms on loopback."""
    storage_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Of remote stores, see `dataset.storage_options`; never printed."""

    @classmethod
    def from_provider(cls, provider_def: Mapping[str, Any]) -> CollectionSettings:
        """Read a pygeoapi provider block. Raises `ConfigurationError`, which names the key and what is right."""
        block = _mapping("provider", provider_def)
        _known(block, (*PROVIDER_KEYS, *PYGEOAPI_KEYS), "")
        if block.get("type", "edr") != "edr":
            raise _wrong("type", block["type"], "`edr`")
        if "data" not in block:
            raise ConfigurationError("`data` is missing; it is the path or URL of the Zarr store.")
        names: dict[str, Any] = {key: _optional_text(key, block.get(key)) for key in _TEXT_KEYS}
        return cls(data=_text("data", block["data"]), **names, **_options(block.get("options")))


@dataclass(frozen=True, slots=True)
class Option:
    """One row of the table of options, for documentation."""

    key: str
    """Full dotted key, `*` for any name."""
    expected: str
    default: str
    help: str


PROVIDER_KEYS: Mapping[str, str] = {
    "type": "`edr`",
    "name": "`zarr_edr.ZarrEDRProvider`",
    "data": "path or URL of the store",
    "x_field": "variable that holds the longitudes, where the metadata do not say",
    "y_field": "variable that holds the latitudes",
    "z_field": "variable that holds the levels",
    "time_field": "variable that holds the times",
    "storage_crs": "CRS of x and y: CRS84 or EPSG:4326",
    "options": "the options of this provider",
}
"""Keys of the provider block -> what they hold."""

PYGEOAPI_KEYS = frozenset(
    {"editable", "count", "default", "format", "crs", "storage_crs_coordinate_epoch", "id_field", "uri_field"}
    | {"title_field", "properties", "file_types", "include_extra_query_parameters", "geometry", "table"}
)
"""Keys that pygeoapi allows in any provider block; they mean nothing here."""

_TEXT_KEYS = ("x_field", "y_field", "z_field", "time_field", "storage_crs")
_COUNT = "a whole number above 0"
_BYTES = "a whole number of bytes above 0, or text such as `256 MiB`"
_SECONDS = "a number above 0"
_STORES = "a list of paths or URLs of stores"
_AGE = "a whole number of seconds from 0 to 31536000 (one year)"
_SCHEDULER = "`auto`, `inline`, `threads`, `tcp://host:port` or `tls://host:port`"


def _limit_kind(name: str) -> str:
    return _SECONDS if name.endswith("seconds") else _BYTES if name.endswith("bytes") else _COUNT


OPTIONS: tuple[Option, ...] = (
    Option("options.datetime", "`exact` or `nearest`", "exact", "what an instant of `datetime` takes"),
    Option(
        "options.missing_chunks",
        "`fill` or `error`",
        "fill",
        "whether an absent chunk stands for the fill value or is an error",
    ),
    Option("options.parameters.*.title", "text", "from the store", "title of the parameter"),
    Option("options.parameters.*.description", "text", "from the store", "description of the parameter"),
    Option("options.parameters.*.units", "text", "from the store", "unit of the parameter"),
    Option("options.locations", "path of a .geojson or .csv file", "none", "named places that can be asked for by id"),
    Option("options.layouts", _STORES, "[]", "further stores of the same data in other chunks"),
    *(
        Option(f"options.limits.{f.name}", _limit_kind(f.name), f"{f.default}", f.metadata["help"])
        for f in fields(Limits)
    ),
    Option("options.version", "text", "none", "version of the data; changes whenever they do"),
    Option("options.cache.bytes", _BYTES, f"{128 * 1024**2}", "decoded chunks kept in memory by each process"),
    Option("options.cache.max_age", _AGE, "60", "how long clients and caches may use an answer without asking again"),
    Option("options.dask.scheduler", _SCHEDULER, "auto", "what runs the reading of chunks"),
    Option(
        "options.dask.threads_from_bytes",
        _BYTES,
        f"{8 * 1024**2}",
        "bytes that a query must decode for threads to read it",
    ),
    Option(
        "options.dask.cluster_from_bytes",
        _BYTES,
        f"{64 * 1024**2}",
        "bytes that a query must decode for the cluster to read it",
    ),
    Option("options.dask.allow_remote", "true or false", "false", "allow a `tcp://` scheduler on another machine"),
    Option("options.storage", "a mapping", "{}", "options of a remote store, e.g. credentials; never printed"),
)
"""Every option there is."""


def _options(raw: object) -> dict[str, Any]:
    if raw is None:
        return {}
    options = _mapping("options", raw)
    _known(options, sorted({option.key.split(".")[1] for option in OPTIONS}), "options.")
    read: dict[str, Any] = {"version": _version(options.get("version")), **_cache(options.get("cache", {}))}
    for name, reader in _READERS.items():
        if name in options:
            read[name] = reader(f"options.{name}", options[name])
    if "dask" in options:
        read |= _dask(options["dask"])
    if "storage" in options:
        read["storage_options"] = _secret_mapping("options.storage", options["storage"])
    return read


def _cache(raw: object) -> dict[str, int]:
    cache = _section("options.cache", raw, ("bytes", "max_age"))
    read = {}
    if "bytes" in cache:
        read["cache_bytes"] = size("options.cache.bytes", cache["bytes"])
    if "max_age" in cache:
        read["max_age_s"] = _age("options.cache.max_age", cache["max_age"])
    return read


def _version(value: object) -> str | None:
    """Text, or what YAML makes of some texts that have no quotes. Not a float: 1.10 would be the same as 1.1."""
    if isinstance(value, date) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    if value is not None and not isinstance(value, str):
        raise _wrong("options.version", value, 'text in quotes, e.g. "2026-11-26T00Z"')
    return _optional_text("options.version", value)


def _parameters(key: str, raw: object) -> dict[str, ParameterSettings]:
    allowed = tuple(f.name for f in fields(ParameterSettings))
    parameters = {}
    for name, block in _mapping(key, raw).items():
        of = f"{key}.{name}"
        values = _section(of, block, allowed)
        parameters[str(name)] = ParameterSettings(**{k: _optional_text(f"{of}.{k}", v) for k, v in values.items()})
    return parameters


def numbers[T: DataclassInstance](key: str, raw: object, defaults: T) -> T:
    """`defaults` with those of its fields that the section at `key` sets: numbers, of a kind that their names tell.

    Raises `ConfigurationError`.
    """
    section = _section(key, raw, tuple(f.name for f in fields(defaults)))
    values: dict[str, Any] = {}
    for name, value in section.items():
        read = {_SECONDS: _seconds, _BYTES: size, _COUNT: _count}[_limit_kind(name)]
        values[name] = read(f"{key}.{name}", value)
    return replace(defaults, **values)


def _stores(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise _wrong(key, value, _STORES)
    stores = dict.fromkeys(_text(f"{key}[{number}]", store) for number, store in enumerate(value))
    if len(stores) < len(value):
        raise _wrong(key, value, "each store once")
    return tuple(stores)


def _dask(raw: object) -> dict[str, Any]:
    sizes = ("threads_from_bytes", "cluster_from_bytes")
    dask = _section("options.dask", raw, ("scheduler", "allow_remote", *sizes))
    read = {key: size(f"options.dask.{key}", dask[key]) for key in sizes if key in dask}
    return read | {"dask_scheduler": _scheduler(dask)}


def _scheduler(dask: Mapping[str, Any]) -> str:
    allow_remote = dask.get("allow_remote", False)
    if not isinstance(allow_remote, bool):
        raise _wrong("options.dask.allow_remote", allow_remote, "true or false")
    scheduler = _text("options.dask.scheduler", dask.get("scheduler", "auto"))
    if scheduler in {"auto", "inline", "threads"}:
        return scheduler
    url, host = _address(scheduler)
    if url == "tcp" and not allow_remote and not _is_loopback(host):
        raise ConfigurationError(
            f"`options.dask.scheduler` is {_quoted(scheduler)}, on another machine and without TLS: whoever "
            "reaches that port can run code there, and here. Use `tls://`, a scheduler on 127.0.0.1, or, in a network "
            "you trust, set `options.dask.allow_remote: true`."
        )
    return scheduler


def _address(scheduler: str) -> tuple[str, str]:
    """Scheme and host of a scheduler's address."""
    try:
        url = urlsplit(scheduler)
        complete = (
            url.scheme in {"tcp", "tls"} and url.hostname and url.port and not (url.path or url.query or url.username)
        )
    except ValueError:  # a port out of range, an unclosed bracket
        complete = False
    if not complete:
        choices = ("auto", "inline", "threads", "tcp://", "tls://")
        raise _wrong("options.dask.scheduler", scheduler, _SCHEDULER, _nearest(scheduler, choices))
    return url.scheme, url.hostname or ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s{0,4}([A-Za-z]{0,3})")
_FACTORS = {"": 1, "b": 1} | {
    unit: base**power
    for power, letter in enumerate("kmgt", start=1)
    for unit, base in ((f"{letter}b", 1000), (f"{letter}ib", 1024))
}


def size(key: str, value: object) -> int:
    """A number of bytes, or text such as `256 MiB`. Raises `ConfigurationError`, which names `key`."""
    if isinstance(value, str):
        match = _SIZE.fullmatch(value.strip())
        factor = _FACTORS.get(match[2].lower()) if match else None
        if match is None or factor is None:
            raise _wrong(key, value, _BYTES)
        number = float(match[1]) * factor
        value = int(number) if number.is_integer() else None if number < 1 else round(number)
    return _positive(key, value, _BYTES)


def _count(key: str, value: object) -> int:
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal():
        value = int(value)
    return _positive(key, value, _COUNT)


def _positive(key: str, value: object, expected: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise _wrong(key, value, expected)
    return value


def _age(key: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 31_536_000:
        raise _wrong(key, value, _AGE)
    return value


def _seconds(key: str, value: object) -> float:
    # The upper bound refuses infinity, too: a limit that never bites is better written as a large number.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 86_400:
        raise _wrong(key, value, "a number above 0, at most 86400 (one day)")
    return float(value)


def _choice[E: StrEnum](key: str, value: object, kind: type[E]) -> E:
    if isinstance(value, str) and value in kind._value2member_map_:
        return kind(value)
    choices = [member.value for member in kind]
    raise _wrong(key, value, " or ".join(f"`{choice}`" for choice in choices), _nearest(value, choices))


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(key, value, "text")
    return value


def _optional_text(key: str, value: object) -> str | None:
    return None if value is None else _text(key, value)


def _mapping(key: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(key, value, "a mapping (`key: value` lines)")
    return value


def _secret_mapping(key: str, value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"`{key}` is not a mapping; write it as `key: value` lines.")
    return dict(value)


def _section(key: str, value: object, allowed: Iterable[str]) -> Mapping[str, Any]:
    section = _mapping(key, value)
    _known(section, allowed, f"{key}.")
    return section


_READERS: Mapping[str, Callable[[str, object], Any]] = {
    "datetime": lambda key, value: _choice(key, value, DatetimeMatch),
    "missing_chunks": lambda key, value: _choice(key, value, MissingChunks),
    "parameters": _parameters,
    "locations": _optional_text,
    "layouts": _stores,
    "limits": lambda key, value: numbers(key, value, Limits()),
}
"""Options that become the field of their name -> how they are read."""


def _known(block: Mapping[str, Any], allowed: Iterable[str], prefix: str) -> None:
    choices = list(allowed)
    for key in block:
        if key not in choices:
            where = f"`{prefix}{key}`"[:120]
            offered = [choice for choice in choices if choice not in PYGEOAPI_KEYS or choice in PROVIDER_KEYS]
            raise ConfigurationError(
                f"{where} is not a setting.{_nearest(key, offered, prefix)} Allowed here: {', '.join(offered)}."
            )


def _nearest(value: object, choices: Iterable[str], prefix: str = "") -> str:
    found = difflib.get_close_matches(str(value)[:60], list(choices), n=1, cutoff=0.6)
    return f" Did you mean `{prefix}{found[0]}`?" if found else ""


def _wrong(key: str, value: object, expected: str, hint: str = "") -> ConfigurationError:
    return ConfigurationError(f"`{key}` is {_quoted(value)}; expected {expected}.{hint}")


def _quoted(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
