"""Tables as text: CSV (RFC 4180), JSON records and newline-delimited JSON.

A row is never handled on its own. The text of each column is made once for each position along the axes it varies on; what
varies together is joined; then all is woven into one list and joined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from zarr_edr.coverage import CoverageSet, Times
from zarr_edr.encode.table import Block, Column, Laid, Outline, Role, blocks_of
from zarr_edr.encode.tokens import tokens

_ROWS_AT_ONCE = 100_000
"""Rows woven at a time; a block of more is cut, so that the text in memory is some MB."""

Texts = Callable[[NDArray[Any]], list[bytes]]
"""Writes values, shape (n,)."""


@dataclass(frozen=True, slots=True)
class _Strand:
    """Text along some axes of a block, in their order."""

    axes: tuple[int, ...]
    texts: list[bytes]


class _RowEncoder:
    """What the formats of rows share."""

    name: str
    media_types: tuple[str, ...]
    aliases: frozenset[str]
    extension: str | None
    queries: frozenset[str] | None = None

    def encode(self, coverages: CoverageSet) -> Iterator[bytes]:
        """All rows of an answer as UTF-8."""
        return self.encode_parts(Outline.of_coverages(coverages), (coverages,))

    def encode_parts(self, outline: Outline, parts: Iterable[CoverageSet]) -> Iterator[bytes]:
        """All rows of an answer that comes in parts, each part's as soon as it is there."""
        raise NotImplementedError


class CsvEncoder(_RowEncoder):
    """One header line, then a line for each row; nothing between two commas is no value."""

    name = "CSV"
    media_types = ("text/csv",)
    aliases = frozenset({"csv", *media_types})
    extension = "csv"

    def encode_parts(self, outline: Outline, parts: Iterable[CoverageSet]) -> Iterator[bytes]:
        """See `_RowEncoder`. Lines end in CR LF; the unit of a column follows its name in brackets."""
        columns = outline.columns()
        yield b",".join(_quoted(_with_unit(column)) for column in columns) + b"\r\n"
        before = [b"" if number == 0 else b"," for number in range(len(columns))]
        for block in _blocks(parts):
            yield from _woven(block, columns, before, b"\r\n", _csv_texts)


class _JsonRows(_RowEncoder):
    """Rows as JSON objects with the names of pandas users: points, time, lat, lon."""

    opening, between, closing = b"", b"\n", b"\n"

    def encode_parts(self, outline: Outline, parts: Iterable[CoverageSet]) -> Iterator[bytes]:
        """See `_RowEncoder`. A column that a row has no value for is null."""
        columns = outline.columns()
        names = _json_names(columns, geographic=outline.crs.geographic)
        before = [(b"{" if n == 0 else b",") + orjson.dumps(name) + b":" for n, name in enumerate(names)]
        start = self.opening
        for block in _blocks(parts):
            for text in _woven(block, columns, before, b"}" + self.between, tokens):
                yield start + text.removesuffix(self.between)
                start = self.between
        yield self.closing


class RecordsEncoder(_JsonRows):
    """A JSON array with an object for each row."""

    name = "Records"
    media_types = ("application/vnd.zarr-edr.records+json",)
    aliases = frozenset({"records", *media_types})
    extension = None
    opening, between, closing = b"[", b",\n", b"]"


class NdjsonEncoder(_JsonRows):
    """An object for each row, each on a line of its own."""

    name = "NDJSON"
    media_types = ("application/x-ndjson", "application/ndjson")
    aliases = frozenset({"ndjson", "jsonl", *media_types})
    extension = "ndjson"


def _json_names(columns: Sequence[Column], *, geographic: bool) -> list[str]:
    """Names of members: those of the columns, but for the four that pandas users know by others."""
    known: Mapping[Role, str] = {Role.POINT: "points"}
    if geographic:
        known = {**known, Role.X: "lon", Role.Y: "lat"}
    names = [known.get(column.role, column.name) for column in columns]
    others = set(known.values())
    return [
        f"{name}_{column.role}" if name in others and column.role not in known else name
        for name, column in zip(names, columns, strict=True)
    ]


def _blocks(parts: Iterable[CoverageSet]) -> Iterator[Block]:
    return chain.from_iterable(map(blocks_of, parts))


def _with_unit(column: Column) -> str:
    return f"{column.name} [{column.unit}]" if column.unit else column.name


def _quoted(text: str) -> bytes:
    """A field of CSV."""
    if any(character in text for character in ',"\r\n') or text != text.strip():
        text = '"' + text.replace('"', '""') + '"'
    return text.encode()


