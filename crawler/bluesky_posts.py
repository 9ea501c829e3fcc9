"""Bluesky's posts, as its AppView shows them and as an account's own server (PDS) keeps them, into posts of ours.

Lexicons: https://github.com/bluesky-social/atproto/tree/main/lexicons (app.bsky.feed.defs, app.bsky.feed.post,
app.bsky.embed.*, com.atproto.repo.listRecords).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any

from crawler.jsontext import read_json, text_at, value_at
from crawler.moments import parse_moment
from crawler.source import Parsed, Unparsed, unparsed
from models.base import JsonObject
from models.errors import BadInput
from models.posts import ParsedPost, storable

DID = re.compile(r"did:(?:plc:[a-z2-7]{1,64}|web:[A-Za-z0-9._%-]{1,253}|[a-z]{1,20}:[A-Za-z0-9._%-]{1,200})")
SIGNED_IN_ONLY = "!no-unauthenticated"
"""What holders label their account with who want to be shown to signed-in visitors only."""

INVALID_HANDLE = "handle.invalid"
MAX_ATTACHMENTS = 40
MAX_CURSOR_CHARACTERS = 2_000

_POST_URI = re.compile(rf"at://({DID.pattern})/app\.bsky\.feed\.post/([A-Za-z0-9._:~-]{{1,512}})")
_TID = re.compile(r"[234567a-j][234567a-z]{12}")
_TID_DIGITS = {digit: value for value, digit in enumerate("234567abcdefghijklmnopqrstuvwxyz")}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclasses.dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list, newest first. `moments` are the times it is ordered by; `cursor` leads to older posts.

    `did` and `handle` say whose list it is; `signed_in_only`: the holder does not want visitors to see it.
    """

    parsed: Parsed
    moments: tuple[dt.datetime, ...]
    cursor: str | None
    did: str
    handle: str = ""
    signed_in_only: bool = False


def read_feed(body: bytes, did: str) -> Listing:
    """Read a page of `app.bsky.feed.getAuthorFeed`; without `did` the page says whose it is.

    Reposts come back as `is_repost` with their first author's name. Anything of another account is not taken.

    Raises:
        BadInput: it is no such page.
    """
    page = read_json(body)
    items = _list_of(page, "feed")
    did = did or next((found for item in items if DID.fullmatch(found := text_at(_actor(item), "did"))), "")
    own = [actor for item in items if text_at(actor := _actor(item), "did") == did]
    return Listing(
        parsed=_parse(items, "/feed", lambda item, locator: _feed_post(item, did, locator)),
        moments=tuple(moment for item in items if (moment := _feed_moment(item))),
        cursor=_cursor(page),
        did=did,
        handle=next((handle for actor in own if (handle := text_at(actor, "handle")) != INVALID_HANDLE), ""),
        signed_in_only=any(_signed_in_only(actor, did) for actor in own),
    )


def read_records(body: bytes, did: str, author: str) -> Listing:
    """Read a page of `com.atproto.repo.listRecords` over `app.bsky.feed.post`; records do not name their `author`.

    Raises:
        BadInput: it is no such page.
    """
    page = read_json(body)
    items = _list_of(page, "records")
    found = (_POST_URI.fullmatch(text_at(item, "uri")) for item in items)
    did = did or next((uri[1] for uri in found if uri), "")
    return Listing(
        parsed=_parse(items, "/records", lambda item, locator: record_post(item, did, author, locator)),
        moments=tuple(moment for item in items if (moment := _tid_moment(text_at(item, "uri")))),
        cursor=_cursor(page),
        did=did,
    )


def view_post(view: Any, did: str, locator: str) -> ParsedPost:
    """A `postView` of this account.

    Raises:
        BadInput: of another account, or not a post.
    """
    uri = text_at(view, "uri")
    if text_at(view, "author", "did") != did or not uri.startswith(f"at://{did}/"):
        raise BadInput("post of another account")
    return _post(uri, view, locator)


def record_post(item: Any, did: str, author: str, locator: str) -> ParsedPost:
    """A record of this account's repository, with its `uri` and `value`.

    Raises:
        BadInput: of another account, or not a post.
    """
    uri = text_at(item, "uri")
    if not did or not uri.startswith(f"at://{did}/"):
        raise BadInput("post of another account")
    return _post(uri, {"author": {"handle": author}, "record": value_at(item, "value")}, locator)


def web_url(uri: str) -> str | None:
    """Where people read a post. The link carries the account's id, so a new handle does not break it."""
    found = _POST_URI.fullmatch(uri)
    return f"https://bsky.app/profile/{found[1]}/post/{found[2]}" if found else None


def is_post_uri(text: str) -> bool:
    """Whether it is the `at://` address of a post (and not the id we give a repost)."""
    return _POST_URI.fullmatch(text) is not None


def _parse(items: list[Any], where: str, read: Callable[[Any, str], ParsedPost]) -> Parsed:
    posts: list[ParsedPost] = []
    strange: list[Unparsed] = []
    for index, item in enumerate(items):
        locator = f"{where}/{index}"
        try:
            posts.append(read(item, locator))
        except BadInput as error:
            strange.append(unparsed(locator, error))
    return Parsed(tuple(posts), tuple(strange))


def _feed_post(item: Any, did: str, locator: str) -> ParsedPost:
    view = value_at(item, "post")
    if not _reposted(item):
        return view_post(view, did, locator)
    if text_at(item, "reason", "by", "did") != did:
        raise BadInput("repost by another account")
    uri = text_at(view, "uri")
    first = _post(uri, view, locator)
    # The post itself belongs to its author: were it stored under its own id, the author's target could not have it.
    return dataclasses.replace(
        first,
        external_id=f"{uri}#repost:{did}",
        posted_at=parse_moment(value_at(item, "reason", "indexedAt")) or first.posted_at,
        is_repost=True,
    )


