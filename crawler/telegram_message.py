"""One message of Telegram's public web pages (`t.me/s/NAME`, the post widget), from markup to a post.

There is no specification; the shapes were gathered from recorded pages. What a message quotes from others (the message
it replies to, the preview of a linked page) is never taken for its own words.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import re
from typing import Any

from lxml import etree

from crawler.jsontext import read_json, value_at
from crawler.moments import parse_moment
from crawler.text import html_to_text
from models.base import JsonObject
from models.errors import BadInput
from models.posts import ParsedPost, storable

MAX_ATTACHMENTS = 40
MAX_PARTS = 200
"""Elements of a kind that are looked at in one message."""

_POST = re.compile(r"([A-Za-z][A-Za-z0-9_]{2,63})/([1-9][0-9]{0,15})")
NAME_IN_URL = re.compile(r"(?:https?:)?//(?:www\.)?t\.me/(?:s/)?([A-Za-z][A-Za-z0-9_]{2,63})(?:[/?#].*)?")
_BACKGROUND = re.compile(r"background-image:\s*url\(['\"]?([^'\")]{1,2000})")
_MEDIA_ID = re.compile(r"/([1-9][0-9]{0,15})(?:\?|$)")
_PEER = re.compile(r"(?:c|-)?([0-9]{1,18})(?:_.*)?")


def classed(*names: str, below: str = ".//*") -> etree.XPath:
    """A search for elements that carry one of the classes, in document order."""
    tests = " or ".join(f'contains(concat(" ", normalize-space(@class), " "), " {name} ")' for name in names)
    return etree.XPath(f"{below}[{tests}]")


_TEXTS = classed("js-message_text", "tgme_widget_message_text")
_REPLY = classed("tgme_widget_message_reply")
_FORWARDED = classed("tgme_widget_message_forwarded_from")
_FORWARDED_NAME = classed("tgme_widget_message_forwarded_from_name")
_DATE = classed("tgme_widget_message_date")
_QUESTION = classed("tgme_widget_message_poll_question")
_OPTIONS = classed("tgme_widget_message_poll_option_text")
_PREVIEW = classed("tgme_widget_message_link_preview")
_BUBBLE = classed("tgme_widget_message_bubble")
_BUTTONS = classed("tgme_widget_message_inline_button")
_UNSHOWN = classed("message_media_not_supported_wrap", below="./*")
_FILE_TITLE = classed("tgme_widget_message_document_title")

_KINDS = {
    "tgme_widget_message_photo_wrap": "image",
    "tgme_widget_message_video_player": "video",
    "tgme_widget_message_roundvideo_player": "video",
    "tgme_widget_message_voice_player": "audio",
    "tgme_widget_message_document_wrap": "document",
    "tgme_widget_message_sticker_wrap": "sticker",
    "tgme_widget_message_location_wrap": "location",
}
_MEDIA = classed(*_KINDS)
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
    moment = _posted_at(element)
    if _is_service(element):
        return Message(channel, identifier, moment, None)
    forwarded = _own(_FORWARDED(element), element) + _own(_FORWARDED_NAME(element), element)
    post = ParsedPost(
        external_id=f"{channel.lower()}/{identifier}",
        text=_text(element),
        url=f"https://t.me/{channel}/{identifier}",
        posted_at=moment,
        locator=f'//*[@data-post="{channel}/{identifier}"]',
        author=_first_author(element) if forwarded else channel,
        is_repost=bool(forwarded),
        attachments=tuple(_attachments(element)),
    )
    return Message(channel, identifier, moment, post)


def _is_service(element: Any) -> bool:
    """Pinned, channel created, photo changed: a class on channel pages; in the widget a notice in place of a body."""
    if "service_message" in classes(element):
        return True
    return any("service message" in text_of(notice).lower() for notice in _notices(element))


def _notices(element: Any) -> list[Any]:
    """What stands in place of a body that only the app shows; the same notice within a class of its own is hidden."""
    found = [notice for bubble in _BUBBLE(element) for notice in _UNSHOWN(bubble)]
    return [notice for notice in found if "media_not_supported_cont" not in classes(notice)]


def _text(element: Any) -> str:
    """The words of the message, and the question of its poll. An album's text stands in an element of its own class."""
    outermost = [
        each for each in _own(_TEXTS(element), element) if not any(_is_text(above) for above in _above(each, element))
    ]
    parts = [text_of(each) for each in outermost + _own(_QUESTION(element), element)]
    return "\n\n".join(part for part in parts if part)


