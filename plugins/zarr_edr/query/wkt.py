"""Well-known text -> arrays (OGC 06-103r4, clause 7; the tags Z, M and ZM).

A few array operations over the bytes, in time linear in the text and with no recursion, so that no nesting is too deep:
parentheses and commas alone settle the structure, and only then are numbers converted. Every comma of these geometries,
at whatever depth, stands between two positions: that is how points are counted before any work is done.

Faults give the number of the character, counted from 1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zarr_edr.errors import InvalidCoords, QueryTooLarge
from zarr_edr.limits import Limits
from zarr_edr.query.checks import DECIMAL, quoted, read_decimal
from zarr_edr.query.geometry import (
    POINTS,
    POLYGONS,
    Float64Array,
    Geometry,
    GeometryKind,
    Int64Array,
    Points,
)


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a kind is written."""

    depth: int
    """Parentheses around a position."""
    part_depth: int
    """Depth at which a part opens."""
    least: int
    """Positions in a sequence, at least."""
    example: str


_SHAPES = {
    GeometryKind.POINT: _Shape(1, 1, 1, "POINT(10.5 50.25)"),
    GeometryKind.MULTIPOINT: _Shape(2, 2, 1, "MULTIPOINT((10.5 50.25),(11 51))"),
    GeometryKind.LINESTRING: _Shape(1, 1, 2, "LINESTRING(10.5 50.25,11 51)"),
    GeometryKind.MULTILINESTRING: _Shape(2, 2, 2, "MULTILINESTRING((10 50,11 51),(12 50,13 51))"),
    GeometryKind.POLYGON: _Shape(2, 1, 4, "POLYGON((10 50,11 50,11 51,10 50))"),
    GeometryKind.MULTIPOLYGON: _Shape(3, 2, 4, "MULTIPOLYGON(((10 50,11 50,11 51,10 50)))"),
}
# `MULTIPOINT(1 2,3 4)`, of an older edition of the standard, is still the spelling of many writers.
_BARE_MULTIPOINT = _Shape(1, 1, 1, _SHAPES[GeometryKind.MULTIPOINT].example)

_SUFFIXES = ("ZM", "Z", "M", "")
_TAGS = {kind + suffix: (kind, suffix) for kind in GeometryKind for suffix in _SUFFIXES}
_HEADER = re.compile(r"\s*+([A-Za-z]*+)\s*+([A-Za-z]*+)\s*+", re.ASCII)
_WORD_CHARS = 61
_WORD = re.compile(rf"[^\s(),]{{1,{2 * _WORD_CHARS}}}", re.ASCII)
# Most requests ask for one point, which this reads thirty times as fast as array operations do.
_PLAIN_POINT = re.compile(rf"\s*+POINT\s*+\(\s*+({DECIMAL})\s++({DECIMAL})\s*+\)\s*+", re.ASCII | re.IGNORECASE)
_SRID = re.compile(r"\s*+SRID\s*+=", re.ASCII | re.IGNORECASE)

_DIM_XYZ = 3

# Classes of bytes; the delimiters count from 0, as they index _EXPECTED.
_OPEN, _COMMA, _CLOSE, _BLANK, _NUMBER, _OTHER = range(6)
_ALPHABET = ((_OPEN, b"("), (_COMMA, b","), (_CLOSE, b")"), (_BLANK, b" \t\n\r\f\v"), (_NUMBER, b"0123456789+-.eE"))
_CLASSES = bytes(next((kind for kind, chars in _ALPHABET if byte in chars), _OTHER) for byte in range(256))
_DEEPER = np.array([1, 0, -1], dtype=np.int64)
_DELIMITERS_TO_BLANKS = str.maketrans("(,)", "   ")

# What stands between two neighbouring delimiters, by [left, right, whether positions are due at this depth].
_WRONG, _NOTHING, _POSITION = -1, 0, 1
_EXPECTED = np.full((3, 3, 2), _WRONG, dtype=np.int8)
_EXPECTED[_OPEN, _OPEN, 0] = _EXPECTED[_COMMA, _OPEN, 0] = _NOTHING
_EXPECTED[_CLOSE, _COMMA, 0] = _EXPECTED[_CLOSE, _CLOSE, 0] = _NOTHING
_EXPECTED[:_CLOSE, _COMMA:, 1] = _POSITION


