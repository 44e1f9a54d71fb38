"""Answers to queries as pages: an encoder like any other, for browsers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

import orjson

from zarr_edr.coverage import CoverageSet
from zarr_edr.encode import encoders_of
from zarr_edr.encode.covjson import CovJsonEncoder, range_document
from zarr_edr.encode.plot.preview import preview
from zarr_edr.encode.png import PngEncoder
from zarr_edr.encode.protocol import ChoosyEncoder, Encoder
from zarr_edr.errors import InvalidFormat, ResponseTooLarge
from zarr_edr.web import html
from zarr_edr.web.html_coverage import MAX_ROWS


@dataclass(frozen=True, slots=True)
class Download:
    """The same answer in another format."""

    name: str
    """As in `f=`."""
    media_type: str
    file: str
    """What a browser is to call it."""


class PageEncoder:
    """CoverageJSON as an HTML page of one request; to be sent with `html.headers_of("coverage")`."""

    name = "HTML"
    media_types = ("text/html",)
    aliases = frozenset({"html", "text/html"})
    extension = None
    queries = None

    def __init__(
        self, base_url: str, path: str, title: str, query_type: str | None = None, *, has_url: bool = True
    ) -> None:
        """`base_url`, `path` and `title` as of `html.render`.

        Which formats are offered depends on `query_type`; None: all. `has_url` is False for the answer to a POST, which has no
        address where it could be had in another format.
        """
        self._base_url, self._path, self._title = base_url, path, title
        self._offered = encoders_of(query_type) if has_url else ()

    def encode(self, coverages: CoverageSet) -> Iterable[bytes]:
        """The page as UTF-8: a picture where that is offered, tables of the first thousand values, links to the whole."""
        document = _document(coverages)
        has_picture = any(encoder.name == PngEncoder.name for encoder in self._offered)
        page = html.render(
            "coverage",
            document,
            base_url=self._base_url,
            path=self._path,
            title=self._title,
            chart=preview(coverages) if has_picture else None,
            downloads=self._downloads(coverages),
        )
        return (page.encode(),)

    def _downloads(self, coverages: CoverageSet) -> list[Download]:
        steps = [unquote(step) for step in self._path.partition("?")[0].split("/") if step][-2:]
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(steps)).strip(".-") or "data"
        return [
            Download(e.name, e.media_types[0], f"{stem}.{e.extension or e.name.lower()}")
            for e in self._offered
            if _holds(e, coverages)
        ]


def _holds(encoder: Encoder, coverages: CoverageSet) -> bool:
    if not isinstance(encoder, ChoosyEncoder):
        return True
    try:
        encoder.admit(coverages)
    except (InvalidFormat, ResponseTooLarge):
        return False
    return True


def _document(coverages: CoverageSet) -> dict[str, Any]:
    """The answer as CoverageJSON, of whose values there are only those that a page shows: its other millions cost nothing."""
    bare = replace(coverages, coverages=tuple(replace(coverage, ranges={}) for coverage in coverages.coverages))
    document: dict[str, Any] = orjson.loads(b"".join(CovJsonEncoder().encode(bare)))
    described = [document] if coverages.single else document["coverages"]
    left: dict[tuple[Any, ...], int] = {}
    for coverage, member in zip(coverages.coverages, described, strict=True):
        ranges = coverage.ranges
        # What may become one table has the same axes, dimensions and parameters.
        alike = (
            *coverage.axes,
            None,
            *coverage.dimensions,
            None,
            *((name, r.axis_names) for name, r in ranges.items()),
        )
        most = left.setdefault(alike, MAX_ROWS)
        shown = {name: range_document(r, most) for name, r in ranges.items()}
        member["ranges"] = orjson.loads(orjson.dumps(shown, option=orjson.OPT_SERIALIZE_NUMPY))
        left[alike] = max(0, most - min((r.values.size for r in ranges.values()), default=0))
    return document
