"""The bytes of a public page into a tree, however broken they are."""

from __future__ import annotations

import codecs
import dataclasses
import re
from typing import Any
from urllib.parse import urljoin

from lxml import etree, html

from crawler.text.html import html_to_text
from models.base import storable
from models.errors import BadInput

MAX_PAGE_BYTES = 4 << 20
"""A larger page is refused: its tree would take some thirty times the memory."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DECLARED = re.compile(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9._-]{1,40})", re.IGNORECASE)
_HEAD_BYTES = 4096

# Of what Python can decode, only what browsers do (WHATWG Encoding): the rest is no text, or slow on purpose.
_ENCODINGS = frozenset(
    {
        *("utf-8", "ascii", "iso8859-1", "iso8859-2", "iso8859-15", "cp1250", "cp1251", "cp1252", "cp1254", "cp1256"),
        *("koi8-r", "big5", "euc_jp", "euc_kr", "gb18030", "gb2312", "gbk", "shift_jis"),
    }
)
_LATIN = frozenset({"ascii", "iso8859-1"})


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """A page as a tree. `url` is what its links are relative to, `canonical` the address it says it has."""

    root: Any
    url: str
    canonical: str


def read_document(body: bytes, *, url: str, content_type: str = "") -> Document:
    """Parse a page without network, DTD or limits lifted; comments and instructions are left out.

    Raises:
        BadInput: empty, too large, or nested more deeply than any page for people is.
    """
    if len(body) > MAX_PAGE_BYTES:
        raise BadInput(f"halaman terlalu besar: {len(body)} byte, paling banyak {MAX_PAGE_BYTES}")
    parser = html.HTMLParser(
        encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True, remove_pis=True, collect_ids=False
    )
    try:
        root = html.document_fromstring(storable(_decode(body, content_type)).encode(), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise BadInput("halaman kosong") from error
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        raise BadInput("halaman terlalu dalam bersarang")
    based = absolute(url, _attribute(root, "base", "href")) or url
    canonical = next((link.get("href") for link in root.iter("link") if _relation(link) == "canonical"), "")
    return Document(root, based, absolute(based, canonical))


def absolute(base: str, link: str | None) -> str:
    """`link` as an http(s) address, or an empty string."""
    if not link or not link.strip():
        return ""
    try:
        joined = urljoin(base, storable(link).strip())
    except ValueError:
        return ""
    return joined if joined.startswith(("http://", "https://")) else ""


def visible_text(element: Any) -> str:
    """What a person reads in this element."""
    return html_to_text(etree.tostring(element, encoding="unicode", method="html", with_tail=False))


def _decode(body: bytes, content_type: str) -> str:
    """The text by byte order mark, as UTF-8 if it is, else as header or page say, else as Windows-1252."""
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        head = body[:_HEAD_BYTES].decode("latin-1")
    for said in (content_type, head):
        declared = _DECLARED.search(said)
        if declared and (known := _known_encoding(declared[1])):
            return body.decode(known, "replace")
    return body.decode("cp1252", "replace")


def _known_encoding(label: str) -> str:
    try:
        name = codecs.lookup(label).name
    except LookupError:
        return ""
    if name in _LATIN:  # browsers read both as Windows-1252, so that is what their authors meant
        return "cp1252"
    return name if name in _ENCODINGS else ""


def _attribute(root: Any, tag: str, name: str) -> str | None:
    return next((element.get(name) for element in root.iter(tag) if element.get(name)), None)


def _relation(link: Any) -> str:
    return (link.get("rel") or "").strip().lower()
