"""One message of Telegram's public web pages (`t.me/s/NAME`, the post widget), from markup to a post.

There is no specification; the shapes were gathered from recorded pages. What a message quotes from others (the message
it replies to, the preview of a linked page) is never taken for its own words.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from lxml import etree

from crawler.text.html import html_to_text
from crawler.text.jsontext import read_json, value_at
from crawler.text.moments import parse_moment
from models.base import JsonObject, storable
from models.errors import BadInput
from models.posts import ParsedPost

MAX_ATTACHMENTS = 40
MAX_PARTS = 200
"""Elements of a kind that are looked at in one message."""

_Parts = dict[str, list[Any]]
_POST = re.compile(r"([A-Za-z][A-Za-z0-9_]{2,63})/([1-9][0-9]{0,15})")
NAME_IN_URL = re.compile(r"(?:https?:)?//(?:www\.)?t\.me/(?:s/)?([A-Za-z][A-Za-z0-9_]{2,63})(?:[/?#].*)?")
_BACKGROUND = re.compile(r"background-image:\s*url\(['\"]?([^'\")]{1,2000})")
_MEDIA_ID = re.compile(r"/([1-9][0-9]{0,15})(?:\?|$)")
_PEER = re.compile(r"(?:c|-)?([0-9]{1,18})(?:_.*)?")


_KINDS = {
    "tgme_widget_message_photo_wrap": "image",
    "tgme_widget_message_video_player": "video",
    "tgme_widget_message_roundvideo_player": "video",
    "tgme_widget_message_voice_player": "audio",
    "tgme_widget_message_document_wrap": "document",
    "tgme_widget_message_sticker_wrap": "sticker",
    "tgme_widget_message_location_wrap": "location",
}
_PARTS = {
    **dict.fromkeys(_KINDS, "media"),
    "js-message_text": "text",
    "tgme_widget_message_text": "text",
    "tgme_widget_message_reply": "reply",
    "tgme_widget_message_forwarded_from": "forwarded",
    "tgme_widget_message_forwarded_from_name": "source",
    "tgme_widget_message_date": "date",
    "tgme_widget_message_poll_question": "question",
    "tgme_widget_message_poll_option_text": "option",
    "tgme_widget_message_link_preview": "preview",
    "tgme_widget_message_inline_button": "button",
    "message_media_not_supported_wrap": "notice",
}
"""The classes that are read in a message, and what they mark."""
_FOREIGN = frozenset({"tgme_widget_message_reply", "js-message_reply_text", "tgme_widget_message_link_preview"})


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """One message of a page. `identifier` is its number in the channel; `post` is None for service messages, which
    nobody wrote.
    """

    channel: str
    identifier: str
    posted_at: dt.datetime | None
    post: ParsedPost | None


def read_message(element: Any) -> Message:
    """Read the element of one message.

    Raises:
        BadInput: it says neither which channel's nor which message it is.
    """
    place = _POST.fullmatch(element.get("data-post") or "")
    if place is None:
        raise BadInput("message without a usable data-post")
    channel, identifier = place[1], place[2]
    parts = {key: _own(found, key, element) for key, found in index(element, _PARTS).items()}
    moment = _posted_at(element, parts)
    if _is_service(element, parts):
        return Message(channel, identifier, moment, None)
    forwarded = bool(parts["forwarded"] or parts["source"])
    post = ParsedPost(
        external_id=f"{channel.lower()}/{identifier}",
        text="\n\n".join(text for part in parts["text"] + parts["question"] if (text := text_of(part))),
        url=f"https://t.me/{channel}/{identifier}",
        posted_at=moment,
        locator=f'//*[@data-post="{channel}/{identifier}"]',
        author=_first_author(parts) if forwarded else channel,
        is_repost=forwarded,
        attachments=tuple(_attachments(parts)),
    )
    return Message(channel, identifier, moment, post)


def _is_service(element: Any, parts: _Parts) -> bool:
    """Pinned, channel created, photo changed: a class on channel pages; in the widget a notice in place of a body."""
    if "service_message" in classes(element):
        return True
    return any("service message" in text_of(notice).lower() for notice in _notices(parts))


def _notices(parts: _Parts) -> list[Any]:
    """What stands in place of a body that only the app shows; the same notice with a class of its own is hidden."""
    return [
        notice
        for notice in parts["notice"]
        if "tgme_widget_message_bubble" in classes(notice.getparent())
        and "media_not_supported_cont" not in classes(notice)
    ]


def _attachments(parts: _Parts) -> list[JsonObject]:
    """Media, each with the number of the message it came as: the numbers of an album's media belong to no others."""
    found: list[JsonObject] = [_medium(part) for part in parts["media"][:MAX_ATTACHMENTS]]
    options = [text_of(part)[:500] for part in parts["option"][:MAX_ATTACHMENTS]]
    if options:
        found.append({"kind": "poll", "options": options})
    found += [{"kind": "link", "url": _address(part.get("href"))} for part in parts["preview"][:1]]
    buttons = [text_of(part)[:500] for part in parts["button"][:MAX_ATTACHMENTS]]
    if buttons:
        found.append({"kind": "buttons", "texts": buttons})
    if not found and _notices(parts):
        found.append({"kind": "unsupported"})
    replied = [_address(part.get("href")) for part in parts["reply"][:1]]
    return found + [{"kind": "reply", "url": url} for url in replied if url]


