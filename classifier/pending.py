"""The assessing stage: posts that no model has read yet become assessments, and those over the threshold flags."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from classifier.assess import Model, Score
from classifier.attached import with_attached
from models.assessments import Act, Finding, ModelIdentity, Voice, store_assessments
from models.base import JsonObject
from models.contest import ContestSpec
from models.database import Database
from models.mandates import Contest, Mandate
from models.posts import Post, PostVersion, Sighting, SightingState

BATCH = 128
"""Posts scored and stored in one transaction."""

ACTOR = "assess"


@dataclass(frozen=True)
class Assessed:
    """What one call did."""

    posts: int
    flags: int


@dataclass(frozen=True)
class _Work:
    """One text to score under one mandate, and what is attached to it."""

    post_id: str
    mandate_id: str
    version_id: str
    text: str
    attachments: list[JsonObject]


def assess_pending(database: Database, model: Model, *, limit: int = 10_000) -> Assessed:
    """Score up to `limit` posts that are new under their mandate (an edit makes a post new again).

    Scoring holds no transaction; each batch is stored in one. A post edited meanwhile stays new and is scored
    at the next call. Running it twice, or killing it, changes nothing but what is left to do.

    Raises:
        StorageError: the database refuses to write.
    """
    posts = flags = 0
    with database.read() as session:
        work = _waiting(session, limit)
        contests = _contests(session, {item.mandate_id for item in work})
    for mandate_id, batch in _batches(work):
        texts = [with_attached(item.text, item.attachments) for item in batch]
        scores = model.assess(texts, contests[mandate_id])
        with database.write() as session:
            stored, raised = _store(session, batch, scores, model)
        posts, flags = posts + stored, flags + raised
    return Assessed(posts, flags)


def _waiting(session: Session, limit: int) -> list[_Work]:
    """The newest version of each new post, by mandate, oldest post first."""
    statement = (
        select(Sighting.post_id, Sighting.mandate_id, PostVersion.id, PostVersion.text, PostVersion.attachments)
        .join(Post, Post.id == Sighting.post_id)
        .join(PostVersion, (PostVersion.post_id == Post.id) & (PostVersion.number == Post.versions))
        .where(Sighting.state == SightingState.NEW)
        .order_by(Sighting.mandate_id, Sighting.post_id)
        .limit(limit)
    )
    return [_Work(*row) for row in session.execute(statement)]


def _contests(session: Session, mandates: set[str]) -> dict[str, ContestSpec]:
    statement = (
        select(Mandate.id, Contest).join(Contest, Contest.id == Mandate.contest_id).where(Mandate.id.in_(mandates))
    )
    return {mandate_id: contest.read_spec() for mandate_id, contest in session.execute(statement)}


def _batches(work: Sequence[_Work]) -> Iterator[tuple[str, list[_Work]]]:
    for mandate_id, run in itertools.groupby(work, key=lambda item: item.mandate_id):
        items = list(run)
        for at in range(0, len(items), BATCH):
            yield mandate_id, items[at : at + BATCH]


def _store(session: Session, batch: Sequence[_Work], scores: Sequence[Score], model: Model) -> tuple[int, int]:
    """Store what is still due: still new, not edited since it was read, not scored by somebody else."""
    by_key = {(item.post_id, item.version_id): score for item, score in zip(batch, scores, strict=True)}
    due = session.execute(
        select(Sighting, PostVersion)
        .join(Post, Post.id == Sighting.post_id)
        .join(PostVersion, (PostVersion.post_id == Post.id) & (PostVersion.number == Post.versions))
        .where(
            tuple_(Sighting.post_id, Sighting.mandate_id).in_([(item.post_id, item.mandate_id) for item in batch]),
            Sighting.state == SightingState.NEW,
        )
        .with_for_update(of=Sighting)
    )
    findings = [
        (sighting, version, _finding(by_key[key], len(version.text)))
        for sighting, version in due
        if (key := (sighting.post_id, version.id)) in by_key
    ]
    flags = store_assessments(session, findings, identity(model), actor=ACTOR)
    return len(findings), len(flags)


def _finding(score: Score, characters: int) -> Finding:
    """What is stored: spans lie in the post's own text, words that are attached to it are named by `masked` alone."""
    fields = score.as_json()
    return Finding(
        score=score.score,
        flagged=score.flag,
        act=Act(score.act),
        voice=Voice(score.voice),
        targets=fields["targets"],
        masked=score.masked,
        spans=[span for span in fields["spans"] if span[1] <= characters],
        unsure=score.unsure,
    )


def identity(model: Model) -> ModelIdentity:
    """The model as assessments name it."""
    return ModelIdentity(model.name, model.version, model.sha256, model.threshold)
