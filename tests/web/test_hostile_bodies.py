"""Bodies that mean harm, or were mangled on the way: each gets a 4xx that names the place of its fault."""

from __future__ import annotations

import gzip
import io
import re
import struct
import zlib
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flask.testing import FlaskClient

from zarr_edr.testing.packing import PACK

JSON, GEOJSON, CSV, FORM = "application/json", "application/geo+json", "text/csv", "application/x-www-form-urlencoded"
PARQUET, STREAM, FILE = (f"application/vnd.apache.{name}" for name in ("parquet", "arrow.stream", "arrow.file"))
RING = [[0, 0], [1, 0], [1, 1], [0, 0]]

Case = tuple[str, str, bytes, str]
"""Query, content type and encoding, body, what the description says, as a regular expression."""


def geojson(query: str, value: Any, says: str) -> Case:
    return query, GEOJSON, orjson.dumps(value), says


def geometry(query: str, kind: str, coordinates: Any, says: str) -> Case:
    return geojson(query, {"type": kind, "coordinates": coordinates}, says)


def features(query: str, *members: Any, says: str) -> Case:
    return geojson(query, {"type": "FeatureCollection", "features": list(members)}, says)


def feature(kind: str, coordinates: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, **more}


HERE = feature("Point", [0, 0])
GEOJSONS: dict[str, Case] = {
    "a ring that is open": geometry(
        "area", "Polygon", [RING, [*RING[:3], [5, 5]]], r"coordinates\[1\]: the ring does not end"
    ),
    "a ring of three": geometry(
        "area", "Polygon", [RING[:3]], r"coordinates\[0\]: the list of positions has 3 where 4"
    ),
    "a ring that is a number": geometry("area", "Polygon", [RING, 5], r"coordinates\[1\] is a number"),
    "a polygon of positions": geometry("area", "Polygon", RING, r"coordinates\[0\]\[0\] is a number"),
    "a polygon that is empty": geometry("area", "Polygon", [], "coordinates is an empty list"),
    "a ring that is empty": geometry("area", "Polygon", [RING, []], r"coordinates\[1\] is an empty list"),
    "a polygon of text": geometry("area", "Polygon", [[[0, 0], [1, "0"], [1, 1], [0, 0]]], r"\[0\]\[1\]\[1\] is text"),
    "a polygon round the Earth": geometry(
        "area", "Polygon", [[[-200, 0], [200, 0], [200, 9], [-200, 0]]], "Polygon 1 .*360"
    ),
    "a polygon beyond the pole": geometry("area", "Polygon", [[[0, 0], [1, 0], [1, 91], [0, 0]]], "point 3 of 4 is 91"),
    "a multipolygon of rings": geometry("area", "MultiPolygon", [RING], r"coordinates\[0\]\[0\]\[0\] is a number"),
    "a part with a hole": geometry("area", "MultiPolygon", [[RING], None], r"coordinates\[1\] is null"),
    "a line of one": geometry("trajectory", "LineString", [[0, 0]], "coordinates: the list of positions has 1 where 2"),
    "a second line of one": geometry(
        "corridor", "MultiLineString", [[[0, 0], [1, 1]], [[0, 0]]], r"coordinates\[1\]: the list of positions has 1"
    ),
    "a line, ragged": geometry("trajectory", "LineString", [[0, 0], [1, 1, 1]], r"coordinates\[1\] has 3 numbers"),
    "a line with M": geometry(
        "trajectory", "LineString", [[0, 0, 0, 0], [1, 1, 1, 1]], r"coordinates\[0\] has 4 numbers"
    ),
    "points for an area": geometry("area", "Point", [0, 0], "has a POINT; the query area takes polygons"),
    "a polygon for a position": geometry(
        "position", "Polygon", [RING], "has a POLYGON; the query position takes points"
    ),
    "a line for a radius": geometry(
        "radius", "LineString", [[0, 0], [1, 1]], "has a LINESTRING; the query radius takes points"
    ),
    "a polygon for a corridor": geometry(
        "corridor", "Polygon", [RING], "has a POLYGON; the query corridor takes lines"
    ),
    "a box for a cube": geometry("cube", "Polygon", [RING], "the query cube takes no geometry; give its bbox"),
    "geometries of two sorts": features(
        "area", HERE, feature("Polygon", [RING]), says=r"features\[1\].geometry.coordinates is of"
    ),
    "a feature that is null": features("position", HERE, None, says=r"features\[1\] is not a feature"),
    "a geometry among features": features("position", HERE, HERE["geometry"], says=r"features\[1\] is not a feature"),
    "a feature without geometry": features(
        "position", {"type": "Feature"}, says=r"features\[0\].geometry is of no known type"
    ),
    "a collection of geometries": geojson(
        "position", {"type": "GeometryCollection", "geometries": [HERE["geometry"]]}, "GeometryCollection"
    ),
    "an id that is a list": features("position", HERE, {**HERE, "id": [1]}, says=r"features\[1\].id is a list"),
    "an id that is true": features("position", {**HERE, "id": True}, says=r"id of the feature is a boolean"),
    "properties that are text": features(
        "position", HERE, {**HERE, "properties": "x"}, says=r"features\[1\].properties is text"
    ),
    "a bad number in a feature": features(
        "area",
        feature("Polygon", [RING]),
        feature("Polygon", [[[0, 0], [1, None], [1, 1], [0, 0]]]),
        says=r"features\[1\].geometry.coordinates\[0\]\[1\]\[1\] is null",
    ),
    "a million properties": geojson(
        "position",
        feature("MultiPoint", [[0, 0]] * 50_000, properties={"x" * 2_000: 1}),
        "ids and properties of the places take .*limits.inflated_bytes",
    ),
    "33 lists": (
        "position",
        JSON,
        b'{"a":' * 33 + b"1" + b"}" * 33,
        r"More than 32 .* at byte 161 of the body.*limits.nesting",
    ),
    "100,000 lists": ("area", JSON, b"[" * 100_000, r"at byte 33 of the body.*limits.nesting"),
    "a member twice": ("position", JSON, b'{"coords":"POINT(1 2)","coords":"POINT(3 4)"}', "'coords' stands twice"),
    "coordinates twice": (
        "area",
        GEOJSON,
        b'{"type":"Polygon","coordinates":[],"coords":"POINT(1 2)"}',
        "more than one way",
    ),
}


