"""Pages: all information of a document, nothing that runs, nothing from elsewhere, usable by everybody."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zarr_edr.web import html
from zarr_edr.web.html_data import Download
from zarr_edr.web.html_filters import scalar

BASE = "https://data.example/edr"
WEB = Path(html.__file__).parent


DOCUMENTS: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "documents.json").read_text())
COLLECTION, COVERAGE = DOCUMENTS["collection"], DOCUMENTS["coverage"]
SELF = [{"href": f"{BASE}/self", "rel": "self"}]
SAMPLES: dict[str, tuple[str, dict[str, Any]]] = {
    "landing": ("/", DOCUMENTS["landing"]),
    "conformance": ("/conformance", DOCUMENTS["conformance"]),
    "collections": ("/collections", {"links": SELF, "collections": [COLLECTION], "numberMatched": 77}),
    "collection": ("/collections/air", COLLECTION),
    "instances": ("/collections/air/instances", {"links": SELF, "instances": [COLLECTION]}),
    "instance": ("/collections/air/instances/air", COLLECTION),
    "locations": ("/collections/air/locations", DOCUMENTS["features"]),
    "items": ("/collections/air/items", DOCUMENTS["features"]),
    "openapi": ("/openapi", DOCUMENTS["openapi"]),
    "exception": ("/collections/nope", DOCUMENTS["exception"]),
    "coverage": ("/collections/air/position?coords=POINT(10+50)&f=html", COVERAGE),
}
JOB = {
    "processID": "extract-points",
    "jobID": "c0ffee00-0000-4000-8000-000000000000",
    "status": "running",
    "message": "42 % of the work is done.",
    "created": "2026-01-02T03:04:05Z",
    "progress": 42,
    "links": [{"href": f"{BASE}/jobs/c0ffee00", "rel": "monitor", "type": "text/plain", "title": "More"}],
}
PROCESS = {
    "id": "extract-points",
    "title": "Values at many points",
    "description": "What it does",
    "version": "7.0.1",
    "keywords": ["extraction"],
    "jobControlOptions": ["async-execute"],
    "inputs": {"x": {"title": "X title", "description": "X told", "schema": {"type": "number", "maximum": 361}}},
    "outputs": {"y": {"title": "Y title", "schema": {"contentMediaType": "text/csv"}}},
    "links": SELF,
}
SAMPLES |= {
    "processes": ("/processes", {"processes": [{**PROCESS, "inputs": {}}], "links": SELF}),
    "process": ("/processes/extract-points", PROCESS),
    "jobs": ("/jobs", {"jobs": [JOB], "numberMatched": 77, "links": SELF}),
    "job": ("/jobs/c0ffee00-0000-4000-8000-000000000000", JOB),
}
each_kind = pytest.mark.parametrize("kind", SAMPLES)


class Page(HTMLParser):
    """A page as a browser reads it."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    @property
    def links(self) -> set[str]:
        return {attributes["href"] for attributes in self.all("a") if "href" in attributes}


def page_of(kind: str, document: Mapping[str, Any] | None = None) -> Page:
    path, sample = SAMPLES[kind]
    return Page(html.render(kind, sample if document is None else document, base_url=BASE, path=path))


def scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for member in value.values():
            yield from scalars(member)
    elif isinstance(value, list):
        for member in value:
            yield from scalars(member)
    else:
        yield value


def links_in(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("href"), str) and not value.get("templated"):
            yield value["href"]
        value = list(value.values())
    if isinstance(value, list):
        for member in value:
            yield from links_in(member)


# --- all information -----------------------------------------------------------------------------------------------

STRUCTURE = {"Coverage", "Domain", "NdArray", "FeatureCollection", "Feature", "tuple", "PointSeries", "Parameter"}
"""Names of what the page is made of, which it need not say."""


@each_kind
def test_a_page_says_all_its_document_says(kind: str) -> None:
    page = page_of(kind)
    said = page.text + " ".join(page.links)
    shape = {2} if kind == "coverage" else set()
    missing = [v for v in scalars(SAMPLES[kind][1]) if not isinstance(v, bool | None) and scalar(v) not in said]
    assert [v for v in missing if v not in STRUCTURE | shape] == []


@each_kind
def test_a_page_links_all_its_document_links(kind: str) -> None:
    assert (
        set(links_in(SAMPLES[kind][1])) - {link["href"] for link in page_of(kind).all("a") if "href" in link} == set()
    )


