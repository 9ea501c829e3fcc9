"""RSS 0.9x, 1.0, 2.0 and Atom bytes into items, however broken the bytes are.

lxml parses with recovery, without network, external entities or a DTD of the document's own.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import html.entities
import re
from collections.abc import Iterator
from urllib.parse import urljoin

from lxml import etree

from crawler.moments import parse_moment
from crawler.text import html_to_text
from models.errors import BadInput
from models.posts import storable

MAX_ITEMS = 5_000
"""Items read from one feed; the rest are counted as not understood."""

MAX_PROLOG_CHARACTERS = 16_000

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_DECLARED_ENCODING = re.compile(rb"^\s*<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_HEADER_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._-]{1,40})", re.IGNORECASE)
_CDATA_START, _CDATA_END = "<![CDATA[", "]]>"
_OWN_DTD = re.compile(r"<!DOCTYPE[^>\[]*\[|<!ENTITY", re.IGNORECASE)
_BARE_AMPERSAND = re.compile(r"&(?!#?[A-Za-z0-9]{1,32};)")
_NAMED_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31});")
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)

_CONTENT = ("encoded", "content", "description", "summary")
_PUBLISHED = ("pubdate", "published", "issued", "date", "created")
_UPDATED = ("updated", "modified")
_ROOTS = frozenset({"rss", "rdf", "feed", "channel"})
_MARKUP_TYPES = frozenset({"xhtml", "application/xhtml+xml"})


@dataclasses.dataclass(frozen=True, slots=True)
class FeedItem:
    """One `item` or `entry` as it stands; empty strings and None where it says nothing."""

    position: int
    guid: str
    link: str
    title: str
    body: str
    author: str
    published: dt.datetime | None
    updated: dt.datetime | None

    @property
    def text(self) -> str:
        """Title and body, the title once."""
        if self.body.startswith(self.title):
            return self.body
        return "\n\n".join(part for part in (self.title, self.body) if part)


def read_items(body: bytes, *, url: str, content_type: str = "") -> tuple[list[FeedItem], int]:
    """The items in document order, and how many beyond `MAX_ITEMS` were left.

    Raises:
        BadInput: empty, not a feed, or with entity declarations of its own.
    """
    root = _parse(_decode(body, content_type))
    found = (element for element in root.iter() if _name(element) in {"item", "entry"})
    items = [_item(position, element, url) for position, element in zip(range(MAX_ITEMS), found, strict=False)]
    return items, sum(1 for _ in found)


def _decode(body: bytes, content_type: str) -> str:
    """The text by byte order mark, then by whichever of UTF-8, declaration and header fits, then as Windows-1252."""
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    declared = _DECLARED_ENCODING.match(body[:200])
    header = _HEADER_CHARSET.search(content_type)
    candidates = ["utf-8", declared[1].decode("ascii") if declared else "", header[1] if header else ""]
    for encoding in filter(None, candidates):
        try:
            return body.decode(encoding)
        except (UnicodeError, LookupError, ValueError):
            continue
    return body.decode("cp1252", "replace")


def _parse(text: str) -> etree._Element:
    text = _DECLARATION.sub("", text.lstrip("\ufeff \t\r\n"), count=1)
    start = text.find("<")
    if start < 0 or not text[start:].strip():
        raise BadInput("the feed is empty")
    prolog = text[: _root_offset(text)]
    if len(prolog) > MAX_PROLOG_CHARACTERS:
        raise BadInput("not a feed: too much before the first element")
    if _OWN_DTD.search(prolog):
        raise BadInput("the feed declares entities of its own")
    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, encoding="utf-8"
    )
    clean = _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", _mend(text[start:]))
    try:
        root = etree.fromstring(clean.encode(), parser)
    except (etree.LxmlError, ValueError) as error:
        raise BadInput(f"not XML: {str(error)[:100]}") from error
    if root is None or _name(root) not in _ROOTS:
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
    """HTML's named characters, which XML does not know and feeds use all the same."""
    character = html.entities.html5.get(f"{entity[1]};")
    if character is None or entity[1] in _XML_ENTITIES:
        return entity[0]
    return "".join(f"&#{ord(part)};" for part in character)


def _item(position: int, element: etree._Element, url: str) -> FeedItem:
    fields = _fields(element)
    return FeedItem(
        position=position,
        guid=_inner_text(fields, "guid", "id") or _about(element),
        link=_link(fields, url),
        title=html_to_text(_inner_text(fields, "title")),
        body=html_to_text(_body(fields)),
        author=_author(fields),
        published=_moment(fields, _PUBLISHED),
        updated=_moment(fields, _UPDATED),
    )


def _fields(element: etree._Element) -> dict[str, list[etree._Element]]:
    """The children by local name; `media:group` (YouTube) is opened."""
    fields: dict[str, list[etree._Element]] = {}
    for child in _children(element):
        fields.setdefault(_name(child), []).append(child)
    return fields


def _children(element: etree._Element) -> Iterator[etree._Element]:
    for child in element:
        if _name(child) == "group":
            yield from child
        else:
            yield child


def _name(element: etree._Element) -> str:
    """The local name in lower case; comments, instructions and entities have none."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _inner_text(fields: dict[str, list[etree._Element]], *names: str) -> str:
    """The text of the first field of these names that has any."""
    for name in names:
        for element in fields.get(name, ()):
            text = storable("".join(element.itertext())).strip()
            if text:
                return text
    return ""


def _body(fields: dict[str, list[etree._Element]]) -> str:
    for name in _CONTENT:
        for element in fields.get(name, ()):
            if element.get("type", "") in _MARKUP_TYPES:
                return etree.tostring(element, encoding="unicode", with_tail=False)
        text = _inner_text(fields, name)
        if text:
            return text
    return ""


def _link(fields: dict[str, list[etree._Element]], url: str) -> str:
    """RSS writes the address as text, Atom as `href`; `alternate` is the page people read."""
    for element in fields.get("link", ()):
        address = (element.get("href") if element.get("rel", "alternate") == "alternate" else None) or element.text
        if address and address.strip():
            try:
                return storable(urljoin(url, address.strip()))
            except ValueError:
                continue
    return ""


def _about(element: etree._Element) -> str:
    """RSS 1.0 names an item by `rdf:about`."""
    return next((storable(value) for key, value in element.attrib.items() if str(key).endswith("}about")), "")


def _author(fields: dict[str, list[etree._Element]]) -> str:
    for element in (*fields.get("author", ()), *fields.get("creator", ())):
        names = [child for child in element if _name(child) == "name"]
        text = storable("".join((names or [element])[0].itertext())).strip()
        if text:
            return text[:500]
    return ""


def _moment(fields: dict[str, list[etree._Element]], names: tuple[str, ...]) -> dt.datetime | None:
    return next((moment for name in names if (moment := parse_moment(_inner_text(fields, name)))), None)
