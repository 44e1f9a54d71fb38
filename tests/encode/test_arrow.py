"""Parquet, GeoParquet and Arrow say what CoverageJSON says, in types."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, seed

from zarr_edr.encode import encoder_for
from zarr_edr.encode.arrow import ArrowEncoder, GeoParquetEncoder, ParquetEncoder
from zarr_edr.encode.protocol import Encoder
from zarr_edr.engine import answer
from zarr_edr.plan import PointShape
from zarr_edr.query.geometry import Tags
from zarr_edr.query.model import Query
from zarr_edr.query.request import build_query
from zarr_edr.testing.agreement import collection_on, profile
from zarr_edr.testing.cf import collection_at
from zarr_edr.testing.sample_coverages import COVERAGES, coverages
from zarr_edr.testing.stores import StoreSpec, in_memory
from zarr_edr.testing.strategies_shapes import questions
from zarr_edr.testing.tables import Row, differences

ENCODERS = (ParquetEncoder(), GeoParquetEncoder(), ArrowEncoder())


def table_of(encoder: Encoder, body: bytes) -> pa.Table:
    if encoder.name == "Arrow":
        return pa.ipc.open_stream(body).read_all()
    return pq.read_table(io.BytesIO(body))


def rows_of(table: pa.Table) -> list[Row]:
    """Rows with times and float32 values as CoverageJSON writes them."""
    single = [field.name for field in table.schema if pa.types.is_float32(field.type)]
    for name in single:
        shortest = [None if v is None else float(str(np.float32(v))) for v in table[name].to_pylist()]
        table = table.set_column(table.column_names.index(name), name, pa.array(shortest, pa.float64()))
    rows: list[Row] = table.to_pylist()
    return [{**row, "time": _iso(row["time"])} if "time" in row else row for row in rows]


def _iso(time: datetime | str | None) -> str | None:
    if time is None or isinstance(time, str):
        return time
    text = time.replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def asked(encoder: Encoder, path: str = "data/era5ens.zarr", query: str = "position", **given: str) -> pa.Table:
    of = collection_at(path)
    body = answer(build_query(query, given, of), of, encoder).whole()
    assert body is not None
    return table_of(encoder, body)


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda e: e.name)
@pytest.mark.parametrize("rows", [3, 10**9], ids=["in parts", "whole"])
def test_tables_say_what_coveragejson_says(encoder: Encoder, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zarr_edr.engine.ROWS_PER_PART", rows)

    @seed(2)
    @profile(12)
    @given(questions())
    def agree(question: tuple[StoreSpec, Sequence[Query]]) -> None:
        of = collection_on(in_memory(question[0]))
        for query in question[1]:
            ours, theirs = (answer(query, of, e).whole() for e in (encoder, encoder_for(None)))
            assert (ours is None) == (theirs is None)
            if ours is not None and theirs is not None:
                assert differences(rows_of(table_of(encoder, ours)), theirs, of) == []

    agree()


class TestColumns:
    @pytest.fixture
    def schema(self) -> pa.Schema:
        return asked(ParquetEncoder(), coords="MULTIPOINT((0 50),(5 40))").schema

    def test_are_typed(self, schema: pa.Schema) -> None:
        assert {name: str(schema.field(name).type) for name in ("point", "time", "z", "x", "number", "t")} == {
            "point": "int64",
            "time": "timestamp[us, tz=UTC]",
            "z": "double",
            "x": "double",
            "number": "int64",
            "t": str(collection_at("data/era5ens.zarr").parameters["t"].packing.dtype).replace("float64", "double"),
        }

    def test_carry_their_units_and_names(self, schema: pa.Schema) -> None:
        metadata = schema.field("t").metadata
        assert (metadata[b"unit"], metadata[b"standard_name"]) == (b"K", b"air_temperature")
        assert schema.field("z").metadata[b"unit"] == b"hPa"

    def test_say_in_which_crs_they_are(self, schema: pa.Schema) -> None:
        assert schema.metadata[b"crs"].endswith(b"CRS84")

    def test_of_another_calendar_are_text(self) -> None:
        times = asked(ParquetEncoder(), "data/a1b360.zarr", coords="POINT(-90 40)")["time"]
        assert (times.type, times[0].as_py()[-1]) == (pa.string(), "Z")


class TestTags:
    @pytest.mark.parametrize(
        ("values", "kind"),
        [
            ((1, None), pa.int64()),
            ((1, 2.5), pa.float64()),
            (("a", None), pa.string()),
            ((True, False), pa.bool_()),
            ((1, "a"), pa.string()),
            (([1], {"k": None}), pa.string()),
            ((2**70, 1), pa.string()),
            ((None, None), pa.string()),
        ],
        ids=["whole", "numbers", "text", "boolean", "mixed", "lists", "large", "nothing"],
    )
    def test_come_back_in_the_type_that_holds_them(self, values: tuple[Any, ...], kind: pa.DataType) -> None:
        of = collection_at("data/ostia.zarr")
        query = build_query("position", {"coords": "MULTIPOINT((0 0),(10 1))", "datetime": "2008-07"}, of)
        tagged = type(query)(**{**{f: getattr(query, f) for f in query.__dataclass_fields__}, "tags": Tags(values, {})})
        body = answer(tagged, of, ParquetEncoder()).whole()
        found = table_of(ParquetEncoder(), body or b"")["id"]
        text = kind == pa.string()
        assert found.type == kind
        written = [
            v if v is None or isinstance(v, str) or not text else json.dumps(v, separators=(",", ":")) for v in values
        ]
        assert found.to_pylist() == written


class TestGeoParquet:
    @pytest.fixture
    def table(self) -> pa.Table:
        return asked(GeoParquetEncoder(), query="area", coords="POLYGON((0 50,10 50,5 60,0 50))")

    def test_has_a_point_for_each_row(self, table: pa.Table) -> None:
        wkb = np.frombuffer(b"".join(table["geometry"].to_pylist()), [("o", "u1"), ("t", "<u4"), ("xy", "<f8", 2)])
        np.testing.assert_array_equal(wkb["xy"][:, 0], table["x"])
        np.testing.assert_array_equal(wkb["xy"][:, 1], table["y"])
        assert set(zip(wkb["o"].tolist(), wkb["t"].tolist(), strict=True)) == {(1, 1)}

    def test_says_so_in_the_metadata_of_the_file(self, table: pa.Table) -> None:
        geo = json.loads(table.schema.metadata[b"geo"])
        assert geo["columns"][geo["primary_column"]] == {"encoding": "WKB", "geometry_types": ["Point"]}

    def test_names_a_crs_that_is_not_the_default(self) -> None:
        bbox = "0,6000000,1000000,7000000"
        table = asked(GeoParquetEncoder(), query="cube", bbox=bbox, crs="EPSG:3857")
        crs = json.loads(table.schema.metadata[b"geo"])["columns"]["geometry"]["crs"]
        assert crs["id"] == {"authority": "EPSG", "code": 3857}


def test_points_outside_have_no_value() -> None:
    table = asked(ParquetEncoder(), "data/ostia.zarr", coords="MULTIPOINT((0 0),(0 80))", datetime="2008-07")
    assert table["surface_temperature"].null_count == 1


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None], pa.int64()),
        ([1, 0.5], pa.float64()),
        ([2**53, 0.5], pa.float64()),
        ([2**53 + 1, 0.5], pa.string()),
        ([2**63 - 1, None], pa.int64()),
        ([2**64 - 1, None], pa.string()),
        ([True, None], pa.bool_()),
    ],
)
def test_a_property_is_of_a_type_that_holds_each_of_its_numbers(values: list[Any], kind: pa.DataType) -> None:
    tags = Tags(None, {"n": [*values, None]})
    answer = coverages(COVERAGES["MultiPoint"], tags=tags, shape=PointShape.MANY)
    column = pq.read_table(io.BytesIO(b"".join(ParquetEncoder().encode(answer))))["n"]
    expected = [None if v is None else str(v) if kind == pa.string() else v for v in [*values, None]]
    assert (column.type, column.to_pylist()) == (kind, expected)
