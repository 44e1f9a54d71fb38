"""A layout holds what its source holds, whatever came in between."""

from __future__ import annotations

import errno
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given, seed
from zarr.errors import ZarrUserWarning

from zarr_edr.dataset.chunks import ChunkedArray
from zarr_edr.dataset.layouts import with_layouts
from zarr_edr.errors import ChunkCorrupt, ChunkMissing, ConfigurationError, StoreUnavailable
from zarr_edr.rechunk import copying, run
from zarr_edr.rechunk.run import Options, prepare
from zarr_edr.rechunk.shapes import Kind
from zarr_edr.settings import MissingChunks
from zarr_edr.testing.agreement import profile
from zarr_edr.testing.cf import collection_at, write_steps
from zarr_edr.testing.stores import StoreSpec, truth, write
from zarr_edr.testing.strategies import store_specs

from .conftest import Stop, nothing, task, values

BOTH = tuple(Kind)


@seed(0)
@profile(40)
@given(store_specs())
def test_every_kind_of_store_keeps_its_numbers_and_their_meaning(spec: StoreSpec) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source.zarr"), Path(folder, "layouts")
        write(spec, source)
        outcome = prepare(Options(str(source), target, BOTH)).run(nothing)
        for store in outcome.stores:
            xr.testing.assert_identical(truth(store), truth(source))
        with_layouts(collection_at(source, layouts=tuple(map(str, outcome.stores))))


