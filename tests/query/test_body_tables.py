"""CSV, Parquet and Arrow bodies read back to the numbers and words that were written."""

from __future__ import annotations

import builtins
import csv
import datetime
import decimal
import io
import math
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarr_edr.errors import DeadlineExceeded, InvalidBody, InvalidCoords, QueryTooLarge, UnsupportedMediaType
from zarr_edr.limits import Deadline, Limits
from zarr_edr.query import body_pyarrow
from zarr_edr.query.body import ARROW_TYPES, CSV_TYPE, PARQUET_TYPE, parse_body
from zarr_edr.query.geometry import GeometryKind, Places, Tags

LIMITS = Limits()
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8).filter(
    lambda word: not word[0].isdecimal() and word[0] != "-"
)


def places(body: bytes, content_type: str, limits: Limits = LIMITS) -> Places:
    found = parse_body(body, content_type, limits).places
    assert found is not None
    return found


def tags(body: bytes, content_type: str) -> Tags:
    found = places(body, content_type).tags
    assert found is not None
    return found


def csv_tags(text: str) -> Tags:
    return tags(text.encode(), CSV_TYPE)


def parquet(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def ipc(make: Callable[..., Any], compression: str | None = None) -> Callable[[pa.Table], bytes]:
    def write(table: pa.Table) -> bytes:
        sink = io.BytesIO()
        with make(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
            writer.write_table(table, max_chunksize=2)
        return sink.getvalue()

    return write


WRITERS: dict[str, tuple[str, Callable[[pa.Table], bytes]]] = {
    "parquet": (PARQUET_TYPE, parquet),
    "parquet, plain": (PARQUET_TYPE, lambda table: parquet(table, use_dictionary=False, compression="none")),
    "parquet, pages of version 2": (
        PARQUET_TYPE,
        lambda table: parquet(table, data_page_version="2.0", compression="zstd"),
    ),
    "parquet, small groups": (PARQUET_TYPE, lambda table: parquet(table, row_group_size=2)),
    "parquet, brotli": (PARQUET_TYPE, lambda table: parquet(table, compression="brotli")),
    "stream": (ARROW_TYPES[0], ipc(pa.ipc.new_stream)),
    "stream, lz4": (ARROW_TYPES[0], ipc(pa.ipc.new_stream, "lz4")),
    "stream, zstd": (ARROW_TYPES[0], ipc(pa.ipc.new_stream, "zstd")),
    "file": (ARROW_TYPES[1], ipc(pa.ipc.new_file)),
    "file, lz4": (ARROW_TYPES[1], ipc(pa.ipc.new_file, "lz4")),
}
EACH = pytest.mark.parametrize(("content_type", "write"), WRITERS.values(), ids=WRITERS)


class TestCsv:
    @given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=20), st.sampled_from(["\n", "\r\n"]))
    def test_coordinates_read_back_to_the_same_floats(self, rows: list[tuple[float, ...]], end: str) -> None:
        text = end.join(["x,y,z", *(",".join(map(repr, row)) for row in rows)])
        assert places(text.encode(), CSV_TYPE).geometry.coords.tolist() == [list(row) for row in rows]

    @given(st.lists(WORDS, min_size=1, max_size=10))
    def test_words_read_back_however_they_are_quoted(self, words: list[str]) -> None:
        sink = io.StringIO()
        writer = csv.writer(sink)
        writer.writerows([["lon", "lat", "name"], *([1, 2, word] for word in words)])
        assert csv_tags(sink.getvalue()).properties["name"] == words

    @given(st.lists(st.lists(st.text(max_size=4) | NUMBERS.map(repr), min_size=2, max_size=2), min_size=1, max_size=4))
    def test_any_fields_are_numbers_or_refused_with_the_line(self, rows: list[list[str]]) -> None:
        sink = io.StringIO()
        csv.writer(sink).writerows([["x", "y"], *rows])
        body = sink.getvalue().encode("utf-8", "replace")
        try:
            found = places(body, CSV_TYPE).geometry.coords.tolist()
        except InvalidBody as error:
            assert re.match(r"Line \d+", error.message) is not None  # noqa: PT017 - which of both is for the reader to say
        else:
            assert found == [[float(field) for field in row] for row in rows]

    @pytest.mark.parametrize(
        "header", ["lon,lat", "LON,LAT", "longitude,latitude", "Longitude , Latitude", "x,y", "X,Y", "\ufefflon,lat"]
    )
    def test_each_name_of_a_coordinate_is_understood_in_any_case(self, header: str) -> None:
        assert places(f"{header}\n1,2\n".encode(), CSV_TYPE).geometry.coords.tolist() == [[1, 2]]

    def test_columns_may_come_in_any_order(self) -> None:
        found = places(b"name,lat,Z,lon\na,2,3,1\n", CSV_TYPE).geometry
        assert (found.kind, found.has_z, found.coords.tolist()) == (GeometryKind.MULTIPOINT, True, [[1, 2, 3]])

    def test_a_column_of_numbers_is_numbers_and_an_empty_field_is_none(self) -> None:
        found = csv_tags("x,y,n,f,w,e\n1,2,7,1.5,a,\n1,2,,-2e3,,\n")
        assert found.properties == {"n": [7, None], "f": [1.5, -2000.0], "w": ["a", None], "e": [None, None]}

    @pytest.mark.parametrize("code", ["007", "+5", "1e999", "0x10", "1_0", "nan", "12345678901234567890", " 5", "5."])
    def test_what_would_change_as_a_number_stays_text(self, code: str) -> None:
        assert csv_tags(f"x,y,code\n1,2,{code}\n1,2,5\n").properties["code"] == [code, "5"]

    def test_an_id_is_text_or_a_number(self) -> None:
        assert csv_tags("Id,x,y\nB1,1,2\nB2,1,2\n").ids == ("B1", "B2")
        assert csv_tags("Id,x,y\n5,1,2\n6,1,2\n").ids == (5, 6)

    def test_coordinates_alone_have_no_tags(self) -> None:
        assert places(b"x,y\n1,2\n", CSV_TYPE).tags is None

    def test_no_table_is_read_beyond_the_deadline(self, monkeypatch: pytest.MonkeyPatch) -> None:
        looks = iter([1.0, 1.0])
        monkeypatch.setattr(Deadline, "remaining_s", property(lambda _: next(looks, -1.0)))
        with pytest.raises(DeadlineExceeded):
            places(b"x,y\n" + b"1,2\n" * 30_000, CSV_TYPE)

    def test_longitudes_are_in_degrees_and_x_is_in_the_crs(self) -> None:
        assert places(b"lon,lat\n1,2\n", CSV_TYPE).in_degrees
        assert not places(b"x,y\n1,2\n", CSV_TYPE).in_degrees


