"""Telegram's public web pages: messages of `t.me/s/NAME` and of the post widget, from markup to posts.

There is no specification; the shapes were gathered from recorded pages. What a message quotes from others (the message
it replies to, the preview of a linked page) is never taken for its own words.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import re
from typing import Any

from lxml import etree, html

from crawler.jsontext import read_json, value_at
from crawler.moments import parse_moment
from crawler.source import Unparsed, unparsed
from crawler.text import html_to_text
from models.base import JsonObject
from models.errors import BadInput
from models.posts import ParsedPost, storable

MAX_MESSAGES = 500
"""Messages read from one page (Telegram sends twenty); the rest are counted as not understood."""

MAX_ATTACHMENTS = 40

_POST = re.compile(r"([A-Za-z][A-Za-z0-9_]{2,63})/([1-9][0-9]{0,15})")
_NAME_IN_URL = re.compile(r"(?:https?:)?//(?:www\.)?t\.me/(?:s/)?([A-Za-z][A-Za-z0-9_]{2,63})(?:[/?#].*)?")
_BEFORE = re.compile(r"[?&]before=([1-9][0-9]{0,15})(?:&|#|$)")
_BACKGROUND = re.compile(r"background-image:\s*url\(['\"]?([^'\")]{1,2000})")
_MEDIA_ID = re.compile(r"/([1-9][0-9]{0,15})(?:\?|$)")
_PEER = re.compile(r"(?:c|-)?([0-9]{1,18})(?:_.*)?")


def _classed(*names: str, below: str = ".//*") -> etree.XPath:
    """Elements that carry one of the classes, in document order."""
    tests = " or ".join(f'contains(concat(" ", normalize-space(@class), " "), " {name} ")' for name in names)
    return etree.XPath(f"{below}[{tests}]")


_MESSAGES = _classed("tgme_widget_message", below="//div")
_TEXTS = _classed("js-message_text", "tgme_widget_message_text")
_REPLY = _classed("tgme_widget_message_reply")
_FORWARDED = _classed("tgme_widget_message_forwarded_from")
_FORWARDED_NAME = _classed("tgme_widget_message_forwarded_from_name")
_DATE = _classed("tgme_widget_message_date")
_QUESTION = _classed("tgme_widget_message_poll_question")
_OPTIONS = _classed("tgme_widget_message_poll_option_text")
_PREVIEW = _classed("tgme_widget_message_link_preview")
_BUBBLE = _classed("tgme_widget_message_bubble")
_UNSHOWN = _classed("message_media_not_supported_wrap", below="./*")
_FILE_TITLE = _classed("tgme_widget_message_document_title")
_ERROR = _classed("tgme_widget_message_error")
_HISTORY = _classed("tgme_channel_history", "tgme_channel_info", "tme_no_messages_found", below="//*")
_USERNAME = _classed("tgme_channel_info_header_username", below="//*")
_MORE = _classed("tme_messages_more", below="//*")
_LANDING_EXTRA = _classed("tgme_page_extra", below="//*")

_KINDS = {
    "tgme_widget_message_photo_wrap": "image",
    "tgme_widget_message_video_player": "video",
    "tgme_widget_message_roundvideo_player": "video",
    "tgme_widget_message_voice_player": "audio",
    "tgme_widget_message_document_wrap": "document",
    "tgme_widget_message_sticker_wrap": "sticker",
    "tgme_widget_message_location_wrap": "location",
}
_MEDIA = _classed(*_KINDS)
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


@dataclasses.dataclass(frozen=True, slots=True)
class ChannelPage:
    """A page of a channel: its messages, what was not understood, the channel's name and number as the page gives
    them, and the number below which its next older page lies (None: the page names none).
    """

    messages: tuple[Message, ...]
    strange: tuple[Unparsed, ...]
    username: str
    peer: str
    before: str | None
    is_history: bool
    error: str
    landing: str


def read_page(body: bytes) -> ChannelPage:
    """Read any of Telegram's public pages.

    Raises:
        BadInput: it is no HTML.
    """
    document = _document(body)
    messages: list[Message] = []
    strange: list[Unparsed] = []
    peers: list[str] = []
    found = [element for element in _MESSAGES(document) if not _within_message(element)]
    for index, element in enumerate(found[:MAX_MESSAGES]):
        if "err_message" in _classes(element) or _ERROR(element):
            continue
        peers.append(_peer(element))
        try:
            messages.append(_message(element))
        except BadInput as error:
            strange.append(unparsed(_locator(element, index), error))
    strange += [unparsed(f"(//message)[{n + 1}]", "beyond the limit") for n in range(MAX_MESSAGES, len(found))]
    return ChannelPage(
        messages=tuple(messages),
        strange=tuple(strange),
        username=_username(document),
        peer=next((peer for peer in peers if peer), ""),
        before=_before(document),
        is_history=bool(_HISTORY(document)),
        error=_first_text(_ERROR(document)),
        landing=_first_text(_LANDING_EXTRA(document)),
    )


def _document(body: bytes) -> Any:
    text = storable(body.decode("utf-8", "replace"))
    try:
        return html.document_fromstring(text.encode(), parser=html.HTMLParser(encoding="utf-8", no_network=True))
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise BadInput(f"not HTML: {str(error)[:100]}") from error


def _message(element: Any) -> Message:
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
    if "service_message" in _classes(element):
        return True
    notices = [notice for bubble in _BUBBLE(element) for notice in _UNSHOWN(bubble)]
    return any("service message" in _text_of(notice).lower() for notice in notices)


def _text(element: Any) -> str:
    """The words of the message, and the question of its poll. An album's text stands in an element of its own class."""
    outermost = [
        each for each in _own(_TEXTS(element), element) if not any(_is_text(above) for above in _above(each, element))
    ]
    parts = [_text_of(each) for each in outermost + _own(_QUESTION(element), element)]
    return "\n\n".join(part for part in parts if part)


