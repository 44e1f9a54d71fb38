"""Which ranges of one object to read together. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    """Ranges that one read covers."""

    start: int
    stop: int
    """Bytes of the read: from `start` to below `stop`."""
    members: tuple[int, ...]
    """Which of the ranges, by their position in what was given; in the order of their bytes."""


def coalesce(ranges: Sequence[tuple[int, int]], *, max_gap: int, max_bytes: int) -> list[Group]:
    """Put ranges (start, stop), in any order, into groups that are read at once; in the order of their bytes.

    Each range lies within exactly one group. Between the ranges of a group are at most `max_gap` bytes that nobody wants, and a
    group has at most `max_bytes`, unless it is a single range.
    """
    groups: list[Group] = []
    members: list[int] = []
    start = stop = 0
    for number in sorted(range(len(ranges)), key=ranges.__getitem__):
        first, last = ranges[number]
        if members and (first - stop > max_gap or max(stop, last) - start > max_bytes):
            groups.append(Group(start, stop, tuple(members)))
            members = []
        if not members:
            start, stop = first, last
        members.append(number)
        stop = max(stop, last)
    if members:
        groups.append(Group(start, stop, tuple(members)))
    return groups
