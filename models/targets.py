"""Targets, runs and fetches: what is crawled when, and every response that came back."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Collection, Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.accounts import Account, Attribution, AttributionState, require_attribution
from models.base import Id, JsonObject, Row, Sha256, lock_row
from models.clock import utc_now
from models.errors import BadInput, IllegalTransition, NoMandate
from models.hosts import MAX_HOST_CHARACTERS
from models.ids import ID_LENGTH
from models.log import record
from models.mandates import Mandate, require_mandate
from models.people import RosterEntry

MIN_INTERVAL_SECONDS = 60
MAX_INTERVAL_SECONDS = 366 * 24 * 3600
"""One due time beyond what a calendar holds would stop the clock for every target."""

LATE_AFTER = dt.timedelta(minutes=2)
"""A run that starts later than this after its due time is late, and says why."""


class RunOutcome(enum.StrEnum):
    """queued → running → one of the ends.

    `gone`: the account is not there any more. `blocked`: it is, but not shown to us. `refused`: we may not ask.
    `failed`: asked without an answer to use. `interrupted`: the process died and the next start found the run open.
    `missed`: its time passed while nothing was running, or while the run before it was still waiting.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    FAILED = "failed"
    GONE = "gone"
    BLOCKED = "blocked"
    MISSED = "missed"
    INTERRUPTED = "interrupted"


_QUEUED = text("outcome = 'queued'")


class Target(Row):
    """An attributed account (or official feed) with its source, address and schedule.

    `address` is what the source's connector takes (`https://host/@name`, a feed URL), `host` the server asked for it.
    A schedule of its own is either `cron` (five fields, in the mandate's local time) or `interval_seconds`; without
    one, the contest's stage of the day says how often. `watermark` belongs to the source and is written in the
    transaction that stores the posts it covers. `validators` maps a URL to its ETag and Last-Modified.
    `looked_back_at`: when a run last went through the recent posts again.
    """

    __tablename__ = "targets"
    __table_args__ = (
        UniqueConstraint("mandate_id", "source", "address"),
        Index("ix_targets_paused", "id", sqlite_where=text("paused = 1"), postgresql_where=text("paused")),
    )

    mandate_id: Mapped[Id] = mapped_column(ForeignKey("mandates.id"), index=True)
    account_id: Mapped[Id | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    source: Mapped[str] = mapped_column(String(32))
    address: Mapped[str] = mapped_column(String(2000))
    host: Mapped[str] = mapped_column(String(MAX_HOST_CHARACTERS), index=True)
    interval_seconds: Mapped[int | None]
    next_due_at: Mapped[dt.datetime] = mapped_column(index=True)
    cron: Mapped[str | None] = mapped_column(String(120), default=None)
    paused: Mapped[bool] = mapped_column(default=False)
    looked_back_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    watermark: Mapped[JsonObject] = mapped_column(default_factory=dict)
    validators: Mapped[JsonObject] = mapped_column(default_factory=dict)


class Run(Row):
    """One crawl of one target. (target, due time) is unique, so any number of schedulers start it once.

    `worker` holds it until `held_until` (times of crashes: `models.claims`). `looks_back_to`: posts since then are gone
    through again. `late_reason`: why it started more than `LATE_AFTER` past its due time.
    `times`: how many due times it stands for (one, but for missed ones).
    """

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("target_id", "due_at"),
        Index("ix_runs_queued", "host", "due_at", sqlite_where=_QUEUED, postgresql_where=_QUEUED),
        Index("ix_runs_outcome", "outcome", "ended_at"),
    )

    target_id: Mapped[Id] = mapped_column(ForeignKey("targets.id"))
    host: Mapped[str] = mapped_column(String(MAX_HOST_CHARACTERS))
    due_at: Mapped[dt.datetime] = mapped_column(index=True)
    worker: Mapped[str | None] = mapped_column(String(ID_LENGTH), default=None)
    held_until: Mapped[dt.datetime | None] = mapped_column(default=None)
    looks_back_to: Mapped[dt.datetime | None] = mapped_column(default=None)
    late_reason: Mapped[str] = mapped_column(default="")
    times: Mapped[int] = mapped_column(default=1)
    started_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    ended_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    outcome: Mapped[RunOutcome] = mapped_column(default=RunOutcome.QUEUED)
    reason: Mapped[str] = mapped_column(default="")
    fetches: Mapped[int] = mapped_column(default=0)
    posts_seen: Mapped[int] = mapped_column(default=0)
    posts_new: Mapped[int] = mapped_column(default=0)
    posts_edited: Mapped[int] = mapped_column(default=0)
    unparsed: Mapped[int] = mapped_column(default=0)


