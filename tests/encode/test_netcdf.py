"""What is NetCDF's own; the values are compared in `test_cf_formats`, the layout in `test_cf`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO

import cf_xarray  # noqa: F401 - registers `.cf`
import h5py
import netCDF4
import numpy as np
import pytest

from zarr_edr.coverage import Coverage, CoverageSet, DomainType, Range
from zarr_edr.encode import encoder_for
from zarr_edr.encode.netcdf import NetCdfEncoder
from zarr_edr.plan import PointShape
from zarr_edr.query.geometry import Tags
from zarr_edr.testing.cf_rows import netcdf_by_c_library, netcdf_by_h5netcdf
from zarr_edr.testing.sample_coverages import COVERAGES, ONE, X, Y, coverages, of, times

WHOLE = COVERAGES["Grid of all axes"]


def body_of(answer: CoverageSet) -> bytes:
    return b"".join(NetCdfEncoder().encode(answer))


@contextmanager
def opened(answer: CoverageSet) -> Iterator[netCDF4.Dataset]:
    with netCDF4.Dataset("in-memory", memory=body_of(answer)) as file:
        yield file


@pytest.mark.parametrize("coverage", COVERAGES.values(), ids=COVERAGES)
def test_each_dimension_has_its_scale_attached(coverage: Coverage) -> None:
    with h5py.File(BytesIO(body_of(coverages(coverage))), "r") as file:
        datasets = [node for node in file.values() if node.attrs.get("CLASS") != b"DIMENSION_SCALE"]
        assert {"/v", "/crs"} <= {dataset.name for dataset in datasets}
        assert all(len(dim) == 1 for dataset in datasets for dim in dataset.dims)


@pytest.mark.parametrize("coverage", COVERAGES.values(), ids=COVERAGES)
def test_both_libraries_read_the_same(coverage: Coverage) -> None:
    body = body_of(coverages(coverage, tags=Tags(("é",) * 3, {"n": [1, 2, 3]})))
    assert netcdf_by_c_library(body).identical(netcdf_by_h5netcdf(body))


def test_axes_are_found_by_their_conventions() -> None:
    dataset = netcdf_by_c_library(body_of(coverages(WHOLE)))
    assert dataset["v"].cf.axes == {"X": ["longitude"], "Y": ["latitude"], "Z": ["z"], "T": ["time"]}
    assert dataset["v"].cf.coordinates["longitude"] == ["longitude"]


def test_the_crs_is_told_in_well_known_text() -> None:
    with opened(coverages(WHOLE)) as file:
        mapping = file[file["v"].grid_mapping]
        assert mapping.crs_wkt.startswith("GEOGCRS[")


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_integers_keep_their_type_and_extremes(dtype: str) -> None:
    values = np.array([[np.iinfo(dtype).min, np.iinfo(dtype).max, 1]], dtype)
    grid = Coverage(DomainType.GRID, {"x": X, "y": Y[:1]}, {"v": Range(("y", "x"), values)})
    read = netcdf_by_c_library(body_of(coverages(grid)))["v"].values
    assert (read.dtype.name, read.tolist()) == (dtype, values.tolist())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_keep_their_type_and_nan_is_missing(dtype: str) -> None:
    values = np.array([[0.1, np.nan, np.inf]], dtype)
    grid = Coverage(DomainType.GRID, {"x": X, "y": Y[:1]}, {"v": Range(("y", "x"), values)})
    with opened(coverages(grid)) as file:
        assert (file["v"].dtype.name, np.ma.getmaskarray(file["v"][0]).tolist()) == (dtype, [False, True, False])
        assert np.asarray(file["v"][0]).tobytes() == values.tobytes()


def test_large_arrays_are_compressed_and_read_back() -> None:
    edge, values = np.arange(700.0), np.random.default_rng(0).normal(size=(2, 700, 700)).round(1)
    grid = of(DomainType.GRID, {"x": edge, "y": edge / 10, "t": times(0, 1)}, ("t", "y", "x"), values)
    body = body_of(coverages(grid))
    assert len(body) < values.astype(np.float32).nbytes
    assert np.array_equal(netcdf_by_c_library(body)["v"].values, values.astype(np.float32))


def test_the_same_answer_is_the_same_bytes() -> None:
    assert body_of(coverages(WHOLE)) == body_of(coverages(WHOLE))


def test_text_is_strings() -> None:
    with opened(coverages(COVERAGES["MultiPoint"], tags=Tags(("a", "é", ""), {}))) as file:
        assert (file["station_id"].dtype, file["station_id"][:].tolist()) == (str, ["a", "é", ""])


def test_it_says_where_it_is_from() -> None:
    with opened(replace(coverages(WHOLE), endpoint="http://localhost/collections/c/cube")) as file:
        assert file.Conventions == "CF-1.11"
        assert "http://localhost/collections/c/cube" in file.history


@pytest.mark.parametrize("f", ["NetCDF", "netcdf4", "nc", "application/netcdf", "application/x-netcdf"])
def test_f_names_it(f: str) -> None:
    assert encoder_for(f).name == "NetCDF"


@pytest.mark.parametrize("library", ["h5netcdf", "h5py"])
def test_without_its_libraries_it_is_not_offered(library: str) -> None:
    hidden = (
        "import importlib.util as u; find = u.find_spec\n"
        f"u.find_spec = lambda name, *a: None if name == {library!r} else find(name, *a)\n"
        "from zarr_edr.encode import ENCODERS; print([e.name for e in ENCODERS])"
    )
    done = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True, check=True)
    assert "'Zarr'" in done.stdout
    assert "NetCDF" not in done.stdout


def test_a_point_is_a_point() -> None:
    with opened(coverages(of(DomainType.POINT, ONE, (), 0.1))) as file:
        assert file["v"][...].item() == np.float32(0.1)


def test_threads_write_at_the_same_time() -> None:
    answer = coverages(WHOLE)
    with ThreadPoolExecutor(4) as pool:
        bodies = set(pool.map(lambda _: body_of(answer), range(16)))
    assert bodies == {body_of(answer)}


def test_a_nul_in_what_the_client_sent_is_a_sign_that_is_seen() -> None:
    tags = Tags(("a\0b", "", "c"), {"n\0m": ["\0", "x", "y"]})
    with opened(coverages(COVERAGES["MultiPoint"], tags=tags, shape=PointShape.MANY)) as file:
        assert file["station_id"][:].tolist() == ["a\u2400b", "", "c"]
        assert (file["n_m"][:].tolist(), file["n_m"].long_name) == (["\u2400", "x", "y"], "n\u2400m")


def test_long_names_of_properties_are_cut_and_stay_apart() -> None:
    long = ["p" * 300, "p" * 299, "é" * 300]
    tags = Tags(None, {name: [number] * 3 for number, name in enumerate(long)})
    with opened(coverages(COVERAGES["MultiPoint"], tags=tags, shape=PointShape.MANY)) as file:
        names = {v.long_name: (name, v[0]) for name, v in file.variables.items() if getattr(v, "long_name", "") in long}
        assert {full: int(value) for full, (_, value) in names.items()} == {name: n for n, name in enumerate(long)}
        assert {name for name, _ in names.values()} <= set(file["v"].coordinates.split())


@pytest.mark.parametrize(
    ("given", "kept"), [("Höhe", "Höhe"), ("e\u0301tage", "étage"), ("高さ (m)", "高さ_m"), ("a\xa0b", "a_b")]
)
def test_letters_beyond_ascii_stay_in_names_of_properties(given: str, kept: str) -> None:
    tags = Tags(None, {given: [1, 2, 3]})
    with opened(coverages(COVERAGES["MultiPoint"], tags=tags, shape=PointShape.MANY)) as file:
        assert file[kept].long_name == given
