"""Tweets collected with twarc (https://github.com/DocNow/twarc), one JSON object on each line.

Version 2 writes a whole response of the API (`data`, `includes`) on a line, or after `twarc2 flatten` one tweet with
its `author`; version 1 one tweet with its `user`. Other people's tweets in `includes` are never taken.

API: https://docs.x.com/x-api/fundamentals/data-dictionary
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from crawler.files.records import NOT_PUBLIC, Opened, Record, parse_records, read_lines
from crawler.source import MAX_REASON_CHARACTERS, Parsed
from crawler.text.jsontext import read_json, text_at, value_at
from crawler.text.moments import parse_moment
from models.errors import BadInput
from models.posts import ParsedPost

MAX_PAGE_BYTES = 32 << 20
"""One response holds up to 500 tweets and all that they refer to."""

_ID = re.compile(r"[0-9]{1,30}")
_NAME = re.compile(r"\w{1,50}")


class Twarc:
    """The file format; see `crawler.files.records.FileSource`.

    Raw is one tweet with its author, as twarc flattens it.
    """

    media_type = "application/jsonl"

    def head(self, file: Opened) -> bytes:
        """Nothing stands before the records."""
        del file
        return b""

    def records(self, file: Opened) -> Iterator[Record]:
        """One record for each tweet of each line that is not blank."""
        for line, raw in enumerate(read_lines(file, MAX_PAGE_BYTES), 1):
            if raw.strip():
                for tweet in _tweets(line, raw):
                    yield _record(line, tweet)


def parse_posts(body: bytes) -> Parsed:
    """All tweets of a file.

    Raises:
        BadInput: a line is not one that twarc writes.
    """
    return parse_records(Twarc(), body)


def _tweets(line: int, raw: bytes) -> list[dict[str, Any]]:
    """The tweets a line is about, each with its `author` or `user`."""
    try:
        item = read_json(raw.decode("utf-8-sig"))
    except (BadInput, UnicodeDecodeError) as error:
        raise BadInput(f"not a line of twarc: {error}", line=line) from error
    if not isinstance(item, dict):
        raise BadInput("not a line of twarc: no JSON object", line=line)
    if "data" not in item and isinstance(item.get("meta"), dict):
        return []  # a response without results
    if "data" not in item:
        if not (item.get("id") or item.get("id_str")):
            raise BadInput("not a line of twarc: neither a response nor a tweet", line=line)
        return [item]
    found = item["data"] if isinstance(item["data"], list) else [item["data"]]
    if not all(isinstance(tweet, dict) for tweet in found):
        raise BadInput("not a line of twarc: data holds no tweets", line=line)
    users = value_at(item, "includes", "users")
    by_id = {text_at(user, "id"): user for user in (users if isinstance(users, list) else [])}
    return [{**tweet, "author": by_id.get(text_at(tweet, "author_id"), tweet.get("author"))} for tweet in found]


def _record(line: int, tweet: Mapping[str, Any]) -> Record:
    raw = json.dumps(tweet, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    user = value_at(tweet, "author") or value_at(tweet, "user")
    author = text_at(user, "username") or text_at(user, "screen_name")
    author_id = text_at(user, "id") or text_at(user, "id_str")
    if value_at(user, "protected") is True:
        return Record(line, raw, "x", "", None, NOT_PUBLIC)
    if not _NAME.fullmatch(author):
        return Record(line, raw, "x", "", None, "tweet without its author's name")
    try:
        post = _version_1(tweet, author, line) if "user" in tweet else _version_2(tweet, author, line)
    except BadInput as error:
        return Record(line, raw, "x", author, None, str(error)[:MAX_REASON_CHARACTERS], author_id)
    return Record(line, raw, "x", author, post, author_id=author_id)


def _version_2(tweet: Mapping[str, Any], author: str, line: int) -> ParsedPost:
    """An edit is a tweet with a new id; the first of its chain names them all."""
    identifier = _identifier(tweet, "id")
    references = value_at(tweet, "referenced_tweets")
    kinds = {text_at(each, "type") for each in (references if isinstance(references, list) else [])}
    text = text_at(tweet, "note_tweet", "text") or html.unescape(_text(tweet, "text"))
    first = text_at(tweet, "edit_history_tweet_ids", 0)
    return _post(first if _ID.fullmatch(first) else identifier, identifier, author, text, tweet, line,
                 is_repost="retweeted" in kinds)  # fmt: skip


def _version_1(tweet: Mapping[str, Any], author: str, line: int) -> ParsedPost:
    identifier = _identifier(tweet, "id_str")
    whole = text_at(tweet, "extended_tweet", "full_text") or text_at(tweet, "full_text") or _text(tweet, "text")
    return _post(identifier, identifier, author, html.unescape(whole), tweet, line,
                 is_repost=value_at(tweet, "retweeted_status") is not None)  # fmt: skip


def _post(
    external_id: str, identifier: str, author: str, text: str, tweet: Mapping[str, Any], line: int, *, is_repost: bool
) -> ParsedPost:
    return ParsedPost(
        external_id=external_id,
        text=text,
        url=f"https://x.com/{author}/status/{identifier}",
        posted_at=parse_moment(value_at(tweet, "created_at")),
        locator=str(line),
        author=author,
        is_repost=is_repost,
    )


def _identifier(tweet: Mapping[str, Any], name: str) -> str:
    identifier = text_at(tweet, name)
    if not _ID.fullmatch(identifier):
        raise BadInput("tweet without a usable id")
    return identifier


def _text(tweet: Mapping[str, Any], name: str) -> str:
    value = tweet.get(name)
    if not isinstance(value, str):
        raise BadInput(f"tweet without {name}")
    return value
