"""The numbers that would betray selective enforcement: flags, outcomes and delays by side, mandate and reviewer.

Nothing here can be filtered, hidden or switched off. Shares are given with their 95 % interval (Wilson 1927)
and left out below `SMALL_CELL`, where they would say more than is known; the counts themselves always stand.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import statistics
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import intervals
from models.assessments import Assessment
from models.flags import Flag, FlagState
from models.mandates import Contest, Mandate
from models.officers import Officer
from models.reviews import Decision, Review

SMALL_CELL = 5
_BATCH = 1_000
OPEN_STATES = frozenset({FlagState.PENDING, FlagState.READY, FlagState.IN_REVIEW, FlagState.DISPUTED})


@dataclasses.dataclass(frozen=True, slots=True)
class Share:
    """A proportion with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """One line of a table: how many, how they ended, how long it took."""

    label: str
    flags: int
    confirmed: int
    dismissed: int
    open: int
    expired: int
    confirmed_share: Share | None
    median_delay: dt.timedelta | None


@dataclasses.dataclass(frozen=True, slots=True)
class Fairness:
    """The three tables."""

    by_side: list[Cell]
    by_mandate: list[Cell]
    by_reviewer: list[Cell]


@dataclasses.dataclass(frozen=True, slots=True)
class _Decided:
    """One flag (or one verdict) as the tables count it."""

    sides: tuple[str, ...]
    mandate: str
    state: FlagState
    delay: dt.timedelta | None


def fairness(session: Session, side_label: Callable[[str, str], str], unnamed: str) -> Fairness:
    """Count everything there is, in four statements. `side_label(name, stance)` words a candidate side,
    `unnamed` labels flags in which the model found no target.
    """
    facts = list(_flags(session, side_label, unnamed))
    return Fairness(
        by_side=_table(((side, fact) for fact in facts for side in fact.sides), _supported_sides(session, side_label)),
        by_mandate=_table((fact.mandate, fact) for fact in facts),
        by_reviewer=_table(_verdicts(session)),
    )


def wilson(part: int, whole: int) -> Share | None:
    """`part` of `whole` with the Wilson score interval; None for a cell smaller than `SMALL_CELL`."""
    if whole < SMALL_CELL:
        return None
    return Share(part / whole, *intervals.wilson(part / whole, whole))


def _flags(session: Session, side_label: Callable[[str, str], str], unnamed: str) -> Iterable[_Decided]:
    decided = (
        select(Review.flag_id, func.max(Review.given_at).label("at"))
        .where(Review.undone_at.is_(None), Review.decision != Decision.RECUSED)
        .group_by(Review.flag_id)
        .subquery()
    )
    rows = session.execute(
        select(Assessment.targets, Mandate.number, Mandate.agency, Flag.state, Flag.raised_at, decided.c.at)
        .select_from(Flag)
        .join(Assessment, Assessment.id == Flag.assessment_id)
        .join(Mandate, Mandate.id == Flag.mandate_id)
        .outerjoin(decided, decided.c.flag_id == Flag.id)
        .execution_options(yield_per=_BATCH)
    )
    for targets, number, agency, state, raised_at, at in rows:
        closed = state in (FlagState.CONFIRMED, FlagState.DISMISSED)
        sides = tuple(dict.fromkeys(side_label(str(one["name"]), str(one["stance"])) for one in targets))
        yield _Decided(sides or (unnamed,), f"{agency} · {number}", state, at - raised_at if closed and at else None)


def _supported_sides(session: Session, side_label: Callable[[str, str], str]) -> list[str]:
    """Every candidate side of every contest: one that is never flagged is the number to look at."""
    specs = [contest.read_spec() for contest in session.scalars(select(Contest))]
    return [side_label(candidate.title, "favor") for spec in specs for candidate in spec.candidates]


def _verdicts(session: Session) -> Iterable[tuple[str, _Decided]]:
    """Every standing verdict under its reviewer's name; recusals count as open, since they decide nothing."""
    states = {Decision.CONFIRM: FlagState.CONFIRMED, Decision.DISMISS: FlagState.DISMISSED}
    rows = session.execute(
        select(Officer.name, Review.decision, Review.given_at, Flag.raised_at)
        .select_from(Review)
        .join(Officer, Officer.id == Review.reviewer_id)
        .join(Flag, Flag.id == Review.flag_id)
        .where(Review.undone_at.is_(None))
        .execution_options(yield_per=_BATCH)
    )
    for name, decision, given_at, raised_at in rows:
        yield name, _Decided((), "", states.get(decision, FlagState.IN_REVIEW), given_at - raised_at)


def _table(rows: Iterable[tuple[str, _Decided]], labels: Iterable[str] = ()) -> list[Cell]:
    """One cell for each label; those in `labels` are shown even when nothing falls under them."""
    groups: dict[str, list[_Decided]] = {label: [] for label in labels}
    for label, fact in rows:
        groups.setdefault(label, []).append(fact)
    return [_cell(label, facts) for label, facts in sorted(groups.items())]


def _cell(label: str, facts: Sequence[_Decided]) -> Cell:
    states = collections.Counter(fact.state for fact in facts)
    confirmed, dismissed = states[FlagState.CONFIRMED], states[FlagState.DISMISSED]
    delays = [fact.delay for fact in facts if fact.delay is not None]
    median = statistics.median(delay.total_seconds() for delay in delays) if len(delays) >= SMALL_CELL else None
    return Cell(
        label=label,
        flags=len(facts),
        confirmed=confirmed,
        dismissed=dismissed,
        open=sum(states[state] for state in OPEN_STATES),
        expired=states[FlagState.EXPIRED],
        confirmed_share=wilson(confirmed, confirmed + dismissed),
        median_delay=None if median is None else dt.timedelta(seconds=median),
    )
