"""Attributions (*atribusi akun*): a second person verifies; anybody in the field stops; a different one resolves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TypeVar

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from models.accounts import (
    Attribution,
    AttributionState,
    Channel,
    Confidence,
    Disavowal,
    Source,
    SourceKind,
    add_source,
    disavow_attribution,
    end_attribution,
    lower_confidence,
    reinstate_attribution,
    reject_attribution,
    suspend_attribution,
    verify_attribution,
)
from models.clock import utc_now
from models.errors import BadInput, NotFound
from models.officers import actor_of
from models.targets import Target, make_due
from review_ui.desk import Desk, FieldDesk, FieldOrAuditDesk, PageNumber, Posted, Submission, moved
from review_ui.queries.claims import claims, count_claims

router = APIRouter()

Word = TypeVar("Word", SourceKind, Confidence, Channel)

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
    return desk.page(
        "attributions.html",
        rows=rows,
        more=more,
        page_number=hal,
        tab=tab,
        tabs=TABS,
        counts=counts,
        kinds=list(SourceKind),
        rungs=list(Confidence),
        channels=list(Channel),
    )


@router.post("/atribusi/{attribution_id}/{step}")
def decide(desk: FieldDesk, attribution_id: str, step: str, form: Posted) -> Response:
    """Operators and supervisors: one step of an attribution; each says itself who may take it."""
    if step not in STEPS:
        raise NotFound("no such step")
    act, tab, notice = STEPS[step]
    with desk.ui.database.write() as session:
        act(desk, session, _attribution(session, attribution_id), form)
    return moved("/atribusi", notice, tab=tab)


def _verify(desk: Desk, session: Session, row: Attribution, form: Submission) -> None:
    verify_attribution(session, row, desk.officer, distinction=form.text("pembeda"))
    _crawl_now(session, row.account_id, actor_of(desk.officer))


def _reject(desk: Desk, session: Session, row: Attribution, form: Submission) -> None:
    reject_attribution(session, row, desk.officer, reason=_reason(form))


def _suspend(desk: Desk, session: Session, row: Attribution, form: Submission) -> None:
    suspend_attribution(session, row, desk.officer, reason=_reason(form))


def _disavow(desk: Desk, session: Session, row: Attribution, form: Submission) -> None:
    channel = _word(Channel, form.text("jalur"))
    request = Disavowal(form.text("siapa"), channel, _moment(desk, form.text("kapan")), form.text("pernyataan"))
    disavow_attribution(session, desk.ui.vault, row, desk.officer, request)


def _reinstate(desk: Desk, session: Session, row: Attribution, form: Submission) -> None:
    platform_id = form.text("id_platform") or None
    reinstate_attribution(session, row, desk.officer, reason=_reason(form), platform_id=platform_id)
    if row.state is AttributionState.VERIFIED:
        _crawl_now(session, row.account_id, actor_of(desk.officer))


def _end(desk: Desk, session: Session, row: Attribution, form: Submission) -> None:
    end_attribution(session, row, desk.officer, reason=_reason(form))


def _add_source(desk: Desk, session: Session, row: Attribution, form: Submission) -> None:
    kind = _word(SourceKind, form.text("jenis"))
    seen_on = form.day("dilihat") if form.text("dilihat") else None
    add_source(session, row, desk.officer, Source(kind, form.text("rujukan"), form.text("catatan"), seen_on))


def _lower(desk: Desk, session: Session, row: Attribution, form: Submission) -> None:
    lower_confidence(session, row, desk.officer, _word(Confidence, form.text("keyakinan")), reason=_reason(form))


_Act = Callable[[Desk, Session, Attribution, Submission], None]

STEPS: Mapping[str, tuple[_Act, str, str]] = {
    "verifikasi": (_verify, "menunggu", "attribution_verified"),
    "tolak": (_reject, "menunggu", "saved"),
    "sumber": (_add_source, "menunggu", "saved"),
    "turunkan": (_lower, "menunggu", "saved"),
    "tangguhkan": (_suspend, "ditangguhkan", "attribution_suspended"),
    "bukan-akun-saya": (_disavow, "ditangguhkan", "attribution_suspended"),
    "pulihkan": (_reinstate, "ditangguhkan", "attribution_reinstated"),
    "akhiri": (_end, "ditangguhkan", "saved"),
}
"""What each button does, and the tab and phrase it leads to."""


def _reason(form: Submission) -> str:
    reason = form.text("alasan")
    if not reason:
        raise BadInput("give a reason")
    return reason


def _word(words: type[Word], text: str) -> Word:
    try:
        return words(text)
    except ValueError as error:
        raise BadInput("choose one of the listed values") from error


def _moment(desk: Desk, text: str) -> dt.datetime:
    """A local time of the office; now when it is left empty."""
    if not text:
        return utc_now()
    try:
        local = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput("kapan: choose a day") from error
    zone = dt.timezone(dt.timedelta(minutes=desk.ui.config.utc_offset_minutes))
    return local.replace(tzinfo=zone).astimezone(dt.UTC)


def _attribution(session: Session, attribution_id: str) -> Attribution:
    attribution = session.get(Attribution, attribution_id)
    if attribution is None:
        raise NotFound(f"no attribution {attribution_id[:40]}")
    return attribution


def _crawl_now(session: Session, account_id: str, actor: str) -> None:
    """Schedule the account's targets at once: while the claim waited, their due times were refused."""
    for target in session.scalars(select(Target).where(Target.account_id == account_id)):
        make_due(session, target, actor=actor)
