"""The front page: what each role has to do today."""

from __future__ import annotations

import dataclasses

from fastapi import APIRouter
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from models.accounts import AttributionState
from models.base import Base
from models.flags import Flag, FlagState
from models.mandates import Mandate, MandateState
from models.officers import Officer, Role
from models.reports import Report, ReportState
from models.samples import count_readable
from review_ui.desk import AnyDesk, Desk
from review_ui.queries.claims import count_claims
from review_ui.queries.crawling import count_targets, count_troubled
from review_ui.queries.dossiers import reportable_flags
from review_ui.queries.waiting import FRESH, count_waiting

router = APIRouter()


@dataclasses.dataclass(frozen=True, slots=True)
class Card:
    """One number with the page it leads to; `urgent` ones are marked. `key` names its phrases."""

    key: str
    address: str
    count: int
    icon: str
    urgent: bool = False


@router.get("/")
def show_home(desk: AnyDesk) -> Response:
    """Everyone signed in: the numbers that concern their roles."""
    with desk.ui.database.read() as session:
        cards = [card for role, build in _BUILDERS if desk.has(role) for card in build(session, desk)]
    return desk.page("home.html", cards=list({card.key: card for card in cards}.values()))


def _supervisor(session: Session, desk: Desk) -> list[Card]:
    disputes = count_waiting(session, desk.officer, [FlagState.DISPUTED])
    return [
        Card("waiting", "/telaah", count_waiting(session, desk.officer, FRESH), "inbox"),
        Card("disputed", "/telaah?tab=sengketa", disputes, "scale", urgent=disputes > 0),
        Card("reportable", "/laporan", len(reportable_flags(session, desk.ui.config)), "file-text"),
        Card("drafts", "/laporan", _count(session, Report, Report.state == ReportState.DRAFT), "pencil"),
    ]


def _operator(session: Session, _desk: Desk) -> list[Card]:
    proposed = _count(session, Mandate, Mandate.state == MandateState.PROPOSED)
    claimed = count_claims(session)[AttributionState.CLAIMED]
    troubled = count_troubled(session)
    return [
        Card("mandates", "/mandat", proposed, "certificate", urgent=proposed > 0),
        Card("claims", "/atribusi", claimed, "link", urgent=claimed > 0),
        Card("targets", "/sasaran", count_targets(session), "target"),
        Card("troubled", "/sasaran?tab=bermasalah", troubled, "alert-triangle", urgent=troubled > 0),
    ]


def _auditor(session: Session, _desk: Desk) -> list[Card]:
    return [
        Card("oversight", "/pengawasan", _count(session, Flag), "chart-bar"),
        Card("reports", "/laporan", _count(session, Report), "file-text"),
    ]


def _analyst(session: Session, desk: Desk) -> list[Card]:
    decided = Flag.state.in_((FlagState.CONFIRMED, FlagState.DISMISSED))
    return [
        Card("sample", "/sampel", count_readable(session, desk.officer), "quote"),
        Card("decided", "/", _count(session, Flag, decided), "checks"),
    ]


def _admin(session: Session, _desk: Desk) -> list[Card]:
    return [
        Card("officers", "/petugas", _count(session, Officer, Officer.active.is_(True)), "users"),
        Card("oversight", "/pengawasan", _count(session, Flag), "chart-bar"),
    ]


def _count(session: Session, table: type[Base], *conditions: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0


_BUILDERS = (
    (Role.SUPERVISOR, _supervisor),
    (Role.OPERATOR, _operator),
    (Role.AUDITOR, _auditor),
    (Role.ANALYST, _analyst),
    (Role.ADMIN, _admin),
)