def _csv_texts(values: NDArray[Any]) -> list[bytes]:
    if values.dtype.kind in "OUT":
        return [_csv_text(value) for value in values.tolist()]
    return tokens(values, null=b"")


def _csv_text(value: object) -> bytes:
    if value is None:
        return b""
    return _quoted(value) if isinstance(value, str) else _quoted(orjson.dumps(value).decode())


def _woven(
    block: Block, columns: Sequence[Column], before: Sequence[bytes], end: bytes, texts: Texts
) -> Iterator[bytes]:
    """The rows of a block: each column's text with `before` in front of it, and `end` after the last."""
    strands: list[_Strand] = []
    sizes = block.shape
    for column, literal in zip(columns, before, strict=True):
        strands.append(_Strand((), [literal]))
        laid = block.columns.get((column.role, column.key))
        strands.append(_Strand((), texts(_NOTHING)) if laid is None else _strand(laid, texts))
    strands.append(_Strand((), [end]))
    strands = _joined(strands, sizes)
    rows = np.arange(int(np.prod(sizes, dtype=np.int64))) if block.kept is None else block.kept
    if block.kept is None and rows.size <= _ROWS_AT_ONCE:
        yield _weave([_spread(strand, sizes) for strand in strands])
        return
    for start in range(0, rows.size, _ROWS_AT_ONCE):
        here = np.unravel_index(rows[start : start + _ROWS_AT_ONCE], sizes)
        yield _weave([_picked(strand, sizes, here) for strand in strands])


_NOTHING = np.array([None], dtype=object)


def _strand(laid: Laid, texts: Texts) -> _Strand:
    values = laid.values
    if isinstance(values, Times):
        return _Strand(laid.axes, texts(np.array([values.axis.iso[i] for i in values.index.tolist()], dtype=object)))
    written = texts(np.asarray(values).reshape(-1))
    if isinstance(values, np.ma.MaskedArray):
        (missing,) = texts(_NOTHING)
        for number in np.flatnonzero(np.ma.getmaskarray(values)).tolist():
            written[number] = missing
    return _Strand(laid.axes, written)


def _joined(strands: Sequence[_Strand], sizes: tuple[int, ...]) -> list[_Strand]:
    """Neighbours that vary along the same axes as one, unless it would have a text for each row: that costs more."""
    rows = int(np.prod(sizes, dtype=np.int64))
    found: list[_Strand] = []
    for strand in strands:
        last = found[-1] if found else None
        if last is not None and (last.axes == strand.axes or () in (last.axes, strand.axes)):
            longer = max(len(last.texts), len(strand.texts))
            if longer < rows or longer == 1:
                found[-1] = _Strand(last.axes or strand.axes, _pairs(last.texts, strand.texts))
                continue
        found.append(strand)
    return found


def _pairs(first: list[bytes], second: list[bytes]) -> list[bytes]:
    if len(first) == 1:
        return [first[0] + text for text in second]
    if len(second) == 1:
        return [text + second[0] for text in first]
    return [a + b for a, b in zip(first, second, strict=True)]


def _objects_of(strand: _Strand, sizes: tuple[int, ...]) -> NDArray[Any]:
    array = np.empty(len(strand.texts), dtype=object)
    array[:] = strand.texts
    return array.reshape([size if axis in strand.axes else 1 for axis, size in enumerate(sizes)])


def _spread(strand: _Strand, sizes: tuple[int, ...]) -> list[bytes]:
    """A text for each row."""
    rows = int(np.prod(sizes, dtype=np.int64))
    if len(strand.texts) == rows:
        return strand.texts
    if len(strand.texts) == 1:
        return strand.texts * rows
    return list(np.broadcast_to(_objects_of(strand, sizes), sizes).reshape(-1))


def _picked(strand: _Strand, sizes: tuple[int, ...], rows: tuple[NDArray[np.intp], ...]) -> list[bytes]:
    """A text for each of some rows."""
    if len(strand.texts) == 1:
        return strand.texts * rows[0].size if rows else strand.texts
    array = np.broadcast_to(_objects_of(strand, sizes), sizes)
    return list(array[rows])


def _weave(strands: Sequence[list[bytes]]) -> bytes:
    width = len(strands)
    woven = [b""] * (width * len(strands[0]))
    for number, texts in enumerate(strands):
        woven[number::width] = texts
    return b"".join(woven)