@dataclass(frozen=True, slots=True)
class _Header:
    kind: GeometryKind
    suffix: str
    end: int
    """Index of the first opening parenthesis."""


@dataclass(frozen=True, slots=True, eq=False)
class _Marks:
    """The delimiters of a text, k of them, and the words between them."""

    kinds: NDArray[np.uint8]
    """Shape (k,): _OPEN, _COMMA or _CLOSE."""
    at: Int64Array
    """Shape (k,): indices into the text."""
    depth: Int64Array
    """Shape (k,): parentheses open after each."""
    words: Int64Array
    """Shape (k,): words between each and the next, or the end of the text."""
    word_at: Int64Array
    """Shape (w,): indices into the text."""


def parse_points(text: str, limits: Limits) -> Points:
    """Read the `coords` of a position query: POINT or MULTIPOINT, with or without Z.

    Raises:
        InvalidCoords: It is not such a geometry, or has a number that is not a finite decimal.
        QueryTooLarge: It is over `limits.coords_chars` or `limits.points`.
    """
    if len(text) <= limits.coords_chars and (plain := _PLAIN_POINT.fullmatch(text)):
        x, y = float(plain[1]), float(plain[2])
        if math.isfinite(x) and math.isfinite(y):
            return Points(np.array([x]), np.array([y]), None, multi=False)
    geometry = read_geometry(text, max_chars=limits.coords_chars, max_points=limits.points, kinds=POINTS)
    if geometry.has_m:
        raise InvalidCoords(f"coords is a {geometry.kind} with M, which this query has no use for. {_examples(POINTS)}")
    columns = np.ascontiguousarray(geometry.coords.T)
    z = columns[2] if geometry.has_z else None
    return Points(columns[0], columns[1], z, multi=geometry.kind is GeometryKind.MULTIPOINT)


def read_geometry(
    text: str, *, max_chars: int, max_points: int, kinds: Collection[GeometryKind] = tuple(GeometryKind)
) -> Geometry:
    """Read one geometry of one of `kinds`. Three numbers without a tag are x, y and z.

    Raises:
        InvalidCoords: The text is not such a geometry; the message says where it stops being one.
        QueryTooLarge: It is over `limits.coords_chars` or `limits.points`, whose values the arguments are.
    """
    if len(text) > max_chars:
        raise QueryTooLarge(
            f"coords has {len(text)} characters; at most {max_chars} are allowed (limits.coords_chars)."
        )
    header = _read_header(text, kinds)
    n_points = text.count(",") + 1
    if n_points > max_points:
        raise QueryTooLarge(f"coords has {n_points} points; at most {max_points} are allowed (limits.points).")
    marks = _mark(text, header, n_points)
    shape = _SHAPES[header.kind]
    if header.kind is GeometryKind.MULTIPOINT and not (marks.kinds[1:2] == _OPEN).any():
        shape = _BARE_MULTIPOINT
    dim = _dimension(marks, header)
    is_position = _check_structure(text, marks, shape, header, dim)
    sequences, parts = _offsets(marks, is_position, shape)
    if shape is _BARE_MULTIPOINT:
        sequences = parts = np.arange(n_points + 1, dtype=np.int64)
    coords = _numbers(text, marks, header).reshape(-1, dim)
    _check_sequences(coords, sequences, header.kind)
    tagged = header.suffix or "Z"[: dim - 2]
    return Geometry(header.kind, "Z" in tagged, "M" in tagged, coords, sequences, parts)


def _read_header(text: str, kinds: Collection[GeometryKind]) -> _Header:
    match = _HEADER.match(text)
    first, second = (match[1].upper(), match[2].upper()) if match else ("", "")
    end = match.end() if match else 0
    kind, suffix = _TAGS.get(first, (None, ""))
    if kind is None:
        raise InvalidCoords(f"{_unknown(text, first)} {_examples(kinds)}")
    if kind not in kinds:
        raise InvalidCoords(f"coords is a {kind}; this query takes {' or '.join(kinds)}. {_examples(kinds)}")
    if second and second in _SUFFIXES and not suffix:
        suffix, second = second, ""
    if second == "EMPTY" or text[end : end + 5].upper() == "EMPTY":
        raise _invalid("the geometry is empty; it needs a position", end, kind)
    if second or text[end : end + 1] != "(":
        at = match.start(2) if match and second else end
        found = quoted(text[at:]) if at < len(text) else "the end"
        raise _invalid(f"an opening parenthesis is due after the tag, not {found}", at, kind)
    return _Header(kind, suffix, end)