def csv(body: str | bytes, says: str, query: str = "position") -> Case:
    return query, CSV, body.encode() if isinstance(body, str) else body, says


CSVS: dict[str, Case] = {
    "a header alone": csv("lon,lat\n", "needs a point, in line 2"),
    "no header": csv("1,2\n3,4\n", "Line 1 has no column for the position"),
    "semicolons": csv("lon;lat\n1;2\n", "separated by semicolons"),
    "tabs": csv("lon\tlat\n1\t2\n", "separated by tabs"),
    "a longitude alone": csv("lon,name\n1,a\n", "Line 1 has 'lon' for the position"),
    "two pairs": csv("lon,lat,x,y\n1,2,3,4\n", "Line 1 has 'lon', 'lat', 'x', 'y'"),
    "a mixed pair": csv("lon,latitude\n1,2\n", "Line 1 has 'latitude', 'lon'"),
    "longitude in two cases": csv("lon,LON,lat\n1,2,3\n", "'lon' and 'LON'"),
    "a column twice": csv("lon,lat,a,a\n1,2,3,4\n", "the column 'a' twice"),
    "a column without name": csv("lon,lat,\n1,2,3\n", "no name for column 3"),
    "101 columns": csv("lon,lat," + ",".join(f"c{i}" for i in range(99)) + "\n1,2\n", "101 columns; at most 100"),
    "too few fields": csv("lon,lat,a\n1,2,3\n1,2\n", "Line 3 has 2 fields, but the header has 3"),
    "too many fields": csv('lon,lat,a\n1,2,"x\ny"\n1,2,3,4\n', "Line 4 has 4 fields"),
    "a blank line": csv("lon,lat\n1,2\n\n3,4\n", "Line 3 has 0 fields"),
    "a word": csv("lon,lat\n1,2\n3,north\n", "Line 3, lat: 'north' is not a finite decimal"),
    "nan": csv("lon,lat\n1,2\nnan,4\n", "Line 3, lon: 'nan'"),
    "inf": csv("lon,lat\n1,-inf\n", "Line 2, lat: '-inf'"),
    "overflow": csv("lon,lat\n1e400,2\n", "Line 2, lon: '1e400'"),
    "hex": csv("lon,lat\n0x10,2\n", "Line 2, lon: '0x10'"),
    "underscore": csv("lon,lat\n1_0,2\n", "Line 2, lon: '1_0'"),
    "arabic-indic digits": csv("lon,lat\n١,2\n", "Line 2, lon: '١'"),  # noqa: RUF001 - the lookalikes are the test
    "a decimal comma": csv('lon,lat\n"1,5",2\n', "Line 2, lon: '1,5'"),
    "a blank that is none": csv("lon,lat\n1\x1c,2\n", r"Line 2, lon: '1\\x1c'"),
    "degrees": csv("lon,lat\n1°,2\n", "Line 2, lon: '1°'"),
    "an empty coordinate": csv("lon,lat\n1,2\n,4\n", "Line 3, lon: ''"),
    "two numbers in quotes": csv('lon,lat\n"1\n2",2\n', r"Line 3, lon: '1\\n2'"),
    "a level that is a word": csv("lon,lat,z\n1,2,deep\n", "Line 2, z: 'deep'"),
    "a quote that stays open": csv('lon,lat,a\n1,2,"x\n', "Line 2 is not CSV"),
    "text behind a quote": csv('lon,lat,a\n1,2,"x"y\n', "Line 2 is not CSV"),
    "a field without end": csv("lon,lat,a\n1,2," + "x" * 200_000, "Line 2 is not CSV: field larger"),
    "not UTF-8": csv(b"lon,lat,a\n1,2,\xe9\n", "byte 15 does not belong"),
    "UTF-16": csv("lon,lat\n1,2\n".encode("utf-16"), "byte 1 does not belong"),
    "latitude 91": csv("lon,lat\n1,2\n3,91\n", "Line 3, lat: 91.0 does not lie between -90 and 90"),
    "latitude 91, more lines than rows": csv('a,lon,lat\n"1\n2",1,2\nx,3,-91\n', "Line 4, lat: -91.0"),
    "longitude 99999": csv("lon,lat\n99999,2\n", "Line 2, lon: 99999.0 does not lie between -36000 and 36000"),
    "y 91": csv("x,y\n1,2\n3,91\n", "latitude of point 2 of 2 is 91"),
    "too many rows": csv("x,y\n" + "1,2\n" * 100_001, "100001 points or more; at most 100000 .*limits.points"),
    "a flood of commas": csv("x,y\n" + "," * 2_000_000, "2000001 commas.*limits.points"),
    "a table for an area": csv("lon,lat\n1,2\n", "has a MULTIPOINT; the query area takes polygons", "area"),
    "a table for a cube": csv("lon,lat\n1,2\n", "takes no geometry", "cube"),
}


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, **options)
    return sink.getvalue()


