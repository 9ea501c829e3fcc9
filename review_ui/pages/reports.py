"""Reports (*laporan*): draft, fill in, preview, sign, hand over, follow up, withdraw."""

from __future__ import annotations

import json
from collections.abc import Callable

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from models.clock import utc_now
from models.errors import BadInput, NotAllowed, NotFound
from models.flags import Flag
from models.mandates import Mandate
from models.report_fields import REPORT_FIELDS, clean_fields
from models.reports import (
    Report,
    ReportState,
    close_report,
    draft_report,
    fill_in,
    follow_up,
    hand_over,
    sign_report,
    signed_content,
    withdraw_report,
)
from review_ui.desk import Desk, Posted, RecordsDesk, SupervisorDesk, moved
from review_ui.queries.dossiers import load_dossier, report_lines, reportable_flags
from review_ui.sessions import confirm_password

router = APIRouter()

LETTERS = "ABCDEFGHIJKLMNO"

_SECTIONS = {
    letter: [field for field in REPORT_FIELDS if field.section == letter]
    for letter in LETTERS
    if any(field.section == letter for field in REPORT_FIELDS)
}

RECIPIENTS = ("bkn", "ppk", "gakkumdu", "bawaslu", "inspektorat", "lainnya")

FOLLOW_UP_STEPS = (
    "kajian", "sbt", "ppk", "bkpsdm", "lhp_inspektorat", "tp2d", "keputusan", "keberatan", "pemulihan", "adendum",
)  # fmt: skip


@router.get("/laporan")
def list_reports(desk: RecordsDesk) -> Response:
    """Supervisors and auditors: every report, and the confirmed flags that wait for one."""
    with desk.ui.database.read() as session:
        lines = report_lines(session)
        waiting = reportable_flags(session, desk.ui.config)
    return desk.page("reports.html", lines=lines, waiting=waiting)


@router.post("/laporan")
def begin_report(desk: SupervisorDesk, form: Posted) -> Response:
    """Supervisors: draft a report of the ticked flags."""
    chosen, number = form.many("temuan"), form.text("nomor")
    if not number or len(number) > 120:  # noqa: PLR2004 - the column's width
        raise BadInput("the report needs a number of at most 120 characters")
    with desk.ui.database.write() as session:
        flags = session.scalars(select(Flag).where(Flag.id.in_(chosen)).order_by(Flag.id)).all()
        if not flags:
            raise BadInput("tick at least one confirmed flag")
        mandate = session.get_one(Mandate, flags[0].mandate_id)
        report = draft_report(session, mandate, flags, desk.officer, number=number)
    return moved(f"/laporan/{report.id}", "report_drafted")


@router.get("/laporan/{report_id}")
def show_report(desk: RecordsDesk, report_id: str) -> Response:
    """Supervisors and auditors: one report; supervisors fill in and act."""
    with desk.ui.database.read() as session:
        dossier = load_dossier(session, desk.ui.config, report_id)
        open_draft = dossier.report.state is ReportState.DRAFT
        problems = desk.ui.ports.signing_problems(_content(desk, session, dossier.report)) if open_draft else []
    return desk.page(
        "report.html",
        dossier=dossier,
        sections=_SECTIONS,
        problems=problems,
        steps=FOLLOW_UP_STEPS,
        recipients=RECIPIENTS,
        offset=dossier.mandate.utc_offset_minutes,
    )


@router.get("/laporan/{report_id}/pratinjau")
def preview_report(desk: RecordsDesk, report_id: str) -> Response:
    """Supervisors and auditors: all sections A–O, the empty ones visibly empty."""
    with desk.ui.database.read() as session:
        dossier = load_dossier(session, desk.ui.config, report_id)
        content = json.loads(_content(desk, session, dossier.report))
    return desk.page(
        "report_preview.html",
        dossier=dossier,
        content=content,
        letters=LETTERS,
        offset=dossier.mandate.utc_offset_minutes,
    )


@router.get("/laporan/{report_id}/laporan.pdf")
def download_pdf(desk: RecordsDesk, report_id: str) -> Response:
    """Supervisors and auditors: the printed form."""
    with desk.ui.database.read() as session:
        report = _report(session, report_id)
        file = desk.ui.ports.render_report(session, report, "pdf")
    return _download(file, "application/pdf", report, "pdf")


