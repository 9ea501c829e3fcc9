"""Civil servants and the rosters that put them under a mandate. Their details are sealed at rest."""

from __future__ import annotations

import dataclasses
import enum
import re
import unicodedata
from collections.abc import Collection, Sequence

from sqlalchemy import ForeignKey, LargeBinary, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Id, JsonObject, Row
from models.canonical import canonical_json
from models.log import record
from models.mandates import Mandate
from models.vault import SALT_BYTES, Vault, commitment, new_salt

_TITLES = frozenset({"apt", "dr", "dra", "drg", "drh", "drs", "h", "hj", "ir", "kh", "prof"})
_DEGREE = re.compile(r"[a-z]{1,3}(\.[a-z]{1,5})+\.?")  # s.pd, m.si., s.st.pi
_SIGN = re.compile(r"[\W_]+")


class StaffStatus(enum.StrEnum):
    """Kind of employment; the candidate articles depend on it."""

    PNS = "PNS"
    PPPK = "PPPK"
    PPNPN = "PPNPN"


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """A civil servant in the clear; exists in memory only."""

    name: str
    nip: str
    status: StaffStatus
    position: str = ""
    unit: str = ""
    agency: str = ""


class CivilServant(Row):
    """A rostered person. Everything that names them is in `sealed`; the indices find, but do not tell."""

    __tablename__ = "civil_servants"

    status: Mapped[StaffStatus]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    nip_index: Mapped[str] = mapped_column(String(64), unique=True)
    name_index: Mapped[str] = mapped_column(String(64), index=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary(SALT_BYTES), default_factory=new_salt)


class RosterEntry(Base):
    """This civil servant is under this mandate."""

    __tablename__ = "roster_entries"

    mandate_id: Mapped[Id] = mapped_column(ForeignKey("mandates.id"), primary_key=True)
    civil_servant_id: Mapped[Id] = mapped_column(ForeignKey("civil_servants.id"), primary_key=True, index=True)


def enrol(session: Session, vault: Vault, mandate: Mandate, person: Person, *, actor: str) -> CivilServant:
    """Put a person on the mandate's roster; the same NIP is the same row, with its details renewed."""
    return enrol_all(session, vault, mandate, [person], actor=actor)[0]


def enrol_all(
    session: Session, vault: Vault, mandate: Mandate, people: Sequence[Person], *, actor: str
) -> list[CivilServant]:
    """Put people on the mandate's roster, their rows in the same order; two statements for the lot to look them up.

    Of two with one NIP, the later renews the earlier. Some hundred at a time.
    """
    indices = [vault.index(person.nip, kind="nip") for person in people]
    rows = known_by_number(session, indices)
    ids = [row.id for row in rows.values()]
    on_roster = set(
        session.scalars(
            select(RosterEntry.civil_servant_id).where(
                RosterEntry.mandate_id == mandate.id, RosterEntry.civil_servant_id.in_(ids)
            )
        )
    )
    for index, person in zip(indices, people, strict=True):
        rows[index] = _put(session, vault, rows.get(index), index, person, actor=actor)
    session.flush()
    for index, person in zip(indices, people, strict=True):
        row = rows[index]
        if row.id not in on_roster:
            on_roster.add(row.id)
            session.add(RosterEntry(mandate_id=mandate.id, civil_servant_id=row.id))
            record(session, "roster.enrolled", row, actor=actor, mandate=mandate.id,
                   nip=commitment(row.salt, person.nip),
                   details=_commit(row, dataclasses.asdict(person)))  # fmt: skip
    return [rows[index] for index in indices]


def known_by_number(session: Session, nip_indices: Collection[str]) -> dict[str, CivilServant]:
    """The people with these numbers, by `Vault.index(nip, kind="nip")`, whatever mandate they were enrolled under."""
    found = session.scalars(select(CivilServant).where(CivilServant.nip_index.in_(nip_indices)))
    return {row.nip_index: row for row in found}


def name_index_of(vault: Vault, name: str) -> str:
    """By what `CivilServant.name_index` finds everybody of this name."""
    return vault.index(name_key(name), kind="name")


def open_person(vault: Vault, row: CivilServant) -> Person:
    """The person in the clear.

    Raises:
        StorageError: the key file is not the one the row was sealed with.
    """
    details = vault.unseal(row.sealed, context=row.id)
    return Person(**{**details, "status": StaffStatus(details["status"])})


def namesakes(session: Session, row: CivilServant) -> int:
    """How many other rostered people, under whatever mandate, carry the same name as `name_key` compares names."""
    others = select(func.count()).where(CivilServant.name_index == row.name_index, CivilServant.id != row.id)
    return session.scalar(others) or 0


def name_key(name: str) -> str:
    """The form in which names are compared: without case, accents, signs, academic and religious titles."""
    decomposed = unicodedata.normalize("NFKD", name.partition(",")[0].casefold())
    words = "".join(c for c in decomposed if not unicodedata.combining(c)).split()
    while len(words) > 1 and words[0].strip(".") in _TITLES:
        words.pop(0)
    while len(words) > 1 and _DEGREE.fullmatch(words[-1]):
        words.pop()
    return " ".join(filter(None, (_SIGN.sub("", word) for word in words)))


def _put(
    session: Session, vault: Vault, row: CivilServant | None, nip_index: str, person: Person, *, actor: str
) -> CivilServant:
    """The person's row, new or renewed."""
    details = dataclasses.asdict(person)
    if row is None:
        row = CivilServant(status=person.status, sealed=b"", nip_index=nip_index, name_index="")
        session.add(row)
    elif open_person(vault, row) != person:
        record(session, "person.renewed", row, actor=actor, details=_commit(row, details))
    else:
        return row
    row.status, row.name_index = person.status, name_index_of(vault, person.name)
    row.sealed = vault.seal(details, context=row.id)
    return row


def _commit(row: CivilServant, details: JsonObject) -> str:
    return commitment(row.salt, canonical_json(details).decode())
