"""The trace of a flag (*jejak*) as a time line, from the first byte fetched to what happened last."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from models.mandates import Mandate
from models.officers import Officer
from models.reviews import may_see_score, state_shown_to
from models.trace import TraceStep, trace_flag
from review_ui.desk import RecordsDesk
from review_ui.queries.case import get_flag

router = APIRouter()

TELLING: Mapping[str, tuple[str, ...]] = {
    "contest.saved": ("name",),
    "mandate.proposed": ("number",),
    "account.added": ("handle",),
    "target.added": ("address",),
    "fetch.received": ("status", "url"),
    "run.failed": ("reason",),
    "run.refused": ("reason",),
    "assessments.stored": ("model",),
    "capture.made": ("quality", "reason"),
    "review.given": ("decision", "reason"),
    "report.drafted": ("number",),
    "report.handed_over": ("recipient", "document"),
    "report.followed_up": ("step", "institution"),
    "report.withdrawn": ("reason",),
    "flag.expired": ("reason",),
}
"""Which facts of a step say the most; the rest stands under its details."""

OUTCOMES = frozenset({"flag.confirmed", "flag.dismissed", "flag.disputed"})
BY_REVIEWERS = OUTCOMES | {"flag.viewed", "flag.in_review"}


@router.get("/jejak/{flag_id}")
def show_trace(desk: RecordsDesk, flag_id: str) -> Response:
    """Auditors and supervisors; steps that tell the score or a verdict stay closed to those who have still to judge."""
    with desk.ui.database.read() as session:
        flag = get_flag(session, flag_id)
        uncovered = may_see_score(session, flag, desk.officer)
        steps = trace_flag(session, flag_id)
        if state_shown_to(session, flag, desk.officer) is not flag.state:
            steps = [step for step in steps if step.action not in OUTCOMES]
        if not uncovered:
            steps = [_covered(step) for step in steps]
        names = dict(session.execute(select(Officer.id, Officer.name)).all())
        mandate = session.get_one(Mandate, flag.mandate_id)
    actors = {f"officers:{officer_id}": name for officer_id, name in names.items()}
    lines = [(step, _told(step)) for step in steps]
    return desk.page("trace.html", flag=flag, lines=lines, actors=actors, offset=mandate.utc_offset_minutes)


def _told(step: TraceStep) -> list[str]:
    return [str(step.facts[name]) for name in TELLING.get(step.action, ()) if step.facts.get(name)]


def _covered(step: TraceStep) -> TraceStep:
    """The step without what it would tell a reviewer who has still to judge: score, verdicts, and who gave them."""
    if step.sensitive:
        return dataclasses.replace(step, actor="", facts={}, evidence=(), leaf_hash="")
    return dataclasses.replace(step, actor="") if step.action in BY_REVIEWERS else step
