"""Answers to queries as pages: an encoder like any other, for browsers."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from zarr_edr.coverage import CoverageSet
from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.web import html


class PageEncoder:
    """CoverageJSON as an HTML page of one request; to be sent with `html.SECURITY_HEADERS`."""

    name = "HTML"
    media_types = ("text/html",)
    aliases = frozenset({"html", "text/html"})
    extension = None
    queries = None

    def __init__(self, base_url: str, path: str, title: str) -> None:
        """As `html.render`: the URL of the service; path and query string as asked for; the heading."""
        self._base_url, self._path, self._title = base_url, path, title

    def encode(self, coverages: CoverageSet) -> Iterable[bytes]:
        """The page as UTF-8: tables of the first thousand values, and a link to the whole."""
        document = orjson.loads(b"".join(CovJsonEncoder().encode(coverages)))
        page = html.render("coverage", document, base_url=self._base_url, path=self._path, title=self._title)
        return (page.encode(),)
