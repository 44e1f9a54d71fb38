"""`init` writes a configuration that pygeoapi accepts and that needs no editing to start."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from pygeoapi.config import validate_config
from pygeoapi.util import yaml_load

from zarr_edr.dataset.catalog import Catalog
from zarr_edr.extract import ExtractPointsProcessor
from zarr_edr.init import collection_id, config, humanised


def store(path: Path, *, lat: str = "degrees_north", units: str = "days since 2000-01-01", **attributes: Any) -> str:
    coordinates = {
        "time": ("time", [0, 1], {"units": units}),
        "lat": ("lat", [1.0, 2.0], {"units": lat}),
        "lon": ("lon", [0.0, 1.0], {"units": "degrees_east"}),
    }
    xr.Dataset({"v": (("time", "lat", "lon"), np.zeros((2, 2, 2)))}, coordinates, attributes).to_zarr(
        path, consolidated=False
    )
    return str(path)


def loaded(*stores: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml_load(io.StringIO(config(stores)))
    return found


def test_pygeoapi_accepts_it(tmp_path: Path) -> None:
    assert validate_config(loaded(store(tmp_path / "a.zarr"), store(tmp_path / "b.zarr")))


def test_pygeoapi_accepts_it_without_a_store_that_can_be_served(tmp_path: Path) -> None:
    assert validate_config(loaded(str(tmp_path / "none.zarr")))
    assert validate_config(loaded())


def test_our_catalog_opens_it(tmp_path: Path) -> None:
    assert list(Catalog.open(loaded(store(tmp_path / "a.zarr"))["resources"]).collections) == ["a"]


def test_points_can_be_extracted_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.yml"
    path.write_text(config([store(tmp_path / "a.zarr")]))
    monkeypatch.setenv("PYGEOAPI_CONFIG", str(path))
    processor = ExtractPointsProcessor(loaded(store(tmp_path / "b.zarr"))["resources"]["extract-points"]["processor"])
    _, body = processor.execute({"collection": "a", "longitude": [1], "latitude": [2], "f": "CSV"})
    assert len(body.splitlines()) == 3


def test_extents_are_those_of_the_data(tmp_path: Path) -> None:
    extents = loaded(store(tmp_path / "a.zarr"))["resources"]["a"]["extents"]
    assert extents["spatial"]["bbox"] == [-0.5, 0.5, 1.5, 2.5]
    # pygeoapi asks for datetimes here; text makes every query with `datetime` fail there.
    assert extents["temporal"]["begin"] == datetime(2000, 1, 1, tzinfo=UTC)
    assert extents["temporal"]["end"] == datetime(2000, 1, 2, tzinfo=UTC)


def test_a_year_that_python_lacks_leaves_time_open(tmp_path: Path) -> None:
    extents = loaded(store(tmp_path / "a.zarr", units="days since 0000-01-01"))["resources"]["a"]["extents"]
    assert extents["temporal"]["begin"] is None


@pytest.mark.parametrize(
    "title", ["plain", "with: colon # and ${HOME}", 'quote " and \\ back', "2000-01-01", "ünï\u2028code", "- a"]
)
def test_any_title_survives(tmp_path: Path, title: str) -> None:
    resource = loaded(store(tmp_path / "a.zarr", title=title))["resources"]["a"]
    assert resource["title"] == title.replace("\u2028", " ")


def test_without_a_title_the_name_is_humanised(tmp_path: Path) -> None:
    assert loaded(store(tmp_path / "sea_ice.zarr"))["resources"]["sea_ice"]["title"] == "Sea ice"
    assert humanised("uk-hires_2") == "Uk hires 2"


def test_a_store_that_cannot_be_served_is_a_comment_and_a_note(tmp_path: Path) -> None:
    good, bad = store(tmp_path / "a.zarr"), store(tmp_path / "b.zarr", lat="m")
    notes: list[str] = []
    text = config([good, bad], notes)
    assert "  # b is left out:\n" in text
    assert list(yaml_load(io.StringIO(text))["resources"]) == ["a", "extract-points"]
    assert len(notes) == 1
    assert "b.zarr" in notes[0]


def test_ids_are_unique(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    resources = loaded(store(tmp_path / "a.zarr"), store(tmp_path / "x" / "a.zarr"))["resources"]
    assert list(resources) == ["a", "a-2", "extract-points"]


@given(st.text(max_size=40), st.sets(st.sampled_from(["collection", "a", "a-2"])))
def test_ids_are_safe_in_urls_and_new(name: str, taken: set[str]) -> None:
    id_ = collection_id(name, taken)
    assert id_
    assert id_ not in taken
    assert set(id_) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
