"""The journal knows what is done, and of what."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr

from zarr_edr.errors import ConfigurationError
from zarr_edr.rechunk.journal import Entry, Journal, state_of

HEADER: dict[str, str | int] = {"version": 1, "SRC": "a.zarr", "--memory": 5, "state": "abc", "files": "1 2 3"}
FIRST: Entry = ("points", "v", 0, 0)
SECOND: Entry = ("points", "a name, with \n what not", 1, 7)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def test_what_was_added_is_there_when_it_is_opened_again(path: Path) -> None:
    journal = Journal(path, HEADER)
    journal.add(FIRST, 3)
    journal.add(SECOND, 0)
    assert Journal(path, HEADER).done == journal.done == {FIRST: 3, SECOND: 0}


@pytest.mark.parametrize("lost", range(1, 20))
def test_a_line_that_was_cut_short_does_not_count(path: Path, lost: int) -> None:
    journal = Journal(path, HEADER)
    journal.add(FIRST, 3)
    whole = path.read_bytes()
    journal.add(SECOND, 0)
    path.write_bytes(path.read_bytes()[:-lost])
    again = Journal(path, HEADER)
    assert again.done == {FIRST: 3}
    assert path.read_bytes() == whole


def test_a_first_line_that_was_cut_short_begins_anew(path: Path) -> None:
    path.write_text('{"version": 1, "SR')
    assert not Journal(path, HEADER).resumed
    assert Journal(path, HEADER).done == {}


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("SRC", "SRC was a.zarr"),
        ("--memory", "--memory was 5"),
        ("state", "source has changed"),
        ("files", "source has changed"),
    ],
)
def test_another_source_or_option_is_refused_with_what_differs(path: Path, key: str, said: str) -> None:
    Journal(path, HEADER)
    with pytest.raises(ConfigurationError, match=said):
        Journal(path, {**HEADER, key: "other"})


def test_after_a_broken_chunk_the_files_may_differ_once(path: Path) -> None:
    journal = Journal(path, HEADER)
    journal.add(FIRST, 3)
    journal.await_repair()
    repaired = {**HEADER, "files": "1 2 4"}
    Journal(path, repaired).add(SECOND, 0)
    assert Journal(path, repaired).done == {FIRST: 3, SECOND: 0}
    with pytest.raises(ConfigurationError, match="source has changed"):
        Journal(path, HEADER)


def test_what_is_no_journal_is_refused(path: Path) -> None:
    path.write_text("hello\n")
    with pytest.raises(ConfigurationError, match="cannot go on"):
        Journal(path, HEADER)


class TestState:
    @pytest.fixture
    def store(self, tmp_path: Path) -> Path:
        zarr.open_group(tmp_path / "s.zarr", mode="w").create_array("v", data=np.arange(4.0), chunks=(2,))
        return tmp_path / "s.zarr"

    def state(self, store: Path) -> dict[str, str]:
        return state_of(zarr.open_group(store, mode="r"))

    def test_it_stays_while_nothing_changes(self, store: Path) -> None:
        assert self.state(store) == self.state(store)

    def test_it_changes_with_a_value(self, store: Path) -> None:
        before = self.state(store)
        zarr.open_group(store)["v"][0] = 7  # type: ignore[index]  # an array, not a group
        assert self.state(store) != before

    def test_it_changes_with_an_attribute(self, store: Path) -> None:
        before = self.state(store)
        zarr.open_group(store)["v"].attrs["units"] = "K"
        assert self.state(store) != before
