"""Tables as Apache Arrow: Parquet, GeoParquet 1.1 and the IPC stream. Needs pyarrow.

The columns are those of `table`, typed: times are UTC timestamps in microseconds where the calendar is the one in use, and
text where it is another; missing values are null; units and names stand in the metadata of the fields. Parts of an answer become
row groups, or record batches.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyproj import CRS

from zarr_edr.coverage import CoverageSet, Times
from zarr_edr.encode.table import Block, Laid, TableEncoder, blocks_of
from zarr_edr.encode.values import Kind, json_text, kind_of
from zarr_edr.outline import Column, Outline, Role
from zarr_edr.query.geometry import Tags

_ROWS_OF_GROUP = 1_000_000
"""Of a row group at most: an answer of one part may be larger."""
_WKB_POINT = np.dtype([("order", "u1"), ("type", "<u4"), ("x", "<f8"), ("y", "<f8")])
"""Well-known binary of a point, little-endian (OGC 06-103r4, 8.2)."""


class _Drain:
    """A file that gives away what has been written."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._at = 0

    def write(self, data: Any) -> int:
        """Take more bytes."""
        piece = bytes(data)
        self._pieces.append(piece)
        self._at += len(piece)
        return len(piece)

    def tell(self) -> int:
        """Number of bytes written."""
        return self._at

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing to close: what is left can still be taken."""

    def taken(self) -> Iterator[bytes]:
        """What was written since the last time."""
        if self._pieces:
            yield b"".join(self._pieces)
            self._pieces.clear()


class _ArrowEncoder(TableEncoder):
    """What the formats of Arrow share."""

    geometry = False

    def encode_parts(self, outline: Outline, parts: Iterable[CoverageSet]) -> Iterator[bytes]:
        """See `TableEncoder`."""
        table = _Table(outline, geometry=self.geometry)
        drain = _Drain()
        with self._writer(drain, table.schema) as writer:
            for part in parts:
                for batch in table.batches(part):
                    writer.write_table(batch)
                yield from drain.taken()
        yield from drain.taken()

    def _writer(self, drain: _Drain, schema: pa.Schema) -> Any:
        raise NotImplementedError


class ArrowEncoder(_ArrowEncoder):
    """The IPC stream: record batches one after another."""

    name = "Arrow"
    media_types = ("application/vnd.apache.arrow.stream",)
    aliases = frozenset({"arrow", *media_types})
    extension = "arrows"

    def _writer(self, drain: _Drain, schema: pa.Schema) -> Any:
        return pa.ipc.new_stream(pa.PythonFile(drain, mode="w"), schema)


class ParquetEncoder(_ArrowEncoder):
    """Parquet, compressed with zstd."""

    name = "Parquet"
    media_types = ("application/vnd.apache.parquet",)
    aliases = frozenset({"parquet", *media_types})
    extension = "parquet"

    def _writer(self, drain: _Drain, schema: pa.Schema) -> Any:

        return pq.ParquetWriter(pa.PythonFile(drain, mode="w"), schema, compression="zstd", compression_level=1)


class GeoParquetEncoder(ParquetEncoder):
    """Parquet with a column `geometry` of points, which GIS programs read as a layer."""

    name = "GeoParquet"
    media_types = ("application/vnd.apache.parquet;profile=geo",)
    aliases = frozenset({"geoparquet", *media_types})
    geometry = True


class _Table:
    """The schema of an answer, and its rows by it."""

    def __init__(self, outline: Outline, *, geometry: bool) -> None:
        self._outline, self._columns, self._geometry = outline, outline.columns(), geometry
        self._geometry_name = "geometry"
        while any(column.name == self._geometry_name for column in self._columns):
            self._geometry_name += "_point"
        fields = [pa.field(c.name, _type_of(c, outline), metadata=_described(c)) for c in self._columns]
        metadata = {"crs": outline.crs.uri}
        if geometry:
            fields.append(pa.field(self._geometry_name, pa.binary()))
            metadata["geo"] = json.dumps(_geo(outline, self._geometry_name))
        self.schema = pa.schema(fields, metadata=metadata)

    def batches(self, part: CoverageSet) -> Iterator[pa.Table]:
        """The rows of a part, as tables that are worth writing on their own."""
        held, rows = [], 0
        for block in blocks_of(part):
            held.append(self._of_block(block))
            rows += block.rows
            if rows >= _ROWS_OF_GROUP:
                yield pa.concat_tables(held)
                held, rows = [], 0
        if held:
            yield pa.concat_tables(held).combine_chunks()

    def _of_block(self, block: Block) -> pa.Table:
        arrays = []
        for column, field in zip(self._columns, self.schema, strict=False):
            laid = block.columns.get((column.role, column.key))
            arrays.append(pa.nulls(block.rows, field.type) if laid is None else _array(laid, block, field.type))
        if self._geometry:
            arrays.append(_points(block))
        return pa.Table.from_arrays(arrays, schema=self.schema)


def _type_of(column: Column, outline: Outline) -> pa.DataType:
    tags = Tags(None, {}) if outline.tags is None else outline.tags
    match column.role:
        case Role.POINT | Role.PLACE:
            return pa.int64()
        case Role.TIME:
            return pa.timestamp("us", tz="UTC") if outline.gregorian else pa.string()
        case Role.X | Role.Y | Role.Z:
            return pa.float64()
        case Role.ID | Role.PROPERTY:
            return _TYPES[kind_of((tags.ids or ()) if column.role is Role.ID else tags.properties[column.key])]
        case Role.DIMENSION:
            axes = (axis for p in outline.parameters for axis in p.custom if axis.name == column.key)
            return _of_dtype(np.result_type(*(axis.values.dtype for axis in axes)))
        case _:
            return pa.string() if column.parameter is None else _of_dtype(column.parameter.packing.dtype)


def _of_dtype(dtype: np.dtype[Any]) -> pa.DataType:
    if dtype == np.float16:  # which few readers know
        return pa.float32()
    return pa.from_numpy_dtype(dtype.newbyteorder("=")) if dtype.kind in "fiub" else pa.string()


_TYPES = {Kind.BOOLEAN: pa.bool_(), Kind.INTEGER: pa.int64(), Kind.NUMBER: pa.float64(), Kind.TEXT: pa.string()}


def _described(column: Column) -> Mapping[str, str]:
    found = {} if column.unit is None else {"unit": column.unit}
    if column.parameter is not None:
        found["long_name"] = column.parameter.title
        if column.parameter.standard_name is not None:
            found["standard_name"] = column.parameter.standard_name
    return found


def _array(laid: Laid, block: Block, kind: pa.DataType) -> pa.Array:
    """The values of a column for every row of a block."""
    values = laid.values
    if isinstance(values, Times):
        us = values.axis.us[values.index]
        if pa.types.is_timestamp(kind):
            return pa.array(_for_rows(us, laid, block)).cast(pa.timestamp("us")).cast(kind)
        return pa.array(_for_rows(np.array([values.axis.iso[i] for i in values.index], object), laid, block), kind)
    flat = _for_rows(np.ma.getdata(values), laid, block)
    if flat.dtype.kind in "OUT":
        return pa.array([_plain(value, kind) for value in flat.tolist()], kind)
    missing = ~np.isfinite(flat) if flat.dtype.kind == "f" else np.zeros(flat.shape, np.bool_)
    if isinstance(values, np.ma.MaskedArray):
        missing |= _for_rows(np.ma.getmaskarray(values), laid, block)
    return pa.array(flat.astype(flat.dtype.newbyteorder("="), copy=False), mask=missing).cast(kind)


def _plain(value: Any, kind: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_string(kind):
        return json_text(value)
    return float(value) if pa.types.is_floating(kind) else value


def _for_rows(values: NDArray[Any], laid: Laid, block: Block) -> NDArray[Any]:
    sizes = [block.shape[axis] if axis in laid.axes else 1 for axis in range(len(block.shape))]
    flat = np.broadcast_to(values.reshape(sizes), block.shape).reshape(-1)
    return flat if block.kept is None else flat[block.kept]


def _points(block: Block) -> pa.Array:
    wkb = np.zeros(block.rows, _WKB_POINT)
    wkb["order"], wkb["type"] = 1, 1
    for name, role in (("x", Role.X), ("y", Role.Y)):
        laid = block.columns[role, role]
        wkb[name] = _for_rows(np.asarray(laid.values), laid, block)
    fixed = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(_WKB_POINT.itemsize), block.rows, [None, pa.py_buffer(wkb.tobytes())]
    )
    return fixed.cast(pa.binary())


def _geo(outline: Outline, name: str) -> dict[str, Any]:
    """The metadata of GeoParquet 1.1.0. Coordinates are in the order x, y whatever the CRS says; without one it is CRS84."""
    column: dict[str, Any] = {"encoding": "WKB", "geometry_types": ["Point"]}
    if not outline.crs.geographic or outline.crs.latitude_first:
        column["crs"] = CRS.from_wkt(outline.crs.wkt).to_json_dict()
    return {"version": "1.1.0", "primary_column": name, "columns": {name: column}}
