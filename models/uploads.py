"""Files that an officer has sent and not yet confirmed: sealed, theirs alone, and gone after an hour at most."""

from __future__ import annotations

import base64
import datetime as dt

from sqlalchemy import ForeignKey, LargeBinary, String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Id, Row
from models.clock import utc_now
from models.errors import NotFound
from models.mandates import Mandate
from models.officers import Officer
from models.vault import Vault

KEPT = dt.timedelta(hours=1)
NAME_CHARACTERS = 120


class RosterUpload(Row):
    """A roster between its preview and its confirmation. `sealed` holds the file, base64 in a JSON object."""

    __tablename__ = "roster_uploads"

    officer_id: Mapped[Id] = mapped_column(ForeignKey("officers.id"), index=True)
    mandate_id: Mapped[Id] = mapped_column(ForeignKey("mandates.id"))
    name: Mapped[str] = mapped_column(String(NAME_CHARACTERS))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    uploaded_at: Mapped[dt.datetime]


def hold_upload(
    session: Session,
    vault: Vault,
    officer: Officer,
    mandate: Mandate,
    *,
    name: str,
    data: bytes,
    at: dt.datetime | None = None,
) -> RosterUpload:
    """Keep the file for this officer; their earlier one goes, and everybody's that are too old."""
    moment = at or utc_now()
    session.execute(delete(RosterUpload).where(RosterUpload.officer_id == officer.id))
    drop_old_uploads(session, at=moment)
    clean = "".join(c for c in name if c.isprintable())[-NAME_CHARACTERS:]
    row = RosterUpload(
        officer_id=officer.id, mandate_id=mandate.id, name=clean or "daftar", sealed=b"", uploaded_at=moment
    )
    row.sealed = vault.seal({"file": base64.b64encode(data).decode()}, context=row.id)
    session.add(row)
    return row


def held_upload(
    session: Session, vault: Vault, upload_id: str, officer: Officer, *, at: dt.datetime | None = None
) -> tuple[RosterUpload, bytes]:
    """The officer's own file and its bytes.

    Raises:
        NotFound: it is another's, was dropped, or is too old.
    """
    row = session.get(RosterUpload, upload_id)
    if row is None or row.officer_id != officer.id or (at or utc_now()) - row.uploaded_at > KEPT:
        raise NotFound("this file is no longer kept; send it again")
    return row, base64.b64decode(vault.unseal(row.sealed, context=row.id)["file"])


def drop_upload(session: Session, upload_id: str, officer: Officer) -> None:
    """Forget the officer's file, confirmed or not."""
    session.execute(delete(RosterUpload).where(RosterUpload.id == upload_id, RosterUpload.officer_id == officer.id))


def drop_old_uploads(session: Session, *, at: dt.datetime) -> None:
    """Forget the files that nobody confirmed within an hour."""
    session.execute(delete(RosterUpload).where(RosterUpload.uploaded_at < at - KEPT))
