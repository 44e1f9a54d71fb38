"""xpublish with the plugins that are installed, its EDR plugin among them. `STORES` names the stores: a JSON object of paths."""

from __future__ import annotations

import json
import os

import xarray as xr
import xpublish  # type: ignore[import-not-found]  # in an environment of its own

stores: dict[str, str] = json.loads(os.environ["STORES"])
app = xpublish.Rest({name: xr.open_zarr(path) for name, path in stores.items()}).app
