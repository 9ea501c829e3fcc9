"""Mastodon and servers that speak its API: one account's statuses, newest first, edits included.

API: https://docs.joinmastodon.org/methods/accounts/#lookup and #statuses, /methods/statuses/#get and #history.

The watermark is `{"account_id", "moved_to", "newest", "pending"}`: the account's lasting id, the account it says it
moved to, and how far its timeline is known (`crawler.platforms.timeline`).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from crawler.platforms import timeline
from crawler.platforms.mastodon_status import (
    Address,
    StatusPage,
    parse_address,
    read_account,
    read_history,
    read_page,
    read_status,
    status_id_in,
)
from crawler.platforms.timeline import Leg, Step, order
from crawler.source import Answer, Ask, Blocked, Gone, Holder, KnownPost, Page, Parsed, Source
from models.errors import BadInput
from models.posts import ParsedPost

PAGE_SIZE = 40
"""The most a server gives at once. Each run reads the newest page whole, so edits of its posts are seen."""

_LOOKUP, _ACCOUNT, _HISTORY, _RECHECK, _WEB_PAGE = "lookup", "account", "history", "recheck", "recheck-page"
_LINK = re.compile(r"<([^<>]*)>\s*;\s*rel=\"?next\"?", re.IGNORECASE)
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_NO_LOOKUP = frozenset({400, 404, 405, 501})
"""How servers answer that do not know the name, or not the lookup."""
_SIGN_IN = frozenset({401, 422})
"""How servers answer that show nothing to visitors (Mastodon before 3.0 with 422)."""


@dataclasses.dataclass(frozen=True, slots=True)
class HistoryAsk(Ask):
    """Asks for the texts that the post of this external id and address has had."""

    external_id: str = ""
    post_url: str | None = None


class Mastodon(Source):
    """The connector; see `crawler.source.Source`."""

    accept = "application/json"
    needs_tls = True

    def begin(self, address: str, watermark: Mapping[str, Any], since: dt.datetime | None = None) -> Ask:
        """The newest page, or the rest of an interrupted walk; the account itself at first and at every look-back."""
        place = parse_address(address)
        if since is not None or not watermark.get("account_id"):
            query = urlencode({"acct": place.acct})
            return Ask(f"{place.origin}/api/v1/accounts/lookup?{query}", kind=_LOOKUP, since=since)
        return _statuses(place, watermark, timeline.first_step(watermark, None), None)

    def read(self, address: str, watermark: Mapping[str, Any], ask: Ask, answer: Answer) -> Page:
        """Read the account, one page of its statuses, or the texts one of them has had."""
        place = parse_address(address)
        if isinstance(ask, HistoryAsk):
            return Page(read_history(answer.body, ask.external_id, ask.post_url), dict(watermark))
        if ask.kind in {_LOOKUP, _ACCOUNT}:
            return _account(place, watermark, ask, answer.body)
        page = read_page(answer.body, place, str(watermark["account_id"]))
        if page.parsed.unparsed and not page.ids:
            raise BadInput(f"none of {len(page.parsed.unparsed)} statuses has an id")
        known, step = timeline.take(watermark, ask, _leg(ask, page, answer.headers.get("link")))
        following = _statuses(place, known, step, ask.since) if step is not None else None
        return Page(page.parsed, known, following, histories=_histories(place, page))

    def refused(self, address: str, watermark: Mapping[str, Any], ask: Ask, status: int, answer: Answer) -> Ask | None:
        """Look the account up in another way; say who moved, and who shows nothing to visitors.

        A known account is asked for by its id: its handle may have changed. An unknown one by its name where the id
        belongs, as Pleroma and Akkoma take it.
        """
        place = parse_address(address)
        if ask.kind == _LOOKUP and status in _NO_LOOKUP:
            name = quote(str(watermark.get("account_id") or place.acct), safe="@")
            return Ask(f"{place.origin}/api/v1/accounts/{name}", kind=_ACCOUNT, since=ask.since)
        if status in _SIGN_IN and (status == 401 or b"authenticated" in answer.body[:1_000]):  # noqa: PLR2004
            raise Blocked(f"server hanya menjawab pengguna yang masuk (HTTP {status})")
        if status in {404, 410} and ask.kind not in {_HISTORY, _RECHECK, _WEB_PAGE} and watermark.get("moved_to"):
            raise Gone(f"akun tidak ada lagi (HTTP {status}); sebelumnya tercatat pindah ke {watermark['moved_to']}")
        return None

    def recheck(self, address: str, watermark: Mapping[str, Any], post: KnownPost) -> Ask | None:
        """Ask for the status by its id, or for its page where no address of it carries the id."""
        del watermark
        place = parse_address(address)
        status_id = status_id_in((post.external_id, post.url), place)
        if status_id is not None:
            return Ask(f"{place.origin}/api/v1/statuses/{status_id}", kind=_RECHECK)
        for url in (post.url, post.external_id):
            if url and url.startswith(f"{place.origin}/"):
                return Ask(url, kind=_WEB_PAGE)
        return None

    def reread(self, address: str, watermark: Mapping[str, Any], ask: Ask, answer: Answer) -> ParsedPost | None:
        """The status as it is now."""
        if ask.kind == _WEB_PAGE:
            return None
        return read_status(answer.body, parse_address(address), str(watermark.get("account_id", "")))


def parse_posts(body: bytes, address: str, account_id: str) -> Parsed:
    """Read one page of an account's statuses.

    Reblogs come back as `is_repost` with their first author's name. A status of any other account is not taken.

    Raises:
        BadInput: the body is not a JSON list, or the address is malformed.
    """
    return read_page(body, parse_address(address), account_id).parsed


def _account(place: Address, watermark: Mapping[str, Any], ask: Ask, body: bytes) -> Page:
    """Whose page it is. Where another account took the name, the walk ends: its posts are not the holder's."""
    state = read_account(body)
    holder = Holder(f"{place.host}/{state.identifier}", state.acct or place.acct)
    if watermark.get("account_id", state.identifier) != state.identifier:
        return Page(Parsed(), dict(watermark), holder=holder)
    if state.suspended:
        raise Gone("akun ditangguhkan (suspended) oleh servernya")
    known = {**watermark, "account_id": state.identifier}
    known.pop("moved_to", None)
    if state.moved_to:
        known["moved_to"] = state.moved_to
    return Page(Parsed(), known, _statuses(place, known, timeline.first_step(known, ask.since), ask.since), holder)


