"""Windows of a grid as Cloud Optimized GeoTIFF, read back by GDAL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, seed
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from zarr_edr.coverage import Coverage, CoverageSet, DomainType, Range
from zarr_edr.crs import CRS84, WEB_MERCATOR, WGS84
from zarr_edr.dataset.model import HorizontalCrs, Unit
from zarr_edr.encode import encoder_for, encoders_of
from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.encode.geotiff import MAX_PIXELS, GeoTiffEncoder
from zarr_edr.errors import InvalidFormat, ResponseTooLarge
from zarr_edr.query.model import CubeQuery
from zarr_edr.testing.agreement import Case, cases, collection_on, coverages_of, profile
from zarr_edr.testing.covjson import Row, decode
from zarr_edr.testing.sample_coverages import COVERAGES, coverages, of, times, vertical
from zarr_edr.testing.stores import StoreSpec, in_memory
from zarr_edr.testing.strategies_shapes import cube_queries

Draw = Callable[[st.SearchStrategy[Any]], Any]
MERCATOR = HorizontalCrs(WEB_MERCATOR.uri, WEB_MERCATOR.wkt, geographic=False)
X, Y, Z = np.array([10.0, 11.0, 12.0]), np.array([50.0, 49.0]), np.array([1.0, 2.0])
SIX = np.arange(6, dtype=np.float32).reshape(2, 3)


def body_of(answer: CoverageSet) -> bytes:
    return b"".join(GeoTiffEncoder().encode(answer))


@contextmanager
def opened(answer: CoverageSet) -> Iterator[Any]:
    with MemoryFile(body_of(answer)) as memory, memory.open() as file:
        yield file


def grid(x: Any = X, y: Any = Y, values: Any = None, name: str = "v", **more: Any) -> Coverage:
    values = np.arange(len(x) * len(y), dtype=np.float32).reshape(len(y), len(x)) if values is None else values
    return Coverage(
        DomainType.GRID, {"x": np.asarray(x), "y": np.asarray(y)}, {name: Range(("y", "x"), values)}, **more
    )


def pixels(file: Any) -> Iterator[tuple[float, float, float]]:
    """Centre and value of each pixel of the first band."""
    for (row, column), value in np.ndenumerate(file.read(1)):
        x, y = file.xy(row, column)
        yield round(x, 6), round(y, 6), float(value)


class TestPlace:
    @pytest.mark.parametrize("x", [X, X[::-1], X - 360, X + 360], ids=["east", "west", "-360", "+360"])
    @pytest.mark.parametrize("y", [Y, Y[::-1]], ids=["down", "up"])
    def test_each_value_is_at_its_cell_and_north_is_up(self, x: NDArray[Any], y: NDArray[Any]) -> None:
        expected = {
            ((float(a) + 180) % 360 - 180, float(b), float(SIX[j, i])) for i, a in enumerate(x) for j, b in enumerate(y)
        }
        with opened(coverages(grid(x, y, SIX))) as file:
            assert set(pixels(file)) == expected
            assert (file.transform.a, file.transform.e) == (1, -1)

    @pytest.mark.parametrize("start", [0.0, 15.0, -180.0])
    def test_a_turn_of_longitudes_starts_in_the_west(self, start: float) -> None:
        x = start + 30.0 * np.arange(12)
        expected = {((float(a) + 180) % 360 - 180, float(k)) for k, a in enumerate(x)}
        with opened(coverages(grid(x, [0.0, 1.0]))) as file:
            assert {(a, value) for a, b, value in pixels(file) if b == 0} == expected

    def test_a_window_across_the_antimeridian_runs_on(self) -> None:
        with opened(coverages(grid([178.0, 180.0, 182.0]))) as file:
            assert (file.bounds.left, file.bounds.right) == (177, 183)

    @pytest.mark.parametrize("crs", [CRS84, WGS84])
    def test_longitude_and_latitude_are_wgs_84(self, crs: Any) -> None:
        label = HorizontalCrs(crs.uri, crs.wkt, geographic=True, latitude_first=crs.latitude_first)
        with opened(coverages(grid(), crs=label)) as file:
            assert file.crs.to_epsg() == 4326

    def test_a_map_in_metres_says_so(self) -> None:
        with opened(coverages(grid(X * 1e5, Y * 1e5), crs=MERCATOR)) as file:
            assert (file.crs.to_epsg(), file.res) == (3857, (1e5, 1e5))

    def test_a_lone_cell_is_as_wide_as_the_grid_has_it(self) -> None:
        with opened(coverages(grid([1.0], [0.0]))) as file:  # of a grid of one degree
            assert tuple(file.bounds) == (0.5, -0.5, 1.5, 0.5)

    def test_coordinates_of_float32_are_even(self) -> None:
        x = np.float32(0.01) * np.arange(30_000, 30_050, dtype=np.float32)
        with opened(coverages(grid(x.astype(float), [0.0, 1.0]))) as file:
            assert file.width == 50


class TestBands:
    def test_each_parameter_and_level_has_one(self) -> None:
        axes: Any = {"x": X, "y": Y, "z": Z, "t": times(1)}
        values = np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3)
        names = ("t", "z", "y", "x")
        ranges = {"a": Range(names, values), "b": Range(names, values + 20)}
        with opened(coverages(Coverage(DomainType.GRID, axes, ranges, vertical("hPa")))) as file:
            assert file.descriptions == ("a at 1 hPa", "a at 2 hPa", "b at 1 hPa", "b at 2 hPa")
            assert file.read()[:, 0, 0].tolist() == [0, 6, 20, 26]
            assert (file.tags()["time"], file.tags(2)["level"]) == ("1970-01-02T00:00:00Z", "2")

    def test_parameters_on_other_levels_are_bands_of_the_same_raster(self) -> None:
        levels = of(DomainType.GRID, {"x": X, "y": Y, "z": Z}, ("z", "y", "x"), np.zeros((2, 2, 3)))
        with opened(coverages(levels, grid(name="w"))) as file:
            assert file.descriptions == ("v at 1", "v at 2", "w")

    def test_units_and_names_are_told(self) -> None:
        answer = coverages(grid(dimensions={"number": 3}))
        parameter = replace(answer.parameters[0], unit=Unit("m s-1", None), standard_name="wind_speed")
        with opened(replace(answer, parameters=(parameter,))) as file:
            assert (file.units, file.tags(1)["standard_name"], file.tags(1)["number"]) == (
                ("m s-1",),
                "wind_speed",
                "3",
            )

    @pytest.mark.parametrize(
        "dtype", ["float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", ">f4"]
    )
    def test_numbers_keep_their_type_and_value(self, dtype: str) -> None:
        kind = np.dtype(dtype)
        info = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
        values = np.array([[info.min, info.max, 1], [0, 1, 2]], kind)
        with opened(coverages(grid(values=values))) as file:
            assert (file.dtypes[0], file.read(1).tolist()) == (kind.newbyteorder("=").name, values.tolist())

    def test_bands_of_different_types_share_one_that_holds_both(self) -> None:
        ranges = {"a": Range(("y", "x"), SIX.astype(np.int32)), "b": Range(("y", "x"), SIX + np.float32(0.1))}
        with opened(coverages(Coverage(DomainType.GRID, {"x": X, "y": Y}, ranges))) as file:
            assert set(file.dtypes) == {"float64"}

    @pytest.mark.parametrize(("dtype", "nodata"), [("float32", True), ("int16", False)])
    def test_missing_is_nan_where_there_can_be_some(self, dtype: str, nodata: bool) -> None:
        with opened(coverages(grid(values=SIX.astype(dtype)))) as file:
            assert (file.nodata is not None and bool(np.isnan(file.nodata))) == nodata


class TestFile:
    def test_large_ones_are_cloud_optimized_with_overviews_of_the_numbers(self) -> None:
        edge, values = np.arange(700) / 10, np.random.default_rng(0).normal(size=(700, 700)).astype(np.float32)
        with opened(coverages(grid(edge, edge, values))) as file:
            assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert file.overviews(1) == [2]
            assert np.isin(file.read(1, out_shape=(350, 350)), values).all()

    def test_the_same_answer_is_the_same_bytes(self) -> None:
        assert body_of(coverages(grid())) == body_of(coverages(grid()))

    @pytest.mark.parametrize("shape", [(1, 3000), (3000, 1), (40, 700)])
    def test_tiles_of_narrow_ones_are_small(self, shape: tuple[int, int]) -> None:
        y, x = (np.arange(n) / 100 for n in shape)
        answer = coverages(grid(x, y, np.random.default_rng(0).normal(size=shape).astype(np.float32)))
        with opened(answer) as file:
            assert file.block_shapes[0] == (128, 128)

    @pytest.mark.parametrize("f", ["GeoTIFF", "tiff", "cog", "image/tiff", GeoTiffEncoder.media_types[0]])
    def test_f_names_it(self, f: str) -> None:
        assert encoder_for(f, "cube").name == "GeoTIFF"

    @pytest.mark.parametrize("query_type", ["position", "trajectory"])
    def test_queries_of_points_do_not_offer_it(self, query_type: str) -> None:
        assert "GeoTIFF" not in [encoder.name for encoder in encoders_of(query_type)]


class TestRefusals:
    @pytest.mark.parametrize(
        ("members", "advice"),
        [
            (
                [of(DomainType.GRID, {"x": X, "y": Y, "t": times(0, 1)}, ("t", "y", "x"), [SIX, SIX])],
                "datetime=1970-01-02T",
            ),
            ([grid(dimensions={"number": n}) for n in (3, 4)], "number=3"),
            ([grid(place=0), grid(X + 20, place=1)], "several areas"),
            ([grid(place=0), grid(place=1)], "several areas"),
            ([grid(), grid(X + 1, name="w")], "parameter-name"),
            ([grid([1.0, 2.0, 4.0])], "columns of this answer are not"),
            ([grid(y=[1.0, 2.0, 4.0])], "rows of this answer are not"),
            ([COVERAGES["MultiPoint"]], "holds grids"),
        ],
    )
    def test_what_is_not_one_raster_is_refused_with_a_way_out(self, members: list[Coverage], advice: str) -> None:
        with pytest.raises(InvalidFormat, match=advice):
            GeoTiffEncoder().encode(coverages(*members))

    def test_a_lone_column_in_metres_is_refused(self) -> None:
        with pytest.raises(InvalidFormat, match="two columns"):
            GeoTiffEncoder().encode(coverages(grid([1e5]), crs=MERCATOR))

    def test_too_many_bands_of_a_narrow_raster_are_refused(self) -> None:
        levels = np.arange(MAX_PIXELS / 128**2 + 1)
        deep = of(
            DomainType.GRID, {"x": X[:1] - 9, "y": Y[:1] - 50, "z": levels}, ("z", "y", "x"), levels[:, None, None]
        )
        with pytest.raises(ResponseTooLarge, match="fewer levels"):
            GeoTiffEncoder().encode(coverages(deep))


@st.composite
def cubes(draw: Draw, spec: StoreSpec) -> CubeQuery:
    query: CubeQuery = draw(cube_queries(spec))
    return replace(query, datetime=None, custom={})


def even(rows: list[Row], name: str) -> bool:
    values = np.unique([getattr(row, name) for row in rows])
    return values.size < 3 or bool(np.ptp(np.diff(values)) < 0.01 * np.diff(values).mean())


Cell = tuple[float, float, float | None]
"""Longitude from 0, latitude and value."""


def cells(rows: list[Row]) -> set[Cell]:
    """By CoverageJSON."""
    return {(round((r.x or 0) % 360, 3) % 360, round(r.y or 0, 3), r.value) for r in rows}


def read_cells(answer: CoverageSet) -> set[Cell]:
    """By GDAL."""
    found: set[Cell] = set()
    with opened(answer) as file:
        for band in file.indexes:
            for (row, column), value in np.ndenumerate(file.read(band)):
                x, y = file.xy(row, column)
                plain = None if not np.isfinite(value) else float(str(value))
                found.add((round(float(x) % 360, 3) % 360, round(float(y), 3), plain))
    return found


@seed(0)
@profile(40)
@given(cases(cubes, count=4))
def test_answers_are_read_back_or_are_no_raster(case: Case[CubeQuery]) -> None:
    collection = collection_on(in_memory(case.spec))
    for query in case.queries:
        one = replace(query, parameters=(case.spec.variables[0].name,))
        answer = coverages_of(one, collection)
        rows = [] if answer is None else decode(b"".join(CovJsonEncoder().encode(answer)))
        if answer is None or 1 in (len({r.x for r in rows}), len({r.y for r in rows})):
            continue  # no data, or a lone cell, whose centre need not be in the middle of its edges
        whole = len({r.time for r in rows}) == 1 and len({r.members for r in rows}) == 1
        if whole and even(rows, "x") and even(rows, "y"):
            assert read_cells(answer) == cells(rows)
        else:
            with pytest.raises(InvalidFormat):
                GeoTiffEncoder().encode(answer)
