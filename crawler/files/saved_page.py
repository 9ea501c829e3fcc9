"""One page as a browser saves it with its pictures and styles (MHTML, RFC 2557)."""

from __future__ import annotations

import email.message
import email.parser

from crawler.capturing.found_text import text_ratio
from crawler.files.snapshots import MAX_BODY_BYTES, Snapshot
from crawler.pages.document import read_document, visible_text
from models.base import storable
from models.errors import BadInput

MAX_BYTES = 64 << 20
MAX_PARTS = 5_000

_DAMAGED = (ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError)
"""What the standard library's parser raises at parts that are none; it has no error of its own for them."""


def read_saved_page(whole: bytes) -> Snapshot:
    """The page in the bytes of an MHTML file: its first part of HTML. The whole file is what must be kept.

    Raises:
        BadInput: not MHTML, without an address, or larger than any page.
    """
    if len(whole) > MAX_BYTES:
        raise BadInput(f"a saved page of more than {MAX_BYTES} bytes")
    try:
        message = email.parser.BytesParser().parsebytes(whole)
        page = _page(message)
        body = page.get_payload(decode=True)
    except _DAMAGED as error:
        raise BadInput(f"not a page saved as MHTML: {str(error)[:100]}") from error
    url = _header(message, "Snapshot-Content-Location") or _header(page, "Content-Location")
    if not url.startswith(("https://", "http://")):
        raise BadInput("the saved page does not say where it came from (Snapshot-Content-Location)")
    if not isinstance(body, bytes) or len(body) > MAX_BODY_BYTES:
        raise BadInput(f"a saved page with more than {MAX_BODY_BYTES} bytes of HTML")
    return Snapshot(
        number=1,
        url=url[:2_000],
        status=200,
        headers={"content-type": _header(page, "Content-Type") or "text/html"},
        body=body,
        media_type="text/html",
        facts={"saved": _header(message, "Date")[:100], "title": _header(message, "Subject")[:300]},
        whole=whole,
    )


def share_on_page(text: str, page: Snapshot) -> float:
    """The share (0-1) of `text` that stands on the saved page, as `crawler.capturing.found_text` counts it.

    Raises:
        BadInput: the page cannot be read.
    """
    document = read_document(page.body, url=page.url, content_type=page.headers.get("content-type", ""))
    return round(text_ratio(text, visible_text(document.root)), 4)


def _page(message: email.message.Message) -> email.message.Message:
    if message.get_content_type() != "multipart/related":
        raise BadInput("not a page saved as MHTML: no multipart/related")
    for count, part in enumerate(message.walk()):
        if count > MAX_PARTS:
            raise BadInput(f"a saved page of more than {MAX_PARTS} parts")
        if part.get_content_type() == "text/html":
            return part
    raise BadInput("a saved page without HTML")


def _header(message: email.message.Message, name: str) -> str:
    """A header's text on one line; bytes that are no text in it are replaced."""
    return " ".join(storable(str(message.get(name, ""))).split())
