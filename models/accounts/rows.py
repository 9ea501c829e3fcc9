"""The tables of accounts, of what is claimed about them, and of what stopped a claim."""

from __future__ import annotations

import datetime as dt
import enum

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.accounts.ladder import Confidence, SourceKind
from models.base import Id, Row
from models.vault import SALT_BYTES, new_salt

HANDLE_CHARACTERS = 255


class AttributionState(enum.StrEnum):
    """claimed → verified | rejected; either of the first two → suspended → what it was | rejected."""

    CLAIMED = "claimed"
    VERIFIED = "verified"
    REJECTED = "rejected"
    SUSPENDED = "suspended"


LIVE_STATES = (AttributionState.CLAIMED, AttributionState.VERIFIED, AttributionState.SUSPENDED)

_LIVE = text("state IN ('claimed', 'verified', 'suspended')")  # of one account, one attribution at most


class SuspensionCause(enum.StrEnum):
    """Why an attribution was stopped: denied by the named person, the page is another's now, or an officer's doubt."""

    DISAVOWED = "disavowed"
    HOLDER_CHANGED = "holder_changed"
    DOUBTED = "doubted"


class SuspensionOutcome(enum.StrEnum):
    """How another officer resolved it."""

    REINSTATED = "reinstated"
    REJECTED = "rejected"


class Account(Row):
    """One public account on one platform. `handle` is as people write it, `external_id` the platform's own id."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("source", "handle"), UniqueConstraint("source", "external_id"))

    source: Mapped[str] = mapped_column(String(32))
    handle: Mapped[str] = mapped_column(String(HANDLE_CHARACTERS))
    url: Mapped[str]
    external_id: Mapped[str | None] = mapped_column(String(HANDLE_CHARACTERS), default=None)
    display_name: Mapped[str | None] = mapped_column(default=None)


class AccountHandle(Row):
    """A period in which the account's page belonged to `platform_id` under `handle`.

    `last_seen_at` is brought up to date once a day at most; the fetches say it to the second.
    """

    __tablename__ = "account_handles"
    __table_args__ = (Index("ix_account_handles_account_id_first_seen_at", "account_id", "first_seen_at"),)

    account_id: Mapped[Id] = mapped_column(ForeignKey("accounts.id"))
    platform_id: Mapped[str] = mapped_column(String(HANDLE_CHARACTERS))
    handle: Mapped[str] = mapped_column(String(HANDLE_CHARACTERS))
    first_seen_at: Mapped[dt.datetime]
    last_seen_at: Mapped[dt.datetime]


class Attribution(Row):
    """“This account is that person's”: who says so, on what evidence, and which second officer verified it.

    `evidence` is the claim in a sentence, its sources stand in `AttributionSource`. `namesakes_seen` is how many other
    rostered people carried the name when it was verified, `distinction` what the verifier said tells them apart.
    """

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
    namesakes_seen: Mapped[int | None] = mapped_column(default=None)
    distinction: Mapped[str] = mapped_column(default="")
    state: Mapped[AttributionState] = mapped_column(default=AttributionState.CLAIMED, index=True)


class AttributionSource(Row):
    """One thing that says so: `models.accounts.ladder.Source`, with who entered it and when."""

    __tablename__ = "attribution_sources"

    attribution_id: Mapped[Id] = mapped_column(ForeignKey("attributions.id"), index=True)
    kind: Mapped[SourceKind]
    reference: Mapped[str]
    note: Mapped[str]
    seen_on: Mapped[dt.date | None]
    added_by: Mapped[Id] = mapped_column(ForeignKey("officers.id"))
    added_at: Mapped[dt.datetime]


class Suspension(Row):
    """One stop of an attribution, open until `outcome` is set. `recorded_by` is None when a crawl noticed it.

    Of a request (“bukan akun saya”), `channel` and `asked_at` say how and when it came; who asked and in which words
    lies in `sealed`. Of the others, `reason` says it.
    """

    __tablename__ = "suspensions"

    attribution_id: Mapped[Id] = mapped_column(ForeignKey("attributions.id"), index=True)
    cause: Mapped[SuspensionCause]
    reason: Mapped[str]
    recorded_by: Mapped[Id | None] = mapped_column(ForeignKey("officers.id"))
    recorded_at: Mapped[dt.datetime]
    channel: Mapped[str | None] = mapped_column(String(32), default=None)
    asked_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)
    salt: Mapped[bytes] = mapped_column(LargeBinary(SALT_BYTES), default_factory=new_salt)
    resolved_by: Mapped[Id | None] = mapped_column(ForeignKey("officers.id"), default=None)
    resolved_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    outcome: Mapped[SuspensionOutcome | None] = mapped_column(default=None)
    resolution: Mapped[str] = mapped_column(default="")
