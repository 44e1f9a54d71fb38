"""The explorer: a page on which data are looked at, with its program, style sheet and map, all of them from this service.

The program asks the API as any client does. It stands in static/explorer/ as plain modules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Response, request

from zarr_edr.errors import ConfigurationError
from zarr_edr.web import assets, html
from zarr_edr.web.service import text_of

if TYPE_CHECKING:
    from flask import Blueprint, Flask
    from werkzeug.wrappers import Response as BaseResponse

_STYLES = ("vendor/leaflet.css", "vendor/uplot.css", "explorer/explorer.css")
_SCRIPTS = ("vendor/leaflet.js", "vendor/uplot.js", "vendor/topojson.js")


@dataclass(frozen=True, slots=True)
class Tiles:
    """A map of the operator's choice, beneath the data."""

    url: str
    """Of a tile, with {z}, {x} and {y}."""
    attribution: str
    """HTML of the operator."""

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Tiles | None:
        """From `server.map`, where that has `explorer: true`: no browser is sent elsewhere unasked.

        Raises `ConfigurationError`.
        """
        chosen = (config.get("server") or {}).get("map") or {}
        wanted = chosen.get("explorer", False) if isinstance(chosen, Mapping) else chosen
        if not isinstance(wanted, bool):
            raise ConfigurationError(f"`server.map.explorer` is {str(wanted)[:60]!r}; expected true or false.")
        if not wanted:
            return None
        url = str(chosen.get("url") or "")
        if not (urlsplit(url).scheme in ("http", "https") and all(part in url for part in ("{z}", "{x}", "{y}"))):
            raise ConfigurationError(
                f"`server.map.url` is {url[:80]!r}; expected https://... with {{z}}, {{x}} and {{y}}."
            )
        return cls(url, text_of(chosen.get("attribution")) or "")

    @property
    def source(self) -> str:
        """Where they come from, as a source of a Content-Security-Policy."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.replace('{s}', '*')}"


def security_headers(tiles: Tiles | None) -> dict[str, str]:
    """Headers of the page: scripts, styles, pictures and answers from this service; of pictures also the operator's map."""
    pictures = "'self'" if tiles is None else f"'self' {tiles.source}"
    rest = "object-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    policy = f"default-src 'self'; img-src {pictures}; {rest}"
    headers = {**html.SECURITY_HEADERS, "Content-Security-Policy": policy}
    # Hosts of maps refuse a browser that does not say from where it comes.
    return headers if tiles is None else {**headers, "Referrer-Policy": "strict-origin-when-cross-origin"}


def register(app: Flask, blueprint: Blueprint, config: Mapping[str, Any]) -> None:
    """Serve the page at `/explorer`. `config` is pygeoapi's, complete. Raises `ConfigurationError`."""
    from pygeoapi.util import get_base_url  # noqa: PLC0415  # reads the environment

    prefix = blueprint.url_prefix or ""
    base_url = get_base_url(config)
    tiles = Tiles.of(config)
    page = _page(base_url, tiles).encode()
    headers = {**security_headers(tiles), "Content-Type": "text/html; charset=utf-8"}

    def explorer() -> BaseResponse:
        response = Response(page, headers=headers)
        response.add_etag()
        return response.make_conditional(request)

    app.add_url_rule(f"{prefix}/explorer", "zarr_edr.explorer", explorer)


def _page(base_url: str, tiles: Tiles | None) -> str:
    base = base_url.rstrip("/")
    document = {
        "styles": _STYLES,
        "scripts": _SCRIPTS,
        "modules": assets.modules_of("explorer/main.js"),
        "tiles": tiles and tiles.url,
        "attribution": tiles and tiles.attribution,
    }
    return html.render("explorer", document, base_url=base, path="/explorer")