TABLE = pa.table(
    {
        "Longitude": pa.array([1.5, -2.5, 3.0], pa.float32()),
        "latitude": pa.array([1, 2, 3], pa.int8()),
        "z": pa.array(["1.5", "2.5", "3.5"]).cast(pa.decimal128(5, 1)),
        "ID": ["a", None, "c"],
        "n": pa.array([2**60, None, 3], pa.int64()),
        "f": [0.1, math.nan, math.inf],
        "b": [True, None, False],
        "d": pa.array([decimal.Decimal("1.25"), None, decimal.Decimal("-2.50")]),
        "word": pa.array(["x", None, "x"]).dictionary_encode(),
        "when": pa.array([datetime.date(2020, 1, 2), None, datetime.date(2021, 1, 2)]),
        "at": pa.array([datetime.datetime(2020, 1, 2, 3, tzinfo=datetime.UTC), None, None], pa.timestamp("ms", "UTC")),
    }
)
PROPERTIES = {
    "n": [2**60, None, 3],
    "f": [0.1, None, None],
    "b": [True, None, False],
    "d": [1.25, None, -2.5],
    "word": ["x", None, "x"],
    "when": ["2020-01-02", None, "2021-01-02"],
    "at": ["2020-01-02T03:00:00.000Z", None, None],
}


