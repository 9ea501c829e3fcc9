"""Clusters of posts with the same or nearly the same text. They are counted and ordered as posts, never by person."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session

from models.accounts import Account
from models.clusters import Cluster, ClusterPost, ClusterText
from models.errors import NotFound
from models.flags import Flag, FlagState
from models.mandates import Mandate
from models.officers import Officer, Role
from models.posts import Post, PostVersion
from models.reviews import Review, hides_outcome
from review_ui.hostile_text import excerpt

PAGE_SIZE = 20
POSTS_SHOWN = 50
EXCERPT_CHARACTERS = 280

PostKey = tuple[str, str]
"""Post and mandate."""


@dataclasses.dataclass(frozen=True, slots=True)
class Size:
    """How many accounts and posts a cluster has, and how many of the posts were flagged."""

    cluster_id: str
    accounts: int
    posts: int
    flags: int


@dataclasses.dataclass(frozen=True, slots=True)
class ClusterLine:
    """One cluster in a list. `text` begins its earliest post."""

    size: Size
    text: str
    first_at: dt.datetime
    last_at: dt.datetime
    mandate: Mandate


@dataclasses.dataclass(frozen=True, slots=True)
class ClusterRow:
    """One post of a cluster. `state` is its flag's, or None where the officer may not be led by it."""

    post: Post
    handle: str
    text: str
    at: dt.datetime
    flag_id: str | None
    state: FlagState | None


@dataclasses.dataclass(frozen=True, slots=True)
class ClusterPage:
    """One page of a cluster's posts by time; every text is set against that of the earliest."""

    size: Size
    mandate: Mandate
    earliest: str
    rows: list[ClusterRow]
    more: bool


def shared_sizes(session: Session, posts: Collection[PostKey]) -> dict[PostKey, Size]:
    """The clusters of those posts whose text stands in posts of other accounts as well; two statements."""
    homes = {
        (post_id, mandate_id): cluster_id
        for post_id, mandate_id, cluster_id in session.execute(
            select(ClusterPost.post_id, ClusterPost.mandate_id, Cluster.id)
            .join(ClusterText, ClusterText.key == ClusterPost.text_key)
            .join(Cluster, Cluster.id == ClusterText.cluster_id)
            .where(tuple_(ClusterPost.post_id, ClusterPost.mandate_id).in_(posts), Cluster.shared)
        )
    }
    sizes = _sizes(session, set(homes.values()))
    return {key: sizes[cluster_id] for key, cluster_id in homes.items()}


def cluster_lines(session: Session, *, newest: bool, page: int) -> tuple[list[ClusterLine], bool]:
    """One page of the clusters with posts of at least two accounts, and whether there are more."""
    order = (Cluster.last_at, Cluster.posts) if newest else (Cluster.posts, Cluster.last_at)
    rows = session.execute(
        select(Cluster, Mandate)
        .join(Mandate, Mandate.id == Cluster.mandate_id)
        .where(Cluster.shared)
        .order_by(*(column.desc() for column in order), Cluster.id)
        .offset(page * PAGE_SIZE)
        .limit(PAGE_SIZE + 1)
    ).all()
    ids = [cluster.id for cluster, _ in rows[:PAGE_SIZE]]
    sizes, earliest = _sizes(session, ids), _earliest(session, ids)
    lines = [
        ClusterLine(sizes[cluster.id], excerpt(text, EXCERPT_CHARACTERS), at, cluster.last_at, mandate)
        for cluster, mandate in rows[:PAGE_SIZE]
        for text, at in [earliest[cluster.id]]
    ]
    return lines, len(rows) > PAGE_SIZE


