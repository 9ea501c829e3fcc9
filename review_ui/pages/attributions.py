"""Attributions (*atribusi akun*): a second person verifies, rejects or suspends the claim."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from models.accounts import (
    Attribution,
    AttributionState,
    reject_attribution,
    suspend_attribution,
    verify_attribution,
)
from models.errors import BadInput, NotFound
from models.officers import actor_of
from models.targets import Target, make_due
from review_ui.desk import FieldDesk, FieldOrAuditDesk, PageNumber, Posted, moved
from review_ui.queries.claims import claims, count_claims

router = APIRouter()

TABS = {
    "menunggu": AttributionState.CLAIMED,
    "terverifikasi": AttributionState.VERIFIED,
    "ditangguhkan": AttributionState.SUSPENDED,
    "ditolak": AttributionState.REJECTED,
}


@router.get("/atribusi")
def list_attributions(desk: FieldOrAuditDesk, tab: str = "menunggu", hal: PageNumber = 0) -> Response:
    """Operators, supervisors, auditors: which account is said to be whose, and on what evidence."""
    tab = tab if tab in TABS else "menunggu"
    with desk.ui.database.read() as session:
        rows, more = claims(session, desk.ui.vault, TABS[tab], hal)
        counts = count_claims(session)
    return desk.page("attributions.html", rows=rows, more=more, page_number=hal, tab=tab, tabs=TABS, counts=counts)


@router.post("/atribusi/{attribution_id}/{step}")
def decide(desk: FieldDesk, attribution_id: str, step: str, form: Posted) -> Response:
    """Operators and supervisors: verify as a second person, reject or suspend with a reason."""
    reason = form.text("alasan")
    with desk.ui.database.write() as session:
        attribution = _attribution(session, attribution_id)
        if step == "verifikasi":
            verify_attribution(session, attribution, desk.officer)
            _crawl_now(session, attribution.account_id, actor_of(desk.officer))
            return moved("/atribusi", "attribution_verified")
        if not reason:
            raise BadInput("give a reason")
        if step == "tolak":
            reject_attribution(session, attribution, desk.officer, reason=reason)
        elif step == "tangguhkan":
            suspend_attribution(session, attribution, desk.officer, reason=reason)
        else:
            raise NotFound("no such step")
    return moved("/atribusi", "saved")


def _attribution(session: Session, attribution_id: str) -> Attribution:
    attribution = session.get(Attribution, attribution_id)
    if attribution is None:
        raise NotFound(f"no attribution {attribution_id[:40]}")
    return attribution


def _crawl_now(session: Session, account_id: str, actor: str) -> None:
    """Schedule the account's targets at once: while the claim waited, their due times were refused."""
    for target in session.scalars(select(Target).where(Target.account_id == account_id)):
        make_due(session, target, actor=actor)
