"""Posts that a page describes in JSON-LD (https://schema.org), as it is written in the wild."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

from crawler.feeds.identity import normal_link
from crawler.pages.document import Document, absolute
from crawler.pages.items import MAX_ITEMS, PageItem, page_item
from crawler.pages.moments import read_moment
from crawler.text.html import html_to_text
from crawler.text.jsontext import text_at
from models.base import storable

MAX_BLOCKS = 100
MAX_NODES = 20_000
"""Values walked in one page, all blocks together."""

# Comments are left out: under a person's post they are other people's words.
_POSTS = frozenset({"SocialMediaPosting", "BlogPosting", "NewsArticle", "Article", "DiscussionForumPosting"})
_POSTS_TOO = ("Article", "Posting")
"""Endings of their subtypes: ReportageNewsArticle, LiveBlogPosting, TechArticle, …"""

_NO_POSTS = frozenset({"JobPosting"})

_CONTAINERS = (
    *("@graph", "mainEntity", "mainEntityOfPage", "itemListElement", "item", "hasPart"),
    *("blogPost", "blogPosts", "dataFeedElement"),
)
_ID_KEYS = ("@id", "identifier")
_BODY_KEYS = ("articleBody", "text", "description", "abstract")

_WRAPPING = re.compile(r"^\s*(?:/[/*]\s*)?(?:<!\[CDATA\[|<!--)(?:\s*\*/)?|(?:/[/*]\s*)?(?:\]\]>|-->)(?:\s*\*/)?\s*$")
_STRING_OR_COMMA = re.compile(r'"(?:[^"\\]|\\.)*+"?|,(?=\s*[}\]])', re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_DECODER = json.JSONDecoder(strict=False)


def read_jsonld(document: Document, zone: str) -> list[PageItem]:
    """The posts in document order; where one of them is this page itself, only that one."""
    nodes = _posts(document)
    own = [node for node in nodes if _is_page(document, node[1])]
    wanted = own if len(own) == 1 else nodes[:MAX_ITEMS]
    items = (_item(place, node, locator, document, zone) for place, (locator, node) in enumerate(wanted))
    return [item for item in items if item.text]


def _posts(document: Document) -> list[tuple[str, dict[str, Any]]]:
    """Locator and node of each post; what is said of one `@id` in several places is put together."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for locator, node in _nodes(document):
        name = text_at(node, "@id") or locator
        first, known = found.get(name, (locator, {}))
        found[name] = (first, known | node)
    return list(found.values())


def _nodes(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every post, in document order, walked without recursion and only where posts are kept."""
    left = MAX_NODES
    for number, text in enumerate(_blocks(document), 1):
        stack: list[tuple[str, Any]] = [("", _read(text))]
        while stack and left > 0:
            left -= 1
            pointer, value = stack.pop()
            if isinstance(value, list):
                stack += [(f"{pointer}/{place}", value[place]) for place in reversed(range(min(len(value), left)))]
            elif isinstance(value, dict) and _is_post(value):
                yield f"script[type='application/ld+json'][{number}]{pointer}"[:500], value
            elif isinstance(value, dict):
                stack += [(f"{pointer}/{key}", value[key]) for key in reversed(_CONTAINERS) if key in value]


def _blocks(document: Document) -> Iterator[str]:
    scripts = (element for element in document.root.iter("script") if "ld+json" in (element.get("type") or "").lower())
    for _, element in zip(range(MAX_BLOCKS), scripts, strict=False):
        yield element.text or ""


def _read(text: str) -> Any:
    """The value of a block; None when nothing can be made of it.

    Mended are the usual slips: CDATA and comment marks around it, HTML entities for its quotes, commas too many,
    line breaks inside strings, a semicolon behind it.
    """
    text = _WRAPPING.sub("", text.strip()).strip()
    for mended in (str, _without_loose_commas, lambda text: _without_loose_commas(html.unescape(text))):
        try:
            return _DECODER.raw_decode(mended(text))[0]
        except (ValueError, RecursionError):
            continue
    return None


def _without_loose_commas(text: str) -> str:
    return _STRING_OR_COMMA.sub(lambda found: "" if found[0] == "," else found[0], text)


def _is_post(node: dict[str, Any]) -> bool:
    kinds = node.get("@type")
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        name = kind.rpartition("/")[2] if isinstance(kind, str) else ""
        if name in _POSTS or (name.endswith(_POSTS_TOO) and name not in _NO_POSTS):
            return True
    return False


def _is_page(document: Document, node: dict[str, Any]) -> bool:
    """Whether the post is what the page is about: its address is that of the page."""
    page = {normal_link(address) for address in (document.canonical, document.url) if address}
    return normal_link(_link(document, node)) in page


def _link(document: Document, node: dict[str, Any]) -> str:
    own = text_at(node, "mainEntityOfPage") or text_at(node, "mainEntityOfPage", "@id")
    said = text_at(node, "url") or own or text_at(node, "@id").partition("#")[0]
    return absolute(document.url, said) if said else ""


def _item(place: int, node: dict[str, Any], locator: str, document: Document, zone: str) -> PageItem:
    shared = node.get("sharedContent")
    own = _plain(next((text for key in _BODY_KEYS if (text := text_at(node, key))), ""))
    title = _plain(text_at(node, "headline") or text_at(node, "name"))
    passed_on = not own and isinstance(shared, dict)
    return page_item(
        place,
        locator=locator,
        title=title,
        body=_plain(next((text for key in _BODY_KEYS if (text := text_at(shared, key))), "")) if passed_on else own,
        link=_link(document, node),
        shown_at=document.url,
        guid=next((text for key in _ID_KEYS if (text := text_at(node, key) or text_at(node, key, "value"))), ""),
        author=_author(node.get("author") or node.get("creator")),
        published=read_moment(text_at(node, "datePublished") or text_at(node, "dateCreated"), zone),
        updated=read_moment(text_at(node, "dateModified"), zone),
        is_repost=passed_on,
    )


def _author(value: Any) -> str:
    """Its name, or the names of several."""
    several = value if isinstance(value, list) else [value]
    names = [one if isinstance(one, str) else text_at(one, "name") or text_at(one, "alternateName") for one in several]
    return ", ".join(name for name in names[:10] if name)


def _plain(text: str) -> str:
    """Some write HTML into it, others text with line breaks."""
    text = storable(text)
    return html_to_text(text) if _TAG.search(text) else html.unescape(text).strip()