def _unknown(text: str, first: str) -> str:
    """Why a text without one of our tags is refused."""
    if not text.strip():
        return "coords is empty."
    if _SRID.match(text):
        return "coords starts with SRID=, which is not WKT; name the CRS by the parameter crs."
    if first.startswith("GEOMETRYCOLLECTION"):
        return "coords is a GEOMETRYCOLLECTION; it must be one geometry."
    return f"coords does not start with the tag of a geometry, but with {quoted(text)}."


def _mark(text: str, header: _Header, n_points: int) -> _Marks:
    """Find delimiters and words; refuse characters that no geometry holds."""
    try:
        raw = text[header.end :].encode("ascii")
    except UnicodeEncodeError as error:
        raise _strange_word(text, header.end + error.start, header.kind) from error
    classes = np.frombuffer(raw.translate(_CLASSES), dtype=np.uint8)
    other = classes == _OTHER
    if other.any():
        raise _strange_word(text, header.end + int(other.argmax()), header.kind)
    is_mark = classes < _BLANK
    is_number = classes == _NUMBER
    # The first character is a parenthesis, so that every word has a character before it.
    is_mark[1:] |= is_number[1:] > is_number[:-1]
    at = np.flatnonzero(is_mark)
    kinds = classes[at]
    is_word = kinds == _NUMBER
    # At most two parentheses close and two open at a comma, and three at either end. Of a text with more, this many
    # delimiters show the fault, and a flood of parentheses costs no more than that.
    delimiters = np.flatnonzero(~is_word)[: 5 * n_points + 6]
    words = np.diff(delimiters, append=at.size) - 1
    depth = np.cumsum(_DEEPER[kinds[delimiters]])
    return _Marks(kinds[delimiters], at[delimiters] + header.end, depth, words, at[is_word] + header.end)


def _strange_word(text: str, at: int, kind: GeometryKind) -> InvalidCoords:
    """The fault of a character that is in no number, told of the whole word it stands in."""
    reach = max(0, at - _WORD_CHARS)
    start = max(reach, 1 + max(text.rfind(edge, reach, at) for edge in " \t\n\r\f\v(,)"))
    word = match[0] if (match := _WORD.match(text, start)) else text[at]
    if word.upper() == "EMPTY":
        return _invalid("a part of the geometry is empty; it needs a position", start, kind)
    return _invalid(f"{quoted(word)} is not a decimal number", start, kind)


def _dimension(marks: _Marks, header: _Header) -> int:
    """Numbers that each position must have: from the tag, else from the first position."""
    if header.suffix:
        return 2 + len(header.suffix)
    first = marks.words[int((marks.words > 0).argmax())]
    return _DIM_XYZ if first == _DIM_XYZ else 2


def _check_structure(text: str, marks: _Marks, shape: _Shape, header: _Header, dim: int) -> NDArray[np.bool_]:
    """Check what stands between each two delimiters; shape (k - 1,): whether it is a position."""
    left, right, depth = marks.kinds[:-1], marks.kinds[1:], marks.depth[:-1]
    expected = _EXPECTED[left, right, (depth == shape.depth).astype(np.intp)]
    is_position = expected == _POSITION
    wrong = (expected == _WRONG) | (marks.words[:-1] != is_position * dim) | (depth <= 0)
    if wrong.any():
        raise _structural_fault(marks, int(wrong.argmax()), shape, header, dim)
    if marks.depth[-1] > 0:
        raise _invalid("the text ends before all parentheses are closed", len(text), header.kind)
    if marks.words[-1]:
        raise _invalid("text follows the last parenthesis", int(marks.word_at[-marks.words[-1]]), header.kind)
    return np.asarray(is_position)


