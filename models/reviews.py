"""Reviews (*telaah*): two people judge each flag independently; only agreement confirms (docs/design.md §2).

A confirmed flag needs two confirming verdicts of different people. Two dismissals dismiss. One of each is
a dispute, which a third person adjudicates. Nobody sees the score or another's verdict before their own.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Sequence

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.accounts import require_attribution
from models.base import Base, Id, Row, lock_row
from models.clock import utc_now
from models.errors import BadInput, Conflict, IllegalTransition, NoMandate, NotAllowed
from models.flags import Flag, FlagState, move_flag, open_flag, swap_flag
from models.log import record
from models.officers import Officer, Role, actor_of, require_role
from models.posts import Post
from models.reports import flag_is_reported

UNDO_SECONDS = 30
LEASE_MINUTES = 15
INDEPENDENT_REVIEWS = 2


class Answer(enum.StrEnum):
    """A reviewer's answer to one part of the verdict."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


class Decision(enum.StrEnum):
    """What the verdict amounts to. `recused`: the reviewer steps aside and does not count."""

    CONFIRM = "confirm"
    DISMISS = "dismiss"
    RECUSED = "recused"


class ReviewRound(enum.StrEnum):
    """Independent first reviews, then at most one adjudication."""

    INDEPENDENT = "independent"
    ADJUDICATION = "adjudication"


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """The parts of a verdict. `acts` are SKB 2/2022 codes (ON-1 … ON-4, LAIN); `exculpatory` says what speaks for
    the account's holder (the answer may be “nothing found”, but it must be given); `coercion` marks signs that a
    superior forced the post (*indikasi paksaan atasan*).

    Raises:
        BadInput: a reason or the exculpatory part is missing, or a confirmed post has no act.
    """

    is_person: Answer
    takes_side: Answer
    reason: str
    exculpatory: str
    voice: str = "own"
    acts: tuple[str, ...] = ()
    coercion: bool = False

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise BadInput("the verdict needs a reason")
        if not self.exculpatory.strip():
            raise BadInput("the verdict needs a note on what speaks for the account's holder")
        if self.decision is Decision.CONFIRM and not self.acts:
            raise BadInput("a confirming verdict names at least one kind of act")

    @property
    def decision(self) -> Decision:
        """Confirm only if both questions are answered yes; doubt dismisses."""
        sure = self.is_person is Answer.YES and self.takes_side is Answer.YES
        return Decision.CONFIRM if sure else Decision.DISMISS


class Review(Row):
    """One reviewer's verdict on one flag. An undone review stays, with `undone_at`."""

    __tablename__ = "reviews"
    __table_args__ = (Index("ix_reviews_flag_id_reviewer_id", "flag_id", "reviewer_id"),)

    flag_id: Mapped[Id] = mapped_column(ForeignKey("flags.id"))
    reviewer_id: Mapped[Id] = mapped_column(ForeignKey("officers.id"), index=True)
    round: Mapped[ReviewRound]
    decision: Mapped[Decision]
    is_person: Mapped[Answer]
    takes_side: Mapped[Answer]
    voice: Mapped[str]
    acts: Mapped[list[str]]
    reason: Mapped[str]
    exculpatory: Mapped[str]
    coercion: Mapped[bool]
    given_at: Mapped[dt.datetime]
    undone_at: Mapped[dt.datetime | None] = mapped_column(default=None)


class Lease(Base):
    """This reviewer has the flag open until `expires_at`; others see who holds it."""

    __tablename__ = "leases"

    flag_id: Mapped[Id] = mapped_column(ForeignKey("flags.id"), primary_key=True)
    officer_id: Mapped[Id] = mapped_column(ForeignKey("officers.id"), primary_key=True)
    expires_at: Mapped[dt.datetime]


def take_up(session: Session, flag: Flag, officer: Officer, *, at: dt.datetime | None = None) -> Lease:
    """Open the flag for review and hold it for `LEASE_MINUTES`.

    Raises:
        NotAllowed: the officer may not review it (role, reviewed it before).
        Conflict: as many others hold it as verdicts are still needed.
    """
    moment = at or utc_now()
    _require_may_review(session, flag, officer)
    needed = _missing_reviews(session, flag)
    holders = session.scalars(
        select(Lease).where(Lease.flag_id == flag.id, Lease.officer_id != officer.id, Lease.expires_at > moment)
    ).all()
    if len(holders) >= needed:
        raise Conflict("another reviewer has this flag open")
    lease = session.get(Lease, (flag.id, officer.id))
    until = moment + dt.timedelta(minutes=LEASE_MINUTES)
    if lease is None:
        lease = Lease(flag_id=flag.id, officer_id=officer.id, expires_at=until)
        session.add(lease)
    lease.expires_at = until
    open_flag(session, flag, actor=actor_of(officer), at=moment)
    return lease


