"""How posts come into clusters and leave them (`models.clusters`). Each function is a part of one transaction.

When a text goes (an edit, retention), what it held together may fall apart: its cluster is dissolved, and the texts
that are left are placed anew, once, however many went. So clusters are always those of the texts that there are.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import delete, exists, func, insert, select, tuple_, update
from sqlalchemy.orm import Session

from models.clusters import Cluster, ClusterBand, ClusterPost, ClusterText, Tally, pack_bands, unpack_bands
from models.groups import Groups
from models.ids import new_id
from models.mandates import Mandate
from models.posts import Post

AT_ONCE = 200
"""Databases limit the parameters of a statement (PostgreSQL: 65,535), and every text has several bands."""

PostKey = tuple[str, str]
"""Post and mandate."""


@dataclasses.dataclass(frozen=True, slots=True)
class Likeness:
    """What the version `number` of a post is like under a mandate. `key` is the same for equal texts of one mandate
    (None: a text without words is like nothing); texts that share one of `bands` are nearly equal. Both are signed
    64-bit numbers.
    """

    post_id: str
    mandate_id: str
    number: int
    assessed_at: dt.datetime
    key: int | None
    bands: tuple[int, ...] = ()


def clustered_through(session: Session) -> dt.datetime | None:
    """When the newest of the texts that were looked at was assessed."""
    return session.scalar(select(func.max(ClusterPost.assessed_at)))


def join_posts(session: Session, found: Sequence[Likeness]) -> int:
    """Note which texts these posts have; returns for how many that was new.

    A post that was edited meanwhile waits for its next version; one that had another text leaves that.
    """
    posts = _lock_posts(session, {one.post_id for one in found})
    _lock_mandates(session, {one.mandate_id for one in found})
    known = _memberships(session, [(one.post_id, one.mandate_id) for one in found])
    due = {(one.post_id, one.mandate_id): one for one in found if _is_due(one, posts, known)}
    _leave(session, [known[key] for key in due if key in known])
    session.add_all(
        ClusterPost(
            post_id=one.post_id,
            mandate_id=one.mandate_id,
            number=one.number,
            text_key=one.key,
            assessed_at=one.assessed_at,
        )
        for one in due.values()
    )
    _count(session, [one for one in due.values() if one.key is not None], posts)
    session.flush()
    return len(due)


def place_texts(session: Session, *, limit: int = AT_ONCE) -> int:
    """Put up to `limit` texts that are in no cluster into theirs, joining clusters that they show to be one; returns
    how many were placed. Costs a fixed number of statements, and a few for each cluster that is swallowed.
    """
    waiting = select(ClusterText).where(~ClusterText.placed).order_by(ClusterText.key).limit(limit)
    mandates = set(session.scalars(select(waiting.subquery().c.mandate_id)))
    _lock_mandates(session, mandates)
    texts = {row.key: row for row in session.scalars(waiting.where(ClusterText.mandate_id.in_(mandates)))}
    if not texts:
        return 0
    bands = {key: unpack_bands(row.bands) for key, row in texts.items()}
    owners = _owners(session, {band for some in bands.values() for band in some})
    groups: Groups[int | str] = Groups()
    holders: dict[int, int] = {}
    for key, some in bands.items():
        groups.add(key)
        for band in some:
            groups.join(key, owners.get(band) or holders.setdefault(band, key))
    _settle(session, texts, groups)
    session.flush()
    if holders:
        fresh = [{"hash": band, "text_key": key} for band, key in holders.items()]
        session.execute(insert(ClusterBand), fresh)
    return len(texts)


def forget_clusters(session: Session, post_ids: Collection[str]) -> None:
    """What retention does before it deletes posts: a text that no other post has goes, with all that was derived from
    it, and what is left of its cluster is placed anew by the next `place_texts`.
    """
    for some in _portions(sorted(post_ids)):
        rows = session.scalars(select(ClusterPost).where(ClusterPost.post_id.in_(some))).all()
        _lock_mandates(session, {row.mandate_id for row in rows})
        _leave(session, rows)


def _is_due(one: Likeness, posts: Mapping[str, Post], known: Mapping[PostKey, ClusterPost]) -> bool:
    post, before = posts.get(one.post_id), known.get((one.post_id, one.mandate_id))
    return post is not None and post.versions == one.number and (before is None or before.number < one.number)


def _lock_posts(session: Session, post_ids: Collection[str]) -> dict[str, Post]:
    """Those that there still are, as they are now; nobody can edit or purge them until the transaction ends."""
    rows = select(Post).where(Post.id.in_(post_ids)).order_by(Post.id).with_for_update(read=True)
    return {post.id: post for post in session.scalars(rows.execution_options(populate_existing=True))}


def _lock_mandates(session: Session, mandate_ids: Collection[str]) -> None:
    """One writer of a mandate's clusters at a time. Always after posts, so that nobody waits in a circle."""
    ordered = select(Mandate.id).where(Mandate.id.in_(mandate_ids)).order_by(Mandate.id)
    session.execute(ordered.with_for_update(key_share=True)).all()


def _memberships(session: Session, keys: Collection[PostKey]) -> dict[PostKey, ClusterPost]:
    rows = select(ClusterPost).where(tuple_(ClusterPost.post_id, ClusterPost.mandate_id).in_(keys))
    return {(row.post_id, row.mandate_id): row for row in session.scalars(rows)}


