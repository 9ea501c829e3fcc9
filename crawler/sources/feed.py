"""RSS, Atom and JSON feeds: one address, no paging, edited in place.

The watermark is `{"posts": […]}`, the feed's recent posts by which moved and edited items are recognised.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from crawler.feeds.identity import Known, recognise, remembered
from crawler.feeds.items import FeedItem
from crawler.feeds.json_feed import read_json_feed
from crawler.feeds.markup import read_markup
from crawler.feeds.xml import decode
from crawler.source import Answer, Ask, Page, Parsed, Source, Unparsed, unparsed
from models.errors import BadInput
from models.posts import ParsedPost

_BLANKS = "\ufeff \t\r\n"


class Feed(Source):
    """The connector; see `crawler.source.Source`."""

    accept = (
        "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
        "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1"
    )
    needs_tls = False

    def begin(self, address: str, watermark: Mapping[str, Any], since: dt.datetime | None = None) -> Ask:
        """Ask for the feed, if it changed; a run that looks back reads it in any case."""
        del watermark
        try:
            parts = urlsplit(address)
            usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
        except ValueError:
            usable = False
        if not usable:
            raise BadInput(f"feed address {address[:200]!r} is not an http(s) URL")
        return Ask(address, kind="feed", conditional=since is None, since=since)

    def read(self, address: str, watermark: Mapping[str, Any], ask: Ask, answer: Answer) -> Page:
        """Read the feed and remember its posts."""
        del ask
        known = remembered(watermark.get("posts"))
        content_type = answer.headers.get("content-type", "")
        parsed, memory = parse_posts(answer.body, address=address, memory=known, content_type=content_type)
        return Page(parsed, {"posts": [post.as_row() for post in memory]})


def parse_posts(
    body: bytes, *, address: str, memory: list[Known] | None = None, content_type: str = ""
) -> tuple[Parsed, list[Known]]:
    """Read one state of the feed at `address`, recognising the posts in `memory`; returns the new memory with it.

    Raises:
        BadInput: not a feed.
    """
    text = decode(body, content_type)
    items, left = (read_json_feed if text.lstrip(_BLANKS).startswith("{") else read_markup)(text, address)
    recognised, remember = recognise(address, [item for item in items if _tells(item)], memory or [])
    posts: list[ParsedPost] = []
    strange = [Unparsed(item.locator, "item without title, text and media") for item in items if not _tells(item)]
    strange += [Unparsed(locator, "beyond the limit of items") for locator in left]
    for external_id, item in recognised:
        try:
            posts.append(_post(external_id, item))
        except BadInput as error:
            strange.append(unparsed(item.locator, error))
    return Parsed(tuple(posts), tuple(strange)), remember


def _tells(item: FeedItem) -> bool:
    return bool(item.text or item.media)


def _post(external_id: str, item: FeedItem) -> ParsedPost:
    return ParsedPost(
        external_id=external_id,
        text=item.text,
        url=item.link if item.link.startswith(("http://", "https://")) else None,
        posted_at=item.published or item.updated,
        locator=item.locator,
        author=item.author,
        edited_at=item.updated if item.updated != item.published else None,
        attachments=item.media,
    )
