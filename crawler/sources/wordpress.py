"""WordPress: one author's posts, from the API that every site since WordPress 4.7 has, and those on wordpress.com.

Addresses: `https://HOST/author/NAME/` and `https://HOST/?author=NUMBER` (a directory may come first), and
`https://HOST/` of a blog that one person alone writes.

API: https://developer.wordpress.org/rest-api/reference/posts/ and /users/; a site without permalinks has it below
`/?rest_route=`, wordpress.com at https://developer.wordpress.com/docs/api/getting-started/.

The watermark is `{"author", "plain", "newest", "pending"}`: the author's number, whether the API is asked below
`rest_route`, and how far the posts are known (`crawler.platforms.timeline`). They come in the order of publication by
the site's own clock, with which `before` compares as well; a post's number is as old as its first draft.

Not seen: pages that are no posts, comments, the hidden text of posts with a password, an edit of a post that is neither
on the newest page nor within a look back.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from crawler.platforms import timeline
from crawler.platforms.timeline import Leg, Step
from crawler.platforms.wordpress_posts import (
    Address,
    list_of,
    local_time,
    moment_at,
    number_at,
    parse_address,
    read_post,
    read_posts,
)
from crawler.source import Answer, Ask, Gone, Holder, KnownPost, Page, Parsed, Source
from crawler.text.jsontext import read_json, text_at
from models.errors import BadInput
from models.posts import ParsedPost

PAGE_SIZE = 100
"""The most a site gives at once. Each run reads the newest page whole, so edits of its posts are seen."""

_AUTHORS, _USER, _USERS, _RECHECK = "authors", "user", "users", "recheck"
_POST_FIELDS = {"_fields": "id,date,date_gmt,modified_gmt,link,title,content,author"}
_USER_FIELDS = {"_fields": "id,slug"}
_SECOND = dt.timedelta(seconds=1)
_POST = re.compile(r"/\?p=([1-9][0-9]{0,17})")
_COUNT = re.compile(r"[0-9]{1,9}")
_CLOSED, _NOT_FOUND = frozenset({401, 403}), 404


class WordPress(Source):
    """The connector; see `crawler.source.Source`."""

    def begin(self, address: str, watermark: Mapping[str, Any], since: dt.datetime | None = None) -> Ask:
        """The newest page, or the rest of an interrupted walk; the author at first and at every look-back."""
        place, plain = parse_address(address), bool(watermark.get("plain"))
        author = watermark.get("author") or place.number
        if author and since is None:
            return _posts(place, {**watermark, "author": author}, timeline.first_step(watermark, None), None)
        if author:
            return Ask(place.api(f"/users/{author}", _USER_FIELDS, plain=plain), _USER, since=since)
        if place.name:
            return Ask(place.api("/users", {"slug": place.name, **_USER_FIELDS}, plain=plain), _USERS, since=since)
        query = {"per_page": PAGE_SIZE, "_fields": "author"}
        return Ask(place.api("/posts", query, plain=plain), _AUTHORS, since=since)

    def read(self, address: str, watermark: Mapping[str, Any], ask: Ask, answer: Answer) -> Page:
        """Read who the author is, or one page of the author's posts."""
        place, data = parse_address(address), read_json(answer.body)
        known = {**watermark, "plain": True} if _is_plain(ask) else dict(watermark)
        if ask.kind == _AUTHORS:
            return _from_the_start(place, known, _only_author(data), ask.since)
        if ask.kind in {_USER, _USERS}:
            number, name = _user(data if ask.kind == _USER else _named(data, place.name))
            return _from_the_start(place, known, number, ask.since, Holder(f"{place.site}/{number}", name))
        known["author"] = watermark.get("author") or place.number
        parsed = read_posts(data, place, known["author"])
        known, step = timeline.take(known, ask, _leg(ask, data, answer.headers.get("x-wp-totalpages", "")))
        return Page(parsed, known, _posts(place, known, step, ask.since) if step else None)

    def refused(self, address: str, watermark: Mapping[str, Any], ask: Ask, status: int, answer: Answer) -> Ask | None:
        """Tell a list of users or an API that is closed from an author, a post or a site that is gone."""
        place, code = parse_address(address), _code(answer.body)
        if status == _NOT_FOUND and code == "rest_post_invalid_id":
            return None
        if status == _NOT_FOUND and code == "rest_user_invalid_id":
            raise Gone("penulis tidak terdaftar lagi di situsnya")
        if status == _NOT_FOUND and not _is_plain(ask) and not place.hosted:
            return dataclasses.replace(ask, url=_plainly(place, ask.url))
        if ask.kind == _USER and status in {*_CLOSED, _NOT_FOUND}:
            known = {**watermark, "author": watermark.get("author") or place.number, "plain": _is_plain(ask)}
            return _posts(place, known, timeline.first_step(known, ask.since), ask.since)
        if ask.kind == _USERS and (status in _CLOSED or (status == _NOT_FOUND and code)):
            blog = f"{place.origin}{place.directory}"
            raise BadInput(f"situs menutup daftar penulisnya (HTTP {status}): pakai alamat {blog}/?author=NOMOR")
        if status == _NOT_FOUND and code:
            raise BadInput("situs tidak membuka REST API WordPress: pakai sumber feed")
        return None

    def recheck(self, address: str, watermark: Mapping[str, Any], post: KnownPost) -> Ask | None:
        """Ask for the post by its number: 404 is deleted, 401 taken back (draft, private or in the bin)."""
        place = parse_address(address)
        found = _POST.fullmatch(post.external_id.removeprefix(place.site))
        if found is None:
            return None
        return Ask(place.api(f"/posts/{found[1]}", _POST_FIELDS, plain=bool(watermark.get("plain"))), _RECHECK)

    def reread(self, address: str, watermark: Mapping[str, Any], ask: Ask, answer: Answer) -> ParsedPost | None:
        """The post as it is now."""
        del ask
        place = parse_address(address)
        return read_post(read_json(answer.body), place, watermark.get("author") or place.number)


