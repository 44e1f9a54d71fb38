"""What clients and caches may keep, and how little it costs to be asked again (RFC 9110, 13; RFC 9111)."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path
from threading import BoundedSemaphore
from urllib.parse import urlencode

import pytest
import zarr
from flask import Blueprint, Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse
from zarr.abc.store import Store
from zarr.storage import LocalStore

from zarr_edr.cache import ChunkCache
from zarr_edr.dataset.catalog import Catalog
from zarr_edr.dataset.cf import describe
from zarr_edr.dataset.model import Collection
from zarr_edr.dataset.snapshot import identified, named
from zarr_edr.encode import ENCODERS
from zarr_edr.settings import CollectionSettings
from zarr_edr.testing.agreement import profile
from zarr_edr.testing.cf import write_steps
from zarr_edr.testing.faults import CountingStore, Counts, Fault, FaultyStore, Raise
from zarr_edr.web import compress, errors, routes

OSTIA, WOA = "/collections/ostia", "/collections/woa"
WHEN = "2008-07-16T12:00:00Z"
ONE = f"{OSTIA}/position?coords=POINT(-30 1)&datetime={WHEN}"
LONG = f"{OSTIA}/position?coords=POINT(-30 1)"
"""Over the size from which answers are compressed."""
NOWHERE = f"{OSTIA}/position?coords=POINT(0 60)"


def tag(client: FlaskClient, url: str, **headers: str) -> str:
    response = client.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert response.status_code in (200, 204), response.text
    return response.headers["ETag"]


def again(client: FlaskClient, url: str, tags: str, **headers: str) -> TestResponse:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(url, headers={"If-None-Match": tags, **given})


# --- which answers are the same ------------------------------------------------------------------------------------

BOX = f"{WOA}/cube?bbox=-31,-1,-29,1&z=100&datetime=0000-01"
SAME = {
    "order": (ONE, f"{OSTIA}/position?datetime={WHEN}&coords=POINT(-30 1)"),
    "numbers": (ONE, f"{OSTIA}/position?coords=POINT(-3e1 1.0)&datetime={WHEN}"),
    "case": (ONE, f"{OSTIA}/position?coords= point ( -30  1 )&datetime={WHEN}"),
    "escapes": (ONE, f"{OSTIA}/position?coords=POINT%28-30+1%29&datetime=2008-07-16T12%3A00%3A00Z"),
    "time zone": (ONE, f"{OSTIA}/position?coords=POINT(-30 1)&datetime=2008-07-16T12:00:00%2B00:00"),
    "f of the default": (ONE, f"{ONE}&f=covjson"),
    "CRS": (ONE, f"{ONE}&crs=CRS84"),
    "names": (f"{ONE}&parameter-name=surface_temperature", f"{ONE}&parameter_names=surface_temperature"),
    "box": (BOX, f"{WOA}/cube?bbox=-31.0, -1,-29,1e0&z=100.0&datetime=0000-01"),
}
DIFFERENT = {
    "place": f"{OSTIA}/position?coords=POINT(-30 1.5)&datetime={WHEN}",
    "many": f"{OSTIA}/position?coords=MULTIPOINT((-30 1))&datetime={WHEN}",
    "time": f"{OSTIA}/position?coords=POINT(-30 1)&datetime=2008-07-16T12:00:01Z",
    "all times": LONG,
    "parameter": f"{ONE}&parameter-name=surface_temperature",
    "format": f"{ONE}&f=GeoJSON",
    "media type": f"{ONE}&f=application/json",
    "CRS": f"{ONE}&crs=EPSG:4326",
    "page": f"{ONE}&limit=5",
    "HTML": f"{ONE}&f=html",
    "path": f"{OSTIA}/multipoint?coords=MULTIPOINT((-30 1))&datetime={WHEN}",
    "query": f"{OSTIA}/radius?coords=POINT(-30 1)&datetime={WHEN}&within=20&within-units=km",
    "collection": "/collections/a1b/position?coords=POINT(-90 40)&datetime=2099",
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_one_query_has_one_tag_however_it_is_spelt(client: FlaskClient, one: str, other: str) -> None:
    assert tag(client, one) == tag(client, other)


def test_f_and_accept_that_mean_one_format_give_one_tag(client: FlaskClient) -> None:
    assert tag(client, f"{ONE}&f=GeoJSON") == tag(client, ONE, Accept="application/geo+json")


def test_different_queries_have_different_tags(client: FlaskClient) -> None:
    tags = {tag(client, url) for url in (ONE, *DIFFERENT.values())}
    assert len(tags) == 1 + len(DIFFERENT)


def test_runs_and_their_collection_have_different_tags(client: FlaskClient) -> None:
    where = "position?coords=POINT(12 44)&number=0"
    paths = (f"/collections/seasonal{run}/{where}" for run in ("", "/instances/20151209T0000Z"))
    assert len({tag(client, path) for path in paths}) == 2


CHOICES: dict[str, list[str | None]] = {
    "coords": [
        "POINT(-30 1)",
        "POINT(-30.0 1)",
        "POINT(-30 0.9)",
        "MULTIPOINT((-30 1))",
        "MULTIPOINT((-30 1),(-20 2))",
    ],
    "datetime": [WHEN, "2008-07", "2008-07-16T12:00:00+00:00", "2008-07/2008-08", "../2008-08", None],
    "parameter-name": [None, "surface_temperature"],
    "crs": [None, "CRS84", "EPSG:4326"],
    "f": [None, "CoverageJSON", "application/json", "GeoJSON", "CSV", "NDJSON", "Zarr", "html"],
    "limit": [None, "1"],
    "offset": [None, "0", "1"],
}
QUERIES = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in CHOICES.items()})


def test_equal_tags_mean_equal_bytes(client: FlaskClient) -> None:
    seen: dict[str, bytes] = {}

    @profile(150)
    @given(QUERIES, st.permutations(list(CHOICES)))
    def bodies_of_a_tag_are_one(query: dict[str, str | None], order: list[str]) -> None:
        chosen = urlencode({name: query[name] for name in order if query[name] is not None})
        response = client.get(f"{OSTIA}/position?{chosen}")
        if response.status_code == 200:
            assert seen.setdefault(response.headers["ETag"], response.data) == response.data

    bodies_of_a_tag_are_one()
    assert len(seen) > 20


@pytest.mark.parametrize("name", [encoder.name for encoder in ENCODERS])
def test_every_format_gives_the_same_bytes_again(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("zarr_edr.read.process_cache", lambda: ChunkCache(1))
    first, second = (client.get(f"{BOX}&f={name}") for _ in range(2))
    assert (first.data, first.headers["ETag"]) == (second.data, second.headers["ETag"])


def test_gzip_does_not_say_when_it_was_made(client: FlaskClient) -> None:
    packed = client.get(LONG, headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.data) == client.get(LONG).data
    assert packed.data[4:8] == bytes(4)


# --- what is said of an answer -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("url", [ONE, NOWHERE, f"{OSTIA}/locations/nino3?datetime=2008-07", f"{BOX}&f=html"])
def test_data_say_how_long_they_are_good(client: FlaskClient, method: str, url: str) -> None:
    headers = client.open(url, method=method).headers
    assert headers["Cache-Control"] == "public, max-age=60"
    assert headers["Vary"] == "Accept, Accept-Encoding"
    assert headers["ETag"].startswith('"')


@pytest.mark.parametrize(
    "path",
    ["/", "/conformance", "/openapi", "/collections", OSTIA, f"{OSTIA}/items", "/collections/seasonal/instances"],
)
def test_documents_are_good_for_a_minute_and_have_tags(client: FlaskClient, path: str) -> None:
    first = client.get(path, headers={"Accept-Encoding": "br"})
    assert first.headers["Cache-Control"] == "public, max-age=60"
    assert again(client, path, first.headers["ETag"], Accept_Encoding="br").status_code == 304


@pytest.mark.parametrize("path", ["/jobs", "/jobs?f=html", "/processes", "/processes/extract-points", "/jobs/none"])
def test_jobs_and_processes_are_not_kept(client: FlaskClient, path: str) -> None:
    assert client.get(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("url", "status"),
    [
        (f"{OSTIA}/position?coords=x", 400),
        ("/collections/none", 404),
        ("/collections/none/position?coords=POINT(0 0)", 404),
        ("/none", 404),
        (f"{OSTIA}/cube", 400),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_failures_are_not_kept(client: FlaskClient, url: str, status: int, accept: str) -> None:
    response = client.get(url, headers={"Accept": accept})
    assert (response.status_code, response.headers["Cache-Control"]) == (status, "no-store")
    assert "ETag" not in response.headers


@pytest.mark.parametrize("url", [f"{OSTIA}/position", f"{OSTIA}/items", f"{OSTIA}/locations/nino3"])
def test_an_answer_to_a_post_says_nothing_of_caches(client: FlaskClient, url: str) -> None:
    form = {"coords": "POINT(-30 1)"} if url.endswith("position") else {}
    response = client.post(url, data=form, headers={"If-None-Match": "*"})
    assert response.status_code == 200
    assert "Cache-Control" not in response.headers


@pytest.mark.parametrize("url", [ONE, OSTIA])
def test_what_needed_a_password_is_not_public(client: FlaskClient, url: str) -> None:
    response = client.get(url, headers={"Authorization": "Basic eDp5"})
    assert response.headers["Cache-Control"] == "max-age=60"


# --- asked again ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("tags", ["{}", "W/{}", '"other", {}', '{}, "other"', ' W/"a" ,{}'])
@pytest.mark.parametrize("url", [ONE, LONG, NOWHERE])
def test_who_has_the_answer_gets_304(client: FlaskClient, method: str, tags: str, url: str) -> None:
    held = tag(client, url)
    response = client.open(url, method=method, headers={"If-None-Match": tags.format(held)})
    assert (response.status_code, response.data) == (304, b"")
    assert response.headers["ETag"] == held
    assert response.headers["Cache-Control"] == "public, max-age=60"
    assert response.headers["Vary"] == "Accept, Accept-Encoding"


@pytest.mark.parametrize("coding", ["zstd", "br", "gzip", "identity"])
def test_who_has_it_compressed_gets_304_with_that_tag(client: FlaskClient, coding: str) -> None:
    held = tag(client, LONG, Accept_Encoding=coding)
    response = again(client, LONG, f"W/{held}", Accept_Encoding=coding)
    assert (response.status_code, response.headers["ETag"]) == (304, held)


def test_each_coding_has_a_tag_of_its_own(client: FlaskClient) -> None:
    codings = ("zstd", "br", "gzip", "identity")
    assert len({tag(client, LONG, Accept_Encoding=coding) for coding in codings}) == len(codings)


def test_who_holds_what_it_cannot_read_gets_the_answer(client: FlaskClient) -> None:
    held = tag(client, LONG, Accept_Encoding="br")
    assert again(client, LONG, held, Accept_Encoding="gzip").status_code == 200


@pytest.mark.parametrize("tags", ['"other"', "", '"', "W/", '"a","b"', "x" * 5000])
def test_who_has_something_else_gets_the_answer(client: FlaskClient, tags: str) -> None:
    assert again(client, ONE, tags).data == client.get(ONE).data


@pytest.mark.parametrize("url", DIFFERENT.values(), ids=DIFFERENT)
def test_the_tag_of_one_answer_is_none_of_another(client: FlaskClient, url: str) -> None:
    assert again(client, url, tag(client, ONE)).status_code in (200, 204)


@pytest.mark.parametrize(
    ("url", "status"), [(f"{OSTIA}/position?coords=x", 400), (NOWHERE, 204), (ONE, 304), (LONG, 304)]
)
def test_any_answer_is_one_only_where_there_is_one(client: FlaskClient, url: str, status: int) -> None:
    assert again(client, url, "*").status_code == status


def test_a_wrong_query_is_wrong_whatever_is_held(client: FlaskClient) -> None:
    assert again(client, f"{ONE}&within=5", tag(client, ONE)).status_code == 400


# --- what it costs -------------------------------------------------------------------------------------------------

STEPS = "/collections/c/position?coords=POINT(0 0)"
SETTINGS = CollectionSettings("memory", version="1")


def collection(store: Store, settings: CollectionSettings = SETTINGS) -> Collection:
    return named(identified(describe(zarr.open_group(store, mode="r"), "s", None, None, settings)), id="c")


def service(of: Collection) -> FlaskClient:
    """A client of a server that has just started with one collection."""
    app, stock = Flask("service"), Blueprint("stock", "service")
    view = "get_collection_edr_query"
    stock.add_url_rule("/collections/<path:collection_id>/position", view, lambda collection_id: collection_id)
    app.register_blueprint(stock)
    compress.register(app)
    errors.register(app)
    routes.register(app, stock, {"server": {"url": "http://localhost"}}, Catalog({of.id: of}))
    return app.test_client()


@pytest.fixture
def path(tmp_path: Path) -> LocalStore:
    return LocalStore(write_steps(tmp_path / "steps.zarr"), read_only=True)


@pytest.fixture
def broken(path: LocalStore) -> FlaskClient:
    """A server whose store delivers no chunk."""
    return service(collection(FaultyStore(path, Fault(r"^v/c/", Raise(ConnectionResetError())))))


def test_304_reads_no_chunk(path: LocalStore) -> None:
    held = tag(service(collection(path)), STEPS)
    counts = Counts()
    restarted = service(collection(CountingStore(path, counts)))
    counts.reset()
    assert again(restarted, STEPS, held).status_code == 304
    assert counts.chunk_gets.total() == 0
    assert restarted.get(STEPS).status_code == 200
    assert counts.chunk_gets.total() > 0


def test_304_needs_no_store_and_no_place_at_work(
    path: LocalStore, broken: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = tag(service(collection(path)), STEPS)
    busy = BoundedSemaphore(1)
    busy.acquire()
    monkeypatch.setattr(routes, "_admission", busy)
    monkeypatch.setattr(routes, "_PATIENCE_S", 0.0)
    assert again(broken, STEPS, held).status_code == 304
    assert broken.get(STEPS).status_code == 503


def test_a_store_that_fails_is_503_that_is_not_kept(broken: FlaskClient) -> None:
    headers = broken.get(STEPS).headers
    assert (headers["Retry-After"], headers["Cache-Control"]) == ("2", "no-store")
    assert "ETag" not in headers


def test_a_restart_without_a_version_sends_everything_anew(path: LocalStore) -> None:
    unstated = replace(SETTINGS, version=None)
    held = tag(service(collection(path, unstated)), STEPS)
    assert again(service(collection(path, unstated)), STEPS, held).status_code == 200


def test_a_restart_with_other_settings_sends_everything_anew(path: LocalStore) -> None:
    held = tag(service(collection(path)), STEPS)
    assert again(service(collection(path, replace(SETTINGS, version="2"))), STEPS, held).status_code == 200


@pytest.mark.parametrize(
    ("max_age_s", "says"), [(0, "no-cache"), (5, "public, max-age=5"), (999, "public, max-age=999")]
)
def test_the_age_is_that_of_the_settings(path: LocalStore, max_age_s: int, says: str) -> None:
    client = service(collection(path, replace(SETTINGS, max_age_s=max_age_s)))
    assert client.get(STEPS).headers["Cache-Control"] == says
    assert again(client, STEPS, tag(client, STEPS)).headers["Cache-Control"] == says


# --- long answers over HTTP/1.0, where the end of the connection is that of the body -------------------------------

OLD = {"SERVER_PROTOCOL": "HTTP/1.0"}


@pytest.fixture
def _streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer is long: it is sent while it is made, does not fit into memory, and no chunk is remembered."""
    monkeypatch.setattr("zarr_edr.web.bodies._MEMORY_BYTES", 1)
    monkeypatch.setattr("zarr_edr.engine._WHOLE_BYTES", 0)
    monkeypatch.setattr("zarr_edr.engine.ROWS_PER_PART", 2)
    monkeypatch.setattr("zarr_edr.read.process_cache", lambda: ChunkCache(1))


@pytest.mark.usefixtures("_streamed")
def test_over_http_1_0_a_long_answer_has_its_length_and_is_not_kept(path: LocalStore) -> None:
    client = service(collection(path))
    old, new = (client.get(f"{STEPS}&f=CSV", environ_overrides=given, buffered=True) for given in (OLD, {}))
    assert old.data == new.data
    assert (old.headers["Cache-Control"], old.content_length) == ("no-store", len(new.data))
    assert new.headers["Cache-Control"] == "public, max-age=60"
    assert "Content-Length" not in new.headers


@pytest.mark.usefixtures("_streamed")
def test_over_http_1_0_an_answer_that_cannot_be_finished_is_a_failure(path: LocalStore) -> None:
    last = Fault(r"^v/c/[1-9]", Raise(ConnectionResetError()))
    client = service(collection(FaultyStore(path, last)))
    assert client.get(f"{STEPS}&f=CSV", environ_overrides=OLD).status_code == 503
