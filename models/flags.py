"""Flags (*temuan awal*): posts put before people, and the only steps a flag may take.

pending → ready → in_review → confirmed | dismissed | disputed (→ confirmed | dismissed) | expired
"""

from __future__ import annotations

import datetime as dt
import enum

from sqlalchemy import ForeignKey, Index, UniqueConstraint, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Id, Row
from models.clock import utc_now
from models.errors import Conflict, IllegalTransition
from models.log import record


class FlagState(enum.StrEnum):
    """Where a flag stands."""

    PENDING = "pending"
    READY = "ready"
    IN_REVIEW = "in_review"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    DISPUTED = "disputed"
    EXPIRED = "expired"


LEGAL_STEPS: dict[FlagState, frozenset[FlagState]] = {
    FlagState.PENDING: frozenset({FlagState.READY, FlagState.EXPIRED}),
    FlagState.READY: frozenset({FlagState.IN_REVIEW, FlagState.EXPIRED}),
    FlagState.IN_REVIEW: frozenset({FlagState.CONFIRMED, FlagState.DISMISSED, FlagState.DISPUTED, FlagState.EXPIRED}),
    FlagState.DISPUTED: frozenset({FlagState.CONFIRMED, FlagState.DISMISSED}),
    FlagState.CONFIRMED: frozenset(),
    FlagState.DISMISSED: frozenset(),
    FlagState.EXPIRED: frozenset(),
}
"""Every step forward. Undoing one's own fresh verdict is the only step back (`models.reviews.undo_review`)."""


class Flag(Row):
    """A post version that passed the threshold, waiting for people.

    `raised_at`, `first_viewed_at` and the report's *tanggal diketahui* are kept apart, since it is open which of
    them starts the legal clock (UU 7/2017 art 454(5)); alarms run from the earliest. `revision` is the
    compare-and-swap counter of every step.
    """

    __tablename__ = "flags"
    __table_args__ = (
        UniqueConstraint("post_version_id", "mandate_id"),
        Index("ix_flags_state_raised_at", "state", "raised_at"),
    )

    post_id: Mapped[Id] = mapped_column(ForeignKey("posts.id"), index=True)
    post_version_id: Mapped[Id] = mapped_column(ForeignKey("post_versions.id"))
    assessment_id: Mapped[Id] = mapped_column(ForeignKey("assessments.id"), unique=True)
    mandate_id: Mapped[Id] = mapped_column(ForeignKey("mandates.id"), index=True)
    raised_at: Mapped[dt.datetime]
    first_viewed_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    capture_attempts: Mapped[int] = mapped_column(default=0)
    capture_after: Mapped[dt.datetime | None] = mapped_column(default=None)
    revision: Mapped[int] = mapped_column(default=0)
    state: Mapped[FlagState] = mapped_column(default=FlagState.PENDING)


def move_flag(
    session: Session, flag: Flag, following: FlagState, *, actor: str, at: dt.datetime | None = None, reason: str = ""
) -> None:
    """Take one legal step, provided that nobody moved the flag since it was read.

    Raises:
        IllegalTransition: the step is not in `LEGAL_STEPS`.
        Conflict: somebody else moved it first.
    """
    if following not in LEGAL_STEPS[flag.state]:
        raise IllegalTransition(f"flag {flag.id} is {flag.state} and cannot become {following}")
    swap_flag(session, flag, following)
    record(session, f"flag.{following.value}", flag, actor=actor, at=at, words={"reason": reason})


def swap_flag(session: Session, flag: Flag, following: FlagState) -> None:
    """Compare-and-swap of the state on `revision`; for the state functions of this package only."""
    session.flush()
    swapped = session.execute(
        update(Flag)
        .where(Flag.id == flag.id, Flag.revision == flag.revision)
        .values(state=following, revision=flag.revision + 1)
        .execution_options(synchronize_session=False)
    )
    if swapped.rowcount != 1:  # type: ignore[attr-defined]
        raise Conflict(f"flag {flag.id} was changed by somebody else; load it again")
    session.refresh(flag, ["state", "revision"])


def open_flag(session: Session, flag: Flag, *, actor: str, at: dt.datetime | None = None) -> None:
    """Note that a reviewer looks at the flag for the first time."""
    moment = at or utc_now()
    if flag.first_viewed_at is None:
        flag.first_viewed_at = moment
        record(session, "flag.viewed", flag, actor=actor, at=moment)
    if flag.state is FlagState.READY:
        move_flag(session, flag, FlagState.IN_REVIEW, actor=actor, at=moment)


def expire_flag(session: Session, flag: Flag, *, actor: str, reason: str) -> None:
    """Close a flag whose legal time ran out.

    Raises:
        IllegalTransition: it is decided or disputed.
    """
    move_flag(session, flag, FlagState.EXPIRED, actor=actor, reason=reason)