def _attachments(element: Any) -> list[JsonObject]:
    """Media, each with the number of the message it came as: the numbers of an album's media belong to no others."""
    found: list[JsonObject] = [_medium(each) for each in _own(_MEDIA(element), element)[:MAX_ATTACHMENTS]]
    options = [_text_of(each)[:500] for each in _own(_OPTIONS(element), element)[:MAX_ATTACHMENTS]]
    if options:
        found.append({"kind": "poll", "options": options})
    found += [{"kind": "link", "url": _address(each.get("href"))} for each in _PREVIEW(element)[:1]]
    if not found and any(_UNSHOWN(bubble) for bubble in _BUBBLE(element)):
        found.append({"kind": "unsupported"})
    replied = [_address(each.get("href")) for each in _REPLY(element)[:1]]
    return found + [{"kind": "reply", "url": url} for url in replied if url]


def _medium(element: Any) -> JsonObject:
    kind = next(kind for name, kind in _KINDS.items() if name in _classes(element))
    number = _MEDIA_ID.search(element.get("href") or "")
    return {
        "kind": kind,
        "id": number[1] if number else "",
        "description": _first_text(_FILE_TITLE(element))[:500],
        "url": _media_url(element),
    }


def _media_url(element: Any) -> str:
    """The file; for a picture it stands in the style."""
    for each in element.iter("video", "audio", "img", "source"):
        if each.get("src"):
            return _address(each.get("src"))
    styles = [each.get("style") or "" for each in element.iter() if isinstance(each.tag, str)]
    shown = next((found for style in styles if (found := _BACKGROUND.search(style[:5_000]))), None)
    return _address(shown[1] if shown else element.get("href"))


def _first_author(element: Any) -> str:
    """Who wrote what is forwarded: the channel's handle, or the name where there is no link."""
    for name in _own(_FORWARDED_NAME(element), element):
        handle = _NAME_IN_URL.fullmatch(name.get("href") or "")
        return handle[1] if handle else _text_of(name)[:200]
    return ""


def _posted_at(element: Any) -> dt.datetime | None:
    times = [time for date in _own(_DATE(element), element) for time in date.iter("time")]
    times += _own(list(element.iter("time")), element)
    return next((moment for time in times if (moment := parse_moment(time.get("datetime")))), None)


def _peer(element: Any) -> str:
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


def _username(document: Any) -> str:
    for element in _USERNAME(document):
        for link in element.iter("a"):
            if found := _NAME_IN_URL.fullmatch(link.get("href") or ""):
                return found[1]
    return ""


def _before(document: Any) -> str | None:
    """Where the next older page begins: the head says it, and the link that loads more."""
    links = [each.get("href") for each in document.iter("link") if each.get("rel") == "prev"]
    links += [each.get("href") for each in _MORE(document)]
    return next((found[1] for link in links if (found := _BEFORE.search(link or ""))), None)


def _own(elements: list[Any], message: Any) -> list[Any]:
    """Those of the elements that are the message's own, not of what it replies to or links to."""
    return [
        each for each in elements if not any(_FOREIGN & _classes(above) for above in (each, *_above(each, message)))
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
    return bool(_classes(element) & {"js-message_text", "tgme_widget_message_text"})


def _within_message(element: Any) -> bool:
    """Whether it is part of another message, and read with that: no page nests them, and none may be read twice."""
    return any("tgme_widget_message" in _classes(above) for above in element.iterancestors())


def _classes(element: Any) -> frozenset[str]:
    return frozenset((element.get("class") or "").split())


def _text_of(element: Any) -> str:
    return html_to_text(etree.tostring(element, encoding="unicode", method="html", with_tail=False))


def _first_text(elements: list[Any]) -> str:
    return _text_of(elements[0]) if elements else ""


def _address(value: str | None) -> str:
    address = storable((value or "").strip()[:2_000])
    if address.startswith("//"):
        return f"https:{address}"
    return address if address.startswith(("https://", "http://")) else ""


def _locator(element: Any, index: int) -> str:
    name = element.get("data-post")
    return storable(f'//*[@data-post="{name[:80]}"]') if name else f"(//message)[{index + 1}]"
