"""A short pygeoapi configuration made complete: what pygeoapi demands is filled in, from the data where they tell it.

pygeoapi reads its configuration and its OpenAPI document from two files that two environment variables name. `prepare`
writes both into a folder of their own; the operator's file stays as it is.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from pygeoapi.openapi import get_oas
from pygeoapi.util import to_json, yaml_load

from zarr_edr.dataset.catalog import PROVIDER, Catalog, extents, provider_block
from zarr_edr.errors import ConfigurationError
from zarr_edr.extract.processor import PROCESSOR
from zarr_edr.jobs.settings import MANAGER

SECTIONS = ("server", "logging", "metadata", "pubsub", "resources")
"""Top-level keys of a pygeoapi configuration. Others may start with `x-`, for YAML anchors."""
CONFIG_SCHEMA = "resources/schemas/config/pygeoapi-config-0.x.yml"
"""Of pygeoapi's configuration, in its package."""
LOG_LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG", "NOTSET")
_THIS_MACHINE = ("127.0.0.1", "0.0.0.0", "::1", "::", "")  # noqa: S104  # compared with, not listened on

_Dumper: type[yaml.SafeDumper] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""That in C where PyYAML has it: ten times faster."""


@dataclass(frozen=True, slots=True)
class PreparedConfig:
    """A configuration as pygeoapi takes it."""

    config: Path
    """The completed configuration, YAML. May hold secrets of `storage_options`: readable by this user only."""
    openapi: Path
    """pygeoapi's OpenAPI document of what is not ours, JSON; `web.openapi` takes it over."""
    url: str
    """Where clients find the service."""
    collections: tuple[str, ...]
    """Their ids, in the order of the configuration."""
    processes: tuple[str, ...]
    """Likewise."""


def prepare(config_path: Path, workdir: Path, bind: str) -> PreparedConfig:
    """Complete the configuration at `config_path` for a server on `bind` (HOST:PORT), and tell pygeoapi of it.

    Opens all stores. Writes two files to `workdir` and sets `PYGEOAPI_CONFIG` and `PYGEOAPI_OPENAPI`.
    Raises `ConfigurationError` or `StoreUnavailable`.
    """
    given = load(config_path)
    completed = _with_jobs(complete(given, bind), workdir)
    kinds = {id_: resource["type"] for id_, resource in completed["resources"].items()}
    written = PreparedConfig(
        workdir / "config.yml",
        workdir / "openapi.json",
        completed["server"]["url"],
        collections=tuple(id_ for id_, kind in kinds.items() if kind != "process"),
        processes=tuple(id_ for id_, kind in kinds.items() if kind == "process"),
    )
    _write(written.config, yaml.dump(completed, Dumper=_Dumper, sort_keys=False, allow_unicode=True))
    os.environ["PYGEOAPI_CONFIG"] = str(written.config)
    os.environ["PYGEOAPI_OPENAPI"] = str(written.openapi)
    _write(written.openapi, to_json(get_oas(_without_ours(completed)), pretty=False))
    return written


def _without_ours(completed: dict[str, Any]) -> dict[str, Any]:
    """The configuration as far as pygeoapi describes it: for ten thousand collections of ours it would take a minute."""
    resources = completed["resources"].items()
    return {**completed, "resources": {id_: resource for id_, resource in resources if not _is_ours(resource)}}


def _is_ours(resource: Mapping[str, Any]) -> bool:
    """Whether nothing but this package serves it."""
    return provider_block(resource) is not None and len(resource["providers"]) == 1


def load(config_path: Path) -> dict[str, Any]:
    """A configuration file, with `${VARIABLE:-default}` replaced as pygeoapi does. Raises `ConfigurationError`."""
    try:
        with config_path.open(encoding="utf-8") as file:
            loaded = yaml_load(file)
    except FileNotFoundError:
        raise ConfigurationError(f"The configuration file {config_path} does not exist.") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"The configuration file {config_path} is not text in UTF-8.") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"The configuration file {config_path} is not YAML: {_yaml_fault(error)}.") from error
    except OSError as error:
        # pygeoapi raises one without a number for a variable that is not set.
        reason = error.strerror or str(error)
        raise ConfigurationError(f"The configuration file {config_path} cannot be read: {reason}.") from error
    return _checked(loaded, config_path)


