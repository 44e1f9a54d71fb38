"""edr-xarray opens collections as datasets: array, service, client, and the array is there again."""

from __future__ import annotations

import pytest

pytest.importorskip("edr_xarray", reason="edr-xarray does not install on this Python")

import httpx
import numpy as np
import xarray as xr
from edr_xarray.errors import EdrCoverageJsonError

from .conftest import Demo


def opened(demo: Demo, collection: str, *, dimensions: dict[str, str] | None = None, **options: object) -> xr.Dataset:
    """A collection, read whole; further dimensions ride along as parameters of every request."""
    with httpx.Client(params=dimensions) as session:
        url = f"{demo.url}/collections/{collection}"
        dataset = xr.open_dataset(url, engine="edr", session=session, **options)  # type: ignore[arg-type]  # xarray types engines it knows
        return dataset.load()


def assert_equal(got: xr.DataArray, expected: xr.DataArray) -> None:
    """Values, coordinates (longitudes modulo 360) and, where they are dates, times."""
    np.testing.assert_array_equal(got.to_numpy().astype("f4"), expected.to_numpy().astype("f4"))
    for got_axis, expected_axis in zip(got.dims, expected.dims, strict=True):
        turned = got[got_axis] % 360 if got_axis == "x" else got[got_axis]
        known = expected[expected_axis].to_numpy()
        known = known % 360 if got_axis == "x" else known
        if got_axis == "t":
            np.testing.assert_array_equal(turned, known)
        else:
            np.testing.assert_allclose(turned, known, atol=1e-4)


def test_a_global_series_comes_back_whole(demo: Demo, ostia: xr.Dataset) -> None:
    assert_equal(opened(demo, "ostia").surface_temperature, ostia.surface_temperature)


def test_a_part_across_the_seam_of_the_array_comes_back(demo: Demo, ostia: xr.Dataset) -> None:
    got = opened(demo, "ostia", bbox=(-30.0, -5.0, 10.0, 4.0), datetime="2006-04-16T00:00:00Z/2006-12-31T00:00:00Z")
    assert got.sizes == {"t": 9, "y": 17, "x": 49}
    temperature = ostia.surface_temperature.sel(time="2006", latitude=slice(-5.1, 4.1))
    assert_equal(got.surface_temperature, temperature.isel(longitude=np.r_[-36:13]))


def test_one_cell_comes_back(demo: Demo, ostia: xr.Dataset) -> None:
    got = opened(demo, "ostia", bbox=(-30.1, 1.1, -29.9, 1.2), datetime="2008-07-16T12:00:00Z")
    expected = ostia.surface_temperature.sel(time="2008-07").sel(latitude=[1.2], longitude=[330], method="nearest")
    assert_equal(got.surface_temperature, expected)


def test_only_the_part_that_is_looked_at_comes_back(demo: Demo, ostia: xr.Dataset) -> None:
    url = f"{demo.url}/collections/ostia"
    with xr.open_dataset(url, engine="edr", bbox=(100.0, -5.0, 130.0, 4.0)) as lazy:
        got = lazy.surface_temperature.isel(t=[3], y=slice(4, 9), x=slice(10, 20)).load()
    x = np.flatnonzero(np.isclose(ostia.longitude, got.x[0], atol=1e-4)).item()
    assert_equal(got, ostia.surface_temperature.isel(time=[3], latitude=slice(4, 9), longitude=slice(x, x + 10)))


def test_levels_come_back(demo: Demo, woa: xr.Dataset) -> None:
    got = opened(demo, "woa", bbox=(150.0, -4.0, 170.0, 4.0)).TEMP
    expected = woa.TEMP.sel(lat=got.y, lon=got.x)
    assert got.dims == ("t", "z", "y", "x")
    np.testing.assert_array_equal(got.astype("f4"), expected)
    np.testing.assert_array_equal(got.z, woa.depth)


def test_a_calendar_of_360_days_is_read_by_its_digits(demo: Demo, a1b: xr.Dataset) -> None:
    """It takes all times for Gregorian: 1 June stays 1 June, and a 30 February would fail."""
    expected = a1b.air_temperature
    digits = [np.datetime64(time.isoformat(), "ns") for time in expected.time.to_numpy()]
    assert_equal(opened(demo, "a1b").air_temperature, expected.assign_coords(time=digits))


def test_one_member_of_the_latest_run_comes_back(demo: Demo, seasonal: xr.Dataset) -> None:
    expected = seasonal.t2m.sel(number=3).isel(time=-1)
    got = opened(demo, "seasonal", dimensions={"number": "3"}).t2m
    assert not got.isnull().all()
    assert_equal(got, expected.assign_coords(step=expected.valid_time))


@pytest.mark.parametrize("run", [0, 5, 6])
def test_an_instance_comes_back(demo: Demo, seasonal: xr.Dataset, run: int) -> None:
    expected = seasonal.t2m.sel(number=3).isel(time=run)
    instance = f"{expected.time.dt.strftime('%Y%m%dT%H%MZ').item()}"
    got = opened(demo, "seasonal", dimensions={"number": "3"}, instance=instance).t2m
    assert_equal(got, expected.assign_coords(step=expected.valid_time))


def test_metadata_come_along(demo: Demo) -> None:
    got = opened(demo, "ostia", datetime="2008-07-16T12:00:00Z", bbox=(0.0, 0.0, 1.0, 1.0))
    assert got.attrs["title"] == "Sea surface temperature (OSTIA)"
    assert got.surface_temperature.attrs["units"] == "K"


def test_all_members_at_once_are_beyond_it(demo: Demo) -> None:
    """It reads one coverage, not a collection of them, and says so."""
    with pytest.raises(EdrCoverageJsonError, match="'domain'"):
        opened(demo, "seasonal")


@pytest.mark.parametrize("name", ["t", "z"])
def test_a_parameter_with_the_name_of_an_axis_is_beyond_it(demo: Demo, name: str) -> None:
    with pytest.raises(ValueError, match="are found in both data_vars and coords"):
        opened(demo, "era5ens", dimensions={"number": "0"}, parameter_names=[name])
