"""What the operator can say of jobs: keys of `server.manager`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zarr_edr.errors import ConfigurationError
from zarr_edr.settings import numbers

MANAGER = "zarr_edr.jobs.JobManager"
"""Name of the manager in a pygeoapi configuration."""

_PATHS = ("connection", "output_dir")
_PYGEOAPI_KEYS = ("name", *_PATHS, "processes")
_LIST_JOBS = "list_jobs"


@dataclass(frozen=True, slots=True)
class JobBounds:
    """Bounds on the jobs of a service, all its processes together; each is a key of `server.manager`."""

    jobs_at_once: int = field(
        default=2, metadata={"help": "jobs that run at the same time; others wait for their turn"}
    )
    jobs_waiting: int = field(default=20, metadata={"help": "jobs that may wait; a further one is refused"})
    jobs_kept: int = field(default=1000, metadata={"help": "jobs that are known, finished ones included"})
    results_hours: int = field(default=24, metadata={"help": "hours for which a finished job and its result are kept"})
    results_bytes: int = field(
        default=20 * 1024**3,
        metadata={"help": "bytes on disk of all results and posted tables, and of the values of jobs that run"},
    )


@dataclass(frozen=True, slots=True)
class JobSettings:
    """The block `server.manager`."""

    connection: Path
    """The file of the records of jobs."""
    output_dir: Path
    """The folder of their results."""
    bounds: JobBounds
    list_jobs: bool = False
    """Whether anybody can list all jobs: who knows the id of a job can read its result, and dismiss it."""

    @classmethod
    def of(cls, manager_def: Mapping[str, Any]) -> JobSettings:
        """Read the block. Raises `ConfigurationError`, which names the key and what is right."""
        for key in _PATHS:
            if not isinstance(manager_def.get(key), str) or not manager_def[key].strip():
                raise ConfigurationError(f"`server.manager.{key}` is missing; expected a path, e.g. /var/lib/zarr-edr.")
        given = {key: value for key, value in manager_def.items() if key not in _PYGEOAPI_KEYS}
        list_jobs = given.pop(_LIST_JOBS, False)
        if not isinstance(list_jobs, bool):
            raise ConfigurationError(
                f"`server.manager.{_LIST_JOBS}` is {str(list_jobs)[:60]!r}; expected true or false."
            )
        connection, output_dir = (Path(manager_def[key]).absolute() for key in _PATHS)
        return cls(connection, output_dir, numbers("server.manager", given, JobBounds()), list_jobs)
