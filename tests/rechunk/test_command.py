"""`zarr-edr rechunk` as people use it."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result

from zarr_edr.cli import main
from zarr_edr.dataset.catalog import PROVIDER, shared_collection
from zarr_edr.rechunk import copying
from zarr_edr.rechunk import run as running
from zarr_edr.rechunk.stores import finish

from .conftest import values


def rechunk(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["rechunk", *map(str, arguments)], prog_name="zarr-edr")


def test_what_it_prints_is_what_the_service_takes(steps: Path, tmp_path: Path) -> None:
    shown = rechunk(steps, tmp_path / "layouts", "--for", "both")
    assert shown.exit_code == 0
    provider = {"type": "edr", "name": PROVIDER, "data": str(steps), **yaml.safe_load(shown.stdout)}
    layouts = shared_collection(provider).parameters["v"].layouts
    assert [array.chunks for array in layouts] == [(12, 4, 8), (1, 4, 8)]


def test_it_says_beforehand_what_it_will_do_and_afterwards_what_it_did(steps: Path, tmp_path: Path) -> None:
    said = rechunk(steps, tmp_path / "points.zarr", "--for", "points").stderr
    assert "points: v, 1.5 KiB: chunks 12 x 4 x 8 (1.5 KiB) in 1 file; each chunk of the source is read once" in said
    assert "All of it is written, and reads back as what was read." in said


def test_a_path_printed_is_absolute(steps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    printed = yaml.safe_load(rechunk(steps, "t.zarr", "--for", "maps").stdout)
    assert printed == {"options": {"layouts": [str(tmp_path / "t.zarr")]}}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--for", "maps", "--memory", "much"), "`--memory` is 'much'"),
        (("--for", "maps", "--storage", "anon"), "KEY=VALUE"),
        (("--for", "lines"), "lines"),
        ((), "--for"),
    ],
)
def test_wrong_options_are_named(steps: Path, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    shown = rechunk(steps, tmp_path / "t", *arguments)
    assert shown.exit_code == 2
    assert said in shown.stderr
    assert not (tmp_path / "t.part").exists()


def test_a_source_that_is_no_store_is_a_sentence(tmp_path: Path) -> None:
    shown = rechunk(tmp_path / "none.zarr", tmp_path / "t", "--for", "maps")
    assert (shown.exit_code, shown.stderr.count("\n")) == (2, 1)
    assert "none.zarr does not exist" in shown.stderr


@pytest.mark.parametrize(("times", "written"), [(1, True), (2, False)], ids=["once", "twice"])
def test_an_interruption_ends_after_the_step_and_the_second_at_once(
    steps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int, written: bool
) -> None:
    ended: list[bool] = []

    def interrupted(*_: Any) -> copying.Held:
        for _time in range(times):
            signal.raise_signal(signal.SIGINT)
        ended.append(True)
        return copying.Held(np.zeros(0))

    monkeypatch.setattr(running, "read_region", interrupted)
    shown = rechunk(steps, tmp_path / "t", "--for", "maps")
    assert shown.exit_code == 130
    assert "the same command goes on" in shown.stderr
    assert bool(ended) == written


def test_a_broken_chunk_is_said_with_its_remedy(steps: Path, tmp_path: Path) -> None:
    (steps / "v/c/3/0/0").write_bytes(b"")
    shown = rechunk(steps, tmp_path / "t", "--for", "maps")
    assert shown.exit_code == 1
    assert "Chunk 3.0.0 of 'v' cannot be decoded" in shown.stderr
    assert "the same command goes on" in shown.stderr
    again = rechunk(steps, tmp_path / "t", "--for", "maps")
    assert ("Goes on" in shown.stderr, "Goes on" in again.stderr) == (False, True)


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@contextmanager
def web(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_remote_store_can_be_the_source(steps: Path, tmp_path: Path) -> None:
    finish(steps)
    with web(tmp_path) as url:
        shown = rechunk(
            f"{url}/steps.zarr",
            tmp_path / "t",
            "--for",
            "points",
            "--storage",
            "backend=fsspec",
            "--storage",
            "block_size=1000",
        )
    assert shown.exit_code == 0, shown.stderr
    np.testing.assert_array_equal(values(tmp_path / "t"), values(steps))


def test_a_zipped_store_can_be_the_source(steps: Path, tmp_path: Path) -> None:
    shutil.make_archive(str(tmp_path / "s"), "zip", steps)
    assert rechunk(tmp_path / "s.zip", tmp_path / "t", "--for", "points").exit_code == 0
    np.testing.assert_array_equal(values(tmp_path / "t"), values(steps))
