"""Samples (*sampel*): posts drawn at random from what was not flagged, so that somebody can say what the model missed.

Every draw records the seed it was made with, how many posts it drew from and their hash, so that it can be drawn
again: whoever holds the ids of the frame gets the same sample. Two different people read each post, blind to each
other, to the score and to whose post it is.
"""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
import heapq
import itertools
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeVarTuple

from sqlalchemy import ForeignKey, Index, Select, String, UniqueConstraint, exists, func, select, text, update
from sqlalchemy import Row as SqlRow
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.assessments import Assessment, Voice
from models.base import Id, Row, lock_row
from models.clock import utc_now
from models.errors import BadInput, Conflict, IllegalTransition, NotAllowed
from models.flags import Flag
from models.log import record
from models.mandates import Mandate, require_mandate
from models.officers import Officer, Role, actor_of, require_role
from models.posts import Post, PostVersion
from models.redaction import name_forms, names_behind, without_traces
from models.vault import Vault

READERS = 2
UNDO_SECONDS = 30
MAX_DRAW = 1_000
SEED_BYTES = 16
_STREAMED = 1_000
_STANDING = text("undone_at IS NULL")

_Columns = TypeVarTuple("_Columns")


class SampleAct(enum.StrEnum):
    """What a reader says the author does; `unsure` decides nothing."""

    SUPPORT = "support"
    ATTACK = "attack"
    MOBILISE = "mobilise"
    NONE = "none"
    UNSURE = "unsure"


class SampleDraw(Row):
    """One draw from the assessed, unflagged posts of a mandate. `population` is how many there were, `earliest` when
    the oldest of them was assessed, `frame_sha256` the hash of their version ids, sorted, one a line.
    """

    __tablename__ = "sample_draws"

    mandate_id: Mapped[Id] = mapped_column(ForeignKey("mandates.id"), index=True)
    drawn_at: Mapped[dt.datetime]
    seed: Mapped[str] = mapped_column(String(2 * SEED_BYTES))
    size: Mapped[int]
    population: Mapped[int]
    earliest: Mapped[dt.datetime]
    frame_sha256: Mapped[str] = mapped_column(String(64))


class Sample(Row):
    """One drawn post. `masked` is what readers see: the text the model saw, without traces of its author. When the
    post is purged, text and ids go, and the score stays. `probability` is that of being drawn in its draw.
    """

    __tablename__ = "samples"
    __table_args__ = (UniqueConstraint("post_version_id", "mandate_id"),)

    draw_id: Mapped[Id] = mapped_column(ForeignKey("sample_draws.id"), index=True)
    mandate_id: Mapped[Id] = mapped_column(ForeignKey("mandates.id"), index=True)
    post_id: Mapped[Id | None] = mapped_column(ForeignKey("posts.id"), index=True)
    post_version_id: Mapped[Id | None] = mapped_column(ForeignKey("post_versions.id"))
    masked: Mapped[str | None]
    model: Mapped[str] = mapped_column(String(120))
    score: Mapped[float]
    threshold: Mapped[float]
    assessed_at: Mapped[dt.datetime]
    probability: Mapped[float]


class SampleLabel(Row):
    """What one reader said of one sample. An undone label stays, with `undone_at`."""

    __tablename__ = "sample_labels"
    __table_args__ = (
        Index(
            "uq_sample_labels_standing",
            "sample_id",
            "reader_id",
            unique=True,
            sqlite_where=_STANDING,
            postgresql_where=_STANDING,
        ),
    )

    sample_id: Mapped[Id] = mapped_column(ForeignKey("samples.id"), index=True)
    reader_id: Mapped[Id] = mapped_column(ForeignKey("officers.id"), index=True)
    act: Mapped[SampleAct]
    voice: Mapped[Voice]
    given_at: Mapped[dt.datetime]
    undone_at: Mapped[dt.datetime | None] = mapped_column(default=None)


