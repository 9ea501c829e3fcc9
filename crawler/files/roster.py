"""The verified accounts on a mandate's roster, found by what an item says of its author."""

from __future__ import annotations

import dataclasses
import datetime as dt

from sqlalchemy import select

from models.accounts import Account, Attribution, AttributionState
from models.clock import utc_now
from models.database import Database
from models.mandates import Mandate, require_mandate
from models.people import RosterEntry
from models.targets import Target

IMPORT_PREFIX = "import:"
"""How the address of a target begins that stands for imports and is never crawled."""

_ALIASES = {"twitter": "x", "x_v2": "x"}
"""What else a platform is called, by exports and by its connector."""


@dataclasses.dataclass(frozen=True, slots=True)
class Roster:
    """`targets` are those accounts' places of crawling under the mandate; `zone` is the mandate's."""

    accounts: tuple[Account, ...]
    targets: tuple[Target, ...]
    zone: dt.tzinfo
    _by_handle: dict[tuple[str, str], Account] = dataclasses.field(init=False)
    _by_platform_id: dict[tuple[str, str], Account] = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        by_handle = {(_platform(each.source), _handle(each.handle)): each for each in self.accounts}
        by_id = {(_platform(each.source), each.external_id): each for each in self.accounts if each.external_id}
        object.__setattr__(self, "_by_handle", by_handle)
        object.__setattr__(self, "_by_platform_id", by_id)

    def account(self, platform: str, author: str, author_id: str = "") -> Account | None:
        """Whose item this is; handles with and without `@`, in any case.

        The platform's own id decides where both sides know it: handles are given up and taken by others.
        """
        name = _platform(platform)
        if known := self._by_platform_id.get((name, author_id)):
            return known
        found = self._by_handle.get((name, _handle(author)))
        strange = found is not None and author_id and found.external_id and found.external_id != author_id
        return None if strange else found

    def named(self, account_id: str) -> Account | None:
        """The account with this id of ours."""
        return next((each for each in self.accounts if each.id == account_id), None)


def load_roster(database: Database, mandate_id: str) -> Roster:
    """Read the roster of a mandate.

    Raises:
        NoMandate: the mandate is not in force.
    """
    with database.read() as session:
        mandate = require_mandate(session.get(Mandate, mandate_id), utc_now())
        accounts = session.scalars(
            select(Account)
            .join(Attribution, Attribution.account_id == Account.id)
            .join(RosterEntry, RosterEntry.civil_servant_id == Attribution.civil_servant_id)
            .where(Attribution.state == AttributionState.VERIFIED, RosterEntry.mandate_id == mandate_id)
        ).all()
        known = {account.id for account in accounts}
        crawled = Target.address.notlike(f"{IMPORT_PREFIX}%")
        targets = session.scalars(select(Target).where(Target.mandate_id == mandate_id, crawled)).all()
        zone = dt.timezone(dt.timedelta(minutes=mandate.utc_offset_minutes))
        return Roster(tuple(accounts), tuple(each for each in targets if each.account_id in known), zone)


def _platform(name: str) -> str:
    """As accounts carry it; a host (`linkedin.com`) stands for its platform."""
    plain = name.lower().removeprefix("www.").partition(".")[0]
    return _ALIASES.get(plain, plain)


def _handle(handle: str) -> str:
    return handle.strip().removeprefix("@").casefold()
