"""A roster against what is known already, and into the tables: whole, in one transaction, or not at all."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import BinaryIO, TypeVar

from sqlalchemy import case, func, select, tuple_
from sqlalchemy.orm import Session

from crawler.registry import asked_host
from models.accounts import (
    Account,
    Claim,
    Confidence,
    claim_all,
    denied_for_good,
    live_attributions,
    save_accounts,
)
from models.errors import BadInput
from models.mandates import Mandate
from models.officers import Officer, actor_of
from models.people import (
    CivilServant,
    RosterEntry,
    enrol_all,
    known_by_number,
    name_index_of,
    open_person,
)
from models.targets import Target, add_target
from models.vault import Vault
from pipeline.roster.checks import AccountLine, Roster, RosterLine, read_roster
from pipeline.roster.findings import fingerprint

BATCH = 500

Item = TypeVar("Item")


@dataclasses.dataclass(frozen=True, slots=True)
class RosterResult:
    """What an import did: people enrolled or renewed, accounts named, claims that wait for a second officer."""

    people: int
    accounts: int
    waiting: int


def examine_roster(session: Session, vault: Vault, mandate: Mandate, file: BinaryIO, *, today: dt.date) -> Roster:
    """Read the file and compare it with everybody known; reads only.

    Raises:
        BadInput: the file cannot be read as a table at all.
    """
    roster = read_roster(file, today)
    for lines in _batched(roster.lines, BATCH):
        people = known_by_number(session, [vault.index(line.person.nip, kind="nip") for line in lines])
        _note_known_names(vault, roster, lines, people)
        _note_namesakes(session, vault, roster, lines, mandate)
        _note_accounts(session, vault, roster, [line for line in lines if line.account is not None], people)
    roster.findings.sort(key=lambda found: (found.row, len(found.column), found.column))
    return roster


def import_roster(
    session: Session,
    vault: Vault,
    mandate: Mandate,
    roster: Roster,
    officer: Officer,
    *,
    confirmed: str | None = None,
) -> RosterResult:
    """Enrol every person of an examined roster, claim their accounts and add targets for those that can be crawled.

    `confirmed` is the `fingerprint` of the warnings that a person has seen and accepted. To be called in the
    transaction in which the roster was examined. What the second officer verifies is the account with its address:
    once claimed, it gets no further one. Accounts on platforms without a connector wait for imported files. Importing
    twice changes nothing.

    Raises:
        BadInput: the roster has errors, or other warnings than those confirmed; then nothing is stored.
    """
    if roster.errors:
        raise BadInput(f"{len(roster.errors)} errors in the roster; nothing was stored")
    if roster.warnings and confirmed != fingerprint(roster.warnings):
        raise BadInput(f"{len(roster.warnings)} warnings in the roster are not confirmed; nothing was stored")
    people, accounts, waiting = set(), set(), 0
    for lines in _batched(roster.lines, BATCH):
        rows = enrol_all(session, vault, mandate, [line.person for line in lines], actor=actor_of(officer))
        people |= {row.id for row in rows}
    for groups in _batched(_by_account(roster.lines), BATCH):
        accounts |= {group[0][1].key for group in groups}
        waiting += _claim(session, vault, mandate, groups, officer)
    return RosterResult(people=len(people), accounts=len(accounts), waiting=waiting)


_Group = list[tuple[RosterLine, AccountLine]]
"""The rows of one account: each is a source of its claim."""


def _by_account(lines: Iterable[RosterLine]) -> list[_Group]:
    groups: dict[tuple[str, str], _Group] = collections.defaultdict(list)
    for line in lines:
        if line.account is not None:
            groups[line.account.key].append((line, line.account))
    return list(groups.values())


def _claim(session: Session, vault: Vault, mandate: Mandate, groups: Sequence[_Group], officer: Officer) -> int:
    """Claim what may be claimed and put it on the schedule; returns how many claims are new."""
    actor = actor_of(officer)
    people = known_by_number(session, [vault.index(group[0][0].person.nip, kind="nip") for group in groups])
    holders = [people[vault.index(group[0][0].person.nip, kind="nip")] for group in groups]
    named = [(first.source, first.handle, first.url) for ((_, first), *_) in groups]
    accounts = save_accounts(session, named, actor=actor)
    ids = [account.id for account in accounts]
    live, denied = live_attributions(session, ids), denied_for_good(session, ids)
    claims, scheduled = [], []
    for account, person, group in zip(accounts, holders, groups, strict=True):
        standing = live.get(account.id)
        if standing is None and (account.id, person.id) not in denied:
            claims.append(_claim_of(account, person, group))
        if (standing is None or standing.civil_servant_id == person.id) and (account.id, person.id) not in denied:
            scheduled.append((account, group[0][1]))
    claim_all(session, claims, officer)
    session.flush()
    _schedule(session, mandate, scheduled, actor)
    return len(claims)


def _claim_of(account: Account, person: CivilServant, group: _Group) -> Claim:
    """One claim resting on every row of the account; the least confidence that a row states holds."""
    rungs = list(Confidence)
    stated = [line.confidence for _, line in group if line.confidence is not None]
    return Claim(
        account=account,
        person=person,
        evidence="; ".join(dict.fromkeys(line.evidence.reference for _, line in group)),
        confidence=max(stated, key=rungs.index, default=None),
        sources=[line.evidence for _, line in group],
    )


def _schedule(session: Session, mandate: Mandate, scheduled: Sequence[tuple[Account, AccountLine]], actor: str) -> None:
    """Add the targets that the mandate does not have yet."""
    wanted = {(line.source, line.address): (account, line) for account, line in scheduled if line.crawled}
    known = session.execute(
        select(Target.source, Target.address).where(
            Target.mandate_id == mandate.id, tuple_(Target.source, Target.address).in_(list(wanted))
        )
    )
    for key in known:
        del wanted[key[0], key[1]]
    for account, line in wanted.values():
        add_target(
            session,
            mandate,
            source=line.source,
            address=line.address,
            account=account,
            actor=actor,
            interval_seconds=line.interval_seconds,
            host=asked_host(line.source, line.address),
        )


def _note_known_names(
    vault: Vault, roster: Roster, lines: Sequence[RosterLine], people: dict[str, CivilServant]
) -> None:
    for line in lines:
        row = people.get(vault.index(line.person.nip, kind="nip"))
        if row is not None and row.name_index != name_index_of(vault, line.person.name):
            roster.note(line.row, "name", "known_name", known=open_person(vault, row).name)


def _note_namesakes(
    session: Session, vault: Vault, roster: Roster, lines: Sequence[RosterLine], mandate: Mandate
) -> None:
    """Warn of people of the same name with another number, on this roster or on others."""
    by_name: dict[str, set[str]] = collections.defaultdict(set)
    here: set[str] = set()
    indices = {name_index_of(vault, line.person.name) for line in lines}
    on_this_roster = case((RosterEntry.mandate_id == mandate.id, 1), else_=0)
    for name, number, on_this in session.execute(
        select(CivilServant.name_index, CivilServant.nip_index, func.max(on_this_roster))
        .join(RosterEntry, RosterEntry.civil_servant_id == CivilServant.id)
        .where(CivilServant.name_index.in_(indices))
        .group_by(CivilServant.name_index, CivilServant.nip_index)
    ):
        by_name[name].add(number)
        if on_this:
            here.add(number)
    warned: set[str] = set()
    for line in lines:
        own = vault.index(line.person.nip, kind="nip")
        others = by_name.get(name_index_of(vault, line.person.name), set()) - {own}
        if others and own not in warned:
            warned.add(own)
            elsewhere = len(others - here)
            roster.note(line.row, "name", "namesakes_on_rosters", count=len(others), elsewhere=elsewhere)


def _note_accounts(
    session: Session, vault: Vault, roster: Roster, lines: Sequence[RosterLine], people: dict[str, CivilServant]
) -> None:
    """What is known of the accounts that these rows claim."""
    keys = [line.account.key for line in lines if line.account is not None]
    known = session.scalars(select(Account).where(tuple_(Account.source, Account.handle).in_(keys)))
    accounts = {(account.source, account.handle): account for account in known}
    ids = [account.id for account in accounts.values()]
    live, denied = live_attributions(session, ids), denied_for_good(session, ids)
    addresses = _addresses(session, ids)
    for line in lines:
        account = None if line.account is None else accounts.get(line.account.key)
        if line.account is None or account is None:
            continue
        person = people.get(vault.index(line.person.nip, kind="nip"))
        standing = live.get(account.id)
        if standing is not None and (person is None or standing.civil_servant_id != person.id):
            roster.note(line.row, "handle", "claimed", handle=account.handle)
        elif person is not None and (account.id, person.id) in denied:
            roster.note(line.row, "handle", "denied", handle=account.handle)
        elif standing is not None and line.account.crawled and line.account.address not in addresses[account.id]:
            roster.note(line.row, "address", "other_address", handle=account.handle)


def _addresses(session: Session, account_ids: Collection[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = collections.defaultdict(set)
    for account_id, address in session.execute(
        select(Target.account_id, Target.address).where(Target.account_id.in_(account_ids))
    ):
        if account_id is not None:
            found[account_id].add(address)
    return found


def _batched(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