def draw_sample(
    session: Session,
    vault: Vault,
    mandate: Mandate,
    *,
    count: int,
    actor: str,
    at: dt.datetime | None = None,
    seed: bytes | None = None,
) -> SampleDraw:
    """Draw up to `count` posts that were assessed, raised no flag and are in no earlier sample.

    Each post's rank is SHA-256(seed ‖ version id); the lowest ranks are drawn. Posts stream by, so memory grows with
    `count` alone.

    Raises:
        NoMandate: the mandate is not in force.
        BadInput: `count` is not 1 to `MAX_DRAW`, or no post is left to draw.
    """
    moment = at or utc_now()
    if not 1 <= count <= MAX_DRAW:
        raise BadInput(f"a draw takes 1 to {MAX_DRAW} posts")
    lock_row(session, mandate)  # of two draws at once, the second sees the first
    require_mandate(mandate, moment)
    frame = _Frame(seed or secrets.token_bytes(SEED_BYTES))
    chosen = heapq.nsmallest(count, frame.ranked(session.execute(_drawable(mandate.id, moment))))
    if frame.earliest is None:
        raise BadInput(f"mandate {mandate.number}: no assessed, unflagged post is left to draw")
    draw = SampleDraw(
        mandate_id=mandate.id,
        drawn_at=moment,
        seed=frame.seed.hex(),
        size=len(chosen),
        population=frame.size,
        earliest=frame.earliest,
        frame_sha256=frame.digest.hexdigest(),
    )
    session.add(draw)
    session.flush()
    samples = _drawn(session, vault, draw, [assessment_id for _, assessment_id in chosen])
    session.add_all(samples)
    record(session, "sample.drawn", draw, actor=actor, at=moment, mandate=mandate.id, seed=draw.seed,
           population=draw.population, frame_sha256=draw.frame_sha256,
           samples=[[sample.id, sample.post_version_id] for sample in samples])  # fmt: skip
    return draw


def label_sample(
    session: Session, sample: Sample, officer: Officer, act: SampleAct, voice: Voice, *, at: dt.datetime | None = None
) -> SampleLabel:
    """Record what the officer reads in the text.

    Raises:
        NotAllowed: neither analyst nor supervisor, or they have read it.
        Conflict: two others have read it.
        IllegalTransition: the text was purged.
    """
    require_role(officer, Role.ANALYST, Role.SUPERVISOR)
    lock_row(session, sample)
    if sample.masked is None:
        raise IllegalTransition(f"sample {sample.id}: its text was deleted after the retention time")
    readers = session.scalars(
        select(SampleLabel.reader_id).where(SampleLabel.sample_id == sample.id, SampleLabel.undone_at.is_(None))
    ).all()
    if officer.id in readers:
        raise NotAllowed("two different people read a sample: you have given your label")
    if len(readers) >= READERS:
        raise Conflict("two others have read this sample")
    label = SampleLabel(sample_id=sample.id, reader_id=officer.id, act=act, voice=voice, given_at=at or utc_now())
    session.add(label)
    record(session, "sample.labelled", sample, actor=actor_of(officer), at=at, label=label.id, act=act.value,
           voice=voice.value)  # fmt: skip
    return label


def undo_label(session: Session, label: SampleLabel, officer: Officer, *, at: dt.datetime | None = None) -> Sample:
    """Take back one's own label within `UNDO_SECONDS`; the sample waits for the officer again.

    Raises:
        NotAllowed: another's label, or the time is over.
        IllegalTransition: undone before.
    """
    moment = at or utc_now()
    lock_row(session, label)
    if label.reader_id != officer.id:
        raise NotAllowed("only the reader can take back a label")
    if moment > label.given_at + dt.timedelta(seconds=UNDO_SECONDS):
        raise NotAllowed(f"a label can be taken back for {UNDO_SECONDS} seconds")
    if label.undone_at is not None:
        raise IllegalTransition("this label was taken back already")
    label.undone_at = moment
    sample = session.get_one(Sample, label.sample_id)
    record(session, "sample.label_undone", sample, actor=actor_of(officer), at=moment, label=label.id)
    return sample


def next_sample(session: Session, officer: Officer) -> Sample | None:
    """What the officer may read next; the order has nothing to do with the score."""
    return session.scalar(_readable(select(Sample), officer).order_by(Sample.draw_id, Sample.id).limit(1))


def count_readable(session: Session, officer: Officer) -> int:
    """How many samples wait for the officer."""
    return session.scalar(_readable(select(func.count(Sample.id)), officer)) or 0


