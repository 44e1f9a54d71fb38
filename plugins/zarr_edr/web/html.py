"""Every document of the service as a page for people: all its information, all its links, nothing from elsewhere.

`render` takes the very document that is served as JSON. What a template does not know is shown all the same, as a list of
names and values, so a page never says less than its document (OGC 19-086r6, requirements class html). Programs only add to
what is there without them: a chart to an answer, a way to try the operations of the API.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

import jinja2
from flask import Response, request

from zarr_edr.web import assets, html_collection, html_coverage, html_filters

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response as BaseResponse

    from zarr_edr.encode.plot.preview import Preview
    from zarr_edr.web.html_data import Download

_HERE = Path(__file__).parent
_ASSETS = {"style.css": "text/css; charset=utf-8", "world.svg": "image/svg+xml"}
"""Name -> media type of the files in static/: a closed set, so that no request names a file."""
_MAX_AGE_S = 86_400

_REST = "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
SECURITY_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'self'; img-src 'self'; {_REST}",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
"""Headers of every page without a program: style sheet and pictures from this service, and nothing else."""
_PROGRAMS = {"coverage": ("pages/result.js", "'self'"), "openapi": ("pages/operations.js", "'self' data:")}
"""Kind of page -> its program, and where its pictures may come from: some of Swagger UI's stand in its style sheet."""

_TEMPLATES = {
    "landing": "landing.html",
    "conformance": "conformance.html",
    "collections": "collections.html",
    "collection": "collection.html",
    "instances": "collections.html",
    "instance": "collection.html",
    "locations": "features.html",
    "items": "features.html",
    "openapi": "openapi.html",
    "exception": "exception.html",
    "coverage": "coverage.html",
    "processes": "processes.html",
    "process": "process.html",
    "jobs": "jobs.html",
    "job": "job.html",
    "explorer": "explorer.html",
}
_HEADINGS = {
    "conformance": "Conformance",
    "collections": "Collections",
    "instances": "Instances",
    "locations": "Locations",
    "items": "Items",
    "openapi": "API",
    "exception": "This did not work",
    "coverage": "Data",
    "processes": "Processes",
    "jobs": "Jobs",
    "job": "Job",
    "explorer": "Explorer",
}
_CRUMBS = {name: _HEADINGS[name] for name in _HEADINGS.keys() - {"exception", "coverage", "job"}}

_MAX_DEPTH = 16
"""Nesting that is shown as lists; what is deeper is shown as JSON."""