class TestArrowAndParquet:
    @EACH
    def test_coordinates_of_every_type_of_number_read_back(
        self, content_type: str, write: Callable[[pa.Table], bytes]
    ) -> None:
        found = places(write(TABLE), content_type)
        assert found.geometry.coords.tolist() == [[1.5, 1, 1.5], [-2.5, 2, 2.5], [3, 3, 3.5]]
        assert found.in_degrees

    @EACH
    def test_ids_and_properties_of_every_type_read_back(
        self, content_type: str, write: Callable[[pa.Table], bytes]
    ) -> None:
        found = tags(write(TABLE), content_type)
        assert found.ids == ("a", None, "c")
        assert found.properties == PROPERTIES

    @EACH
    def test_the_limit_on_points_is_met_to_the_point(
        self, content_type: str, write: Callable[[pa.Table], bytes]
    ) -> None:
        assert len(places(write(TABLE), content_type, Limits(points=3)).geometry.coords) == 3
        with pytest.raises(QueryTooLarge, match=r"limits\.points"):
            places(write(TABLE), content_type, Limits(points=2))

    @EACH
    def test_a_table_is_measured_before_it_is_read(
        self, content_type: str, write: Callable[[pa.Table], bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = write(pa.table({"x": np.arange(500.0), "y": np.arange(500.0)}))
        for reader in ("pyarrow.parquet.ParquetFile.read", "pyarrow.ipc.open_stream"):
            monkeypatch.setattr(reader, lambda *_, **__: pytest.fail("read"))
        with pytest.raises(QueryTooLarge, match=r"limits\.inflated_bytes"):
            places(body, content_type, Limits(inflated_bytes=7_900))

    @EACH
    def test_without_the_library_the_extra_is_named(
        self, content_type: str, write: Callable[[pa.Table], bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body, real = write(TABLE), builtins.__import__

        def without(name: str, *rest: Any) -> Any:
            if name.partition(".")[0] == "pyarrow":
                raise ImportError(name)
            return real(name, *rest)

        monkeypatch.setattr(builtins, "__import__", without)
        with pytest.raises(UnsupportedMediaType, match=r"zarr-edr\[tables\]"):
            parse_body(body, content_type, LIMITS)

    @EACH
    @given(st.data())
    def test_damaged_bytes_are_refused_or_read_but_never_break_the_reader(
        self, content_type: str, write: Callable[[pa.Table], bytes], data: st.DataObject
    ) -> None:
        body = bytearray(write(TABLE))
        for _ in range(data.draw(st.integers(1, 4))):
            body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.sampled_from([0, 1, 127, 128, 255]))
        with suppress(InvalidBody, InvalidCoords, QueryTooLarge):
            assert parse_body(bytes(body), content_type, LIMITS).places is not None

    def test_a_flood_of_row_groups_is_refused(self) -> None:
        body = parquet(pa.table({"x": np.zeros(5000), "y": np.zeros(5000)}), row_group_size=1)
        with pytest.raises(QueryTooLarge, match="too many row groups"):
            places(body, PARQUET_TYPE)

    @EACH
    def test_no_table_is_read_beyond_the_deadline(
        self, content_type: str, write: Callable[[pa.Table], bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body, looks = write(TABLE), iter([1.0, 1.0])
        monkeypatch.setattr(Deadline, "remaining_s", property(lambda _: next(looks, -1.0)))
        with pytest.raises(DeadlineExceeded, match=r"limits\.seconds"):
            parse_body(body, content_type, LIMITS)


WORD = pa.dictionary(pa.int32(), pa.string())


def shared(words: pa.Array, indices: list[int | None], **options: Any) -> bytes:
    """A stream with a batch of one row for each index into one dictionary."""
    schema, sink = pa.schema([("x", pa.float64()), ("y", pa.float64()), ("word", WORD)]), io.BytesIO()
    with pa.ipc.new_stream(sink, schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        for index in indices:
            named = pa.DictionaryArray.from_arrays(pa.array([index], pa.int32()), words, safe=False)
            writer.write_batch(pa.record_batch([pa.array([1.0]), pa.array([2.0]), named], schema=schema))
    return sink.getvalue()


class TestDictionaries:
    def test_each_row_has_the_word_that_its_index_names(self) -> None:
        found = tags(shared(pa.array(["a", "b", None]), [1, None, 0, 2, 1]), ARROW_TYPES[0])
        assert found.properties["word"] == ["b", None, "a", None, "b"]

    @pytest.mark.parametrize("index", [-1, 2])
    def test_an_index_beyond_the_words_is_refused(self, index: int) -> None:
        with pytest.raises(InvalidBody, match="index into a dictionary of 2"):
            places(shared(pa.array(["a", "b"]), [0, index]), ARROW_TYPES[0])

    def test_a_dictionary_that_does_not_come_is_refused(self) -> None:
        sink = pa.BufferOutputStream()
        for message in pa.ipc.MessageReader.open_stream(shared(pa.array(["a"]), [0])):
            if message.type != "dictionary":
                message.serialize_to(sink)
        with pytest.raises(InvalidBody, match="not a table in Arrow's IPC format"):
            places(sink.getvalue().to_pybytes(), ARROW_TYPES[0])

    def test_of_a_long_dictionary_only_the_words_in_use_become_objects(self, monkeypatch: pytest.MonkeyPatch) -> None:
        converted = []

        def plain(pa_: Any, chunk: Any) -> list[Any]:
            converted.append(len(chunk))
            return real(pa_, chunk)

        real = body_pyarrow._plain
        monkeypatch.setattr(body_pyarrow, "_plain", plain)
        places(shared(pa.array([""] * 1_000_000), [5] * 30, compression="zstd"), ARROW_TYPES[0])
        assert max(converted) == 1

    def test_words_of_all_batches_and_columns_are_counted_together(self) -> None:
        with pytest.raises(QueryTooLarge, match=r"limits\.inflated_bytes"):
            places(shared(pa.array(["a" * 5_000]), [0] * 30), ARROW_TYPES[0], Limits(inflated_bytes=100_000))