def stream(columns: dict[str, Any], compression: str | None = None) -> bytes:
    sink, table = io.BytesIO(), pa.table(columns)
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return sink.getvalue()


def declared(size: int) -> bytes:
    """A stream of two texts that inflate to 40 MiB each, of which the second is said to have another size."""
    text = "a" * (40 * 1024**2)
    body = stream({"x": [0.0], "y": [0.0], "a": [text], "b": [text]}, "zstd")
    at = body.rindex(struct.pack("<q", len(text)) + b"\x28\xb5\x2f\xfd")  # before the magic number of zstd
    return body[:at] + struct.pack("<q", size) + body[at + 8 :]


def described(size: int, new: int) -> bytes:
    """An uncompressed stream whose metadata give a number of bytes or rows as another."""
    body = stream({"x": [1.0] * 77, "y": [1.0] * 77})
    return body.replace(struct.pack("<q", size), struct.pack("<q", new))


def experimental() -> bytes:
    """A stream that is compressed as Arrow 0.17 had it, so that its metadata do not say so."""
    batch, sink = pa.record_batch(XY), io.BytesIO()
    with pa.ipc.new_stream(
        sink, batch.schema, options=pa.ipc.IpcWriteOptions(metadata_version=pa.ipc.MetadataVersion.V4)
    ) as writer:
        writer.write_batch(batch, custom_metadata={"ARROW:experimental_compression": "zstd"})
    return sink.getvalue()


