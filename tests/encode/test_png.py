"""Pictures of answers, as files."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, seed
from hypothesis import strategies as st
from PIL import Image

from zarr_edr.coverage import Coverage, CoverageSet, DomainType, Range, Tuples
from zarr_edr.dataset.model import Parameter
from zarr_edr.encode import ENCODERS, encoder_for
from zarr_edr.encode.plot.preview import preview
from zarr_edr.encode.png import PngEncoder
from zarr_edr.query.model import Query
from zarr_edr.testing.agreement import collection_on, coverages_of, profile
from zarr_edr.testing.pictures import EVERY_DOMAIN, answer_of, grid, series
from zarr_edr.testing.stores import StoreSpec, in_memory
from zarr_edr.testing.strategies_shapes import questions


def picture(coverages: CoverageSet) -> Image.Image:
    image = Image.open(io.BytesIO(b"".join(PngEncoder().encode(coverages))))
    image.load()
    return image


def titled(coverages: CoverageSet, **changes: Any) -> CoverageSet:
    """The same coverages with other metadata."""
    return replace(coverages, parameters=tuple(replace(p, **changes) for p in coverages.parameters))


@pytest.mark.parametrize("coverage", EVERY_DOMAIN.values(), ids=EVERY_DOMAIN)
def test_every_domain_has_a_picture_of_the_size_that_is_announced(coverage: Coverage) -> None:
    of = answer_of(coverage)
    announced = preview(of)
    image = picture(of)
    assert (image.format, image.size) == ("PNG", (announced.width, announced.height))


@pytest.mark.parametrize("name", ["Point", "PointSeries", "Grid"])
def test_a_picture_is_not_blank(name: str) -> None:
    colours = picture(answer_of(EVERY_DOMAIN[name])).convert("RGB").getcolors(maxcolors=2**24)
    assert colours is not None
    assert len(colours) > 20


@pytest.mark.parametrize("name", ["PointSeries", "VerticalProfile", "Grid", "MultiPoint", "Section"])
@pytest.mark.parametrize("value", [np.nan, 0.0, -1e99], ids=str)
def test_values_that_are_all_alike_have_a_picture(name: str, value: float) -> None:
    coverage = EVERY_DOMAIN[name]
    ranges = {name: Range(r.axis_names, np.full(r.values.shape, value)) for name, r in coverage.ranges.items()}
    assert picture(answer_of(replace(coverage, ranges=ranges))).format == "PNG"


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64", "float16", "float32", "bool", ">f4", "<i2"])
@pytest.mark.parametrize("name", ["PointSeries", "Grid"])
def test_every_type_of_numbers_has_a_picture(name: str, dtype: str) -> None:
    coverage = EVERY_DOMAIN[name]
    ranges = {n: Range(r.axis_names, np.nan_to_num(r.values).astype(dtype)) for n, r in coverage.ranges.items()}
    assert picture(answer_of(replace(coverage, ranges=ranges))).format == "PNG"


HOSTILE = {
    "mathtext": "$\\frac{1}{0}$ $x^{",
    "one dollar": "price in $",
    "lines": "a\nb\r\nc\td\x00\x07",
    "long": "W" * 10_000,
    "long words": "wind " * 2_000,
    "surrogate": "half \ud800 a pair",
    "other scripts": "海面水温 درجة الحرارة อุณหภูมิ 🌡️",
    "directions": "\u202eabc\u2066def\u200b",
    "marks": "e" + "\u0301" * 3_000,
    "empty": "",
    "blank": " \t\n",
    "markup": "<script>alert(1)</script> %s {0} {} \\",
}


@pytest.mark.parametrize("words", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("name", ["Point", "Grid"])
def test_no_metadata_spoils_a_picture(name: str, words: str) -> None:
    of = answer_of(EVERY_DOMAIN[name], endpoint=words)
    unit = of.parameters[0].unit
    hostile = titled(of, title=words, unit=None if unit is None else replace(unit, text=words))
    announced = preview(hostile)
    assert picture(hostile).size == (announced.width, announced.height)


def test_many_threads_draw_at_the_same_time() -> None:
    of = [answer_of(coverage) for coverage in list(EVERY_DOMAIN.values())[:8]]
    alone = [b"".join(PngEncoder().encode(coverages)) for coverages in of]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda coverages: b"".join(PngEncoder().encode(coverages)), of))
    assert together == alone


def test_the_settings_of_matplotlib_are_left_as_they_were() -> None:
    import matplotlib as mpl  # noqa: PLC0415 - an extra

    before = dict(mpl.rcParams)
    picture(answer_of(EVERY_DOMAIN["Grid"]))
    assert dict(mpl.rcParams) == before


DRAW = """
from zarr_edr.encode.png import PngEncoder
from zarr_edr.testing.pictures import EVERY_DOMAIN, answer_of
assert PngEncoder().encode(answer_of(EVERY_DOMAIN["Grid"]))
"""
WITHOUT_MATPLOTLIB = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "matplotlib" else found(name, *more)
sys.modules["matplotlib"] = None
from zarr_edr.encode import ENCODERS
import zarr_edr.web.html_data
assert [encoder.name for encoder in ENCODERS][:1] == ["CoverageJSON"]
assert "PNG" not in [encoder.name for encoder in ENCODERS]
"""


