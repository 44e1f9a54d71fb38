"""Which form of a resource a request gets: `f` wins over Accept (OGC 19-086r6, 8.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import request
from werkzeug.datastructures import MIMEAccept

from zarr_edr.errors import InvalidFormat, NotAcceptable
from zarr_edr.query.checks import quoted


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a resource."""

    name: str
    """As in `f=`."""
    media_types: tuple[str, ...]
    """The default one first; each may be in `f`, too."""


JSON = Form("json", ("application/json",))
HTML = Form("html", ("text/html",))


def chosen(forms: Sequence[Form], f: str | None = None) -> tuple[Form, str]:
    """The form that the current request asks for, and the media type to label it with; the first for any.

    `f` is given where it may be elsewhere than in the URL, e.g. in the body of a POST.
    Raises `InvalidFormat` for an unknown `f` and `NotAcceptable` where nothing fits Accept.
    """
    f = request.args.get("f") if f is None else f
    if f is not None:
        return _named(f, forms)
    accept = request.accept_mimetypes
    if not accept:
        return forms[0], forms[0].media_types[0]
    best = accept.best_match([media_type for form in forms for media_type in form.media_types])
    found = next((form for form in forms if best in form.media_types), None)
    if found is None or best is None:
        types = ", ".join(form.media_types[0] for form in forms)
        raise NotAcceptable(f"None of the media types in Accept is offered; use one of: {types}.")
    return found, best


def _named(f: str, forms: Sequence[Form]) -> tuple[Form, str]:
    wanted = f.strip().lower()
    for form in forms:
        if wanted == form.name:
            return form, form.media_types[0]
        if wanted in form.media_types:
            return form, wanted
    raise InvalidFormat(
        f"f={quoted(f)} is not a format of this resource; use one of: {', '.join(x.name for x in forms)}."
    )


def is_browser(accepted: MIMEAccept | None = None) -> bool:
    """Whether the current request, or one that accepts such types, comes from a browser.

    `text/html` first and anything after it is what Java's `URL.openStream` asks for, which libraries use to read JSON;
    XHTML is asked for by browsers only.
    """
    accepted = request.accept_mimetypes if accepted is None else accepted
    return "application/xhtml+xml" in accepted.values()
