"""Rosters, mandates and contests from files: checked whole, then stored whole, or not at all."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import enum
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.registry import SOURCES, check_address
from models.accounts import Account, Attribution, AttributionState, Confidence, claim_attribution, save_account
from models.errors import BadInput, NotFound
from models.mandates import Contest, Mandate, propose_mandate
from models.nip import check_staff_number
from models.officers import Officer, actor_of
from models.people import Person, StaffStatus, enrol
from models.targets import Target, add_target
from models.vault import Vault

MAX_ROSTER_ROWS = 50_000
REQUIRED_COLUMNS = ("nip", "name", "status")
ACCOUNT_COLUMNS = ("source", "handle", "address", "evidence", "confidence")
OPTIONAL_COLUMNS = ("position", "unit", "agency", "url", "interval_minutes")
OFFSETS = {"WIB": 420, "WITA": 480, "WIT": 540}

Word = TypeVar("Word", bound=enum.StrEnum)
TEXT = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class MandateLine(BaseModel):
    """One mandate of a mandates file."""

    model_config = ConfigDict(extra="forbid")

    number: TEXT
    legal_basis: TEXT
    agency: TEXT
    contest: TEXT
    first_day: dt.date
    last_day: dt.date
    region: str = ""
    time_zone: Literal["WIB", "WITA", "WIT"] = "WIB"


@dataclasses.dataclass(frozen=True, slots=True)
class RosterLine:
    """One checked line of a roster: a person, and the account claimed to be theirs, if any."""

    number: int
    person: Person
    source: str = ""
    handle: str = ""
    address: str = ""
    url: str = ""
    evidence: str = ""
    confidence: Confidence = Confidence.SINGLE_SOURCE
    interval_seconds: int = 3600


@dataclasses.dataclass(frozen=True, slots=True)
class RosterResult:
    """What a roster import did, in rows."""

    people: int
    accounts: int
    waiting: int


def import_mandates(session: Session, path: Path, officer: Officer) -> list[Mandate]:
    """Propose every mandate of a YAML list; each waits for a second officer's approval.

    Raises:
        BadInput: names file and entry; then none is stored.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        lines = TypeAdapter(list[MandateLine]).validate_python(data)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", path=path) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"entry {where}: {first['msg']}", path=path) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: no such day, not UTF-8
        raise BadInput(f"not valid YAML: {error}".splitlines()[0], path=path) from error
    return [
        propose_mandate(
            session,
            officer,
            number=line.number,
            legal_basis=line.legal_basis,
            agency=line.agency,
            contest=_contest_named(session, line.contest, path),
            first_day=line.first_day,
            last_day=line.last_day,
            region=line.region,
            utc_offset_minutes=OFFSETS[line.time_zone],
        )
        for line in lines
    ]


def mandate_numbered(session: Session, number: str) -> Mandate:
    """The mandate of this number or id.

    Raises:
        NotFound: there is none.
    """
    found = session.scalar(select(Mandate).where((Mandate.number == number) | (Mandate.id == number)))
    if found is None:
        raise NotFound(f"no mandate {number}; 'netra mandates list' shows them")
    return found


def import_roster(session: Session, vault: Vault, mandate: Mandate, path: Path, officer: Officer) -> RosterResult:
    """Enrol every person of a CSV roster, claim their accounts and add targets for those that can be crawled.

    What the second officer verifies is the account with its addresses: once claimed, it gets no further one.

    Accounts on other platforms are for imported files. Claims wait for a second officer; until then nothing of
    them is crawled. Importing twice changes nothing.

    Raises:
        BadInput: names file, line and column; then nothing is stored.
    """
    lines = list(read_roster(path))
    accounts = waiting = 0
    for line in lines:
        person = enrol(session, vault, mandate, line.person, actor=actor_of(officer))
        if not line.source:
            continue
        accounts += 1
        account = save_account(
            session, source=line.source, handle=line.handle, url=line.url or line.address, actor=actor_of(officer)
        )
        if not _is_attributed(session, account, person.id, line, path):
            claim_attribution(session, account, person, officer, evidence=line.evidence, confidence=line.confidence)
            session.flush()
            waiting += 1
        elif line.source in SOURCES:
            _require_known_address(session, account, line, path)
        if line.source in SOURCES:
            add_target(
                session,
                mandate,
                source=line.source,
                address=line.address,
                account=account,
                actor=actor_of(officer),
                interval_seconds=line.interval_seconds,
            )
    return RosterResult(people=len(lines), accounts=accounts, waiting=waiting)


