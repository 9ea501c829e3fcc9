"""What a Bluesky post carries besides its text: media, quotes, link cards, hidden tags.

Lexicons: app.bsky.embed.* and app.bsky.richtext.facet at https://github.com/bluesky-social/atproto.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crawler.platforms.atproto import web_url
from crawler.text.jsontext import text_at, value_at
from models.base import JsonObject, storable

MAX_URL_CHARACTERS = 2_000
MAX_WORDS_CHARACTERS = 5_000
MAX_TAG_CHARACTERS = 500


def attachments(record: Any, embed: Any) -> Iterator[JsonObject]:
    """What the author added to the text. Words of others stand under `text` and `title`, never `description`."""
    kind = _kind(embed)
    yield from _media(value_at(embed, "media") if kind == "recordWithMedia" else embed)
    if kind == "record":
        yield from _quoted(value_at(embed, "record"))
    elif kind == "recordWithMedia":
        yield from _quoted(value_at(embed, "record", "record"))
    yield from _links(record)
    hidden = [storable(tag[:MAX_TAG_CHARACTERS]) for tag in items_at(record, "tags") if isinstance(tag, str)]
    if hidden:
        yield {"kind": "tags", "texts": hidden}
    if parent := web_url(text_at(record, "reply", "parent", "uri")):
        yield {"kind": "reply", "url": parent}


def _media(embed: Any) -> Iterator[JsonObject]:
    kind = _kind(embed)
    if kind in {"images", "gallery"}:
        for image in (*items_at(embed, "images"), *items_at(embed, "media"), *items_at(embed, "items")):
            yield _attachment("image", description=text_at(image, "alt"), url=text_at(image, "fullsize"))
    elif kind == "video":
        yield _attachment("video", description=text_at(embed, "alt"), url=text_at(embed, "playlist"))
    elif kind == "external":
        card = value_at(embed, "external")
        yield _attachment(
            "link", title=text_at(card, "title"), text=text_at(card, "description"), url=text_at(card, "uri")
        )


def _quoted(record: Any) -> Iterator[JsonObject]:
    """A quoted post with its text; a feed, list or starter pack with its name; what is gone or hidden by address."""
    uri = text_at(record, "uri")
    if uri:
        yield _attachment(
            "quote",
            author=text_at(record, "author", "handle") or text_at(record, "creator", "handle"),
            title=text_at(record, "displayName") or text_at(record, "name") or text_at(record, "record", "name"),
            text=text_at(record, "value", "text"),
            url=web_url(uri) or uri,
        )


def _links(record: Any) -> Iterator[JsonObject]:
    """Where the links lead that the text shows shortened."""
    for facet in items_at(record, "facets"):
        for feature in items_at(facet, "features"):
            if text_at(feature, "$type").endswith("#link") and (url := text_at(feature, "uri")):
                yield _attachment("link", url=url)


def _attachment(kind: str, **fields: str) -> JsonObject:
    limits = {"url": MAX_URL_CHARACTERS}
    said = {name: storable(value[: limits.get(name, MAX_WORDS_CHARACTERS)]) for name, value in fields.items() if value}
    return {"kind": kind, **said}


def _kind(embed: Any) -> str:
    """`images` of `app.bsky.embed.images` and of `app.bsky.embed.images#view`."""
    return text_at(embed, "$type").removeprefix("app.bsky.embed.").partition("#")[0]


def items_at(value: Any, name: str) -> list[Any]:
    """The list called `name`, empty where there is none."""
    found = value_at(value, name)
    return found if isinstance(found, list) else []
