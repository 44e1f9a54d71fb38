"""A Zarr group as xarray opens it: names, dimensions and attributes, nothing decoded."""

from __future__ import annotations

import base64
import struct
from typing import Any

import numpy as np
import xarray as xr
import zarr
from xarray.backends import ZarrStore

from zarr_edr.dataset.source import network_errors
from zarr_edr.errors import StoreUnavailable, UnsupportedDataset

_REFERENCES = ("coordinates", "bounds", "climatology", "grid_mapping", "cell_measures", "formula_terms")


def open_raw(group: zarr.Group, store: str) -> xr.Dataset:
    """The store as xarray sees it, undecoded and unread. Raises `UnsupportedDataset` or `StoreUnavailable`."""
    source = _Store(group, mode="r", use_zarr_fill_value_as_mask=True)
    try:
        dataset = xr.open_dataset(
            source,
            engine="store",  # without a name, xarray loads all of its backends to ask them
            mask_and_scale=False,
            decode_times=False,
            decode_timedelta=False,
            create_default_indexes=False,
        )
    except network_errors() as error:
        raise StoreUnavailable(f"{store} could not be read ({type(error).__name__}).") from error
    except (KeyError, ValueError, TypeError, AttributeError, NotImplementedError) as error:
        raise UnsupportedDataset(f"{store}: its arrays do not form a dataset: {str(error)[:200]}") from error
    if not dataset.variables:
        inner = ", ".join(sorted(group.group_keys()))[:200]
        raise UnsupportedDataset(f"{store}: the group holds no arrays{f'; its groups are {inner}' if inner else ''}.")
    return dataset


class _Store(ZarrStore):
    """xarray's store, but open to `_FillValue` as other writers of Zarr v3 have it: a plain number.

    xarray itself writes the eight bytes of a double in base64, and opens no store where the attribute is anything else.
    In format 2 the fill value of the array is the `_FillValue`, in format 3 only the attribute is.
    """

    __slots__ = ()

    def open_store_variable(self, name: str) -> xr.Variable:
        """One array as a lazy variable."""
        variable: xr.Variable = super().open_store_variable(name)  # type: ignore[no-untyped-call]  # xarray is not typed here
        _drop_odd_references(variable.attrs)
        if self.zarr_group.metadata.zarr_format == 3:
            variable.attrs.pop("_FillValue", None)  # the array's own, which in format 3 is but a default
            written = self.members[name].attrs.get("_FillValue")
            if written is not None:
                variable.attrs["_FillValue"] = fill_attribute(written, variable.dtype)
        return variable

    def get_attrs(self) -> dict[str, Any]:
        """Global attributes."""
        attributes: dict[str, Any] = super().get_attrs()  # type: ignore[no-untyped-call]  # xarray is not typed here
        _drop_odd_references(attributes)
        return attributes


def _drop_odd_references(attributes: dict[Any, Any]) -> None:
    """Remove names of other variables that are no text: xarray splits them without a look."""
    for key in _REFERENCES:
        if key in attributes and not isinstance(attributes[key], str):
            del attributes[key]


def fill_attribute(written: Any, dtype: np.dtype[Any]) -> Any:
    """The number that a `_FillValue` attribute of Zarr v3 stands for; as it is where it stands for none."""
    if not isinstance(written, str) or dtype.kind != "f":
        return written
    try:
        return struct.unpack("<d", base64.b64decode(written, validate=True))[0]
    except (ValueError, struct.error):
        pass
    try:
        return float(written)  # e.g. NaN
    except ValueError:
        return written
