"""CSV, records and newline-delimited JSON say what CoverageJSON says, whole or in parts."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from zarr_edr.coverage import Coverage, CoverageSet, DomainType, Range, Times, Tuples
from zarr_edr.dataset.model import HorizontalCrs, TimeAxis
from zarr_edr.encode import encoder_for
from zarr_edr.encode.protocol import Encoder, PartsEncoder
from zarr_edr.encode.rows import CsvEncoder, NdjsonEncoder, RecordsEncoder
from zarr_edr.engine import answer
from zarr_edr.outline import Outline
from zarr_edr.plan import PointShape
from zarr_edr.query.geometry import Tags
from zarr_edr.query.model import Query
from zarr_edr.query.request import build_query
from zarr_edr.testing.agreement import collection_on, profile
from zarr_edr.testing.cf import collection_at
from zarr_edr.testing.stores import StoreSpec, in_memory
from zarr_edr.testing.strategies_shapes import questions
from zarr_edr.testing.tables import Row, csv_rows, differences

CRS84 = HorizontalCrs("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "", geographic=True)


def rows_of(encoder: Encoder, body: bytes) -> list[Row]:
    if encoder.name == "CSV":
        return csv_rows(body)
    rows: list[Row] = orjson.loads(body) if encoder.name == "Records" else [*map(orjson.loads, body.splitlines())]
    return rows


@pytest.mark.parametrize("encoder", [CsvEncoder(), RecordsEncoder(), NdjsonEncoder()], ids=lambda e: e.name)
def test_rows_say_what_coveragejson_says(encoder: Encoder) -> None:
    names = {"x": "x", "y": "y"} if encoder.name == "CSV" else {"x": "lon", "y": "lat"}

    @seed(0)
    @profile(25)
    @given(questions())
    def agree(question: tuple[StoreSpec, list[Query]]) -> None:
        of = collection_on(in_memory(question[0]))
        for query in question[1]:
            ours, theirs = (answer(query, of, e).whole() for e in (encoder, encoder_for(None)))
            assert (ours is None) == (theirs is None)
            if ours is not None and theirs is not None:
                assert differences(rows_of(encoder, ours), theirs, of, **names) == []

    agree()


@pytest.mark.parametrize("encoder", [CsvEncoder(), RecordsEncoder()], ids=lambda e: e.name)
def test_an_answer_in_parts_is_the_same_to_the_byte(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    @seed(1)
    @profile(25)
    @given(questions(), st.sampled_from([1, 3, 10]))
    def agree(question: tuple[StoreSpec, list[Query]], rows: int) -> None:
        of = collection_on(in_memory(question[0]))
        for query in question[1]:
            monkeypatch.setattr("zarr_edr.engine.ROWS_PER_PART", 10**9)
            whole = answer(query, of, encoder).whole()
            monkeypatch.setattr("zarr_edr.engine.ROWS_PER_PART", rows)
            assert answer(query, of, encoder).whole() == whole

    agree()


def named(name: str, unit: str | None = None) -> Any:
    """A parameter of the demo under another name."""
    parameter = next(iter(collection_at("data/ostia.zarr").parameters.values()))
    return replace(parameter, name=name, unit=None if unit is None else replace(parameter.unit, text=unit))  # type: ignore[type-var]  # of the demo, which has a unit


def points(name: str = "v", tags: Tags | None = None, unit: str | None = None) -> CoverageSet:
    """Two points with two times."""
    axis = TimeAxis("time", np.arange(2) * 3_600_000_000, "standard", ("1970-01-01T00:00:00Z", "1970-01-01T01:00:00Z"))
    axes: Any = {
        "composite": Tuples(np.array([10.0, 11.5]), np.array([50.0, 51.0]), None),
        "t": Times(axis, np.array([0, 1])),
    }
    values = Range(("t", "composite"), np.array([[1.5, np.nan], [np.inf, 4]], np.float32))
    coverage = Coverage(DomainType.MULTI_POINT_SERIES, axes, {name: values})
    return CoverageSet((coverage,), (named(name, unit),), CRS84, True, shape=PointShape.MANY, tags=tags)


def text(encoder: Encoder, coverages: CoverageSet) -> str:
    return b"".join(encoder.encode(coverages)).decode()


class TestRows:
    def test_come_point_by_point_with_their_number_time_and_place(self) -> None:
        assert text(CsvEncoder(), points(unit="K")).splitlines() == [
            "point,time,x,y,v [K]",
            "0,1970-01-01T00:00:00Z,10.0,50.0,1.5",
            "0,1970-01-01T01:00:00Z,10.0,50.0,",
            "1,1970-01-01T00:00:00Z,11.5,51.0,",
            "1,1970-01-01T01:00:00Z,11.5,51.0,4.0",
        ]

    def test_of_json_have_the_names_of_the_tutorial(self) -> None:
        first = orjson.loads(text(RecordsEncoder(), points()))[0]
        assert first == {"points": 0, "time": "1970-01-01T00:00:00Z", "lon": 10.0, "lat": 50.0, "v": 1.5}

    def test_of_newline_delimited_json_are_a_line_each(self) -> None:
        lines = text(NdjsonEncoder(), points()).split("\n")
        assert [orjson.loads(line) for line in lines[:-1]] == orjson.loads(text(RecordsEncoder(), points()))
        assert lines[-1] == ""

    def test_bring_back_the_ids_and_properties_of_the_client(self) -> None:
        tags = Tags(("a", None), {"name": ["Ålesund, north", 'say "hi"'], "height": [3, [1, {"k": None}]]})
        rows = orjson.loads(text(RecordsEncoder(), points(tags=tags)))
        assert [(r["id"], r["name"], r["height"]) for r in rows[::2]] == [
            ("a", "Ålesund, north", 3),
            (None, 'say "hi"', [1, {"k": None}]),
        ]

    @pytest.mark.parametrize("name", ["time", "x", "point", "id", "lon", "points", "name"])
    def test_keep_a_parameter_apart_from_a_column_of_its_name(self, name: str) -> None:
        tags = Tags(("a", "b"), {"name": ["n", "m"], "lat": [1, 2]})
        for encoder in (CsvEncoder(), RecordsEncoder()):
            rows = rows_of(encoder, text(encoder, points(name, tags)).encode())
            assert len(rows[0]) == len(points(name, tags).parameters) + 4 + 3
            assert 1.5 in {float(v) for k, v in rows[0].items() if k.startswith(name) and _is_number(v)}


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


class TestCsv:
    def test_fields_with_commas_quotes_and_line_ends_come_back(self) -> None:
        odd = ['a,"b"\r\nc', " leading", "", "ü;=1+1"]
        tags = Tags(None, {name: [name, None] for name in odd if name})
        header, first, *_ = csv.reader(io.StringIO(text(CsvEncoder(), points(tags=tags)), newline=""), strict=True)
        assert [name for name in odd if name] == header[1:4]
        assert first[1:4] == header[1:4]

    def test_lines_end_as_rfc_4180_has_it(self) -> None:
        assert text(CsvEncoder(), points()).count("\r\n") == 5


def test_numbers_are_the_shortest_that_read_back_to_the_same_float32() -> None:
    coverages = points()
    values = np.array([[0.1, 1e-30], [3.4028235e38, 16777217]], np.float32)
    coverage = replace(coverages.coverages[0], ranges={"v": Range(("t", "composite"), values)})
    rows = csv_rows(text(CsvEncoder(), replace(coverages, coverages=(coverage,))).encode())
    written = [str(row["v"]) for row in rows]
    assert np.array(written, np.float32).tolist() == values.T.reshape(-1).tolist()
    assert all(len(text) <= len(str(value)) for text, value in zip(written, values.T.reshape(-1), strict=True))


def test_rows_in_metres_have_no_longitudes() -> None:
    projected = replace(points(), crs=HorizontalCrs("http://www.opengis.net/def/crs/EPSG/0/3857", "", geographic=False))
    assert list(orjson.loads(text(RecordsEncoder(), projected))[0])[:4] == ["points", "time", "x", "y"]


def test_rows_of_a_query_in_metres_are_in_metres() -> None:
    of = collection_at("data/ostia.zarr")
    query = build_query("position", {"coords": "POINT(0 0)", "crs": "EPSG:3857", "datetime": "2008-07"}, of)
    (row,) = orjson.loads(answer(query, of, RecordsEncoder()).whole() or b"")
    assert row.keys() == {"points", "time", "x", "y", "surface_temperature"}


class TestNames:
    def test_parameters_keep_theirs_and_posted_properties_give_way(self) -> None:
        tags = Tags(("a", "b"), {"v": [7, 8], "time": [1, 2], "v_property": [5, 6]})
        rows = csv_rows(text(CsvEncoder(), points(tags=tags)).encode())
        assert {"id", "v", "v_property", "v_property_property", "time", "time_property"} <= rows[0].keys()
        assert [float(str(rows[0]["v"])), str(rows[0]["time_property"])] == [1.5, "1"]

    def test_an_id_that_is_posted_does_not_move_a_parameter(self) -> None:
        first = csv_rows(text(CsvEncoder(), points("id", Tags(("a", "b"), {}))).encode())[0]
        assert (first["id_property"], float(str(first["id"]))) == ("a", 1.5)

    def test_of_json_members_are_unique(self) -> None:
        names = ["lon", "lon_property", "points", "points_property", "x", "lat", "lon_property_property"]
        tags = Tags(None, {name: [number, None] for number, name in enumerate(names)})
        pairs = orjson.loads(text(RecordsEncoder(), points(tags=tags)))[0]
        assert len(pairs) == len(names) + 5
        assert (pairs["lon"], pairs["lat"], pairs["x"]) == (10.0, 50.0, 4)

    def test_of_json_a_parameter_may_have_that_of_the_tutorial(self) -> None:
        first = orjson.loads(text(RecordsEncoder(), points("lat")))[0]
        assert (first["lat"], first["lat_parameter"]) == (50.0, 1.5)


@pytest.mark.parametrize(
    ("encoder", "expected"), [(RecordsEncoder(), b"[]"), (NdjsonEncoder(), b"")], ids=["Records", "NDJSON"]
)
def test_no_rows_at_all_are_an_empty_list(encoder: Encoder, expected: bytes) -> None:
    assert isinstance(encoder, PartsEncoder)
    assert b"".join(encoder.encode_parts(Outline.of_coverages(points()), ())) == expected
