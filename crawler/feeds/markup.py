"""RSS 0.90, 0.91, 0.92, 1.0 and 2.0, Atom 0.3 and 1.0: the items of a feed written in XML.

Specifications: https://www.rssboard.org/rss-history, https://web.resource.org/rss/1.0/spec, RFC 4287,
https://www.rssboard.org/media-rss.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import html
import re
from collections.abc import Iterator

from lxml import etree

from crawler.feeds.items import MAX_ITEMS, MAX_MEDIA, FeedItem, absolute, medium, plain_text
from crawler.feeds.xml import name_of, read_root
from crawler.pages.moments import read_moment
from crawler.text.html import html_to_text
from models.base import JsonObject, storable

_ROOTS = frozenset({"rss", "rdf", "feed", "channel"})
_ITEMS = frozenset({"item", "entry"})
_ATOM = ("http://www.w3.org/2005/atom", "http://purl.org/atom/ns#")

_TITLES = ("title", "media:title", "itunes:title")
_BODIES = ("encoded", "content", "description", "summary", "media:description", "itunes:summary")
_AUTHORS = ("author", "creator", "itunes:author", "dc:creator")
_PUBLISHED = ("pubdate", "published", "issued", "date", "created")
_UPDATED = ("updated", "modified")
_PLAIN = frozenset({"text", "text/plain"})
_PREFIXES = re.compile(r"(</?)(?:[\w.-]+:)+")
_EMAIL_AND_NAME = re.compile(r"\S{1,100}@\S{1,100}\s*\(([^()]{1,200})\)")


def read_markup(text: str, url: str) -> tuple[list[FeedItem], list[str]]:
    """The items in document order, and where those stand that `MAX_ITEMS` leaves out.

    Raises:
        BadInput: empty, not a feed, or with entity declarations of its own.
    """
    root = read_root(text, url, _ROOTS)
    author = _author(_fields(root)) if name_of(root) == "feed" else ""
    found = (element for element in root.iter() if name_of(element) in _ITEMS)
    items = [_item(position, element, url, author) for position, element in zip(range(MAX_ITEMS), found, strict=False)]
    return items, [_locator(position) for position, _ in enumerate(found, len(items))]


def _locator(position: int) -> str:
    """The item's place in the feed, counted from 1 as XPath does."""
    return f"(//item|//entry)[{position + 1}]"


def _item(position: int, element: etree._Element, url: str, author: str) -> FeedItem:
    fields = _fields(element)
    guid = _inner_text(fields, "guid", "id") or _about(element)
    return FeedItem(
        position=position,
        guid=guid,
        link=_link(fields, url) or _permalink(fields, guid),
        title=_text(fields, _TITLES),
        body=_text(fields, _BODIES),
        author=_author(fields) or author,
        published=_moment(fields, _PUBLISHED),
        updated=_moment(fields, _UPDATED),
        locator=_locator(position),
        media=tuple(_media(fields, url))[:MAX_MEDIA],
    )


def _fields(element: etree._Element) -> dict[str, list[etree._Element]]:
    """The children by name; `media:group` is opened."""
    fields: dict[str, list[etree._Element]] = {}
    for child in _children(element):
        fields.setdefault(name_of(child), []).append(child)
    return fields


def _children(element: etree._Element) -> Iterator[etree._Element]:
    for child in element:
        if name_of(child) == "media:group":
            yield from child
        else:
            yield child


def _inner_text(fields: dict[str, list[etree._Element]], *names: str) -> str:
    """The text of the first field of these names that has any."""
    for name in names:
        for element in fields.get(name, ()):
            text = storable("".join(element.itertext())).strip()
            if text:
                return text
    return ""


def _text(fields: dict[str, list[etree._Element]], names: tuple[str, ...]) -> str:
    """The first field of these names that reads as text."""
    return next((text for name in names for element in fields.get(name, ()) if (text := _readable(element))), "")


def _readable(element: etree._Element) -> str:
    """RSS holds escaped HTML; Atom says what it holds by `type`, Atom 0.3 by `mode` as well; many hold bare HTML."""
    kind = element.get("type", "").strip().lower()
    if len(element):
        return html_to_text(_bare(element))
    text = "".join(element.itertext())
    if element.get("mode") == "base64":
        text = _from_base64(text)
    elif "/" in kind and not kind.startswith("text/") and "html" not in kind:
        return ""  # a picture or a program, not something to read
    if kind in _PLAIN or (not kind and _is_atom(element)):
        return plain_text(text)
    return html_to_text(text)


def _bare(element: etree._Element) -> str:
    """The markup inside, without the prefixes of namespaces, which HTML does not know."""
    inside = "".join(etree.tostring(child, encoding="unicode") for child in element)
    return html.escape(element.text or "") + _PREFIXES.sub(r"\1", inside)


def _is_atom(element: etree._Element) -> bool:
    return str(element.tag).lower().startswith(tuple(f"{{{space}}}" for space in _ATOM))


def _from_base64(text: str) -> str:
    try:
        return base64.b64decode(text).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def _link(fields: dict[str, list[etree._Element]], url: str) -> str:
    """The page people read: behind a feed service its `origLink`, in RSS the text, in Atom an `alternate` `href`."""
    for element in (*fields.get("origlink", ()), *sorted(fields.get("link", ()), key=_is_other_format)):
        rel = element.get("rel", "alternate").rpartition("/")[2].lower()
        address = (element.get("href") if rel == "alternate" else None) or element.text
        if address and (found := absolute(element.base or url, address)):
            return found
    return ""


def _is_other_format(link: etree._Element) -> bool:
    """Whether the link is to a rendering for machines (oEmbed, JSON), of which an item may offer several."""
    kind = link.get("type", "").lower()
    return bool(kind) and "html" not in kind


def _permalink(fields: dict[str, list[etree._Element]], guid: str) -> str:
    """RSS 2.0: a guid that does not say otherwise is the address of the item."""
    marks = {element.get("isPermaLink", "true").lower() for element in fields.get("guid", ())}
    return guid if "true" in marks and guid.startswith(("http://", "https://")) else ""


def _about(element: etree._Element) -> str:
    """RSS 1.0 names an item by `rdf:about`."""
    return next((storable(value) for key, value in element.attrib.items() if str(key).endswith("}about")), "")


def _author(fields: dict[str, list[etree._Element]]) -> str:
    """The name, without the address that RSS puts before it: `humas@seruni.example (Humas)`."""
    for element in (element for name in _AUTHORS for element in fields.get(name, ())):
        names = [child for child in element if name_of(child) == "name"]
        text = storable("".join((names or [element])[0].itertext())).strip()
        if text:
            mail = _EMAIL_AND_NAME.fullmatch(text[:500])
            return mail[1] if mail else text[:500]
    return ""


def _moment(fields: dict[str, list[etree._Element]], names: tuple[str, ...]) -> dt.datetime | None:
    return next((moment for name in names if (moment := read_moment(_inner_text(fields, name)))), None)


def _media(fields: dict[str, list[etree._Element]], url: str) -> Iterator[JsonObject]:
    """Enclosures of RSS and Atom, and Media RSS with the descriptions it gives."""
    links = [link for link in fields.get("link", ()) if link.get("rel", "").lower() == "enclosure"]
    for element in (*fields.get("enclosure", ()), *links, *fields.get("media:content", ())):
        address = absolute(url, element.get("url") or element.get("href") or "")
        if address:
            kind = element.get("type") or element.get("medium") or ""
            yield medium(address, kind, _text(_fields(element), ("media:description",)))
