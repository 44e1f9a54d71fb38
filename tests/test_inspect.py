"""`inspect` says what was understood, in a text that fits a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr

from zarr_edr.errors import ConfigurationError
from zarr_edr.inspect import WIDTH, inspect

SHARED = Path(__file__).parents[1] / "../shared/data"
REAL = ["a1b360", "air", "era5ens", "nam", "nemo", "ostia", "uk_hires", "ukmo_seas", "woa"]


def real(name: str) -> str:
    path = (SHARED / f"{name}.zarr").resolve()
    if not path.exists():
        pytest.skip(f"the real dataset {name} is not here")
    return str(path)


def store(path: Path, **attributes: Any) -> str:
    coordinates = {
        "time": ("time", [0, 1, 3], {"units": "days since 2000-01-01"}),
        "level": ("level", [10.0, 20.0], {"positive": "up", "units": "METERS"}),
        "model": ["a", "b"],
        "lat": ("lat", [2.0, 1.0], {"units": "degrees_north"}),
        "lon": ("lon", [0.0, 1.0, 2.0], {"units": "degrees_east"}),
        "scalar": 5,
    }
    values = ("time", "level", "model", "lat", "lon"), np.zeros((3, 2, 2, 2, 3), np.int16), attributes
    encoding = {"v": {"chunks": (1, 1, 1, 2, 3), "shards": (3, 2, 2, 2, 3)}}
    xr.Dataset({"v": values}, coordinates).to_zarr(path, encoding=encoding, consolidated=False)
    return str(path)


@pytest.mark.parametrize("name", REAL)
def test_every_line_fits(name: str) -> None:
    assert max(map(len, inspect(real(name)).splitlines())) <= WIDTH


@pytest.mark.parametrize("name", ["nam", "nemo", "uk_hires"])
def test_a_store_that_cannot_be_served_is_described_with_the_reason(name: str) -> None:
    text = inspect(real(name))
    assert "Served      no, " in text
    assert "Variables" in text


@pytest.mark.parametrize(
    "fact",
    [
        "Zarr v2, consolidated",
        "ascending, every 6 h, calendar standard",
        "descending, regular, step 2.5",
        "int16 stored, float64 decoded, scale 0.01",
        "degK (UCUM K)",
        "53 of 2920 x 25 x 1 (142.6 KiB each)",
        "blosc (lz4)",
    ],
)
def test_the_reference_workload_is_described(fact: str) -> None:
    assert fact in inspect(real("air"))


@pytest.mark.parametrize(
    "fact",
    [
        "Zarr v3, not consolidated",
        "ascending, 1 d to 2 d apart, calendar standard",
        "10.0 .. 20.0 m",
        "ascending, regular, step 10, positive up",
        "a .. b",
        "single values: scalar",
        "12 of 1 x 1 x 1 x 2 x 3 (12 B each), in shards of 3 x 2 x 2 x 2 x 3",
        "int16 stored, float32 decoded, missing 7, 8",
        "psu (no certain UCUM code)",
    ],
)
def test_everything_is_described(tmp_path: Path, fact: str) -> None:
    assert fact in inspect(store(tmp_path / "s.zarr", units="psu", missing_value=[7, 8]))


def test_warnings_are_listed(tmp_path: Path) -> None:
    assert "  - Grid mapping 'crs' is named but not in the store" in inspect(
        store(tmp_path / "s.zarr", grid_mapping="crs")
    )


def test_control_characters_of_a_store_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = store(tmp_path / "s.zarr", long_name="\x1b[31mred\x07", units="\x1b]0;x\x07")
    zarr.open_group(path).attrs["title"] = "\x1b[2J"
    assert inspect(path).replace("\n", "").isprintable()


def test_a_store_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        inspect(str(tmp_path / "none.zarr"))