def run(code: str, **environment: str) -> None:
    """In a new interpreter, warnings being errors."""
    subprocess.run([sys.executable, "-W", "error", "-c", code], env={**os.environ, **environment}, check=True)


def test_no_folder_for_settings_or_fonts_is_needed() -> None:
    run(DRAW, MPLCONFIGDIR="/dev/null/none", HOME="/dev/null", XDG_CACHE_HOME="/dev/null", XDG_CONFIG_HOME="/dev/null")


def test_without_matplotlib_the_format_is_not_offered_and_all_else_works() -> None:
    run(WITHOUT_MATPLOTLIB)


def test_settings_of_the_machine_make_no_difference(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfigure.facecolor: red\nbackend: TkAgg\n")
    run(DRAW, MATPLOTLIBRC=str(tmp_path))


@seed(0)
@profile(5)
@given(questions())
def test_the_answer_to_any_query_has_a_picture(question: tuple[StoreSpec, list[Query]]) -> None:
    spec, queries = question
    collection = collection_on(in_memory(spec))
    for query in queries:
        coverages = coverages_of(query, collection)
        if coverages is not None:
            announced = preview(coverages)
            assert picture(coverages).size == (announced.width, announced.height)


@seed(0)
@profile(20)
@given(st.text(max_size=200), st.text(max_size=40), st.lists(st.floats(width=32), min_size=2, max_size=40))
def test_any_words_and_any_numbers_have_a_picture(title: str, unit: str, values: list[float]) -> None:
    of = answer_of(series(values))
    known = of.parameters[0].unit
    assert picture(titled(of, title=title, unit=None if known is None else replace(known, text=unit))).format == "PNG"


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2_000, 2_500), (5, 1_000_000), (1_000_000, 5)], ids=str)
def test_grids_of_any_size_have_pictures_of_bounded_size(size: tuple[int, int]) -> None:
    y, x = np.linspace(-80, 80, size[0]), np.linspace(0, 300, size[1])
    values = np.arange(size[0] * size[1], dtype=np.float32).reshape(size)
    image = picture(answer_of(grid(values, x, y)))
    assert image.width <= 1_200
    assert image.height <= 1_500


def test_a_curve_of_millions_of_values_has_a_picture() -> None:
    values = np.sin(np.arange(1_000_000) / 1e4)
    assert picture(answer_of(series(values.tolist()))).format == "PNG"


def test_a_hundred_thousand_points_have_a_picture() -> None:
    x = np.linspace(-170, 170, 100_000)
    axes = {"composite": Tuples(x, np.cos(x), None)}
    coverage = Coverage(DomainType.MULTI_POINT, axes, {"v": Range(("composite",), x)})
    assert picture(answer_of(coverage)).format == "PNG"


@pytest.mark.parametrize("f", ["PNG", "png", "image/png"])
def test_f_names_it(f: str) -> None:
    assert encoder_for(f).name == "PNG"


def test_it_is_offered_after_the_formats_of_data() -> None:
    assert [encoder.name for encoder in ENCODERS].index("PNG") > 0


def test_parameters_are_named_by_their_titles_in_words() -> None:
    of = titled(answer_of(EVERY_DOMAIN["PointSeries"]), title="Temperature of the air")
    assert isinstance(of.parameters[0], Parameter)
    assert preview(of).words.startswith("Temperature of the air")
