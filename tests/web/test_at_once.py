"""Only what needs no waiting is answered where nobody may wait, and just as elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from zarr_edr import engine
from zarr_edr.cache import process_cache
from zarr_edr.schedule import ThreadScheduler
from zarr_edr.web import at_once as module
from zarr_edr.web import routes, straight
from zarr_edr.web.at_once import Attempts, NotAtHand, at_once

OSTIA = "/collections/ostia"
POINT = f"{OSTIA}/position?coords=POINT(-30 1)"


@pytest.fixture
def held(client: FlaskClient) -> FlaskClient:
    """A client of an application that holds what `POINT` needs."""
    for _ in range(3):  # the first may read but a part of the chunk
        assert client.get(POINT).status_code == 200
    return client


@pytest.fixture
def empty(client: FlaskClient) -> Iterator[FlaskClient]:
    """A client of an application that has answered, and holds nothing."""
    assert client.get(POINT).status_code == 200
    process_cache().clear()
    yield client
    process_cache().clear()


def told(response: TestResponse) -> tuple[int, list[tuple[str, str]], bytes]:
    headers = sorted((k, v) for k, v in response.headers.items() if k != "Server-Timing")
    return response.status_code, headers, response.get_data()


def test_what_is_held_is_answered_as_by_a_thread(held: FlaskClient) -> None:
    with at_once():
        found = held.get(POINT)
    assert told(found) == told(held.get(POINT))


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (OSTIA, {}),
        (f"{OSTIA}/position?coords=POINT(0 95)", {}),
        (f"{OSTIA}/area?coords=POLYGON((-30 0,-29 0,-29 1,-30 1,-30 0))", {}),
        (POINT + "&f=HTML", {}),
        (POINT, {"Accept-Encoding": "gzip"}),
        (POINT, {"If-None-Match": "*"}),
    ],
    ids=["a collection", "a wrong point", "an area", "a page", "compressed", "a tag"],
)
def test_what_is_not_a_plain_position_is_not_at_hand(held: FlaskClient, path: str, headers: dict[str, str]) -> None:
    with at_once(), pytest.raises(NotAtHand):
        held.get(path, headers=headers)


@pytest.mark.parametrize("f", ["PNG", "GeoJSON", "Records", "NDJSON", "CSV"])
def test_formats_that_take_longer_are_not_at_hand(held: FlaskClient, f: str) -> None:
    with at_once(), pytest.raises(NotAtHand):
        held.get(f"{POINT}&f={f}")


def test_a_client_that_takes_compressed_answers_gets_single_values_at_once(held: FlaskClient) -> None:
    path, headers = f"{POINT}&datetime=2008-07-16T12:00:00Z", {"Accept-Encoding": "gzip"}
    with at_once():
        found = held.get(path, headers=headers)
    assert told(found) == told(held.get(path, headers=headers))


def test_a_chunk_that_leaves_after_the_plan_is_not_waited_for(
    held: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(straight, "look", lambda plan, scheduler: process_cache().clear())
    with at_once(), pytest.raises(NotAtHand):
        held.get(POINT)


def test_what_other_threads_would_read_is_not_at_hand(held: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "choose", lambda settings, plan: ThreadScheduler())
    with at_once(), pytest.raises(NotAtHand):
        held.get(POINT)


def test_what_is_not_held_is_not_at_hand(empty: FlaskClient) -> None:
    with at_once(), pytest.raises(NotAtHand):
        empty.get(POINT)
    assert process_cache().bytes == 0


def test_large_answers_are_not_at_hand(held: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_CELLS", 1)
    with at_once(), pytest.raises(NotAtHand):
        held.get(POINT)


def test_nothing_is_at_hand_while_all_places_are_taken(held: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = type(routes._admission)(1)
    taken.acquire()
    monkeypatch.setattr(routes, "_admission", taken)
    with at_once(), pytest.raises(NotAtHand):
        held.get(POINT)


def test_a_collection_that_has_not_answered_yet_is_not_at_hand(
    held: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held.application.wsgi_app, "_known", set())
    with at_once(), pytest.raises(NotAtHand):
        held.get(POINT)


def test_attempts_pause_for_longer_while_they_fail() -> None:
    attempts, tried = Attempts(), []
    for number in range(30):
        if attempts.is_next():
            tried.append(number)
            attempts.failed()
    assert tried == [0, 2, 6, 14]


def test_attempts_that_succeed_are_made_with_every_request_in_the_end() -> None:
    attempts, tried = Attempts(), []
    for _ in range(3):
        attempts.failed()
    for number in range(20):
        if attempts.is_next():
            tried.append(number)
            attempts.succeeded()
    assert tried == [7, 11, 13, *range(14, 20)]


def test_few_attempts_are_made_where_few_succeed() -> None:
    attempts, tried = Attempts(), 0
    for number in range(10_000):
        if attempts.is_next():
            tried += 1
            attempts.succeeded() if number % 16 == 0 else attempts.failed()
    assert tried < 200
