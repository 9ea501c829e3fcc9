"""Signing in and out: server-side sessions of which only the token's hash is kept."""

from __future__ import annotations

import dataclasses
import datetime as dt
import secrets

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.canonical import sha256_hex
from models.clock import utc_now
from models.errors import NotAllowed
from models.log import record
from models.officers import LoginSession, Officer, actor_of, officer_named
from review_ui.passwords import password_matches

FREE_ATTEMPTS = 5
MAX_LOCK_MINUTES = 15


@dataclasses.dataclass(frozen=True, slots=True)
class SignedIn:
    """An officer with the token for the cookie, which exists nowhere else."""

    officer: Officer
    token: str


def sign_in(session: Session, username: str, password: str, *, hours: int) -> SignedIn | None:
    """Begin a session with a fresh token; None when name and password do not belong together.

    After `FREE_ATTEMPTS` failures the name is locked for a minute, doubling up to `MAX_LOCK_MINUTES`
    (OWASP ASVS 5.0, 6.3.1). A wrong guess and an unknown name look the same.

    Raises:
        NotAllowed: the name is locked for now.
    """
    officer = officer_named(session, username[:64])
    now = utc_now()
    if officer is not None and officer.locked_until is not None and officer.locked_until > now:
        raise NotAllowed("too many failed attempts; this name is locked for some minutes")
    usable = officer if officer is not None and officer.active else None
    if not password_matches(None if usable is None else usable.password_hash, password) or usable is None:
        if officer is not None:
            _note_failure(session, officer, now)
        return None
    usable.failed_logins, usable.locked_until = 0, None
    token = secrets.token_urlsafe(32)
    session.execute(delete(LoginSession).where(LoginSession.expires_at <= now))
    session.add(
        LoginSession(
            token_hash=sha256_hex(token.encode()),
            officer_id=usable.id,
            csrf_token=secrets.token_urlsafe(32),
            created_at=now,
            expires_at=now + dt.timedelta(hours=hours),
        )
    )
    record(session, "officer.signed_in", usable, actor=actor_of(usable), at=now)
    return SignedIn(usable, token)


def confirm_password(session: Session, officer: Officer, password: str) -> bool:
    """Whether the officer who is signed in typed their own password; failures count towards the lock."""
    row = session.get_one(Officer, officer.id)
    now = utc_now()
    if row.locked_until is not None and row.locked_until > now:
        raise NotAllowed("too many failed attempts; this name is locked for some minutes")
    if password_matches(row.password_hash, password):
        row.failed_logins = 0
        return True
    _note_failure(session, row, now)
    return False


def find_session(session: Session, token: str) -> tuple[LoginSession, Officer] | None:
    """The live session of a cookie and its officer."""
    found = session.execute(
        select(LoginSession, Officer)
        .join(Officer, Officer.id == LoginSession.officer_id)
        .where(
            LoginSession.token_hash == sha256_hex(token.encode()),
            LoginSession.expires_at > utc_now(),
            Officer.active.is_(True),
        )
    ).first()
    return None if found is None else (found[0], found[1])


def sign_out(session: Session, token: str) -> None:
    """End the session of a cookie."""
    session.execute(delete(LoginSession).where(LoginSession.token_hash == sha256_hex(token.encode())))


def end_sessions(session: Session, officer: Officer) -> None:
    """End every session of an officer, on every machine."""
    session.execute(delete(LoginSession).where(LoginSession.officer_id == officer.id))


def _note_failure(session: Session, officer: Officer, now: dt.datetime) -> None:
    officer.failed_logins += 1
    beyond = officer.failed_logins - FREE_ATTEMPTS
    if beyond >= 0:
        minutes = min(2**beyond, MAX_LOCK_MINUTES)
        officer.locked_until = now + dt.timedelta(minutes=minutes)
        record(session, "officer.locked", officer, actor=actor_of(officer), at=now, minutes=minutes)
