"""YouTube: the feed of a channel's newest videos (15 of them), whose titles and descriptions are edited in place.

Addresses: `https://www.youtube.com/channel/ID` and `https://www.youtube.com/feeds/videos.xml?channel_id=ID`; any other
host in them is asked itself. Format: Atom with `yt:` and Media RSS elements, described at
https://developers.google.com/youtube/v3/guides/push_notifications.

www.youtube.com/robots.txt closes `/feeds/videos.xml` to robots. The crawler obeys it, so against YouTube itself a run
ends as refused for as long as that line stands there.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from lxml import etree

from crawler.feeds.xml import decode, name_of, read_root
from crawler.source import Answer, Ask, Blocked, Gone, Holder, KnownPost, Page, Parsed, Source, Unparsed, unparsed
from crawler.text.jsontext import read_json, text_at
from crawler.text.moments import parse_moment
from models.base import storable
from models.errors import BadInput
from models.posts import ParsedPost

ORIGIN = "https://www.youtube.com"
MAX_TEXT_CHARACTERS = 20_000

_HOSTS = frozenset({"youtube.com", "www.youtube.com", "m.youtube.com"})
_CHANNEL = re.compile(r"UC[A-Za-z0-9_-]{4,40}")
_CHANNEL_PATH = re.compile(r"/channel/([^/]+)(?:/(?:videos|featured|streams|shorts)?)?")
_FEED_PATH = "/feeds/videos.xml"
_VIDEO = re.compile(r"[A-Za-z0-9_-]{6,20}")

_BAD_REQUEST, _UNAUTHORIZED, _NOT_FOUND = 400, 401, 404
_ALERT = re.compile(rb'"alertRenderer"\s*:\s*\{\s*"type"\s*:\s*"ERROR"')
_PLAYABILITY = re.compile(rb'"playabilityStatus"\s*:\s*\{\s*"status"\s*:\s*"([A-Z_]{1,40})"')
_SHOWN = frozenset({"OK", "LIVE_STREAM_OFFLINE", "CONTENT_CHECK_REQUIRED"})


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """Which channel, and the origin it is asked of."""

    origin: str
    channel: str


class YouTube(Source):
    """The connector; see `crawler.source.Source`. There is no watermark: the feed is one page."""

    accept = "application/atom+xml, application/xml;q=0.9, application/json;q=0.8, */*;q=0.1"

    def begin(self, address: str, watermark: Mapping[str, Any], since: dt.datetime | None = None) -> Ask:
        """Ask for the feed, if it changed; a run that looks back reads it in any case."""
        del watermark
        place = parse_address(address)
        query = urlencode({"channel_id": place.channel})
        return Ask(f"{place.origin}{_FEED_PATH}?{query}", "feed", conditional=since is None, since=since)

    def read(self, address: str, watermark: Mapping[str, Any], ask: Ask, answer: Answer) -> Page:
        """Read the feed; or, where it was missing, the channel's page."""
        if ask.kind == "channel":
            if _ALERT.search(answer.body):
                raise Gone("saluran tidak ada lagi di YouTube")
            raise BadInput("umpan tidak ditemukan, tetapi saluran masih ada")
        place = parse_address(address)
        root = _root(answer)
        return Page(_parse(root, place), dict(watermark), holder=Holder(place.channel, _name(root) or place.channel))

    def refused(self, address: str, watermark: Mapping[str, Any], ask: Ask, status: int, answer: Answer) -> Ask | None:
        """Look twice where YouTube's status says too little.

        Feeds of channels that are well answer 404 for hours now and then, and oEmbed answers 401 for public videos
        that may not be embedded.
        """
        del watermark, answer
        place = parse_address(address)
        if ask.kind == "feed" and status == _NOT_FOUND:
            return Ask(f"{place.origin}/channel/{place.channel}", "channel")
        if ask.kind == "recheck" and status in {_BAD_REQUEST, _UNAUTHORIZED}:
            return Ask(parse_qs(urlsplit(ask.url).query)["url"][0], "recheck:watch")
        return None

    def recheck(self, address: str, watermark: Mapping[str, Any], post: KnownPost) -> Ask | None:
        """Ask oEmbed, which knows every public video: the feed forgets all but the newest."""
        del watermark
        place = parse_address(address)
        query = urlencode({"url": _watch_url(place, post.external_id), "format": "json"})
        return Ask(f"{place.origin}/oembed?{query}", "recheck")

    def reread(self, address: str, watermark: Mapping[str, Any], ask: Ask, answer: Answer) -> ParsedPost | None:
        """Only whether the video is there: neither answer holds its description as the feed has it."""
        del address, watermark
        if ask.kind == "recheck:watch":
            _check_playable(answer.body)
        elif answer.body.strip() == b"Forbidden":  # has come with status 200
            raise Blocked("video tidak terbuka untuk umum")
        elif not text_at(read_json(answer.body), "title"):
            raise BadInput("jawaban oEmbed tanpa judul")
        return None


