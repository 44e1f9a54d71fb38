"""What the configuration says of the service, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zarr_edr.dataset.catalog import provider_block
from zarr_edr.extract.processor import PROCESSOR, job_limits
from zarr_edr.jobs.settings import MANAGER
from zarr_edr.limits import Limits

JsonObject = dict[str, Any]

_NOT_STATED = "not stated"
"""What stands in the configuration where the operator wrote nothing and pygeoapi demands something."""

_CONTACT = (
    "email",
    "phone",
    "fax",
    "hours",
    "instructions",
    "address",
    "postalCode",
    "city",
    "stateorprovince",
    "country",
)
"""Members of `contact` on the landing page, named as EDR names them."""


@dataclass(frozen=True, slots=True)
class Service:
    """The service as a whole."""

    url: str
    """Where clients find it, without a slash at the end."""
    title: str
    description: str
    keywords: tuple[str, ...] = ()
    provider: JsonObject = field(default_factory=dict)
    """`name` and `url`, as far as they are known; so for the following."""
    contact: JsonObject = field(default_factory=dict)
    license: JsonObject = field(default_factory=dict)
    terms: str | None = None
    resources: Mapping[str, Resource] = field(default_factory=dict)
    """Id of a collection -> what the configuration says of it, in its order, those of other providers included."""
    other_resources: bool = False
    """Whether there are resources that are no collections, e.g. processes."""

    extractions: Mapping[str, Limits] = field(default_factory=dict)
    """Id of a process of ours -> the limits of its jobs, where our manager manages them."""

    @property
    def has_others(self) -> bool:
        """Whether anything is served that is not ours."""
        return self.other_resources or not all(resource.ours for resource in self.resources.values())

    @classmethod
    def of(cls, config: Mapping[str, Any], url: str) -> Service:
        """From a complete pygeoapi configuration."""
        metadata = config.get("metadata") or {}
        identification = metadata.get("identification") or {}
        title = text_of(identification.get("title")) or "Environmental data"
        resources = config.get("resources") or {}
        collections = {str(id_): Resource.of(r) for id_, r in resources.items() if r.get("type") == "collection"}
        terms = text_of(identification.get("terms_of_service"))
        return cls(
            url=url.rstrip("/"),
            title=title,
            description=text_of(identification.get("description")) or title,
            keywords=texts_of(identification.get("keywords")),
            provider=_stated(metadata.get("provider"), ("name", "url")),
            contact=_stated(_edr_names(metadata.get("contact") or {}), _CONTACT),
            license=_stated(metadata.get("license"), ("name", "url")),
            terms=None if terms == text_of((config.get("server") or {}).get("url")) else terms,
            resources=collections,
            other_resources=len(collections) < len(resources),
            extractions=_extractions(config),
        )


@dataclass(frozen=True, slots=True)
class Resource:
    """What the configuration says of one collection, besides its title and description."""

    ours: bool
    """Served by this package rather than by another provider of pygeoapi."""
    hidden: bool = False
    """Served, but not listed."""
    keywords: tuple[str, ...] = ()
    links: tuple[JsonObject, ...] = ()
    """Further links, each with href, rel and type."""

    @classmethod
    def of(cls, resource: Mapping[str, Any]) -> Resource:
        """From one of the `resources`."""
        return cls(
            ours=provider_block(resource) is not None,
            hidden=resource.get("visibility") == "hidden",
            keywords=texts_of(resource.get("keywords")),
            links=tuple(
                _link(link) for link in resource.get("links") or () if isinstance(link, Mapping) and "href" in link
            ),
        )


def _link(given: Mapping[str, Any]) -> JsonObject:
    link: JsonObject = {"href": str(given["href"]), "rel": str(given.get("rel") or "related")}
    link["type"] = str(given.get("type") or "text/html")
    return link | {key: text for key in ("title", "hreflang") if (text := text_of(given.get(key)))}


def _extractions(config: Mapping[str, Any]) -> dict[str, Limits]:
    manager = (config.get("server") or {}).get("manager") or {}
    if manager.get("name") != MANAGER:
        return {}
    blocks = {str(id_): resource.get("processor") or {} for id_, resource in (config.get("resources") or {}).items()}
    return {id_: job_limits(block) for id_, block in blocks.items() if block.get("name") == PROCESSOR}


def text_of(value: object) -> str | None:
    """Text as it is, or the first of a mapping of languages to texts; None for anything else."""
    if isinstance(value, Mapping):
        value = next(iter(value.values()), None)
    return value.strip() or None if isinstance(value, str) else None


def texts_of(value: object) -> tuple[str, ...]:
    """A list of texts, or the first of a mapping of languages to lists."""
    if isinstance(value, Mapping):
        value = next(iter(value.values()), None)
    return tuple(str(text) for text in value) if isinstance(value, list | tuple) else ()


def _stated(given: object, keys: tuple[str, ...]) -> JsonObject:
    """The texts among some keys; none at all where only what pygeoapi demands is there."""
    if not isinstance(given, Mapping) or given.get("name") == _NOT_STATED:
        return {}
    return {key: text for key in keys if (text := text_of(given.get(key)))}


def _edr_names(contact: Mapping[str, Any]) -> JsonObject:
    """A contact with the names of EDR, where pygeoapi's differ."""
    return {"postalCode" if key == "postalcode" else key: value for key, value in contact.items()}
