"""Mastodon and servers that speak its API: one account's statuses, newest first, edits included.

API: https://docs.joinmastodon.org/methods/accounts/#lookup and #statuses.

The watermark is `{"account_id", "newest", "pending"}`. `newest` is the highest status id below which nothing is
missing. A walk that needs several pages notes in `pending` (`top`: the highest id seen, `max_id`: where to go on)
how far it came; only when it meets `newest` or the end does `newest` move to `top`. A run that is cut off
therefore leaves no gap: the next one finishes the walk first.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from crawler.jsontext import read_json, text_at, value_at
from crawler.moments import parse_moment
from crawler.source import Answer, Ask, Page, Parsed, Source, Unparsed, unparsed
from crawler.text import html_to_text
from models.base import JsonObject
from models.errors import BadInput
from models.posts import ParsedPost, storable

PAGE_SIZE = 40
"""The most a server gives at once. Each run reads the newest page whole, so edits of its posts are seen."""

MAX_ATTACHMENTS = 40
MAX_URI_CHARACTERS = 400

_LINK = re.compile(r"<([^<>]*)>\s*;\s*rel=\"?next\"?", re.IGNORECASE)
_PATH = re.compile(r"/@([^/@\s]{1,200})(@[^/@\s]{1,200})?/?")
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """`https://host/@name` taken apart: `origin` is `https://host`, `acct` what the lookup takes."""

    origin: str
    host: str
    acct: str


class Mastodon(Source):
    """The connector; see `crawler.source.Source`."""

    accept = "application/json"
    needs_tls = True

    def begin(self, address: str, watermark: Mapping[str, Any], since: dt.datetime | None = None) -> Ask:
        """Finish an interrupted walk first; else the newest page; before all, the account's id."""
        del since
        place = parse_address(address)
        if not watermark.get("account_id"):
            query = urlencode({"acct": place.acct})
            return Ask(f"{place.origin}/api/v1/accounts/lookup?{query}", kind="lookup")
        if watermark.get("pending"):
            return _older(place, watermark, kind="resume")
        return _newest(place, watermark)

    def read(self, address: str, watermark: Mapping[str, Any], ask: Ask, answer: Answer) -> Page:
        """Read the lookup or one page of statuses."""
        place = parse_address(address)
        if ask.kind == "lookup":
            known = {**watermark, "account_id": _account_id(answer.body)}
            return Page(Parsed(), known, _newest(place, known))
        parsed, ids = _parse_page(answer.body, place, str(watermark["account_id"]))
        return _walk(place, watermark, ask, parsed, ids, answer.headers.get("link"))


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
    name = _PATH.fullmatch(parts.path)
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc or name is None:
        raise BadInput(f"Mastodon address {address[:200]!r} is not of the form https://host/@name")
    return Address(f"{parts.scheme}://{parts.netloc}", host, name[1] + (name[2] or ""))


def parse_posts(body: bytes, address: str, account_id: str) -> Parsed:
    """Read one page of an account's statuses.

    Reblogs come back as `is_repost` with their first author's name. A status of any other account is not taken.

    Raises:
        BadInput: the body is not a JSON list, or the address is malformed.
    """
    return _parse_page(body, parse_address(address), account_id)[0]


def _parse_page(body: bytes, place: Address, account_id: str) -> tuple[Parsed, list[str]]:
    """The posts, and the ids of all statuses that have one, understood or not."""
    items = read_json(body)
    if not isinstance(items, list):
        raise BadInput("a page of statuses is a JSON list")
    posts: list[ParsedPost] = []
    strange: list[Unparsed] = []
    ids: list[str] = []
    for index, item in enumerate(items):
        try:
            ids.append(_status_id(item))
            posts.append(_parse_status(item, place, account_id, f"/{index}"))
        except BadInput as error:
            strange.append(unparsed(f"/{index}", error))
    return Parsed(tuple(posts), tuple(strange)), ids


