"""Compression of answers, as Accept-Encoding allows, on levels that cost less time than they save on any network."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import request
from flask_compress import Compress

from zarr_edr.encode import ENCODERS

if TYPE_CHECKING:
    from flask import Flask, Response
    from werkzeug.datastructures import Accept

MIN_BYTES = 1024
"""Shorter answers fit into a packet as they are."""

_PAGES = ("text/html", "text/css", "text/plain", "text/javascript", "image/svg+xml")
_DOCUMENTS = ("application/json", "application/schema+json", "application/vnd.oai.openapi+json")


_ENCODINGS = ["zstd", "br", "gzip"]
"""The cheapest first."""


class _Compress(Compress):
    """Leaves alone what is asked for as a part, which is counted in bytes of the whole as it is (RFC 9110, 14.2)."""

    def after_request(self, response: Response | None) -> Response:
        """See `Compress.after_request`."""
        if response is not None and response.status_code == HTTPStatus.PARTIAL_CONTENT:
            return response
        best = request.environ["HTTP_ACCEPT_ENCODING"] = best_encoding(request.accept_encodings)
        packed: Response = super().after_request(response)
        if best == "gzip" and packed.content_encoding == "gzip" and not packed.is_streamed:
            packed.set_data(_without_time(packed.get_data()))
        return packed


def _without_time(packed: bytes) -> bytes:
    """A gzip member that does not say when it was made (RFC 1952, 2.3.1): equal answers are equal bytes, as their tag says."""
    return b"%b\0\0\0\0%b" % (packed[:4], packed[8:])


def best_encoding(accepted: Accept) -> str:
    """The encoding that a client likes best, among equals the cheapest; the library would take one refused by `q=0`."""
    best = max(_ENCODINGS, key=accepted.quality)
    wanted = accepted.quality(best)
    return best if wanted > 0 and wanted >= accepted.quality("identity") else "identity"


def register(app: Flask) -> None:
    """Compress the answers of `app` that are text, streamed ones piece by piece. Others are compressed in themselves."""
    texts = {t.partition(";")[0] for encoder in ENCODERS for t in encoder.media_types if _is_text(t)}
    app.config |= {
        "COMPRESS_MIMETYPES": [*_PAGES, *_DOCUMENTS, *sorted(texts)],
        "COMPRESS_MIN_SIZE": MIN_BYTES,
        "COMPRESS_ALGORITHM": _ENCODINGS,
        "COMPRESS_ALGORITHM_STREAMING": _ENCODINGS,
        "COMPRESS_LEVEL": 1,
        "COMPRESS_BR_LEVEL": 1,
        "COMPRESS_ZSTD_LEVEL": 1,
    }
    _Compress(app)


def _is_text(media_type: str) -> bool:
    kind = media_type.partition(";")[0]
    return kind.startswith("text/") or kind.endswith(("json", "ndjson"))
