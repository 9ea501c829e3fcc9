"""Stopping an attribution at once, and what a different officer makes of it afterwards.

To stop takes one person, or none: a crawl stops what turns out to be another's page. To go on takes another person
than all who stopped it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts.claims import require_state
from models.accounts.rows import (
    Account,
    AccountHandle,
    Attribution,
    AttributionState,
    Suspension,
    SuspensionCause,
    SuspensionOutcome,
)
from models.base import lock_row
from models.canonical import canonical_json
from models.clock import utc_now
from models.errors import BadInput, IllegalTransition, NotAllowed
from models.log import record
from models.officers import Officer, Role, actor_of, require_role
from models.vault import Vault, commitment

DENIED = "pemilik nama menyatakan ini bukan akunnya"


class Channel(enum.StrEnum):
    """How a request came in: in person, by letter, e-mail or telephone, or through the agency."""

    IN_PERSON = "in_person"
    LETTER = "letter"
    EMAIL = "email"
    TELEPHONE = "telephone"
    AGENCY = "agency"


@dataclasses.dataclass(frozen=True, slots=True)
class Disavowal:
    """“Bukan akun saya” in the clear: who asked, through which channel, when, in which words; in memory only.

    Raises:
        BadInput: who, when or the words are missing, or the moment is still to come.
    """

    who: str
    channel: Channel
    asked_at: dt.datetime
    words: str

    def __post_init__(self) -> None:
        if not self.who.strip() or not self.words.strip():
            raise BadInput("a request that an account is not theirs says who asked, and in which words")
        if self.asked_at > utc_now():
            raise BadInput("a request cannot have come in the future")


def suspend_attribution(session: Session, attribution: Attribution, officer: Officer, *, reason: str) -> None:
    """Stop using the account at once, because an officer doubts the claim.

    Raises:
        IllegalTransition: it is not in force.
    """
    require_role(officer, Role.OPERATOR, Role.SUPERVISOR)
    require_state(session, attribution, AttributionState.VERIFIED)
    attribution.state = AttributionState.SUSPENDED
    session.add(
        Suspension(
            attribution_id=attribution.id,
            cause=SuspensionCause.DOUBTED,
            reason=reason,
            recorded_by=officer.id,
            recorded_at=utc_now(),
        )
    )
    record(session, "attribution.suspended", attribution, actor=actor_of(officer), words={"reason": reason},
           cause=SuspensionCause.DOUBTED.value)  # fmt: skip


def suspend_changed_holder(
    session: Session, attribution: Attribution, *, reason: str, actor: str, at: dt.datetime
) -> None:
    """Stop using the account because its page is somebody else's; for `models.accounts.holders` only."""
    require_state(session, attribution, AttributionState.VERIFIED)
    attribution.state = AttributionState.SUSPENDED
    cause = SuspensionCause.HOLDER_CHANGED
    session.add(Suspension(attribution_id=attribution.id, cause=cause, reason=reason, recorded_by=None, recorded_at=at))
    record(session, "attribution.suspended", attribution, actor=actor, at=at, words={"reason": reason},
           cause=cause.value)  # fmt: skip


def disavow_attribution(
    session: Session,
    vault: Vault,
    attribution: Attribution,
    officer: Officer,
    request: Disavowal,
    *,
    at: dt.datetime | None = None,
) -> Suspension:
    """Record the request and stop the account at once, whether the claim waited or was in force.

    A further request on a suspended one is recorded beside the first.

    Raises:
        IllegalTransition: the claim was rejected.
    """
    require_role(officer, Role.OPERATOR, Role.SUPERVISOR, Role.ADMIN)
    lock_row(session, attribution)
    if attribution.state is AttributionState.REJECTED:
        raise IllegalTransition(f"attribution {attribution.id} is rejected already")
    attribution.state = AttributionState.SUSPENDED
    row = Suspension(
        attribution_id=attribution.id,
        cause=SuspensionCause.DISAVOWED,
        reason=DENIED,
        recorded_by=officer.id,
        recorded_at=at or utc_now(),
        channel=request.channel.value,
        asked_at=request.asked_at,
    )
    details = {"who": request.who.strip(), "words": request.words.strip()}
    row.sealed = vault.seal(details, context=row.id)
    session.add(row)
    record(session, "attribution.suspended", attribution, actor=actor_of(officer), at=at, words={"reason": DENIED},
           cause=row.cause.value, channel=request.channel.value, asked_at=request.asked_at.isoformat(),
           request=commitment(row.salt, canonical_json(details).decode()))  # fmt: skip
    return row


