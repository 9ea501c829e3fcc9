"""What the pages need from elsewhere, as one-method ports that the composition root fills."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Protocol

from sqlalchemy.orm import Session

from models.officers import Officer
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
class Ports:
    """Everything the pages call but do not own."""

    report_content: ReportContent
    signing_problems: SigningProblems
    render_report: RenderReport