XY = {"x": [1.0, 2.0], "y": [3.0, 4.0]}
LONG = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000), pa.array(["a" * 10_000]))
FEW = {"x": [1.0] * 100_000, "y": [1.0] * 100_000, "name": LONG}
NONE = pa.array([], pa.float64())
ZEROS = {"x": [0.0], "y": [0.0], "a": ["\x00" * (70 * 1024**2)]}
TABLES: dict[str, Case] = {
    "parquet, cut off": ("position", PARQUET, parquet(XY)[:-9], "must start and end with the bytes PAR1"),
    "parquet, not": ("position", PARQUET, b"PAR1" + b"\xff" * 40 + b"PAR1", "bytes PAR1, and have a footer"),
    "parquet, damaged": (
        "position",
        PARQUET,
        b"PAR1" + b"\x00" * 30 + parquet(XY)[34:],
        "metadata are damaged at byte|no number",
    ),
    "parquet, nested": ("position", PARQUET, parquet({**XY, "tags": [["a"], ["b"]]}), "column 'tags' is nested"),
    "parquet, binary": (
        "position",
        PARQUET,
        parquet({**XY, "geometry": [b"\x01", b"\x01"]}),
        "column 'geometry' is of type 'binary'",
    ),
    "parquet, text for x": (
        "position",
        PARQUET,
        parquet({"x": ["1"], "y": [1.0]}),
        "column 'x' is of type .*must be numbers",
    ),
    "parquet, null": ("position", PARQUET, parquet({"x": [1.0, None], "y": [3.0, 4.0]}), "Row 2, x: the value is null"),
    "parquet, nan": ("position", PARQUET, parquet({"x": [1.0, 2.0], "y": [3.0, float("nan")]}), "Row 2, y: nan"),
    "parquet, no rows": (
        "position",
        PARQUET,
        parquet({"x": pa.array([], pa.float64()), "y": pa.array([], pa.float64())}),
        "no rows",
    ),
    "parquet, too many rows": (
        "position",
        PARQUET,
        parquet({"x": [1.0] * 100_001, "y": [1.0] * 100_001}),
        "limits.points",
    ),
    "parquet, a bomb": (
        "position",
        PARQUET,
        parquet(ZEROS, compression="zstd", use_dictionary=False),
        "limits.inflated_bytes",
    ),
    "parquet, one text 100,000 times": ("position", PARQUET, parquet(FEW), "limits.inflated_bytes"),
    "parquet, texts of texts": (
        "position",
        PARQUET,
        parquet({**XY, "a": ["a", "b"]}, use_dictionary=False, column_encoding={"a": "DELTA_BYTE_ARRAY"}),
        "'a' is in the encoding DELTA_BYTE_ARRAY",
    ),
    "parquet, latitude 91": ("position", PARQUET, parquet({"x": [1, 2], "y": [3, 91]}), "latitude of point 2 of 2"),
    "arrow, latitude 91": ("position", STREAM, stream({"lon": [1, 2], "lat": [3, 91]}), "Row 2, lat: 91.0"),
    "arrow, cut off": ("position", STREAM, stream(XY)[:-40], "not a table in Arrow's IPC format: .*bytes"),
    "arrow, not": ("position", STREAM, b"\xff" * 50, "not a table in Arrow's IPC format"),
    "arrow file, not": ("position", FILE, b"ARROW1\x00\x00" + b"\x7f" * 50, "not a table in Arrow's IPC format"),
    "arrow, no columns": ("position", STREAM, stream({"a": [1]}), "The table has no column for the position"),
    "arrow, decimal comma": ("position", STREAM, stream({"x": ["1,5"], "y": [1.0]}), "column 'x' is of type 'string'"),
    "arrow, a union of structs": (
        "position",
        STREAM,
        stream({**XY, "s": [{"a": 1}, {"a": 2}]}),
        "column 's' is of type 'struct",
    ),
    "arrow, infinite": ("position", STREAM, stream({"x": [1.0, float("inf")], "y": [1.0, 2.0]}), "Row 2, x: inf"),
    "arrow, a bomb": ("position", STREAM, stream(ZEROS, "zstd"), "limits.inflated_bytes"),
    "arrow, a bomb and a negative one": (
        "position",
        STREAM,
        declared(-40 * 1024**2),
        "declares -41943040 rows or bytes",
    ),
    "arrow, -2 bytes": ("position", STREAM, declared(-2), "declares -2 rows or bytes"),
    "arrow, negative rows": ("position", STREAM, described(77, -77), "declares -77 rows|Negative|negative"),
    "arrow, negative lengths": ("position", STREAM, described(77 * 8, -1), "declares -1 rows or bytes"),
    "arrow, compressed as of old": ("position", STREAM, experimental(), "Arrow 0.17"),
    "arrow, too many rows": ("position", STREAM, stream({"x": [1] * 100_001, "y": [1] * 100_001}), "limits.points"),
    "arrow, one text 100,000 times": ("position", STREAM, stream(FEW), "limits.inflated_bytes"),
}

