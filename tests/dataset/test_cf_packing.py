"""Attributes to packing: decoded values and dtypes are xarray's own."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from zarr.storage import MemoryStore

from zarr_edr.dataset.cf_attributes import Notes
from zarr_edr.dataset.cf_packing import packing_of
from zarr_edr.dataset.cf_store import open_raw
from zarr_edr.dataset.packing import Packing
from zarr_edr.errors import UnsupportedDataset

STORED = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "f2", "f4", "f8"]
SCALES = [None, 0.01, 0.1, 0.5, 1.0, 3e-05]
OFFSETS = [None, 0.0, 273.15, -10.0]


def packed(
    stored: str, attributes: dict[str, Any], zarr_format: Literal[2, 3] = 3, fill: Any = None
) -> tuple[zarr.Group, np.ndarray[Any, Any]]:
    """A group with array `v`, holding 0 to 9 and the fill value."""
    dtype = np.dtype(stored)
    values = np.array([*range(10), 3 if fill is None else fill]).astype(dtype)
    group = zarr.open_group(MemoryStore(), mode="w", zarr_format=zarr_format)
    names = {"dimension_names": ["n"]} if zarr_format == 3 else {}
    array = group.create_array("v", data=values, fill_value=fill if zarr_format == 2 else 0, **names)  # type: ignore[arg-type]  # `names` is empty in version 2
    array.attrs.update(attributes | ({"_ARRAY_DIMENSIONS": ["n"]} if zarr_format == 2 else {}))
    return group, values


def of(group: zarr.Group) -> Packing:
    variable = open_raw(group, "s").variables["v"]
    return packing_of("v", variable.dtype, variable.attrs, Notes())


def by_xarray(group: zarr.Group) -> np.ndarray[Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", xr.SerializationWarning)
        return np.asarray(xr.open_zarr(group.store, consolidated=False, chunks=None, decode_times=False)["v"].values)


@st.composite
def attribute_sets(draw: st.DrawFn) -> tuple[str, dict[str, Any], int | None]:
    """Stored dtype, attributes and the number that stands for a gap."""
    stored = draw(st.sampled_from(STORED))
    gap = draw(st.none() | st.integers(0, 100))
    # With gaps and a whole scale xarray itself fails: it puts NaN into integers.
    scale, offset = draw(st.sampled_from(SCALES + ([1, 10] if gap is None else []))), draw(st.sampled_from(OFFSETS))
    attributes: dict[str, Any] = {"scale_factor": scale, "add_offset": offset}
    if gap is not None:
        other = draw(st.integers(0, 100))
        attributes["missing_value"] = draw(st.sampled_from([gap, [gap], [gap, other]]))
    if stored[0] in "iu" and gap is None:
        attributes["_Unsigned"] = draw(st.sampled_from([None, "true", "false"]))
    return stored, {key: value for key, value in attributes.items() if value is not None}, gap


class TestAgreementWithXarray:
    @given(attribute_sets(), st.sampled_from([2, 3]))
    @settings(max_examples=150, deadline=None)
    def test_values_and_dtype_are_those_of_xarray(self, case: Any, zarr_format: Literal[2, 3]) -> None:
        stored, attributes, gap = case
        group, values = packed(stored, attributes, zarr_format, gap)
        ours, theirs = of(group).decode(values), by_xarray(group)
        assert ours.dtype == theirs.dtype
        # A decimal scale is a division here and a product there: the last bits differ.
        np.testing.assert_allclose(ours, theirs, rtol=4 * np.finfo(ours.dtype).eps if ours.dtype.kind == "f" else 0)

    @pytest.mark.parametrize("stored", STORED)
    @pytest.mark.parametrize("scale", [None, 0.1])
    def test_a_fill_value_written_by_xarray_is_found(self, tmp_path: Path, stored: str, scale: float | None) -> None:
        fill = float("nan") if stored[0] == "f" else 7
        encoding = {"dtype": stored, "_FillValue": fill} | ({} if scale is None else {"scale_factor": scale})
        dataset = xr.Dataset({"v": ("n", np.array([0.1, np.nan, 0.3]))})
        dataset.to_zarr(tmp_path, encoding={"v": encoding}, consolidated=False)
        group = zarr.open_group(tmp_path, mode="r")
        array = group["v"]
        assert isinstance(array, zarr.Array)
        ours, theirs = of(group).decode(np.asarray(array[:])), by_xarray(group)
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=4 * np.finfo(ours.dtype).eps)

    @pytest.mark.parametrize(("stored", "flag"), [("i1", "true"), ("i2", "true"), ("u1", "false")])
    def test_a_fill_value_of_reinterpreted_integers_is_found(self, stored: str, flag: str) -> None:
        fill = -1 if flag == "true" else 255
        group, values = packed(stored, {"_Unsigned": flag, "_FillValue": fill}, 3, fill)
        if flag == "true":
            np.testing.assert_array_equal(of(group).decode(values), by_xarray(group), strict=True)
        assert np.isnan(of(group).decode(values)[-1])


class TestRules:
    def test_integers_without_attributes_stay_integers(self) -> None:
        assert of(packed("i4", {})[0]) == Packing(np.dtype(np.int32))

    def test_the_fill_value_of_format_2_is_missing(self) -> None:
        packing = of(packed("i2", {}, 2, -1)[0])
        assert packing == Packing(np.dtype(np.float32), (np.int16(-1),))

    def test_the_fill_value_of_format_3_is_only_a_default(self) -> None:
        assert of(packed("i2", {}, 3)[0]).fill_values == ()

    @pytest.mark.parametrize(
        "written", [-9999.0, -9999, "-9999", "AAAAAICHw8A="], ids=["float", "int", "text", "base64"]
    )
    def test_a_fill_value_of_any_writer_of_format_3_is_found(self, written: Any) -> None:
        group, values = packed("f4", {"_FillValue": written}, 3, -9999)
        assert np.flatnonzero(np.isnan(of(group).decode(values))).tolist() == [10]

    @pytest.mark.parametrize("attributes", [{}, {"dtype": "bool"}])
    def test_booleans_are_small_integers(self, attributes: dict[str, Any]) -> None:
        stored = np.dtype("i1" if attributes else bool)
        assert packing_of("v", stored, attributes, Notes()).decode(np.ones(2, stored)).dtype == np.int8

    def test_a_float_fill_value_is_compared_as_stored(self) -> None:
        packing = packing_of("v", np.dtype("f4"), {"missing_value": 1e20}, Notes())
        assert np.isnan(packing.decode(np.array([1e20], np.float32)))[0]

    def test_a_fill_value_that_cannot_occur_changes_the_dtype_only(self) -> None:
        packing = packing_of("v", np.dtype("u1"), {"_FillValue": -9999}, Notes())
        assert packing == Packing(np.dtype(np.float32))

    def test_a_whole_scale_with_gaps_is_float(self) -> None:
        packing = packing_of("v", np.dtype("i2"), {"scale_factor": 2, "_FillValue": 5}, Notes())
        np.testing.assert_array_equal(packing.decode(np.array([5, 6], np.int16)), [np.nan, 12.0])

    @pytest.mark.parametrize("value", ["x", True, [1, "y"]])
    def test_a_missing_value_that_is_no_number_is_noted(self, value: Any) -> None:
        notes = Notes()
        packing_of("v", np.dtype("i2"), {"missing_value": value}, notes)
        assert "missing_value" in notes.lines[0]

    @pytest.mark.parametrize("value", ["0.1", True, [1, 2], float("nan"), float("inf"), {}])
    @pytest.mark.parametrize("key", ["scale_factor", "add_offset"])
    def test_a_scale_or_offset_that_is_no_number_is_refused(self, key: str, value: Any) -> None:
        with pytest.raises(UnsupportedDataset, match=key):
            packing_of("v", np.dtype("i2"), {key: value}, Notes())

    def test_big_endian_integers_are_decoded(self) -> None:
        stored = np.array([1, -2], ">i2")
        packing = packing_of("v", stored.dtype, {"_Unsigned": "true", "scale_factor": 1.0}, Notes())
        assert packing.decode(stored).tolist() == [1.0, 65534.0]
