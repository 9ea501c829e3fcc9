"""Mandates and contests: nothing is collected without a legal basis that a second officer approved."""

from __future__ import annotations

import datetime as dt
import enum

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Id, JsonObject, Row, lock_row
from models.canonical import canonical_json, sha256_hex
from models.clock import utc_now
from models.contest import ContestSpec
from models.errors import BadInput, IllegalTransition, NoMandate, NotAllowed
from models.log import record
from models.officers import Officer, Role, actor_of, require_role

ZONE_OFFSETS = (420, 480, 540)
"""WIB, WITA and WIT in minutes east of UTC (Keputusan Presiden 41/1987)."""


class MandateState(enum.StrEnum):
    """proposed → approved → revoked."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REVOKED = "revoked"


_NOT_IN_FORCE = {
    MandateState.PROPOSED: "menunggu persetujuan petugas kedua",
    MandateState.REVOKED: "sudah dicabut",
}
"""Refusals are stored as a run's reason and read on the pages, so they speak Indonesian."""


class Contest(Row):
    """One election; `spec` is a `ContestSpec` as JSON."""

    __tablename__ = "contests"

    name: Mapped[str] = mapped_column(String(200), unique=True)
    region: Mapped[str]
    election_day: Mapped[dt.date]
    spec: Mapped[JsonObject]

    def read_spec(self) -> ContestSpec:
        """The contest as the classifier takes it."""
        return ContestSpec.model_validate(self.spec)


class Mandate(Row):
    """The legal basis to monitor (*surat tugas*): agency, region, contest, first and last day."""

    __tablename__ = "mandates"

    number: Mapped[str] = mapped_column(String(120), unique=True)
    legal_basis: Mapped[str]
    agency: Mapped[str]
    region: Mapped[str]
    contest_id: Mapped[Id] = mapped_column(ForeignKey("contests.id"), index=True)
    first_day: Mapped[dt.date]
    last_day: Mapped[dt.date]
    utc_offset_minutes: Mapped[int]
    entered_by: Mapped[Id] = mapped_column(ForeignKey("officers.id"))
    entered_at: Mapped[dt.datetime]
    approved_by: Mapped[Id | None] = mapped_column(ForeignKey("officers.id"), default=None)
    approved_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    state: Mapped[MandateState] = mapped_column(default=MandateState.PROPOSED, index=True)

    def local_day(self, at: dt.datetime) -> dt.date:
        """The calendar day of `at` where the mandate holds (WIB +420, WITA +480, WIT +540 minutes)."""
        return at.astimezone(dt.timezone(dt.timedelta(minutes=self.utc_offset_minutes))).date()

    def covers(self, at: dt.datetime) -> bool:
        """Whether collecting is allowed at this moment: approved, not revoked, inside its days."""
        return self.state is MandateState.APPROVED and self.first_day <= self.local_day(at) <= self.last_day


def save_contest(session: Session, spec: ContestSpec, *, actor: str) -> Contest:
    """Create or replace the contest of this name."""
    data = spec.model_dump(mode="json", by_alias=True)
    contest = session.scalar(select(Contest).where(Contest.name == spec.name))
    if contest is None:
        contest = Contest(name=spec.name, region=spec.region, election_day=spec.election_day, spec=data)
        session.add(contest)
    else:
        contest.region, contest.election_day, contest.spec = spec.region, spec.election_day, data
    record(session, "contest.saved", contest, actor=actor, name=spec.name, spec_sha256=sha256_hex(canonical_json(data)))
    return contest


def propose_mandate(
    session: Session,
    officer: Officer,
    *,
    number: str,
    legal_basis: str,
    agency: str,
    contest: Contest,
    first_day: dt.date,
    last_day: dt.date,
    region: str = "",
    utc_offset_minutes: int = 420,
    at: dt.datetime | None = None,
) -> Mandate:
    """Enter a mandate; it allows nothing until somebody else approves it.

    Raises:
        NotAllowed: the officer is not an operator.
        BadInput: the number is taken, the days are in the wrong order, or the zone is none of Indonesia's.
    """
    require_role(officer, Role.OPERATOR)
    if utc_offset_minutes not in ZONE_OFFSETS:
        raise BadInput(f"mandate {number}: UTC offset of {utc_offset_minutes} minutes is not WIB, WITA or WIT")
    if last_day < first_day:
        raise BadInput(f"mandate {number}: the last day is before the first")
    if session.scalar(select(Mandate.id).where(Mandate.number == number)) is not None:
        raise BadInput(f"mandate {number} exists already")
    mandate = Mandate(
        number=number,
        legal_basis=legal_basis,
        agency=agency,
        region=region or contest.region,
        contest_id=contest.id,
        first_day=first_day,
        last_day=last_day,
        utc_offset_minutes=utc_offset_minutes,
        entered_by=officer.id,
        entered_at=at or utc_now(),
    )
    session.add(mandate)
    record(session, "mandate.proposed", mandate, actor=actor_of(officer), at=at, number=number,
           first_day=str(first_day), last_day=str(last_day))  # fmt: skip
    return mandate


def approve_mandate(session: Session, mandate: Mandate, officer: Officer, *, at: dt.datetime | None = None) -> None:
    """Put the mandate in force.

    Raises:
        NotAllowed: the officer entered it, or is neither operator nor supervisor.
        IllegalTransition: it is not waiting for approval.
    """
    require_role(officer, Role.OPERATOR, Role.SUPERVISOR)
    lock_row(session, mandate)
    if officer.id == mandate.entered_by:
        raise NotAllowed("a mandate is approved by another officer than the one who entered it")
    if mandate.state is not MandateState.PROPOSED:
        raise IllegalTransition(f"mandate {mandate.number} is {mandate.state}, not waiting for approval")
    mandate.state, mandate.approved_by, mandate.approved_at = MandateState.APPROVED, officer.id, at or utc_now()
    record(session, "mandate.approved", mandate, actor=actor_of(officer), at=at)


def revoke_mandate(
    session: Session, mandate: Mandate, officer: Officer, *, reason: str, at: dt.datetime | None = None
) -> None:
    """End the mandate at once.

    Raises:
        IllegalTransition: it was revoked before.
        BadInput: no reason given.
    """
    require_role(officer, Role.OPERATOR, Role.SUPERVISOR, Role.ADMIN)
    if not reason.strip():
        raise BadInput("revoking a mandate needs a reason")
    lock_row(session, mandate)
    if mandate.state is MandateState.REVOKED:
        raise IllegalTransition(f"mandate {mandate.number} is revoked already")
    mandate.state = MandateState.REVOKED
    record(session, "mandate.revoked", mandate, actor=actor_of(officer), at=at, words={"reason": reason})


def require_mandate(mandate: Mandate | None, at: dt.datetime) -> Mandate:
    """Let pass only a mandate in force at `at`.

    Raises:
        NoMandate: says what is missing.
    """
    if mandate is None:
        raise NoMandate("tidak ada mandat")
    if mandate.state is not MandateState.APPROVED:
        raise NoMandate(f"mandat {mandate.number} {_NOT_IN_FORCE[mandate.state]}")
    if not mandate.covers(at):
        raise NoMandate(f"mandat {mandate.number} hanya berlaku {mandate.first_day} sampai {mandate.last_day}")
    return mandate
