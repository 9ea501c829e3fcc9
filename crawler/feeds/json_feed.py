"""JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/) into items."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crawler.feeds.items import MAX_ITEMS, MAX_MEDIA, FeedItem, absolute, medium, plain_text
from crawler.pages.moments import read_moment
from crawler.text.html import html_to_text
from crawler.text.jsontext import read_json, text_at, value_at
from models.base import JsonObject, storable
from models.errors import BadInput


def read_json_feed(text: str, url: str) -> tuple[list[FeedItem], list[str]]:
    """The items in document order, and where those stand that `MAX_ITEMS` leaves out.

    Raises:
        BadInput: not JSON, or no JSON Feed.
    """
    feed = read_json(text)
    items = value_at(feed, "items")
    if not isinstance(items, list):
        raise BadInput("not a feed: JSON without a list of items")
    author = _author(feed)
    read = [_item(position, item, url, author) for position, item in enumerate(items[:MAX_ITEMS])]
    return read, [_locator(position) for position in range(MAX_ITEMS, len(items))]


def _locator(position: int) -> str:
    """The item's place as a JSON pointer."""
    return f"/items/{position}"


def _item(position: int, item: Any, url: str, author: str) -> FeedItem:
    return FeedItem(
        position=position,
        guid=_identifier(value_at(item, "id")),
        link=absolute(url, text_at(item, "url") or text_at(item, "external_url")),
        title=plain_text(text_at(item, "title")),
        body=_body(item),
        author=_author(item) or author,
        published=read_moment(text_at(item, "date_published")),
        updated=read_moment(text_at(item, "date_modified")),
        locator=_locator(position),
        media=tuple(_media(item, url))[:MAX_MEDIA],
    )


def _identifier(value: Any) -> str:
    """A string, though some write a number."""
    if isinstance(value, str):
        return storable(value).strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _body(item: Any) -> str:
    return (
        html_to_text(text_at(item, "content_html"))
        or storable(text_at(item, "content_text")).strip()
        or plain_text(text_at(item, "summary"))
    )


def _author(value: Any) -> str:
    """`authors` of 1.1, `author` of 1.0."""
    name = text_at(value, "authors", 0, "name") or text_at(value, "author", "name") or text_at(value, "author")
    return storable(name).strip()[:500]


def _media(item: Any, url: str) -> Iterator[JsonObject]:
    if image := absolute(url, text_at(item, "image")):
        yield medium(image, "image", "")
    attachments = value_at(item, "attachments")
    for each in attachments if isinstance(attachments, list) else []:
        if address := absolute(url, text_at(each, "url")):
            yield medium(address, text_at(each, "mime_type"), plain_text(text_at(each, "title")))
