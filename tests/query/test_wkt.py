"""`coords` is read as the standard writes it, to the last bit, and nothing else is."""

from __future__ import annotations

from contextlib import suppress
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from zarr_edr.errors import InvalidCoords, InvalidQuery, QueryTooLarge
from zarr_edr.limits import Limits
from zarr_edr.query.geometry import GeometryKind
from zarr_edr.query.wkt import parse_points, read_geometry

if TYPE_CHECKING:
    from collections.abc import Callable

    from zarr_edr.query.geometry import Geometry

LIMITS = Limits()
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
BLANKS = st.text(" \t\r\n\f\v", max_size=3)


def numbers_in(text: str) -> list[list[float]]:
    """Rows of x, y and, where there is one, z."""
    points = parse_points(text, LIMITS)
    columns = [points.x, points.y] if points.z is None else [points.x, points.y, points.z]
    return [[float(number) for number in row] for row in zip(*columns, strict=True)]


def read(text: str) -> Geometry:
    return read_geometry(text, max_chars=10_000, max_points=1_000)


def tables(dim: int) -> st.SearchStrategy[list[list[float]]]:
    return st.lists(st.lists(NUMBERS, min_size=dim, max_size=dim), min_size=1, max_size=30)


@st.composite
def spelled_multipoints(draw: st.DrawFn) -> tuple[str, list[list[float]]]:
    """A MULTIPOINT in one of its spellings, and what it says."""
    dim = draw(st.sampled_from([2, 3]))
    rows = draw(tables(dim))
    style = draw(st.sampled_from(["({})", " ( {} ) ", "{}", " {}\r\n"]))
    spell: Callable[[float], str] = draw(st.sampled_from([repr, "{:.17e}".format, "{:+.17E}".format]))
    tags = ["MULTIPOINT", "multipoint", "MultiPoint "] if dim == 2 else ["MULTIPOINT", "MULTIPOINTZ", "multipoint z "]
    tag = draw(st.sampled_from(tags))
    body = ",".join(style.format(draw(st.sampled_from([" ", "\t", "\n  "])).join(map(spell, row))) for row in rows)
    return f"{draw(BLANKS)}{tag}({body}){draw(BLANKS)}", rows


class TestPoints:
    @pytest.mark.parametrize(
        ("text", "row"),
        [
            ("POINT(1 2)", [1, 2]),
            ("point(1 2)", [1, 2]),
            ("Point (1 2)", [1, 2]),
            (" \r\n POINT \t ( 1 \n 2 ) \f\v ", [1, 2]),
            ("POINT(-1.5 +2.25)", [-1.5, 2.25]),
            ("POINT(1. .5)", [1, 0.5]),
            ("POINT(1e1 2E-1)", [10, 0.2]),
            ("POINT(007 -0)", [7, 0]),
            ("POINT(1e-400 5e-324)", [0, 5e-324]),
            ("POINT(0.1 1.7976931348623157e308)", [0.1, 1.7976931348623157e308]),
            ("POINT Z(1 2 3)", [1, 2, 3]),
            ("POINTZ(1 2 3)", [1, 2, 3]),
            ("point z\n(1 2 3)", [1, 2, 3]),
            ("POINTz (1 2 3)", [1, 2, 3]),
            ("POINT(1 2 3)", [1, 2, 3]),
        ],
    )
    def test_a_point_is_read_in_every_usual_spelling(self, text: str, row: list[float]) -> None:
        assert numbers_in(text) == [row]

    @given(spelled_multipoints())
    @settings(max_examples=200)
    def test_a_multipoint_reads_back_to_the_same_floats_in_every_spelling(
        self, spelled: tuple[str, list[list[float]]]
    ) -> None:
        text, rows = spelled
        assert numbers_in(text) == rows

    @given(NUMBERS, NUMBERS, BLANKS)
    def test_a_point_reads_back_to_the_same_floats(self, x: float, y: float, blank: str) -> None:
        assert numbers_in(f"{blank}POINT{blank}({blank}{x!r} {y!r}{blank})") == [[x, y]]

    @given(st.text("POINT(1 2.e+-),\n", max_size=20) | st.from_regex(r"POINT ?\([0-9.e+-]{1,5} [0-9.e+-]{1,5}\)"))
    @settings(max_examples=300)
    def test_a_plain_point_is_read_as_the_general_reader_reads_it(self, text: str) -> None:
        try:
            expected = read(text).coords.tolist()
        except InvalidCoords:
            with pytest.raises(InvalidCoords):
                parse_points(text, LIMITS)
        else:
            assert numbers_in(text) == expected

    def test_the_sign_of_zero_is_kept(self) -> None:
        assert np.signbit(parse_points("MULTIPOINT((-0 -0.0))", LIMITS).x).all()

    def test_points_keep_order_and_duplicates(self) -> None:
        assert numbers_in("MULTIPOINT((3 4),(1 2),(3 4))") == [[3, 4], [1, 2], [3, 4]]

    @pytest.mark.parametrize("text", ["MULTIPOINT(1 2)", "MULTIPOINT((1 2))"])
    def test_a_multipoint_of_one_point_is_multi(self, text: str) -> None:
        assert parse_points(text, LIMITS).multi

    @pytest.mark.parametrize("text", ["POINT(1 2)", "POINT Z(1 2 3)"])
    def test_a_point_is_not_multi(self, text: str) -> None:
        assert not parse_points(text, LIMITS).multi

    def test_a_hundred_thousand_points_are_read(self) -> None:
        xs, ys = np.linspace(-180, 180, 100_000), np.linspace(90, -90, 100_000)
        text = "MULTIPOINT(" + ",".join(f"({x!r} {y!r})" for x, y in zip(xs.tolist(), ys.tolist(), strict=True)) + ")"
        points = parse_points(text, LIMITS)
        assert np.array_equal(points.x, xs)
        assert np.array_equal(points.y, ys)

    def test_the_text_may_be_as_long_as_the_limit(self) -> None:
        assert numbers_in("POINT(" + " " * (LIMITS.coords_chars - 10) + "1 2)") == [[1, 2]]


