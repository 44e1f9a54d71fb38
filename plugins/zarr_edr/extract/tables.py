"""Tables of points that clients post, to be named in later executions: more points than belong into JSON.

A table is read when it is posted, so that what is wrong is told then, and kept as it came. Its id cannot be guessed, and it goes
after some hours. An execution may refer to these tables and to nothing else: no URL is ever fetched.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from zarr_edr.errors import InvalidBody, InvalidQuery, NotFound, Overloaded, UnsupportedMediaType
from zarr_edr.limits import Deadline, Limits
from zarr_edr.query.body import ARROW_TYPES, CSV_TYPE, PARQUET_TYPE, parse_body
from zarr_edr.query.checks import quoted
from zarr_edr.query.geometry import Places

PATH = "/tables"
"""Of the service, where tables are posted."""

_SUFFIX_OF: Mapping[str, str] = {
    CSV_TYPE: "csv",
    PARQUET_TYPE: "parquet",
    ARROW_TYPES[0]: "arrows",
    ARROW_TYPES[1]: "arrow",
}
MEDIA_TYPES = tuple(_SUFFIX_OF)
"""Of tables."""

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOST = 50
"""Tables kept at a time."""
_READ_S = 60.0
"""For the reading of one, however long a job may take."""
_PART = ".part"
_PART_S = 600.0
"""Age of a file that is not complete by which the process that wrote it has gone."""


def _always() -> None:
    """There is room."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is kept."""

    id: str
    points: int
    expires_s: float
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables in a folder, which several processes share."""

    folder: Path
    url: str = ""
    """Of the service, without a slash at the end, for references that are complete URLs."""
    keep_s: float = 6 * 3600.0
    lock: Callable[[], AbstractContextManager[object]] = nullcontext
    """What is held while it is decided whether a table can be kept."""
    check_room: Callable[[], None] = _always
    """Raises `Overloaded` where the tables and whatever shares a disk with them have become too large."""

    def add(self, body: bytes, content_type: str | None, limits: Limits) -> Table:
        """Keep a table, which is not compressed.

        Raises `InvalidQuery` and its kinds where it is none, and `Overloaded` where too many are kept.
        """
        content_type = content_type or ""
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type not in _SUFFIX_OF:
            found = f"is of type {quoted(media_type)}" if media_type else "has no Content-Type"
            raise UnsupportedMediaType(f"The table {found}; accepted are {', '.join(MEDIA_TYPES)}.", MEDIA_TYPES)
        points = len(_places(body, content_type, limits).geometry.coords)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.sweep()
        id_ = str(uuid.uuid4())
        part = self.folder / f"{id_}{_PART}"
        try:
            with part.open("xb") as file:
                file.write(body)
            with self.lock():  # tables are counted one after another, each with those before it
                if sum(1 for _ in self._complete()) >= _MOST:
                    raise Overloaded(f"{_MOST} tables are kept already; please try again later.")
                self.check_room()
                part.rename(self.folder / f"{id_}.{points}.{_SUFFIX_OF[media_type]}")
        finally:
            part.unlink(missing_ok=True)
        return self.describe(id_)

    def describe(self, id_: str) -> Table:
        """What is known of a table. Raises `NotFound`."""
        path = self._path(id_)
        try:
            kept_s = path.stat().st_mtime
        except FileNotFoundError:
            raise _missing(id_) from None
        return Table(id_, int(path.name.split(".")[1]), kept_s + self.keep_s)

    def places(self, id_: str, limits: Limits) -> Places:
        """The points of a table, and what they are called. Raises `NotFound`, and `QueryTooLarge` where there are too many."""
        path = self._path(id_)
        media_type = next(each for each, suffix in _SUFFIX_OF.items() if path.suffix == f".{suffix}")
        try:
            body = path.read_bytes()
        except FileNotFoundError:
            raise _missing(id_) from None
        return _places(body, media_type, limits)

    def referred(self, href: str, limits: Limits) -> Places:
        """The points of the table that a reference names. Raises `InvalidQuery` for any other reference."""
        path = href.removeprefix(self.url) if self.url else href
        id_ = path.removeprefix(f"{PATH}/")
        if id_ == path or _ID.fullmatch(id_) is None:
            raise InvalidQuery(
                f"points refers to {quoted(href)}; it can only refer to a table that was posted to this service at {PATH},"
                " by the href of the answer. Other URLs are not fetched."
            )
        try:
            return self.places(id_, limits)
        except NotFound as error:
            raise InvalidQuery(f"points refers to a table that is not kept (any more): {quoted(href)}.") from error

    def remove(self, id_: str) -> None:
        """Forget a table. Raises `NotFound`."""
        self._path(id_).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Forget the tables that have been kept long enough, and parts of some that never were."""
        now_s = time.time()
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            try:
                if path.stat().st_mtime < now_s - (_PART_S if path.suffix == _PART else self.keep_s):
                    path.unlink(missing_ok=True)
            except FileNotFoundError:  # another process was quicker
                continue

    def _complete(self) -> Iterator[Path]:
        return (path for path in self.folder.iterdir() if path.suffix != _PART)

    def _path(self, id_: str) -> Path:
        """The file of a table whose time is not over. The id is checked before it becomes part of a path. Raises `NotFound`."""
        found = next(self.folder.glob(f"{id_}.[0-9]*"), None) if _ID.fullmatch(id_) else None
        try:
            if found is not None and found.stat().st_mtime >= time.time() - self.keep_s:
                return found
        except FileNotFoundError:  # removed meanwhile
            pass
        raise _missing(id_)


def _places(body: bytes, content_type: str, limits: Limits) -> Places:
    places = parse_body(body, content_type, limits, deadline=Deadline.after(min(limits.seconds, _READ_S))).places
    if places is None:
        raise InvalidBody("The table has no points.")
    return places


def _missing(id_: str) -> NotFound:
    return NotFound(f"There is no table {quoted(id_)}, or not any more.")
