"""Jobs of processes: a manager for pygeoapi that knows how far they are, and that can stop them.

In a pygeoapi configuration:

    server:
      manager:
        name: zarr_edr.jobs.JobManager
        connection: /var/lib/zarr-edr/jobs.json
        output_dir: /var/lib/zarr-edr/results
"""

from __future__ import annotations

from zarr_edr.jobs.manager import JobManager

__all__ = ["JobManager"]
