"""Bodies of POST are read in each documented shape, to the last bit, and nothing else is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarr_edr.errors import InvalidBody, InvalidCoords, InvalidQuery, QueryTooLarge
from zarr_edr.limits import Limits
from zarr_edr.query.body import FORM_TYPE, parse_body
from zarr_edr.query.geometry import Points
from zarr_edr.query.shapes import points_of
from zarr_edr.query.wkt import parse_points

JSON = "application/json"
LIMITS = Limits()
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**64 - 1)
NO_POINT: dict[str, object] = {"type": "Point"}


@dataclass(frozen=True)
class Read:
    """A body that must give points, and its other parameters."""

    points: Points
    options: Mapping[str, str]


def parse_points_body(body: bytes, content_type: str | None, limits: Limits) -> Read:
    """As a position query reads a body: points of its own, or those of `coords`."""
    found = parse_body(body, content_type, limits)
    if found.places is not None:
        return Read(points_of(found.places.geometry, lambda x, y: (x, y)), found.options)
    options = dict(found.options)
    if "coords" not in options:
        raise InvalidBody("The body has no points; the form has no coords.")
    return Read(parse_points(options.pop("coords"), limits), options)


def read(body: object, limits: Limits = LIMITS) -> Read:
    return parse_points_body(orjson.dumps(body), JSON, limits)


def numbers_in(body: Read) -> list[list[float]]:
    """Rows of x, y and, where there is one, z."""
    points = body.points
    columns = [points.x, points.y] if points.z is None else [points.x, points.y, points.z]
    return [[float(number) for number in row] for row in zip(*columns, strict=True)]


def tables(dim: int) -> st.SearchStrategy[list[list[float]]]:
    return st.lists(st.lists(NUMBERS, min_size=dim, max_size=dim), min_size=1, max_size=30)


def floats(rows: list[list[float]]) -> list[list[float]]:
    return [[float(number) for number in row] for row in rows]


def multipoint(rows: object, **options: object) -> dict[str, object]:
    return {"type": "MultiPoint", "coordinates": rows, **options}


def feature(geometry: object, **options: object) -> dict[str, object]:
    return {"type": "Feature", "properties": {"name": "buoy"}, "geometry": geometry, **options}


def collection(*geometries: object, **options: object) -> dict[str, object]:
    return {"type": "FeatureCollection", "features": [feature(geometry) for geometry in geometries], **options}


def columns(longitude: object, latitude: object, **options: object) -> dict[str, object]:
    return {"longitude": longitude, "latitude": latitude, **options}


class TestGeoJSON:
    @given(st.sampled_from([2, 3]).flatmap(tables))
    def test_a_multipoint_reads_back_to_the_same_floats(self, rows: list[list[float]]) -> None:
        assert numbers_in(read(multipoint(rows))) == floats(rows)

    @given(st.sampled_from([2, 3]).flatmap(tables))
    def test_features_read_back_to_the_same_floats(self, rows: list[list[float]]) -> None:
        body = collection(*({"type": "Point", "coordinates": row} for row in rows))
        assert numbers_in(read(body)) == floats(rows)

    @pytest.mark.parametrize("row", [[1.5, 2], [1.5, 2, 3]])
    def test_a_point_is_one_point_and_not_multi(self, row: list[float]) -> None:
        body = read({"type": "Point", "coordinates": row})
        assert numbers_in(body) == [row]
        assert not body.points.multi

    @pytest.mark.parametrize("geometry", [{"type": "Point", "coordinates": [1, 2]}, multipoint([[1, 2]])])
    def test_a_feature_is_read_as_its_geometry(self, geometry: dict[str, object]) -> None:
        body = read(feature(geometry))
        assert numbers_in(body) == [[1, 2]]
        assert body.points.multi == (geometry["type"] == "MultiPoint")

    def test_a_collection_of_one_point_is_multi(self) -> None:
        assert read(collection({"type": "Point", "coordinates": [1, 2]})).points.multi

    def test_parameters_of_the_query_are_taken_from_the_outermost_object(self) -> None:
        options = {"datetime": "2009-01", "z": 5, "parameter-name": ["sst", "ice"], "crs": "CRS84", "f": "CSV"}
        expected = {"datetime": "2009-01", "z": "5", "parameter-name": "sst,ice", "crs": "CRS84", "f": "CSV"}
        assert read(multipoint([[1, 2]], **options)).options == expected
        assert read(collection({"type": "Point", "coordinates": [1, 2]}, **options)).options == expected

    def test_members_that_are_no_parameters_are_left_alone(self) -> None:
        body = multipoint([[1, 2]], bbox=[1, 2, 1, 2], name="layer", metadata={"by": [1, None]})
        assert read(body).options == {}

    def test_a_crs_object_of_old_geojson_is_read_as_its_name(self) -> None:
        crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
        assert read(multipoint([[1, 2]], crs=crs)).options == {"crs": "urn:ogc:def:crs:OGC:1.3:CRS84"}


class TestColumns:
    @given(tables(2))
    def test_longitudes_and_latitudes_read_back_to_the_same_floats(self, rows: list[list[float]]) -> None:
        longitude, latitude = zip(*rows, strict=True)
        body = read({"latitude": latitude, "longitude": longitude})
        assert numbers_in(body) == floats(rows)
        assert body.points.multi

    @given(tables(3))
    def test_a_list_of_z_is_one_for_each_point(self, rows: list[list[float]]) -> None:
        longitude, latitude, z = zip(*rows, strict=True)
        body = read(columns(longitude, latitude, z=z))
        assert numbers_in(body) == floats(rows)
        assert body.options == {}

    @pytest.mark.parametrize("z", ["100/500", 500, 0.5])
    def test_a_z_that_is_no_list_is_the_parameter(self, z: object) -> None:
        body = read(columns([1], [2], z=z))
        assert body.points.z is None
        assert body.options == {"z": str(z)}


class TestCoords:
    def test_well_known_text_is_read_with_the_other_parameters(self) -> None:
        body = read({"coords": "MULTIPOINT((1 2),(3 4))", "datetime": ["2009", "2010"], "number": 3, "z": [1.5, 2]})
        assert numbers_in(body) == [[1, 2], [3, 4]]
        assert body.options == {"datetime": "2009,2010", "number": "3", "z": "1.5,2"}

    def test_null_is_as_good_as_absent(self) -> None:
        assert read({"coords": "POINT(1 2)", "z": None}).options == {}

    def test_booleans_are_written_as_json_has_them(self) -> None:
        assert read({"coords": "POINT(1 2)", "deep": True}).options == {"deep": "true"}

    @pytest.mark.parametrize("coords", ["", "POINT(1)", "POLYGON((1 2,3 4,5 6,1 2))", "POINT(\x00 1)"])
    def test_wrong_text_is_refused_as_in_a_query_string(self, coords: str) -> None:
        with pytest.raises(InvalidCoords):
            read({"coords": coords})


class TestForms:
    @given(tables(2), st.sampled_from(["", "(),", "(), "]), st.booleans())
    def test_points_read_back_to_the_same_floats_however_escaped(
        self, rows: list[list[float]], safe: str, lower: bool
    ) -> None:
        wkt = "MULTIPOINT(" + ",".join(f"({x!r} {y!r})" for x, y in rows) + ")"
        value = quote(wkt, safe=safe)
        form = f"coords={value.replace('%2C', '%2c') if lower else value}"
        assert numbers_in(parse_points_body(form.encode(), FORM_TYPE, LIMITS)) == floats(rows)

    @given(st.dictionaries(st.text(max_size=5).filter(lambda name: name != "coords"), st.text(max_size=9), max_size=9))
    def test_the_other_fields_are_the_options(self, options: dict[str, str]) -> None:
        form = urlencode({"coords": "POINT(1 2)", **options}).encode()
        assert parse_points_body(form, FORM_TYPE, LIMITS).options == options

    def test_a_line_end_behind_is_ignored(self) -> None:
        assert parse_points_body(b"coords=POINT(1+2)&z=5\r\n", FORM_TYPE, LIMITS).options == {"z": "5"}

    @pytest.mark.parametrize(
        ("form", "fault"),
        [
            (b"z=5", "no coords"),
            (b"=", "no coords"),
            (b"coords=POINT(1+2)&coords=POINT(1+2)", "'coords' twice"),
            (b"coords=POINT(1+2)&z=1&z=2", "'z' twice"),
            (b"coords=POINT(1+2)&z=%ff", "not UTF-8"),
            (b"coords=POINT(1+2)" + b"&" * 100_000, "at most 100 fields"),
            (b"coords=" + b"%2e" * 1_000_000, "at most 100 fields and 10000 escaped"),
            (b'{"coords": "POINT(1 2)"}', "no coords"),
        ],
        ids=["no coords", "no name", "coords twice", "z twice", "not UTF-8", "fields", "escapes", "JSON"],
    )
    def test_a_wrong_form_is_refused_with_the_reason(self, form: bytes, fault: str) -> None:
        with pytest.raises(InvalidBody, match=fault):
            parse_points_body(form, FORM_TYPE, LIMITS)

    @pytest.mark.parametrize("form", [b"coords", b"coords=", b"coords=%zz", b"coords=POINT(1%2b2)"])
    def test_wrong_text_is_refused_as_in_a_query_string(self, form: bytes) -> None:
        with pytest.raises(InvalidCoords):
            parse_points_body(form, FORM_TYPE, LIMITS)


class TestContentType:
    @pytest.mark.parametrize(
        "content_type",
        [None, "", JSON, "application/geo+json", "APPLICATION/JSON", "application/json; charset=UTF-8", f"{JSON} ;"],
    )
    def test_json_is_read_under_each_of_its_types(self, content_type: str | None) -> None:
        assert numbers_in(parse_points_body(b'{"coords": "POINT(1 2)"}', content_type, LIMITS)) == [[1, 2]]

    def test_a_byte_order_mark_is_ignored(self) -> None:
        assert numbers_in(parse_points_body(b'\xef\xbb\xbf{"coords": "POINT(1 2)"}', JSON, LIMITS)) == [[1, 2]]

    @pytest.mark.parametrize(
        "content_type",
        ["text/plain", "multipart/form-data; boundary=x", "application/jsonx", "x" * 100_000, ";", "\u0661"],
    )
    def test_another_type_is_refused_with_those_accepted(self, content_type: str) -> None:
        with pytest.raises(
            InvalidBody, match=r"accepted are application/json, application/geo\+json, .*urlencoded, text/csv"
        ):
            parse_points_body(b"POINT(1 2)", content_type, LIMITS)

    def test_another_charset_is_refused(self) -> None:
        with pytest.raises(InvalidBody, match="'iso-8859-1'; it must be in UTF-8"):
            parse_points_body(b"{}", "application/json; charset=ISO-8859-1", LIMITS)


HOSTILE_BYTES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "empty"),
    "blanks": (b" \r\n ", "empty"),
    "not UTF-8": (b"\xff\xfe{}", "byte 1 "),
    "not UTF-8 in text": (b'{"coords": "\xe9"}', "byte 13 "),
    "surrogate in UTF-8": (b'{"coords": "\xed\xa0\x80"}', "byte 13 "),
    "surrogate in an escape": (b'{"coords": "\\ud800"}', "not JSON"),
    "NUL": (b"\x00", "not JSON"),
    "unclosed": (b'{"coords": "POINT(1 2)"', "not JSON"),
    "text behind": (b'{"coords": "POINT(1 2)"} x', "not JSON"),
    "single quotes": (b"{'coords': 'POINT(1 2)'}", "not JSON"),
    "a form": (b"coords=POINT(1+2)", "not JSON"),
    "NaN": (b'{"longitude": [NaN], "latitude": [1]}', "not JSON"),
    "Infinity": (b'{"longitude": [1], "latitude": [-Infinity]}', "not JSON"),
    "beyond float64": (b'{"longitude": [1e400], "latitude": [1]}', "not JSON"),
    "beyond float64, by digits": (b'{"longitude": [1' + b"0" * 400 + b'], "latitude": [1]}', "not JSON"),
    "beyond float64, negative": (b'{"type": "Point", "coordinates": [0, -1' + b"0" * 400 + b"]}", "not JSON"),
    "hexadecimal": (b'{"longitude": [0x10], "latitude": [1]}', "not JSON"),
    "a million digits": (b"1" * 1_000_000, "not JSON"),
    "a list": (b"[[1, 2], [3, 4]]", "is a list; it must be a JSON object"),
    "a number": (b"1", "is a number"),
    "a text": (b'"POINT(1 2)"', "is text"),
    "null": (b"null", "is null"),
    "true": (b"true", "is a boolean"),
}
HOSTILE_JSON: dict[str, tuple[object, str]] = {
    "no members": ({}, "has no points"),
    "other members": ({"points": [[1, 2]]}, "is not text, a number"),
    "two shapes": ({"coords": "POINT(1 2)", "latitude": [1], "longitude": [2]}, "more than one way"),
    "coords a number": ({"coords": 5}, "coords is a number"),
    "coords null": ({"coords": None}, "coords is null"),
    "coords a list": ({"coords": [1, 2]}, "coords is a list"),
    "an option an object": ({"coords": "POINT(1 2)", "z": {"a": 1}}, "'z' is not text"),
    "an option an empty list": ({"coords": "POINT(1 2)", "parameter-name": []}, "'parameter-name' is not text"),
    "an option lists in a list": ({"coords": "POINT(1 2)", "z": [[1]]}, "'z' is not text"),
    "an option with null in a list": ({"coords": "POINT(1 2)", "z": [1, None]}, "'z' is not text"),
    "too many options": ({"coords": "POINT(1 2)"} | {str(i): 1 for i in range(101)}, "101 parameters; at most 100"),
    "latitude alone": ({"latitude": [1]}, "longitude is null or missing"),
    "longitude alone": ({"longitude": [1]}, "latitude is null or missing"),
    "columns of numbers": (columns(1, 2), "longitude is a number"),
    "columns of text": (columns("1,2", "3,4"), "longitude is text"),
    "columns empty": (columns([], []), "longitude is an empty list"),
    "columns unequal": (columns([1, 2], [3]), "longitude has 2 numbers and latitude has 1"),
    "columns with z unequal": (columns([1, 2], [3, 4], z=[5]), "longitude has 2 numbers and z has 1"),
    "a boolean in a column": (columns([1, 2], [3, True]), r"latitude\[1\] is a boolean"),
    "a text in a column": (columns([1, "2"], [3, 4]), r"longitude\[1\] is text"),
    "null in a column": (columns([1, 2], [3, 4], z=[None, 5]), r"z\[0\] is null"),
    "a list in a column": (columns([[1]], [2]), r"longitude\[0\] is a list"),
    "a million in a column": (columns([1] * 1_000_000, [1]), "longitude has 1000000 numbers and latitude has 1"),
    "type alone": ({"type": "MultiPoint"}, "coordinates is null or missing"),
    "no type": ({"coordinates": [1, 2]}, "of no known type"),
    "type a number": ({"type": 5, "coordinates": [1, 2]}, "of no known type"),
    "type in lower case": ({"type": "point", "coordinates": [1, 2]}, "'point'"),
    "geometries": ({"type": "GeometryCollection", "geometries": []}, "'GeometryCollection'"),
    "long type": ({"type": "x" * 100_000, "coordinates": [1, 2]}, "must be one of Point, MultiPoint"),
    "point without numbers": ({"type": "Point", "coordinates": []}, "coordinates has 0 numbers"),
    "point of one": ({"type": "Point", "coordinates": [1]}, "coordinates has 1 numbers"),
    "point of four": ({"type": "Point", "coordinates": [1, 2, 3, 4]}, "coordinates has 4 numbers"),
    "point null": ({"type": "Point", "coordinates": None}, "coordinates is null"),
    "point of a multipoint": ({"type": "Point", "coordinates": [[1, 2], [3, 4]]}, r"coordinates\[0\] is a list"),
    "multipoint empty": (multipoint([]), "coordinates is an empty list"),
    "multipoint an object": (multipoint({"0": [1, 2]}), "coordinates is an object"),
    "multipoint of a point": (multipoint([1, 2]), r"coordinates\[0\] is a number"),
    "multipoint with a hole": (multipoint([[1, 2], None]), r"coordinates\[1\] is null"),
    "multipoint mixed": (
        multipoint([[1, 2], [1, 2, 3]]),
        r"coordinates\[1\] has 3 numbers, but the first position has 2",
    ),
    "multipoint with text": (multipoint([[1, 2], [3, "4"]]), r"coordinates\[1\]\[1\] is text"),
    "multipoint with true": (multipoint([[1, 2], [True, 4]]), r"coordinates\[1\]\[0\] is a boolean"),
    "multipoint nested": (multipoint([[[1, 2], [3, 4]]]), r"coordinates\[0\]\[0\] is a list"),
    "feature without geometry": (feature(None), "of no known type"),
    "feature of a feature": (feature(feature({"type": "Point", "coordinates": [1, 2]})), "'Feature'"),
    "feature with a list": (feature([1, 2]), "of no known type"),
    "collection empty": (collection(), "features is an empty list"),
    "collection without features": ({"type": "FeatureCollection"}, "features is null or missing"),
    "collection with a line": (
        collection(multipoint([[1, 2]]), {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}),
        r"features\[1\].geometry.coordinates is of a MULTILINESTRING and features\[0\]",
    ),
    "collection with null": (
        collection({"type": "Point", "coordinates": [1, 2]}, None),
        r"features\[1\].geometry is of no known type",
    ),
    "collection with half a point": (collection(NO_POINT), r"features\[0\].geometry.coordinates is null"),
    "collection of numbers": ({"type": "FeatureCollection", "features": [1]}, r"features\[0\] is not"),
    "collection with text": (
        collection({"type": "Point", "coordinates": ["1", 2]}),
        r"features\[0\].geometry.*\[0\] is text",
    ),
    "crs an object": (multipoint([[1, 2]], crs={"type": "link"}), "'crs' is not text"),
}


class TestHostileBodies:
    @pytest.mark.parametrize(("body", "fault"), HOSTILE_BYTES.values(), ids=HOSTILE_BYTES.keys())
    def test_what_is_no_json_object_is_refused_with_the_reason(self, body: bytes, fault: str) -> None:
        with pytest.raises(InvalidBody, match=fault):
            parse_points_body(body, JSON, LIMITS)

    @pytest.mark.parametrize(("body", "fault"), HOSTILE_JSON.values(), ids=HOSTILE_JSON.keys())
    def test_json_of_another_shape_is_refused_with_the_reason(self, body: object, fault: str) -> None:
        with pytest.raises(InvalidBody, match=fault) as caught:
            read(body)
        assert len(caught.value.message) < 400
        assert caught.value.message.encode().decode().isprintable()

    JSON_VALUES = st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-5, 5)
        | st.sampled_from(["Point", "MultiPoint", "Feature", "POINT(1 2)"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["type", "coordinates", "geometry", "features", "coords", "latitude", "longitude", "z", "crs"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )

    @given(JSON_VALUES)
    def test_are_refused_or_read_but_never_break_the_reader(self, body: object) -> None:
        with suppress(InvalidQuery):
            assert len(read(body).points) >= 1

    @given(st.binary(max_size=60), st.sampled_from([JSON, FORM_TYPE]))
    def test_bytes_are_refused_or_read_but_never_break_the_reader(self, body: bytes, content_type: str) -> None:
        with pytest.raises(InvalidQuery):
            parse_points_body(body, content_type, LIMITS)


class TestLimits:
    @pytest.mark.parametrize(
        "body",
        [
            multipoint([[1, 2]] * 3),
            columns([1] * 3, [2] * 3),
            collection(*[{"type": "Point", "coordinates": [1, 2]}] * 3),
            {"coords": "MULTIPOINT(1 2,1 2,1 2)"},
        ],
        ids=["multipoint", "columns", "collection", "coords"],
    )
    def test_points_over_the_limit_are_too_large_in_every_shape(self, body: object) -> None:
        with pytest.raises(QueryTooLarge, match=r"3 points; at most 2 .*limits\.points"):
            read(body, Limits(points=2))
        assert len(read(body, Limits(points=3)).points) == 3

    def test_coords_in_a_body_have_the_limit_of_those_in_a_query_string(self) -> None:
        with pytest.raises(QueryTooLarge, match=r"limits\.coords_chars"):
            read({"coords": "POINT(1 2)"}, Limits(coords_chars=9))

    def test_a_flood_of_empty_lists_is_refused_before_it_is_read(self) -> None:
        with pytest.raises(QueryTooLarge, match=r"lists and objects.*limits\.points"):
            parse_points_body(b'{"a": [' + b"[]," * 1_000_000 + b"1]}", JSON, LIMITS)
