"""How due targets become queued runs, and queued runs somebody's work: in batches, by any number of processes.

A worker holds what it claimed for a while and goes on renewing it; what a dead worker held is taken back.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from models.hosts import Host, states
from models.log import record
from models.targets import LATE_AFTER, Run, RunOutcome, Target, close_run, record_missed, refusals

INTERRUPTIONS_IN_A_ROW = 3
"""A target whose runs were cut off that often is not made due at once again: it may be what kills the crawler."""

_OPEN = (RunOutcome.QUEUED, RunOutcome.RUNNING)


@dataclasses.dataclass(frozen=True, slots=True)
class Due:
    """A target whose time came at `at`; `missed` earlier times since `first` passed without a run."""

    target: Target
    at: dt.datetime
    first: dt.datetime
    missed: int = 0
    looks_back_to: dt.datetime | None = None


def queue_runs(session: Session, due: Sequence[Due], *, actor: str, now: dt.datetime) -> dict[str, str]:
    """Queue one run for each; returns why those targets may not run that may not, by id.

    A refusal is written once: while its reason stays, later due times make no further runs. Where the run before still
    waits or works, this due time is recorded as missed instead. The caller holds the targets' rows, so no two
    schedulers queue the same.
    """
    targets = [one.target for one in due]
    busy = _busy(session, targets)
    done = _existing(session, due)
    refused = refusals(session, targets, now)
    told = _refused_before(session, refused)
    for one in due:
        target = one.target
        if target.id in refused and told.get(target.id) == refused[target.id]:
            continue
        if one.missed:
            record_missed(session, target, due_at=one.first, count=one.missed, actor=actor, at=now)
        if target.id in busy and target.id not in refused:
            why = f"proses sebelumnya masih {_WAITS[busy[target.id]]}"
            record_missed(session, target, due_at=one.at, count=1, actor=actor, why=why, at=now)
        elif (target.id, one.at) not in done:
            run = Run(target_id=target.id, host=target.host, due_at=one.at, looks_back_to=one.looks_back_to)
            if now - one.at > LATE_AFTER:
                run.late_reason = "penjadwal tidak berjalan"
            session.add(run)
            if target.id in refused:
                session.flush()
                close_run(session, run, RunOutcome.REFUSED, actor=actor, reason=refused[target.id], at=now)
    return refused


def times_with_runs(
    session: Session, targets: Sequence[Target], now: dt.datetime
) -> Mapping[str, Collection[dt.datetime]]:
    """Which times from the targets' next due time to now have a run already, by target: after a clock was set back."""
    rows = session.execute(
        select(Run.target_id, Run.due_at)
        .join(Target, Target.id == Run.target_id)
        .where(Run.target_id.in_([target.id for target in targets]))
        .where(Run.due_at >= Target.next_due_at, Run.due_at <= now)
    )
    found: dict[str, set[dt.datetime]] = {target.id: set() for target in targets}
    for target_id, due in rows:
        found[target_id].add(due)
    return found


_WAITS = {RunOutcome.QUEUED: "menunggu giliran", RunOutcome.RUNNING: "berjalan"}


def waiting_hosts(
    session: Session,
    worker: str,
    *,
    besides: Collection[str],
    now: dt.datetime,
    limit: int,
    only: Collection[str] | None = None,
) -> list[str]:
    """Hosts with queued runs (of `only` those) that may be asked now, the one that waits longest first."""
    free = or_(Host.name.is_(None), Host.holder.is_(None), Host.holder == worker, Host.held_until < now)
    rested = or_(Host.rest_until.is_(None), Host.rest_until <= now)
    waiting = select(Run.host).outerjoin(Host, Host.name == Run.host)
    waiting = waiting.where(Run.outcome == RunOutcome.QUEUED, Run.host.not_in(besides), free, rested)
    if only is not None:
        waiting = waiting.where(Run.id.in_(only))
    return list(session.scalars(waiting.group_by(Run.host).order_by(func.min(Run.due_at)).limit(limit)))


def wait_shortly(session: Session, only: Collection[str], *, until: dt.datetime) -> bool:
    """Whether any of these runs is queued behind a pause that ends by then."""
    queued = (
        select(Run.id)
        .join(Host, Host.name == Run.host)
        .where(Run.outcome == RunOutcome.QUEUED, Run.id.in_(only), Host.rest_until <= until)
        .limit(1)
    )
    return session.scalar(queued) is not None


def claim_runs(
    session: Session,
    wanted: Mapping[str, int],
    worker: str,
    *,
    actor: str,
    now: dt.datetime,
    lease: dt.timedelta,
    only: Collection[str] | None = None,
) -> list[tuple[Run, Target]]:
    """Start up to so many queued runs of each host, oldest first; those that may not run any more are refused.

    `only` limits the choice to these runs.
    """
    claimed: list[Run] = []
    for host, count in wanted.items():
        queued = select(Run).where(Run.outcome == RunOutcome.QUEUED, Run.host == host)
        if only is not None:
            queued = queued.where(Run.id.in_(only))
        claimed += session.scalars(queued.order_by(Run.due_at, Run.id).limit(count).with_for_update(skip_locked=True))
    ids = {run.target_id for run in claimed}
    targets = {target.id: target for target in session.scalars(select(Target).where(Target.id.in_(ids)))}
    refused = refusals(session, list(targets.values()), now)
    hosts = states(session, list(wanted))
    for run in claimed:
        if run.target_id in refused:
            close_run(session, run, RunOutcome.REFUSED, actor=actor, reason=refused[run.target_id], at=now)
        else:
            _begin(session, run, hosts.get(run.host), worker, actor, now, lease)
    return [(run, targets[run.target_id]) for run in claimed if run.outcome is RunOutcome.RUNNING]


