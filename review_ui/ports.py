"""What the pages need from elsewhere, as one-method ports that the composition root fills."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Protocol

from sqlalchemy.orm import Session

from models.mandates import Mandate
from models.officers import Officer
from models.posts import ParsedPost
from models.reports import Report


class ReportContent(Protocol):
    """The whole content of a report."""

    def __call__(self, session: Session, report: Report, *, at: dt.datetime, signer: Officer | None) -> bytes:
        """Canonical JSON of the report as it stands at `at`: an object whose keys `A` … `O` are the sections of the
        form, each `{title, blocks}`. With `signer` it carries that officer's signature block.
        """
        ...


class RenderReport(Protocol):
    """A report as a file."""

    def __call__(self, session: Session, report: Report, fmt: str) -> bytes:
        """The report as it stands, as `pdf` or `json`: a draft marked so, or what was signed with its seal."""
        ...


class SigningProblems(Protocol):
    """The gate before a signature."""

    def __call__(self, content: bytes) -> list[str]:
        """What must be mended before anyone may sign it, one Indonesian line each; empty when nothing."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """What one way of reading made of a page. `strange`: place and reason of each item that was not understood."""

    reader: str
    posts: tuple[ParsedPost, ...]
    strange: tuple[tuple[str, str], ...] = ()
    problem: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Hint:
    """A selector that may serve as `part`, how many elements it finds, and what the first of them shows."""

    part: str
    selector: str
    count: int
    sample: str


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What a look at an address found; `address` is the target's, with its selectors.

    A crawl would store the posts of the reading named `chosen`; where that is empty, `reason` says why none.
    """

    source: str
    address: str
    reason: str
    chosen: str
    readings: tuple[Reading, ...] = ()
    hints: tuple[Hint, ...] = ()


class LookAt(Protocol):
    """What a crawl would find at an address; stores nothing."""

    def __call__(self, source: str, address: str, selectors: Mapping[str, str], *, officer: Officer) -> Seen:
        """Ask for it once. `selectors` by their parts; empty ones count as not given.

        Raises:
            BadInput: no such source, or an address or selector of another form.
            NoMandate: none is in force. Conflict: somebody else is looking at this moment.
        """
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class RosterFinding:
    """What is wrong or strange in a roster: `place` is the column as the spreadsheet names it, empty for a whole row;
    `texts` the sentence by language.
    """

    row: int
    place: str
    texts: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class RosterPreview:
    """What an import would do, and what stands against it. `warnings_name` names exactly these warnings."""

    people: int
    accounts: int
    errors: tuple[RosterFinding, ...]
    warnings: tuple[RosterFinding, ...]
    warnings_name: str


class Rosters(Protocol):
    """Rosters from spreadsheets."""

    def template(self) -> bytes:
        """An empty workbook to fill in (XLSX)."""
        ...

    def examine(self, session: Session, mandate: Mandate, data: bytes) -> RosterPreview:
        """Check the file whole; reads only.

        Raises:
            BadInput: it is no table.
        """
        ...

    def take(self, session: Session, mandate: Mandate, data: bytes, officer: Officer, confirmed: str) -> None:
        """Import the file whole; `confirmed` names the warnings that the officer accepts.

        Raises:
            BadInput: it has errors, or other warnings; nothing is stored.
        """
        ...


class LimitsOf(Protocol):
    """What a host may be asked."""

    def __call__(self, host: str, /) -> tuple[float, int]:
        """The least seconds between two requests, and requests in an hour (0: no budget)."""
        ...


def no_limits(_host: str, /) -> tuple[float, int]:
    """Where nothing is set."""
    return 0.0, 0


@dataclasses.dataclass(frozen=True, slots=True)
class Ports:
    """Everything the pages call but do not own. `sources` are the names that `look_at` knows."""

    report_content: ReportContent
    signing_problems: SigningProblems
    render_report: RenderReport
    look_at: LookAt
    sources: tuple[str, ...]
    rosters: Rosters
    limits_of: LimitsOf = no_limits