def read_roster(path: Path) -> Iterator[RosterLine]:
    """Check a roster line by line.

    Raises:
        BadInput: unreadable file, missing or unknown column, a wrong cell, or a NIP that stands twice.
    """
    seen: dict[str, int] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            header = handle.readline()
            handle.seek(0)
            delimiter = ";" if header.count(";") > header.count(",") else ","
            reader = csv.DictReader(handle, strict=True, delimiter=delimiter)
            _check_header(reader.fieldnames or [], path)
            for row in reader:
                number = reader.line_num
                if len(seen) >= MAX_ROSTER_ROWS:
                    raise BadInput(f"more than {MAX_ROSTER_ROWS} people in one file", path=path, line=number)
                line = _roster_line(row, number, path)
                key = f"{line.person.nip} {line.source} {line.handle}"
                if key in seen:
                    raise BadInput(f"the same person and account as in line {seen[key]}", path=path, line=number)
                seen[key] = number
                yield line
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", path=path) from error
    except UnicodeDecodeError as error:
        raise BadInput("not UTF-8; save it as 'CSV UTF-8'", path=path) from error
    except csv.Error as error:
        raise BadInput(f"not valid CSV: {error}", path=path) from error


def _check_header(names: object, path: Path) -> None:
    known = {*REQUIRED_COLUMNS, *ACCOUNT_COLUMNS, *OPTIONAL_COLUMNS}
    columns = list(names) if isinstance(names, list) else []
    for name in REQUIRED_COLUMNS:
        if name not in columns:
            raise BadInput(f"column {name!r} is missing", path=path, line=1)
    for name in columns:
        if name not in known:
            raise BadInput(f"unknown column {name!r}; known are {', '.join(sorted(known))}", path=path, line=1)


def _roster_line(row: dict[str | None, str | None], number: int, path: Path) -> RosterLine:
    if None in row or None in row.values():
        raise BadInput("another number of cells than the header has", path=path, line=number)
    cells = {str(name): str(value).strip() for name, value in row.items()}
    try:
        status = _one_of(StaffStatus, cells["status"].upper(), "status")
        person = Person(
            name=_filled(cells, "name"),
            nip=check_staff_number(cells["nip"], status),
            status=status,
            position=cells.get("position", ""),
            unit=cells.get("unit", ""),
            agency=cells.get("agency", ""),
        )
        if not cells.get("source"):
            return RosterLine(number=number, person=person)
        address = _filled(cells, "address")
        if cells["source"] in SOURCES:
            check_address(cells["source"], address)
        return RosterLine(
            number=number,
            person=person,
            source=cells["source"],
            handle=_filled(cells, "handle"),
            address=address,
            url=cells.get("url", ""),
            evidence=_filled(cells, "evidence"),
            confidence=_one_of(Confidence, cells.get("confidence") or Confidence.SINGLE_SOURCE, "confidence"),
            interval_seconds=60 * int(cells.get("interval_minutes") or 60),
        )
    except BadInput as error:
        raise BadInput(error.message, path=path, line=number) from error
    except ValueError as error:
        raise BadInput(str(error), path=path, line=number) from error


def _one_of(words: type[Word], cell: str, column: str) -> Word:
    try:
        return words(cell)
    except ValueError as error:
        raise BadInput(f"column {column!r}: {cell!r} is none of {', '.join(words)}") from error


def _filled(cells: dict[str, str], name: str) -> str:
    if not cells.get(name):
        raise BadInput(f"column {name!r} is empty")
    return cells[name]


def _is_attributed(session: Session, account: Account, person_id: str, line: RosterLine, path: Path) -> bool:
    live = session.scalar(
        select(Attribution).where(
            Attribution.account_id == account.id,
            Attribution.state.in_((AttributionState.CLAIMED, AttributionState.VERIFIED)),
        )
    )
    if live is not None and live.civil_servant_id != person_id:
        raise BadInput(f"account {line.handle} is attributed to another person", path=path, line=line.number)
    return live is not None


def _require_known_address(session: Session, account: Account, line: RosterLine, path: Path) -> None:
    known = select(Target.id).where(Target.account_id == account.id, Target.address == line.address)
    if session.scalar(known.limit(1)) is None:
        reason = f"account {line.handle} was claimed with another address; a new one needs a new claim"
        raise BadInput(reason, path=path, line=line.number)


def _contest_named(session: Session, name: str, path: Path) -> Contest:
    contest = session.scalar(select(Contest).where(Contest.name == name))
    if contest is None:
        raise BadInput(f"no contest {name!r}; import its file first", path=path)
    return contest
