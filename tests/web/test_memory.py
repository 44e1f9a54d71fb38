"""Free memory goes back to the system now and then."""

from __future__ import annotations

import time

import pytest

from zarr_edr.web import memory
from zarr_edr.web.memory import Trimmer


def test_memory_is_trimmed_once_in_a_while_however_often_it_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    trimmer = Trimmer()
    trimmed: list[int] = []
    monkeypatch.setattr(trimmer, "_trim", trimmed.append)
    start = time.monotonic()
    for seconds in (1, 5, 11, 12, 20, 22):
        monkeypatch.setattr(time, "monotonic", lambda later=start + seconds: later)
        trimmer.tick()
    assert trimmed == [0, 0]


def test_the_environment_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "3")
    monkeypatch.setattr(memory, "_SETTINGS", {"not": "a number"})
    memory.keep_together()


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_glibc", object())
    memory.keep_together()
    Trimmer().tick()
    assert Trimmer()._trim is None