@each_kind
def test_a_page_shows_members_nobody_foresaw(kind: str) -> None:
    page = page_of(kind, {**SAMPLES[kind][1], "x-new": {"deep": [{"deeper": "the treasure"}]}})
    assert all(word in page.text for word in ("x-new", "deep", "deeper", "the treasure"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=15) | st.dictionaries(st.text(max_size=10), children, max_size=5),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(value=json_values, kind=st.sampled_from(sorted(SAMPLES)))
def test_any_further_member_is_shown_in_full(value: Any, kind: str) -> None:
    page = page_of(kind, {**SAMPLES[kind][1], "x-new": value})
    assert [v for v in scalars(value) if scalar(v) not in page.text] == []


def test_deep_nesting_is_shown_too() -> None:
    value: Any = "the bottom"
    for _ in range(200):
        value = {"down": value}
    assert "the bottom" in page_of("collection", {**COLLECTION, "x-new": value}).text


@pytest.mark.parametrize(
    "kind", ["collection", "instance", "landing", "conformance", "collections", "locations", "openapi"]
)
def test_an_empty_document_is_a_page_too(kind: str) -> None:
    assert len(page_of(kind, {}).all("h1")) == 1


# --- hostile text --------------------------------------------------------------------------------------------------

PAYLOADS = {
    "script": "<script>alert(1)</script>",
    "script upper case": "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "closes an attribute": '"><script>alert(1)</script>',
    "closes a single-quoted attribute": "'><script>alert(1)</script>",
    "handler in an attribute": '" onmouseover="alert(1)',
    "handler in a single-quoted attribute": "' onfocus='alert(1)' autofocus='",
    "handler without quotes": "x onload=alert(1) <",
    "image": "<img src=x onerror=alert(1)>",
    "svg": "<svg/onload=alert(1)>",
    "frame": "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "base": '<base href="https://evil.example/">',
    "refresh": '<meta http-equiv="refresh" content="0;url=https://evil.example/">',
    "style": "<style>@import 'https://evil.example/x.css';</style>",
    "ends the list": "</ul></main></body></html><script>alert(1)</script>",
    "ends the title": "</title><script>alert(1)</script>",
    "ends text": "</pre></code><form action=//evil.example><input name=password>",
    "comment": "<!-- --><script>alert(1)</script><!--",
    "script as link": "javascript:alert(1)//<b>",
    "script as link in disguise": " \tJaVa\nScRiPt:alert(1)//<b>",
    "data as link": "data:text/html,<script>alert(1)</script>",
    "template": "{{ 7 * 7 }}{% include '/etc/passwd' %}<b>",
}
FIXED = frozenset({"axisNames", "coordinates", "domainType", "shape", "bbox"})
"""Members without which a document is no document."""
MAPS = frozenset(
    {
        "axes",
        "ranges",
        "parameters",
        "parameter_names",
        "data_queries",
        "paths",
        "responses",
        "content",
        "components",
        "schemas",
    }
)
"""Objects whose names are free and whose members are objects."""


def poisoned(value: Any, payload: str, under: str = "") -> Any:
    """The document with the payload for every text, and for the name of one more member of every object."""
    if isinstance(value, Mapping):
        copied = {name: m if name in FIXED else poisoned(m, payload, name) for name, m in value.items()}
        further: Any = copy.deepcopy(next(iter(copied.values()), {})) if under in MAPS else payload
        return {**copied, payload: further}
    if isinstance(value, list):
        return [poisoned(member, payload) for member in value]
    return payload if isinstance(value, str) and value not in STRUCTURE | {"form", "query"} else value


@each_kind
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_text_stays_text(kind: str, payload: str) -> None:
    page = page_of(kind, poisoned(SAMPLES[kind][1], payload))
    assert payload not in page.source
    assert payload in page.text
    assert not page.all("iframe", "object", "embed", "base", "style", "img", "frame")
    assert page.all("script") == page_of(kind).all("script")
    assert [
        name for _, attributes in page.elements for name in attributes if name.startswith("on") or name == "style"
    ] == []
    assert not any("http-equiv" in attributes for attributes in page.all("meta"))
    assert [url for url in urls(page) if not url.lower().startswith(("https://data.example/", "/edr/", "#"))] == []


def urls(page: Page) -> list[str]:
    names = ("href", "src", "action", "formaction", "xlink:href", "srcset", "poster", "data")
    return [attributes[name] for _, attributes in page.elements for name in names if name in attributes]


@pytest.mark.parametrize(
    "path", ["/collections/%22%3E%3Cscript%3E", '/"><script>alert(1)</script>', "/x?a=<script>&b='\"", "//evil.example"]
)
def test_a_hostile_path_stays_text(path: str) -> None:
    for kind, base in (("exception", BASE), ("coverage", BASE), ("coverage", "https://data.example")):
        page = Page(html.render(kind, SAMPLES[kind][1], base_url=base, path=path))
        assert "<script" not in page.source
        assert [url for url in urls(page) if url.startswith("//")] == []


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", " javascript:alert(1)", "java\nscript:x", "vbscript:x", "data:,x", "\x01javascript:x", ""],
)
def test_a_url_that_is_not_known_to_be_harmless_is_shown_and_not_linked(url: str) -> None:
    page = page_of("conformance", {"conformsTo": [url], "links": [{"href": url, "rel": "self", "title": "Press me"}]})
    assert url not in page.links
    assert url in page.text


# --- nothing from elsewhere ----------------------------------------------------------------------------------------


