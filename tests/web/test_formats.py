"""Formats over HTTP: how they are asked for, what they are called, how they are sent."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote

import brotli
import pytest
from backports import zstd  # type: ignore[import-not-found,unused-ignore]  # of the standard library from 3.14
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from zarr_edr.encode import ENCODERS, encoders_of
from zarr_edr.encode.protocol import Encoder
from zarr_edr.testing.cf import write_steps
from zarr_edr.testing.server import served
from zarr_edr.web.offer import GRID_QUERIES

WHERE = {
    "position": {"coords": "MULTIPOINT((-30 1),(10 2))"},
    "radius": {"coords": "POINT(-30 1)", "within": "200", "within-units": "km"},
    "area": {"coords": "POLYGON((-31 -1,-29 -1,-29 1,-31 1,-31 -1))"},
    "cube": {"bbox": "-31,-1,-29,1"},
    "trajectory": {"coords": "LINESTRING(-30 1,-28 2)"},
    "corridor": {"coords": "LINESTRING(-30 1,-28 2)", "corridor-width": "200", "width-units": "km"},
}
OFFERED = [(query, encoder) for query in GRID_QUERIES for encoder in encoders_of(query)]


def ask(client: FlaskClient, query: str, headers: Mapping[str, str] | None = None, **more: str) -> TestResponse:
    given = {"datetime": "2008-07", **WHERE[query], **more}
    return client.get(f"/collections/ostia/{query}", query_string=given, headers=headers)


def ask_long(client: FlaskClient, f: str, encoding: str = "identity") -> TestResponse:
    """A cube of 140,940 values: several pieces."""
    return ask(client, "cube", {"Accept-Encoding": encoding}, f=f, bbox="-60,-5,60,5", datetime="../..")


@pytest.mark.parametrize(("query", "encoder"), OFFERED, ids=lambda v: getattr(v, "name", v))
class TestEveryFormatOfEveryQuery:
    def test_is_had_by_each_of_its_names(self, client: FlaskClient, query: str, encoder: Encoder) -> None:
        answers = [ask(client, query, f=name) for name in (encoder.name, encoder.name.upper(), *encoder.media_types)]
        assert [a.status_code for a in answers] == [200] * len(answers)
        types = [encoder.media_types[0]] * 2 + list(encoder.media_types)
        assert [a.headers["Content-Type"].partition(";")[0] for a in answers] == [t.partition(";")[0] for t in types]

    def test_is_had_by_its_media_types_in_accept(self, client: FlaskClient, query: str, encoder: Encoder) -> None:
        for media_type in encoder.media_types:
            answer = ask(client, query, {"Accept": f"{media_type}, text/plain;q=0.1"})
            assert (answer.status_code, answer.headers["Content-Type"]) == (200, media_type)

    def test_is_in_the_metadata_and_the_openapi_document(
        self, client: FlaskClient, query: str, encoder: Encoder
    ) -> None:
        described = client.get("/collections/ostia?f=json").get_json()
        assert encoder.name in described["output_formats"]
        assert encoder.name in described["data_queries"][query]["link"]["variables"]["output_formats"]
        components = client.get("/openapi?f=json").get_json()["components"]
        assert encoder.name in components["parameters"][f"f.{query}"]["schema"]["enum"]
        assert set(encoder.media_types) <= components["responses"][f"Data.{query}"]["content"].keys()

    def test_is_saved_by_browsers_where_they_cannot_show_it(
        self, client: FlaskClient, query: str, encoder: Encoder
    ) -> None:
        name = ask(client, query, f=encoder.name).headers.get("Content-Disposition")
        assert name == (encoder.extension and f"attachment; filename=ostia-{query}.{encoder.extension}")


@pytest.mark.parametrize("query", GRID_QUERIES)
def test_a_format_that_cannot_hold_the_answer_is_refused_with_those_that_can(client: FlaskClient, query: str) -> None:
    for encoder in set(ENCODERS) - set(encoders_of(query)):
        answer = ask(client, query, f=encoder.name)
        assert answer.status_code == 400
        assert "CoverageJSON" in answer.get_json()["description"]


def test_default_and_most_liked_are_coveragejson(client: FlaskClient) -> None:
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        assert ask(client, "position", headers).get_json()["type"] == "Coverage"


DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": zstd.decompress,
}


class TestCompression:
    @pytest.mark.parametrize("f", ["CSV", "NDJSON", "CoverageJSON", "GeoJSON", "Records"])
    @pytest.mark.parametrize("encoding", DECODERS)
    def test_is_as_the_client_accepts(self, client: FlaskClient, encoding: str, f: str) -> None:
        plain, packed = ask_long(client, f), ask_long(client, f, encoding)
        assert (packed.headers["Content-Encoding"], plain.headers.get("Content-Encoding")) == (encoding, None)
        assert DECODERS[encoding](packed.data) == plain.data
        assert len(packed.data) * 3 < len(plain.data)
        assert "Accept-Encoding" in packed.headers["Vary"]

    @pytest.mark.parametrize(
        ("accepted", "used"),
        [
            ("gzip;q=0", None),
            ("gzip;q=0, br;q=0, zstd;q=0", None),
            ("br;q=0, *;q=1", "zstd"),
            ("zstd;q=0, *", "br"),
            ("*;q=0", None),
            ("gzip;q=0.9, br;q=0.1", "gzip"),
            ("identity, gzip;q=0.5", None),
            ("gzip, deflate, br, zstd", "zstd"),
            ("nonsense", None),
        ],
    )
    def test_is_what_the_client_likes_best_and_never_what_it_refuses(
        self, client: FlaskClient, accepted: str, used: str | None
    ) -> None:
        assert ask_long(client, "CSV", accepted).headers.get("Content-Encoding") == used

    def test_of_a_short_answer_is_left_out(self, client: FlaskClient) -> None:
        answer = ask(client, "position", {"Accept-Encoding": "gzip"}, f="CSV")
        assert "Content-Encoding" not in answer.headers

    def test_of_what_is_compressed_in_itself_is_left_out(self, client: FlaskClient) -> None:
        answer = ask_long(client, "Parquet", "gzip")
        assert "Content-Encoding" not in answer.headers


class TestPieces:
    def test_make_up_a_long_answer(self, client: FlaskClient) -> None:
        answer = ask_long(client, "CSV")
        assert answer.content_length is None
        assert answer.data.count(b"\r\n") == 1 + 54 * 18 * 145

    def test_are_announced_with_the_chunks_that_they_take(self, client: FlaskClient) -> None:
        assert (
            'chunks;desc="4"'
            in ask(client, "cube", f="CSV", bbox="-180,-5,180,5", datetime="../..").headers["Server-Timing"]
        )

    def test_are_not_needed_for_a_short_one(self, client: FlaskClient) -> None:
        answer = ask(client, "cube", f="CSV")
        assert answer.content_length == len(answer.data)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server whose store has lost its last chunk, and which sends every row as it comes."""
    folder = tmp_path_factory.mktemp("broken")
    path = write_steps(folder / "steps.zarr", 8_000, (4_000, 4, 8))
    (path / "v/c/1/0/0").write_bytes(b"")
    config = folder / "config.yml"
    config.write_text(
        f"resources:\n  steps:\n    providers:\n      - {{type: edr, name: zarr_edr.ZarrEDRProvider, data: {path}}}\n"
    )
    with served(config) as server:
        yield server.port


def raw(port: int, path: str) -> bytes:
    """All that a server sends until it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(f"GET {quote(path, safe='/?&=')} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        received = bytearray()
        while piece := client.recv(2**16):
            received += piece
    return bytes(received)


def test_an_answer_that_fails_on_the_way_has_no_end(broken: int) -> None:
    found = raw(broken, "/collections/steps/cube?bbox=0,0,7,3&f=CSV")
    assert found.startswith(b"HTTP/1.1 200")
    assert b"Transfer-Encoding: chunked" in found
    assert not found.endswith(b"\r\n0\r\n\r\n")


def test_an_answer_that_fails_before_it_begins_says_so(broken: int) -> None:
    found = raw(broken, "/collections/steps/position?coords=POINT(0 0)&datetime=2000-11-01&f=CSV")
    assert found.startswith(b"HTTP/1.1 500")
    assert b"ChunkCorrupt" in found
