"""The records of jobs in a TinyDB file that several processes read and change.

pygeoapi's own TinyDB manager locks the file for each access, and so do we. Beyond that, a change here replaces the file as a
whole, so that a process that is killed leaves the old file or the new one, never half of one; and whether a record may be
changed is decided under the same lock as the change.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import tinydb
from filelock import FileLock
from tinydb.storages import Storage

Record = dict[str, Any]
"""Of a job, with pygeoapi's names: identifier, process_id, status, progress, ..."""

UNFINISHED = frozenset({"accepted", "running"})
"""The states of a job that is not done."""


class ReplacingStorage(Storage):
    """A TinyDB file that is replaced as a whole."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def read(self) -> dict[str, dict[str, Any]] | None:
        """All tables; None where there is no file yet."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        found: dict[str, dict[str, Any]] | None = orjson.loads(content) if content else None
        return found

    def write(self, data: Mapping[str, Any]) -> None:
        """Replace the file."""
        part = self._path.with_name(f"{self._path.name}.part")
        part.touch(mode=0o600)
        part.write_bytes(orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS))
        os.replace(part, self._path)


@dataclass(frozen=True, slots=True)
class JobRecords:
    """The records in one file."""

    path: Path

    def lock(self) -> FileLock:
        """The lock on all that the processes of a server decide one after another. It cannot be taken twice at a time."""
        return FileLock(f"{self.path}.lock")

    @contextmanager
    def transaction(self) -> Iterator[tinydb.TinyDB]:
        """The database, while nobody else has it."""
        with self.lock(), tinydb.TinyDB(str(self.path), storage=ReplacingStorage) as db:
            yield db

    def all(self) -> list[Record]:
        """All records, in the order in which they were added."""
        with self.transaction() as db:
            return [dict(record) for record in db.all()]

    def get(self, job_id: str) -> Record | None:
        """One record."""
        with self.transaction() as db:
            found = db.get(_is(job_id))
        return dict(found) if isinstance(found, Mapping) else None

    def add(self, record: Record, check: Callable[[list[Record]], None]) -> None:
        """Add a record, unless `check`, which is shown all others, raises."""
        with self.transaction() as db:
            check([dict(other) for other in db.all()])
            db.insert(record)

    def change(self, job_id: str, changes: Record, *, only_if: Collection[str]) -> bool:
        """Change a record where its status is one of `only_if`; whether it was."""
        with self.transaction() as db:
            return bool(db.update(changes, _is(job_id) & tinydb.where("status").one_of(list(only_if))))

    def remove(self, job_ids: Collection[str]) -> None:
        """Forget records."""
        with self.transaction() as db:
            db.remove(tinydb.where("identifier").one_of(list(job_ids)))


def _is(job_id: str) -> Any:
    return tinydb.where("identifier") == job_id
