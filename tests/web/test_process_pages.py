"""Descriptions of processes, and the places that lead to them."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

REL = "http://www.opengis.net/def/rel/ogc/1.0"


def test_the_landing_page_leads_to_the_processes_and_jobs(client: FlaskClient) -> None:
    rels = {link["rel"]: link["href"] for link in client.get("/").get_json()["links"]}
    for rel in (f"{REL}/processes", f"{REL}/job-list"):
        assert client.get(rels[rel].removeprefix("http://localhost:5000")).status_code == 200


def test_the_list_has_summaries_that_lead_to_descriptions(client: FlaskClient) -> None:
    (summary,) = client.get("/processes").get_json()["processes"]
    assert (summary["id"], "inputs" in summary) == ("extract-points", False)
    (self_link,) = [link["href"] for link in summary["links"] if link["rel"] == "self"]
    described = client.get(self_link.removeprefix("http://localhost:5000")).get_json()
    assert {"collection", "longitude", "latitude", "number"} <= described["inputs"].keys()


def test_a_description_says_where_to_execute_it_and_how(client: FlaskClient) -> None:
    described = client.get("/processes/extract-points").get_json()
    assert described["jobControlOptions"] == ["sync-execute", "async-execute", "dismiss"]
    (execute,) = [link["href"] for link in described["links"] if link["rel"] == f"{REL}/execute"]
    answered = client.post(execute.removeprefix("http://localhost:5000"), json=described["example"])
    assert answered.status_code == 200


def test_a_process_that_is_not_there_is_not_found(client: FlaskClient) -> None:
    refused = client.get("/processes/nope")
    assert (refused.status_code, refused.get_json()["type"].rsplit("/")[-1]) == (404, "no-such-process")


@pytest.mark.parametrize("path", ["/processes", "/processes/extract-points"])
def test_descriptions_have_pages_for_people(client: FlaskClient, path: str) -> None:
    page = client.get(f"{path}?f=html")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert "Values at many points" in page.text


def test_classes_of_processes_are_declared_but_not_that_of_callbacks(client: FlaskClient) -> None:
    classes = [Path(uri).name for uri in client.get("/conformance").get_json()["conformsTo"] if "processes" in uri]
    assert set(classes) == {"core", "json", "oas30", "html", "dismiss", "ogc-process-description"}
    assert "callback" not in classes