HOSTILE: dict[str, str] = {
    "nothing": "",
    "blanks": " \t\n",
    "a number": "1 2",
    "another language": '{"type": "Point", "coordinates": [1, 2]}',
    "tag alone": "POINT",
    "tag with Z alone": "POINT Z",
    "no parentheses": "POINT 1 2",
    "square brackets": "POINT[1 2]",
    "unknown tag": "DOT(1 2)",
    "blank inside the tag": "PO INT(1 2)",
    "tag twice": "POINT POINT(1 2)",
    "unknown suffix": "POINT T(1 2)",
    "Z twice": "POINTZ Z(1 2 3)",
    "Z and M apart": "POINT Z M(1 2 3 4)",
    "M": "POINT M(1 2 3)",
    "M, attached": "POINTM(1 2 3)",
    "ZM": "POINT ZM(1 2 3 4)",
    "multipoint M": "MULTIPOINTM((1 2 3))",
    "multipoint ZM": "MULTIPOINT ZM((1 2 3 4))",
    "SRID": "SRID=4326;POINT(1 2)",
    "SRID, spaced": " srid = 4326 ; POINT(1 2)",
    "line": "LINESTRING(1 2,3 4)",
    "polygon": "POLYGON((1 2,3 4,5 6,1 2))",
    "multipolygon": "MULTIPOLYGON(((1 2,3 4,5 6,1 2)))",
    "multilinestring": "MULTILINESTRING((1 2,3 4))",
    "collection": "GEOMETRYCOLLECTION(POINT(1 2))",
    "collection with Z": "GEOMETRYCOLLECTIONZ(POINT(1 2 3))",
    "nested collection": "GEOMETRYCOLLECTION(" * 100_000,
    "curve": "CIRCULARSTRING(0 0,1 1,2 0)",
    "empty point": "POINT EMPTY",
    "empty point with Z": "POINT Z EMPTY",
    "empty point with Z, attached": "pointz empty",
    "empty multipoint": "MULTIPOINT EMPTY",
    "empty member": "MULTIPOINT((1 2),EMPTY)",
    "empty in parentheses": "MULTIPOINT(EMPTY)",
    "no numbers": "POINT()",
    "no points": "MULTIPOINT()",
    "no numbers in a member": "MULTIPOINT(())",
    "one number": "POINT(1)",
    "four numbers": "POINT(1 2 3 4)",
    "five numbers": "POINT(1 2 3 4 5)",
    "two numbers with Z": "POINT Z(1 2)",
    "four numbers with Z": "POINT Z(1 2 3 4)",
    "comma within a position": "POINT(1,2)",
    "semicolon within a position": "POINT(1;2)",
    "two positions in a point": "POINT(1 2,3 4)",
    "short member": "MULTIPOINT((1 2),(3))",
    "mixed dimensions": "MULTIPOINT((1 2),(1 2 3))",
    "mixed dimensions, bare": "MULTIPOINT(1 2 3,1 2)",
    "mixed spellings": "MULTIPOINT((1 2),3 4)",
    "mixed spellings, bare first": "MULTIPOINT(1 2,(3 4))",
    "two positions in a member": "MULTIPOINT((1 2,3 4))",
    "no comma between members": "MULTIPOINT((1 2)(3 4))",
    "comma at the end": "MULTIPOINT((1 2),)",
    "comma at the start": "MULTIPOINT(,(1 2))",
    "comma at the end, bare": "MULTIPOINT(1 2,)",
    "two commas": "MULTIPOINT((1 2),,(3 4))",
    "number before a member": "MULTIPOINT(3 (1 2))",
    "number after a member": "MULTIPOINT((1 2) 3,(4 5))",
    "unclosed": "POINT(1 2",
    "unclosed multipoint": "MULTIPOINT((1 2),(3 4)",
    "unopened": "POINT 1 2)",
    "closed twice": "POINT(1 2))",
    "parentheses doubled": "POINT((1 2))",
    "parentheses tripled": "MULTIPOINT(((1 2)))",
    "closed first": "POINT)1 2(",
    "text behind": "POINT(1 2) and more",
    "number behind": "POINT(1 2) 3",
    "comma behind": "POINT(1 2),",
    "semicolon behind": "POINT(1 2);",
    "two points": "POINT(1 2)POINT(3 4)",
    "two lists": "POINT(1 2)(3 4)",
    "nan": "POINT(nan 1)",
    "NaN": "MULTIPOINT((1 NaN))",
    "inf": "POINT(inf 1)",
    "-Infinity": "POINT(1 -Infinity)",
    "beyond float64": "POINT(1e400 0)",
    "beyond float64, in a list": "MULTIPOINT((1 2),(0 -1e400))",
    "beyond float64, by digits": "POINT(" + "1" * 400 + " 0)",
    "hexadecimal": "POINT(0x10 1)",
    "underscore": "POINT(1_0 1)",
    "Arabic-Indic digits": "POINT(\u0661 \u0662)",
    "full-width digits": "POINT(\uff11 \uff12)",
    "full-width parentheses": "POINT\uff081 2\uff09",
    "superscript": "POINT(1\u00b2 2)",
    "minus sign": "POINT(\u22121 2)",
    "no-break space": "POINT(1\u00a02)",
    "file separator": "POINT(1\x1c2)",
    "dotless i": "PO\u0131NT(1 2)",
    "decimal comma": "POINT(1,5 2,5)",
    "degrees": "POINT(10\u00b0 50\u00b0)",
    "hemispheres": "POINT(10E 50N)",
    "dot": "POINT(. 2)",
    "sign": "POINT(- 2)",
    "two signs": "POINT(--1 2)",
    "two dots": "POINT(1.2.3 4)",
    "exponent alone": "POINT(e5 2)",
    "exponent without digits": "POINT(1e 2)",
    "fractional exponent": "POINT(1e1.5 2)",
    "NUL": "POINT(1\x00 2)",
    "NUL behind": "POINT(1 2)\x00",
    "lone surrogate": "POINT(\ud800 2)",
    "byte order mark": "\ufeffPOINT(1 2)",
    "escaped": "POINT%281 2%29",
    "100,000 opening": "POINT" + "(" * 100_000,
    "100,000 closing": "POINT(1 2" + ")" * 100_000,
    "100,000 nested": "MULTIPOINT" + "(" * 100_000 + "1 2" + ")" * 100_000,
    "many blanks": "POINT" + " " * 100_000 + "x",
    "many blanks in a position": "POINT(1" + " " * 100_000 + "x)",
    "many digits": "POINT(" + "1" * 100_000 + "x 2)",
    "many exponents": "POINT(" + "1e" * 50_000 + " 2)",
    "many numbers": "POINT(" + "1 " * 50_000 + ")",
    "many letters": "P" * 100_000,
    "pairs opened and closed": "MULTIPOINT(" + "()" * 50_000 + ")",
}


