"""Forecast runs of a store become instances; the collection itself is the latest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from zarr_edr.dataset import cf_runs
from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.model import Collection
from zarr_edr.dataset.source import open_group
from zarr_edr.settings import CollectionSettings

SHARED = Path(__file__).parents[2] / "../shared/data"
RUNS = np.array([12, 0, 36, 24])
"""Hours since 2020-01-01, not in order."""


def real(name: str) -> str:
    path = (SHARED / name).resolve()
    if not path.exists():
        pytest.skip(f"the real dataset {name} is not here")
    return str(path)


def described(store: str) -> Collection:
    return describe(open_group(store), "s", None, None, CollectionSettings(data=store))


def forecasts(runs: Any = RUNS, steps: Any = (0, 6, 12)) -> xr.Dataset:
    """`v` on run, step, lat, lon; `land` on lat, lon."""
    since = {"units": "hours since 2020-01-01", "standard_name": "forecast_reference_time"}
    shape = (len(runs), len(steps), 2, 3)
    return xr.Dataset(
        {
            "v": (("run", "step", "lat", "lon"), np.arange(np.prod(shape), dtype="f4").reshape(shape)),
            "land": (("lat", "lon"), np.ones((2, 3), "f4")),
        },
        coords={
            "run": ("run", np.asarray(runs), since),
            "step": ("step", np.asarray(steps), {"units": "hours", "standard_name": "forecast_period"}),
            "lat": ("lat", [50.0, 51.0], {"units": "degrees_north"}),
            "lon": ("lon", [0.0, 1.0, 2.0], {"units": "degrees_east"}),
        },
    )


def written(dataset: xr.Dataset, folder: Path) -> Collection:
    store = str(folder / "s.zarr")
    dataset.to_zarr(store, consolidated=False)
    return described(store)


def times(collection: Collection, name: str = "v") -> tuple[str, ...]:
    axis = collection.parameters[name].t
    assert axis is not None
    return axis.iso


def test_each_run_is_an_instance_oldest_first(tmp_path: Path) -> None:
    ids = list(written(forecasts(), tmp_path).instances)
    assert ids == ["20200101T0000Z", "20200101T1200Z", "20200102T0000Z", "20200102T1200Z"]


def test_an_instance_has_the_id_of_its_run(tmp_path: Path) -> None:
    assert all(run.id == id_ for id_, run in written(forecasts(), tmp_path).instances.items())


def test_each_instance_has_its_own_index_and_times(tmp_path: Path) -> None:
    run = written(forecasts(), tmp_path).instances["20200101T1200Z"]
    assert run.parameters["v"].fixed == {"run": 0}
    assert times(run) == ("2020-01-01T12:00:00Z", "2020-01-01T18:00:00Z", "2020-01-02T00:00:00Z")


def test_the_collection_itself_is_the_latest_run(tmp_path: Path) -> None:
    collection = written(forecasts(), tmp_path)
    latest = collection.instances["20200102T1200Z"]
    assert collection.parameters["v"].fixed == latest.parameters["v"].fixed == {"run": 2}
    assert times(collection) == times(latest)


def test_instances_share_arrays_and_grids(tmp_path: Path) -> None:
    collection = written(forecasts(), tmp_path)
    parameter = collection.parameters["v"]
    for run in collection.instances.values():
        assert run.parameters["v"].array is parameter.array
        assert run.parameters["v"].grid is parameter.grid


def test_a_field_without_runs_is_in_every_instance(tmp_path: Path) -> None:
    collection = written(forecasts(), tmp_path)
    assert all(run.parameters["land"] is collection.parameters["land"] for run in collection.instances.values())


def test_times_are_those_of_the_two_dimensional_variable_where_there_is_one(tmp_path: Path) -> None:
    valid = RUNS[:, None] + np.array([1, 2, 3])
    attributes = {"units": "hours since 2020-01-01", "standard_name": "time"}
    dataset = forecasts().assign_coords(valid=(("run", "step"), valid, attributes))
    run = written(dataset, tmp_path).instances["20200101T0000Z"]
    assert times(run) == ("2020-01-01T01:00:00Z", "2020-01-01T02:00:00Z", "2020-01-01T03:00:00Z")


def test_a_run_with_impossible_times_is_left_out_with_a_note(tmp_path: Path) -> None:
    valid = RUNS[:, None] + np.array([1, 2, 3])
    valid[1] = 5
    attributes = {"units": "hours since 2020-01-01", "standard_name": "time"}
    dataset = forecasts().assign_coords(valid=(("run", "step"), valid, attributes)).drop_vars("land")
    collection = written(dataset, tmp_path)
    assert "20200101T0000Z" not in collection.instances
    assert any("20200101T0000Z" in line for line in collection.warnings)


def test_a_run_that_is_there_twice_is_one_instance(tmp_path: Path) -> None:
    collection = written(forecasts(runs=[0, 12, 12]), tmp_path)
    assert [run.parameters["v"].fixed["run"] for run in collection.instances.values()] == [0, 1]
    assert any("more than once" in line for line in collection.warnings)


def test_runs_beyond_the_most_that_are_offered_are_the_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cf_runs, "MAX_RUNS", 2)
    collection = written(forecasts(), tmp_path)
    assert list(collection.instances) == ["20200102T0000Z", "20200102T1200Z"]


@pytest.mark.parametrize("name", ["era5ens.zarr", "ostia.zarr", "woa.zarr", "air.zarr", "a1b360.zarr"])
def test_a_store_without_runs_has_no_instances(name: str) -> None:
    assert not described(real(name)).instances


def test_the_runs_of_a_real_forecast_are_those_of_xarray() -> None:
    store = real("ukmo_seas.zarr")
    with xr.open_zarr(store, chunks=None, decode_timedelta=False) as dataset:
        expected = {
            f"{run:%Y%m%dT%H%MZ}": list(dataset["valid_time"][i].to_series().dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
            for i, run in enumerate(dataset["time"].to_index())
        }
    assert {id_: list(times(run, "t2m")) for id_, run in described(store).instances.items()} == expected


@pytest.mark.parametrize(
    ("iso", "id_"),
    [
        ("2016-02-01T00:00:00Z", "20160201T0000Z"),
        ("2016-02-01T06:30:15Z", "20160201T063015Z"),
        ("2016-02-01T06:30:15.5Z", "20160201T063015.5Z"),
        ("-0001-02-01T00:00:00Z", "-00010201T0000Z"),
        ("+12016-02-01T00:00:00Z", "120160201T0000Z"),
    ],
)
def test_ids_have_nothing_that_means_something_in_a_path(iso: str, id_: str) -> None:
    assert cf_runs.run_id(iso) == id_
