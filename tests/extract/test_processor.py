"""The process as a whole: its values are the array's, its limits hold, its description is true."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import xarray as xr
from jsonschema import Draft202012Validator
from pygeoapi.process.base import ProcessorExecuteError

from zarr_edr.dataset.model import Collection
from zarr_edr.errors import ConfigurationError, EdrError, ErrorKind, QueryTooLarge, ResponseTooLarge
from zarr_edr.extract import ExtractPointsProcessor
from zarr_edr.extract.tables import Tables
from zarr_edr.limits import Deadline
from zarr_edr.plan import ReadPlan
from zarr_edr.planner import plan
from zarr_edr.query.model import PositionQuery, Query

from .conftest import DATA

Maker = Callable[..., ExtractPointsProcessor]


def points(count: int) -> dict[str, Any]:
    drawn = np.random.default_rng(count)
    return {
        "longitude": drawn.uniform(0, 359, count).tolist(),
        "latitude": drawn.uniform(-4.9, 4.4, count).tolist(),
    }


def test_values_are_those_of_the_vectorised_nearest_selection(processor: ExtractPointsProcessor) -> None:
    where = points(300)
    _, document = processor.execute({"collection": "ostia", **where, "f": "CoverageJSON"})
    found = orjson.loads(document)["ranges"]["surface_temperature"]["values"]
    with xr.open_zarr(DATA / "ostia.zarr") as opened:
        of_points = {
            "latitude": xr.DataArray(where["latitude"], dims="points"),
            "longitude": xr.DataArray(where["longitude"], dims="points"),
        }
        expected = opened["surface_temperature"].sel(of_points, method="nearest").transpose("time", "points").values
    np.testing.assert_array_equal(np.array(found, "f4").reshape(expected.shape), expected)


def test_an_ensemble_member_is_an_input_of_its_dimensions_name(processor: ExtractPointsProcessor) -> None:
    where = {"longitude": [10.0, 40.0], "latitude": [50.0, -20.0]}
    asked = {"collection": "era5ens", **where, "number": 3, "z": 500, "parameter-name": ["t"]}
    _, document = processor.execute({**asked, "datetime": "2017-01-01T00:00:00Z", "f": "CoverageJSON"})
    found = orjson.loads(document)["ranges"]["t"]["values"]
    with xr.open_zarr(DATA / "era5ens.zarr") as opened:
        at = opened["t"].sel(number=3, isobaricInhPa=500, time="2017-01-01T00:00:00")
        expected = [at.sel(longitude=x, latitude=y, method="nearest").values for x, y in ((10, 50), (40, -20))]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_points_keep_their_order_and_number(processor: ExtractPointsProcessor) -> None:
    where = {"longitude": [10.0, -30.0, 10.0], "latitude": [2.0, 1.0, 2.0]}
    asked = {"collection": "ostia", "datetime": "2008-07", "f": "CoverageJSON"}
    _, document = processor.execute({**asked, **where})
    values = orjson.loads(document)["domain"]["axes"]["composite"]["values"]
    assert [round(x) for x, _ in values] == [10, 330, 10]


@pytest.mark.parametrize(
    ("limits", "error", "key"),
    [({"cells": 100}, ResponseTooLarge, "cells"), ({"points": 5}, QueryTooLarge, "points")],
    ids=["cells", "points"],
)
def test_what_is_too_much_at_once_is_told_to_be_sent_as_a_job(
    processor_of: Maker, limits: dict[str, int], error: type[EdrError], key: str
) -> None:
    processor, asked = processor_of(limits=limits), {"collection": "ostia", **points(10)}
    with pytest.raises(error, match=f"limits.{key}.*Prefer: respond-async"):
        processor.prepare(asked)
    processor.prepare(asked, job=True)


def test_a_job_has_the_limits_of_the_processor(processor_of: Maker) -> None:
    processor = processor_of({"limits": {"cells": 539, "seconds": 7}})
    assert processor.prepare({"collection": "ostia", **points(9)}, job=True).seconds == 7
    with pytest.raises(ResponseTooLarge, match=r"540 values.*539 are allowed"):
        processor.prepare({"collection": "ostia", **points(10)}, job=True)


@pytest.mark.parametrize("f", ["NetCDF", "Zarr", "CoverageJSON", "CoverageJSON-points", "GeoJSON", "PNG"])
def test_a_job_in_a_format_that_is_made_in_memory_has_a_limit_of_its_own(processor_of: Maker, f: str) -> None:
    processor = processor_of({"whole_cells": 540})
    processor.prepare({"collection": "ostia", **points(9), "f": f}, job=True)
    with pytest.raises(ResponseTooLarge, match=r"processor.whole_cells.*without this limit: CSV, Records, NDJSON"):
        processor.prepare({"collection": "ostia", **points(11), "f": f}, job=True)
    processor.prepare({"collection": "ostia", **points(11), "f": "CSV"}, job=True)


def test_a_job_is_checked_in_the_time_of_a_request(processor_of: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Deadline] = []

    def noted(query: Query, collection: Collection, deadline: Deadline) -> ReadPlan:
        given.append(deadline)
        return plan(query, collection, deadline)

    monkeypatch.setattr("zarr_edr.extract.processor.plan", noted)
    processor = processor_of({"limits": {"seconds": 3600}}, limits={"seconds": 9})
    work = processor.prepare({"collection": "ostia", **points(1)}, job=True)
    assert ([deadline.allowed_s for deadline in given], work.seconds) == ([9], 3600)


def test_a_job_that_waits_has_its_points_on_disk_alone(processor: ExtractPointsProcessor, tmp_path: Path) -> None:
    work = processor.prepare({"collection": "ostia", **points(20), "f": "CSV"}, job=True)
    expected = b"".join(work.pieces(Deadline.after(60)))
    assert isinstance(work.asked.query, PositionQuery)
    held = weakref.ref(work.asked.query.points.x)
    parked = work.parked(tmp_path / "inputs")
    del work
    gc.collect()
    assert held() is None
    assert b"".join(parked.pieces(Deadline.after(60))) == expected
    assert not (tmp_path / "inputs").exists()


@pytest.mark.parametrize(
    ("block", "key"),
    [
        ({"limit": {}}, "processor.limit"),
        ({"limits": {"cell": 1}}, "processor.limits.cell"),
        ({"whole_cells": 0}, "processor.whole_cells"),
        ({"limits": {"cells": 0}}, "processor.limits.cells"),
        ({"limits": {"seconds": "long"}}, "processor.limits.seconds"),
    ],
    ids=["key", "limit", "whole", "zero", "text"],
)
def test_a_wrong_setting_stops_the_start(processor_of: Maker, block: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigurationError, match=f"`{key}`"):
        processor_of(block)


def test_failures_reach_pygeoapi_with_their_status_and_code(processor: ExtractPointsProcessor) -> None:
    with pytest.raises(ProcessorExecuteError, match="collection") as refused:
        processor.execute({"longitude": [1], "latitude": [1]})
    assert refused.value.http_status_code == 400
    assert refused.value.ogc_exception_code == ErrorKind.INVALID_QUERY


def test_points_without_data_give_an_empty_result(processor: ExtractPointsProcessor) -> None:
    assert processor.execute({"collection": "ostia", "longitude": [0.0], "latitude": [80.0]})[1] == b""


# --- description ---------------------------------------------------------------------------------------------------


def test_the_example_of_the_description_can_be_executed(processor: ExtractPointsProcessor) -> None:
    _, result = processor.execute(processor.metadata["example"]["inputs"])
    assert result


def test_every_schema_of_the_description_is_one(processor: ExtractPointsProcessor) -> None:
    described = processor.metadata
    for part in (*described["inputs"].values(), *described["outputs"].values()):
        Draft202012Validator.check_schema(part["schema"])


def test_the_example_keeps_to_the_schemas_of_the_inputs(processor: ExtractPointsProcessor) -> None:
    described = processor.metadata
    for name, value in described["example"]["inputs"].items():
        Draft202012Validator(described["inputs"][name]["schema"]).validate(value)


def test_hidden_collections_are_served_but_not_listed(processor: ExtractPointsProcessor) -> None:
    assert processor.metadata["inputs"]["collection"]["schema"]["enum"] == ["ostia", "era5ens"]
    assert processor.prepare({"collection": "secret", **points(1)}).asked.collection.id == "secret"


def test_dimensions_of_the_collections_are_described(processor: ExtractPointsProcessor) -> None:
    assert "era5ens" in processor.metadata["inputs"]["number"]["description"]


def test_references_are_described_only_where_tables_are_taken(processor: ExtractPointsProcessor, tmp_path: Any) -> None:
    without = orjson.dumps(processor.metadata["inputs"]["points"])
    processor.keep_tables(Tables(tmp_path))
    assert b"href" not in without
    assert b"href" in orjson.dumps(processor.metadata["inputs"]["points"])
