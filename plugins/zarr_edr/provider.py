"""The pygeoapi provider: the engine behind pygeoapi's own EDR API, as far as that lets a provider go.

The only class that knows pygeoapi's provider interface. pygeoapi constructs it for each request, so construction only looks up
the collection, which was opened once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from pygeoapi.provider.base import ProviderGenericError, ProviderNoDataError
from pygeoapi.provider.base_edr import BaseEDRProvider

from zarr_edr.crs import crs_named
from zarr_edr.dataset.catalog import shared_collection
from zarr_edr.dataset.model import Collection
from zarr_edr.encode import ENCODERS
from zarr_edr.encode.covjson import parameter_document
from zarr_edr.engine import answer
from zarr_edr.errors import ConfigurationError, EdrError, InvalidCrs, NotFound
from zarr_edr.query.request import PARAMETERS, build_query

LOGGER = logging.getLogger(__name__)


class ProviderEdrError(ProviderGenericError):  # type: ignore[misc]  # pygeoapi is not typed
    """An `EdrError` as pygeoapi shows it: with its status, its code and its sentence."""

    def __init__(self, error: EdrError) -> None:
        told = error.message
        if isinstance(error, ConfigurationError):
            # It names paths and addresses, which are the operator's business.
            LOGGER.error("%s", error.message)
            told = "This collection cannot be served at the moment."
        super().__init__(error.message, user_msg=told)
        self.http_status_code = HTTPStatus(error.status)
        self.ogc_exception_code = str(error.kind)


class ZarrEDRProvider(BaseEDRProvider):  # type: ignore[misc]  # pygeoapi is not typed
    """EDR queries on a Zarr store."""

    def __init__(self, provider_def: Mapping[str, Any]) -> None:
        """Look up, or at the first time open, the collection of a provider block (see docs/configuration.md).

        Raises `ProviderEdrError` where the block is wrong or the store cannot be served.
        """
        super().__init__(_for_pygeoapi(provider_def))
        try:
            self.collection = shared_collection(provider_def)
        except EdrError as error:
            raise ProviderEdrError(error) from error
        self._fields = self._describe_fields()

    def get_fields(self) -> dict[str, dict[str, Any]]:
        """Parameters as pygeoapi describes fields: name -> type, title, unit."""
        return self._fields

    def _describe_fields(self) -> dict[str, dict[str, Any]]:
        return {
            name: {
                "type": "number",
                "title": parameter.title,
                "x-ogc-unit": "" if parameter.unit is None else parameter.unit.ucum or parameter.unit.text,
            }
            for name, parameter in self.collection.parameters.items()
        }

    def get_parameters(
        self, parameters: Sequence[str] | None = None, as_list: bool = False
    ) -> dict[str, Any] | list[dict[str, Any]]:
        """Parameters as EDR describes them, all or those named, in the order of the store."""
        described = {
            name: _with_unit(parameter_document(parameter))
            for name, parameter in self.collection.parameters.items()
            if not parameters or name in parameters
        }
        return list(described.values()) if as_list else described

    def get_query_types(self) -> list[str]:
        """What is offered; instances only where there are some."""
        return [*PARAMETERS, *(["instances"] if self.collection.instances else [])]

    def instances(self) -> list[str]:
        """Ids of the forecast runs, oldest first."""
        return list(self.collection.instances)

    def instance(self, instance: str) -> bool:
        """Whether `instance` is one of `instances`."""
        return instance in self.collection.instances

    def position(self, **kwargs: Any) -> dict[str, Any]:
        """Answer a position query with a CoverageJSON document; so do the methods below, each its own query.

        pygeoapi passes `wkt` (shapely), `bbox`, `datetime_`, `z`, `select_properties` and more. Raises `ProviderNoDataError`
        (204) and `ProviderEdrError`.
        """
        return self._answer("position", kwargs)

    def radius(self, **kwargs: Any) -> dict[str, Any]:
        """See `position`."""
        return self._answer("radius", kwargs)

    def area(self, **kwargs: Any) -> dict[str, Any]:
        """See `position`."""
        return self._answer("area", kwargs)

    def cube(self, **kwargs: Any) -> dict[str, Any]:
        """See `position`."""
        return self._answer("cube", kwargs)

    def trajectory(self, **kwargs: Any) -> dict[str, Any]:
        """See `position`."""
        return self._answer("trajectory", kwargs)

    def corridor(self, **kwargs: Any) -> dict[str, Any]:
        """See `position`."""
        return self._answer("corridor", kwargs)

    def _answer(self, query_type: str, given: Mapping[str, Any]) -> dict[str, Any]:
        try:
            collection = self._of_instance(given.get("instance"))
            answered = answer(
                build_query(query_type, _parameters(query_type, given), collection), collection, ENCODERS[0]
            )
        except EdrError as error:
            raise ProviderEdrError(error) from error
        body = answered.whole()
        if body is None:
            raise ProviderNoDataError
        document: dict[str, Any] = orjson.loads(body)
        return document

    def _of_instance(self, instance: str | None) -> Collection:
        if instance is None:
            return self.collection
        try:
            return self.collection.instances[instance]
        except KeyError:
            raise NotFound(f"The collection has no instance {str(instance)[:60]!r}.") from None

    def __repr__(self) -> str:
        return f"<ZarrEDRProvider> {self.collection.id}"


def _for_pygeoapi(provider_def: Mapping[str, Any]) -> dict[str, Any]:
    """The block with `storage_crs` in the only spelling that pygeoapi reads, a URI."""
    crs = provider_def.get("storage_crs")
    if not isinstance(crs, str):
        return dict(provider_def)
    try:
        return {**provider_def, "storage_crs": crs_named(crs).uri}
    except InvalidCrs:  # `settings` says what is wrong with it
        return {name: value for name, value in provider_def.items() if name != "storage_crs"}


def _with_unit(document: dict[str, Any]) -> dict[str, Any]:
    """A parameter with a unit that has a symbol with a value: pygeoapi's pages fail without."""
    symbol = document.get("unit", {}).get("symbol", "")
    if isinstance(symbol, dict):
        return document
    unit = {"label": {"en": symbol}, "symbol": {"value": symbol, "type": ""}}
    return {**document, "unit": unit}


def _parameters(query_type: str, given: Mapping[str, Any]) -> dict[str, str]:
    """What pygeoapi took apart, by the names of the standard and as text again."""
    wkt, bbox, names = given.get("wkt"), given.get("bbox"), given.get("select_properties")
    found = {
        "coords": None if wkt is None else wkt.wkt,
        "bbox": ",".join(map(str, bbox)) if bbox else None,
        "crs": getattr(given.get("crs_transform_spec"), "target_crs_uri", None),
        "datetime": given.get("datetime_"),
        **{
            name: given.get(name.replace("-", "_"))
            for name in PARAMETERS[query_type] - {"coords", "bbox", "crs", "datetime"}
        },
    }
    found["parameter-name"] = ",".join(names) if names else None
    return {name: str(value) for name, value in found.items() if value is not None and name in PARAMETERS[query_type]}