def complete(given: Mapping[str, Any], bind: str) -> dict[str, Any]:
    """A configuration (as `load` gives it) with all that pygeoapi demands. Opens all stores of our provider."""
    server = _server(given.get("server") or {}, bind)
    completed = {
        **given,
        "server": server,
        "logging": {"level": "WARNING", **(given.get("logging") or {})},
        "metadata": _metadata(given.get("metadata") or {}, server["url"]),
    }
    resources = {str(id_): {"type": "collection", **resource} for id_, resource in given["resources"].items()}
    catalog = Catalog.open(resources)
    for id_, collection in catalog.collections.items():
        found = extents(collection)
        resources[id_] |= {
            "title": resources[id_].get("title") or collection.title,
            "description": resources[id_].get("description") or collection.description or collection.title,
            "extents": {**found, **(resources[id_].get("extents") or {})},
        }
    completed["resources"] = {id_: {"keywords": [], "links": [], **resource} for id_, resource in resources.items()}
    return completed


def _with_jobs(completed: dict[str, Any], workdir: Path) -> dict[str, Any]:
    """The configuration with our manager of jobs, where it has a process of ours or settings of a manager without a name."""
    processors = (resource.get("processor") or {} for resource in completed["resources"].values())
    server = completed["server"]
    given = server.get("manager") or {}
    manager = {"name": MANAGER, **given}
    wanted = given or any(processor.get("name") == PROCESSOR for processor in processors)
    if manager["name"] != MANAGER or not wanted:
        return completed
    places = {"connection": str(workdir / "jobs.json"), "output_dir": str(workdir / "results")}
    return {**completed, "server": {**server, "manager": {**places, **manager}}}


def _server(given: Mapping[str, Any], bind: str) -> dict[str, Any]:
    host, _, port = bind.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    name = "localhost" if host in _THIS_MACHINE else f"[{host}]" if ":" in host else host
    defaults = {
        "url": f"http://{name}:{port}",
        "mimetype": "application/json; charset=UTF-8",
        "encoding": "utf-8",
        "languages": ["en-US"],
        "map": {
            "url": "https://tile.openstreetmap.org/{z}/{x}/{y}.png",
            "attribution": '&copy; <a href="https://openstreetmap.org/copyright">OpenStreetMap contributors</a>',
        },
    }
    if "language" in given:
        del defaults["languages"]
    completed = {**defaults, **given, "bind": {"host": host, "port": int(port)}}
    if urlsplit(str(completed["url"])).hostname in ("localhost", "127.0.0.1"):
        # Of this machine, and so of this server: links must lead to the port that was asked for.
        completed["url"] = f"http://{name}:{port}"
    return completed


def _metadata(given: Mapping[str, Any], url: str) -> dict[str, Any]:
    """The four parts that pygeoapi reads without asking whether they are there."""
    defaults: dict[str, dict[str, Any]] = {
        "identification": {
            "title": "Zarr data",
            "description": "Data in Zarr, served by OGC API - Environmental Data Retrieval",
            "keywords": ["EDR", "Zarr"],
            "terms_of_service": url,
            "url": url,
        },
        "license": {"name": "not stated", "url": url},
        "provider": {"name": "not stated", "url": url},
        "contact": {"name": "not stated", "url": url},
    }
    return {**given, **{name: {**part, **(given.get(name) or {})} for name, part in defaults.items()}}


