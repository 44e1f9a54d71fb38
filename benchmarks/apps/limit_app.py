"""The limit's HTTP: RSGI on granian, and the smallest CoverageJSON. `STORES`: name -> [path, variable], a JSON object."""

from __future__ import annotations

import json
import os
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import orjson
from limit_store import Array3, axis  # type: ignore[import-not-found]  # beside this file

_HEADERS = [("content-type", "application/vnd.cov+json")]
_REFERENCES = orjson.Fragment(
    b'[{"coordinates":["x","y"],"system":{"type":"GeographicCRS","id":"http://www.opengis.net/def/crs/OGC/1.3/CRS84"}},'
    b'{"coordinates":["t"],"system":{"type":"TemporalRS","calendar":"Gregorian"}}]'
)


class Dataset:
    """A store and what is known of it before the first request."""

    def __init__(self, path: str, variable: str) -> None:
        self.array, self.variable = Array3(path, variable), variable
        self.x, self.y, time = axis(path, "lon"), axis(path, "lat"), axis(path, "time")
        self.x0, self.dx = float(self.x[0]), float(self.x[1] - self.x[0])
        self.y0, self.dy = float(self.y[0]), float(self.y[1] - self.y[0])
        # The stores' times are whole hours since the first of January of 1800 or 2000.
        epoch = np.datetime64("1800-01-01" if variable == "air" else "2000-01-01", "s")
        texts = np.datetime_as_string(epoch + time.astype("i8").astype("m8[h]"))
        self.when = {text: index for index, text in enumerate(texts.tolist())}
        self.texts = [f"{text}Z" for text in texts.tolist()]
        self.all_times = orjson.Fragment(orjson.dumps({"values": self.texts}))
        meaning = {"type": "Parameter", "observedProperty": {"label": {"en": variable}}}
        self.parameters = orjson.Fragment(orjson.dumps({variable: meaning}))

    def answer(self, query: str, body: bytes) -> bytes:
        """One point in the query, or lists of x and y in the body; `t` and `u` are the first and last time."""
        asked = dict(parse_qsl(query))
        series = "t" not in asked
        t = slice(0, len(self.texts)) if series else slice(self.when[asked["t"]], self.when[asked["u"]] + 1)
        if body:
            lists = orjson.loads(body)
            x, y = np.array(lists["x"]), np.array(lists["y"])
        else:
            x, y = np.array([float(asked["x"])]), np.array([float(asked["y"])])
        i = np.rint((x - self.x0) / self.dx).astype("i8")
        j = np.rint((y - self.y0) / self.dy).astype("i8")
        values = self.array.points(t, j, i)
        times = self.all_times if series else {"values": self.texts[t]}
        return self._encoded(times, self.x[i], self.y[j], values, many=bool(body))

    def _encoded(self, times: Any, x: Any, y: Any, values: np.ndarray[Any, Any], *, many: bool) -> bytes:
        if many:
            axes = {"t": times, "composite": self._composite(x, y)}
            kind, names, shape = "MultiPointSeries", ["t", "composite"], values.shape
        else:
            axes = {"t": times, "x": {"values": x}, "y": {"values": y}}
            kind, names, shape = "PointSeries", ["t"], values.shape[:1]
        domain = {"type": "Domain", "domainType": kind, "axes": axes, "referencing": _REFERENCES}
        block = {"type": "NdArray", "dataType": "float", "axisNames": names, "shape": shape, "values": values.ravel()}
        found = {"type": "Coverage", "domain": domain, "parameters": self.parameters, "ranges": {self.variable: block}}
        return orjson.dumps(found, option=orjson.OPT_SERIALIZE_NUMPY)

    @staticmethod
    def _composite(x: Any, y: Any) -> dict[str, Any]:
        return {"dataType": "tuple", "coordinates": ["x", "y"], "values": np.stack([x, y], 1)}


_DATASETS = {name: Dataset(*where) for name, where in json.loads(os.environ["STORES"]).items()}


async def app(scope: Any, protocol: Any) -> None:
    """Answer a request."""
    body = await protocol() if scope.method == "POST" else b""
    protocol.response_bytes(200, _HEADERS, _DATASETS[scope.path[1:]].answer(scope.query_string, body))
