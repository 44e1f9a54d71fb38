"""The real application on the demo configuration, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A client of the demo. pygeoapi reads its configuration when it is imported, so there is one for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        for name in ("PYGEOAPI_CONFIG", "PYGEOAPI_OPENAPI"):
            patch.setenv(name, "")
        from zarr_edr.web.config import prepare  # noqa: PLC0415 - after the environment is set

        prepare(ROOT / "config/demo.yml", tmp_path_factory.mktemp("web"), "127.0.0.1:5000")
        from zarr_edr.web.app import create_app  # noqa: PLC0415

        yield create_app().test_client()
