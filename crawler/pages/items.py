"""What every way of reading a page gives: items like those of a feed, with their place in the page."""

from __future__ import annotations

import dataclasses
import datetime as dt

from crawler.feeds.items import FeedItem
from models.base import storable

MAX_ITEMS = 500
"""Items read from one page; no page for people lists more."""

MAX_FIELD_CHARACTERS = 2_000
"""Of a link, an id or an author; a longer one is no such thing."""


@dataclasses.dataclass(frozen=True, slots=True)
class PageItem(FeedItem):
    """One item of a page. `shown_at` is where a person sees it; it is no sign of identity, `link` is.

    `is_repost`: the text is somebody else's, passed on.
    """

    locator: str
    shown_at: str
    is_repost: bool = False


def page_item(
    position: int,
    *,
    locator: str,
    body: str,
    shown_at: str,
    title: str = "",
    link: str = "",
    guid: str = "",
    author: str = "",
    published: dt.datetime | None = None,
    updated: dt.datetime | None = None,
    is_repost: bool = False,
) -> PageItem:
    """An item whose title, where it has none, is its first line: by it an edited post without a link is known again."""
    return PageItem(
        position=position,
        guid=_short(guid),
        link=_short(link),
        title=title or body.partition("\n")[0],
        body=body,
        author=_short(author),
        published=published,
        updated=updated,
        locator=locator,
        shown_at=_short(link) or shown_at,
        is_repost=is_repost,
    )


def _short(text: str) -> str:
    """The field on one line; empty when it is too long to be one."""
    line = " ".join(storable(text).split())
    return line if len(line) <= MAX_FIELD_CHARACTERS else ""