def _parse_status(item: Any, place: Address, account_id: str, locator: str) -> ParsedPost:
    author = text_at(item, "account", "acct")
    if text_at(item, "account", "id") != account_id and author.lower() != place.acct.lower():
        raise BadInput("status of another account")
    reblog = value_at(item, "reblog")
    shown = reblog if isinstance(reblog, dict) else item
    content = value_at(shown, "content")
    if not isinstance(content, str):
        raise BadInput("status without content")
    return ParsedPost(
        external_id=_external_id(item, place),
        text="\n\n".join(part for part in (text_at(shown, "spoiler_text").strip(), html_to_text(content)) if part),
        url=_web_url(item) or _web_url(shown),
        posted_at=parse_moment(value_at(item, "created_at")),
        locator=locator,
        author=text_at(shown, "account", "acct"),
        edited_at=parse_moment(value_at(shown, "edited_at")),
        is_repost=shown is not item,
        attachments=tuple(_attachments(shown)),
    )


def _status_id(item: Any) -> str:
    identifier = text_at(item, "id")
    if not _ID.fullmatch(identifier):
        raise BadInput("status without a usable id")
    return identifier


def _external_id(item: Any, place: Address) -> str:
    """The status' `uri`, but only on the server that was asked: no server may speak for another one's posts."""
    uri = text_at(item, "uri")
    try:
        own = len(uri) <= MAX_URI_CHARACTERS and urlsplit(uri).hostname == place.host
    except ValueError:
        own = False
    return uri if own else f"{place.origin}/statuses/{_status_id(item)}"


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


def _account_id(body: bytes) -> str:
    identifier = text_at(read_json(body), "id")
    if not _ID.fullmatch(identifier):
        raise BadInput("account lookup without an id")
    return identifier


def _walk(
    place: Address, watermark: Mapping[str, Any], ask: Ask, parsed: Parsed, ids: list[str], link: str | None
) -> Page:
    """Move the watermark over a page that is about to be stored, and say where to go on."""
    newest, pending = watermark.get("newest"), watermark.get("pending")
    lower = _next_max_id(ids, link)
    closed = lower is None or (newest is not None and _order(min(ids, key=_order)) <= _order(newest))
    known = {key: value for key, value in watermark.items() if key != "pending"}
    top = pending["top"] if ask.kind != "newest" and pending else max(ids, key=_order, default=newest)
    if not closed:
        if ask.kind != "newest" and pending and _order(lower or "") >= _order(pending["max_id"]):
            raise BadInput("paging does not advance")
        known["pending"] = {"top": top, "max_id": lower}
        return Page(parsed, known, _older(place, known, kind="older" if ask.kind == "newest" else ask.kind))
    if top is not None:
        known["newest"] = max(top, newest or top, key=_order)
    return Page(parsed, known, _newest(place, known) if ask.kind == "resume" else None)


def _newest(place: Address, watermark: Mapping[str, Any]) -> Ask:
    return Ask(_statuses_url(place, watermark, limit=PAGE_SIZE), kind="newest", conditional=True)


def _older(place: Address, watermark: Mapping[str, Any], *, kind: str) -> Ask:
    bounds = {"max_id": watermark["pending"]["max_id"]}
    if watermark.get("newest"):
        bounds["since_id"] = watermark["newest"]
    return Ask(_statuses_url(place, watermark, limit=PAGE_SIZE, **bounds), kind=kind)


def _statuses_url(place: Address, watermark: Mapping[str, Any], **query: Any) -> str:
    return f"{place.origin}/api/v1/accounts/{watermark['account_id']}/statuses?{urlencode(query)}"


def _next_max_id(ids: list[str], link: str | None) -> str | None:
    """The `max_id` of the next older page, None at the end.

    Only the id is taken from the `Link` header: the request goes to the server that was asked, whatever the header
    says. A server without the header is asked again until a page comes back empty.
    """
    if not ids:
        return None
    if link is None:
        return min(ids, key=_order)
    following = _LINK.search(link)
    if following is None:
        return None
    try:
        found = parse_qs(urlsplit(following[1]).query).get("max_id", [""])[0]
    except ValueError:
        found = ""
    return found if _ID.fullmatch(found) else min(ids, key=_order)


def _order(identifier: str) -> tuple[int, str]:
    """Ids are numbers or sortable words of growing length: longer is newer, then the alphabet decides."""
    return len(identifier), identifier