def renew_claims(session: Session, worker: str, *, now: dt.datetime, lease: dt.timedelta) -> None:
    """Go on holding what the worker runs."""
    held = update(Run).where(Run.outcome == RunOutcome.RUNNING, Run.worker == worker).values(held_until=now + lease)
    session.execute(held.execution_options(synchronize_session=False))


def take_back(session: Session, *, actor: str, now: dt.datetime, worker: str | None = None) -> int:
    """End the runs whose worker no longer answers (or those of `worker`, for its successor) and make their targets due
    again; returns how many.
    """
    lost = select(Run).where(Run.outcome == RunOutcome.RUNNING)
    lost = lost.where(Run.worker == worker) if worker else lost.where(Run.held_until < now)
    runs = session.scalars(lost.with_for_update(skip_locked=True)).all()
    for run in runs:
        interrupt(session, run, actor=actor, now=now)
    return len(runs)


def interrupt(session: Session, run: Run, *, actor: str, now: dt.datetime) -> None:
    """End a run that was cut off; its target is due again, unless that happened too often in a row."""
    close_run(session, run, RunOutcome.INTERRUPTED, actor=actor, reason="proses berhenti sebelum selesai", at=now)
    session.flush()
    last = session.scalars(
        select(Run.outcome)
        .where(Run.target_id == run.target_id, Run.outcome != RunOutcome.MISSED)
        .order_by(Run.due_at.desc())
        .limit(INTERRUPTIONS_IN_A_ROW)
    ).all()
    if set(last) != {RunOutcome.INTERRUPTED} or len(last) < INTERRUPTIONS_IN_A_ROW:
        target = session.get_one(Target, run.target_id)
        target.next_due_at = min(target.next_due_at, now)


def overspent(session: Session, caps: Mapping[str, int], now: dt.datetime) -> set[str]:
    """Sources of which as many posts were read this month (UTC) as their cap allows."""
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    read = (
        select(Target.source, func.sum(Run.posts_seen))
        .join(Target, Target.id == Run.target_id)
        .where(Target.source.in_(caps), Run.due_at >= month)
        .group_by(Target.source)
    )
    return {source for source, posts in session.execute(read) if posts >= caps[source]}


def give_back(session: Session, run: Run, *, actor: str) -> None:
    """Put a run that was claimed and not begun back into the queue."""
    run.outcome, run.started_at, run.worker, run.held_until = RunOutcome.QUEUED, None, None, None
    record(session, "run.returned", run, actor=actor)


def _busy(session: Session, targets: Sequence[Target]) -> dict[str, RunOutcome]:
    rows = session.execute(
        select(Run.target_id, Run.outcome).where(
            Run.target_id.in_([target.id for target in targets]), Run.outcome.in_(_OPEN)
        )
    )
    return {key: value for key, value in rows}  # noqa: C416 - a row is no pair to dict()


def _refused_before(session: Session, refused: Collection[str]) -> dict[str, str]:
    """The reasons of those of the targets whose newest run was refused."""
    if not refused:
        return {}
    newest = select(Run.target_id, func.max(Run.due_at).label("due_at")).where(Run.target_id.in_(list(refused)))
    last = newest.group_by(Run.target_id).subquery()
    rows = session.execute(
        select(Run.target_id, Run.reason)
        .join(last, (Run.target_id == last.c.target_id) & (Run.due_at == last.c.due_at))
        .where(Run.outcome == RunOutcome.REFUSED)
    )
    return {target: reason for target, reason in rows}  # noqa: C416 - a row is no pair to dict()


def _existing(session: Session, due: Sequence[Due]) -> set[tuple[str, dt.datetime]]:
    rows = session.execute(
        select(Run.target_id, Run.due_at).where(
            Run.target_id.in_([one.target.id for one in due]), Run.due_at.in_({one.at for one in due})
        )
    )
    return {(target, due) for target, due in rows}


def _begin(
    session: Session, run: Run, host: Host | None, worker: str, actor: str, now: dt.datetime, lease: dt.timedelta
) -> None:
    run.outcome, run.started_at, run.worker, run.held_until = RunOutcome.RUNNING, now, worker, now + lease
    if now - run.due_at > LATE_AFTER and not run.late_reason:
        rested = host is not None and host.rest_until is not None and host.rest_until > run.due_at
        run.late_reason = f"host beristirahat: {host.rest_reason}" if host is not None and rested else "antrean penuh"
    record(session, "run.started", run, actor=actor, at=now, target=run.target_id, due_at=run.due_at.isoformat())