class _Environment(jinja2.Environment):
    """Members of a mapping are its keys and nothing else: `extent.values` is never the method of the dict."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping):
            return self.getitem(obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Mapping):
            return obj[argument] if argument in obj else self.undefined(obj=obj, name=argument)
        return super().getitem(obj, argument)


def headers_of(kind: str) -> Mapping[str, str]:
    """`SECURITY_HEADERS`, and where that kind of page has a program, leave for it to be loaded from here and to ask here."""
    if kind not in _PROGRAMS:
        return SECURITY_HEADERS
    own = "script-src 'self'; connect-src 'self'; style-src 'self'"
    policy = f"default-src 'none'; {own}; img-src {_PROGRAMS[kind][1]}; {_REST}"
    return {**SECURITY_HEADERS, "Content-Security-Policy": policy}


def render(
    kind: str,
    document: Mapping[str, Any],
    *,
    base_url: str,
    path: str,
    title: str = "",
    chart: Preview | None = None,
    downloads: Sequence[Download] | None = None,
    collections: Sequence[Mapping[str, Any]] = (),
) -> str:
    """A document as an HTML page, to be sent with `headers_of(kind)`.

    Args:
        kind: one of landing, conformance, collections, collection, instances, instance, locations, items, openapi, exception,
            coverage, processes, process, jobs, job, explorer.
        document: what is served as JSON; for coverage, parsed CoverageJSON.
        base_url: where clients find the service, with the prefix of its routes if it has one.
        path: path and, if any, query string of the page, as asked for, e.g. `/collections/ostia?f=html`.
        title: the heading, where the document has no title of its own.
        chart: what is known of the picture of a coverage, which the same address gives with `f=PNG`; None: there is none.
        downloads: formats in which the same address gives a coverage; empty: it has no address; None: JSON alone.
        collections: what the landing page names of the data: id, title and description of each.
    """
    base = base_url.rstrip("/")
    root = urlsplit(base).path
    below, _, query = path.partition("?")
    # A browser takes what follows two slashes for a host.
    below = "/" + _below(below, root).lstrip("/")
    template = _environment.get_template(_TEMPLATES[kind])
    return template.render(
        kind=kind,
        doc=document,
        heading=_heading(kind, document, title),
        root=root,
        here=f"{root}{quote(below, safe='/:@,;')}",
        query=query,
        address=f"{base}{quote(below, safe='/:@,;')}",
        static=f"{root}/{assets.STATIC}",
        assets=assets.folder(root),
        modules=assets.modules_of(_PROGRAMS[kind][0]) if kind in _PROGRAMS else (),
        version=_VERSION,
        crumbs=_crumbs(root, below),
        view=_view(kind, document, base),
        chart=chart,
        downloads=downloads,
        collections=collections,
    )


def register_static(app: Flask, prefix: str) -> None:
    """Serve the style sheet, the map and the programs of `render`'s pages at `{prefix}/static/zarr-edr/`."""
    assets.register(app, prefix)
    for number, (name, media_type) in enumerate(_ASSETS.items()):
        body = (_HERE / "static" / name).read_bytes()
        app.add_url_rule(f"{prefix}/{assets.STATIC}/{name}", f"zarr_edr.static_{number}", _asset(body, media_type))


def _asset(body: bytes, media_type: str) -> Callable[[], BaseResponse]:
    def view() -> BaseResponse:
        response = Response(body, content_type=media_type)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.cache_control.public = True
        response.cache_control.max_age = _MAX_AGE_S
        response.add_etag()
        return response.make_conditional(request)

    return view


def _heading(kind: str, document: Mapping[str, Any], title: str) -> str:
    own = document.get("info", {}).get("title") if kind == "openapi" else document.get("title")
    return html_filters.text(own) or title or str(document.get("id") or _HEADINGS.get(kind) or "Environmental data")


def _view(kind: str, document: Mapping[str, Any], base: str) -> Any:
    """What a template needs besides the document."""
    match kind:
        case "collection" | "instance":
            return html_collection.view(document, base)
        case "collections" | "instances":
            return [html_collection.view(member, base) for member in document.get(kind) or ()]
        case "coverage":
            return html_coverage.view(document)
        case _:
            return None


def _below(path: str, root: str) -> str:
    """The path without the prefix at which the service stands, of which a proxy may have taken the first parts."""
    steps = root.split("/")[1:]
    for start in range(len(steps)):
        prefix = "/" + "/".join(steps[start:])
        if path == prefix or path.startswith(prefix + "/"):
            return path.removeprefix(prefix)
    return path


def _crumbs(root: str, below: str) -> list[tuple[str, str]]:
    """Label and URL of each page on the way from the landing page to this one."""
    steps = [step for step in below.split("/") if step]
    crumbs = [("Home", f"{root}/")]
    for end, step in enumerate(steps, start=1):
        url = f"{root}/" + "/".join(quote(unquote(part), safe=":@,;") for part in steps[:end])
        crumbs.append((_CRUMBS.get(step, unquote(step)), url))
    return crumbs


def _environment_of(folder: Path) -> jinja2.Environment:
    environment = _Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= html_filters.FILTERS
    environment.globals["max_depth"] = _MAX_DEPTH
    return environment


_environment = _environment_of(_HERE / "templates")
_VERSION = hashlib.sha256((_HERE / "static/style.css").read_bytes()).hexdigest()[:8]
"""In the URL of the style sheet, so that a browser never shows a new page in an old style."""
