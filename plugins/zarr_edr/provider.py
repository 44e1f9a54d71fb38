"""The pygeoapi provider: the engine behind pygeoapi's own EDR API, as far as that lets a provider go.

The only class that knows pygeoapi's provider interface. pygeoapi constructs it for each request, so construction only looks up
the collection, which was opened once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from pygeoapi.provider.base import ProviderGenericError, ProviderNoDataError
from pygeoapi.provider.base_edr import BaseEDRProvider

from zarr_edr.dataset.catalog import shared_collection
from zarr_edr.encode import encoder_for
from zarr_edr.encode.covjson import parameter_document
from zarr_edr.engine import answer
from zarr_edr.errors import EdrError, NotFound
from zarr_edr.query.request import position_query


class ProviderEdrError(ProviderGenericError):  # type: ignore[misc]
    """An `EdrError` as pygeoapi shows it: with its status, its code and its sentence."""

    def __init__(self, error: EdrError) -> None:
        super().__init__(error.message, user_msg=error.message)
        self.http_status_code = HTTPStatus(error.status)
        self.ogc_exception_code = str(error.kind)


class ZarrEDRProvider(BaseEDRProvider):  # type: ignore[misc]
    """EDR queries on a Zarr store."""

    def __init__(self, provider_def: Mapping[str, Any]) -> None:
        """Look up, or at the first time open, the collection of a provider block (see docs/configuration.md).

        Raises `ProviderEdrError` where the block is wrong or the store cannot be served.
        """
        super().__init__(provider_def)
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
            name: parameter_document(parameter)
            for name, parameter in self.collection.parameters.items()
            if not parameters or name in parameters
        }
        return list(described.values()) if as_list else described

    def get_query_types(self) -> list[str]:
        """What is offered. pygeoapi would take the methods `instances` and `instance` for an offer of instances."""
        return ["position"]

    def instances(self) -> list[str]:
        """None are offered."""
        return []

    def instance(self, instance: str) -> bool:
        """Whether `instance` is one of `instances`."""
        return instance in self.instances()

    def position(self, **kwargs: Any) -> dict[str, Any]:
        """Answer a position query with a CoverageJSON document.

        pygeoapi passes `wkt` (shapely), `datetime_`, `z`, `select_properties` and more. Raises `ProviderNoDataError` (204) and
        `ProviderEdrError`.
        """
        given = {
            "coords": None if kwargs.get("wkt") is None else kwargs["wkt"].wkt,
            "datetime": kwargs.get("datetime_"),
            "z": None if kwargs.get("z") is None else str(kwargs["z"]),
            "parameter-name": ",".join(kwargs.get("select_properties") or ()) or None,
            "crs": getattr(kwargs.get("crs_transform_spec"), "target_crs_uri", None),
        }
        try:
            if kwargs.get("instance") is not None:
                raise NotFound(f"The collection has no instance {str(kwargs['instance'])[:60]!r}.")
            query = position_query({name: value for name, value in given.items() if value is not None}, self.collection)
            answered = answer(query, self.collection, encoder_for("CoverageJSON"))
        except EdrError as error:
            raise ProviderEdrError(error) from error
        if answered.body is None:
            raise ProviderNoDataError
        document: dict[str, Any] = orjson.loads(answered.body)
        return document

    def __repr__(self) -> str:
        return f"<ZarrEDRProvider> {self.collection.id}"
