"""Attributions with the people and accounts they join."""

from __future__ import annotations

import dataclasses

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from models.accounts import Account, Attribution, AttributionState
from models.officers import Officer
from models.people import CivilServant, Person, open_person
from models.targets import Target
from models.vault import Vault

PAGE_SIZE = 25


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """“This account is that person's”, opened for an officer who checks it; `addresses` are what would be crawled."""

    attribution: Attribution
    account: Account
    person: Person
    namesakes: int
    asserted_by: str
    verified_by: str | None
    addresses: list[str]


def claims(session: Session, vault: Vault, state: AttributionState, page: int) -> tuple[list[Claim], bool]:
    """One page of attributions in `state`, oldest first, and whether there are more; three statements."""
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
    opened = [
        Claim(
            attribution=attribution,
            account=account,
            person=open_person(vault, row),
            namesakes=shared[row.name_index] - 1,
            asserted_by=asserted,
            verified_by=verified,
            addresses=crawled.get(account.id, []),
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


def _same_names(session: Session, name_indices: list[str]) -> dict[str, int]:
    rows = session.execute(
        select(CivilServant.name_index, func.count())
        .where(CivilServant.name_index.in_(name_indices))
        .group_by(CivilServant.name_index)
    )
    return dict(rows.all())
