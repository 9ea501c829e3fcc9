"""Links to single posts: which platform, whose, and which post, as far as the address itself says.

What is not recognised is no error. Posts in groups are told apart: whether a group is open cannot be seen from there.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

MAX_URL_CHARACTERS = 2_000
MAX_DIGITS = 30


@dataclasses.dataclass(frozen=True, slots=True)
class PostLink:
    """`author` is empty where the address does not name one; `in_group`: behind the door of a group."""

    platform: str
    external_id: str
    author: str = ""
    in_group: bool = False


HOSTS = {
    "facebook.com": "facebook",
    "fb.com": "facebook",
    "instagram.com": "instagram",
    "tiktok.com": "tiktok",
    "threads.net": "threads",
    "threads.com": "threads",
    "twitter.com": "x",
    "x.com": "x",
}
"""Registered names to the names that accounts carry."""

_FACEBOOK_ID = r"(pfbid[0-9A-Za-z]{10,200}|[0-9]{5,30})"
_PATHS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("instagram", re.compile(r"/(?:(?P<author>[\w.]{1,30})/)?(?:p|reel|reels|tv)/(?P<id>[\w-]{5,60})/?")),
    ("tiktok", re.compile(r"/@(?P<author>[\w.]{1,60})/(?:video|photo)/(?P<id>[0-9]{5,30})/?")),
    ("threads", re.compile(r"/@(?P<author>[\w.]{1,60})/post/(?P<id>[\w-]{5,60})(?:/media)?/?")),
    (
        "x",
        re.compile(r"/(?:i(?:/web)?|(?P<author>\w{1,15}))/status(?:es)?/(?P<id>[0-9]{5,30})(?:/(?:photo|video)/\d)?/?"),
    ),
    (
        "facebook",
        re.compile(rf"/(?P<author>[\w.]{{1,80}})/(?:posts|videos)/(?:[^/]{{1,300}}/)?(?P<id>{_FACEBOOK_ID})/?"),
    ),
    ("facebook", re.compile(rf"/(?:reel|share/p)/(?P<id>{_FACEBOOK_ID})/?")),
)
_FACEBOOK_QUERIES = {
    "/permalink.php": ("story_fbid", "id"),
    "/story.php": ("story_fbid", "id"),
    "/photo.php": ("fbid", "id"),
    "/photo/": ("fbid", "id"),
    "/photo": ("fbid", "id"),
    "/watch/": ("v", "id"),
    "/watch": ("v", "id"),
}
_GROUP = re.compile(rf"/groups/[^/]{{1,100}}/(?:posts|permalink)/{_FACEBOOK_ID}/?")
_WHOLE_ID = re.compile(_FACEBOOK_ID)
_NAME = re.compile(r"[\w.]{1,80}")


def platform_of(url: str) -> str:
    """The platform of any address there, or an empty string."""
    return HOSTS.get(_host(url), "")


def post_link(url: str) -> PostLink | None:
    """Take the address of a post apart; None when it is none that we know."""
    platform = platform_of(url)
    if not platform:
        return None
    parts = urlsplit(url)
    if platform == "facebook":
        if group := _GROUP.fullmatch(parts.path):
            return PostLink(platform, group[1], in_group=True)
        if parts.path in _FACEBOOK_QUERIES:
            return _from_query(parts.path, parse_qs(parts.query, max_num_fields=50))
    for name, pattern in _PATHS:
        if name == platform and (found := pattern.fullmatch(parts.path)):
            return PostLink(platform, found["id"], found.groupdict().get("author") or "")
    return None


def author_in(url: str) -> str:
    """The name in the address of a profile, or an empty string: `/nama`, `/@nama`, `/profile.php?id=…`."""
    if not platform_of(url):
        return ""
    parts = urlsplit(url)
    if parts.path == "/profile.php":
        return _number(parse_qs(parts.query, max_num_fields=50), "id")
    name = parts.path.strip("/").split("/")[0].removeprefix("@")
    return name if _NAME.fullmatch(name) else ""


def _from_query(path: str, query: Mapping[str, list[str]]) -> PostLink | None:
    post, owner = _FACEBOOK_QUERIES[path]
    identifier = (query.get(post) or [""])[0]
    if not _WHOLE_ID.fullmatch(identifier):
        return None
    return PostLink("facebook", identifier, _number(query, owner))


def _number(query: Mapping[str, list[str]], name: str) -> str:
    value = (query.get(name) or [""])[0]
    return value if value.isdecimal() and value.isascii() and len(value) <= MAX_DIGITS else ""


def _host(url: str) -> str:
    """The host without `www.`, `m.` and the like; empty for what is no http(s) address."""
    try:
        parts = urlsplit(url) if len(url) <= MAX_URL_CHARACTERS else None
        host = (parts.hostname or "") if parts and parts.scheme in {"http", "https"} else ""
    except ValueError:
        return ""
    for prefix in ("www.", "m.", "mobile.", "web.", "mbasic.", "id-id."):
        host = host.removeprefix(prefix)
    return host
