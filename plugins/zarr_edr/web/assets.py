"""Programs, style sheets and map data of the pages: a closed set of files, each served to be kept for a year.

They stand in static/explorer/ (the explorer), static/pages/ (the other pages) and static/vendor/ (libraries; see its manifest).
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Response, request
from werkzeug.exceptions import NotFound

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response as BaseResponse

STATIC = "static/zarr-edr"
"""Path of the static files, below the URL of the service."""
_FOLDERS = ("explorer", "pages", "vendor")
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}
_YEAR_S = 31_536_000
_IMPORT = re.compile(r"^import .*'(\.[^']*)'$", re.MULTILINE)


@cache
def files() -> dict[str, bytes]:
    """Name -> content of all files, e.g. `explorer/main.js`: a closed set, so that no request names a file."""
    static = Path(__file__).parent / "static"
    found = [path for folder in _FOLDERS for path in sorted((static / folder).iterdir()) if path.suffix in _MEDIA_TYPES]
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in found}


@cache
def version() -> str:
    """In the address of every file, so that modules of one version are never mixed with those of another."""
    digest = hashlib.sha256()
    for name, content in files().items():
        digest.update(name.encode() + content)
    return digest.hexdigest()[:12]


def folder(root: str) -> str:
    """Path of the files where the service stands at the path `root`."""
    return f"{root}/{STATIC}/{version()}"


@cache
def modules_of(program: str) -> tuple[str, ...]:
    """All modules that a program imports, itself included: a page that names them has them fetched all at once."""
    found = [program]
    for name in found:  # which grows
        imported = _IMPORT.findall(files()[name].decode())
        paths = [posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) for path in imported]
        found += [path for path in dict.fromkeys(paths) if path not in found]
    return tuple(found)


def register(app: Flask, prefix: str) -> None:
    """Serve the files below `{prefix}/static/zarr-edr/`."""
    app.add_url_rule(f"{folder(prefix)}/<path:name>", "zarr_edr.asset", _asset)


def _asset(name: str) -> BaseResponse:
    content = files().get(name)
    if content is None:
        raise NotFound(f"There is no file {name[:80]!r} of the pages.")
    response = Response(content, HTTPStatus.OK, content_type=_MEDIA_TYPES[Path(name).suffix])
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.cache_control.public = True
    response.cache_control.max_age = _YEAR_S
    response.cache_control.immutable = True
    response.add_etag()
    return response.make_conditional(request)