def _histories(place: Address, page: StatusPage) -> dict[str, Ask]:
    return {
        post.external_id: HistoryAsk(
            f"{place.origin}/api/v1/statuses/{status_id}/history",
            kind=_HISTORY,
            external_id=post.external_id,
            post_url=post.url,
        )
        for status_id, post in page.edited.items()
    }


def _statuses(place: Address, watermark: Mapping[str, Any], step: Step, since: dt.datetime | None) -> Ask:
    query: dict[str, Any] = {"limit": PAGE_SIZE}
    if step.below is not None:
        query["max_id"] = step.below
        if since is None and watermark.get("newest"):
            query["since_id"] = watermark["newest"]
    url = f"{place.origin}/api/v1/accounts/{watermark['account_id']}/statuses?{urlencode(query)}"
    return Ask(url, kind=step.kind, conditional=step.kind == timeline.NEWEST and since is None, since=since)


def _leg(ask: Ask, page: StatusPage, link: str | None) -> Leg:
    """Where the next older page begins.

    Only the id is taken from the `Link` header: the request goes to the server that was asked, whatever the header
    says. A server without the header is asked again until a page comes back empty, or (where `max_id` includes the
    post itself) with nothing new.
    """
    asked = parse_qs(urlsplit(ask.url).query).get("max_id", [None])[0]
    lower: str | None = min(page.ids, key=order, default=None)
    if link is None:
        lower = None if page.ids == (asked,) else lower
    elif following := _LINK.search(link):
        lower = _max_id(following[1]) or lower
    else:
        lower = None
    return Leg(page.ids, lower, page.oldest, asked)


def _max_id(url: str) -> str | None:
    try:
        found = parse_qs(urlsplit(url).query).get("max_id", [""])[0]
    except ValueError:
        return None
    return found if _ID.fullmatch(found) else None
