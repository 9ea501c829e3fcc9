"""X (Twitter) through its official API v2, with the operator's own token; every post read costs money.

API: https://docs.x.com/x-api/users/user-lookup-by-username, /x-api/users/get-posts, /x-api/posts/get-posts-by-ids.

The watermark is `{"user_id", "newest", "pending"}`: the account's lasting id, and how far its timeline is
known (`crawler.platforms.timeline`). Within a run the pages follow by X's token; a run that was cut off goes on by
post id.

Addresses are `https://x.com/NAME` and those of twitter.com. For trials, `http://HOST:PORT/NAME` asks that server
instead: a crawl refuses plain http unless the operator configured the server, so nobody who can only add targets can
have the token sent elsewhere.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from crawler.platforms import timeline
from crawler.platforms.timeline import Leg, Step, order
from crawler.platforms.x_tweet import WITHHELD, TweetPage, User, problem_kind, read_tweets, read_user, read_versions
from crawler.source import Answer, Ask, Gone, Holder, KnownPost, Page, Parsed, Source
from models.errors import BadInput
from models.posts import ParsedPost

MOST, FEW = 100, 20
"""Posts on a page: the most X gives, for walks through older posts; few where only what is new is asked for, in case
X does not heed the lower bound."""

_FIELDS = {
    "tweet.fields": (
        "attachments,author_id,created_at,edit_controls,edit_history_tweet_ids,lang,note_tweet,referenced_tweets"
    ),
    "expansions": "attachments.media_keys,attachments.poll_ids",
    "media.fields": "alt_text,preview_image_url,type,url",
}
_LOOKUP, _ACCOUNT, _HISTORY, _RECHECK = "lookup", "account", "history", "recheck"
_HOSTS = frozenset({"x.com", "www.x.com", "mobile.x.com", "twitter.com", "www.twitter.com", "mobile.twitter.com"})
_PATH = re.compile(r"/@?([A-Za-z0-9_]{1,15})/?")
_POST_ID = re.compile(r"[1-9][0-9]{0,19}")
_SPENT = frozenset({"credits-depleted", "usage-capped", "CreditsDepleted", "UsageCapExceeded"})


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """`https://x.com/NAME` taken apart: `origin` is the API's."""

    origin: str
    name: str


class XV2(Source):
    """The connector; see `crawler.source.Source`."""

    accept = "application/json"
    needs_tls = True
    needs_token = True

    def begin(self, address: str, watermark: Mapping[str, Any], since: dt.datetime | None = None) -> Ask:
        """What is new, or the rest of an interrupted walk; the account itself at first and at every look-back."""
        place = parse_address(address)
        if since is not None or not watermark.get("user_id"):
            return Ask(f"{place.origin}/2/users/by/username/{place.name}", kind=_LOOKUP, since=since)
        return _timeline(place, watermark, timeline.first_step(watermark, None), None)

    def read(self, address: str, watermark: Mapping[str, Any], ask: Ask, answer: Answer) -> Page:
        """Read the account, one page of its posts, or the versions of one of them."""
        place = parse_address(address)
        if ask.kind in {_LOOKUP, _ACCOUNT}:
            return _account(place, watermark, ask, answer.body)
        user = User(str(watermark["user_id"]), place.name)
        if ask.kind == _HISTORY:
            return Page(read_versions(answer.body, user), dict(watermark))
        page = read_tweets(answer.body, user)
        if page.parsed.unparsed and not page.ids:
            raise BadInput(f"none of {len(page.parsed.unparsed)} posts has an id")
        known, step = timeline.take(watermark, ask, _leg(watermark, ask, page))
        following = _following(place, known, step, ask, page.next_token) if step is not None else None
        return Page(page.parsed, known, following, histories=_histories(place, page))

    def refused(self, address: str, watermark: Mapping[str, Any], ask: Ask, status: int, answer: Answer) -> Ask | None:
        """Tell what X keeps from us from what is wrong with our token, our plan or our credit.

        A lower bound that X calls too old is left out, and the page read from the top.
        """
        del address, watermark
        if status == 400 and b"since_id" in answer.body[:10_000]:  # noqa: PLR2004
            return _without_bound(ask)
        kind = problem_kind(answer.body)
        if status == 401:  # noqa: PLR2004
            raise BadInput("X menolak token operator (HTTP 401); periksa [crawl.tokens] x_v2")
        if status == 402 or (status in {403, 429} and kind in _SPENT):  # noqa: PLR2004
            raise BadInput(f"kredit atau kuota API X habis (HTTP {status}); isi kredit atau naikkan batasnya di X")
        if status == 403 and kind not in WITHHELD:  # noqa: PLR2004
            raise BadInput(f"paket API X milik operator tidak mengizinkan permintaan ini (HTTP 403 {kind[:60]})")
        return None

    def recheck(self, address: str, watermark: Mapping[str, Any], post: KnownPost) -> Ask | None:
        """Ask for the post's first version, and with it for all others."""
        del watermark
        if not _POST_ID.fullmatch(post.external_id):
            return None
        return Ask(_posts_url(parse_address(address), (post.external_id,), ",edit_history_tweet_ids"), kind=_RECHECK)

    def reread(self, address: str, watermark: Mapping[str, Any], ask: Ask, answer: Answer) -> ParsedPost | None:
        """The newest version of the post."""
        del ask
        user = User(str(watermark.get("user_id", "")), parse_address(address).name)
        return read_versions(answer.body, user).posts[-1]


