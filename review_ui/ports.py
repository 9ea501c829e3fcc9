"""What the pages need from elsewhere, as one-method ports that the composition root fills."""

from __future__ import annotations

import dataclasses
from typing import Protocol

from sqlalchemy.orm import Session

from models.reports import Report


class ReportContent(Protocol):
    """The whole content of a report."""

    def __call__(self, session: Session, report: Report) -> bytes:
        """Canonical JSON: an object whose keys `A` … `O` are the sections of the form; used for preview and signing."""
        ...


class RenderPdf(Protocol):
    """The printed form of a report's content."""

    def __call__(self, content: bytes) -> bytes:
        """PDF bytes of what `ReportContent` gave."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Ports:
    """Everything the pages call but do not own."""

    report_content: ReportContent
    render_pdf: RenderPdf
