"""Bluesky: one account's posts from the public AppView, from its own server (PDS) when the AppView refuses.

API: https://docs.bsky.app/docs/api/app-bsky-feed-get-author-feed and com-atproto-repo-list-records; accounts are
located by https://web.plc.directory and https://w3c-ccg.github.io/did-method-web/.

Addresses: `https://bsky.app/profile/NAME` and `at://NAME`, NAME being a handle or a DID. Any other host in
`https://HOST/profile/NAME` is asked itself, first as an AppView, then as the account's PDS.

The watermark is `{"did", "handle", "pds", "feed", "records"}`. After the first page the account is asked for by its
DID, which outlives handles. `feed` (AppView) and `records` (PDS) each hold how far that list was walked: `newest`,
the time below which nothing is missing, and while a walk of several pages is under way `pending` (`top`: where it
began, `low`: how far down it is, `cursor`: where to go on). `newest` moves to `top` only when the walk meets `newest`
or the end, so a run that is cut off leaves no gap.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from crawler.platforms.atproto import DID, PLC_DIRECTORY, authority, error_in, identity_url, is_post_uri, pds_in
from crawler.platforms.bluesky_address import Address, parse_address
from crawler.platforms.bluesky_posts import Listing, read_feed, read_records, record_post, view_post
from crawler.source import Answer, Ask, Blocked, Gone, Holder, KnownPost, Page, Parsed, Source
from crawler.text.jsontext import read_json, text_at, value_at
from models.base import JsonObject
from models.errors import BadInput
from models.posts import ParsedPost

PAGE_SIZE = 100
COLLECTION = "app.bsky.feed.post"

OVERLAP = dt.timedelta(days=1)
"""The first walk over a PDS goes this far below what the AppView has shown: the two order by different clocks."""

_TOO_MANY_REQUESTS = 429
_BAD_REQUEST = 400
_NO_SUCH_PAGE = frozenset({404, 410})

_GONE = {
    "AccountTakedown": "akun ditutup oleh Bluesky",
    "AccountDeactivated": "akun dinonaktifkan pemiliknya",
    "RepoNotFound": "akun tidak ada lagi di servernya",
    "RepoTakendown": "akun ditutup oleh servernya",
    "RepoSuspended": "akun ditangguhkan oleh servernya",
    "RepoDeactivated": "akun dinonaktifkan pemiliknya",
    "RecordNotFound": "unggahan tidak ada lagi di server akun",
}
_BLOCKED = {
    "BlockedActor": "akun diblokir oleh peminta",
    "BlockedByActor": "akun memblokir peminta",
}
_NOT_FOUND = re.compile(r"not found|could not (?:find|locate)|unable to resolve", re.IGNORECASE)


class Bluesky(Source):
    """The connector; see `crawler.source.Source`. Kinds of requests are `LIST:STEP`, `identity` and `recheck`."""

    def begin(self, address: str, watermark: Mapping[str, Any], since: dt.datetime | None = None) -> Ask:
        """Look back, or finish an interrupted walk first, or read the newest page."""
        return _first("feed", parse_address(address), watermark, since)

    def read(self, address: str, watermark: Mapping[str, Any], ask: Ask, answer: Answer) -> Page:
        """Read where the account lives, or one page of posts."""
        place = parse_address(address)
        if ask.kind.startswith("identity"):
            known = {**watermark, "pds": _located(place, watermark, ask, answer)}
            return Page(Parsed(), known, _first("records", place, known, ask.since))
        which, _, step = ask.kind.partition(":")
        listing = _read_list(which, watermark, place, answer)
        if listing.signed_in_only:
            raise Blocked("pemilik hanya memperlihatkan akunnya kepada pengguna yang masuk")
        known, holder = _known(watermark, listing)
        if step == "back":
            return Page(listing.parsed, known, _further_back(which, place, known, ask, listing), holder)
        state, following = _advance(which, place, known, step, listing)
        return Page(listing.parsed, {**known, which: state}, following, holder)

    def refused(self, address: str, watermark: Mapping[str, Any], ask: Ask, status: int, answer: Answer) -> Ask | None:
        """Judge by the name of the error; turn to the account's own server when the AppView does not serve.

        Raises:
            Gone, Blocked: account or post, by the error's name.
            BadInput: a server in the way of finding the account does not know the question, which says nothing of it.
        """
        place = parse_address(address)
        which, _, step = ask.kind.partition(":")
        if which == "records" and _repository_moved(place, watermark, answer):
            return _whereabouts(str(watermark["did"]), ask.since, again=True)
        _raise_named(answer)
        if status == _TOO_MANY_REQUESTS:
            return None
        if step == "resume" and status == _BAD_REQUEST:  # the cursor, kept since the last run, is not taken any more
            return _ask(which, place, watermark, "newest")
        if which == "feed":
            return _fallback(place, watermark, ask.since)
        if ask.kind == "recheck":
            return _recheck_at_home(place, watermark, ask)
        if status in _NO_SUCH_PAGE and urlsplit(ask.url).netloc != urlsplit(PLC_DIRECTORY).netloc:
            raise BadInput(f"{urlsplit(ask.url).netloc} menjawab HTTP {status}: bukan server akun Bluesky")
        return None

    def recheck(self, address: str, watermark: Mapping[str, Any], post: KnownPost) -> Ask | None:
        """Ask the AppView for the post; of a repost there is nothing to ask for."""
        del watermark
        if not is_post_uri(post.external_id):
            return None
        query = urlencode({"uris": post.external_id})
        return Ask(f"{parse_address(address).origin}/xrpc/app.bsky.feed.getPosts?{query}", kind="recheck")

    def reread(self, address: str, watermark: Mapping[str, Any], ask: Ask, answer: Answer) -> ParsedPost | None:
        """The post as it is now. The AppView leaves out of its answer what is gone."""
        del address
        found = read_json(answer.body)
        if ask.kind == "recheck:record":
            did = str(watermark.get("did", ""))
            return record_post(found, did, str(watermark.get("handle", "")), "")
        uri = parse_qs(urlsplit(ask.url).query)["uris"][0]
        posts = value_at(found, "posts")
        if not isinstance(posts, list):
            raise BadInput("an answer to getPosts has a list called 'posts'")
        for index, view in enumerate(posts):
            if text_at(view, "uri") == uri:
                return view_post(view, authority(uri), f"/posts/{index}")
        raise Gone("unggahan tidak ada lagi di Bluesky")


def parse_posts(body: bytes, did: str = "") -> Parsed:
    """Read one page of an author feed; without `did` the page says whose it is.

    Raises:
        BadInput: it is no such page.
    """
    return read_feed(body, did).parsed


def _first(which: str, place: Address, watermark: Mapping[str, Any], since: dt.datetime | None) -> Ask:
    if since is not None:
        return _ask(which, place, watermark, "back", since=since)
    pending = _state(which, watermark).get("pending")
    if pending:
        return _ask(which, place, watermark, "resume", cursor=pending["cursor"])
    return _ask(which, place, watermark, "newest")


def _ask(
    which: str,
    place: Address,
    watermark: Mapping[str, Any],
    step: str,
    *,
    cursor: str | None = None,
    since: dt.datetime | None = None,
) -> Ask:
    """A page of one of the two lists. Only the newest page is asked for conditionally."""
    account = watermark.get("did") or place.actor
    if which == "feed":
        method = f"{place.origin}/xrpc/app.bsky.feed.getAuthorFeed"
        query = {"actor": account, "limit": PAGE_SIZE, "filter": "posts_with_replies"}
    else:
        method = f"{_pds(place, watermark)}/xrpc/com.atproto.repo.listRecords"
        query = {"repo": account, "collection": COLLECTION, "limit": PAGE_SIZE}
    paged = {**query, "cursor": cursor} if cursor else query
    return Ask(f"{method}?{urlencode(paged)}", f"{which}:{step}", conditional=step == "newest", since=since)


def _state(which: str, watermark: Mapping[str, Any]) -> JsonObject:
    """How far a list was walked; a PDS that was never walked is, down to shortly before what the AppView showed."""
    state: JsonObject | None = watermark.get(which)
    shown = watermark.get("feed", {}).get("newest")
    if state is None and which == "records" and shown:
        return {"newest": _mark(dt.datetime.fromisoformat(shown) - OVERLAP)}
    return state or {}


def _read_list(which: str, watermark: Mapping[str, Any], place: Address, answer: Answer) -> Listing:
    did = watermark.get("did") or (place.actor if DID.fullmatch(place.actor) else "")
    if which == "feed":
        return read_feed(answer.body, did)
    handle = "" if DID.fullmatch(place.actor) else place.actor
    return read_records(answer.body, did, watermark.get("handle") or handle or did)


def _known(watermark: Mapping[str, Any], listing: Listing) -> tuple[JsonObject, Holder | None]:
    """The watermark with what the page says of its holder."""
    said = {"did": listing.did, "handle": listing.handle or watermark.get("handle")}
    known = {**watermark, **{name: value for name, value in said.items() if value}}
    holder = Holder(known["did"], known["handle"]) if "did" in known and "handle" in known else None
    return known, holder


def _further_back(which: str, place: Address, known: JsonObject, ask: Ask, listing: Listing) -> Ask | None:
    reached = ask.since is not None and min(listing.moments, default=ask.since) < ask.since
    if reached or listing.cursor is None or _same_cursor(ask, listing):
        return None
    return _ask(which, place, known, "back", cursor=listing.cursor, since=ask.since)


def _same_cursor(ask: Ask, listing: Listing) -> bool:
    return parse_qs(urlsplit(ask.url).query).get("cursor") == [listing.cursor]


def _advance(
    which: str, place: Address, known: JsonObject, step: str, listing: Listing
) -> tuple[JsonObject, Ask | None]:
    """Move the state over a page that is about to be stored, and say where to go on."""
    state = _state(which, known)
    newest = state.get("newest")
    pending = state.get("pending") or {} if step != "newest" else {}
    marks = [_mark(moment) for moment in listing.moments]
    low = min([*marks, *filter(None, [pending.get("low")])], default=None)
    top = pending.get("top") or max(marks, default=None)
    if listing.cursor is not None and not (newest and low and low < newest):
        if pending and (listing.cursor == pending["cursor"] or not _goes_down(marks, pending.get("low"))):
            raise BadInput("paging does not advance")
        walk = {"top": top, "low": low, "cursor": listing.cursor}
        going = {"pending": walk, **({"newest": newest} if newest else {})}
        following = "older" if step == "newest" else step
        return going, _ask(which, place, known, following, cursor=listing.cursor)
    reached = max(filter(None, [newest, top]), default=None)
    done: JsonObject = {"newest": reached} if reached else {}
    return done, _ask(which, place, known, "newest") if step == "resume" else None


def _goes_down(marks: list[str], low: str | None) -> bool:
    return not marks or low is None or min(marks) <= low


def _mark(moment: dt.datetime) -> str:
    """A time as text that sorts as the times do."""
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds")


def _raise_named(answer: Answer) -> None:
    """What XRPC errors say of account or post (https://atproto.com/specs/xrpc#error-responses)."""
    name, message = error_in(answer.body)
    if name in _GONE:
        raise Gone(_GONE[name])
    if name in _BLOCKED:
        raise Blocked(_BLOCKED[name])
    if name == "InvalidRequest" and _NOT_FOUND.search(message):
        raise Gone(f"tidak ditemukan lagi di server: {message[:100]}")


def _fallback(place: Address, watermark: Mapping[str, Any], since: dt.datetime | None) -> Ask | None:
    """The account's own server, once it is known where that is."""
    if _pds(place, watermark):
        return _first("records", place, watermark, since)
    did = watermark.get("did") or place.actor
    return _whereabouts(did, since) if DID.fullmatch(did) else None


def _pds(place: Address, watermark: Mapping[str, Any]) -> str:
    return place.origin if place.is_pds else str(watermark.get("pds") or "")


def _repository_moved(place: Address, watermark: Mapping[str, Any], answer: Answer) -> bool:
    """Whether a remembered PDS does not know the account: it may have moved to another one."""
    name, message = error_in(answer.body)
    unknown = name == "RepoNotFound" or (name == "InvalidRequest" and "could not find repo" in message.lower())
    return unknown and not place.is_pds and bool(watermark.get("did"))


def _recheck_at_home(place: Address, watermark: Mapping[str, Any], ask: Ask) -> Ask | None:
    """Ask the account's own server for a post that the AppView does not want to tell about."""
    uri = parse_qs(urlsplit(ask.url).query)["uris"][0]
    pds = _pds(place, watermark)
    if not pds or authority(uri) != watermark.get("did"):
        return None
    query = urlencode({"repo": authority(uri), "collection": COLLECTION, "rkey": uri.rpartition("/")[2]})
    return Ask(f"{pds}/xrpc/com.atproto.repo.getRecord?{query}", kind="recheck:record")


def _whereabouts(did: str, since: dt.datetime | None, *, again: bool = False) -> Ask | None:
    url = identity_url(did)
    return Ask(url, "identity:again" if again else "identity", since=since) if url else None


def _located(place: Address, watermark: Mapping[str, Any], ask: Ask, answer: Answer) -> str:
    """The account's own server.

    Raises:
        BadInput: the identity document does not tell.
        Gone: it is the one that has just said that it does not know the account.
    """
    pds = pds_in(read_json(answer.body), watermark.get("did") or place.actor)
    if ask.kind == "identity:again" and pds == watermark.get("pds"):
        raise Gone(_GONE["RepoNotFound"])
    return pds
