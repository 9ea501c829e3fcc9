"""Signing in and out: server-side sessions of which only the token's hash is kept."""

from __future__ import annotations

import dataclasses
import datetime as dt
import secrets

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.canonical import sha256_hex
from models.clock import utc_now
from models.database import Database
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


def sign_in(
    database: Database, username: str, password: str, *, hours: int, replacing: str | None = None
) -> SignedIn | None:
    """Begin a session with a fresh token, ending the one of the token `replacing`; None when name and password do
    not belong together, or the name is locked for now.

    After `FREE_ATTEMPTS` failures the name is locked for a minute, doubling up to `MAX_LOCK_MINUTES`
    (OWASP ASVS 5.0, 6.3.1). A wrong guess, a locked name and an unknown one look the same and take as long.
    """
    with database.read() as session:
        officer = officer_named(session, username[:64])
    if officer is None or not officer.active:
        password_matches(None, password)
        return None
    try:
        if not confirm_password(database, officer, password):
            return None
    except NotAllowed:
        return None
    token = secrets.token_urlsafe(32)
    with database.write() as session:
        if replacing is not None:
            sign_out(session, replacing)
        session.add(_session_row(session, officer, token, hours))
        record(session, "officer.signed_in", officer, actor=actor_of(officer))
    return SignedIn(officer, token)


def confirm_password(database: Database, officer: Officer, password: str) -> bool:
    """Whether this is the officer's password; failures count towards the lock.

    Hashing takes its time, so it happens outside of any transaction.

    Raises:
        NotAllowed: the name is locked for now, also when it was locked while we were hashing.
    """
    locked = officer.locked_until is not None and officer.locked_until > utc_now()
    matches = password_matches(None if locked else officer.password_hash, password)
    with database.write() as session:
        row = session.get_one(Officer, officer.id, with_for_update=True)
        if row.locked_until is not None and row.locked_until > utc_now():
            raise NotAllowed("too many failed attempts; this name is locked for some minutes")
        if matches:
            row.failed_logins, row.locked_until = 0, None
        else:
            _note_failure(session, row, utc_now())
    return matches


def _session_row(session: Session, officer: Officer, token: str, hours: int) -> LoginSession:
    """The row of a new session; expired ones are cleared away on the occasion."""
    now = utc_now()
    session.execute(delete(LoginSession).where(LoginSession.expires_at <= now))
    return LoginSession(
        token_hash=sha256_hex(token.encode()),
        officer_id=officer.id,
        csrf_token=secrets.token_urlsafe(32),
        created_at=now,
        expires_at=now + dt.timedelta(hours=hours),
    )


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


def _note_failure(session: Session, officer: Officer, now: dt.datetime) -> None:
    officer.failed_logins += 1
    beyond = officer.failed_logins - FREE_ATTEMPTS
    if beyond >= 0:
        minutes = min(2**beyond, MAX_LOCK_MINUTES)
        officer.locked_until = now + dt.timedelta(minutes=minutes)
        record(session, "officer.locked", officer, actor=actor_of(officer), at=now, minutes=minutes)
