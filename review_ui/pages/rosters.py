"""Rosters (*daftar ASN*) from a spreadsheet: sent, shown with everything that is wrong, and then taken whole."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from models.errors import NotFound
from models.mandates import Mandate, MandateState
from models.officers import Officer
from models.uploads import drop_upload, held_upload, hold_upload
from review_ui.desk import Desk, OperatorDesk, Uploaded, moved

router = APIRouter()

MOST_SHOWN = 500
"""Findings of each kind on the page; how many there are is always said."""

TEMPLATE_NAME = "daftar-asn.xlsx"
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get("/daftar")
def choose(desk: OperatorDesk) -> Response:
    """Operators: choose a file and the mandate it is for."""
    with desk.ui.database.read() as session:
        mandates = _open_mandates(session)
    return desk.page("rosters.html", mandates=mandates, limit=desk.ui.config.max_upload_bytes >> 20)


@router.get("/daftar/templat")
def template(desk: OperatorDesk) -> Response:
    """Operators: the empty workbook."""
    headers = {"Content-Disposition": f'attachment; filename="{TEMPLATE_NAME}"'}
    return Response(desk.ui.ports.rosters.template(), media_type=SPREADSHEET, headers=headers)


@router.post("/daftar")
async def send(desk: OperatorDesk, form: Uploaded) -> Response:
    """Operators: keep the file, sealed, until it is confirmed or an hour has passed."""
    name, data = await form.file("berkas")
    upload_id = await run_in_threadpool(_hold, desk, form.text("mandat"), name, data)
    return moved(f"/daftar/{upload_id}")


@router.get("/daftar/{upload_id}")
def show(desk: OperatorDesk, upload_id: str) -> Response:
    """Operators: what the file would do, and what stands against it, by row and column."""
    with desk.ui.database.read() as session:
        upload, data = held_upload(session, desk.ui.vault, upload_id, desk.officer)
        mandate = session.get_one(Mandate, upload.mandate_id)
        preview = desk.ui.ports.rosters.examine(session, mandate, data)
    return desk.page("roster.html", upload=upload, mandate=mandate, preview=preview, most=MOST_SHOWN)


@router.post("/daftar/{upload_id}/masukkan")
def take(desk: OperatorDesk, upload_id: str, form: Uploaded) -> Response:
    """Operators: import the file whole; the warnings they saw are the ones they accept."""
    with desk.ui.database.write() as session:
        upload, data = held_upload(session, desk.ui.vault, upload_id, desk.officer)
        mandate = session.get_one(Mandate, upload.mandate_id)
        officer = session.get_one(Officer, desk.officer.id)
        desk.ui.ports.rosters.take(session, mandate, data, officer, form.text("peringatan"))
        drop_upload(session, upload_id, officer)
    return moved("/atribusi", "roster_taken")


@router.post("/daftar/{upload_id}/buang")
def forget(desk: OperatorDesk, upload_id: str) -> Response:
    """Operators: drop the file; nothing of it is stored."""
    with desk.ui.database.write() as session:
        drop_upload(session, upload_id, desk.officer)
    return moved("/daftar", "roster_dropped")


def _hold(desk: Desk, mandate_id: str, name: str, data: bytes) -> str:
    with desk.ui.database.write() as session:
        mandate = session.get(Mandate, mandate_id)
        if mandate is None or mandate.state is MandateState.REVOKED:
            raise NotFound(f"no mandate {mandate_id[:40]}")
        upload = hold_upload(session, desk.ui.vault, desk.officer, mandate, name=name, data=data)
    return upload.id


def _open_mandates(session: Session) -> list[Mandate]:
    rows = select(Mandate).where(Mandate.state != MandateState.REVOKED).order_by(Mandate.entered_at.desc())
    return list(session.scalars(rows))
