"""Public Telegram channels, through the pages that Telegram itself shows to visitors: `https://t.me/s/NAME`.

About twenty messages a page, the newest last; `?before=N` is the page below message N. The widget
`https://t.me/NAME/ID?embed=1` shows one message (https://core.telegram.org/widgets/post). Groups and people have no
such page. Telegram shows that a message was edited, not when.

The watermark is `{"peer", "newest", "pending"}`: the channel's lasting number, and how far its messages are known
(`crawler.platforms.timeline`). An album is one post whose number is that of its first medium; the numbers of the others
are gaps, not deletions.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from crawler.platforms import timeline
from crawler.platforms.telegram_message import Message
from crawler.platforms.telegram_page import ChannelPage, read_page
from crawler.platforms.timeline import Leg, Step, order
from crawler.source import Answer, Ask, Blocked, Gone, Holder, KnownPost, Page, Parsed, Source, Unparsed
from models.base import JsonObject
from models.errors import BadInput
from models.posts import ParsedPost

_TELEGRAM = frozenset({"t.me", "www.t.me", "telegram.me", "www.telegram.me", "telegram.dog"})
_PATH = re.compile(r"/(?:s/)?([A-Za-z][A-Za-z0-9_]{3,31})/?")
_EXTERNAL_ID = re.compile(r"([a-z][a-z0-9_]{2,63})/([1-9][0-9]{0,15})")


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """`https://t.me/NAME` or `https://t.me/s/NAME` taken apart: `origin` is `https://t.me`."""

    origin: str
    name: str


class Telegram(Source):
    """The connector; see `crawler.source.Source`."""

    accept = "text/html"
    needs_tls = True

    def begin(self, address: str, watermark: Mapping[str, Any], since: dt.datetime | None = None) -> Ask:
        """The newest page, or the rest of an interrupted walk."""
        return _page(parse_address(address), timeline.first_step(watermark, since), since)

    def read(self, address: str, watermark: Mapping[str, Any], ask: Ask, answer: Answer) -> Page:
        """Read one page of the channel, or that there is none."""
        place = parse_address(address)
        page = _own(read_page(answer.body), place)
        if not page.messages and page.strange:
            raise BadInput(f"none of {len(page.strange)} messages was understood: {page.strange[0].reason}")
        if not page.messages and not page.is_history:
            raise _absence(page, answer)
        holder = Holder(page.peer, page.username or _channel(page) or place.name) if page.peer else None
        if page.peer and watermark.get("peer", page.peer) != page.peer:
            return Page(Parsed(), dict(watermark), holder=holder)
        parsed = _parsed(page)
        if doubted := _doubted_end(watermark, ask, page):
            return Page(parsed, doubted, holder=holder)
        known, step = timeline.take(watermark, ask, _leg(ask, page))
        if page.peer:
            known["peer"] = page.peer
        if "pending" in known and ask.kind != timeline.BACK:
            known["pending"] = {**known["pending"], "announced": page.before is not None}
        return Page(parsed, known, _page(place, step, ask.since) if step else None, holder)

    def recheck(self, address: str, watermark: Mapping[str, Any], post: KnownPost) -> Ask | None:
        """Ask for the message's widget."""
        del watermark
        found = _EXTERNAL_ID.fullmatch(post.external_id)
        if found is None:
            return None
        return Ask(f"{parse_address(address).origin}/{found[1]}/{found[2]}?embed=1&mode=tme", kind="recheck")

    def reread(self, address: str, watermark: Mapping[str, Any], ask: Ask, answer: Answer) -> ParsedPost | None:
        """The message as the widget shows it; an album's widget may carry another of its numbers."""
        del address, watermark
        page = read_page(answer.body)
        if page.error:
            words = f"Telegram: {page.error[:150]}"
            raise Gone(words) if "not found" in page.error.lower() else Blocked(words)
        if not page.messages:
            raise BadInput("a widget without its message")
        asked = urlsplit(ask.url).path.strip("/").lower()
        posts = [message.post for message in page.messages if message.post is not None]
        return next((post for post in posts if post.external_id == asked), None)


