"""A short configuration made complete."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
import zarr

from zarr_edr.errors import ConfigurationError
from zarr_edr.web.config import complete, load, prepare

SHORT = """
resources:
  tiny:
    title: A tiny collection
    providers:
      - {type: edr, name: zarr_edr.ZarrEDRProvider, data: "{store}"}
"""


@pytest.fixture
def short(tmp_path: Path) -> Path:
    """A configuration of six lines and its store."""
    group = zarr.create_group(tmp_path / "tiny.zarr")
    for name, values, units in (
        ("lat", [10.0, 20.0, 30.0], "degrees_north"),
        ("lon", [100.0, 110.0], "degrees_east"),
        ("time", [0.0, 1.0], "days since 2000-01-01"),
    ):
        group.create_array(name, data=np.array(values), dimension_names=[name]).attrs["units"] = units
    field = group.create_array("t2m", shape=(2, 3, 2), dtype="f4", dimension_names=["time", "lat", "lon"])
    field.attrs["units"] = "K"
    path = tmp_path / "short.yml"
    path.write_text(SHORT.replace("{store}", str(tmp_path / "tiny.zarr")))
    return path


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put pygeoapi's two variables back afterwards."""
    for name in ("PYGEOAPI_CONFIG", "PYGEOAPI_OPENAPI"):
        monkeypatch.setenv(name, "")


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def completed(path: Path, bind: str = "127.0.0.1:5000") -> dict[str, Any]:
    return complete(load(path), bind)


def test_extents_come_from_the_data(short: Path) -> None:
    extents = completed(short)["resources"]["tiny"]["extents"]
    assert extents["spatial"]["bbox"][:2] != extents["spatial"]["bbox"][2:]
    assert extents["temporal"]["begin"].startswith("2000-01-01")
    assert extents["temporal"]["end"].startswith("2000-01-02")


def test_given_extents_win(short: Path) -> None:
    config = load(short)
    config["resources"]["tiny"]["extents"] = {"spatial": {"bbox": [1, 2, 3, 4]}}
    found = complete(config, "127.0.0.1:5000")["resources"]["tiny"]["extents"]
    assert found["spatial"] == {"bbox": [1, 2, 3, 4]}
    assert "temporal" in found


def test_a_given_title_wins(short: Path) -> None:
    assert completed(short)["resources"]["tiny"]["title"] == "A tiny collection"


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        ("127.0.0.1:5000", "http://localhost:5000"),
        ("0.0.0.0:80", "http://localhost:80"),
        ("[::1]:5001", "http://localhost:5001"),
        ("edr.example.org:8080", "http://edr.example.org:8080"),
        ("[2001:db8::1]:80", "http://[2001:db8::1]:80"),
    ],
)
def test_the_url_follows_the_address(short: Path, bind: str, url: str) -> None:
    assert completed(short, bind)["server"]["url"] == url


def test_a_given_url_wins(short: Path) -> None:
    config = {**load(short), "server": {"url": "https://data.example.org/edr"}}
    assert complete(config, "127.0.0.1:5000")["server"]["url"] == "https://data.example.org/edr"


def test_a_completed_configuration_is_not_changed_by_completing_it_again(short: Path) -> None:
    once = completed(short)
    assert complete(once, "127.0.0.1:5000") == once


def test_pygeoapi_is_told_of_both_files(short: Path, tmp_path: Path) -> None:
    prepared = prepare(short, tmp_path, "127.0.0.1:5000")
    assert os.environ["PYGEOAPI_CONFIG"] == str(prepared.config)
    assert os.environ["PYGEOAPI_OPENAPI"] == str(prepared.openapi)
    assert "/conformance" in yaml.safe_load(prepared.openapi.read_text())["paths"]


def test_pygeoapi_describes_what_is_not_ours(short: Path, tmp_path: Path) -> None:
    other = """
  lakes:
    type: collection
    title: Lakes
    description: Lakes
    extents: {spatial: {bbox: [-180, -90, 180, 90]}}
    providers: [{type: feature, name: CSV, data: DATA, id_field: id, geometry: {x_field: x, y_field: y}}]
"""
    (tmp_path / "lakes.csv").write_text("id,x,y\n1,2,3\n")
    config = written(short, short.read_text().rstrip() + other.replace("DATA", str(tmp_path / "lakes.csv")))
    paths = yaml.safe_load(prepare(config, tmp_path, "127.0.0.1:5000").openapi.read_text())["paths"]
    assert "/collections/lakes/items" in paths
    assert not [path for path in paths if "tiny" in path]


def test_the_written_configuration_is_read_by_its_owner_only(short: Path, tmp_path: Path) -> None:
    assert prepare(short, tmp_path, "127.0.0.1:5000").config.stat().st_mode & 0o077 == 0


def test_variables_of_the_environment_are_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDR_TEST_STORE", "here.zarr")
    provider = "      - type: edr\n        name: x\n        data: ${EDR_TEST_STORE}/${EDR_NOT_SET:-0}"
    text = f"resources:\n  a:\n    providers:\n{provider}"
    assert load(written(tmp_path / "c.yml", text))["resources"]["a"]["providers"][0]["data"] == "here.zarr/0"


