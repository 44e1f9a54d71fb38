"""The plugin in an unmodified pygeoapi: its own command, its own server, its own API."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import xarray as xr
import yaml

from zarr_edr.init import config as written_config

DATA = Path(__file__).parents[1] / "data"
PYGEOAPI = str(Path(sys.executable).with_name("pygeoapi"))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def configuration(path: Path, port: int) -> None:
    """What `zarr-edr init` writes, with a provider block of three lines."""
    text = written_config([str(DATA / "ostia.zarr"), str(DATA / "woa.zarr")])
    found = yaml.safe_load(text)
    found["server"] |= {"bind": {"host": "127.0.0.1", "port": port}, "url": f"http://127.0.0.1:{port}"}
    for resource in (r for r in found["resources"].values() if r["type"] == "collection"):
        (provider,) = resource["providers"]
        assert provider.keys() == {"type", "name", "data"}
    path.write_text(yaml.safe_dump(found))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("pygeoapi"), free_port()
    configuration(folder / "config.yml", port)
    environment = os.environ | {
        "PYGEOAPI_CONFIG": str(folder / "config.yml"),
        "PYGEOAPI_OPENAPI": str(folder / "openapi.yml"),
    }
    generate = [
        PYGEOAPI,
        "openapi",
        "generate",
        str(folder / "config.yml"),
        "--output-file",
        str(folder / "openapi.yml"),
    ]
    subprocess.run(generate, env=environment, check=True, capture_output=True)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([PYGEOAPI, "serve", "--flask"], env=environment, stdout=log, stderr=log)
    try:
        base = f"http://127.0.0.1:{port}"
        await_answer(base, server)
        yield base
    finally:
        server.terminate()
        server.wait(10)


def await_answer(base: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert server.poll() is None, "pygeoapi ended"
        try:
            requests.get(base, timeout=60)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("pygeoapi did not start")


def position(url: str, collection: str, **parameters: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in parameters.items()}
    return requests.get(f"{url}/collections/{collection}/position", params=named, timeout=30)


def document(url: str, collection: str, **parameters: str) -> dict[str, Any]:
    response = position(url, collection, **parameters)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/vnd.cov+json")
    found: dict[str, Any] = response.json()
    return found


def test_a_series_is_what_xarray_reads(url: str) -> None:
    found = document(url, "ostia", coords="POINT(-30 1)")
    with xr.open_zarr(DATA / "ostia.zarr", chunks=None, decode_times=False) as dataset:
        expected = dataset["surface_temperature"].sel(longitude=330, latitude=1, method="nearest").values
    values = np.array(found["ranges"]["surface_temperature"]["values"], "f4")
    np.testing.assert_array_equal(values, expected)


def test_a_multipoint_keeps_order_and_number(url: str) -> None:
    found = document(url, "ostia", coords="MULTIPOINT((-30 1),(10 80),(-30 1))", datetime="2006-04-16")
    values = found["ranges"]["surface_temperature"]["values"]
    assert found["domain"]["domainType"] == "MultiPoint"
    assert values[0] == values[2] is not None
    assert values[1] is None


@pytest.mark.parametrize("z", ["100", "90/110", "110/90", "100,100"])
def test_every_form_of_z_reaches_the_provider(url: str, z: str) -> None:
    found = document(url, "woa", coords="POINT(-30 0)", z=z)
    assert found["domain"]["axes"]["z"]["values"] == [100.0]


def test_an_instant_takes_its_own_time(url: str) -> None:
    found = document(url, "ostia", coords="POINT(-30 1)", datetime="2006-05-16T12:00:00Z")
    assert found["domain"]["axes"]["t"]["values"] == ["2006-05-16T12:00:00Z"]


@pytest.mark.parametrize(
    "parameters", [{"coords": "POINT(-30 60)"}, {"coords": "POINT(-30 1)", "datetime": "2006-05-17"}]
)
def test_no_data_is_204(url: str, parameters: dict[str, str]) -> None:
    assert position(url, "ostia", **parameters).status_code == 204


@pytest.mark.parametrize(
    ("parameters", "status", "says"),
    [
        ({"coords": "LINESTRING(0 0,1 1)"}, 400, "POINT"),
        ({"coords": "POINT(0 91)"}, 400, "latitude"),
        ({"coords": "POINT(0 0)", "z": "deep"}, 400, "z has"),
        ({"coords": "POINT(0 0)", "parameter-name": "TEMP,nope"}, 400, "nope"),
    ],
)
def test_bad_input_is_400_with_the_reason(url: str, parameters: dict[str, str], status: int, says: str) -> None:
    response = position(url, "woa", **parameters)
    assert response.status_code == status
    assert says in response.json()["description"]


def test_the_collection_lists_its_parameters(url: str) -> None:
    found = requests.get(f"{url}/collections/woa", params={"f": "json"}, timeout=30).json()
    assert list(found["parameter_names"]) == ["TEMP"]
    queries = ["position", "radius", "area", "cube", "trajectory", "corridor"]
    assert sorted(found["data_queries"]) == sorted(queries)


def test_a_cube_is_what_xarray_reads(url: str) -> None:
    query = {"bbox": "-31,-1,-29,1", "datetime": "2008-07-16/2008-07-17"}
    found = requests.get(f"{url}/collections/ostia/cube", params=query, timeout=30).json()
    x, y = (found["domain"]["axes"][name]["values"] for name in "xy")
    with xr.open_zarr(DATA / "ostia.zarr", chunks=None) as dataset:
        expected = dataset["surface_temperature"].sel(time="2008-07-16").sel(longitude=x, latitude=y, method="nearest")
    values = np.array(found["ranges"]["surface_temperature"]["values"], "f4")
    np.testing.assert_array_equal(values, expected.values.ravel())
