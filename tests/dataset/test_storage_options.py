"""`options.storage` of stores read with obstore: names of fsspec's file systems, checked."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from zarr_edr.dataset.storage_options import KINDS, store_config
from zarr_edr.errors import ConfigurationError

DOCS = Path(__file__).parents[2] / "docs/object-stores.md"


def refusal(url: str, **options: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        store_config(url, options)
    return caught.value.message


class TestS3:
    def test_names_of_s3fs_are_understood(self) -> None:
        config = store_config(
            "s3://b/a", {"key": "k", "secret": "s", "token": "t", "client_kwargs": {"region_name": "r"}}
        )
        assert config.config == {"access_key_id": "k", "secret_access_key": "s", "session_token": "t", "region": "r"}

    @pytest.mark.parametrize(
        "options", [{"endpoint_url": "http://h"}, {"client_kwargs": {"endpoint_url": "http://h/"}}]
    )
    def test_an_http_endpoint_allows_http(self, options: dict[str, Any]) -> None:
        config = store_config("s3://b/a", options)
        assert (config.config["endpoint"], config.client["allow_http"]) == ("http://h", True)

    def test_anonymous_requests_are_not_signed(self) -> None:
        assert store_config("s3://b/a", {"anon": True}).config == {"skip_signature": True}

    def test_virtual_addressing_puts_the_bucket_into_the_host(self) -> None:
        config = store_config("s3://b/a", {"endpoint_url": "https://h:9", "addressing_style": "virtual"})
        assert config.config["endpoint"] == "https://b.h:9"


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("anon", {"skip_signature": True}),
        ("/k.json", {"service_account": "/k.json"}),
        ({"a": "b"}, {"service_account_key": '{"a": "b"}'}),
        ("cloud", {}),
    ],
    ids=["anonymous", "file", "mapping", "surroundings"],
)
def test_tokens_of_gcsfs_are_understood(token: object, expected: dict[str, object]) -> None:
    assert store_config("gs://b/a", {"token": token}).config == expected


def test_names_of_adlfs_are_understood() -> None:
    assert store_config("az://c/a", {"account_name": "n", "sas_token": "s"}).config == {
        "account_name": "n",
        "sas_key": "s",
    }


def test_headers_go_with_every_request() -> None:
    headers = {"Authorization": "Bearer x"}
    for options in ({"headers": headers}, {"client_kwargs": {"headers": headers}}):
        assert store_config("https://h/a", options).client["default_headers"] == headers


class TestRefuses:
    def test_an_unknown_key_by_name_with_what_is_near(self) -> None:
        message = refusal("s3://b/a", secrt="hunter2")
        assert "`options.storage.secrt`" in message
        assert "Did you mean `options.storage.secret`?" in message

    def test_an_unknown_key_within_a_mapping(self) -> None:
        assert "`options.storage.client_kwargs.verify`" in refusal("s3://b/a", client_kwargs={"verify": False})

    @pytest.mark.parametrize(
        "option",
        [
            {"key": 5},
            {"anon": "yes"},
            {"endpoint_url": "h"},
            {"timeout": 0},
            {"max_retries": -1},
            {"headers": {"a": 1}},
            {"root_certificate": "/no/such/file"},
            {"addressing_style": "auto"},
        ],
        ids=lambda option: next(iter(option)),
    )
    def test_a_value_that_cannot_be_by_the_name_of_its_key(self, option: dict[str, Any]) -> None:
        assert f"`options.storage.{next(iter(option))}` is not" in refusal("s3://b/a", **option)

    @pytest.mark.parametrize("option", [{"secret": 12345678}, {"hunter": "12345678"}, {"token": ["12345678"]}])
    def test_never_with_the_value(self, option: dict[str, Any]) -> None:
        assert "12345678" not in refusal("s3://b/a", **option)


def test_a_configuration_does_not_print_secrets() -> None:
    config = store_config("https://user:hunter2@h/a", {"headers": {"a": "hunter2"}})
    assert "hunter2" not in repr(config)


def test_a_configuration_travels_to_other_processes() -> None:
    config = store_config("s3://b/a", {"secret": "s", "connect_timeout": 2})
    assert pickle.loads(pickle.dumps(config)) == config


@pytest.mark.parametrize("scheme", KINDS)
def test_every_key_is_documented(scheme: str) -> None:
    text = DOCS.read_text()
    assert [key for key in KINDS[scheme][1] if f"`{key}`" not in text] == []
