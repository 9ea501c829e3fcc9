"""The queue: what an officer may still judge, in the model's order, which is never shown."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TypeVarTuple

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session

from models.accounts import Account
from models.assessments import Assessment
from models.captures import Capture, CaptureQuality
from models.clock import utc_now
from models.flags import Flag, FlagState
from models.mandates import Mandate
from models.officers import Officer
from models.posts import Post, PostVersion
from models.reviews import Lease, Review, hides_outcome
from review_ui.config import UiConfig
from review_ui.hostile_text import excerpt
from review_ui.local_time import local
from review_ui.queries.clocks import LegalClock, legal_clock
from review_ui.queries.clusters import Size, shared_sizes

EXCERPT_CHARACTERS = 220
FRESH = (FlagState.READY, FlagState.IN_REVIEW)
DONE_SHOWN = 50

_Columns = TypeVarTuple("_Columns")


@dataclasses.dataclass(frozen=True, slots=True)
class WaitingFlag:
    """One line of the queue. It has no score, and no sign of what others decided."""

    id: str
    text: str
    handle: str
    source: str
    posted_at: dt.datetime | None
    age: dt.timedelta
    utc_offset_minutes: int
    clock: LegalClock
    quality: CaptureQuality | None
    holders: Sequence[str]
    shared: Size | None


@dataclasses.dataclass(frozen=True, slots=True)
class DoneFlag:
    """A verdict of the officer's own."""

    review: Review
    flag_id: str
    state: FlagState
    text: str
    handle: str
    utc_offset_minutes: int


def waiting_flags(
    session: Session, officer: Officer, config: UiConfig, states: Sequence[FlagState], *, limit: int
) -> list[WaitingFlag]:
    """The first `limit` flags in `states` that the officer has not judged; five statements in all."""
    order = (Assessment.score.desc(), Flag.raised_at, Flag.id)
    # Which flags, first: sorting wide rows of the whole queue costs ten times as much.
    chosen = _unjudged(select(Flag.id).join(Assessment, Assessment.id == Flag.assessment_id), officer, states)
    rows = session.execute(
        select(Flag, Post, Mandate.utc_offset_minutes, PostVersion.text, Account.handle)
        .join(Assessment, Assessment.id == Flag.assessment_id)
        .join(Post, Post.id == Flag.post_id)
        .join(PostVersion, PostVersion.id == Flag.post_version_id)
        .join(Mandate, Mandate.id == Flag.mandate_id)
        .outerjoin(Account, Account.id == Post.account_id)
        .where(Flag.id.in_(chosen.order_by(*order).limit(limit)))
        .order_by(*order)
    ).all()
    ids = [row[0].id for row in rows]
    qualities, holders = capture_qualities(session, ids), lease_holders(session, ids, officer)
    shared = shared_sizes(session, [(flag.post_id, flag.mandate_id) for flag, *_ in rows])
    return [
        WaitingFlag(
            id=flag.id,
            text=excerpt(text, EXCERPT_CHARACTERS),
            handle=handle or post.author,
            source=post.source,
            posted_at=post.posted_at,
            age=utc_now() - flag.raised_at,
            utc_offset_minutes=offset,
            clock=legal_clock(flag, config),
            quality=qualities.get(flag.id),
            holders=holders.get(flag.id, ()),
            shared=shared.get((flag.post_id, flag.mandate_id)),
        )
        for flag, post, offset, text, handle in rows
    ]


def count_waiting(session: Session, officer: Officer, states: Sequence[FlagState]) -> int:
    """How many flags in `states` the officer has not judged."""
    return session.scalar(_unjudged(select(func.count(Flag.id)), officer, states)) or 0


def next_flag_id(session: Session, officer: Officer, *, after: str) -> str | None:
    """What the officer would be shown next, leaving out `after` and what others have open."""
    held = exists().where(Lease.flag_id == Flag.id, Lease.officer_id != officer.id, Lease.expires_at > utc_now())
    return session.scalar(
        _unjudged(select(Flag.id), officer, FRESH)
        .join(Assessment, Assessment.id == Flag.assessment_id)
        .where(Flag.id != after, ~held)
        .order_by(Assessment.score.desc(), Flag.raised_at, Flag.id)
        .limit(1)
    )


def verdicts_today(session: Session, officer: Officer, config: UiConfig) -> int:
    """How many verdicts the officer gave since local midnight."""
    midnight = local(utc_now(), config.utc_offset_minutes).replace(hour=0, minute=0, second=0, microsecond=0)
    mine = select(func.count(Review.id)).where(
        Review.reviewer_id == officer.id, Review.undone_at.is_(None), Review.given_at >= midnight.astimezone(dt.UTC)
    )
    return session.scalar(mine) or 0


def done_flags(session: Session, officer: Officer) -> list[DoneFlag]:
    """The officer's own latest verdicts."""
    rows = session.execute(
        select(Review, Flag, Mandate.utc_offset_minutes, PostVersion.text, Post.author, Account.handle)
        .join(Flag, Flag.id == Review.flag_id)
        .join(Post, Post.id == Flag.post_id)
        .join(PostVersion, PostVersion.id == Flag.post_version_id)
        .join(Mandate, Mandate.id == Flag.mandate_id)
        .outerjoin(Account, Account.id == Post.account_id)
        .where(Review.reviewer_id == officer.id)
        .order_by(Review.given_at.desc())
        .limit(DONE_SHOWN)
    ).all()
    fresh = {flag.id for review, flag, *_ in rows if hides_outcome(review)}
    return [
        DoneFlag(
            review=review,
            flag_id=flag.id,
            state=FlagState.IN_REVIEW if flag.id in fresh else flag.state,
            text=excerpt(text, EXCERPT_CHARACTERS),
            handle=handle or author,
            utc_offset_minutes=offset,
        )
        for review, flag, offset, text, author, handle in rows
    ]


def capture_qualities(session: Session, flag_ids: Sequence[str]) -> dict[str, CaptureQuality]:
    """The quality of each flag's newest capture, in one statement."""
    rows = session.execute(
        select(Capture.flag_id, Capture.quality).where(Capture.flag_id.in_(flag_ids)).order_by(Capture.captured_at)
    )
    return {flag_id: quality for flag_id, quality in rows}  # noqa: C416 - later rows win


def lease_holders(session: Session, flag_ids: Sequence[str], officer: Officer) -> dict[str, list[str]]:
    """The names of others who have each flag open now, in one statement."""
    rows = session.execute(
        select(Lease.flag_id, Officer.name)
        .join(Officer, Officer.id == Lease.officer_id)
        .where(Lease.flag_id.in_(flag_ids), Lease.officer_id != officer.id, Lease.expires_at > utc_now())
        .order_by(Officer.name)
    )
    return _grouped(rows)


def _unjudged(statement: Select[*_Columns], officer: Officer, states: Sequence[FlagState]) -> Select[*_Columns]:
    mine = exists().where(Review.flag_id == Flag.id, Review.reviewer_id == officer.id, Review.undone_at.is_(None))
    return statement.where(Flag.state.in_(states), ~mine)


def _grouped(rows: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for key, value in rows:
        groups.setdefault(key, []).append(value)
    return groups
