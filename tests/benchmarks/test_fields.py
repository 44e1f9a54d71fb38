"""The generated field and the stores it is written to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from benchmarks.apps.limit_store import Array3, axis
from benchmarks.fields import Field
from benchmarks.stores import VARIABLE, Layout, blocks, layouts, write

FIELD = Field(times=40, ys=25, xs=48)
SHARDED = Layout("sharded", (40, 5, 6), (40, 10, 12))


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("layouts")
    found = {}
    for layout in (*layouts(FIELD)[:2], SHARDED):
        found[layout.name] = folder / f"{layout.name}.zarr"
        write(FIELD, layout, found[layout.name])
    return found


def test_a_block_is_the_same_whatever_is_made_beside_it() -> None:
    whole = FIELD.block(slice(0, 40), slice(0, 25), slice(0, 48))
    part = FIELD.block(slice(3, 9), slice(5, 8), slice(11, 30))
    np.testing.assert_array_equal(part, whole[3:9, 5:8, 11:30])


@pytest.mark.parametrize("layout", [*layouts(FIELD), SHARDED], ids=lambda layout: layout.name)
def test_blocks_cover_each_cell_once(layout: Layout) -> None:
    times_covered = np.zeros((40, 25, 48), int)
    for block in blocks(FIELD, layout, at_most_values=5000):
        times_covered[block] += 1
    assert (times_covered == 1).all()


@pytest.mark.parametrize("layout", [*layouts(FIELD), SHARDED], ids=lambda layout: layout.name)
def test_blocks_begin_where_chunks_or_shards_do(layout: Layout) -> None:
    unit = layout.shards or layout.chunks
    starts = [[part.start for part in block] for block in blocks(FIELD, layout, at_most_values=5000)]
    assert not (np.array(starts) % unit).any()


def test_all_layouts_hold_the_same_values(stores: dict[str, Path]) -> None:
    first, *others = (xr.open_zarr(path)[VARIABLE].values for path in stores.values())
    for other in others:
        np.testing.assert_array_equal(other, first)


@pytest.mark.parametrize("name", ["points", "maps", "sharded"])
def test_the_limit_reads_what_xarray_reads(stores: dict[str, Path], name: str) -> None:
    random = np.random.default_rng(1)
    y, x = random.integers(0, 25, 300), random.integers(0, 48, 300)
    found = Array3(str(stores[name]), VARIABLE).points(slice(7, 31), y, x)
    np.testing.assert_array_equal(found, xr.open_zarr(stores[name])[VARIABLE].values[7:31, y, x])


def test_the_limit_reads_the_axes(stores: dict[str, Path]) -> None:
    with xr.open_zarr(stores["maps"]) as dataset:
        np.testing.assert_array_equal(axis(str(stores["maps"]), "lon"), dataset["lon"].values)
