"""Execution of our processes over HTTP, and the tables that clients post for it (OGC 18-062r2, 7.11).

Where the manager of jobs is ours, these views stand in the place of pygeoapi's. An execution of another processor goes on to
pygeoapi's own view.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from flask import Response, request
from pygeoapi.process.base import UnknownProcessError

from zarr_edr.errors import InvalidBody, InvalidQuery, UnsupportedMediaType
from zarr_edr.extract.processor import ExtractPointsProcessor
from zarr_edr.extract.tables import PATH, Table, Tables
from zarr_edr.jobs import JobManager
from zarr_edr.jobs.manager import refuse_document, refuse_subscriber
from zarr_edr.jobs.run import Work
from zarr_edr.limits import Deadline, Limits
from zarr_edr.query.body_json import load_object
from zarr_edr.query.checks import quoted
from zarr_edr.query.inflate import inflate
from zarr_edr.web import jobs, process_pages
from zarr_edr.web.bodies import complete, read_body
from zarr_edr.web.caching import NO_STORE
from zarr_edr.web.routes import service_url, turn

if TYPE_CHECKING:
    from flask import Blueprint, Flask
    from flask.typing import ResponseReturnValue

JOBS = "zarr_edr.jobs"
"""Where the application has its manager among its extensions."""

_JSON = "application/json"
_MEMBERS = ("inputs", "outputs", "response", "subscriber")
_EXAMPLE = '{"inputs": {"collection": "...", "longitude": [10.5, 11], "latitude": [50.25, 51]}}'


def register(app: Flask, blueprint: Blueprint, config: Mapping[str, Any]) -> None:
    """Put these views, and those of `jobs`, in the place of pygeoapi's, where its manager of jobs is ours."""
    from pygeoapi.flask_app import api_  # noqa: PLC0415  # reads the environment

    manager = api_.manager
    if not isinstance(manager, JobManager):
        return
    tables = manager.keep_tables(str(config["server"]["url"]).rstrip("/"))
    app.extensions[JOBS] = manager
    views = _Views(manager, tables, app.view_functions[f"{blueprint.name}.execute_process_jobs"])
    app.view_functions[f"{blueprint.name}.execute_process_jobs"] = views.execute
    prefix = blueprint.url_prefix or ""
    app.add_url_rule(f"{prefix}{PATH}", "zarr_edr.tables", views.post_table, methods=["POST"])
    app.add_url_rule(f"{prefix}{PATH}/<table_id>", "zarr_edr.table", views.table, methods=["GET", "DELETE"])
    process_pages.register(app, blueprint, manager)
    jobs.register(app, blueprint, manager)


def stop_jobs(app: Flask) -> None:
    """Let the jobs of this process end with it."""
    manager = app.extensions.get(JOBS)
    if manager is not None:
        manager.stop()


class _Views:
    """View functions over one manager."""

    def __init__(self, manager: JobManager, tables: Tables, stock: Callable[[str], Any]) -> None:
        self._manager, self._tables, self._stock = manager, tables, stock

    def execute(self, process_id: str) -> ResponseReturnValue:
        """POST /processes/{id}/execution: the result at once, or a job with `Prefer: respond-async`."""
        try:
            processor = self._manager.get_processor(process_id)
        except UnknownProcessError:
            return process_pages.no_such_process(self._manager, process_id)
        if not isinstance(processor, ExtractPointsProcessor):
            answered: ResponseReturnValue = self._stock(process_id)
            return answered
        limits = processor.limits
        job = _wants_job()
        body = read_body(limits.body_bytes)  # before the turn, which must not wait for a slow client
        with turn(Deadline.after(limits.seconds)):
            work = processor.prepare(*_execution(body, limits), job=job)
            if not job:
                return _at_once(work)
        return jobs.accepted(self._manager.submit(process_id, work))

    def post_table(self) -> Response:
        """POST /tables: a table of points, to be referred to by executions."""
        limits = self._limits()
        body = read_body(limits.body_bytes)
        with turn(Deadline.after(limits.seconds)):
            table = self._tables.add(inflate(body, request.content_encoding, limits), request.content_type, limits)
        described = self._described(table)
        return _json(described, HTTPStatus.CREATED, {"Location": described["href"]})

    def table(self, table_id: str) -> Response:
        """GET and DELETE of /tables/{id}."""
        if request.method == "DELETE":
            self._tables.remove(table_id)
            return Response(status=HTTPStatus.NO_CONTENT)
        return _json(self._described(self._tables.describe(table_id)))

    def _limits(self) -> Limits:
        """The widest of the processes that take tables."""
        processors = (self._manager.get_processor(id_) for id_ in self._manager.processes)
        all_limits = [p.limits for p in processors if isinstance(p, ExtractPointsProcessor)]
        return max(all_limits, key=lambda limits: limits.points, default=Limits())

    def _described(self, table: Table) -> dict[str, Any]:
        expires = datetime.fromtimestamp(table.expires_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"href": f"{service_url()}{PATH}/{table.id}", "points": table.points, "expires": expires}


def _wants_job() -> bool:
    """Whether the client prefers a job (RFC 7240, 4.1)."""
    preferences = (part for value in request.headers.getlist("Prefer") for part in value.split(","))
    return any(part.partition(";")[0].strip().lower() == "respond-async" for part in preferences)


def _execution(body: bytes, limits: Limits) -> tuple[object, object]:
    """The inputs and the outputs of the document that was posted. Raises `InvalidBody` and its kinds, and `QueryTooLarge`."""
    media_type = (request.mimetype or _JSON).lower()
    if media_type != _JSON and not media_type.endswith("+json"):
        raise UnsupportedMediaType(
            f"The body is of type {quoted(media_type)}; an execution is application/json.", (_JSON,)
        )
    body = inflate(body, request.content_encoding, limits)
    if not body.strip():
        raise InvalidBody(f"The body is empty; right is e.g. {_EXAMPLE}.")
    document = load_object(body, limits)
    unknown = next((name for name in document if name not in _MEMBERS), None)
    if unknown is not None:
        raise InvalidQuery(
            f"{quoted(unknown)} is not a member of an execution; known are {', '.join(_MEMBERS)}. Right is e.g. {_EXAMPLE}."
        )
    refuse_subscriber(document.get("subscriber"))
    refuse_document(document.get("response"))
    return document.get("inputs"), document.get("outputs")


def _at_once(work: Work) -> Response:
    """The result as a response. It is complete, so that no failure can cut it short, before any of it is sent."""
    response = complete(work.pieces(Deadline.after(work.seconds)))
    if response.content_length == 0:
        return jobs.no_content()
    response.headers["Content-Type"] = work.media_type
    response.headers["Preference-Applied"] = "wait"
    if work.file_name is not None:
        response.headers.set("Content-Disposition", "attachment", filename=work.file_name)
    return response


def _json(
    document: Mapping[str, Any], status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(orjson.dumps(document), status, {"Cache-Control": NO_STORE, **(headers or {})}, content_type=_JSON)
