"""The demo as a server of its own, and the packages of node that read its answers."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlencode

import pytest
import requests
import xarray as xr

from zarr_edr.testing.server import served

ROOT = Path(__file__).parents[2]
COVJSON_READER = "0.16.3"
MUST_RUN = "ZARR_EDR_ALL"
"""With this in the environment, a test that cannot run for want of a tool fails: so continuous integration sees it."""

Json = dict[str, Any]


@pytest.hookimpl(tryfirst=True)  # before xdist looks for groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests in one process, where tests run in several: they share a server."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("clients"))


@dataclass(frozen=True)
class Demo:
    """The running demo."""

    url: str
    """Without a slash at the end."""

    def get(self, path: str, **parameters: str) -> requests.Response:
        """Any answer; underscores in names of parameters stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in parameters.items()}
        return requests.get(f"{self.url}{path}", params=named, headers={"Accept": "application/json"}, timeout=100)

    def json(self, path: str, **parameters: str) -> Json:
        """The document of a 200."""
        answer = self.get(path, **parameters)
        assert answer.status_code == 200, f"{answer.url}: {answer.status_code} {answer.text[:300]}"
        document: Json = answer.json()
        return document

    def query(self, path: str, **parameters: str) -> Json:
        """The answer to a query, e.g. `ostia/position`, as CoverageJSON."""
        return self.json(f"/collections/{path}", f="CoverageJSON", **parameters)

    def post(self, path: str, parameters: dict[str, str]) -> requests.Response:
        """The answer to the same parameters as a form."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "*/*"}
        url = f"{self.url}/collections/{path}"
        return requests.post(url, data=urlencode(parameters), headers=headers, timeout=100)

    @cached_property
    def listed(self) -> list[Json]:
        """The collections, as the list of them shows them."""
        collections: list[Json] = self.json("/collections")["collections"]
        return collections


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """The demo on a free port, with one worker."""
    with served(ROOT / "config/demo.yml", folder=ROOT) as server:
        yield Demo(server.url)


def stored(name: str) -> xr.Dataset:
    """A store of the demo as xarray reads it; its data are in memory."""
    with xr.open_zarr(ROOT / "data" / f"{name}.zarr", decode_times=name != "woa", chunks=None) as dataset:
        loaded: xr.Dataset = dataset.load()
    return loaded


@pytest.fixture(scope="session")
def ostia() -> xr.Dataset:
    return stored("ostia")


@pytest.fixture(scope="session")
def woa() -> xr.Dataset:
    return stored("woa")


@pytest.fixture(scope="session")
def era5ens() -> xr.Dataset:
    return stored("era5ens")


@pytest.fixture(scope="session")
def seasonal() -> xr.Dataset:
    return stored("ukmo_seas")


@pytest.fixture(scope="session")
def a1b() -> xr.Dataset:
    return stored("a1b360")


def cannot_run(why: str) -> NoReturn:
    """Skip, or fail where everything has to run."""
    if os.environ.get(MUST_RUN):
        pytest.fail(f"{MUST_RUN} is set, but {why}")
    pytest.skip(why)


Node = Callable[..., str]
"""Runs a script with node: (arguments, input) -> what it printed."""


@pytest.fixture(scope="session")
def node() -> Node:
    """Node with covjson-reader, which npm installs beside this environment, outside the project's files."""
    programs = [shutil.which(name) for name in ("node", "npm")]
    if None in programs:
        cannot_run("node and npm are not installed (Debian: nodejs, npm)")
    folder = Path(sys.prefix) / "node"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other processes of these tests may install, too
        _install(folder)

    def run(*arguments: str, text: str = "") -> str:
        environment = os.environ | {"NODE_PATH": str(folder / "node_modules")}
        command = ["node", *arguments]
        ended = subprocess.run(
            command, input=text, capture_output=True, text=True, env=environment, timeout=60, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    return run


def _install(folder: Path) -> None:
    manifest = folder / "node_modules/covjson-reader/package.json"
    if manifest.exists() and json.loads(manifest.read_text())["version"] == COVJSON_READER:
        return
    quiet = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]
    command = ["npm", "install", "--prefix", str(folder), *quiet, f"covjson-reader@{COVJSON_READER}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    if ended.returncode != 0:
        cannot_run(f"npm could not install covjson-reader {COVJSON_READER}: {ended.stderr[-300:]}")
