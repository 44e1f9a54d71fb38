"""The identity of a snapshot: new with each start, or derived from what the operator says of the data."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from zarr_edr.dataset import snapshot
from zarr_edr.dataset.catalog import PROVIDER, Catalog, forget_shared
from zarr_edr.dataset.model import Collection
from zarr_edr.query.canonical import canonical
from zarr_edr.settings import CollectionSettings
from zarr_edr.testing.cf import write_steps


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(write_steps(tmp_path / "steps.zarr"))


def started(data: str, options: dict[str, Any] | None = None, id_: str = "c", **more: Any) -> Collection:
    """The collection of a server that has just started."""
    forget_shared()
    provider = {"type": "edr", "name": PROVIDER, "data": data, "options": options or {}}
    return Catalog.open({id_: {"type": "collection", "providers": [provider], **more}}).get(id_)


def identity(data: str, options: dict[str, Any] | None = None, id_: str = "c", **more: Any) -> bytes:
    return started(data, options, id_, **more).snapshot


STATED = {"version": "2026-11-26T00Z"}


def test_each_start_has_its_own_identity(data: str) -> None:
    assert identity(data) != identity(data)


def test_what_is_opened_once_has_one_identity(data: str) -> None:
    started(data)
    provider = {"type": "edr", "name": PROVIDER, "data": data, "options": {}}
    resources = {"c": {"type": "collection", "providers": [provider]}}
    assert Catalog.open(resources).get("c").snapshot == Catalog.open(resources).get("c").snapshot


def test_a_stated_version_outlives_a_restart(data: str) -> None:
    assert identity(data, STATED) == identity(data, STATED)


@pytest.mark.parametrize(
    "options",
    [
        {"version": "2026-11-26T06Z"},
        {},
        {**STATED, "datetime": "nearest"},
        {**STATED, "missing_chunks": "error"},
        {**STATED, "parameters": {"v": {"units": "K"}}},
        {**STATED, "limits": {"points": 5}},
    ],
    ids=str,
)
def test_what_changes_answers_changes_the_identity(data: str, options: dict[str, Any]) -> None:
    assert identity(data, options) != identity(data, STATED)


@pytest.mark.parametrize(
    "more",
    [
        {"cache": {"max_age": 5, "bytes": 5}},
        {"dask": {"scheduler": "threads"}},
        {"storage": {"secret": "hunter2"}},
    ],
    ids=str,
)
def test_what_changes_no_answer_leaves_the_identity(data: str, more: dict[str, Any]) -> None:
    assert identity(data, {**STATED, **more}) == identity(data, STATED)


def test_secrets_are_not_in_the_identity() -> None:
    url = "s3://user:hunter2@bucket/a.zarr?token=hunter2"
    settings = CollectionSettings(url, storage_options={"secret": "hunter2"}, version="1")
    assert b"bucket/a.zarr" in canonical(snapshot._with_effect(settings))
    assert b"hunter2" not in canonical(snapshot._with_effect(settings))


@pytest.mark.parametrize("change", [{"id_": "d"}, {"title": "T"}, {"description": "D"}], ids=str)
def test_what_the_configuration_calls_it_is_part_of_the_identity(data: str, change: dict[str, Any]) -> None:
    assert identity(data, STATED, **change) != identity(data, STATED)


def test_metadata_that_change_change_the_identity(data: str) -> None:
    before = identity(data, STATED)
    group = zarr.open_group(data, mode="r+")
    variable = started(data).parameters
    group[next(iter(variable))].attrs["long_name"] = "another"
    assert identity(data, STATED) != before


def test_places_that_change_change_the_identity(data: str, tmp_path: Path) -> None:
    places = tmp_path / "places.csv"
    found = set()
    for longitude in (1, 2):
        places.write_text(f"id,name,longitude,latitude\na,A,{longitude},1\n")
        found.add(identity(data, {**STATED, "locations": str(places)}))
    assert len(found) == 2


def test_coordinates_that_change_change_the_identity(data: str) -> None:
    before = started(data, STATED)
    group = zarr.open_group(data, mode="r+")
    times = group[before.time_axes[0].dim]
    assert isinstance(times, zarr.Array)
    times[:] = np.asarray(times[:]) + 1
    assert identity(data, STATED) != before.snapshot


def test_a_new_library_changes_the_identity(data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = identity(data, STATED)
    monkeypatch.setattr(snapshot, "software", lambda: ("another",))
    assert identity(data, STATED) != before


@pytest.mark.parametrize("name", ["zarr-edr", "numpy", "orjson", "zarr", "flask-compress"])
def test_what_writes_answers_counts_by_its_version(name: str) -> None:
    assert f"{name} {version(name)}" in snapshot.software()


def test_runs_of_a_collection_have_each_their_own_identity() -> None:
    demo = started(str(Path(__file__).parents[2] / "data/ukmo_seas.zarr"), STATED)
    assert demo.instances
    assert len({demo.snapshot, *(run.snapshot for run in demo.instances.values())}) == 1 + len(demo.instances)
