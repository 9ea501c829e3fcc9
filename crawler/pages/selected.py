"""Posts where selectors say they are."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

from crawler.pages.css import Budget, select
from crawler.pages.document import Document, absolute, visible_text
from crawler.pages.items import MAX_ITEMS, PageItem, page_item
from crawler.pages.moments import read_moment
from crawler.pages.selectors import Field, Selectors, selectors_of

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_USUAL = {
    "time": ("datetime", "content", "title"),
    "edited": ("datetime", "content", "title"),
    "link": ("href", "content"),
}
"""Attributes in which HTML keeps the machine's form of what an element shows (`time`, `meta`, `abbr`, `a`)."""

H_ENTRY = selectors_of(
    {
        "item": ".h-entry",
        "text": ".p-name, .e-content",
        "time": ".dt-published",
        "edited": ".dt-updated",
        "link": ".u-url",
        "author": ".p-author",
        "skip": ".h-cite, .u-comment, .p-comment",
    }
)
"""https://microformats.org/wiki/h-entry. Comments under a post are somebody else's words."""

MICRODATA = selectors_of(
    {
        "item": '[itemtype$="/SocialMediaPosting"], [itemtype$="/BlogPosting"], [itemtype$="/NewsArticle"], '
        '[itemtype$="/Article"], [itemtype$="/DiscussionForumPosting"]',
        "text": '[itemprop~="headline"], [itemprop~="articleBody"], [itemprop~="text"]',
        "time": '[itemprop~="datePublished"]',
        "edited": '[itemprop~="dateModified"]',
        "link": '[itemprop~="url"]',
        "author": '[itemprop~="author"]',
        "skip": '[itemtype$="/Comment"]',
    }
)
"""https://schema.org in the attributes of HTML."""


def read_selected(document: Document, selectors: Selectors) -> list[PageItem]:
    """The items in document order. One inside another is an item of its own, and no part of the outer one.

    Takes the document apart where it finds any: nothing else can be read from it afterwards.

    Raises:
        BadInput: matching costs more than a page may cost.
    """
    budget, item, skip = Budget(), selectors.fields["item"], selectors.fields.get("skip")
    elements = list(select(document.root, item.compiled, budget))
    if elements and skip:
        for element in list(select(document.root, skip.compiled, budget)):
            _detach(element)
        elements = list(select(document.root, item.compiled, budget))
    # From the last to the first, each taken out once read: what is inside is gone when its surroundings are read,
    # and no text is read twice, however the page nests.
    items = []
    for place in reversed(range(len(elements))):
        if place < MAX_ITEMS:
            items.append(_item(place, elements[place], document, selectors, budget))
        _detach(elements[place])
    return items[::-1]


def _item(place: int, element: Any, document: Document, selectors: Selectors, budget: Budget) -> PageItem:
    def values(name: str) -> Iterator[str]:
        field = selectors.fields.get(name)
        return _values(element, field, _USUAL.get(name, ("content",)), budget) if field else iter(())

    def moment(name: str) -> dt.datetime | None:
        return next((moment for value in values(name) if (moment := read_moment(value, selectors.zone))), None)

    return page_item(
        place,
        locator=f"{selectors.fields['item']} [{place + 1}]"[:500],
        body=_text(element, selectors.fields.get("text"), budget),
        shown_at=document.url,
        link=next((link for value in values("link") if (link := absolute(document.url, value))), ""),
        guid=next(values("id"), ""),
        author=next(values("author"), ""),
        published=moment("time"),
        updated=moment("edited"),
    )


def _text(element: Any, field: Field | None, budget: Budget) -> str:
    if field is None:
        return visible_text(element)
    parts: list[Any] = []
    for found in select(element, field.compiled, budget):
        if not parts or parts[-1] not in found.iterancestors():
            parts.append(found)
    return "\n\n".join(text for text in map(_shown, parts) if text)


def _shown(element: Any) -> str:
    """Its text; a `meta` says it in an attribute."""
    return visible_text(element) or (element.get("content") or "").strip()


def _values(element: Any, field: Field, usual: tuple[str, ...], budget: Budget) -> Iterator[str]:
    """What each found element says: in the attribute asked for, else in a `usual` one, else as its text."""
    names = (field.attribute,) if field.attribute else usual
    for found in select(element, field.compiled, budget) if field.css else (element,):
        said = next((value for name in names if (value := found.get(name))), None)
        if text := said if said or field.attribute else visible_text(found):
            yield text


def _detach(element: Any) -> None:
    """Take the element out and leave the text behind it where it is."""
    parent, before, text = element.getparent(), element.getprevious(), element.tail or ""
    if parent is None:
        return
    parent.remove(element)
    # HTML may hold control characters that lxml reads and does not write.
    if before is None:
        parent.text = _NOT_XML.sub(" ", (parent.text or "") + text)
    else:
        before.tail = _NOT_XML.sub(" ", (before.tail or "") + text)
