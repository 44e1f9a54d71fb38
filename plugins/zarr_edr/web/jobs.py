"""Jobs over HTTP: their list, their status, their results, and how to dismiss them (OGC 18-062r2, 7.12, 7.13, 11, 13)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson
from flask import Response, request, send_file
from pygeoapi.process.base import JobNotFoundError, JobResultNotFoundError
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from zarr_edr.errors import InvalidQuery, NotFound
from zarr_edr.jobs import JobManager
from zarr_edr.jobs.manager import OURS
from zarr_edr.jobs.records import UNFINISHED, Record
from zarr_edr.query.checks import quoted
from zarr_edr.query.request import page_of
from zarr_edr.web import errors, html
from zarr_edr.web.caching import NO_STORE
from zarr_edr.web.negotiate import HTML, JSON, chosen
from zarr_edr.web.routes import query_string, service_url

if TYPE_CHECKING:
    from flask import Blueprint, Flask
    from flask.typing import ResponseReturnValue

_PAGE = 100
"""Jobs on a page of their list."""
_FILTERS = ("status", "processID")
_STATES = ("accepted", "running", "successful", "failed", "dismissed")
_RESULTS = "http://www.opengis.net/def/rel/ogc/1.0/results"
_JSON = "application/json"
_ONE_RANGE = re.compile(r"bytes=\s*(?:\d+-\d*|-\d+)\s*", re.ASCII)


def register(app: Flask, blueprint: Blueprint, manager: JobManager) -> None:
    """Put these views in the place of pygeoapi's."""
    views = _Views(manager, app.view_functions[f"{blueprint.name}.get_job_result"])
    app.view_functions[f"{blueprint.name}.get_jobs"] = views.jobs
    app.view_functions[f"{blueprint.name}.get_job_result"] = views.results


def problem(name: str) -> str:
    """The URI of a type of failure (OGC 18-062r2, table 12 and others)."""
    return f"http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/{name}"


def no_content() -> Response:
    """The execution is done, and there are no data at its points."""
    response = Response(status=HTTPStatus.NO_CONTENT)
    del response.headers["Content-Type"]  # of no body
    return response


def accepted(record: Record) -> Response:
    """A job that was just taken on: 201, its status and where to ask for it."""
    response = _json(status_info(record), HTTPStatus.CREATED)
    response.headers["Location"] = _url(record)
    response.headers["Preference-Applied"] = "respond-async"
    return response


def status_info(record: Record) -> dict[str, Any]:
    """The status of a job (OGC 18-062r2, statusInfo.yaml)."""
    status, url = record["status"], _url(record)
    info = {
        "processID": record["process_id"],
        "type": "process",
        "jobID": record["identifier"],
        "status": status,
        "message": record["message"],
        "created": record["created"],
        "started": None if status == "accepted" else record["started"],
        "finished": record["finished"],
        "updated": record["updated"],
        "progress": record["progress"],
    }
    links = [_link(f"{url}?f=json", "self", _JSON, "This status as JSON")]
    links.append(_link(f"{url}?f=html", "alternate", "text/html", "This status as HTML"))
    if status == "successful":
        links.append(_link(f"{url}/results", _RESULTS, record["mimetype"], "The result"))
    return {**{name: value for name, value in info.items() if value is not None}, "links": links}


