"""What X's API v2 says: posts with what is attached to them, and the problems it reports instead.

Objects: https://docs.x.com/x-api/fundamentals/data-dictionary; edits: https://docs.x.com/x-api/fundamentals/edit-posts.
An edit makes a post with a new id; `edit_history_tweet_ids` names them all, the first one first. That first id is the
post's for ever.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from typing import Any

from crawler.platforms.timeline import order
from crawler.source import Blocked, Gone, Parsed, Unparsed, unparsed
from crawler.text.jsontext import read_json, text_at, value_at
from crawler.text.moments import from_epoch, parse_moment
from models.base import JsonObject, storable
from models.errors import BadInput
from models.posts import ParsedPost

MAX_ATTACHMENTS = 20
MAX_EDITS = 20
"""Versions taken from one post's history; X allows five edits."""

_Included = dict[tuple[str, str], Any]
_ID = re.compile(r"[1-9][0-9]{0,19}")
_REPOST = re.compile(r"RT @([A-Za-z0-9_]{1,15}): ")
_SNOWFLAKE_EPOCH_MS = 1_288_834_974_657
_FIRST_SNOWFLAKE = 29_700_859_247
_ESCAPES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
"""The three characters that X escapes in texts; `&amp;` last, so that nothing is unescaped twice."""
WITHHELD = frozenset({"not-authorized-for-resource", "resource-unavailable", "disallowed-resource"})
"""Kinds of problems that say: it is there, but not for us."""


@dataclasses.dataclass(frozen=True, slots=True)
class User:
    """Whose posts are read; with an empty id, anybody's pass."""

    identifier: str
    handle: str


@dataclasses.dataclass(frozen=True, slots=True)
class TweetPage:
    """One response: `ids` of all its posts, understood or not; `oldest`: when the one with the lowest id was posted;
    `edited`: the ids of the earlier versions of edited posts, by external id; `next_token`: of the page after it.
    """

    parsed: Parsed
    ids: tuple[str, ...]
    oldest: dt.datetime | None
    edited: dict[str, tuple[str, ...]]
    next_token: str


def read_user(body: bytes) -> User:
    """The user a look-up found.

    Raises:
        BadInput, Gone, Blocked: there is none, as the body says.
    """
    answer = read_json(body)
    identifier = text_at(answer, "data", "id")
    if not _ID.fullmatch(identifier):
        raise _problem(answer)
    return User(identifier, text_at(answer, "data", "username"))


def read_tweets(body: bytes, user: User) -> TweetPage:
    """Read the posts of a response that belong to this user; reposts come back as `is_repost`.

    A version that a later one replaced is passed over: the later one is in the same timeline, and names it.

    Raises:
        BadInput, Gone, Blocked: there is neither a post nor the word that there are none.
    """
    answer = read_json(body)
    items = value_at(answer, "data")
    items = [items] if isinstance(items, dict) else items
    if not isinstance(items, list):
        if value_at(answer, "meta", "result_count") != 0:
            raise _problem(answer)
        items = []
    return _read_items(items, _included(answer), user, text_at(answer, "meta", "next_token")[:200])


def read_versions(body: bytes, user: User) -> Parsed:
    """All versions of one post that a response holds, oldest first: asked-for posts and those they expand to.

    Raises:
        BadInput, Gone, Blocked: there is none, as the body says.
    """
    answer = read_json(body)
    items: dict[str, tuple[Any, str]] = {}
    for path in (("data",), ("includes", "tweets")):
        found = value_at(answer, *path)
        listed = [found] if isinstance(found, dict) else found if isinstance(found, list) else []
        for index, item in enumerate(listed[:MAX_EDITS]):
            items.setdefault(text_at(item, "id"), (item, f"/{'/'.join(path)}/{index}"))
    first = {_chain(item)[0] for item, locator in items.values() if locator.startswith("/data") and text_at(item, "id")}
    if not first:
        raise _problem(answer)
    posts, included = [], _included(answer)
    for identifier in sorted(items, key=order):
        item, locator = items[identifier]
        if identifier and _chain(item)[0] in first:
            posts.append(_post(item, included, user, locator))
    return Parsed(tuple(posts))


def _read_items(items: list[Any], included: _Included, user: User, next_token: str) -> TweetPage:
    posts: list[ParsedPost] = []
    strange: list[Unparsed] = []
    moments: dict[str, dt.datetime | None] = {}
    edited: dict[str, tuple[str, ...]] = {}
    for index, item in enumerate(items):
        try:
            chain = _chain(item)
            identifier = text_at(item, "id")
            moments[identifier] = parse_moment(value_at(item, "created_at"))
            if identifier != chain[-1]:
                continue
            post = _post(item, included, user, f"/data/{index}")
        except BadInput as error:
            strange.append(unparsed(f"/data/{index}", error))
            continue
        posts.append(post)
        if len(chain) > 1 and not post.is_repost:
            edited[post.external_id] = chain[:-1]
    lowest = min(moments, key=order, default="")
    return TweetPage(Parsed(tuple(posts), tuple(strange)), tuple(moments), moments.get(lowest), edited, next_token)


def _chain(item: Any) -> tuple[str, ...]:
    """The ids of the post's versions, oldest first; its own id is among them."""
    identifier = text_at(item, "id")
    if not _ID.fullmatch(identifier):
        raise BadInput("post without a usable id")
    listed = value_at(item, "edit_history_tweet_ids")
    named = [each for each in (listed if isinstance(listed, list) else [])[:MAX_EDITS] if isinstance(each, str)]
    return tuple(sorted({identifier, *(each for each in named if _ID.fullmatch(each))}, key=order))


