"""Targets with their latest run, and what may be done about them."""

from __future__ import annotations

import dataclasses

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from models.accounts import Account
from models.errors import NotFound
from models.mandates import Mandate
from models.targets import Run, RunOutcome, Target

PAGE_SIZE = 50
RUNS_SHOWN = 50
TROUBLED = (RunOutcome.FAILED, RunOutcome.REFUSED, RunOutcome.GONE, RunOutcome.MISSED, RunOutcome.INTERRUPTED)


@dataclasses.dataclass(frozen=True, slots=True)
class TargetLine:
    """One target with the mandate it belongs to and its latest run, if it ever ran."""

    target: Target
    mandate: Mandate
    handle: str | None
    last_run: Run | None


def _latest() -> ColumnElement[bool]:
    newest = select(func.max(Run.id)).where(Run.target_id == Target.id).correlate(Target).scalar_subquery()
    return and_(Run.target_id == Target.id, Run.id == newest)


def target_lines(session: Session, which: str, page: int) -> tuple[list[TargetLine], bool]:
    """One page of targets and whether there are more; `which` is `semua`, `bermasalah` or `dijeda`."""
    statement = (
        select(Target, Mandate, Account.handle, Run)
        .join(Mandate, Mandate.id == Target.mandate_id)
        .outerjoin(Account, Account.id == Target.account_id)
        .outerjoin(Run, _latest())
    )
    if which == "dijeda":
        statement = statement.where(Target.paused.is_(True))
    elif which == "bermasalah":
        statement = statement.where(Run.outcome.in_(TROUBLED))
    rows = session.execute(statement.order_by(Target.id).offset(page * PAGE_SIZE).limit(PAGE_SIZE + 1)).all()
    return [TargetLine(*row) for row in rows[:PAGE_SIZE]], len(rows) > PAGE_SIZE


def target_line(session: Session, target_id: str) -> TargetLine:
    """One target.

    Raises:
        NotFound: nothing carries the id.
    """
    target = session.get(Target, target_id)
    if target is None:
        raise NotFound(f"no target {target_id[:40]}")
    account = session.get(Account, target.account_id) if target.account_id else None
    runs = runs_of(session, target_id, limit=1)
    mandate = session.get_one(Mandate, target.mandate_id)
    return TargetLine(target, mandate, None if account is None else account.handle, runs[0] if runs else None)


def runs_of(session: Session, target_id: str, *, limit: int = RUNS_SHOWN) -> list[Run]:
    """The target's newest runs."""
    return list(session.scalars(select(Run).where(Run.target_id == target_id).order_by(Run.id.desc()).limit(limit)))


def count_targets(session: Session) -> int:
    """How many targets there are."""
    return session.scalar(select(func.count(Target.id))) or 0


def count_troubled(session: Session) -> int:
    """How many targets' latest run went wrong."""
    return session.scalar(select(func.count(Target.id)).join(Run, _latest()).where(Run.outcome.in_(TROUBLED))) or 0
