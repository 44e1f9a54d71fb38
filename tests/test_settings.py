"""The provider block: every wrong key or value is named, with what would be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from zarr_edr.errors import STATUS, ConfigurationError, ErrorKind
from zarr_edr.limits import Limits
from zarr_edr.settings import (
    OPTIONS,
    CollectionSettings,
    DatetimeMatch,
    MissingChunks,
    Option,
    ParameterSettings,
)


def read(options: Any = None, **provider: Any) -> CollectionSettings:
    block = {"type": "edr", "name": "zarr_edr.ZarrEDRProvider", "data": "air.zarr", **provider}
    return CollectionSettings.from_provider(block if options is None else {**block, "options": options})


def refusal(options: Any = None, **provider: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(options, **provider)
    return caught.value.message


class TestGoodBlocks:
    def test_the_shortest_block_has_the_defaults(self) -> None:
        assert read() == CollectionSettings(data="air.zarr")

    def test_every_option_arrives(self) -> None:
        settings = read(
            {
                "datetime": "nearest",
                "missing_chunks": "error",
                "parameters": {"air": {"title": "T", "description": "D", "units": "K"}},
                "limits": {"points": 5, "seconds": 2.5},
                "cache": {"bytes": 7, "max_age": 0},
                "version": "2026-11-26T00Z",
                "dask": {"scheduler": "threads"},
            }
        )
        assert settings.datetime is DatetimeMatch.NEAREST
        assert settings.missing_chunks is MissingChunks.ERROR
        assert settings.parameters == {"air": ParameterSettings("T", "D", "K")}
        assert settings.limits == Limits(points=5, seconds=2.5)
        assert (settings.cache_bytes, settings.dask_scheduler) == (7, "threads")
        assert (settings.max_age_s, settings.version) == (0, "2026-11-26T00Z")

    def test_names_of_coordinates_arrive(self) -> None:
        settings = read(x_field="a", y_field="b", z_field="c", time_field="d", storage_crs="EPSG:4326")
        assert (settings.x_field, settings.y_field, settings.z_field, settings.time_field) == ("a", "b", "c", "d")

    def test_keys_that_pygeoapi_allows_everywhere_are_passed_over(self) -> None:
        assert read(editable=False, format={"name": "zarr"}, crs=["a"], storage_crs_coordinate_epoch=2020.0) == read()

    @pytest.mark.parametrize(
        ("text", "count"),
        [("256 MiB", 256 * 1024**2), ("1GB", 10**9), ("1.5 kib", 1536), ("12", 12), ("12 B", 12), (12, 12)],
    )
    def test_bytes_are_read_with_their_unit(self, text: str | int, count: int) -> None:
        assert read({"cache": {"bytes": text}}).cache_bytes == count
        assert read({"limits": {"decoded_bytes": text}}).limits.decoded_bytes == count

    @pytest.mark.parametrize("written", ["20261126", "2026-11-26", "'2026-11-26'", "2026-11-26T00Z", "v1.10"])
    def test_a_version_is_what_was_written_with_quotes_or_without(self, written: str) -> None:
        assert read({"version": yaml.safe_load(written)}).version == written.strip("'")

    @pytest.mark.parametrize(
        "scheduler", ["tcp://127.0.0.1:8786", "tcp://localhost:1", "tcp://[::1]:8786", "tls://a.b:8786"]
    )
    def test_safe_scheduler_addresses_are_taken(self, scheduler: str) -> None:
        assert read({"dask": {"scheduler": scheduler}}).dask_scheduler == scheduler

    def test_a_remote_scheduler_without_tls_can_be_allowed(self) -> None:
        dask = {"scheduler": "tcp://10.0.0.1:8786", "allow_remote": True}
        assert read({"dask": dask}).dask_scheduler == "tcp://10.0.0.1:8786"


class TestBadBlocks:
    def test_a_remote_scheduler_without_tls_is_refused_with_the_reason(self) -> None:
        message = refusal({"dask": {"scheduler": "tcp://10.0.0.1:8786"}})
        assert "run code" in message
        assert "options.dask.allow_remote" in message

    @pytest.mark.parametrize(
        ("options", "key", "nearest"),
        [
            ({"limits": {"point": 5}}, "options.limits.point", "options.limits.points"),
            ({"limit": {}}, "options.limit", "options.limits"),
            ({"parameters": {"air": {"unit": "K"}}}, "options.parameters.air.unit", "options.parameters.air.units"),
            ({"dask": {"schedule": "auto"}}, "options.dask.schedule", "options.dask.scheduler"),
            ({"cache": {"byte": 1}}, "options.cache.byte", "options.cache.bytes"),
        ],
    )
    def test_an_unknown_option_is_named_with_the_nearest_right_one(self, options: Any, key: str, nearest: str) -> None:
        message = refusal(options)
        assert f"`{key}` is not a setting" in message
        assert f"Did you mean `{nearest}`?" in message

    def test_an_unknown_provider_key_is_named_with_the_nearest_right_one(self) -> None:
        assert "Did you mean `time_field`?" in refusal(timefield="time")

    @pytest.mark.parametrize(
        ("options", "key", "given", "expected"),
        [
            ({"limits": {"points": True}}, "options.limits.points", "True", "whole number"),
            ({"limits": {"points": 0}}, "options.limits.points", "0", "above 0"),
            ({"limits": {"points": 1.5}}, "options.limits.points", "1.5", "whole number"),
            ({"limits": {"points": "5 MiB"}}, "options.limits.points", "5 MiB", "whole number"),
            ({"limits": {"seconds": float("inf")}}, "options.limits.seconds", "inf", "one day"),
            ({"limits": {"seconds": float("nan")}}, "options.limits.seconds", "nan", "number above 0"),
            ({"cache": {"bytes": "256 MXB"}}, "options.cache.bytes", "256 MXB", "MiB"),
            ({"cache": {"bytes": "0.1 B"}}, "options.cache.bytes", "None", "MiB"),
            ({"datetime": "nearst"}, "options.datetime", "nearst", "Did you mean `nearest`?"),
            ({"cache": {"max_age": -1}}, "options.cache.max_age", "-1", "one year"),
            ({"cache": {"max_age": 1.5}}, "options.cache.max_age", "1.5", "whole number of seconds"),
            ({"cache": {"max_age": True}}, "options.cache.max_age", "True", "whole number of seconds"),
            ({"version": 1.1}, "options.version", "1.1", "in quotes"),
            ({"version": True}, "options.version", "True", "in quotes"),
            ({"version": ""}, "options.version", "''", "text"),
            ({"missing_chunks": None}, "options.missing_chunks", "None", "`fill` or `error`"),
            ({"dask": {"scheduler": "tcp://127.0.0.1"}}, "options.dask.scheduler", "tcp://127.0.0.1", "host:port"),
            ({"dask": {"scheduler": "tcp://h:99999"}}, "options.dask.scheduler", "99999", "host:port"),
            ({"dask": {"scheduler": "thread"}}, "options.dask.scheduler", "thread", "Did you mean `threads`?"),
            ({"dask": {"allow_remote": 1}}, "options.dask.allow_remote", "1", "true or false"),
            ({"parameters": {"air": {"title": 5}}}, "options.parameters.air.title", "5", "text"),
            ({"parameters": ["air"]}, "options.parameters", "air", "mapping"),
            ([], "options", "[]", "mapping"),
        ],
    )
    def test_a_wrong_value_is_named_and_quoted(self, options: Any, key: str, given: str, expected: str) -> None:
        message = refusal(options)
        assert f"`{key}`" in message
        assert given in message
        assert expected in message

    def test_data_is_required(self) -> None:
        with pytest.raises(ConfigurationError, match="`data` is missing"):
            CollectionSettings.from_provider({"type": "edr", "name": "x"})

    @pytest.mark.parametrize("data", [5, "", None, ["a"]])
    def test_data_is_text(self, data: Any) -> None:
        assert "`data`" in refusal(data=data)

    def test_another_provider_type_is_refused(self) -> None:
        assert "`type` is 'feature'; expected `edr`" in refusal(type="feature")

    def test_a_long_value_is_cut(self) -> None:
        assert len(refusal({"datetime": "x" * 5000})) < 200


class TestLocations:
    def test_the_file_of_places_is_a_path(self) -> None:
        assert read({"locations": "data/places.geojson"}).locations == "data/places.geojson"

    @pytest.mark.parametrize("value", [5, "", ["a.csv"], True])
    def test_anything_else_is_refused(self, value: Any) -> None:
        assert "`options.locations`" in refusal({"locations": value})


class TestLayouts:
    def test_they_are_paths_or_urls(self) -> None:
        assert read({"layouts": ["a.zarr", "s3://b/c.zarr"]}).layouts == ("a.zarr", "s3://b/c.zarr")

    @pytest.mark.parametrize("value", ["a.zarr", 5, [5], [""], ["a.zarr", "a.zarr"], {"points": "a.zarr"}, None])
    def test_anything_else_is_refused(self, value: Any) -> None:
        assert "`options.layouts" in refusal({"layouts": value})


class TestSecrets:
    def test_storage_options_are_never_printed(self) -> None:
        settings = read({"storage": {"key": "AKIA", "secret": "hunter2"}})
        assert settings.storage_options == {"key": "AKIA", "secret": "hunter2"}
        assert "hunter2" not in f"{settings!r} {settings}"

    def test_a_wrong_storage_block_is_not_quoted(self) -> None:
        assert "hunter2" not in refusal({"storage": "hunter2"})


@pytest.mark.parametrize(
    "option", [o for o in OPTIONS if o.default not in ("from the store", "none")], ids=lambda option: option.key
)
def test_a_documented_default_is_what_an_absent_option_means(option: Option) -> None:
    written: Any = yaml.safe_load(option.default)
    for part in reversed(option.key.split(".")[1:]):
        written = {part: written}
    assert read(written) == read()


def test_the_documentation_lists_every_option_with_its_key() -> None:
    text = (Path(__file__).parents[1] / "docs/configuration.md").read_text()
    assert [option.key for option in OPTIONS if f"`{option.key}`" not in text] == []


def test_every_kind_of_error_has_a_status() -> None:
    assert STATUS.keys() == set(ErrorKind)