def _post(item: Any, included: _Included, user: User, locator: str) -> ParsedPost:
    author_id = text_at(item, "author_id")
    if author_id and user.identifier and author_id != user.identifier:
        raise BadInput("post of another account")
    chain = _chain(item)
    moment = parse_moment(value_at(item, "created_at"))
    reposted = _referenced(item, "retweeted")
    original = included.get(("tweets", reposted))
    shown = original if original is not None else item
    return ParsedPost(
        external_id=chain[0],
        text=_text(shown),
        url=f"https://x.com/{user.handle}/status/{chain[-1]}",
        posted_at=moment if len(chain) == 1 else _made_at(chain[0]) or moment,
        locator=locator,
        author=_first_author(item, included, original) if reposted else user.handle,
        edited_at=moment if text_at(item, "id") != chain[0] else None,
        is_repost=bool(reposted),
        attachments=tuple(_attachments(shown, included)),
    )


def _text(item: Any) -> str:
    """The whole text; `text` is cut where `note_tweet` has a longer one."""
    text = value_at(item, "note_tweet", "text")
    if not isinstance(text, str):
        text = value_at(item, "text")
    if not isinstance(text, str):
        raise BadInput("post without text")
    for escape, character in _ESCAPES:
        text = text.replace(escape, character)
    return text


def _attachments(item: Any, included: _Included) -> list[JsonObject]:
    """Media with their descriptions, the options of a poll, and which post is quoted."""
    found: list[JsonObject] = []
    for key in _keys(item, "media_keys"):
        media = included.get(("media", key))
        found.append(
            {
                "kind": {"photo": "image", "animated_gif": "gifv"}.get(kind := text_at(media, "type")[:20], kind),
                "description": storable(text_at(media, "alt_text")[:5_000]),
                "url": storable((text_at(media, "url") or text_at(media, "preview_image_url"))[:2_000]),
            }
        )
    for key in _keys(item, "poll_ids"):
        options = value_at(included.get(("polls", key)), "options")
        labels = [storable(text_at(each, "label")[:500]) for each in (options if isinstance(options, list) else [])]
        found.append({"kind": "poll", "options": labels[:MAX_ATTACHMENTS]})
    if quoted := _referenced(item, "quoted"):
        found.append({"kind": "quote", "url": f"https://x.com/i/status/{quoted}"})
    return found


def _keys(item: Any, name: str) -> list[str]:
    keys = value_at(item, "attachments", name)
    return [key for key in (keys if isinstance(keys, list) else []) if isinstance(key, str)][:MAX_ATTACHMENTS]


def _referenced(item: Any, relation: str) -> str:
    """The id of the post that this one reposts or quotes; empty: it does not."""
    references = value_at(item, "referenced_tweets")
    for reference in references if isinstance(references, list) else []:
        if text_at(reference, "type") == relation and _ID.fullmatch(text_at(reference, "id")):
            return text_at(reference, "id")
    return ""


def _included(answer: Any) -> _Included:
    """What came along with the posts, by kind and id."""
    found: _Included = {}
    for kind, key in (("tweets", "id"), ("users", "id"), ("polls", "id"), ("media", "media_key")):
        listed = value_at(answer, "includes", kind)
        for each in listed if isinstance(listed, list) else []:
            found[kind, text_at(each, key)] = each
    return found


def _first_author(item: Any, included: _Included, original: Any) -> str:
    """Whose post is reposted: the expanded author, or the name that the repost's text begins with."""
    begin = _REPOST.match(text_at(item, "text"))
    author = text_at(included.get(("users", text_at(original, "author_id"))), "username")[:50]
    return author or (begin[1] if begin else "")


def _made_at(identifier: str) -> dt.datetime | None:
    """When an id was given out: ids since November 2010 carry the moment."""
    number = int(identifier)
    return from_epoch(((number >> 22) + _SNOWFLAKE_EPOCH_MS) / 1000) if number > _FIRST_SNOWFLAKE else None


def problem_kind(body: bytes) -> str:
    """The last word of the type of the problem that a body reports, or its title; empty: it reports none."""
    try:
        problem = _first_problem(read_json(body))
    except BadInput:
        return ""
    kind = text_at(problem, "type").rpartition("/")[2]
    return kind if kind not in {"", "about:blank"} else text_at(problem, "title")


def _first_problem(answer: Any) -> Any:
    listed = value_at(answer, "errors")
    return listed[0] if isinstance(listed, list) and listed else answer


def _problem(answer: Any) -> Exception:
    """What a response without data means: https://docs.x.com/x-api/fundamentals/response-codes-and-errors."""
    problem = _first_problem(answer)
    kind, title = text_at(problem, "type").rpartition("/")[2], text_at(problem, "title")
    told = storable(" ".join((text_at(problem, "detail") or title or "tanpa data").split())[:150])
    if "suspended" in told.lower():
        return Gone(f"akun ditangguhkan (suspended) oleh X: {told}")
    if kind == "resource-not-found" or title == "Not Found Error":
        return Gone(f"X: {told}")
    if kind in WITHHELD or title in {"Authorization Error", "Forbidden"}:
        return Blocked(f"X tidak menampilkannya kepada kita: {told}")
    return BadInput(f"X answered without data: {told}")
