"""Executions over HTTP: answered at once or as jobs, alike; refused in words when they are malformed."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import xarray as xr
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from zarr_edr.encode import encoders_of
from zarr_edr.extract.tables import MEDIA_TYPES

ROOT = Path(__file__).parents[2]
EXECUTION = "/processes/extract-points/execution"
WHERE: dict[str, Any] = {"longitude": [-30.0, 10.0], "latitude": [1.0, 2.0]}
INPUTS: dict[str, Any] = {"collection": "ostia", "datetime": "2008", **WHERE}
WAIT_S = 30.0


def execute(client: FlaskClient, document: object, **headers: str) -> TestResponse:
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    return client.post(EXECUTION, data=body, content_type="application/json", headers=headers, buffered=True)


def run_job(client: FlaskClient, document: object) -> str:
    """The path of a job that is done."""
    accepted = execute(client, document, Prefer="respond-async")
    assert accepted.status_code == 201, accepted.text
    path = accepted.headers["Location"].removeprefix("http://localhost:5000")
    until_s = time.monotonic() + WAIT_S
    while client.get(path).get_json()["status"] in ("accepted", "running"):
        assert time.monotonic() < until_s
        time.sleep(0.02)
    return path


def test_records_are_those_of_the_tutorials_selection(client: FlaskClient) -> None:
    records = orjson.loads(execute(client, {"inputs": INPUTS}).get_data())
    with xr.open_zarr(ROOT / "data/ostia.zarr") as opened:
        of_points = {
            "latitude": xr.DataArray(WHERE["latitude"], dims="points"),
            "longitude": xr.DataArray([330.0, 10.0], dims="points"),
        }
        frame = opened["surface_temperature"].sel(of_points, method="nearest").sel(time="2008").to_dataframe()
    expected = frame.reset_index().sort_values(["points", "time"])
    found = [[r["points"], r["time"], r["lat"], r["lon"], r["surface_temperature"]] for r in records]
    times = [f"{time:%Y-%m-%dT%H:%M:%S}Z" for time in expected["time"]]
    assert [row[:2] for row in found] == [list(row) for row in zip(expected["points"], times, strict=True)]
    numbers = np.array([row[2:] for row in found], dtype="f4")
    np.testing.assert_array_equal(numbers, expected[["latitude", "longitude", "surface_temperature"]].to_numpy("f4"))


@pytest.mark.parametrize("encoder", encoders_of("position"), ids=lambda e: e.name)
def test_a_job_gives_what_an_execution_at_once_gives(client: FlaskClient, encoder: Any) -> None:
    document = {"inputs": {**INPUTS, "f": encoder.name}}
    at_once = execute(client, document)
    result = client.get(f"{run_job(client, document)}/results", buffered=True)
    assert (result.status_code, result.headers["Content-Type"]) == (200, at_once.headers["Content-Type"])
    assert len(result.get_data()) == len(at_once.get_data()) > 0


def test_the_format_may_be_asked_for_as_that_of_the_output(client: FlaskClient) -> None:
    found = execute(client, {"inputs": INPUTS, "outputs": {"result": {"format": {"mediaType": "text/csv"}}}})
    assert (found.mimetype, found.headers["Content-Disposition"]) == (
        "text/csv",
        "attachment; filename=ostia-points.csv",
    )


@pytest.mark.parametrize("prefer", ["respond-async", "wait=10, respond-async", "Respond-Async; foo=bar"])
def test_a_job_is_what_is_preferred(client: FlaskClient, prefer: str) -> None:
    accepted = execute(client, {"inputs": INPUTS}, Prefer=prefer)
    assert (accepted.status_code, accepted.headers["Preference-Applied"]) == (201, "respond-async")
    assert accepted.get_json()["jobID"] in accepted.headers["Location"]


@pytest.mark.parametrize("prefer", ["", "wait=10", "respond-sync", "return=minimal"])
def test_all_other_preferences_are_answered_at_once(client: FlaskClient, prefer: str) -> None:
    assert execute(client, {"inputs": INPUTS}, Prefer=prefer).status_code == 200


def test_points_without_data_are_no_content_both_ways(client: FlaskClient) -> None:
    document = {"inputs": {"collection": "ostia", "longitude": [0], "latitude": [80]}}
    assert execute(client, document).status_code == 204
    assert client.get(f"{run_job(client, document)}/results").status_code == 204


MALFORMED: dict[str, tuple[object, str]] = {
    "empty": (b"", "empty"),
    "not-json": (b"{", "JSON"),
    "not-utf8": (b'{"inputs": "\xff"}', "JSON"),
    "list": ([], "object"),
    "text": ("inputs", "object"),
    "number": (7, "object"),
    "null": (None, "object"),
    "no-inputs": ({}, "inputs"),
    "inputs-list": ({"inputs": [1]}, "inputs"),
    "inputs-beside": (INPUTS, "collection"),
    "tutorial": (WHERE, "latitude"),
    "unknown-member": ({"inputs": INPUTS, "mode": "async"}, "mode"),
    "subscriber": ({"inputs": INPUTS, "subscriber": {"successUri": "http://169.254.169.254/"}}, "subscriber"),
    "subscriber-text": ({"inputs": INPUTS, "subscriber": "x"}, "subscriber"),
    "document": ({"inputs": INPUTS, "response": "document"}, "response"),
    "response-number": ({"inputs": INPUTS, "response": 7}, "response"),
    "reference": ({"inputs": INPUTS, "outputs": {"result": {"transmissionMode": "reference"}}}, "transmissionMode"),
    "outputs-list": ({"inputs": INPUTS, "outputs": []}, "outputs"),
    "outputs-unknown": ({"inputs": INPUTS, "outputs": {"x": {}}}, "outputs"),
    "nan": (b'{"inputs": {"collection": "ostia", "longitude": [NaN], "latitude": [1]}}', "JSON"),
    "huge-number": (b'{"inputs": {"collection": "ostia", "longitude": [1e999], "latitude": [1]}}', ""),
    "lengths": ({"inputs": {**INPUTS, "latitude": [1]}}, "latitude"),
    "too-many": ({"inputs": {**INPUTS, "latitude": [1] * 100_001, "longitude": [1] * 100_001}}, "respond-async"),
    "too-much": ({"inputs": {"collection": "ostia", "latitude": [1] * 99_999, "longitude": [1] * 99_999}}, "respond-async"),
    "url": ({"inputs": {"collection": "ostia", "points": {"href": "http://10.0.0.1/x.csv"}}}, "points"),
    "file": ({"inputs": {"collection": "ostia", "points": {"href": "file:///etc/passwd"}}}, "points"),
    "no-table": ({"inputs": {"collection": "ostia", "points": {"href": "/tables/" + "0" * 8}}}, "points"),
    "process-as-collection": ({"inputs": {**INPUTS, "collection": "extract-points"}}, "collection"),
    "format": ({"inputs": {**INPUTS, "f": "exe"}}, "exe"),
    "deep": (b'{"inputs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", ""),
}  # fmt: skip


@pytest.mark.parametrize("prefer", ["", "respond-async"], ids=["at-once", "job"])
@pytest.mark.parametrize(("document", "named"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_execution_is_refused_with_what_is_wrong(
    client: FlaskClient, document: object, named: str, prefer: str
) -> None:
    refused = execute(client, document, Prefer=prefer)
    if prefer and named == "respond-async":
        assert refused.status_code == 201
        client.delete(refused.headers["Location"].removeprefix("http://localhost:5000"))
        return
    assert refused.status_code in (400, 413)
    assert named in refused.get_json()["description"]


@pytest.mark.parametrize(
    ("environment", "status"),
    [
        ({"CONTENT_TYPE": "text/csv"}, 415),
        ({"HTTP_CONTENT_ENCODING": "gzip"}, 400),
        ({"HTTP_CONTENT_ENCODING": "lzma"}, 415),
        ({"CONTENT_LENGTH": "99999999999"}, 413),
    ],
    ids=["type", "not-gzip", "encoding", "length"],
)
def test_a_body_that_is_not_taken_is_refused(client: FlaskClient, environment: dict[str, str], status: int) -> None:
    assert client.post(EXECUTION, json={"inputs": INPUTS}, environ_overrides=environment).status_code == status


def test_a_process_that_is_not_there_is_told_with_those_that_are(client: FlaskClient) -> None:
    refused = client.post("/processes/nope/execution", json={"inputs": INPUTS})
    assert refused.status_code == 404
    assert refused.get_json()["type"].endswith("/no-such-process")
    assert "extract-points" in refused.get_json()["description"]


# --- tables --------------------------------------------------------------------------------------------------------


def posted(client: FlaskClient, body: bytes, media_type: str = "text/csv") -> TestResponse:
    return client.post("/tables", data=body, content_type=media_type)


def test_a_table_gives_the_values_of_its_points(client: FlaskClient) -> None:
    table = posted(client, b"lat,lon\n1,-30\n2,10\n")
    assert (table.status_code, table.get_json()["points"]) == (201, 2)
    by_table = {"collection": "ostia", "datetime": "2008", "points": {"href": table.headers["Location"]}}
    assert execute(client, {"inputs": by_table}).get_data() == execute(client, {"inputs": INPUTS}).get_data()


def test_a_table_can_be_looked_at_and_removed(client: FlaskClient) -> None:
    path = posted(client, b"lat,lon\n1,-30\n").headers["Location"].removeprefix("http://localhost:5000")
    assert client.get(path).get_json()["points"] == 1
    assert client.delete(path).status_code == 204
    assert (client.get(path).status_code, client.delete(path).status_code) == (404, 404)


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"", "text/csv", 400),
        (b"a,b\n1,2\n", "text/csv", 400),
        (b"{}", "application/json", 415),
        (b"lon,lat\n1,2\n", "", 415),
        (b"lon,lat\n1,95\n", "text/csv", 400),
        (b"PAR1", "application/vnd.apache.parquet", 400),
    ],
    ids=["empty", "no-columns", "json", "no-type", "latitude", "damaged"],
)
def test_what_is_no_table_is_refused(client: FlaskClient, body: bytes, media_type: str, status: int) -> None:
    assert posted(client, body, media_type).status_code == status


@pytest.mark.parametrize("media_type", ["", "application/json"])
def test_a_table_of_another_type_is_told_with_those_of_tables(client: FlaskClient, media_type: str) -> None:
    refused = posted(client, b"lon,lat\n1,2\n", media_type)
    assert refused.headers["Accept-Post"].split(", ") == list(MEDIA_TYPES)
    assert "text/csv" in refused.get_json()["description"]


def test_bodies_may_be_compressed(client: FlaskClient) -> None:
    gzipped = {"Content-Encoding": "gzip"}
    table = client.post("/tables", data=gzip.compress(b"lat,lon\n1,-30\n"), content_type="text/csv", headers=gzipped)
    body = gzip.compress(orjson.dumps({"inputs": INPUTS}))
    executed = client.post(EXECUTION, data=body, content_type="application/json", headers=gzipped)
    assert (table.get_json()["points"], executed.status_code) == (1, 200)


def test_what_a_client_calls_its_points_comes_back(client: FlaskClient) -> None:
    href = posted(client, b"id,lat,lon,depth\nB1,1,-30,12\n").headers["Location"]
    inputs = {"collection": "ostia", "datetime": "2008-07", "points": {"href": href}}
    (record,) = orjson.loads(execute(client, {"inputs": inputs}).get_data())
    assert (record["id"], record["depth"]) == ("B1", 12)


@pytest.mark.parametrize("path", ["/tables/..", "/tables/%2e%2e%2fjobs", "/tables/x", "/tables/" + "a" * 3000])
@pytest.mark.parametrize("ask", [FlaskClient.get, FlaskClient.delete], ids=["get", "delete"])
def test_a_table_that_was_not_posted_is_not_found(client: FlaskClient, ask: Callable[..., Any], path: str) -> None:
    assert ask(client, path).status_code == 404
