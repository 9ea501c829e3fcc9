"""Evidence bytes: served only by a hash that belongs to a flag the officer may see."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from models.bodies import read_body
from models.captures import Capture
from models.errors import NotFound
from models.flags import Flag
from models.officers import Role
from models.posts import PostVersion
from models.targets import Fetch
from review_ui.desk import CaseDesk

router = APIRouter()

PICTURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
SEALED = "default-src 'none'; sandbox"


@router.get("/bukti/{flag_id}/{digest}")
def show_evidence(desk: CaseDesk, flag_id: str, digest: str) -> Response:
    """Supervisors, auditors, analysts: a screenshot as a picture; anything else only as a download of bytes.

    Raw responses hold the account's other posts too, so only auditors get them.

    Raises:
        NotFound: the hash is not evidence of this flag.
    """
    with desk.ui.database.read() as session:
        if not _is_capture(session, flag_id, digest) and not (
            desk.has(Role.AUDITOR) and _is_raw(session, flag_id, digest)
        ):
            raise NotFound("this evidence does not belong to the flag")
        data = read_body(session, desk.ui.evidence, digest)
    for start, media_type in PICTURES.items():
        if data.startswith(start):
            return Response(data, media_type=media_type, headers={"Content-Security-Policy": SEALED})
    headers = {"Content-Security-Policy": SEALED, "Content-Disposition": f'attachment; filename="{digest[:16]}.bin"'}
    return Response(data, media_type="application/octet-stream", headers=headers)


def _is_capture(session: Session, flag_id: str, digest: str) -> bool:
    named = or_(Capture.screenshot_sha256 == digest, Capture.page_sha256 == digest)
    return session.scalar(select(Capture.id).where(Capture.flag_id == flag_id, named).limit(1)) is not None


def _is_raw(session: Session, flag_id: str, digest: str) -> bool:
    read_from = (
        select(Fetch.id)
        .join(PostVersion, PostVersion.fetch_id == Fetch.id)
        .join(Flag, Flag.post_id == PostVersion.post_id)
        .where(Flag.id == flag_id, Fetch.body_sha256 == digest)
    )
    return session.scalar(read_from.limit(1)) is not None
