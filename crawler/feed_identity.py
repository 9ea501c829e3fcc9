"""Which feed items are the same post, when guids and addresses lie.

Guids may be positions ("1", "2", …), may be reused, and may be addresses that change; sites move posts to another
host or slug; texts and titles are edited. So identity is decided by comparing an item with the feed's recent posts
(`Known`, kept in the target's watermark) and asking for two signs that agree. Only an item that is none of them
gets an id of its own, and that id is scoped by the feed's address: no feed can write into another one's posts.
"""

from __future__ import annotations

import collections
import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from crawler.feed_items import FeedItem
from models.canonical import sha256_hex
from models.posts import MAX_ID_CHARACTERS

MEMORY = 1_000
"""Posts remembered beside those of the newest response."""

SIMILAR = 1 / 3
"""Share of common title words from which two titles may be one title, edited."""

_TRACKING = re.compile(r"utm_|fbclid|gclid|ref$|source$")
_NUMBER = re.compile(r"(?<!\d)(\d{6,12})(?:\.html?|\.php)?$")
_DATE = re.compile(r"(?:19|20)\d{6}|\d{4}(?:19|20)\d\d")
_SMALL_NUMBER = re.compile(r"\d{1,4}")
_WORD = re.compile(r"\w+")


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of a post: its id and the signs it was last seen with."""

    external_id: str
    guid: str
    link: str
    title: str
    published: str

    def as_row(self) -> list[str]:
        """As JSON keeps it."""
        return [self.external_id, self.guid, self.link, self.title, self.published]


@dataclasses.dataclass(frozen=True, slots=True)
class Signs:
    """What an item shows of its identity; empty where it shows nothing that can be trusted."""

    guid: str
    link: str
    path: str
    number: str
    title: str
    published: str


def recognise(
    feed: str, items: Sequence[FeedItem], memory: Sequence[Known]
) -> tuple[list[tuple[str, FeedItem]], list[Known]]:
    """Give each item the id of the post it is; returns them with the memory to keep.

    An item that stands twice in one response comes back once. Two items are never one known post.
    """
    repeated = _repeated(items)
    index = _Index(memory)
    taken: dict[str, Known] = {}
    result: list[tuple[str, FeedItem]] = []
    copies: set[tuple[str, ...]] = set()
    for item in items:
        signs = _signs(item, repeated)
        copy = (item.guid, item.link, item.title, item.body, signs.published)
        if copy in copies:
            continue
        copies.add(copy)
        found = index.find(signs, taken)
        external_id = found.external_id if found else _mint(feed, item, signs, index, taken)
        taken[external_id] = Known(external_id, signs.guid, signs.link, signs.title, signs.published)
        result.append((external_id, item))
    older = [known for known in memory if known.external_id not in taken]
    return result, [*taken.values(), *older[:MEMORY]]


def remembered(rows: Any) -> list[Known]:
    """The memory as the watermark holds it."""
    return [Known(*row) for row in rows or ()]


class _Index:
    """Known posts by each sign. A sign that several share proves nothing on its own."""

    def __init__(self, memory: Iterable[Known]) -> None:
        self.ids: set[str] = set()
        self._by: dict[tuple[str, str], list[Known]] = collections.defaultdict(list)
        for known in memory:
            self.ids.add(known.external_id)
            for key in _keys(known.guid, known.link, known.title, known.published):
                self._by[key].append(known)

    def find(self, signs: Signs, taken: dict[str, Known]) -> Known | None:
        """The known post that `signs` belong to, the strongest sign first."""
        for key in _keys(signs.guid, signs.link, signs.title, signs.published):
            for known in self._by.get(key, ()):
                if known.external_id not in taken and _same(key[0], known, signs):
                    return known
        return None


def _keys(guid: str, link: str, title: str, published: str) -> list[tuple[str, str]]:
    found = [("link", link), ("guid", guid), ("number", _number(link)), ("path", _path(link))]
    if not link and not guid:
        found.append(("title", title))
        found.append(("published", published))
    return [(sign, value) for sign, value in found if value]


def _same(sign: str, known: Known, signs: Signs) -> bool:
    """Whether one shared sign, and what the others say, make it the same post."""
    same_time = bool(signs.published) and known.published == signs.published
    same_title = bool(signs.title) and known.title == signs.title
    if sign in {"link", "guid"}:
        other = (known.guid, signs.guid) if sign == "link" else (known.link, signs.link)
        contradicted = all(other) and other[0] != other[1]
        return not contradicted or same_time or same_title
    if sign == "published":
        return _alike(known.title, signs.title)
    if sign == "title":
        return same_time or not (known.published and signs.published)
    return same_time or same_title or (sign == "number" and _alike(known.title, signs.title))


def _alike(one: str, other: str) -> bool:
    first, second = set(_WORD.findall(one.lower())), set(_WORD.findall(other.lower()))
    return bool(first & second) and len(first & second) >= SIMILAR * min(len(first), len(second))


def _repeated(items: Sequence[FeedItem]) -> set[tuple[str, str]]:
    """Guids and links that several different items of one response carry: they name none of them."""
    bearers: dict[tuple[str, str], set[tuple[str, ...]]] = collections.defaultdict(set)
    for item in items:
        bearers["guid", item.guid].add((item.link, item.title, str(item.published)))
        bearers["link", normal_link(item.link)].add((item.guid, item.title, str(item.published)))
    return {sign for sign, several in bearers.items() if len(several) > 1}


def _signs(item: FeedItem, repeated: set[tuple[str, str]]) -> Signs:
    link = normal_link(item.link)
    guid = normal_link(item.guid) if item.guid.startswith(("http://", "https://")) else item.guid
    if ("link", link) in repeated:
        link = ""
    if ("guid", item.guid) in repeated or _SMALL_NUMBER.fullmatch(guid) or guid == normal_link(item.link):
        guid = ""
    return Signs(
        guid=guid[:MAX_ID_CHARACTERS],
        link=link[:2_000],
        path=_path(link),
        number=_number(link),
        title=item.title[:200],
        published=item.published.isoformat() if item.published else "",
    )


def _mint(feed: str, item: FeedItem, signs: Signs, index: _Index, taken: dict[str, Known]) -> str:
    """An id from the best sign there is; one that another post holds is told apart by time, title and text."""
    best = signs.link or signs.guid or f"{signs.title}\n{signs.published}"
    full = f"{signs.guid}\n{signs.link}\n{signs.published}\n{item.title}\n{item.body}"
    for name in (best, full):
        external_id = _scoped(feed, name)
        if external_id not in index.ids and external_id not in taken:
            return external_id
    return _scoped(feed, f"{full}\n{item.position}")


def _scoped(feed: str, name: str) -> str:
    return f"feed:{sha256_hex(feed.encode())[:16]}:{sha256_hex(name.encode())[:40]}"


def normal_link(link: str) -> str:
    """The address without what changes between visits: fragment, tracking, case of host, `www.`, scheme, last slash."""
    try:
        parts = urlsplit(link)
        host = (parts.hostname or "").removeprefix("www.")
        query = urlencode([pair for pair in parse_qsl(parts.query) if not _TRACKING.match(pair[0])])
    except ValueError:
        return link
    if not host:
        return link
    return f"{host}{parts.path.rstrip('/')}" + (f"?{query}" if query else "")


def _path(link: str) -> str:
    """The path without the host, when it is long enough to name a post."""
    path = link.partition("/")[2]
    return path if len(path.rpartition("/")[2]) >= 8 else ""  # noqa: PLR2004 - shorter ones are sections


def _number(link: str) -> str:
    """The article number many sites end an address with; dates are none."""
    found = _NUMBER.search(link.partition("?")[0])
    return "" if found is None or _DATE.fullmatch(found[1]) else found[1]
