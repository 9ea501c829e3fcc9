"""The clustering stage: finds posts of one mandate whose texts are the same or nearly so (`models.clusters`).

A text's shingles are its words and pairs of neighbouring words after normalising, without addresses and mentions,
which change from copy to copy. MinHash (Broder 1997) turns them into `BANDS` runs of `ROWS` values. With a share s of
shingles in common, two texts share a run with probability 1 − (1 − s^ROWS)^BANDS: .06 at s = .5, .97 at .85.
Why these numbers: docs/decisions/0017-near-duplicates.md. They, the normalising and the seed are part of what lies in
the database: whoever changes one of them empties the tables of `models.clusters` in a migration.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from datasketch import MinHash
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from classifier.text.normalise import normalise
from models.assessments import Assessment
from models.clustering import Likeness, clustered_through, join_posts, place_texts
from models.clusters import ClusterPost
from models.database import Database
from models.posts import Post, PostVersion

ROWS = 10
BANDS = 16
SEED = 1
LEAST_WORDS = 6
"""Shorter texts are alike only when they are equal."""

BATCH = 256
"""Posts in one transaction."""

OVERLAP = dt.timedelta(hours=1)
"""Assessments are looked at again for so long after others that carry a later time: the longest transaction."""

_ADDRESSES = re.compile(r"https?://\S+|www\.\S+|@[\w.]+")
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True)
class _Work:
    """One text that is in no cluster yet."""

    post_id: str
    mandate_id: str
    number: int
    assessed_at: dt.datetime
    text: str


def cluster_pending(database: Database, limit: int = 10_000) -> int:
    """Put up to `limit` assessed posts whose newest text is in no cluster into theirs, and place anew what retention
    or edits left over; returns how many posts and texts that were.

    Each batch is one transaction: killed anywhere, the next call goes on; run again, it finds nothing to do. Memory
    holds one batch.

    Raises:
        StorageError: the database refuses to write.
        Conflict: another process clusters the same posts at this moment.
    """
    moved = _place(database)
    while moved < limit:
        with database.read() as session:
            work = _waiting(session, min(BATCH, limit - moved))
        if not work:
            break
        with database.write() as session:
            joined = join_posts(session, likenesses(work))
        moved += joined
        _place(database)
        if not joined:
            break  # all of them were edited or purged meanwhile
    return moved


def likenesses(work: Sequence[_Work]) -> list[Likeness]:
    """What each text is like."""
    words = [words_of(one.text) for one in work]
    bands = bands_of([some if len(some) >= LEAST_WORDS else [] for some in words])
    return [
        Likeness(
            post_id=one.post_id,
            mandate_id=one.mandate_id,
            number=one.number,
            assessed_at=one.assessed_at,
            key=_hash(f"{one.mandate_id} {' '.join(some)}".encode()) if some else None,
            bands=tuple(_hash(one.mandate_id.encode() + band) for band in mine),
        )
        for one, some, mine in zip(work, words, bands, strict=True)
    ]


def words_of(text: str) -> list[str]:
    """The words by which texts are compared, in order."""
    return _WORDS.findall(_ADDRESSES.sub(" ", normalise(text).text.casefold()))


def bands_of(texts: Sequence[Sequence[str]]) -> list[list[bytes]]:
    """The bands of texts given as words; a text without words has none."""
    shingled = [[*{*some, *map(" ".join, itertools.pairwise(some))}] for some in texts]
    hashed = MinHash.bulk(
        [[shingle.encode("utf-8", "replace") for shingle in some] for some in shingled],
        num_perm=ROWS * BANDS,
        seed=SEED,
        scheme="affine32",
    )
    return [list(_runs(sketch)) if some else [] for sketch, some in zip(hashed, texts, strict=True)]


def _runs(sketch: MinHash) -> Iterator[bytes]:
    values = sketch.hashvalues.astype("<u4").tobytes()
    width = 4 * ROWS
    for band in range(BANDS):
        yield bytes([band]) + values[band * width : (band + 1) * width]


def _hash(content: bytes) -> int:
    """A signed 64-bit number that stands for the content."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big", signed=True)


def _place(database: Database) -> int:
    placed = 0
    while True:
        with database.write() as session:
            moved = place_texts(session)
        if not moved:
            return placed
        placed += moved


def _waiting(session: Session, limit: int) -> list[_Work]:
    """Newest texts that were assessed and are in no cluster, oldest assessment first."""
    through = clustered_through(session)
    known = and_(ClusterPost.post_id == Post.id, ClusterPost.mandate_id == Assessment.mandate_id)
    statement = (
        select(Post.id, Assessment.mandate_id, PostVersion.number, Assessment.assessed_at, PostVersion.text)
        .join(PostVersion, PostVersion.id == Assessment.post_version_id)
        .join(Post, (Post.id == PostVersion.post_id) & (Post.versions == PostVersion.number))
        .outerjoin(ClusterPost, known)
        .where(or_(ClusterPost.post_id.is_(None), ClusterPost.number < PostVersion.number))
        .order_by(Assessment.assessed_at, Assessment.id)
        .limit(limit)
    )
    if through is not None:
        statement = statement.where(Assessment.assessed_at >= through - OVERLAP)
    return [_Work(*row) for row in session.execute(statement)]