def _medium(element: Any) -> JsonObject:
    """The file is where the page names one, as an attribute or, for a picture, in the style; else the medium's page."""
    parts = list(element.iter("*"))
    title = next((part for part in parts if "tgme_widget_message_document_title" in classes(part)), None)
    named = [part.get(name) for name in ("src", "srcset", "data-webp") for part in parts]
    shown = [_BACKGROUND.search((part.get("style") or "")[:5_000]) for part in parts]
    addresses = [*named, *(found[1] for found in shown if found), element.get("href")]
    number = _MEDIA_ID.search(element.get("href") or "")
    return {
        "kind": next(kind for name, kind in _KINDS.items() if name in classes(element)),
        "id": number[1] if number else "",
        "description": "" if title is None else text_of(title)[:500],
        "url": next((address for value in addresses if (address := _address(value))), ""),
    }


def _first_author(parts: _Parts) -> str:
    """Who wrote what is forwarded: the channel's handle, or the name where there is no link."""
    for name in parts["source"]:
        handle = NAME_IN_URL.fullmatch(name.get("href") or "")
        return handle[1] if handle else text_of(name)[:200]
    return ""


def _posted_at(element: Any, parts: _Parts) -> dt.datetime | None:
    times = [time for date in [*parts["date"], element] for time in date.iter("time")]
    return next((moment for time in times if (moment := parse_moment(time.get("datetime")))), None)


def peer_of(element: Any) -> str:
    """Telegram's number for the channel, the same whatever it is called."""
    if peer := _PEER.fullmatch(element.get("data-peer") or ""):
        return peer[1]
    view = (element.get("data-view") or "")[:2_000]
    try:
        number = value_at(read_json(base64.urlsafe_b64decode(view + "=" * (-len(view) % 4))), "c")
    except (ValueError, BadInput):
        return ""
    peer = _PEER.fullmatch(str(number))
    return peer[1] if isinstance(number, int) and peer else ""


def index(root: Any, wanted: Mapping[str, str]) -> _Parts:
    """The elements that carry one of the classes, in document order, by what the class marks."""
    found: _Parts = {key: [] for key in wanted.values()}
    for part in root.iter("*"):
        for key in {wanted[name] for name in (part.get("class") or "").split() if name in wanted}:
            found[key].append(part)
    return found


def _own(elements: list[Any], key: str, message: Any) -> list[Any]:
    """Those that are no part of what the message replies to or links to, nor of another of their kind."""
    return [part for part in elements[:MAX_PARTS] if not _is_within(part, key, message)]


def _is_within(part: Any, key: str, message: Any) -> bool:
    if _FOREIGN & classes(part):
        return key not in {"reply", "preview"}
    for above in part.iterancestors():
        if above is message:
            return False
        around = classes(above)
        if _FOREIGN & around or key in {_PARTS[name] for name in around if name in _PARTS}:
            return True
    return False


def classes(element: Any) -> frozenset[str]:
    """The element's classes."""
    return frozenset((element.get("class") or "").split())


def text_of(element: Any) -> str:
    """What a person reads in the element."""
    return html_to_text(etree.tostring(element, encoding="unicode", method="html", with_tail=False))


def _address(value: str | None) -> str:
    address = storable((value or "").strip()[:2_000])
    if address.startswith("//"):
        return f"https:{address}"
    return address if address.startswith(("https://", "http://")) else ""
