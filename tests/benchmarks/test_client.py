"""The benchmark's HTTP client, without a server."""

from __future__ import annotations

from itertools import pairwise

import pytest
from benchmarks.apps.objects_app import span
from benchmarks.client import Reader, dechunked
from benchmarks.quick import timing
from hypothesis import given
from hypothesis import strategies as st

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n7\r\n0\r\n\r\nlo\r\n0\r\n\r\n"


@given(cuts=st.lists(st.integers(1, 60)), answer=st.sampled_from([(PLAIN, b"hello"), (CHUNKED, b"he0\r\n\r\nlo")]))
def test_an_answer_is_whole_with_its_last_byte_however_it_arrives(cuts: list[int], answer: tuple[bytes, bytes]) -> None:
    sent, body = answer
    edges = [0, *sorted({min(cut, len(sent) - 1) for cut in cuts}), len(sent)]
    reader = Reader()
    *early, last = [reader.feed(sent[a:b]) for a, b in pairwise(edges)]
    assert early == [None] * len(early)
    assert last is not None
    assert (last.status, last.body) == (200, body)


def test_a_body_whose_last_chunk_has_not_come_is_none() -> None:
    assert dechunked(b"5\r\nhello\r\n") is None


@pytest.mark.parametrize(
    ("head", "closes"),
    [(b"Connection: close\r\n", True), (b"Connection: keep-alive\r\n", False)],
    ids=["close", "keep"],
)
def test_it_is_seen_whether_a_server_closes(head: bytes, closes: bool) -> None:
    response = Reader().feed(b"HTTP/1.1 200 OK\r\n" + head + b"Content-Length: 0\r\n\r\n")
    assert response is not None
    assert response.closes is closes


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [("bytes=2-4", (2, 5)), ("bytes=7-", (7, 10)), ("bytes=-3", (7, 10)), ("bytes=8-99", (8, 10))],
)
def test_a_range_is_that_of_the_standard(asked: str, wanted: tuple[int, int]) -> None:
    assert span(asked, 10) == wanted


def test_the_metrics_of_an_answer_are_read_from_its_header() -> None:
    header = 'chunks;desc="3", fetched;desc="1", bytes;desc="12", cells;desc="9", scheduler;desc="inline"'
    assert timing(header) == {"chunks": "3", "fetched": "1", "bytes": "12", "cells": "9", "scheduler": "inline"}
