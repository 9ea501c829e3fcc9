"""Retention: what was not flagged is deleted after its time, leaving a salted hash.

Source: docs/design.md §2; UU 27/2022 art 43.

Flagged posts stay whole, with all their versions and the bytes they were read from. Every batch is one
transaction that can be killed anywhere: what it deleted is gone, the rest is found again by the next call.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Collection, Sequence

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from models.assessments import Assessment
from models.bodies import erase_bodies, kept_here
from models.captures import Capture
from models.clock import as_utc, utc_now
from models.clustering import forget_clusters
from models.database import Database
from models.evidence import EvidenceStore
from models.flags import Flag
from models.log import record
from models.observations import Observation
from models.posts import Post, PostVersion, Sighting
from models.samples import forget_posts
from models.targets import Fetch
from models.tombstones import entomb

COMMIT_MINUTES = 2
"""Bytes put again more recently than this may belong to a crawl that has not committed: the next purge sees to them."""

LEFTOVER_HOURS = 24
"""Temporary files of the evidence store that are older belong to nobody alive."""


@dataclasses.dataclass(frozen=True, slots=True)
class Purged:
    """What `purge` deleted: posts, and bodies of responses or imported files."""

    posts: int
    bodies: int


def purge(
    database: Database,
    evidence: EvidenceStore,
    *,
    before: dt.datetime,
    actor: str,
    batch: int = 500,
    unused_for: dt.timedelta = dt.timedelta(minutes=COMMIT_MINUTES),
) -> Purged:
    """Delete the unflagged posts first seen before `before`, and the raw bytes first fetched before it on which no
    stored post rests. Tombstones, runs and fetches remain, with counts and hashes.

    Raises:
        StorageError: disk or database refuse; what was deleted so far is logged, the rest is left to the next call.
    """
    limit = as_utc(before)
    posts = _purge_posts(database, limit, actor, batch)
    bodies = _purge_bodies(database, evidence, limit, actor, batch, unused_for)
    evidence.sweep(before=utc_now() - dt.timedelta(hours=LEFTOVER_HOURS))
    if posts:
        database.settle()
    return Purged(posts, bodies)


def _purge_posts(database: Database, before: dt.datetime, actor: str, batch: int) -> int:
    total = 0
    while True:
        with database.write() as session:
            posts = _lock_due(session, before, batch)
            if posts:
                _delete_posts(session, posts, before, actor)
        if not posts:
            return total
        total += len(posts)


def _lock_due(session: Session, before: dt.datetime, batch: int) -> Sequence[tuple[str, str, str]]:
    """(id, source, external id) of posts that are due, oldest first.

    Rows that a crawl or the assessing stage holds are skipped until the next call. A flag raised between the
    statement's snapshot and its locks would go unseen, so flags are asked for again once the posts are held.
    """
    due = (
        select(Post.id, Post.source, Post.external_id)
        .where(Post.first_seen_at < before, ~exists().where(Flag.post_id == Post.id))
        .order_by(Post.first_seen_at)
        .limit(batch)
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(due).all()
    flagged = set(session.scalars(select(Flag.post_id).where(Flag.post_id.in_([row[0] for row in rows]))))
    return [row for row in rows if row[0] not in flagged]


def _delete_posts(session: Session, posts: Sequence[tuple[str, str, str]], before: dt.datetime, actor: str) -> None:
    ids = [post_id for post_id, _, _ in posts]
    versions = select(PostVersion.id).where(PostVersion.post_id.in_(ids)).scalar_subquery()
    digests = entomb(session, ((source, external_id) for _, source, external_id in posts))
    forget_posts(session, ids)
    forget_clusters(session, ids)
    session.execute(delete(Assessment).where(Assessment.post_version_id.in_(versions)))
    session.execute(delete(Observation).where(Observation.post_id.in_(ids)))
    session.execute(delete(Sighting).where(Sighting.post_id.in_(ids)))
    session.execute(delete(PostVersion).where(PostVersion.post_id.in_(ids)))
    session.execute(delete(Post).where(Post.id.in_(ids)))
    # The ids let an auditor tell a purged post from one that was quietly dropped; they name nobody.
    record(session, "posts.purged", "retention:posts", actor=actor, before=before.isoformat(), count=len(ids),
           posts=sorted(ids), tombstones=hashlib.sha256(b"".join(digests)).hexdigest())  # fmt: skip


def _purge_bodies(
    database: Database,
    evidence: EvidenceStore,
    before: dt.datetime,
    actor: str,
    batch: int,
    unused_for: dt.timedelta,
) -> int:
    """Bodies in the database go with the rows that say so. Files of imports go before them: killed between the two, the
    next call finds the rows and goes on.
    """
    total, last = 0, ""
    while True:
        with database.read() as session:
            found = _idle_bodies(session, before, last, batch)
            spared = _captured(session, found) | kept_here(session, found)
        if not found:
            return total
        last, unused_since = found[-1], utc_now() - unused_for
        files = [
            digest for digest in found if digest not in spared and evidence.delete(digest, unused_since=unused_since)
        ]
        total += _note_erased(database, found, files, unused_since, before, actor)


def _idle_bodies(session: Session, before: dt.datetime, after: str, batch: int) -> Sequence[str]:
    """The next kept bodies, by hash, that were first fetched before the time and on which no post version rests."""
    older, source = aliased(Fetch), aliased(Fetch)
    resting = exists().where(PostVersion.fetch_id == source.id, source.body_sha256 == Fetch.body_sha256)
    return session.scalars(
        select(Fetch.body_sha256)
        .distinct()
        .where(
            Fetch.body_erased_at.is_(None),
            Fetch.body_sha256 > after,
            exists().where(older.body_sha256 == Fetch.body_sha256, older.fetched_at < before),
            ~resting,
        )
        .order_by(Fetch.body_sha256)
        .limit(batch)
    ).all()


def _captured(session: Session, digests: Collection[str]) -> set[str]:
    """Those that are evidence of a flag as well."""
    held = select(Capture.screenshot_sha256, Capture.page_sha256).where(
        or_(Capture.screenshot_sha256.in_(digests), Capture.page_sha256.in_(digests))
    )
    return {digest for row in session.execute(held) for digest in row if digest is not None}


def _note_erased(
    database: Database,
    found: Sequence[str],
    files: Sequence[str],
    unused_since: dt.datetime,
    before: dt.datetime,
    actor: str,
) -> int:
    """Erase those of the found bodies that lie in the database, and note them and the deleted files; how many."""
    with database.write() as session:
        digests = [*erase_bodies(session, found, unused_since=unused_since), *files]
        if digests:
            kept = update(Fetch).where(Fetch.body_sha256.in_(digests), Fetch.body_erased_at.is_(None))
            session.execute(kept.values(body_erased_at=utc_now()).execution_options(synchronize_session=False))
            record(session, "bodies.erased", "retention:bodies", actor=actor, before=before.isoformat(),
                   count=len(digests), bodies=sorted(digests))  # fmt: skip
    return len(digests)
