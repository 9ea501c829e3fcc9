"""From rows to people and accounts: every cell is checked, and everything wrong is noted, not only the first."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from crawler.registry import SOURCES, asked_host
from models.accounts import Confidence, Source, SourceKind, confidence_of
from models.accounts.ladder import LONGEST_REFERENCE
from models.accounts.rows import HANDLE_CHARACTERS
from models.errors import BadInput
from models.nip import NIK_DIGITS, NIP_DIGITS, Fault, staff_number_faults
from models.people import Person, StaffStatus, name_key
from models.targets import MAX_INTERVAL_SECONDS, MIN_INTERVAL_SECONDS
from pipeline.roster.columns import (
    ACCOUNT_COLUMNS,
    CONFIDENCES,
    HEADERS,
    KINDS,
    LONGEST_CELL,
    PLATFORMS,
    REQUIRED,
    STATUSES,
    Word,
    column_named,
    letter,
    looks_like_header,
)
from pipeline.roster.findings import WARNINGS, Finding, finding
from pipeline.roster.sheets import Cell, read_rows

MAX_ROWS = 50_000
HEADER_WITHIN = 20
"""Titles may stand above the header, this many rows at most."""

ROWS_NAMED = 5

_PLATFORM = re.compile(r"[a-z0-9_]{1,32}")

_KIND_BEHIND = {
    Confidence.CONFIRMED_BY_HOLDER: SourceKind.HOLDER_STATEMENT,
    Confidence.OFFICIAL_RECORD: SourceKind.OFFICIAL_RECORD,
}


@dataclasses.dataclass(frozen=True, slots=True)
class AccountLine:
    """The account that a row claims for its person, with what the claim rests on."""

    source: str
    handle: str
    address: str
    url: str
    evidence: Source
    confidence: Confidence | None
    interval_seconds: int | None

    @property
    def key(self) -> tuple[str, str]:
        """What makes it one account."""
        return self.source, self.handle

    @property
    def crawled(self) -> bool:
        """Whether there is a connector for its platform."""
        return self.source in SOURCES


@dataclasses.dataclass(frozen=True, slots=True)
class RosterLine:
    """One row without errors."""

    row: int
    person: Person
    account: AccountLine | None


@dataclasses.dataclass(slots=True)
class Roster:
    """A file as far as it can be read: its rows without errors, and everything found in the others."""

    headings: dict[str, tuple[str, str]] = dataclasses.field(default_factory=dict)
    lines: list[RosterLine] = dataclasses.field(default_factory=list)
    findings: list[Finding] = dataclasses.field(default_factory=list)

    @property
    def errors(self) -> list[Finding]:
        """What stops the import."""
        return [found for found in self.findings if found.code not in WARNINGS]

    @property
    def warnings(self) -> list[Finding]:
        """What a person has to confirm."""
        return [found for found in self.findings if found.code in WARNINGS]

    def note(self, row: int, name: str, code: str, /, **values: object) -> None:
        """Add a finding in the column that we call `name` (or in none, for the whole row)."""
        column, heading = self.headings.get(name, ("", HEADERS[name][0] if name in HEADERS else ""))
        self.findings.append(finding(row, column, heading, code, **values))


def read_roster(file: BinaryIO, today: dt.date) -> Roster:
    """Check a CSV or XLSX roster as far as the file alone tells.

    Raises:
        BadInput: it is neither, it is damaged, or it has more than `MAX_ROWS` rows.
    """
    roster = Roster()
    rows = read_rows(file)
    names, width = _header(roster, rows)
    if names:
        for count, (row, cells) in enumerate(rows, 1):
            if count > MAX_ROWS:
                raise BadInput(f"more than {MAX_ROWS} rows in one file", line=row)
            line = _Row(roster, row, names, cells, width, today).read()
            if line is not None:
                roster.lines.append(line)
        if not roster.lines and not roster.findings:
            roster.note(1, "", "no_rows")
        _compare_rows(roster)
    roster.findings.sort(key=lambda found: (found.row, len(found.column), found.column))
    return roster


def _header(roster: Roster, rows: Iterator[tuple[int, list[Cell]]]) -> tuple[dict[int, str], int]:
    """Our names by position, and how many cells the header has; no names when a required one is missing."""
    first: tuple[int, list[str]] | None = None
    for row, cells in rows:
        texts = [cell.text for cell in cells]
        if first is None:
            first = (row, texts)
        if looks_like_header(texts):
            first = (row, texts)
            break
        if row > HEADER_WITHIN:
            break
    number, texts = first or (1, [])
    names: dict[int, str] = {}
    for position, text in enumerate(texts):
        _name_column(roster, names, number, position, text)
    missing = [name for name in REQUIRED if name not in roster.headings]
    for name in missing:
        roster.note(number, "", "missing_column", name=HEADERS[name][0])
    return ({} if missing else names), len(texts)


def _name_column(roster: Roster, names: dict[int, str], row: int, position: int, text: str) -> None:
    name = column_named(text)
    if name is None:
        if text:
            roster.findings.append(finding(row, letter(position), text, "unknown_column"))
    elif name in roster.headings:
        first, _ = roster.headings[name]
        roster.findings.append(finding(row, letter(position), text, "double_column", first=first))
    else:
        names[position], roster.headings[name] = name, (letter(position), text)


class _Row:
    """One row being read; `wrong` tells whether anything in it stops the import."""

    def __init__(
        self, roster: Roster, row: int, names: Mapping[int, str], cells: list[Cell], width: int, today: dt.date
    ) -> None:
        self.roster, self.row, self.today = roster, row, today
        self.cells = {name: cells[at] if at < len(cells) else Cell("") for at, name in names.items()}
        self.wrong = False
        if any(cell.text for cell in cells[width:]) or len(cells) < width:
            self.note("", "cells", found=len(cells), wanted=width)

    def read(self) -> RosterLine | None:
        """The row, if nothing in it is wrong."""
        for name, cell in self.cells.items():
            if cell.fault:
                self.note(name, cell.fault, **dict(cell.told))
            elif len(cell.text) > LONGEST_CELL:
                self.note(name, "long", most=LONGEST_CELL)
        person = self.person()
        account = self.account()
        return None if self.wrong or person is None else RosterLine(self.row, person, account)

    def note(self, name: str, code: str, /, **values: object) -> None:
        """Something in the column `name` is wrong."""
        self.wrong = True
        self.roster.note(self.row, name, code, **values)

    def text(self, name: str) -> str:
        """The cell's text; empty when it is missing or was found unreadable."""
        cell = self.cells.get(name)
        return "" if cell is None or cell.fault else cell.text

    def filled(self, name: str) -> str:
        """The cell's text, noted when it is empty."""
        if not self.text(name) and not (name in self.cells and self.cells[name].fault):
            self.note(name, "empty")
        return self.text(name)

    def word(self, name: str, words: Mapping[str, Word], listed: str) -> Word | None:
        """The word in the cell, None when there is none or another."""
        text = self.text(name)
        found = words.get(" ".join(text.lower().replace("_", " ").split())) or words.get(text.lower())
        if text and found is None:
            self.note(name, "choice", value=text, words=listed)
        return found

    def person(self) -> Person | None:
        """Who the row is about."""
        status = self.word("status", STATUSES, "PNS, PPPK, PPNPN") if self.filled("status") else None
        name, number = self.filled("name"), self.filled("nip")
        if name and not name_key(name):
            self.note("name", "choice", value=name, words="nama orang")
        if status is None:
            return None
        if number:
            self.number(number, status)
        return Person(
            name=" ".join(name.split()),
            nip="".join(number.split()),
            status=status,
            position=self.text("position"),
            unit=self.text("unit"),
            agency=self.text("agency"),
        )

    def number(self, number: str, status: StaffStatus) -> None:
        """Note everything impossible about the staff number."""
        digits = "".join(number.split())
        wanted = NIK_DIGITS if status is StaffStatus.PPNPN else NIP_DIGITS
        for found in staff_number_faults(number, status, self.today):
            value = _part(digits, status, found.fault)
            self.note("nip", f"nip_{found.fault.value}", value=value, wanted=wanted, found=len(digits))

    def account(self) -> AccountLine | None:
        """The account that the row claims, if it claims one."""
        platform = self.text("source").lower()
        if not platform:
            if any(self.text(name) for name in ACCOUNT_COLUMNS if name != "interval_minutes"):
                self.note("source", "no_platform")
            return None
        platform = PLATFORMS.get(platform, platform)
        handle, address, evidence = self.filled("handle"), self.filled("address"), self.filled("evidence")
        if len(handle) > HANDLE_CHARACTERS:
            self.note("handle", "handle")
        if not _PLATFORM.fullmatch(platform):
            self.note("source", "choice", value=platform, words=", ".join(sorted(SOURCES)))
        self.address(platform, address)
        seconds, kind, stated, seen = self.interval(), self.kind(), self.confidence(), self.day("seen_on")
        if self.wrong:
            return None
        kind = kind or (_KIND_BEHIND.get(stated, SourceKind.OTHER) if stated else SourceKind.OTHER)
        source = Source(kind, evidence[:LONGEST_REFERENCE], seen_on=seen)
        return AccountLine(platform, handle, address, self.text("url") or address, source, stated, seconds)

    def address(self, platform: str, address: str) -> None:
        """Note an address that the platform's connector does not take."""
        if not address or platform not in SOURCES:
            return
        try:
            asked_host(platform, address)
        except BadInput as error:
            self.note("address", "address", value=error.message)

    def interval(self) -> int | None:
        """Seconds between two crawls; None leaves it to the contest's stages."""
        text = self.text("interval_minutes")
        least, most = MIN_INTERVAL_SECONDS // 60, MAX_INTERVAL_SECONDS // 60
        if text and not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and
                         least <= int(text) <= most):  # fmt: skip
            self.note("interval_minutes", "interval", value=text, least=least, most=most)
            return None
        return 60 * int(text) if text else None

    def kind(self) -> SourceKind | None:
        """The kind of evidence, None when it is not said."""
        return self.word("evidence_kind", KINDS, ", ".join(list(KINDS)[: len(SourceKind)]))

    def confidence(self) -> Confidence | None:
        """The confidence a person states, None when they leave it to the evidence."""
        return self.word("confidence", CONFIDENCES, ", ".join(list(CONFIDENCES)[: len(Confidence)]))

    def day(self, name: str) -> dt.date | None:
        """A day that is not ahead."""
        text = self.text(name)
        if not text:
            return None
        try:
            day = dt.date.fromisoformat(text)
        except ValueError:
            self.note(name, "date", value=text)
            return None
        if day > self.today:
            self.note(name, "date_ahead", value=text)
        return day