def _post(uri: str, view: Any, locator: str) -> ParsedPost:
    if not is_post_uri(uri):
        raise BadInput("post without a usable uri")
    record = value_at(view, "record")
    text = value_at(record, "text")
    if not isinstance(text, str):
        raise BadInput("post without text")
    return ParsedPost(
        external_id=uri,
        text=text,
        url=web_url(uri),
        posted_at=parse_moment(value_at(record, "createdAt")) or parse_moment(value_at(view, "indexedAt")),
        locator=locator,
        author=text_at(view, "author", "handle"),
        attachments=tuple(_attachments(record, value_at(view, "embed") or value_at(record, "embed")))[:MAX_ATTACHMENTS],
    )


def _attachments(record: Any, embed: Any) -> Iterator[JsonObject]:
    """What the author added to the text. Words of others stand under `text` and `title`, never `description`."""
    kind = _kind(embed)
    yield from _media(value_at(embed, "media") if kind == "recordWithMedia" else embed)
    if kind == "record":
        yield from _quoted(value_at(embed, "record"))
    elif kind == "recordWithMedia":
        yield from _quoted(value_at(embed, "record", "record"))
    yield from _links(record)
    hidden = [storable(tag[:500]) for tag in _items(record, "tags") if isinstance(tag, str)]
    if hidden:
        yield {"kind": "tags", "texts": hidden}
    if parent := web_url(text_at(record, "reply", "parent", "uri")):
        yield {"kind": "reply", "url": parent}


def _media(embed: Any) -> Iterator[JsonObject]:
    kind = _kind(embed)
    if kind in {"images", "gallery"}:
        for image in (*_items(embed, "images"), *_items(embed, "media"), *_items(embed, "items")):
            yield _attachment("image", description=text_at(image, "alt"), url=text_at(image, "fullsize"))
    elif kind == "video":
        yield _attachment("video", description=text_at(embed, "alt"), url=text_at(embed, "playlist"))
    elif kind == "external":
        card = value_at(embed, "external")
        yield _attachment(
            "link", title=text_at(card, "title"), text=text_at(card, "description"), url=text_at(card, "uri")
        )


def _quoted(record: Any) -> Iterator[JsonObject]:
    """A quoted post with its text; a feed, list or starter pack with its name; what is gone or hidden by address."""
    uri = text_at(record, "uri")
    if uri:
        yield _attachment(
            "quote",
            author=text_at(record, "author", "handle") or text_at(record, "creator", "handle"),
            title=text_at(record, "displayName") or text_at(record, "name") or text_at(record, "record", "name"),
            text=text_at(record, "value", "text"),
            url=web_url(uri) or uri,
        )


def _links(record: Any) -> Iterator[JsonObject]:
    """Where the links lead that the text shows shortened."""
    for facet in _items(record, "facets"):
        for feature in _items(facet, "features"):
            if text_at(feature, "$type").endswith("#link") and (url := text_at(feature, "uri")):
                yield _attachment("link", url=url)


def _attachment(kind: str, **fields: str) -> JsonObject:
    limits = {"url": 2_000}
    said = {name: storable(value[: limits.get(name, 5_000)]) for name, value in fields.items() if value}
    return {"kind": kind, **said}


def _kind(embed: Any) -> str:
    """`images` of `app.bsky.embed.images` and of `app.bsky.embed.images#view`."""
    return text_at(embed, "$type").removeprefix("app.bsky.embed.").partition("#")[0]


def _reposted(item: Any) -> bool:
    """Whether the reason to list it is a repost; the other known reason is that the account pinned its own post."""
    reason = value_at(item, "reason")
    return text_at(reason, "$type").endswith("#reasonRepost") or isinstance(value_at(reason, "by"), dict)


def _actor(item: Any) -> Any:
    return value_at(item, "reason", "by") if _reposted(item) else value_at(item, "post", "author")


def _feed_moment(item: Any) -> dt.datetime | None:
    """The time an author feed is ordered by: the earlier of what the author claims and when it was first seen.

    A pinned post stands outside the order.
    """
    if _reposted(item):
        return parse_moment(value_at(item, "reason", "indexedAt"))
    if value_at(item, "reason") is not None:
        return None
    claimed = parse_moment(value_at(item, "post", "record", "createdAt"))
    seen = parse_moment(value_at(item, "post", "indexedAt"))
    return min(filter(None, (claimed, seen)), default=None)


def _tid_moment(uri: str) -> dt.datetime | None:
    """The time in a record's key (https://atproto.com/specs/tid), by which repositories are ordered."""
    key = uri.rpartition("/")[2]
    if not _TID.fullmatch(key):
        return None
    number = 0
    for digit in key:
        number = number << 5 | _TID_DIGITS[digit]
    try:
        return _EPOCH + dt.timedelta(microseconds=number >> 10)
    except OverflowError:
        return None


def _signed_in_only(actor: Any, did: str) -> bool:
    labels = _items(actor, "labels")
    return any(text_at(label, "val") == SIGNED_IN_ONLY and text_at(label, "src") == did for label in labels)


def _cursor(page: Any) -> str | None:
    cursor = text_at(page, "cursor")
    if len(cursor) > MAX_CURSOR_CHARACTERS:
        raise BadInput(f"cursor of {len(cursor)} characters")
    return storable(cursor) or None


def _list_of(page: Any, name: str) -> list[Any]:
    items = value_at(page, name)
    if not isinstance(items, list):
        raise BadInput(f"a page of posts has a list called {name!r}")
    return items


def _items(value: Any, name: str) -> list[Any]:
    found = value_at(value, name)
    return found if isinstance(found, list) else []
