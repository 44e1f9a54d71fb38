"""Stores are opened once, found by id, and say how far they reach."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest
import xarray as xr

from zarr_edr.dataset import catalog as catalog_module
from zarr_edr.dataset.catalog import PROVIDER, Catalog, extents, forget_shared, shared_collection
from zarr_edr.dataset.source import open_group
from zarr_edr.errors import ConfigurationError, NotFound, StoreUnavailable


@pytest.fixture(autouse=True)
def _fresh() -> None:
    forget_shared()


def store(path: Path, lon: Any = (0.0, 10.0), time: Any = (1, 0), **attributes: Any) -> str:
    coordinates = {
        "time": ("time", np.array(time), {"units": "days since 2000-01-01"}),
        "lat": ("lat", np.array([1.0, 2.0]), {"units": "degrees_north"}),
        "lon": ("lon", np.array(lon), {"units": "degrees_east"}),
    }
    values = np.zeros((len(time), 2, len(lon)))
    xr.Dataset({"v": (("time", "lat", "lon"), values)}, coordinates, attributes).to_zarr(path, consolidated=False)
    return str(path)


def block(data: str, **more: Any) -> dict[str, Any]:
    return {"type": "edr", "name": PROVIDER, "data": data, **more}


def resource(data: str, **more: Any) -> dict[str, Any]:
    return {"type": "collection", "providers": [block(data)], **more}


class TestSharedCollection:
    def test_a_block_is_opened_once(self, tmp_path: Path) -> None:
        data = store(tmp_path / "a.zarr")
        assert shared_collection(block(data)) is shared_collection(block(data))

    def test_other_options_are_another_collection(self, tmp_path: Path) -> None:
        data = store(tmp_path / "a.zarr")
        nearest = shared_collection(block(data, options={"datetime": "nearest"}))
        assert nearest is not shared_collection(block(data))
        assert nearest.settings.datetime == "nearest"

    def test_threads_that_come_together_get_the_same(self, tmp_path: Path) -> None:
        data, together = store(tmp_path / "a.zarr"), Barrier(8)

        def work(_: int) -> int:
            together.wait(timeout=60)
            return id(shared_collection(block(data)))

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(work, range(8)))) == 1

    def test_a_failure_is_not_kept(self, tmp_path: Path) -> None:
        data = str(tmp_path / "a.zarr")
        with pytest.raises(ConfigurationError, match="does not exist"):
            shared_collection(block(data))
        store(tmp_path / "a.zarr")
        assert shared_collection(block(data)).id == "a"

    def test_threads_that_come_together_all_hear_of_a_failure(self, tmp_path: Path) -> None:
        together = Barrier(4)

        def work(_: int) -> bool:
            together.wait(timeout=60)
            with pytest.raises(ConfigurationError):
                shared_collection(block(str(tmp_path / "none")))
            return True

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(work, range(4)))


class TestCatalog:
    def test_collections_are_found_by_id(self, tmp_path: Path) -> None:
        catalog = Catalog.open(
            {"c": resource(store(tmp_path / "a.zarr"), title="T", description={"en": "D", "de": "E"})}
        )
        assert (catalog.get("c").id, catalog.get("c").title, catalog.get("c").description) == ("c", "T", "D")

    def test_without_a_title_the_store_gives_it(self, tmp_path: Path) -> None:
        data = store(tmp_path / "a.zarr", title="of the store")
        assert Catalog.open({"c": resource(data)}).get("c").title == "of the store"

    def test_two_ids_of_a_store_share_what_was_read(self, tmp_path: Path) -> None:
        data = store(tmp_path / "a.zarr")
        catalog = Catalog.open({"c": resource(data), "d": resource(data)})
        assert catalog.get("c").parameters is catalog.get("d").parameters

    def test_stores_are_opened_at_the_same_time(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        resources = {name: resource(store(tmp_path / f"{name}.zarr")) for name in "abcd"}
        together = Barrier(len(resources))

        def slowly(*arguments: Any) -> Any:
            together.wait(timeout=60)  # breaks where one waits for another
            return open_group(*arguments)

        monkeypatch.setattr(catalog_module, "open_group", slowly)
        assert list(Catalog.open(resources).collections) == list(resources)

        assert not [thread for thread in threading.enumerate() if thread.name.startswith("zarr-edr-open")]

    def test_all_wrong_blocks_that_are_known_are_told_faults_of_the_configuration_first(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        together = Barrier(2)

        def failing(data: str, options: Any) -> Any:
            del options
            together.wait(timeout=60)
            raise (StoreUnavailable if data == "away" else ConfigurationError)(f"{data} it is.")

        monkeypatch.setattr(catalog_module, "wait", lambda futures, return_when: wait(futures))
        monkeypatch.setattr(catalog_module, "open_group", failing)
        with pytest.raises(ConfigurationError, match=r"^Collection 'b': wrong it is\. Collection 'a': away it is\.$"):
            Catalog.open({"a": resource("away"), "b": resource("wrong")})

    @pytest.mark.parametrize("first", ["wrong", "hangs"])
    def test_a_wrong_block_is_told_though_another_store_hangs(
        self, monkeypatch: pytest.MonkeyPatch, first: str
    ) -> None:
        told, waited = threading.Event(), []

        def failing(data: str, options: Any) -> Any:
            del options
            if data == "hangs":
                waited.append(told.wait(timeout=20))
            raise ConfigurationError(f"{data} it is.")

        monkeypatch.setattr(catalog_module, "open_group", failing)
        resources = {data: resource(data) for data in (first, *{"wrong", "hangs"} - {first})}
        with pytest.raises(ConfigurationError, match="Collection 'wrong'"):
            Catalog.open(resources)
        assert waited == []
        told.set()

    def test_other_resources_are_passed_over(self) -> None:
        others = {
            "p": {"type": "process", "processor": {"name": "HelloWorld"}},
            "f": {"type": "collection", "providers": [{"type": "feature", "name": "GeoJSON", "data": "x"}]},
            "n": {"type": "collection"},
            "o": None,
        }
        assert Catalog.open(others).collections == {}

    @pytest.mark.parametrize("id_", ["", "C", "../c", "c" * 5000])
    def test_an_unknown_id_is_not_found(self, id_: str) -> None:
        with pytest.raises(NotFound) as caught:
            Catalog({}).get(id_)
        assert len(caught.value.message) < 120

    def test_a_wrong_block_is_named_by_its_collection(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match=r"Collection 'c': .* does not exist"):
            Catalog.open({"c": resource(str(tmp_path / "none"))})


class TestExtents:
    def test_they_are_those_of_the_data(self, tmp_path: Path) -> None:
        found = extents(shared_collection(block(store(tmp_path / "a.zarr"))))
        assert found == {
            "spatial": {"bbox": [-5.0, 0.5, 15.0, 2.5], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"},
            "temporal": {"begin": "2000-01-01T00:00:00Z", "end": "2000-01-02T00:00:00Z"},
        }

    def test_a_box_may_cross_the_antimeridian(self, tmp_path: Path) -> None:
        west, _, east, _ = extents(shared_collection(block(store(tmp_path / "a.zarr", lon=(175.0, 185.0)))))["spatial"][
            "bbox"
        ]
        assert (west, east) == (170.0, -170.0)


class TestPlaces:
    def test_the_file_of_the_settings_is_read(self, tmp_path: Path) -> None:
        places = tmp_path / "places.csv"
        places.write_text("name,lon,lat\nA,1,2\n")
        collection = shared_collection(block(store(tmp_path / "a.zarr"), options={"locations": str(places)}))
        assert list(collection.places) == ["A"]

    def test_a_fault_names_the_collection_and_the_file(self, tmp_path: Path) -> None:
        provider = block(store(tmp_path / "a.zarr"), options={"locations": str(tmp_path / "none.csv")})
        with pytest.raises(ConfigurationError, match=r"'sst'.*none\.csv"):
            Catalog.open({"sst": {"type": "collection", "providers": [provider]}})
