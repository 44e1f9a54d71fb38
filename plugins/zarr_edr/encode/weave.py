"""Texts that repeat along the axes of an array, woven into the rows of a table.

What varies together is joined first; then each strand becomes a list with a text for each row, and the lists are merged and
joined. No row, and no value, is handled on its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROWS_AT_ONCE = 100_000
"""Rows woven at a time, so that the text in memory is some MB."""
_PIECE_BYTES = 256 * 1024
"""Of several runs that are joined: longer ones are sent as they are."""
_LONG_RUN = 16
"""Rows of a run that are worth lists of their own."""


@dataclass(frozen=True, slots=True)
class Strand:
    """Text that varies along some axes of an array."""

    axes: tuple[int, ...]
    """Rising."""
    texts: list[bytes]
    """One for each position along these axes, the last one fastest; one for none."""


def woven(strands: Sequence[Strand], sizes: tuple[int, ...], kept: NDArray[np.int64] | None) -> Iterator[bytes]:
    """The rows of an array of a shape, all or those numbered in `kept`: each the texts of all strands there, joined."""
    rows = math.prod(sizes)
    strands = _joined(strands, rows)
    if kept is not None:
        yield from _of_rows(strands, sizes, kept)
    elif len(sizes) > 1 and sizes[-1] >= _LONG_RUN:
        yield from _of_runs(strands, sizes)
    elif rows <= _ROWS_AT_ONCE:
        yield _weave([_spread(strand, sizes) for strand in strands])
    else:
        yield from _of_rows(strands, sizes, np.arange(rows))


def _joined(strands: Sequence[Strand], rows: int) -> list[Strand]:
    """Neighbours that vary along the same axes as one, unless it would have a text for each row: that costs more."""
    found: list[Strand] = []
    for strand in strands:
        last = found[-1] if found else None
        if last is not None and (last.axes == strand.axes or () in (last.axes, strand.axes)):
            longer = max(len(last.texts), len(strand.texts))
            if longer < rows or longer == 1:
                found[-1] = Strand(last.axes or strand.axes, _pairs(last.texts, strand.texts))
                continue
        found.append(strand)
    return found


def _pairs(first: list[bytes], second: list[bytes]) -> list[bytes]:
    if len(first) == 1:
        return [first[0] + text for text in second]
    if len(second) == 1:
        return [text + second[0] for text in first]
    return [a + b for a, b in zip(first, second, strict=True)]


def _of_runs(strands: Sequence[Strand], sizes: tuple[int, ...]) -> Iterator[bytes]:
    """Rows run by run along the last axis: short lists stay in the processor's caches, and weave in a fifth of the time."""
    some: list[bytes] = []
    held = 0
    for lists in zip(*(_by_run(strand, sizes) for strand in strands), strict=True):
        some.append(_weave(lists))
        held += len(some[-1])
        if held >= _PIECE_BYTES:
            yield some[0] if len(some) == 1 else b"".join(some)
            some, held = [], 0
    if some:
        yield b"".join(some)


def _by_run(strand: Strand, sizes: tuple[int, ...]) -> Iterator[list[bytes]]:
    """A text for each row of a run, for each run."""
    runs, length = math.prod(sizes[:-1]), sizes[-1]
    last = len(sizes) - 1
    if last not in strand.axes:
        for text in _spread(strand, sizes[:-1]):
            yield [text] * length
    elif strand.axes == (last,):
        yield from [strand.texts] * runs
    else:
        texts = _spread(strand, sizes)
        for run in range(runs):
            yield texts[run * length : (run + 1) * length]


def _of_rows(strands: Sequence[Strand], sizes: tuple[int, ...], rows: NDArray[np.int64]) -> Iterator[bytes]:
    for start in range(0, rows.size, _ROWS_AT_ONCE):
        here = np.unravel_index(rows[start : start + _ROWS_AT_ONCE], sizes)
        yield _weave([_picked(strand, sizes, here) for strand in strands])


def _picked(strand: Strand, sizes: tuple[int, ...], rows: tuple[NDArray[np.intp], ...]) -> list[bytes]:
    """A text for each of some rows."""
    if len(strand.texts) == 1:
        return strand.texts * int(rows[0].size)
    return list(np.broadcast_to(_objects(strand, sizes), sizes)[rows])


def _spread(strand: Strand, sizes: tuple[int, ...]) -> list[bytes]:
    """A text for each row."""
    rows = math.prod(sizes)
    if len(strand.texts) == rows:
        return strand.texts
    if len(strand.texts) == 1:
        return strand.texts * rows
    return list(np.broadcast_to(_objects(strand, sizes), sizes).reshape(-1))


def _objects(strand: Strand, sizes: tuple[int, ...]) -> NDArray[Any]:
    array = np.empty(len(strand.texts), dtype=object)
    array[:] = strand.texts
    return array.reshape([size if axis in strand.axes else 1 for axis, size in enumerate(sizes)])


def _weave(strands: Sequence[list[bytes]]) -> bytes:
    width = len(strands)
    pieces = [b""] * (width * len(strands[0]))
    for number, texts in enumerate(strands):
        pieces[number::width] = texts
    return b"".join(pieces)
