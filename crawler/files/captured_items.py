"""Items as a platform's own pages receive them, for the platforms without an open route.

The shapes belong to the platforms and change without notice: what is not understood is refused, not guessed. What the
platform marks as not for everybody is refused as such.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
from collections.abc import Callable, Iterator
from typing import Any

from crawler.files.postlinks import author_in, post_link
from crawler.files.records import NotPublic
from crawler.text.jsontext import text_at, value_at
from crawler.text.moments import from_epoch, parse_moment
from models.base import JsonObject, storable
from models.errors import BadInput

MAX_ATTACHMENTS = 40
MAX_DIGITS = 30


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """What a mapper finds. `url` may hold the ids only, never text of the item; `author_id` is the platform's own."""

    external_id: str
    author: str
    text: str
    url: str | None
    posted_at: dt.datetime | None
    author_id: str = ""
    is_repost: bool = False
    attachments: tuple[JsonObject, ...] = ()


def tiktok(data: Any) -> Item:
    """A video or a slide show, from the site's API or embedded in its page."""
    author = text_at(data, "author", "uniqueId") or text_at(data, "author")
    identifier = _required(text_at(data, "id"), "id")
    _required(author, "author")
    _public(not any(value_at(data, mark) is True for mark in ("privateItem", "secret", "forFriend")))
    _public(value_at(data, "author", "privateAccount") is not True)
    stickers = value_at(data, "stickersOnItem")
    texts = [
        storable(text[:2_000])
        for sticker in (stickers if isinstance(stickers, list) else [])[:MAX_ATTACHMENTS]
        for text in (value_at(sticker, "stickerText") or [])[:MAX_ATTACHMENTS]
        if isinstance(text, str)
    ]
    return Item(
        external_id=identifier,
        author=author,
        author_id=text_at(data, "author", "id"),
        text=_text(value_at(data, "desc"), "desc"),
        url=f"https://www.tiktok.com/@{author}/video/{identifier}",
        posted_at=from_epoch(value_at(data, "createTime")),
        attachments=({"kind": "stickers", "texts": texts},) if texts else (),
    )


def tiktok_comment(data: Any) -> Item:
    """A comment under a video. Whose video it is the item does not say, so there is no link to it."""
    return Item(
        external_id=_required(text_at(data, "cid"), "cid"),
        author=_required(text_at(data, "user", "unique_id"), "author"),
        author_id=text_at(data, "user", "uid"),
        text=_text(value_at(data, "text"), "text"),
        url=None,
        posted_at=from_epoch(value_at(data, "create_time")),
        attachments=({"kind": "comment", "on": storable(text_at(data, "aweme_id")[:60])},),
    )


def instagram(data: Any) -> Item:
    """Items of the app's API (`code`, `caption`), or of the older graph (`shortcode`, `edge_media_to_caption`)."""
    code = _required(text_at(data, "code") or text_at(data, "shortcode"), "code")
    owner = value_at(data, "user") or value_at(data, "owner")
    _public(value_at(owner, "is_private") is not True)
    if "edge_media_to_caption" in data:
        caption = value_at(data, "edge_media_to_caption", "edges", 0, "node", "text")
        moment = value_at(data, "taken_at_timestamp")
    else:
        found = value_at(data, "caption")
        caption = found if isinstance(found, str) else value_at(found, "text")
        moment = value_at(data, "taken_at")
    described = text_at(data, "accessibility_caption")
    return Item(
        external_id=code,
        author=_required(text_at(owner, "username"), "author"),
        author_id=_number(value_at(owner, "pk")) or _number(value_at(owner, "id")),
        text="" if caption is None else _text(caption, "caption"),
        url=f"https://www.instagram.com/p/{code}/",
        posted_at=from_epoch(moment),
        attachments=({"kind": "image", "description": storable(described[:5_000])},) if described else (),
    )


def threads(data: Any) -> Item:
    """A post of Threads, which has Instagram's shape; a repost carries the other's post inside."""
    code = _required(text_at(data, "code"), "code")
    author = _required(text_at(data, "user", "username"), "author")
    _public(not any(value_at(data, "user", mark) is True for mark in ("is_private", "text_post_app_is_private")))
    caption = value_at(data, "caption")
    described = text_at(data, "accessibility_caption")
    return Item(
        external_id=code,
        author=author,
        author_id=_number(value_at(data, "user", "pk")) or _number(value_at(data, "user", "id")),
        text="" if caption is None else _text(value_at(caption, "text"), "caption"),
        url=f"https://www.threads.com/@{author}/post/{code}",
        posted_at=from_epoch(value_at(data, "taken_at")),
        is_repost=isinstance(value_at(data, "text_post_app_info", "share_info", "reposted_post"), dict),
        attachments=({"kind": "image", "description": storable(described[:5_000])},) if described else (),
    )


