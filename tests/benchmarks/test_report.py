"""Ratios, verdicts and the document."""

from __future__ import annotations

import json
import statistics
from dataclasses import replace

import pytest
from benchmarks.measure import MAX_WINDOW_S, window_s
from benchmarks.report import document, summary
from benchmarks.results import Latency, Memory, ObjectStore, Rate, Results, Row, percentile
from benchmarks.verdicts import OURS, Verdict, verdict
from benchmarks.workloads import LIMIT, SERIES, TUTORIAL, WORKLOADS, XPUBLISH

ONE_TIME = next(workload for workload in WORKLOADS if workload.name == "1 point, 1 time")
MANY = next(workload for workload in WORKLOADS if workload.name == "10,000 points, 1 time")


def rates(**per_second: float) -> tuple[Rate, ...]:
    names = {"ours": OURS, "tutorial": TUTORIAL, "limit": LIMIT}
    return tuple(Rate(names[name], 8, (value, value), 100, 2) for name, value in per_second.items())


def times(**ms: float) -> tuple[Latency, ...]:
    names = {"ours": OURS, "xpublish": XPUBLISH, "limit": LIMIT}
    return tuple(Latency(names[name], ((value,),) * 3, 1, 100) for name, value in ms.items())


@pytest.fixture
def results() -> Results:
    rows = (
        Row(ONE_TIME.name, "air", (), rates(ours=900, limit=3000), 0.1),
        Row(SERIES, "air", (), rates(ours=800, tutorial=6), 0.1),
        Row(MANY.name, "points", times(ours=300, xpublish=2400, limit=200), (), 0.1),
    )
    objects = ObjectStore(30, 31, (38, 39, 40), (300,), 95, (1, 1, 1), 0, "s3", 0.1)
    return Results({"CPU": "one"}, rows, (Memory(OURS, 350_000_000, 800_000_000),), objects)


def test_more_answers_per_second_are_more_times_faster(results: Results) -> None:
    found = verdict(results, ONE_TIME, "air", LIMIT, 8)
    assert found is not None
    assert (found.ratio, found.met) == (0.3, False)


def test_shorter_times_are_more_times_faster(results: Results) -> None:
    found = verdict(results, MANY, "points", XPUBLISH, None)
    assert found is not None
    assert found.ratio == pytest.approx(8)
    assert found.met is False


def test_a_system_without_times_is_taken_by_its_series_and_marked(results: Results) -> None:
    found = verdict(results, ONE_TIME, "air", TUTORIAL, 8)
    assert found is not None
    assert (found.ratio, found.mark) == (150, "*")


def test_what_was_not_measured_has_no_verdict(results: Results) -> None:
    assert verdict(results, MANY, "points", TUTORIAL, None) is None


@pytest.mark.parametrize(
    ("foreign", "ratio", "told"),
    [
        (0.1, 9.5, "MISSED: 10x, near"),
        (0.1, 10.5, "met: 10x, near"),
        (0.1, 8.5, "MISSED: 10x"),
        (0.5, 8.5, "MISSED: 10x, near"),
        (0.5, 20, "met: 10x"),
        (0.1, 12, "met: 10x"),
    ],
)
def test_a_ratio_near_its_target_is_told_and_what_is_near_is_wider_where_others_worked(
    foreign: float, ratio: float, told: str
) -> None:
    assert str(Verdict(ratio, 10, foreign)).endswith(f"({told})")


@pytest.mark.parametrize(
    ("rounds", "told"),
    [
        ((9, 20, 30), "met: 10x, near"),
        ((12, 20, 20), "met: 10x"),
        ((2, 8, 8), "MISSED: 10x"),
        ((2, 8, 15), "MISSED: 10x, near"),
    ],
)
def test_the_median_of_the_rounds_is_the_verdict_and_a_round_that_found_otherwise_is_told(
    rounds: tuple[float, ...], told: str
) -> None:
    assert str(Verdict(statistics.median(rounds), 10, 0, rounds=rounds)).endswith(f"({told})")


def test_the_rounds_of_a_verdict_are_those_of_the_run(results: Results) -> None:
    of_rates, of_times = verdict(results, ONE_TIME, "air", LIMIT, 8), verdict(results, MANY, "points", XPUBLISH, None)
    assert of_rates is not None
    assert of_times is not None
    assert of_rates.rounds == pytest.approx((0.3, 0.3))
    assert of_times.rounds == pytest.approx((8, 8, 8))


def test_a_round_in_which_all_were_slow_changes_no_ratio() -> None:
    both = (Rate(OURS, 8, (900, 300, 950), 100, 2), Rate(LIMIT, 8, (1800, 600, 1900), 100, 2))
    found = verdict(Results({}, (Row(ONE_TIME.name, "air", (), both, 0.1),)), ONE_TIME, "air", LIMIT, 8)
    assert found is not None
    assert (found.ratio, found.rounds) == (0.5, (0.5, 0.5, 0.5))


def test_a_round_that_failed_is_compared_with_none() -> None:
    both = (Rate(OURS, 8, (900, 300, 950), 100, 2), Rate(LIMIT, 8, (1800, None, 1900), 100, 2))
    times = (Latency(OURS, ((), (4,), (2,)), 1, 9), Latency(LIMIT, ((9,), (2,), (1,)), 1, 9))
    results = Results({}, (Row(ONE_TIME.name, "air", times, both, 0.1),))
    of_rates, of_times = (verdict(results, ONE_TIME, "air", LIMIT, clients) for clients in (8, None))
    assert of_rates is not None
    assert of_times is not None
    assert (of_rates.rounds, of_times.rounds) == ((0.5, 0.5), (0.5, 0.5))
    assert "1,850 (100, 2)" in document(results)


def test_results_are_read_as_they_were_written(results: Results) -> None:
    assert Results.from_json(json.loads(json.dumps(results.to_json()))) == results


def test_a_missed_target_is_named(results: Results) -> None:
    assert "10,000 points, 1 time, points: 8.00x (MISSED: 10x) against xpublish-edr" in summary(results)


def test_the_document_tells_every_row_and_the_object_store(results: Results) -> None:
    text = document(results)
    for told in ("| 10,000 points, 1 time | points |", "150x* (met: 100x)", "1.26 of it (met", "350"):
        assert told in text


def test_the_document_tells_what_failed(results: Results) -> None:
    row = replace(results.rows[0], failures=("limit, air: WrongAnswer: 1 is 2",))
    assert "WrongAnswer: 1 is 2" in document(replace(results, rows=(row,)))


@pytest.mark.parametrize(("percent", "wanted"), [(50, 10), (95, 19), (100, 20), (1, 1)])
def test_a_percentile_is_a_value_that_was_measured(percent: float, wanted: float) -> None:
    assert percentile(range(20, 0, -1), percent) == wanted


@pytest.mark.parametrize(
    ("usual_s", "wanted"), [(0.001, 3), (0.4, 4.8), (9, MAX_WINDOW_S)], ids=["fast", "slow", "slower"]
)
def test_a_slow_system_has_a_longer_window(usual_s: float, wanted: float) -> None:
    assert window_s(usual_s, 8, 3) == pytest.approx(wanted)