def load_cluster(session: Session, cluster_id: str, officer: Officer, page: int) -> ClusterPage:
    """One page of a cluster.

    Raises:
        NotFound: nothing carries the id, or its posts were purged or joined another cluster.
    """
    cluster = session.get(Cluster, cluster_id)
    if cluster is None:
        raise NotFound(f"no cluster {cluster_id[:40]}")
    found = session.execute(
        select(Post, PostVersion.text, Account.handle)
        .join(ClusterPost, ClusterPost.post_id == Post.id)
        .join(ClusterText, ClusterText.key == ClusterPost.text_key)
        .join(PostVersion, (PostVersion.post_id == Post.id) & (PostVersion.number == ClusterPost.number))
        .outerjoin(Account, Account.id == Post.account_id)
        .where(ClusterText.cluster_id == cluster_id)
        .order_by(_moment(), Post.id)
        .offset(page * POSTS_SHOWN)
        .limit(POSTS_SHOWN + 1)
    ).all()
    flags = _flags(session, cluster.mandate_id, [post.id for post, *_ in found])
    open_to = _own_outcomes(session, [flag.id for flag in flags.values()], officer)
    rows = [_row(post, text, handle, flags.get(post.id), open_to) for post, text, handle in found[:POSTS_SHOWN]]
    return ClusterPage(
        size=_sizes(session, [cluster_id])[cluster_id],
        mandate=session.get_one(Mandate, cluster.mandate_id),
        earliest=_earliest(session, [cluster_id])[cluster_id][0],
        rows=rows,
        more=len(found) > POSTS_SHOWN,
    )


def _moment() -> ColumnElement[dt.datetime]:
    """When a post was posted, or first seen where the platform does not say."""
    return func.coalesce(Post.posted_at, Post.first_seen_at)


def _row(post: Post, text: str, handle: str | None, flag: Flag | None, open_to: set[str] | None) -> ClusterRow:
    shown = flag is not None and (open_to is None or flag.id in open_to)
    return ClusterRow(
        post=post,
        handle=handle or post.author,
        text=text,
        at=post.posted_at or post.first_seen_at,
        flag_id=None if flag is None else flag.id,
        state=flag.state if flag is not None and shown else None,
    )


def _sizes(session: Session, cluster_ids: Collection[str]) -> dict[str, Size]:
    flagged = (
        select(Flag.post_id)
        .where(Flag.post_id == ClusterPost.post_id, Flag.mandate_id == ClusterPost.mandate_id)
        .exists()
    )
    rows = session.execute(
        select(
            ClusterText.cluster_id,
            func.count(func.distinct(func.coalesce(Post.account_id, ""))),
            func.count(),
            func.count().filter(flagged),
        )
        .join(ClusterPost, ClusterPost.text_key == ClusterText.key)
        .join(Post, Post.id == ClusterPost.post_id)
        .where(ClusterText.cluster_id.in_(cluster_ids))
        .group_by(ClusterText.cluster_id)
    )
    return {row[0]: Size(*row) for row in rows}


def _earliest(session: Session, cluster_ids: Collection[str]) -> dict[str, tuple[str, dt.datetime]]:
    """Text and time of each cluster's earliest post."""
    place = func.row_number().over(partition_by=ClusterText.cluster_id, order_by=(_moment(), Post.id))
    ranked = (
        select(
            ClusterText.cluster_id,
            Post.id.label("post_id"),
            ClusterPost.number,
            _moment().label("at"),
            place.label("place"),
        )
        .join(ClusterPost, ClusterPost.text_key == ClusterText.key)
        .join(Post, Post.id == ClusterPost.post_id)
        .where(ClusterText.cluster_id.in_(cluster_ids))
        .subquery()
    )
    own = (PostVersion.post_id == ranked.c.post_id) & (PostVersion.number == ranked.c.number)
    rows = session.execute(
        select(ranked.c.cluster_id, PostVersion.text, ranked.c.at).join(PostVersion, own).where(ranked.c.place == 1)
    )
    return {cluster_id: (text, at) for cluster_id, text, at in rows}


def _flags(session: Session, mandate_id: str, post_ids: Sequence[str]) -> dict[str, Flag]:
    """The newest flag of each post that has one."""
    rows = select(Flag).where(Flag.post_id.in_(post_ids), Flag.mandate_id == mandate_id).order_by(Flag.raised_at)
    return {flag.post_id: flag for flag in session.scalars(rows)}


def _own_outcomes(session: Session, flag_ids: Sequence[str], officer: Officer) -> set[str] | None:
    """The flags whose state a supervisor may see here: those they judged themselves, for good. What others decided on
    the same text would lead them. None: all, for those who do not judge.
    """
    if Role.SUPERVISOR.value not in officer.roles:
        return None
    mine = select(Review).where(
        Review.flag_id.in_(flag_ids), Review.reviewer_id == officer.id, Review.undone_at.is_(None)
    )
    return {review.flag_id for review in session.scalars(mine) if not hides_outcome(review)}
