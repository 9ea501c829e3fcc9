"""What Mastodon's API says: accounts, statuses, and the earlier texts of edited ones.

Entities: https://docs.joinmastodon.org/entities/Status/, /StatusEdit/, /Account/. Pleroma, Akkoma, GoToSocial,
Pixelfed, Sharkey and others speak them less exactly: ids are numbers, digits or sortable words, and what Mastodon
always sends may be missing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from crawler.platforms.timeline import order
from crawler.source import Parsed, Unparsed, unparsed
from crawler.text.html import html_to_text
from crawler.text.jsontext import read_json, text_at, value_at
from crawler.text.moments import parse_moment
from models.base import JsonObject, storable
from models.errors import BadInput
from models.posts import ParsedPost

MAX_ATTACHMENTS = 40
MAX_URI_CHARACTERS = 400

_ADDRESS_PATH = re.compile(r"/@([^/@\s]{1,200})(@[^/@\s]{1,200})?/?")
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_STATUS_PATH = re.compile(
    r"/(?:(?:.+/)?statuses|notice|notes|p/[^/]+|@[^/]+(?:/statuses)?)/([0-9A-Za-z_-]{1,64})(?:/activity)?/?"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """`https://host/@name` taken apart: `origin` is `https://host`, `acct` what the lookup takes."""

    origin: str
    host: str
    acct: str


@dataclasses.dataclass(frozen=True, slots=True)
class AccountState:
    """An account as its server describes it; `moved_to` is the address of the one it moved to."""

    identifier: str
    acct: str
    suspended: bool
    moved_to: str


@dataclasses.dataclass(frozen=True, slots=True)
class StatusPage:
    """One page of statuses: `ids` of all, understood or not; `oldest`: when the one with the lowest id was posted;
    `edited`: the account's own edited posts, by their status id.
    """

    parsed: Parsed
    ids: tuple[str, ...]
    oldest: dt.datetime | None
    edited: dict[str, ParsedPost]


def parse_address(address: str) -> Address:
    """Take `https://host/@name` (or `/@name@other.host`) apart.

    Raises:
        BadInput: it has another form.
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError as error:
        raise BadInput(f"Mastodon address {address[:200]!r}: {error}") from error
    name = _ADDRESS_PATH.fullmatch(parts.path)
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc or name is None:
        raise BadInput(f"Mastodon address {address[:200]!r} is not of the form https://host/@name")
    return Address(f"{parts.scheme}://{parts.netloc}", host, name[1] + (name[2] or ""))


def read_account(body: bytes) -> AccountState:
    """Read an account.

    Raises:
        BadInput: it has no id.
    """
    account = read_json(body)
    acct = text_at(account, "acct") or text_at(account, "username")
    moved = text_at(account, "moved", "url") or text_at(account, "moved", "acct")
    return AccountState(identifier_of(account), acct, value_at(account, "suspended") is True, storable(moved[:300]))


def read_page(body: bytes, place: Address, account_id: str) -> StatusPage:
    """Read one page of an account's statuses.

    Raises:
        BadInput: the body is not a JSON list.
    """
    moments: dict[str, dt.datetime | None] = {}
    edited: dict[str, ParsedPost] = {}

    def read(item: Any, locator: str) -> ParsedPost:
        status_id = identifier_of(item)
        moments[status_id] = parse_moment(value_at(item, "created_at"))
        post = _read_status(item, place, account_id, locator)
        if post.edited_at is not None and not post.is_repost:
            edited[status_id] = post
        return post

    parsed = _read_each(body, read)
    lowest = min(moments, key=order, default="")
    return StatusPage(parsed, tuple(moments), moments.get(lowest), edited)


def read_status(body: bytes, place: Address, account_id: str) -> ParsedPost:
    """Read a status asked for by itself.

    Raises:
        BadInput: it is none, or another account's.
    """
    return _read_status(read_json(body), place, account_id, "")