def x(data: Any) -> Item:
    """A tweet of X's GraphQL. An edit is a new tweet; the first id of the chain names them all."""
    tweet = value_at(data, "tweet") if isinstance(value_at(data, "tweet"), dict) else data
    legacy = value_at(tweet, "legacy")
    identifier = _required(text_at(tweet, "rest_id") or text_at(legacy, "id_str") or text_at(data, "id"), "id")
    user = value_at(tweet, "core", "user_results", "result")
    author = _required(text_at(user, "legacy", "screen_name") or text_at(user, "core", "screen_name"), "author")
    _public(value_at(user, "legacy", "protected") is not True and value_at(user, "privacy", "protected") is not True)
    long_text = text_at(tweet, "note_tweet", "note_tweet_results", "result", "text")
    return Item(
        external_id=text_at(tweet, "edit_control", "edit_tweet_ids", 0)
        or text_at(tweet, "edit_control", "edit_control_initial", "edit_tweet_ids", 0)
        or identifier,
        author=author,
        author_id=text_at(user, "rest_id"),
        text=long_text or html.unescape(_text(value_at(legacy, "full_text"), "full_text")),
        url=f"https://x.com/{author}/status/{identifier}",
        posted_at=parse_moment(value_at(legacy, "created_at")),
        is_repost=value_at(legacy, "retweeted_status_result") is not None,
    )


def facebook(data: Any) -> Item:
    """A story of a profile's or page's timeline.

    Taken only when its own words stand there and the platform says that everybody may see it; posts in groups never.
    """
    story = value_at(data, "comet_sections", "content", "story")
    actor = value_at(story, "actors", 0)
    url = text_at(story, "wwwURL") or next((text_at(each, "url") for each in _about(data) if text_at(each, "url")), "")
    link = post_link(url)
    _public("/groups/" not in url and not (link and link.in_group))
    _public(all(_for_everybody(each) for each in _about(data)))
    author_id = _number(value_at(actor, "id"))
    message = value_at(story, "message", "text")
    return Item(
        external_id=_required(text_at(story, "post_id") or (link.external_id if link else ""), "post_id"),
        author=_required(author_in(text_at(actor, "url")) or author_id, "author"),
        author_id=author_id,
        text=text_at(value_at(story, "comet_sections", "message", "story"), "message", "text")
        if message is None
        else _text(message, "message"),
        url=url if link is not None else None,
        posted_at=next((at for each in _about(data) if (at := from_epoch(value_at(each, "creation_time")))), None),
        is_repost=_shared(story) and not message,
        attachments=tuple(_photos(story)),
    )


READERS: dict[str, tuple[str, Callable[[Any], Item]]] = {
    "tiktok.com": ("tiktok", tiktok),
    "tiktok-comments": ("tiktok", tiktok_comment),
    "instagram.com": ("instagram", instagram),
    "threads.net": ("threads", threads),
    "threads.com": ("threads", threads),
    "twitter.com": ("x", x),
    "x.com": ("x", x),
    "facebook.com": ("facebook", facebook),
}
"""What Zeeschuimer calls a platform, to the name that accounts carry and the mapper."""


def _about(data: Any) -> Iterator[Any]:
    """What stands around a Facebook story: each entry has its time, its address or who may see it."""
    entries = value_at(data, "comet_sections", "context_layout", "story", "comet_sections", "metadata")
    for entry in (entries if isinstance(entries, list) else [])[:MAX_ATTACHMENTS]:
        if isinstance(story := value_at(entry, "story"), dict):
            yield story


def _for_everybody(about: Any) -> bool:
    scope = value_at(about, "privacy_scope")
    if not isinstance(scope, dict):
        return True
    words = text_at(scope, "description").lower()
    return text_at(scope, "icon_image", "name").startswith("everyone") or "public" in words or "publik" in words


def _shared(story: Any) -> bool:
    return isinstance(value_at(story, "attached_story"), dict)


def _photos(story: Any) -> Iterator[JsonObject]:
    entries = value_at(story, "attachments")
    for entry in (entries if isinstance(entries, list) else [])[:MAX_ATTACHMENTS]:
        media = value_at(entry, "styles", "attachment", "media")
        if described := text_at(media, "accessibility_caption"):
            yield {"kind": "image", "description": storable(described[:5_000])}


def _public(stated: bool) -> None:  # noqa: FBT001 - reads as a sentence
    if not stated:
        raise NotPublic("not for everybody to see")


def _number(value: Any) -> str:
    """An id of the platform's, written as number or as text."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return text if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS else ""


def _required(value: str, name: str) -> str:
    if not value or any(character.isspace() or character in "/?#\\" for character in value):
        raise BadInput(f"item without a usable {name}")
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise BadInput(f"item without {name}")
    return value