def _attachments(element: Any) -> list[JsonObject]:
    """Media, each with the number of the message it came as: the numbers of an album's media belong to no others."""
    found: list[JsonObject] = [_medium(each) for each in _own(_MEDIA(element), element)[:MAX_ATTACHMENTS]]
    options = [text_of(each)[:500] for each in _own(_OPTIONS(element), element)[:MAX_ATTACHMENTS]]
    if options:
        found.append({"kind": "poll", "options": options})
    found += [{"kind": "link", "url": _address(each.get("href"))} for each in _PREVIEW(element)[:1]]
    buttons = [text_of(each)[:500] for each in _BUTTONS(element)[:MAX_ATTACHMENTS]]
    if buttons:
        found.append({"kind": "buttons", "texts": buttons})
    if not found and _notices(element):
        found.append({"kind": "unsupported"})
    replied = [_address(each.get("href")) for each in _REPLY(element)[:1]]
    return found + [{"kind": "reply", "url": url} for url in replied if url]


def _medium(element: Any) -> JsonObject:
    kind = next(kind for name, kind in _KINDS.items() if name in classes(element))
    number = _MEDIA_ID.search(element.get("href") or "")
    return {
        "kind": kind,
        "id": number[1] if number else "",
        "description": first_text(_FILE_TITLE(element))[:500],
        "url": _media_url(element),
    }


def _media_url(element: Any) -> str:
    """The file where the page names one, as an attribute or, for a picture, in the style; else the medium's page."""
    parts = [part for part in element.iter() if isinstance(part.tag, str)]
    named = [part.get(name) for name in ("src", "srcset", "data-webp") for part in parts]
    shown = [_BACKGROUND.search((part.get("style") or "")[:5_000]) for part in parts]
    addresses = [*named, *(found[1] for found in shown if found), element.get("href")]
    return next((address for value in addresses if (address := _address(value))), "")


def _first_author(element: Any) -> str:
    """Who wrote what is forwarded: the channel's handle, or the name where there is no link."""
    for name in _own(_FORWARDED_NAME(element), element):
        handle = NAME_IN_URL.fullmatch(name.get("href") or "")
        return handle[1] if handle else text_of(name)[:200]
    return ""


def _posted_at(element: Any) -> dt.datetime | None:
    times = [time for date in _own(_DATE(element), element) for time in date.iter("time")]
    times += _own(list(element.iter("time")), element)
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


def _own(elements: list[Any], message: Any) -> list[Any]:
    """Those of the elements that are the message's own, not of what it replies to or links to."""
    return [
        each
        for each in elements[:MAX_PARTS]
        if not any(_FOREIGN & classes(part) for part in (each, *_above(each, message)))
    ]


def _above(element: Any, message: Any) -> list[Any]:
    """The elements between this one and its message."""
    found = []
    for above in element.iterancestors():
        if above is message:
            break
        found.append(above)
    return found


def _is_text(element: Any) -> bool:
    return bool(classes(element) & {"js-message_text", "tgme_widget_message_text"})


def classes(element: Any) -> frozenset[str]:
    """The element's classes."""
    return frozenset((element.get("class") or "").split())


def text_of(element: Any) -> str:
    """What a person reads in the element."""
    return html_to_text(etree.tostring(element, encoding="unicode", method="html", with_tail=False))


def first_text(elements: list[Any]) -> str:
    """What a person reads in the first of the elements, if there is one."""
    return text_of(elements[0]) if elements else ""


def _address(value: str | None) -> str:
    address = storable((value or "").strip()[:2_000])
    if address.startswith("//"):
        return f"https:{address}"
    return address if address.startswith(("https://", "http://")) else ""