class TestHostileText:
    @pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
    def test_is_refused_with_an_example_of_what_is_right(self, text: str) -> None:
        with pytest.raises(InvalidCoords, match="POINT"):
            parse_points(text, LIMITS)

    @pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
    def test_gives_a_short_message_that_can_be_sent(self, text: str) -> None:
        with pytest.raises(InvalidCoords) as caught:
            parse_points(text, LIMITS)
        assert len(caught.value.message) < 400
        assert caught.value.message.encode().decode().isprintable()

    @given(st.text("MULTIPONZ(,)0123456789.eE+- \n\u0661x", max_size=60))
    @settings(max_examples=300)
    def test_is_refused_or_read_but_never_breaks_the_reader(self, body: str) -> None:
        for text in (body, f"POINT{body}", f"MULTIPOINT({body})"):
            with suppress(InvalidQuery):
                assert np.isfinite(parse_points(text, LIMITS).x).all()

    @pytest.mark.parametrize(
        ("text", "at"),
        [
            ("POINT(1 2", 10),
            ("POINT(1 x)", 9),
            ("POINT(1 2) 3", 12),
            ("POINT(1 1e999)", 9),
            ("MULTIPOINT((1 2),(3))", 19),
            ("MULTIPOINT((1 2),(3 4) 5)", 23),
            ("MULTIPOINT((1 2),(1 \u0661))", 21),
            ("  POINT  9", 10),
        ],
    )
    def test_is_told_where_the_fault_is(self, text: str, at: int) -> None:
        with pytest.raises(InvalidCoords, match=f"at character {at}\\."):
            parse_points(text, LIMITS)


