"""Bodies of POST requests -> the places of a query, what the client calls them, and the other parameters.

| media type | holds | read by |
|---|---|---|
| application/json, application/geo+json | GeoJSON, lists of coordinates, or parameters | `body_json`, `body_geojson` |
| application/x-www-form-urlencoded | what could stand in the query string | here |
| text/csv | a table of points | `body_csv` |
| application/vnd.apache.parquet | a table of points | `body_parquet` |
| application/vnd.apache.arrow.stream, application/vnd.apache.arrow.file | a table of points | `body_arrow` |

Any of them may be compressed (`inflate`). Every reader checks how much there is before it makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from zarr_edr.errors import InvalidBody, UnsupportedMediaType
from zarr_edr.limits import Deadline, Limits
from zarr_edr.query.body_arrow import read_arrow
from zarr_edr.query.body_csv import read_csv
from zarr_edr.query.body_json import read_json
from zarr_edr.query.body_model import MAX_FIELDS, Body
from zarr_edr.query.body_parquet import read_parquet
from zarr_edr.query.checks import quoted
from zarr_edr.query.inflate import inflate

JSON_TYPES = ("application/json", "application/geo+json")
FORM_TYPE = "application/x-www-form-urlencoded"
CSV_TYPE = "text/csv"
PARQUET_TYPE = "application/vnd.apache.parquet"
ARROW_TYPES = ("application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.file")
_UTF8 = ("utf-8", "utf8", "us-ascii", "ascii")
# A form writes each point with up to five of these escapes. Undone here they cost little; `parse_qsl` takes a second
# for a million. None of the characters is part of another escape or of the syntax of forms.
_ESCAPES = {b"%28": b"(", b"%29": b")", b"%2C": b",", b"%2c": b",", b"%20": b"+"}
_MAX_ESCAPES = 10_000


def parse_body(
    body: bytes,
    content_type: str | None,
    limits: Limits,
    content_encoding: str | None = None,
    deadline: Deadline | None = None,
) -> Body:
    """Read a body of one of the media types above, compressed as `content_encoding` says.

    How long it may be is for who received it to check. Without a content type it is taken for JSON.
    Without a deadline it may take `limits.seconds`.

    Raises:
        UnsupportedMediaType, UnsupportedEncoding: It is of another type, or compressed otherwise.
        InvalidBody: It is not what its type says, or a coordinate is not a finite number.
        InvalidCoords: What a table calls a longitude or latitude cannot be one.
        QueryTooLarge: It is over `limits.inflated_bytes`, `nesting`, `points` or `coords_chars`.
        DeadlineExceeded: It takes too long.
    """
    deadline = deadline or Deadline.after(limits.seconds)
    media_type = _media_type(content_type)
    read = _READERS[media_type]
    body = inflate(body, content_encoding, limits)
    if not body.strip():
        raise InvalidBody("The body is empty; it must hold the places or parameters of a query.")
    if media_type in _TEXTS:
        _check_utf8(body)
    deadline.check()
    return read(body, limits, deadline)


def _media_type(content_type: str | None) -> str:
    media_type, *parameters = (content_type or JSON_TYPES[0]).lower().split(";")
    media_type = media_type.strip()
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in _UTF8:
            raise UnsupportedMediaType(f"The body is said to be in {quoted(value.strip())}; it must be in UTF-8.")
    if media_type not in _READERS:
        raise UnsupportedMediaType(f"The body is of type {quoted(media_type)}; accepted are {', '.join(_READERS)}.")
    return media_type


def _check_utf8(body: bytes) -> None:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidBody(f"The body is not UTF-8: byte {error.start + 1} does not belong to any character.") from error


def _read_form(body: bytes, limits: Limits, deadline: Deadline) -> Body:
    del limits, deadline
    for escape, char in _ESCAPES.items():
        body = body.replace(escape, char)
    if body.count(b"&") >= MAX_FIELDS or body.count(b"%") > _MAX_ESCAPES:
        raise InvalidBody(
            f"The form has too much in it; at most {MAX_FIELDS} fields and {_MAX_ESCAPES} escaped characters are read."
        )
    try:
        fields = parse_qsl(body.strip().decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except UnicodeDecodeError as error:
        raise InvalidBody("The form has escaped bytes that are not UTF-8.") from error
    options: dict[str, str] = {}
    for name, value in fields:
        if name in options:
            raise InvalidBody(f"The form has {quoted(name)} twice.")
        options[name] = value
    return Body(None, options)


_READERS: Mapping[str, Callable[[bytes, Limits, Deadline], Body]] = {
    **dict.fromkeys(JSON_TYPES, read_json),
    FORM_TYPE: _read_form,
    CSV_TYPE: read_csv,
    PARQUET_TYPE: read_parquet,
    **dict.fromkeys(ARROW_TYPES, read_arrow),
}
"""Media type -> what reads it."""
MEDIA_TYPES = tuple(_READERS)
"""All that are read; Parquet and Arrow need the extra `zarr-edr[tables]`."""
_TEXTS = frozenset({*JSON_TYPES, FORM_TYPE, CSV_TYPE})
