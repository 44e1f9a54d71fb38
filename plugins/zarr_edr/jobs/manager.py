"""pygeoapi's TinyDB manager, for work that can tell how far it is and that can be stopped.

A process whose processor can `prepare` its work (see `Preparing`) is run here: its inputs are checked before a job is
accepted, its result goes to a file in pieces, and its record follows it. Every other process is run as pygeoapi runs it.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Protocol, runtime_checkable

import orjson
from pygeoapi.process.base import JobNotFoundError, JobResultNotFoundError
from pygeoapi.process.manager.tinydb_ import TinyDBManager
from pygeoapi.util import JobStatus, RequestedProcessExecutionMode, RequestedResponse

from zarr_edr.errors import EdrError, InvalidQuery, Overloaded
from zarr_edr.extract.processor import ExecuteError, ExtractPointsProcessor
from zarr_edr.extract.tables import Tables
from zarr_edr.jobs.files import COUNT_S, JobFolder, Room
from zarr_edr.jobs.records import UNFINISHED, JobRecords, Record
from zarr_edr.jobs.run import DISMISSED, GONE, Job, Work, ending, folder_of, now
from zarr_edr.jobs.settings import JobSettings

LOGGER = logging.getLogger(__name__)

OURS = "zarr-edr"
"""In the records of jobs that are run here rather than by pygeoapi's own code."""

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SWEEP_S = 30.0
_STOP_S = 5.0
_NEW_S = 60.0
_ANYTHING = frozenset(status.value for status in JobStatus)
_WITH_FOLDER = UNFINISHED | {JobStatus.successful.value}
_JSON = "application/json"


@runtime_checkable
class Preparing(Protocol):
    """A processor whose work is checked first and done later."""

    def prepare(self, data: object, outputs: object = None, *, job: bool = False) -> Work:
        """Check an execution, as a job or to be answered at once. Raises `EdrError`."""


