"""Which feed items are the same post, when guids and addresses lie.

Guids may be positions ("1", "2", …), may be reused, and may be addresses that change; sites move posts to another
host or slug; texts and titles are edited. So identity is decided by comparing an item with the feed's recent posts
(`Known`, kept in the target's watermark) and asking for two signs that agree. Only an item that is none of them
gets an id of its own, and that id is scoped by the feed's address: no feed can write into another one's posts.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from crawler.feeds.items import FeedItem
from models.canonical import sha256_hex

MEMORY = 2_000
"""Posts remembered, those of the newest response first."""

MAX_SIGN_CHARACTERS = 300
MAX_CANDIDATES = 50
"""Known posts with the same sign that are compared with an item; a feed made to cost time has many."""

SIMILAR = 1 / 3
"""Share of common title words from which two titles may be one title, edited."""

_STRONG = frozenset({"link", "guid"})
_WEAK = frozenset({"number", "path", "title", "published"})
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
    title: str
    published: str


def recognise(
    feed: str, items: Sequence[FeedItem], memory: Sequence[Known]
) -> tuple[list[tuple[str, FeedItem]], list[Known]]:
    """Give each item the id of the post it is; returns them with the memory to keep.

    A post that one response lists twice comes back once, as it stands first. Two items are never one known post.
    """
    listed = _listed_once(items)
    index = _Index(memory)
    found = index.match([signs for _, signs in listed])
    taken: dict[str, Known] = {known.external_id: known for known in found if known is not None}
    result: list[tuple[str, FeedItem]] = []
    for (item, signs), known in zip(listed, found, strict=True):
        external_id = known.external_id if known else _mint(feed, item, signs, index, taken)
        taken[external_id] = Known(external_id, signs.guid, signs.link, signs.title, signs.published)
        result.append((external_id, item))
    older = [known for known in memory if known.external_id not in taken]
    return result, [*taken.values(), *older][:MEMORY]


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

    def match(self, items: Sequence[Signs]) -> list[Known | None]:
        """The known post of each item, or None. Strong signs choose first, so that no weak one takes their post."""
        found: list[Known | None] = [None] * len(items)
        taken: set[str] = set()
        for tier in (_STRONG, _WEAK):
            for place, signs in enumerate(items):
                if found[place] is None and (known := self._find(signs, tier, taken)):
                    found[place] = known
                    taken.add(known.external_id)
        return found

    def _find(self, signs: Signs, tier: frozenset[str], taken: set[str]) -> Known | None:
        for key in _keys(signs.guid, signs.link, signs.title, signs.published):
            if key[0] in tier:
                free = (known for known in self._by.get(key, ()) if known.external_id not in taken)
                for known in itertools.islice(free, MAX_CANDIDATES):
                    if _same(key[0], known, signs):
                        return known
        return None


def _keys(guid: str, link: str, title: str, published: str) -> list[tuple[str, str]]:
    found = [("link", link), ("guid", guid), ("number", _number(link)), ("path", _path(link)), ("title", title)]
    if not link and not guid:
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
        nothing_else = not (known.link or known.guid or signs.link or signs.guid)
        return same_time or (nothing_else and not (known.published and signs.published))
    return same_time or same_title or (sign == "number" and _alike(known.title, signs.title))


def _alike(one: str, other: str) -> bool:
    first, second = set(_WORD.findall(one.lower())), set(_WORD.findall(other.lower()))
    return bool(first & second) and len(first & second) >= SIMILAR * min(len(first), len(second))


def _listed_once(items: Sequence[FeedItem]) -> list[tuple[FeedItem, Signs]]:
    """The items with their signs, each post once."""
    repeated = _repeated(items)
    listed: dict[str, tuple[FeedItem, Signs]] = {}
    for item in items:
        signs = _signs(item, repeated)
        listed.setdefault(signs.link or signs.guid or f"{signs.published}\n{item.text}", (item, signs))
    return list(listed.values())


def _repeated(items: Sequence[FeedItem]) -> set[tuple[str, str]]:
    """Guids and links that plainly different items of one response carry: they name none of them."""
    bearers: dict[tuple[str, str], list[FeedItem]] = collections.defaultdict(list)
    for item in items:
        bearers["guid", _own_guid(item)].append(item)
        bearers["link", normal_link(item.link)].append(item)
    return {sign for sign, several in bearers.items() if len(several) > 1 and _different(sign[0], several)}


def _different(sign: str, items: Sequence[FeedItem]) -> bool:
    """Whether items that share a sign differ in title and in one thing more, so that none is a copy of another."""
    others = {normal_link(item.link) if sign == "guid" else _own_guid(item) for item in items}
    times = {item.published for item in items}
    return len({item.title for item in items}) > 1 and (len(others) > 1 or len(times) > 1 or times == {None})


def _own_guid(item: FeedItem) -> str:
    """The guid, unless it is a position or repeats the link."""
    guid = normal_link(item.guid) if item.guid.startswith(("http://", "https://")) else item.guid
    return "" if _SMALL_NUMBER.fullmatch(guid) or guid == normal_link(item.link) else guid


def _signs(item: FeedItem, repeated: set[tuple[str, str]]) -> Signs:
    guid, link = _own_guid(item), normal_link(item.link)
    return Signs(
        guid="" if ("guid", guid) in repeated else _bounded(guid),
        link="" if ("link", link) in repeated else _bounded(link),
        title=item.title[:MAX_SIGN_CHARACTERS],
        published=item.published.isoformat() if item.published else "",
    )


def _bounded(sign: str) -> str:
    return sign if len(sign) <= MAX_SIGN_CHARACTERS else sha256_hex(sign.encode())


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