def _structural_fault(marks: _Marks, gap: int, shape: _Shape, header: _Header, dim: int) -> InvalidCoords:
    """Say what is wrong between delimiter `gap` and the next."""
    left, right, words = marks.kinds[gap], marks.kinds[gap + 1], int(marks.words[gap])
    here, there = int(marks.at[gap]) + 1, int(marks.at[gap + 1])
    innermost = marks.depth[gap] == shape.depth
    if marks.depth[gap] <= 0:
        return _invalid("text follows the last parenthesis", here, header.kind)
    if innermost and _EXPECTED[left, right, 1] == _POSITION:
        tag = f" with the tag {header.suffix}" if header.suffix else ""
        what = f"a position of {words}, not {dim} numbers{tag}, parted by blanks" if words else "a position is missing"
        return _invalid(what, here, header.kind)
    if right == _OPEN and innermost:
        return _invalid("there is an opening parenthesis too many", there, header.kind)
    if right == _OPEN and left == _CLOSE:
        return _invalid("a comma is missing between two parentheses", there, header.kind)
    if left != _CLOSE and right != _OPEN:
        return _invalid("an opening parenthesis is missing", here, header.kind)
    return _invalid("there are numbers outside of the innermost parentheses", here, header.kind)


def _offsets(marks: _Marks, is_position: NDArray[np.bool_], shape: _Shape) -> tuple[Int64Array, Int64Array]:
    """Where sequences start among the positions, and parts among the sequences."""
    opens, depth = marks.kinds[:-1] == _OPEN, marks.depth[:-1]
    sequence_opens = opens & (depth == shape.depth)
    part_opens = opens & (depth == shape.part_depth)
    return _starts(is_position, sequence_opens), _starts(sequence_opens, part_opens)


def _starts(members: NDArray[np.bool_], openings: NDArray[np.bool_]) -> Int64Array:
    """How many members came before each opening; and their number, to end the last."""
    count = np.cumsum(members)
    return np.append((count - members)[openings], count[-1]).astype(np.int64)


def _numbers(text: str, marks: _Marks, header: _Header) -> Float64Array:
    """Convert all words, shape (w,)."""
    words = text[header.end :].translate(_DELIMITERS_TO_BLANKS).split()
    try:
        values = np.fromiter(map(float, words), dtype=np.float64, count=len(words))
    except ValueError as error:
        raise _bad_number(words, marks, header) from error
    if not np.isfinite(values).all():
        raise _bad_number(words, marks, header)
    return values


def _bad_number(words: list[str], marks: _Marks, header: _Header) -> InvalidCoords:
    index = next(index for index, word in enumerate(words) if read_decimal(word) is None)
    message = f"{quoted(words[index])} is not a finite decimal number"
    return _invalid(message, int(marks.word_at[index]), header.kind)


def _check_sequences(coords: Float64Array, sequences: Int64Array, kind: GeometryKind) -> None:
    """Check that points are single, lines long enough and rings closed."""
    fault = fault_of_sequences(coords, sequences, kind)
    if fault is not None:
        index, noun, what = fault
        raise _invalid(f"{noun} {index + 1} {what}", None, kind)


def fault_of_sequences(coords: Float64Array, sequences: Int64Array, kind: GeometryKind) -> tuple[int, str, str] | None:
    """The first sequence that cannot be: its index, what it is, and what is wrong.

    None where points are single, lines and rings long enough, and rings closed.
    """
    lengths = np.diff(sequences)
    least = _SHAPES[kind].least
    wrong = (lengths != 1) if kind in POINTS else (lengths < least)
    if wrong.any():
        index = int(wrong.argmax())
        due = "one is" if kind in POINTS else f"{least} or more are"
        return index, "list", f"of positions has {lengths[index]} where {due} due"
    if kind in POLYGONS:
        is_open = (coords[sequences[:-1]] != coords[sequences[1:] - 1]).any(axis=1)
        if is_open.any():
            return int(is_open.argmax()), "ring", "does not end where it starts"
    return None


def _invalid(what: str, at: int | None, kind: GeometryKind) -> InvalidCoords:
    where = "" if at is None else f", at character {at + 1}"
    return InvalidCoords(f"coords is not a valid {kind}: {what}{where}. {_examples([kind])}")


def _examples(kinds: Collection[GeometryKind]) -> str:
    return f"Right is e.g. {' or '.join(_SHAPES[kind].example for kind in kinds)}."
