"""Posts and their versions: stored once per (source, external id), every text they have had kept."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, ForeignKey, Index, LargeBinary, String, UniqueConstraint, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Id, JsonObject, Row, Sha256, insert_into, storable
from models.canonical import sha256_hex
from models.clock import as_utc, utc_now
from models.errors import BadInput
from models.ids import new_id
from models.log import record
from models.targets import Fetch, Run, Target
from models.tombstones import entombed
from models.vault import SALT_BYTES, commitment, new_salt

MAX_TEXT_CHARACTERS = 100_000
MAX_ID_CHARACTERS = 500
STORE_BATCH = 1_000
"""Posts upserted at a time: databases limit the parameters of a statement (PostgreSQL: 65,535)."""


class PostState(enum.StrEnum):
    """What the platform shows us today. `unavailable`: it is hidden from us, which is not the same as deleted;
    `account_gone`: so is everything of its account. A fetch that failed changes none of it (`models.observations`).
    """

    SEEN = "seen"
    EDITED = "edited"
    DELETED = "deleted"
    UNAVAILABLE = "unavailable"
    ACCOUNT_GONE = "account_gone"


LOST = (PostState.DELETED, PostState.UNAVAILABLE, PostState.ACCOUNT_GONE)
"""States of posts that a crawl no longer sees."""


class SightingState(enum.StrEnum):
    """new → assessed; an edit makes it new again."""

    NEW = "new"
    ASSESSED = "assessed"


@dataclasses.dataclass(frozen=True, slots=True)
class ParsedPost:
    """What a connector understood of one item. Text is cleaned of what no database stores (NUL, surrogates).

    `external_id` identifies the post for ever on its source; `locator` says where in the raw bytes it stands
    (a JSON pointer, a line number); `posted_at` and `edited_at` are aware times.

    Raises:
        BadInput: a time without a zone, an empty or overlong id.
    """

    external_id: str
    text: str
    url: str | None
    posted_at: dt.datetime | None
    locator: str
    author: str = ""
    edited_at: dt.datetime | None = None
    is_repost: bool = False
    attachments: tuple[JsonObject, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < len(self.external_id) <= MAX_ID_CHARACTERS:
            raise BadInput(f"post id of {len(self.external_id)} characters")
        for name in ("external_id", "text", "author", "url", "locator"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, storable(value)[:MAX_TEXT_CHARACTERS])
        for name in ("posted_at", "edited_at"):
            value = getattr(self, name)
            if value is not None:
                try:
                    object.__setattr__(self, name, as_utc(value))
                except (ValueError, OverflowError) as error:
                    raise BadInput(f"post {self.external_id}: {name}: {error}") from error


class Post(Row):
    """One public post. `text_sha256` is that of its newest version; `salt` is that of the commitments to its texts
    in the log, which nobody can link to a text once the post is purged.
    """

    __tablename__ = "posts"
    __table_args__ = (UniqueConstraint("source", "external_id"),)

    source: Mapped[str] = mapped_column(String(32))
    external_id: Mapped[str] = mapped_column(String(MAX_ID_CHARACTERS))
    account_id: Mapped[Id | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    author: Mapped[str]
    url: Mapped[str | None]
    posted_at: Mapped[dt.datetime | None]
    first_seen_at: Mapped[dt.datetime] = mapped_column(index=True)
    last_seen_at: Mapped[dt.datetime]
    text_sha256: Mapped[Sha256]
    salt: Mapped[bytes] = mapped_column(LargeBinary(SALT_BYTES), default_factory=new_salt)
    versions: Mapped[int] = mapped_column(default=1)
    is_repost: Mapped[bool] = mapped_column(default=False)
    state: Mapped[PostState] = mapped_column(default=PostState.SEEN)


class PostVersion(Row):
    """One text the post has had, and the raw bytes it was read from (`fetch_id`, `locator`)."""

    __tablename__ = "post_versions"
    __table_args__ = (UniqueConstraint("post_id", "number"),)

    post_id: Mapped[Id] = mapped_column(ForeignKey("posts.id"))
    number: Mapped[int]
    text: Mapped[str]
    text_sha256: Mapped[Sha256]
    seen_at: Mapped[dt.datetime]
    edited_at: Mapped[dt.datetime | None]
    fetch_id: Mapped[Id] = mapped_column(ForeignKey("fetches.id"), index=True)
    locator: Mapped[str]
    attachments: Mapped[list[JsonObject]] = mapped_column(default_factory=list)


_NEW = text("state = 'new'")


class Sighting(Base):
    """This post is visible under this mandate; the unit of work of the assessing stage."""

    __tablename__ = "sightings"
    __table_args__ = (
        Index("ix_sightings_new", "post_id", sqlite_where=_NEW, postgresql_where=_NEW),
        {"sqlite_with_rowid": False},
    )

    post_id: Mapped[Id] = mapped_column(ForeignKey("posts.id"), primary_key=True)
    mandate_id: Mapped[Id] = mapped_column(ForeignKey("mandates.id"), primary_key=True)
    state: Mapped[SightingState] = mapped_column(default=SightingState.NEW)


@dataclasses.dataclass(frozen=True, slots=True)
class Stored:
    """What `store_posts` did, in posts."""

    seen: int
    new: int
    edited: int


def store_posts(
    session: Session,
    run: Run,
    fetch: Fetch,
    parsed: Sequence[ParsedPost],
    *,
    actor: str,
    at: dt.datetime | None = None,
) -> Stored:
    """Upsert one response's posts; running it twice changes nothing.

    A known post with another text gets a new version and is assessed again. Two items with the same id in one
    response count once, the last one wins. A post that retention purged is seen, but not stored again; one that
    belongs to another account is left alone. Costs a
    fixed number of statements for each `STORE_BATCH` posts, and one log entry for each batch that changed something.
    """
    moment = at or utc_now()
    target = session.get_one(Target, run.target_id)
    wanted = {post.external_id: post for post in parsed}
    # In one order for everybody: two runs that meet the same posts wait for each other instead of deadlocking.
    keys = sorted(wanted)
    new = edited = 0
    for start in range(0, len(keys), STORE_BATCH):
        batch = {key: wanted[key] for key in keys[start : start + STORE_BATCH]}
        fresh, changed, again = _store_batch(session, target, fetch, batch, moment)
        new, edited = new + len(fresh), edited + len(changed)
        if fresh or changed:
            told = [[post.id, post.versions, commitment(post.salt, post.item.text)] for post in fresh + changed]
            record(session, "posts.stored", run, actor=actor, at=moment, fetch=fetch.id,
                   body_sha256=fetch.body_sha256, posts=told)  # fmt: skip
        if again:
            record(session, "posts.seen_again", run, actor=actor, at=moment, fetch=fetch.id, posts=again)
    stored = Stored(seen=len(wanted), new=new, edited=edited)
    run.posts_seen += stored.seen
    run.posts_new += stored.new
    run.posts_edited += stored.edited
    return stored


def store_history(
    session: Session, run: Run, fetch: Fetch, texts: Sequence[ParsedPost], *, actor: str, at: dt.datetime | None = None
) -> int:
    """Store the texts one post has had, oldest first, as its platform tells them; returns how many were new.

    Only texts after the newest known one are added: what we saw ourselves stays in the order in which we saw it.
    """
    known = session.scalar(
        select(Post.text_sha256).where(
            Post.source == session.get_one(Target, run.target_id).source, Post.external_id == texts[0].external_id
        )
    )
    digests = [sha256_hex(text.text.encode()) for text in texts]
    start = digests.index(known) + 1 if known in digests else 0
    added = 0
    for item in texts[start:]:
        stored = store_posts(session, run, fetch, [item], actor=actor, at=at)
        added += stored.new + stored.edited
    return added


@dataclasses.dataclass(slots=True)
class _Known:
    """A stored post as its row says, with what the response says of it."""

    id: str
    account_id: str | None
    text_sha256: str
    versions: int
    state: PostState
    is_repost: bool
    salt: bytes
    item: ParsedPost


def _store_batch(
    session: Session, target: Target, fetch: Fetch, wanted: Mapping[str, ParsedPost], moment: dt.datetime
) -> tuple[list[_Known], list[_Known], list[str]]:
    """Returns the new and the edited posts, and the ids of those that were lost and are seen again."""
    # Locked before the tombstones are asked: a post is either known here, or its tombstone is there to be seen.
    known = _lock_known(session, target.source, wanted)
    unknown = wanted.keys() - known.keys()
    unknown -= entombed(session, target.source, unknown)
    fresh = _insert_new(session, target, fetch, [wanted[key] for key in sorted(unknown)], moment)
    if len(fresh) < len(unknown):  # another run stored some of them a moment ago
        known |= _lock_known(session, target.source, {key: wanted[key] for key in unknown - fresh.keys()})
    # An id that another account wrote under is no edit of that account's post, whoever's server says so.
    ours = [post for post in known.values() if post.account_id == target.account_id]
    edited = [post for post in ours if post.text_sha256 != sha256_hex(post.item.text.encode())]
    again = [post for post in ours if post.state in LOST]
    if ours:
        seen = update(Post).where(Post.id.in_([post.id for post in ours])).values(last_seen_at=moment)
        session.execute(seen.execution_options(synchronize_session=False))
    _set_states(session, [post for post in again if post.versions == 1], PostState.SEEN)
    _set_states(session, [post for post in again if post.versions > 1], PostState.EDITED)
    _add_versions(session, edited, fetch, moment)
    _sight(session, target, [*fresh.values(), *ours], edited)
    return list(fresh.values()), edited, sorted(post.id for post in again)


def _lock_known(session: Session, source: str, wanted: Mapping[str, ParsedPost]) -> dict[str, _Known]:
    """Those posts as they are now, held until the transaction ends, so that two edits do not overtake each other."""
    if not wanted:
        return {}
    rows = select(
        Post.external_id,
        Post.id,
        Post.account_id,
        Post.text_sha256,
        Post.versions,
        Post.state,
        Post.is_repost,
        Post.salt,
    )
    asked = rows.where(Post.source == source, Post.external_id.in_(wanted)).order_by(Post.id).with_for_update()
    return {
        row.external_id: _Known(
            id=row.id,
            account_id=row.account_id,
            text_sha256=row.text_sha256,
            versions=row.versions,
            state=row.state,
            is_repost=row.is_repost,
            salt=row.salt,
            item=wanted[row.external_id],
        )
        for row in session.execute(asked)
    }


def _insert_new(
    session: Session, target: Target, fetch: Fetch, items: Sequence[ParsedPost], moment: dt.datetime
) -> dict[str, _Known]:
    """Insert the posts nobody has stored yet, with their first version; returns them by external id."""
    posts = {
        item.external_id: _Known(
            id=new_id(),
            account_id=target.account_id,
            text_sha256=sha256_hex(item.text.encode()),
            versions=1,
            state=PostState.SEEN,
            is_repost=item.is_repost,
            salt=new_salt(),
            item=item,
        )
        for item in items
    }
    if not posts:
        return {}
    rows = [_post_row(target.source, post, moment) for post in posts.values()]
    # Two runs may meet the same post at the same time: the database decides who was first.
    statement = insert_into(session, Post).on_conflict_do_nothing(index_elements=["source", "external_id"])
    done = cast("CursorResult[Any]", session.execute(statement, rows))
    if done.rowcount == len(rows):
        fresh = posts
    else:
        stored = set(session.scalars(select(Post.id).where(Post.id.in_([post.id for post in posts.values()]))))
        fresh = {key: post for key, post in posts.items() if post.id in stored}
    if fresh:
        versions = [_version_row(post, fetch, moment) for post in fresh.values()]
        session.execute(insert_into(session, PostVersion), versions)
    return fresh


def _post_row(source: str, post: _Known, moment: dt.datetime) -> dict[str, object]:
    item = post.item
    return {
        "id": post.id,
        "source": source,
        "external_id": item.external_id,
        "account_id": post.account_id,
        "author": item.author,
        "url": item.url,
        "posted_at": item.posted_at,
        "first_seen_at": moment,
        "last_seen_at": moment,
        "text_sha256": post.text_sha256,
        "salt": post.salt,
        "versions": 1,
        "is_repost": item.is_repost,
        "state": PostState.SEEN,
    }


def _version_row(post: _Known, fetch: Fetch, moment: dt.datetime) -> dict[str, object]:
    item = post.item
    return {
        "id": new_id(),
        "post_id": post.id,
        "number": post.versions,
        "text": item.text,
        "text_sha256": post.text_sha256,
        "seen_at": moment,
        "edited_at": item.edited_at,
        "fetch_id": fetch.id,
        "locator": item.locator,
        "attachments": list(item.attachments),
    }


def _add_versions(session: Session, posts: Sequence[_Known], fetch: Fetch, moment: dt.datetime) -> None:
    """Give each of these posts its new text as its next version."""
    if not posts:
        return
    for post in posts:
        post.versions, post.text_sha256 = post.versions + 1, sha256_hex(post.item.text.encode())
    session.execute(insert_into(session, PostVersion), [_version_row(post, fetch, moment) for post in posts])
    session.execute(
        update(Post),
        [
            {"id": post.id, "versions": post.versions, "text_sha256": post.text_sha256, "state": PostState.EDITED}
            for post in posts
        ],
    )


def _set_states(session: Session, posts: Sequence[_Known], state: PostState) -> None:
    if posts:
        ids = [post.id for post in posts]
        session.execute(update(Post).where(Post.id.in_(ids)).values(state=state))


def _sight(session: Session, target: Target, posts: Sequence[_Known], edited: Sequence[_Known]) -> None:
    """Note that the posts are visible under the target's mandate, and send edited ones to be assessed again."""
    rows = [
        {"post_id": post.id, "mandate_id": target.mandate_id, "state": SightingState.NEW}
        for post in posts
        if not post.is_repost
    ]
    if rows:
        session.execute(insert_into(session, Sighting).on_conflict_do_nothing(), rows)
    if edited:
        # Stated, not left to the unit of work: a row that was read as new may just be turning assessed.
        again = update(Sighting).where(Sighting.post_id.in_([post.id for post in edited]))
        session.execute(again.values(state=SightingState.NEW))