@each_kind
def test_a_page_loads_only_from_its_own_service(kind: str) -> None:
    page = page_of(kind)
    loaded = [attributes["href"] for attributes in page.all("link", "use", "image")]
    assert loaded
    assert all(url.startswith("/edr/static/zarr-edr/") for url in loaded)
    assert all(script["src"].startswith("/edr/static/zarr-edr/") for script in page.all("script"))
    assert not page.all("style", "iframe", "img", "object", "embed", "video", "audio", "source")


def test_the_static_files_load_nothing() -> None:
    for file in filter(Path.is_file, (WEB / "static").iterdir()):
        content = re.sub(r'xmlns="[^"]*"', "", file.read_text())
        assert not re.search(r"url\(|@import|https?:|//|<script|\bon\w+=", content)


def test_the_security_headers_allow_no_script() -> None:
    policy = html.SECURITY_HEADERS["Content-Security-Policy"]
    directives = {name: sources for name, *sources in (part.split() for part in policy.split(";"))}
    assert directives["default-src"] == ["'none'"]
    assert directives["style-src"] == directives["img-src"] == directives["form-action"] == ["'self'"]
    assert not {"script-src", "object-src", "frame-src"} & directives.keys()
    assert html.SECURITY_HEADERS["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("kind", [*SAMPLES, "explorer"])
def test_no_policy_allows_what_stands_in_a_page_or_comes_from_elsewhere(kind: str) -> None:
    policy = html.headers_of(kind)["Content-Security-Policy"]
    sources = {source for part in policy.split(";") for source in part.split()[1:]}
    assert sources <= {"'none'", "'self'", "data:"}
    assert "data:" not in policy.partition("img-src")[0]


@each_kind
def test_the_policy_of_a_page_allows_programs_where_it_has_one(kind: str) -> None:
    offered = [Download("CSV", "text/csv", "a.csv")] if kind == "coverage" else None
    path, document = SAMPLES[kind]
    page = Page(html.render(kind, document, base_url=BASE, path=path, downloads=offered))
    assert bool(page.all("script")) == ("script-src" in html.headers_of(kind)["Content-Security-Policy"])


# --- for everybody -------------------------------------------------------------------------------------------------


@each_kind
def test_a_page_has_landmarks_a_language_and_one_heading(kind: str) -> None:
    page = page_of(kind)
    assert [len(page.all(tag)) for tag in ("header", "main", "footer", "h1", "title")] == [1, 1, 1, 1, 1]
    assert page.all("html") == [{"lang": "en"}]
    assert all(attributes.get("aria-label") for attributes in page.all("nav", "svg"))
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")


@each_kind
def test_headings_leave_out_no_level(kind: str) -> None:
    levels = [int(tag[1]) for tag, _ in page_of(kind).elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@each_kind
def test_tables_have_captions_and_headers_with_a_scope(kind: str) -> None:
    page = page_of(kind)
    assert len(page.all("table")) == len(page.all("caption"))
    assert all(attributes.get("scope") in {"row", "col"} for attributes in page.all("th"))


@each_kind
def test_ids_are_unique_and_their_links_have_a_target(kind: str) -> None:
    page = page_of(kind)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {url.removeprefix("#") for url in urls(page) if url.startswith("#")} <= set(ids)


def test_every_input_has_a_label() -> None:
    page = page_of("collection")
    labelled = {attributes["for"] for attributes in page.all("label")}
    assert {attributes["id"] for attributes in page.all("input", "select")} == labelled


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back"),
    [(f, b) for f in ("ink", "soft", "link") for b in ("paper", "card", "tint")] + [("on-accent", "accent")],
)
def test_text_stands_out_from_its_ground(scheme: int, front: str, back: str) -> None:
    blocks = re.findall(r":root \{(.*?)\}", (WEB / "static/style.css").read_text(), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[scheme]))
    low, high = sorted(luminance(colours[name]) for name in (front, back))
    assert (high + 0.05) / (low + 0.05) >= 4.5  # WCAG 2.2, 1.4.3


# --- where things are ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/collections/air", "/edr/collections/air", "/collections/air?f=html"])
def test_the_way_back_is_the_same_with_and_without_the_prefix_in_the_path(path: str) -> None:
    page = Page(html.render("collection", COLLECTION, base_url=BASE, path=path))
    assert {"/edr/", "/edr/collections", "/edr/collections/air", "/edr/collections/air?f=json"} <= page.links


def test_a_prefix_is_recognised_where_a_proxy_took_a_part_of_it() -> None:
    page = Page(html.render("conformance", {}, base_url="https://x.example/outer/v1/", path="/v1/conformance"))
    assert "/outer/v1/conformance" in page.links


def test_a_page_of_data_links_the_whole_of_its_query() -> None:
    assert "/edr/collections/air/position?coords=POINT(10%2050)&f=CoverageJSON" in page_of("coverage").links


def test_a_document_without_a_title_gets_the_one_it_is_given() -> None:
    assert "<h1>Rather this</h1>" in html.render("coverage", COVERAGE, base_url=BASE, path="/x", title="Rather this")