@pytest.mark.usefixtures("small_world")
class TestPasses:
    @pytest.mark.parametrize(
        ("kind", "memory", "passes"),
        [(Kind.POINTS, 600, 2), (Kind.MAPS, 400, 2), (Kind.POINTS, 10**6, 1), (Kind.MAPS, 10**6, 1)],
    )
    def test_values_are_those_of_the_source(self, tmp_path: Path, kind: Kind, memory: int, passes: int) -> None:
        chunks = (1, 4, 8) if kind is Kind.POINTS else (24, 1, 1)
        source = write_steps(tmp_path / "s.zarr", 24, chunks)
        planned = task(source, tmp_path / "t.zarr", kind, memory=memory)
        assert len(planned.works[0].passes) == passes
        planned.run(nothing)
        np.testing.assert_array_equal(values(tmp_path / "t.zarr"), values(source))

    def test_progress_is_told_to_its_end(self, steps: Path, tmp_path: Path) -> None:
        told: list[int] = []
        planned = task(steps, tmp_path / "t.zarr", *BOTH)
        planned.run(told.append)
        assert sum(told) == planned.total_bytes

    def test_nothing_but_the_stores_is_left(self, steps: Path, tmp_path: Path) -> None:
        outcome = task(steps, tmp_path / "t", *BOTH).run(nothing)
        assert sorted(tmp_path.iterdir()) == [steps, tmp_path / "t"]
        assert outcome.stores == (tmp_path / "t/points.zarr", tmp_path / "t/maps.zarr")
        assert all(zarr.open_group(store).metadata.consolidated_metadata for store in outcome.stores)

    @pytest.mark.parametrize("after", range(0, 40, 3))
    def test_an_interrupted_run_goes_on_after_its_last_region(
        self, steps: Path, tmp_path: Path, after: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read = counted(monkeypatch)
        task(steps, tmp_path / "whole", *BOTH).run(nothing)
        whole = len(read)
        read.clear()
        with pytest.raises(KeyboardInterrupt):
            task(steps, tmp_path / "t", *BOTH).run(Stop(after))
        outcome = task(steps, tmp_path / "t", *BOTH).run(nothing)
        assert whole <= len(read) <= whole + 1
        for store in outcome.stores:
            np.testing.assert_array_equal(values(store), values(steps))

    def test_until_it_is_whole_there_is_no_store(self, steps: Path, tmp_path: Path) -> None:
        with pytest.raises(KeyboardInterrupt):
            task(steps, tmp_path / "t").run(Stop(5))
        assert not (tmp_path / "t").exists()

    @pytest.mark.parametrize("change", ["memory", "kind", "source"])
    def test_a_run_does_not_go_on_with_something_else(self, steps: Path, tmp_path: Path, change: str) -> None:
        with pytest.raises(KeyboardInterrupt):
            task(steps, tmp_path / "t").run(Stop(5))
        if change == "source":
            zarr.open_group(steps)["v"][0, 0, 0] = 7  # type: ignore[index]  # an array, not a group
        kinds, memory = BOTH if change == "kind" else (Kind.POINTS,), 900 if change == "memory" else 800
        with pytest.raises(ConfigurationError, match="cannot go on"):
            task(steps, tmp_path / "t", *kinds, memory=memory).run(nothing)

    def test_files_that_went_missing_meanwhile_are_noticed(self, steps: Path, tmp_path: Path) -> None:
        with pytest.raises(KeyboardInterrupt):
            task(steps, tmp_path / "t").run(Stop(3))
        (tmp_path / "t.part/intermediate").rename(tmp_path / "elsewhere")
        with pytest.raises(ConfigurationError, match="is gone"):
            task(steps, tmp_path / "t").run(nothing)

    def test_two_do_not_write_the_same(self, steps: Path, tmp_path: Path) -> None:
        (tmp_path / "t.part").mkdir()
        with (
            filelock.FileLock(tmp_path / "t.part/lock"),
            pytest.raises(ConfigurationError, match="another process"),
        ):
            task(steps, tmp_path / "t").run(nothing)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The regions that are read from now on."""
    read: list[Any] = []
    original = copying.read_region

    def reading(source: Any, region: Any, memory: int) -> copying.Held:
        read.append(region)
        return original(source, region, memory)

    monkeypatch.setattr(run, "read_region", reading)
    return read


@pytest.mark.usefixtures("small_world")
class TestFaults:
    @pytest.mark.parametrize("where", [0, 3])
    def test_what_does_not_read_back_is_found_and_written_again(
        self, steps: Path, tmp_path: Path, where: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as faulty:
            faulty.setattr(run, "write_region", spoiling(where))
            with pytest.raises(ChunkCorrupt, match="reads back as something else"):
                task(steps, tmp_path / "t").run(nothing)
        task(steps, tmp_path / "t").run(nothing)
        np.testing.assert_array_equal(values(tmp_path / "t"), values(steps))

    def test_without_verifying_it_is_not(self, steps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(run, "write_region", spoiling(0))
        task(steps, tmp_path / "t", verify=False).run(nothing)
        assert (values(tmp_path / "t") != values(steps)).any()

    def test_a_broken_chunk_of_the_source_is_named_and_once_it_is_repaired_the_run_goes_on(
        self, steps: Path, tmp_path: Path
    ) -> None:
        chunk = steps / "v/c/7/0/0"
        held = chunk.read_bytes()
        chunk.write_bytes(held[:-3])
        with pytest.raises(ChunkCorrupt, match=r"7\.0\.0 of 'v'"):
            task(steps, tmp_path / "t").run(nothing)
        chunk.write_bytes(held)
        task(steps, tmp_path / "t").run(nothing)
        np.testing.assert_array_equal(values(tmp_path / "t"), values(steps))

    def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_space(
        self, steps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as full:
            full.setattr(run, "write_region", no_space)
            with pytest.raises(StoreUnavailable, match="no space left"):
                task(steps, tmp_path / "t").run(nothing)
        task(steps, tmp_path / "t").run(nothing)
        np.testing.assert_array_equal(values(tmp_path / "t"), values(steps))


def no_space(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def spoiling(where: int) -> Callable[..., None]:
    """Write a region, but for a cell of the region with that number."""
    regions = iter(range(1000))

    def spoiled(target: Any, shards: Any, region: Any, held: copying.Held) -> None:
        copying.write_region(target, shards, region, held)
        if next(regions) == where:
            target[tuple(part.start for part in region)] = -1.0

    return spoiled


def test_a_killed_process_leaves_what_the_next_one_goes_on_with(tmp_path: Path) -> None:
    source = write_steps(tmp_path / "s.zarr", 12, (1, 4, 8))
    code = f"""
import os, pathlib
from zarr_edr.rechunk import regions, run, shapes
shapes.CHUNK_BYTES, shapes._FIELD_BYTES, run.LEAST_MEMORY, regions._CHUNK_COST = 48, 64, 1, 0
calls = iter(range(100))
options = run.Options({str(source)!r}, pathlib.Path({str(tmp_path / "t")!r}), (shapes.Kind.POINTS,), 800)
run.prepare(options).run(lambda done: os.kill(os.getpid(), 9) if KILLED and next(calls) == 7 else None)
"""
    killed = subprocess.run([sys.executable, "-c", f"KILLED = True\n{code}"], check=False)
    assert killed.returncode == -9
    subprocess.run([sys.executable, "-c", f"KILLED = False\n{code}"], check=True)
    np.testing.assert_array_equal(values(tmp_path / "t"), values(source))


class TestMissingChunks:
    @pytest.fixture
    def gaps(self, steps: Path) -> Path:
        """A store without its first four fields."""
        for time in range(4):
            (steps / f"v/c/{time}/0/0").unlink()
        return steps

    def test_they_stay_absent_and_are_counted(self, gaps: Path, tmp_path: Path) -> None:
        outcome = task(gaps, tmp_path / "t", Kind.MAPS, memory=10**9).run(nothing)
        assert outcome.absent == 4
        array = ChunkedArray.open(zarr.open_group(tmp_path / "t"), "v", missing=MissingChunks.ERROR)
        with pytest.raises(ChunkMissing):
            array.fetch((3, 0, 0))
        assert array.fetch((4, 0, 0)).values[0, 0, 0] == 4000

    def test_a_chunk_of_fill_values_that_is_there_stays_there(self, tmp_path: Path) -> None:
        source = write_steps(tmp_path / "s.zarr", 2, (1, 4, 8))
        array = zarr.open_group(source)["v"]
        assert isinstance(array, zarr.Array)
        array.with_config({"write_empty_chunks": True})[0] = array.fill_value
        task(source, tmp_path / "t", Kind.MAPS, memory=10**9).run(nothing)
        written = ChunkedArray.open(zarr.open_group(tmp_path / "t"), "v", missing=MissingChunks.ERROR)
        assert np.array_equal(
            written.fetch((0, 0, 0)).values[0], np.broadcast_to(array.fill_value, (4, 8)), equal_nan=True
        )

    def test_a_negative_zero_is_not_taken_for_a_fill_value_of_zero(self, tmp_path: Path) -> None:
        group = zarr.open_group(write_steps(tmp_path / "s.zarr", 3, (1, 4, 8)))
        v = group.create_array(
            "w", shape=(3, 4, 8), chunks=(1, 4, 8), dtype="f4", dimension_names=("time", "lat", "lon")
        )
        v[0] = np.full((4, 8), -0.0, "f4")
        task(tmp_path / "s.zarr", tmp_path / "t", Kind.MAPS, memory=10**9).run(nothing)
        assert np.signbit(values(tmp_path / "t", "w")[0]).all() == np.signbit(values(tmp_path / "s.zarr", "w")[0]).all()


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"target": Path("s3://bucket/t.zarr")}, "local folder only"),
            ({"target": Path("t.zarr"), "memory": 10**6}, "`--memory` is 977 KiB"),
        ],
    )
    def test_what_cannot_be_is_said(self, steps: Path, options: dict[str, Any], said: str) -> None:
        with pytest.raises(ConfigurationError, match=said):
            prepare(Options(**{"source": str(steps), "kinds": BOTH, **options}))

    def test_a_target_that_exists_is_not_touched(self, steps: Path, tmp_path: Path) -> None:
        (tmp_path / "t").mkdir()
        with pytest.raises(ConfigurationError, match="exists already"):
            task(steps, tmp_path / "t", memory=10**9)

    def test_a_target_in_a_folder_that_is_not_there_is_refused(self, steps: Path, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="There is no folder"):
            task(steps, tmp_path / "not" / "there", memory=10**9)

    def test_a_target_within_the_source_is_refused(self, steps: Path) -> None:
        with pytest.raises(ConfigurationError, match="within the source"):
            task(steps, steps / "t", memory=10**9)

    @pytest.mark.usefixtures("small_world")
    def test_a_chunk_too_large_for_the_memory_is_named_with_what_it_needs(self, steps: Path, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match=r"chunk of 'v' has 128 B, which needs `--memory` of 512 B"):
            task(steps, tmp_path / "t", memory=400)


def test_what_is_no_parameter_is_copied_as_it_is(tmp_path: Path) -> None:
    source = write_steps(tmp_path / "s.zarr", 3)
    group = zarr.open_group(source)
    group.create_array("names", data=np.array(["a", "bc"]), dimension_names=["n"])
    group.create_array("crs", data=np.array(5), dimension_names=[]).attrs["grid_mapping_name"] = "latitude_longitude"
    task(source, tmp_path / "t", memory=10**9).run(nothing)
    with (
        xr.open_zarr(tmp_path / "t", chunks=None) as made,
        xr.open_zarr(source, chunks=None, consolidated=False) as given,
    ):
        xr.testing.assert_identical(made.load(), given.load())


def test_packing_of_format_2_means_the_same_in_format_3(tmp_path: Path) -> None:
    packed = xr.Dataset({"v": (("lat", "lon"), [[1.5, np.nan], [2.5, 3.5]])}, {"lat": [1.0, 2.0], "lon": [3.0, 4.0]})
    packed["lat"].attrs["units"], packed["lon"].attrs["units"] = "degrees_north", "degrees_east"
    packing = {"dtype": ">i2", "scale_factor": 0.5, "add_offset": 1.0, "_FillValue": -9}
    packed.to_zarr(tmp_path / "s.zarr", zarr_format=2, encoding={"v": packing})
    task(tmp_path / "s.zarr", tmp_path / "t", memory=10**9).run(nothing)
    with xr.open_zarr(tmp_path / "t", chunks=None) as made:
        xr.testing.assert_equal(made.load(), packed)
        assert made["v"].encoding["_FillValue"] == -9


@pytest.mark.parametrize("dtype", [">i2", "<i2"])
def test_a_layout_decodes_as_its_source_whatever_the_order_of_bytes(tmp_path: Path, dtype: str) -> None:
    group = zarr.open_group(write_steps(tmp_path / "s.zarr", 3), mode="r+")
    made = zarr.open_group(tmp_path / "v2.zarr", mode="w", zarr_format=2)
    for name, dims in (("time", ["time"]), ("lat", ["lat"]), ("lon", ["lon"]), ("v", ["time", "lat", "lon"])):
        array = group[name]
        assert isinstance(array, zarr.Array)
        written = made.create_array(name, shape=array.shape, dtype=dtype if name == "v" else array.dtype)
        written[...] = array[...]
        written.attrs.update({**array.attrs, "_ARRAY_DIMENSIONS": dims})
    made["v"].attrs["_Unsigned"] = "true"
    task(tmp_path / "v2.zarr", tmp_path / "t", memory=10**9).run(nothing)
    parameter = with_layouts(collection_at(tmp_path / "v2.zarr", layouts=(str(tmp_path / "t"),))).parameters["v"]
    decoded = [
        parameter.packing.decode(array.fetch((0, 0, 0)).values)[0, 0] for array in (parameter.array, *parameter.layouts)
    ]
    np.testing.assert_array_equal(decoded[1], decoded[0])
    np.testing.assert_array_equal(decoded[1][1:], np.arange(1, 8))


def test_consolidating_warns_of_nothing(steps: Path, tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    task(steps, tmp_path / "t", memory=10**9).run(nothing)
    assert not [warning for warning in recwarn if issubclass(warning.category, ZarrUserWarning)]