def _checked(loaded: object, path: Path) -> dict[str, Any]:
    """What pygeoapi would fail on later, and less clearly. Raises `ConfigurationError`."""
    if not isinstance(loaded, Mapping):
        raise ConfigurationError(f"The configuration file {path} holds no keys; expected at least `resources:`.")
    for key in loaded:
        if key not in SECTIONS and not str(key).startswith("x-"):
            raise ConfigurationError(f"{path}: the key {str(key)[:60]!r} is not known{_hint(str(key), SECTIONS)}.")
    for section in ("server", "logging", "metadata"):
        _mapping(loaded.get(section) or {}, f"{path}: `{section}`")
    for part, value in (loaded.get("metadata") or {}).items():
        _mapping(value or {}, f"{path}: `metadata.{part}`")
    _check_keys(loaded, path)
    _check_values(loaded, path)
    resources = _mapping(loaded.get("resources") or {}, f"{path}: `resources`")
    if not resources:
        raise ConfigurationError(f"{path}: there are no `resources`; name at least one collection to serve.")
    for id_, resource in resources.items():
        _check_resource(f"{path}: `resources.{str(id_)[:60]}", resource)
    return dict(loaded)


def _check_keys(loaded: Mapping[str, Any], path: Path) -> None:
    """Refuse keys that pygeoapi would read over, since they are misspelt."""
    with (files("pygeoapi") / CONFIG_SCHEMA).open(encoding="utf-8") as file:
        sections = yaml.safe_load(file)["properties"]
    for section in ("server", "metadata", "logging"):
        known = tuple(sections[section]["properties"])
        for key in loaded.get(section) or {}:
            if key not in known:
                raise ConfigurationError(
                    f"{path}: the key `{section}.{str(key)[:60]}` is not known{_hint(str(key), known)}."
                )


def _check_values(loaded: Mapping[str, Any], path: Path) -> None:
    server = loaded.get("server") or {}
    _mapping(server.get("bind") or {}, f"{path}: `server.bind`")
    url = server.get("url", "http://")
    if not (isinstance(url, str) and url.startswith(("http://", "https://"))):
        raise ConfigurationError(f"{path}: `server.url` is {str(url)[:60]!r}; expected http://... or https://...")
    level = (loaded.get("logging") or {}).get("level", "ERROR")
    if level not in LOG_LEVELS:
        known = ", ".join(LOG_LEVELS)
        raise ConfigurationError(f"{path}: `logging.level` is {str(level)[:60]!r}; expected one of {known}.")


def _check_resource(key: str, resource: object) -> None:
    """Check one entry of `resources`; `key` leads to it, its last backtick still open."""
    kind = _mapping(resource, f"{key}`").get("type", "collection")
    if kind not in ("collection", "stac-collection", "process"):
        raise ConfigurationError(f"{key}.type` is {str(kind)[:60]!r}; expected collection.")
    if kind == "process":
        _check_name(f"{key}.processor.name`", _mapping(resource, f"{key}`").get("processor"), PROCESSOR)
    if kind != "collection":
        return
    providers = _mapping(resource, f"{key}`").get("providers")
    if not isinstance(providers, list) or not providers:
        raise ConfigurationError(f"{key}.providers` is missing; expected a list of `type`, `name` and `data`.")
    for number, provider in enumerate(providers):
        _check_name(f"{key}.providers[{number}].name`", provider, PROVIDER)
        for name in ("type", "name", "data"):
            if name not in _mapping(provider, f"{key}.providers[{number}]`"):
                raise ConfigurationError(f"{key}.providers[{number}]` lacks the key `{name}`.")


def _check_name(key: str, plugin: object, ours: str) -> None:
    """A name that is meant to be ours and is not: pygeoapi would fail to import it, with a traceback."""
    name = plugin.get("name") if isinstance(plugin, Mapping) else None
    if isinstance(name, str) and name.startswith("zarr_edr") and name != ours:
        raise ConfigurationError(f"{key} is {name[:60]!r}; did you mean {ours!r}?")


def _mapping(value: object, key: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{key} is {type(value).__name__}; expected keys and values.")
    return value


def _hint(word: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean `{near[0]}`?" if near else f"; known are {', '.join(known)}"


def _yaml_fault(error: yaml.YAMLError) -> str:
    """Line and problem; never the text around it, which may hold a secret."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return "it cannot be parsed"


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
