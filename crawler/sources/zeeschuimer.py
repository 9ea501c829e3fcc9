"""Posts captured in a person's own browser with Zeeschuimer (https://github.com/digitalmethodsinitiative/zeeschuimer).

NDJSON: an envelope (`source_platform`, `item_id`, `data`, …) around the item as the platform's own page received it.
The items' shape belongs to the platforms and changes without notice: what is not understood is counted, not guessed.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from crawler.jsontext import read_json, text_at, value_at
from crawler.moments import from_epoch, parse_moment
from crawler.records import Record, parse_records
from crawler.source import MAX_REASON_CHARACTERS, Parsed
from models.base import JsonObject
from models.errors import BadInput
from models.posts import ParsedPost, storable

MAX_ATTACHMENTS = 40


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """What a platform's mapper finds in `data`. `url` may hold the ids only, never text of the item."""

    external_id: str
    author: str
    text: str
    url: str
    posted_at: dt.datetime | None
    is_repost: bool = False
    attachments: tuple[JsonObject, ...] = ()


class Zeeschuimer:
    """The file format; see `crawler.records.FileSource`."""

    media_type = "application/x-ndjson"

    def head(self, lines: Iterable[bytes]) -> bytes:
        """Nothing stands before the records."""
        del lines
        return b""

    def records(self, lines: Iterable[bytes]) -> Iterator[Record]:
        """One record for each line that is not blank."""
        for line, raw in enumerate(lines, 1):
            if raw.strip():
                yield _record(line, raw)


def parse_posts(body: bytes) -> Parsed:
    """All posts of an NDJSON body whose platform and shape are known.

    Raises:
        BadInput: a line is not an envelope of Zeeschuimer.
    """
    return parse_records(Zeeschuimer(), body)


def _record(line: int, raw: bytes) -> Record:
    envelope = _envelope(line, raw)
    host = envelope["source_platform"].lower()
    if host not in PLATFORMS:
        return Record(line, raw, storable(host[:32]), "", None, "unknown platform")
    platform, read = PLATFORMS[host]
    try:
        item = read(envelope["data"])
        post = ParsedPost(
            external_id=item.external_id,
            text=item.text,
            url=item.url,
            posted_at=item.posted_at,
            locator=str(line),
            author=item.author,
            is_repost=item.is_repost,
            attachments=item.attachments,
        )
    except BadInput as error:
        return Record(line, raw, platform, "", None, str(error)[:MAX_REASON_CHARACTERS])
    return Record(line, raw, platform, item.author, post)


def _envelope(line: int, raw: bytes) -> dict[str, Any]:
    try:
        envelope = read_json(raw.decode("utf-8-sig"))
    except (BadInput, UnicodeDecodeError) as error:
        raise BadInput(f"not an NDJSON line: {error}", line=line) from error
    if not text_at(envelope, "source_platform") or not isinstance(value_at(envelope, "data"), dict):
        raise BadInput("not a line of Zeeschuimer: no source_platform or no data", line=line)
    return dict(envelope)


def _tiktok(data: Any) -> Item:
    author = text_at(data, "author", "uniqueId") or text_at(data, "author")
    identifier = _required(text_at(data, "id"), "id")
    _required(author, "author")
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
        text=_text(value_at(data, "desc"), "desc"),
        url=f"https://www.tiktok.com/@{author}/video/{identifier}",
        posted_at=from_epoch(value_at(data, "createTime")),
        attachments=({"kind": "stickers", "texts": texts},) if texts else (),
    )


def _instagram(data: Any) -> Item:
    """Items of the app's API (`code`, `caption`), or of the older graph (`shortcode`, `edge_media_to_caption`)."""
    code = _required(text_at(data, "code") or text_at(data, "shortcode"), "code")
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
        author=_required(text_at(data, "user", "username") or text_at(data, "owner", "username"), "author"),
        text="" if caption is None else _text(caption, "caption"),
        url=f"https://www.instagram.com/p/{code}/",
        posted_at=from_epoch(moment),
        attachments=({"kind": "image", "description": storable(described[:5_000])},) if described else (),
    )


def _x(data: Any) -> Item:
    """A tweet of X's GraphQL. An edit is a new tweet; the first id of the chain names them all."""
    tweet = value_at(data, "tweet") if isinstance(value_at(data, "tweet"), dict) else data
    legacy = value_at(tweet, "legacy")
    identifier = _required(text_at(tweet, "rest_id") or text_at(legacy, "id_str") or text_at(data, "id"), "id")
    user = value_at(tweet, "core", "user_results", "result")
    author = _required(text_at(user, "legacy", "screen_name") or text_at(user, "core", "screen_name"), "author")
    long_text = text_at(tweet, "note_tweet", "note_tweet_results", "result", "text")
    return Item(
        external_id=text_at(tweet, "edit_control", "edit_tweet_ids", 0)
        or text_at(tweet, "edit_control", "edit_control_initial", "edit_tweet_ids", 0)
        or identifier,
        author=author,
        text=long_text or html.unescape(_text(value_at(legacy, "full_text"), "full_text")),
        url=f"https://x.com/{author}/status/{identifier}",
        posted_at=parse_moment(value_at(legacy, "created_at")),
        is_repost=value_at(legacy, "retweeted_status_result") is not None,
    )


PLATFORMS: dict[str, tuple[str, Callable[[Any], Item]]] = {
    "tiktok.com": ("tiktok", _tiktok),
    "instagram.com": ("instagram", _instagram),
    "twitter.com": ("x", _x),
    "x.com": ("x", _x),
}
"""`source_platform` to the name that accounts carry and the mapper."""


def _required(value: str, name: str) -> str:
    if not value or any(character.isspace() or character in "/?#\\" for character in value):
        raise BadInput(f"item without a usable {name}")
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise BadInput(f"item without {name}")
    return value