def give_verdict(
    session: Session, flag: Flag, officer: Officer, verdict: Verdict, *, at: dt.datetime | None = None
) -> Review:
    """Record a verdict and let the flag take the step that follows from it.

    Raises:
        NotAllowed: wrong role, not a different person, or a confirming verdict while nobody is known to hold the
            account (its attribution is suspended or rejected).
        IllegalTransition: the flag does not wait for a verdict.
        Conflict: somebody else moved the flag first.
    """
    if verdict.decision is Decision.CONFIRM:
        _require_holder(session, flag)
    review = _add_review(session, flag, officer, verdict, verdict.decision, at or utc_now())
    _settle(session, flag, actor=actor_of(officer), at=review.given_at)
    return review


def recuse(session: Session, flag: Flag, officer: Officer, *, reason: str, at: dt.datetime | None = None) -> Review:
    """Step aside (acquaintance, own unit, own contest); the flag waits for somebody else.

    Raises:
        BadInput: no reason given.
    """
    verdict = Verdict(is_person=Answer.UNSURE, takes_side=Answer.UNSURE, reason=reason, exculpatory="-")
    return _add_review(session, flag, officer, verdict, Decision.RECUSED, at or utc_now())


def undo_review(session: Session, review: Review, officer: Officer, *, at: dt.datetime | None = None) -> Flag:
    """Take back one's own verdict within `UNDO_SECONDS`; the flag steps back with it.

    Raises:
        NotAllowed: another's verdict, or the time is over.
        IllegalTransition: undone before, a later verdict or report rests on it, or the flag expired.
    """
    moment = at or utc_now()
    flag = session.get_one(Flag, review.flag_id)
    lock_row(session, flag)
    lock_row(session, review)
    if review.reviewer_id != officer.id:
        raise NotAllowed("only the reviewer can take back a verdict")
    if not _may_be_undone(review, moment):
        raise NotAllowed(f"a verdict can be taken back for {UNDO_SECONDS} seconds")
    if review.undone_at is not None:
        raise IllegalTransition("this verdict was taken back already")
    expired = flag.state is FlagState.EXPIRED
    if expired or flag_is_reported(session, flag.id) or _later_review(session, review):
        raise IllegalTransition("a later step rests on this verdict")
    review.undone_at = moment
    before = FlagState.DISPUTED if review.round is ReviewRound.ADJUDICATION else FlagState.IN_REVIEW
    record(session, "review.undone", flag, actor=actor_of(officer), at=moment, review=review.id, state=before.value)
    if flag.state is not before:
        swap_flag(session, flag, before)
    return flag


def standing_reviews(session: Session, flag_id: str) -> list[Review]:
    """The verdicts that count: neither undone nor recused, oldest first."""
    rows = select(Review).where(
        Review.flag_id == flag_id, Review.undone_at.is_(None), Review.decision != Decision.RECUSED
    )
    return list(session.scalars(rows.order_by(Review.given_at, Review.id)))


def agreed_side(answers: Sequence[Answer]) -> Answer | None:
    """Whether the author takes a side, as far as at least two people say the same; their doubts say nothing."""
    counts = {answer: list(answers).count(answer) for answer in (Answer.YES, Answer.NO)}
    agreed = [answer for answer, count in counts.items() if count >= INDEPENDENT_REVIEWS]
    return agreed[0] if len(agreed) == 1 else None


def may_see_score(session: Session, flag: Flag, officer: Officer, *, at: dt.datetime | None = None) -> bool:
    """Supervisors see score, highlights and others' verdicts only after their own verdict stands for good, or, where
    they gave none, once the flag is decided; auditors and analysts, who do not judge, see them.

    A verdict that can still be taken back opens nothing, or one could look, undo and judge again.
    """
    if Role.SUPERVISOR.value not in officer.roles:
        return True
    mine = [review for review in standing_reviews(session, flag.id) if review.reviewer_id == officer.id]
    if mine:
        return not any(_may_be_undone(review, at or utc_now()) for review in mine)
    return flag.state in (FlagState.CONFIRMED, FlagState.DISMISSED, FlagState.EXPIRED)


