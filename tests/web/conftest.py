"""The real application on the demo configuration, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from zarr_edr.encode.covjson import CovJsonEncoder
from zarr_edr.testing.covjson import check, load, schema_problems, schema_validator

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "../shared/schemas/covjson"
SCHEMA = schema_validator(SCHEMAS) if SCHEMAS.is_dir() else None
SCHEMA_BYTES = 50_000
"""Larger documents take the validator seconds."""


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A client of the demo. pygeoapi reads its configuration when it is imported, so there is one for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        for name in ("PYGEOAPI_CONFIG", "PYGEOAPI_OPENAPI"):
            patch.setenv(name, "")
        from zarr_edr.web.config import prepare  # noqa: PLC0415 - after the environment is set

        prepare(ROOT / "config/demo.yml", tmp_path_factory.mktemp("web"), "127.0.0.1:5000")
        from zarr_edr.web.app import create_app  # noqa: PLC0415  # reads the environment

        app = create_app()
        app.test_client_class = CheckingClient
        yield app.test_client()


class CheckingClient(FlaskClient):
    """Whatever a test asks: every CoverageJSON answer must be right by its own rules."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs)
        covjson = response.mimetype in CovJsonEncoder.media_types[:2]
        plain = response.request.method != "HEAD" and "Content-Encoding" not in response.headers
        if covjson and plain and response.status_code == 200:
            check_document(response.get_data())
        return response


def check_document(body: bytes) -> None:
    found = load(body)
    assert check(found) == []
    assert SCHEMA is None or len(body) > SCHEMA_BYTES or schema_problems(found, SCHEMA) == []
    assert all(len(c["ranges"]) for c in found.get("coverages", [found]))
