"""What of a rechunking is done, in a file: so that one that was interrupted, however, goes on where it was.

The first line says what is done, from which state of the source and with which options; each further line is a region that was
written and compared. A line that was cut short by the interruption does not count. A line `repair` is left by a run that met a
broken chunk: the files of the source may then differ when the next one goes on.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import zarr
from zarr.storage import LocalStore

from zarr_edr.errors import ConfigurationError

_REPAIR = "repair"

Header = Mapping[str, str | int]
Entry = tuple[str, str, int, int]
"""Layout, array, number of the pass, number of the region."""


class Journal:
    """A journal, open for more entries."""

    def __init__(self, path: Path, header: Header) -> None:
        """Begin one at `path`, or go on with the one that is there.

        Raises `ConfigurationError` where that is of another source, another state of it, or of other options.
        """
        self._path = path
        self.done: dict[Entry, int] = {}
        """Regions that need not be copied again, and how many chunks of the source were absent in each."""
        lines = path.read_text().split("\n")[:-1] if path.exists() else []
        if lines:
            repaired = {"files": header["files"]} if lines[-1] == _REPAIR else {}
            found = {**_read(lines[0]), **repaired}
            _check_same(found, header, path)
            lines[0] = json.dumps(found)
        for line in lines[1:]:
            if line != _REPAIR:
                layout, array, number, region, absent = json.loads(line)
                self.done[layout, array, number, region] = absent
        lines = lines or [json.dumps(dict(header))]
        fresh = path.with_suffix(".new")
        fresh.write_text("\n".join(lines) + "\n")
        fresh.replace(path)

    @property
    def resumed(self) -> bool:
        """Whether something was done already."""
        return bool(self.done)

    def add(self, entry: Entry, absent: int) -> None:
        """Note a region. It is on the disk when this returns."""
        self._write(json.dumps([*entry, absent]))
        self.done[entry] = absent

    def await_repair(self) -> None:
        """Let the files of the source differ when this is opened again."""
        self._write(_REPAIR)

    def _write(self, line: str) -> None:
        with self._path.open("a") as file:
            file.write(f"{line}\n")
            file.flush()
            os.fsync(file.fileno())


def _read(line: str) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _check_same(found: Header, header: Header, path: Path) -> None:
    for key, value in header.items():
        if found.get(key) != value:
            what = (
                "the source has changed since"
                if key in ("state", "files")
                else f"{key} was {found.get(key)}, not {value}"
            )
            raise ConfigurationError(
                f"{path.parent} is of a run that cannot go on: {what}. Give what was given then, or remove it to start anew."
            )


def state_of(group: zarr.Group) -> dict[str, str]:
    """What changes with a store: `state`, a digest of all metadata; `files`, of a folder their number, size and latest time."""
    digest = hashlib.sha256(json.dumps(dict(group.attrs), sort_keys=True, default=repr).encode())
    for name, array in sorted(group.arrays()):
        digest.update(f"{name} {json.dumps(array.metadata.to_dict(), sort_keys=True, default=repr)}".encode())
    files = _files(group.store.root / group.path) if isinstance(group.store, LocalStore) else ""
    return {"state": digest.hexdigest(), "files": files}


def _files(folder: Path) -> str:
    """Number of files below, their bytes, and the latest modification in nanoseconds."""
    count = size = latest = 0
    for where, _, names in os.walk(folder):
        for name in names:
            status = Path(where, name).stat()
            count, size, latest = count + 1, size + status.st_size, max(latest, status.st_mtime_ns)
    return f"{count} {size} {latest}"
