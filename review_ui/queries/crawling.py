"""Targets with their latest run, and what may be done about them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from models.accounts import Account
from models.errors import NotFound
from models.health.counts import TargetState
from models.mandates import Mandate
from models.targets import Run, Target

PAGE_SIZE = 50
RUNS_SHOWN = 50


@dataclasses.dataclass(frozen=True, slots=True)
class TargetLine:
    """One target with the mandate it belongs to and its latest run, if it ever ran."""

    target: Target
    mandate: Mandate
    handle: str | None
    last_run: Run | None


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """Which targets a list shows; what is empty does not matter. `tab`: `semua`, `bermasalah`, `dijeda`.

    `outcome`: how the newest counted run ended (`models.health.counts`). `after`: the last target of the page before.
    """

    tab: str = "semua"
    outcome: str = ""
    source: str = ""
    host: str = ""
    late: bool = False
    after: str = ""

    @property
    def counted(self) -> list[ColumnElement[bool]]:
        """The conditions on how targets went."""
        asked: tuple[tuple[object, ColumnElement[bool]], ...] = (
            (self.tab == "bermasalah", TargetState.troubled.is_(True)),
            (self.late, TargetState.late.is_(True)),
            (self.outcome, TargetState.outcome == self.outcome),
            (self.source, TargetState.source == self.source),
            (self.host, TargetState.host == self.host),
        )
        return [condition for given, condition in asked if given]


def target_lines(session: Session, wanted: Wanted) -> tuple[list[TargetLine], bool]:
    """One page of targets by id, and whether there are more; as fast on the last page as on the first."""
    newest = select(func.max(Run.due_at)).where(Run.target_id == Target.id).correlate(Target).scalar_subquery()
    ids = _ids(session, wanted)
    rows = session.execute(
        select(Target, Mandate, Account.handle, Run)
        .join(Mandate, Mandate.id == Target.mandate_id)
        .outerjoin(Account, Account.id == Target.account_id)
        .outerjoin(Run, and_(Run.target_id == Target.id, Run.due_at == newest))
        .where(Target.id.in_(ids[:PAGE_SIZE]))
        .order_by(Target.id)
    )
    return [TargetLine(*row) for row in rows], len(ids) > PAGE_SIZE


def _ids(session: Session, wanted: Wanted) -> Sequence[str]:
    if conditions := wanted.counted:
        found = select(TargetState.target_id).where(TargetState.target_id > wanted.after, *conditions)
        if wanted.tab == "dijeda":
            found = found.join(Target, Target.id == TargetState.target_id).where(Target.paused)
        return session.scalars(found.order_by(TargetState.target_id).limit(PAGE_SIZE + 1)).all()
    targets = select(Target.id).where(Target.id > wanted.after)
    if wanted.tab == "dijeda":
        targets = targets.where(Target.paused)
    return session.scalars(targets.order_by(Target.id).limit(PAGE_SIZE + 1)).all()


def sources_crawled(session: Session) -> list[str]:
    """The sources of the counted targets."""
    return sorted(session.scalars(select(TargetState.source).distinct()))


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
    """How many targets' newest counted run went wrong."""
    return session.scalar(select(func.count()).select_from(TargetState).where(TargetState.troubled)) or 0
