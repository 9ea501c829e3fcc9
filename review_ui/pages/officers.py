"""Officers (*petugas*): who may sign in, with which roles."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from models.errors import BadInput, NotFound
from models.officers import Officer, Role, actor_of, add_officer, set_active
from review_ui.desk import AdminDesk, Posted, moved
from review_ui.passwords import MIN_CHARACTERS, hash_password

router = APIRouter()

MAX_NAME = 200


@router.get("/petugas")
def list_officers(desk: AdminDesk) -> Response:
    """Administrators: every officer."""
    with desk.ui.database.read() as session:
        rows = session.scalars(select(Officer).order_by(Officer.active.desc(), Officer.name)).all()
    return desk.page("officers.html", rows=rows, roles=list(Role), min_characters=MIN_CHARACTERS)


@router.post("/petugas")
def add(desk: AdminDesk, form: Posted) -> Response:
    """Administrators: add an officer with a first password."""
    username, name = form.text("username"), form.text("nama")
    if not username.isascii() or not username.replace(".", "").replace("-", "").isalnum() or len(username) > 64:  # noqa: PLR2004
        raise BadInput("a username has letters, digits, dots and hyphens only, at most 64")
    if not name or len(name) > MAX_NAME:
        raise BadInput("the officer needs a name")
    try:
        roles = [Role(role) for role in form.many("peran")]
    except ValueError as error:
        raise BadInput("choose roles from the list") from error
    with desk.ui.database.write() as session:
        add_officer(
            session,
            username=username,
            name=name,
            position=form.text("jabatan")[:MAX_NAME],
            password_hash=hash_password(form.secret("password")),
            roles=roles,
            actor=actor_of(desk.officer),
        )
    return moved("/petugas", "officer_added")


@router.post("/petugas/{officer_id}/nonaktif")
def deactivate(desk: AdminDesk, officer_id: str) -> Response:
    """Administrators: end an officer's access at once, on every machine."""
    return _set_active(desk, officer_id, active=False)


@router.post("/petugas/{officer_id}/aktif")
def activate(desk: AdminDesk, officer_id: str) -> Response:
    """Administrators: give access back."""
    return _set_active(desk, officer_id, active=True)


def _set_active(desk: AdminDesk, officer_id: str, *, active: bool) -> Response:
    with desk.ui.database.write() as session:
        officer = session.get(Officer, officer_id)
        if officer is None:
            raise NotFound(f"no officer {officer_id[:40]}")
        set_active(session, officer, active=active, by=desk.officer)
    return moved("/petugas", "saved")
