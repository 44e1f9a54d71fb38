"""pygeoapi's own Flask application, with the routes of this service in the places where pygeoapi's would fall short."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

from zarr_edr.dataset.catalog import Catalog
from zarr_edr.web import compress, errors, explorer, features_routes, pages, processes, routes, straight

if TYPE_CHECKING:
    from flask import Flask

LOGGER = logging.getLogger(__name__)


def create_app() -> Flask:
    """The application for the configuration that `PYGEOAPI_CONFIG` and `PYGEOAPI_OPENAPI` name, with every store open.

    pygeoapi reads both when its module is imported: one process serves one configuration. Raises `ConfigurationError`.
    """
    # Not at the top: importing it is what reads the configuration.
    from pygeoapi.flask_app import APP, BLUEPRINT, CONFIG  # noqa: PLC0415  # reads the environment

    catalog = Catalog.open(CONFIG["resources"])
    _log_to_stderr()
    compress.register(APP)
    errors.register(APP)
    routes.register(APP, BLUEPRINT, CONFIG, catalog)
    features_routes.register(APP, BLUEPRINT, CONFIG, catalog)
    processes.register(APP, BLUEPRINT, CONFIG)
    pages.register(APP, BLUEPRINT, CONFIG, catalog)
    explorer.register(APP, BLUEPRINT, CONFIG)
    straight.register(APP, BLUEPRINT.url_prefix or "", catalog)  # the last: it looks at what the others have registered
    LOGGER.info("%d collections open in process %d", len(catalog.collections), os.getpid())
    app: Flask = APP
    return app


def _log_to_stderr() -> None:
    """Send pygeoapi's log to stderr.

    On stdout it would block every request that logs once a reader of the server's greeting has stopped reading.
    """
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
            handler.setStream(sys.stderr)
