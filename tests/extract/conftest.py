"""A processor on the demo's sea-surface temperatures and ensemble."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from zarr_edr.extract import ExtractPointsProcessor

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture
def processor_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ExtractPointsProcessor]:
    """Makes a processor of a block, on collections with further options."""

    def make(block: dict[str, Any] | None = None, **options: Any) -> ExtractPointsProcessor:
        resources = {
            name: {"type": "collection", "providers": [provider(name, options)]} for name in ("ostia", "era5ens")
        }
        resources["secret"] = {**resources["ostia"], "visibility": "hidden"}
        config = tmp_path / "config.yml"
        config.write_text(yaml.safe_dump({"resources": resources}, sort_keys=False))
        monkeypatch.setenv("PYGEOAPI_CONFIG", str(config))
        return ExtractPointsProcessor({"name": "zarr_edr.extract.ExtractPointsProcessor", **(block or {})})

    return make


def provider(name: str, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "edr",
        "name": "zarr_edr.ZarrEDRProvider",
        "data": str(DATA / f"{name}.zarr"),
        "options": options,
    }


@pytest.fixture
def processor(processor_of: Callable[..., ExtractPointsProcessor]) -> ExtractPointsProcessor:
    return processor_of()