_BODY_KEPT = text("body_erased_at IS NULL")
_UNPARSED = text("unparsed > 0")


class Fetch(Row):
    """One response (or one imported file): where from, what headers, and the SHA-256 of its raw bytes.

    `kind` is the connector's word for what was asked; `unparsed` counts the items it did not understand,
    `problems` shows the first of them.
    `body_erased_at`: when retention deleted the bytes (`models.retention`); the hash stays.
    """

    __tablename__ = "fetches"
    __table_args__ = (
        Index("ix_fetches_kept_body", "body_sha256", sqlite_where=_BODY_KEPT, postgresql_where=_BODY_KEPT),
        Index("ix_fetches_unparsed", "fetched_at", sqlite_where=_UNPARSED, postgresql_where=_UNPARSED),
    )

    run_id: Mapped[Id] = mapped_column(ForeignKey("runs.id"), index=True)
    url: Mapped[str]
    status: Mapped[int]
    headers: Mapped[JsonObject]
    fetched_at: Mapped[dt.datetime]
    body_sha256: Mapped[Sha256] = mapped_column(index=True)
    media_type: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(32), default="")
    unparsed: Mapped[int] = mapped_column(default=0)
    problems: Mapped[list[JsonObject]] = mapped_column(default_factory=list)
    body_erased_at: Mapped[dt.datetime | None] = mapped_column(default=None)


def add_target(
    session: Session,
    mandate: Mandate,
    *,
    source: str,
    address: str,
    account: Account | None,
    actor: str,
    interval_seconds: int | None = None,
    cron: str | None = None,
    first_due_at: dt.datetime | None = None,
    host: str | None = None,
) -> Target:
    """Put an account or an official feed on the schedule; adding it twice gives the first row.

    `host` is the server that is asked, where that is not the address's own (`crawler.registry.asked_host`).

    With neither interval nor `cron` (checked by `models.calendar`) the contest's stages set the pace.

    Raises:
        BadInput: the interval is shorter than `MIN_INTERVAL_SECONDS` or longer than `MAX_INTERVAL_SECONDS`.
    """
    if interval_seconds is not None and not MIN_INTERVAL_SECONDS <= interval_seconds <= MAX_INTERVAL_SECONDS:
        bounds = f"at least {MIN_INTERVAL_SECONDS} and at most {MAX_INTERVAL_SECONDS} seconds"
        raise BadInput(f"target {address}: the interval is {bounds}")
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
        host=host_of(address) if host is None else host,
        interval_seconds=interval_seconds,
        cron=cron,
        next_due_at=first_due_at or utc_now(),
    )
    session.add(target)
    session.flush()
    record(session, "target.added", target, actor=actor, mandate=mandate.id, source=source)
    return target


def host_of(address: str) -> str:
    """The server that an address names; runs of one server wait for each other. Empty for imported files."""
    try:
        return (urlsplit(address).hostname or "")[:MAX_HOST_CHARACTERS]
    except ValueError:
        return ""


def set_paused(session: Session, target: Target, *, paused: bool, actor: str) -> None:
    """Pause or resume the schedule of a target. What would have been due meanwhile was not wanted, so not missed."""
    if target.paused is not paused:
        target.paused = paused
        if not paused:
            target.next_due_at = max(target.next_due_at, utc_now())
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
    refusal = refusals(session, [target], at).get(target.id)
    if refusal is not None:
        raise NoMandate(refusal)
    return session.get_one(Mandate, target.mandate_id)


