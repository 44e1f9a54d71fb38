"""The command `zarr-edr`."""

import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import zarr
from click.testing import CliRunner, Result

from zarr_edr.cli import main
from zarr_edr.web.config import complete, load


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, prog_name="zarr-edr")


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store of one variable on a grid."""
    group = zarr.create_group(tmp_path / "grid.zarr")
    for name, units in (("lat", "degrees_north"), ("lon", "degrees_east")):
        group.create_array(name, data=np.arange(3.0), dimension_names=[name]).attrs["units"] = units
    group.create_array("t2m", data=np.ones((3, 3), "f4"), dimension_names=["lat", "lon"]).attrs["units"] = "K"
    return str(tmp_path / "grid.zarr")


def test_help_names_every_command() -> None:
    shown = run("--help")
    assert shown.exit_code == 0
    assert all(command in shown.output for command in ("serve", "inspect", "init", "rechunk"))


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, zarr_edr.cli; print({'xarray', 'dask', 'flask', 'pygeoapi', 'zarr'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_version_is_a_name_and_a_number() -> None:
    assert run("--version").output.split()[0] == "zarr-edr"


def test_the_module_is_the_command() -> None:
    ended = subprocess.run([sys.executable, "-m", "zarr_edr", "--version"], capture_output=True, text=True, check=True)
    assert ended.stdout == run("--version").output


def test_inspect_describes_every_store(store: str) -> None:
    shown = run("inspect", store, store)
    assert shown.exit_code == 0
    assert shown.output.count("t2m") >= 2


def test_inspect_of_what_is_no_store_is_a_sentence(tmp_path: Path) -> None:
    shown = run("inspect", str(tmp_path / "none.zarr"))
    assert shown.exit_code in (1, 2)
    assert "none.zarr" in shown.stderr
    assert shown.stderr.count("\n") == 1


def test_what_init_prints_can_be_served(store: str, tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text(run("init", store).stdout)
    assert list(complete(load(config), "127.0.0.1:5000")["resources"]) == ["grid", "extract-points"]


def test_init_of_what_is_no_store_says_so_beside_the_configuration(store: str, tmp_path: Path) -> None:
    shown = run("init", store, str(tmp_path / "none.zarr"))
    assert shown.exit_code == 0
    assert "none.zarr" in shown.stderr


def test_init_of_nothing_that_can_be_served_fails(tmp_path: Path) -> None:
    assert run("init", str(tmp_path / "none.zarr")).exit_code == 1


@pytest.mark.parametrize("command", ["inspect", "init", "serve", "rechunk"])
def test_a_command_without_its_argument_says_so(command: str) -> None:
    shown = run(command)
    assert shown.exit_code == 2
    assert "Missing argument" in shown.stderr


@pytest.mark.parametrize("option", [("--workers", "0"), ("--threads", "many"), ("--bind",)], ids=" ".join)
def test_serve_refuses_options_that_make_no_sense(option: tuple[str, ...]) -> None:
    assert run("serve", "config.yml", *option).exit_code == 2


def test_serve_of_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    shown = run("serve", str(tmp_path / "none.yml"), "--bind", "127.0.0.1:0")
    assert (shown.exit_code, shown.stderr.count("\n")) == (2, 1)
    assert "none.yml does not exist" in shown.stderr


def test_serve_on_an_address_in_use_is_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        shown = run("serve", str(tmp_path / "any.yml"), "--bind", f"127.0.0.1:{taken.getsockname()[1]}")
    assert (shown.exit_code, shown.stderr.count("\n")) == (1, 1)
    assert "already in use" in shown.stderr