class _Views:
    """View functions over one manager."""

    def __init__(self, manager: JobManager, stock_results: Callable[[str], Any]) -> None:
        self._manager, self._stock_results = manager, stock_results

    def jobs(self, job_id: str | None = None) -> Response:
        """GET /jobs, GET and DELETE of /jobs/{id}."""
        if job_id is None:
            return self._list()
        record = self._record(job_id)
        if record is None:
            return _no_such_job(job_id)
        if request.method != "DELETE":
            return _page("job", f"/jobs/{job_id}", status_info(record))
        self._manager.delete_job(job_id)
        return _json(status_info(self._record(job_id) or {**record, "status": "dismissed"}))

    def _record(self, job_id: str) -> Record | None:
        try:
            return self._manager.get_job(job_id)
        except JobNotFoundError:
            return None

    def _list(self) -> Response:
        if not self._manager.settings.list_jobs:
            raise NotFound("The jobs of this service are not listed; ask for one by its id, at /jobs/{id}.")
        given = query_string()
        offset, limit = page_of(given) or (0, _PAGE)
        _check_filters(given)
        found = [record for record in self._manager.get_jobs()["jobs"] if _matches(record, given)]
        url = f"{service_url()}/jobs"
        links = [
            _link(f"{url}?f=json", "self", _JSON, "This document as JSON"),
            _link(f"{url}?f=html", "alternate", "text/html", "This document as HTML"),
        ]
        if offset + limit < len(found):
            following = {**given, "limit": str(limit), "offset": str(offset + limit)}
            links.append(_link(f"{url}?{urlencode(following)}", "next", _JSON, "The next page"))
        listed = [status_info(record) for record in found[offset : offset + limit]]
        return _page("jobs", "/jobs", {"jobs": listed, "numberMatched": len(found), "links": links})

    def results(self, job_id: str) -> ResponseReturnValue:
        """GET /jobs/{id}/results: from its file, of which no more is in memory than is being sent."""
        record = self._record(job_id)
        if record is None:
            return _no_such_job(job_id)
        if record.get("by") != OURS:
            answered: ResponseReturnValue = self._stock_results(job_id)
            return answered
        if record["status"] in UNFINISHED:
            text = f"The job is not done: {record['message']}"
            return errors.exception(HTTPStatus.NOT_FOUND, "ResultNotReady", text, problem("result-not-ready"))
        if record["status"] != "successful":
            failure = record["failure"]
            return errors.exception(failure["http_status"], failure["kind"], record["message"])
        return self._sent(record)

    def _sent(self, record: Record) -> Response:
        try:
            path = self._manager.result_of(record)
        except JobResultNotFoundError:
            return errors.exception(HTTPStatus.GONE, "ResultGone", "The result of the job is not kept any more.")
        size_bytes = path.stat().st_size
        if size_bytes == 0:
            return no_content()
        name = record["file_name"]
        response = send_file(path, record["mimetype"], name is not None, name, conditional=False)
        try:
            response.make_conditional(_with_one_range(), accept_ranges=True, complete_length=size_bytes)
        except RequestedRangeNotSatisfiable:
            response.close()
            raise
        response.headers["Content-Type"] = record["mimetype"]  # as it is: `send_file` adds a charset
        if name is None:
            del response.headers["Content-Disposition"]
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = NO_STORE  # it can be dismissed, and is not everybody's
        return response


def _with_one_range() -> dict[str, Any]:
    """The request without a Range that is not one range of bytes: the whole answers it (RFC 9110, 14.2)."""
    if _ONE_RANGE.fullmatch(request.headers.get("Range", "")):
        return request.environ
    return {name: value for name, value in request.environ.items() if name != "HTTP_RANGE"}


def _check_filters(given: Mapping[str, str]) -> None:
    """Raise `InvalidQuery` for what the list of jobs cannot be asked for."""
    unknown = next((name for name in given if name not in (*_FILTERS, "limit", "offset", "f")), None)
    if unknown is not None:
        raise InvalidQuery(
            f"{quoted(unknown)} is not a parameter of the list of jobs; it takes status, processID, limit, f."
        )
    if not set(given.get("status", _STATES[0]).split(",")) <= set(_STATES):
        raise InvalidQuery(f"status={quoted(given['status'])} is not one or some of {', '.join(_STATES)}.")


def _matches(record: Record, given: Mapping[str, str]) -> bool:
    """Whether a job is one of those asked for."""
    asked = ((record["status"], given.get("status")), (record["process_id"], given.get("processID")))
    return all(wanted is None or value in wanted.split(",") for value, wanted in asked)


def _no_such_job(job_id: str) -> Response:
    text = f"There is no job {quoted(job_id)}, or not any more."
    return errors.exception(HTTPStatus.NOT_FOUND, "NoSuchJob", text, problem("no-such-job"))


def _url(record: Record) -> str:
    return f"{service_url()}/jobs/{record['identifier']}"


def _link(href: str, rel: str, type_: str, title: str) -> dict[str, str]:
    return {"href": href, "rel": rel, "type": type_, "title": title}


def _page(kind: str, path: str, document: dict[str, Any]) -> Response:
    """A document about jobs, which may change at any time, as JSON or HTML."""
    form, _ = chosen((JSON, HTML))
    if form is JSON:
        response = _json(document)
    else:
        page = html.render(kind, document, base_url=service_url(), path=path)
        response = Response(page, headers=html.SECURITY_HEADERS, content_type="text/html; charset=utf-8")
    response.vary.add("Accept")
    response.headers["Cache-Control"] = NO_STORE
    return response


def _json(document: Mapping[str, Any], status: int = HTTPStatus.OK) -> Response:
    return Response(orjson.dumps(document), status, headers={"Cache-Control": NO_STORE}, content_type=_JSON)