_NIP_PARTS: Mapping[Fault, tuple[int, int]] = {
    Fault.BIRTH: (0, 8),
    Fault.TOO_YOUNG: (8, 12),
    Fault.TOO_OLD: (8, 12),
    Fault.PPPK_YEAR: (8, 12),
    Fault.FUTURE: (8, 14),
    Fault.MONTH: (12, 14),
    Fault.PPPK_KIND: (12, 14),
    Fault.SEX: (14, 15),
    Fault.SERIAL: (15, 18),
}
_NIK_PARTS: Mapping[Fault, tuple[int, int]] = {Fault.PLACE: (0, 2), Fault.BIRTH: (6, 12), Fault.SERIAL: (12, 16)}


def _part(digits: str, status: StaffStatus, fault: Fault) -> str:
    """The digits that the fault is about."""
    parts = _NIK_PARTS if status is StaffStatus.PPNPN else _NIP_PARTS
    start, end = parts.get(fault, (0, len(digits)))
    return digits[start:end]


def _compare_rows(roster: Roster) -> None:
    """What only shows between rows: the same person, the same account, the same name."""
    _compare_people(roster)
    _compare_accounts(roster)
    _note_namesakes(roster)


def _compare_people(roster: Roster) -> None:
    seen: dict[str, RosterLine] = {}
    whole: dict[RosterLine, int] = {}
    for line in roster.lines:
        alike = dataclasses.replace(line, row=0)
        if alike in whole:
            roster.note(line.row, "nip", "same_row", row=whole[alike])
        whole.setdefault(alike, line.row)
        first = seen.setdefault(line.person.nip, line)
        if name_key(first.person.name) != name_key(line.person.name):
            roster.note(line.row, "name", "two_names", other=first.person.name, row=first.row)
        if first.person.status is not line.person.status:
            roster.note(line.row, "status", "two_statuses", row=first.row)


