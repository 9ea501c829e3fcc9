"""Mandates (*mandat pengawasan*): what is in force, and the second officer's approval."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased
from starlette.responses import Response

from models.clock import utc_now
from models.errors import NotFound
from models.mandates import Contest, Mandate, approve_mandate, revoke_mandate
from models.officers import Officer
from models.people import RosterEntry
from models.targets import Target
from review_ui.desk import FieldDesk, FieldOrAuditDesk, Posted, moved

router = APIRouter()


@router.get("/mandat")
def list_mandates(desk: FieldOrAuditDesk) -> Response:
    """Operators, supervisors, auditors: every mandate with who entered and who approved it."""
    entered, approved = aliased(Officer), aliased(Officer)
    roster = select(func.count()).where(RosterEntry.mandate_id == Mandate.id).scalar_subquery()
    targets = select(func.count()).where(Target.mandate_id == Mandate.id).scalar_subquery()
    with desk.ui.database.read() as session:
        rows = session.execute(
            select(Mandate, Contest.name, entered.name, approved.name, roster, targets)
            .join(Contest, Contest.id == Mandate.contest_id)
            .join(entered, entered.id == Mandate.entered_by)
            .outerjoin(approved, approved.id == Mandate.approved_by)
            .order_by(Mandate.entered_at.desc())
        ).all()
    return desk.page("mandates.html", rows=rows, now=utc_now())


@router.post("/mandat/{mandate_id}/setuju")
def approve(desk: FieldDesk, mandate_id: str) -> Response:
    """Operators and supervisors other than the one who entered it: put the mandate in force."""
    with desk.ui.database.write() as session:
        approve_mandate(session, _mandate(session, mandate_id), desk.officer)
    return moved("/mandat", "mandate_approved")


@router.post("/mandat/{mandate_id}/cabut")
def revoke(desk: FieldDesk, mandate_id: str, form: Posted) -> Response:
    """Operators and supervisors: end the mandate at once, with a reason."""
    with desk.ui.database.write() as session:
        revoke_mandate(session, _mandate(session, mandate_id), desk.officer, reason=form.text("alasan"))
    return moved("/mandat", "saved")


def _mandate(session: Session, mandate_id: str) -> Mandate:
    mandate = session.get(Mandate, mandate_id)
    if mandate is None:
        raise NotFound(f"no mandate {mandate_id[:40]}")
    return mandate
