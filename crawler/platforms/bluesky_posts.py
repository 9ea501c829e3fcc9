"""Bluesky's posts, as its AppView shows them and as an account's own server (PDS) keeps them, into posts of ours.

Lexicons: https://github.com/bluesky-social/atproto/tree/main/lexicons (app.bsky.feed.defs, app.bsky.feed.post,
app.bsky.embed.*, com.atproto.repo.listRecords).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

from crawler.platforms.atproto import DID, POST_URI, is_post_uri, tid_moment, web_url
from crawler.platforms.bluesky_embeds import attachments, items_at
from crawler.source import Parsed, Unparsed, unparsed
from crawler.text.jsontext import read_json, text_at, value_at
from crawler.text.moments import parse_moment
from models.base import storable
from models.errors import BadInput
from models.posts import ParsedPost

SIGNED_IN_ONLY = "!no-unauthenticated"
"""What holders label their account with who want to be shown to signed-in visitors only."""

INVALID_HANDLE = "handle.invalid"
MAX_ATTACHMENTS = 40
MAX_CURSOR_CHARACTERS = 2_000


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
    found = (POST_URI.fullmatch(text_at(item, "uri")) for item in items)
    did = did or next((uri[1] for uri in found if uri), "")
    return Listing(
        parsed=_parse(items, "/records", lambda item, locator: record_post(item, did, author, locator)),
        moments=tuple(moment for item in items if (moment := tid_moment(text_at(item, "uri")))),
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
        attachments=tuple(attachments(record, value_at(view, "embed") or value_at(record, "embed")))[:MAX_ATTACHMENTS],
    )


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


def _signed_in_only(actor: Any, did: str) -> bool:
    labels = items_at(actor, "labels")
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
