"""Descriptions of processes over HTTP (OGC 18-062r2, 7.9 and 7.10).

pygeoapi takes each JSON schema of a description for a mapping of languages to texts, and complains of each in its log; so
our processes are described here, and those of others by pygeoapi.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from flask import Response, request

from zarr_edr.extract.processor import ExtractPointsProcessor
from zarr_edr.jobs import JobManager
from zarr_edr.query.checks import quoted
from zarr_edr.web import errors, html, jobs
from zarr_edr.web.caching import NO_STORE
from zarr_edr.web.metadata import link, self_links
from zarr_edr.web.negotiate import HTML, JSON, chosen
from zarr_edr.web.routes import service_url
from zarr_edr.web.service import JsonObject

if TYPE_CHECKING:
    from flask import Blueprint, Flask

_REL = "http://www.opengis.net/def/rel/ogc/1.0"
_NOT_LISTED = frozenset({"inputs", "outputs", "example"})


def register(app: Flask, blueprint: Blueprint, manager: JobManager) -> None:
    """Put this view in the place of pygeoapi's."""
    endpoint = f"{blueprint.name}.get_processes"
    app.view_functions[endpoint] = _Descriptions(app, manager, app.view_functions[endpoint]).processes


def no_such_process(manager: JobManager, process_id: str) -> Response:
    """404, with what there is."""
    text = f"There is no process {quoted(process_id)}; there are: {', '.join(manager.processes)}."
    return errors.exception(HTTPStatus.NOT_FOUND, "NoSuchProcess", text, jobs.problem("no-such-process"))


class _Descriptions:
    """View function over one manager."""

    def __init__(self, app: Flask, manager: JobManager, stock: Callable[[str], Any]) -> None:
        self._app, self._manager, self._stock = app, manager, stock

    def processes(self, process_id: str | None = None) -> Response:
        """GET /processes and /processes/{id}."""
        if process_id is None:
            listed = [self._described(id_) for id_ in self._manager.processes]
            summaries = [{name: of[name] for name in of if name not in _NOT_LISTED} for of in listed]
            links = self_links(f"{service_url()}/processes")
            return _respond("processes", "/processes", {"processes": summaries, "links": links})
        if process_id not in self._manager.processes:
            return no_such_process(self._manager, process_id)
        return _respond("process", f"/processes/{process_id}", self._described(process_id))

    def _described(self, process_id: str) -> JsonObject:
        processor = self._manager.get_processor(process_id)
        if isinstance(processor, ExtractPointsProcessor):
            return {**processor.metadata, "id": process_id, "links": self._links(process_id)}
        with self._app.test_request_context(f"{request.path}?f=json"):
            found: JsonObject = orjson.loads(self._app.make_response(self._stock(process_id)).get_data())
        return found

    def _links(self, process_id: str) -> list[JsonObject]:
        url = f"{service_url()}/processes/{process_id}"
        execute = link(f"{url}/execution", f"{_REL}/execute", "application/json", "Where it is executed, by POST")
        job_list = link(f"{service_url()}/jobs", f"{_REL}/job-list", "application/json", "The jobs of this service")
        return [*self_links(url), execute, *([job_list] if self._manager.settings.list_jobs else [])]


def _respond(kind: str, path: str, document: JsonObject) -> Response:
    form, media_type = chosen((JSON, HTML))
    if form is HTML:
        page = html.render(kind, document, base_url=service_url(), path=path)
        response = Response(page, headers=html.SECURITY_HEADERS, content_type="text/html; charset=utf-8")
    else:
        response = Response(orjson.dumps(document), content_type=media_type)
    response.vary.add("Accept")
    response.headers["Cache-Control"] = NO_STORE
    return response
