"""The service that most tutorials on Zarr and dask build, for comparison: FastAPI in front of a dask cluster.

Each request connects a client to the cluster, opens the store, selects the nearest cells of all points at once and returns the
rows of the data frame. `STORES` names the stores, as a JSON object of paths, and `DASK` the address of the scheduler.
"""

from __future__ import annotations

import json
import os
from typing import Any

import xarray as xr
from distributed import Client
from fastapi import FastAPI
from pydantic import BaseModel

STORES: dict[str, str] = json.loads(os.environ["STORES"])
app = FastAPI()


class Points(BaseModel):
    """Coordinates, in two lists of the same length."""

    latitude: list[float]
    longitude: list[float]


@app.post("/{store}/points")
def points(store: str, asked: Points) -> list[dict[str, Any]]:
    """One record for each point and time."""
    with Client(os.environ["DASK"]) as client:  # type: ignore[no-untyped-call]  # distributed is not typed
        dataset = xr.open_zarr(STORES[store])
        at = {
            "lat": xr.DataArray(asked.latitude, dims="points"),
            "lon": xr.DataArray(asked.longitude, dims="points"),
        }
        frame = dataset.sel(at, method="nearest").to_dask_dataframe(["points", "time"])
        found = client.compute(frame).result()
    records: list[dict[str, Any]] = json.loads(found.to_json(orient="records", date_format="iso"))
    return records