def refusals(session: Session, targets: Sequence[Target], at: dt.datetime) -> dict[str, str]:
    """Why those of the targets may not be crawled at `at` that may not, by id; three statements for all of them."""
    mandates = _by_id(session, Mandate, {target.mandate_id for target in targets})
    holders = _verified_holders(session, {target.account_id for target in targets if target.account_id})
    rows = session.execute(
        select(RosterEntry.mandate_id, RosterEntry.civil_servant_id).where(
            RosterEntry.mandate_id.in_(mandates), RosterEntry.civil_servant_id.in_(set(holders.values()))
        )
    )
    enrolled = {(mandate_id, person_id) for mandate_id, person_id in rows}
    found = {}
    for target in targets:
        reason = _refusal(session, mandates.get(target.mandate_id), target.account_id, holders, enrolled, at)
        if reason:
            found[target.id] = reason
    return found


def _by_id(session: Session, table: type[Mandate], ids: Iterable[str]) -> dict[str, Mandate]:
    return {row.id: row for row in session.scalars(select(table).where(table.id.in_(list(ids))))}


def _verified_holders(session: Session, account_ids: Iterable[str]) -> dict[str, str]:
    """Account to civil servant, where the attribution is verified."""
    rows = session.execute(
        select(Attribution.account_id, Attribution.civil_servant_id, Attribution.state).where(
            Attribution.account_id.in_(list(account_ids))
        )
    )
    # Nearly all are verified: a database that looked for those first would read the whole table.
    return {account: person for account, person, state in rows if state is AttributionState.VERIFIED}


def _refusal(
    session: Session,
    mandate: Mandate | None,
    account_id: str | None,
    holders: Mapping[str, str],
    enrolled: Collection[tuple[str, str]],
    at: dt.datetime,
) -> str:
    try:
        mandate = require_mandate(mandate, at)
        if account_id is None:
            return ""
        if account_id not in holders:
            require_attribution(session, account_id)
    except NoMandate as refusal:
        return str(refusal)
    if (mandate.id, holders[account_id]) not in enrolled:
        return f"pemegang akun tidak ada dalam daftar ASN mandat {mandate.number}"
    return ""


def queue_run(
    session: Session, target: Target, *, due_at: dt.datetime, actor: str, at: dt.datetime | None = None
) -> Run | None:
    """Note that the target is due; None when the run of `due_at` exists.

    A target that may not be crawled now gets a refused run instead, and the refusal is logged.
    """
    run = Run(target_id=target.id, host=target.host, due_at=due_at)
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
    session: Session,
    target: Target,
    *,
    due_at: dt.datetime,
    count: int,
    actor: str,
    why: str = "penjadwal tidak berjalan",
    at: dt.datetime | None = None,
) -> None:
    """Show that `count` due times since `due_at` passed without a run; one row stands for all of them."""
    run = Run(target_id=target.id, host=target.host, due_at=due_at, times=count)
    try:
        with session.begin_nested():
            session.add(run)
    except IntegrityError:
        return
    close_run(
        session, run, RunOutcome.MISSED, actor=actor, reason=f"{count} jadwal terlewat: {why}", at=at or utc_now()
    )


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
    close_run(session, run, outcome, actor=actor, reason=reason, at=at or utc_now())


def _refuse_unpermitted(session: Session, run: Run, target: Target, *, actor: str, at: dt.datetime) -> bool:
    try:
        require_permission(session, target, at)
    except NoMandate as refusal:
        close_run(session, run, RunOutcome.REFUSED, actor=actor, reason=str(refusal), at=at)
        return True
    return False


def close_run(session: Session, run: Run, outcome: RunOutcome, *, actor: str, reason: str, at: dt.datetime) -> None:
    """Write the end of a run that is the caller's to end."""
    run.outcome, run.reason, run.ended_at = outcome, reason, at
    run.worker = run.held_until = None
    record(session, f"run.{outcome.value}", run, actor=actor, at=at, target=run.target_id,
           posts_new=run.posts_new, posts_edited=run.posts_edited, words={"reason": reason})  # fmt: skip
