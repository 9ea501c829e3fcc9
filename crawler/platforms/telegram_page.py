"""Telegram's public web pages as wholes: a channel's page, the post widget, and what stands where there is neither."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from lxml import etree, html

from crawler.platforms.telegram_message import NAME_IN_URL, Message, classes, index, peer_of, read_message, text_of
from crawler.source import Unparsed, unparsed
from models.base import storable
from models.errors import BadInput

MAX_MESSAGES = 500
"""Messages read from one page (Telegram sends twenty); the rest are counted as not understood."""

_BEFORE = re.compile(r"[?&]before=([1-9][0-9]{0,15})(?:&|#|$)")
_PARTS = {
    "tgme_widget_message": "message",
    "tgme_widget_message_error": "error",
    "tgme_channel_history": "history",
    "tgme_channel_info": "history",
    "tme_no_messages_found": "history",
    "tgme_channel_info_header_username": "username",
    "tme_messages_more": "more",
    "tgme_page_extra": "landing",
}
"""The classes that are read on a page, and what they mark."""


@dataclasses.dataclass(frozen=True, slots=True)
class ChannelPage:
    """What one page shows, as far as it shows it: empty where it does not.

    `strange`: messages that were not understood; `username` and `peer`: the channel's handle and its lasting number;
    `before`: the number below which the next older page lies; `is_history`: it is a channel's page, be it without a
    message; `error`: what the widget says instead of a message; `landing`: what a name's own page says of it, such as
    how many subscribe.
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
    parts = index(document, _PARTS)
    found = _messages(parts["message"], parts["error"])
    messages, strange = _read_messages(found[:MAX_MESSAGES])
    strange += [Unparsed(f"(//message)[{n + 1}]", "beyond the limit") for n in range(MAX_MESSAGES, len(found))]
    return ChannelPage(
        messages=tuple(messages),
        strange=tuple(strange),
        username=_username(parts["username"]),
        peer=next((peer for element in found[:MAX_MESSAGES] if (peer := peer_of(element))), ""),
        before=_before(document, parts["more"]),
        is_history=bool(parts["history"]),
        error=_first_text(parts["error"]),
        landing=_first_text(parts["landing"]),
    )


def _document(body: bytes) -> Any:
    text = storable(body.decode("utf-8", "replace"))
    try:
        return html.document_fromstring(text.encode(), parser=html.HTMLParser(encoding="utf-8", no_network=True))
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise BadInput(f"not HTML: {str(error)[:100]}") from error


def _read_messages(elements: list[Any]) -> tuple[list[Message], list[Unparsed]]:
    messages: list[Message] = []
    strange: list[Unparsed] = []
    for position, element in enumerate(elements):
        try:
            messages.append(read_message(element))
        except BadInput as error:
            strange.append(unparsed(_locator(element, position), error))
    return messages, strange


def _messages(elements: list[Any], errors: list[Any]) -> list[Any]:
    """The messages that are no part of another one (no page nests them, and none may be read twice), and no error."""
    failed = {above for error in errors[:MAX_MESSAGES] for above in error.iterancestors()}
    return [
        element
        for element in elements
        if element not in failed
        and "err_message" not in classes(element)
        and not any("tgme_widget_message" in classes(above) for above in element.iterancestors())
    ]


def _username(elements: list[Any]) -> str:
    links = [link.get("href") or "" for element in elements[:1] for link in element.iter("a")]
    return next((found[1] for link in links if (found := NAME_IN_URL.fullmatch(link))), "")


def _before(document: Any, more: list[Any]) -> str | None:
    """Where the next older page begins: the head says it, and the link that loads more."""
    links = [each.get("href") for each in document.iter("link") if each.get("rel") == "prev"]
    links += [each.get("href") for each in more]
    return next((found[1] for link in links if (found := _BEFORE.search(link or ""))), None)


def _first_text(elements: list[Any]) -> str:
    return text_of(elements[0]) if elements else ""


def _locator(element: Any, position: int) -> str:
    name = element.get("data-post")
    return storable(f'//*[@data-post="{name[:80]}"]') if name else f"(//message)[{position + 1}]"
