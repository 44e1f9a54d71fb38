"""Stores are opened read-only, and what cannot be opened is named."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import zarr
from zarr.storage import ZipStore

from zarr_edr.dataset.source import display_name, open_group
from zarr_edr.errors import ConfigurationError


def make(path: Path, *, value: int = 1, zarr_format: int = 3) -> Path:
    group = zarr.open_group(path, mode="w", zarr_format=2 if zarr_format == 2 else 3)
    group.create_array("a", data=np.full(3, value))
    return path


def refusal(data: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        open_group(data)
    return caught.value.message


def first(group: zarr.Group) -> int:
    array = group["a"]
    assert isinstance(array, zarr.Array)
    return int(np.asarray(array[:])[0])


class TestOpens:
    @pytest.mark.parametrize("zarr_format", [2, 3])
    @pytest.mark.filterwarnings("ignore:Consolidated metadata")
    @pytest.mark.parametrize("consolidated", [False, True])
    def test_both_formats_consolidated_or_not(self, tmp_path: Path, zarr_format: int, consolidated: bool) -> None:
        store = make(tmp_path / "s.zarr", zarr_format=zarr_format)
        if consolidated:
            zarr.consolidate_metadata(str(store))
        assert first(open_group(str(store))) == 1

    def test_a_relative_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        make(tmp_path / "s.zarr")
        monkeypatch.chdir(tmp_path)
        assert first(open_group("s.zarr")) == 1

    def test_a_file_url_with_escaped_characters(self, tmp_path: Path) -> None:
        store = make(tmp_path / "a b.zarr")
        assert first(open_group(store.as_uri())) == 1

    def test_a_zip_file(self, tmp_path: Path) -> None:
        with ZipStore(tmp_path / "s.zip", mode="w") as store:
            zarr.open_group(store, mode="w").create_array("a", data=np.ones(3, dtype=int))
        group = open_group(str(tmp_path / "s.zip"))
        assert first(group) == 1
        group.store.close()

    def test_nothing_can_be_written(self, tmp_path: Path) -> None:
        group = open_group(str(make(tmp_path / "s.zarr")))
        with pytest.raises(ValueError, match="read"):
            group.create_array("b", data=np.zeros(1))

    def test_a_moved_link_does_not_reach_an_open_group(self, tmp_path: Path) -> None:
        old, new = make(tmp_path / "old.zarr", value=1), make(tmp_path / "new.zarr", value=2)
        link = tmp_path / "current.zarr"
        link.symlink_to(old)
        group = open_group(str(link))
        link.unlink()
        link.symlink_to(new)
        assert (first(group), first(open_group(str(link)))) == (1, 2)


class TestRefuses:
    def test_a_path_that_does_not_exist(self, tmp_path: Path) -> None:
        assert "nowhere.zarr does not exist" in refusal(str(tmp_path / "nowhere.zarr"))

    def test_a_directory_without_a_group(self, tmp_path: Path) -> None:
        assert "holds no Zarr group" in refusal(str(tmp_path))

    @pytest.mark.parametrize("zarr_format", [2, 3])
    def test_an_array(self, tmp_path: Path, zarr_format: int) -> None:
        message = refusal(str(make(tmp_path / "s.zarr", zarr_format=zarr_format) / "a"))
        assert "is a Zarr array, not a group" in message

    @pytest.mark.parametrize("text", ["{", "[]", '{"zarr_format": 9, "node_type": "group"}', ""])
    def test_metadata_that_cannot_be_read(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "zarr.json").write_text(text)
        assert str(tmp_path.name) in refusal(str(tmp_path))

    def test_broken_metadata_of_format_2(self, tmp_path: Path) -> None:
        (tmp_path / ".zgroup").write_text(json.dumps({"zarr_format": "x"}))
        assert str(tmp_path.name) in refusal(str(tmp_path))

    @pytest.mark.parametrize("content", [b"", b"CDF\x01", b"PK\x03\x04broken"], ids=["empty", "netcdf", "half a zip"])
    @pytest.mark.parametrize("name", ["s.nc", "s.zip"])
    def test_a_file_that_is_no_archive(self, tmp_path: Path, name: str, content: bytes) -> None:
        (tmp_path / name).write_bytes(content)
        assert "zip archive" in refusal(str(tmp_path / name))

    def test_chained_urls(self) -> None:
        assert "chained" in refusal("zip::https://example.org/a.zip")

    @pytest.mark.parametrize("data", ["memory://a", "ftp://h/a", "python://x", "reference://"])
    def test_other_schemes(self, data: str) -> None:
        assert "is not a kind of store" in refusal(data)

    def test_a_file_url_with_a_host(self) -> None:
        assert "file:///path" in refusal("file://host/a.zarr")

    @pytest.mark.parametrize(
        ("data", "package"), [("s3://b/a.zarr", "s3fs"), ("gs://b/a", "gcsfs"), ("az://b/a", "adlfs")]
    )
    def test_a_missing_backend_is_named_with_its_package(self, data: str, package: str) -> None:
        if importlib.util.find_spec(package) is not None:
            pytest.skip(f"{package} is installed here")
        with pytest.raises(ConfigurationError, match=f"pip install {package}"):
            open_group(data, {"backend": "fsspec"})

    def test_without_obstore_and_fsspecs_package_both_are_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        if importlib.util.find_spec("gcsfs") is not None:
            pytest.skip("gcsfs is installed here")
        monkeypatch.setattr("zarr_edr.dataset.remote.obstore_installed", lambda: False)
        assert "'obstore' or 'gcsfs'" in refusal("gs://b/a")


@pytest.mark.parametrize("data", ["https://user:hunter2@h/a.zarr?sig=hunter2#hunter2", "s3://key:hunter2@b/a.zarr"])
def test_credentials_in_a_url_are_not_displayed(data: str) -> None:
    assert "hunter2" not in display_name(data)
    assert display_name(data).endswith("a.zarr")