def parse_posts(body: bytes, address: str, author: int) -> Parsed:
    """Read one page of posts of the author with this number.

    Raises:
        BadInput: the body is not a JSON list, or the address is malformed.
    """
    return read_posts(read_json(body), parse_address(address), author)


def _posts(place: Address, watermark: Mapping[str, Any], step: Step, since: dt.datetime | None) -> Ask:
    """A page of posts. `before` leaves out its own second, in which other posts may have come: ask one later."""
    query: dict[str, Any] = {"author": watermark["author"], "per_page": PAGE_SIZE, **_POST_FIELDS}
    if step.below is not None:
        query["before"] = (dt.datetime.fromisoformat(step.below) + _SECOND).isoformat()
    url = place.api("/posts", query, plain=bool(watermark.get("plain")))
    return Ask(url, step.kind, conditional=step.kind == timeline.NEWEST and since is None, since=since)


def _leg(ask: Ask, posts: list[Any], pages: str) -> Leg:
    """What the page showed; to the walk, a post's id is when it was published.

    A page may hold less than was asked for though others follow: the site leaves out what it does not show us.
    """
    dated = [(time, moment_at(post, "date_gmt")) for post in posts if (time := local_time(post))]
    times = tuple(time for time, _ in dated)
    more = int(pages) > 1 if _COUNT.fullmatch(pages) else len(posts) >= PAGE_SIZE
    if not times and (posts or more):
        raise BadInput(f"none of {len(posts)} posts has a date")
    before = parse_qs(urlsplit(ask.url).query).get("before", [""])[0]
    asked = (dt.datetime.fromisoformat(before) - _SECOND).isoformat() if before else None
    oldest = min((moment for _, moment in dated if moment is not None), default=None)
    return Leg(times, min(times) if more else None, oldest, asked)


def _from_the_start(
    place: Address, known: Mapping[str, Any], number: int, since: dt.datetime | None, holder: Holder | None = None
) -> Page:
    """Whose page it is, and on to the author's posts."""
    if number == 0:
        return Page(Parsed(), dict(known))
    if known.get("author", number) != number:
        raise BadInput("situs menjawab dengan penulis lain")
    known = {**known, "author": number}
    return Page(Parsed(), known, _posts(place, known, timeline.first_step(known, since), since), holder)


def _only_author(posts: Any) -> int:
    """Who wrote the newest posts; 0 when there are none."""
    authors = sorted({number_at(post, "author") for post in list_of(posts, "posts")})
    if len(authors) > 1:
        listed = ", ".join(map(str, authors[:10]))
        raise BadInput(f"situs ini ditulis beberapa orang: pakai alamat …/?author=NOMOR (ada nomor {listed})")
    return authors[0] if authors else 0


def _named(users: Any, name: str) -> Any:
    for user in list_of(users, "users"):
        if text_at(user, "slug").lower() == name:
            return user
    raise Gone(f"situs tidak mengenal penulis bernama {name} yang mempunyai tulisan umum")


def _user(user: Any) -> tuple[int, str]:
    name = text_at(user, "slug").strip()
    if not name:
        raise BadInput("user without a name")
    return number_at(user, "id"), name[:200]


def _code(body: bytes) -> str:
    """WordPress' own word for what went wrong; empty when it is not WordPress that answers."""
    try:
        return text_at(read_json(body), "code")
    except BadInput:
        return ""


def _is_plain(ask: Ask) -> bool:
    return "rest_route=" in urlsplit(ask.url).query


def _plainly(place: Address, url: str) -> str:
    """The same request in the form that needs no permalinks."""
    parts = urlsplit(url)
    route = parts.path.removeprefix(f"{place.directory}/wp-json/wp/v2")
    return place.api(route, dict(parse_qsl(parts.query)), plain=True)