def parse_address(address: str) -> Address:
    """Take a channel's address apart.

    Raises:
        BadInput: it has another form.
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError as error:
        raise BadInput(f"YouTube address {address[:200]!r}: {error}") from error
    path = _CHANNEL_PATH.fullmatch(parts.path)
    channel = path[1] if path else parse_qs(parts.query).get("channel_id", [""])[0] if parts.path == _FEED_PATH else ""
    usable = parts.scheme in {"http", "https"} and host and "@" not in parts.netloc
    if not usable or not _CHANNEL.fullmatch(channel):
        raise BadInput(f"YouTube address {address[:200]!r} is not of the form {ORIGIN}/channel/UC…")
    return Address(ORIGIN if host in _HOSTS else f"{parts.scheme}://{parts.netloc}", channel)


def parse_posts(body: bytes, address: str) -> Parsed:
    """Read one state of a channel's feed: title and description of each video, a paragraph each.

    Raises:
        BadInput: not a feed, another channel's feed, or the address is malformed.
    """
    return _parse(_root(Answer(address, {}, body)), parse_address(address))


def _root(answer: Answer) -> etree._Element:
    text = decode(answer.body, answer.headers.get("content-type", ""))
    return read_root(text, answer.url, frozenset({"feed"}))


def _parse(root: etree._Element, place: Address) -> Parsed:
    said = _channel(root)
    if said and said != place.channel:
        raise BadInput(f"feed of another channel: {said[:40]!r}")
    posts: list[ParsedPost] = []
    strange: list[Unparsed] = []
    for position, entry in enumerate((child for child in root if name_of(child) == "entry"), 1):
        locator = f"//entry[{position}]"
        try:
            posts.append(_video(entry, place, locator))
        except BadInput as error:
            strange.append(unparsed(locator, error))
    return Parsed(tuple(posts), tuple(strange))


def _video(entry: etree._Element, place: Address, locator: str) -> ParsedPost:
    video = _text(entry, "videoid") or _text(entry, "id").removeprefix("yt:video:")
    if not _VIDEO.fullmatch(video):
        raise BadInput("entry without a usable video id")
    if _channel(entry) not in {"", place.channel}:
        raise BadInput("video of another channel")
    title, description = _text(entry, "title"), _text(entry, "media:group", "media:description")
    if not title and not description:
        raise BadInput("video without title and description")
    published, updated = parse_moment(_text(entry, "published")), parse_moment(_text(entry, "updated"))
    url = _watch_url(place, video)
    return ParsedPost(
        external_id=video,
        text="\n\n".join(part for part in (title, description) if part),
        url=url,
        posted_at=published or updated,
        locator=locator,
        author=_text(entry, "author", "name")[:500],
        edited_at=updated if updated != published else None,
        attachments=({"kind": "video", "url": url},),
    )


def _channel(element: etree._Element) -> str:
    """The channel's id; the head of the feed leaves out its first two letters."""
    said = _text(element, "channelid")
    return said if not said or said.startswith("UC") else f"UC{said}"


def _name(root: etree._Element) -> str:
    return (_text(root, "author", "name") or _text(root, "title"))[:200]


def _text(element: etree._Element, *path: str) -> str:
    """The text at the end of a path of children, as it stands: YouTube writes plain text, no HTML."""
    for name in path:
        found = next((child for child in element if name_of(child) == name), None)
        if found is None:
            return ""
        element = found
    return storable("".join(element.itertext())).strip()[:MAX_TEXT_CHARACTERS]


def _watch_url(place: Address, video: str) -> str:
    return f"{place.origin}/watch?{urlencode({'v': video})}"


def _check_playable(page: bytes) -> None:
    found = _PLAYABILITY.search(page)
    if found is None:
        raise BadInput("halaman video tanpa status pemutaran")
    status = found[1].decode()
    if status == "ERROR":
        raise Gone("video tidak ada lagi di YouTube")
    if status not in _SHOWN:
        raise Blocked(f"video tidak diperlihatkan kepada kami ({status})")
