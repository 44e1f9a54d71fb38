"""Jobs over HTTP, as OGC API - Processes has them."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from .test_processes import INPUTS, WHERE, execute, run_job

STATUS_INFO = {
    "type": "object",
    "required": ["jobID", "status", "type"],
    "properties": {
        "processID": {"type": "string"},
        "type": {"type": "string", "enum": ["process"]},
        "jobID": {"type": "string"},
        "status": {"type": "string", "enum": ["accepted", "running", "successful", "failed", "dismissed"]},
        "message": {"type": "string"},
        **{name: {"type": "string", "pattern": "Z$"} for name in ("created", "started", "finished", "updated")},
        "progress": {"type": "integer", "minimum": 0, "maximum": 100},
        "links": {"type": "array", "items": {"type": "object", "required": ["href"]}},
    },
    "additionalProperties": False,
}
"""The schema statusInfo of OGC 18-062r2."""
UNKNOWN = "0" * 8 + "-0000-4000-8000-" + "0" * 12


@pytest.fixture
def done(client: FlaskClient) -> str:
    """The path of a job that is done."""
    return run_job(client, {"inputs": {**INPUTS, "f": "CSV"}})


def links_of(document: dict[str, Any], rel: str) -> list[str]:
    return [link["href"].removeprefix("http://localhost:5000") for link in document["links"] if link["rel"] == rel]


def test_a_status_is_as_the_standard_has_it(client: FlaskClient, done: str) -> None:
    for status in (execute(client, {"inputs": INPUTS}, Prefer="respond-async"), client.get(done), client.delete(done)):
        Draft202012Validator(STATUS_INFO).validate(status.get_json())


def test_the_status_leads_to_the_result(client: FlaskClient, done: str) -> None:
    (result,) = links_of(client.get(done).get_json(), "http://www.opengis.net/def/rel/ogc/1.0/results")
    assert client.get(result, buffered=True).get_data().startswith(b"point,")


def test_part_of_a_result_is_of_its_bytes_whatever_encodings_are_accepted(client: FlaskClient) -> None:
    path = run_job(client, {"inputs": {"collection": "ostia", **WHERE, "f": "CSV"}})
    whole = client.get(f"{path}/results", buffered=True).get_data()
    asked = {"Range": "bytes=100-2999", "Accept-Encoding": "gzip"}
    part = client.get(f"{path}/results", headers=asked, buffered=True)
    assert (part.status_code, "Content-Encoding" in part.headers) == (206, False)
    assert part.get_data() == whole[100:3000]


def test_part_of_a_result_can_be_asked_for(client: FlaskClient, done: str) -> None:
    whole = client.get(f"{done}/results", buffered=True).get_data()
    part = client.get(f"{done}/results", headers={"Range": "bytes=10-29"}, buffered=True)
    assert (part.status_code, part.get_data()) == (206, whole[10:30])


@pytest.mark.parametrize("asked", ["bytes=-5,3-4", "bytes=0-1,3-4", "lines=1-2", "bytes=", "bytes"])
def test_what_is_not_one_range_is_answered_with_the_whole(client: FlaskClient, done: str, asked: str) -> None:
    whole = client.get(f"{done}/results", buffered=True).get_data()
    found = client.get(f"{done}/results", headers={"Range": asked}, buffered=True)
    assert (found.status_code, found.get_data()) == (200, whole)


def test_a_range_beyond_the_result_is_refused(client: FlaskClient, done: str) -> None:
    assert client.get(f"{done}/results", headers={"Range": "bytes=999999-"}, buffered=True).status_code == 416


def test_a_dismissed_job_says_so_and_has_no_result(client: FlaskClient, done: str) -> None:
    assert client.delete(done).get_json()["status"] == "dismissed"
    assert client.get(done).get_json()["status"] == "dismissed"
    assert client.get(f"{done}/results").status_code == 410


def test_a_job_may_be_dismissed_twice(client: FlaskClient, done: str) -> None:
    client.delete(done)
    assert client.delete(done).status_code == 200


def test_the_result_of_a_job_that_waits_is_not_ready(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zarr_edr.jobs.run.slot", lambda *_: contextlib.nullcontext(enter_result=False))
    path = execute(client, {"inputs": INPUTS}, Prefer="respond-async").headers["Location"]
    refused = client.get(f"{path.removeprefix('http://localhost:5000')}/results")
    client.delete(path.removeprefix("http://localhost:5000"))
    assert (refused.status_code, refused.get_json()["type"].rsplit("/")[-1]) == (404, "result-not-ready")


@pytest.mark.parametrize("below", ["", "/results"])
@pytest.mark.parametrize("job_id", ["x", UNKNOWN, "..", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "a" * 4000, "%00", "*"])
def test_a_job_that_is_not_there_is_not_found(client: FlaskClient, job_id: str, below: str) -> None:
    assert client.get(f"/jobs/{job_id}{below}").status_code == 404


def test_a_job_that_is_not_there_cannot_be_dismissed(client: FlaskClient) -> None:
    refused = client.delete(f"/jobs/{UNKNOWN}")
    assert (refused.status_code, refused.get_json()["type"].rsplit("/")[-1]) == (404, "no-such-job")


def test_the_list_has_all_jobs_the_newest_first(client: FlaskClient, done: str) -> None:
    other = run_job(client, {"inputs": INPUTS})
    listed = client.get("/jobs").get_json()["jobs"]
    assert [f"/jobs/{job['jobID']}" for job in listed[:2]] == [other, done]
    for job in listed:
        Draft202012Validator(STATUS_INFO).validate(job)


def test_the_list_can_be_paged_by_its_links(client: FlaskClient, done: str) -> None:
    run_job(client, {"inputs": INPUTS})
    first = client.get("/jobs?limit=1&status=successful").get_json()
    (following,) = links_of(first, "next")
    second = client.get(following).get_json()
    assert f"/jobs/{second['jobs'][0]['jobID']}" == done


@pytest.mark.parametrize(("state", "there"), [("successful", True), ("failed,successful", True), ("running", False)])
def test_the_list_can_be_filtered_by_status(client: FlaskClient, done: str, state: str, there: bool) -> None:
    found = [f"/jobs/{job['jobID']}" for job in client.get(f"/jobs?status={state}").get_json()["jobs"]]
    assert (done in found) is there


def test_the_list_can_be_filtered_by_process(client: FlaskClient, done: str) -> None:
    assert client.get("/jobs?processID=other").get_json()["jobs"] == []
    assert client.get("/jobs?processID=other,extract-points").get_json()["jobs"]


@pytest.mark.parametrize("query", ["status=done", "limit=0", "limit=x", "offset=-1", "state=failed", "status=&status="])
def test_the_list_cannot_be_asked_for_anything_else(client: FlaskClient, query: str) -> None:
    assert client.get(f"/jobs?{query}").status_code == 400


@pytest.mark.parametrize("path", ["/jobs", "{done}"])
def test_jobs_have_pages_for_people(client: FlaskClient, done: str, path: str) -> None:
    page = client.get(f"{path.format(done=done)}?f=html")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert done.rsplit("/", 1)[-1] in page.text
    assert "<script" not in page.text


def test_what_a_client_wrote_is_only_text_on_a_page(client: FlaskClient) -> None:
    page = client.get(
        f"/jobs/{quote('<script>alert(1)</script>', safe='')}", headers={"Accept": "application/xhtml+xml"}
    )
    assert page.status_code == 404
    assert "<script>" not in page.text


def test_paths_of_the_machine_are_not_told(client: FlaskClient, done: str) -> None:
    told = client.get(done).text + client.get("/jobs").text + str(client.get(f"{done}/results", buffered=True).headers)
    assert str(Path("/tmp")) not in told
