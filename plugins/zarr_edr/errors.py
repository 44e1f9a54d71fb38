"""Everything that can go wrong, as one tree.

    EdrError
    ├── InvalidQuery                the request is wrong                     400
    │   ├── InvalidCoords, InvalidBbox, InvalidDatetime, InvalidZ
    │   ├── InvalidParameterName, InvalidFormat, InvalidCrs
    │   ├── InvalidBody
    │   │   ├── UnsupportedMediaType    of a type that is not read       415
    │   │   └── UnsupportedEncoding     packed as is not undone          415
    │   └── QueryTooLarge           the text itself is over a limit          413
    ├── NotFound                    no such collection, instance, query      404
    ├── NotAcceptable               no offered media type is accepted        406
    ├── ResponseTooLarge            the answer would be over a limit         413
    ├── StoreError                  the store let us down
    │   ├── StoreUnavailable        it did not answer; try again             503
    │   ├── ChunkMissing            a chunk that must exist does not         500
    │   └── ChunkCorrupt            a chunk came, but does not decode        500
    ├── DeadlineExceeded            took longer than `limits.seconds`        504
    ├── Overloaded                  no capacity now; try again               503
    └── ConfigurationError          stops the start, never a request
        └── UnsupportedDataset      a store this service cannot serve

`ErrorKind` is the stable, machine-readable name of each; `STATUS` is the only place where a kind meets HTTP.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class ErrorKind(StrEnum):
    """Stable names of failures. Append only: clients may depend on them."""

    INVALID_QUERY = "InvalidQuery"
    INVALID_COORDS = "InvalidCoords"
    INVALID_BBOX = "InvalidBbox"
    INVALID_DATETIME = "InvalidDatetime"
    INVALID_Z = "InvalidZ"
    INVALID_PARAMETER_NAME = "InvalidParameterName"
    INVALID_FORMAT = "InvalidFormat"
    INVALID_CRS = "InvalidCrs"
    INVALID_BODY = "InvalidBody"
    QUERY_TOO_LARGE = "QueryTooLarge"
    NOT_FOUND = "NotFound"
    NOT_ACCEPTABLE = "NotAcceptable"
    RESPONSE_TOO_LARGE = "ResponseTooLarge"
    STORE_UNAVAILABLE = "StoreUnavailable"
    CHUNK_MISSING = "ChunkMissing"
    CHUNK_CORRUPT = "ChunkCorrupt"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    OVERLOADED = "Overloaded"
    CONFIGURATION = "Configuration"
    UNSUPPORTED_DATASET = "UnsupportedDataset"
    UNSUPPORTED_MEDIA_TYPE = "UnsupportedMediaType"
    UNSUPPORTED_ENCODING = "UnsupportedEncoding"


STATUS: dict[ErrorKind, int] = {
    ErrorKind.INVALID_QUERY: 400,
    ErrorKind.INVALID_COORDS: 400,
    ErrorKind.INVALID_BBOX: 400,
    ErrorKind.INVALID_DATETIME: 400,
    ErrorKind.INVALID_Z: 400,
    ErrorKind.INVALID_PARAMETER_NAME: 400,
    ErrorKind.INVALID_FORMAT: 400,
    ErrorKind.INVALID_CRS: 400,
    ErrorKind.INVALID_BODY: 400,
    ErrorKind.QUERY_TOO_LARGE: 413,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.NOT_ACCEPTABLE: 406,
    ErrorKind.RESPONSE_TOO_LARGE: 413,
    ErrorKind.STORE_UNAVAILABLE: 503,
    ErrorKind.CHUNK_MISSING: 500,
    ErrorKind.CHUNK_CORRUPT: 500,
    ErrorKind.DEADLINE_EXCEEDED: 504,
    ErrorKind.OVERLOADED: 503,
    ErrorKind.CONFIGURATION: 500,
    ErrorKind.UNSUPPORTED_DATASET: 500,
    ErrorKind.UNSUPPORTED_MEDIA_TYPE: 415,
    ErrorKind.UNSUPPORTED_ENCODING: 415,
}


class EdrError(Exception):
    """Base of all errors of this package; `message` is a sentence meant for the client."""

    kind: ClassVar[ErrorKind] = ErrorKind.INVALID_QUERY

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def status(self) -> int:
        """HTTP status code of this error."""
        return STATUS[self.kind]


class InvalidQuery(EdrError):
    """The request does not say something that can be answered."""


class InvalidCoords(InvalidQuery):
    """`coords` is not a WKT geometry of a kind this query takes."""

    kind = ErrorKind.INVALID_COORDS


class InvalidBbox(InvalidQuery):
    """`bbox` is not four or six numbers."""

    kind = ErrorKind.INVALID_BBOX


class InvalidDatetime(InvalidQuery):
    """`datetime` is not an instant, interval, list or repeating interval."""

    kind = ErrorKind.INVALID_DATETIME


class InvalidZ(InvalidQuery):
    """`z` is not a level, interval, list or repeating interval."""

    kind = ErrorKind.INVALID_Z


class InvalidParameterName(InvalidQuery):
    """`parameter-name` names something the collection does not have."""

    kind = ErrorKind.INVALID_PARAMETER_NAME


class InvalidFormat(InvalidQuery):
    """`f` names a format that is not offered."""

    kind = ErrorKind.INVALID_FORMAT


class InvalidCrs(InvalidQuery):
    """`crs` names a coordinate reference system that is not offered."""

    kind = ErrorKind.INVALID_CRS


class InvalidBody(InvalidQuery):
    """The body of a POST is not one of the documented shapes."""

    kind = ErrorKind.INVALID_BODY


class UnsupportedMediaType(InvalidBody):
    """The body of a POST is of a media type that is not read, or not read here."""

    kind = ErrorKind.UNSUPPORTED_MEDIA_TYPE

    def __init__(self, message: str, accepted: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.accepted = accepted
        """Media types that are read here; empty: those of queries."""


class UnsupportedEncoding(InvalidBody):
    """The body of a POST is compressed in a way that is not undone."""

    kind = ErrorKind.UNSUPPORTED_ENCODING


class QueryTooLarge(InvalidQuery):
    """The request is longer, or holds more points, than a limit allows."""

    kind = ErrorKind.QUERY_TOO_LARGE


class NotFound(EdrError):
    """No collection, instance, location or query of that name."""

    kind = ErrorKind.NOT_FOUND


class NotAcceptable(EdrError):
    """None of the media types the client accepts is offered."""

    kind = ErrorKind.NOT_ACCEPTABLE


class ResponseTooLarge(EdrError):
    """Answering would read or return more than a limit allows."""

    kind = ErrorKind.RESPONSE_TOO_LARGE


class StoreError(EdrError):
    """The store did not deliver; not the client's fault."""

    kind = ErrorKind.STORE_UNAVAILABLE


class StoreUnavailable(StoreError):
    """A read failed or timed out; trying again may help."""


class ChunkMissing(StoreError):
    """A chunk is absent in a collection whose settings say every chunk is there."""

    kind = ErrorKind.CHUNK_MISSING


class ChunkCorrupt(StoreError):
    """A chunk was read but cannot be decoded."""

    kind = ErrorKind.CHUNK_CORRUPT


class DeadlineExceeded(EdrError):
    """The request took longer than `limits.seconds`."""

    kind = ErrorKind.DEADLINE_EXCEEDED


class Overloaded(EdrError):
    """Too many requests are being worked on; trying again may help."""

    kind = ErrorKind.OVERLOADED


class ConfigurationError(EdrError):
    """A setting is wrong. Names the key and what was expected."""

    kind = ErrorKind.CONFIGURATION


class UnsupportedDataset(ConfigurationError):
    """The store holds data of a shape this service cannot serve. Names the store and the reason."""

    kind = ErrorKind.UNSUPPORTED_DATASET
