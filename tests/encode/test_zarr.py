"""What is Zarr's own; the values are compared in `test_cf_formats`, the layout in `test_cf`."""

from __future__ import annotations

import sys
import zipfile
from io import BytesIO
from pathlib import Path
from subprocess import run
from typing import Any

import numpy as np
import orjson
import pytest
import zarr
from zarr.storage import ZipStore

from zarr_edr.coverage import Coverage, CoverageSet, DomainType, Range
from zarr_edr.encode import encoder_for
from zarr_edr.encode.zarr import ZarrEncoder
from zarr_edr.query.geometry import Tags
from zarr_edr.testing.cf_rows import zarr_by_zarr_python
from zarr_edr.testing.sample_coverages import COVERAGES, X, Y, coverages, of, times

WHOLE = COVERAGES["Grid of all axes"]


def body_of(answer: CoverageSet) -> bytes:
    return b"".join(ZarrEncoder().encode(answer))


def arrays_of(answer: CoverageSet, tmp_path: Path) -> dict[str, Any]:
    """Name -> values and attributes, as zarr-python alone reads them."""
    path = tmp_path / "answer.zarr.zip"
    path.write_bytes(body_of(answer))
    with ZipStore(path, mode="r") as store:
        group = zarr.open_group(store, mode="r", use_consolidated=False)
        return {name: (array[...], dict(array.attrs)) for name, array in group.arrays()}


@pytest.mark.parametrize("coverage", COVERAGES.values(), ids=COVERAGES)
def test_metadata_are_those_that_zarr_python_would_write(coverage: Coverage) -> None:
    answer = coverages(coverage, tags=Tags(("é",) * 3, {"n": [1, 2, 3]}))
    with zipfile.ZipFile(BytesIO(body_of(answer))) as file:
        documents = [orjson.loads(file.read(name)) for name in file.namelist() if name.endswith("/zarr.json")]
    for document in documents:
        metadata = zarr.core.metadata.ArrayV3Metadata.from_dict(document)
        written = orjson.loads(
            metadata.to_buffer_dict(zarr.core.buffer.default_buffer_prototype())["zarr.json"].to_bytes()
        )
        assert {key: written[key] for key in document} == document


def test_consolidated_metadata_are_those_of_the_arrays() -> None:
    with zipfile.ZipFile(BytesIO(body_of(coverages(WHOLE)))) as file:
        group = orjson.loads(file.read("zarr.json"))
        for name, metadata in group["consolidated_metadata"]["metadata"].items():
            assert orjson.loads(file.read(f"{name}/zarr.json")) == metadata


@pytest.mark.parametrize(
    "dtype",
    ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", ">f8", ">i2"],
)
def test_numbers_keep_their_type_and_value(dtype: str, tmp_path: Path) -> None:
    info = np.finfo(dtype) if np.dtype(dtype).kind == "f" else np.iinfo(dtype)
    values = np.array([[info.min, info.max, 1]], dtype)
    grid = Coverage(DomainType.GRID, {"x": X, "y": Y[:1]}, {"v": Range(("y", "x"), values)})
    stored, _ = arrays_of(coverages(grid), tmp_path)["v"]
    assert (stored.dtype.newbyteorder("="), stored.tolist()) == (np.dtype(dtype).newbyteorder("="), values.tolist())


def test_attributes_are_plain_json(tmp_path: Path) -> None:
    _, attributes = arrays_of(coverages(WHOLE), tmp_path)["latitude"]
    assert (attributes["units"], attributes["axis"]) == ("degrees_north", "Y")


def test_arrays_of_several_chunks_are_read_back() -> None:
    x, y, values = np.arange(701.0), np.arange(331.0) / 10, np.random.default_rng(0).normal(size=(3, 331, 701))
    body = body_of(coverages(of(DomainType.GRID, {"x": x, "y": y, "t": times(0, 1, 2)}, ("t", "y", "x"), values)))
    with zipfile.ZipFile(BytesIO(body)) as file:
        assert len([name for name in file.namelist() if name.startswith("v/c/")]) > 1
    assert np.array_equal(zarr_by_zarr_python(body)["v"].values, values.astype(np.float32))


def test_the_same_answer_is_the_same_bytes() -> None:
    assert body_of(coverages(WHOLE)) == body_of(coverages(WHOLE))


def test_nothing_of_a_store_is_imported_to_write_one() -> None:
    script = "import sys, zarr_edr.encode.zarr as m; print('zarr' in vars(m), m.ZarrEncoder.name)"
    done = run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "Zarr"]


@pytest.mark.parametrize("f", ["Zarr", "zarr", "application/vnd.zarr+zip", "application/zip"])
def test_f_names_it(f: str) -> None:
    assert encoder_for(f).name == "Zarr"