def read_history(body: bytes, external_id: str, url: str | None) -> Parsed:
    """Read the texts that the status of this id and address has had, oldest first; the first one was no edit.

    Raises:
        BadInput: the body is not a JSON list.
    """
    first: list[dt.datetime | None] = []

    def read(item: Any, locator: str) -> ParsedPost:
        moment = parse_moment(value_at(item, "created_at"))
        first.append(moment)
        return ParsedPost(
            external_id=external_id,
            text=_text(item),
            url=url,
            posted_at=first[0],
            locator=locator,
            author=text_at(item, "account", "acct"),
            edited_at=moment if len(first) > 1 else None,
            attachments=tuple(_attachments(item)),
        )

    return _read_each(body, read)


def status_id_in(addresses: Iterable[str | None], place: Address) -> str | None:
    """The status id that one of a post's addresses on this server carries."""
    for address in addresses:
        try:
            parts = urlsplit(address or "")
            found = _STATUS_PATH.fullmatch(parts.path) if parts.hostname == place.host else None
        except ValueError:
            continue
        if found is not None:
            return found[1]
    return None


def identifier_of(item: Any, *path: str) -> str:
    """The item's id (or that of what stands at `path`); some servers send a number.

    Raises:
        BadInput: there is none that can be used in an address.
    """
    value = value_at(item, *path, "id")
    identifier = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(identifier, str) or not _ID.fullmatch(identifier):
        raise BadInput(f"{path[-1] if path else 'status'} without a usable id")
    return identifier


def _read_each(body: bytes, read: Callable[[Any, str], ParsedPost]) -> Parsed:
    items = read_json(body)
    if not isinstance(items, list):
        raise BadInput("a page of statuses is a JSON list")
    posts: list[ParsedPost] = []
    strange: list[Unparsed] = []
    for index, item in enumerate(items):
        try:
            posts.append(read(item, f"/{index}"))
        except BadInput as error:
            strange.append(unparsed(f"/{index}", error))
    return Parsed(tuple(posts), tuple(strange))


def _read_status(item: Any, place: Address, account_id: str, locator: str) -> ParsedPost:
    author = text_at(item, "account", "acct")
    if identifier_of(item, "account") != account_id and author.lower() != place.acct.lower():
        raise BadInput("status of another account")
    reblog = value_at(item, "reblog")
    shown = reblog if isinstance(reblog, dict) else item
    return ParsedPost(
        external_id=_external_id(item, place),
        text=_text(shown),
        url=_web_url(item) or _web_url(shown),
        posted_at=parse_moment(value_at(item, "created_at")),
        locator=locator,
        author=text_at(shown, "account", "acct"),
        edited_at=parse_moment(value_at(shown, "edited_at")),
        is_repost=shown is not item,
        attachments=tuple(_attachments(shown)),
    )


def _text(item: Any) -> str:
    """The content warning, then the content; Pixelfed sends null for a picture without words."""
    content = value_at(item, "content")
    if content is None and value_at(item, "media_attachments"):
        content = ""
    if not isinstance(content, str):
        raise BadInput("status without content")
    return "\n\n".join(part for part in (text_at(item, "spoiler_text").strip(), html_to_text(content)) if part)


def _external_id(item: Any, place: Address) -> str:
    """The status' `uri`, but only on the server that was asked: no server may speak for another one's posts."""
    uri = text_at(item, "uri")
    try:
        own = len(uri) <= MAX_URI_CHARACTERS and urlsplit(uri).hostname == place.host
    except ValueError:
        own = False
    return uri if own else f"{place.origin}/statuses/{identifier_of(item)}"


def _web_url(item: Any) -> str | None:
    url = text_at(item, "url")
    return url if url.startswith(("https://", "http://")) else None


def _attachments(item: Any) -> list[JsonObject]:
    """Media with their descriptions, and the options of a poll: what the author added to the text."""
    media = value_at(item, "media_attachments")
    found: list[JsonObject] = [
        {
            "kind": storable(text_at(entry, "type")[:20]),
            "description": storable(text_at(entry, "description")[:5_000]),
            "url": storable(text_at(entry, "url")[:2_000]),
        }
        for entry in (media if isinstance(media, list) else [])[:MAX_ATTACHMENTS]
        if isinstance(entry, dict)
    ]
    options = value_at(item, "poll", "options")
    if isinstance(options, list):
        titles = [storable(text_at(option, "title")[:500]) for option in options[:MAX_ATTACHMENTS]]
        found.append({"kind": "poll", "options": titles})
    return found
