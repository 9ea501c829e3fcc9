"""Targets, runs and fetches: what is crawled when, and every response that came back."""

from __future__ import annotations

import datetime as dt
import enum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.accounts import Account, verified_attribution
from models.base import Id, JsonObject, Row, lock_row
from models.clock import utc_now
from models.errors import BadInput, IllegalTransition, NoMandate
from models.log import record
from models.mandates import Mandate, require_mandate
from models.people import RosterEntry

MIN_INTERVAL_SECONDS = 60
MAX_INTERVAL_SECONDS = 366 * 24 * 3600
"""One due time beyond what a calendar holds would stop the clock for every target."""


class RunOutcome(enum.StrEnum):
    """queued → running → one of the ends.

    `interrupted`: the process died and the next start found the run open. `missed`: its time passed while
    nothing was running; it was caught up by a later run.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    FAILED = "failed"
    GONE = "gone"
    MISSED = "missed"
    INTERRUPTED = "interrupted"


class Target(Row):
    """An attributed account (or official feed) with its source, address and schedule.

    `address` is what the source's connector takes (`https://host/@name`, a feed URL). `watermark` belongs to
    the source and is written in the transaction that stores the posts it covers. `validators` maps a URL to
    its ETag and Last-Modified.
    """

    __tablename__ = "targets"
    __table_args__ = (UniqueConstraint("mandate_id", "source", "address"),)

    mandate_id: Mapped[Id] = mapped_column(ForeignKey("mandates.id"), index=True)
    account_id: Mapped[Id | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    source: Mapped[str] = mapped_column(String(32))
    address: Mapped[str] = mapped_column(String(2000))
    interval_seconds: Mapped[int]
    next_due_at: Mapped[dt.datetime] = mapped_column(index=True)
    paused: Mapped[bool] = mapped_column(default=False)
    watermark: Mapped[JsonObject] = mapped_column(default_factory=dict)
    validators: Mapped[JsonObject] = mapped_column(default_factory=dict)


class Run(Row):
    """One crawl of one target. (target, due time) is unique, so any number of schedulers start it once."""

    __tablename__ = "runs"
    __table_args__ = (UniqueConstraint("target_id", "due_at"),)

    target_id: Mapped[Id] = mapped_column(ForeignKey("targets.id"))
    due_at: Mapped[dt.datetime]
    started_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    ended_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    outcome: Mapped[RunOutcome] = mapped_column(default=RunOutcome.QUEUED, index=True)
    reason: Mapped[str] = mapped_column(default="")
    fetches: Mapped[int] = mapped_column(default=0)
    posts_seen: Mapped[int] = mapped_column(default=0)
    posts_new: Mapped[int] = mapped_column(default=0)
    posts_edited: Mapped[int] = mapped_column(default=0)
    unparsed: Mapped[int] = mapped_column(default=0)


_BODY_KEPT = text("body_erased_at IS NULL")


class Fetch(Row):
    """One response (or one imported file): where from, what headers, and the SHA-256 of its raw bytes.

    `body_erased_at`: when retention deleted the bytes (`models.retention`); the hash stays.
    """

    __tablename__ = "fetches"
    __table_args__ = (
        Index("ix_fetches_kept_body", "body_sha256", sqlite_where=_BODY_KEPT, postgresql_where=_BODY_KEPT),
    )

    run_id: Mapped[Id] = mapped_column(ForeignKey("runs.id"), index=True)
    url: Mapped[str]
    status: Mapped[int]
    headers: Mapped[JsonObject]
    fetched_at: Mapped[dt.datetime]
    body_sha256: Mapped[str] = mapped_column(String(64), index=True)
    media_type: Mapped[str] = mapped_column(String(120))
    body_erased_at: Mapped[dt.datetime | None] = mapped_column(default=None)


def add_target(
    session: Session,
    mandate: Mandate,
    *,
    source: str,
    address: str,
    account: Account | None,
    actor: str,
    interval_seconds: int = 3600,
    first_due_at: dt.datetime | None = None,
) -> Target:
    """Put an account or an official feed on the schedule; adding it twice gives the first row.

    Raises:
        BadInput: the interval is shorter than `MIN_INTERVAL_SECONDS` or longer than `MAX_INTERVAL_SECONDS`.
    """
    if interval_seconds < MIN_INTERVAL_SECONDS:
        raise BadInput(f"target {address}: the interval is at least {MIN_INTERVAL_SECONDS} seconds")
    if interval_seconds > MAX_INTERVAL_SECONDS:
        raise BadInput(f"target {address}: the interval is at most {MAX_INTERVAL_SECONDS} seconds")
    known = session.scalar(
        select(Target).where(Target.mandate_id == mandate.id, Target.source == source, Target.address == address)
    )
    if known is not None:
        return known
    target = Target(
        mandate_id=mandate.id,
        account_id=None if account is None else account.id,
        source=source,
        address=address,
        interval_seconds=interval_seconds,
        next_due_at=first_due_at or utc_now(),
    )
    session.add(target)
    session.flush()
    record(session, "target.added", target, actor=actor, mandate=mandate.id, source=source)
    return target


def set_paused(session: Session, target: Target, *, paused: bool, actor: str) -> None:
    """Pause or resume the schedule of a target."""
    if target.paused is not paused:
        target.paused = paused
        record(session, "target.paused" if paused else "target.resumed", target, actor=actor)


def make_due(session: Session, target: Target, *, actor: str, at: dt.datetime | None = None) -> None:
    """Let the target be crawled at once; the clock takes it up."""
    lock_row(session, target)
    target.next_due_at = at or utc_now()
    record(session, "target.made_due", target, actor=actor, at=at)


def require_permission(session: Session, target: Target, at: dt.datetime) -> Mandate:
    """Let pass only targets that may be crawled at `at`: mandate in force, account verified and on its roster.

    Raises:
        NoMandate: says which of these is missing.
    """
    mandate = require_mandate(session.get(Mandate, target.mandate_id), at)
    if target.account_id is None:
        return mandate
    attribution = verified_attribution(session, target.account_id)
    if attribution is None:
        raise NoMandate("atribusi akun belum diverifikasi petugas kedua")
    if session.get(RosterEntry, (mandate.id, attribution.civil_servant_id)) is None:
        raise NoMandate(f"pemegang akun tidak ada dalam daftar ASN mandat {mandate.number}")
    return mandate


def queue_run(
    session: Session, target: Target, *, due_at: dt.datetime, actor: str, at: dt.datetime | None = None
) -> Run | None:
    """Note that the target is due; None when the run of `due_at` exists.

    A target that may not be crawled now gets a refused run instead, and the refusal is logged.
    """
    run = Run(target_id=target.id, due_at=due_at)
    try:
        with session.begin_nested():
            session.add(run)
    except IntegrityError:
        return None
    _refuse_unpermitted(session, run, target, actor=actor, at=at or utc_now())
    return run


def begin_run(session: Session, run: Run, *, actor: str, at: dt.datetime | None = None) -> None:
    """Start a queued run; permission is asked again, since a mandate may have ended meanwhile.

    Raises:
        IllegalTransition: the run is not queued.
    """
    lock_row(session, run)
    if run.outcome is not RunOutcome.QUEUED:
        raise IllegalTransition(f"run {run.id} is {run.outcome}, not queued")
    moment = at or utc_now()
    target = session.get_one(Target, run.target_id)
    if _refuse_unpermitted(session, run, target, actor=actor, at=moment):
        return
    run.outcome, run.started_at = RunOutcome.RUNNING, moment
    record(session, "run.started", run, actor=actor, at=moment, target=target.id, due_at=run.due_at.isoformat())


def start_run(
    session: Session, target: Target, *, due_at: dt.datetime, actor: str, at: dt.datetime | None = None
) -> Run | None:
    """Queue and begin in one step, for imports and single crawls; None when the run of `due_at` exists."""
    run = queue_run(session, target, due_at=due_at, actor=actor, at=at)
    if run is not None and run.outcome is RunOutcome.QUEUED:
        begin_run(session, run, actor=actor, at=at)
    return run


def record_missed(
    session: Session, target: Target, *, due_at: dt.datetime, count: int, actor: str, at: dt.datetime | None = None
) -> None:
    """Show that `count` due times since `due_at` passed without a run; one row stands for all of them."""
    run = Run(target_id=target.id, due_at=due_at)
    try:
        with session.begin_nested():
            session.add(run)
    except IntegrityError:
        return
    _close(session, run, RunOutcome.MISSED, actor=actor, reason=f"{count} jadwal terlewat", at=at or utc_now())


def end_run(
    session: Session,
    run: Run,
    outcome: RunOutcome,
    *,
    actor: str,
    reason: str = "",
    at: dt.datetime | None = None,
) -> None:
    """Close a run with its outcome and reason.

    Raises:
        IllegalTransition: it has ended.
    """
    lock_row(session, run)
    if run.outcome is not RunOutcome.RUNNING:
        raise IllegalTransition(f"run {run.id} is {run.outcome}, not running")
    _close(session, run, outcome, actor=actor, reason=reason, at=at or utc_now())


def interrupt_open_runs(session: Session, *, actor: str) -> int:
    """Close runs that a killed process left open, and make their targets due again; returns how many.

    For a caller who knows that no other process is crawling.
    """
    open_runs = session.scalars(select(Run).where(Run.outcome == RunOutcome.RUNNING)).all()
    for run in open_runs:
        end_run(session, run, RunOutcome.INTERRUPTED, actor=actor, reason="proses berhenti sebelum selesai")
        target = session.get_one(Target, run.target_id)
        target.next_due_at = min(target.next_due_at, utc_now())
    return len(open_runs)


def _refuse_unpermitted(session: Session, run: Run, target: Target, *, actor: str, at: dt.datetime) -> bool:
    try:
        require_permission(session, target, at)
    except NoMandate as refusal:
        _close(session, run, RunOutcome.REFUSED, actor=actor, reason=str(refusal), at=at)
        return True
    return False


def _close(session: Session, run: Run, outcome: RunOutcome, *, actor: str, reason: str, at: dt.datetime) -> None:
    run.outcome, run.reason, run.ended_at = outcome, reason, at
    record(session, f"run.{outcome.value}", run, actor=actor, at=at, target=run.target_id,
           posts_new=run.posts_new, posts_edited=run.posts_edited, words={"reason": reason})  # fmt: skip
