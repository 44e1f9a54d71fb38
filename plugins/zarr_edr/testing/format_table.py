"""The table of docs/formats.md: every format of every query, read back by a reader that is not ours."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped,unused-ignore]  # typed in some versions
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from rasterio.io import MemoryFile

from zarr_edr.testing.cf_rows import facts_in, netcdf_by_c_library, zarr_by_zarr_python
from zarr_edr.testing.covjson import decode, load, pydantic_problems

Fact = tuple[float, float, str, float]
"""x, y, time, value: float32 as their shortest decimal, coordinates with three decimals: a GeoTIFF is evenly spaced."""

PARAMETER = "surface_temperature"
"""Of the collection that is asked."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How a format is read back."""

    name: str
    facts: Callable[[bytes], Counter[Fact]] | None
    """None: it holds no values that can be compared, only a picture of them."""


def _fact(x: float, y: float, time: str, value: float) -> Fact:
    return round((float(x) + 180) % 360 - 180, 3), round(float(y), 3), time[:19] + "Z", float(str(np.float32(value)))


def _facts(rows: Iterable[Mapping[str, Any]], x: str, y: str, value: str = PARAMETER) -> Counter[Fact]:
    kept = (row for row in rows if row[value] not in (None, "") and not _is_nan(row[value]))
    return Counter(_fact(row[x], row[y], str(row["time"]).replace(" ", "T"), row[value]) for row in kept)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def facts_of_covjson(body: bytes, rows: int | None = None) -> Counter[Fact]:
    """What a document says, or its first values, missing ones counted; covjson-pydantic must take it."""
    if pydantic_problems(load(body)):
        raise AssertionError(pydantic_problems(load(body))[:3])
    present = (row for row in decode(body)[:rows] if row.value is not None)
    return Counter(_fact(r.x or 0.0, r.y or 0.0, r.time or "", r.value or 0.0) for r in present)


def _of_geojson(body: bytes) -> Counter[Fact]:
    rows = []
    for feature in json.loads(body)["features"]:
        x, y, *_ = feature["geometry"]["coordinates"]
        properties = feature["properties"]
        rows.append({"x": x, "y": y, "time": properties["datetime"], PARAMETER: properties[PARAMETER]})
    return _facts(rows, "x", "y")


def _of_csv(body: bytes) -> Counter[Fact]:
    rows = csv.DictReader(io.StringIO(body.decode(), newline=""), strict=True)
    return _facts(rows, "x", "y", f"{PARAMETER} [K]")


def _of_json(*, lines: bool) -> Callable[[bytes], Counter[Fact]]:
    def read(body: bytes) -> Counter[Fact]:
        frame = pd.read_json(io.BytesIO(body), lines=lines, dtype=False)
        return _facts(frame.to_dict("records"), "lon", "lat")

    return read


def _of_frame(read: Callable[[bytes], pa.Table]) -> Callable[[bytes], Counter[Fact]]:
    return lambda body: _facts(read(body).to_pylist(), "x", "y")


def _of_cf(read: Callable[[bytes], Any]) -> Callable[[bytes], Counter[Fact]]:
    return lambda body: Counter(
        _fact(x, y, time or "", value)
        for _, x, y, time, _, _, value in facts_in(read(body)).elements()
        if value is not None
    )


def _of_geotiff(body: bytes) -> Counter[Fact]:
    return Counter(_pixels(body))


def _pixels(body: bytes) -> Iterator[Fact]:
    with MemoryFile(body) as memory, memory.open() as file:
        time = next(value for key, value in file.tags().items() if key.lower() in ("time", "tifftag_datetime"))
        for (row, column), value in np.ndenumerate(file.read(1)):
            if not math.isnan(value):
                x, y = file.xy(row, column)
                yield _fact(x, y, time, value)


class _Numbers(HTMLParser):
    """The cells of all tables."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data.strip())


READERS: Mapping[str, Reader] = {
    "CoverageJSON": Reader("covjson-pydantic", facts_of_covjson),
    "CoverageJSON-points": Reader("covjson-pydantic", facts_of_covjson),
    "GeoJSON": Reader("json of the standard library, the official schema", _of_geojson),
    "CSV": Reader("csv of the standard library", _of_csv),
    "Records": Reader("pandas", _of_json(lines=False)),
    "NDJSON": Reader("pandas", _of_json(lines=True)),
    "NetCDF": Reader("xarray with the NetCDF C library", _of_cf(netcdf_by_c_library)),
    "Zarr": Reader("xarray with zarr-python", _of_cf(zarr_by_zarr_python)),
    "GeoTIFF": Reader("GDAL (rasterio)", _of_geotiff),
    "Parquet": Reader("pyarrow", _of_frame(lambda body: pq.read_table(io.BytesIO(body)))),
    "GeoParquet": Reader("pyarrow", _of_frame(lambda body: pq.read_table(io.BytesIO(body)))),
    "Arrow": Reader("pyarrow", _of_frame(lambda body: pa.ipc.open_stream(body).read_all())),
    "PNG": Reader("Pillow", None),
    "HTML": Reader("html.parser of the standard library", None),
}
"""Format -> its reader."""


def shows(name: str, body: bytes, expected: Counter[Fact]) -> bool:
    """Whether a picture is one, or a page tells all values."""
    if name == "PNG":
        with Image.open(io.BytesIO(body)) as picture:
            picture.verify()
            return min(picture.size) > 100
    page = _Numbers()
    page.feed(body.decode())
    told = Counter(text for text in page.texts if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", text))
    values = Counter(f"{value:.9g}" for *_, value in expected.elements())
    found = Counter(f"{float(text):.9g}" for text, count in told.items() for _ in range(count))
    return values <= found


def agrees(name: str, body: bytes, expected: Counter[Fact]) -> bool:
    """Whether an answer, read back, says what is expected."""
    reader = READERS[name]
    return shows(name, body, expected) if reader.facts is None else reader.facts(body) == expected


def table(queries: Iterable[str], verified: Mapping[tuple[str, str], bool]) -> str:
    """The table in Markdown: `verified` are the formats and queries that were asked, and whether they agreed."""
    queries = list(queries)
    lines = [f"| format | {' | '.join(queries)} | read back by |", f"|---|{'---|' * len(queries)}---|"]
    for name, reader in READERS.items():
        cells = [{True: "yes", False: "WRONG"}.get(verified.get((name, query)), "-") for query in queries]  # type: ignore[arg-type]  # None is neither
        lines.append(f"| {name} | {' | '.join(cells)} | {reader.name} |")
    return "\n".join(lines) + "\n"
