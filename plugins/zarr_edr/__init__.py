"""OGC API - EDR for Zarr: a pygeoapi provider plugin and the server around it."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zarr_edr.provider import ZarrEDRProvider

__version__ = version("zarr-edr")
__all__ = ["ZarrEDRProvider", "__version__"]


def __getattr__(name: str) -> object:
    # Loaded on demand: dask workers and the engine's users need no pygeoapi.
    if name == "ZarrEDRProvider":
        return import_module("zarr_edr.provider").ZarrEDRProvider
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