class TestLimits:
    @pytest.mark.parametrize("char", ["1", "(", ",", " ", "P", "\u0661"])
    def test_text_over_the_limit_is_too_large_whatever_it_holds(self, char: str) -> None:
        with pytest.raises(QueryTooLarge, match=r"10000006 .* 4000000 .*limits\.coords_chars"):
            parse_points("POINT(" + char * 10_000_000, LIMITS)

    def test_a_plain_point_over_the_limit_is_too_large(self) -> None:
        with pytest.raises(QueryTooLarge, match=r"10 .* 9 .*limits\.coords_chars"):
            parse_points("POINT(1 2)", Limits(coords_chars=9))

    @pytest.mark.parametrize("text", ["MULTIPOINT((1 2),(3 4),(5 6))", "MULTIPOINT(1 2,3 4,5 6)"])
    def test_points_over_the_limit_are_too_large(self, text: str) -> None:
        with pytest.raises(QueryTooLarge, match=r"3 points; at most 2 .*limits\.points"):
            parse_points(text, Limits(points=2))

    def test_as_many_points_as_the_limit_are_read(self) -> None:
        assert len(parse_points("MULTIPOINT((1 2),(3 4))", Limits(points=2))) == 2

    def test_a_million_commas_are_counted_before_anything_is_read(self) -> None:
        with pytest.raises(QueryTooLarge, match="1000001 points"):
            parse_points("MULTIPOINT(x" + "," * 1_000_000, LIMITS)


ONE_OF_EACH = {
    "POINT": "(1 2)",
    "LINESTRING": "(1 2,3 4)",
    "POLYGON": "((0 0,4 0,4 4,0 0),(1 1,2 1,2 2,1 1))",
    "MULTIPOINT": "((1 2),(3 4))",
    "MULTILINESTRING": "((1 2,3 4),(5 6,7 8,9 10))",
    "MULTIPOLYGON": "(((0 0,4 0,4 4,0 0),(1 1,2 1,2 2,1 1)),((9 9,8 9,8 8,9 9)))",
}
SUFFIXES = ["", "Z", "M", "ZM"]


def with_more_numbers(body: str, suffix: str) -> str:
    """Give each position one more number for each letter of `suffix`."""
    for number in "78"[: len(suffix)]:
        body = body.replace(",", f" {number},").replace(")", f" {number})")
        body = body.replace(f") {number}", ")")
    return body


