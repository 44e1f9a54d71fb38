"""Tables as text: CSV (RFC 4180), JSON records and newline-delimited JSON.

A row is never handled on its own: the text of each column is made once for each position along the axes it varies on, and woven.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from zarr_edr.coverage import CoverageSet, Times
from zarr_edr.encode.table import Block, Laid, TableEncoder, blocks_of
from zarr_edr.encode.tokens import time_tokens, tokens
from zarr_edr.encode.weave import Strand, woven
from zarr_edr.outline import Column, Outline, Role

Texts = Callable[[NDArray[Any]], list[bytes]]
"""Writes values, shape (n,)."""


class CsvEncoder(TableEncoder):
    """One header line, then a line for each row; nothing between two commas is no value."""

    name = "CSV"
    media_types = ("text/csv",)
    aliases = frozenset({"csv", *media_types})
    extension = "csv"

    def encode_parts(self, outline: Outline, parts: Iterable[CoverageSet]) -> Iterator[bytes]:
        """See `TableEncoder`. Lines end in CR LF; the unit of a column follows its name in brackets."""
        columns = outline.columns()
        yield b",".join(_quoted(_with_unit(column)) for column in columns)
        before = [b"\r\n", *[b","] * (len(columns) - 1)]  # each row ends the line before it: one text less to weave
        for block in _blocks(parts):
            yield from _rows(block, columns, before, _csv_texts)
        yield b"\r\n"


_OF_PANDAS_PROJECTED: Mapping[Role, str] = {Role.POINT: "points"}
_OF_PANDAS: Mapping[Role, str] = {**_OF_PANDAS_PROJECTED, Role.X: "lon", Role.Y: "lat"}


class _JsonRows(TableEncoder):
    """Rows as JSON objects with the names of pandas users: points, time, lat, lon."""

    opening, between, closing = b"", b"\n", b"\n"

    def encode_parts(self, outline: Outline, parts: Iterable[CoverageSet]) -> Iterator[bytes]:
        """See `TableEncoder`. A column that a row has no value for is null."""
        columns = outline.columns(_OF_PANDAS if outline.crs.geographic else _OF_PANDAS_PROJECTED)
        names = [orjson.dumps(column.name) + b":" for column in columns]
        end = b"}" + self.between  # each row ends the one before it: one text less to weave
        before = [end + b"{" + names[0], *(b"," + name for name in names[1:])]
        texts = (text for block in _blocks(parts) for text in _rows(block, columns, before, tokens))
        first = next(texts, None)
        if first is None:
            yield self.opening + self.closing.strip()  # there is no line to end
            return
        yield self.opening + first.removeprefix(end)
        yield from texts
        yield b"}" + self.closing


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


def _rows(block: Block, columns: Sequence[Column], before: Sequence[bytes], texts: Texts) -> Iterator[bytes]:
    """The rows of a block: each column's text with `before` in front of it."""
    strands: list[Strand] = []
    for column, literal in zip(columns, before, strict=True):
        strands.append(Strand((), [literal]))
        laid = block.columns.get((column.role, column.key))
        strands.append(Strand((), texts(_NOTHING)) if laid is None else _strand(laid, texts))
    return woven(strands, block.shape, block.kept)


_NOTHING = np.array([None], dtype=object)


def _strand(laid: Laid, texts: Texts) -> Strand:
    values = laid.values
    if isinstance(values, Times):
        written = time_tokens(values)
        # No time has a comma or a quote in it.
        return Strand(laid.axes, written if texts is tokens else [text[1:-1] for text in written])
    return Strand(laid.axes, texts(values.reshape(-1)))
