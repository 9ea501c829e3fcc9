"""Telegram's public web pages as wholes: a channel's page, the post widget, and what stands where there is neither."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from lxml import etree, html

from crawler.source import Unparsed, unparsed
from crawler.telegram_message import NAME_IN_URL, Message, classed, classes, first_text, peer_of, read_message
from models.errors import BadInput
from models.posts import storable

MAX_MESSAGES = 500
"""Messages read from one page (Telegram sends twenty); the rest are counted as not understood."""

_BEFORE = re.compile(r"[?&]before=([1-9][0-9]{0,15})(?:&|#|$)")
_MESSAGES = classed("tgme_widget_message", below="//div")
_ERROR = classed("tgme_widget_message_error")
_HISTORY = classed("tgme_channel_history", "tgme_channel_info", "tme_no_messages_found", below="//*")
_USERNAME = classed("tgme_channel_info_header_username", below="//*")
_MORE = classed("tme_messages_more", below="//*")
_LANDING = classed("tgme_page_extra", below="//*")


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
    elements = [element for element in _MESSAGES(document) if not _within_message(element)]
    found = [element for element in elements if "err_message" not in classes(element) and not _ERROR(element)]
    messages, strange = _read_messages(found[:MAX_MESSAGES])
    strange += [Unparsed(f"(//message)[{n + 1}]", "beyond the limit") for n in range(MAX_MESSAGES, len(found))]
    return ChannelPage(
        messages=tuple(messages),
        strange=tuple(strange),
        username=_username(document),
        peer=next((peer for element in found[:MAX_MESSAGES] if (peer := peer_of(element))), ""),
        before=_before(document),
        is_history=bool(_HISTORY(document)),
        error=first_text(_ERROR(document)),
        landing=first_text(_LANDING(document)),
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
    for index, element in enumerate(elements):
        try:
            messages.append(read_message(element))
        except BadInput as error:
            strange.append(unparsed(_locator(element, index), error))
    return messages, strange


def _username(document: Any) -> str:
    for element in _USERNAME(document):
        for link in element.iter("a"):
            if found := NAME_IN_URL.fullmatch(link.get("href") or ""):
                return found[1]
    return ""


def _before(document: Any) -> str | None:
    """Where the next older page begins: the head says it, and the link that loads more."""
    links = [each.get("href") for each in document.iter("link") if each.get("rel") == "prev"]
    links += [each.get("href") for each in _MORE(document)]
    return next((found[1] for link in links if (found := _BEFORE.search(link or ""))), None)


def _within_message(element: Any) -> bool:
    """Whether it is part of another message, and read with that: no page nests them, and none may be read twice."""
    return any("tgme_widget_message" in classes(above) for above in element.iterancestors())


def _locator(element: Any, index: int) -> str:
    name = element.get("data-post")
    return storable(f'//*[@data-post="{name[:80]}"]') if name else f"(//message)[{index + 1}]"
