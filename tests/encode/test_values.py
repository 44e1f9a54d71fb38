"""Integers and booleans some of which are missing: every format gives back every digit that it can."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import h5netcdf
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xarray as xr
import zarr
from numpy.typing import NDArray
from rasterio.io import MemoryFile
from zarr.storage import MemoryStore, ZipStore

from zarr_edr.coverage import Coverage, CoverageSet, DomainType, Range
from zarr_edr.dataset.model import Collection, Parameter
from zarr_edr.encode import ENCODERS, encoder_for
from zarr_edr.encode.values import spare_value
from zarr_edr.engine import answer
from zarr_edr.query.request import build_query
from zarr_edr.testing.agreement import collection_on
from zarr_edr.testing.covjson import check
from zarr_edr.testing.sample_coverages import THREE, Y, coverages
from zarr_edr.testing.stores import LAT, LON, AxisSpec, StoreSpec, VariableSpec, write

WIDE = {
    "int64": np.array([2**53 + 1, -(2**63), 7], np.int64),
    "uint64": np.array([2**64 - 1, 2**53 + 1, 0], np.uint64),
}
NARROW = {"uint8": np.array([255, 0, 7], np.uint8), "bool": np.array([True, False, True])}
ALL = {**WIDE, **NARROW}


def with_type(parameter: Parameter, dtype: Any) -> Parameter:
    return replace(parameter, packing=replace(parameter.packing, dtype=np.dtype(dtype)))


def points(values: NDArray[Any]) -> CoverageSet:
    """Three points, of which the last has no value."""
    masked = np.ma.masked_array(values, [False, False, True])
    coverage = Coverage(DomainType.MULTI_POINT, {"composite": THREE}, {"v": Range(("composite",), masked)})
    found = coverages(coverage)
    return replace(found, parameters=tuple(with_type(p, values.dtype) for p in found.parameters))


def window(values: NDArray[Any]) -> CoverageSet:
    """Two rows of three cells, of which the last has no value."""
    masked = np.ma.masked_array(np.resize(values, (2, 3)), [[False] * 3, [False, False, True]])
    axes = {"x": np.array([10.0, 11.0, 12.0]), "y": Y}
    found = coverages(Coverage(DomainType.GRID, axes, {"v": Range(("y", "x"), masked)}))
    return replace(found, parameters=tuple(with_type(p, values.dtype) for p in found.parameters))


def body(name: str, of: CoverageSet) -> bytes:
    return b"".join(encoder_for(name).encode(of))


def of_text(name: str, content: bytes) -> list[Any]:
    match name:
        case "CSV":
            rows = list(csv.DictReader(io.StringIO(content.decode())))
            (key,) = (key for key in rows[0] if key.startswith("v"))
            return [int(row[key]) if row[key] else None for row in rows]
        case "Records":
            return [row["v"] for row in orjson.loads(content)]
        case "NDJSON":
            return [orjson.loads(line)["v"] for line in content.splitlines()]
        case "GeoJSON":
            return [feature["properties"]["v"] for feature in orjson.loads(content)["features"]]
        case "CoverageJSON-points":
            return [v for c in orjson.loads(content)["coverages"] for v in c["ranges"]["v"]["values"]]
        case _:
            found: list[Any] = orjson.loads(content)["ranges"]["v"]["values"]
            return found


@pytest.mark.parametrize("values", ALL.values(), ids=ALL)
@pytest.mark.parametrize("name", ["CSV", "Records", "NDJSON", "GeoJSON", "CoverageJSON-points", "CoverageJSON"])
def test_text_has_every_digit_and_null(name: str, values: NDArray[Any]) -> None:
    assert of_text(name, body(name, points(values))) == [int(values[0]), int(values[1]), None]


@pytest.mark.parametrize("values", ALL.values(), ids=ALL)
@pytest.mark.parametrize("name", ["Parquet", "GeoParquet", "Arrow"])
def test_typed_tables_have_every_digit_and_null(name: str, values: NDArray[Any]) -> None:
    content = body(name, points(values))
    table = pa.ipc.open_stream(content).read_all() if name == "Arrow" else pq.read_table(io.BytesIO(content))
    assert table["v"].to_pylist() == [*values[:2].tolist(), None]
    assert table["v"].type == pa.from_numpy_dtype(values.dtype)


@pytest.mark.parametrize("values", ALL.values(), ids=ALL)
def test_netcdf_has_every_digit_and_a_fill_value_that_is_none_of_them(values: NDArray[Any]) -> None:
    with h5netcdf.File(io.BytesIO(body("NetCDF", points(values)))) as file:
        stored, fill = file["v"][:].tolist(), file["v"].attrs["_FillValue"]
    assert stored == [int(values[0]), int(values[1]), int(fill)]
    assert int(fill) not in stored[:2]


@pytest.mark.parametrize("values", NARROW.values(), ids=NARROW)
@pytest.mark.parametrize("name", ["NetCDF", "Zarr"])
def test_xarray_reads_the_numbers_and_nan(name: str, values: NDArray[Any], tmp_path: Any) -> None:
    path = tmp_path / "answer.zip"
    path.write_bytes(body(name, points(values)))
    opened = (
        xr.open_zarr(ZipStore(path, mode="r"), chunks=None)
        if name == "Zarr"
        else xr.open_dataset(path, engine="h5netcdf")
    )
    np.testing.assert_array_equal(opened["v"].values, np.array([*values[:2].tolist(), np.nan]))


@pytest.mark.parametrize("values", [*ALL.values(), np.arange(256, dtype=np.uint8)], ids=[*ALL, "all of uint8"])
def test_geotiff_masks_the_cell_alone(values: NDArray[Any]) -> None:
    with MemoryFile(body("GeoTIFF", window(values))) as memory, memory.open() as file:
        read = file.read(1, masked=True)
    expected = np.resize(values, (2, 3))
    assert read.mask.tolist() == [[False] * 3, [False, False, True]]
    assert [*map(int, read.compressed())] == [*map(int, expected.reshape(-1)[:5])]


def test_a_type_of_which_every_value_is_there_has_none_to_spare() -> None:
    every = np.ma.masked_array(np.arange(257) % 256, [False] * 256 + [True], np.uint8)
    assert spare_value(every) is None
    assert spare_value(every[:255]) == 255
    assert spare_value(every[1:256]) == 0
    assert spare_value(np.ma.masked_array(np.array([2**64 - 1, 0], np.uint64), [False] * 2)) == 2**53


@pytest.mark.parametrize("values", ALL.values(), ids=ALL)
def test_coveragejson_of_missing_integers_is_valid(values: NDArray[Any]) -> None:
    found = orjson.loads(body("CoverageJSON", points(values)))
    assert check(found) == []
    assert found["ranges"]["v"]["dataType"] == ("float" if values.itemsize == 1 else "integer")


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda e: e.name)
def test_every_format_takes_missing_integers(encoder: Any) -> None:
    assert b"".join(encoder.encode(window(WIDE["uint64"])))


STORED = np.array([[2**64 - 1, 2**53 + 1], [0, 7]], np.uint64)


def of_wide_integers() -> Collection:
    """A store of 2 by 2 cells."""
    axes = {
        LAT: AxisSpec((0.0, 1.0), "float64", {"units": "degrees_north"}),
        LON: AxisSpec((10.0, 11.0), "float64", {"units": "degrees_east"}),
    }
    store = MemoryStore()
    write(StoreSpec(3, False, "none", axes, (VariableSpec("v", (LAT, LON), (2, 2), "uint64", 0),), True), store)
    zarr.open_group(store, mode="r+")["v"][...] = STORED  # type: ignore[index]  # an array, not a group
    return collection_on(zarr.open_group(store, mode="r"))


@pytest.mark.parametrize("name", ["Records", "CoverageJSON-points"])
def test_a_point_outside_leaves_the_integers_of_the_others_alone(name: str) -> None:
    of = of_wide_integers()
    query = build_query("position", {"coords": "MULTIPOINT((10 0),(50 0),(11 0))"}, of)
    content = answer(query, of, encoder_for(name)).whole() or b""
    expected = [int(STORED[0, 0]), None, int(STORED[0, 1])]
    if name == "Records":
        assert of_text(name, content) == expected
    else:
        assert [c["ranges"]["v"]["values"] for c in orjson.loads(content)["coverages"]] == [[e] for e in expected]


def test_a_mask_leaves_the_integers_of_a_circle_alone() -> None:
    of = of_wide_integers()
    query = build_query("radius", {"coords": "POINT(10 0)", "within": "120", "within-units": "km"}, of)
    values = orjson.loads(answer(query, of, encoder_for("CoverageJSON")).whole() or b"")["ranges"]["v"]["values"]
    assert values == [*STORED.reshape(-1)[:3].tolist(), None]