class JobManager(TinyDBManager):  # type: ignore[misc]  # pygeoapi is not typed
    """The jobs of a service, all processes of its server together. pygeoapi makes one object in each."""

    def __init__(self, manager_def: Mapping[str, Any]) -> None:
        """Read the block `server.manager`. Raises `ConfigurationError`."""
        self.settings = JobSettings.of(manager_def)
        super().__init__(dict(manager_def))
        self.connection, self.output_dir = str(self.settings.connection), self.settings.output_dir
        self.supports_subscribing = False  # see `refuse_subscriber`
        self.records = JobRecords(self.settings.connection)
        for folder in (self.settings.connection.parent, self.settings.output_dir):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.room = Room(self.settings.output_dir, self.settings.bounds.results_bytes)
        self.tables: Tables | None = None
        """Posted tables, where the server takes some: pygeoapi's own does not."""
        self._here: list[Job] = []
        self._lock = Lock()
        self._swept_s = -_SWEEP_S

    def _db(self) -> Any:
        """What the methods that are inherited write jobs of other processes with."""
        return self.records.transaction()

    def keep_tables(self, url: str) -> Tables:
        """Let clients post tables to the service at `url`; they take their room from the results of jobs."""
        folder = self.settings.output_dir / "tables"
        self.tables = Tables(folder, url, lock=self.records.lock, check_room=partial(self._check_room, old_s=0))
        return self.tables

    def get_processor(self, process_id: str) -> Any:
        """A processor, as pygeoapi makes one for each request. Raises `UnknownProcessError`."""
        processor = super().get_processor(process_id)
        if isinstance(processor, ExtractPointsProcessor) and self.tables is not None:
            processor.keep_tables(self.tables)
        return processor

    # --- work ------------------------------------------------------------------------------------------------------

    def execute_process(
        self,
        process_id: str,
        data_dict: dict[str, Any],
        execution_mode: RequestedProcessExecutionMode | None = None,
        requested_outputs: dict[str, Any] | None = None,
        subscriber: object = None,
        requested_response: str = RequestedResponse.raw.value,
    ) -> tuple[str, str, Any, JobStatus, dict[str, str] | None]:
        """Execute a process, as pygeoapi's own process API asks for it. Raises `ExecuteError`."""
        processor = self.get_processor(process_id)
        job = execution_mode is RequestedProcessExecutionMode.respond_async
        try:
            refuse_subscriber(subscriber)
            if not isinstance(processor, Preparing):
                executed: tuple[str, str, Any, JobStatus, dict[str, str] | None] = super().execute_process(
                    process_id, data_dict, execution_mode, requested_outputs, None, requested_response
                )
                return executed
            refuse_document(requested_response)
            record = self.submit(process_id, processor.prepare(data_dict, requested_outputs, job=job), wait=not job)
        except EdrError as error:
            raise ExecuteError(error) from error
        if job:
            return record["identifier"], _JSON, None, JobStatus.accepted, {"Preference-Applied": "respond-async"}
        return self._answer_at_once(record)

    def _answer_at_once(self, record: Record) -> tuple[str, str, Any, JobStatus, None]:
        """What pygeoapi's own process API sends for a job that is done."""
        status = JobStatus(record["status"])
        if status is not JobStatus.successful:
            return record["identifier"], _JSON, {"code": "Failed", "description": record["message"]}, status, None
        media_type, result = self.get_job_result(record["identifier"])
        return record["identifier"], media_type, result, status, None

    def submit(self, process_id: str, work: Work, *, wait: bool = False) -> Record:
        """Take on checked work as a job, and `wait` for its end or not; returns its record.

        Raises `Overloaded` where no more jobs are taken.
        """
        self.sweep()
        self._check_room()  # a walk of files, while others can use the records
        job_id = str(uuid.uuid4())
        folder = folder_of(self.settings.output_dir, job_id)
        with ExitStack() as undo:  # whatever happens before somebody works on the job
            undo.callback(folder.remove)
            hold = folder.hold()
            if hold is None:
                raise RuntimeError(f"the new job {job_id} is held by another")
            undo.callback(hold.release)
            if not wait:
                work = work.parked(folder.inputs)
            job = Job(job_id, work, self.records, self.settings, hold, self.room)
            self.records.add(_accepted(process_id, job, work), self._check_count)
            undo.callback(self.records.remove, [job_id])
            self._begin(job, wait=wait)
            undo.pop_all()
        if wait:
            job.run()
        return self.get_job(job_id)

    def _begin(self, job: Job, *, wait: bool) -> None:
        """Count a job to those of this process, and start its thread, unless the caller will run it."""
        with self._lock:
            if not wait:
                job.thread.start()
            self._here = [other for other in self._here if other.thread.is_alive()] + [job]

    def _check_count(self, others: list[Record]) -> None:
        bounds = self.settings.bounds
        unfinished = sum(other["status"] in UNFINISHED for other in others)
        if unfinished >= bounds.jobs_at_once + bounds.jobs_waiting:
            raise Overloaded(f"{unfinished} jobs run or wait already; please try again later.")
        if len(others) >= bounds.jobs_kept:
            raise Overloaded(f"The service keeps {len(others)} jobs already; please try again later.")

    def _check_room(self, *, old_s: float = COUNT_S) -> None:
        if self.room.used_bytes(old_s=old_s) >= self.room.allowed_bytes:
            raise Overloaded("Earlier results and tables take all the room there is; please try again later.")

    def stop(self) -> None:
        """Let the jobs of this process end, since it does."""
        with self._lock:
            here = list(self._here)
        for job in here:
            job.stop()
        until_s = time.monotonic() + _STOP_S
        for job in here:
            if job.thread.is_alive():
                job.thread.join(max(0.0, until_s - time.monotonic()))

    # --- records ---------------------------------------------------------------------------------------------------

    def get_jobs(
        self, status: JobStatus | None = None, limit: int | None = None, offset: int | None = None
    ) -> dict[str, Any]:
        """The jobs, the newest first, a page of them; and `numberMatched`, of all."""
        self.sweep()
        records = [self._seen(record) for record in reversed(self.records.all())]
        if status is not None:
            records = [record for record in records if record["status"] == status.value]
        first = offset or 0
        end = len(records) if limit is None else first + limit
        return {"jobs": records[first:end], "numberMatched": len(records)}

    def get_job(self, job_id: str) -> Record:
        """The record of a job. Raises `JobNotFoundError`."""
        record = self.records.get(job_id) if _ID.fullmatch(job_id) else None
        if record is None:
            raise JobNotFoundError
        return self._seen(record)

    def result_of(self, record: Record) -> Path:
        """The file of a job's result. Raises `JobResultNotFoundError`."""
        location = record.get("location")
        if record["status"] != JobStatus.successful.value or not location or not Path(location).is_file():
            raise JobResultNotFoundError
        return Path(location)

    def get_job_result(self, job_id: str) -> tuple[str, Any]:
        """The media type and the whole result, as pygeoapi's own process API wants it. Raises `JobResultNotFoundError`."""
        record = self.get_job(job_id)
        content = self.result_of(record).read_bytes()
        media_type = record["mimetype"]
        return media_type, orjson.loads(content) if media_type == _JSON and content else content

    def delete_job(self, job_id: str) -> bool:
        """Dismiss a job: the process that works on it stops, its result goes. Raises `JobNotFoundError`."""
        record = self.get_job(job_id)
        if record.get("by") != OURS:
            deleted: bool = super().delete_job(job_id)
            return deleted
        self.records.change(job_id, ending(DISMISSED), only_if=_ANYTHING)
        folder = folder_of(self.settings.output_dir, job_id)
        folder.call_off()
        if not folder.is_worked_on():
            folder.remove()
        return True

    def _seen(self, record: Record) -> Record:
        """A record, brought up to date where the process that worked on the job has ended."""
        if record.get("by") != OURS or record["status"] not in UNFINISHED:
            return record
        folder = folder_of(self.settings.output_dir, record["identifier"])
        if folder.is_worked_on():
            return record
        try:
            if self.records.change(record["identifier"], ending(GONE), only_if=UNFINISHED):
                folder.remove()
        except OSError:  # a full disk: what is known can be told all the same
            LOGGER.exception("job %s: its end cannot be recorded yet", record["identifier"])
            return {**record, **ending(GONE)}
        return self.records.get(record["identifier"]) or record

    def sweep(self) -> None:
        """Forget jobs that have been kept long enough, and what processes that were killed have left; now and then."""
        now_s = time.monotonic()
        with self._lock:
            if now_s - self._swept_s < _SWEEP_S:
                return
            self._swept_s = now_s
        self.forget_before(datetime.now(UTC) - timedelta(hours=self.settings.bounds.results_hours))
        if self.tables is not None:
            self.tables.sweep()

    def forget_before(self, when: datetime) -> None:
        """Forget jobs that ended before a time, and folders of no job."""
        records = [self._seen(record) for record in self.records.all()]
        old = [r for r in records if r["status"] not in UNFINISHED and _updated(r) < when]
        for record in old:
            if record.get("by") != OURS and record.get("location"):
                Path(record["location"]).unlink(missing_ok=True)
        self.records.remove([record["identifier"] for record in old])
        forgotten = {record["identifier"] for record in old}
        self._remove_folders({r["identifier"] for r in records if r["status"] in _WITH_FOLDER} - forgotten)

    def _remove_folders(self, kept: set[str]) -> None:
        """Remove the folders but those of `kept` jobs; new ones stay, since their records may be newer than `kept`."""
        jobs = self.settings.output_dir / "jobs"
        for path in jobs.iterdir() if jobs.is_dir() else ():
            folder = JobFolder(path)
            if path.name not in kept and folder.age_s() > _NEW_S and not folder.is_worked_on():
                folder.remove()

    def __repr__(self) -> str:
        return f"<JobManager> {self.connection}"


def refuse_subscriber(subscriber: object) -> None:
    """Raise `InvalidQuery` where an execution names URLs to be called: whoever could would have this server call any."""
    if subscriber is not None:
        raise InvalidQuery("subscriber is refused: this service calls no URLs. Ask for the status of the job instead.")


def refuse_document(response: object) -> None:
    """Raise `InvalidQuery` where an execution wants its one output inside of another document (OGC 18-062r2, 7.11.2.4)."""
    if response not in (None, RequestedResponse.raw.value):
        raise InvalidQuery(
            f"response is {str(response)[:60]!r}; this process has one output, and answers with it (raw)."
        )


def _accepted(process_id: str, job: Job, work: Work) -> Record:
    time_ = now()
    return {
        "type": "process",
        "identifier": job.id,
        "process_id": process_id,
        "by": OURS,
        "created": time_,
        "started": time_,
        "updated": time_,
        "finished": None,
        "status": JobStatus.accepted.value,
        "location": str(job.folder.result),
        "mimetype": work.media_type,
        "file_name": work.file_name,
        "message": "The job waits for its turn.",
        "progress": 0,
    }


def _updated(record: Record) -> datetime:
    return datetime.strptime(record["updated"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
