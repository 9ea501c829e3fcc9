"""What became of stored posts, each change with its evidence: edited, deleted, account gone, blocked to us, not known.

Edits are versions (`models.posts`); the others are rows here. A post that is listed again after it was lost is noted
in the log by `store_posts`.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Id, Row
from models.log import record
from models.posts import LOST, Post, PostState
from models.targets import Fetch, Run, Target


class Sight(enum.StrEnum):
    """`failed`: asked, and nobody can say; it changes no post's state."""

    SEEN_AGAIN = "seen_again"
    DELETED = "deleted"
    BLOCKED = "blocked"
    ACCOUNT_GONE = "account_gone"
    FAILED = "failed"


_STATES = {
    Sight.DELETED: PostState.DELETED,
    Sight.BLOCKED: PostState.UNAVAILABLE,
    Sight.ACCOUNT_GONE: PostState.ACCOUNT_GONE,
}


class Observation(Row):
    """A post was looked for and found changed. `fetch_id`: the answer that shows it; None when none came."""

    __tablename__ = "observations"

    post_id: Mapped[Id] = mapped_column(ForeignKey("posts.id"), index=True)
    run_id: Mapped[Id] = mapped_column(ForeignKey("runs.id"))
    fetch_id: Mapped[Id | None] = mapped_column(ForeignKey("fetches.id"))
    sight: Mapped[Sight]
    reason: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column(index=True)


def unlisted_posts(session: Session, run: Run, *, since: dt.datetime, limit: int) -> Sequence[Post]:
    """The account's posts since then that the run has not met though it looked back that far, oldest sight first.

    None for official feeds, whose posts belong to no account.
    """
    target = session.get_one(Target, run.target_id)
    if target.account_id is None or run.started_at is None:
        return []
    return session.scalars(
        select(Post)
        .where(
            Post.source == target.source,
            Post.account_id == target.account_id,
            func.coalesce(Post.posted_at, Post.first_seen_at) >= since,
            Post.last_seen_at < run.started_at,
            Post.state.not_in((PostState.DELETED, PostState.ACCOUNT_GONE)),
        )
        .order_by(Post.last_seen_at, Post.id)
        .limit(limit)
    ).all()


def observe(
    session: Session,
    run: Run,
    post: Post,
    sight: Sight,
    *,
    fetch: Fetch | None,
    reason: str,
    actor: str,
    at: dt.datetime,
) -> None:
    """Note what a look for one post showed; the same sight twice in a row is noted once."""
    state = _STATES.get(sight)
    if state is not None and post.state is state:
        return
    if sight is Sight.FAILED and _newest(session, post.id) is Sight.FAILED:
        return
    if sight is Sight.SEEN_AGAIN:
        state = PostState.EDITED if post.versions > 1 else PostState.SEEN
        post.last_seen_at = at
        if post.state is state:
            return
    if state is not None:
        post.state = state
    _note(session, run, [post.id], sight, fetch, reason, actor, at)


def observe_account(
    session: Session, run: Run, sight: Sight, *, since: dt.datetime, fetch: Fetch | None, reason: str, actor: str,
    at: dt.datetime,
) -> int:  # fmt: skip
    """Note that the whole account is gone or blocked: for its posts since then; returns how many changed."""
    target, state = session.get_one(Target, run.target_id), _STATES[sight]
    if target.account_id is None:
        return 0
    posts = session.scalars(
        select(Post)
        .where(
            Post.source == target.source,
            Post.account_id == target.account_id,
            func.coalesce(Post.posted_at, Post.first_seen_at) >= since,
            Post.state.not_in(LOST),
        )
        .order_by(Post.id)
        .with_for_update()
    ).all()
    for post in posts:
        post.state = state
    if posts:
        _note(session, run, [post.id for post in posts], sight, fetch, reason, actor, at)
    return len(posts)


def _newest(session: Session, post_id: str) -> Sight | None:
    newest = select(Observation.sight).where(Observation.post_id == post_id).order_by(Observation.id.desc()).limit(1)
    return session.scalar(newest)


def _note(
    session: Session, run: Run, post_ids: Sequence[str], sight: Sight, fetch: Fetch | None, reason: str, actor: str,
    at: dt.datetime,
) -> None:  # fmt: skip
    fetch_id = None if fetch is None else fetch.id
    session.add_all(
        Observation(post_id=post_id, run_id=run.id, fetch_id=fetch_id, sight=sight, reason=reason, at=at)
        for post_id in post_ids
    )
    record(session, f"posts.{sight.value}", run, actor=actor, at=at, posts=list(post_ids), fetch=fetch_id,
           words={"reason": reason})  # fmt: skip
