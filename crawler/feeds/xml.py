"""The bytes of an XML feed into its root element, however broken the bytes are.

lxml parses with recovery, without network, external entities or a DTD of the document's own.
"""

from __future__ import annotations

import html.entities
import re

from lxml import etree

from models.errors import BadInput

MAX_PROLOG_CHARACTERS = 16_000

MAX_TAGS = 600_000
"""Tags and attributes of one feed. Each is an object in memory: ten megabytes of `<a/>` would take five hundred."""

MAX_REFERENCES = 1_000_000
"""Character references (`&lt;`) of one feed, which cost time."""

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_DECLARED_ENCODING = re.compile(rb"^\s*<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_HEADER_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._-]{1,40})", re.IGNORECASE)
_CDATA_START, _CDATA_END = "<![CDATA[", "]]>"
_OWN_DTD = re.compile(r"<!DOCTYPE[^>\[]*\[|<!ENTITY", re.IGNORECASE)
_BARE_AMPERSAND = re.compile(r"&(?!#?[A-Za-z0-9]{1,32};)")
_NAMED_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31});")
_HALF_PAIR = re.compile(  # U+D800 to U+DFFF: libxml2 lets these references pass when it recovers, lxml cannot read them
    r"&#(?:[xX]0*[dD][89a-fA-F][0-9a-fA-F]{2}|0*(?:55(?:29[6-9]|[3-9]\d\d)|56\d{3}|57(?:[0-2]\d\d|3[0-3]\d|34[0-3])));?"
)
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)


def decode(body: bytes, content_type: str) -> str:
    """The text by byte order mark, then by whichever of UTF-8, declaration and header fits, then as Windows-1252.

    Bytes that are UTF-8 but for a few are taken as UTF-8, whatever they are declared as.
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    text = body.decode("utf-8", "replace")
    broken = text.count("\N{REPLACEMENT CHARACTER}")
    if 2 * broken < 1 + len(text) - len(text.encode("ascii", "ignore")):
        return text
    declared = _DECLARED_ENCODING.match(body[:200])
    header = _HEADER_CHARSET.search(content_type)
    for encoding in filter(None, [declared[1].decode("ascii") if declared else "", header[1] if header else ""]):
        try:
            return body.decode(encoding)
        except (UnicodeError, LookupError, ValueError):
            continue
    return body.decode("cp1252", "replace")


def read_root(text: str, url: str, roots: frozenset[str]) -> etree._Element:
    """The root element, whose local name is one of `roots`; `url` is where the document comes from.

    Raises:
        BadInput: empty, another document, of too much markup, or with entity declarations of its own.
    """
    text = _DECLARATION.sub("", text.lstrip("\ufeff \t\r\n"), count=1)
    start = text.find("<")
    if start < 0 or not text[start:].strip():
        raise BadInput("the feed is empty")
    prolog = text[: _root_offset(text)]
    if len(prolog) > MAX_PROLOG_CHARACTERS:
        raise BadInput("not a feed: too much before the first element")
    if _OWN_DTD.search(prolog):
        raise BadInput("the feed declares entities of its own")
    # In CDATA sections as well: what begins one is a matter of opinion between parsers.
    if text.count("<") + text.count("=") > MAX_TAGS or text.count("&") > MAX_REFERENCES:
        raise BadInput("too much markup for a feed")
    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, encoding="utf-8"
    )
    clean = _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", _mend(_HALF_PAIR.sub("&#xFFFD;", text[start:])))
    try:
        root = etree.fromstring(clean.encode(), parser, base_url=url)
    except (etree.LxmlError, ValueError) as error:
        raise BadInput(f"not XML: {str(error)[:100]}") from error
    if root is None or name_of(root) not in roots:
        raise BadInput("not a feed: neither RSS nor Atom")
    return root


def _root_offset(text: str) -> int:
    """Where the first element begins; entity declarations mean something only before it."""
    first = re.search(r"<[A-Za-z_]", text)
    return first.start() if first else len(text)


def _mend(text: str) -> str:
    """Ampersands that mean themselves and characters XML has no names for, written as XML wants them."""
    mended: list[str] = []
    place = 0
    while place < len(text):
        start = text.find(_CDATA_START, place)
        end = text.find(_CDATA_END, start) if start >= 0 else -1
        markup = text[place:start] if end >= 0 else text[place:]
        mended.append(_NAMED_ENTITY.sub(_as_character, _BARE_AMPERSAND.sub("&amp;", markup)))
        if end < 0:
            break
        place = end + len(_CDATA_END)
        mended.append(text[start:place])
    return "".join(mended)


def _as_character(entity: re.Match[str]) -> str:
    """HTML's named characters, which XML does not know and feeds use all the same; other names stay as written."""
    if entity[1] in _XML_ENTITIES:
        return entity[0]
    character = html.entities.html5.get(f"{entity[1]};")
    if character is None:
        return f"&amp;{entity[1]};"
    return "".join(f"&#{ord(part)};" for part in character)


def name_of(element: etree._Element) -> str:
    """The local name in lower case; comments, instructions and entities have none.

    The names of two vocabularies keep their prefix, because they mean something else than the feed's own:
    `media:content` (Media RSS) and `itunes:title`.
    """
    if not isinstance(element.tag, str):
        return ""
    space, _, local = element.tag.lower().rpartition("}")
    prefix, _, bare = local.rpartition(":")  # an undeclared prefix stays in the name
    if "search.yahoo.com/mrss" in space or prefix == "media":
        return f"media:{bare}"
    return f"itunes:{bare}" if "itunes.com/dtds" in space or prefix == "itunes" else bare