WRONG = {
    "empty": ("", "holds no keys"),
    "text": ("hello", "holds no keys"),
    "not-yaml": ("a: [1", "is not YAML: line"),
    "a-tag": ("a: !!python/object:os.system x", "is not YAML: line 1"),
    "no-resources": ("server: {}", "there are no `resources`"),
    "typo": ("resource: {}", "did you mean `resources`"),
    "unknown-key": ("zzz: 1", "known are server"),
    "server-is-text": ("server: x\nresources: {a: {}}", "`server` is str"),
    "metadata-part-is-list": ("metadata: {contact: [1]}\nresources: {a: {}}", "`metadata.contact` is list"),
    "bind-is-text": ("server: {bind: 'a:1'}\nresources: {a: {}}", "`server.bind` is str"),
    "url-is-number": ("server: {url: 5}\nresources: {a: {}}", "expected http://"),
    "level": ("logging: {level: LOUD}\nresources: {a: {}}", "`logging.level` is 'LOUD'"),
    "resources-is-list": ("resources: [a]", "`resources` is list"),
    "resource-is-text": ("resources: {a: b}", "`resources.a` is str"),
    "resource-type": ("resources: {a: {type: map}}", "`resources.a.type` is 'map'"),
    "no-providers": ("resources: {a: {title: x}}", "`resources.a.providers` is missing"),
    "provider-is-text": ("resources: {a: {providers: [x]}}", "`resources.a.providers[0]` is str"),
    "provider-without-data": ("resources: {a: {providers: [{type: edr, name: x}]}}", "lacks the key `data`"),
    "variable-not-set": ("a: ${EDR_NOT_SET_ANYWHERE}", "EDR_NOT_SET_ANYWHERE"),
}


@pytest.mark.parametrize(("text", "sentence"), WRONG.values(), ids=WRONG)
def test_a_wrong_file_is_refused_with_what_is_wrong(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(written(tmp_path / "c.yml", text))
    assert sentence in refused.value.message
    assert "\n" not in refused.value.message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.yml does not exist"):
        load(tmp_path / "none.yml")


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(tmp_path)


def test_bytes_are_no_configuration(tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        load(tmp_path / "c.yml")


def test_a_secret_beside_a_fault_is_not_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(written(tmp_path / "c.yml", "secret: s3cr3t\n  key: [s3cr3t"))
    assert "s3cr3t" not in refused.value.message


def test_a_missing_store_is_named_with_its_collection(short: Path) -> None:
    config = load(short)
    config["resources"]["tiny"]["providers"][0]["data"] = "/no/such/place.zarr"
    with pytest.raises(ConfigurationError, match=r"tiny.*/no/such/place\.zarr"):
        complete(config, "127.0.0.1:5000")


PROCESS = """  points:
    type: process
    processor:
      name: {name}
"""


@pytest.fixture
def with_process(short: Path) -> Path:
    name = "zarr_edr.extract.ExtractPointsProcessor"
    return written(short, short.read_text().rstrip() + "\n" + PROCESS.format(name=name))


def test_a_process_of_ours_gets_a_manager_whose_jobs_go_with_the_server(with_process: Path, tmp_path: Path) -> None:
    workdir = tmp_path / "work"
    workdir.mkdir()
    prepared = prepare(with_process, workdir, "127.0.0.1:5000")
    manager = yaml.safe_load(prepared.config.read_text())["server"]["manager"]
    assert manager["name"] == "zarr_edr.jobs.JobManager"
    assert {Path(manager[place]).parent for place in ("connection", "output_dir")} == {workdir}
    assert "/processes/points/execution" in prepared.openapi.read_text()


def test_collections_and_processes_are_told_apart(with_process: Path, tmp_path: Path) -> None:
    prepared = prepare(with_process, tmp_path, "127.0.0.1:5000")
    assert (prepared.collections, prepared.processes) == (("tiny",), ("points",))


def test_settings_of_a_manager_without_a_name_are_of_ours(short: Path, tmp_path: Path) -> None:
    config = yaml.safe_load(short.read_text())
    short.write_text(yaml.safe_dump(config | {"server": {"manager": {"list_jobs": True}}}))
    prepared = prepare(short, tmp_path, "127.0.0.1:5000")
    manager = yaml.safe_load(prepared.config.read_text())["server"]["manager"]
    assert (manager["name"], manager["list_jobs"]) == ("zarr_edr.jobs.JobManager", True)


def test_without_a_process_there_is_no_manager(short: Path, tmp_path: Path) -> None:
    prepared = prepare(short, tmp_path, "127.0.0.1:5000")
    assert "manager" not in yaml.safe_load(prepared.config.read_text())["server"]


@pytest.mark.parametrize(
    ("given", "name", "kept"),
    [
        ({"jobs_at_once": 7}, "zarr_edr.jobs.JobManager", {"jobs_at_once": 7}),
        ({"name": "TinyDB", "connection": "{tmp}/t.db", "output_dir": "{tmp}"}, "TinyDB", {"output_dir": "{tmp}"}),
    ],
    ids=["ours", "pygeoapis"],
)
def test_what_the_operator_says_of_jobs_stays(
    with_process: Path, tmp_path: Path, given: dict[str, Any], name: str, kept: dict[str, Any]
) -> None:
    def here(block: dict[str, Any]) -> dict[str, Any]:
        return {k: v.replace("{tmp}", str(tmp_path)) if isinstance(v, str) else v for k, v in block.items()}

    config = yaml.safe_load(with_process.read_text())
    written(with_process, yaml.safe_dump({"server": {"manager": here(given)}, **config}))
    prepared = prepare(with_process, tmp_path, "127.0.0.1:5000")
    manager = yaml.safe_load(prepared.config.read_text())["server"]["manager"]
    assert manager["name"] == name
    assert here(kept).items() <= manager.items()


def test_a_misspelt_processor_is_told(short: Path) -> None:
    config = short.read_text().rstrip() + "\n" + PROCESS.format(name="zarr_edr.extract.ExtractPoints")
    with pytest.raises(ConfigurationError, match=r"resources.points.processor.name.*did you mean"):
        load(written(short, config))