def _compare_accounts(roster: Roster) -> None:
    """One account is one person's, at one address; its rows are the sources of one claim."""
    claims: dict[tuple[str, str], list[tuple[RosterLine, AccountLine]]] = collections.defaultdict(list)
    for line in roster.lines:
        if line.account is not None:
            claims[line.account.key].append((line, line.account))
    for rows in claims.values():
        first, account = rows[0]
        for line, other in rows[1:]:
            if line.person.nip != first.person.nip:
                roster.note(line.row, "handle", "two_holders", handle=other.handle, row=first.row)
            elif other.address != account.address:
                roster.note(line.row, "address", "two_addresses", handle=other.handle, row=first.row)
        reached = confidence_of([line.evidence.kind for _, line in rows])
        for line, other in rows:
            if other.confidence is not None and other.confidence.is_above(reached):
                roster.note(line.row, "confidence", "confidence", value=_said(other.confidence), reached=_said(reached))


def _said(confidence: Confidence) -> str:
    return next(word for word, meant in CONFIDENCES.items() if meant is confidence)


def _note_namesakes(roster: Roster) -> None:
    by_name: dict[str, dict[str, RosterLine]] = collections.defaultdict(dict)
    for line in roster.lines:
        by_name[name_key(line.person.name)].setdefault(line.person.nip, line)
    for people in by_name.values():
        if len(people) > 1:
            first = [line.row for line in itertools.islice(people.values(), ROWS_NAMED + 1)]
            for line in people.values():
                rows = ", ".join(str(row) for row in [row for row in first if row != line.row][:ROWS_NAMED])
                more = " …" if len(people) - 1 > ROWS_NAMED else ""
                roster.note(line.row, "name", "namesakes_in_file", count=len(people) - 1, rows=rows + more)
