"""What a JSON text looks like before it is parsed, and what the parser leaves out, in time linear in its length.

The parser keeps the last of several members of one name, and says nothing. But each member has one colon outside of text: where
an object lost members, there are more colons at its depth than members were parsed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import chain

import numpy as np
import numpy.typing as npt

from zarr_edr.errors import InvalidBody, QueryTooLarge
from zarr_edr.query.checks import quoted

Counts = npt.NDArray[np.int64]

_OTHER, _OPEN, _CLOSE, _QUOTE, _COLON = 0, 1, 255, 2, 3
_CLASSES = bytes(
    {**dict.fromkeys(b"[{", _OPEN), **dict.fromkeys(b"]}", _CLOSE), ord('"'): _QUOTE, ord(":"): _COLON}.get(b, _OTHER)
    for b in range(256)
)
_CONTAINERS = frozenset({dict, list})
_STRIDE = 4 * 1024**2
"""Bytes looked at together: enough to be quick, few enough to need little memory."""


def scan(body: bytes, allowed: int) -> Counts:
    """Members of objects at each depth from 0 to `allowed`, shape (allowed + 1,), as long as the body is JSON.

    Raises `QueryTooLarge` where more lists and objects are open within one another than are allowed.
    """
    # An escaped quote ends no text. Nothing is escaped in a list of numbers, nor copied then.
    text = body.replace(b"\\\\", b"  ").replace(b'\\"', b"  ") if b"\\" in body else body
    members = np.zeros(allowed + 1, dtype=np.int64)
    depth, in_text = 0, 0
    for start in range(0, len(text), _STRIDE):
        classes = np.frombuffer(text[start : start + _STRIDE].translate(_CLASSES), np.uint8)
        marks = np.flatnonzero(classes != _OTHER)  # of booleans, in a tenth of the time of the numbers
        kinds = classes[marks]
        inside = (np.cumsum(kinds == _QUOTE) + in_text) % 2
        steps = np.where((inside == 0) & (kinds != _QUOTE) & (kinds != _COLON), kinds.astype(np.int8), 0)
        depths = depth + np.cumsum(steps, dtype=np.int64)
        too_deep = depths > allowed
        if too_deep.any():
            at = start + int(marks[too_deep.argmax()]) + 1
            raise QueryTooLarge(
                f"More than {allowed} lists and objects are open within one another at byte {at} of the body;"
                f" {allowed} are allowed (limits.nesting)."
            )
        of_members = depths[(inside == 0) & (kinds == _COLON)]
        members += np.bincount(of_members[of_members >= 0], minlength=allowed + 1)
        if marks.size:
            depth, in_text = int(depths[-1]), int(inside[-1])
    return members


def check_members(value: object, members: Counts, body: bytes) -> None:
    """Raise `InvalidBody` where a member of an object stands twice; `members` are those of the body by `scan`, `value` is it."""
    dicts, lists = _sorted([value])
    deepest = int(np.flatnonzero(members).max(initial=0))
    for depth in range(1, deepest + 1):
        if sum(map(len, dicts)) < members[depth]:
            raise InvalidBody(f"The member {quoted(_repeated(body))} stands twice in one object of the body; keep one.")
        if depth < deepest:
            inner = chain(chain.from_iterable(map(dict.values, dicts)), chain.from_iterable(lists))
            dicts, lists = _sorted(inner)


def _sorted(values: Iterable[object]) -> tuple[list[dict[str, object]], list[list[object]]]:
    """The objects and the lists among values."""
    of_both = [value for value in values if type(value) in _CONTAINERS]
    dicts = [value for value in of_both if isinstance(value, dict)]
    return dicts, [value for value in of_both if isinstance(value, list)]


class _Repeated(Exception):
    """Ends the search; its argument is the name."""


def _repeated(body: bytes) -> str:
    """The name of the first member that stands twice. Takes several times as long as parsing, but keeps nothing."""
    try:
        json.loads(body, object_pairs_hook=_look, parse_int=str, parse_float=str)  # `int` refuses very long ones
    except _Repeated as found:
        return str(found)
    return ""


def _look(pairs: list[tuple[str, object]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise _Repeated(name)
        seen.add(name)
