"""Figures: what matplotlib is told to draw is what the sketch, and so the coverage, holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

from zarr_edr.coverage import Coverage
from zarr_edr.dataset.model import HorizontalCrs
from zarr_edr.encode.plot import draw, style
from zarr_edr.encode.plot.sketch import sketch
from zarr_edr.testing.pictures import EVERY_DOMAIN, answer_of, grid, levels, series
from zarr_edr.testing.stores import NUMBER


@pytest.fixture(autouse=True)
def settings() -> Iterator[None]:
    with style.style():
        yield


def figure(*coverages: Coverage, **changes: Any) -> Figure:
    """Drawn, so that ticks and labels are final."""
    made = draw.figure(sketch(answer_of(*coverages, **changes)))
    draw.png(made)
    return made


def only(made: Figure) -> Axes:
    """The panel of a picture that has one; colour bars are axes too, after it."""
    return made.axes[0]


def texts(made: Figure) -> set[str]:
    """All words on a picture, line by line."""
    found = [text.get_text() for text in made.findobj(Text) if isinstance(text, Text)]
    return {line for text in found for line in text.split("\n") if line}


def tick_labels(ax: Axes, name: str) -> list[str]:
    return [label.get_text() for label in (ax.get_xticklabels() if name == "x" else ax.get_yticklabels())]


def test_a_curve_has_the_values_of_the_coverage() -> None:
    (line,) = only(figure(series([1.0, np.nan, 3.0]))).lines
    assert np.array_equal(np.asarray(line.get_ydata()), [1, np.nan, 3], equal_nan=True)


@pytest.mark.parametrize("name", ["VerticalProfile", "Grid of a point", "Section"])
def test_depths_grow_downward(name: str) -> None:
    bottom, top = only(figure(EVERY_DOMAIN[name])).get_ylim()
    assert bottom > top


def test_heights_grow_upward() -> None:
    high = replace(EVERY_DOMAIN["VerticalProfile"], vertical=levels([1.0], "m", "up", "height"))
    bottom, top = only(figure(high)).get_ylim()
    assert bottom < top


def test_a_map_has_the_values_and_edges_of_its_cells() -> None:
    values = np.arange(6.0).reshape(2, 3)
    ax = only(figure(grid(values, np.array([10.0, 11.0, 12.0]), np.array([0.0, 1.0]))))
    (image,) = ax.images
    assert np.array_equal(np.asarray(image.get_array()), values)
    assert image.get_extent() == (9.5, 12.5, -0.5, 1.5)


def test_missing_cells_are_masked() -> None:
    (image,) = only(figure(EVERY_DOMAIN["Grid"])).images
    assert np.ma.getmaskarray(np.ma.asarray(image.get_array())).sum() == 1


def test_points_have_their_coordinates_and_values() -> None:
    hollow, drawn = (c for c in only(figure(EVERY_DOMAIN["MultiPoint"])).collections if isinstance(c, PathCollection))
    assert np.asarray(drawn.get_offsets()).tolist() == [[10, 1], [11, 2]]
    assert np.asarray(drawn.get_array()).tolist() == [1.5, 2.5]
    assert np.asarray(hollow.get_offsets()).tolist() == [[12.5, 3]]


def test_axes_are_labelled_with_title_and_unit() -> None:
    ax = only(figure(series([1.0, 2.0])))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Time (UTC)", "title of v (K)")


def test_the_colour_bar_is_labelled_with_title_and_unit() -> None:
    _, bar = figure(EVERY_DOMAIN["Grid"]).axes
    assert "title of v (K)" in (bar.get_xlabel(), bar.get_ylabel())


def test_what_is_left_out_is_said_on_the_picture() -> None:
    several = [replace(series([1.0, 2.0]), place=k) for k in range(250)]
    assert "Shown: 100 of 250 curves, evenly spaced." in texts(figure(*several))


def test_times_of_a_360_day_calendar_are_on_the_axis() -> None:
    made = figure(series([float(k) for k in range(60)], "360_day"))
    assert "Time (UTC, calendar 360_day)" in texts(made)
    assert "1\nFeb 1970" in tick_labels(only(made), "x")


def test_few_curves_have_a_legend() -> None:
    legend = only(figure(EVERY_DOMAIN["MultiPointSeries"])).get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["1°N 10°E", "2°N 11°E", "3°N 12.5°E"]


def test_many_curves_have_none_and_are_counted() -> None:
    several = [series([1.0, 2.0], dimensions={"quantile": k}) for k in range(20)]
    made = figure(*several)
    assert only(made).get_legend() is None
    assert "20 curves, one for each quantile." in texts(made)


def test_a_value_between_gaps_is_marked() -> None:
    values = [np.nan] * 100
    values[50] = 1.0
    (line,) = only(figure(series(values))).lines
    assert (line.get_marker(), line.get_markevery()) == (".", [50])


def test_no_values_are_said_to_be_none() -> None:
    assert "no values" in texts(figure(series([np.nan, np.nan])))


def test_there_is_a_panel_for_each_map_and_one_colour_bar() -> None:
    made = figure(EVERY_DOMAIN["Grid of all axes"])
    titles = [ax.get_title(loc="left") for ax in made.axes if ax.images]
    assert len(titles) == len(set(titles)) == 12


def test_classes_are_named_at_the_colour_bar_and_on_axes() -> None:
    flags = {"flag_values": [1, 2], "flag_meanings": "land sea"}
    cells = grid(np.array([[1, 2], [2, 1]]), np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    assert {"land", "sea"} <= texts(figure(cells, attributes=flags))
    assert {"land", "sea"} <= set(tick_labels(only(figure(series([1.0, 2.0]), attributes=flags)), "y"))


def test_a_series_of_classes_steps_from_one_to_the_other() -> None:
    flags = {"flag_values": [1, 2], "flag_meanings": "land sea"}
    (line,) = only(figure(series([1.0, 2.0]), attributes=flags)).lines
    assert line.get_drawstyle() == "steps-mid"


def test_no_colours_are_explained_where_there_are_none() -> None:
    made = figure(grid(np.full((2, 2), np.nan), np.array([0.0, 1.0]), np.array([0.0, 1.0])))
    assert len(made.axes) == 1
    assert "no values" in texts(made)


def test_dollars_are_text() -> None:
    made = figure(series([1.0, 2.0]), title="$\\alpha$ in $")
    assert "$\\alpha$ in $ (K)" in texts(made)
    assert not any(text.get_parse_math() for text in made.findobj(Text) if isinstance(text, Text))


def test_characters_that_the_font_lacks_are_boxes() -> None:
    assert style.words("a\U0001f321b") == "a\N{WHITE SQUARE}b"


def test_longitudes_and_latitudes_have_directions() -> None:
    cells = grid(np.zeros((3, 3)), np.array([340.0, 350.0, 360.0]), np.array([-10.0, 0.0, 10.0]))
    ax = only(figure(cells))
    assert {"20°W", "0°"} <= set(tick_labels(ax, "x"))
    assert {"10°S", "0°", "10°N"} <= set(tick_labels(ax, "y"))


def test_pressures_far_apart_have_plain_numbers() -> None:
    z = [1000.0, 500.0, 100.0, 50.0, 10.0]
    coverage = EVERY_DOMAIN["VerticalProfile"]
    high = replace(coverage, axes={**coverage.axes, "z": np.array(z)}, vertical=levels(z, "hPa", None, "pressure"))
    ax = only(figure(high))
    assert {"10", "100", "1000"} <= set(tick_labels(ax, "y"))
    assert all(re.fullmatch("[0-9]*", label) for label in tick_labels(ax, "y"))


def test_an_ensemble_has_a_bold_mean() -> None:
    members = [series([1.0 + m, 2.0 + m], dimensions={NUMBER: m}) for m in range(4)]
    *thin, bold = only(figure(*members)).lines
    assert np.asarray(bold.get_ydata()).tolist() == [2.5, 3.5]
    assert all(line.get_linewidth() < bold.get_linewidth() for line in thin)


def test_a_legend_stands_beside_the_curves_and_within_the_picture() -> None:
    long = [series([1.0, 2.0], dimensions={"quantile": f"{k}{' of the distribution' * 3}"}) for k in range(8)]
    made = figure(*long)
    legend, frame = only(made).get_legend(), only(made).get_window_extent()
    assert legend is not None
    box = legend.get_window_extent()
    assert frame.x1 <= box.x0 < box.x1 <= made.bbox.x1
    assert made.bbox.y0 <= box.y0 < box.y1 <= frame.y1 + 1


def test_panels_with_the_same_curves_have_one_legend() -> None:
    pair = [series([1.0, 2.0], dimensions={"quantile": k}) for k in range(2)]
    both = [replace(c, ranges={"v": c.ranges["v"], "w": c.ranges["v"]}) for c in pair]
    assert [ax.get_legend() is not None for ax in figure(*both).axes] == [True, False]


def test_metres_of_a_projection_are_told_in_km_without_a_power_of_ten() -> None:
    metres = HorizontalCrs("http://www.opengis.net/def/crs/EPSG/0/3857", "", geographic=False)
    member = grid(np.arange(4.0).reshape(2, 2), np.array([-4e6, -3e6]), np.array([1e6, 2e6]))
    made = draw.figure(sketch(replace(answer_of(member), crs=metres)))
    draw.png(made)
    assert "\N{MINUS SIGN}4000" in tick_labels(only(made), "x")
    assert {"x (EPSG:3857, km)", "y (EPSG:3857, km)"} <= texts(made)
    assert [axis.get_offset_text().get_text() for axis in (only(made).xaxis, only(made).yaxis)] == ["", ""]
