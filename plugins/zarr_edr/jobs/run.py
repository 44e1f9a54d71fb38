"""One job, from its turn to its end, in a thread of the process that took it on.

The thread asks at each look at its deadline, and at each step of its progress, whether the job was dismissed, by whichever
process; the record is written once a second at most. Whatever happens, the record says how the job ended.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Protocol

from zarr_edr.errors import EdrError, ErrorKind
from zarr_edr.jobs.files import COUNT_S, Hold, JobFolder, Room, slot
from zarr_edr.jobs.records import UNFINISHED, JobRecords, Record
from zarr_edr.jobs.settings import JobSettings
from zarr_edr.limits import Deadline, StoppableDeadline

LOGGER = logging.getLogger(__name__)

LOOK_S = 0.1
"""Seconds between looks at whether the job was dismissed."""
TELL_S = 1.0
"""Seconds between changes of the record."""
_TURN_S = 0.2
"""Seconds between looks for a free place."""
RETRY_S = (0.1, 0.5, 2.0)
"""Seconds to wait before the end of a job is recorded again, where it could not be."""


class Work(Protocol):
    """A checked execution."""

    @property
    def media_type(self) -> str:
        """Of the result."""

    @property
    def file_name(self) -> str | None:
        """For browsers to save the result under; None: they show it."""

    @property
    def seconds(self) -> float:
        """That it may take."""

    def pieces(
        self, deadline: Deadline, spill: Path | None = None, progress: Callable[[float], None] | None = None
    ) -> Generator[bytes]:
        """The result in pieces, made as they are taken; none where there are no data. Raises `EdrError`."""

    def parked(self, path: Path) -> Work:
        """The same work, which needs as good as no memory until its pieces are asked for; `path` is a file that it may make."""


class Stopped(Exception):
    """The job is not to go on."""


class ResultsFull(EdrError):
    """There is no room for (more of) the result."""

    kind = ErrorKind.RESPONSE_TOO_LARGE


@dataclass(frozen=True, slots=True)
class End:
    """How a job ended."""

    status: str
    message: str
    kind: str | None = None
    """Of the failure, as in `errors.ErrorKind`."""
    http_status: int = 200
    """With which the result is answered."""


_SUCCESSFUL = "successful"
_DEFECT = End(
    "failed",
    "The service failed. The operator finds the cause in the log, by the id of the job.",
    "NoApplicableCode",
    500,
)
GONE = End(
    "failed", "The server ended before the job was done; please send it again.", ErrorKind.STORE_UNAVAILABLE, 503
)
DISMISSED = End("dismissed", "The job was dismissed; its result is gone.", "Dismissed", 410)


def now() -> str:
    """The time, as pygeoapi writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _unstored(error: OSError) -> End:
    return End("failed", f"The result could not be stored: {error.strerror}.", "NoApplicableCode", 500)


def _level(error: EdrError) -> int:
    return logging.ERROR if error.status >= 500 else logging.INFO


def ending(end: End) -> Record:
    """What the end of a job changes in its record."""
    time_ = now()
    changes: Record = {"status": end.status, "message": end.message, "finished": time_, "updated": time_}
    if end.status == _SUCCESSFUL:
        return {**changes, "progress": 100}
    return {**changes, "location": None, "failure": {"kind": end.kind, "http_status": end.http_status}}


