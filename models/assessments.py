"""Assessments: what one model version made of one text. Only posts are scored, never people."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Sequence

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Id, JsonObject, Row
from models.clock import utc_now
from models.flags import Flag
from models.log import record, subject_of
from models.posts import Post, PostVersion, Sighting, SightingState


class Act(enum.StrEnum):
    """What the author does."""

    SUPPORT = "support"
    ATTACK = "attack"
    MOBILISE = "mobilise"
    NONE = "none"


class Voice(enum.StrEnum):
    """In whose voice the text speaks."""

    OWN = "own"
    QUOTE = "quote"
    NEWS = "news"
    OFFICIAL = "official"
    UNCLEAR = "unclear"


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """A model's answer for one text. `score` is the calibrated probability (0–1) that the author takes a side;
    `targets` are `{name, stance}`; `spans` are `[start, end, weight]` in the original text. `unsure`: the model can
    rule out neither answer, people should look.
    """

    score: float
    flagged: bool
    act: Act
    voice: Voice
    targets: list[JsonObject]
    masked: str
    spans: list[list[float]]
    unsure: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model, by name, version and the SHA-256 of its weights, and the threshold it flagged with."""

    name: str
    version: str
    weights_sha256: str
    threshold: float

    @property
    def label(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"


class Assessment(Row):
    """One model version's scores of one text under one mandate's contest."""

    __tablename__ = "assessments"
    __table_args__ = (UniqueConstraint("post_version_id", "mandate_id", "model"),)

    post_version_id: Mapped[Id] = mapped_column(ForeignKey("post_versions.id"))
    mandate_id: Mapped[Id] = mapped_column(ForeignKey("mandates.id"))
    model: Mapped[str] = mapped_column(String(120))
    weights_sha256: Mapped[str] = mapped_column(String(64))
    threshold: Mapped[float]
    score: Mapped[float]
    flagged: Mapped[bool]
    act: Mapped[Act]
    voice: Mapped[Voice]
    masked: Mapped[str]
    assessed_at: Mapped[dt.datetime] = mapped_column(index=True)
    targets: Mapped[list[JsonObject]] = mapped_column(default_factory=list)
    spans: Mapped[list[list[float]]] = mapped_column(default_factory=list)
    unsure: Mapped[bool] = mapped_column(default=False)


def store_assessments(
    session: Session,
    findings: Sequence[tuple[Sighting, PostVersion, Finding]],
    model: ModelIdentity,
    *,
    actor: str,
    at: dt.datetime | None = None,
) -> list[Flag]:
    """Store a batch of findings, mark their sightings assessed, and raise a flag for each that passed.

    One log entry covers the batch; each flag has its own. A post that was edited meanwhile stays new.
    """
    moment = at or utc_now()
    newest = _lock_newest(session, [version for _, version, _ in findings])
    flags: list[Flag] = []
    logged: list[list[str]] = []
    for sighting, version, finding in findings:
        assessment = Assessment(
            post_version_id=version.id,
            mandate_id=sighting.mandate_id,
            model=model.label,
            weights_sha256=model.weights_sha256,
            threshold=model.threshold,
            score=finding.score,
            flagged=finding.flagged,
            act=finding.act,
            voice=finding.voice,
            masked=finding.masked,
            assessed_at=moment,
            targets=finding.targets,
            spans=finding.spans,
            unsure=finding.unsure,
        )
        session.add(assessment)
        if newest[version.post_id] == version.number:
            sighting.state = SightingState.ASSESSED
        # The log takes the score as text: RFC 8785 numbers are doubles, and a rounded string never drifts.
        logged.append([assessment.id, version.id, f"{finding.score:.6f}"])
        if finding.flagged:
            flags.append(_raise_flag(session, assessment, version.post_id, actor=actor, at=moment))
    if logged:
        record(session, "assessments.stored", f"models:{model.label}"[:64], actor=actor, at=moment,
               model=model.label, weights_sha256=model.weights_sha256, assessments=logged)  # fmt: skip
    return flags


def _lock_newest(session: Session, versions: Sequence[PostVersion]) -> dict[str, int]:
    """The newest version's number of each post, which no crawl can add to until the transaction ends."""
    posts = select(Post.id, Post.versions).where(Post.id.in_({version.post_id for version in versions}))
    return dict(session.execute(posts.order_by(Post.id).with_for_update(read=True)).all())


def _raise_flag(session: Session, assessment: Assessment, post_id: str, *, actor: str, at: dt.datetime) -> Flag:
    session.flush()
    flag = Flag(
        post_id=post_id,
        post_version_id=assessment.post_version_id,
        assessment_id=assessment.id,
        mandate_id=assessment.mandate_id,
        raised_at=at,
    )
    session.add(flag)
    record(session, "flag.raised", flag, actor=actor, at=at, assessment=subject_of(assessment), post=post_id)
    return flag
