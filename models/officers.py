"""Officers: the people who use Netra, their roles and their sessions."""

from __future__ import annotations

import datetime as dt
import enum

from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Id, Row
from models.errors import BadInput, NotAllowed
from models.log import record


class Role(enum.StrEnum):
    """What an officer may do; one officer may have several."""

    SUPERVISOR = "supervisor"
    ANALYST = "analyst"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Officer(Row):
    """A user of the system. `roles` is a list of `Role` words; `password_hash` is argon2id."""

    __tablename__ = "officers"

    username: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str]
    position: Mapped[str]
    password_hash: Mapped[str]
    roles: Mapped[list[str]] = mapped_column(default_factory=list)
    language: Mapped[str] = mapped_column(String(2), default="id")
    active: Mapped[bool] = mapped_column(default=True)
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[dt.datetime | None] = mapped_column(default=None)


class LoginSession(Base):
    """A signed-in browser. Only the SHA-256 of the cookie's token is kept."""

    __tablename__ = "login_sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    officer_id: Mapped[Id] = mapped_column(ForeignKey("officers.id"), index=True)
    csrf_token: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)


def add_officer(
    session: Session,
    *,
    username: str,
    name: str,
    position: str,
    password_hash: str,
    roles: list[Role],
    actor: str,
) -> Officer:
    """Create an officer.

    Raises:
        BadInput: the username is taken or no role is given.
    """
    if not roles:
        raise BadInput(f"officer {username!r} needs at least one role")
    if officer_named(session, username) is not None:
        raise BadInput(f"username {username!r} is taken")
    officer = Officer(
        username=username.strip().lower(),
        name=name,
        position=position,
        password_hash=password_hash,
        roles=[role.value for role in roles],
    )
    session.add(officer)
    record(session, "officer.added", officer, actor=actor, roles=officer.roles)
    return officer


def set_active(session: Session, officer: Officer, *, active: bool, by: Officer) -> None:
    """Let an officer in, or out; an inactive officer's sessions end at once.

    Raises:
        NotAllowed: the other officer is no admin, or is the same.
    """
    require_role(by, Role.ADMIN)
    if officer.id == by.id:
        raise NotAllowed("nobody deactivates themselves")
    if officer.active is active:
        return
    officer.active = active
    session.execute(delete(LoginSession).where(LoginSession.officer_id == officer.id))
    record(session, "officer.activated" if active else "officer.deactivated", officer, actor=actor_of(by))


def officer_named(session: Session, username: str) -> Officer | None:
    """The officer with this username, compared without case."""
    return session.scalar(select(Officer).where(Officer.username == username.strip().lower()))


def require_role(officer: Officer, *allowed: Role) -> None:
    """Let only these roles pass.

    Raises:
        NotAllowed: the officer is inactive or has none of them.
    """
    if not officer.active or not {role.value for role in allowed} & set(officer.roles):
        raise NotAllowed(f"this needs the role {' or '.join(allowed)}")


def actor_of(officer: Officer) -> str:
    """How the log names an officer."""
    return f"officers:{officer.id}"
