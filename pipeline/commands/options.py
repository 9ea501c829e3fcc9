"""Options that many commands take, and the officer who acts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from models.errors import NotAllowed
from models.officers import Officer, officer_named
from pipeline.settings import variable
from review_ui.passwords import password_matches

Home = Annotated[
    Path | None, typer.Option("--home", help="Direktori data Netra (bawaan: $NETRA_HOME atau ./netra-data).")
]
Acting = Annotated[str, typer.Option("--officer", help="Nama pengguna petugas yang melakukan ini.")]


def acting_officer(session: Session, username: str) -> Officer:
    """The officer of this name, after their password (asked, or from `NETRA_PASSWORD`).

    Raises:
        NotAllowed: unknown, inactive, or a wrong password.
    """
    password = variable("NETRA_PASSWORD") or typer.prompt(f"Kata sandi {username}", hide_input=True, err=True)
    officer = officer_named(session, username)
    if officer is None or not officer.active or not password_matches(officer.password_hash, password):
        raise NotAllowed(f"officer {username}: unknown, inactive, or wrong password")
    return officer