@router.get("/laporan/{report_id}/laporan.json")
def download_json(desk: RecordsDesk, report_id: str) -> Response:
    """Supervisors and auditors: the content with its hash, seal and addenda."""
    with desk.ui.database.read() as session:
        report = _report(session, report_id)
        file = desk.ui.ports.render_report(session, report, "json")
    return _download(file, "application/json", report, "json")


@router.post("/laporan/{report_id}/isi")
def fill_in_report(desk: SupervisorDesk, report_id: str, form: Posted) -> Response:
    """Supervisors: keep what they typed into the draft."""
    fields = clean_fields({field.key: form.text(field.key) for field in REPORT_FIELDS})
    return _change(desk, report_id, lambda session, report: fill_in(session, report, desk.officer, fields), "saved")


@router.post("/laporan/{report_id}/tanda-tangan")
def sign(desk: SupervisorDesk, report_id: str, form: Posted) -> Response:
    """Supervisors: sign with their password; from then on the report is locked."""
    if not confirm_password(desk.ui.database, desk.officer, form.secret("password")):
        raise NotAllowed("the password is wrong; the report was not signed")

    def step(session: Session, report: Report) -> None:
        moment = utc_now()
        content = desk.ui.ports.report_content(session, report, at=moment, signer=desk.officer)
        problems = desk.ui.ports.signing_problems(content)
        if problems:
            raise BadInput("mend before signing: " + "; ".join(problems))
        sign_report(session, desk.ui.vault, report, desk.officer, content, at=moment)

    return _change(desk, report_id, step, "report_signed")


@router.post("/laporan/{report_id}/serah")
def hand_over_report(desk: SupervisorDesk, report_id: str, form: Posted) -> Response:
    """Supervisors: note to whom the signed report went."""
    recipient = form.text("tujuan")
    named = form.text("tujuan_lain") if recipient == "lainnya" else desk.t(f"recipient.{_known(recipient, RECIPIENTS)}")
    return _change(
        desk,
        report_id,
        lambda session, report: hand_over(
            session, report, desk.officer, recipient=named, document=form.text("dokumen")
        ),
        "report_handed_over",
    )


@router.post("/laporan/{report_id}/tindak-lanjut")
def add_follow_up(desk: SupervisorDesk, report_id: str, form: Posted) -> Response:
    """Supervisors: add what an institution did, or an addendum."""
    step, day = _known(form.text("langkah"), FOLLOW_UP_STEPS), form.day("tanggal")

    def change(session: Session, report: Report) -> None:
        follow_up(
            session,
            report,
            desk.officer,
            step=step,
            institution=form.text("lembaga"),
            on_day=day,
            document=form.text("dokumen"),
            note=form.text("catatan"),
        )

    return _change(desk, report_id, change, "follow_up_added")


@router.post("/laporan/{report_id}/tutup")
def close(desk: SupervisorDesk, report_id: str, form: Posted) -> Response:
    """Supervisors: end the follow-up with its outcome."""
    outcome = form.text("hasil")
    if not outcome:
        raise BadInput("say how the case ended")
    return _change(
        desk, report_id, lambda session, report: close_report(session, report, desk.officer, outcome=outcome), "saved"
    )


@router.post("/laporan/{report_id}/tarik")
def withdraw(desk: SupervisorDesk, report_id: str, form: Posted) -> Response:
    """Supervisors: take the report back, with a reason."""
    reason = form.text("alasan")
    return _change(
        desk,
        report_id,
        lambda session, report: withdraw_report(session, report, desk.officer, reason=reason),
        "report_withdrawn",
    )


def _change(desk: Desk, report_id: str, step: Callable[[Session, Report], object], notice: str) -> Response:
    with desk.ui.database.write() as session:
        step(session, _report(session, report_id))
    return moved(f"/laporan/{report_id}", notice)


def _report(session: Session, report_id: str) -> Report:
    report = session.get(Report, report_id)
    if report is None:
        raise NotFound(f"no report {report_id[:40]}")
    return report


def _content(desk: Desk, session: Session, report: Report) -> bytes:
    """What was signed, or what would be signed now."""
    if report.sealed_content is not None:
        return signed_content(desk.ui.vault, report)
    return desk.ui.ports.report_content(session, report, at=utc_now(), signer=None)


def _download(data: bytes, media_type: str, report: Report, ending: str) -> Response:
    name = "".join(char if char.isascii() and char.isalnum() else "-" for char in report.number)
    return Response(
        data, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}.{ending}"'}
    )


def _known(value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise BadInput("choose one of the listed values")
    return value