def parse_address(address: str) -> Address:
    """Take `https://x.com/NAME` apart.

    Raises:
        BadInput: it has another form.
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError as error:
        raise BadInput(f"X address {address[:200]!r}: {error}") from error
    name = _PATH.fullmatch(parts.path)
    if name is None or not host or "@" in parts.netloc or (parts.scheme != "http" and host not in _HOSTS):
        raise BadInput(f"X address {address[:200]!r} is not of the form https://x.com/NAME")
    if parts.scheme not in {"http", "https"}:
        raise BadInput(f"X address {address[:200]!r} is not of the form https://x.com/NAME")
    return Address("https://api.x.com" if host in _HOSTS else f"http://{parts.netloc}", name[1])


def parse_posts(body: bytes, address: str, user_id: str) -> Parsed:
    """Read one page of the account's posts.

    Raises:
        BadInput, Gone, Blocked: there is neither a post nor the word that there are none.
    """
    return read_tweets(body, User(user_id, parse_address(address).name)).parsed


def _account(place: Address, watermark: Mapping[str, Any], ask: Ask, body: bytes) -> Page:
    """Whose page it is. Where another account took the name, the walk ends: its posts are not the holder's.

    A known account whose name leads nowhere is asked for by its id: it may have another name now.
    """
    known_id = watermark.get("user_id")
    try:
        user = read_user(body)
    except Gone:
        if not known_id or ask.kind == _ACCOUNT:
            raise
        by_id = Ask(f"{place.origin}/2/users/{known_id}", kind=_ACCOUNT, since=ask.since)
        return Page(Parsed(), dict(watermark), by_id)
    holder = Holder(user.identifier, user.handle or place.name)
    if known_id not in {None, user.identifier}:
        return Page(Parsed(), dict(watermark), holder=holder)
    known = {**watermark, "user_id": user.identifier}
    return Page(Parsed(), known, _timeline(place, known, timeline.first_step(known, ask.since), ask.since), holder)


def _timeline(place: Address, watermark: Mapping[str, Any], step: Step, since: dt.datetime | None) -> Ask:
    query: dict[str, Any] = {"max_results": MOST, **_FIELDS}
    if step.below is not None:
        query["until_id"] = step.below
    if since is not None:
        query["start_time"] = since.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    elif watermark.get("newest"):
        query["since_id"] = watermark["newest"]
        query["max_results"] = MOST if step.kind == timeline.RESUME else FEW
    url = f"{place.origin}/2/users/{watermark['user_id']}/tweets?{urlencode(query, safe=',')}"
    return Ask(url, kind=step.kind, since=since)


def _following(place: Address, watermark: Mapping[str, Any], step: Step, ask: Ask, token: str) -> Ask:
    """The next older page by X's token, with all other parameters as they were; or the newest page after a resume."""
    if step.below is None:
        return _timeline(place, watermark, step, ask.since)
    query = _query(ask)
    if query.get("pagination_token") == token:
        raise BadInput("paging does not advance")
    return dataclasses.replace(_asking(ask, {**query, "pagination_token": token}), kind=step.kind)


def _without_bound(ask: Ask) -> Ask | None:
    """The same page without a lower bound that X refuses: ids that are known end the walk just as well."""
    query = _query(ask)
    return _asking(ask, query) if query.pop("since_id", None) else None


def _leg(watermark: Mapping[str, Any], ask: Ask, page: TweetPage) -> Leg:
    """Where the next older page begins; only X's token says that there is one.

    A page may be empty and not the last: what it holds was withheld.
    """
    reached = (watermark.get("pending") or {}).get("max_id", "1")
    lower = min(page.ids, key=order, default=reached) if page.next_token else None
    return Leg(page.ids, lower, page.oldest, bounded="start_time" in _query(ask))


def _histories(place: Address, page: TweetPage) -> dict[str, Ask]:
    return {external_id: Ask(_posts_url(place, earlier), kind=_HISTORY) for external_id, earlier in page.edited.items()}


def _posts_url(place: Address, ids: tuple[str, ...], expansions: str = "") -> str:
    query = {"ids": ",".join(ids), **_FIELDS, "expansions": _FIELDS["expansions"] + expansions}
    return f"{place.origin}/2/tweets?{urlencode(query, safe=',')}"


def _query(ask: Ask) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(ask.url).query))


def _asking(ask: Ask, query: Mapping[str, str]) -> Ask:
    return dataclasses.replace(ask, url=f"{ask.url.partition('?')[0]}?{urlencode(query, safe=',')}")
