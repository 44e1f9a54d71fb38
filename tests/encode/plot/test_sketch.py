"""What a picture shows of an answer, and what it says it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from zarr_edr.coverage import Coverage, DomainType, Range, Times, Tuples
from zarr_edr.encode.plot.choose import MAX_LINES, MAX_PANELS, evenly
from zarr_edr.encode.plot.lines import envelope, mean
from zarr_edr.encode.plot.model import DotsPanel, FieldPanel, LinesPanel, Scale, Sketch, Weight, WordsPanel
from zarr_edr.encode.plot.sketch import sketch
from zarr_edr.query.geometry import Tags
from zarr_edr.testing.pictures import EVERY_DOMAIN, answer_of, days, grid, levels, of, series
from zarr_edr.testing.stores import NUMBER

X, Y = np.array([330.0, 340.0, 350.0]), np.array([10.0, 0.0])
MEMBERS = [series([1.0 + m, 2.0 + m, 4.0 + m], dimensions={NUMBER: m}) for m in range(5)]


def lines(*coverages: Coverage, **changes: Any) -> LinesPanel:
    """The only panel, of curves."""
    (panel,) = sketch(answer_of(*coverages, **changes)).panels
    assert isinstance(panel, LinesPanel)
    return panel


def fields(shown: Sketch) -> list[FieldPanel]:
    assert all(isinstance(panel, FieldPanel) for panel in shown.panels)
    return [panel for panel in shown.panels if isinstance(panel, FieldPanel)]


def maps(times: int = 1, depths: int = 1, members: int = 1) -> Sketch:
    """A sketch of maps, all values different."""
    axes = {"t": days(times), "z": np.arange(float(depths)), "y": Y, "x": X}
    values = np.arange(times * depths * 6.0).reshape(times, depths, 2, 3)
    names = ("t", "z", "y", "x")
    several = [of(DomainType.GRID, axes, names, values, dimensions={NUMBER: m}) for m in range(members)]
    return sketch(answer_of(*several))


PANELS: dict[str, type] = {
    "Point": WordsPanel,
    "PointSeries": LinesPanel,
    "VerticalProfile": LinesPanel,
    "Grid of a point": FieldPanel,
    "Grid of a point and few levels": LinesPanel,
    "Grid": FieldPanel,
    "Grid of one row": LinesPanel,
    "Grid of one row and times": FieldPanel,
    "Grid of one column and times": FieldPanel,
    "Grid of one column and levels": FieldPanel,
    "Grid of all axes": FieldPanel,
    "MultiPoint": DotsPanel,
    "MultiPoint with levels": DotsPanel,
    "MultiPointSeries": LinesPanel,
    "Trajectory": LinesPanel,
    "Section": FieldPanel,
    "with members": LinesPanel,
}


@pytest.mark.parametrize("name", EVERY_DOMAIN)
def test_each_domain_has_the_panels_that_fit_it(name: str) -> None:
    shown = sketch(answer_of(EVERY_DOMAIN[name]))
    assert {type(panel) for panel in shown.panels} == {PANELS[name]}


class TestCurves:
    def test_they_hold_the_values_and_gaps_of_the_coverage(self) -> None:
        (line,) = lines(series([1.0, np.nan, np.inf, 4.0])).lines
        assert np.array_equal(line.up, [1, np.nan, np.nan, 4], equal_nan=True)
        assert line.across.tolist() == [0, 864e8, 1728e8, 2592e8]

    def test_there_is_one_for_each_point_in_order(self) -> None:
        coverage = EVERY_DOMAIN["MultiPointSeries"]
        panel = lines(coverage)
        expected: NDArray[Any] = coverage.ranges["v"].values
        assert np.array_equal(np.array([line.up for line in panel.lines]), expected.T, equal_nan=True)
        assert [line.label for line in panel.lines] == ["1°N 10°E", "2°N 11°E", "3°N 12.5°E"]

    def test_points_are_called_what_the_client_calls_them(self) -> None:
        answer = replace(answer_of(EVERY_DOMAIN["MultiPointSeries"]), tags=Tags(("a", None, 7), {}))
        panel = sketch(answer).panels[0]
        assert isinstance(panel, LinesPanel)
        assert [line.label for line in panel.lines] == ["a", "2°N 11°E", "7"]

    def test_profiles_have_values_across_and_levels_up(self) -> None:
        coverage = EVERY_DOMAIN["VerticalProfile"]
        panel = lines(coverage)
        assert np.array_equal(panel.lines[0].across, coverage.ranges["v"].values, equal_nan=True)
        assert panel.lines[0].up.tolist() == [5, 10, 20, 50, 100]
        assert (panel.up.label, panel.up.downward, panel.across.label) == ("Depth (m)", True, "title of v (K)")

    def test_a_few_levels_of_a_series_have_a_panel_each(self) -> None:
        shown = sketch(answer_of(EVERY_DOMAIN["Grid of a point and few levels"]))
        assert [panel.title for panel in shown.panels] == ["5 m", "10 m"]

    def test_too_many_are_thinned_and_it_is_said(self) -> None:
        several = [replace(series([1.0, 2.0]), place=k) for k in range(250)]
        shown = sketch(answer_of(*several))
        assert isinstance(shown.panels[0], LinesPanel)
        assert len(shown.panels[0].lines) == MAX_LINES
        assert f"Shown: {MAX_LINES} of 250 curves, evenly spaced." in shown.notes

    def test_each_parameter_has_a_panel(self) -> None:
        ranges = {name: Range(("t",), np.array([1.0, 2.0])) for name in ("a", "b")}
        shown = sketch(answer_of(replace(series([1.0, 2.0]), ranges=ranges)))
        assert [p.up.label for p in shown.panels if isinstance(p, LinesPanel)] == ["title of a (K)", "title of b (K)"]

    def test_parameters_beyond_the_last_panel_are_told(self) -> None:
        ranges = {f"p{k:02d}": Range(("t",), np.array([1.0, 2.0])) for k in range(30)}
        shown = sketch(answer_of(replace(series([1.0, 2.0]), ranges=ranges)))
        assert len(shown.panels) == MAX_PANELS
        assert shown.notes[0] == "Shown: the first 12 of 30 parameters or levels."


class TestEnsembles:
    def test_members_are_thin_and_their_mean_is_bold(self) -> None:
        panel = lines(*MEMBERS)
        assert [line.weight for line in panel.lines] == [Weight.MEMBER] * 5 + [Weight.MEAN]
        expected = np.mean([m.ranges["v"].values for m in MEMBERS], axis=0)
        assert panel.lines[-1].up.tolist() == expected.tolist()
        assert panel.lines[-1].label == "mean of 5 members"

    def test_two_members_are_told_apart_by_name(self) -> None:
        assert [line.label for line in lines(*MEMBERS[:2]).lines] == ["number 0", "number 1"]

    def test_a_mean_is_of_the_members_that_have_a_value(self) -> None:
        values = np.array([[1.0, np.nan, np.nan], [3.0, 5.0, np.nan]])
        assert np.array_equal(mean(values), [2, 5, np.nan], equal_nan=True)

    def test_a_mean_of_some_members_says_so(self) -> None:
        panel = lines(series([np.nan, 1.0], dimensions={NUMBER: 0}), *(replace(m, **_two(m)) for m in MEMBERS[1:]))
        assert panel.lines[-1].label == "mean of the members with a value"

    def test_one_value_of_each_stands_over_its_number(self) -> None:
        members = [of(DomainType.POINT, EVERY_DOMAIN["Point"].axes, (), m, dimensions={NUMBER: m}) for m in (0, 4, 7)]
        panel = lines(*members)
        assert panel.lines[0].across.tolist() == panel.lines[0].up.tolist() == [0, 4, 7]

    def test_members_that_are_classes_have_no_mean(self) -> None:
        flags = {"flag_values": [1, 2, 3, 4, 5, 6, 7, 8], "flag_meanings": "a b c d e f g h"}
        assert {line.weight for line in lines(*MEMBERS, attributes=flags).lines} == {Weight.NORMAL}


def _two(member: Coverage) -> dict[str, Any]:
    return {"axes": {**member.axes, "t": days(2)}, "ranges": {"v": Range(("t",), np.array([1.0, 2.0]))}}


class TestMaps:
    def test_they_hold_the_values_with_the_north_at_the_top(self) -> None:
        values = np.arange(6.0).reshape(2, 3)
        (panel,) = fields(sketch(answer_of(grid(values, X, Y))))
        assert np.array_equal(panel.values, values[::-1])  # y descends in the coverage
        assert (panel.across_edges.tolist(), panel.up_edges.tolist()) == ([325, 335, 345, 355], [-5, 5, 15])

    @pytest.mark.parametrize(
        ("sizes", "panels", "note"),
        [
            ((12, 1, 1), 12, None),
            ((124, 1, 1), 12, "Shown: 12 of 124 times, evenly spaced."),
            ((4, 19, 1), 12, "Shown: 3 of 19 levels, evenly spaced."),
            ((4, 3, 10), 12, "Shown: 1 of 10 members (number), evenly spaced."),
            ((1, 1, 10), 10, None),
            ((124, 19, 10), 12, "Shown: 12 of 124 times, 1 of 19 levels, 1 of 10 members (number), evenly spaced."),
        ],
    )
    def test_there_are_up_to_twelve_and_it_is_said_of_how_many(
        self, sizes: tuple[int, int, int], panels: int, note: str | None
    ) -> None:
        shown = maps(*sizes)
        assert len(shown.panels) == panels
        assert [n for n in shown.notes if n.startswith("Shown")] == ([note] if note else [])

    def test_each_is_titled_with_its_time_and_what_all_share_is_told_once(self) -> None:
        shown = maps(times=2)
        assert [panel.title for panel in shown.panels] == ["1970-01-01 00:00 UTC", "1970-01-02 00:00 UTC"]
        assert "number 0" in shown.subtitle

    def test_one_scale_is_for_all_times_and_one_for_each_level(self) -> None:
        assert len({panel.colours for panel in fields(maps(times=3))}) == 1
        assert len({panel.colours for panel in fields(maps(depths=3))}) == 3

    def test_times_without_any_value_are_left_out_and_counted(self) -> None:
        values = np.full((3, 2, 3), np.nan)
        values[1] = 5.0
        coverage = of(DomainType.GRID, {"t": days(3), "y": Y, "x": X}, ("t", "y", "x"), values)
        shown = sketch(answer_of(coverage))
        assert [panel.title for panel in fields(shown)] == [""]
        assert "1970-01-02 00:00" in shown.subtitle
        assert shown.notes == ("Not shown: 2 of 3 times, which have no values.",)

    def test_missing_cells_are_explained(self) -> None:
        assert "Grey: no value." in sketch(answer_of(EVERY_DOMAIN["Grid"])).notes

    def test_a_large_one_is_thinned_and_it_is_said(self) -> None:
        y, x = np.linspace(-80, 80, 2_000), np.linspace(0, 300, 4_000)
        values = np.arange(8e6, dtype=np.float32).reshape(2_000, 4_000)
        (panel,) = fields(sketch(answer_of(grid(values, x, y))))
        assert np.array_equal(panel.values, values[::2, ::3])
        assert "Drawn: one in 3 rows or columns of cells." in sketch(answer_of(grid(values, x, y))).notes

    def test_anomalies_have_zero_in_the_middle(self) -> None:
        answer = answer_of(grid(np.array([[-1.0, 3.0, 0.0]] * 2), X, Y), title="Temperature anomaly")
        (panel,) = fields(sketch(answer))
        assert (panel.colours.low, panel.colours.high, panel.colours.diverging) == (-3, 3, True)

    def test_classes_have_names(self) -> None:
        flags = {"flag_values": [1, 2], "flag_meanings": "land sea"}
        (panel,) = fields(sketch(answer_of(grid(np.array([[1, 2, 1], [2, 2, 2]]), X, Y), attributes=flags)))
        assert panel.colours.classes == ("land", "sea")
        assert panel.values.tolist() == [[1, 1, 1], [0, 1, 0]]


class TestSections:
    def test_levels_grow_downward_along_a_path(self) -> None:
        coverage = EVERY_DOMAIN["Section"]
        (panel,) = fields(sketch(answer_of(coverage)))
        assert panel.up.downward
        assert np.array_equal(panel.values, coverage.ranges["v"].values, equal_nan=True)

    def test_levels_that_descend_are_turned_with_their_values(self) -> None:
        coverage = EVERY_DOMAIN["Grid of a point"]
        turned = replace(
            coverage,
            axes={**coverage.axes, "z": np.asarray(coverage.axes["z"])[::-1]},
            ranges={"v": Range(("t", "z", "y", "x"), coverage.ranges["v"].values[:, ::-1])},
        )
        (one,), (other,) = fields(sketch(answer_of(coverage))), fields(sketch(answer_of(turned)))
        assert np.array_equal(one.values, other.values, equal_nan=True)

    def test_time_by_longitude_runs_downward(self) -> None:
        (panel,) = fields(sketch(answer_of(EVERY_DOMAIN["Grid of one row and times"])))
        assert (panel.up.scale, panel.up.downward, panel.across.scale) == (Scale.TIME, True, Scale.LONGITUDE)

    def test_pressures_far_apart_are_even_in_height(self) -> None:
        z = [1000.0, 500.0, 100.0, 50.0, 10.0]
        coverage = EVERY_DOMAIN["Grid of a point"]
        high = replace(coverage, axes={**coverage.axes, "z": np.array(z)}, vertical=levels(z, "hPa", None, "pressure"))
        (panel,) = fields(sketch(answer_of(high)))
        assert (panel.up.scale, panel.up.downward, panel.up.label) == (Scale.LOG, True, "Pressure (hPa)")


class TestPoints:
    def test_points_on_both_sides_of_the_seam_are_drawn_side_by_side(self) -> None:
        points = Tuples(np.array([359.0, 1.0]), np.array([50.0, 51.0]), None)
        (panel,) = sketch(answer_of(of(DomainType.MULTI_POINT, {"composite": points}, ("composite",), [1, 2]))).panels
        assert isinstance(panel, DotsPanel)
        assert np.ptp(panel.x) == 2

    def test_they_keep_their_values(self) -> None:
        coverage = EVERY_DOMAIN["MultiPoint"]
        (panel,) = sketch(answer_of(coverage)).panels
        assert isinstance(panel, DotsPanel)
        assert np.array_equal(panel.values, coverage.ranges["v"].values, equal_nan=True)


class TestWords:
    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (np.float32(300.8765), "300.8765 K"),
            (np.float64(276.645556640625), "276.6456 K"),
            (np.int64(1_234_567_890_123), "1234567890123 K"),
            (np.float32(np.nan), "no value"),
            (np.bool_(True), "yes"),
        ],
    )
    def test_a_single_value_is_written_out(self, value: Any, words: str) -> None:
        (panel,) = sketch(answer_of(of(DomainType.POINT, EVERY_DOMAIN["Point"].axes, (), value))).panels
        assert isinstance(panel, WordsPanel)
        assert panel.rows == (("title of v", words),)

    def test_title_and_subtitle_say_what_where_and_when(self) -> None:
        shown = sketch(answer_of(series([1.0, 2.0])))
        assert shown.title == "title of v (K)"
        assert shown.subtitle == "Time series, 50°N 10°E, 1970-01-01 00:00 to 1970-01-02 00:00 UTC"

    def test_the_address_of_the_query_is_the_source(self) -> None:
        assert sketch(answer_of(series([1.0, 2.0]))).source == "http://localhost/collections/c/position"

    @pytest.mark.parametrize("text", ["$x$", "a\nb", "W" * 9_999, "\u202eabc", "e" + "\u0301" * 99], ids=ascii)
    def test_words_are_printable_and_short(self, text: str) -> None:
        shown = sketch(answer_of(series([1.0, 2.0]), title=text, endpoint=text))
        for words in (shown.title, shown.subtitle, shown.source, *shown.notes):
            assert words.isprintable()
            assert len(words) <= 150


def test_evenly_spaced_picks_begin_and_end_with_the_ends() -> None:
    assert evenly(124, 12)[:2] + evenly(124, 12)[-1:] == [0, 11, 123]
    assert (evenly(3, 12), evenly(124, 1)) == ([0, 1, 2], [0])


def test_a_long_curve_keeps_its_spikes_and_its_gaps() -> None:
    at, values = np.arange(100_000.0), np.zeros(100_000)
    values[[777, 5_000]] = 9, -9
    values[50_000:60_000] = np.nan
    kept_at, kept = envelope(at, values, 1_000)
    assert kept.size <= 1_002
    assert {(777, 9), (5_000, -9)} <= set(zip(kept_at.tolist(), kept.tolist(), strict=True))
    assert np.isnan(kept).sum() >= 98
    assert (np.diff(kept_at) >= 0).all()


def test_times_are_those_of_the_coverage_in_chronological_order() -> None:
    coverage = series([1.0, 2.0, 3.0])
    t = coverage.axes["t"]
    assert isinstance(t, Times)
    (line,) = lines(coverage).lines
    assert line.across.tolist() == t.axis.us[t.index].tolist()


def test_what_is_not_shown_of_sections_is_called_by_what_differs() -> None:
    section = EVERY_DOMAIN["Section"]
    members = [replace(section, dimensions={"number": k}) for k in range(15)]
    lines = [replace(section, place=k) for k in range(15)]
    assert "Shown: 12 of 15 members (number), evenly spaced." in sketch(answer_of(*members)).notes
    assert "Shown: 12 of 15 places, evenly spaced." in sketch(answer_of(*lines)).notes
