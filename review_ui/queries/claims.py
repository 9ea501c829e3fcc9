"""Attributions with the people and accounts they join."""

from __future__ import annotations

import dataclasses

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from models.accounts import (
    Account,
    AccountHandle,
    Attribution,
    AttributionSource,
    AttributionState,
    Disavowal,
    Suspension,
    open_disavowal,
    open_suspensions,
)
from models.officers import Officer
from models.people import CivilServant, Person, open_person
from models.targets import Target
from models.vault import Vault

PAGE_SIZE = 25


@dataclasses.dataclass(frozen=True, slots=True)
class Stop:
    """An unresolved suspension; `request` is the opened “bukan akun saya”, if it was one."""

    row: Suspension
    recorded_by: str | None
    request: Disavowal | None


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """“This account is that person's”, opened for an officer who checks it; `addresses` are what would be crawled,
    `history` under which ids and handles the page was seen, `stops` why it is suspended.
    """

    attribution: Attribution
    account: Account
    person: Person
    namesakes: int
    asserted_by: str
    verified_by: str | None
    addresses: list[str]
    sources: list[AttributionSource]
    history: list[AccountHandle]
    stops: list[Stop]

    @property
    def given_by(self) -> set[str]:
        """Officers who stand behind the claim and so do not verify it."""
        return {self.attribution.asserted_by, *(source.added_by for source in self.sources)}

    @property
    def stopped_by(self) -> set[str]:
        """Officers who suspended it and so do not resolve that."""
        return {stop.row.recorded_by for stop in self.stops if stop.row.recorded_by is not None}

    @property
    def platform_ids(self) -> list[str]:
        """The ids its page was seen with, newest first."""
        return list(dict.fromkeys(period.platform_id for period in reversed(self.history)))


def claims(session: Session, vault: Vault, state: AttributionState, page: int) -> tuple[list[Claim], bool]:
    """One page of attributions in `state`, oldest first, and whether there are more; a fixed number of statements."""
    asserter, verifier = aliased(Officer), aliased(Officer)
    rows = session.execute(
        select(Attribution, Account, CivilServant, asserter.name, verifier.name)
        .join(Account, Account.id == Attribution.account_id)
        .join(CivilServant, CivilServant.id == Attribution.civil_servant_id)
        .join(asserter, asserter.id == Attribution.asserted_by)
        .outerjoin(verifier, verifier.id == Attribution.verified_by)
        .where(Attribution.state == state)
        .order_by(Attribution.asserted_at, Attribution.id)
        .offset(page * PAGE_SIZE)
        .limit(PAGE_SIZE + 1)
    ).all()
    shared = _same_names(session, [row[2].name_index for row in rows])
    crawled = _addresses(session, [row[1].id for row in rows])
    sources = _sources(session, [row[0].id for row in rows])
    history = _histories(session, [row[1].id for row in rows])
    stops = _stops(session, vault, [row[0].id for row in rows])
    opened = [
        Claim(
            attribution=attribution,
            account=account,
            person=open_person(vault, row),
            namesakes=shared[row.name_index] - 1,
            asserted_by=asserted,
            verified_by=verified,
            addresses=crawled.get(account.id, []),
            sources=sources[attribution.id],
            history=history[account.id],
            stops=stops[attribution.id],
        )
        for attribution, account, row, asserted, verified in rows[:PAGE_SIZE]
    ]
    return opened, len(rows) > PAGE_SIZE


def count_claims(session: Session) -> dict[AttributionState, int]:
    """How many attributions are in each state."""
    rows = session.execute(select(Attribution.state, func.count()).group_by(Attribution.state))
    return {**dict.fromkeys(AttributionState, 0), **dict(rows.all())}


def _addresses(session: Session, account_ids: list[str]) -> dict[str | None, list[str]]:
    rows = session.execute(
        select(Target.account_id, Target.address)
        .where(Target.account_id.in_(account_ids))
        .distinct()
        .order_by(Target.address)
    )
    found: dict[str | None, list[str]] = {}
    for account_id, address in rows:
        found.setdefault(account_id, []).append(address)
    return found


def _sources(session: Session, attribution_ids: list[str]) -> dict[str, list[AttributionSource]]:
    found: dict[str, list[AttributionSource]] = {attribution_id: [] for attribution_id in attribution_ids}
    rows = select(AttributionSource).where(AttributionSource.attribution_id.in_(attribution_ids))
    for row in session.scalars(rows.order_by(AttributionSource.added_at, AttributionSource.id)):
        found[row.attribution_id].append(row)
    return found


def _histories(session: Session, account_ids: list[str]) -> dict[str, list[AccountHandle]]:
    found: dict[str, list[AccountHandle]] = {account_id: [] for account_id in account_ids}
    rows = select(AccountHandle).where(AccountHandle.account_id.in_(account_ids))
    for row in session.scalars(rows.order_by(AccountHandle.first_seen_at, AccountHandle.id)):
        found[row.account_id].append(row)
    return found


def _stops(session: Session, vault: Vault, attribution_ids: list[str]) -> dict[str, list[Stop]]:
    waiting = open_suspensions(session, attribution_ids)
    officers = {row.recorded_by for rows in waiting.values() for row in rows}
    names = dict(session.execute(select(Officer.id, Officer.name).where(Officer.id.in_(officers))).all())
    return {
        attribution_id: [Stop(row, names.get(row.recorded_by or ""), open_disavowal(vault, row)) for row in rows]
        for attribution_id, rows in waiting.items()
    }


def _same_names(session: Session, name_indices: list[str]) -> dict[str, int]:
    rows = session.execute(
        select(CivilServant.name_index, func.count())
        .where(CivilServant.name_index.in_(name_indices))
        .group_by(CivilServant.name_index)
    )
    return dict(rows.all())