class TestAllGeometries:
    @pytest.mark.parametrize(("tag", "suffix"), list(product(ONE_OF_EACH, SUFFIXES)))
    def test_coordinates_are_those_that_shapely_reads(self, tag: str, suffix: str) -> None:
        text = f"{tag} {suffix}{with_more_numbers(ONE_OF_EACH[tag], suffix)}"
        expected = shapely.get_coordinates(shapely.from_wkt(text), include_z="Z" in suffix, include_m="M" in suffix)
        geometry = read(text)
        assert (geometry.kind, geometry.has_z, geometry.has_m) == (tag, "Z" in suffix, "M" in suffix)
        assert geometry.coords.tolist() == expected.tolist()

    @pytest.mark.parametrize(
        ("tag", "sequences", "parts"),
        [
            ("POINT", [0, 1], [0, 1]),
            ("LINESTRING", [0, 2], [0, 1]),
            ("POLYGON", [0, 4, 8], [0, 2]),
            ("MULTIPOINT", [0, 1, 2], [0, 1, 2]),
            ("MULTILINESTRING", [0, 2, 5], [0, 1, 2]),
            ("MULTIPOLYGON", [0, 4, 8, 12], [0, 2, 3]),
        ],
    )
    def test_offsets_give_sequences_and_parts(self, tag: str, sequences: list[int], parts: list[int]) -> None:
        geometry = read(tag + ONE_OF_EACH[tag])
        assert geometry.sequences.tolist() == sequences
        assert geometry.parts.tolist() == parts

    def test_a_bare_multipoint_has_the_offsets_of_one_with_parentheses(self) -> None:
        geometry = read("MULTIPOINT(1 2,3 4)")
        assert geometry.sequences.tolist() == geometry.parts.tolist() == [0, 1, 2]

    @given(st.sampled_from([2, 3]).flatmap(lambda dim: st.lists(tables(dim), min_size=1, max_size=5)))
    @settings(max_examples=100)
    def test_rings_of_a_multipolygon_read_back_to_the_same_floats(self, rings: list[list[list[float]]]) -> None:
        closed = [[*ring, *ring[:1], *ring[:1], *ring[:1]] for ring in rings]
        text = ",".join("((" + ",".join(" ".join(map(repr, row)) for row in ring) + "))" for ring in closed)
        geometry = read(f"MULTIPOLYGON({text})")
        ends = zip(geometry.sequences[:-1], geometry.sequences[1:], strict=True)
        assert [geometry.coords[start:end].tolist() for start, end in ends] == closed

    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            ("LINESTRING(1 2)", "has 1 where 2 or more"),
            ("LINESTRING((1 2,3 4))", "parenthesis too many"),
            ("POLYGON((1 2,3 4,1 2))", "has 3 where 4 or more"),
            ("POLYGON((1 2,3 4,5 6,7 8))", "ring 1 does not end where it starts"),
            ("POLYGON((0 0,1 0,1 1,0 0),(1 2,3 4,5 6,7 8))", "ring 2 does not end"),
            ("POLYGON Z((0 0 0,1 0 0,1 1 0,0 0 1))", "ring 1 does not end"),
            ("POLYGON(0 0,1 0,1 1,0 0)", "opening parenthesis is missing"),
            ("MULTIPOLYGON((0 0,1 0,1 1,0 0))", "opening parenthesis is missing"),
            ("MULTILINESTRING((1 2,3 4),5 6)", "opening parenthesis is missing"),
            ("POLYGON((0 0,1 0,1 1,0 0)", "before all parentheses are closed"),
            ("MULTIPOLYGON(" + ",".join(["((1 2))"] * 500) + ")", "list 1 of positions has 1 where 4 or more"),
            ("MULTIPOLYGON(" + ",".join(["((1 2))"] * 500) + ")" * 999, "text follows the last parenthesis"),
            ("POLYGON EMPTY", "empty"),
            ("POLYGON((0 0,1 0,1 1,0 0),EMPTY)", "empty"),
        ],
    )
    def test_a_wrong_one_is_refused_with_the_reason(self, text: str, fault: str) -> None:
        with pytest.raises(InvalidCoords, match=fault):
            read(text)

    def test_a_kind_that_is_not_taken_is_refused_with_those_that_are(self) -> None:
        with pytest.raises(InvalidCoords, match="is a POINT; this query takes POLYGON"):
            read_geometry("POINT(1 2)", max_chars=100, max_points=10, kinds=[GeometryKind.POLYGON])