def agreed_reading(acts: Sequence[SampleAct]) -> bool | None:
    """Whether a side is taken, where `READERS` people say the same; None where they do not, or one is unsure."""
    sides = {None if act is SampleAct.UNSURE else act is not SampleAct.NONE for act in acts}
    return sides.pop() if len(acts) >= READERS and len(sides) == 1 else None


def forget_posts(session: Session, post_ids: Collection[str]) -> None:
    """What retention does to the samples of posts that it deletes: no text, no ids; label and score stay."""
    drawn = update(Sample).where(Sample.post_id.in_(post_ids))
    session.execute(
        drawn.values(post_id=None, post_version_id=None, masked=None).execution_options(synchronize_session=False)
    )


class _Frame:
    """Counts and hashes the posts that a draw is made from, as they stream by."""

    def __init__(self, seed: bytes) -> None:
        self.seed = seed
        self.size = 0
        self.digest = hashlib.sha256()
        self.earliest: dt.datetime | None = None

    def ranked(self, rows: Iterable[SqlRow[str, str, dt.datetime]]) -> Iterator[tuple[bytes, str]]:
        """(rank, assessment id) of each version's newest assessment; `rows` are sorted by version."""
        for version_id, same in itertools.groupby(rows, key=lambda row: row[0]):
            *_, newest = same
            _, assessment_id, assessed_at = newest
            self.size += 1
            self.digest.update(f"{version_id}\n".encode())
            self.earliest = assessed_at if self.earliest is None else min(self.earliest, assessed_at)
            yield hashlib.sha256(self.seed + version_id.encode()).digest(), assessment_id


def _drawable(mandate_id: str, until: dt.datetime) -> Select[str, str, dt.datetime]:
    """(version, assessment, when) of the newest texts without a flag and without a sample, oldest assessment first."""
    flagged = exists().where(Flag.post_id == Post.id, Flag.mandate_id == mandate_id)
    sampled = exists().where(Sample.post_version_id == PostVersion.id, Sample.mandate_id == mandate_id)
    return (
        select(PostVersion.id, Assessment.id, Assessment.assessed_at)
        .join(Post, (Post.id == PostVersion.post_id) & (Post.versions == PostVersion.number))
        .join(Assessment, Assessment.post_version_id == PostVersion.id)
        .where(Assessment.mandate_id == mandate_id, Assessment.assessed_at <= until, ~flagged, ~sampled)
        .order_by(PostVersion.id, Assessment.assessed_at, Assessment.id)
        .execution_options(yield_per=_STREAMED)
    )


def _drawn(session: Session, vault: Vault, draw: SampleDraw, assessment_ids: Sequence[str]) -> list[Sample]:
    rows = session.execute(
        select(Assessment, Post)
        .join(PostVersion, PostVersion.id == Assessment.post_version_id)
        .join(Post, Post.id == PostVersion.post_id)
        .where(Assessment.id.in_(assessment_ids))
    ).all()
    names = names_behind(session, vault, {post.account_id for _, post in rows if post.account_id})
    return [_sample(draw, assessment, post, names) for assessment, post in rows]


def _sample(draw: SampleDraw, assessment: Assessment, post: Post, names: Mapping[str, frozenset[str]]) -> Sample:
    known = names.get(post.account_id or "", frozenset()) | name_forms(post.author)
    return Sample(
        draw_id=draw.id,
        mandate_id=draw.mandate_id,
        post_id=post.id,
        post_version_id=assessment.post_version_id,
        masked=without_traces(assessment.masked, known),
        model=assessment.model,
        score=assessment.score,
        threshold=assessment.threshold,
        assessed_at=assessment.assessed_at,
        probability=draw.size / draw.population,
    )


def _readable(statement: Select[*_Columns], officer: Officer) -> Select[*_Columns]:
    standing = (SampleLabel.sample_id == Sample.id, SampleLabel.undone_at.is_(None))
    mine = exists().where(*standing, SampleLabel.reader_id == officer.id)
    readers = select(func.count(SampleLabel.id)).where(*standing).scalar_subquery()
    return statement.where(Sample.masked.is_not(None), ~mine, readers < READERS)