def open_disavowal(vault: Vault, row: Suspension) -> Disavowal | None:
    """The request in the clear; None for a suspension of another cause.

    Raises:
        StorageError: the key file is not the one the row was sealed with.
    """
    if row.sealed is None or row.channel is None or row.asked_at is None:
        return None
    return Disavowal(**vault.unseal(row.sealed, context=row.id), channel=Channel(row.channel), asked_at=row.asked_at)


def reinstate_attribution(
    session: Session,
    attribution: Attribution,
    officer: Officer,
    *,
    reason: str,
    platform_id: str | None = None,
    at: dt.datetime | None = None,
) -> None:
    """Let the claim stand again as it stood: verified, or waiting for its second person.

    `platform_id`: of the ids that the account's page was seen with, the one that is the person's; if none is given,
    it stays as it was.

    Raises:
        BadInput: no reason given, or a platform id that the page was never seen with.
        NotAllowed: the officer claimed it, or suspended it.
        IllegalTransition: it is not suspended.
    """
    if officer.id == attribution.asserted_by:
        raise NotAllowed("an attribution is reinstated by another officer than the one who asserted it")
    if platform_id is not None:
        _require_seen(session, attribution.account_id, platform_id)
    verified = attribution.verified_by is not None
    following = AttributionState.VERIFIED if verified else AttributionState.CLAIMED
    _resolve(session, attribution, officer, following, SuspensionOutcome.REINSTATED, reason, at or utc_now())
    if platform_id is not None:
        session.get_one(Account, attribution.account_id).external_id = platform_id
    record(session, "attribution.reinstated", attribution, actor=actor_of(officer), at=at, state=following.value,
           words={"reason": reason, "platform_id": platform_id or ""})  # fmt: skip


def end_attribution(
    session: Session, attribution: Attribution, officer: Officer, *, reason: str, at: dt.datetime | None = None
) -> None:
    """Reject a suspended claim for good. Whoever denied an account and was found right is not claimed for it again.

    Raises:
        BadInput: no reason given.
        NotAllowed: the officer suspended it.
        IllegalTransition: it is not suspended.
    """
    rejected = AttributionState.REJECTED
    _resolve(session, attribution, officer, rejected, SuspensionOutcome.REJECTED, reason, at or utc_now())
    record(session, "attribution.rejected", attribution, actor=actor_of(officer), at=at, words={"reason": reason})


def open_suspensions(session: Session, attribution_ids: Collection[str]) -> dict[str, list[Suspension]]:
    """Unresolved suspensions of each attribution, oldest first."""
    found: dict[str, list[Suspension]] = {attribution_id: [] for attribution_id in attribution_ids}
    rows = select(Suspension).where(Suspension.attribution_id.in_(attribution_ids), Suspension.outcome.is_(None))
    for row in session.scalars(rows.order_by(Suspension.recorded_at, Suspension.id)):
        found[row.attribution_id].append(row)
    return found


def suspended_accounts(session: Session, account_ids: Collection[str]) -> frozenset[str]:
    """Those of the accounts whose attribution is suspended."""
    rows = select(Attribution.account_id).where(
        Attribution.account_id.in_(account_ids), Attribution.state == AttributionState.SUSPENDED
    )
    return frozenset(session.scalars(rows))


def _resolve(
    session: Session,
    attribution: Attribution,
    officer: Officer,
    following: AttributionState,
    outcome: SuspensionOutcome,
    reason: str,
    at: dt.datetime,
) -> None:
    """Close every open suspension, as somebody who recorded none of them."""
    require_role(officer, Role.OPERATOR, Role.SUPERVISOR)
    if not reason.strip():
        raise BadInput("resolving a suspension needs a reason")
    require_state(session, attribution, AttributionState.SUSPENDED)
    waiting = open_suspensions(session, [attribution.id])[attribution.id]
    if officer.id in {row.recorded_by for row in waiting}:
        raise NotAllowed("a suspension is resolved by another officer than the one who recorded it")
    attribution.state = following
    for row in waiting:
        row.resolved_by, row.resolved_at = officer.id, at
        row.outcome, row.resolution = outcome, reason.strip()


def _require_seen(session: Session, account_id: str, platform_id: str) -> None:
    seen = select(AccountHandle.id).where(
        AccountHandle.account_id == account_id, AccountHandle.platform_id == platform_id
    )
    if session.scalar(seen.limit(1)) is None:
        raise BadInput("choose one of the listed platform ids: the page was never seen with this one")
