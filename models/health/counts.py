"""What became of runs, counted by the hour, and how each target's newest run ended.

Each ended run is counted once, in the transaction that moves `Counted.until` past it. A clock that ran ahead and was
set right makes runs of that time count twice in their hour; the state of a target is right all the same.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ForeignKey, Index, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Id, insert_into
from models.database import Database
from models.hosts import MAX_HOST_CHARACTERS
from models.mandates import Mandate, MandateState
from models.targets import Run, RunOutcome, Target

STEP = dt.timedelta(minutes=10)
"""How much is counted in one transaction."""
LAG = dt.timedelta(seconds=30)
"""Runs that ended more recently may stand in a transaction that has not committed."""
FIRST_LOOK_BACK = dt.timedelta(days=8)
"""How far back the first count goes: a week to compare with, and today."""
BATCH = 5_000
NEVER = "never"
MAX_LATE_CHARACTERS = 60

ENDS = tuple(outcome for outcome in RunOutcome if outcome not in (RunOutcome.QUEUED, RunOutcome.RUNNING))
GOOD = (RunOutcome.DONE, RunOutcome.UNCHANGED)


class RunHour(Base):
    """Runs that ended in the hour from `hour`, by source, outcome and why they were late (empty: on time).

    `times` counts due times: one a run, but for missed ones, which stand for several.
    """

    __tablename__ = "run_hours"

    hour: Mapped[dt.datetime] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(32), primary_key=True)
    outcome: Mapped[str] = mapped_column(String(32), primary_key=True)
    late: Mapped[str] = mapped_column(String(MAX_LATE_CHARACTERS), primary_key=True)
    runs: Mapped[int]
    times: Mapped[int]
    seen: Mapped[int]
    new: Mapped[int]
    edited: Mapped[int]
    unparsed: Mapped[int]


class TargetState(Base):
    """How the newest ended run of a target went; `outcome` is `never` before the first. `troubled`: not well."""

    __tablename__ = "target_states"
    __table_args__ = (
        Index("ix_target_states_outcome", "outcome", "target_id"),
        Index("ix_target_states_source", "source", "outcome", "target_id"),
        Index("ix_target_states_host", "host", "target_id"),
        Index("ix_target_states_late", "late", "target_id"),
        Index("ix_target_states_troubled", "troubled", "target_id"),
    )

    target_id: Mapped[Id] = mapped_column(ForeignKey("targets.id"), primary_key=True)
    source: Mapped[str] = mapped_column(String(32))
    host: Mapped[str] = mapped_column(String(MAX_HOST_CHARACTERS))
    due_at: Mapped[dt.datetime]
    outcome: Mapped[str] = mapped_column(String(32))
    late: Mapped[bool]
    troubled: Mapped[bool]


class Counted(Base):
    """One row: runs that ended until then are counted; `at`: when the clock last did so."""

    __tablename__ = "counted"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    until: Mapped[dt.datetime]
    at: Mapped[dt.datetime | None]


_RUNS = "runs"


def count_runs(database: Database, *, now: dt.datetime, by_clock: bool = True) -> int:
    """Count the runs that ended since the last count, `STEP` of them in each transaction; returns how many.

    Anybody may count; only when the clock does, `last_count` says that it works.
    """
    total = 0
    while True:
        with database.write() as session:
            until, counted = _count_some(session, now, by_clock=by_clock)
        total += counted
        if until >= now - LAG:
            return total


def last_count(session: Session) -> dt.datetime | None:
    """When the clock last counted."""
    return session.scalar(select(Counted.at).where(Counted.name == _RUNS))


def _count_some(session: Session, now: dt.datetime, *, by_clock: bool) -> tuple[dt.datetime, int]:
    known = session.get(Counted, _RUNS, with_for_update=True)
    if known is None:
        known = Counted(name=_RUNS, until=_first(session, now), at=None)
        session.add(known)
    start = min(known.until, now - LAG)
    until = min(_floor(start) + STEP, now - LAG)
    _add_new_targets(session)
    ended = _ended(session, start, until)
    _add_to_hour(session, hour_of(start), ended)
    _note_states(session, ended)
    known.until = until
    if by_clock:
        known.at = now
    return until, len(ended)


def _first(session: Session, now: dt.datetime) -> dt.datetime:
    oldest = session.scalar(select(func.min(Run.due_at)))
    return max(now - FIRST_LOOK_BACK, min(oldest or now, now))


def hour_of(moment: dt.datetime) -> dt.datetime:
    """The beginning of its hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


def _floor(moment: dt.datetime) -> dt.datetime:
    return moment - (moment - hour_of(moment)) % STEP


