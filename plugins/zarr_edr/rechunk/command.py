"""What `zarr-edr rechunk` tells people, and understands of what they say."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Self

import click
import yaml

from zarr_edr.errors import ConfigurationError, StoreError
from zarr_edr.rechunk.run import Options, Outcome, Task, prepare
from zarr_edr.rechunk.shapes import Kind
from zarr_edr.settings import size

_INTERRUPTED = 130
"""Exit status, as that of a program that ends by SIGINT."""


def run(source: str, target: Path, kind: str, memory: str, storage: Sequence[str], *, verify: bool) -> int:
    """Rechunk, telling what is done on stderr and the lines for the configuration on stdout; returns the exit status.

    Raises `EdrError` for what cannot be done.
    """
    kinds = tuple(Kind) if kind == "both" else (Kind(kind),)
    task = prepare(Options(source, target, kinds, size("--memory", memory), verify, _storage(storage)))
    for line in task.summary():
        click.echo(line, err=True)
    if task.resumes:
        click.echo("Goes on where an earlier run was interrupted.", err=True)
    try:
        outcome = _with_bar(task)
    except KeyboardInterrupt:
        click.echo("\nzarr-edr: interrupted; the same command goes on where this one was.", err=True)
        return _INTERRUPTED
    except StoreError as error:
        raise type(error)(f"{error.message} What is done is kept: the same command goes on from there.") from error
    _tell(outcome, verify=verify)
    return 0


def _with_bar(task: Task) -> Outcome:
    """Run, with a bar of progress on stderr. Raises `KeyboardInterrupt` after Ctrl-C, when the step that runs is done."""
    with click.progressbar(length=task.total_bytes, label="rechunk", file=sys.stderr) as bar, _AtSteps() as interrupt:

        def progress(done: int) -> None:
            bar.update(done)
            interrupt.check()

        return task.run(progress)


class _AtSteps:
    """Ctrl-C that waits for the end of a step: in the middle of one, zarr's tasks would be left behind with noise."""

    def __init__(self) -> None:
        self._asked = False
        self._before: Any = None

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            signal.default_int_handler(number, frame)  # the second time at once
        self._asked = True
        click.echo("\nzarr-edr: stops after this step, some seconds; Ctrl-C again stops at once.", err=True)

    def check(self) -> None:
        """Raise `KeyboardInterrupt` where it was asked for."""
        if self._asked:
            raise KeyboardInterrupt


def _tell(outcome: Outcome, *, verify: bool) -> None:
    compared = ", and reads back as what was read" if verify else ""
    click.echo(f"All of it is written{compared}.", err=True)
    if outcome.absent:
        click.echo(f"{outcome.absent} chunks of SRC are absent: they stand for the fill value, as they did.", err=True)
    if outcome.left_out:
        click.echo(f"Not copied, being large and no parameters: {', '.join(outcome.left_out)}.", err=True)
    click.echo("For the provider block of the collection that has SRC as its data:", err=True)
    lines = {"options": {"layouts": [str(store) for store in outcome.stores]}}
    click.echo(yaml.safe_dump(lines, sort_keys=False, width=10**9), nl=False)


def _storage(pairs: Sequence[str]) -> dict[str, Any]:
    """Fsspec options; values are read as YAML, so that `anon=true` is a truth value."""
    found = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not key or not separator:
            raise ConfigurationError("`--storage` is written as KEY=VALUE, e.g. anon=true.")
        try:
            found[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigurationError(f"`--storage {key}=...` has a value that cannot be read.") from error
    return found
