"""A large extraction as a job, in a process of its own; prints how much memory it took beyond what was in use before."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from threading import Event, Thread

import numpy as np
import xarray as xr

N_TIMES, N_LAT, N_LON = 240, 40, 50


class Watch(Thread):
    """Looks at the memory of this process, mapped files included, until it is told to stop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.stopped, self.peak_bytes = Event(), resident_bytes()

    def run(self) -> None:
        while not self.stopped.is_set():
            self.peak_bytes = max(self.peak_bytes, resident_bytes())
            time.sleep(0.01)


def resident_bytes() -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def write(path: Path) -> None:
    values = np.random.default_rng(1).normal(280, 10, (N_TIMES, N_LAT, N_LON)).astype("f4")
    coordinates = {
        "time": ("time", np.arange(N_TIMES), {"units": "hours since 2000-01-01", "standard_name": "time"}),
        "lat": ("lat", np.arange(N_LAT) * 1.0, {"units": "degrees_north"}),
        "lon": ("lon", np.arange(N_LON) * 1.0, {"units": "degrees_east"}),
    }
    dataset = xr.Dataset({"v": (("time", "lat", "lon"), values, {"units": "K"})}, coordinates)
    dataset.to_zarr(path, encoding={"v": {"chunks": (24, N_LAT, N_LON)}}, zarr_format=3, consolidated=False)


def main(folder: Path, points: int, f: str) -> None:
    from zarr_edr.extract import ExtractPointsProcessor  # noqa: PLC0415 - reads the environment
    from zarr_edr.jobs import JobManager  # noqa: PLC0415 - as slow

    manager = JobManager({"name": "m", "connection": str(folder / "jobs.json"), "output_dir": str(folder / "results")})
    processor = ExtractPointsProcessor({"name": "p"})
    drawn = np.random.default_rng(2)

    def inputs(count: int) -> dict[str, object]:
        x, y = drawn.uniform(0, N_LON - 1, count), drawn.uniform(0, N_LAT - 1, count)
        return {"collection": "large", "longitude": x.tolist(), "latitude": y.tolist(), "f": f}

    manager.submit("p", processor.prepare(inputs(20), job=True), wait=True)  # whatever is loaded once
    work = processor.prepare(inputs(points), job=True)
    before, watch = resident_bytes(), Watch()
    watch.start()
    record = manager.submit("p", work, wait=True)
    watch.stopped.set()
    print(record["status"], watch.peak_bytes - before, manager.result_of(record).stat().st_size)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