class Job:
    """A job that this process works on."""

    def __init__(
        self, job_id: str, work: Work, records: JobRecords, settings: JobSettings, hold: Hold, room: Room
    ) -> None:
        self.id = job_id
        self.folder = folder_of(settings.output_dir, job_id)
        self.thread = Thread(target=self.run, name=f"job-{job_id}", daemon=True)
        self._work, self._records, self._settings, self._hold = work, records, settings, hold
        self._room = room
        self._server_stops = Event()
        self._look_at_s = self._tell_at_s = 0.0
        self._percent = 0

    def run(self) -> None:
        """Wait for a place, work, and record how it ended."""
        end = _DEFECT
        try:
            end = self._in_turn()
        except Stopped:
            end = GONE if self._server_stops.is_set() else DISMISSED
        except EdrError as error:
            end = End("failed", error.message, error.kind, error.status)
            LOGGER.log(_level(error), "job %s: %s: %s (%r)", self.id, error.kind, error.message, error.__cause__)
        except OSError as error:
            end = _unstored(error)
            LOGGER.exception("job %s", self.id)
        finally:
            self._close(end)

    def stop(self) -> None:
        """Let the job end, since the server does."""
        self._server_stops.set()

    def look(self) -> None:
        """Raise `Stopped` where the job is not to go on. May be called often, and from any thread."""
        if self._server_stops.is_set():
            raise Stopped
        now_s = time.monotonic()
        if now_s >= self._look_at_s:
            if self.folder.is_called_off():
                raise Stopped
            self._look_at_s = now_s + LOOK_S

    def progress(self, part: float) -> None:
        """Note that a part of the work, 0 to 1, is done. Raises `Stopped`, and `ResultsFull`."""
        self.look()
        self._percent = max(self._percent, min(99, int(100 * part)))
        now_s = time.monotonic()
        if now_s < self._tell_at_s:
            return
        self._tell_at_s = now_s + TELL_S
        self._check_room()
        message = f"{self._percent} % of the work is done."
        self._tell({"progress": self._percent, "message": message})

    def _in_turn(self) -> End:
        bounds, places = self._settings.bounds, self._settings.output_dir / "slots"
        while True:
            with slot(places, bounds.jobs_at_once) as free:
                if free:
                    return self._worked()
            self._server_stops.wait(_TURN_S)
            self.look()

    def _worked(self) -> End:
        self.look()
        self._tell({"status": "running", "started": now(), "message": "The work has begun."})
        self.folder.spill.mkdir(mode=0o700)
        deadline = StoppableDeadline(time.monotonic() + self._work.seconds, self._work.seconds, self.look)
        written = 0
        made = self._work.pieces(deadline, self.folder.spill, self.progress)
        with self.folder.part.open("xb") as file, closing(made) as pieces:
            for piece in pieces:
                deadline.check()
                written += file.write(piece)
        self._check_room(old_s=-1.0)
        self.folder.part.rename(self.folder.result)
        if written == 0:
            return End(_SUCCESSFUL, "Done: there are no data at these points.")
        return End(_SUCCESSFUL, f"Done: {written:,} bytes of {self._work.media_type}.")

    def _check_room(self, old_s: float = COUNT_S) -> None:
        allowed = self._room.allowed_bytes
        if self._room.used_bytes(old_s=old_s) > allowed:
            raise ResultsFull(
                f"The results of all jobs take more than the {allowed:,} bytes this service keeps (results_bytes)."
                " Dismiss finished jobs, or ask for less."
            )

    def _tell(self, changes: Record) -> None:
        if not self._records.change(self.id, {**changes, "updated": now()}, only_if=UNFINISHED):
            raise Stopped

    def _close(self, end: End) -> None:
        """Record the end, unless the job was dismissed meanwhile, and remove what is of no use any more."""
        kept = False
        try:
            kept = self._settled(end)
        finally:
            if not kept:
                self.folder.remove()
            self._hold.release()
            # Who dismisses a job leaves its folder to the one that holds it: so look once more, when nobody does.
            if self.folder.is_called_off():
                self.folder.remove()

    def _settled(self, end: End) -> bool:
        """Record the end, with as little on the disk as may be, since that may be full; whether there is a result to keep."""
        if end.status != _SUCCESSFUL:
            self.folder.empty()
            self._recorded(end)
            return False
        JobFolder(self.folder.spill).remove()
        try:
            return self._recorded(end)
        except OSError as error:
            return self._settled(_unstored(error))

    def _recorded(self, end: End) -> bool:
        """Change the record, at the fourth attempt at the latest; False where the job was dismissed. Raises `OSError`."""
        for pause_s in RETRY_S:
            try:
                return self._records.change(self.id, ending(end), only_if=UNFINISHED)
            except OSError:
                LOGGER.exception("job %s: its end cannot be recorded yet", self.id)
                time.sleep(pause_s)
        return self._records.change(self.id, ending(end), only_if=UNFINISHED)


def folder_of(output_dir: Path, job_id: str) -> JobFolder:
    """The folder of a job, whose id is one that was given out here."""
    return JobFolder(output_dir / "jobs" / job_id)