def _count(session: Session, found: Sequence[Likeness], posts: Mapping[str, Post]) -> None:
    """Count each post with its text's cluster; texts that are in none yet are counted when they are placed."""
    bands = {one.key: (one.mandate_id, one.bands) for one in found if one.key is not None}
    known = {row.key: row for row in session.scalars(select(ClusterText).where(ClusterText.key.in_(bands)))}
    session.add_all(
        ClusterText(key=key, mandate_id=mandate_id, bands=pack_bands(some))
        for key, (mandate_id, some) in bands.items()
        if key not in known
    )
    homes = {key: row.cluster_id for key, row in known.items() if row.placed}
    clusters = {row.id: row for row in session.scalars(select(Cluster).where(Cluster.id.in_(homes.values())))}
    for one in found:
        if one.key in homes:
            post = posts[one.post_id]
            single = Tally(1, post.account_id or "", shared=False, last_at=post.posted_at or post.first_seen_at)
            clusters[homes[one.key]].absorb(single)


def _owners(session: Session, bands: Collection[int]) -> dict[int, str]:
    """The cluster of each band that is known."""
    rows = select(ClusterBand.hash, ClusterText.cluster_id).join(ClusterText, ClusterText.key == ClusterBand.text_key)
    return dict(session.execute(rows.where(ClusterBand.hash.in_(bands))).all())


def _settle(session: Session, texts: Mapping[int, ClusterText], groups: Groups[int | str]) -> None:
    """Give each group of texts (numbers) and clusters (ids) its one cluster: the largest, or a new one."""
    tallies = _tallies(session, texts)
    groups_found = groups.sets()
    ids = {one for group in groups_found for one in group if isinstance(one, str)}
    ids |= {row.cluster_id for row in texts.values()}
    clusters = {row.id: row for row in session.scalars(select(Cluster).where(Cluster.id.in_(ids)))}
    for group in groups_found:
        joined = [clusters[one] for one in group if isinstance(one, str)]
        mine = [texts[one] for one in group if isinstance(one, int)]
        largest = max(joined, key=lambda cluster: (cluster.texts, cluster.id), default=None)
        cluster = largest or _found(session, mine[0], tallies, clusters)
        for other in joined:
            if other is not cluster:
                _swallow(session, cluster, other)
        for row in mine:
            cluster.absorb(tallies[row.key], texts=1)
            row.cluster_id, row.placed = cluster.id, True


def _tallies(session: Session, keys: Iterable[int]) -> dict[int, Tally]:
    """What hangs on each text, counted anew."""
    account = func.coalesce(Post.account_id, "")
    counted = (
        select(
            ClusterPost.text_key,
            func.count(),
            func.min(account),
            func.max(account),
            func.max(func.coalesce(Post.posted_at, Post.first_seen_at)),
        )
        .join(Post, Post.id == ClusterPost.post_id)
        .where(ClusterPost.text_key.in_(keys))
        .group_by(ClusterPost.text_key)
    )
    return {
        key: Tally(posts, first, shared=first != last, last_at=last_at)
        for key, posts, first, last, last_at in session.execute(counted)
        if key is not None
    }


def _found(session: Session, row: ClusterText, tallies: Mapping[int, Tally], clusters: dict[str, Cluster]) -> Cluster:
    """A new cluster, under the id of the text's former one if nobody else has that."""
    tally = tallies[row.key]
    cluster = Cluster(mandate_id=row.mandate_id, posts=0, account=tally.account, shared=False, last_at=tally.last_at)
    cluster.id = row.cluster_id if row.cluster_id not in clusters else new_id()
    clusters[cluster.id] = cluster
    session.add(cluster)
    return cluster


def _swallow(session: Session, cluster: Cluster, other: Cluster) -> None:
    """The smaller goes, so that a text changes its cluster only when that grows to twice the size."""
    moved = update(ClusterText).where(ClusterText.cluster_id == other.id).values(cluster_id=cluster.id)
    session.execute(moved)
    cluster.absorb(other, texts=other.texts)
    session.delete(other)


def _leave(session: Session, rows: Sequence[ClusterPost]) -> None:
    """Take posts away from their texts, and the texts that have no post left from their clusters."""
    keys = {row.text_key for row in rows if row.text_key is not None}
    for row in rows:
        session.delete(row)
    session.flush()
    for some in _portions(sorted(keys)):
        touched = set(session.scalars(select(ClusterText.cluster_id).where(ClusterText.key.in_(some))))
        _dissolve(session, touched)
        bare = ~exists().where(ClusterPost.text_key == ClusterText.key)
        session.execute(delete(ClusterText).where(ClusterText.key.in_(some), bare))


def _dissolve(session: Session, cluster_ids: Collection[str]) -> None:
    """Clusters go, and all their texts wait to be placed; those that wait already cost nothing."""
    mine = (ClusterText.cluster_id.in_(cluster_ids), ClusterText.placed)
    packed = session.scalars(select(ClusterText.bands).where(*mine).execution_options(yield_per=AT_ONCE))
    for some in packed.partitions():
        hashes = {band for bands in some for band in unpack_bands(bands)}
        session.execute(delete(ClusterBand).where(ClusterBand.hash.in_(hashes)))
    session.execute(update(ClusterText).where(*mine).values(placed=False))
    session.execute(delete(Cluster).where(Cluster.id.in_(cluster_ids)))


def _portions(items: Sequence[str] | Sequence[int]) -> Iterable[Sequence[str] | Sequence[int]]:
    return (items[at : at + AT_ONCE] for at in range(0, len(items), AT_ONCE))
