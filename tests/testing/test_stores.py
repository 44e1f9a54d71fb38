"""The builders write what they are told; xarray is the judge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings

from zarr_edr.testing.stores import AxisSpec, StoreSpec, VariableSpec, blocks, in_memory, truth, write
from zarr_edr.testing.strategies import store_specs

SPEC = StoreSpec(
    zarr_format=3,
    sharded=False,
    codec="zstd",
    axes={
        "lat": AxisSpec((50.0, 51.0, 52.0), "float32", {"units": "degrees_north"}),
        "lon": AxisSpec((0.0, 1.0), "float64", {"units": "degrees_east"}),
    },
    variables=(VariableSpec("t2m", ("lon", "lat"), (2, 2), "int16", seed=1, scale_factor=0.5, fill=-1),),
    exact=True,
)


def variant(**changes: object) -> StoreSpec:
    """The store above with other settings of its only variable."""
    return replace(SPEC, variables=(replace(SPEC.variables[0], **changes),))  # type: ignore[arg-type]  # changes of its own fields


def test_blocks_cover_each_cell_once() -> None:
    seen = np.zeros((5, 3), dtype=int)
    for block in blocks((5, 3), (2, 2)):
        seen[block] += 1
    assert (seen == 1).all()


def test_a_store_on_disk_reads_as_the_one_in_memory(tmp_path: Path) -> None:
    write(SPEC, tmp_path / "store.zarr")
    assert truth(tmp_path / "store.zarr").identical(truth(in_memory(SPEC).store))


def test_packed_integers_are_unpacked_in_the_truth() -> None:
    stored = zarr.open_array(in_memory(SPEC).store, path="t2m", mode="r")[...]
    np.testing.assert_array_equal(truth(in_memory(SPEC).store)["t2m"], np.asarray(stored) * 0.5)


def test_missing_cells_hold_the_fill_value() -> None:
    group = in_memory(variant(missing_share=1.0))
    assert truth(group.store)["t2m"].isnull().all()


@pytest.mark.parametrize("sharded", [False, True], ids=["chunks", "shards"])
def test_absent_chunks_are_not_in_the_store(tmp_path: Path, sharded: bool) -> None:
    write(replace(variant(absent_share=1.0), sharded=sharded), tmp_path)
    assert [path.name for path in (tmp_path / "t2m").iterdir()] == ["zarr.json"]


def test_absent_chunks_read_as_what_the_array_says() -> None:
    group = in_memory(variant(absent_share=1.0, unwritten=6))
    assert set(np.unique(truth(group.store)["t2m"])) == {3.0}


def test_coordinates_of_zarr_2_keep_their_zero() -> None:
    assert truth(in_memory(replace(SPEC, zarr_format=2)).store)["lon"].values.tolist() == [0.0, 1.0]


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(store_specs())
def test_every_specification_makes_a_store_that_xarray_reads(spec: StoreSpec) -> None:
    dataset = truth(in_memory(spec).store)
    for variable in spec.variables:
        assert dataset[variable.name].shape == spec.shape(variable.dims)
