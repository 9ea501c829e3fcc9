"""Accounts and attributions: the claim that an account is a person's is evidence of its own."""

from __future__ import annotations

import datetime as dt
import enum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Id, Row, lock_row
from models.clock import utc_now
from models.errors import BadInput, IllegalTransition, NotAllowed
from models.log import record
from models.officers import Officer, Role, actor_of, require_role
from models.people import CivilServant


class Confidence(enum.StrEnum):
    """How sure the attribution is; only people set it."""

    CONFIRMED_BY_HOLDER = "confirmed_by_holder"
    OFFICIAL_RECORD = "official_record"
    SEVERAL_SOURCES = "several_sources"
    SINGLE_SOURCE = "single_source"


class AttributionState(enum.StrEnum):
    """claimed → verified | rejected; verified → suspended (“bukan akun saya”)."""

    CLAIMED = "claimed"
    VERIFIED = "verified"
    REJECTED = "rejected"
    SUSPENDED = "suspended"


_LIVE = text("state IN ('claimed', 'verified')")  # of one account, one attribution at most


class Account(Row):
    """One public account on one platform. `handle` is as people write it, `external_id` the platform's own id."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("source", "handle"),)

    source: Mapped[str] = mapped_column(String(32))
    handle: Mapped[str] = mapped_column(String(255))
    url: Mapped[str]
    external_id: Mapped[str | None] = mapped_column(String(255), default=None)
    display_name: Mapped[str | None] = mapped_column(default=None)


class Attribution(Row):
    """“This account is that person's”: who says so, on what evidence, and which second officer verified it."""

    __tablename__ = "attributions"
    __table_args__ = (
        Index("uq_attributions_live", "account_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
    )

    account_id: Mapped[Id] = mapped_column(ForeignKey("accounts.id"), index=True)
    civil_servant_id: Mapped[Id] = mapped_column(ForeignKey("civil_servants.id"), index=True)
    evidence: Mapped[str]
    confidence: Mapped[Confidence]
    asserted_by: Mapped[Id] = mapped_column(ForeignKey("officers.id"))
    asserted_at: Mapped[dt.datetime]
    verified_by: Mapped[Id | None] = mapped_column(ForeignKey("officers.id"), default=None)
    verified_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    state: Mapped[AttributionState] = mapped_column(default=AttributionState.CLAIMED, index=True)


def save_account(session: Session, *, source: str, handle: str, url: str, actor: str) -> Account:
    """The account of this source and handle, created when new."""
    account = session.scalar(select(Account).where(Account.source == source, Account.handle == handle))
    if account is None:
        account = Account(source=source, handle=handle, url=url)
        session.add(account)
        session.flush()
        record(session, "account.added", account, actor=actor, source=source)
    return account


def claim_attribution(
    session: Session,
    account: Account,
    person: CivilServant,
    officer: Officer,
    *,
    evidence: str,
    confidence: Confidence,
    at: dt.datetime | None = None,
) -> Attribution:
    """Assert that the account is the person's.

    Raises:
        BadInput: no evidence given, or a live attribution of this account exists.
    """
    require_role(officer, Role.OPERATOR)
    if not evidence.strip():
        raise BadInput(f"attribution of {account.handle}: say what the claim rests on")
    live = (AttributionState.CLAIMED, AttributionState.VERIFIED)
    if session.scalar(select(Attribution.id).where(Attribution.account_id == account.id, Attribution.state.in_(live))):
        raise BadInput(f"account {account.handle} is attributed already")
    attribution = Attribution(
        account_id=account.id,
        civil_servant_id=person.id,
        evidence=evidence,
        confidence=confidence,
        asserted_by=officer.id,
        asserted_at=at or utc_now(),
    )
    session.add(attribution)
    record(session, "attribution.claimed", attribution, actor=actor_of(officer), at=at, account=account.id,
           person=person.id, confidence=confidence.value, words={"evidence": evidence})  # fmt: skip
    return attribution


def verify_attribution(
    session: Session, attribution: Attribution, officer: Officer, *, at: dt.datetime | None = None
) -> None:
    """Accept the claim as a second person.

    Raises:
        NotAllowed: the officer asserted it.
        IllegalTransition: it is not waiting.
    """
    require_role(officer, Role.OPERATOR, Role.SUPERVISOR)
    if officer.id == attribution.asserted_by:
        raise NotAllowed("an attribution is verified by another officer than the one who asserted it")
    _leave(session, attribution, AttributionState.CLAIMED, AttributionState.VERIFIED)
    attribution.verified_by, attribution.verified_at = officer.id, at or utc_now()
    record(session, "attribution.verified", attribution, actor=actor_of(officer), at=at)


def reject_attribution(session: Session, attribution: Attribution, officer: Officer, *, reason: str) -> None:
    """Turn the claim down.

    Raises:
        IllegalTransition: it is not waiting.
    """
    require_role(officer, Role.OPERATOR, Role.SUPERVISOR)
    _leave(session, attribution, AttributionState.CLAIMED, AttributionState.REJECTED)
    record(session, "attribution.rejected", attribution, actor=actor_of(officer), words={"reason": reason})


def suspend_attribution(session: Session, attribution: Attribution, officer: Officer, *, reason: str) -> None:
    """Stop using the account at once (“bukan akun saya”).

    Raises:
        IllegalTransition: it is not in force.
    """
    require_role(officer, Role.OPERATOR, Role.SUPERVISOR)
    _leave(session, attribution, AttributionState.VERIFIED, AttributionState.SUSPENDED)
    record(session, "attribution.suspended", attribution, actor=actor_of(officer), words={"reason": reason})


def verified_attribution(session: Session, account_id: str) -> Attribution | None:
    """The attribution in force for this account, if any."""
    return session.scalar(
        select(Attribution).where(Attribution.account_id == account_id, Attribution.state == AttributionState.VERIFIED)
    )


def _leave(session: Session, attribution: Attribution, expected: AttributionState, following: AttributionState) -> None:
    lock_row(session, attribution)
    if attribution.state is not expected:
        raise IllegalTransition(f"attribution {attribution.id} is {attribution.state}, not {expected}")
    attribution.state = following