def state_shown_to(session: Session, flag: Flag, officer: Officer, *, at: dt.datetime | None = None) -> FlagState:
    """The flag's state, but for what it would tell the officer of a colleague's verdict (`hides_outcome`)."""
    mine = [review for review in standing_reviews(session, flag.id) if review.reviewer_id == officer.id]
    return FlagState.IN_REVIEW if any(hides_outcome(review, at=at) for review in mine) else flag.state


def hides_outcome(review: Review, *, at: dt.datetime | None = None) -> bool:
    """Whether what became of the flag would tell this review's giver another's verdict while they can undo theirs."""
    counts = review.undone_at is None and review.decision is not Decision.RECUSED
    return counts and review.round is ReviewRound.INDEPENDENT and _may_be_undone(review, at or utc_now())


def _add_review(
    session: Session, flag: Flag, officer: Officer, verdict: Verdict, decision: Decision, moment: dt.datetime
) -> Review:
    _require_may_review(session, flag, officer)
    open_flag(session, flag, actor=actor_of(officer), at=moment)
    adjudicating = flag.state is FlagState.DISPUTED
    review = Review(
        flag_id=flag.id,
        reviewer_id=officer.id,
        round=ReviewRound.ADJUDICATION if adjudicating else ReviewRound.INDEPENDENT,
        decision=decision,
        is_person=verdict.is_person,
        takes_side=verdict.takes_side,
        voice=verdict.voice,
        acts=list(verdict.acts),
        reason=verdict.reason.strip(),
        exculpatory=verdict.exculpatory.strip(),
        coercion=verdict.coercion,
        given_at=moment,
    )
    session.add(review)
    swap_flag(session, flag, flag.state)
    lease = session.get(Lease, (flag.id, officer.id))
    if lease is not None:
        session.delete(lease)
    record(session, "review.given", flag, actor=actor_of(officer), at=moment, review=review.id,
           round=review.round.value, decision=decision.value, is_person=verdict.is_person.value,
           takes_side=verdict.takes_side.value, voice=verdict.voice, acts=review.acts, coercion=verdict.coercion,
           words={"reason": review.reason, "exculpatory": review.exculpatory})  # fmt: skip
    return review


def _require_holder(session: Session, flag: Flag) -> None:
    """Let nobody confirm what may not be the person's: the account's attribution must be in force."""
    account_id = session.get_one(Post, flag.post_id).account_id
    if account_id is None:
        return
    try:
        require_attribution(session, account_id)
    except NoMandate as gap:
        raise NotAllowed(f"a flag is not confirmed while its account's attribution is not in force: {gap}") from gap


def _require_may_review(session: Session, flag: Flag, officer: Officer) -> None:
    require_role(officer, Role.SUPERVISOR)
    lock_row(session, flag)  # two verdicts at the same instant: the second sees the first
    if flag.state not in (FlagState.READY, FlagState.IN_REVIEW, FlagState.DISPUTED):
        raise IllegalTransition(f"flag {flag.id} is {flag.state} and takes no verdict")
    mine = select(Review.id).where(
        Review.flag_id == flag.id, Review.reviewer_id == officer.id, Review.undone_at.is_(None)
    )
    if session.scalar(mine.limit(1)) is not None:
        raise NotAllowed("two different people review a flag: you have given your verdict or stepped aside")


def _may_be_undone(review: Review, at: dt.datetime) -> bool:
    return at <= review.given_at + dt.timedelta(seconds=UNDO_SECONDS)


def _missing_reviews(session: Session, flag: Flag) -> int:
    if flag.state is FlagState.DISPUTED:
        return 1
    return INDEPENDENT_REVIEWS - len(standing_reviews(session, flag.id))


def _settle(session: Session, flag: Flag, *, actor: str, at: dt.datetime) -> None:
    """Move the flag when its verdicts suffice."""
    session.flush()
    reviews = standing_reviews(session, flag.id)
    if reviews[-1].round is ReviewRound.ADJUDICATION:
        outcome = reviews[-1].decision
    elif len(reviews) < INDEPENDENT_REVIEWS:
        return
    elif len({review.decision for review in reviews}) > 1:
        move_flag(session, flag, FlagState.DISPUTED, actor=actor, at=at)
        return
    else:
        outcome = reviews[-1].decision
    decided = FlagState.CONFIRMED if outcome is Decision.CONFIRM else FlagState.DISMISSED
    move_flag(session, flag, decided, actor=actor, at=at)


def _later_review(session: Session, review: Review) -> bool:
    """Whether another's verdict was given after this one (or, by the clock, at the same instant)."""
    return any(
        other.id != review.id and other.given_at >= review.given_at
        for other in standing_reviews(session, review.flag_id)
    )