def _ended(session: Session, start: dt.datetime, until: dt.datetime) -> Sequence[Any]:
    return session.execute(
        select(
            Run.target_id, Target.source, Run.host, Run.due_at, Run.outcome, Run.late_reason, Run.times,
            Run.posts_seen, Run.posts_new, Run.posts_edited, Run.unparsed,
        )
        .join(Target, Target.id == Run.target_id)
        .where(Run.outcome.in_(ENDS), Run.ended_at >= start, Run.ended_at < until)
    ).all()  # fmt: skip


def late_kind(reason: str) -> str:
    """What kind of lateness it was: the words before the details."""
    return reason.partition(":")[0].strip()[:MAX_LATE_CHARACTERS]


_SUMS = ("runs", "times", "seen", "new", "edited", "unparsed")


def _add_to_hour(session: Session, hour: dt.datetime, ended: Sequence[Any]) -> None:
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0] * len(_SUMS))
    for run in ended:
        counts = sums[run.source, run.outcome.value, late_kind(run.late_reason)]
        added = (1, run.times, run.posts_seen, run.posts_new, run.posts_edited, run.unparsed)
        counts[:] = [old + more for old, more in zip(counts, added, strict=True)]
    rows = [
        {"hour": hour, "source": source, "outcome": outcome, "late": late, **dict(zip(_SUMS, counts, strict=True))}
        for (source, outcome, late), counts in sorted(sums.items())
    ]
    if rows:
        statement = insert_into(session, RunHour)
        grown = {name: getattr(RunHour, name) + statement.excluded[name] for name in _SUMS}
        session.execute(
            statement.on_conflict_do_update(index_elements=["hour", "source", "outcome", "late"], set_=grown), rows
        )


def _note_states(session: Session, ended: Sequence[Any]) -> None:
    """The newest of these runs for each target, unless a newer one is known."""
    newest: dict[str, Any] = {}
    for run in ended:
        if run.target_id not in newest or newest[run.target_id].due_at < run.due_at:
            newest[run.target_id] = run
    rows = [_state(run) for _, run in sorted(newest.items())]
    statement = insert_into(session, TargetState)
    changed = {name: statement.excluded[name] for name in ("due_at", "outcome", "late", "troubled")}
    newer = statement.excluded.due_at >= TargetState.due_at
    for start in range(0, len(rows), BATCH):
        upsert = statement.on_conflict_do_update(index_elements=["target_id"], set_=changed, where=newer)
        session.execute(upsert, rows[start : start + BATCH])


def _state(run: Any) -> Mapping[str, object]:
    return {
        "target_id": run.target_id,
        "source": run.source,
        "host": run.host,
        "due_at": run.due_at,
        "outcome": run.outcome.value,
        "late": bool(run.late_reason),
        "troubled": run.outcome not in GOOD,
    }


def _add_new_targets(session: Session) -> None:
    """A row for each target that came since; one whose id sorts before another's gets its row with its first run."""
    last = session.scalar(select(func.max(TargetState.target_id))) or ""
    while True:
        wanted = select(Target.id, Target.source, Target.host).where(Target.id > last).order_by(Target.id).limit(BATCH)
        targets = session.execute(wanted).all()
        if not targets:
            return
        last = targets[-1].id
        rows = [
            {"target_id": target.id, "source": target.source, "host": target.host, "due_at": _EVER,
             "outcome": NEVER, "late": False, "troubled": False}
            for target in targets
        ]  # fmt: skip
        session.execute(insert_into(session, TargetState).on_conflict_do_nothing(), rows)


_EVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def ended_mandates(session: Session, now: dt.datetime) -> list[str]:
    """Mandates whose last day is over, and revoked ones: what is refused under them is refused as it should be."""
    mandates = session.scalars(select(Mandate))
    return [
        mandate.id
        for mandate in mandates
        if mandate.state is MandateState.REVOKED or mandate.local_day(now) > mandate.last_day
    ]


def states_by_source(session: Session, without: Sequence[str] = ()) -> dict[str, dict[str, int]]:
    """How many unpaused targets of each source last ended how, but for those of the mandates `without`."""
    every = select(TargetState.source, TargetState.outcome, func.count()).group_by(
        TargetState.source, TargetState.outcome
    )
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for source, outcome, number in session.execute(every):
        counts[source][outcome] = number
    # Not grouped by the database: SQLite would walk every target to save a small sort.
    idle = select(TargetState.source, TargetState.outcome).join(Target, Target.id == TargetState.target_id)
    subtracted = [idle.where(Target.paused)]
    if without:
        subtracted.append(idle.where(Target.mandate_id.in_(without), ~Target.paused))
    for statement in subtracted:
        for source, outcome in session.execute(statement):
            counts[source][outcome] -= 1
    return dict(counts)
