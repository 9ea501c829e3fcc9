"""Claiming an account for a person, with sources, and accepting or rejecting the claim as a second person."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Sequence

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from models.accounts.ladder import Confidence, Source, confidence_of, sole_source
from models.accounts.rows import (
    LIVE_STATES,
    Account,
    Attribution,
    AttributionSource,
    AttributionState,
    Suspension,
    SuspensionCause,
    SuspensionOutcome,
)
from models.base import lock_row
from models.clock import utc_now
from models.errors import BadInput, IllegalTransition, NoMandate, NotAllowed
from models.log import record
from models.officers import Officer, Role, actor_of, require_role
from models.people import CivilServant, namesakes

_NOT_IN_FORCE = {
    AttributionState.CLAIMED: "atribusi akun belum diverifikasi petugas kedua",
    AttributionState.SUSPENDED: "atribusi akun ditangguhkan",
    AttributionState.REJECTED: "atribusi akun ditolak",
    None: "akun tidak diatribusikan kepada siapa pun",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """“This account is that person's”, about to be made.

    `confidence` follows from the kinds of `sources`; it may be stated lower. Without sources, `evidence` is the only
    one, of the kind that the stated confidence (a single source if none) needs.
    """

    account: Account
    person: CivilServant
    evidence: str
    confidence: Confidence | None = None
    sources: Sequence[Source] = ()

    def checked(self) -> tuple[Confidence, Sequence[Source]]:
        """Confidence and sources as they are stored.

        Raises:
            BadInput: no evidence given, or a confidence above what the sources reach.
        """
        if not self.evidence.strip():
            raise BadInput(f"attribution of {self.account.handle}: say what the claim rests on")
        given = self.sources or [sole_source(self.evidence, self.confidence or Confidence.SINGLE_SOURCE)]
        reached = confidence_of([source.kind for source in given])
        if self.confidence is not None and self.confidence.is_above(reached):
            raise BadInput(
                f"attribution of {self.account.handle}: its sources reach {reached.value}, not {self.confidence.value}"
            )
        return self.confidence or reached, given


def save_account(session: Session, *, source: str, handle: str, url: str, actor: str) -> Account:
    """The account of this source and handle, created when new."""
    return save_accounts(session, [(source, handle, url)], actor=actor)[0]


def save_accounts(session: Session, named: Sequence[tuple[str, str, str]], *, actor: str) -> list[Account]:
    """The accounts of these (source, handle, URL), in the same order, created when new. Some hundred at a time."""
    keys = {(source, handle): url for source, handle, url in named}
    known = {
        (account.source, account.handle): account
        for account in session.scalars(select(Account).where(tuple_(Account.source, Account.handle).in_(list(keys))))
    }
    fresh = {key: Account(source=key[0], handle=key[1], url=url) for key, url in keys.items() if key not in known}
    session.add_all(fresh.values())
    session.flush()
    for account in fresh.values():
        record(session, "account.added", account, actor=actor, source=account.source)
    known |= fresh
    return [known[source, handle] for source, handle, _ in named]


def claim_attribution(
    session: Session,
    account: Account,
    person: CivilServant,
    officer: Officer,
    *,
    evidence: str,
    confidence: Confidence | None = None,
    sources: Sequence[Source] = (),
    at: dt.datetime | None = None,
) -> Attribution:
    """Assert that the account is the person's; see `Claim` for what sources and confidence mean.

    Raises:
        BadInput: as `claim_all`.
    """
    return claim_all(session, [Claim(account, person, evidence, confidence, sources)], officer, at=at)[0]


def claim_all(
    session: Session, claims: Sequence[Claim], officer: Officer, *, at: dt.datetime | None = None
) -> list[Attribution]:
    """Assert several claims; a fixed number of statements for the lot. Some hundred at a time.

    Raises:
        BadInput: no evidence given, a confidence above what the sources reach, a live attribution of an account
            exists, or the person has denied it and was found right.
    """
    require_role(officer, Role.OPERATOR)
    moment = at or utc_now()
    checked = [claim.checked() for claim in claims]
    _require_claimable(session, claims)
    made = [_claimed(claim, confidence, officer, moment)
            for claim, (confidence, _) in zip(claims, checked, strict=True)]  # fmt: skip
    session.add_all(made)
    session.flush()
    for attribution, (_, given) in zip(made, checked, strict=True):
        session.add_all(_row(attribution, source, officer, moment) for source in given)
        record(session, "attribution.claimed", attribution, actor=actor_of(officer), at=moment,
               account=attribution.account_id, person=attribution.civil_servant_id,
               confidence=attribution.confidence.value, sources=[source.kind.value for source in given],
               words={"evidence": attribution.evidence, **_told(given)})  # fmt: skip
    return made


def add_source(
    session: Session, attribution: Attribution, officer: Officer, source: Source, *, at: dt.datetime | None = None
) -> AttributionSource:
    """Add a source to a live claim; its confidence rises to what all of them reach. Who adds one does not verify.

    Raises:
        IllegalTransition: the claim was rejected.
    """
    require_role(officer, Role.OPERATOR, Role.SUPERVISOR)
    lock_row(session, attribution)
    if attribution.state is AttributionState.REJECTED:
        raise IllegalTransition(f"attribution {attribution.id} is rejected and takes no sources")
    row = _row(attribution, source, officer, at or utc_now())
    session.add(row)
    reached = confidence_of([known.kind for known in sources_of(session, attribution)])
    if reached.is_above(attribution.confidence):
        attribution.confidence = reached
    record(session, "attribution.source_added", attribution, actor=actor_of(officer), at=at, kind=source.kind.value,
           confidence=attribution.confidence.value, words=_told([source]))  # fmt: skip
    return row


def lower_confidence(
    session: Session,
    attribution: Attribution,
    officer: Officer,
    confidence: Confidence,
    *,
    reason: str,
    at: dt.datetime | None = None,
) -> None:
    """Hold the claim for less sure than its sources suggest.

    Raises:
        BadInput: no reason given, or the confidence is not a lower one.
    """
    require_role(officer, Role.OPERATOR, Role.SUPERVISOR)
    lock_row(session, attribution)
    if not reason.strip():
        raise BadInput("lowering the confidence needs a reason")
    if not attribution.confidence.is_above(confidence):
        raise BadInput("a confidence rises with its sources; by hand it can only be lowered")
    attribution.confidence = confidence
    record(session, "attribution.lowered", attribution, actor=actor_of(officer), at=at, confidence=confidence.value,
           words={"reason": reason})  # fmt: skip


def verify_attribution(
    session: Session,
    attribution: Attribution,
    officer: Officer,
    *,
    distinction: str = "",
    at: dt.datetime | None = None,
) -> None:
    """Accept the claim as a second person, having seen every source and how many others carry the name.

    Raises:
        NotAllowed: the officer asserted it or gave one of its sources.
        BadInput: others carry the name, and `distinction` does not say what tells the person apart from them.
        IllegalTransition: it is not waiting.
    """
    require_role(officer, Role.OPERATOR, Role.SUPERVISOR)
    require_state(session, attribution, AttributionState.CLAIMED)
    if officer.id in {attribution.asserted_by, *(source.added_by for source in sources_of(session, attribution))}:
        raise NotAllowed("an attribution is verified by another officer than the one who asserted it")
    same_name = namesakes(session, session.get_one(CivilServant, attribution.civil_servant_id))
    if same_name and not distinction.strip():
        raise BadInput(f"{same_name} others on the rosters carry this name: say what tells the person apart from them")
    attribution.state = AttributionState.VERIFIED
    attribution.verified_by, attribution.verified_at = officer.id, at or utc_now()
    attribution.namesakes_seen, attribution.distinction = same_name, distinction.strip()
    record(session, "attribution.verified", attribution, actor=actor_of(officer), at=at, namesakes=same_name,
           words={"distinction": attribution.distinction})  # fmt: skip


def reject_attribution(session: Session, attribution: Attribution, officer: Officer, *, reason: str) -> None:
    """Turn the claim down.

    Raises:
        IllegalTransition: it is not waiting.
    """
    require_role(officer, Role.OPERATOR, Role.SUPERVISOR)
    require_state(session, attribution, AttributionState.CLAIMED)
    attribution.state = AttributionState.REJECTED
    record(session, "attribution.rejected", attribution, actor=actor_of(officer), words={"reason": reason})


def sources_of(session: Session, attribution: Attribution) -> list[AttributionSource]:
    """What the claim rests on, in the order it was entered."""
    rows = select(AttributionSource).where(AttributionSource.attribution_id == attribution.id)
    return list(session.scalars(rows.order_by(AttributionSource.added_at, AttributionSource.id)))


def verified_attribution(session: Session, account_id: str) -> Attribution | None:
    """The attribution in force for this account, if any."""
    return session.scalar(
        select(Attribution).where(Attribution.account_id == account_id, Attribution.state == AttributionState.VERIFIED)
    )


def require_attribution(session: Session, account_id: str) -> Attribution:
    """The attribution in force for this account.

    Raises:
        NoMandate: there is none; says what became of the newest.
    """
    newest = session.scalar(
        select(Attribution)
        .where(Attribution.account_id == account_id)
        .order_by(Attribution.asserted_at.desc(), Attribution.id.desc())
        .limit(1)
    )
    if newest is None or newest.state is not AttributionState.VERIFIED:
        raise NoMandate(_NOT_IN_FORCE[None if newest is None else newest.state])
    return newest


def require_state(session: Session, attribution: Attribution, expected: AttributionState) -> None:
    """Hold the row and let pass only one in this state; for the state functions of this package.

    Raises:
        IllegalTransition: it is in another state.
    """
    lock_row(session, attribution)
    if attribution.state is not expected:
        raise IllegalTransition(f"attribution {attribution.id} is {attribution.state}, not {expected}")


def live_attributions(session: Session, account_ids: Collection[str]) -> dict[str, Attribution]:
    """The claimed, verified or suspended attribution of each account that has one."""
    rows = select(Attribution).where(Attribution.account_id.in_(account_ids), Attribution.state.in_(LIVE_STATES))
    return {row.account_id: row for row in session.scalars(rows)}


def denied_for_good(session: Session, account_ids: Collection[str]) -> set[tuple[str, str]]:
    """(account id, person id) of those who said “bukan akun saya” and were found right."""
    rows = (
        select(Attribution.account_id, Attribution.civil_servant_id)
        .join(Suspension, Suspension.attribution_id == Attribution.id)
        .where(
            Attribution.account_id.in_(account_ids),
            Suspension.cause == SuspensionCause.DISAVOWED,
            Suspension.outcome == SuspensionOutcome.REJECTED,
        )
    )
    return {(account_id, person_id) for account_id, person_id in session.execute(rows)}


def _require_claimable(session: Session, claims: Sequence[Claim]) -> None:
    ids = [claim.account.id for claim in claims]
    live, denied = live_attributions(session, ids), denied_for_good(session, ids)
    for claim in claims:
        if claim.account.id in live:
            raise BadInput(f"account {claim.account.handle} is attributed already")
        if (claim.account.id, claim.person.id) in denied:
            raise BadInput(f"account {claim.account.handle} is not this person's: they denied it, and were found right")


def _claimed(claim: Claim, confidence: Confidence, officer: Officer, at: dt.datetime) -> Attribution:
    return Attribution(
        account_id=claim.account.id,
        civil_servant_id=claim.person.id,
        evidence=claim.evidence,
        confidence=confidence,
        asserted_by=officer.id,
        asserted_at=at,
    )


def _row(attribution: Attribution, source: Source, officer: Officer, at: dt.datetime) -> AttributionSource:
    return AttributionSource(
        attribution_id=attribution.id,
        kind=source.kind,
        reference=source.reference.strip(),
        note=source.note.strip(),
        seen_on=source.seen_on,
        added_by=officer.id,
        added_at=at,
    )


def _told(sources: Sequence[Source]) -> dict[str, str]:
    """The sources as the log keeps them beside its entry."""
    return {
        f"source {number}": " · ".join(filter(None, (source.reference, source.note, str(source.seen_on or ""))))
        for number, source in enumerate(sources, 1)
    }