def parse_address(address: str) -> Address:
    """Take `https://t.me/NAME` or `https://t.me/s/NAME` apart; Telegram's other names mean `https://t.me`.

    Raises:
        BadInput: it has another form.
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError as error:
        raise BadInput(f"Telegram address {address[:200]!r}: {error}") from error
    name = _PATH.fullmatch(parts.path)
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc or name is None:
        raise BadInput(f"Telegram address {address[:200]!r} is not of the form https://t.me/NAME")
    return Address("https://t.me" if host in _TELEGRAM else f"{parts.scheme}://{parts.netloc}", name[1])


def parse_posts(body: bytes, address: str) -> Parsed:
    """Read one page of the channel at `address`; service messages are passed over.

    Forwarded messages come back as `is_repost` with the handle or name of whom they are from.

    Raises:
        BadInput: it is no HTML, or the address is malformed.
    """
    return _parsed(_own(read_page(body), parse_address(address)))


def _own(page: ChannelPage, place: Address) -> ChannelPage:
    """The page without messages of channels other than the one that was asked for, under that name or its page's."""
    names = {place.name.lower(), page.username.lower() or place.name.lower()}
    own = tuple(message for message in page.messages if message.channel.lower() in names)
    foreign = tuple(
        Unparsed(f'//*[@data-post="{message.channel}/{message.identifier}"]', "message of another channel")
        for message in page.messages
        if message.channel.lower() not in names
    )
    return dataclasses.replace(page, messages=own, strange=(*page.strange, *foreign))


def _parsed(page: ChannelPage) -> Parsed:
    return Parsed(tuple(message.post for message in page.messages if message.post), page.strange)


def _absence(page: ChannelPage, answer: Answer) -> Exception:
    """What a page means that is none of a channel: Telegram sends visitors on to the name's own page.

    That page counts the subscribers of a channel that has no preview, and the members of a group.
    """
    if any(character.isdigit() for character in page.landing) and not page.landing.startswith("@"):
        return Blocked(f"Telegram tidak menampilkan isinya kepada umum ({page.landing[:80]})")
    if not urlsplit(answer.url).path.startswith("/s/"):
        return Gone("tidak ada kanal publik dengan nama ini lagi")
    return BadInput("neither messages nor a channel")


def _doubted_end(watermark: Mapping[str, Any], ask: Ask, page: ChannelPage) -> JsonObject | None:
    """The watermark to keep where the page before announced more, and this one is empty.

    Telegram also answers so when it was asked too often. The next run asks once more before it believes it.
    """
    pending = watermark.get("pending")
    if (
        page.messages
        or ask.kind not in {timeline.OLDER, timeline.RESUME}
        or not pending
        or not pending.get("announced")
    ):
        return None
    return {**watermark, "pending": {**pending, "announced": False}}


def _leg(ask: Ask, page: ChannelPage) -> Leg:
    """A page that names no older one is followed by what lies below its lowest message: some pages forget to."""
    asked = parse_qs(urlsplit(ask.url).query).get("before", [None])[0]
    lowest = min(page.messages, key=_height, default=None)
    if lowest is None:
        return Leg((), None, asked=asked)
    below = lowest.identifier if lowest.identifier != "1" else None
    ids = tuple(message.identifier for message in page.messages)
    return Leg(ids, page.before or below, lowest.posted_at, asked)


def _height(message: Message) -> tuple[int, str]:
    return order(message.identifier)


def _channel(page: ChannelPage) -> str:
    return page.messages[0].channel if page.messages else ""


def _page(place: Address, step: Step, since: dt.datetime | None) -> Ask:
    query = f"?before={step.below}" if step.below is not None else ""
    url = f"{place.origin}/s/{place.name}{query}"
    return Ask(url, kind=step.kind, conditional=step.kind == timeline.NEWEST and since is None, since=since)