PLAIN = b'{"coords": "POINT(-30 1)"}'
BOMB = b" " * (64 * 1024**2 + 1)
ENCODED: dict[str, tuple[str, bytes, str]] = {
    **{f"{name}, cut off": (name, pack(PLAIN)[:-1], "ends at byte .* cut off") for name, pack in PACK.items()},
    **{f"{name}, not": (name, PLAIN, f"The body is not {name}|ends at byte") for name in PACK},
    **{f"{name}, a bomb": (name, pack(BOMB), "limits.inflated_bytes") for name, pack in PACK.items()},
    "gzip, more behind it": ("gzip", gzip.compress(PLAIN) + b"x", "not gzip|cut off"),
    "deflate, more behind it": ("deflate", zlib.compress(PLAIN) + b"x", "goes on at byte"),
    "gzip, wrong checksum": ("gzip", gzip.compress(PLAIN)[:-8] + b"\x00" * 8, "incorrect data check"),
    "gzip, nothing in it": ("gzip", gzip.compress(b""), "body is empty"),
    "gzip, bad JSON in it": ("gzip", gzip.compress(b"{"), "not JSON"),
    "gzip, 5,000 members": ("gzip", gzip.compress(b" ") * 5_000, "more than 4,096 gzip members"),
    "gzip twice": ("gzip, gzip", gzip.compress(gzip.compress(PLAIN)), "one encoding at a time"),
    "compress": ("compress", PLAIN, "'compress'; that is not undone"),
}
FORMS: dict[str, Case] = {
    "a form, a parameter twice": ("position", FORM, b"coords=POINT(1+2)&z=1&z=2", "'z' twice"),
    "a form, not UTF-8": ("position", FORM, b"coords=POINT(1+2)&z=%ff", "escaped bytes that are not UTF-8"),
    "a form, coords wrong": ("area", FORM, b"coords=POLYGON((0+0,1+0,1+1))", "list 1 of positions"),
    "another type": ("position", "text/plain", b"POINT(1 2)", "'text/plain'; accepted are"),
    "another charset": ("position", f"{CSV}; charset=latin-1", b"lon,lat\n1,2\n", "'latin-1'; it must be in UTF-8"),
    "nothing": ("position", JSON, b" ", "body is empty"),
}
CASES = {**GEOJSONS, **{f"csv, {name}": case for name, case in CSVS.items()}, **TABLES, **FORMS}
OPTIONS = {"radius": "within=1&within-units=km", "corridor": "corridor-width=1&width-units=km", "cube": "bbox=0,0,1,1"}


def refused(client: FlaskClient, case: Case, encoding: str = "") -> None:
    query, content_type, body, says = case
    url = f"/collections/ostia/{query}?{OPTIONS.get(query, '')}"
    headers = {"Content-Encoding": encoding} if encoding else {}
    response = client.post(url, data=body, content_type=content_type, headers=headers)
    assert 400 <= response.status_code < 500
    description = response.get_json()["description"]
    assert re.search(says, description)
    assert len(description) < 600
    assert description.isprintable()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_hostile_body_is_refused_with_the_place_of_its_fault(client: FlaskClient, case: Case) -> None:
    refused(client, case)


@pytest.mark.parametrize("case", [*GEOJSONS.values(), *CSVS.values()], ids=[*GEOJSONS, *CSVS])
def test_compressed_it_is_refused_with_the_same_reason(client: FlaskClient, case: Case) -> None:
    query, content_type, body, says = case
    refused(client, (query, content_type, gzip.compress(body, 1), says), "gzip")


@pytest.mark.parametrize(("encoding", "body", "says"), ENCODED.values(), ids=ENCODED)
def test_a_damaged_encoding_is_refused_with_the_reason(
    client: FlaskClient, encoding: str, body: bytes, says: str
) -> None:
    refused(client, ("position", JSON, body, says), encoding)
